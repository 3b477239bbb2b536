//! What the threads of a run share: behind one lock what changes, beside it what does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::attempt::{self, Task};
use super::crew::{Crew, Roster};
use super::environment::Environments;
use super::expand::Pending;
use super::frames::Frames;
use super::frontier::{Frontier, State as Stand};
use super::look::Turn;
use super::report::{Failure, Skipped};
use super::resources::{Guest, Need, Permit, Waiting, Want};
use super::slot::{Loader, Slot};
use super::tables::{ByNumber, Numbers};
use crate::cache::Cache;
use crate::cancel::CancelToken;
use crate::event::{EventSink, Gate, RunId};
use crate::node::{Inputs, NodeError, Provenance, Services};
use crate::plan::{Limit, Plan};
use crate::sync::MutexGuard;
use crate::value::Fingerprint;

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
    pub(super) loader: Arc<Loader>,
    /// What keys of this run begin with.
    pub(super) environments: Environments,
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
    pub(super) pending: ByNumber<usize, Pending>,
    /// Nodes that must run, and have all that they need but lanes, memory and devices, by what they wait for.
    runnable: Vec<(Want, BTreeMap<usize, Prepared>)>,
    pub(super) running: ByNumber<usize, Running>,
    /// Nodes that are tried again, not before that time.
    pub(super) delayed: Vec<(Instant, usize, Prepared)>,
    /// Who computes what right now: a second node that would compute the same waits for the first.
    in_flight: ByNumber<Fingerprint, usize>,
    claims: ByNumber<usize, Fingerprint>,
    /// The lazy inputs that nodes asked for.
    pub(super) asked: ByNumber<usize, Vec<usize>>,
    /// Maps, loops and expanded nodes in which a node ran; the others are as good as cached.
    pub(super) busy: Numbers<usize>,
    /// Nodes whose result was lost: they run whatever the cache says.
    pub(super) forced: Numbers<usize>,
    /// Maps, loops and expanded nodes that have no result, and the node that failed in each.
    pub(super) spoilt: ByNumber<usize, usize>,
    /// When the first node ran in what is limited as a whole: (frame, where the limit is in memory).
    begun: ByNumber<(usize, usize), Instant>,
    /// (who found a result lost, whose)
    pub(super) again: Numbers<(usize, usize)>,
    pub(super) ended: Ended,
    pub(super) roster: Roster,
    /// Threads in nodes that need no lane.
    waiting: usize,
    attempts: u64,
}

/// How nodes have ended so far, in the order in which they did.
#[derive(Default)]
pub(super) struct Ended {
    /// Those that have a result, and whether they ran for it; twice those whose value was lost.
    pub(super) with_result: Vec<(usize, bool)>,
    pub(super) failed: Vec<Failure>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) blocked: Vec<Skipped>,
}

impl Ended {
    pub(super) const RAN: bool = true;
    pub(super) const KNOWN: bool = false;
}

/// A node that has its inputs.
pub(super) struct Prepared {
    pub(super) inputs: Arc<Inputs>,
    /// None if its result is not kept.
    pub(super) key: Option<Fingerprint>,
    /// What it takes of the machine.
    pub(super) need: Need,
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
    pub(super) deadline: Option<Deadline>,
    pub(super) began: Instant,
    pub(super) permit: Permit,
}

/// Until when a node must give its result.
#[derive(Clone)]
pub(super) struct Deadline {
    pub(super) time: Instant,
    timeout: Duration,
    /// The map, the loop or the included workflow that is limited as a whole; none if the node is by itself.
    whole: Option<Arc<str>>,
}

impl Deadline {
    /// Whether it comes back with the next attempt.
    pub(super) fn is_final(&self) -> bool {
        self.whole.is_some()
    }

    pub(super) fn error(&self) -> NodeError {
        let (timeout, whole) = (self.timeout, &self.whole);
        let message = match whole {
            Some(whole) => format!("timeout: `{whole}` did not end within {timeout:?}"),
            None => format!("timeout: it gave no result within {timeout:?}"),
        };
        NodeError::new(message).with_hint("raise `timeout` in its options if it may take longer")
    }
}

/// Something for a thread to do.
pub(super) enum Job {
    /// Find out whether a node must run.
    Look(Turn),
    /// Take what its frames gave.
    Collect(usize),
    /// Run it.
    Run(Task),
}

