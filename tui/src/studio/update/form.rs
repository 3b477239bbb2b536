//! What is written in the inputs of the selected node.

use easel_engine::edit::{Edit, literal_text};
use easel_engine::{Feed, Literal, kinds};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::model::{Choice, Flow, Model, Overlay, Prompt};
use super::edit::{edit, try_edit};

/// Asks what the input with the cursor is to be; of what is true or false, makes it the other.
pub(super) fn input(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some((node, Some(schema))) = flow.selected_node() else { return Vec::new() };
    let Some((input, document)) = schema.inputs.get(flow.input).zip(flow.document()) else { return Vec::new() };
    let (node, name) = (node.to_string(), input.name.clone());
    let entry = flow.shown(&document).and_then(|workflow| workflow.node(&node));
    let written = entry.and_then(|entry| entry.inputs.iter().find(|fed| fed.name.value == name)).map(|fed| &fed.value);
    let times = entry.and_then(|entry| entry.call.as_ref()?.times.as_ref()).filter(|_| name == "times");
    let fed = written.or(times);
    if !input.choices.is_empty() {
        let items = input.choices.iter().map(|word| (word.clone(), String::new())).collect();
        let choice = Choice::Word { node, input: name };
        model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
        return Vec::new();
    }
    if input.is_only(kinds::BOOLEAN) && fed.is_none_or(|fed| matches!(fed.value, Feed::Literal(_))) {
        let is_true = fed.is_some_and(|fed| fed.value == Feed::Literal(Literal::Boolean(true)));
        return edit(model, Edit::SetInput { node, input: name, value: (!is_true).to_string() });
    }
    let (is_text, field) = match fed.map(|fed| &fed.value) {
        Some(Feed::Literal(Literal::Text(text))) => (true, Field::lines(text)),
        None if input.kinds.first() == Some(&kinds::TEXT) => (true, Field::lines("")),
        None => (false, Field::lines("")),
        Some(_) => (false, Field::lines(fed.map_or("", |fed| document.source().slice(&fed.span)))),
    };
    model.overlay = Some(Overlay::Prompt(Prompt::Value { node, input: name, is_text, problem: None }, field));
    Vec::new()
}

/// What was typed for an input; if it cannot be that, the question stays with what is wrong.
pub(super) fn value(model: &mut Model, node: String, input: String, is_text: bool, field: Field) -> Vec<Effect> {
    let document = model.flow.as_ref().and_then(Flow::text).cloned().unwrap_or_default();
    let value = if is_text { literal_text(&Literal::Text(field.text()), &document) } else { field.text() };
    let wanted = Edit::SetInput { node: node.clone(), input: input.clone(), value };
    match try_edit(model, wanted) {
        Ok(effects) => effects,
        Err(why) => {
            let prompt = Prompt::Value { node, input, is_text, problem: Some(why) };
            model.overlay = Some(Overlay::Prompt(prompt, field));
            Vec::new()
        }
    }
}
