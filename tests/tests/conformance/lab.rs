//! Where workflows are run and watched: a cache, the stubs, and what a run did.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use easel_engine::{
    Cache, CancelToken, Claim, Diagnostic, DiskSettings, Event, EventSink, Journal, JournalError, MemoryPolicy,
    Outcome, Plan, Recorder, Registry, Resources, Run, RunId, RunReport, Services, Settings, Source, Value,
    WhenStopped,
};

use crate::stubs::{Bench, registry};

/// No case takes a tenth of this: a run that does hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is kept from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Every result.
    Everything,
    /// The hundred results that were used last.
    Recent,
    /// Nothing.
    Off,
}

/// Makes three tests of every case. A case that is not listed is dead code, which the compiler names.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        crate::lab::cases!(@under everything Everything: $($case)*);
        crate::lab::cases!(@under recent Recent: $($case)*);
        crate::lab::cases!(@under off Off: $($case)*);
    };
    (@under $module:ident $caching:ident: $($case:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $case() {
                    super::$case(&crate::lab::Lab::new(crate::lab::Caching::$caching));
                }
            )*
        }
    };
}
pub(crate) use cases;

/// A cache, the stubs and what they share.
pub struct Lab {
    pub caching: Caching,
    pub registry: Registry,
    pub bench: Bench,
    cache: Arc<Cache>,
}

impl Lab {
    pub fn new(caching: Caching) -> Self {
        let cache = match caching {
            Caching::Everything => Cache::in_memory(MemoryPolicy::Everything),
            Caching::Recent => Cache::in_memory(MemoryPolicy::Entries(100)),
            Caching::Off => Cache::off(),
        };
        Self::with_cache(caching, cache)
    }

    pub fn with_cache(caching: Caching, cache: Cache) -> Self {
        Lab { caching, registry: registry(), bench: Bench::default(), cache: Arc::new(cache) }
    }

    /// With what is kept in a folder, as another process would find it there.
    pub fn on_disk(folder: &Path) -> Self {
        let settings = DiskSettings::new(&registry());
        let (cache, problem) = Cache::in_memory(MemoryPolicy::Everything).with_disk(folder, settings);
        assert_eq!(problem, None);
        Self::with_cache(Caching::Everything, cache)
    }

    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Carries out what a journal gave, and writes down what happens. How many events there were.
    pub fn carry_out(&self, journal: &Journal, claim: Claim) -> usize {
        let job = claim.job();
        let (plan, _) = Plan::prepare(&job.source, &self.registry, &job.settings).unwrap();
        let (cancel, mut events) = (CancelToken::new(), EventSink::new());
        let (recorded, counted) = (events.listen(), events.listen());
        let services = Services::default().with(self.bench.for_run(&cancel));
        let run = Run::new(plan, services, events, cancel.clone()).with_id(claim.run());
        let run = run.with_cache(Arc::clone(&self.cache));
        let trouble = |error: &JournalError| panic!("{error}");
        let recorder = Recorder::start(journal, claim, recorded, cancel, WhenStopped::Cancelled, trouble).unwrap();
        run.execute();
        recorder.finish();
        counted.try_iter().count()
    }

    /// Another laboratory that shares this one's cache.
    pub fn with_same_cache(&self) -> Self {
        let cache = Arc::clone(&self.cache);
        Lab { caching: self.caching, registry: registry(), bench: Bench::default(), cache }
    }

    pub fn keeps(&self) -> bool {
        self.caching != Caching::Off
    }

    /// A workflow of these nodes.
    pub fn nodes(&self, nodes: &str) -> Request<'_> {
        self.document(&format!("Workflow(version: 1, nodes: {{ {nodes} }})"))
    }

    /// A whole workflow.
    pub fn document(&self, text: &str) -> Request<'_> {
        let source = Source::new("case.ron", text);
        Request {
            lab: self,
            source,
            settings: Settings::default(),
            cancel: CancelToken::new(),
            events: EventSink::new(),
            resources: None,
            environment: "",
            id: None,
        }
    }

    /// Runs a workflow of these nodes.
    pub fn run(&self, nodes: &str) -> Ran {
        self.nodes(nodes).run()
    }
}

/// A run that is about to be.
pub struct Request<'a> {
    lab: &'a Lab,
    source: Source,
    settings: Settings,
    cancel: CancelToken,
    events: EventSink,
    resources: Option<Arc<Resources>>,
    environment: &'static str,
    id: Option<RunId>,
}

