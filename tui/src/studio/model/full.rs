//! What takes the whole screen between the top line and the key bar. Esc leads back.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::graphics::Graphics;
use super::super::keymap::Context;
use super::Picture;
use super::failure::Failed;
use super::still::{Details, Part, Source, fitted, scaled};
use super::timeline::Timeline;

/// What takes the whole screen.
#[derive(Clone, Debug)]
pub(crate) enum Full {
    /// A picture.
    Picture(Viewer),
    /// The times of the run.
    Timeline(Timeline),
    /// Why a node failed.
    Failure(Failed),
}

impl Full {
    /// Where keys go.
    pub(crate) fn context(&self) -> Context {
        match self {
            Full::Picture(_) => Context::Picture,
            Full::Timeline(_) => Context::Timeline,
            Full::Failure(_) => Context::Failure,
        }
    }
}

/// A picture that can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The node that made it.
    pub(crate) node: Arc<str>,
    /// It.
    pub(crate) source: Source,
    /// What there is of it at once.
    pub(crate) small: Option<Picture>,
}

/// How large a picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Zoom {
    /// As large as there is room.
    Fit,
    /// So many of the terminal's pixels for each of its own.
    Times(f64),
}

/// Looking at pictures.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// All that can be leafed through.
    pub(crate) pictures: Vec<Seen>,
    /// They are those of the run on the screen, and more may come.
    pub(crate) is_of_run: bool,
    /// They are those of a grid, to which esc leads back.
    pub(crate) is_of_grid: bool,
    /// Which one is shown.
    pub(crate) at: usize,
    /// How large.
    pub(crate) zoom: Zoom,
    /// The place in the middle of the view, as parts of width and height.
    pub(crate) centre: (f64, f64),
    /// What is known of the file that is shown, or why nothing is.
    pub(crate) details: Option<(PathBuf, Result<Details, String>)>,
}

/// More pixels are not sent to a terminal for one picture.
const MOST_PIXELS: f64 = (2 << 20) as f64;

/// More is not seen.
const LARGEST: f64 = 32.0;

/// What a key enlarges by.
const STEP: f64 = 1.5;

/// The part of a picture that is seen, and what it takes of the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    /// The part; none: all of it.
    pub(crate) part: Option<Part>,
    /// Columns and lines of cells.
    pub(crate) cells: (u16, u16),
    /// Columns and rows of the terminal's pixels.
    pub(crate) pixels: (u32, u32),
    /// The terminal's pixels for each of its own.
    pub(crate) scale: f64,
}

impl Viewer {
    /// Shows one of them.
    pub(crate) fn new(pictures: Vec<Seen>, at: usize, is_of_run: bool) -> Self {
        Viewer { pictures, is_of_run, is_of_grid: false, at, zoom: Zoom::Fit, centre: (0.5, 0.5), details: None }
    }

    /// The picture that is shown.
    pub(crate) fn shown(&self) -> Option<&Seen> {
        self.pictures.get(self.at)
    }

