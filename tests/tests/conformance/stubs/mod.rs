//! Nodes without models, and what they share.

mod expanding;
mod values;
mod waiting;
mod wrong;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use easel_engine::{
    CancelToken, Context, External, Fingerprint, FingerprintHasher, InputProblem, InputSpec, Inputs, Kind, Literals,
    Node, NodeError, NodeResult, NodeSpec, OutputSpec, Registry, Surroundings, kinds,
};

/// What the stubs tell, and what they are told. Clones are the same one.
#[derive(Clone, Default)]
pub struct Bench {
    shared: Arc<Shared>,
    run: Arc<PerRun>,
}

#[derive(Default)]
struct Shared {
    executed: Mutex<Vec<String>>,
    /// What `Outside` depends on.
    outside: AtomicUsize,
    /// How many `Holder`s hold their resource.
    held: AtomicUsize,
    /// How many were ever held.
    ever_held: AtomicUsize,
    /// How often each `Flaky` was tried.
    attempts: Mutex<BTreeMap<String, usize>>,
    /// How many nodes are in a room now, and the most that ever were.
    rooms: Mutex<BTreeMap<String, Room>>,
    entered: Condvar,
    /// The most that ever ran while a node had all lanes, that one included.
    most_beside_all: AtomicUsize,
    /// Whether those who do not listen may end.
    let_go: AtomicBool,
    /// The run is cancelled by the execution of that number; 0: by none.
    cancel_at: AtomicUsize,
    /// Steps of loops that were taken, and the one that cancels its run; 0: none.
    steps: AtomicUsize,
    cancel_at_step: AtomicUsize,
    /// The step that ends the process; 0: none.
    crash_at_step: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
struct Room {
    now: usize,
    most: usize,
    ever: usize,
}

#[derive(Default)]
struct PerRun {
    executed: Mutex<Vec<String>>,
    cancel: CancelToken,
}

impl Bench {
    /// The same bench in another run.
    pub fn for_run(&self, cancel: &CancelToken) -> Self {
        let run = PerRun { executed: Mutex::default(), cancel: cancel.clone() };
        Bench { shared: Arc::clone(&self.shared), run: Arc::new(run) }
    }

    /// The nodes that ran in any run, in the order in which they began.
    pub fn executed(&self) -> Vec<String> {
        lock(&self.shared.executed).clone()
    }

    /// The nodes that ran in this run.
    pub fn executed_in_run(&self) -> Vec<String> {
        lock(&self.run.executed).clone()
    }

    /// Changes what `Outside` depends on.
    pub fn set_outside(&self, content: usize) {
        self.shared.outside.store(content, Ordering::SeqCst);
    }

    /// How many resources are held now, and were ever.
    pub fn held(&self) -> (usize, usize) {
        (self.shared.held.load(Ordering::SeqCst), self.shared.ever_held.load(Ordering::SeqCst))
    }

    /// The most nodes that were ever in that room at once.
    pub fn most_in(&self, room: &str) -> usize {
        lock(&self.shared.rooms).get(room).map_or(0, |room| room.most)
    }

    /// The most nodes that ever computed while one had all lanes to itself, that one included.
    pub fn most_beside_all(&self) -> usize {
        self.shared.most_beside_all.load(Ordering::SeqCst)
    }

    /// Lets those end who do not listen.
    pub fn let_go(&self) {
        self.shared.let_go.store(true, Ordering::SeqCst);
    }

    /// Lets the execution of that number cancel its run, counting from 1 in all runs; 0: none.
    pub fn cancel_at(&self, execution: usize) {
        self.shared.cancel_at.store(execution, Ordering::SeqCst);
    }

    /// How many steps were taken in loops of nodes.
    pub fn steps(&self) -> usize {
        self.shared.steps.load(Ordering::SeqCst)
    }

    /// Lets the step of that number cancel its run, counting from 1 in all runs; 0: none.
    pub fn cancel_at_step(&self, step: usize) {
        self.shared.cancel_at_step.store(step, Ordering::SeqCst);
    }

    /// Lets the step of that number end the process as a crash would.
    pub fn crash_at_step(&self, step: usize) {
        self.shared.crash_at_step.store(step, Ordering::SeqCst);
    }

