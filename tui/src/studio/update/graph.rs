//! Moving about in the graph.

use super::super::effect::Effect;
use super::super::graph_view::{self, Camera, Direction, neighbour};
use super::super::keymap::Action;
use super::super::layout::Detail;
use super::super::message::Tone;
use super::super::model::{Checked, Flow, Focus, Model, Side, without_pass};
use super::super::view::regions;
use super::{enter, groups, inputs, run, unsaved};

/// Cells by which a key moves the view.
const PAN: (i32, i32) = (12, 4);

/// What came of checking.
pub(super) fn checked(model: &mut Model, checked: Checked) -> Vec<Effect> {
    let screen = screen(model);
    let Some(flow) = model.flow.as_mut().filter(|flow| flow.path == checked.path) else { return Vec::new() };
    // Of an older text, while a newer one is being checked: better than nothing, but never instead of something newer.
    if flow.checked.as_ref().is_some_and(|known| known.revision > checked.revision) {
        return Vec::new();
    }
    let is_first = flow.checked.is_none();
    let files = checked.files.clone();
    let is_awaited = flow.awaited.is_some();
    flow.take(checked);
    if is_awaited && flow.awaited.is_none() && model.focus == Focus::Graph && model.side == Side::Inputs {
        // It is what was made just now.
        model.side = Side::Inspector;
    }
    if is_first {
        flow.selected = first(flow);
        flow.camera = Camera::fitting(&flow.layout, screen);
        if flow.counts().0 > 0 && !flow.lacks_only_inputs() && model.attached.is_none() {
            model.side = Side::Problems;
        } else {
            inputs::show_instead(model);
        }
    }
    if let Some(place) = model.flow.as_mut().and_then(|flow| flow.awaited_place.take()) {
        enter::go_to(model, place);
    }
    keep_in_view(model);
    model.is_changed = true;
    let mut effects = vec![Effect::Watch(files)];
    if let Some(flow) = model.flow.as_mut().filter(|flow| flow.wants_run && flow.is_current()) {
        flow.wants_run = false;
        effects.extend(run::start(model));
    }
    unsaved::next(model);
    effects
}

/// The node at the upper left.
pub(super) fn first(flow: &Flow) -> Option<usize> {
    let boxes = &flow.layout.boxes;
    (0..boxes.len()).min_by_key(|&at| (boxes[at].x, boxes[at].y))
}

/// An action of the graph.
pub(super) fn act(model: &mut Model, action: Action) {
    let page = i32::from(regions(model).graph.height) / 2;
    let Some(flow) = &mut model.flow else { return };
    let pan = |flow: &mut Flow, x: i32, y: i32| {
        flow.camera = Camera { x: flow.camera.x + x, y: flow.camera.y + y };
    };
    match action {
        Action::PanLeft => pan(flow, -PAN.0, 0),
        Action::PanRight => pan(flow, PAN.0, 0),
        Action::PanUp => pan(flow, 0, -PAN.1),
        Action::PanDown => pan(flow, 0, PAN.1),
        Action::PageUp => pan(flow, 0, -page),
        Action::PageDown => pan(flow, 0, page),
        Action::ZoomIn => return zoom(model, true),
        Action::ZoomOut => return zoom(model, false),
        Action::Fit => return fit(model),
        Action::Centre => return centre(model),
        Action::SearchNext => return next_found(model, true),
        Action::SearchPrevious => return next_found(model, false),
        _ => {
            let target = target(flow, action);
            return select(model, target);
        }
    }
    bound(model);
}

/// The node that a key leads to.
fn target(flow: &Flow, action: Action) -> Option<usize> {
    let Some(from) = flow.selected else { return first(flow) };
    let (boxes, layout) = (&flow.layout.boxes, &flow.layout);
    match action {
        Action::First => first(flow),
        Action::Last => (0..boxes.len()).max_by_key(|&at| (boxes[at].right(), boxes[at].y)),
        Action::Left => neighbour(layout, from, Direction::Left),
        Action::Right => neighbour(layout, from, Direction::Right),
        Action::Up => neighbour(layout, from, Direction::Up),
        Action::Down => neighbour(layout, from, Direction::Down),
        _ => None,
    }
}

/// Puts the cursor on a node.
pub(super) fn select(model: &mut Model, node: Option<usize>) {
    let Some(flow) = &mut model.flow else { return };
    if let Some(node) = node.filter(|node| *node < flow.layout.boxes.len()) {
        flow.selected = Some(node);
        flow.input = 0;
        flow.focus = None;
        // Whoever goes to a node wants to see it.
        if model.focus == Focus::Graph && model.side == Side::Inputs {
            model.side = Side::Inspector;
        }
        keep_in_view(model);
    }
}

/// Shows the whole graph, with as much of each node as there is room for.
fn fit(model: &mut Model) {
    let screen = screen(model);
    let Some(flow) = &mut model.flow else { return };
    flow.detail = Detail::Preview;
    flow.lay_out();
    while !fits(flow.layout.size, screen) && flow.detail != Detail::Name {
        flow.detail = flow.detail.farther();
        flow.lay_out();
    }
    flow.camera = Camera::fitting(&flow.layout, screen);
    let is_whole = fits(flow.layout.size, screen);
    tell_detail(model);
    if !is_whole {
        keep_in_view(model);
    }
}

fn fits(size: (i32, i32), screen: (u16, u16)) -> bool {
    size.0 <= i32::from(screen.0) && size.1 <= i32::from(screen.1)
}

