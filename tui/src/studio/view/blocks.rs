//! Pictures in half blocks: two pixels in every cell, one above the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::model::Picture;
use super::super::theme::Theme;

/// Draws a picture as large as fits, at the top left, with square pixels; nothing if the terminal shows too few colours
/// for it to be one.
pub(super) fn draw(picture: &Picture, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (columns, rows) = size(picture, area);
    for row in 0..rows {
        for column in 0..columns {
            let x = (f64::from(column) + 0.5) / f64::from(columns);
            let pixel = |half: u16| {
                let y = (f64::from(row * 2 + half) + 0.5) / f64::from(rows * 2);
                theme.pixel(picture.at(x, y))
            };
            let (Some(upper), Some(lower)) = (pixel(0), pixel(1)) else { return };
            let style = Style::new().fg(upper).bg(lower);
            buffer.set_string(area.x + column, area.y + row, "▀", style);
        }
    }
}

/// Columns and rows of cells.
pub(super) fn size(picture: &Picture, area: Rect) -> (u16, u16) {
    let (width, height) = (picture.width as f64, picture.height() as f64);
    if width < 1.0 || height < 1.0 {
        return (0, 0);
    }
    let scale = (f64::from(area.width) / width).min(f64::from(area.height) * 2.0 / height);
    ((width * scale).floor() as u16, ((height * scale).floor() as u16) / 2)
}
