//! Finding something to do by what people call it.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::fuzzy;
use super::super::keymap::{Action, Keymap};
use super::super::model::{Model, Overlay};
use super::{inputs, keys, overlay};

/// So much less counts what is said of something than what it is called.
const LESS: i64 = 60;

/// Something that the palette offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// What a key can do.
    Action(Action),
    /// To type another value of an input of the workflow, by its place.
    Input(usize),
}

/// What fits what was typed, best first.
pub(crate) fn candidates(model: &Model, typed: &str) -> Vec<Offered> {
    let actions = Keymap::actions(model.context()).filter(|action| *action != Action::Palette);
    let inputs = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()).map(|checked| checked.inputs.as_slice());
    let mut fits: Vec<(i64, Offered)> = Vec::new();
    for action in actions {
        let names = std::iter::once(action.name()).chain(action.synonyms().iter().copied());
        let names = names.map(|name| fuzzy::score(typed, name));
        let about = fuzzy::score(typed, action.about()).map(|score| score - LESS);
        fits.extend(names.chain([about]).flatten().max().map(|score| (score, Offered::Action(action))));
    }
    for (at, input) in inputs.unwrap_or_default().iter().enumerate() {
        let score = [fuzzy::score(typed, &input.name), fuzzy::score(typed, &input.about).map(|score| score - LESS)];
        // What is called that comes before where it is looked for.
        fits.extend(score.into_iter().flatten().max().map(|score| (score + 1, Offered::Input(at))));
    }
    if !typed.trim().is_empty() {
        fits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    }
    fits.into_iter().map(|(_, offered)| offered).collect()
}

/// A key while the palette is in front.
pub(super) fn pressed(model: &mut Model, mut field: Field, at: usize, key: KeyEvent) -> Vec<Effect> {
    let fits = candidates(model, &field.text());
    match (key.code, fits.get(at)) {
        (KeyCode::Enter, Some(Offered::Action(action))) => return keys::act(model, *action),
        (KeyCode::Enter, Some(Offered::Input(at))) => {
            let checked = model.flow.as_ref().and_then(|flow| flow.checked.as_ref());
            let name = checked.and_then(|checked| checked.inputs.get(*at)).map(|input| input.name.clone());
            return name.map_or_else(Vec::new, |name| inputs::open(model, &name));
        }
        _ => {}
    }
    let at = overlay::stepped(&mut field, at, fits.len(), key);
    model.overlay = Some(Overlay::Palette(field, at));
    Vec::new()
}
