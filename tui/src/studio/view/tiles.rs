//! Pictures among others: in the gallery, in grids and beside each other. Each has a slot, by which it is told apart from
//! the others that the terminal is sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::graphics::Protocol;
use super::super::model::still::{Place, Source, Want, fitted};
use super::super::model::{Model, Picture};
use super::super::theme::Role;
use super::pen::Pen;
use super::{blocks, stills};

/// The slot of a picture that is shown by itself; those of grids have others, so that it is still there when one comes back
/// to the grid.
pub(super) const ALONE: usize = 0;

/// The slots of two that are shown beside each other.
pub(super) const BESIDE: [usize; 2] = [1, 2];

/// The slots of two that are shown in turns: each is still there when its turn comes again.
pub(super) const IN_TURNS: [usize; 2] = [3, 4];

/// The slot of the first picture of a grid.
pub(super) const GRID: usize = 8;

/// A picture and its room.
pub(super) struct Tile {
    /// Which of those that are on the screen.
    pub(super) slot: usize,
    /// What it is.
    pub(super) source: Source,
    /// What is here of it.
    pub(super) small: Picture,
    /// Where there is room for it.
    pub(super) room: Rect,
    /// Whether it stands in the middle from left to right, and from top to bottom.
    pub(super) centred: (bool, bool),
}

impl Tile {
    /// What the terminal is wanted to show, and where; none if it is shown characters.
    pub(super) fn want(&self, model: &Model) -> Option<(Want, Rect)> {
        let graphics = model.graphics;
        let place = Place::slot(self.slot).filter(|_| graphics.has_pixels())?;
        let length = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let size = (length(self.small.width), length(self.small.height()));
        let (cells, pixels) = fitted(size, (self.room.width, self.room.height), graphics);
        if cells.0 == 0 || cells.1 == 0 {
            return None;
        }
        let want = Want { place, source: self.source.clone(), part: None, cells, pixels, graphics };
        Some((want, self.within(cells)))
    }

    /// Where so many cells of its room are.
    fn within(&self, (width, height): (u16, u16)) -> Rect {
        let free = (self.room.width.saturating_sub(width), self.room.height.saturating_sub(height));
        let x = self.room.x + if self.centred.0 { free.0 / 2 } else { 0 };
        let y = self.room.y + if self.centred.1 { free.1 / 2 } else { 0 };
        Rect { x, y, width, height }
    }

    /// Draws it, or says why it is not drawn.
    pub(super) fn draw(&self, model: &Model, buffer: &mut Buffer) {
        if let Some(why) = why_none(model) {
            return Pen::new(self.room, buffer).wrapped(why, model.theme.style(Role::Dim));
        }
        match self.want(model) {
            Some((want, place)) => stills::draw(model, &want, Some(&self.small), place, buffer),
            None => {
                let place = self.within(blocks::size(&self.small, self.room));
                blocks::draw(&self.small, place, &model.theme, buffer);
            }
        }
    }
}

/// Why pictures cannot be told from each other here.
pub(super) fn why_none(model: &Model) -> Option<&'static str> {
    match model.graphics.protocol {
        Protocol::None => Some("(pictures are off: `--pictures none`)"),
        Protocol::Blocks if model.theme.pixel([0; 3]).is_none() => {
            Some("(this terminal shows too few colours for pictures)")
        }
        _ => None,
    }
}
