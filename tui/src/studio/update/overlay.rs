//! Keys while something is in front. Esc always takes it away.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::fuzzy;
use super::super::keymap::{Action, Keymap};
use super::super::model::{Model, Overlay, Prompt};
use super::{graph, keys};

/// A key was pressed.
pub(super) fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(overlay) = model.overlay.take() else { return Vec::new() };
    if key.code == KeyCode::Esc {
        return Vec::new();
    }
    match overlay {
        Overlay::Help(scroll) => model.overlay = scrolled(key, scroll).map(Overlay::Help),
        Overlay::Story { title, text, scroll } => {
            model.overlay = scrolled(key, scroll).map(|scroll| Overlay::Story { title, text, scroll });
        }
        Overlay::Palette(field, at) => return palette(model, field, at, key),
        Overlay::Prompt(prompt, field) => answer(model, prompt, field, key),
        Overlay::Leave => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => model.wants_quit = true,
            KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::Leave),
        },
    }
    Vec::new()
}

/// Where a text that can be scrolled is after a key; nothing if the key closes it.
fn scrolled(key: KeyEvent, at: usize) -> Option<usize> {
    Some(match key.code {
        KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => at.saturating_add(1).min(10_000),
        KeyCode::PageUp => at.saturating_sub(10),
        KeyCode::PageDown | KeyCode::Char(' ') => at.saturating_add(10).min(10_000),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::Enter | KeyCode::Char('q' | '?') | KeyCode::F(1) => return None,
        _ => at,
    })
}

/// The actions that fit what was typed, best first.
pub(crate) fn candidates(model: &Model, typed: &str) -> Vec<Action> {
    let actions: Vec<_> = Keymap::actions(model.context()).filter(|action| *action != Action::Palette).collect();
    let names: Vec<_> = actions.iter().map(|action| format!("{} {}", action.name(), action.about())).collect();
    fuzzy::ranked(typed, names.iter().map(String::as_str)).into_iter().map(|at| actions[at]).collect()
}

fn palette(model: &mut Model, mut field: Field, at: usize, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let fits = candidates(model, &field.text());
    let last = fits.len().saturating_sub(1);
    let at = match key.code {
        KeyCode::Enter => return fits.get(at).map_or_else(Vec::new, |action| keys::act(model, *action)),
        KeyCode::Up => at.saturating_sub(1),
        KeyCode::Char('p') if control => at.saturating_sub(1),
        KeyCode::Down => (at + 1).min(last),
        KeyCode::Char('n') if control => (at + 1).min(last),
        KeyCode::PageUp => at.saturating_sub(10),
        KeyCode::PageDown => (at + 10).min(last),
        _ if field.key(key) => 0,
        _ => at,
    };
    model.overlay = Some(Overlay::Palette(field, at));
    Vec::new()
}

fn answer(model: &mut Model, prompt: Prompt, mut field: Field, key: KeyEvent) {
    if key.code != KeyCode::Enter {
        field.key(key);
    }
    match prompt {
        // Shown while it is typed.
        Prompt::Search => graph::search(model, &field.text()),
        Prompt::Filter => {
            model.log.filter = field.text();
            model.log.up = 0;
        }
    }
    if key.code != KeyCode::Enter {
        model.overlay = Some(Overlay::Prompt(prompt, field));
    }
}

/// A text was pasted.
pub(super) fn pasted(model: &mut Model, text: &str) {
    match &mut model.overlay {
        Some(Overlay::Palette(field, at)) => {
            field.insert(text);
            *at = 0;
        }
        Some(Overlay::Prompt(prompt, field)) => {
            field.insert(text);
            let (prompt, text) = (*prompt, field.text());
            match prompt {
                Prompt::Search => graph::search(model, &text),
                Prompt::Filter => model.log.filter = text,
            }
        }
        _ => {}
    }
}

/// The whole story of what became of the selected node.
pub(super) fn node_story(model: &mut Model) {
    let Some(flow) = &model.flow else { return };
    let Some(node) = flow.selected.and_then(|at| flow.scene()?.nodes.get(at)) else { return };
    let of_run = model.run.as_ref().and_then(|run| run.node(&node.id)).and_then(|run| run.story.clone());
    let found = flow.findings().iter().filter(|finding| finding.node == flow.selected);
    let text: Vec<_> = of_run.into_iter().chain(found.map(|finding| finding.drawn.clone())).collect();
    if !text.is_empty() {
        model.overlay = Some(Overlay::Story { title: node.id.clone(), text: text.join("\n\n"), scroll: 0 });
    }
}
