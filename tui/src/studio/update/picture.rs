//! Looking at pictures on the whole screen.

use std::path::PathBuf;

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::full::{Full, Viewer, Zoom};
use super::super::model::still::{Details, Still};
use super::super::model::{Focus, Model};
use super::super::view::picture_room;

/// A key moves the view by this part of what is seen.
const PAN: f64 = 0.2;

/// The pictures of the run: the newest of the selected node if it has one, else the newest of all.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let pictures = model.run.as_ref().map(|run| run.pictures()).unwrap_or_default();
    if pictures.is_empty() {
        model.tell(Tone::Note, "there is no picture yet; a run draws some");
        return Vec::new();
    }
    let node = match model.focus {
        Focus::Graph => model.flow.as_ref().and_then(|flow| flow.selected_node()).map(|(node, _)| node.to_string()),
        Focus::Side => model.run.as_ref().and_then(|run| run.nodes.get(run.at)).map(|node| node.node.to_string()),
    };
    let of_node = node.and_then(|node| pictures.iter().rposition(|seen| *seen.node == *node));
    let at = of_node.unwrap_or(pictures.len() - 1);
    show(model, Viewer::new(pictures, at, true))
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
    match &mut model.full {
        Some(Full::Picture(viewer)) if viewer.is_of_run => viewer.refresh(run.pictures()),
        _ => return Vec::new(),
    }
    examine(model)
}

/// What is known of a file has come.
pub(super) fn examined(model: &mut Model, path: PathBuf, details: Result<Details, String>) {
    if let Some(Full::Picture(viewer)) = &mut model.full {
        viewer.details = Some((path, details));
    }
}

/// A picture is ready to be drawn.
pub(super) fn drawn(model: &mut Model, still: Still) {
    model.stills.insert(still.want.place, still);
}
