//! Changing the workflow. Every change is one of the engine's edits: it keeps comments and order, and can be undone.

use std::path::Path;
use std::sync::Arc;

use easel_engine::edit::{Edit, Giver, History, NodeOption, Outside, fresh_id, literal_text};
use easel_engine::{Document, Feed, InputSpec, Kind, Literal, NodeSpec, Source, kinds};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Choice, Flow, Focus, Model, Overlay, Prompt};
use super::check;

/// An action that changes the workflow, or asks what to change.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Undo => return travel(model, History::undo, "there is nothing to take back"),
        Action::Redo => return travel(model, History::redo, "nothing was taken back"),
        Action::AddNode => return add_node(model),
        Action::Save => return save(model),
        _ => {}
    }
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some((node, spec)) = flow.selected_node() else {
        model.tell(Tone::Note, "no node is selected");
        return Vec::new();
    };
    let node = node.to_string();
    let input = spec.and_then(|spec| spec.inputs.get(flow.input)).cloned();
    let shown = flow.selected.and_then(|at| flow.scene()?.nodes.get(at));
    let (is_muted, is_bypassed) = shown.map(|node| (node.is_muted, node.is_bypassed)).unwrap_or_default();
    match (action, model.focus, input) {
        (Action::Delete, Focus::Side, Some(input)) => edit(model, &Edit::ClearInput { node, input: input.name.into() }),
        (Action::Delete, Focus::Graph, _) => edit(model, &Edit::Delete { nodes: vec![node] }),
        (Action::Duplicate, ..) => edit(model, &Edit::Duplicate { nodes: vec![node] }),
        (Action::Mute, ..) => edit(model, &Edit::SetOption { node, option: NodeOption::Mute(!is_muted) }),
        (Action::Bypass, ..) => edit(model, &Edit::SetOption { node, option: NodeOption::Bypass(!is_bypassed) }),
        (Action::Rename, ..) => {
            let field = Field::line(&node);
            model.overlay = Some(Overlay::Prompt(Prompt::Rename(node), field));
            Vec::new()
        }
        (Action::Connect, Focus::Side, Some(input)) => {
            connect(model, node, &input);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Does an edit; what is wrong with it is told.
pub(super) fn edit(model: &mut Model, edit: &Edit) -> Vec<Effect> {
    match try_edit(model, edit) {
        Ok(effects) => effects,
        Err(why) => {
            model.tell(Tone::Error, why);
            Vec::new()
        }
    }
}

/// Does an edit, or says what is wrong with it.
pub(super) fn try_edit(model: &mut Model, edit: &Edit) -> Result<Vec<Effect>, String> {
    let flow = model.flow.as_mut().ok_or("no workflow is open")?;
    if flow.is_recorded {
        return Err("this is the workflow as it was when the run began: open its file to change it".into());
    }
    let registry = flow.checked.as_ref().map(|checked| Arc::clone(&checked.registry));
    let registry = registry.ok_or("the workflow is being checked; once more in a moment")?;
    let history = flow.history.as_mut().ok_or("the workflow was not read yet")?;
    let (document, _) = Document::parse(&Source::new("", Arc::clone(history.text())));
    history.edit(&document, &registry, edit).map_err(|error| error.to_string())?;
    Ok(changed(model))
}

/// The text is another one: it is checked, and kept until it is saved.
fn changed(model: &mut Model) -> Vec<Effect> {
    model.is_changed = true;
    let mut effects = check(model);
    if let Some((flow, text)) = model.flow.as_ref().and_then(|flow| Some((flow, flow.text()?))) {
        let text = flow.is_modified().then(|| Arc::clone(text));
        if flow.has_offer {
            effects.push(Effect::SetAside(flow.path.clone()));
        }
        effects.push(Effect::Keep { path: flow.path.clone(), text });
    }
    if let Some(flow) = &mut model.flow {
        flow.has_offer = false;
    }
    effects
}

fn travel<T>(model: &mut Model, way: impl FnOnce(&mut History) -> Option<T>, nothing: &str) -> Vec<Effect> {
    let moved = model.flow.as_mut().and_then(|flow| flow.history.as_mut()).and_then(way);
    if moved.is_none() {
        model.notice = Some((Tone::Note, nothing.into()));
        return Vec::new();
    }
    changed(model)
}

/// Shows what saving would change.
fn save(model: &mut Model) -> Vec<Effect> {
    match &model.flow {
        Some(flow) if flow.conflict.is_some() => model.overlay = Some(Overlay::Conflict),
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
            let text = flow.text().filter(|_| flow.is_modified()).cloned();
            model.tell(Tone::Note, "saved");
            vec![Effect::Keep { path: path.to_path_buf(), text }]
        }
        Err(why) => {
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
        Outside::Same => check(model),
        Outside::Taken => {
            model.tell(Tone::Note, "the file changed, and so did what is shown");
            changed(model)
        }
        Outside::Merged => {
            model.tell(Tone::Note, "the file changed elsewhere: both changes are here now, yours are not saved");
            changed(model)
        }
        Outside::Conflict(conflict) => {
            flow.conflict = Some(conflict);
            flow.wants_run = false;
            // Nothing comes in front by itself: whoever is typing would decide with the next letter.
            let key = model.keymap.key(Action::Save).unwrap_or_default();
            model
                .tell(Tone::Warning, format!("the file changed in places that were changed here too: `{key}` decides"));
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

/// Takes changes over that were never saved.
pub(super) fn recover(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(flow) = &mut model.flow {
        // Where the file cannot be read there is nothing to compare with yet.
        let history = flow.history.get_or_insert_with(|| History::new(""));
        let changes = easel_engine::edit::Changes::between(history.text(), text);
        if history.record(&changes, "take unsaved changes over").is_none() {
            model.tell(Tone::Error, "the unsaved changes do not fit the file any more");
            return Vec::new();
        }
    }
    changed(model)
}

/// Asks for the type of a new node: those that can take what the selected one gives come first.
fn add_node(model: &mut Model) -> Vec<Effect> {
    let Some(checked) = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()) else { return Vec::new() };
    let selected = model.flow.as_ref().and_then(|flow| flow.selected_node()).and_then(|(_, spec)| spec);
    let mut types: Vec<_> = checked.registry.specs().collect();
    types.sort_by_key(|spec| (selected.is_none_or(|from| fit(from, spec).is_none()), spec.name));
    let item = |spec: &&NodeSpec| {
        let about = spec.about.lines().next().unwrap_or_default();
        let sign = if selected.is_some_and(|from| fit(from, spec).is_some()) { "● " } else { "  " };
        (spec.name.to_string(), format!("{sign}{about}"))
    };
    let items = types.iter().map(item).collect();
    model.overlay = Some(Overlay::Choice { choice: Choice::NodeType, items, field: Field::default(), at: 0 });
    Vec::new()
}

/// The first output of one node type that an input of the other takes as it is: (output, input).
fn fit(from: &NodeSpec, to: &NodeSpec) -> Option<(&'static str, &'static str)> {
    from.outputs.iter().find_map(|output| {
        let input = to.inputs.iter().find(|input| input.kinds.contains(&output.kind) && output.kind != kinds::ANY)?;
        Some((output.name, input.name))
    })
}

/// What was chosen.
pub(super) fn chosen(model: &mut Model, choice: Choice, name: &str) -> Vec<Effect> {
    match choice {
        // Not an edit.
        Choice::SweepSecond(_) => Vec::new(),
        Choice::NodeType => add(model, name),
        Choice::Giver { node, input } => {
            let from = match name.strip_prefix("input ") {
                Some(name) => Giver::Input(name.to_string()),
                None => match name.rsplit_once('.') {
                    Some((node, output)) => Giver::Output { node: node.into(), output: Some(output.into()) },
                    None => return Vec::new(),
                },
            };
            edit(model, &Edit::Connect { from, node, input, at: None })
        }
        Choice::Word { node, input } => {
            let value = Literal::Text(name.to_string()).to_string();
            edit(model, &Edit::SetInput { node, input, value })
        }
    }
}

/// Adds a node behind the selected one, and wires the two if there is a way.
fn add(model: &mut Model, node_type: &str) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some((text, checked)) = flow.text().zip(flow.checked.as_ref()) else { return Vec::new() };
    let (document, _) = Document::parse(&Source::new("", Arc::clone(text)));
    let id = fresh_id(document.workflow(), node_type);
    let selected = flow.selected_node();
    let wire = selected.and_then(|(node, spec)| {
        let (output, input) = fit(spec?, checked.registry.spec(node_type)?)?;
        let from = Giver::Output { node: node.into(), output: Some(output.into()) };
        Some(Edit::Connect { from, node: id.clone(), input: input.into(), at: None })
    });
    let after = selected.map(|(node, _)| node.to_string());
    let add = Edit::AddNode { node_type: node_type.into(), id: Some(id.clone()), after };
    let edits = Edit::All([add].into_iter().chain(wire).collect());
    let effects = edit(model, &edits);
    if let Some(flow) = &mut model.flow {
        flow.awaited = Some(id);
    }
    effects
}

/// Asks what is to feed an input: only what fits.
fn connect(model: &mut Model, node: String, input: &InputSpec) {
    let Some(checked) = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()) else { return };
    let takes = |kind: Kind| {
        input.kinds.iter().any(|wanted| {
            *wanted == kind
                || [kind, *wanted].contains(&kinds::ANY)
                || checked.registry.conversion(kind, *wanted).is_some()
        })
    };
    let mut items = Vec::new();
    for (other, spec) in checked.scene.nodes.iter().zip(&checked.specs).filter(|(other, _)| other.id != node) {
        for output in spec.iter().flat_map(|spec| &spec.outputs).filter(|output| takes(output.kind)) {
            items.push((format!("{}.{}", other.id, output.name), output.kind.to_string()));
        }
    }
    if let Some(plan) = &checked.plan {
        for declared in plan.document().inputs().filter(|declared| declared.kind.is_some_and(takes)) {
            items.push((format!("input {}", declared.name.value), declared.about.clone()));
        }
    }
    if items.is_empty() {
        return model.tell(Tone::Note, "nothing in this workflow gives what fits there");
    }
    let choice = Choice::Giver { node, input: input.name.into() };
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
}

/// Asks what the input with the cursor is to be; of what is true or false, makes it the other.
pub(super) fn input(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some((node, Some(spec))) = flow.selected_node() else { return Vec::new() };
    let Some((input, text)) = spec.inputs.get(flow.input).zip(flow.text()) else { return Vec::new() };
    let (node, name) = (node.to_string(), input.name.to_string());
    let source = Source::new("", Arc::clone(text));
    let (document, _) = Document::parse(&source);
    let entry = document.node(&node);
    let fed = entry.and_then(|entry| entry.inputs.iter().find(|fed| fed.name.value == name)).map(|fed| &fed.value);
    if !input.choices.is_empty() {
        let items = input.choices.iter().map(|word| ((*word).to_string(), String::new())).collect();
        let choice = Choice::Word { node, input: name };
        model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
        return Vec::new();
    }
    if input.kinds == [kinds::BOOLEAN] && fed.is_none_or(|fed| matches!(fed.value, Feed::Literal(_))) {
        let is_true = fed.is_some_and(|fed| fed.value == Feed::Literal(Literal::Boolean(true)));
        return edit(model, &Edit::SetInput { node, input: name, value: (!is_true).to_string() });
    }
    let (is_text, field) = match fed.map(|fed| &fed.value) {
        Some(Feed::Literal(Literal::Text(text))) => (true, Field::lines(text)),
        None if input.kinds.first() == Some(&kinds::TEXT) => (true, Field::lines("")),
        None => (false, Field::lines("")),
        Some(_) => (false, Field::lines(fed.map_or("", |fed| source.slice(&fed.span)))),
    };
    model.overlay = Some(Overlay::Prompt(Prompt::Value { node, input: name, is_text, problem: None }, field));
    Vec::new()
}

/// What was typed for an input; if it cannot be that, the question stays with what is wrong.
pub(super) fn value(model: &mut Model, node: String, input: String, is_text: bool, field: Field) -> Vec<Effect> {
    let document = model.flow.as_ref().and_then(Flow::text).cloned().unwrap_or_default();
    let value = if is_text { literal_text(&Literal::Text(field.text()), &document) } else { field.text() };
    let wanted = Edit::SetInput { node: node.clone(), input: input.clone(), value };
    match try_edit(model, &wanted) {
        Ok(effects) => effects,
        Err(why) => {
            let prompt = Prompt::Value { node, input, is_text, problem: Some(why) };
            model.overlay = Some(Overlay::Prompt(prompt, field));
            Vec::new()
        }
    }
}
