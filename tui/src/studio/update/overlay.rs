//! Keys while something is in front. Esc always takes it away.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::effect::{Change, Effect};
use super::super::field::Field;
use super::super::fuzzy;
use super::super::graph_view::Focus;
use super::super::keymap::{Action, Chord, Context};
use super::super::message::Tone;
use super::super::model::{Choice, Model, Overlay, Prompt};
use super::super::view::most_scrolled;
use super::{
    compare, edit, enter, extract, form, gallery, graph, groups, help, history, inputs, palette, prompts, queue, sweep,
    unsaved, wiring,
};

/// What is said of a text that is too long for a question.
pub(super) const CUT: &str = "the text is too long to be typed: its end was left out";

/// A key was pressed.
pub(super) fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(overlay) = model.overlay.take() else { return Vec::new() };
    if key.code == KeyCode::Esc && !matches!(&overlay, Overlay::Help { field, .. } if !field.text().is_empty()) {
        if let Overlay::Prompt(prompt, field) = &overlay {
            form::gave_up(model, prompt, field);
        }
        if let Overlay::Recovered(_) = overlay {
            unsaved::later(model);
        }
        if let Overlay::Choice { choice: Choice::Earlier(question), .. } = overlay {
            prompts::chosen(model, *question, None);
        }
        return Vec::new();
    }
    let most = most_scrolled(model, &overlay);
    match overlay {
        Overlay::Help { at, field, is_typing } => return help::pressed(model, at, field, is_typing, key),
        Overlay::Story { title, text, scroll } => {
            model.overlay = scrolled(key, scroll, most).map(|scroll| Overlay::Story { title, text, scroll });
        }
        Overlay::Palette(field, at) => return palette::pressed(model, field, at, key),
        Overlay::Prompt(prompt, field) => return apart(model, key, |model| answer(model, prompt, field, key)),
        Overlay::Choice { choice, items, field, at } => {
            return apart(model, key, |model| choose(model, choice, items, field, at, key));
        }
        Overlay::Changes(scroll) => match key.code {
            KeyCode::Enter | KeyCode::Char('y' | 's') => return edit::write(model),
            _ => model.overlay = scrolled(key, scroll, most).map(Overlay::Changes),
        },
        Overlay::LeaveFile(scroll) => match key.code {
            KeyCode::Enter | KeyCode::Char('y' | 's') => return enter::save_and_leave(model),
            KeyCode::Char('n') => return enter::leave_file(model),
            _ => model.overlay = scrolled(key, scroll, most).map(Overlay::LeaveFile),
        },
        Overlay::Conflict(scroll) => match key.code {
            KeyCode::Char('m') => return edit::settle(model, true),
            KeyCode::Char('f') => return edit::settle(model, false),
            // Nothing but a decision or esc closes it.
            _ => model.overlay = Some(Overlay::Conflict(scrolled(key, scroll, most).unwrap_or(scroll))),
        },
        Overlay::Recovered(offer) => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => return unsaved::recover(model, offer),
            KeyCode::Char('n') => return vec![Effect::SetAside(offer.number)],
            _ => model.overlay = Some(Overlay::Recovered(offer)),
        },
        Overlay::Details(scroll) => model.overlay = scrolled(key, scroll, most).map(Overlay::Details),
        Overlay::Forget(run) => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => return vec![Effect::Change(Change::Forget(run))],
            KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::Forget(run)),
        },
        Overlay::SweepAsked(sweep) => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => return sweep::begin(model, *sweep),
            KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::SweepAsked(sweep)),
        },
        Overlay::Sweep => return sweep::pressed(model, key),
        Overlay::Shot => return shot(model, key),
        Overlay::Compare(compare) => return compare::pressed(model, compare, key),
        Overlay::Behind(what) => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => return queue::behind(model, what),
            KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::Behind(what)),
        },
        Overlay::CancelAll => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => return vec![Effect::Change(Change::CancelAll)],
            KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::CancelAll),
        },
        Overlay::Leave => match key.code {
            KeyCode::Char('y') | KeyCode::Enter => model.wants_quit = true,
            KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::Leave),
        },
    }
    Vec::new()
}

/// What an answer does is one step of its own: it goes on with nothing before, and nothing goes on with it.
fn apart(model: &mut Model, key: KeyEvent, answered: impl FnOnce(&mut Model) -> Vec<Effect>) -> Vec<Effect> {
    if key.code != KeyCode::Enter {
        return answered(model);
    }
    edit::pause(model);
    let effects = answered(model);
    edit::pause(model);
    effects
}

