//! Groups of nodes: made, folded into one box, named, coloured.

use easel_engine::GROUP_COLOURS;
use easel_engine::edit::Edit;

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Flow, Model, Overlay, Prompt};
use super::edit::{edit, try_edit};
use super::graph;

/// An action that has to do with groups.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    if action == Action::Group {
        return ask(model);
    }
    if action == Action::FoldAll {
        fold_all(model);
        return Vec::new();
    }
    let Some((group, colour)) = group_of(flow) else {
        model.tell(Tone::Note, "the node is in no group");
        return Vec::new();
    };
    match action {
        Action::Ungroup => edit(model, Edit::Ungroup { group }),
        Action::RenameGroup => {
            let field = Field::line(&group);
            model.overlay = Some(Overlay::Prompt(Prompt::RenameGroup { group, problem: None }, field));
            Vec::new()
        }
        Action::GroupColour => {
            let at = colour.and_then(|colour| GROUP_COLOURS.iter().position(|known| *known == colour));
            let next = GROUP_COLOURS.get(at.map_or(0, |at| at + 1)).map(|colour| (*colour).to_string());
            edit(model, Edit::SetColour { group, colour: next })
        }
        _ => {
            let is_folded =
                flow.selected.and_then(|at| flow.scene()?.nodes.get(at)).is_some_and(|n| !n.members.is_empty());
            fold(model, !is_folded);
            Vec::new()
        }
    }
}

/// Name and colour of the group of the selected node.
fn group_of(flow: &Flow) -> Option<(String, Option<String>)> {
    let group = flow.scene()?.nodes.get(flow.selected?)?.group.as_ref()?;
    Some((group.name.clone(), group.colour.clone()))
}

/// Asks for the name of a new group.
fn ask(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let nodes = flow.targets();
    if nodes.is_empty() {
        model.tell(Tone::Note, "no node is selected");
        return Vec::new();
    }
    model.overlay = Some(Overlay::Prompt(Prompt::Group { nodes, problem: None }, Field::default()));
    Vec::new()
}

/// Makes a group; if it cannot be called that, the question stays with why.
pub(super) fn group(model: &mut Model, nodes: Vec<String>, field: Field) -> Vec<Effect> {
    match try_edit(model, Edit::Group { nodes: nodes.clone(), name: field.text() }) {
        Ok(effects) => {
            if let Some(flow) = &mut model.flow {
                flow.marked.clear();
            }
            effects
        }
        Err(why) => {
            model.overlay = Some(Overlay::Prompt(Prompt::Group { nodes, problem: Some(why) }, field));
            Vec::new()
        }
    }
}

/// Gives a group another name, or asks again; it stays folded if it was.
pub(super) fn rename(model: &mut Model, group: String, field: Field) -> Vec<Effect> {
    let to = field.text();
    match try_edit(model, Edit::RenameGroup { group: group.clone(), to: to.clone() }) {
        Ok(effects) => {
            if let Some(flow) = &mut model.flow
                && let Some(checked) = &mut flow.checked
                // Under its old name too: it may be called so again.
                && checked.folded.contains(&(checked.within.clone(), group))
            {
                flow.awaited = Some(format!("[{to}]"));
                checked.folded.insert((checked.within.clone(), to));
            }
            effects
        }
        Err(why) => {
            model.overlay = Some(Overlay::Prompt(Prompt::RenameGroup { group, problem: Some(why) }, field));
            Vec::new()
        }
    }
}

/// Makes one box of the group of the selected node, or its nodes again. The cursor stays with it.
pub(super) fn fold(model: &mut Model, is_folded: bool) {
    let Some(flow) = &model.flow else { return };
    if let Some((group, _)) = group_of(flow) {
        set_folded(model, vec![group], is_folded);
    }
}

/// Puts the cursor on a node, if it is there; a group that hides it is unfolded.
pub(super) fn reveal(model: &mut Model, id: &str) -> bool {
    let place = |flow: &Flow| {
        let nodes = &flow.scene()?.nodes;
        nodes.iter().position(|node| node.id == id || node.members.iter().any(|member| member == id))
    };
    let Some(at) = model.flow.as_ref().and_then(place) else { return false };
    graph::select(model, Some(at));
    if model.flow.as_ref().and_then(Flow::selected_node).is_some_and(|(shown, _)| shown != id) {
        fold(model, false);
        let place = model.flow.as_ref().and_then(place);
        graph::select(model, place);
    }
    true
}

/// Makes one box of every group; if all are that already, none.
fn fold_all(model: &mut Model) {
    let Some(scene) = model.flow.as_ref().and_then(Flow::scene) else { return };
    let groups: Vec<_> = scene.nodes.iter().filter_map(|node| Some(node.group.as_ref()?.name.clone())).collect();
    let is_open = scene.nodes.iter().any(|node| node.group.is_some() && node.members.is_empty());
    if groups.is_empty() {
        return model.tell(Tone::Note, "there are no groups in this workflow");
    }
    set_folded(model, groups, is_open);
}

fn set_folded(model: &mut Model, groups: Vec<String>, is_folded: bool) {
    let screen = graph::screen(model);
    let Some(flow) = &mut model.flow else { return };
    let targets = flow.selected.map(|at| {
        let node = flow.scene().and_then(|scene| scene.nodes.get(at));
        node.map(|node| node.members.first().unwrap_or(&node.id).clone())
    });
    let Some(checked) = &mut flow.checked else { return };
    for group in groups {
        let key = (checked.within.clone(), group);
        if is_folded {
            checked.folded.insert(key);
        } else {
            checked.folded.remove(&key);
        }
    }
    let inside = checked.inside.clone();
    checked.show(&inside);
    let nodes = &checked.scene.nodes;
    let place = |id: &String| nodes.iter().position(|node| node.id == *id || node.members.contains(id));
    flow.selected = targets.flatten().as_ref().and_then(place);
    // Their places are others now.
    flow.marked.clear();
    flow.found.clear();
    (flow.focus, flow.drag, flow.input) = (None, None, 0);
    flow.lay_out();
    if let Some(at) = flow.selected {
        flow.camera = flow.camera.revealing(&flow.layout, screen, at);
    }
    graph::bound(model);
}
