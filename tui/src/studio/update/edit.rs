//! Changing the workflow. Every change is one of the engine's edits: it keeps comments and order, and can be undone.

use std::path::Path;
use std::sync::Arc;

use easel_engine::edit::{Edit, History, NodeOption, Outside};
use easel_engine::{Document, Source};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Flow, Focus, InputSchema, Model, Overlay, Prompt};
use super::unsaved::{changed, conflicted, keep};
use super::{check, enter, extract, groups, marks, sockets, wiring};

/// An action that changes the workflow, or asks what to change.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Undo => return travel(model, true),
        Action::Redo => return travel(model, false),
        Action::AddNode => return wiring::add_node(model),
        Action::Save => return save(model),
        _ => {}
    }
    let Some(flow) = &model.flow else { return Vec::new() };
    let targets = flow.targets();
    if targets.is_empty() {
        model.tell(Tone::Note, "no node is selected");
        return Vec::new();
    }
    let schema = flow.selected_node().and_then(|(_, schema)| schema);
    let input = schema.and_then(|schema| schema.inputs.get(flow.input)).cloned();
    let output = schema.and_then(|schema| schema.outputs.get(flow.input.checked_sub(schema.inputs.len())?)).cloned();
    let is_on_socket = flow.focus.is_some() && flow.marked.is_empty();
    match (action, model.focus) {
        (Action::Delete, Focus::Side) => clear(model, input),
        (Action::Delete, Focus::Graph) if is_on_socket => sockets::delete(model).unwrap_or_default(),
        (Action::Delete, Focus::Graph) => edit(model, Edit::Delete { nodes: targets }),
        (Action::Duplicate, _) => marks::duplicate(model, targets),
        (Action::Mute, _) => marks::toggle(model, targets, NodeOption::Mute, |options| options.mute),
        (Action::Bypass, _) => marks::toggle(model, targets, NodeOption::Bypass, |options| options.bypass),
        (Action::Extract, _) => {
            let prompt = Prompt::Extract { nodes: targets, problem: None };
            model.overlay = Some(Overlay::Prompt(prompt, Field::default()));
            Vec::new()
        }
        (Action::Rename, _) => {
            let selected = flow.selected.and_then(|at| flow.scene()?.nodes.get(at));
            if selected.is_some_and(|node| !node.members.is_empty()) {
                return groups::act(model, Action::RenameGroup);
            }
            if let Some((node, _)) = flow.selected_node() {
                let field = Field::line(node);
                let prompt = Prompt::Rename { node: node.to_string(), problem: None };
                model.overlay = Some(Overlay::Prompt(prompt, field));
            }
            Vec::new()
        }
        (Action::Connect, Focus::Side) => {
            let owner = |name: &str| flow.owner(name);
            match (input.and_then(|input| owner(&input.name)), output.and_then(|output| owner(&output.name))) {
                (Some((node, input)), _) => wiring::connect(model, node, input),
                (None, Some((node, output))) => sockets::offer_takers(model, node, output),
                _ => {}
            }
            Vec::new()
        }
        (Action::Connect, Focus::Graph) => {
            sockets::connect(model);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Takes away what feeds the input that the cursor is on.
fn clear(model: &mut Model, input: Option<InputSchema>) -> Vec<Effect> {
    match model.flow.as_ref().zip(input).and_then(|(flow, input)| flow.owner(&input.name)) {
        Some((node, input)) => edit(model, Edit::ClearInput { node, input }),
        None => Vec::new(),
    }
}

/// Gives a node another name; if it cannot be called that, the question stays with why. The cursor stays on the node.
pub(super) fn rename(model: &mut Model, node: String, field: Field) -> Vec<Effect> {
    let to = field.text();
    let wanted = Edit::Rename { node: node.clone(), to: to.clone() };
    let effects = match try_edit(model, wanted) {
        Ok(effects) => effects,
        Err(why) => {
            model.overlay = Some(Overlay::Prompt(Prompt::Rename { node, problem: Some(why) }, field));
            return Vec::new();
        }
    };
    // The next key may come before the text is checked: it is about the node as it is called now.
    let flow = model.flow.as_mut();
    if let Some(checked) = flow.and_then(|flow| flow.checked.as_mut())
        && let Some(shown) = checked.scene.nodes.iter_mut().find(|shown| shown.id == node)
    {
        shown.id = to;
    }
    effects
}

/// Does an edit of the workflow that is shown; what is wrong with it is told.
pub(super) fn edit(model: &mut Model, edit: Edit) -> Vec<Effect> {
    match try_edit(model, edit) {
        Ok(effects) => effects,
        Err(why) => {
            model.tell(Tone::Error, why);
            Vec::new()
        }
    }
}

/// Does an edit of the workflow that is shown, or says what is wrong with it.
pub(super) fn try_edit(model: &mut Model, edit: Edit) -> Result<Vec<Effect>, String> {
    let flow = open(model)?;
    let registry = flow.checked.as_ref().map(|checked| Arc::clone(&checked.registry));
    let registry = registry.ok_or("the workflow is being checked; once more in a moment")?;
    let edit = flow.here(edit);
    let history = flow.history.as_mut().ok_or("the workflow was not read yet")?;
    let (document, _) = Document::parse(&Source::new("", Arc::clone(history.text())));
    history.edit(&document, &registry, &edit).map_err(|error| error.to_string())?;
    Ok(changed(model))
}

/// The next edit is a step of its own.
pub(super) fn pause(model: &mut Model) {
    if let Some(history) = model.flow.as_mut().and_then(|flow| flow.history.as_mut()) {
        history.pause();
    }
}

/// The workflow, if it may be changed.
pub(super) fn open(model: &mut Model) -> Result<&mut Flow, String> {
    let flow = model.flow.as_mut().ok_or("no workflow is open")?;
    if flow.is_recorded {
        return Err("this is the workflow as it was when the run began: open its file to change it".into());
    }
    Ok(flow)
}

/// One step back, or forward again. What it is is told, and where, if that is not what is shown.
fn travel(model: &mut Model, is_back: bool) -> Vec<Effect> {
    let before = model.flow.as_ref().and_then(Flow::text).cloned().unwrap_or_default();
    let history = model.flow.as_mut().and_then(|flow| flow.history.as_mut());
    let moved = history.and_then(|history| {
        let label = if is_back { history.undo_label() } else { history.redo_label() }?.to_string();
        if is_back { history.undo() } else { history.redo() }.map(|_| label)
    });
    let Some(label) = moved else {
        let nothing = if is_back { "there is nothing to take back" } else { "nothing was taken back" };
        model.notice = Some((Tone::Note, nothing.into()));
        return Vec::new();
    };
    let flow = model.flow.as_ref();
    let place = flow.and_then(|flow| elsewhere(flow, &before, flow.text()?)).unwrap_or_default();
    let left_behind = flow.and_then(|flow| extract::left_behind(flow, &before, flow.text()?));
    model.tell(Tone::Note, format!("{}: {label}{place}", if is_back { "taken back" } else { "done again" }));
    left_behind.into_iter().for_each(|said| model.tell(Tone::Note, said));
    changed(model)
}

/// Where two texts begin to differ, if that is in a workflow of the file that is not shown.
fn elsewhere(flow: &Flow, before: &str, after: &str) -> Option<String> {
    // Places are known of the text that was checked.
    let checked = flow.checked.as_ref().filter(|_| flow.is_current())?;
    let place = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    let way = checked.way_to(place).filter(|way| *way != checked.inside)?;
    Some(match way.is_empty() {
        true => ", around what is shown".into(),
        false => format!(", in `{}`, which is not shown", way.join("` › `")),
    })
}

/// Shows what saving would change.
fn save(model: &mut Model) -> Vec<Effect> {
    match &model.flow {
        Some(flow) if flow.conflict.is_some() => model.overlay = Some(Overlay::Conflict(0)),
        Some(flow) if flow.is_modified() => model.overlay = Some(Overlay::Changes(0)),
        Some(_) => model.tell(Tone::Note, "nothing was changed: there is nothing to save"),
        None => {}
    }
    Vec::new()
}

/// Writes the text into its file.
pub(super) fn write(model: &Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some(history) = &flow.history else { return Vec::new() };
    let (text, known) = (Arc::clone(history.text()), Arc::clone(history.saved_text()));
    vec![Effect::Save { path: flow.path.clone(), text, known }]
}

/// The file was written, or not.
pub(super) fn saved(model: &mut Model, path: &Path, saved: Result<Arc<str>, String>) -> Vec<Effect> {
    let Some(flow) = model.flow.as_mut().filter(|flow| flow.path == path) else { return Vec::new() };
    match saved {
        Ok(text) => {
            if let Some(history) = &mut flow.history {
                // What was changed while it was written is not in it.
                history.mark_saved_as(text);
            }
            flow.unreadable = None;
            let leaves = std::mem::take(&mut flow.wants_leave) && !flow.is_modified();
            model.tell(Tone::Note, "saved");
            let mut effects: Vec<_> = keep(model).into_iter().collect();
            if leaves {
                effects.extend(enter::leave_file(model));
            }
            effects
        }
        Err(why) => {
            flow.wants_leave = false;
            model.tell(Tone::Error, why);
            Vec::new()
        }
    }
}

/// The file holds this text now: somebody else may have changed it.
pub(super) fn outside(model: &mut Model, text: Arc<str>) -> Vec<Effect> {
    let Some(flow) = &mut model.flow else { return Vec::new() };
    // One that was not settled is found again if it is still there.
    flow.conflict = None;
    let Some(history) = &mut flow.history else {
        flow.history = Some(History::new(text));
        return check(model);
    };
    match history.outside(text) {
        // It may have been away meanwhile.
        Outside::Same => {
            // What is being saved may be seen in the file before that is told.
            let leaves = flow.wants_leave;
            let effects = changed(model);
            if let Some(flow) = &mut model.flow {
                flow.wants_leave = leaves;
            }
            effects
        }
        Outside::Taken => {
            model.tell(Tone::Note, "the file changed, and so did what is shown");
            changed(model)
        }
        Outside::Merged => {
            model.tell(Tone::Note, "the file changed elsewhere: both changes are here now, yours are not saved");
            changed(model)
        }
        Outside::Conflict(conflict) => {
            conflicted(model, conflict);
            Vec::new()
        }
    }
}

/// Ends a conflict with the text from here, or with that of the file. Either way it can be undone.
pub(super) fn settle(model: &mut Model, is_ours: bool) -> Vec<Effect> {
    let Some(flow) = &mut model.flow else { return Vec::new() };
    if let Some((conflict, history)) = flow.conflict.take().zip(flow.history.as_mut()) {
        // What is here may have gone on since.
        let text = Arc::clone(if is_ours { history.text() } else { &conflict.theirs });
        history.settle(conflict, &text);
    }
    changed(model)
}
