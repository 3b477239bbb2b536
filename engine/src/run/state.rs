//! What the threads of a run share: behind one lock what changes, beside it what does not.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::crew::{Crew, Roster};
use super::expand::Pending;
use super::frames::Frames;
use super::frontier::Frontier;
use super::report::{Failure, Skipped};
use super::resources::{Guest, Need, Permit, Waiting};
use super::slot::Loader;
use crate::cache::Cache;
use crate::cancel::CancelToken;
use crate::event::{EventSink, Gate, RunId};
use crate::node::{Inputs, Provenance, Services};
use crate::plan::Plan;
use crate::spec::Lanes;
use crate::sync::MutexGuard;
use crate::value::{Fingerprint, FingerprintHasher};

/// A node that only waits costs a thread, not a lane; more than these at once are made to queue.
const MOST_WAITING_THREADS: usize = 128;

/// A run under way.
pub(super) struct Shared {
    pub(super) run: RunId,
    pub(super) plan: Plan,
    pub(super) services: Services,
    pub(super) events: EventSink,
    pub(super) cancel: CancelToken,
    pub(super) cache: Arc<Cache>,
    pub(super) resources: Guest,
    pub(super) loader: Loader,
    /// What every key of this run begins with.
    pub(super) key_base: FingerprintHasher,
    /// The recipe before any node noted anything.
    pub(super) origin: Provenance,
    /// Its threads, and what they share.
    pub(super) crew: Crew<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) frontier: Frontier,
    pub(super) frames: Frames,
    /// What instances that turned into frames wait for.
    pub(super) pending: HashMap<usize, Pending>,
    /// Nodes that must run, and have all that they need but lanes and memory: first those that need no lane.
    runnable: [BTreeMap<usize, Prepared>; 2],
    pub(super) running: HashMap<usize, Running>,
    /// Nodes that are tried again, not before that time.
    pub(super) delayed: Vec<(Instant, usize, Prepared)>,
    /// Who computes what right now: a second node that would compute the same waits for the first.
    in_flight: HashMap<Fingerprint, usize>,
    claims: HashMap<usize, Fingerprint>,
    /// The lazy inputs that nodes asked for.
    pub(super) asked: HashMap<usize, Vec<usize>>,
    /// Maps, loops and expanded nodes in which a node ran; the others are as good as cached.
    pub(super) busy: HashSet<usize>,
    /// Nodes whose result was lost: they run whatever the cache says.
    pub(super) forced: HashSet<usize>,
    /// (who found a result lost, whose)
    pub(super) again: HashSet<(usize, usize)>,
    pub(super) ended: Ended,
    pub(super) roster: Roster,
    /// Threads in nodes that need no lane.
    waiting: usize,
    attempts: u64,
}

/// How nodes have ended so far, in the order in which they did.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) finished: Vec<Arc<str>>,
    pub(super) cached: Vec<Arc<str>>,
    pub(super) failed: Vec<Failure>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) blocked: Vec<Skipped>,
}

/// A node that has its inputs.
pub(super) struct Prepared {
    pub(super) inputs: Arc<Inputs>,
    /// None if its result is not kept.
    pub(super) key: Option<Fingerprint>,
    /// Bytes that it will take at the most.
    pub(super) memory: u64,
    /// 1 for the first.
    pub(super) attempt: u32,
}

/// A node that runs.
pub(super) struct Running {
    /// Tells this attempt from another at the same node.
    pub(super) attempt: u64,
    pub(super) prepared: Prepared,
    pub(super) cancel: CancelToken,
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) deadline: Option<Instant>,
    pub(super) began: Instant,
    pub(super) _permit: Permit,
}

/// Something for a thread to do.
pub(super) enum Job {
    /// Find out whether a node must run.
    Look(usize),
    /// Run it: its attempt.
    Run(usize, u64),
}

impl Shared {
    pub(super) fn new(
        run: super::Run,
        resources: Guest,
        events: EventSink,
        key_base: FingerprintHasher,
        origin: Provenance,
        state: State,
    ) -> Self {
        let super::Run { id, plan, services, cancel, cache, .. } = run;
        let loader = Loader { cache: Arc::clone(&cache), plan: plan.clone(), recovered: Mutex::default() };
        Shared {
            run: id,
            plan,
            services,
            events,
            cancel,
            cache,
            resources,
            loader,
            key_base,
            origin,
            crew: Crew::new(state),
        }
    }

    /// No code of nodes runs while this is held, so a panic cannot leave it half changed.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.crew.lock()
    }
}

impl Waiting for Shared {
    fn try_again(&self) {
        self.crew.try_again();
    }
}

impl State {
    pub(super) fn new(frames: Frames) -> Self {
        State {
            frontier: Frontier::default(),
            frames,
            pending: HashMap::new(),
            runnable: [BTreeMap::new(), BTreeMap::new()],
            running: HashMap::new(),
            delayed: Vec::new(),
            in_flight: HashMap::new(),
            claims: HashMap::new(),
            asked: HashMap::new(),
            busy: HashSet::new(),
            forced: HashSet::new(),
            again: HashSet::new(),
            ended: Ended::default(),
            roster: Roster::default(),
            waiting: 0,
            attempts: 0,
        }
    }

