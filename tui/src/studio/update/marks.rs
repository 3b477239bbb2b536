//! Nodes that are marked, and what is done to all of them at once: one step to undo.

use std::collections::{BTreeSet, HashSet};

use easel_engine::edit::{Edit, NodeOption};
use easel_engine::{Document, Options};

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Flow, Model};
use super::edit::edit;

/// Marks nodes, or no longer.
pub(super) fn act(model: &mut Model, action: Action) {
    let Some(flow) = &mut model.flow else { return };
    let count = flow.layout.boxes.len();
    match (action, flow.selected) {
        (Action::MarkAll, _) if flow.marked.len() == count => flow.marked.clear(),
        (Action::MarkAll, _) => flow.marked = (0..count).collect(),
        (Action::MarkConnected, Some(node)) => {
            let connected = connected(flow, node);
            flow.marked.extend(connected);
        }
        (Action::Mark, Some(node)) => toggle_mark(flow, node),
        _ => return model.tell(Tone::Note, "no node is selected"),
    }
    let marked = flow.marked.len();
    let said = if marked == 0 { "nothing is marked".into() } else { format!("{marked} of {count} nodes are marked") };
    model.notice = Some((Tone::Detail, said));
}

/// Marks a node, or no longer.
pub(super) fn toggle_mark(flow: &mut Flow, node: usize) {
    if !flow.marked.remove(&node) && node < flow.layout.boxes.len() {
        flow.marked.insert(node);
    }
}

/// A node, what it needs and what needs it, however far.
fn connected(flow: &Flow, node: usize) -> BTreeSet<usize> {
    let Some(scene) = flow.scene() else { return BTreeSet::new() };
    let mut reached = BTreeSet::from([node]);
    for is_forward in [true, false] {
        let mut open = vec![node];
        let mut seen = HashSet::from([node]);
        while let Some(at) = open.pop() {
            let wires = if is_forward { flow.layout.wires_out_of(at) } else { flow.layout.wires_into(at) };
            let ends = wires.iter().filter_map(|&wire| scene.wires.get(wire));
            let ends = ends.map(|wire| if is_forward { wire.to.node } else { wire.from.node });
            open.extend(ends.filter(|&end| seen.insert(end)));
        }
        reached.extend(seen);
    }
    reached
}

/// Sets an option of nodes, or clears it if all have it. What they have is read from the text: what is drawn may be older.
pub(super) fn toggle(
    model: &mut Model,
    nodes: Vec<String>,
    option: fn(bool) -> NodeOption,
    is_set: fn(&Options) -> bool,
) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let document = flow.document();
    let workflow = document.as_ref().and_then(|document| flow.shown(document));
    let has = |node: &String| {
        workflow.and_then(|workflow| workflow.node(node)).and_then(|node| node.options.as_deref()).is_some_and(is_set)
    };
    let wanted = !nodes.iter().all(has);
    let set = |node: String| Edit::SetOption { node, option: option(wanted) };
    edit(model, all(nodes.into_iter().map(set).collect()))
}

/// Several edits as one.
fn all(mut edits: Vec<Edit>) -> Edit {
    if edits.len() == 1 { edits.remove(0) } else { Edit::All(edits) }
}

/// Adds copies of nodes; they take the marks or the cursor over.
pub(super) fn duplicate(model: &mut Model, nodes: Vec<String>) -> Vec<Effect> {
    let names = |model: &Model| -> Vec<String> {
        let Some(flow) = &model.flow else { return Vec::new() };
        let document: Option<Document> = flow.document();
        let workflow = document.as_ref().and_then(|document| flow.shown(document));
        workflow.map(|workflow| workflow.nodes().iter().map(|node| node.id.value.clone()).collect()).unwrap_or_default()
    };
    let before: HashSet<String> = names(model).into_iter().collect();
    let is_one = nodes.len() == 1;
    let effects = edit(model, Edit::Duplicate { nodes });
    let copies: Vec<String> = names(model).into_iter().filter(|name| !before.contains(name)).collect();
    if let Some(flow) = model.flow.as_mut().filter(|_| !copies.is_empty()) {
        if is_one {
            flow.awaited = copies.into_iter().next();
        } else {
            flow.awaited_marks = copies;
        }
    }
    effects
}