/// A key while a picture has the whole screen.
fn shot(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let action = match key.code {
        KeyCode::Left | KeyCode::Up | KeyCode::Char('h' | 'k') => Action::Left,
        KeyCode::Right | KeyCode::Down | KeyCode::Char('l' | 'j' | ' ') => Action::Right,
        KeyCode::Char('r') => return gallery::act(model, Action::AnotherSeed),
        KeyCode::Char('p') => return gallery::act(model, Action::UsePrompt),
        KeyCode::Char('y') => return gallery::act(model, Action::CopyCommand),
        KeyCode::Enter | KeyCode::Char('q') => return Vec::new(),
        _ => Action::Help,
    };
    model.overlay = Some(Overlay::Shot);
    gallery::moved(model, action);
    Vec::new()
}

/// Where a text that can be scrolled by so many lines at most is after a key; nothing if the key closes it.
fn scrolled(key: KeyEvent, at: usize, most: usize) -> Option<usize> {
    // The screen may have grown since.
    let at = at.min(most);
    Some(match key.code {
        KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => (at + 1).min(most),
        KeyCode::PageUp => at.saturating_sub(10),
        KeyCode::PageDown | KeyCode::Char(' ') => (at + 10).min(most),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => most,
        KeyCode::Enter | KeyCode::Char('q' | '?') | KeyCode::F(1) => return None,
        _ => at,
    })
}

fn answer(model: &mut Model, prompt: Prompt, mut field: Field, key: KeyEvent) -> Vec<Effect> {
    let is_done = key.code == KeyCode::Enter && !key.modifiers.contains(KeyModifiers::ALT);
    if let (KeyCode::Char('o'), Prompt::Value { .. }) = (key.code, &prompt)
        && key.modifiers.contains(KeyModifiers::CONTROL)
    {
        model.overlay = Some(Overlay::Prompt(prompt, field));
        return form::edit_outside(model);
    }
    if !is_done && prompts::pressed(model, &prompt, &mut field, key) {
        // Unless another list is in front now.
        model.overlay.get_or_insert(Overlay::Prompt(prompt, field));
        return Vec::new();
    }
    if key.code == KeyCode::Tab && matches!(prompt, Prompt::Value { is_text: true, .. }) {
        model.overlay = Some(Overlay::Prompt(prompt, field));
        return form::complete(model);
    }
    let width = super::super::view::typing_width(model);
    let is_value = matches!(prompt, Prompt::Value { .. });
    match key.code {
        _ if is_done => {}
        KeyCode::Char('z') if is_value && key.modifiers.contains(KeyModifiers::CONTROL) => {
            form::bring_back(model, &prompt, &mut field);
        }
        KeyCode::Up if field.has_lines() => field.vertical(width, -1),
        KeyCode::Down if field.has_lines() => field.vertical(width, 1),
        KeyCode::PageUp if field.has_lines() => field.vertical(width, -10),
        KeyCode::PageDown if field.has_lines() => field.vertical(width, 10),
        _ => drop(field.key(key)),
    }
    let prompt = judged(prompt, &field);
    match prompt {
        Prompt::Rename { node, .. } if is_done => return edit::rename(model, node, field),
        Prompt::Value { .. } if is_done => return form::value(model, prompt, field),
        Prompt::RenameGroup { group, .. } if is_done => return groups::rename(model, group, field),
        Prompt::Group { nodes, .. } if is_done => return groups::group(model, nodes, field),
        Prompt::Sweep { first, name, .. } if is_done => return sweep::answered(model, first, name, field),
        Prompt::Enqueue { .. } if is_done => return queue::answered(model, field),
        Prompt::Extract { nodes, .. } if is_done => return extract::extract(model, nodes, field),
        Prompt::NewInput { kind, .. } if is_done => return inputs::add(model, kind, field),
        Prompt::RenameInput { input, .. } if is_done => return inputs::rename(model, input, field),
        // Shown while it is typed.
        Prompt::Search if is_done => graph::take_found(model, &field.text()),
        Prompt::Search => graph::search(model, &field.text()),
        Prompt::Filter => filter(model, &field.text()),
        Prompt::Runs => history::filter(model, &field.text()),
        Prompt::Gallery => model.gallery.filter(&field.text()),
        Prompt::Rename { .. }
        | Prompt::RenameGroup { .. }
        | Prompt::Value { .. }
        | Prompt::Group { .. }
        | Prompt::Sweep { .. }
        | Prompt::Enqueue { .. }
        | Prompt::NewInput { .. }
        | Prompt::RenameInput { .. }
        | Prompt::Extract { .. } => {}
    }
    if !is_done {
        model.overlay = Some(Overlay::Prompt(prompt, field));
    }
    Vec::new()
}