    /// The file that is shown.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match &self.shown()?.source {
            Source::File(path) => Some(path),
            Source::Pixels(_) => None,
        }
    }

    /// What is known of the file that is shown.
    pub(crate) fn known(&self) -> Option<&Result<Details, String>> {
        let (path, known) = self.details.as_ref()?;
        (self.file() == Some(path)).then_some(known)
    }

    /// Columns and rows of the picture's own pixels, once they are known.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let of = |picture: &Picture| (picture.width as u32, picture.height() as u32);
        match (&self.shown()?.source, self.known()) {
            (Source::Pixels(picture), _) => Some(of(picture)),
            (Source::File(_), Some(Ok(details))) => Some(details.size),
            // The file is gone, and what was seen of it is here.
            (Source::File(_), Some(Err(_))) => self.shown()?.small.as_ref().map(of),
            (Source::File(_), None) => None,
        }
    }

    /// What there is of it without waiting for anybody.
    pub(crate) fn small(&self) -> Option<&Picture> {
        let seen = self.shown()?;
        match (&seen.source, self.known()) {
            (Source::Pixels(picture), _) => Some(picture),
            (Source::File(_), Some(Ok(details))) => Some(&details.picture),
            (Source::File(_), _) => seen.small.as_ref(),
        }
    }

    /// Where its pixels are: of a file that is gone, what was seen of it.
    pub(crate) fn source(&self) -> Option<Source> {
        match (self.known(), self.small()) {
            (Some(Err(_)), Some(small)) => Some(Source::Pixels(small.clone())),
            _ => self.shown().map(|seen| seen.source.clone()),
        }
    }

    /// What is seen of it in a room of so many cells.
    pub(crate) fn window(&self, room: (u16, u16), graphics: Graphics) -> Option<Window> {
        let size = self.size().filter(|(width, height)| *width > 0 && *height > 0)?;
        let room = affordable(room, graphics);
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        let (cells, pixels) = fitted(size, room, graphics);
        let fit = Window { part: None, cells, pixels, scale: f64::from(pixels.0) / width };
        let Zoom::Times(scale) = self.zoom else { return (cells.0 > 0).then_some(fit) };
        let cell = graphics.pixels();
        let seen = |cells: u16, cell: u16, length: f64| {
            (f64::from(cells) * f64::from(cell) / scale).round().clamp(1.0, length)
        };
        let (columns, rows) = (seen(room.0, cell.0, width), seen(room.1, cell.1, height));
        let start = |centre: f64, length: f64, seen: f64| (centre * length - seen / 2.0).clamp(0.0, length - seen);
        let part = Part {
            x: start(self.centre.0, width, columns) as u32,
            y: start(self.centre.1, height, rows) as u32,
            width: columns as u32,
            height: rows as u32,
        };
        let (cells, pixels) = scaled((columns, rows), scale, room, graphics);
        (cells.0 > 0 && cells.1 > 0).then_some(Window { part: Some(part), cells, pixels, scale })
    }

    /// Enlarges it, or makes it smaller: never smaller than what fills the room, unless it is smaller by itself.
    pub(crate) fn resize(&mut self, is_closer: bool, room: (u16, u16), graphics: Graphics) {
        let Some(now) = self.window(room, graphics) else { return };
        let fit = Viewer { zoom: Zoom::Fit, ..self.clone() }.window(room, graphics).map_or(1.0, |fit| fit.scale);
        let scale = if is_closer { (now.scale * STEP).min(LARGEST.max(fit)) } else { now.scale / STEP };
        self.zoom = if scale <= fit { Zoom::Fit } else { Zoom::Times(scale) };
        self.pan((0.0, 0.0), room, graphics);
    }

    /// Moves the view by so many parts of what is seen, and never out of the picture.
    pub(crate) fn pan(&mut self, by: (f64, f64), room: (u16, u16), graphics: Graphics) {
        let Some((size, Some(part))) = self.size().zip(self.window(room, graphics)).map(|(s, w)| (s, w.part)) else {
            self.centre = (0.5, 0.5);
            return;
        };
        let moved = |centre: f64, by: f64, length: u32, seen: u32| {
            let half = f64::from(seen) / f64::from(length) / 2.0;
            (centre + by * half * 2.0).clamp(half, 1.0 - half)
        };
        self.centre = (moved(self.centre.0, by.0, size.0, part.width), moved(self.centre.1, by.1, size.1, part.height));
    }

    /// Shows another one, so many further on.
    pub(crate) fn leaf(&mut self, by: isize) {
        let last = self.pictures.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
        (self.zoom, self.centre) = (Zoom::Fit, (0.5, 0.5));
    }

    /// There are others now: whoever looks at the last one looks at what came last.
    pub(crate) fn refresh(&mut self, pictures: Vec<Seen>) {
        let is_last = self.at + 1 >= self.pictures.len();
        self.pictures = pictures;
        let last = self.pictures.len().saturating_sub(1);
        self.at = if is_last { last } else { self.at.min(last) };
    }
}

