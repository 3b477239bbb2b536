//! What the keys do here: a list with a cursor.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};

use super::super::field::Field;
use super::super::keymap::Action;
use super::super::model::Model;
use super::super::theme::Role;
use super::super::update::explained;
use super::overlay::{Listed, framed, typed};
use super::pen::{Pen, fitted, wrap};

/// Columns of the keys.
const KEYS: usize = 18;

/// A line, and the action that it is about, by its place among those that are listed.
type Row = (Line<'static>, Option<usize>);

pub(super) fn draw(model: &Model, at: usize, field: &Field, is_typing: bool, buffer: &mut Buffer) -> Listed {
    let columns = model.size.0.saturating_sub(2).min(84);
    let rows = rows(model, &field.text(), usize::from(columns).saturating_sub(KEYS + 5));
    let is_filtered = is_typing || !field.text().is_empty();
    // While it is searched, the frame stays as it is.
    let all = if is_filtered { usize::MAX } else { rows.len() + 2 };
    let height = u16::try_from(all).unwrap_or(u16::MAX).min(model.size.1.saturating_sub(2));
    let foot = match is_typing {
        true => "enter goes to the list, esc shows all",
        false => "enter does it, / searches, j k move, esc closes",
    };
    let area = framed(model, "What the keys do here", foot, (columns, height), buffer);
    let mut pen = Pen::new(area, buffer);
    if is_typing {
        typed(model, field, &mut pen);
    } else if is_filtered {
        pen.text(&format!("with “{}”", field.text()), model.theme.style(Role::Hint));
    }
    if rows.is_empty() {
        pen.text("nothing is called like that", model.theme.style(Role::Dim));
    }
    let room = usize::from(pen.left());
    let cursor = rows.iter().position(|(_, about)| *about == Some(at)).unwrap_or(0);
    let first = cursor.saturating_sub(room / 2).min(rows.len().saturating_sub(room));
    for (line, about) in rows.iter().skip(first) {
        pen.about(*about);
        if *about == Some(at) && !is_typing {
            pen.highlighted(line, model.theme.style(Role::Selection));
        } else {
            pen.line(line);
        }
    }
    (area, pen.entries())
}

/// Headings, and under each what keys do.
fn rows(model: &Model, typed: &str, room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut number = 0;
    for (title, actions) in explained(model, typed) {
        if !rows.is_empty() {
            rows.push((Line::default(), None));
        }
        rows.push((Line::styled(title, model.theme.style(Role::Title)), None));
        for action in actions {
            rows.extend(entry(model, action, room).into_iter().map(|line| (line, Some(number))));
            number += 1;
        }
    }
    rows
}

/// An action with its keys.
fn entry(model: &Model, action: Action, room: usize) -> Vec<Line<'static>> {
    let keys: Vec<_> = model.keymap.keys(action).map(ToString::to_string).collect();
    let mut keys = if keys.is_empty() { format!(":{}", action.name()) } else { keys.join(" ") };
    let lines = wrap(action.about(), room).into_iter().map(|about| {
        let keys = Span::styled(fitted(&std::mem::take(&mut keys), KEYS), model.theme.style(Role::Key));
        Line::from(vec![keys, Span::styled(format!(" {about}"), model.theme.style(Role::Text))])
    });
    lines.collect()
}
