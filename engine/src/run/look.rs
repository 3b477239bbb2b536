//! What to do about a node whose turn it is: whether its result is known, and what it still wants before it can run.

use std::sync::Arc;

use super::expand;
use super::fragments;
use super::frames::BlockRef;
use super::frontier::Wait;
use super::memory;
use super::settle::{self, End};
use super::slot::{Blocked, Given, Loader, Obstacle, Slot};
use super::state::{Prepared, Shared, State};
use crate::check::{self, Fit};
use crate::guard;
use crate::node::{External, Inputs, NodeError, Source, Surroundings};
use crate::plan::{Action, Step};
use crate::registry::Registered;
use crate::value::{Fingerprint, Value};

/// An instance whose turn it is, with what it is given.
pub(super) struct Turn {
    pub(super) instance: usize,
    block: BlockRef,
    step: usize,
    /// In the order of the spec.
    fed: Arc<Fed>,
    /// What has to be made to fit first: (place of the input, what feeds it).
    unfit: Vec<(usize, Given)>,
    /// Its result was lost: only running it helps.
    forced: bool,
}

/// What feeds a node: (place of the input, value or where it is).
struct Fed {
    loader: Arc<Loader>,
    slots: Vec<(usize, Slot)>,
}

impl Source for Fed {
    fn load(&self, place: usize) -> Option<Value> {
        self.slots[place].1.load(&self.loader).ok()
    }
}

impl Turn {
    /// Everything that an instance is given so far.
    pub(super) fn new(shared: &Shared, state: &State, instance: usize) -> Self {
        let (frame, step) = (state.frames.instance(instance).frame, state.frames.instance(instance).step);
        let block = state.frames.block(frame).clone();
        let inputs = &block.get().steps[step].inputs;
        let asked = state.asked.get(&instance);
        let is_there = |input: usize, lazy: bool| !lazy || asked.is_some_and(|asked| asked.contains(&input));
        let (mut slots, mut unfit) = (Vec::with_capacity(inputs.len()), Vec::new());
        for input in inputs.iter().filter(|input| is_there(input.input, input.lazy)) {
            match state.frames.given(frame, &input.origin) {
                Given::One { slot, fit: Fit::Same } if slot.is_there() => slots.push((input.input, slot)),
                given => unfit.push((input.input, given)),
            }
        }
        let forced = state.forced.contains(&instance);
        let fed = Arc::new(Fed { loader: Arc::clone(&shared.loader), slots });
        Turn { instance, block, step, fed, unfit, forced }
    }

    pub(super) fn step(&self) -> &Step {
        &self.block.get().steps[self.step]
    }

    /// (place of the input, value or where it is)
    pub(super) fn slots(&self) -> &[(usize, Slot)] {
        &self.fed.slots
    }

    /// Makes everything fit.
    fn fit(&mut self) -> Result<(), Stop> {
        if self.unfit.is_empty() {
            return Ok(());
        }
        let mut slots = self.fed.slots.clone();
        let mut lost = Vec::new();
        for (input, given) in std::mem::take(&mut self.unfit) {
            match self.fitted(input, given) {
                Ok(slot) => slots.push((input, slot)),
                Err(Stop::Lost(producers)) => lost.extend(producers),
                Err(stop) => return Err(stop),
            }
        }
        if !lost.is_empty() {
            return Err(Stop::Lost(lost));
        }
        slots.sort_by_key(|(input, _)| *input);
        self.fed = Arc::new(Fed { loader: Arc::clone(&self.fed.loader), slots });
        Ok(())
    }

    /// A value made to fit; conversions are code of node crates.
    fn fitted(&self, input: usize, given: Given) -> Result<Slot, Stop> {
        let fitted = guard::catch(|| given.fitted(&self.fed.loader));
        let name = || self.step().input_name(input);
        match fitted {
            Ok(Err(Obstacle::Failed(error))) => Err(Stop::Failed(error.within(&format!("input `{}`", name())))),
            Ok(fitted) => fitted.map_err(Stop::from),
            Err(panic) => Err(Stop::Failed(NodeError::new(format!("converting input `{}` panicked: {panic}", name())))),
        }
    }

    fn inputs(&self, registered: &Registered) -> Inputs {
        let value = |(input, slot): &(usize, Slot)| match slot {
            Slot::Here { value, .. } => (registered.spec.inputs[*input].name, Some(value.clone())),
            _ => (registered.spec.inputs[*input].name, None),
        };
        let source: Arc<dyn Source> = Arc::<Fed>::clone(&self.fed);
        Inputs::in_a_run(self.fed.slots.iter().map(value), source)
    }
}

/// Why a turn is over before it came to anything.
pub(super) enum Stop {
    /// It waits for others now.
    Waits,
    Blocked(Arc<Blocked>),
    Lost(Vec<usize>),
    Failed(NodeError),
}