impl Request<'_> {
    pub fn targets(mut self, targets: &[&str]) -> Self {
        self.settings.targets = Some(targets.iter().map(ToString::to_string).collect());
        self
    }

    pub fn folder(mut self, folder: &Path) -> Self {
        self.settings.base_dir = Some(folder.to_path_buf());
        self.settings.out_dir = folder.to_path_buf();
        self
    }

    pub fn cancelled_by(mut self, cancel: &CancelToken) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// What is wrong elsewhere does not matter.
    pub fn keeping_on(mut self) -> Self {
        self.settings.keep_going = true;
        self
    }

    pub fn sharing(mut self, resources: &Arc<Resources>) -> Self {
        self.resources = Some(Arc::clone(resources));
        self
    }

    pub fn in_environment(mut self, environment: &'static str) -> Self {
        self.environment = environment;
        self
    }

    /// Under an id of the caller's, told to the caller's listeners.
    pub fn told_as(mut self, id: RunId, events: &EventSink) -> Self {
        (self.id, self.events) = (Some(id), events.clone());
        self
    }

    /// One more listener.
    pub fn listen(&mut self) -> Receiver<Event> {
        self.events.listen()
    }

    pub fn plan(&self) -> Result<Plan, Vec<Diagnostic>> {
        Plan::prepare(&self.source, &self.lab.registry, &self.settings).map(|(plan, _)| plan)
    }

    /// The code and the message of everything that keeps it from running.
    pub fn errors(&self) -> Vec<(&'static str, String)> {
        let diagnostics = match self.plan() {
            Ok(_) => Vec::new(),
            Err(diagnostics) => diagnostics,
        };
        let errors = diagnostics.into_iter().filter(Diagnostic::is_error);
        let hinted = |error: Diagnostic| (error.code, format!("{} {}", error.message, error.hint.unwrap_or_default()));
        errors.map(hinted).collect()
    }

    /// The codes of everything that keeps it from running; nothing has run then.
    pub fn refused(&self) -> Vec<&'static str> {
        let codes = self.errors().into_iter().map(|(code, _)| code).collect();
        assert!(self.lab.bench.executed().is_empty(), "something ran although nothing was to");
        codes
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.start().wait()
    }

    /// Runs it on a thread of its own.
    pub fn start(mut self) -> Started {
        let plan = self.plan().unwrap_or_else(|diagnostics| panic!("no plan: {diagnostics:#?}"));
        let targets: Vec<String> = plan.targets().map(ToString::to_string).collect();
        let events = self.events.listen();
        let bench = self.lab.bench.for_run(&self.cancel);
        let services = Services::default().with(bench.clone());
        let run = Run::new(plan, services, self.events, self.cancel.clone()).with_cache(Arc::clone(&self.lab.cache));
        let run = run.with_environment(self.environment);
        let run = match self.resources {
            Some(resources) => run.with_resources(resources),
            None => run,
        };
        let run = match self.id {
            Some(id) => run.with_id(id),
            None => run,
        };
        let (sender, report) = channel();
        thread::spawn(move || sender.send(run.execute()).is_ok());
        Started { cancel: self.cancel, bench, keeps: self.lab.keeps(), targets, events, report }
    }
}

/// A run on its way.
pub struct Started {
    pub cancel: CancelToken,
    bench: Bench,
    keeps: bool,
    targets: Vec<String>,
    events: Receiver<Event>,
    report: Receiver<RunReport>,
}

impl Started {
    /// Waits for its end.
    pub fn wait(self) -> Ran {
        let report = self.report.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let told: Vec<Event> = self.events.try_iter().collect();
            panic!("the run did not come to an end ({error}); until now: {told:#?}")
        });
        let (executed, events) = (self.bench.executed_in_run(), self.events.try_iter().collect());
        let ran = Ran { keeps: self.keeps, targets: self.targets, executed, events, report };
        ran.check_events();
        ran
    }
}

/// What a run did.
pub struct Ran {
    keeps: bool,
    targets: Vec<String>,
    /// The nodes that ran, in the order in which they began.
    pub executed: Vec<String>,
    pub events: Vec<Event>,
    pub report: RunReport,
}

impl Ran {
    /// The nodes that ran, and those whose result was known; without a cache those ran too.
    #[track_caller]
    pub fn expect(&self, ran: &[&str], cached: &[&str]) -> &Self {
        let (mut wanted_ran, mut wanted_cached) = (ran.to_vec(), cached.to_vec());
        if !self.keeps {
            wanted_ran.append(&mut wanted_cached);
        }
        wanted_ran.sort_unstable();
        wanted_cached.sort_unstable();
        assert_eq!(self.executed_sorted(), wanted_ran, "what ran; {}", self.story());
        assert_eq!(self.cached(), wanted_cached, "what was cached; {}", self.story());
        self
    }

    /// It ran to its end without a failure.
    #[track_caller]
    pub fn completed(&self) -> &Self {
        assert_eq!(self.report.outcome, Outcome::Completed, "{}", self.story());
        assert!(self.report.failed.is_empty() && self.report.cancelled.is_empty(), "{}", self.story());
        self
    }