impl Shared {
    pub(super) fn new(
        run: super::Run,
        resources: Guest,
        events: EventSink,
        environments: Environments,
        origin: Provenance,
        state: State,
    ) -> Self {
        let super::Run { id, plan, services, cancel, cache, .. } = run;
        let loader = Arc::new(Loader { cache: Arc::clone(&cache), plan: plan.clone(), recovered: Mutex::default() });
        Shared {
            run: id,
            plan,
            services,
            events,
            cancel,
            cache,
            resources,
            loader,
            environments,
            origin,
            crew: Crew::new(state),
        }
    }

    /// Hashes values if somebody may have to find them by their content later: whoever lets go of one does so under the
    /// lock, and then knows its hash.
    pub(super) fn hash(&self, slots: &[Slot]) {
        if !self.cache.is_off() {
            for slot in slots {
                slot.is_comparable();
            }
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
            pending: ByNumber::default(),
            // Those that need no lane come first.
            runnable: [Want::Nothing, Want::Lanes].map(|want| (want, BTreeMap::new())).into(),
            running: ByNumber::default(),
            delayed: Vec::new(),
            in_flight: ByNumber::default(),
            claims: ByNumber::default(),
            asked: ByNumber::default(),
            busy: Numbers::default(),
            forced: Numbers::default(),
            spoilt: ByNumber::default(),
            begun: ByNumber::default(),
            again: Numbers::default(),
            ended: Ended::default(),
            roster: Roster::default(),
            waiting: 0,
            attempts: 0,
        }
    }

    /// Puts a node that must run where threads find it.
    pub(super) fn make_runnable(&mut self, instance: usize, prepared: Prepared) {
        let want = prepared.need.want();
        match self.runnable.iter_mut().find(|(theirs, _)| *theirs == want) {
            Some((_, waiting)) => drop(waiting.insert(instance, prepared)),
            None => self.runnable.push((want, BTreeMap::from([(instance, prepared)]))),
        }
    }

    /// The next thing to do. Nodes that can run come first, so that lanes do not lie idle.
    pub(super) fn next_job(&mut self, shared: &Shared) -> Option<Job> {
        if shared.cancel.is_cancelled() {
            return None;
        }
        for queue in 0..self.runnable.len() {
            // Only the first of each: who needs much is not overtaken for ever by those who need little.
            let Some((&instance, prepared)) = self.runnable[queue].1.first_key_value() else { continue };
            let Some(permit) = shared.resources.try_take(&prepared.need) else { continue };
            if let Some(prepared) = self.runnable[queue].1.remove(&instance) {
                return Some(Job::Run(self.begin(shared, instance, prepared, permit)));
            }
        }
        let instance = self.frontier.start_next()?;
        Some(match self.pending.contains_key(&instance) {
            true => Job::Collect(instance),
            false => Job::Look(Turn::new(shared, self, instance)),
        })
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
        let (mut without_lane, mut has_work) = (false, self.frontier.has_ready());
        for (want, nodes) in &self.runnable {
            let has_some = if *want == Want::Nothing { &mut without_lane } else { &mut has_work };
            *has_some |= !nodes.is_empty();
        }
        without_lane || (has_work && computing <= shared.resources.lanes())
    }

