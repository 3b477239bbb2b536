//! Nodes that turn into pieces of graph when they run.

use std::sync::Arc;
use std::time::Instant;

use super::expand::{Pending, announce, awaited, begin_frame, check_depth, culprit, release, results, wait};
use super::look::Stop;
use super::settle::{self, End};
use super::slot::Slot;
use super::state::{Shared, State};
use crate::cache::{Entry, KeptOutput};
use crate::diagnostic::Diagnostic;
use crate::graph::Fragment;
use crate::guard;
use crate::node::{Inputs, NodeError, Told, Trail};
use crate::plan::{self, Block};
use crate::value::{Fingerprint, Value};

/// A node that turned into a fragment.
pub(super) struct Expander {
    pub(super) node_type: &'static str,
    pub(super) key: Option<Fingerprint>,
    pub(super) told: Told,
    /// Otherwise it was known what it turns into.
    pub(super) ran: bool,
    pub(super) began: Instant,
}

/// Turns a node into what it did when it ran, which is known under that key. None if a value of that is lost, or if it
/// is sound no more: another version of a node type may be there now. Then the node has to run.
pub(super) fn begin_again(
    shared: &Arc<Shared>,
    instance: usize,
    node_type: &'static str,
    (key, entry): (&Fingerprint, &Entry),
) -> Option<End> {
    let value = |(kind, fingerprint)| shared.cache.load(&fingerprint, kind, &shared.plan.0.registry);
    let values = entry.values().map(value).collect::<Option<Vec<_>>>()?;
    let fragment = Fragment::from_sketch(entry.sketch()?, &values)?;
    let Ok(block) = sound(shared, instance, &fragment) else {
        shared.cache.forget(key);
        return None;
    };
    if shared.events.is_heard() {
        let id = Arc::clone(&shared.lock().frames.instance(instance).id);
        settle::repeat(shared, &id, entry);
    }
    let told = entry.told.clone();
    let expander = Expander { node_type, key: None, told, ran: false, began: Instant::now() };
    become_frame(shared, instance, &block, expander);
    Some(End::Told)
}

/// Turns a node into what it gave instead of outputs.
pub(super) fn begin(shared: &Arc<Shared>, instance: usize, fragment: &Fragment, expander: Expander) {
    let block = match sound(shared, instance, fragment) {
        Ok(block) => block,
        Err(error) => return settle::failed(shared, instance, &error, &Inputs::default()),
    };
    // While it still has its claim: an equal node that waits for it finds this, and does not run. Measuring values is code
    // of node crates; what cannot be kept is merely not kept.
    let _ = guard::catch(|| {
        if let Some((key, entry, values)) = expander.entry(fragment) {
            shared.cache.keep(key, entry, &values);
        }
    });
    become_frame(shared, instance, &block, expander);
}

/// A fragment as a block, if a node can turn into it.
fn sound(shared: &Shared, instance: usize, fragment: &Fragment) -> Result<Arc<Block>, NodeError> {
    let expanded = guard::catch(|| plan::expand(fragment, &shared.plan.0.registry, &shared.plan.0.base_dir));
    let panicked = |panic| NodeError::new(format!("checking what it expanded into panicked: {panic}"));
    let block = expanded.map_err(panicked)?.map_err(|problems| unsound(&problems))?;
    let state = shared.lock();
    check_depth(&state, instance)?;
    check_results(&state, instance, &block)?;
    Ok(Arc::new(block))
}

fn become_frame(shared: &Arc<Shared>, instance: usize, block: &Arc<Block>, expander: Expander) {
    let mut state = shared.lock();
    let id = Arc::clone(&state.frames.instance(instance).id);
    let trail = Trail::then(state.frames.trail_before(instance), &id, &expander.told.notes);
    let frame = begin_frame(&mut state, instance, block, Vec::new(), None, &trail);
    announce(shared, &state, instance, &[frame]);
    // It has run, and what comes of it is not kept under its key: an equal node in the fragment must not wait for it.
    state.disclaim(instance);
    let awaited = awaited(&state, frame, &(0..block.results.len()).collect::<Vec<_>>());
    state.pending.insert(instance, Pending::Fragment { frame, expander });
    wait(shared, &mut state, instance, awaited);
    super::worker::wake_another(shared, &mut state);
}

