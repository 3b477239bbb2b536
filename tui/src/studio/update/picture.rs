//! Looking at pictures on the whole screen.

use std::path::PathBuf;

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::full::{Full, Seen, Viewer, Zoom};
use super::super::model::still::{Details, Source, Still};
use super::super::model::{Focus, Model, RunView, Side};
use super::super::view::picture_room;

/// A key moves the view by this part of what is seen.
const PAN: f64 = 0.2;

/// The pictures of the run: the newest of the node with the cursor if it has one, else the newest that was written, else
/// the newest of all.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let pictures = model.run.as_ref().map(|run| pictures(model, run)).unwrap_or_default();
    if pictures.is_empty() {
        model.tell(Tone::Note, "there is no picture yet; a run draws some");
        return Vec::new();
    }
    let node = match model.focus {
        Focus::Side if model.side == Side::Monitor => {
            model.run.as_ref().and_then(|run| run.nodes.get(run.at)).map(|node| node.node.to_string())
        }
        _ => model.flow.as_ref().and_then(|flow| flow.selected_node()).map(|(node, _)| node.to_string()),
    };
    let of_node = node.and_then(|node| pictures.iter().rposition(|seen| *seen.node == *node));
    let newest_file = pictures.iter().rposition(|seen| matches!(seen.source, Source::File(_)));
    let at = of_node.or(newest_file).unwrap_or(pictures.len() - 1);
    show(model, Viewer::new(pictures, at, true))
}

/// What can be looked at of a run. A demonstration reads no files: it has what was recorded of them.
fn pictures(model: &Model, run: &RunView) -> Vec<Seen> {
    let mut pictures = run.pictures();
    if model.is_demo {
        pictures.retain_mut(|seen| match (&seen.source, seen.small.take()) {
            (Source::File(_), Some(small)) => {
                seen.source = Source::Pixels(small);
                true
            }
            (Source::File(_), None) => false,
            (Source::Pixels(_), _) => true,
        });
    }
    pictures
}

/// Shows pictures on the whole screen.
pub(super) fn show(model: &mut Model, viewer: Viewer) -> Vec<Effect> {
    model.full = Some(Full::Picture(viewer));
    examine(model)
}

/// Asks for what is known of the file that is shown.
fn examine(model: &Model) -> Vec<Effect> {
    let Some(Full::Picture(viewer)) = &model.full else { return Vec::new() };
    let wanted = viewer.file().filter(|_| viewer.known().is_none());
    wanted.cloned().map(Effect::Examine).into_iter().collect()
}

/// A key of the picture.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let (room, graphics) = (picture_room(model), model.graphics);
    let Some(Full::Picture(viewer)) = &mut model.full else { return Vec::new() };
    let last = isize::try_from(viewer.pictures.len()).unwrap_or(isize::MAX);
    match action {
        Action::NextPicture | Action::PageDown => viewer.leaf(1),
        Action::PreviousPicture | Action::PageUp => viewer.leaf(-1),
        Action::First => viewer.leaf(-last),
        Action::Last => viewer.leaf(last),
        Action::Fill => viewer.zoom = Zoom::Fit,
        Action::ActualSize => viewer.zoom = Zoom::Times(1.0),
        Action::Closer => viewer.resize(true, room, graphics),
        Action::Farther => viewer.resize(false, room, graphics),
        Action::Left => viewer.pan((-PAN, 0.0), room, graphics),
        Action::Right => viewer.pan((PAN, 0.0), room, graphics),
        Action::Up => viewer.pan((0.0, -PAN), room, graphics),
        Action::Down => viewer.pan((0.0, PAN), room, graphics),
        _ => {}
    }
    examine(model)
}

/// The run has other pictures than before.
pub(super) fn refresh(model: &mut Model) -> Vec<Effect> {
    let Some(run) = &model.run else { return Vec::new() };
    let pictures = pictures(model, run);
    match &mut model.full {
        Some(Full::Picture(viewer)) if viewer.is_of_run => viewer.refresh(pictures),
        _ => return Vec::new(),
    }
    examine(model)
}

/// What is known of a file has come.
pub(super) fn examined(model: &mut Model, path: PathBuf, details: Result<Details, String>) {
    if model.asked.examined.as_ref() == Some(&path) {
        model.gallery.known = Some((path, details));
    } else if let Some(Full::Picture(viewer)) = &mut model.full {
        viewer.details = Some((path, details));
    }
}

/// A picture is ready to be drawn.
pub(super) fn drawn(model: &mut Model, still: Still) {
    model.stills.insert(still.want.place, still);
}
