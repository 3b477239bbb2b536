//! The whole graph in a corner, when it is larger than the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::canvas::set;
use super::palette::signs;
use super::{GraphView, Look};

/// The largest it gets, without its border.
const MOST: (i32, i32) = (26, 8);
/// A smaller screen has none.
const SMALLEST_SCREEN: (u16, u16) = (48, 14);

/// Where the minimap is, without its border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Minimap {
    inner: Rect,
}

impl Minimap {
    /// The minimap of a layout of that size in an area, if it has one.
    pub(super) fn new(size: (i32, i32), area: Rect) -> Option<Self> {
        let is_seen_whole = size.0 <= i32::from(area.width) && size.1 <= i32::from(area.height);
        if is_seen_whole || area.width < SMALLEST_SCREEN.0 || area.height < SMALLEST_SCREEN.1 {
            return None;
        }
        let most = (MOST.0.min(i32::from(area.width) / 4), MOST.1.min(i32::from(area.height) / 4));
        // As high as it is wide to scale; what would be too high is narrower.
        let scaled =
            |length: i32, by: i32, whole: i32| (i64::from(length) * i64::from(by) / i64::from(whole.max(1))) as i32;
        let height = scaled(size.1, most.0, size.0).clamp(2, most.1);
        let width = if height < most.1 { most.0 } else { scaled(size.0, most.1, size.1).clamp(6, most.0) };
        let (width, height) = (width as u16, height as u16);
        Some(Minimap { inner: Rect::new(area.right() - width - 1, area.bottom() - height - 1, width, height) })
    }

    /// Whether it hides something of that place.
    pub(super) fn covers(&self, place: Rect) -> bool {
        self.outer().intersects(place)
    }

    fn outer(&self) -> Rect {
        Rect::new(self.inner.x - 1, self.inner.y - 1, self.inner.width + 2, self.inner.height + 2)
    }

    /// The cell of a layout of that size that a place on the minimap shows.
    pub(super) fn cell(&self, size: (i32, i32), position: Position) -> Option<(i32, i32)> {
        let inner = self.inner;
        self.outer().contains(position).then(|| {
            let scaled = |at: u16, start: u16, length: u16, whole: i32| {
                let at = i64::from(at.clamp(start, start + length - 1) - start) * 2 + 1;
                (at * i64::from(whole) / (i64::from(length) * 2)) as i32
            };
            (scaled(position.x, inner.x, inner.width, size.0), scaled(position.y, inner.y, inner.height, size.1))
        })
    }

    pub(super) fn draw(&self, view: &GraphView<'_>, area: Rect, buffer: &mut Buffer) {
        let inner = self.inner;
        let clip = area.intersection(buffer.area);
        let border = view.theme.look(Look::Border);
        let [upper_left, upper_right, lower_left, lower_right, across, down] = signs(view.theme).frame;
        let (left, top, right, bottom) = (inner.x - 1, inner.y - 1, inner.right(), inner.bottom());
        for x in inner.x..right {
            set(buffer, clip, (x, top), across, border);
            set(buffer, clip, (x, bottom), across, border);
        }
        for y in inner.y..bottom {
            set(buffer, clip, (left, y), down, border);
            set(buffer, clip, (right, y), down, border);
        }
        for (place, sign) in [
            ((left, top), upper_left),
            ((right, top), upper_right),
            ((left, bottom), lower_left),
            ((right, bottom), lower_right),
        ] {
            set(buffer, clip, place, sign, border);
        }
        for y in inner.y..bottom {
            for x in inner.x..right {
                self.dots(view, clip, (x, y), buffer);
            }
        }
    }

    /// Two columns and four rows of dots, each a part of the layout.
    fn dots(&self, view: &GraphView<'_>, clip: Rect, (x, y): (u16, u16), buffer: &mut Buffer) {
        // Braille patterns number their dots column by column, but for the lowest row.
        const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let parts = (i32::from(self.inner.width) * 2, i32::from(self.inner.height) * 4);
        let first = (i32::from(x - self.inner.x) * 2, i32::from(y - self.inner.y) * 4);
        let mut pattern = 0;
        let mut is_selected = false;
        let selected = view.selected.and_then(|node| view.layout.boxes.get(node)).map(|area| area.centre());
        for (row, dots) in DOTS.iter().enumerate() {
            for (column, dot) in dots.iter().enumerate() {
                let part = (first.0 + column as i32, first.1 + row as i32);
                if view.layout.has_box(part, parts) {
                    pattern |= dot;
                }
                let is_here =
                    |(x, y)| part == (scaled(x, view.layout.size.0, parts.0), scaled(y, view.layout.size.1, parts.1));
                is_selected |= selected.is_some_and(is_here);
            }
        }
        let mut style = view.theme.look(if is_selected { Look::Selected } else { Look::Dim });
        if self.is_on_screen(view, clip, first, parts) {
            style = style.patch(view.theme.look(Look::Viewport));
        }
        if is_selected {
            style = style.add_modifier(Modifier::BOLD);
        }
        let sign = match (view.theme.is_ascii(), pattern) {
            (_, 0) => ' ',
            (true, _) => '#',
            (false, pattern) => char::from_u32(0x2800 + pattern).unwrap_or(' '),
        };
        set(buffer, clip, (x, y), sign.encode_utf8(&mut [0; 4]), style);
    }

    /// Whether the middle of a cell's dots is on the screen.
    fn is_on_screen(&self, view: &GraphView<'_>, area: Rect, first: (i32, i32), parts: (i32, i32)) -> bool {
        let is_within = |middle: i32, parts: i32, whole: i32, camera: i32, shown: u16| {
            let at = i64::from(middle) * i64::from(whole) / i64::from(parts.max(1));
            (i64::from(camera)..i64::from(camera) + i64::from(shown)).contains(&at)
        };
        is_within(first.0 + 1, parts.0, view.layout.size.0, view.camera.x, area.width)
            && is_within(first.1 + 2, parts.1, view.layout.size.1, view.camera.y, area.height)
    }
}

fn scaled(at: i32, whole: i32, parts: i32) -> i32 {
    (i64::from(at) * i64::from(parts) / i64::from(whole.max(1))) as i32
}
