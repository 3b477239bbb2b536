//! Nodes that turn into frames: maps, loops, and nodes that expand.

use std::sync::Arc;
use std::time::Instant;

use super::fragments::{self, Expander};
use super::frames::{BlockRef, NewFrame};
use super::frontier::{State as Stand, Wait};
use super::look::{Stop, Turn};
use super::settle::{self, End};
use super::slot::{Blocked, Given, Obstacle, Slot};
use super::state::{Shared, State};
use crate::event::Event;
use crate::guard;
use crate::node::{NodeError, Trail};
use crate::plan::{self, Action, Block, LoopAction, MapAction, Ragged};
use crate::value::Value;

/// More elements than this in one map, or passes of one loop, are a slip of the pen.
const MOST_PASSES: usize = 100_000;

/// Frames inside frames: what is deeper would go on for ever.
const DEEPEST: usize = 64;

/// What an instance that turned into frames waits for.
pub(super) enum Pending {
    /// A frame for each element.
    Map {
        frames: Vec<usize>,
        began: Instant,
    },
    Loop(Passes),
    /// What a node expanded into.
    Fragment {
        frame: usize,
        expander: Expander,
    },
}

impl Pending {
    /// Whether listeners heard that it began. Of a map or a loop they do when something in it begins.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self, Pending::Fragment { expander: Expander { ran: true, .. }, .. })
    }
}

/// A loop under way.
pub(super) struct Passes {
    frame: usize,
    /// From 0.
    pass: usize,
    limit: usize,
    /// What the pass under way was given.
    arguments: Vec<Slot>,
    /// For each result that is collected what the passes gave.
    collected: Vec<Vec<Slot>>,
    /// What everything before the pass under way noted.
    trail: Option<Arc<Trail>>,
    began: Instant,
}

/// Turns a map into a frame for each element.
pub(super) fn begin_map(shared: &Arc<Shared>, turn: &Turn, map: &MapAction) -> Result<End, Stop> {
    let fixed = arguments(turn, &map.body);
    shared.hash(&fixed);
    let mut lists = Vec::new();
    for (param, _) in map.over.iter().enumerate().filter(|(_, over)| **over) {
        let items = fixed[param].items(&shared.loader)?;
        shared.hash(&items);
        lists.push((param, items));
    }
    let count = count(map, &lists).map_err(Stop::Failed)?;
    let mut state = shared.lock();
    check_depth(&state, turn.instance).map_err(Stop::Failed)?;
    let mut frames = Vec::with_capacity(count);
    let trail = state.frames.trail_before(turn.instance);
    for element in 0..count {
        let mut arguments = fixed.clone();
        for (param, items) in &lists {
            arguments[*param] = items[element.min(items.len() - 1)].clone();
        }
        if let Some(param) = map.index {
            arguments[param] = Slot::known(Value::new(element as i64));
        }
        frames.push(begin_frame(&mut state, turn.instance, &map.body, arguments, Some(element), &trail));
    }
    announce(shared, &state, turn.instance, &frames);
    let used: Vec<_> =
        (0..map.body.results.len()).filter(|&result| state.frames.is_used(turn.instance, result)).collect();
    let awaited = frames.iter().flat_map(|&frame| awaited(&state, frame, &used)).collect();
    state.pending.insert(turn.instance, Pending::Map { frames, began: Instant::now() });
    wait(shared, &mut state, turn.instance, awaited);
    Err(Stop::Waits)
}

/// How many elements a map has.
fn count(map: &MapAction, lists: &[(usize, Vec<Slot>)]) -> Result<usize, NodeError> {
    let lengths = || lists.iter().map(|(_, items)| items.len());
    let (shortest, longest) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    let count = match map.ragged {
        _ if shortest == longest => longest,
        Ragged::Shortest => shortest,
        Ragged::RepeatLast if shortest > 0 => longest,
        Ragged::RepeatLast => {
            return Err(NodeError::new("one of its lists is empty: there is no last element to repeat"));
        }
        Ragged::Refuse => {
            let lengths: Vec<_> = lists
                .iter()
                .map(|(param, items)| format!("`{}` has {}", map.body.params[*param].name, items.len()))
                .collect();
            let hint = "write `ragged: \"shortest\"` or `ragged: \"repeat_last\"` if that is meant";
            return Err(NodeError::new(format!("its lists differ in length: {}", lengths.join(", "))).with_hint(hint));
        }
    };
    if count > MOST_PASSES {
        return Err(NodeError::new(format!("its lists have {count} elements; {MOST_PASSES} is the most")));
    }
    Ok(count)
}