    /// It failed, in these nodes.
    #[track_caller]
    pub fn failed(&self, nodes: &[&str]) -> &Self {
        assert_eq!(self.report.outcome, Outcome::Failed, "{}", self.story());
        let mut failed: Vec<&str> = self.report.failed.iter().map(|failure| &*failure.node).collect();
        failed.sort_unstable();
        assert_eq!(failed, nodes, "{}", self.story());
        self
    }

    /// It was cancelled.
    #[track_caller]
    pub fn cancelled(&self) -> &Self {
        assert_eq!(self.report.outcome, Outcome::Cancelled, "{}", self.story());
        self
    }

    fn executed_sorted(&self) -> Vec<&str> {
        let mut executed: Vec<&str> = self.executed.iter().map(String::as_str).collect();
        executed.sort_unstable();
        executed
    }

    pub fn cached(&self) -> Vec<&str> {
        self.nodes_of(|event| matches!(event, Event::NodeCached { .. }))
    }

    pub fn blocked(&self) -> Vec<&str> {
        self.nodes_of(|event| matches!(event, Event::NodeBlocked { .. }))
    }

    pub fn skipped(&self) -> Vec<&str> {
        self.nodes_of(|event| matches!(event, Event::NodeSkipped { .. }))
    }

    pub fn finished(&self) -> Vec<&str> {
        self.nodes_of(|event| matches!(event, Event::NodeFinished { .. }))
    }

    /// The nodes of some events, sorted.
    pub fn nodes_of(&self, chosen: impl Fn(&Event) -> bool) -> Vec<&str> {
        let mut nodes: Vec<&str> = self.events.iter().filter(|event| chosen(event)).filter_map(node_of).collect();
        nodes.sort_unstable();
        nodes
    }

    /// How often nodes of that name ran, wherever they stand: `inner` stands for `map[2]/inner` too.
    pub fn times(&self, name: &str) -> usize {
        self.executed.iter().filter(|node| node.rsplit('/').next() == Some(name)).count()
    }

    /// The message, the causes and the hint of a node's failure.
    #[track_caller]
    pub fn failure(&self, node: &str) -> String {
        let failure = self.report.failed.iter().find(|failure| &*failure.node == node);
        let failure = failure.unwrap_or_else(|| panic!("`{node}` did not fail; {}", self.story()));
        let mut text = failure.message.clone();
        for part in failure.causes.iter().chain(&failure.hint) {
            text.push_str("; ");
            text.push_str(part);
        }
        text
    }

    /// What a target gave.
    #[track_caller]
    pub fn value(&self, socket: &str) -> &Value {
        let (node, output) = socket.split_once('.').unwrap_or((socket, "value"));
        let outputs = self.report.outputs.get(node);
        let outputs = outputs.unwrap_or_else(|| panic!("`{node}` gave nothing; {}", self.story()));
        outputs.get(output).unwrap_or_else(|| panic!("`{socket}` is not there; {}", self.story()))
    }

    #[track_caller]
    pub fn float(&self, socket: &str) -> f64 {
        *self.value(socket).get().unwrap_or_else(|| panic!("`{socket}` is {:?}", self.value(socket)))
    }

    #[track_caller]
    pub fn integer(&self, socket: &str) -> i64 {
        *self.value(socket).get().unwrap_or_else(|| panic!("`{socket}` is {:?}", self.value(socket)))
    }

    #[track_caller]
    pub fn text(&self, socket: &str) -> &str {
        self.value(socket).get::<String>().unwrap_or_else(|| panic!("`{socket}` is {:?}", self.value(socket)))
    }

    /// The floats of a list.
    #[track_caller]
    pub fn floats(&self, socket: &str) -> Vec<f64> {
        let list = self.value(socket).list().unwrap_or_else(|| panic!("`{socket}` is {:?}", self.value(socket)));
        list.items().iter().map(|item| *item.get().unwrap_or_else(|| panic!("{item:?} is no float"))).collect()
    }

    /// What happened, in words.
    pub fn story(&self) -> String {
        let mut story = format!("{:?}, ran {:?}", self.report.outcome, self.executed);
        for event in &self.events {
            if !matches!(event, Event::NodeProgress { .. }) {
                story.push_str(&format!("\n    {event:?}"));
            }
        }
        story
    }

