//! The runs of the journal.

use easel_engine::RunState;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::theme::Role;
use super::page_start;
use super::pen::{Pen, columns, fitted};
use crate::story;
use crate::terminal::seconds;

/// Lines that say more about the run with the cursor.
const DETAIL: u16 = 5;

/// How many runs are shown at once in a pane of that height, and how many lines tell of the one with the cursor.
fn rows(height: u16) -> (usize, u16) {
    let detail = if height > DETAIL * 2 { DETAIL } else { 0 };
    (usize::from(height - detail).max(1), detail)
}

/// The run on a line of the pane.
pub(crate) fn at_line(model: &Model, height: u16, line: u16) -> Option<usize> {
    let (rows, line) = (rows(height).0, usize::from(line));
    let at = page_start(model.runs.at, rows) + line;
    (line < rows && at < model.runs.list().len()).then_some(at)
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let mut pen = Pen::new(area, buffer);
    match &model.runs.page {
        None => return pen.text("Reading …", style(Role::Dim)),
        Some(Err(why)) => return pen.wrapped(why, style(Role::Error)),
        Some(Ok(runs)) if runs.is_empty() => return pen.text("Nothing was run yet.", style(Role::Dim)),
        Some(Ok(_)) => {}
    }
    let runs = model.runs.list();
    let (height, detail) = rows(area.height);
    let start = page_start(model.runs.at, height);
    for (at, run) in runs.iter().enumerate().skip(start).take(height) {
        let name = run.workflow.rsplit(['/', '\\']).next().unwrap_or(&run.workflow);
        let took = run.seconds.filter(|_| run.state.is_over()).map_or_else(String::new, seconds);
        let room = pen.width().saturating_sub(6 + 13 + 2 + columns(&took));
        let line = Line::from(vec![
            Span::styled(format!("{:>5} ", run.run.0), style(Role::Title)),
            Span::styled(format!("{:12} ", run.state.name()), style(state_role(run.state))),
            Span::styled(fitted(name, room), style(Role::Text)),
            Span::styled(format!(" {took}"), style(Role::Dim)),
        ]);
        if at == model.runs.at {
            pen.highlighted(&line, style(Role::Selection));
        } else {
            pen.line(&line);
        }
    }
    let Some(run) = runs.get(model.runs.at).filter(|_| detail > 0) else { return };
    let below = Rect { y: area.bottom() - detail, height: detail, ..area };
    let mut pen = Pen::new(below, buffer);
    pen.text(&"─".repeat(usize::from(area.width)), style(Role::Border));
    pen.text(&run.workflow, style(Role::Text));
    let begun = run.started.map_or_else(|| "not begun".into(), |at| format!("begun {} UTC", story::moment(at)));
    pen.text(&begun, style(Role::Dim));
    let counts = story::counts(&run.nodes);
    if !counts.is_empty() {
        pen.text(&counts, style(Role::Dim));
    }
    if let Some(problem) = &run.problem {
        pen.text(problem, style(Role::Error));
    }
}

fn state_role(state: RunState) -> Role {
    match state {
        RunState::Queued => Role::Waiting,
        RunState::Running => Role::Running,
        RunState::Completed => Role::Done,
        RunState::Failed => Role::Error,
        RunState::Interrupted | RunState::Cancelled => Role::Warning,
    }
}