/// Begins a loop's first pass.
pub(super) fn begin_loop(shared: &Arc<Shared>, turn: &Turn, looped: &LoopAction) -> Result<End, Stop> {
    let arguments = arguments(turn, &looped.body);
    shared.hash(&arguments);
    let times = turn.slots().iter().find(|(input, _)| *input == looped.body.params.len());
    let times = match times {
        Some((_, slot)) => slot.load(&shared.loader).map_err(Stop::Lost)?.get::<i64>().copied(),
        None => None,
    };
    let limit = times.and_then(|times| usize::try_from(times).ok()).filter(|times| *times <= MOST_PASSES);
    let Some(limit) = limit else {
        let given = times.map_or_else(|| "no number".into(), |times| times.to_string());
        return Err(Stop::Failed(NodeError::new(format!("`times` is {given}, but should be 0 to {MOST_PASSES}"))));
    };
    let began = Instant::now();
    let collected = vec![Vec::new(); looped.body.results.len()];
    let trail = shared.lock().frames.trail_before(turn.instance);
    let passes = Passes { frame: 0, pass: 0, limit, arguments, collected, trail, began };
    if limit == 0 {
        let slots = without_a_pass(shared, turn.instance, looped, &passes);
        settle::collected(shared, turn.instance, slots, passes.trail, (false, began))?;
        return Ok(End::Told);
    }
    let mut state = shared.lock();
    check_depth(&state, turn.instance).map_err(Stop::Failed)?;
    begin_pass(shared, &mut state, turn.instance, looped, passes);
    Err(Stop::Waits)
}

/// What a loop gives that never ran: what is carried unchanged, nothing else.
fn without_a_pass(shared: &Shared, instance: usize, looped: &LoopAction, passes: &Passes) -> Vec<Slot> {
    let because = Arc::clone(&shared.lock().frames.instance(instance).id);
    let results = looped.body.results.iter().enumerate();
    let slot = |(result, spec): (usize, &plan::BlockResult)| {
        if looped.collect[result] {
            return Slot::List { element: spec.kind, items: [].into() };
        }
        let carried = looped.carry.iter().find(|(_, carried)| *carried == result);
        carried.map_or_else(
            || {
                let reason = "the loop made no pass".to_string();
                Slot::Blocked(Arc::new(Blocked { because: Arc::clone(&because), reason }))
            },
            |(param, _)| passes.arguments[*param].clone(),
        )
    };
    results.map(slot).collect()
}

fn begin_pass(shared: &Shared, state: &mut State, instance: usize, looped: &LoopAction, mut passes: Passes) {
    if let Some(param) = looped.index {
        passes.arguments[param] = Slot::known(Value::new(passes.pass as i64));
    }
    passes.frame =
        begin_frame(state, instance, &looped.body, passes.arguments.clone(), Some(passes.pass), &passes.trail);
    announce(shared, state, instance, &[passes.frame]);
    let awaited = awaited(state, passes.frame, &needed(state, instance, looped));
    state.pending.insert(instance, Pending::Loop(passes));
    wait(shared, state, instance, awaited);
}

/// The results of a pass that somebody takes: who uses the loop, the next pass, or the loop itself.
fn needed(state: &State, instance: usize, looped: &LoopAction) -> Vec<usize> {
    let is_needed = |result: &usize| {
        state.frames.is_used(instance, *result)
            || looped.while_result == Some(*result)
            || looped.carry.iter().any(|(_, carried)| carried == result)
    };
    (0..looped.body.results.len()).filter(is_needed).collect()
}

pub(super) fn check_depth(state: &State, instance: usize) -> Result<(), NodeError> {
    if state.frames.depth(instance) < DEEPEST {
        return Ok(());
    }
    Err(NodeError::new(format!("nodes are expanded {DEEPEST} deep into one another: this would go on for ever")))
}

/// What a body's parameters are given, as far as that is the same in every pass.
fn arguments(turn: &Turn, body: &Block) -> Vec<Slot> {
    let mut arguments = vec![Slot::Gone { producer: turn.instance }; body.params.len()];
    for (param, slot) in turn.slots().iter().filter(|(param, _)| *param < body.params.len()) {
        arguments[*param] = slot.clone();
    }
    arguments
}

