//! The queue: what is put into it, moved about in it, and carried out from it.

use easel_engine::{Place, RunId, RunState};

use super::super::effect::{Change, Effect};
use super::super::field::Field;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Later, Model, Overlay, Prompt, QueueRow, Side};
use super::keys;

/// After so many runs in a row that could not be carried out, nobody tries the next one.
const MOST_FAULTS: u8 = 3;

/// What came of asking for the next of the queue.
pub(crate) enum Claimed {
    /// This one is carried out from here on.
    Run(RunId),
    /// Nothing is left, or others carry it out.
    Nothing,
    /// The journal does not allow it.
    Refused(String),
}

/// The queue was read.
pub(super) fn listed(model: &mut Model, page: Result<Vec<QueueRow>, String>) {
    let chosen = model.queue.chosen().map(|row| row.summary.run);
    model.queue.was_empty = false;
    if let Ok(rows) = &page {
        // The cursor stays on its run, wherever that is moved.
        let place = rows.iter().position(|row| Some(row.summary.run) == chosen);
        model.queue.at = place.unwrap_or(model.queue.at).min(rows.len().saturating_sub(1));
    }
    model.queue.page = Some(page);
}

/// Asks for the next of the queue, if it is this process's turn to.
pub(super) fn next(model: &mut Model) -> Option<Effect> {
    let is_free = model.queue.wants_next() && !model.is_running();
    model.queue.claims |= is_free;
    is_free.then_some(Effect::Claim)
}

/// Something came of asking for the next.
pub(super) fn claimed(model: &mut Model, claimed: Claimed) {
    match claimed {
        Claimed::Run(run) => model.queue.ours = Some(run),
        Claimed::Nothing => {
            model.queue.claims = false;
            model.queue.was_empty = true;
        }
        Claimed::Refused(why) => {
            model.queue.claims = false;
            model.queue.drains = false;
            model.tell(Tone::Error, why);
        }
    }
}

/// Whether the run that begins now is from the queue.
pub(super) fn is_ours(model: &Model, run: Option<RunId>) -> bool {
    run.is_some() && model.queue.ours == run
}

/// The run that was carried out here is over, if only since it could not be carried out.
pub(super) fn ended(model: &mut Model, was_refused: bool) {
    let is_from_queue = model.queue.ours.take().is_some() || model.queue.claims;
    model.queue.claims = false;
    model.queue.faults = if was_refused && is_from_queue { model.queue.faults.saturating_add(1) } else { 0 };
    // What is given up leaves the queue; what breaks off comes again and again.
    if model.queue.faults >= MOST_FAULTS {
        model.queue.faults = 0;
        model.queue.drains = false;
        model
            .tell(Tone::Error, "the queue is not carried out any further here: one run after another could not be run");
    }
}

/// The run was to stop: if it is from the queue, it goes back there, and is not taken up again at once.
pub(super) fn stopped(model: &mut Model) -> bool {
    model.queue.drains = false;
    model.queue.ours.is_some()
}

/// Asks with which priority the open workflow is to wait.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    match plan(model) {
        Ok(_) => model.overlay = Some(Overlay::Prompt(Prompt::Enqueue { problem: None }, Field::line("0"))),
        Err(effects) => return effects,
    }
    Vec::new()
}

/// What was typed for the priority; if it is no number, the question stays.
pub(super) fn answered(model: &mut Model, field: Field) -> Vec<Effect> {
    let Ok(priority) = field.text().trim().parse() else {
        let problem = Some("a priority is a whole number: 0 as usual, higher ones come first".to_string());
        model.overlay = Some(Overlay::Prompt(Prompt::Enqueue { problem }, field));
        return Vec::new();
    };
    enqueue(model, priority)
}

/// Puts the open workflow into the queue.
fn enqueue(model: &mut Model, priority: i64) -> Vec<Effect> {
    match plan(model) {
        Ok(plan) => vec![Effect::Enqueue { plan, priority }],
        Err(effects) => effects,
    }
}