/// The question with what is wrong with what was typed so far.
fn judged(mut prompt: Prompt, field: &Field) -> Prompt {
    if let Prompt::Value { is_text, schema, problem, .. } = &mut prompt {
        *problem = schema.problem(&field.text(), *is_text);
    }
    prompt
}

fn filter(model: &mut Model, text: &str) {
    model.log.filter = text.to_string();
    model.log.up = 0;
}

/// The places of the items that fit what was typed, best first.
pub(crate) fn fitting(items: &[(String, String)], typed: &str) -> Vec<usize> {
    fuzzy::ranked(typed, items.iter().map(|(name, _)| name.as_str()))
}

fn choose(
    model: &mut Model,
    choice: Choice,
    items: Vec<(String, String)>,
    mut field: Field,
    at: usize,
    key: KeyEvent,
) -> Vec<Effect> {
    let fits = fitting(&items, &field.text());
    // The key that asked goes on to the next answer.
    let along = match model.keymap.action(Chord::of(key), Context::Graph) {
        Some(Action::Downstream) => Some(1),
        Some(Action::Upstream) => Some(fits.len().saturating_sub(1)),
        _ => None,
    };
    let along = along.filter(|_| matches!(choice, Choice::Wire { .. }) && !fits.is_empty());
    // While nothing fits, what was typed stays to be mended.
    let name = fits.get(at).and_then(|item| items.get(*item)).map(|(name, _)| name.clone());
    if let (KeyCode::Enter, Some(name)) = (key.code, name) {
        return match choice {
            Choice::Earlier(question) => {
                prompts::chosen(model, *question, Some(&name));
                Vec::new()
            }
            Choice::SweepSecond(first) => sweep::chosen(model, *first, &name),
            other => wiring::chosen(model, other, &name),
        };
    }
    let at = match along {
        Some(by) => (at + by) % fits.len(),
        None => stepped(&mut field, at, fits.len(), key),
    };
    if let (Choice::Wire { wires, .. }, Some(flow)) = (&choice, &mut model.flow) {
        // The one in question is seen.
        let wire = fitting(&items, &field.text()).get(at).and_then(|item| wires.get(*item)).copied();
        flow.focus = wire.map(Focus::Wire);
    }
    model.overlay = Some(Overlay::Choice { choice, items, field, at });
    Vec::new()
}

/// Where the cursor of a list is after a key; every other key is typed.
pub(super) fn stepped(field: &mut Field, at: usize, length: usize, key: KeyEvent) -> usize {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let last = length.saturating_sub(1);
    match key.code {
        KeyCode::Up => at.saturating_sub(1),
        KeyCode::Char('p') if control => at.saturating_sub(1),
        KeyCode::Down => (at + 1).min(last),
        KeyCode::Char('n') if control => (at + 1).min(last),
        KeyCode::PageUp => at.saturating_sub(10),
        KeyCode::PageDown => (at + 10).min(last),
        _ if field.key(key) => 0,
        _ => at,
    }
}

/// A text was pasted.
pub(super) fn pasted(model: &mut Model, text: &str) {
    let mut fits = true;
    match &mut model.overlay {
        Some(Overlay::Palette(field, at) | Overlay::Choice { field, at, .. }) => {
            fits = field.insert(text);
            *at = 0;
        }
        Some(Overlay::Prompt(prompt, field)) => {
            fits = field.insert(text);
            *prompt = judged(prompt.clone(), field);
            let (prompt, text) = (prompt.clone(), field.text());
            match prompt {
                Prompt::Search => graph::search(model, &text),
                Prompt::Filter => filter(model, &text),
                Prompt::Runs => history::filter(model, &text),
                Prompt::Gallery => model.gallery.filter(&text),
                Prompt::Rename { .. }
                | Prompt::RenameGroup { .. }
                | Prompt::Value { .. }
                | Prompt::Group { .. }
                | Prompt::Sweep { .. }
                | Prompt::Enqueue { .. }
                | Prompt::NewInput { .. }
                | Prompt::RenameInput { .. }
                | Prompt::Extract { .. } => {}
            }
        }
        _ => {}
    }
    if !fits {
        model.tell(Tone::Warning, CUT);
    }
}
