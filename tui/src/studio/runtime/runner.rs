//! Carries runs out, one at a time, each on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use easel_engine::{
    CancelToken, Claim, Diagnostic, Disk, Event, Job, Outcome, Plan, RunId, Settings, Source, SweepPart, WhenStopped,
};
use easel_nodes::kinds::Image;

use super::super::effect::Sheet;
use super::super::message::{Message, Problem, Tone};
use super::super::update::Claimed;
use super::merger::Merger;
use super::session::Session;
use super::{pictures, sheet};
use crate::claimed::{Carried, Carrier};
use crate::commands::workflow::{Ready, must_be_writable};
use crate::error::CommandError;
use crate::interrupt::Notice;
use crate::memory::MemoryLimit;
use crate::report::{News, Reporter};
use crate::workspace::{self, Workspace};

/// Carries runs out.
pub(super) struct Runner {
    workspace: Arc<Workspace>,
    settings: Session,
    memory: MemoryLimit,
    sender: Sender<Message>,
    current: Option<(CancelToken, JoinHandle<()>)>,
}

impl Runner {
    pub(super) fn new(
        workspace: Arc<Workspace>,
        settings: Session,
        memory: MemoryLimit,
        sender: Sender<Message>,
    ) -> Self {
        Runner { workspace, settings, memory, sender, current: None }
    }

    /// Whether one is under way.
    pub(super) fn is_running(&self) -> bool {
        self.current.as_ref().is_some_and(|(_, thread)| !thread.is_finished())
    }

    /// Asks the run to stop.
    pub(super) fn stop(&self) {
        if let Some((cancel, _)) = &self.current {
            cancel.cancel();
        }
    }

    /// Waits until the run is over.
    pub(super) fn finish(&mut self) {
        if let Some((_, thread)) = self.current.take() {
            // Its panic was told.
            let _ = thread.join();
        }
    }

    /// Carries a plan out.
    pub(super) fn run(&mut self, plan: Plan) {
        let (workspace, settings) = (Arc::clone(&self.workspace), self.settings.now());
        self.spawn(move |forward, cancel| {
            must_be_writable(&plan, &workspace)?;
            let ready = Ready { plan, is_whole: true };
            let claim = workspace.begin(&ready, &settings);
            forward.run = claim.as_ref().map(Claim::run);
            let finished = workspace.carry_out_claimed(ready, claim, WhenStopped::Cancelled, cancel, forward)?;
            Ok(finished.report.outcome)
        });
    }

    /// Puts a plan into the queue, on a thread of its own: others may hold the journal.
    pub(super) fn enqueue(&self, plan: Plan, priority: i64) {
        let (workspace, settings, sender) = (Arc::clone(&self.workspace), self.settings.now(), self.sender.clone());
        let lost = sender.clone();
        let work = move || {
            let journal = workspace::needed_journal().map_err(|error| error.to_string());
            let job = workspace.job(&plan, &settings);
            let queued = journal.and_then(|journal| journal.enqueue(&job, priority).map_err(|error| error.to_string()));
            // The studio may be ending; it waits all the same.
            let _ = sender.send(Message::Enqueued(queued));
        };
        if let Err(error) = std::thread::Builder::new().name("queue".into()).spawn(work) {
            let _ = lost.send(Message::Enqueued(Err(format!("cannot start a thread: {error}"))));
        }
    }