impl Expander {
    /// What is to be kept of it: it need not run to say again into what it turns. What comes of that is kept by its parts.
    fn entry(&self, fragment: &Fragment) -> Option<(Fingerprint, Entry, Vec<Value>)> {
        let key = self.key?;
        let (sketch, values) = fragment.to_sketch()?;
        let mut outputs = vec![KeptOutput::Sketch(sketch)];
        for value in &values {
            let (kind, fingerprint) = (value.kind(), value.fingerprint()?);
            outputs.push(KeptOutput::Value { kind, fingerprint, summary: String::new() });
        }
        let (told, cost) = (self.told.clone(), self.began.elapsed());
        Some((key, Entry { node_type: self.node_type.into(), outputs, told, cost }, values))
    }
}

fn unsound(problems: &[Diagnostic]) -> NodeError {
    let messages: Vec<_> = problems.iter().filter(|problem| problem.is_error()).map(|p| p.message.as_str()).collect();
    NodeError::new(format!("what it expanded into is not sound: {}", messages.join("; ")))
        .with_hint("this is a bug of the node type, not of the workflow")
}

/// What a node expands into must give what the node has, and nothing else.
fn check_results(state: &State, instance: usize, block: &Block) -> Result<(), NodeError> {
    let buggy = |what: String| {
        NodeError::new(format!("what it expanded into {what}"))
            .with_hint("this is a bug of the node type, not of the workflow")
    };
    let outputs = &state.frames.step(instance).outputs;
    for output in outputs {
        let Some(result) = block.results.iter().find(|result| result.name == output.name) else {
            return Err(buggy(format!("gives no `{}`", output.name)));
        };
        if result.kind != output.kind && output.kind != crate::value::kinds::ANY {
            return Err(buggy(format!("gives `{}` as {} instead of {}", output.name, result.kind, output.kind)));
        }
    }
    match block.results.iter().find(|result| outputs.iter().all(|output| output.name != result.name)) {
        Some(result) => Err(buggy(format!("gives `{}`, which the node does not have", result.name))),
        None => Ok(()),
    }
}

/// Takes what the fragment of a node gave, now that it has ended.
pub(super) fn collect(shared: &Shared, instance: usize, frame: usize, expander: Expander) -> Result<End, Stop> {
    let (order, culprit) = {
        let state = shared.lock();
        let block = state.frames.block(frame).clone();
        let place = |name: &Arc<str>| block.get().results.iter().position(|result| result.name == *name);
        let outputs = &state.frames.step(instance).outputs;
        let order: Vec<_> = outputs.iter().filter_map(|output| place(&output.name)).collect();
        let culprit = culprit(&state, frame, &order);
        (order, culprit)
    };
    if let Some(because) = culprit {
        settle::spoilt(shared, instance, &[frame], because);
        return Ok(End::Told);
    }
    let slots = match results(shared, frame, &order) {
        Ok(slots) => slots,
        Err(stop) => {
            shared.lock().pending.insert(instance, Pending::Fragment { frame, expander });
            return Err(stop);
        }
    };
    let slots = slots.into_iter().map(|slot| slot.unwrap_or_else(Slot::Blocked)).collect();
    let before = {
        let state = shared.lock();
        Trail::then(state.frames.trail_before(instance), &state.frames.instance(instance).id, &expander.told.notes)
    };
    let trail = release(shared, &[frame], &order, before);
    settle::collected(shared, instance, slots, trail, (expander.ran, expander.began))?;
    Ok(End::Told)
}
