//! What waits to be run, and who carries it out.

use easel_engine::RunState;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::keymap::Action;
use super::super::model::{Model, QueueRow};
use super::super::theme::Role;
use super::details::state_role;
use super::page_start;
use super::pen::{Pen, fitted};
use crate::terminal::count;

/// Narrower than this, a line has room for the least alone.
const ROOM_FOR_COLUMNS: usize = 64;

/// Lines above the list: how things stand, and the names of the columns.
const ABOVE: u16 = 3;

/// How many entries are shown at once.
pub(super) fn page(area: Rect) -> u16 {
    area.height.saturating_sub(ABOVE)
}

/// The entry on a line of the pane.
pub(crate) fn at_line(model: &Model, area: Rect, line: u16) -> Option<usize> {
    let line = line.checked_sub(ABOVE)?;
    let at = page_start(model.queue.at, usize::from(page(area))) + usize::from(line);
    (at < model.queue.rows().len()).then_some(at)
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let mut pen = Pen::new(area, buffer);
    let rows = match &model.queue.page {
        None => return pen.text("Reading the journal …", style(Role::Dim)),
        Some(Err(why)) => return pen.wrapped(why, style(Role::Error)),
        Some(Ok(rows)) => rows,
    };
    let (running, waiting) = model.queue.counts();
    let wait = if waiting == 1 { "waits" } else { "wait" };
    pen.text(&format!("{} {wait}, {running} under way", count(waiting, "run")), style(Role::Title));
    let key = |action| model.keymap.key(action).unwrap_or_default();
    let (text, role) = match model.queue.drains {
        true => (format!("what waits is run here, one by one; `{}` ends that", key(Action::Drain)), Role::Running),
        false => (format!("what waits is not run here; `{}` begins that", key(Action::Drain)), Role::Dim),
    };
    pen.text(&text, style(role));
    if rows.is_empty() {
        let text = format!("Nothing waits. `{}` puts the open workflow into the queue.", key(Action::Enqueue));
        pen.gap();
        return pen.wrapped(&text, style(Role::Dim));
    }
    let width = pen.width();
    pen.text(&heading(width), style(Role::Dim));
    let height = usize::from(pen.left()).max(1);
    let start = page_start(model.queue.at, height);
    for (at, row) in rows.iter().enumerate().skip(start).take(height) {
        let line = line(model, row, at.checked_sub(running), width);
        if at == model.queue.at {
            pen.highlighted(&line, style(Role::Selection));
        } else {
            pen.line(&line);
        }
    }
}

/// Columns of how a run stands.
const STATE: usize = 17;

/// Columns of the workflow's name.
fn name_width(width: usize) -> usize {
    if width >= 110 { 24 } else { 14 }
}

fn heading(width: usize) -> String {
    match width < ROOM_FOR_COLUMNS {
        true => "PLACE    RUN PRIORITY".into(),
        false => {
            let name = name_width(width);
            format!("PLACE    RUN PRIORITY {:STATE$} {} SEED   PROMPT", "STATE", fitted("WORKFLOW", name))
        }
    }
}

/// A run with its place among those that wait.
fn line(model: &Model, row: &QueueRow, place: Option<usize>, width: usize) -> Line<'static> {
    let style = |role: Role| model.theme.style(role);
    let summary = &row.summary;
    let place = place.map_or_else(|| "▶".into(), |place| (place + 1).to_string());
    let mut spans = vec![
        Span::styled(format!("{place:>5} {:>6} ", summary.run.0), style(Role::Title)),
        Span::styled(format!("{:>8} ", summary.priority), style(Role::Key)),
    ];
    let name = summary.workflow.rsplit(['/', '\\']).next().unwrap_or(&summary.workflow);
    let about = if row.gist.prompt.is_empty() { name } else { &row.gist.prompt };
    let used = 5 + 1 + 6 + 1 + 8 + 1;
    if width < ROOM_FOR_COLUMNS {
        spans.push(Span::styled(fitted(about, width.saturating_sub(used)), style(state_role(summary.state))));
        return Line::from(spans);
    }
    let state = match summary.state {
        RunState::Running if model.queue.ours == Some(summary.run) => "running here",
        RunState::Running if model.run.as_ref().is_some_and(|run| run.is_ours && run.run == Some(summary.run)) => {
            "running here"
        }
        RunState::Running => "running elsewhere",
        RunState::Interrupted => "interrupted",
        state => state.name(),
    };
    let state = if summary.cancel_requested { "asked to stop" } else { state };
    let name_width = name_width(width);
    let room = width.saturating_sub(used + STATE + 1 + name_width + 1 + 7);
    spans.extend([
        Span::styled(format!("{state:STATE$} "), style(state_role(summary.state))),
        Span::styled(format!("{} {} ", fitted(name, name_width), fitted(&row.gist.seed, 6)), style(Role::Dim)),
        Span::styled(fitted(&row.gist.prompt, room), style(Role::Text)),
    ]);
    Line::from(spans)
}