impl From<Obstacle> for Stop {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Lost(producers) => Stop::Lost(producers),
            Obstacle::Blocked(blocked) => Stop::Blocked(blocked),
            Obstacle::Failed(error) => Stop::Failed(error),
        }
    }
}

/// Takes an instance's turn.
pub(super) fn look(shared: &Arc<Shared>, mut turn: Turn) -> End {
    let instance = turn.instance;
    // Values are hashed and described on the way: that is code of node crates.
    over(shared, instance, guard::catch(|| begin(shared, &mut turn)))
}

/// Takes what the frames of an instance gave.
pub(super) fn collect(shared: &Arc<Shared>, instance: usize) -> End {
    over(shared, instance, guard::catch(|| expand::collect(shared, instance)))
}

/// How a turn ends.
fn over(shared: &Shared, instance: usize, ended: Result<Result<End, Stop>, String>) -> End {
    let panicked = |panic| Err(Stop::Failed(NodeError::new(format!("reading its inputs panicked: {panic}"))));
    match ended.unwrap_or_else(panicked) {
        Ok(end) => return end,
        Err(Stop::Waits) => {}
        Err(Stop::Blocked(blocked)) => settle::blocked(shared, instance, &blocked),
        Err(Stop::Lost(producers)) => again(shared, instance, producers),
        Err(Stop::Failed(error)) => settle::failed(shared, instance, &error, &Inputs::default()),
    }
    End::Told
}

fn begin(shared: &Arc<Shared>, turn: &mut Turn) -> Result<End, Stop> {
    turn.fit()?;
    let block = turn.block.clone();
    match &block.get().steps[turn.step].action {
        Action::Node(registered) => node(shared, turn, registered),
        Action::Map(map) => expand::begin_map(shared, turn, map),
        Action::Loop(looped) => expand::begin_loop(shared, turn, looped),
    }
}

fn node(shared: &Arc<Shared>, turn: &mut Turn, registered: &Registered) -> Result<End, Stop> {
    let mut inputs = turn.inputs(registered);
    if registered.spec.inputs.iter().any(|input| input.lazy) {
        ask(shared, turn, registered, &mut inputs)?;
    }
    let key = key(shared, turn, registered, &inputs)?;
    if let Some(key) = &key {
        if turn.forced {
            shared.cache.forget(key);
        } else if let Some(end) = known(shared, turn, key) {
            return Ok(end);
        }
    }
    load(turn, &inputs)?;
    check(turn, registered, &inputs).map_err(Stop::Failed)?;
    let need = memory::needed(shared, turn.step(), registered, &inputs).map_err(Stop::Failed)?;
    // Claimed only now: who holds a claim waits for nobody, so nobody who waits for it waits for ever.
    if let Some(key) = &key {
        if !claim(shared, turn, key) {
            return Err(Stop::Waits);
        }
        // An equal node may have ended since.
        if !turn.forced
            && let Some(end) = known(shared, turn, key)
        {
            return Ok(end);
        }
    }
    let prepared = Prepared { inputs: Arc::new(inputs), key, need, attempt: 1 };
    Ok(End::Prepared(turn.instance, prepared))
}

/// If the result under a key is known, the turn is over.
fn known(shared: &Arc<Shared>, turn: &Turn, key: &Fingerprint) -> Option<End> {
    let kept = shared.cache.lookup(key)?;
    let (entry, step) = (&kept.entry, turn.step());
    if entry.sketch().is_some() {
        return fragments::begin_again(shared, turn.instance, step.action.type_name(), (key, entry));
    }
    if entry.outputs.len() != step.outputs.len() {
        return None;
    }
    let summaries = if shared.events.is_heard() { settle::summaries(step, entry) } else { Arc::default() };
    Some(End::Known { instance: turn.instance, kept, summaries })
}

