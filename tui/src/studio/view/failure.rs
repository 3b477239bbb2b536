//! Why a node failed: the whole story on the whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::failure::{Failed, Part, failed, story, title};
use super::super::model::{Full, Model};
use super::super::theme::Role;
use super::pen::{Pen, wrap};
use crate::terminal::printable;

/// Columns of a text that people like to read.
const WIDTH: usize = 100;

/// Where it is.
fn body(model: &Model) -> Rect {
    Rect { x: 0, y: 1, width: model.size.0, height: model.size.1.saturating_sub(2) }
}

/// Lines of it that are seen at once.
pub(crate) fn height(model: &Model) -> usize {
    usize::from(body(model).height.saturating_sub(2)).max(1)
}

/// All lines of it.
pub(crate) fn lines(model: &Model) -> usize {
    match &model.full {
        Some(Full::Failure(shown)) => drawn(model, shown).len(),
        _ => 0,
    }
}

/// The story in lines that fit.
fn drawn(model: &Model, shown: &Failed) -> Vec<(Part, String)> {
    let Some(node) = model.run.as_ref().and_then(|run| run.node(&shown.node)) else { return Vec::new() };
    let width = usize::from(body(model).width).saturating_sub(4).min(WIDTH);
    let mut lines = Vec::new();
    for (part, text) in story(model, node) {
        match part {
            _ if text.is_empty() => lines.push((part, text)),
            // As they stand in the file.
            Part::Source | Part::Here => lines.push((part, text)),
            _ => lines.extend(wrap(&printable(&text), width).into_iter().map(|line| (part, line))),
        }
    }
    lines
}

pub(super) fn draw(model: &Model, shown: &Failed, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let mut pen = Pen::new(body(model), buffer);
    let Some((run, node)) = model.run.as_ref().and_then(|run| Some((run, run.node(&shown.node)?))) else {
        return pen.text("It is not known any more.", style(Role::Dim));
    };
    let all = failed(run).count();
    let at = failed(run).position(|other| other.node == node.node).unwrap_or(0);
    pen.line(&Line::from(vec![
        Span::styled("✗ ", style(Role::Error)),
        Span::styled(printable(&title(node)).into_owned(), style(Role::Title)),
        Span::styled(format!("  {} of {all} that failed", at + 1), style(Role::Dim)),
    ]));
    pen.gap();
    let lines = drawn(model, shown);
    let most = lines.len().saturating_sub(height(model));
    for (part, text) in lines.iter().skip(shown.scroll.min(most)) {
        let (indent, role) = match part {
            Part::Message => ("  ", Role::Error),
            Part::Heading => ("  ", Role::Title),
            Part::Text => ("    ", Role::Text),
            Part::Source => ("    ", Role::Dim),
            Part::Here => ("  ▸ ", Role::Warning),
            Part::Hint => ("    ", Role::Hint),
        };
        pen.text(&format!("{indent}{text}"), style(role));
    }
}
