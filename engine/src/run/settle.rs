//! How nodes end, and what follows from it: for those that wait for them, for memory, for the report, for listeners.

use std::sync::Arc;
use std::time::Instant;

use super::attempt::Done;
use super::look::Stop;
use super::report::{Failure, Skipped};
use super::slot::{Blocked, Slot};
use super::state::{Ended, Prepared, Shared, State};
use crate::cache::{Entry, Kept, KeptOutput};
use crate::event::{Event, OutputSummary};
use crate::guard;
use crate::node::{Inputs, NodeError, Trail};
use crate::plan::Step;
use crate::value::Value;

/// How what a thread did ends. What follows is drawn under the lock, in one go with taking what comes next.
pub(super) enum End {
    /// All was said and drawn.
    Told,
    /// A node's result is known.
    Known { instance: usize, kept: Arc<Kept>, summaries: Arc<[OutputSummary]> },
    /// A node must run, and has what it needs but lanes and memory.
    Prepared(usize, Prepared),
    /// A node ran and gave its outputs.
    Finished(usize, Done),
}

impl End {
    /// Draws the consequences. Gives back what may take long to end, to be dropped without the lock.
    pub(super) fn settle(self, shared: &Shared, state: &mut State) -> Option<Done> {
        match self {
            End::Told => {}
            End::Known { instance, kept, summaries } => cached(shared, state, instance, &kept.entry, summaries),
            End::Prepared(instance, prepared) => state.make_runnable(instance, prepared),
            End::Finished(instance, done) => {
                finished(shared, state, instance, &done);
                return Some(done);
            }
        }
        None
    }
}

fn finished(shared: &Shared, state: &mut State, instance: usize, done: &Done) {
    let id = Arc::clone(&state.frames.instance(instance).id);
    let step = state.frames.step(instance);
    let slot = |name: &str| match done.outputs.get(name) {
        Some(value) => Slot::Here { value: value.clone(), producer: Some(instance) },
        None => {
            let reason = done.outputs.blocked(name).unwrap_or_default().to_string();
            Slot::Blocked(Arc::new(Blocked { because: Arc::clone(&id), reason }))
        }
    };
    let slots: Vec<_> = step.outputs.iter().map(|output| slot(&output.name)).collect();
    let trail = Trail::then(state.frames.trail_before(instance), &id, &done.told.notes);
    state.frames.put(instance, slots.into_iter(), trail);
    shared.events.send(Event::NodeFinished {
        run: shared.run,
        node: Arc::clone(&id),
        seconds: done.began.elapsed().as_secs_f64(),
        outputs: Arc::clone(&done.summaries),
    });
    state.ended.with_result.push((instance, Ended::RAN));
    ended(state, instance);
}

/// Whoever found the value lost looks for it again.
pub(super) fn recover(shared: &Shared, done: &Done) {
    let mut recovered = shared.loader.recovered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut values: Vec<Value> = done.outputs.iter().map(|(_, value)| value.clone()).collect();
    while let Some(value) = values.pop() {
        // The elements too: the passes of a map hold them one by one.
        values.extend(value.list().into_iter().flat_map(|list| list.items().iter().cloned()));
        recovered.extend(value.fingerprint().map(|fingerprint| (fingerprint, value)));
    }
}

/// A node's result is known. What it told when it ran is told again.
fn cached(shared: &Shared, state: &mut State, instance: usize, entry: &Entry, summaries: Arc<[OutputSummary]>) {
    let id = Arc::clone(&state.frames.instance(instance).id);
    let slot = |output: &KeptOutput| match output {
        KeptOutput::Value { kind, fingerprint, .. } => {
            Slot::Kept { kind: *kind, fingerprint: *fingerprint, producer: instance }
        }
        KeptOutput::Blocked(reason) | KeptOutput::Sketch(reason) => {
            Slot::Blocked(Arc::new(Blocked { because: Arc::clone(&id), reason: reason.clone() }))
        }
    };
    let trail = Trail::then(state.frames.trail_before(instance), &id, &entry.told.notes);
    state.frames.put(instance, entry.outputs.iter().map(slot), trail);
    if shared.events.is_heard() {
        repeat(shared, &id, entry);
        shared.events.send(Event::NodeCached { run: shared.run, node: Arc::clone(&id), outputs: summaries });
    }
    state.ended.with_result.push((instance, Ended::KNOWN));
    ended(state, instance);
}

