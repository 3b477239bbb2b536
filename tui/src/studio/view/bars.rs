//! The top line and the bottom line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Flow, Model, Phase};
use super::super::theme::Role;
use super::keybar;
use super::pen::{Pen, columns, end_of, fitted};
use crate::terminal::{printable, seconds};

/// Columns of the program's name.
const TITLE: usize = 7;

/// The name of what is open, what is wrong with it, and how the run stands.
pub(super) fn title(model: &Model, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let style = |role: Role| model.theme.style(role);
    buffer.set_style(area, style(Role::Bar));
    let told = run(model).map(|(text, role)| (u16::try_from(columns(&text)).unwrap_or(u16::MAX), text, role));
    let told = told.filter(|(width, ..)| *width < area.width / 2);
    // What stands to the right never covers half of a wide letter.
    let room = area.width - told.as_ref().map_or(0, |(width, ..)| *width);
    let mut left = vec![Span::styled(" easel ", style(Role::Title))];
    match (&model.flow, &model.chooser) {
        (Some(flow), _) => left.extend(open(model, flow, room)),
        (None, Some(chooser)) => {
            left.push(Span::styled(printable(&chooser.folder.to_string_lossy()).into_owned(), style(Role::Text)));
        }
        (None, None) => {}
    }
    buffer.set_line(area.x, area.y, &Line::from(left), room);
    if let Some((width, text, role)) = told {
        buffer.set_stringn(area.x + room, area.y, text, usize::from(width), style(role));
    }
}

/// What is open, and how it stands. That something is not saved comes first; a path that is too long is cut in front.
fn open<'a>(model: &Model, flow: &Flow, room: u16) -> Vec<Span<'a>> {
    let style = |role: Role| model.theme.style(role);
    let mut states = Vec::new();
    if model.is_modified() {
        states.push(Span::styled("  not saved", style(Role::Warning)));
    }
    if flow.conflict.is_some() {
        states.push(Span::styled("  conflict", style(Role::Error)));
    }
    let (errors, warnings) = flow.counts();
    let counted = [(errors, "error", Role::Error), (warnings, "warning", Role::Warning)];
    for (number, what, role) in counted.into_iter().filter(|(number, ..)| *number > 0) {
        states.push(Span::styled(format!("  {}", crate::terminal::count(number, what)), style(role)));
    }
    if flow.is_recorded {
        states.push(Span::styled("  as it was run", style(Role::Hint)));
    }
    if flow.is_uncheckable {
        states.push(Span::styled("  not checked", style(Role::Error)));
    } else if flow.history.is_some() && !flow.is_current() {
        states.push(Span::styled("  checking …", style(Role::Dim)));
    }
    let taken: usize = states.iter().map(|state| columns(&state.content)).sum();
    let mut spans = shortened(trail(model, flow), usize::from(room).saturating_sub(TITLE + taken));
    spans.extend(states);
    spans
}

/// The end of what the parts say together, in so many columns.
fn shortened(parts: Vec<Span<'_>>, room: usize) -> Vec<Span<'_>> {
    let mut left = room;
    let mut kept = Vec::new();
    for part in parts.into_iter().rev() {
        let taken = columns(&part.content);
        if taken > left {
            kept.push(Span::styled(end_of(&part.content, left), part.style));
            break;
        }
        left -= taken;
        kept.push(part);
    }
    kept.reverse();
    kept
}

/// Where one is: the file, and the nodes that were entered.
fn trail<'a>(model: &Model, flow: &Flow) -> Vec<Span<'a>> {
    let style = |role: Role| model.theme.style(role);
    let outermost = model.outer.first().unwrap_or(flow);
    let mut spans = vec![Span::styled(printable(&outermost.path.to_string_lossy()).into_owned(), style(Role::Text))];
    for id in flow.way() {
        spans.push(Span::styled(" › ", style(Role::Dim)));
        spans.push(Span::styled(printable(&id).into_owned(), style(Role::Text)));
    }
    if !model.outer.is_empty() {
        spans.push(Span::styled(format!(" ({})", printable(&flow.path.to_string_lossy())), style(Role::Dim)));
    }
    spans
}

fn run(model: &Model) -> Option<(String, Role)> {
    let run = model.run.as_ref()?;
    let name = run.run.map(|id| format!("run {} ", id.0)).unwrap_or_default();
    let (ended, all) = run.counts();
    let took = seconds(run.took(run.clock(model.now)).as_secs_f64());
    let (word, role) = phase(run.phase);
    let text = match run.phase {
        Phase::Over(_) => format!("{name}{word}, {took} "),
        _ => format!("{name}{word} {ended}/{all}, {took} "),
    };
    Some((text, role))
}

/// A word for where a run is.
pub(super) fn phase(phase: Phase) -> (&'static str, Role) {
    use easel_engine::Outcome;

    match phase {
        Phase::Beginning => ("begins", Role::Waiting),
        Phase::Running => ("running", Role::Running),
        Phase::Stopping => ("stopping", Role::Warning),
        Phase::Over(Some(Outcome::Completed)) => ("completed", Role::Done),
        Phase::Over(Some(Outcome::Failed)) => ("failed", Role::Error),
        Phase::Over(Some(Outcome::Cancelled)) => ("stopped", Role::Warning),
        Phase::Over(None) => ("ended", Role::Error),
    }
}

/// What was told last, or else what the most useful keys do here.
pub(super) fn bottom(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    buffer.set_style(area, style(Role::Bar));
    let mut pen = Pen::new(area, buffer);
    if let Some((tone, text)) = &model.notice {
        let role = tone_role(*tone);
        return pen.text(&told(model, text, usize::from(area.width)), style(role));
    }
    let spans = keybar::entries(model, area.width).into_iter().flat_map(|entry| {
        [
            Span::styled(format!(" {}", entry.key), style(Role::Key)),
            Span::styled(format!(" {} ", entry.word), style(Role::Bar)),
        ]
    });
    pen.line(&Line::from(spans.collect::<Vec<_>>()));
}

/// What is told, in one line; where the rest of it stands if it is longer.
fn told(model: &Model, text: &str, width: usize) -> String {
    let text = format!(" {}", printable(text));
    let key = model.keymap.key(Action::ShowLog).unwrap_or_default();
    let more = format!(" ({key} Log)");
    match width.checked_sub(columns(&more)) {
        Some(room) if columns(&text) > width => format!("{}{more}", fitted(&text, room).trim_end()),
        _ => text,
    }
}

/// The role of something that is told.
pub(super) fn tone_role(tone: Tone) -> Role {
    match tone {
        Tone::Detail => Role::Dim,
        Tone::Note => Role::Text,
        Tone::Warning => Role::Warning,
        Tone::Error => Role::Error,
    }
}
