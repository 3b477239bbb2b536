//! Pictures in half blocks: two pixels in every cell, one above the other. Where there are too few colours: one shade of grey
//! in every cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::model::Picture;
use super::super::theme::{Ground, Theme};

/// From no ink to nothing but ink.
const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];

/// Draws a picture as large as fits, at the top left, with square pixels.
pub(super) fn draw(picture: &Picture, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let area = area.intersection(*buffer.area());
    let (columns, rows) = size(picture, area);
    for row in 0..rows {
        for column in 0..columns {
            let x = (f64::from(column) + 0.5) / f64::from(columns);
            let pixel = |half: u16| {
                let y = (f64::from(row * 2 + half) + 0.5) / f64::from(rows * 2);
                picture.at(x, y)
            };
            let (upper, lower) = (pixel(0), pixel(1));
            let (sign, style) = match (theme.pixel(upper), theme.pixel(lower)) {
                (Some(upper), Some(lower)) => ("▀", Style::new().fg(upper).bg(lower)),
                _ => (shade(upper, lower, theme.ground()), Style::new()),
            };
            buffer.set_string(area.x + column, area.y + row, sign, style);
        }
    }
}

/// Draws a picture in the middle of an area.
pub(super) fn centred(picture: &Picture, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (columns, rows) = size(picture, area);
    let (x, y) = (area.x + (area.width - columns) / 2, area.y + (area.height - rows) / 2);
    draw(picture, Rect::new(x, y, columns, rows), theme, buffer);
}

/// How much ink two pixels take in one cell: light is ink on a dark ground.
fn shade(upper: [u8; 3], lower: [u8; 3], ground: Ground) -> &'static str {
    // Rec. 709, good enough for five shades.
    let light =
        |[red, green, blue]: [u8; 3]| 0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue);
    let light = (light(upper) + light(lower)) / 510.0;
    let ink = if ground == Ground::Dark { light } else { 1.0 - light };
    SHADES[((ink * SHADES.len() as f64) as usize).min(SHADES.len() - 1)]
}

/// Columns and rows of cells.
pub(super) fn size(picture: &Picture, area: Rect) -> (u16, u16) {
    let (width, height) = (picture.width as f64, picture.height() as f64);
    if width < 1.0 || height < 1.0 || area.is_empty() {
        return (0, 0);
    }
    let scale = (f64::from(area.width) / width).min(f64::from(area.height) * 2.0 / height);
    // One that is a thousand times as high as wide is seen, too.
    (((width * scale).floor() as u16).max(1), (((height * scale).floor() as u16) / 2).max(1))
}

#[cfg(test)]
mod tests {
    use super::super::super::theme::Depth;
    use super::*;

    fn drawn(ground: Ground, depth: Depth) -> Buffer {
        let picture = Picture { width: 2, pixels: [[0; 3], [255; 3], [0; 3], [255; 3]].into() };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        draw(&picture, buffer.area, &Theme::new(ground, depth), &mut buffer);
        buffer
    }

    #[test]
    fn no_shape_makes_a_picture_vanish_or_leave_its_area() {
        let area = Rect::new(0, 0, 14, 7);
        for (width, height) in [(1, 4000), (5000, 2), (1, 1), (64, 64), (128, 1)] {
            let picture = Picture { width, pixels: vec![[9; 3]; width * height].into() };
            let (columns, rows) = size(&picture, area);
            assert!((1..=14).contains(&columns) && (1..=7).contains(&rows), "{width} × {height}: {columns} × {rows}");
            assert_eq!(size(&picture, Rect::new(0, 0, 0, 7)), (0, 0));
        }
    }

    #[test]
    fn without_colours_light_is_ink_on_dark_and_paper_on_light() {
        let row = |buffer: &Buffer| (0..4).map(|x| buffer[(x, 0)].symbol()).collect::<String>();
        for depth in [Depth::None, Depth::Ansi] {
            assert_eq!(row(&drawn(Ground::Dark, depth)), "  ██", "{depth:?}");
            assert_eq!(row(&drawn(Ground::Light, depth)), "██  ", "{depth:?}");
        }
        assert_eq!(row(&drawn(Ground::Light, Depth::True)), "▀▀▀▀");
    }
}