pub(super) fn begin_frame(
    state: &mut State,
    owner: usize,
    block: &Arc<Block>,
    arguments: Vec<Slot>,
    pass: Option<usize>,
    trail: &Option<Arc<Trail>>,
) -> usize {
    let id = &state.frames.instance(owner).id;
    let prefix = Some(pass.map_or_else(|| id.to_string(), |pass| format!("{id}[{pass}]")));
    let block = BlockRef::Inner(Arc::clone(block));
    let new = NewFrame { block, arguments, prefix, owner: Some(owner), trail: trail.clone() };
    state.frames.begin(new, &mut state.frontier)
}

pub(super) fn announce(shared: &Shared, state: &State, instance: usize, frames: &[usize]) {
    if shared.events.is_heard() {
        let nodes = frames.iter().flat_map(|&frame| state.frames.planned(frame)).collect();
        let node = Arc::clone(&state.frames.instance(instance).id);
        shared.events.send(Event::NodeExpanded { run: shared.run, node, nodes });
    }
}

/// The instances of a frame that must end before its results can be taken.
pub(super) fn awaited(state: &State, frame: usize, results: &[usize]) -> Vec<usize> {
    let block = state.frames.block(frame).clone();
    let origins = results.iter().map(|&result| &block.get().results[result].origin);
    let mut awaited = state.frames.targets(frame);
    awaited.extend(origins.flat_map(|origin| state.frames.sources(frame, origin)));
    awaited
}

pub(super) fn wait(shared: &Shared, state: &mut State, instance: usize, mut awaited: Vec<usize>) {
    awaited.sort_unstable();
    awaited.dedup();
    let skipped = state.frontier.wait_for(instance, &awaited, Wait::End);
    settle::skipped(shared, state, &skipped);
}

/// Takes what the frames of an instance gave, now that they have ended.
pub(super) fn collect(shared: &Arc<Shared>, instance: usize) -> Result<End, Stop> {
    let Some(pending) = shared.lock().pending.remove(&instance) else { return Ok(End::Told) };
    match pending {
        Pending::Map { frames, began } => collect_map(shared, instance, frames, began),
        Pending::Loop(passes) => collect_pass(shared, instance, passes),
        Pending::Fragment { frame, expander } => fragments::collect(shared, instance, frame, expander),
    }
}

/// The first node in a frame that spoils it.
pub(super) fn culprit(state: &State, frame: usize, results: &[usize]) -> Option<usize> {
    awaited(state, frame, results).into_iter().find_map(|node| match state.frontier.state(node) {
        Stand::Failed => Some(node),
        Stand::Skipped { because } => Some(because),
        _ => None,
    })
}

/// What the results of a frame are; none for those that were kept back.
pub(super) fn results(
    shared: &Shared,
    frame: usize,
    wanted: &[usize],
) -> Result<Vec<Result<Slot, Arc<Blocked>>>, Stop> {
    let given: Vec<Given> = {
        let state = shared.lock();
        let block = state.frames.block(frame).clone();
        wanted.iter().map(|&result| state.frames.given(frame, &block.get().results[result].origin)).collect()
    };
    let mut slots = Vec::with_capacity(given.len());
    for given in given {
        let fitted = guard::catch(|| given.fitted(&shared.loader));
        slots.push(match fitted {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(Obstacle::Blocked(blocked))) => Err(blocked),
            Ok(Err(obstacle)) => return Err(obstacle.into()),
            Err(panic) => return Err(Stop::Failed(NodeError::new(format!("converting a result panicked: {panic}")))),
        });
    }
    Ok(slots)
}

fn collect_map(shared: &Shared, instance: usize, frames: Vec<usize>, began: Instant) -> Result<End, Stop> {
    let (used, culprit, kinds) = {
        let state = shared.lock();
        let outputs = &state.frames.step(instance).outputs;
        let used: Vec<_> = (0..outputs.len()).filter(|&output| state.frames.is_used(instance, output)).collect();
        let culprit = frames.iter().find_map(|&frame| culprit(&state, frame, &used));
        let kinds: Vec<_> = outputs.iter().map(|output| output.kind.element().unwrap_or(output.kind)).collect();
        (used, culprit, kinds)
    };
    if let Some(because) = culprit {
        settle::spoilt(shared, instance, &frames, because);
        return Ok(End::Told);
    }
    let mut lists: Vec<Vec<Slot>> = vec![Vec::with_capacity(frames.len()); kinds.len()];
    for &frame in &frames {
        match results(shared, frame, &used) {
            Ok(slots) => {
                // An element that was kept back is left out.
                used.iter().zip(slots).for_each(|(result, slot)| lists[*result].extend(slot.ok()));
            }
            Err(stop) => {
                shared.lock().pending.insert(instance, Pending::Map { frames, began });
                return Err(stop);
            }
        }
    }
    let slots = kinds.into_iter().zip(lists).map(|(element, items)| Slot::List { element, items: items.into() });
    let before = shared.lock().frames.trail_before(instance);
    let trail = release(shared, &frames, &used, before);
    settle::collected(shared, instance, slots.collect(), trail, (false, began))?;
    Ok(End::Told)
}

