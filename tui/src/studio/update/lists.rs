//! Lists with a cursor: workflows, problems, nodes of a run, runs; and the log.

use std::path::PathBuf;

use easel_engine::{RunId, RunPage, RunState};

use super::super::effect::Effect;
use super::super::keymap::{Action, Context};
use super::super::message::Tone;
use super::super::model::{Chooser, Entry, Model};
use super::super::view::regions;
use super::{picture, run, timeline};

/// The workflows of a folder were listed.
pub(super) fn listed(model: &mut Model, folder: PathBuf, entries: Result<Vec<Entry>, String>) {
    let chooser = model.chooser.get_or_insert_with(Chooser::default);
    chooser.at = chooser.at.min(entries.as_ref().map_or(0, |entries| entries.len().saturating_sub(1)));
    chooser.folder = folder;
    chooser.entries = Some(entries);
}

/// The journal was read.
pub(super) fn runs(model: &mut Model, page: Result<RunPage, String>) {
    // The cursor stays on its run when others come before it.
    let chosen = model.runs.list().get(model.runs.at).map(|run| run.run);
    match page {
        Ok(RunPage { runs, total }) => {
            let at = runs.iter().position(|run| Some(run.run) == chosen);
            model.runs.at = at.unwrap_or(model.runs.at).min(runs.len().saturating_sub(1));
            model.runs.total = total;
            model.runs.page = Some(Ok(runs));
        }
        Err(why) => model.runs.page = Some(Err(why)),
    }
}

/// The cursor moves.
pub(super) fn moved(model: &mut Model, action: Action) {
    let page = usize::from(regions(model).side_height()).max(1);
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
        Context::Problems => {
            if let Some(flow) = &mut model.flow {
                flow.problem = moved(flow.problem, flow.findings().len());
            }
        }
        Context::Monitor => {
            if let Some(run) = &mut model.run {
                run.at = moved(run.at, run.nodes.len());
            }
        }
        Context::Log => {
            let lines = model.log.shown().count();
            // Counted from the end: what is new stays in view unless somebody looks further up.
            let from_start = lines.saturating_sub(1).saturating_sub(model.log.up);
            model.log.up = lines.saturating_sub(1).saturating_sub(moved(from_start, lines));
        }
        Context::Runs => model.runs.at = moved(model.runs.at, model.runs.list().len()),
        // The wheel: nothing has to be read for it.
        Context::Picture => drop(picture::act(model, action)),
        Context::Timeline => drop(timeline::act(model, action)),
        Context::Graph | Context::Anywhere => {}
    }
}

/// Something is to be done with the run that the cursor is on.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(summary) = model.runs.list().get(model.runs.at) else {
        model.tell(Tone::Note, "there is no run here");
        return Vec::new();
    };
    let (id, state) = (summary.run, summary.state);
    let RunId(number) = id;
    let is_going = matches!(state, RunState::Running | RunState::Queued);
    match action {
        Action::CancelRun if is_going => vec![Effect::CancelRecorded(id)],
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
        Action::RunAgain if model.is_running() => busy(model),
        Action::RunAgain => run::recorded(model, Effect::RunAgain(id)),
        Action::Resume if is_going || state == RunState::Completed => {
            model.tell(Tone::Note, format!("run {number} is {}: there is nothing to go on with", state.name()));
            Vec::new()
        }
        Action::Resume if model.is_running() => busy(model),
        Action::Resume => run::recorded(model, Effect::Resume(id)),
        _ => Vec::new(),
    }
}

fn busy(model: &mut Model) -> Vec<Effect> {
    model.tell(Tone::Warning, "a run is under way here: stop it first, or let it end");
    Vec::new()
}