    /// Puts a node that must run where threads find it.
    pub(super) fn make_runnable(&mut self, instance: usize, prepared: Prepared) {
        let needs_lanes = usize::from(self.lanes(instance) != Lanes::None);
        self.runnable[needs_lanes].insert(instance, prepared);
    }

    /// The next thing to do. Nodes that can run come first, so that lanes do not lie idle.
    pub(super) fn next_job(&mut self, shared: &Shared) -> Option<Job> {
        if shared.cancel.is_cancelled() {
            return None;
        }
        for queue in 0..self.runnable.len() {
            // Only the first of each: who needs much is not overtaken for ever by those who need little.
            let Some((&instance, prepared)) = self.runnable[queue].first_key_value() else { continue };
            let need = Need { lanes: self.lanes(instance), memory: prepared.memory };
            let Some(permit) = shared.resources.try_take(need) else { continue };
            if let Some(prepared) = self.runnable[queue].remove(&instance) {
                return Some(Job::Run(instance, self.begin(shared, instance, prepared, permit)));
            }
        }
        self.frontier.start_next().map(Job::Look)
    }

    /// An instance is about to compute what has that key. If another is already, that one.
    pub(super) fn claim(&mut self, instance: usize, key: &Fingerprint) -> Option<usize> {
        if let Some(&other) = self.in_flight.get(key).filter(|other| **other != instance) {
            return Some(other);
        }
        self.in_flight.insert(*key, instance);
        self.claims.insert(instance, *key);
        None
    }

    /// An instance computes nothing any more.
    pub(super) fn disclaim(&mut self, instance: usize) {
        if let Some(key) = self.claims.remove(&instance) {
            self.in_flight.remove(&key);
        }
    }

    /// Whether there is something to do for one more thread. Besides a thread for each lane, and those that only wait,
    /// one looks at what comes next.
    pub(super) fn wants_another_thread(&self, shared: &Shared) -> bool {
        let computing = self.roster.workers.saturating_sub(self.roster.idle + self.waiting);
        let has_work = self.frontier.has_ready() || !self.runnable[1].is_empty();
        !self.runnable[0].is_empty() || (has_work && computing <= shared.resources.lanes())
    }

    /// The result of a node is lost: it runs once more, whatever the cache says, unless it has or does already.
    pub(super) fn make_again(&mut self, instance: usize) {
        if self.forced.insert(instance) {
            self.frames.take_inputs_again(instance);
            self.frontier.run_again(instance);
        }
    }

    /// Whether another thread may be started.
    pub(super) fn may_grow(&self, shared: &Shared) -> bool {
        self.roster.workers < shared.resources.lanes() + MOST_WAITING_THREADS
    }

    /// Nothing more will be done. What was prepared holds on to this run, and is let go.
    pub(super) fn stop(&mut self) {
        self.runnable = Default::default();
        self.delayed.clear();
        self.pending.clear();
        self.frames = Frames::new(true);
    }

    /// Whether nothing more will happen.
    pub(super) fn is_over(&self, shared: &Shared) -> bool {
        let at_rest = self.roster.is_at_rest() && self.running.is_empty();
        let nothing_to_do = self.frontier.is_over() || shared.cancel.is_cancelled();
        at_rest && nothing_to_do
    }

    fn lanes(&self, instance: usize) -> Lanes {
        match &self.frames.step(instance).action {
            crate::plan::Action::Node(registered) => registered.spec.lanes,
            _ => Lanes::None,
        }
    }

    fn begin(&mut self, shared: &Shared, instance: usize, prepared: Prepared, permit: Permit) -> u64 {
        self.attempts += 1;
        let timeout = self.frames.step(instance).options.timeout;
        let began = Instant::now();
        let running = Running {
            attempt: self.attempts,
            prepared,
            cancel: shared.cancel.child(),
            gate: None,
            deadline: timeout.and_then(|timeout| began.checked_add(timeout)),
            began,
            _permit: permit,
        };
        self.waiting += usize::from(self.lanes(instance) == Lanes::None);
        self.running.insert(instance, running);
        self.attempts
    }

    /// An attempt cannot be late any more.
    pub(super) fn no_deadline(&mut self, instance: usize, attempt: u64) {
        if let Some(running) = self.running.get_mut(&instance).filter(|running| running.attempt == attempt) {
            running.deadline = None;
        }
    }

    /// An attempt is over, or given up; none if it was before.
    pub(super) fn leave(&mut self, instance: usize, attempt: u64) -> Option<Running> {
        let is_current = self.running.get(&instance).is_some_and(|running| running.attempt == attempt);
        let running = if is_current { self.running.remove(&instance) } else { None };
        self.waiting -= usize::from(running.is_some() && self.lanes(instance) == Lanes::None);
        running
    }
}
