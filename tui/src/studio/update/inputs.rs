//! The inputs of the workflow: what they are without anybody giving them, and which there are.

use easel_engine::edit::Edit;
use easel_engine::{Feed, Workflow, kinds};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::graph_view::Focus as Wired;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Choice, Flow, Focus, Given, Model, Overlay, Prompt, Side};
use super::edit::{edit, try_edit};
use super::{check, form, keys, sockets};

/// The kinds that a new input can have, with what people type for them.
const KINDS: [(&str, &str, Option<&str>); 4] = [
    ("Text", "words, such as a prompt or the name of a file", Some("\"\"")),
    ("Integer", "a whole number, such as a seed or a count", Some("0")),
    ("Float", "any number, such as a guidance scale", Some("1.0")),
    ("Boolean", "true or false", Some("false")),
];

/// Whether there are inputs, and no node is selected that comes before them.
pub(super) fn are_wanted(model: &Model) -> bool {
    let flow = model.flow.as_ref();
    let has_inputs = |flow: &Flow| flow.checked.as_ref().is_some_and(|checked| !checked.inputs.is_empty());
    flow.is_some_and(|flow| flow.selected.is_none() && has_inputs(flow))
}

/// Where somebody looks at the graph and at no node, the inputs are what is beside it.
pub(super) fn show_instead(model: &mut Model) {
    let is_of_run = model.is_demo || model.attached.is_some();
    let is_any = model.flow.as_ref().is_some_and(|flow| {
        !flow.is_recorded && flow.checked.as_ref().is_some_and(|checked| !checked.inputs.is_empty())
    });
    if is_any && !is_of_run && model.focus == Focus::Graph && model.side == Side::Inspector {
        model.side = Side::Inputs;
    }
}

/// Says that there are none.
pub(super) fn tell_none(model: &mut Model) {
    let key = model.keymap.key(Action::AddInput).unwrap_or_default();
    model.tell(Tone::Note, format!("this workflow has no inputs; `{key}` adds one"));
}

/// Puts the cursor on an input; false if there is none of that name.
pub(super) fn go_to(model: &mut Model, name: &str) -> bool {
    let checked = model.flow.as_ref().and_then(|flow| flow.checked.as_ref());
    let at = checked.and_then(|checked| checked.inputs.iter().position(|input| input.name == name));
    if let (Some(at), Some(flow)) = (at, &mut model.flow) {
        flow.input_at = at;
        drop(keys::show(model, Side::Inputs));
    }
    at.is_some()
}

/// Asks what an input is to be.
pub(super) fn open(model: &mut Model, name: &str) -> Vec<Effect> {
    if go_to(model, name) {
        return form::input(model);
    }
    model.tell(Tone::Note, format!("the workflow has no input `{name}`"));
    Vec::new()
}

/// The first input that must be given before anything can run, and is not.
fn needed(model: &Model) -> Option<&str> {
    let flow = model.flow.as_ref().filter(|flow| flow.inside().is_empty() && model.outer.is_empty())?;
    let inputs = &flow.checked.as_ref()?.inputs;
    let is_missing = |name: &str| model.set_value(name).is_none() && !takers_now(flow, name).is_empty();
    let missing =
        inputs.iter().find(|input| input.given == Given::Required && input.is_written() && is_missing(&input.name));
    missing.map(|input| input.name.as_str())
}

/// Asks for an input without which nothing can run; none if there is none.
pub(super) fn ask_for_needed(model: &mut Model) -> Option<Vec<Effect>> {
    let name = needed(model)?.to_string();
    go_to(model, &name);
    let flow = model.flow.as_ref();
    let schema = flow.and_then(|flow| flow.checked.as_ref()?.inputs.get(flow.input_at));
    // Of what is true or false, opening it would be an answer.
    let effects = match schema.is_some_and(|schema| schema.is_only(kinds::BOOLEAN)) {
        true => Vec::new(),
        false => form::input(model),
    };
    let run = model.keymap.key(Action::Run).unwrap_or_default();
    model.tell(
        Tone::Warning,
        format!("it cannot be run before `{name}` has a value: give it one, then `{run}` runs it"),
    );
    Some(effects)
}

/// The input of the workflow that the socket with the cursor in the graph takes.
pub(super) fn at_focus(model: &Model) -> Option<String> {
    let flow = model.flow.as_ref()?;
    let Some(Wired::Input(port)) = flow.focus else { return None };
    let node = flow.scene()?.nodes.get(port.node)?;
    let (node, input) = node.owner(node.inputs.get(port.socket)?);
    let document = flow.document()?;
    match sockets::feed(flow.shown(&document)?.node(node)?, input)? {
        Feed::Input(name) => Some(name.clone()),
        _ => None,
    }
}

/// The input that is declared at a place of the text.
pub(super) fn declared_at(flow: &Flow, place: usize) -> Option<String> {
    let document = flow.document()?;
    let declared = document.inputs().find(|input| input.span.contains(&place))?;
    Some(declared.name.value.clone())
}

/// What takes an input as the text is now.
fn takers_now(flow: &Flow, name: &str) -> Vec<String> {
    let document = flow.document();
    let workflow = document.as_ref().and_then(|document| flow.shown(document));
    workflow.map(|workflow| takers(workflow, name)).unwrap_or_default()
}

/// The inputs of nodes that take an input of their workflow.
pub(crate) fn takers(workflow: &Workflow, name: &str) -> Vec<String> {
    let mut takers = Vec::new();
    for node in workflow.nodes() {
        let times = node.call.as_ref().and_then(|call| call.times.as_ref()).map(|times| ("times", &times.value));
        let fed = node.inputs.iter().map(|input| (input.name.value.as_str(), &input.value.value)).chain(times);
        takers.extend(fed.filter(|(_, feed)| names(feed, name)).map(|(input, _)| format!("{}.{input}", node.id.value)));
    }
    takers
}

