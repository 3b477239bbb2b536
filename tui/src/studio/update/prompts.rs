//! The prompts of earlier runs, while a text is typed.

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::field::Field;
use super::super::message::Tone;
use super::super::model::{Choice, Model, Overlay, Prompt};

/// Whether prompts of earlier runs may be of use.
pub(super) fn are_wanted(model: &Model) -> bool {
    let is_text = matches!(model.overlay, Some(Overlay::Prompt(Prompt::Value { is_text: true, .. }, _)));
    is_text || matches!(model.overlay, Some(Overlay::Choice { choice: Choice::Earlier(_), .. }))
}

/// A key that goes through the prompts of earlier runs. False: it means something else.
pub(super) fn pressed(model: &mut Model, prompt: &Prompt, field: &mut Field, key: KeyEvent) -> bool {
    if !matches!(prompt, Prompt::Value { is_text: true, .. }) || !key.modifiers.contains(KeyModifiers::CONTROL) {
        return false;
    }
    match key.code {
        KeyCode::Up => older(model, field),
        KeyCode::Down => newer(model, field),
        KeyCode::Char('r') if !model.prompts.is_empty() => {
            let items = model.prompts.iter().map(|text| (text.to_string(), String::new())).collect();
            let choice = Choice::Earlier(Box::new((prompt.clone(), field.clone())));
            model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
        }
        KeyCode::Char('r') => model.tell(Tone::Note, "no run had a prompt yet"),
        _ => return false,
    }
    true
}

/// Where the text that is typed is among those of earlier runs.
fn place(prompts: &[Arc<str>], field: &Field) -> Option<usize> {
    let text = field.text();
    prompts.iter().position(|prompt| **prompt == *text)
}

fn older(model: &mut Model, field: &mut Field) {
    let at = place(&model.prompts, field);
    if at.is_none() {
        model.draft = field.text();
    }
    match model.prompts.get(at.map_or(0, |at| at + 1)) {
        Some(prompt) => drop(field.replace(prompt)),
        None if model.prompts.is_empty() => model.tell(Tone::Note, "no run had a prompt yet"),
        None => model.tell(Tone::Note, "that is the oldest prompt"),
    }
}

fn newer(model: &mut Model, field: &mut Field) {
    match place(&model.prompts, field) {
        Some(0) => drop(field.replace(&model.draft)),
        Some(at) => drop(field.replace(&model.prompts[at - 1])),
        None => {}
    }
}

/// One was chosen from the list: it is what is typed now. None was: what was typed comes back.
pub(super) fn chosen(model: &mut Model, question: (Prompt, Field), text: Option<&str>) {
    let (prompt, mut field) = question;
    if let Some(text) = text {
        field.replace(text);
    }
    model.overlay = Some(Overlay::Prompt(prompt, field));
}
