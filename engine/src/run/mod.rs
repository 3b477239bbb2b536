//! Carries a plan out: what can run side by side does, what is known does not run, what fails fails alone.
//!
//! `frontier` decides, without threads or clocks, which node may go next. `frames` knows the blocks and what their steps
//! have given. `look` finds out whether a node must run, `attempt` runs it, `expand` carries out maps and loops,
//! `fragments` nodes that turn into graphs, `settle` draws the consequences, `gifts` is what came of it all. `worker` is
//! the threads, this file their supervisor.

mod attempt;
pub mod crew;
mod environment;
mod expand;
mod fragments;
mod frames;
mod frontier;
mod gifts;
mod look;
mod lowest;
mod memory;
mod report;
mod resources;
mod settle;
mod slot;
mod state;
mod tables;
mod worker;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub use report::{Failure, RunReport, Skipped};
pub use resources::{InUse, Resources};

use crate::cache::Cache;
use crate::cancel::CancelToken;
use crate::event::{Event, EventSink, Outcome, RunId};
use crate::node::{Provenance, Services};
use crate::plan::Plan;
use crate::sync::MutexGuard;
use environment::{Environments, OfDevice};
use frames::{BlockRef, Frames, NewFrame};
use frontier::State as Stand;
use gifts::Gifts;
use resources::Waiting;
use state::{Shared, State};

static NEXT_RUN: AtomicU64 = AtomicU64::new(1);

/// One carrying-out of a plan.
pub struct Run {
    id: RunId,
    plan: Plan,
    services: Services,
    events: EventSink,
    cancel: CancelToken,
    cache: Arc<Cache>,
    resources: Option<Arc<Resources>>,
    environment: String,
    of_device: Option<OfDevice>,
}

impl Run {
    /// A run that has not begun, without a cache, with the whole machine to itself. Its id is unique in this process.
    pub fn new(plan: Plan, services: Services, events: EventSink, cancel: CancelToken) -> Self {
        Run {
            id: RunId(NEXT_RUN.fetch_add(1, Ordering::Relaxed)),
            plan,
            services,
            events,
            cancel,
            cache: Arc::new(Cache::off()),
            resources: None,
            environment: String::new(),
            of_device: None,
        }
    }

    /// Under this id, which a journal gave it.
    pub fn with_id(mut self, id: RunId) -> Self {
        self.id = id;
        self
    }

    /// Takes results from this cache, and keeps them there.
    pub fn with_cache(mut self, cache: Arc<Cache>) -> Self {
        self.cache = cache;
        self
    }

    /// Shares the machine with other runs.
    pub fn with_resources(mut self, resources: Arc<Resources>) -> Self {
        self.resources = Some(resources);
        self
    }

    /// What else results depend on: the device, the instruction set. Results of another environment are not taken.
    pub fn with_environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// The environment of nodes for which the workflow chose a device, by its name: the one of a run that computes there.
    /// Asked once for each name, by whatever thread needs it. Without this, the name stands for itself, and results of one
    /// machine may be taken for those of another.
    pub fn with_device_environments(mut self, of: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.of_device = Some(Arc::new(of));
        self
    }

    /// Its id, which is in all its events.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Runs the plan to its end. Whatever happens in a node ends that node only.
    pub fn execute(mut self) -> RunReport {
        let began = Instant::now();
        // Once this run is over nobody is heard any more: not even a node that is still at it.
        let (events, gate) = std::mem::take(&mut self.events).behind_a_gate();
        if events.is_heard() {
            events.send(Event::RunStarted { run: self.id, nodes: self.plan.nodes().collect() });
        }
        let shared = Arc::new(self.share(events));
        let run: Weak<dyn Waiting> = Arc::<Shared>::downgrade(&shared);
        shared.resources.tell(run);
        let waker = Arc::downgrade(&shared);
        shared.cancel.on_cancel(move || {
            if let Some(shared) = waker.upgrade() {
                {
                    let _state = shared.lock();
                    // Nothing of it will begin any more, also if what runs takes long to end.
                    shared.resources.withdraw();
                    shared.crew.tell_supervisor();
                }
                shared.resources.hand_on();
            }
        });
        let report = supervise(&shared, began);
        shared.resources.withdraw();
        shared.resources.hand_on();
        shared.events.send(Event::RunFinished {
            run: report.run,
            outcome: report.outcome,
            seconds: report.seconds,
            finished: report.finished.len(),
            cached: report.cached.len(),
            failed: report.failed.len(),
            skipped: report.skipped.len() + report.blocked.len() + report.cancelled.len(),
        });
        gate.close();
        report
    }

    fn share(mut self, events: EventSink) -> Shared {
        let resources = self.resources.get_or_insert_with(|| Arc::new(Resources::of_this_machine()));
        let resources = Arc::clone(resources);
        let environments = Environments::new(&self.environment, self.of_device.take());
        let inputs = self.plan.0.inputs.iter();
        let origin = Provenance {
            workflow: Arc::clone(&self.plan.0.source.text),
            files: Arc::new(included_texts(&self.plan)),
            inputs: Arc::new(inputs.map(|(name, input)| (name.clone(), input.value.to_string())).collect()),
            notes: Arc::default(),
        };
        let frames = Frames::new(self.cache.is_off());
        let mut state = State::new(frames);
        let root = NewFrame {
            block: BlockRef::Root(self.plan.clone()),
            arguments: Vec::new(),
            prefix: None,
            owner: None,
            trail: None,
        };
        let root = state.frames.begin(root, &mut state.frontier);
        for target in state.frames.targets(root) {
            // Nothing has failed yet, so nothing is skipped.
            state.frontier.demand(target);
        }
        Shared::new(self, resources.enter(), events, environments, origin, state)
    }
}

