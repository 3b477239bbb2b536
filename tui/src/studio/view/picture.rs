//! A picture on the whole screen, and beside it what is known of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::graphics::Protocol;
use super::super::model::Model;
use super::super::model::full::{Viewer, Window, Zoom};
use super::super::model::still::{Details, Place, Want};
use super::super::theme::Role;
use super::pen::{Pen, columns};
use super::stills;
use crate::terminal::printable;

/// Columns of what stands beside a picture.
const BESIDE: u16 = 32;

/// Of narrower screens, it stands in one line below.
const ROOM_FOR_BESIDE: u16 = 72;

/// Where the picture is, and where what is known of it.
fn areas(model: &Model) -> (Rect, Rect) {
    let (width, height) = model.size;
    let body = Rect { x: 0, y: 1, width, height: height.saturating_sub(2) };
    if width >= ROOM_FOR_BESIDE {
        let picture = Rect { width: width - BESIDE - 1, ..body };
        (picture, Rect { x: picture.width + 1, width: BESIDE, ..body })
    } else {
        let below = body.height.min(2);
        let picture = Rect { height: body.height - below, ..body };
        (picture, Rect { y: picture.bottom(), height: below, ..body })
    }
}

/// Columns and lines that the picture may take.
pub(crate) fn room(model: &Model) -> (u16, u16) {
    let (picture, _) = areas(model);
    (picture.width, picture.height)
}

/// What the screen wants to show of the picture.
pub(super) fn want(model: &Model, viewer: &Viewer) -> Option<(Want, Window)> {
    let window = viewer.window(room(model), model.graphics)?;
    let source = viewer.source()?;
    let want = Want {
        place: Place::Viewer,
        source,
        part: window.part,
        cells: window.cells,
        pixels: window.pixels,
        graphics: model.graphics,
    };
    Some((want, window))
}

pub(super) fn draw(model: &Model, viewer: &Viewer, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let (area, beside) = areas(model);
    let wanted = want(model, viewer);
    match (&wanted, viewer.known()) {
        _ if model.graphics.protocol == Protocol::None => {
            Pen::new(area, buffer).text("Pictures are not drawn: `--pictures none`.", style(Role::Dim));
        }
        (Some((want, _)), _) => {
            let centred = Rect {
                x: area.x + (area.width - want.cells.0) / 2,
                y: area.y + (area.height - want.cells.1) / 2,
                width: want.cells.0,
                height: want.cells.1,
            };
            let small = viewer.small().filter(|_| want.part.is_none());
            stills::draw(model, want, small, centred, buffer);
        }
        (None, Some(Err(why))) => Pen::new(area, buffer).wrapped(why, style(Role::Error)),
        (None, _) => Pen::new(area, buffer).text("Reading …", style(Role::Dim)),
    }
    let mut pen = Pen::new(beside, buffer);
    let scale = wanted.map(|(_, window)| window.scale);
    known(model, viewer, scale, &mut pen);
}

/// Which picture of how many it is, its size, and what made it.
fn known(model: &Model, viewer: &Viewer, scale: Option<f64>, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    let Some(seen) = viewer.shown() else { return pen.text("There is no picture.", style(Role::Dim)) };
    let name = match viewer.file().and_then(|path| path.file_name()) {
        Some(name) => name.to_string_lossy().into_owned(),
        None if model.run.as_ref().is_some_and(|run| run.phase.is_over()) => "preview".into(),
        None => "not saved yet".into(),
    };
    let (name, of) = (printable(&name), printable(&seen.node));
    if columns(&name) + columns(&of) + 5 <= pen.width() && !viewer.is_of_grid {
        pen.line(&Line::from(vec![
            Span::styled(name.into_owned(), style(Role::Title)),
            Span::styled(format!("  of {of}"), style(Role::Dim)),
        ]));
    } else {
        pen.wrapped(&name, style(Role::Title));
        pen.wrapped(&if viewer.is_of_grid { of.into_owned() } else { format!("of {of}") }, style(Role::Text));
    }
    let details = viewer.known().and_then(|known| known.as_ref().ok());
    let mut view = vec![format!("{} of {}", viewer.at + 1, viewer.pictures.len())];
    view.extend(scale.map(|scale| match viewer.zoom {
        Zoom::Fit => format!("{:.0}%, fit", scale * 100.0),
        Zoom::Times(_) => format!("{:.0}%", scale * 100.0),
    }));
    let mut file: Vec<_> = viewer.size().map(|(width, height)| format!("{width} × {height}")).into_iter().collect();
    file.extend(details.map(|details| bytes(details.bytes)));
    pen.text(&view.join(", "), style(Role::Dim));
    pen.text(&file.join(", "), style(Role::Dim));
    if let (Some(Err(why)), Some(_)) = (viewer.known(), viewer.small()) {
        pen.wrapped(why, style(Role::Warning));
    }
    if let Some(details) = details {
        made(model, details, pen);
    }
}

/// When a picture was written, and what it says about how it was made.
pub(super) fn made(model: &Model, details: &Details, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    if let Some(written) = details.written {
        pen.text(&model.zone.moment(written), style(Role::Dim));
    }
    pen.gap();
    for (key, value) in &details.recipe {
        pen.text(key, style(Role::Key));
        pen.indented("  ", value, style(Role::Text));
    }
    if details.recipe.is_empty() {
        pen.wrapped("It does not say how it was made.", style(Role::Dim));
    }
}

/// A file's length as people say it.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