/// The results of frames were taken. Returns what everything in them noted.
pub(super) fn release(
    shared: &Shared,
    frames: &[usize],
    used: &[usize],
    before: Option<Arc<Trail>>,
) -> Option<Arc<Trail>> {
    let mut state = shared.lock();
    let sources: Vec<_> = frames.iter().flat_map(|&frame| awaited(&state, frame, used)).collect();
    let trail = state.frames.trail_of(sources, before);
    frames.iter().for_each(|&frame| state.frames.release_results(frame));
    trail
}

fn collect_pass(shared: &Arc<Shared>, instance: usize, mut passes: Passes) -> Result<End, Stop> {
    let (needed, culprit, block, step) = {
        let state = shared.lock();
        let at = state.frames.instance(instance);
        let (block, step) = (state.frames.block(at.frame).clone(), at.step);
        let Action::Loop(looped) = &block.get().steps[step].action else { return Ok(End::Told) };
        let needed = needed(&state, instance, looped);
        let culprit = culprit(&state, passes.frame, &needed);
        (needed, culprit, block, step)
    };
    if let Some(because) = culprit {
        settle::spoilt(shared, instance, &[passes.frame], because);
        return Ok(End::Told);
    }
    let Action::Loop(looped) = &block.get().steps[step].action else { return Ok(End::Told) };
    let taken = results(shared, passes.frame, &needed).and_then(|slots| {
        let mut last: Vec<Option<Result<Slot, Arc<Blocked>>>> = vec![None; looped.body.results.len()];
        needed.iter().zip(slots).for_each(|(&result, slot)| last[result] = Some(slot));
        let goes_on = passes.pass + 1 < passes.limit && wants_more(shared, looped, &last)?;
        Ok((last, goes_on))
    });
    let (last, goes_on) = match taken {
        Ok(taken) => taken,
        Err(stop) => {
            shared.lock().pending.insert(instance, Pending::Loop(passes));
            return Err(stop);
        }
    };
    let collected = passes.collected.iter_mut().zip(&last).zip(&looped.collect);
    for ((collected, slot), _) in collected.filter(|(_, is_collected)| **is_collected) {
        collected.extend(slot.as_ref().and_then(|slot| slot.as_ref().ok()).cloned());
    }
    passes.trail = release(shared, &[passes.frame], &needed, passes.trail.take());
    if goes_on && carry(looped, &last, &mut passes) {
        passes.pass += 1;
        let mut state = shared.lock();
        begin_pass(shared, &mut state, instance, looped, passes);
        return Err(Stop::Waits);
    }
    let collected = std::mem::take(&mut passes.collected);
    let slots = last.into_iter().zip(collected).enumerate().map(|(result, (last, collected))| {
        if looped.collect[result] {
            return Slot::List { element: looped.body.results[result].kind, items: collected.into() };
        }
        match last {
            Some(Ok(slot)) => slot,
            Some(Err(blocked)) => Slot::Blocked(blocked),
            None => Slot::Gone { producer: instance },
        }
    });
    settle::collected(shared, instance, slots.collect(), passes.trail, (false, passes.began))?;
    Ok(End::Told)
}

/// Whether the body says that there should be another pass.
fn wants_more(shared: &Shared, looped: &LoopAction, last: &[Option<Result<Slot, Arc<Blocked>>>]) -> Result<bool, Stop> {
    let Some(result) = looped.while_result else { return Ok(true) };
    match &last[result] {
        Some(Ok(slot)) => Ok(slot.load(&shared.loader).map_err(Stop::Lost)?.get::<bool>().copied().unwrap_or(false)),
        // Kept back: nobody says that it should go on.
        _ => Ok(false),
    }
}

/// Hands what is carried to the next pass. False if some of it was kept back: then there is none.
fn carry(looped: &LoopAction, last: &[Option<Result<Slot, Arc<Blocked>>>], passes: &mut Passes) -> bool {
    for &(param, result) in &looped.carry {
        let Some(Ok(slot)) = &last[result] else { return false };
        passes.arguments[param] = slot.clone();
    }
    true
}
