//! The list of workflows in a folder.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::theme::Role;
use super::page_start;
use super::pen::{Pen, columns, fitted};

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let mut pen = Pen::new(area, buffer);
    let Some(chooser) = &model.chooser else { return };
    match &chooser.entries {
        None => pen.text("Reading …", style(Role::Dim)),
        Some(Err(why)) => pen.wrapped(why, style(Role::Error)),
        Some(Ok(entries)) if entries.is_empty() => {
            pen.wrapped("There are no workflows in this folder: they are files that end in .ron.", style(Role::Dim));
        }
        Some(Ok(entries)) => {
            let height = usize::from(area.height);
            let start = page_start(chooser.at, height);
            let names: Vec<_> = entries.iter().map(|entry| entry.path.file_name().unwrap_or_default()).collect();
            let longest = names.iter().map(|name| columns(&name.to_string_lossy())).max().unwrap_or(0);
            let width = longest.min(pen.width() / 2);
            for (at, entry) in entries.iter().enumerate().skip(start).take(height) {
                let name = fitted(&names[at].to_string_lossy(), width);
                let about = fitted(&entry.about, pen.width().saturating_sub(width + 3));
                let line = Line::from(vec![
                    Span::raw(" "),
                    Span::styled(name, style(Role::Title)),
                    Span::styled(format!("  {about}"), style(Role::Dim)),
                ]);
                if at == chooser.at {
                    pen.highlighted(&line, style(Role::Selection));
                } else {
                    pen.line(&line);
                }
            }
        }
    }
}
