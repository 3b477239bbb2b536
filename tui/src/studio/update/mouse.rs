//! The mouse.

use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::super::effect::Effect;
use super::super::graph_view::{Focus as Wired, Hit, hit};
use super::super::keymap::{Action, Context};
use super::super::model::{Clicked, Focus, Model};
use super::super::view::{bar_action_at, graph_view, page_start, regions, tab_at};
use super::{clicks, drag, edit, graph, keys, lists, sockets};

/// Lines by which the wheel moves.
const WHEEL: i32 = 3;

/// The mouse did something.
pub(super) fn happened(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let place = Position { x: event.column, y: event.row };
    if model.overlay.is_some() {
        if let Some(flow) = &mut model.flow {
            flow.drag = None;
        }
        return match event.kind {
            MouseEventKind::Down(MouseButton::Left) => clicks::in_front(model, place),
            MouseEventKind::ScrollUp => clicks::wheel(model, true, WHEEL),
            MouseEventKind::ScrollDown => clicks::wheel(model, false, WHEEL),
            _ => Vec::new(),
        };
    }
    let regions = regions(model);
    let in_graph = model.flow.is_some() && regions.graph.contains(place);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            model.is_changed = true;
            let before = model.clicked.take();
            if model.full.is_some() {
                return clicks::full(model, place, before);
            }
            if in_graph {
                model.focus = Focus::Graph;
                let marks = event.modifiers.intersects(KeyModifiers::SHIFT | KeyModifiers::CONTROL);
                return click(model, place, marks, before);
            } else if let Some(action) = bar_action_at(model, place) {
                return keys::act(model, action);
            } else if let Some(side) = tab_at(model, place) {
                return keys::show(model, side);
            } else if regions.side.contains(place) {
                return clicks::side(model, place, before);
            } else if model.flow.is_none() {
                return choose(model, regions.side.height, place.y.saturating_sub(regions.side.y));
            }
        }
        MouseEventKind::Drag(MouseButton::Left) => drag::moved(model, place),
        MouseEventKind::Up(MouseButton::Left) => return drag::ended(model, place),
        MouseEventKind::Down(MouseButton::Right) if in_graph => {
            model.is_changed = true;
            model.focus = Focus::Graph;
            return unwire(model, place);
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            model.is_changed = true;
            let is_up = event.kind == MouseEventKind::ScrollUp;
            if in_graph && event.modifiers.contains(KeyModifiers::CONTROL) {
                return keys::act(model, if is_up { Action::ZoomIn } else { Action::ZoomOut });
            } else if in_graph {
                graph::scroll(model, 0, if is_up { -WHEEL } else { WHEEL });
            } else {
                if model.flow.is_some() {
                    model.focus = Focus::Side;
                }
                (0..WHEEL).for_each(|_| lists::moved(model, if is_up { Action::Up } else { Action::Down }));
            }
        }
        MouseEventKind::ScrollLeft if in_graph => scroll_aside(model, -WHEEL),
        MouseEventKind::ScrollRight if in_graph => scroll_aside(model, WHEEL),
        _ => {}
    }
    Vec::new()
}

fn scroll_aside(model: &mut Model, by: i32) {
    model.is_changed = true;
    graph::scroll(model, by * 2, 0);
}

/// A click on the graph; one that marks leaves the marks that there are.
fn click(model: &mut Model, place: Position, marks: bool, before: Option<Clicked>) -> Vec<Effect> {
    let area = regions(model).graph;
    let Some(view) = graph_view(model) else { return Vec::new() };
    match hit(&view, area, place) {
        Hit::Node(node) if marks => {
            if let Some(flow) = &mut model.flow {
                super::marks::toggle_mark(flow, node);
            }
            graph::select(model, Some(node));
        }
        Hit::Node(node) => {
            graph::select(model, Some(node));
            if clicks::is_double(model, node, place, before) {
                return keys::act(model, Action::Activate);
            }
        }
        Hit::Input(port) => {
            graph::select(model, Some(port.node));
            drag::begin_wire(model, Wired::Input(port), place);
        }
        Hit::Output(port) => {
            graph::select(model, Some(port.node));
            drag::begin_wire(model, Wired::Output(port), place);
        }
        Hit::Minimap { x, y } => graph::look_at(model, x, y),
        Hit::Wire(wire) => sockets::focus(model, Wired::Wire(wire)),
        Hit::Nothing if clicks::is_double_beside(model, place, before.as_ref()) => {
            return keys::act(model, Action::AddNode);
        }
        Hit::Nothing => {
            if let Some(flow) = model.flow.as_mut().filter(|_| !marks) {
                flow.marked.clear();
            }
            drag::begin_band(model, place);
        }
    }
    Vec::new()
}

/// A click with the other button takes the wire away that is there.
fn unwire(model: &mut Model, place: Position) -> Vec<Effect> {
    let area = regions(model).graph;
    let Some(view) = graph_view(model) else { return Vec::new() };
    let wire = match hit(&view, area, place) {
        Hit::Wire(wire) => Some(wire),
        // Where it ends is easier to hit than the line.
        Hit::Input(port) => view.scene.wires_into(port).last(),
        _ => None,
    };
    let wanted = wire.and_then(|wire| sockets::unwire(model.flow.as_ref()?, wire));
    wanted.map_or_else(Vec::new, |wanted| edit::edit(model, wanted))
}

/// A click on a workflow; a second one opens it.
fn choose(model: &mut Model, height: u16, line: u16) -> Vec<Effect> {
    debug_assert_eq!(model.context(), Context::Chooser);
    let Some(chooser) = &mut model.chooser else { return Vec::new() };
    let line = page_start(chooser.at, usize::from(height)) + usize::from(line);
    if line >= chooser.workflows().len() {
        return Vec::new();
    }
    if chooser.at == line {
        return keys::act(model, Action::Activate);
    }
    chooser.at = line;
    Vec::new()
}
