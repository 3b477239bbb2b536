//! Drawing in cells of the layout: what is outside of the area does not happen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::Camera;

/// An area of a buffer, seen through a camera.
pub(super) struct Canvas<'b> {
    buffer: &'b mut Buffer,
    area: Rect,
    camera: Camera,
}

impl<'b> Canvas<'b> {
    pub(super) fn new(buffer: &'b mut Buffer, area: Rect, camera: Camera) -> Self {
        let area = area.intersection(buffer.area);
        Canvas { buffer, area, camera }
    }

    /// One sign of one column.
    pub(super) fn put(&mut self, x: i32, y: i32, sign: &str, style: Style) {
        if let Some((x, y)) = self.place(x, y) {
            set(self.buffer, self.area, (x, y), sign, style);
        }
    }

    /// The same sign along a row.
    pub(super) fn line(&mut self, x: i32, y: i32, length: i32, sign: &str, style: Style) {
        let left = i64::from(self.camera.x);
        let start = i64::from(x).max(left);
        let end = (i64::from(x) + i64::from(length)).min(left + i64::from(self.area.width));
        for x in start..end {
            self.put(i32::try_from(x).unwrap_or(i32::MAX), y, sign, style);
        }
    }

    /// A text of at most so many columns; if it is longer, `more` stands at its end. Gives the columns that it takes.
    pub(super) fn text(&mut self, x: i32, y: i32, text: &str, most: i32, more: &str, style: Style) -> i32 {
        if most <= 0 {
            return 0;
        }
        let whole = columns(text);
        let room = if whole > most { most - 1 } else { most };
        let mut used = 0;
        for cluster in text.graphemes(true) {
            let is_control = cluster.chars().any(char::is_control);
            let width = if is_control { 1 } else { cluster.width() as i32 };
            if used + width > room {
                break;
            }
            self.cluster(x.saturating_add(used), y, if is_control { "\u{fffd}" } else { cluster }, width, style);
            used += width;
        }
        if whole > most {
            // A wide character that did not fit leaves one column.
            self.put(x.saturating_add(used), y, more, style);
            used += 1;
        }
        used
    }

    /// One character as people see it; of a wide one of which only half is inside, nothing.
    fn cluster(&mut self, x: i32, y: i32, cluster: &str, width: i32, style: Style) {
        match width {
            1 => self.put(x, y, cluster, style),
            2 => match (self.place(x, y), self.place(x.saturating_add(1), y)) {
                (Some(left), Some(right)) => {
                    set(self.buffer, self.area, right, " ", style);
                    set(self.buffer, self.area, left, cluster, style);
                }
                _ => {
                    self.put(x, y, " ", style);
                    self.put(x.saturating_add(1), y, " ", style);
                }
            },
            // Marks without a character to stand on.
            _ => {}
        }
    }

    fn place(&self, x: i32, y: i32) -> Option<(u16, u16)> {
        let x = i64::from(x) - i64::from(self.camera.x);
        let y = i64::from(y) - i64::from(self.camera.y);
        let is_inside = (0..i64::from(self.area.width)).contains(&x) && (0..i64::from(self.area.height)).contains(&y);
        is_inside.then(|| (self.area.x + x as u16, self.area.y + y as u16))
    }
}

/// Columns that a text takes as [`Canvas::text`] draws it.
pub(super) fn columns(text: &str) -> i32 {
    let width = |cluster: &str| if cluster.chars().any(char::is_control) { 1 } else { cluster.width() };
    let columns: usize = if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control()) {
        text.len()
    } else {
        text.graphemes(true).map(width).filter(|width| *width <= 2).sum()
    };
    i32::try_from(columns).unwrap_or(i32::MAX)
}

/// Sets a cell of an area; a wide character that loses its right half goes.
pub(super) fn set(buffer: &mut Buffer, area: Rect, (x, y): (u16, u16), sign: &str, style: Style) {
    if x > area.x
        && let Some(before) = buffer.cell_mut((x - 1, y))
        && before.symbol().width() > 1
    {
        before.set_symbol(" ");
    }
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(sign).set_style(style);
    }
}
