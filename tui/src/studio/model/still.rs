//! Pictures on their way to the screen: what is wanted of them, and what became of that.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::buffer::Cell;

use super::super::graphics::Graphics;
use super::Picture;

/// Where a picture's pixels come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// They are here.
    Pixels(Picture),
    /// They are in a file.
    File(PathBuf),
}

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first column.
    pub(crate) x: u32,
    /// The first row.
    pub(crate) y: u32,
    /// Columns.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
}

/// A picture that a place of the screen wants to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    /// Which place: of two wishes for one place, the newer one counts.
    pub(crate) place: Place,
    /// Of what.
    pub(crate) source: Source,
    /// Only that part of it.
    pub(crate) part: Option<Part>,
    /// Columns and lines of cells that it takes.
    pub(crate) cells: (u16, u16),
    /// Columns and rows of pixels that it is drawn with.
    pub(crate) pixels: (u32, u32),
    /// What it is drawn with.
    pub(crate) graphics: Graphics,
}

/// A place of the screen that shows a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The pane of the run.
    Monitor,
    /// The whole screen.
    Viewer,
    /// One among others.
    Slot(u8),
}

impl Place {
    /// Slots that there are: more pictures at once are drawn as characters.
    const SLOTS: u8 = 200;

    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Place> {
        [Place::Monitor, Place::Viewer].into_iter().chain((0..Place::SLOTS).map(Place::Slot))
    }

    /// A picture among others; none if there are too many.
    pub(crate) fn slot(number: usize) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < Place::SLOTS).map(Place::Slot)
    }

    /// What the picture is called between easel and a terminal that keeps pictures: a newer one takes the place of the
    /// one before it. Terminals tell such numbers apart by window, so every easel has the same.
    pub(crate) fn number(self) -> u32 {
        match self {
            Place::Monitor => 0x00ea_5e01,
            Place::Viewer => 0x00ea_5e02,
            Place::Slot(number) => 0x00ea_5f00 + u32::from(number),
        }
    }

    /// What has such a terminal forget the picture.
    pub(crate) fn forget(self) -> String {
        format!("\x1b_Ga=d,d=I,q=2,i={}\x1b\\", self.number())
    }
}

/// A picture as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// Cells, row by row: the first holds what makes the terminal draw the picture.
    Cells(Arc<[Cell]>),
    /// Pixels, two for each cell.
    Pixels(Picture),
    /// It cannot be drawn.
    Nothing,
}

/// What became of a wish.
#[derive(Clone, Debug)]
pub(crate) struct Still {
    /// The wish.
    pub(crate) want: Want,
    /// What became of it.
    pub(crate) drawn: Drawn,
}

/// What is known of a picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    /// Columns and rows of pixels.
    pub(crate) size: (u32, u32),
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// When it was written, in milliseconds since 1970, if the file system tells.
    pub(crate) written: Option<i64>,
    /// What its recipe says: names and values, what matters most first.
    pub(crate) recipe: Vec<(String, String)>,
    /// The picture, small.
    pub(crate) picture: Picture,
}

/// The cells and pixels that a picture of `size` pixels takes, if it fills the room as far as its shape allows.
pub(crate) fn fitted(size: (u32, u32), room: (u16, u16), graphics: Graphics) -> ((u16, u16), (u32, u32)) {
    let cell = graphics.pixels();
    let area = (f64::from(room.0) * f64::from(cell.0), f64::from(room.1) * f64::from(cell.1));
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    if width < 1.0 || height < 1.0 || area.0 < 1.0 || area.1 < 1.0 {
        return ((0, 0), (0, 0));
    }
    let scale = (area.0 / width).min(area.1 / height);
    scaled((width, height), scale, room, graphics)
}

/// The cells and pixels of that many pixels at a scale, within the room.
pub(crate) fn scaled(
    (width, height): (f64, f64),
    scale: f64,
    room: (u16, u16),
    graphics: Graphics,
) -> ((u16, u16), (u32, u32)) {
    let cell = graphics.pixels();
    let most = |cells: u16, cell: u16| u32::from(cells) * u32::from(cell);
    let side = |length: f64, most: u32| ((length * scale).round() as u32).clamp(1, most.max(1));
    let pixels = (side(width, most(room.0, cell.0)), side(height, most(room.1, cell.1)));
    let cells = |pixels: u32, cell: u16| u16::try_from(pixels.div_ceil(u32::from(cell))).unwrap_or(u16::MAX);
    ((cells(pixels.0, cell.0).min(room.0), cells(pixels.1, cell.1).min(room.1)), pixels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::graphics::Protocol;
    use super::*;

    const KITTY: Graphics = Graphics { protocol: Protocol::Kitty, cell: (10, 20), is_wrapped: false };

    #[test]
    fn pictures_fill_their_room_and_keep_their_shape() {
        assert_eq!(fitted((64, 64), (40, 10), KITTY), ((20, 10), (200, 200)));
        assert_eq!(fitted((640, 320), (40, 40), KITTY), ((40, 10), (400, 200)));
        assert_eq!(fitted((64, 64), (40, 10), Graphics::default()), ((20, 10), (20, 20)));
        assert_eq!(fitted((0, 5), (40, 10), KITTY), ((0, 0), (0, 0)));
        assert_eq!(fitted((5, 5), (0, 10), KITTY), ((0, 0), (0, 0)));
    }

    proptest! {
        #[test]
        fn no_picture_leaves_its_room(
            size in (1_u32..5000, 1_u32..5000),
            room in (1_u16..300, 1_u16..100),
            scale in 0.01_f64..50.0,
        ) {
            for graphics in [KITTY, Graphics::default()] {
                let cell = graphics.pixels();
                let all = [
                    fitted(size, room, graphics),
                    scaled((f64::from(size.0), f64::from(size.1)), scale, room, graphics),
                ];
                for (cells, pixels) in all {
                    prop_assert!(cells.0 >= 1 && cells.0 <= room.0 && cells.1 >= 1 && cells.1 <= room.1);
                    prop_assert!(pixels.0 <= u32::from(cells.0) * u32::from(cell.0));
                    prop_assert!(pixels.1 <= u32::from(cells.1) * u32::from(cell.1));
                }
            }
        }
    }
}
