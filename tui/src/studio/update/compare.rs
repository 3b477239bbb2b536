//! Two runs, or two pictures, are marked and compared.

use std::path::PathBuf;

use easel_engine::RunId;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::super::effect::Effect;
use super::super::keymap::{Action, Context};
use super::super::message::Tone;
use super::super::model::{Candidate, Compare, Manner, Model, Overlay};
use super::history::pictures;

/// How much larger differences are made at the most.
const MOST_GAIN: u16 = 64;

/// Marks what the cursor is on, or takes the mark away; or compares what is marked.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(here) = candidate(model) else {
        model.tell(Tone::Note, "there is nothing here to compare");
        return Vec::new();
    };
    match action {
        Action::MarkToCompare => mark(model, here),
        _ => compare(model, here),
    }
    Vec::new()
}

/// What the cursor is on.
fn candidate(model: &Model) -> Option<Candidate> {
    match model.context() {
        Context::Gallery => {
            let shot = model.gallery.chosen()?;
            Some(Candidate { run: shot.run, path: Some(shot.path.clone()) })
        }
        _ => model.runs.chosen().map(|row| Candidate { run: Some(row.summary.run), path: None }),
    }
}

fn mark(model: &mut Model, here: Candidate) {
    let had = model.to_compare.len();
    model.to_compare.retain(|marked| *marked != here);
    if model.to_compare.len() == had {
        // The third takes the place of the first.
        model.to_compare.drain(..had.saturating_sub(1));
        model.to_compare.push(here);
    }
    let key = model.keymap.key(Action::Compare).unwrap_or_default();
    let text = match model.to_compare.len() {
        0 => "nothing is marked".to_string(),
        1 => format!("one is marked: `{key}` compares it with where the cursor is"),
        _ => format!("two are marked: `{key}` compares them"),
    };
    model.tell(Tone::Note, text);
}

fn compare(model: &mut Model, here: Candidate) {
    let pair = match &model.to_compare[..] {
        [left, right] => Some((left.clone(), right.clone())),
        [left] if *left != here => Some((left.clone(), here)),
        _ => None,
    };
    let Some((left, right)) = pair else {
        let key = model.keymap.key(Action::MarkToCompare).unwrap_or_default();
        return model.tell(Tone::Note, format!("`{key}` marks one, then another one"));
    };
    model.overlay = Some(Overlay::Compare(Box::new(Compare::new(left, right))));
}

/// A key while two are compared.
pub(super) fn pressed(model: &mut Model, mut compare: Box<Compare>, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Char('q') | KeyCode::Enter => return Vec::new(),
        KeyCode::Char('d') => {
            let is_shown = compare.manner == Manner::Difference;
            compare.manner = if is_shown { Manner::Beside } else { Manner::Difference };
        }
        KeyCode::Char(' ' | 'b') => {
            compare.manner = if compare.manner == Manner::Left { Manner::Right } else { Manner::Left };
        }
        KeyCode::Char('s') => compare.manner = Manner::Beside,
        KeyCode::Char('+' | '=') => compare.gain = (compare.gain * 2).min(MOST_GAIN),
        KeyCode::Char('-') => compare.gain = (compare.gain / 2).max(1),
        KeyCode::Down | KeyCode::Char('j') => compare.scroll = (compare.scroll + 1).min(10_000),
        KeyCode::Up | KeyCode::Char('k') => compare.scroll = compare.scroll.saturating_sub(1),
        KeyCode::Char('x') => {
            let Compare { left, right, .. } = &mut *compare;
            std::mem::swap(left, right);
        }
        _ => {}
    }
    model.overlay = Some(Overlay::Compare(compare));
    Vec::new()
}

/// The runs that are compared.
pub(super) fn runs(model: &Model) -> impl Iterator<Item = RunId> {
    let both = match &model.overlay {
        Some(Overlay::Compare(compare)) => [compare.left.run, compare.right.run],
        _ => [None, None],
    };
    both.into_iter().flatten()
}

/// The picture of one that is compared, as far as it is known which it is.
pub(crate) fn picture_of(model: &Model, candidate: &Candidate) -> Option<PathBuf> {
    let of_run = || {
        let details = model.runs.details(candidate.run?)?.as_ref().ok()?;
        pictures(details).next().map(PathBuf::from)
    };
    candidate.path.clone().or_else(of_run)
}