    /// Waits until that many nodes have begun.
    pub fn wait_for_executions(&self, count: usize) {
        let mut executed = lock(&self.shared.executed);
        let end = Instant::now() + Duration::from_secs(30);
        while executed.len() < count {
            assert!(Instant::now() < end, "only {executed:?} began");
            let waited = self.shared.entered.wait_timeout(executed, Duration::from_secs(1));
            executed = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn began(&self, node: &str) {
        lock(&self.run.executed).push(node.to_string());
        let mut executed = lock(&self.shared.executed);
        executed.push(node.to_string());
        if executed.len() == self.shared.cancel_at.load(Ordering::SeqCst) {
            self.run.cancel.cancel();
        }
        self.shared.entered.notify_all();
    }

    fn stepped(&self) {
        let step = self.shared.steps.fetch_add(1, Ordering::SeqCst) + 1;
        if step == self.shared.cancel_at_step.load(Ordering::SeqCst) {
            self.cancel();
        }
        if step == self.shared.crash_at_step.load(Ordering::SeqCst) {
            std::process::abort();
        }
    }

    fn may_go(&self) -> bool {
        self.shared.let_go.load(Ordering::SeqCst)
    }

    fn cancel(&self) {
        self.run.cancel.cancel();
    }

    fn outside(&self) -> usize {
        self.shared.outside.load(Ordering::SeqCst)
    }

    /// How often that node was tried, this time included.
    fn attempt(&self, node: &str) -> usize {
        let mut attempts = lock(&self.shared.attempts);
        let attempt = attempts.entry(node.to_string()).or_default();
        *attempt += 1;
        *attempt
    }

    fn hold(&self) -> Held {
        self.shared.held.fetch_add(1, Ordering::SeqCst);
        self.shared.ever_held.fetch_add(1, Ordering::SeqCst);
        Held(self.clone())
    }

    fn enter(&self, room: &str) -> Guest {
        let mut rooms = lock(&self.shared.rooms);
        let entered = rooms.entry(room.to_string()).or_default();
        entered.now += 1;
        entered.ever += 1;
        entered.most = entered.most.max(entered.now);
        let now = |room: &str| rooms.get(room).map_or(0, |room| room.now);
        if now("all lanes") > 0 {
            self.shared.most_beside_all.fetch_max(now("all lanes") + now("lane"), Ordering::SeqCst);
        }
        Guest(self.clone(), room.to_string())
    }

    fn ever_in(&self, room: &str) -> usize {
        lock(&self.shared.rooms).get(room).map_or(0, |room| room.ever)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A resource that somebody must let go.
struct Held(Bench);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.shared.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Somebody in a room.
struct Guest(Bench, String);

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(room) = lock(&self.0.shared.rooms).get_mut(&self.1) {
            room.now -= 1;
        }
    }
}

type RunFn = fn(&Inputs, &mut Context<'_>, &Bench) -> NodeResult;

/// A node type made of a spec and functions. It tells the bench whenever it runs.
struct Stub {
    spec: NodeSpec,
    check: fn(&Literals<'_>) -> Vec<InputProblem>,
    needs: fn(&Inputs) -> Vec<&'static str>,
    external: fn(&Inputs, &Surroundings<'_>) -> External,
    run: RunFn,
}

impl Stub {
    fn new(spec: NodeSpec, run: RunFn) -> Self {
        Stub { spec, check: |_| Vec::new(), needs: |_| Vec::new(), external: |_, _| External::Nothing, run }
    }

    fn check(mut self, check: fn(&Literals<'_>) -> Vec<InputProblem>) -> Self {
        self.check = check;
        self
    }

    fn needs(mut self, needs: fn(&Inputs) -> Vec<&'static str>) -> Self {
        self.needs = needs;
        self
    }

    fn external(mut self, external: fn(&Inputs, &Surroundings<'_>) -> External) -> Self {
        self.external = external;
        self
    }
}

impl Node for Stub {
    fn spec(&self) -> NodeSpec {
        self.spec.clone()
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        (self.check)(literals)
    }

    fn needs(&self, inputs: &Inputs) -> Vec<&'static str> {
        (self.needs)(inputs)
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        Ok((self.external)(inputs, surroundings))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let bench = context.service::<Bench>()?;
        bench.began(context.node());
        (self.run)(inputs, context, bench)
    }
}

fn spec(name: &'static str) -> NodeSpec {
    NodeSpec::new(name, "A stub.")
}

fn input(name: &'static str, kind: Kind) -> InputSpec {
    InputSpec::new(name, kind, "something")
}

fn output(name: &'static str, kind: Kind) -> OutputSpec {
    OutputSpec::new(name, kind, "something")
}

/// Takes a float, gives a float.
fn passes(name: &'static str) -> NodeSpec {
    spec(name).input(input("value", kinds::FLOAT)).output(output("value", kinds::FLOAT))
}

fn content(number: usize) -> External {
    External::Content(fingerprint(number))
}

fn fingerprint(number: usize) -> Fingerprint {
    let mut hasher = FingerprintHasher::new("a stub's surroundings");
    hasher.number(number as u64);
    hasher.finish()
}

/// Every stub.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    let stubs = values::stubs().into_iter().chain(wrong::stubs()).chain(waiting::stubs()).chain(expanding::stubs());
    for stub in stubs {
        registry.register(stub).expect("the stubs are sound");
    }
    registry
}
