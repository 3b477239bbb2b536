//! Runs: begun, told, stopped, followed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use easel_engine::{Event, Outcome, RunId, RunStory};

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::{Problem, Tone};
use super::super::model::full::Full;
use super::super::model::shots::Shot;
use super::super::model::{Flow, Focus, Later, Model, Overlay, Phase, Picture, RunView, Side, workflow_of};
use super::{inputs, keys, picture, queue};
use crate::execution::is_picture;
use crate::report::is_fingerprint;
use crate::terminal::seconds;

/// Runs the workflow that is open.
pub(super) fn start(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &mut model.flow else {
        model.tell(Tone::Note, "open a workflow first");
        return Vec::new();
    };
    let recorded_run = flow.recorded_run;
    if model.is_demo && model.run.as_ref().is_some_and(|run| !run.phase.is_over()) {
        model.tell(Tone::Note, "the recorded run is shown already; once it is over, it can be shown again");
        return Vec::new();
    }
    if model.queue.claims || model.run.as_ref().is_some_and(|run| run.is_ours && !run.phase.is_over()) {
        model.overlay = Some(Overlay::Behind(recorded_run.map_or(Later::Open, Later::Again)));
        return Vec::new();
    }
    if let Some(run) = recorded_run {
        let path = flow.path.clone();
        let effects = recorded(model, Effect::RunAgain(run), Some(path));
        model.tell(Tone::Note, format!("run {} once more, with the settings that it had", run.0));
        return effects;
    }
    if !flow.is_current() {
        flow.wants_run = true;
        model.tell(Tone::Note, "it runs as soon as it is checked");
        return Vec::new();
    }
    let (errors, _) = flow.counts();
    let Some(plan) = flow.checked.as_ref().and_then(|checked| checked.plan.clone()) else {
        if let Some(effects) = inputs::ask_for_needed(model) {
            return effects;
        }
        let text = crate::terminal::count(errors, "error");
        let effects = keys::show(model, Side::Problems);
        model.tell(Tone::Error, format!("it cannot be run: {text}"));
        return effects;
    };
    // What was entered from another file runs as a part of that.
    let path = plan.source().path.clone();
    model.attached = None;
    if !matches!(model.full, Some(Full::Timeline(_))) {
        // It was about the run before.
        model.full = None;
    }
    model.run = Some(RunView::beginning(true, model.now).of(path));
    let mut effects = if model.side == Side::Monitor { Vec::new() } else { keys::show(model, Side::Monitor) };
    // What is begun is watched; keys stay where they were.
    model.focus = Focus::Graph;
    effects.push(Effect::Run(plan));
    effects
}

/// Begins a run that the journal has, of that workflow if it is known.
pub(super) fn recorded(model: &mut Model, effect: Effect, workflow: Option<PathBuf>) -> Vec<Effect> {
    model.attached = None;
    model.run = Some(RunView::beginning(true, model.now).of(workflow));
    let mut effects = keys::show(model, Side::Monitor);
    effects.push(effect);
    effects
}

/// Watches a run that the journal has.
pub(super) fn follow(model: &mut Model, run: RunId) -> Vec<Effect> {
    model.attached = Some(run);
    let mut view = RunView::beginning(false, model.now);
    view.run = Some(run);
    model.run = Some(view);
    let mut effects = keys::show(model, Side::Monitor);
    effects.push(Effect::Follow(run));
    effects
}

/// Asks the run to stop.
pub(super) fn stop(model: &mut Model) -> Vec<Effect> {
    if let Some(run) = &mut model.run {
        run.phase = Phase::Stopping;
    }
    let told = match queue::stopped(model) {
        true => "stopping; the run goes back to its place in the queue. Once more to leave at once",
        false => "stopping; files already written are kept. Once more to leave at once",
    };
    model.tell(Tone::Warning, told);
    vec![Effect::StopRun]
}

