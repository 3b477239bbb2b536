//! What was told.

use ratatui::text::{Line as Drawn, Span};

use super::super::keymap::{Action, Context};
use super::super::message::Tone;
use super::super::model::Model;
use super::super::theme::Role;
use super::bars::tone_role;
use super::pen::{Pen, wrap};

/// Columns of the time.
const TIME: usize = 7;

pub(super) fn draw(model: &Model, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    pen.text(&heading(model), style(Role::Dim));
    let height = usize::from(pen.left());
    let width = pen.width().saturating_sub(TIME);
    // From the line with the cursor upwards: whole lines, of the uppermost as much as there is room for.
    let mut rows: Vec<(Drawn<'_>, usize)> = Vec::new();
    for (number, line) in model.log.shown().rev().skip(model.log.up).enumerate() {
        let role = tone_role(line.tone);
        let pieces = wrap(&line.text, width);
        for (at, text) in pieces.into_iter().enumerate().rev() {
            let seconds = line.at.as_secs();
            let lead = if at == 0 { format!("{:>3}:{:02} ", seconds / 60, seconds % 60) } else { " ".repeat(TIME) };
            let drawn = Drawn::from(vec![Span::styled(lead, style(Role::Dim)), Span::styled(text, style(role))]);
            rows.push((drawn, number));
        }
        if rows.len() >= height {
            break;
        }
    }
    if rows.is_empty() {
        pen.text("Nothing was told.", style(Role::Dim));
    }
    rows.truncate(height);
    for (line, number) in rows.iter().rev() {
        pen.about(Some(model.log.up + number));
        if *number == 0 && model.context() == Context::Log {
            pen.highlighted(line, style(Role::Selection))
        } else {
            pen.line(line)
        }
    }
}

/// What is shown of it, and whether it follows.
fn heading(model: &Model) -> String {
    let shown = match model.log.least {
        Tone::Detail => "everything",
        Tone::Note => "notes, warnings, errors",
        Tone::Warning => "warnings, errors",
        Tone::Error => "errors",
    };
    let filter = if model.log.filter.is_empty() { String::new() } else { format!(" with “{}”", model.log.filter) };
    let key = model.keymap.key(Action::Last).unwrap_or_default();
    match model.log.up {
        0 => format!("{shown}{filter}"),
        newer => format!("{newer} newer below, `{key}` follows; {shown}{filter}"),
    }
}