/// The texts of included workflows by their paths from the folder of the one that includes them: where that folder is
/// is nobody's business, and may be elsewhere next time.
fn included_texts(plan: &Plan) -> BTreeMap<String, Arc<str>> {
    let folder = plan.source().path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let from_there = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    plan.texts().map(|(path, text)| (from_there(path), Arc::clone(text))).collect()
}

/// Watches over the threads until nothing more will happen.
fn supervise(shared: &Arc<Shared>, began: Instant) -> RunReport {
    let mut state = shared.lock();
    loop {
        if state.is_over(shared) {
            let asked = gifts::Asked::new(shared, &state);
            drop(state);
            let gifts = asked.gifts(shared);
            state = shared.lock();
            match gifts {
                Ok(gifts) => return report(shared, state, gifts, began),
                Err(lost) => make_again(&mut state, lost),
            }
        }
        worker::wake_another(shared, &mut state);
        let now = Instant::now();
        state = give_up_late_ones(shared, state, now);
        try_delayed_ones(&mut state, now);
        worker::wake_another(shared, &mut state);
        state = worker::fail_if_stranded(shared, state);
        if !state.is_over(shared) {
            state = wait(shared, state, now);
        }
    }
}

/// Until there is news, or a deadline.
fn wait<'a>(shared: &'a Shared, state: MutexGuard<'a, State>, now: Instant) -> MutexGuard<'a, State> {
    let deadlines = state.running.values().filter_map(|running| Some(running.deadline.as_ref()?.time));
    let next = deadlines.chain(state.delayed.iter().map(|(time, ..)| *time)).min();
    // However long nothing is heard: a look now and then costs nothing.
    const PAUSE: Duration = Duration::from_millis(500);
    let pause = next.map_or(PAUSE, |next| next.saturating_duration_since(now).min(PAUSE));
    shared.crew.wait_for_news(state, pause)
}

/// Nodes that take too long have failed; their threads are left to themselves.
fn give_up_late_ones<'a>(
    shared: &'a Arc<Shared>,
    mut state: MutexGuard<'a, State>,
    now: Instant,
) -> MutexGuard<'a, State> {
    let is_late = |running: &state::Running| running.deadline.as_ref().is_some_and(|deadline| deadline.time <= now);
    let late = |state: &State| {
        state.running.iter().find(|(_, running)| is_late(running)).map(|(node, running)| (*node, running.attempt))
    };
    while let Some((node, attempt)) = late(&state) {
        let Some(running) = state.leave(node, attempt) else { break };
        state.roster.give_up_one();
        drop(state);
        running.cancel.cancel();
        if let Some(gate) = &running.gate {
            gate.close();
        }
        if let Some(deadline) = running.deadline.clone() {
            attempt::too_late(shared, node, &deadline, running);
        }
        state = shared.lock();
    }
    state
}

/// Nodes whose pause after a failure is over run again.
fn try_delayed_ones(state: &mut State, now: Instant) {
    let (due, later) = std::mem::take(&mut state.delayed).into_iter().partition(|(time, ..)| *time <= now);
    state.delayed = later;
    for (_, node, prepared) in due {
        state.make_runnable(node, prepared);
    }
}

fn make_again(state: &mut State, mut lost: Vec<usize>) {
    lost.sort_unstable();
    lost.dedup();
    for node in lost {
        state.make_again(node);
    }
}

fn report(shared: &Shared, mut state: MutexGuard<'_, State>, gifts: Gifts, began: Instant) -> RunReport {
    gifts.failed.iter().for_each(|failure| settle::tell_failure(shared, &mut state, failure.clone()));
    let (mut finished, mut cached) = state.with_result();
    for failure in &gifts.failed {
        // A target whose result was lost for good after it had ended.
        finished.retain(|node| *node != failure.node);
        cached.retain(|node| *node != failure.node);
    }
    let ended = std::mem::take(&mut state.ended);
    let left = (0..state.frontier.len())
        .filter(|&node| matches!(state.frontier.state(node), Stand::Waiting | Stand::Ready | Stand::Running));
    let cancelled: Vec<_> = left.map(|node| Arc::clone(&state.frames.instance(node).id)).collect();
    state.stop();
    crew::dismiss(shared, &mut state);
    let outcome = match (cancelled.is_empty(), ended.failed.is_empty()) {
        (false, _) => Outcome::Cancelled,
        (true, false) => Outcome::Failed,
        (true, true) => Outcome::Completed,
    };
    RunReport {
        run: shared.run,
        outcome,
        seconds: began.elapsed().as_secs_f64(),
        finished,
        cached,
        failed: ended.failed,
        skipped: ended.skipped,
        blocked: ended.blocked,
        cancelled,
        outputs: gifts.outputs,
        results: gifts.results,
    }
}