    /// Puts the runs of a sweep into the queue: jobs that hold a workflow, what is set on top of the settings of the session,
    /// and their places in the sweep.
    pub(super) fn enqueue_all(&self, jobs: Vec<Job>) {
        let (workspace, settings, sender) = (Arc::clone(&self.workspace), self.settings.now(), self.sender.clone());
        let work = move || {
            let sweep = unique();
            let path = jobs.first().and_then(|job| job.source.path.clone());
            let types = workspace.node_types(path.as_deref());
            let journal = workspace::needed_journal().map_err(|error| error.to_string());
            let enqueue = |job: Job| {
                let settings = with_set(&settings, &job.settings.set);
                let prepared = Plan::prepare_with(&job.source, &types.registry, &workspace.limited(&settings), &Disk);
                let (plan, _) = prepared.map_err(|found| first_error(&found))?;
                let journal = journal.as_ref().map_err(Clone::clone)?;
                let mut queued = workspace.job(&plan, &settings);
                let part = job.options.sweep;
                queued.options.sweep = part.map(|part| SweepPart { sweep: sweep.clone(), ..part });
                journal.enqueue(&queued, 0).map_err(|error| error.to_string())
            };
            // The studio may be ending; they wait all the same.
            let _ = sender.send(Message::Swept(jobs.into_iter().map(enqueue).collect()));
        };
        self.beside("queue", work);
    }

    /// Writes a grid of pictures into the folder for what is written.
    pub(super) fn write(&self, sheet: Sheet) {
        let (folder, sender) = (self.settings.now().out_dir, self.sender.clone());
        let work = move || {
            let (tone, text) = match sheet::write(&sheet, &folder) {
                Ok(path) => (Tone::Note, format!("wrote {}", path.display())),
                Err(why) => (Tone::Error, format!("the grid cannot be written: {why}")),
            };
            let _ = sender.send(Message::Told(tone, text));
        };
        self.beside("sheet", work);
    }

    /// Does something on a thread of its own that is no run.
    fn beside(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(work) {
            let _ = self.sender.send(Message::Told(Tone::Error, format!("cannot start a thread: {error}")));
        }
    }

    /// Carries out the next that waits in the queue. If it is stopped, it goes back to its place there.
    pub(super) fn claim(&mut self) {
        let (memory, told, common) = (self.memory, self.sender.clone(), self.workspace.common());
        self.spawn_unless(move |forward, cancel| {
            let journal = workspace::needed_journal();
            let claimed = journal.and_then(|journal| Ok((journal.claim()?, journal)));
            let (claim, journal) = match claimed {
                Ok((Some(claim), journal)) => (claim, journal),
                Ok((None, _)) => {
                    let _ = told.send(Message::Claimed(Claimed::Nothing));
                    return None;
                }
                Err(error) => {
                    let _ = told.send(Message::Claimed(Claimed::Refused(error.to_string())));
                    return None;
                }
            };
            forward.run = Some(claim.run());
            let _ = told.send(Message::Claimed(Claimed::Run(claim.run())));
            let carrier = Carrier::sharing(journal, memory, common);
            Some(carried(carrier, claim, WhenStopped::BackToTheQueue, cancel, forward))
        });
    }

    /// Does a run of the journal again.
    pub(super) fn again(&mut self, run: RunId) {
        self.recorded(move |journal| Ok(journal.begin(&journal.story(run)?.job)?));
    }

    /// Carries a job out.
    pub(super) fn job(&mut self, job: Job) {
        self.recorded(move |journal| Ok(journal.begin(&job)?));
    }

    /// Goes on with a run of the journal.
    pub(super) fn resume(&mut self, run: RunId) {
        self.recorded(move |journal| Ok(journal.resume(run)?));
    }

    fn recorded(&mut self, claim: impl FnOnce(&easel_engine::Journal) -> Result<Claim, CommandError> + Send + 'static) {
        let (memory, common) = (self.memory, self.workspace.common());
        self.spawn(move |forward, cancel| {
            let journal = workspace::needed_journal()?;
            let claim = claim(&journal)?;
            forward.run = Some(claim.run());
            carried(Carrier::sharing(journal, memory, common), claim, WhenStopped::Cancelled, cancel, forward)
        });
    }

    fn spawn<F>(&mut self, work: F)
    where
        F: FnOnce(&mut Forward, &CancelToken) -> Result<Outcome, CommandError> + Send + 'static,
    {
        self.spawn_unless(|forward, cancel| Some(work(forward, cancel)));
    }

