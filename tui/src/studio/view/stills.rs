//! Large pictures: by what the terminal draws them with, and by blocks until that is ready.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;

use super::super::graphics::Protocol;
use super::super::model::still::{Drawn, Place, Still, Want};
use super::super::model::{Full, Model, Overlay, Picture, Side};
use super::{blocks, compare, gallery, monitor, picture, regions, sweep};

/// The pictures that the screen shows.
pub(crate) fn wanted(model: &Model) -> Vec<Want> {
    if model.graphics.protocol == Protocol::None {
        return Vec::new();
    }
    let tiles = match &model.overlay {
        Some(Overlay::Sweep) => sweep::tiles(model),
        Some(Overlay::Compare(compare)) => compare::tiles(model, compare),
        Some(Overlay::Shot) => gallery::alone(model).into_iter().collect(),
        _ if shows_gallery(model) => gallery::tiles(model, regions(model).side),
        _ => Vec::new(),
    };
    let tiles = tiles.iter().filter_map(|tile| tile.want(model)).map(|(want, _)| want);
    let want = match (&model.full, &model.flow) {
        _ if is_covered(model) => None,
        (Some(Full::Picture(viewer)), _) => picture::want(model, viewer).map(|(want, _)| want),
        (None, Some(_)) if model.side == Side::Monitor => {
            monitor::want(model, regions(model).side).map(|(want, _)| want)
        }
        _ => None,
    };
    // Half blocks of a small picture are drawn from what is here.
    let want = want.into_iter().filter(|want| model.graphics.has_pixels() || want.place == Place::Viewer);
    want.chain(tiles).collect()
}

/// Whether something that has pictures of its own takes the whole screen.
fn is_covered(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Sweep | Overlay::Compare(_) | Overlay::Shot))
}

fn shows_gallery(model: &Model) -> bool {
    model.full.is_none() && model.flow.is_some() && model.side == Side::Gallery && !model.is_demo
}

/// Draws a picture into the upper left of an area; `small` is what there is of it at once.
pub(super) fn draw(model: &Model, want: &Want, small: Option<&Picture>, area: Rect, buffer: &mut Buffer) {
    if model.graphics.protocol == Protocol::None {
        return;
    }
    // What an overlay covers of pixels that the terminal has drawn would be missing when it is gone.
    let is_below = model.overlay.is_some() && !(is_covered(model) && matches!(want.place, Place::Slot(_)));
    let has_holes = is_below && model.graphics.is_fragile();
    // The one before stays until the next one is ready, so that nothing flickers; but what stands beside others is never
    // another's picture.
    let is_of = |still: &Still| !matches!(want.place, Place::Slot(_)) || still.want.source == want.source;
    let still = model.stills.get(&want.place).filter(|still| {
        still.want.cells == want.cells
            && still.want.graphics == want.graphics
            && still.drawn != Drawn::Nothing
            && is_of(still)
    });
    let area = area.intersection(*buffer.area());
    match still.map(|still| &still.drawn).filter(|_| !has_holes) {
        Some(Drawn::Cells(cells)) if want.cells.0 <= area.width && want.cells.1 <= area.height => {
            let rows = cells.chunks(usize::from(want.cells.0).max(1));
            for (row, y) in rows.zip(area.y..) {
                for (cell, x) in row.iter().zip(area.x..) {
                    buffer[(x, y)] = cell.clone();
                }
            }
        }
        Some(Drawn::Pixels(picture)) => blocks::draw(picture, area, &model.theme, buffer),
        _ => {
            if let Some(small) = small {
                blocks::draw(small, area, &model.theme, buffer);
            }
        }
    }
}

/// Has a terminal that keeps pictures forget those that are not shown. That travels with the first cell: it is sent when
/// that changes, and never else.
pub(super) fn forget(model: &Model, buffer: &mut Buffer) {
    if model.graphics.protocol != Protocol::Kitty || model.graphics.is_wrapped {
        return;
    }
    let shown: BTreeSet<Place> = wanted(model).iter().map(|want| want.place).collect();
    let drawn = model.stills.keys().copied();
    let commands: String = drawn.filter(|place| !shown.contains(place)).map(Place::forget).collect();
    if let Some(cell) = buffer.cell_mut((0, 0)) {
        let symbol = format!("{commands}{}", cell.symbol());
        cell.set_symbol(&symbol).set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
    }
}
