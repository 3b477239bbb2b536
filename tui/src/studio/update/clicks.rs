//! Clicks on lists: one puts the cursor there, a second one does what enter does.

use std::sync::Arc;
use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Clicked, Compare, Focus, Full, Model, Overlay, Prompt, Side};
use super::super::view::{
    compare_manner_at, entry_at, entry_in_front, foot_key_at, is_in_front, is_run_picture_at, sweep_cell_at,
    timeline_row_at,
};
use super::{graph, keys, overlay, timeline};

/// What stands for the node where there is none.
const NOWHERE: usize = usize::MAX;

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
    if model.side == Side::Monitor && is_run_picture_at(model, place) {
        return keys::act(model, Action::ShowPicture);
    }
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
        (Side::Inputs, Some(flow)) => flow.input_at = entry,
        (Side::Monitor, _) => {
            let Some(run) = &mut model.run else { return };
            (run.at, run.is_moved) = (entry, true);
            if let Some(node) = run.nodes.get(entry).map(|node| Arc::clone(&node.node)) {
                graph::select_of_run(model, &node);
            }
        }
        (Side::Inspector | Side::Problems | Side::Inputs, _) => {}
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

/// A click on the graph beside all nodes: whether it is the second of two at one place.
pub(super) fn is_double_beside(model: &mut Model, place: Position, before: Option<&Clicked>) -> bool {
    let before = before.filter(|clicked| clicked.place == place).copied();
    is_double(model, NOWHERE, place, before)
}

/// A click while something is in front: on an entry of a list it takes that, beside everything it closes it.
pub(super) fn in_front(model: &mut Model, place: Position) -> Vec<Effect> {
    model.is_changed = true;
    if let Some(entry) = entry_in_front(model, place) {
        if let Some(Overlay::Palette(_, at) | Overlay::Choice { at, .. } | Overlay::Help { at, .. }) =
            &mut model.overlay
        {
            *at = entry;
        }
        return press(model, KeyCode::Enter);
    }
    let key = model.overlay.as_ref().and_then(|overlay| foot_key_at(model, overlay, place));
    if let Some(key) = key {
        return overlay::pressed(model, key.event());
    }
    if let Some(effects) = whole_screen(model, place) {
        return effects;
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

/// A click on what has the whole screen, if it is that which is in front.
fn whole_screen(model: &mut Model, place: Position) -> Option<Vec<Effect>> {
    match &mut model.overlay {
        Some(Overlay::Sweep) => {
            let entry = sweep_cell_at(model, place)?;
            let is_second = model.clicked.take().is_some_and(|clicked| clicked.entry == entry);
            if is_second {
                return Some(press(model, KeyCode::Enter));
            }
            if let Some(sweep) = &mut model.sweep {
                sweep.at = entry;
            }
            // The page may be another one now, but not the cell.
            model.clicked = Some(Clicked { side: None, entry, place, at: model.now });
        }
        Some(Overlay::Compare(compare)) => {
            let compare = compare.clone();
            let manner = compare_manner_at(model, &compare, place)?;
            model.overlay = Some(Overlay::Compare(Box::new(Compare { manner, ..*compare })));
        }
        Some(Overlay::Shot) => {
            let code = if place.x < model.size.0 / 2 { KeyCode::Left } else { KeyCode::Right };
            return Some(press(model, code));
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// A click while the times of the run have the screen: one puts the cursor there, a second one goes to the node.
pub(super) fn full(model: &mut Model, place: Position, before: Option<Clicked>) -> Vec<Effect> {
    let Some(Full::Timeline(timeline)) = &model.full else { return Vec::new() };
    let Some(entry) = timeline_row_at(model, timeline, place) else { return Vec::new() };
    if before.is_some_and(|clicked| (clicked.side, clicked.entry) == (None, entry)) {
        return keys::act(model, Action::Activate);
    }
    timeline::put(model, entry);
    model.clicked = Some(Clicked { side: None, entry, place, at: model.now });
    Vec::new()
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