/// The run begins.
pub(super) fn begins(model: &mut Model, id: Option<RunId>, nodes: Vec<Arc<str>>) -> Vec<Effect> {
    model.is_changed = true;
    let now = model.now;
    if queue::is_ours(model, id) {
        model.attached = None;
        let row = model.queue.rows().iter().find(|row| Some(row.summary.run) == id);
        let workflow = row.map(|row| PathBuf::from(&row.summary.workflow));
        model.run = Some(RunView::beginning(true, now).of(workflow));
    }
    let run = model.run.get_or_insert_with(|| RunView::beginning(true, now));
    run.begins(id, nodes, now);
    match id {
        // Whoever looks at the grid sees that, and needs the line below for the keys.
        Some(RunId(number)) if model.overlay == Some(Overlay::Sweep) => {
            model.log.add(now, Tone::Note, &format!("run {number} begins"));
        }
        Some(RunId(number)) => model.tell(Tone::Note, format!("run {number} begins")),
        None => model.tell(Tone::Note, "the run begins; it is not written down"),
    }
    id.map(Effect::Recall).into_iter().collect()
}

/// Something happened in the run.
pub(super) fn happened(model: &mut Model, event: &Event) -> Vec<Effect> {
    model.is_changed = true;
    let now = model.now;
    let Some(run) = model.run.as_mut().filter(|run| run.is_ours) else { return Vec::new() };
    run.happened(event, now);
    if let Some((tone, text)) = line(event) {
        model.log.add_about(now, tone, &text, node_of(event));
    }
    match event {
        Event::ArtifactWritten { path, .. } if is_picture(path) => {
            let mut effects = picture::refresh(model);
            effects.push(Effect::Load(path.clone()));
            effects
        }
        _ => Vec::new(),
    }
}

/// The node that an event is about.
fn node_of(event: &Event) -> Option<&Arc<str>> {
    match event {
        Event::NodeStarted { node, .. }
        | Event::NodeProgress { node, .. }
        | Event::NodeWarning { node, .. }
        | Event::NodeNote { node, .. }
        | Event::ArtifactWritten { node, .. }
        | Event::NodePreview { node, .. }
        | Event::NodeExpanded { node, .. }
        | Event::NodeCached { node, .. }
        | Event::NodeRetried { node, .. }
        | Event::NodeRestarted { node, .. }
        | Event::NodeFinished { node, .. }
        | Event::NodeFailed { node, .. }
        | Event::NodeSkipped { node, .. }
        | Event::NodeBlocked { node, .. } => Some(node),
        Event::RunStarted { .. } | Event::RunFinished { .. } => None,
    }
}

/// What the log says about an event.
fn line(event: &Event) -> Option<(Tone, String)> {
    Some(match event {
        Event::NodeStarted { node, .. } => (Tone::Detail, format!("{node} begins")),
        Event::NodeRestarted { node, attempt, .. } => (Tone::Detail, format!("{node} begins, attempt {attempt}")),
        Event::NodeFinished { node, seconds: took, .. } => (Tone::Detail, format!("{node}: {}", seconds(*took))),
        Event::NodeCached { node, .. } => (Tone::Detail, format!("{node}: cached")),
        Event::NodeExpanded { node, nodes, .. } => (Tone::Detail, format!("{node}: {} more nodes", nodes.len())),
        Event::NodeNote { node, key, value, .. } if !is_fingerprint(key) => {
            (Tone::Note, format!("{node}: {key}: {value}"))
        }
        Event::NodeWarning { node, message, .. } => (Tone::Warning, format!("{node}: {message}")),
        Event::NodeRetried { node, attempt, attempts, message, .. } => {
            (Tone::Warning, format!("{node}: attempt {attempt} of {attempts} failed and is tried again: {message}"))
        }
        Event::NodeFailed { node, message, causes, hint, .. } => {
            let causes: String = causes.iter().map(|cause| format!("\n  caused by: {cause}")).collect();
            let hint = hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            (Tone::Error, format!("{node} failed: {message}{causes}{hint}"))
        }
        Event::NodeSkipped { node, because, .. } => (Tone::Warning, format!("{node}: not run, since {because} failed")),
        Event::NodeBlocked { node, because, reason, .. } => {
            (Tone::Note, format!("{node}: not run: kept back by {because}: {reason}"))
        }
        Event::ArtifactWritten { path, .. } => (Tone::Note, format!("wrote {}", path.display())),
        Event::NodeNote { .. }
        | Event::RunStarted { .. }
        | Event::NodeProgress { .. }
        | Event::NodePreview { .. }
        | Event::RunFinished { .. } => return None,
    })
}