    /// Begins a thread for a run, which may find that there is none.
    fn spawn_unless<F>(&mut self, work: F)
    where
        F: FnOnce(&mut Forward, &CancelToken) -> Option<Result<Outcome, CommandError>> + Send + 'static,
    {
        let cancel = CancelToken::new();
        let (token, sender) = (cancel.clone(), self.sender.clone());
        let work = move || {
            let mut end = End { sender: sender.clone(), is_told: false };
            match work(&mut Forward { merger: Merger::new(sender.clone()), sender, run: None }, &token) {
                Some(ended) => end.tell(ended.map_err(|error| problem(&error))),
                None => end.is_told = true,
            }
        };
        match std::thread::Builder::new().name("runner".into()).spawn(work) {
            Ok(thread) => self.current = Some((cancel, thread)),
            Err(error) => {
                let message = format!("cannot start a thread: {error}");
                let _ = self.sender.send(Message::RunEnded(Err(Problem { message, hint: None })));
            }
        }
    }
}

/// What no other sweep is called, of this process or of others.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{moment:x}-{:x}-{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Carries a claimed run out.
fn carried(
    carrier: Carrier,
    claim: Claim,
    when_stopped: WhenStopped,
    cancel: &CancelToken,
    forward: &mut Forward,
) -> Result<Outcome, CommandError> {
    match carrier.carry_out(claim, when_stopped, cancel, forward)? {
        Carried::Out(finished) => Ok(finished.report.outcome),
        Carried::Not(_) => Err(CommandError::wrong("the workflow of that run cannot be run any more")),
    }
}

/// The settings with some inputs set otherwise.
fn with_set(settings: &Settings, set: &[(String, String)]) -> Settings {
    let mut settings = settings.clone();
    settings.set.retain(|(name, _)| set.iter().all(|(other, _)| other != name));
    settings.set.extend(set.iter().cloned());
    settings
}

fn first_error(found: &[Diagnostic]) -> String {
    let first = found.iter().find(|diagnostic| diagnostic.is_error());
    first.map_or_else(|| "the workflow cannot be run".into(), |first| first.message.clone())
}

fn problem(error: &CommandError) -> Problem {
    Problem { message: error.to_string(), hint: error.hint().map(str::to_string) }
}

/// Says that a run is over, even if its thread panics.
struct End {
    sender: Sender<Message>,
    is_told: bool,
}

impl End {
    fn tell(&mut self, ended: Result<Outcome, Problem>) {
        self.is_told = true;
        // Nobody listens to the end of a run while the studio ends.
        let _ = self.sender.send(Message::RunEnded(ended));
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.is_told {
            let message = "the run ended unexpectedly; this is a defect in easel".into();
            self.tell(Err(Problem { message, hint: None }));
        }
    }
}

/// Passes on what happens in a run.
struct Forward {
    sender: Sender<Message>,
    merger: Merger,
    run: Option<RunId>,
}

impl Forward {
    fn send(&self, message: Message) {
        // If nobody is left to listen, the run is being stopped.
        let _ = self.sender.send(message);
    }
}

impl Reporter for Forward {
    fn begin(&mut self, plan: &Plan) {
        let nodes = plan.nodes().map(|planned| planned.node).collect();
        self.send(Message::RunBegins { run: self.run, nodes });
    }

    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        match event {
            Event::NodePreview { node, value, .. } => {
                if let Some(picture) = value.get::<Image>().and_then(pictures::of_image) {
                    self.merger.picture(Arc::clone(node), picture);
                }
            }
            other => self.merger.event(other.clone()),
        }
        Ok(())
    }

    fn diagnostics(&mut self, _: &str, _: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        for diagnostic in found {
            let tone = if diagnostic.is_error() { Tone::Error } else { Tone::Warning };
            self.send(Message::Told(tone, diagnostic.message.clone()));
        }
        Ok(())
    }

    fn news(&mut self, _: &News) -> Result<(), CommandError> {
        Ok(())
    }

    fn notice(&self) -> Notice {
        let sender = std::sync::Mutex::new(self.sender.clone());
        Arc::new(move |text| {
            let sender = sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = sender.send(Message::Told(Tone::Warning, console::strip_ansi_codes(text).into_owned()));
        })
    }
}