    /// What holds for the events of every run.
    fn check_events(&self) {
        let run = self.report.run;
        assert!(self.events.iter().all(|event| event.run() == run), "events of other runs; {}", self.story());
        assert!(matches!(self.events.first(), Some(Event::RunStarted { .. })), "{}", self.story());
        assert!(matches!(self.events.last(), Some(Event::RunFinished { .. })), "{}", self.story());
        let mut open = BTreeMap::new();
        for event in &self.events {
            let Some(node) = node_of(event) else { continue };
            match event {
                Event::NodeStarted { .. } => {
                    // Once more, if what it gave was lost.
                    assert_ne!(open.insert(node, true), Some(true), "`{node}` began twice; {}", self.story());
                }
                Event::NodeFinished { .. } => {
                    assert_eq!(open.insert(node, false), Some(true), "`{node}` ended unbegun; {}", self.story());
                }
                // What it was given may have been wrong: then it fails without having begun.
                Event::NodeFailed { .. } => {
                    assert_ne!(open.insert(node, false), Some(false), "`{node}` ended twice; {}", self.story());
                }
                Event::NodeProgress { .. }
                | Event::NodePreview { .. }
                | Event::NodeRetried { .. }
                | Event::NodeRestarted { .. } => {
                    assert_eq!(open.get(node), Some(&true), "`{node}` spoke while not running; {}", self.story());
                }
                Event::NodeCached { .. } | Event::NodeSkipped { .. } | Event::NodeBlocked { .. } => {
                    assert_ne!(open.get(node), Some(&true), "`{node}` runs; {}", self.story());
                }
                _ => {}
            }
        }
        let left: Vec<_> = open.iter().filter(|(_, is_open)| **is_open).map(|(node, _)| node).collect();
        let is_cancelled = self.report.outcome == Outcome::Cancelled;
        assert!(is_cancelled || left.is_empty(), "{left:?} began and never ended; {}", self.story());
        self.check_totals();
    }

    /// The last event agrees with the others, and with the report.
    fn check_totals(&self) {
        let Some(Event::RunFinished { outcome, finished, cached, failed, .. }) = self.events.last() else {
            panic!("the last event is another: {}", self.story());
        };
        assert_eq!(*outcome, self.report.outcome, "{}", self.story());
        // Once more, if what it gave was lost: then the last time counts.
        let is_end = |event: &&Event| {
            matches!(event, Event::NodeFinished { .. } | Event::NodeCached { .. } | Event::NodeFailed { .. })
        };
        let ends: BTreeMap<_, _> = self.events.iter().filter(is_end).map(|event| (node_of(event), event)).collect();
        let count = |is: fn(&Event) -> bool| ends.values().filter(|event| is(event)).count();
        assert_eq!(*finished, count(|event| matches!(event, Event::NodeFinished { .. })), "finished; {}", self.story());
        assert_eq!(*cached, count(|event| matches!(event, Event::NodeCached { .. })), "cached; {}", self.story());
        assert_eq!(*failed, count(|event| matches!(event, Event::NodeFailed { .. })), "failed; {}", self.story());
        if *outcome == Outcome::Completed {
            let missing: Vec<_> = self.targets.iter().filter(|node| !self.has_ended(node)).collect();
            assert!(missing.is_empty(), "{missing:?} were wanted, and nothing is known of them; {}", self.story());
        }
    }

    fn has_ended(&self, node: &str) -> bool {
        let ended = |event: &Event| {
            matches!(event, Event::NodeFinished { .. } | Event::NodeCached { .. } | Event::NodeBlocked { .. })
        };
        self.events.iter().any(|event| ended(event) && node_of(event) == Some(node))
    }
}

/// Tells a test that it is the process that is to crash, and in which folder.
const CRASHES_IN: &str = "EASEL_CONFORMANCE_CRASHES_IN";

/// Lets a process of its own do something in a folder in the midst of which it dies. To be called by the test of that
/// name alone: the process is this program, asked for that test.
pub fn crash(test: &str, folder: &Path, work: fn(&Path)) {
    if let Some(folder) = std::env::var_os(CRASHES_IN) {
        work(Path::new(&folder));
        panic!("it should have died");
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    let output = program.args(["--exact", test, "--nocapture"]).env(CRASHES_IN, folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !said.contains("panicked"), "it was to crash, and nothing else: {said}");
}

/// The node that an event is about.
pub fn node_of(event: &Event) -> Option<&str> {
    match event {
        Event::RunStarted { .. } | Event::RunFinished { .. } => None,
        Event::NodeStarted { node, .. }
        | Event::NodeProgress { node, .. }
        | Event::NodeWarning { node, .. }
        | Event::NodeNote { node, .. }
        | Event::ArtifactWritten { node, .. }
        | Event::NodePreview { node, .. }
        | Event::NodeExpanded { node, .. }
        | Event::NodeCached { node, .. }
        | Event::NodeRetried { node, .. }
        | Event::NodeRestarted { node, .. }
        | Event::NodeFinished { node, .. }
        | Event::NodeFailed { node, .. }
        | Event::NodeSkipped { node, .. }
        | Event::NodeBlocked { node, .. } => Some(node),
    }
}
