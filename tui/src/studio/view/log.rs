//! What was told.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::message::Tone;
use super::super::model::Model;
use super::super::theme::Role;
use super::bars::tone_role;
use super::pen::Pen;

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let mut pen = Pen::new(area, buffer);
    let shown = match model.log.least {
        Tone::Detail => "everything",
        Tone::Note => "notes, warnings, errors",
        Tone::Warning => "warnings, errors",
        Tone::Error => "errors",
    };
    let filter = if model.log.filter.is_empty() { String::new() } else { format!(" with “{}”", model.log.filter) };
    pen.text(&format!("{shown}{filter}"), style(Role::Dim));
    let height = usize::from(pen.left());
    let lines: Vec<_> = model.log.shown().rev().skip(model.log.up).take(height).collect();
    if lines.is_empty() {
        pen.text("Nothing was told.", style(Role::Dim));
    }
    for line in lines.into_iter().rev() {
        let seconds = line.at.as_secs();
        let time = format!("{:>3}:{:02} ", seconds / 60, seconds % 60);
        let text = Span::styled(line.text.as_str(), style(tone_role(line.tone)));
        pen.line(&Line::from(vec![Span::styled(time, style(Role::Dim)), text]));
    }
}
