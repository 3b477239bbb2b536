//! What the keys do: gone through by a cursor, searched, done.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::{Action, Keymap};
use super::super::model::{Model, Overlay};
use super::keys;

/// Lines of a page.
const PAGE: usize = 10;

/// The actions that mean something here and hold what was typed, by where they do.
pub(crate) fn explained(model: &Model, typed: &str) -> Vec<(&'static str, Vec<Action>)> {
    let wanted: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let fits = |action: &Action| {
        let keys: Vec<_> = model.keymap.keys(*action).map(ToString::to_string).collect();
        let words =
            [action.name(), action.about(), &keys.join(" "), &action.synonyms().join(" ")].join(" ").to_lowercase();
        wanted.iter().all(|wanted| words.contains(wanted))
    };
    let sections = Keymap::sections(model.context());
    let sections = sections.map(|(title, actions)| (title, actions.into_iter().filter(fits).collect::<Vec<_>>()));
    sections.filter(|(_, actions)| !actions.is_empty()).collect()
}

/// A key while help is in front.
pub(super) fn pressed(model: &mut Model, at: usize, mut field: Field, is_typing: bool, key: KeyEvent) -> Vec<Effect> {
    let found: Vec<Action> = explained(model, &field.text()).into_iter().flat_map(|(_, actions)| actions).collect();
    let last = found.len().saturating_sub(1);
    let mut is_typing = is_typing;
    let at = match key.code {
        // What was typed goes first, and only then all of it.
        KeyCode::Esc => {
            field = Field::default();
            is_typing = false;
            0
        }
        KeyCode::Up => at.saturating_sub(1),
        KeyCode::Down => (at + 1).min(last),
        KeyCode::PageUp => at.saturating_sub(PAGE),
        KeyCode::PageDown => (at + PAGE).min(last),
        KeyCode::Enter if is_typing => {
            is_typing = false;
            at
        }
        KeyCode::Enter => match found.get(at) {
            Some(Action::Help) | None => return Vec::new(),
            Some(action) => return keys::act(model, *action),
        },
        _ if is_typing => {
            let before = field.text();
            field.key(key);
            if field.text() == before { at } else { 0 }
        }
        KeyCode::Char('/') => {
            is_typing = true;
            at
        }
        KeyCode::Char('q' | '?') | KeyCode::F(1) => return Vec::new(),
        KeyCode::Char('k') => at.saturating_sub(1),
        KeyCode::Char('j') => (at + 1).min(last),
        KeyCode::Char(' ') => (at + PAGE).min(last),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => last,
        _ => at,
    };
    model.overlay = Some(Overlay::Help { at, field, is_typing });
    Vec::new()
}