/// Asks a node which of its lazy inputs it wants. Those that wires feed have to be waited for.
fn ask(shared: &Arc<Shared>, turn: &mut Turn, registered: &Registered, inputs: &mut Inputs) -> Result<(), Stop> {
    // What it decides on must be there.
    load(turn, inputs)?;
    loop {
        let wanted = guard::catch(|| registered.node.needs(inputs)).map_err(|panic| {
            Stop::Failed(NodeError::new(format!("asking it which inputs it needs panicked: {panic}")))
        })?;
        let fed = turn.step().inputs.iter().filter(|input| input.lazy);
        let missing: Vec<_> = fed
            .filter(|input| {
                let name = registered.spec.inputs[input.input].name;
                wanted.contains(&name) && !inputs.has(name)
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut state = shared.lock();
        let frame = state.frames.instance(turn.instance).frame;
        let sources: Vec<_> = missing.iter().flat_map(|input| state.frames.sources(frame, &input.origin)).collect();
        let asked = state.asked.entry(turn.instance).or_default();
        asked.extend(missing.iter().map(|input| input.input));
        if !sources.is_empty() {
            let skipped = state.frontier.wait_for(turn.instance, &sources, Wait::Result);
            settle::skipped(shared, &mut state, &skipped);
            return Err(Stop::Waits);
        }
        let given = missing.iter().map(|input| (input.input, state.frames.given(frame, &input.origin))).collect();
        drop(state);
        turn.unfit = given;
        turn.fit()?;
        *inputs = turn.inputs(registered);
        load(turn, inputs)?;
    }
}

/// What the node's result depends on, all of it; none if that cannot be said, or the result is not to be kept.
fn key(shared: &Shared, turn: &Turn, registered: &Registered, inputs: &Inputs) -> Result<Option<Fingerprint>, Stop> {
    let options = &turn.step().options;
    if shared.cache.is_off() || !options.cache {
        return Ok(None);
    }
    let (base_dir, out_dir) = (&*shared.plan.0.base_dir, &*shared.plan.0.out_dir);
    let surroundings = Surroundings { base_dir, out_dir, services: &shared.services };
    let external = guard::catch(|| registered.node.external(inputs, &surroundings))
        .map_err(|panic| Stop::Failed(NodeError::new(format!("asking it what it depends on panicked: {panic}"))))?;
    let external = match external {
        Ok(external) => external,
        Err(error) => {
            lost(turn, inputs)?;
            return Err(Stop::Failed(error));
        }
    };
    let (mut hasher, device) = shared.environments.of(options.device.as_ref());
    hasher.text(registered.spec.name);
    hasher.number(u64::from(registered.spec.version));
    hasher.text(device);
    match external {
        External::Nothing => hasher.number(0),
        External::Content(content) => {
            hasher.number(1);
            hasher.fingerprint(&content);
        }
        External::Unknowable => return Ok(None),
    }
    // In the order of the spec: in which order a document writes them does not matter.
    for (input, slot) in turn.slots() {
        let Some(fingerprint) = slot.fingerprint() else { return Ok(None) };
        hasher.text(registered.spec.inputs[*input].name);
        hasher.fingerprint(&fingerprint);
    }
    Ok(Some(hasher.finish()))
}

/// Whether this instance is the one to compute what has this key; otherwise it looks again when the other has ended.
fn claim(shared: &Shared, turn: &Turn, key: &Fingerprint) -> bool {
    let mut state = shared.lock();
    match state.claim(turn.instance, key) {
        None => true,
        Some(other) => {
            let skipped = state.frontier.wait_for(turn.instance, &[other], Wait::End);
            debug_assert!(skipped.is_empty(), "the other is running");
            false
        }
    }
}

/// Sees to it that every input is here.
fn load(turn: &Turn, inputs: &Inputs) -> Result<(), Stop> {
    if inputs.load() { Ok(()) } else { lost(turn, inputs) }
}

/// The nodes that must give their results again, if an input that was asked for is lost.
fn lost(turn: &Turn, inputs: &Inputs) -> Result<(), Stop> {
    if !inputs.is_any_lost() {
        return Ok(());
    }
    let producers = turn.slots().iter().filter_map(|(_, slot)| slot.load(&turn.fed.loader).err()).flatten();
    Err(Stop::Lost(producers.collect()))
}

/// Holds what comes by wire against bounds and choices; what is known was, before the run.
fn check(turn: &Turn, registered: &Registered, inputs: &Inputs) -> Result<(), NodeError> {
    for (input, _) in turn.slots() {
        let spec = &registered.spec.inputs[*input];
        let Some(value) = inputs.value(spec.name).filter(|_| !spec.checked_by_node) else { continue };
        check::check(value, spec.range.as_ref(), &spec.choices).map_err(|problem| {
            let error = NodeError::new(format!("input `{}` {}", spec.name, problem.message));
            match problem.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })?;
    }
    Ok(())
}

/// The results of some nodes are lost: they run once more, and then it is this one's turn again.
pub(super) fn again(shared: &Shared, instance: usize, mut producers: Vec<usize>) {
    producers.sort_unstable();
    producers.dedup();
    let mut state = shared.lock();
    state.disclaim(instance);
    // Others may have had a producer run again meanwhile: only who looked since then knows that it was to no avail.
    let hopeless = producers.iter().find(|&&producer| !state.again.insert((instance, producer))).copied();
    if producers.is_empty() || hopeless.is_some() {
        let from = hopeless.map_or_else(|| "a node".into(), |node| format!("`{}`", state.frames.instance(node).id));
        drop(state);
        let message = format!("a value that {from} gave is lost, and running it again did not give the same");
        let error = NodeError::new(message).with_hint("a node that gives another result each time should say so");
        return settle::failed(shared, instance, &error, &Inputs::default());
    }
    for &producer in &producers {
        state.make_again(producer);
    }
    let skipped = state.frontier.wait_for(instance, &producers, Wait::Result);
    settle::skipped(shared, &mut state, &skipped);
}
