//! What is being typed is kept like changes that are not saved, and asked for again after a crash.

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::model::typed::{Question, Typed};
use super::super::model::{Model, Overlay, Prompt, Side};
use super::{enter, form, groups, keys, sweep};

/// Keeps what is typed now, unless that is what is kept already.
pub(super) fn keep(model: &mut Model, effects: &mut Vec<Effect>) {
    let path = model.flow.as_ref().map(|flow| flow.path.clone());
    let typed = path.zip(model.typed());
    if typed == model.kept_typed {
        return;
    }
    let before = std::mem::replace(&mut model.kept_typed, typed);
    let paths = [before.as_ref(), model.kept_typed.as_ref()].into_iter().flatten().map(|(path, _)| path);
    let mut paths: Vec<_> = paths.cloned().collect();
    paths.dedup();
    for path in paths {
        let is_kept = effects.iter().any(|effect| matches!(effect, Effect::Keep { path: kept, .. } if *kept == path));
        let flow = model.flow.iter().chain(&model.outer).find(|flow| flow.path == path);
        if let Some(flow) = flow.filter(|_| !is_kept) {
            let unsaved = model.unsaved(flow);
            effects.push(Effect::Keep { path, unsaved });
        }
    }
}

/// Asks again what was being asked at an earlier time, once the workflow is checked and nothing is in front.
pub(super) fn resume(model: &mut Model) {
    if model.overlay.is_some() {
        return;
    }
    let flow = model.flow.as_mut().filter(|flow| flow.is_current());
    let Some(Typed { place, text }) = flow.and_then(|flow| flow.awaited_typed.take()) else { return };
    let about = place.question.about();
    if !enter::go_inside(model, place.inside) || !ask(model, place.question, &text) {
        let title = format!("What was typed for {about}, which is not there any more");
        model.overlay = Some(Overlay::Story { title, text, scroll: 0 });
    }
}

/// Asks again; false if what it is about is not there.
fn ask(model: &mut Model, question: Question, text: &str) -> bool {
    let problem = None;
    let (prompt, mut field) = match question {
        Question::Value { node, input, is_text } => {
            if !groups::reveal(model, &node) {
                return false;
            }
            drop(keys::show(model, Side::Inspector));
            return form::ask_again(model, &input, is_text, text);
        }
        Question::Rename { node } if groups::reveal(model, &node) => {
            let field = Field::line(&node);
            (Prompt::Rename { node, problem }, field)
        }
        Question::Rename { .. } => return false,
        Question::RenameGroup { group } => {
            let field = Field::line(&group);
            (Prompt::RenameGroup { group, problem }, field)
        }
        Question::Group { nodes } => (Prompt::Group { nodes, problem }, Field::default()),
        Question::Extract { nodes } => (Prompt::Extract { nodes, problem }, Field::default()),
        Question::Sweep { name, first } => return sweep::ask_again(model, name, first, text),
        Question::Default { input, is_text } => return form::ask_input_again(model, &input, is_text, text),
        Question::NewInput { kind } => (Prompt::NewInput { kind, problem }, Field::default()),
        Question::RenameInput { input } => {
            let field = Field::line(&input);
            (Prompt::RenameInput { input, problem }, field)
        }
    };
    field.replace(text);
    model.overlay = Some(Overlay::Prompt(prompt, field));
    true
}