/// Whether an input is what feeds something, or a part of it.
fn names(feed: &Feed, name: &str) -> bool {
    match feed {
        Feed::Input(known) => known == name,
        Feed::List(items) => items.iter().any(|item| names(&item.value, name)),
        _ => false,
    }
}

/// Says what an input is where nobody gives another value; none: it must be given.
pub(super) fn try_set(model: &mut Model, name: &str, value: Option<String>) -> Result<Vec<Effect>, String> {
    let mut effects = try_edit(model, Edit::SetDefault { input: name.to_string(), value })?;
    effects.extend(unset(model, name));
    Ok(effects)
}

/// The same; what is wrong with it is told.
pub(super) fn set(model: &mut Model, name: &str, value: Option<String>) -> Vec<Effect> {
    try_set(model, name, value).unwrap_or_else(|why| {
        model.tell(Tone::Error, why);
        Vec::new()
    })
}

/// What was set when easel began counts no longer: what is typed since does.
fn unset(model: &mut Model, name: &str) -> Vec<Effect> {
    let Some(was) = model.set_value(name).map(str::to_string) else { return Vec::new() };
    model.set.retain(|(set, _)| set != name);
    model.tell(Tone::Note, format!("`{name}` was set to {was:?} by --set; from now on it is what stands here"));
    let mut effects = vec![Effect::Unset(name.to_string())];
    effects.extend(check(model));
    effects
}

/// Takes away what was set when easel began, or else the value: then it must be given.
pub(super) fn reset(model: &mut Model, name: &str) -> Vec<Effect> {
    if model.set_value(name).is_some() {
        return unset(model, name);
    }
    let inputs = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()).map(|checked| &checked.inputs);
    let input = inputs.and_then(|inputs| inputs.iter().find(|input| input.name == name));
    if input.is_some_and(|input| input.given == Given::Required) {
        model.notice = Some((Tone::Note, format!("nothing is written for `{name}`")));
        return Vec::new();
    }
    let effects = set(model, name, None);
    if !effects.is_empty() {
        model.notice = Some((Tone::Note, format!("`{name}` has no value any more: whoever runs it must give one")));
    }
    effects
}

/// Something is to be done with the inputs themselves.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::AddInput {
        let items = KINDS.iter().map(|(kind, about, _)| ((*kind).to_string(), (*about).to_string())).collect();
        let (choice, field) = (Choice::InputKind, Field::default());
        model.overlay = Some(Overlay::Choice { choice, items, field, at: 0 });
        return Vec::new();
    }
    let flow = model.flow.as_ref();
    let chosen = flow.and_then(|flow| flow.checked.as_ref()?.inputs.get(flow.input_at));
    let Some((flow, input)) = flow.zip(chosen.map(|input| input.name.clone())) else {
        tell_none(model);
        return Vec::new();
    };
    if action == Action::RenameInput {
        let field = Field::line(&input);
        model.overlay = Some(Overlay::Prompt(Prompt::RenameInput { input, problem: None }, field));
        return Vec::new();
    }
    let fed = takers_now(flow, &input);
    let effects = edit(model, Edit::RemoveInput { input: input.clone() });
    if !effects.is_empty() && !fed.is_empty() {
        let undo = model.keymap.key(Action::Undo).unwrap_or_default();
        model.tell(Tone::Note, format!("`{input}` does not feed {} any more; `{undo}` undoes it", fed.join(", ")));
    }
    effects
}

/// The kind of a new input was chosen.
pub(super) fn kind_chosen(model: &mut Model, kind: &str) -> Vec<Effect> {
    let prompt = Prompt::NewInput { kind: kind.to_string(), problem: None };
    model.overlay = Some(Overlay::Prompt(prompt, Field::default()));
    Vec::new()
}

/// Declares an input; if it cannot be called that, the question stays with why.
pub(super) fn add(model: &mut Model, kind: String, field: Field) -> Vec<Effect> {
    let name = field.text();
    let default = KINDS.iter().find(|(known, ..)| *known == kind).and_then(|(.., default)| *default);
    let wanted = Edit::AddInput { name: name.clone(), kind: kind.clone(), default: default.map(str::to_string) };
    match try_edit(model, wanted) {
        Ok(effects) => {
            if let Some(flow) = &mut model.flow {
                flow.awaited_input = Some(name.clone());
            }
            let connect = model.keymap.key(Action::Connect).unwrap_or_default();
            model.tell(Tone::Note, format!("`{name}` feeds nothing yet: at an input of a node, `{connect}` wires it"));
            effects
        }
        Err(why) => {
            let prompt = Prompt::NewInput { kind, problem: Some(why) };
            model.overlay = Some(Overlay::Prompt(prompt, field));
            Vec::new()
        }
    }
}

/// Gives an input another name; if it cannot be called that, the question stays with why.
pub(super) fn rename(model: &mut Model, input: String, field: Field) -> Vec<Effect> {
    let to = field.text();
    match try_edit(model, Edit::RenameInput { input: input.clone(), to: to.clone() }) {
        Ok(mut effects) => {
            if let Some(flow) = &mut model.flow {
                flow.awaited_input = Some(to);
            }
            // A setting for a name that is not there would keep everything from running.
            effects.extend(unset(model, &input));
            effects
        }
        Err(why) => {
            let prompt = Prompt::RenameInput { input, problem: Some(why) };
            model.overlay = Some(Overlay::Prompt(prompt, field));
            Vec::new()
        }
    }
}