fn zoom(model: &mut Model, is_in: bool) {
    let screen = screen(model);
    let Some(flow) = &mut model.flow else { return };
    let detail = if is_in { flow.detail.closer() } else { flow.detail.farther() };
    if detail == flow.detail {
        return;
    }
    let before = std::mem::take(&mut flow.layout);
    flow.detail = detail;
    flow.lay_out();
    flow.camera = flow.camera.following(&before, &flow.layout, screen, flow.selected);
    tell_detail(model);
    bound(model);
}

fn tell_detail(model: &mut Model) {
    let Some(detail) = model.flow.as_ref().map(|flow| flow.detail) else { return };
    let name = match detail {
        Detail::Name => "names",
        Detail::State => "names and states",
        Detail::Parameters => "sockets and what is written in them",
        Detail::Preview => "sockets and pictures",
    };
    model.notice = Some((Tone::Detail, format!("shown of each node: {name}")));
}

/// Columns and lines of the graph on the screen.
pub(super) fn screen(model: &Model) -> (u16, u16) {
    let graph = regions(model).graph;
    (graph.width, graph.height)
}

/// Brings the selected node to the middle.
fn centre(model: &mut Model) {
    let screen = screen(model);
    if let Some(flow) = &mut model.flow
        && let Some(at) = flow.selected
    {
        flow.camera = flow.camera.centred(&flow.layout, screen, at);
    }
    bound(model);
}

/// Moves the view so far that the selected node is in it.
pub(super) fn keep_in_view(model: &mut Model) {
    let screen = screen(model);
    if let Some(flow) = &mut model.flow
        && let Some(at) = flow.selected
        && screen != (0, 0)
    {
        flow.camera = flow.camera.revealing(&flow.layout, screen, at);
    }
    bound(model);
}

/// The view does not leave the graph behind.
pub(super) fn bound(model: &mut Model) {
    let screen = screen(model);
    if let Some(flow) = &mut model.flow {
        flow.camera = flow.camera.bounded(&flow.layout, screen);
    }
}

/// Moves the view to a place of the layout.
pub(super) fn look_at(model: &mut Model, x: i32, y: i32) {
    let screen = screen(model);
    if let Some(flow) = &mut model.flow {
        flow.camera = flow.camera.centred_on((x, y), screen);
    }
    bound(model);
}

/// Moves the view by so many cells.
pub(super) fn scroll(model: &mut Model, x: i32, y: i32) {
    if let Some(flow) = &mut model.flow {
        flow.camera = Camera { x: flow.camera.x + x, y: flow.camera.y + y };
    }
    bound(model);
}

/// Finds nodes by name or type; the best is selected.
pub(super) fn search(model: &mut Model, text: &str) {
    let Some(flow) = &mut model.flow else { return };
    let Some(checked) = &flow.checked else { return };
    let found = graph_view::search(&checked.scene, text);
    flow.found = found.iter().copied().collect();
    select(model, found.first().copied());
}

/// What was looked for is taken: of a group that is one box, the node in it that was meant.
pub(super) fn take_found(model: &mut Model, text: &str) {
    let selected = model.flow.as_ref().and_then(|flow| flow.scene()?.nodes.get(flow.selected?));
    let member = selected.and_then(|node| graph_view::member(node, text)).map(str::to_string);
    if let Some(member) = member.filter(|_| model.flow.as_ref().is_some_and(|flow| !flow.found.is_empty())) {
        groups::reveal(model, &member);
        let flow = model.flow.as_mut();
        if let Some((flow, found)) = flow.and_then(|flow| {
            let found = graph_view::search(flow.scene()?, text);
            Some((flow, found))
        }) {
            flow.found = found.into_iter().collect();
        }
    }
}

fn next_found(model: &mut Model, is_forward: bool) {
    let Some(flow) = &model.flow else { return };
    let at = flow.selected.unwrap_or(0);
    let next = if is_forward {
        flow.found.range(at + 1..).next().or(flow.found.first())
    } else {
        flow.found.range(..at).next_back().or(flow.found.last())
    };
    match next.copied() {
        Some(next) => select(model, Some(next)),
        None => model.notice = Some((Tone::Detail, "nothing was searched for, or nothing found".into())),
    }
}

/// Puts the cursor on a node by its name in a run: of one inside of another, on that. Whether there is one.
pub(super) fn go_to_node(model: &mut Model, name: &str) -> bool {
    groups::reveal(model, name) || visible(model, name).is_some_and(|node| groups::reveal(model, &node))
}

/// Selects what is on the screen of a node by its name in a run, if anything is; nothing is entered or unfolded for it.
pub(super) fn select_of_run(model: &mut Model, name: &str) {
    let shown = visible(model, name);
    let is_it = |id: &String| id == name || Some(id) == shown.as_ref();
    let place = |flow: &Flow| {
        let nodes = &flow.scene()?.nodes;
        nodes.iter().position(|node| is_it(&node.id) || node.members.iter().any(is_it))
    };
    if let Some(at) = model.flow.as_ref().and_then(place) {
        select(model, Some(at));
    }
}

/// What is drawn of a node by its name in a run: itself, or what it is inside of.
fn visible(model: &Model, name: &str) -> Option<String> {
    let run_way = |flow: &Flow| model.run.as_ref().map(|run| model.run_way(run, &flow.way()));
    let way = model.flow.as_ref().and_then(run_way).unwrap_or_default();
    let mut parts = name.split('/').map(without_pass);
    let is_inside = way.iter().all(|node| parts.next() == Some(node));
    parts.next().filter(|_| is_inside).map(str::to_string)
}
