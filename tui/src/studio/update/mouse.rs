//! The mouse.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::super::effect::Effect;
use super::super::graph_view::{Hit, hit};
use super::super::keymap::{Action, Context};
use super::super::model::{Focus, Model, Overlay, Side};
use super::super::view::{graph_view, job_at_line, page_start, regions, run_at_line, shot_at, tab_at};
use super::{graph, keys, lists};

/// Lines by which the wheel moves.
const WHEEL: i32 = 3;

/// The mouse did something.
pub(super) fn happened(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let place = Position { x: event.column, y: event.row };
    if model.overlay.is_some() {
        // A click takes away what is in front, unless something would be lost by that.
        let holds = matches!(
            model.overlay,
            Some(
                Overlay::Prompt(..)
                    | Overlay::Forget(_)
                    | Overlay::CancelAll
                    | Overlay::SweepAsked(_)
                    | Overlay::Behind(_)
                    | Overlay::Recovered(_)
                    | Overlay::Conflict
                    | Overlay::Leave
            )
        );
        if let (MouseEventKind::Down(_), false) = (event.kind, holds) {
            model.overlay = None;
            model.is_changed = true;
        }
        return Vec::new();
    }
    let regions = regions(model);
    let in_graph = model.flow.is_some() && regions.graph.contains(place);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            model.is_changed = true;
            if in_graph {
                model.focus = Focus::Graph;
                click(model, place);
            } else if let Some(side) = tab_at(model, place) {
                return keys::show(model, side);
            } else if regions.side.contains(place) {
                model.focus = Focus::Side;
                pick(model, regions.side, place);
            } else if model.flow.is_none() {
                return choose(model, regions.side.height, place.y.saturating_sub(regions.side.y));
            }
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            model.is_changed = true;
            let is_up = event.kind == MouseEventKind::ScrollUp;
            if in_graph {
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

/// A click on the graph.
fn click(model: &mut Model, place: Position) {
    let area = regions(model).graph;
    let Some(view) = graph_view(model) else { return };
    match hit(&view, area, place) {
        Hit::Node(node) => graph::select(model, Some(node)),
        Hit::Input(port) | Hit::Output(port) => graph::select(model, Some(port.node)),
        Hit::Minimap { x, y } => graph::look_at(model, x, y),
        Hit::Wire(_) | Hit::Nothing => {}
    }
}

/// A click on a line of a list in the side pane.
fn pick(model: &mut Model, area: Rect, place: Position) {
    let line = place.y.saturating_sub(area.y);
    if model.side == Side::Gallery
        && let Some(at) = shot_at(model, place)
    {
        model.gallery.at = at;
    }
    if model.side == Side::Queue
        && let Some(at) = job_at_line(model, area, line)
    {
        model.queue.at = at;
    }
    if model.side == Side::Runs
        && let Some(at) = run_at_line(model, area, line)
    {
        model.runs.at = at;
    }
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