/// As much of a room as can be filled with pixels without sending too many.
fn affordable((columns, lines): (u16, u16), graphics: Graphics) -> (u16, u16) {
    let cell = graphics.pixels();
    let pixels = f64::from(columns) * f64::from(cell.0) * f64::from(lines) * f64::from(cell.1);
    if pixels <= MOST_PIXELS {
        return (columns, lines);
    }
    let part = (MOST_PIXELS / pixels).sqrt();
    ((f64::from(columns) * part) as u16, (f64::from(lines) * part) as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::graphics::Protocol;
    use super::*;

    const KITTY: Graphics = Graphics { protocol: Protocol::Kitty, cell: (10, 20), is_wrapped: false };

    fn viewer(width: usize, height: usize) -> Viewer {
        let pixels = vec![[0; 3]; width * height].into();
        let source = Source::Pixels(Picture { width, pixels });
        Viewer::new(vec![Seen { node: "a".into(), source, small: None }], 0, false)
    }

    #[test]
    fn one_to_one_shows_as_many_pixels_as_there_is_room_for() {
        let mut viewer = viewer(1000, 1000);
        assert_eq!(viewer.window((40, 10), KITTY).map(|window| (window.part, window.cells)), Some((None, (20, 10))));
        viewer.zoom = Zoom::Times(1.0);
        let window = viewer.window((40, 10), KITTY).expect("it is seen");
        assert_eq!(window.part, Some(Part { x: 300, y: 400, width: 400, height: 200 }));
        assert_eq!((window.cells, window.pixels), ((40, 10), (400, 200)));
        viewer.pan((1.0, -9.0), (40, 10), KITTY);
        let part = viewer.window((40, 10), KITTY).and_then(|window| window.part);
        assert_eq!(part, Some(Part { x: 600, y: 0, width: 400, height: 200 }));
    }

    #[test]
    fn what_comes_is_looked_at_by_whoever_looks_at_the_last() {
        let seen = |name: &str| Seen { node: name.into(), source: Source::File(name.into()), small: None };
        let mut viewer = Viewer::new(vec![seen("a"), seen("b")], 1, true);
        viewer.refresh(vec![seen("a"), seen("b"), seen("c")]);
        assert_eq!(viewer.at, 2);
        viewer.leaf(-1);
        viewer.refresh(vec![seen("a"), seen("b"), seen("c"), seen("d")]);
        assert_eq!(viewer.at, 1);
        viewer.leaf(9);
        assert_eq!(viewer.at, 3);
        viewer.refresh(Vec::new());
        assert_eq!((viewer.at, viewer.shown()), (0, None));
    }

    proptest! {
        #[test]
        fn the_view_never_leaves_the_picture(
            size in (1_usize..300, 1_usize..300),
            room in (0_u16..300, 0_u16..100),
            moves in prop::collection::vec((0..5_u8, -2.0_f64..2.0, -2.0_f64..2.0), 0..30),
        ) {
            let mut viewer = viewer(size.0, size.1);
            for (kind, x, y) in moves {
                match kind {
                    0 => viewer.resize(true, room, KITTY),
                    1 => viewer.resize(false, room, KITTY),
                    2 => viewer.zoom = Zoom::Times(1.0),
                    _ => viewer.pan((x, y), room, KITTY),
                }
                let Some(window) = viewer.window(room, KITTY) else { continue };
                prop_assert!(window.cells.0 <= room.0 && window.cells.1 <= room.1);
                if let Some(part) = window.part {
                    prop_assert!(part.width > 0 && part.x + part.width <= size.0 as u32);
                    prop_assert!(part.height > 0 && part.y + part.height <= size.1 as u32);
                }
            }
        }
    }
}
