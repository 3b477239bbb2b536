//! What is in front of the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::super::field::Field;
use super::super::keymap::{Action, Keymap};
use super::super::model::{Model, Overlay};
use super::super::theme::Role;
use super::super::update::candidates;
use super::page_start;
use super::pen::{Pen, fitted, wrap};

pub(super) fn draw(model: &Model, overlay: &Overlay, buffer: &mut Buffer) {
    match overlay {
        Overlay::Help(scroll) => help(model, *scroll, buffer),
        Overlay::Palette(field, at) => palette(model, field, *at, buffer),
        Overlay::Prompt(prompt, field) => {
            let area = framed(model, prompt.title(), "enter keeps it, esc closes", (60, 3), buffer);
            typed(model, field, &mut Pen::new(area, buffer));
        }
        Overlay::Story { title, text, scroll } => {
            let columns = model.size.0.saturating_sub(4).min(100);
            let lines = wrap(text, usize::from(columns.saturating_sub(4)));
            let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(model.size.1.saturating_sub(2));
            let area = framed(model, title, "esc closes", (columns, rows), buffer);
            let most = lines.len().saturating_sub(usize::from(area.height));
            let mut pen = Pen::new(area, buffer).skipping((*scroll).min(most));
            lines.iter().for_each(|line| pen.text(line, model.theme.style(Role::Text)));
        }
        Overlay::Leave => {
            let area = framed(model, "Leave?", "", (52, 4), buffer);
            let mut pen = Pen::new(area, buffer);
            pen.text("A run is under way; leaving stops it.", model.theme.style(Role::Text));
            let key = |text: &'static str| Span::styled(text, model.theme.style(Role::Key));
            let word = |text: &'static str| Span::styled(text, model.theme.style(Role::Text));
            pen.line(&Line::from(vec![key("y"), word(" leave   "), key("esc"), word(" stay")]));
        }
    }
}

/// A frame in the middle of the screen, cleared; what is inside of it.
fn framed(model: &Model, title: &str, foot: &str, size: (u16, u16), buffer: &mut Buffer) -> Rect {
    let screen = *buffer.area();
    let (width, height) = (size.0.min(screen.width), size.1.min(screen.height));
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 3, width, height };
    Clear.render(area, buffer);
    buffer.set_style(area, model.theme.style(Role::Text));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(model.theme.style(Role::Focus))
        .title(Line::styled(format!(" {} ", crate::terminal::printable(title)), model.theme.style(Role::Title)))
        .title_bottom(Line::styled(format!(" {foot} ").trim_end().to_string(), model.theme.style(Role::Dim)));
    block.render(area, buffer);
    area.inner(Margin { horizontal: 2, vertical: 1 })
}

/// A line that somebody types, with the cursor; its end, if not all fits.
fn typed(model: &Model, field: &Field, pen: &mut Pen<'_>) {
    let (before, after) = field.halves();
    let room = pen.width().saturating_sub(2);
    let length = before.chars().count();
    let before: String = before.chars().skip(length.saturating_sub(room)).collect();
    let mut after = after.chars();
    let under: String = after.next().unwrap_or(' ').to_string();
    let style = model.theme.style(Role::Text);
    let cursor = style.add_modifier(ratatui::style::Modifier::REVERSED);
    pen.line(&Line::from(vec![
        Span::styled(before, style),
        Span::styled(under, cursor),
        Span::styled(after.collect::<String>(), style),
    ]));
}

fn palette(model: &Model, field: &Field, at: usize, buffer: &mut Buffer) {
    let fits = candidates(model, &field.text());
    let rows = model.size.1.saturating_sub(4).min(18);
    let area = framed(model, "Do", "enter does it, esc closes", (72, rows), buffer);
    let mut pen = Pen::new(area, buffer);
    typed(model, field, &mut pen);
    pen.gap();
    if fits.is_empty() {
        return pen.text("nothing is called like that", model.theme.style(Role::Dim));
    }
    let height = usize::from(pen.left()).max(1);
    for (number, action) in fits.iter().enumerate().skip(page_start(at, height)).take(height) {
        let line = entry(model, *action);
        if number == at {
            pen.highlighted(&line, model.theme.style(Role::Selection));
        } else {
            pen.line(&line);
        }
    }
}

/// An action with its keys.
fn entry(model: &Model, action: Action) -> Line<'static> {
    let keys: Vec<_> = model.keymap.keys(action).iter().map(ToString::to_string).collect();
    Line::from(vec![
        Span::styled(fitted(&keys.join(" "), 16), model.theme.style(Role::Key)),
        Span::styled(format!(" {}", fitted(action.name(), 16)), model.theme.style(Role::Title)),
        Span::styled(format!(" {}", action.about()), model.theme.style(Role::Dim)),
    ])
}

fn help(model: &Model, scroll: usize, buffer: &mut Buffer) {
    let actions: Vec<_> = Keymap::actions(model.context()).collect();
    let rows = u16::try_from(actions.len() + 3).unwrap_or(u16::MAX).min(model.size.1.saturating_sub(2));
    let area = framed(model, "What the keys do here", "j k scroll, esc closes", (78, rows), buffer);
    let most = (actions.len() + 1).saturating_sub(usize::from(area.height));
    let mut pen = Pen::new(area, buffer).skipping(scroll.min(most));
    for action in actions {
        pen.line(&entry(model, action));
    }
}
