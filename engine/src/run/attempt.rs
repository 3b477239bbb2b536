//! Running a node: once, or as often as it may be tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::frames::BlockRef;
use super::state::{Running, Shared, State};
use super::{expand, settle};
use crate::cache::{Entry, KeptOutput};
use crate::cancel::CancelToken;
use crate::event::{Event, EventSink, OutputSummary};
use crate::guard;
use crate::node::{Context, Inputs, NodeError, Outputs, Provenance, Told};
use crate::plan::{Action, Step};
use crate::registry::Registered;
use crate::value::{Fingerprint, Value};

/// The pause before the second attempt; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Everything that a thread needs to run a node without the lock.
struct Task {
    block: BlockRef,
    step: usize,
    id: Arc<str>,
    inputs: Arc<Inputs>,
    key: Option<Fingerprint>,
    provenance: Provenance,
    cancel: CancelToken,
    events: EventSink,
    began: Instant,
}

/// What an attempt came to.
pub(super) struct Done {
    pub(super) outputs: Outputs,
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

/// Runs a node. False if it was given up meanwhile: then this thread does not belong to the run any more.
pub(super) fn run(shared: &Arc<Shared>, instance: usize, attempt: u64) -> bool {
    let Some(task) = task(shared, instance, attempt) else { return false };
    let Action::Node(registered) = &task.step().action else { return true };
    let result = guard::catch(|| {
        let mut told = Told::default();
        let outputs = call(shared, &task, registered, &mut told)?;
        // It gave its result: what it takes to keep it is not its time.
        if task.step().options.timeout.is_some() {
            shared.lock().no_deadline(instance, attempt);
        }
        let summaries = verify(task.step(), &outputs)?;
        let done = Done { outputs, summaries, told, began: task.began, key: task.key };
        keep(shared, task.step(), &done);
        Ok(done)
    });
    let result = result.unwrap_or_else(|panic| {
        Err(NodeError::new(format!("it panicked: {panic}"))
            .with_hint(format!("node type `{}` is buggy", registered.spec.name)))
    });
    let Some(running) = shared.lock().leave(instance, attempt) else { return false };
    match result {
        Ok(done) => {
            // Before anybody hears that it finished: its inputs are then nobody's but those who still need them.
            drop((task, running));
            match done.outputs.expansion {
                Some(_) => expand::begin_fragment(shared, instance, done),
                None => settle::finished(shared, instance, done),
            }
        }
        Err(NodeError::Cancelled) if shared.cancel.is_cancelled() => shared.lock().disclaim(instance),
        Err(NodeError::Cancelled) => {
            let error = NodeError::new("it says that it was cancelled, but nobody cancelled it")
                .with_hint("this is a bug of the node type, not of the workflow");
            failed(shared, instance, &error, running);
        }
        Err(error) => failed(shared, instance, &error, running),
    }
    true
}

/// What to run; none if it was given up already.
fn task(shared: &Shared, instance: usize, attempt: u64) -> Option<Task> {
    let mut state = shared.lock();
    let running = state.running.get_mut(&instance).filter(|running| running.attempt == attempt)?;
    let events = match running.deadline {
        None => shared.events.clone(),
        Some(_) => {
            let (events, gate) = shared.events.clone().behind_a_gate();
            running.gate = Some(gate);
            // There is a deadline to watch now.
            shared.crew.tell_supervisor();
            events
        }
    };
    let (inputs, key) = (Arc::clone(&running.prepared.inputs), running.prepared.key);
    let (cancel, began, is_first) = (running.cancel.clone(), running.began, running.prepared.attempt == 1);
    let at = state.frames.instance(instance);
    let (frame, step, id) = (at.frame, at.step, Arc::clone(&at.id));
    let block = state.frames.block(frame).clone();
    let provenance = Provenance { notes: state.frames.notes_before(instance), ..shared.origin.clone() };
    mark_busy(shared, &mut state, instance);
    if is_first {
        shared.events.send(Event::NodeStarted { run: shared.run, node: Arc::clone(&id) });
    }
    Some(Task { block, step, id, inputs, key, provenance, cancel, events, began })
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
        if !matches!(state.frames.step(node).action, Action::Node(_)) {
            shared.events.send(Event::NodeStarted { run: shared.run, node: Arc::clone(&at.id) });
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
        provenance: task.provenance.clone(),
        states: states.as_deref(),
        told: Told::default(),
    };
    let outputs = registered.node.run(&task.inputs, &mut context);
    *told = context.told;
    outputs
}

/// Holds outputs against the spec and describes them.
fn verify(step: &Step, outputs: &Outputs) -> Result<Arc<[OutputSummary]>, NodeError> {
    let type_name = step.action.type_name();
    let buggy = |what: String| {
        let hint = "this is a bug of the node type, not of the workflow";
        Err(NodeError::new(format!("node type `{type_name}` is buggy: {what}")).with_hint(hint))
    };
    if outputs.expansion.is_some() {
        return Ok([].into());
    }
    let unknown = outputs.names().find(|name| step.outputs.iter().all(|output| &*output.name != *name));
    if let Some(name) = unknown {
        return buggy(format!("it gave an output `{name}`, which it does not have"));
    }
    let mut summaries = Vec::with_capacity(step.outputs.len());
    for output in &step.outputs {
        match outputs.get(&output.name) {
            None if outputs.blocked(&output.name).is_some() => {}
            None => return buggy(format!("it gave no output `{}`", output.name)),
            Some(value) if value.kind() != output.kind && output.kind != crate::value::kinds::ANY => {
                return buggy(format!("its output `{}` is {} instead of {}", output.name, value.kind(), output.kind));
            }
            Some(value) => summaries.push(summary(&output.name, value)),
        }
    }
    Ok(summaries.into())
}

pub(super) fn summary(name: &str, value: &Value) -> OutputSummary {
    OutputSummary { output: name.to_string(), kind: value.kind().to_string(), summary: value.summary() }
}

/// Gives a result to the cache, if it is one that can be found again.
fn keep(shared: &Shared, step: &Step, done: &Done) {
    let Some(key) = done.key.filter(|_| done.outputs.expansion.is_none()) else { return };
    let (mut outputs, mut values) = (Vec::with_capacity(step.outputs.len()), Vec::with_capacity(step.outputs.len()));
    for output in &step.outputs {
        let kept = match (outputs_of(done, &output.name), done.outputs.blocked(&output.name)) {
            (_, Some(reason)) => KeptOutput::Blocked(reason.to_string()),
            (Some(value), None) => {
                // A NaN equals nothing: whoever has it as input runs always, and so must this node.
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
