//! What is at a place of the screen. It is found by drawing once more, so that it is what is seen there.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};

use super::super::model::{Model, Overlay, Side};
use super::pen::Pen;
use super::{gallery, inspector, log, overlay, problems, queue, regions, runs};

/// The entry of the list in the side pane at a place.
pub(crate) fn entry_at(model: &Model, place: Position) -> Option<usize> {
    let area = Some(regions(model).side).filter(|area| area.contains(place))?;
    let line = place.y - area.y;
    let drawn = |draw: fn(&Model, &mut Pen<'_>)| {
        let mut buffer = Buffer::empty(area);
        let mut pen = Pen::new(area, &mut buffer);
        draw(model, &mut pen);
        pen.entry_at(line)
    };
    match model.side {
        Side::Inspector => drawn(inspector::draw),
        Side::Problems => drawn(problems::draw),
        Side::Log => drawn(log::draw),
        Side::Runs => runs::at_line(model, area, line),
        Side::Gallery => gallery::at_place(model, place),
        Side::Queue => queue::at_line(model, area, line),
        Side::Monitor => None,
    }
}

/// The entry of the list in front at a place.
pub(crate) fn entry_in_front(model: &Model, place: Position) -> Option<usize> {
    let mut buffer = Buffer::empty(screen(model));
    let (area, entries) = overlay::list(model, model.overlay.as_ref()?, &mut buffer)?;
    let line = place.y.checked_sub(area.y).filter(|_| area.contains(place))?;
    entries.get(usize::from(line)).copied().flatten()
}

/// Whether a place is covered by what is in front.
pub(crate) fn is_in_front(model: &Model, overlay: &Overlay, place: Position) -> bool {
    // No letter that anybody draws.
    const UNTOUCHED: &str = "\u{0}";
    let mut buffer = Buffer::filled(screen(model), Cell::new(UNTOUCHED));
    overlay::draw(model, overlay, &mut buffer);
    buffer.cell(place).is_some_and(|cell| cell.symbol() != UNTOUCHED)
}

fn screen(model: &Model) -> Rect {
    Rect { x: 0, y: 0, width: model.size.0, height: model.size.1 }
}
