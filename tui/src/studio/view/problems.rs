//! What is wrong with the workflow.

use easel_engine::Severity;
use ratatui::text::{Line, Span};

use super::super::keymap::Action;
use super::super::model::{Finding, Model};
use super::super::theme::Role;
use super::pen::{Pen, wrap};

/// Columns for the sign before a message, and for the key behind it.
const MARGIN: usize = 6;

pub(super) fn draw(model: &Model, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    let Some(flow) = &model.flow else { return };
    if flow.checked.is_none() {
        return super::unchecked(model, flow, pen);
    }
    if flow.findings().is_empty() {
        return pen.text("Nothing is wrong with it.", style(Role::Done));
    }
    // From the last page's start on, so that the one with the cursor is seen whatever those before it take.
    let before: Vec<usize> = flow.findings().iter().map(|finding| lines(&finding.message, pen.width())).collect();
    let mut start = 0;
    let mut taken: usize = before.iter().take(flow.problem + 1).sum::<usize>() + 4;
    while taken > usize::from(pen.left()) && start < flow.problem {
        taken -= before[start];
        start += 1;
    }
    for (at, finding) in flow.findings().iter().enumerate().skip(start) {
        let (sign, role) = match finding.severity {
            Severity::Error => ("✗ ", Role::Error),
            Severity::Warning => ("! ", Role::Warning),
        };
        pen.about(Some(at));
        let is_chosen = at == flow.problem;
        let width = pen.width().saturating_sub(MARGIN);
        for (number, text) in wrap(&crate::terminal::printable(&finding.message), width).into_iter().enumerate() {
            let lead = if number == 0 { sign } else { "  " };
            let mut line = vec![Span::styled(lead, style(role)), Span::styled(text, style(Role::Text))];
            if number == 0
                && let Some(key) = model.keymap.key(Action::Fix).filter(|_| finding.fix.is_some())
            {
                // A hint that a key can follow is seen from afar.
                line.push(Span::styled(format!(" [{key}]"), style(Role::Key)));
            }
            let line = Line::from(line);
            if is_chosen {
                pen.highlighted(&line, style(Role::Selection));
            } else {
                pen.line(&line);
            }
        }
        if is_chosen {
            if let Some(place) = &finding.place {
                pen.indented("  ", place, style(Role::Dim));
            }
            if let Some(hint) = &finding.hint {
                pen.indented("  ", hint, style(Role::Hint));
            }
            if let Some(text) = more(model, finding) {
                pen.indented("  ", &text, style(Role::Key));
            }
        }
    }
}

/// What a key does about it.
fn more(model: &Model, finding: &Finding) -> Option<String> {
    let key = |action: Action| model.keymap.key(action).unwrap_or_default();
    if let Some(file) = &finding.file {
        return Some(format!("in another file: {} opens {}", key(Action::Activate), file.display()));
    }
    let fix = finding.fix.as_ref()?;
    Some(format!("{}: {}", key(Action::Fix), fix.about))
}

fn lines(message: &str, width: usize) -> usize {
    wrap(message, width.saturating_sub(MARGIN)).len()
}
