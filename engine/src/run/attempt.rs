//! Running a node: once, or as often as it may be tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::expand::Pending;
use super::fragments::{self, Expander};
use super::frames::BlockRef;
use super::settle::{self, End};
use super::state::{Deadline, Running, Shared, State};
use crate::cache::{Entry, KeptOutput};
use crate::cancel::CancelToken;
use crate::event::{Event, EventSink, OutputSummary};
use crate::guard;
use crate::node::{Context, Inputs, NodeError, Outputs, Recipe, Told, Trail};
use crate::plan::{Action, Step};
use crate::registry::Registered;
use crate::value::{Fingerprint, Value};

/// The pause before the second attempt; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Everything that a thread needs to run a node without the lock.
pub(super) struct Task {
    pub(super) instance: usize,
    pub(super) attempt: u64,
    block: BlockRef,
    step: usize,
    id: Arc<str>,
    inputs: Arc<Inputs>,
    key: Option<Fingerprint>,
    /// What was noted before it.
    trail: Option<Arc<Trail>>,
    deadline: Option<Deadline>,
    cancel: CancelToken,
    events: EventSink,
    began: Instant,
}

/// What an attempt came to.
pub(super) struct Done {
    pub(super) outputs: Outputs,
    /// Nothing if nobody hears of it.
    pub(super) summaries: Arc<[OutputSummary]>,
    pub(super) told: Told,
    pub(super) began: Instant,
    pub(super) key: Option<Fingerprint>,
}

impl Task {
    fn step(&self) -> &Step {
        &self.block.get().steps[self.step]
    }
}

/// An attempt begins: what a thread needs for it.
pub(super) fn begin(shared: &Shared, state: &mut State, instance: usize, running: &mut Running) -> Task {
    let events = match &running.deadline {
        None => shared.events.clone(),
        Some(_) => {
            let (events, gate) = shared.events.clone().behind_a_gate();
            running.gate = Some(gate);
            events
        }
    };
    let at = state.frames.instance(instance);
    let task = Task {
        instance,
        attempt: running.attempt,
        block: state.frames.block(at.frame).clone(),
        step: at.step,
        id: Arc::clone(&at.id),
        inputs: Arc::clone(&running.prepared.inputs),
        key: running.prepared.key,
        trail: state.frames.trail_before(instance),
        deadline: running.deadline.clone(),
        cancel: running.cancel.clone(),
        events,
        began: running.began,
    };
    mark_busy(shared, state, instance);
    let (run, node, seat) = (shared.run, Arc::clone(&task.id), running.permit.seat().clone());
    shared.events.send(match running.prepared.attempt {
        1 => Event::NodeStarted { run, node, seat: Some(seat) },
        attempt => Event::NodeRestarted { run, node, attempt, seat },
    });
    task
}

/// Runs a node. None if it was given up meanwhile: then this thread does not belong to the run any more.
pub(super) fn run(shared: &Arc<Shared>, task: Task) -> Option<End> {
    let (instance, attempt) = (task.instance, task.attempt);
    let Action::Node(registered) = &task.step().action else { return Some(End::Told) };
    // What it is inside of may have used up the time for all.
    if let Some(deadline) = task.deadline.as_ref().filter(|deadline| deadline.time <= task.began) {
        let running = shared.lock().leave(instance, attempt)?;
        too_late(shared, instance, deadline, running);
        return Some(End::Told);
    }
    let result = guard::catch(|| {
        let mut told = Told::default();
        let outputs = call(shared, &task, registered, &mut told)?;
        // It gave its result: what it takes to keep it is not its time.
        if task.deadline.is_some() {
            shared.lock().no_deadline(instance, attempt);
        }
        let summaries = verify(task.step(), &outputs, shared.events.is_heard())?;
        let done = Done { outputs, summaries, told, began: task.began, key: task.key };
        keep(shared, task.step(), &done);
        Ok(done)
    });
    let result = result.unwrap_or_else(|panic| {
        Err(NodeError::new(format!("it panicked: {panic}"))
            .with_hint(format!("node type `{}` is buggy", registered.spec.name)))
    });
    let (running, is_forced) = {
        let mut state = shared.lock();
        (state.leave(instance, attempt)?, state.forced.contains(&instance))
    };
    let error = match result {
        Ok(done) => {
            let node_type = registered.spec.name;
            // Before anybody hears that it finished: its inputs are then nobody's but those who still need them.
            drop((task, running));
            if is_forced {
                settle::recover(shared, &done);
            }
            let Done { outputs: Outputs { expansion: Some(fragment), .. }, told, began, key, .. } = done else {
                return Some(End::Finished(instance, done));
            };
            fragments::begin(shared, instance, &fragment, Expander { node_type, key, told, ran: true, began });
            return Some(End::Told);
        }
        Err(NodeError::Cancelled) if shared.cancel.is_cancelled() => {
            shared.lock().disclaim(instance);
            return Some(End::Told);
        }
        Err(NodeError::Cancelled) => NodeError::new("it says that it was cancelled, but nobody cancelled it")
            .with_hint("this is a bug of the node type, not of the workflow"),
        Err(error) => error,
    };
    failed(shared, instance, &error, running);
    Some(End::Told)
}

