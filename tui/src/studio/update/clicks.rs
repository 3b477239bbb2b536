//! Clicks on lists: one puts the cursor there, a second one does what enter does.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Clicked, Focus, Model, Overlay, Prompt, Side};
use super::super::view::{entry_at, entry_in_front, is_in_front};
use super::{keys, overlay};

/// A second click on a node within this time goes into it.
const DOUBLE: Duration = Duration::from_millis(400);

/// A click on the side pane. `before` is what was clicked last.
pub(super) fn side(model: &mut Model, place: Position, before: Option<Clicked>) -> Vec<Effect> {
    let entry = entry_at(model, place);
    // The pane may have become wider by the first click, and the list may have moved.
    let is_same = |clicked: &Clicked| {
        clicked.side == Some(model.side) && (clicked.place == place || entry == Some(clicked.entry))
    };
    let is_second = before.as_ref().is_some_and(is_same);
    model.focus = Focus::Side;
    if is_second {
        return keys::act(model, Action::Activate);
    }
    if let Some(entry) = entry {
        put(model, entry);
        model.clicked = Some(Clicked { side: Some(model.side), entry, place, at: model.now });
    }
    Vec::new()
}

/// Puts the cursor of the list in the side pane on an entry.
fn put(model: &mut Model, entry: usize) {
    match (model.side, &mut model.flow) {
        (Side::Inspector, Some(flow)) => flow.input = entry,
        (Side::Problems, Some(flow)) => flow.problem = entry,
        (Side::Log, _) => model.log.up = entry,
        (Side::Gallery, _) => model.gallery.at = entry,
        (Side::Queue, _) => model.queue.at = entry,
        (Side::Runs, _) => model.runs.at = entry,
        (Side::Inspector | Side::Problems | Side::Monitor, _) => {}
    }
}

/// A click on a node of the graph: whether it is the second of two.
pub(super) fn is_double(model: &mut Model, node: usize, place: Position, before: Option<Clicked>) -> bool {
    let is_same = |clicked: Clicked| {
        (clicked.side, clicked.entry) == (None, node) && model.now.saturating_sub(clicked.at) <= DOUBLE
    };
    let is_double = before.is_some_and(is_same);
    model.clicked = (!is_double).then_some(Clicked { side: None, entry: node, place, at: model.now });
    is_double
}

/// A click while something is in front: on an entry of a list it takes that, beside everything it closes it.
pub(super) fn in_front(model: &mut Model, place: Position) -> Vec<Effect> {
    model.is_changed = true;
    if let Some(entry) = entry_in_front(model, place) {
        if let Some(Overlay::Palette(_, at) | Overlay::Choice { at, .. }) = &mut model.overlay {
            *at = entry;
        }
        return press(model, KeyCode::Enter);
    }
    if model.overlay.as_ref().is_none_or(|overlay| is_in_front(model, overlay, place)) {
        return Vec::new();
    }
    let is_lost = |overlay: &Overlay| match overlay {
        // What was typed for an input can be brought back.
        Overlay::Prompt(Prompt::Value { .. } | Prompt::Search, _) => false,
        Overlay::Prompt(_, field) => field.is_changed(),
        _ => false,
    };
    if model.overlay.as_ref().is_some_and(is_lost) {
        model.notice = Some((Tone::Note, "esc gives up what was typed".into()));
        return Vec::new();
    }
    press(model, KeyCode::Esc)
}

/// The wheel while something is in front.
pub(super) fn wheel(model: &mut Model, is_up: bool, lines: i32) -> Vec<Effect> {
    if matches!(&model.overlay, Some(Overlay::Prompt(_, field)) if !field.has_lines()) {
        return Vec::new();
    }
    model.is_changed = true;
    let code = if is_up { KeyCode::Up } else { KeyCode::Down };
    (0..lines).flat_map(|_| press(model, code)).collect()
}

fn press(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    overlay::pressed(model, KeyEvent::new(code, KeyModifiers::NONE))
}
