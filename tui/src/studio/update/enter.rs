//! Into the workflows that nodes run, and out again.

use std::path::{Component, Path, PathBuf};

use super::super::effect::Effect;
use super::super::graph_view::Camera;
use super::super::message::Tone;
use super::super::model::{Body, Flow, Focus, Look, Model, Overlay};
use super::{edit, failure, graph, groups, inputs};

/// Goes into the workflow that the selected node runs; none if it runs none.
pub(super) fn enter(model: &mut Model) -> Option<Vec<Effect>> {
    let flow = model.flow.as_ref()?;
    let node = flow.selected?;
    let (checked, id) = (flow.checked.as_ref()?, flow.id(node)?);
    if !checked.scene.nodes.get(node)?.members.is_empty() {
        groups::fold(model, false);
        return Some(Vec::new());
    }
    let way: Vec<String> = checked.inside.iter().cloned().chain([id]).collect();
    match checked.body(node)? {
        Body::Here => {
            go_into(model, way);
            Some(Vec::new())
        }
        Body::File(path) => Some(open_file(model, path, way)),
    }
}

/// Shows what the last of these nodes of the file runs; false if they are not there any more.
pub(super) fn go_inside(model: &mut Model, way: Vec<String>) -> bool {
    let inside = |model: &Model| model.flow.as_ref().map(|flow| flow.inside().to_vec());
    if inside(model).as_ref() != Some(&way) {
        go_into(model, way.clone());
    }
    inside(model) == Some(way)
}

/// Shows what the last of these nodes runs.
fn go_into(model: &mut Model, way: Vec<String>) {
    let screen = graph::screen(model);
    let Some(flow) = &mut model.flow else { return };
    let selected = flow.selected.and_then(|at| flow.id(at));
    let Some(checked) = &mut flow.checked else { return };
    let from = checked.inside.clone();
    checked.show(&way);
    // Where one was is come back to; on the way to another place, the nodes that lead there.
    let common = from.iter().zip(&checked.inside).take_while(|(one, other)| one == other).count();
    flow.trail.truncate(common);
    for depth in flow.trail.len()..checked.inside.len() {
        let is_here = depth == from.len() && common == from.len();
        let camera = if is_here { flow.camera } else { Camera::default() };
        let selected = if is_here { selected.clone() } else { Some(checked.inside[depth].clone()) };
        flow.trail.push(Look { camera, selected });
    }
    arrive(flow);
    flow.selected = graph::first(flow);
    flow.camera = Camera::fitting(&flow.layout, screen);
}

/// Another graph is shown.
fn arrive(flow: &mut Flow) {
    flow.found.clear();
    flow.marked.clear();
    flow.selected = None;
    flow.focus = None;
    flow.drag = None;
    flow.input = 0;
    flow.input_at = 0;
    flow.lay_out();
}

/// Whether a file that the open one names is that one itself, or one around it.
fn is_open(model: &Model, path: &Path) -> bool {
    let Some(flow) = &model.flow else { return false };
    let absolute = |flow: &Flow| flow.checked.as_ref().map(|checked| checked.absolute.clone());
    // What is named counts from the folder of the file that names it.
    let folder = flow.path.parent().unwrap_or(Path::new(""));
    let wanted = match (absolute(flow), path.strip_prefix(folder)) {
        (Some(here), Ok(rest)) => here.with_file_name("").join(rest),
        _ => path.to_path_buf(),
    };
    let (path, wanted) = (without_detours(path), without_detours(&wanted));
    model.outer.iter().chain([flow]).any(|open| {
        without_detours(&open.path) == path || absolute(open).is_some_and(|known| known == wanted || known == path)
    })
}

/// A path without `.`, and without `..` behind a folder.
fn without_detours(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(straight.components().next_back(), Some(Component::Normal(_))) => {
                straight.pop();
            }
            other => straight.push(other),
        }
    }
    straight
}

/// Opens the file that a node runs. The one that is open stays as it is, with what is not saved.
fn open_file(model: &mut Model, path: PathBuf, mut way: Vec<String>) -> Vec<Effect> {
    if model.flow.as_ref().is_some_and(|flow| flow.is_recorded) {
        model.tell(
            Tone::Note,
            "this is the workflow as it was when the run began: files that it includes may differ now",
        );
        return Vec::new();
    }
    if is_open(model, &path) {
        // Twice the same file would be two texts that both want to be the one that is kept and saved.
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let text = format!("`{name}` is open already, around this one: leave what is inside of it to come back");
        model.tell(Tone::Note, text);
        return Vec::new();
    }
    let Some(outer) = model.flow.take() else { return Vec::new() };
    let prefix: Vec<String> = outer.prefix.iter().cloned().chain(way.drain(..)).collect();
    model.outer.push(outer);
    let effects = super::open(model, path);
    if let Some(flow) = &mut model.flow {
        flow.prefix = prefix;
    }
    effects
}