/// Something runs in a map, a loop or an expanded node: from now on, so does that. One that has ended has: a node in it
/// only gives once more what was lost.
fn mark_busy(shared: &Shared, state: &mut State, instance: usize) {
    let mut owner = state.frames.frame(state.frames.instance(instance).frame).owner;
    while let Some(node) = owner {
        let at = state.frames.instance(node);
        owner = state.frames.frame(at.frame).owner;
        if !state.pending.contains_key(&node) {
            continue;
        }
        if !state.busy.insert(node) {
            return;
        }
        if !state.pending.get(&node).is_some_and(Pending::has_begun) {
            shared.events.send(Event::NodeStarted { run: shared.run, node: Arc::clone(&at.id), seat: None });
        }
    }
}

fn call(shared: &Arc<Shared>, task: &Task, registered: &Registered, told: &mut Told) -> Result<Outputs, NodeError> {
    let states = task.key.and_then(|key| shared.cache.states(&key));
    let mut context = Context {
        run: shared.run,
        node: &task.id,
        base_dir: &shared.plan.0.base_dir,
        out_dir: &shared.plan.0.out_dir,
        services: &shared.services,
        cancel: &task.cancel,
        events: &task.events,
        device: task.step().options.device.as_deref(),
        recipe: Recipe::new(&shared.origin, task.trail.as_deref()),
        states: states.as_deref(),
        told: Told::default(),
    };
    let outputs = registered.node.run(&task.inputs, &mut context);
    *told = context.told;
    outputs
}

/// Holds outputs against the spec and describes them, if somebody wants to hear of them.
fn verify(step: &Step, outputs: &Outputs, is_heard: bool) -> Result<Arc<[OutputSummary]>, NodeError> {
    let type_name = step.action.type_name();
    let buggy = |what: String| {
        let hint = "this is a bug of the node type, not of the workflow";
        Err(NodeError::new(format!("node type `{type_name}` is buggy: {what}")).with_hint(hint))
    };
    if outputs.expansion.is_some() {
        return Ok(Arc::default());
    }
    let unknown = outputs.names().find(|name| step.outputs.iter().all(|output| &*output.name != *name));
    if let Some(name) = unknown {
        return buggy(format!("it gave an output `{name}`, which it does not have"));
    }
    let mut summaries = Vec::new();
    for output in &step.outputs {
        match outputs.get(&output.name) {
            None if outputs.blocked(&output.name).is_some() => {}
            None => return buggy(format!("it gave no output `{}`", output.name)),
            Some(value) if value.kind() != output.kind && output.kind != crate::value::kinds::ANY => {
                return buggy(format!("its output `{}` is {} instead of {}", output.name, value.kind(), output.kind));
            }
            Some(value) if is_heard => summaries.push(summary(&output.name, value)),
            Some(_) => {}
        }
    }
    Ok(if is_heard { summaries.into() } else { Arc::default() })
}

pub(super) fn summary(name: &str, value: &Value) -> OutputSummary {
    OutputSummary { output: name.to_string(), kind: value.kind().to_string(), summary: value.summary() }
}

/// Gives a result to the cache, if it is one that can be found again.
fn keep(shared: &Shared, step: &Step, done: &Done) {
    if shared.cache.is_off() || done.outputs.expansion.is_some() {
        return;
    }
    // Hashed now even if it is not kept: whoever lets go of a value later, under the lock, knows it by its fingerprint. A
    // NaN equals nothing: whoever has it as input runs always, and so must this node.
    let are_comparable = done.outputs.iter().filter(|(_, value)| value.fingerprint().is_none()).count() == 0;
    let Some(key) = done.key.filter(|_| are_comparable) else { return };
    let (mut outputs, mut values) = (Vec::with_capacity(step.outputs.len()), Vec::with_capacity(step.outputs.len()));
    for output in &step.outputs {
        let kept = match (outputs_of(done, &output.name), done.outputs.blocked(&output.name)) {
            (_, Some(reason)) => KeptOutput::Blocked(reason.to_string()),
            (Some(value), None) => {
                let Some(fingerprint) = value.fingerprint() else { return };
                values.push(value.clone());
                KeptOutput::Value { kind: value.kind(), fingerprint, summary: value.summary() }
            }
            (None, None) => return,
        };
        outputs.push(kept);
    }
    let (told, cost) = (done.told.clone(), done.began.elapsed());
    shared.cache.keep(key, Entry { node_type: step.action.type_name().into(), outputs, told, cost }, &values);
}

fn outputs_of<'a>(done: &'a Done, name: &str) -> Option<&'a Value> {
    done.outputs.get(name)
}

/// A node gave no result in time.
pub(super) fn too_late(shared: &Shared, instance: usize, deadline: &Deadline, running: Running) {
    match deadline.is_final() {
        true => settle::failed(shared, instance, &deadline.error(), &running.prepared.inputs),
        false => failed(shared, instance, &deadline.error(), running),
    }
}

/// Tries again, if there are attempts left.
pub(super) fn failed(shared: &Shared, instance: usize, error: &NodeError, running: Running) {
    let Running { mut prepared, .. } = running;
    let mut state = shared.lock();
    let attempts = state.frames.step(instance).options.retry.saturating_add(1);
    if prepared.attempt >= attempts || shared.cancel.is_cancelled() {
        drop(state);
        return settle::failed(shared, instance, error, &prepared.inputs);
    }
    shared.events.send(Event::NodeRetried {
        run: shared.run,
        node: Arc::clone(&state.frames.instance(instance).id),
        attempt: prepared.attempt,
        attempts,
        message: error.to_string(),
    });
    let doublings = (prepared.attempt - 1).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    prepared.attempt += 1;
    state.delayed.push((Instant::now() + pause, instance, prepared));
    shared.crew.tell_supervisor();
}