/// The run is over.
pub(super) fn ended(model: &mut Model, ended: Result<Outcome, Problem>) -> Vec<Effect> {
    model.is_changed = true;
    model.asked_to_stop = None;
    queue::ended(model, ended.is_err());
    let now = model.now;
    let took = model.run.as_mut().map(|run| {
        run.over(ended.as_ref().ok().copied(), now);
        seconds(run.took(now).as_secs_f64())
    });
    let took = took.unwrap_or_default();
    match ended {
        Ok(Outcome::Completed) if model.overlay == Some(Overlay::Sweep) => {
            model.log.add(now, Tone::Note, &format!("done in {took}"));
        }
        Ok(Outcome::Completed) => {
            let has_picture = model.run.as_ref().is_some_and(|run| run.files.iter().any(|(_, path)| is_picture(path)));
            let key = model.keymap.key(Action::ShowPicture).filter(|_| has_picture);
            let look = key.map(|key| format!("; `{key}` shows the picture")).unwrap_or_default();
            model.tell(Tone::Note, format!("done in {took}{look}"));
        }
        Ok(Outcome::Failed) => model.tell(Tone::Error, format!("failed after {took}")),
        Ok(Outcome::Cancelled) => model.tell(Tone::Warning, format!("stopped after {took}")),
        Err(Problem { message, hint }) => {
            if let Some(hint) = hint {
                model.log.add(now, Tone::Note, &format!("hint: {hint}"));
            }
            model.tell(Tone::Error, message);
        }
    }
    Vec::new()
}

/// A node shows what it has so far.
pub(super) fn preview(model: &mut Model, node: Arc<str>, picture: Picture) -> Vec<Effect> {
    model.is_changed = true;
    let Some(run) = &mut model.run else { return Vec::new() };
    run.shots.add(Shot { node, path: None, picture });
    picture::refresh(model)
}

/// A picture that a run wrote was read.
pub(super) fn loaded(model: &mut Model, path: &Path, picture: Result<Picture, String>) -> Vec<Effect> {
    model.is_changed = true;
    let now = model.now;
    let Some(run) = &mut model.run else { return Vec::new() };
    let writer = run.files.iter().find(|(_, file)| file == path).map(|(node, _)| Arc::clone(node));
    match (writer, picture) {
        (Some(node), Ok(picture)) => run.shots.add(Shot { node, path: Some(path.to_path_buf()), picture }),
        (Some(_), Err(why)) => model.log.add(now, Tone::Warning, &why),
        // Of a run that is no longer shown.
        (None, _) => {}
    }
    picture::refresh(model)
}

/// How a run stands that is followed.
pub(super) fn story(model: &mut Model, story: &RunStory, read: i64) -> Vec<Effect> {
    model.is_changed = true;
    if model.attached != Some(story.summary.run) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if model.flow.is_none() {
        effects = open_of(model, story);
    }
    let now = model.now;
    let run = model.run.get_or_insert_with(|| RunView::beginning(false, now));
    // What earlier ones took is asked for once.
    let is_first = run.nodes.is_empty() && !story.summary.state.is_over();
    effects.extend(is_first.then_some(Effect::Recall(story.summary.run)));
    let before: Vec<PathBuf> = run.files.iter().map(|(_, path)| path.clone()).collect();
    run.follow(story, read, now);
    let newest = run.files.iter().rev().map(|(_, path)| path).find(|path| is_picture(path));
    effects.extend(newest.filter(|path| !before.contains(path)).cloned().map(Effect::Load));
    if run.phase.is_over() {
        model.attached = None;
        let RunId(number) = story.summary.run;
        model.tell(Tone::Note, format!("run {number}: {}", story.summary.state.name()));
    }
    effects
}

/// Opens the workflow of a run, as it was when it was begun.
fn open_of(model: &mut Model, story: &RunStory) -> Vec<Effect> {
    let source = &story.job.source;
    let path = workflow_of(source);
    let flow = Flow::recorded(path.clone(), Arc::clone(&source.text));
    model.flow = Some(Flow { recorded_run: Some(story.summary.run), ..flow });
    model.side = Side::Monitor;
    vec![Effect::Check { path, text: Arc::clone(&source.text), revision: 1, around: Vec::new() }]
}
