//! The key bar: what the most useful keys do here, in words that people use.

use ratatui::layout::Position;

use super::super::keymap::{Action, Chord, Context};
use super::super::model::{Flow, Model};
use super::pen::columns;

/// A key with what it does.
pub(super) struct Entry {
    pub(super) action: Action,
    /// As people write it.
    pub(super) key: String,
    pub(super) word: &'static str,
}

impl Entry {
    /// Columns, with a space before, between and behind.
    fn width(&self) -> usize {
        columns(&self.key) + columns(self.word) + 3
    }
}

/// What there is room for, most useful first.
pub(super) fn entries(model: &Model, width: u16) -> Vec<Entry> {
    let mut room = usize::from(width);
    let mut entries = Vec::new();
    for (action, word) in useful(model) {
        // A key may mean something of its own here.
        let means_it = |key: &&Chord| model.keymap.action(**key, model.context()) == Some(action);
        let Some(key) = model.keymap.keys(action).find(means_it) else { continue };
        let entry = Entry { action, key: key.to_string(), word };
        if let Some(left) = room.checked_sub(entry.width()) {
            room = left;
            entries.push(entry);
        }
    }
    entries
}

/// What a click on the key bar does.
pub(crate) fn bar_action_at(model: &Model, place: Position) -> Option<Action> {
    let area = super::regions(model).bar;
    if !area.contains(place) || model.notice.is_some() {
        return None;
    }
    let mut end = usize::from(area.x);
    let is_it = |entry: &Entry| {
        end += entry.width();
        usize::from(place.x) < end
    };
    entries(model, area.width).into_iter().find(is_it).map(|entry| entry.action)
}

/// What is useful here and now, most of all first.
fn useful(model: &Model) -> Vec<(Action, &'static str)> {
    let mut useful: Vec<(Action, &'static str)> = Vec::new();
    // Help is told even where there is room for little.
    let all = first(model).into_iter().chain([Action::Help]).chain(here(model));
    for action in all.chain([Action::Quit, Action::Palette]) {
        if useful.iter().all(|(known, _)| *known != action) {
            useful.push((action, word(model, action)));
        }
    }
    useful
}

/// What whoever looks at the workflow wants most of all.
fn first(model: &Model) -> Option<Action> {
    let flow = model.flow.as_ref()?;
    Some(match () {
        () if model.is_running() => Action::Cancel,
        // Nothing runs before that is mended.
        () if flow.unreadable.is_some() => Action::ShowProblems,
        () if flow.counts().0 > 0 && !flow.lacks_only_inputs() => Action::ShowProblems,
        () => Action::Run,
    })
}

/// Whether there is anything to go about in.
fn has_nodes(flow: &Flow) -> bool {
    flow.scene().is_some_and(|scene| !scene.nodes.is_empty())
}

/// What is useful in the place that keys go to.
fn here(model: &Model) -> Vec<Action> {
    let flow = model.flow.as_ref();
    let when = |is_so: bool, action: Action| is_so.then_some(action);
    let is_modified = model.is_modified();
    let mut here = Vec::new();
    match model.context() {
        Context::Chooser => {
            let has_any = model.chooser.as_ref().is_some_and(|chooser| !chooser.workflows().is_empty());
            here.extend(when(has_any, Action::Activate));
            here.extend(when(model.closed.is_some(), Action::Back));
        }
        Context::Graph => {
            let has_inputs = flow.and_then(|flow| flow.checked.as_ref()).is_some_and(|it| !it.inputs.is_empty());
            let has_nodes = flow.is_some_and(has_nodes);
            here.extend(when(has_inputs, Action::ShowInputs));
            here.extend(when(is_modified, Action::Save));
            here.extend(when(has_nodes, Action::Activate));
            here.extend(when(model.run_here().is_some_and(|run| run.shots.newest().is_some()), Action::ShowPicture));
            let is_workflow = has_nodes || flow.is_some_and(|flow| flow.scene().is_some() && flow.counts().0 == 0);
            here.extend(when(is_workflow, Action::AddNode));
            here.extend(when(has_nodes, Action::Search));
            here.extend([Action::CloseWorkflow]);
            here.extend(when(is_modified, Action::Undo));
        }
        Context::Inspector => {
            here.extend([Action::Activate, Action::Connect, Action::Delete, Action::Back]);
            here.extend(when(is_modified, Action::Save));
            here.extend(when(is_modified, Action::Undo));
        }
        Context::Inputs => {
            let has_any = flow.and_then(|flow| flow.checked.as_ref()).is_some_and(|it| !it.inputs.is_empty());
            here.extend(when(has_any, Action::Activate));
            here.extend([Action::Back]);
            here.extend(when(is_modified, Action::Save));
            here.extend([Action::AddInput]);
            if has_any {
                here.extend([Action::RenameInput, Action::RemoveInput, Action::Sweep]);
            }
        }
        Context::Problems => {
            let has_any = flow.is_some_and(|flow| !flow.findings().is_empty());
            here.extend(when(has_any, Action::Activate));
            let has_fix = flow.is_some_and(|flow| flow.findings().iter().any(|finding| finding.fix.is_some()));
            here.extend([Action::Fix, Action::FixAll].into_iter().filter(|_| has_fix));
            here.extend([Action::Back]);
            here.extend(when(is_modified, Action::Save));
        }
        other => here.extend(always(other)),
    }
    here
}

/// What is useful in places where it does not depend on how things stand.
fn always(context: Context) -> &'static [Action] {
    use Action::*;
    match context {
        Context::Log => &[Back, LogLevel, Filter, Activate, Last],
        Context::Runs => &[Back, Activate, Filter, RunAgain, Resume, CopyCommand],
        Context::Gallery => {
            &[Back, Activate, Filter, AnotherSeed, UsePrompt, MarkToCompare, Compare, CopyCommand, ShowFolder]
        }
        Context::Queue => &[Back, Drain, PriorityUp, PriorityDown, MoveUp, RemoveJob, CancelAll],
        Context::Failure => &[Back, CopyFailure, Activate, NextFailure, PreviousFailure],
        Context::Monitor => &[Back, Activate, ShowTimeline, ShowPicture, NextPane],
        Context::Timeline => &[Back, SwitchOrder, Activate, Closer, Farther, Fill],
        Context::Picture => &[Back, NextPicture, PreviousPicture, Closer, Farther, Fill, ActualSize],
        _ => &[Back, NextPane],
    }
}

/// What an action is called here.
fn word(model: &Model, action: Action) -> &'static str {
    let node = model.flow.as_ref().and_then(|flow| flow.scene()?.nodes.get(flow.selected?));
    match (model.context(), action) {
        (Context::Graph, Action::Activate) => match node {
            Some(node) if !node.members.is_empty() => "unfold",
            Some(node) if node.has_body => "go in",
            _ => "edit",
        },
        (Context::Inspector | Context::Inputs, Action::Activate) => "edit",
        (Context::Problems | Context::Monitor | Context::Log, Action::Activate) => "go there",
        (Context::Timeline | Context::Failure, Action::Activate) => "go there",
        (Context::Runs, Action::Activate) => "all of it",
        (Context::Gallery, Action::Activate) => "look",
        (Context::Queue, Action::Activate) => "watch",
        (Context::Inspector, Action::Delete) => "unwire",
        (_, Action::Search) => "find",
        (_, Action::Palette) => "actions",
        (_, action) => action.short(),
    }
}
