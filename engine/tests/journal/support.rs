//! Nodes, jobs and runs for these tests.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use easel_engine::{
    CancelToken, Claim, Context, EventSink, InputSpec, Inputs, Job, JobOptions, Journal, JournalError, Node, NodeError,
    NodeResult, NodeSpec, Outcome, OutputSpec, Outputs, Plan, Recorder, Registry, Run, RunId, RunQuery, RunReport,
    RunState, RunSummary, Services, Settings, Source, WhenStopped, kinds,
};
use tempfile::TempDir;

/// Gives a text, writes it to a file of its own, fails, or waits to be cancelled: as `what` says.
struct Do;

impl Node for Do {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Do", "Does what it is told.")
            .input(InputSpec::new("what", kinds::TEXT, "what to do").default("nothing".to_string()))
            .input(InputSpec::new("after", kinds::TEXT, "comes before").optional())
            .output(OutputSpec::new("text", kinds::TEXT, "what it did"))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let what = inputs.get::<String>("what")?.clone();
        match what.as_str() {
            "write" => {
                let path = context.out_dir().join(format!("{}.txt", context.node()));
                std::fs::write(&path, context.node()).map_err(NodeError::from_error)?;
                context.artifact(path);
            }
            "step" => (1..=50).try_for_each(|step| context.progress(step, 50))?,
            "fail" => return Err(NodeError::new("it was told to").with_hint("tell it something else")),
            "wait" => {
                if let Ok(started) = context.service::<Started>() {
                    started.tell();
                }
                loop {
                    context.check_cancelled()?;
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            _ => {}
        }
        Ok(Outputs::one("text", what))
    }
}

/// Told by a node that waits.
pub struct Started(std::sync::Mutex<Sender<()>>);

impl Started {
    pub fn new() -> (Self, Receiver<()>) {
        let (sender, receiver) = channel();
        (Started(std::sync::Mutex::new(sender)), receiver)
    }

    fn tell(&self) {
        let _ = self.0.lock().expect("nobody panics").send(());
    }
}

pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(Do).expect("it is sound");
    registry
}

pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

pub fn journal(folder: &TempDir) -> Journal {
    Journal::open(folder.path()).expect("it can be made")
}

/// A job with these nodes, whose output goes to the journal's folder.
pub fn job(folder: &TempDir, nodes: &str) -> Job {
    Job {
        source: Source::new("test.ron", format!("Workflow(version: 1, nodes: {{ {nodes} }})")),
        files: Vec::new(),
        settings: Settings { out_dir: folder.path().to_path_buf(), ..Settings::default() },
        options: JobOptions::default(),
    }
}

pub fn plan(job: &Job) -> Plan {
    match Plan::prepare(&job.source, &registry(), &job.settings) {
        Ok((plan, _)) => plan,
        Err(diagnostics) => panic!("no plan: {diagnostics:#?}"),
    }
}

/// Carries a claimed run out like a program does: recorded, and on disk when it is over.
pub fn carry_out(journal: &Journal, claim: Claim) -> RunReport {
    let (report, troubles) =
        carry_out_with(journal, claim, Services::default(), CancelToken::new(), WhenStopped::Cancelled);
    assert!(troubles.is_empty(), "{troubles:?}");
    report
}

/// The report, and what the recorder complained of.
pub fn carry_out_with(
    journal: &Journal,
    claim: Claim,
    services: Services,
    cancel: CancelToken,
    when_stopped: WhenStopped,
) -> (RunReport, Vec<String>) {
    let mut events = EventSink::new();
    let (trouble, troubles) = channel();
    let (run, plan) = (claim.run(), plan(claim.job()));
    let listener = events.listen();
    let tell = move |error: &JournalError| trouble.send(error.to_string()).expect("somebody listens");
    let recorder = Recorder::start(journal, claim, listener, cancel.clone(), when_stopped, tell);
    let recorder = recorder.expect("a thread can be started");
    let report = Run::new(plan, services, events, cancel).with_id(run).execute();
    recorder.finish();
    (report, troubles.try_iter().collect())
}

/// All runs, newest first.
pub fn all(journal: &Journal) -> Vec<RunSummary> {
    journal.runs(&RunQuery { state: None, limit: 1_000, offset: 0 }).expect("it can be read").runs
}

pub fn state(journal: &Journal, run: RunId) -> RunState {
    journal.state(run).expect("it is known")
}

/// Carries out what waits, and says which runs these were.
pub fn drain(journal: &Journal) -> Vec<u64> {
    let mut runs = Vec::new();
    while let Some(claim) = journal.claim().expect("it can be claimed") {
        runs.push(claim.run().0);
        let report = carry_out(journal, claim);
        assert_eq!(report.outcome, Outcome::Completed);
    }
    runs
}

/// Runs something on another thread; the end of the test waits for it.
pub fn beside<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> std::thread::JoinHandle<T> {
    std::thread::spawn(f)
}

/// A clock that goes where it is told.
pub fn clock() -> (easel_engine::Clock, Arc<std::sync::atomic::AtomicU64>) {
    let seconds = Arc::new(std::sync::atomic::AtomicU64::new(1_000_000));
    let shown = Arc::clone(&seconds);
    let now = move || {
        let seconds = shown.load(std::sync::atomic::Ordering::SeqCst);
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
    };
    (Arc::new(now), seconds)
}