/// What a node told when it ran.
pub(super) fn repeat(shared: &Shared, node: &Arc<str>, entry: &Entry) {
    let run = shared.run;
    for message in &entry.told.warnings {
        shared.events.send(Event::NodeWarning { run, node: Arc::clone(node), message: message.clone() });
    }
    for (key, value) in &entry.told.notes {
        let (key, value) = (key.clone(), value.clone());
        shared.events.send(Event::NodeNote { run, node: Arc::clone(node), key, value });
    }
    for path in &entry.told.artifacts {
        shared.events.send(Event::ArtifactWritten { run, node: Arc::clone(node), path: path.clone() });
    }
}

/// A known result in words.
pub(super) fn summaries(step: &Step, entry: &Entry) -> Arc<[OutputSummary]> {
    let outputs = step.outputs.iter().zip(&entry.outputs).filter_map(|(output, kept)| match kept {
        KeptOutput::Value { kind, summary, .. } => {
            Some(OutputSummary { output: output.name.to_string(), kind: kind.to_string(), summary: summary.clone() })
        }
        KeptOutput::Blocked(_) | KeptOutput::Sketch(_) => None,
    });
    outputs.collect()
}

/// A map, a loop or an expanded node has what its frames gave.
pub(super) fn collected(
    shared: &Shared,
    instance: usize,
    slots: Vec<Slot>,
    trail: Option<Arc<Trail>>,
    (ran, began): (bool, Instant),
) -> Result<(), Stop> {
    let (block, step) = {
        let state = shared.lock();
        let at = state.frames.instance(instance);
        (state.frames.block(at.frame).clone(), at.step)
    };
    let step = &block.get().steps[step];
    // Hashing and describing values is code of node crates, and may take long: not under the lock.
    shared.hash(&slots);
    let outputs = if shared.events.is_heard() { in_words(step, &slots)? } else { Arc::default() };
    let mut state = shared.lock();
    let id = Arc::clone(&state.frames.instance(instance).id);
    state.frames.put(instance, slots.into_iter(), trail);
    let (run, node) = (shared.run, Arc::clone(&id));
    // A map, a loop, or a node of which it was known into what it turns, did only if something in it did.
    if ran || state.busy.contains(&instance) {
        shared.events.send(Event::NodeFinished { run, node, seconds: began.elapsed().as_secs_f64(), outputs });
        state.ended.with_result.push((instance, Ended::RAN));
    } else {
        shared.events.send(Event::NodeCached { run, node, outputs });
        state.ended.with_result.push((instance, Ended::KNOWN));
    }
    ended(&mut state, instance);
    Ok(())
}

fn in_words(step: &Step, slots: &[Slot]) -> Result<Arc<[OutputSummary]>, Stop> {
    let outputs = step.outputs.iter().zip(slots).filter_map(|(output, slot)| {
        let summary = match slot {
            Slot::Here { value, .. } => value.summary(),
            Slot::List { items, .. } => format!("{} in all", items.len()),
            Slot::Kept { .. } => "known".to_string(),
            Slot::Blocked(_) | Slot::Gone { .. } => return None,
        };
        Some(OutputSummary { output: output.name.to_string(), kind: output.kind.to_string(), summary })
    });
    let panicked = |panic| Stop::Failed(NodeError::new(format!("describing what it gave panicked: {panic}")));
    guard::catch(|| outputs.collect()).map_err(panicked)
}

/// A node has a result; what waited for it goes on.
fn ended(state: &mut State, instance: usize) {
    state.frames.release_inputs(instance);
    state.disclaim(instance);
    state.frontier.finish(instance);
}

