//! Wires and rectangles that the mouse draws.

use easel_engine::edit::Edit;
use ratatui::layout::Position;

use super::super::effect::Effect;
use super::super::graph_view::{Focus, Hit, hit};
use super::super::layout::Area;
use super::super::message::Tone;
use super::super::model::{Drag, Model};
use super::super::scene::Port;
use super::super::view::{graph_view, regions};
use super::edit::edit;
use super::{sockets, wiring};

/// What is at a place of the screen.
fn at(model: &Model, place: Position) -> Hit {
    graph_view(model).map_or(Hit::Nothing, |view| hit(&view, regions(model).graph, place))
}

/// The button goes down on a socket: the wire that ends in an input is taken from there, otherwise one begins.
pub(super) fn begin_wire(model: &mut Model, focus: Focus, place: Position) {
    let Some(flow) = &mut model.flow else { return };
    let Some(checked) = &flow.checked else { return };
    let taken_from = match focus {
        Focus::Input(port) => checked.scene.wires_into(port).last(),
        _ => None,
    };
    let anchor =
        taken_from.and_then(|wire| checked.scene.wires.get(wire)).map_or(focus, |wire| Focus::Output(wire.from));
    let fits = sockets::fitting(checked, anchor);
    flow.drag = Some(Drag::Wire { anchor, taken_from, fits, at: place, is_moved: false });
    sockets::focus(model, focus);
}

/// The button goes down on empty ground.
pub(super) fn begin_band(model: &mut Model, place: Position) {
    let cell = cell(model, place);
    if let Some(flow) = &mut model.flow {
        flow.drag = Some(Drag::Band { from: cell, to: cell });
    }
}

/// The cell of the layout at a place of the screen.
fn cell(model: &Model, place: Position) -> (i32, i32) {
    let area = regions(model).graph;
    let camera = model.flow.as_ref().map(|flow| flow.camera).unwrap_or_default();
    let within = |at: u16, start: u16, length: u16| i32::from(at.clamp(start, start + length.max(1) - 1) - start);
    (camera.x + within(place.x, area.x, area.width), camera.y + within(place.y, area.y, area.height))
}

/// The mouse moves with the button down.
pub(super) fn moved(model: &mut Model, place: Position) {
    let cell = cell(model, place);
    match model.flow.as_mut().and_then(|flow| flow.drag.as_mut()) {
        Some(Drag::Wire { at, is_moved, .. }) => {
            *is_moved |= *at != place;
            *at = place;
        }
        Some(Drag::Band { to, .. }) => *to = cell,
        None => return,
    }
    model.is_changed = true;
}

/// The button goes up.
pub(super) fn ended(model: &mut Model, place: Position) -> Vec<Effect> {
    let Some(drag) = model.flow.as_mut().and_then(|flow| flow.drag.take()) else { return Vec::new() };
    model.is_changed = true;
    match drag {
        Drag::Band { from, to } => {
            mark(model, from, to);
            Vec::new()
        }
        Drag::Wire { is_moved: false, .. } => Vec::new(),
        Drag::Wire { anchor, taken_from, fits, .. } => {
            let end = match (at(model, place), anchor) {
                (Hit::Input(port), Focus::Output(_)) | (Hit::Output(port), Focus::Input(_)) => Some(port),
                (Hit::Node(node) | Hit::Input(Port { node, .. }) | Hit::Output(Port { node, .. }), _) => {
                    return onto_node(model, anchor, taken_from, node, &fits);
                }
                _ => None,
            };
            match end {
                Some(port) if fits.contains(&port) => connect(model, anchor, taken_from, port),
                Some(_) => {
                    model.tell(Tone::Note, "that does not fit there");
                    Vec::new()
                }
                None if regions(model).graph.contains(place) => wiring::add_linked(model, anchor, taken_from),
                None => Vec::new(),
            }
        }
    }
}

/// The wire ends on a node beside its sockets: at the only one that fits, or one is chosen.
fn onto_node(
    model: &mut Model,
    anchor: Focus,
    taken_from: Option<usize>,
    node: usize,
    fits: &std::collections::BTreeSet<Port>,
) -> Vec<Effect> {
    let mut own = fits.iter().filter(|port| port.node == node);
    match (own.next(), own.next()) {
        (Some(port), None) => connect(model, anchor, taken_from, *port),
        (None, _) if anchor_node(anchor) == Some(node) => Vec::new(),
        (None, _) => {
            model.tell(Tone::Note, "no socket that is shown there fits");
            Vec::new()
        }
        (Some(_), Some(_)) => {
            model.tell(Tone::Note, "several sockets fit there: end the wire on one of them");
            Vec::new()
        }
    }
}

fn anchor_node(anchor: Focus) -> Option<usize> {
    match anchor {
        Focus::Input(port) | Focus::Output(port) => Some(port.node),
        Focus::Wire(_) => None,
    }
}

/// Wires the two ends; a wire that was taken from an input leaves that one.
fn connect(model: &mut Model, anchor: Focus, taken_from: Option<usize>, port: Port) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some(checked) = &flow.checked else { return Vec::new() };
    let (from, to) = match anchor {
        Focus::Output(from) => (from, port),
        Focus::Input(to) => (port, to),
        Focus::Wire(_) => return Vec::new(),
    };
    if checked.scene.wires.iter().any(|wire| (wire.from, wire.to) == (from, to)) {
        return Vec::new();
    }
    let left = taken_from.and_then(|wire| sockets::unwire(flow, wire));
    let Some(made) = sockets::wire(checked, from, to) else { return Vec::new() };
    let edits: Vec<_> = left.into_iter().chain([made]).collect();
    match edits.as_slice() {
        [one] => edit(model, one.clone()),
        _ => edit(model, Edit::All(edits)),
    }
}

/// Marks all nodes that have a cell in a rectangle; one of a single cell is a click on nothing.
fn mark(model: &mut Model, from: (i32, i32), to: (i32, i32)) {
    let Some(flow) = &mut model.flow else { return };
    if from == to {
        flow.focus = None;
        return;
    }
    let area = Area {
        x: from.0.min(to.0),
        y: from.1.min(to.1),
        width: (from.0 - to.0).abs() + 1,
        height: (from.1 - to.1).abs() + 1,
    };
    let boxes = &flow.layout.boxes;
    let near = flow.layout.boxes_near(area);
    let inside: Vec<_> = near.into_iter().filter(|node| boxes[*node].overlaps(&area)).collect();
    flow.marked.extend(inside);
    let (marked, count) = (flow.marked.len(), flow.layout.boxes.len());
    model.notice = Some((Tone::Detail, format!("{marked} of {count} nodes are marked")));
}
