//! What a run was for: the outputs of its targets, the results of the workflow.

use std::sync::Arc;

use indexmap::IndexMap;

use super::frontier::State as Stand;
use super::report::Failure;
use super::slot::{Given, Obstacle, Slot};
use super::state::{Shared, State};
use crate::guard;
use crate::node::{NodeError, Outputs};
use crate::plan::{Action, Step};
use crate::value::Value;

/// What the targets and the workflow itself gave.
#[derive(Default)]
pub(super) struct Gifts {
    pub(super) outputs: IndexMap<Arc<str>, Outputs>,
    pub(super) results: IndexMap<String, Value>,
    /// What could not be made to fit, or read, and what is lost for good.
    pub(super) failed: Vec<Failure>,
}

/// What is to be given: taken under the lock, loaded and converted without it.
pub(super) struct Asked {
    targets: Vec<(usize, Arc<str>)>,
    /// What they gave, one after another.
    slots: Vec<Slot>,
    /// (name, what feeds it)
    results: Vec<(Arc<str>, Given)>,
}

impl Asked {
    /// As far as it is there.
    pub(super) fn new(shared: &Shared, state: &State) -> Self {
        let has_ended = |instance: &usize| state.frontier.state(*instance) == Stand::Finished;
        let targets = state.frames.targets(0).into_iter().filter(has_ended);
        let targets: Vec<_> = targets.map(|target| (target, Arc::clone(&state.frames.instance(target).id))).collect();
        let mut slots = Vec::with_capacity(targets.len());
        for (target, _) in &targets {
            let outputs = 0..state.frames.step(*target).outputs.len();
            slots.extend(outputs.map(|at| state.frames.slot(*target, at).clone()));
        }
        let results = shared.plan.0.root.results.iter();
        let results = results.filter(|result| state.frames.sources(0, &result.origin).iter().all(has_ended));
        let given = results.map(|result| (Arc::clone(&result.name), state.frames.given(0, &result.origin)));
        Asked { targets, slots, results: given.collect() }
    }

    /// All of it; otherwise the nodes that must give their results again.
    pub(super) fn gifts(self, shared: &Shared) -> Result<Gifts, Vec<usize>> {
        let mut gifts = Gifts::default();
        let mut lost = Vec::new();
        gifts.outputs.reserve(self.targets.len());
        let at_hand = shared.loader.at_hand(&self.slots);
        let mut slots = self.slots.into_iter().zip(at_hand);
        for (target, id) in self.targets {
            let step = &shared.plan.0.root.steps[target];
            let mut outputs = Outputs::none();
            for (at, (slot, at_hand)) in slots.by_ref().take(step.outputs.len()).enumerate() {
                // A node's own names need not be copied.
                let name = match &step.action {
                    Action::Node(registered) => registered.spec.outputs[at].name.into(),
                    Action::Map(_) | Action::Loop(_) => step.outputs[at].name.to_string().into(),
                };
                match slot {
                    Slot::Blocked(blocked) => outputs = outputs.blocked_as(name, &blocked.reason),
                    slot => match at_hand.map_or_else(|| load(shared, &slot), Ok) {
                        Ok(value) => outputs = outputs.valued_as(name, value),
                        Err(Obstacle::Lost(producers)) => lost.push((Place::output(&id, step, at), producers)),
                        Err(Obstacle::Failed(error)) => gifts.failed.push(Place::output(&id, step, at).failure(&error)),
                        Err(Obstacle::Blocked(_)) => {}
                    },
                }
            }
            gifts.outputs.insert(id, outputs);
        }
        for (name, given) in self.results {
            match result(shared, given) {
                Ok(Some(value)) => drop(gifts.results.insert(name.to_string(), value)),
                Ok(None) => {}
                Err(Obstacle::Lost(producers)) => lost.push((Place::result(&name), producers)),
                Err(Obstacle::Failed(error)) => gifts.failed.push(Place::result(&name).failure(&error)),
                Err(Obstacle::Blocked(_)) => {}
            }
        }
        // Nothing is worth running for once the run was cancelled.
        if lost.is_empty() || shared.cancel.is_cancelled() {
            return Ok(gifts);
        }
        let state = shared.lock();
        let producers = lost.iter().flat_map(|(_, producers)| producers).copied();
        let again: Vec<_> = producers.filter(|producer| !state.forced.contains(producer)).collect();
        if !again.is_empty() {
            return Err(again);
        }
        // What was made again and is lost again is not worth a third time. That a producer failed was told already.
        let have_ended = |producers: &[usize]| producers.iter().all(|it| state.frontier.state(*it) == Stand::Finished);
        for (place, producers) in lost.iter().filter(|(_, producers)| have_ended(producers)) {
            // A target fails once, however many of its outputs are lost.
            if gifts.failed.iter().all(|failure| failure.node != place.node) {
                gifts.failed.push(place.failure(&gone(&state, producers)));
            }
        }
        Ok(gifts)
    }
}

/// Loads an output; reading values is code of node crates.
fn load(shared: &Shared, slot: &Slot) -> Result<Value, Obstacle> {
    let loaded = guard::catch(|| slot.load(&shared.loader).map_err(Obstacle::Lost));
    loaded.unwrap_or_else(|panic| Err(Obstacle::Failed(NodeError::new(format!("reading it panicked: {panic}")))))
}

/// The value of a result; conversions are code of node crates.
fn result(shared: &Shared, given: Given) -> Result<Option<Value>, Obstacle> {
    let converted = guard::catch(|| match given.fitted(&shared.loader)? {
        Slot::Blocked(_) => Ok(None),
        slot => slot.load(&shared.loader).map(Some).map_err(Obstacle::Lost),
    });
    converted.unwrap_or_else(|panic| Err(Obstacle::Failed(NodeError::new(format!("converting it panicked: {panic}")))))
}

fn gone(state: &State, producers: &[usize]) -> NodeError {
    let from = producers.first().map_or_else(|| "a node".into(), |it| format!("`{}`", state.frames.instance(*it).id));
    NodeError::new(format!("a value that {from} gave is lost, and running it again did not give the same"))
        .with_hint("a node that gives another result each time should say so")
}

/// What could not be given, by its place in the document.
struct Place {
    node: Arc<str>,
    node_type: &'static str,
    what: String,
}

impl Place {
    fn output(target: &Arc<str>, step: &Step, output: usize) -> Self {
        let what = format!("its output `{}`", step.outputs[output].name);
        Place { node: Arc::clone(target), node_type: step.action.type_name(), what }
    }

    /// A result of the workflow is no node's, but told like one.
    fn result(name: &str) -> Self {
        let what = format!("the result `{name}`");
        Place { node: format!("outputs.{name}").into(), node_type: "Workflow", what }
    }

    fn failure(&self, error: &NodeError) -> Failure {
        Failure {
            node: Arc::clone(&self.node),
            node_type: self.node_type.to_string(),
            message: format!("{} cannot be given: {error}", self.what),
            causes: error.causes(),
            hint: error.hint().map(str::to_string),
            inputs: Vec::new(),
        }
    }
}