/// What would run; else that is told.
fn plan(model: &mut Model) -> Result<easel_engine::Plan, Vec<Effect>> {
    let Some(flow) = &model.flow else {
        model.tell(Tone::Note, "open a workflow first");
        return Err(Vec::new());
    };
    if !flow.is_current() {
        model.tell(Tone::Note, "it is being checked; once more in a moment");
        return Err(Vec::new());
    }
    let (errors, _) = flow.counts();
    flow.checked.as_ref().and_then(|checked| checked.plan.clone()).ok_or_else(|| {
        let effects = keys::show(model, Side::Problems);
        model.tell(Tone::Error, format!("it cannot be run: {}", crate::terminal::count(errors, "error")));
        effects
    })
}

/// Something waits for the one that is under way, and is carried out after it.
pub(super) fn behind(model: &mut Model, what: Later) -> Vec<Effect> {
    model.queue.drains = true;
    match what {
        Later::Open => enqueue(model, 0),
        Later::Again(run) => vec![Effect::Change(Change::EnqueueAgain(run))],
        Later::Job(job) => vec![Effect::Change(Change::Enqueue(job))],
    }
}

/// A job was put into the queue, or not.
pub(super) fn enqueued(model: &mut Model, run: Result<RunId, String>) {
    match run {
        Ok(RunId(run)) if model.queue.drains => model.tell(Tone::Note, format!("run {run} waits for its turn")),
        Ok(RunId(run)) => {
            let key = model.keymap.key(Action::ShowQueue).unwrap_or_default();
            model.tell(Tone::Note, format!("run {run} waits in the queue: `{key}` shows it"));
        }
        Err(why) => model.tell(Tone::Error, why),
    }
}

/// Something is to be done with the queue, or with the run in it that the cursor is on.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Drain => return drain(model),
        Action::CancelAll => {
            model.overlay = Some(Overlay::CancelAll);
            return Vec::new();
        }
        _ => {}
    }
    let Some(summary) = model.queue.chosen().map(|row| row.summary.clone()) else {
        model.tell(Tone::Note, "nothing waits");
        return Vec::new();
    };
    let run = summary.run;
    if summary.state != RunState::Queued {
        let why =
            if summary.state == RunState::Running { "is being carried out" } else { "was begun, and interrupted" };
        model.tell(Tone::Note, format!("run {} has left the queue: it {why}", run.0));
        return Vec::new();
    }
    let change = match action {
        Action::PriorityUp => Some(Change::Priority(run, summary.priority.saturating_add(1))),
        Action::PriorityDown => Some(Change::Priority(run, summary.priority.saturating_sub(1))),
        Action::RemoveJob => Some(Change::Remove(run)),
        Action::MoveUp => neighbour(model, -1).map(|above| Change::Move(run, Place::Before(above))),
        // Before the one after the next; after the last if there is none.
        Action::MoveDown if neighbour(model, 1).is_some() => {
            let place = neighbour(model, 2).map_or(Place::Back, Place::Before);
            Some(Change::Move(run, place))
        }
        _ => None,
    };
    change.map(Effect::Change).into_iter().collect()
}

/// The waiting run so many places from the cursor.
fn neighbour(model: &Model, by: isize) -> Option<RunId> {
    let row = model.queue.rows().get(model.queue.at.checked_add_signed(by)?)?;
    (row.summary.state == RunState::Queued).then_some(row.summary.run)
}

/// Begins to carry out what waits, or ends that with the run that is under way.
fn drain(model: &mut Model) -> Vec<Effect> {
    model.queue.drains = !model.queue.drains;
    model.queue.was_empty = false;
    let text = match (model.queue.drains, model.queue.ours) {
        (true, _) => "what waits is carried out here, one after another".to_string(),
        (false, Some(RunId(run))) => format!("run {run} goes on to its end; what waits is left to others"),
        (false, None) => "what waits is left to others".into(),
    };
    model.tell(Tone::Note, text);
    Vec::new()
}