/// Something that a node needs was kept back, so it is too.
pub(super) fn blocked(shared: &Shared, instance: usize, why: &Arc<Blocked>) {
    let mut state = shared.lock();
    let node = Arc::clone(&state.frames.instance(instance).id);
    let slots: Vec<_> = state.frames.step(instance).outputs.iter().map(|_| Slot::Blocked(Arc::clone(why))).collect();
    let trail = state.frames.trail_before(instance);
    state.frames.put(instance, slots.into_iter(), trail);
    let (because, reason) = (Arc::clone(&why.because), why.reason.clone());
    shared.events.send(Event::NodeBlocked {
        run: shared.run,
        node: Arc::clone(&node),
        because: Arc::clone(&because),
        reason,
    });
    state.ended.blocked.push(Skipped { node, because });
    ended(&mut state, instance);
}

/// A node failed: what needs it is skipped.
pub(super) fn failed(shared: &Shared, instance: usize, error: &NodeError, inputs: &Inputs) {
    // Describing a value is a node crate's code; that it fails must not hide the failure.
    let inputs = guard::catch(|| inputs.summaries()).unwrap_or_default();
    let mut state = shared.lock();
    if state.frontier.state(instance) == super::frontier::State::Running {
        fail(shared, &mut state, instance, error, inputs);
    }
    // Otherwise it has ended, and something went wrong on the way out.
}

/// A map, a loop or an expanded node has no result since a node in it has none.
pub(super) fn spoilt(shared: &Shared, instance: usize, frames: &[usize], because: usize) {
    let mut state = shared.lock();
    frames.iter().for_each(|&frame| state.frames.release_results(frame));
    // What failed by itself, however deep inside.
    let because = state.spoilt.get(&because).copied().unwrap_or(because);
    state.spoilt.insert(instance, because);
    let culprit = &state.frames.instance(because).id;
    // Among the last ones: only its neighbours may have failed since.
    let failure = state.ended.failed.iter().rev().find(|failure| failure.node == *culprit);
    let error = match failure {
        Some(failure) => NodeError::new(format!("`{culprit}` in it failed: {}", failure.message)),
        None => NodeError::new(format!("`{culprit}` in it failed")),
    };
    fail(shared, &mut state, instance, &error, Vec::new());
}

fn fail(shared: &Shared, state: &mut State, instance: usize, error: &NodeError, inputs: Vec<(String, String)>) {
    let failure = Failure {
        node: Arc::clone(&state.frames.instance(instance).id),
        node_type: state.frames.step(instance).action.type_name().to_string(),
        message: error.to_string(),
        causes: error.causes(),
        hint: error.hint().map(str::to_string),
        inputs,
    };
    tell_failure(shared, state, failure);
    state.frames.release_inputs(instance);
    state.disclaim(instance);
    let lost = state.frontier.fail(instance);
    skipped(shared, state, &lost);
}

/// Tells of a failure, and notes it for the report.
pub(super) fn tell_failure(shared: &Shared, state: &mut State, failure: Failure) {
    shared.events.send(Event::NodeFailed {
        run: shared.run,
        node: Arc::clone(&failure.node),
        node_type: failure.node_type.clone(),
        message: failure.message.clone(),
        causes: failure.causes.clone(),
        hint: failure.hint.clone(),
        inputs: failure.inputs.clone(),
    });
    state.ended.failed.push(failure);
}

/// Nodes that the frontier skipped.
pub(super) fn skipped(shared: &Shared, state: &mut State, nodes: &[usize]) {
    for &node in nodes {
        let super::frontier::State::Skipped { because } = state.frontier.state(node) else { continue };
        state.frames.release_inputs(node);
        let (node, because) = (&state.frames.instance(node).id, &state.frames.instance(because).id);
        let (node, because) = (Arc::clone(node), Arc::clone(because));
        shared.events.send(Event::NodeSkipped {
            run: shared.run,
            node: Arc::clone(&node),
            because: Arc::clone(&because),
        });
        state.ended.skipped.push(Skipped { node, because });
    }
}
