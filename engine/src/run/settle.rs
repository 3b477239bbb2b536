//! How nodes end, and what follows from it: for those that wait for them, for memory, for the report, for listeners.

use std::sync::Arc;
use std::time::Instant;

use super::attempt::Done;
use super::report::{Failure, Skipped};
use super::slot::{Blocked, Slot};
use super::state::{Shared, State};
use crate::cache::{Entry, KeptOutput};
use crate::event::{Event, OutputSummary};
use crate::guard;
use crate::node::{Inputs, NodeError, Notes};
use crate::plan::Action;
use crate::value::Value;

/// A node ran and gave its outputs.
pub(super) fn finished(shared: &Shared, instance: usize, done: Done) {
    let mut state = shared.lock();
    let id = Arc::clone(&state.frames.instance(instance).id);
    let step = state.frames.step(instance);
    let slots = step.outputs.iter().map(|output| match done.outputs.get(&output.name) {
        Some(value) => Slot::Here { value: value.clone(), producer: Some(instance) },
        None => {
            let reason = done.outputs.blocked(&output.name).unwrap_or_default().to_string();
            Slot::Blocked(Arc::new(Blocked { because: Arc::clone(&id), reason }))
        }
    });
    let slots = slots.collect();
    if state.forced.contains(&instance) {
        recover(shared, &done);
    }
    let before = state.frames.notes_before(instance);
    state.frames.put(instance, slots, before, &done.told.notes);
    let seconds = done.began.elapsed().as_secs_f64();
    shared.events.send(Event::NodeFinished {
        run: shared.run,
        node: Arc::clone(&id),
        seconds,
        outputs: Arc::clone(&done.summaries),
    });
    state.ended.finished.push(id);
    ended(&mut state, instance);
}

/// Whoever found the value lost looks for it again.
fn recover(shared: &Shared, done: &Done) {
    let mut recovered = shared.loader.recovered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut values: Vec<Value> = done.outputs.iter().map(|(_, value)| value.clone()).collect();
    while let Some(value) = values.pop() {
        // The elements too: the passes of a map hold them one by one.
        values.extend(value.list().into_iter().flat_map(|list| list.items().iter().cloned()));
        recovered.extend(value.fingerprint().map(|fingerprint| (fingerprint, value)));
    }
}

/// A node's result is known. What it told when it ran is told again.
pub(super) fn cached(shared: &Shared, instance: usize, entry: &Entry) {
    let mut state = shared.lock();
    let id = Arc::clone(&state.frames.instance(instance).id);
    let slot = |output: &KeptOutput| match output {
        KeptOutput::Value { kind, fingerprint, .. } => {
            Slot::Kept { kind: *kind, fingerprint: *fingerprint, producer: instance }
        }
        KeptOutput::Blocked(reason) => {
            Slot::Blocked(Arc::new(Blocked { because: Arc::clone(&id), reason: reason.clone() }))
        }
    };
    let slots = entry.outputs.iter().map(slot).collect();
    let before = state.frames.notes_before(instance);
    state.frames.put(instance, slots, before, &entry.told.notes);
    if shared.events.is_heard() {
        repeat(shared, &state, instance, entry);
    }
    state.ended.cached.push(id);
    ended(&mut state, instance);
}

fn repeat(shared: &Shared, state: &State, instance: usize, entry: &Entry) {
    let (run, node) = (shared.run, &state.frames.instance(instance).id);
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
    let outputs = state.frames.step(instance).outputs.iter().zip(&entry.outputs);
    let outputs = outputs.filter_map(|(output, kept)| match kept {
        KeptOutput::Value { kind, summary, .. } => {
            Some(OutputSummary { output: output.name.to_string(), kind: kind.to_string(), summary: summary.clone() })
        }
        KeptOutput::Blocked(_) => None,
    });
    shared.events.send(Event::NodeCached { run, node: Arc::clone(node), outputs: outputs.collect() });
}

/// A map, a loop or an expanded node has what its frames gave.
pub(super) fn collected(shared: &Shared, instance: usize, slots: Vec<Slot>, notes: Arc<Notes>, began: Instant) {
    let mut state = shared.lock();
    let id = Arc::clone(&state.frames.instance(instance).id);
    let step = state.frames.step(instance);
    let is_node = matches!(step.action, Action::Node(_));
    let outputs = step.outputs.iter().zip(&slots).filter_map(|(output, slot)| {
        let summary = match slot {
            Slot::Here { value, .. } => value.summary(),
            Slot::List { items, .. } => format!("{} in all", items.len()),
            Slot::Kept { .. } => "known".to_string(),
            Slot::Blocked(_) | Slot::Gone { .. } => return None,
        };
        Some(OutputSummary { output: output.name.to_string(), kind: output.kind.to_string(), summary })
    });
    let outputs: Arc<[_]> = outputs.collect();
    state.frames.put(instance, slots, notes, &[]);
    let (run, node) = (shared.run, Arc::clone(&id));
    // An expanded node itself ran; a map or a loop did only if something in it did.
    if is_node || state.busy.contains(&instance) {
        shared.events.send(Event::NodeFinished { run, node, seconds: began.elapsed().as_secs_f64(), outputs });
        state.ended.finished.push(id);
    } else {
        shared.events.send(Event::NodeCached { run, node, outputs });
        state.ended.cached.push(id);
    }
    ended(&mut state, instance);
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
    let slots = state.frames.step(instance).outputs.iter().map(|_| Slot::Blocked(Arc::clone(why))).collect();
    let before = state.frames.notes_before(instance);
    state.frames.put(instance, slots, before, &[]);
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
    if state.frontier.state(instance) != super::frontier::State::Running {
        // It has ended, and something went wrong on the way out.
        return;
    }
    let failure = Failure {
        node: Arc::clone(&state.frames.instance(instance).id),
        node_type: state.frames.step(instance).action.type_name().to_string(),
        message: error.to_string(),
        causes: error.causes(),
        hint: match error {
            NodeError::Failed { hint, .. } => hint.clone(),
            NodeError::Cancelled => None,
        },
        inputs,
    };
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
    state.frames.release_inputs(instance);
    state.disclaim(instance);
    let lost = state.frontier.fail(instance);
    skipped(shared, &mut state, &lost);
}

/// A map, a loop or an expanded node has no result since a node in it has none.
pub(super) fn spoilt(shared: &Shared, instance: usize, frames: &[usize], because: usize) {
    let mut state = shared.lock();
    frames.iter().for_each(|&frame| state.frames.release_results(frame));
    let lost = state.frontier.skip(instance, because);
    skipped(shared, &mut state, &lost);
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