/// Whether one is in something that can be left.
pub(super) fn can_leave(model: &Model) -> bool {
    let checked = model.flow.as_ref().and_then(|flow| flow.checked.as_ref());
    !model.outer.is_empty() || checked.is_some_and(|checked| !checked.inside.is_empty())
}

/// Out of what was entered last, to where one was.
pub(super) fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &mut model.flow else { return Vec::new() };
    let inside = flow.checked.as_ref().map(|checked| checked.inside.clone()).unwrap_or_default();
    match inside.split_last() {
        Some((_, around)) => {
            back_to(flow, around);
            graph::bound(model);
            Vec::new()
        }
        _ if model.outer.is_empty() => {
            model.notice = Some((Tone::Detail, "this is the outermost workflow".into()));
            Vec::new()
        }
        _ if flow.is_modified() => {
            model.overlay = Some(Overlay::LeaveFile(0));
            Vec::new()
        }
        _ => leave_file(model),
    }
}

/// Shows what is around the workflow that is shown, as it looked.
fn back_to(flow: &mut Flow, around: &[String]) {
    if let Some(checked) = &mut flow.checked {
        checked.show(around);
    }
    let look = flow.trail.pop();
    arrive(flow);
    if let Some(look) = look {
        let scene = flow.scene();
        let place = |id: &String| scene.and_then(|scene| scene.nodes.iter().position(|node| node.id == *id));
        flow.selected = look.selected.as_ref().and_then(place);
        flow.camera = look.camera;
    }
}

/// Saves the file that was entered, and leaves it once that is done.
pub(super) fn save_and_leave(model: &mut Model) -> Vec<Effect> {
    if let Some(flow) = &mut model.flow {
        if flow.conflict.is_some() {
            model.overlay = Some(Overlay::Conflict(0));
            return Vec::new();
        }
        flow.wants_leave = true;
    }
    edit::write(model)
}

/// Out of the file that was entered. What is not saved of it is kept, and offered when it is opened again.
pub(super) fn leave_file(model: &mut Model) -> Vec<Effect> {
    let is_lost = model.unkept.is_some() && model.flow.as_ref().is_some_and(|flow| flow.is_modified());
    if is_lost {
        model.tell(
            Tone::Warning,
            "what is not saved of this file cannot be kept and would be lost: save it, or undo it",
        );
        return Vec::new();
    }
    let Some(outer) = model.outer.pop() else { return Vec::new() };
    let mut effects = Vec::new();
    if let Some(flow) = model.flow.as_ref().filter(|flow| flow.is_modified()) {
        effects.push(Effect::Release(flow.path.clone()));
        model.tell(Tone::Note, "not saved: the changes are kept, and offered when the file is opened again");
    }
    let path = outer.path.clone();
    model.flow = Some(outer);
    model.focus = Focus::Graph;
    model.is_changed = true;
    graph::bound(model);
    effects.push(Effect::Open(path));
    effects
}

/// To the node that the problem is about, which the cursor is on; into another file or workflow if it is there.
pub(super) fn go_to_problem(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some(finding) = flow.findings().get(flow.problem).cloned() else { return Vec::new() };
    let place = finding.span.as_ref().map(|span| span.start);
    if let Some(file) = finding.file.filter(|file| !file.as_os_str().is_empty()) {
        let way = flow.checked.as_ref().map(|checked| checked.inside.clone()).unwrap_or_default();
        let effects = open_file(model, file, way);
        if let Some(flow) = model.flow.as_mut().filter(|_| !effects.is_empty()) {
            flow.awaited_place = place;
        }
        return effects;
    }
    if let Some(name) = place.filter(|_| finding.is_missing_input).and_then(|place| inputs::declared_at(flow, place)) {
        return inputs::open(model, &name);
    }
    if let Some(node) = &finding.told_by {
        return failure::go_to(model, &way_from_here(flow, node));
    }
    if !place.is_some_and(|place| go_to(model, place)) {
        let (title, text) = (finding.message, finding.drawn);
        model.overlay = Some(Overlay::Story { title, text, scroll: 0 });
    }
    Vec::new()
}

/// A node of the file as it is called in what is shown.
fn way_from_here(flow: &Flow, node: &str) -> String {
    let inside = flow.inside().iter().map(|id| format!("{id}/")).collect::<String>();
    node.strip_prefix(&inside).unwrap_or(node).to_string()
}

/// To the node in whose text that place is; false if there is none.
pub(super) fn go_to(model: &mut Model, place: usize) -> bool {
    let checked = model.flow.as_ref().and_then(|flow| flow.checked.as_ref());
    let Some((checked, way)) = checked.and_then(|checked| Some((checked, checked.way_to(place)?))) else {
        return false;
    };
    if checked.inside != way {
        go_into(model, way);
    }
    model.focus = Focus::Graph;
    let node = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()).and_then(|checked| checked.node_at(place));
    graph::select(model, node);
    true
}
