//! Lists with a cursor: workflows, problems, nodes of a run, runs; and the log.

use std::path::PathBuf;

use easel_engine::{RunId, RunState};

use super::super::effect::{Change, Effect};
use super::super::keymap::{Action, Context};
use super::super::message::Tone;
use super::super::model::{Chooser, Entry, Later, Model, Overlay, workflow_of};
use super::super::view::page_height;
use super::{failure, gallery, picture, run, timeline};

/// The workflows of a folder were listed.
pub(super) fn listed(model: &mut Model, folder: PathBuf, entries: Result<Vec<Entry>, String>) {
    let chooser = model.chooser.get_or_insert_with(Chooser::default);
    chooser.at = chooser.at.min(entries.as_ref().map_or(0, |entries| entries.len().saturating_sub(1)));
    chooser.folder = folder;
    chooser.entries = Some(entries);
}

/// The cursor moves.
pub(super) fn moved(model: &mut Model, action: Action) {
    let page = page_height(model);
    let moved = |at: usize, length: usize| {
        let last = length.saturating_sub(1);
        match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => (at + 1).min(last),
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at.saturating_add(page).min(last),
            Action::First => 0,
            Action::Last => last,
            _ => at,
        }
    };
    match model.context() {
        Context::Chooser => {
            if let Some(chooser) = &mut model.chooser {
                chooser.at = moved(chooser.at, chooser.workflows().len());
            }
        }
        Context::Inspector => {
            if let Some(flow) = &mut model.flow {
                let schema = flow.selected_node().and_then(|(_, schema)| schema);
                let sockets = schema.map_or(0, |schema| schema.inputs.len() + schema.outputs.len());
                flow.input = moved(flow.input, sockets);
            }
        }
        Context::Inputs => {
            if let Some(flow) = &mut model.flow {
                let inputs = flow.checked.as_ref().map_or(0, |checked| checked.inputs.len());
                flow.input_at = moved(flow.input_at, inputs);
            }
        }
        Context::Problems => {
            if let Some(flow) = &mut model.flow {
                flow.problem = moved(flow.problem, flow.findings().len());
            }
        }
        Context::Monitor => {
            if let Some(run) = &mut model.run {
                run.at = moved(run.at, run.nodes.len());
                run.is_moved = true;
            }
        }
        Context::Log => {
            let lines = model.log.shown().count();
            // Counted from the end: what is new stays in view unless somebody looks further up.
            let from_start = lines.saturating_sub(1).saturating_sub(model.log.up);
            model.log.up = lines.saturating_sub(1).saturating_sub(moved(from_start, lines));
        }
        Context::Runs => model.runs.at = moved(model.runs.at, model.runs.found()),
        Context::Gallery => gallery::moved(model, action),
        Context::Queue => model.queue.at = moved(model.queue.at, model.queue.rows().len()),
        // The wheel: nothing has to be read for it.
        Context::Picture => drop(picture::act(model, action)),
        Context::Timeline => drop(timeline::act(model, action)),
        Context::Failure => drop(failure::act(model, action)),
        Context::Graph | Context::Anywhere => {}
    }
}

/// Something is to be done with the run that the cursor is on.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let chosen = match model.context() {
        Context::Queue => model.queue.chosen().map(|row| &row.summary),
        _ => model.runs.chosen().map(|row| &row.summary),
    };
    let Some(summary) = chosen else {
        model.tell(Tone::Note, "there is no run here");
        return Vec::new();
    };
    let (id, state) = (summary.run, summary.state);
    let named = PathBuf::from(&summary.workflow);
    let workflow = match model.runs.details(id) {
        Some(Ok(details)) => workflow_of(&details.story.job.source),
        _ => named,
    };
    let RunId(number) = id;
    let is_going = matches!(state, RunState::Running | RunState::Queued);
    match action {
        Action::CancelRun if is_going => vec![Effect::Change(Change::Cancel(id))],
        Action::CancelRun => {
            model.tell(Tone::Note, format!("run {number} is over: there is nothing to stop"));
            Vec::new()
        }
        Action::Follow => {
            if model.is_running() {
                model.tell(Tone::Warning, "a run is under way here: stop it first, or let it end");
                return Vec::new();
            }
            run::follow(model, id)
        }
        Action::RunAgain if model.is_running() || model.queue.claims => {
            model.overlay = Some(Overlay::Behind(Later::Again(id)));
            Vec::new()
        }
        Action::RunAgain => run::recorded(model, Effect::RunAgain(id), Some(workflow)),
        Action::Resume if is_going || state == RunState::Completed => {
            model.tell(Tone::Note, format!("run {number} is {}: there is nothing to go on with", state.name()));
            Vec::new()
        }
        Action::Resume if model.is_running() || model.queue.claims => busy(model),
        Action::Resume => run::recorded(model, Effect::Resume(id), Some(workflow)),
        _ => Vec::new(),
    }
}

fn busy(model: &mut Model) -> Vec<Effect> {
    model.tell(Tone::Warning, "a run is under way here: stop it first, or let it end");
    Vec::new()
}