    /// The result of a node is lost: it runs once more, whatever the cache says, unless it has or does already.
    pub(super) fn make_again(&mut self, instance: usize) {
        if self.forced.insert(instance) {
            // What it is inside of has most likely ended long ago: the time for that begins anew.
            let State { frames, begun, .. } = self;
            each_limit(frames, instance, |place, _, _| {
                begun.remove(&place);
            });
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
        self.runnable.clear();
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

    /// The names of the nodes that have a result: those that ran for it, those that did not have to. Whoever ran again
    /// since a value was lost counts by how that ended.
    pub(super) fn with_result(&self) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let mut last = ByNumber::default();
        if !self.forced.is_empty() {
            last.extend(self.ended.with_result.iter().enumerate().map(|(at, (instance, _))| (*instance, at)));
        }
        let (mut ran, mut known) = (Vec::new(), Vec::with_capacity(self.ended.with_result.len()));
        for (at, &(instance, how)) in self.ended.with_result.iter().enumerate() {
            let counts = !self.forced.contains(&instance)
                || last.get(&instance) == Some(&at) && self.frontier.state(instance) == Stand::Finished;
            if counts {
                let list = if how == Ended::RAN { &mut ran } else { &mut known };
                list.push(Arc::clone(&self.frames.instance(instance).id));
            }
        }
        (ran, known)
    }

    fn begin(&mut self, shared: &Shared, instance: usize, prepared: Prepared, permit: Permit) -> Task {
        self.attempts += 1;
        let began = Instant::now();
        let deadline = self.deadline(instance, began);
        let has_deadline = deadline.is_some();
        let mut running = Running {
            attempt: self.attempts,
            prepared,
            cancel: shared.cancel.child(),
            gate: None,
            deadline,
            began,
            permit,
        };
        self.waiting += usize::from(running.prepared.need.want() == Want::Nothing);
        let task = attempt::begin(shared, self, instance, &mut running);
        self.running.insert(instance, running);
        if has_deadline {
            // Whoever waits for the next deadline has to know of this one.
            shared.crew.tell_supervisor();
        }
        task
    }

    /// When a node that begins now must be done: by its own limit, or by that of anything that it is inside of.
    fn deadline(&mut self, instance: usize, now: Instant) -> Option<Deadline> {
        let own = self.frames.step(instance).options.timeout;
        let own = own.and_then(|timeout| Some(Deadline { time: now.checked_add(timeout)?, timeout, whole: None }));
        let mut first = own;
        let State { frames, begun, .. } = self;
        each_limit(frames, instance, |place, Limit { id, timeout, .. }, prefix| {
            let time = begun.entry(place).or_insert(now).checked_add(*timeout);
            if let Some(time) = time.filter(|time| first.as_ref().is_none_or(|first| *time < first.time)) {
                first = Some(Deadline { time, timeout: *timeout, whole: Some(format!("{prefix}{id}").into()) });
            }
        });
        first
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
        self.waiting -= usize::from(running.as_ref().is_some_and(|it| it.prepared.need.want() == Want::Nothing));
        running
    }
}

/// Everything that is limited as a whole and that an instance is inside of, from the inside out: where its beginning is
/// noted, the limit, and what stands before its name.
fn each_limit(frames: &Frames, instance: usize, mut each: impl FnMut((usize, usize), &Limit, &str)) {
    let mut around = Some(instance);
    while let Some(instance) = around {
        let (at, step) = (frames.instance(instance), frames.step(instance));
        let prefix = at.id.strip_suffix(&*step.id).unwrap_or_default();
        let mut limit = step.limit.as_ref();
        while let Some(inner) = limit {
            each((at.frame, std::ptr::from_ref(&inner.id).addr()), inner, prefix);
            limit = inner.outer.as_ref();
        }
        around = frames.frame(at.frame).owner;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Context, Node, NodeResult, Outputs};
    use crate::plan::Settings;
    use crate::registry::Registry;
    use crate::run::frames::{BlockRef, NewFrame};
    use crate::source::Source;
    use crate::spec::{NodeSpec, OutputSpec};
    use crate::value::kinds;

    struct One;

    impl Node for One {
        fn spec(&self) -> NodeSpec {
            NodeSpec::new("One", "A stub.").output(OutputSpec::new("value", kinds::FLOAT, "something"))
        }

        fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
            Ok(Outputs::one("value", 1.0))
        }
    }

    #[test]
    fn what_is_made_again_in_something_that_ended_long_ago_has_its_time_anew() {
        let mut registry = Registry::new();
        registry.register(One).expect("it is sound");
        let text = r#"Workflow(version: 1,
            workflows: { "body": Workflow(nodes: { "one": One() }, outputs: { "value": From("one") }) },
            nodes: { "all": Include(workflow: "body", options: (timeout: 10.0)) }, outputs: { "value": From("all.value") })"#;
        let (plan, _) = Plan::prepare(&Source::new("test.ron", text), &registry, &Settings::default()).expect("sound");
        let mut state = State::new(Frames::new(false));
        let block = BlockRef::Root(plan);
        let root = NewFrame { block, arguments: Vec::new(), prefix: None, owner: None, trail: None };
        state.frames.begin(root, &mut state.frontier);
        let (begun, seconds) = (Instant::now(), Duration::from_secs);
        let time_left = |state: &mut State, after: Duration| {
            let deadline = state.deadline(0, begun + after).expect("it is limited");
            assert!(deadline.is_final());
            deadline.time.saturating_duration_since(begun + after)
        };
        assert_eq!(time_left(&mut state, seconds(0)), seconds(10));
        assert_eq!(time_left(&mut state, seconds(4)), seconds(6), "the first that ran counts");
        state.make_again(0);
        assert_eq!(time_left(&mut state, seconds(100)), seconds(10));
    }
}
