//! The threads of `easel watch`: this one decides and tells, one looks at files and plans, one runs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use easel_engine::{CancelToken, Diagnostic, Event, Outcome, Plan, Source};

use super::debounce::Sign;
use super::folders::{Folders, Notice};
use super::inspect::{self, Inspector, OwnFiles, Planned};
use super::watcher::{Finding, Order, Watcher};
use crate::error::{CommandError, Exit};
use crate::execution::Finished;
use crate::interrupt::Notice as Tell;
use crate::report::{News, Reporter, shown};

/// Where the system tells of no changes, somebody looks this often.
const POLL: Duration = Duration::from_millis(300);

/// A workflow that can run.
pub(crate) struct Sound {
    pub(crate) source: Source,
    pub(crate) plan: Plan,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// A workflow that cannot.
#[derive(Clone, PartialEq)]
pub(crate) struct Broken {
    pub(crate) source: Option<Source>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What a session does, and what for.
pub(crate) struct Work<P, R> {
    /// The workflow as the user named it.
    pub(crate) file: PathBuf,
    /// Where changes are told; none if somebody has to look again and again.
    pub(crate) polls: bool,
    /// Reads and plans the workflow. Called on a thread of its own.
    pub(crate) plan: P,
    /// Runs a plan to its end. Called on a thread of its own.
    pub(crate) run: R,
}

type Found = Finding<inspect::News<Sound>, inspect::News<Broken>>;
type Orders = Vec<Order<inspect::News<Sound>, inspect::News<Broken>>>;

/// Everything that happens.
enum Message {
    Noticed(Notice),
    /// Somebody looked; and why the system does not tell of every change.
    Found(Box<Found>, Option<String>),
    Begin(Plan),
    Event(Event),
    Ended(Box<Result<Finished, CommandError>>),
    Stop(String),
    /// A thread panicked: there is nothing to wait for.
    Lost,
}

/// A watch under way.
pub(crate) struct Session<'a> {
    reporter: &'a mut dyn Reporter,
    /// Called with every run that is over; files that were told before are not among its artifacts.
    show: &'a mut dyn FnMut(&Finished) -> Result<(), CommandError>,
    watcher: Watcher<inspect::News<Sound>, inspect::News<Broken>>,
    name: String,
    looks: Sender<()>,
    runs: Sender<(Plan, CancelToken)>,
    cancel: CancelToken,
    /// There is a plan in force.
    in_force: bool,
    trouble: Option<String>,
    polls_at: Option<Instant>,
    last: Option<Outcome>,
    counts: Counts,
    written: Written,
    own: OwnFiles,
}

/// How many nodes the last run had, and how many of them ran.
#[derive(Default)]
struct Counts {
    ran: usize,
    nodes: usize,
}

/// The files that were told of, so that a file whose node is cached is not told with every run.
#[derive(Default)]
struct Written {
    ever: HashSet<PathBuf>,
    /// Nodes of this run that began: what they write is new.
    began: HashSet<Arc<str>>,
}

impl<'a> Session<'a> {
    /// Watches, plans and runs until somebody asks for the end. `on_stop` is given what a signal has to call.
    pub(crate) fn run<P, R>(
        work: Work<P, R>,
        reporter: &'a mut dyn Reporter,
        show: &'a mut dyn FnMut(&Finished) -> Result<(), CommandError>,
        on_stop: impl FnOnce(Tell),
    ) -> Result<Exit, CommandError>
    where
        P: FnMut() -> Planned<Sound, Broken> + Send + 'static,
        R: FnMut(Plan, CancelToken, &mut dyn Reporter) -> Result<Finished, CommandError> + Send + 'static,
    {
        let (sender, happened) = channel();
        let stop = sender.clone();
        on_stop(Arc::new(move |text| stop.send(Message::Stop(text.to_string())).unwrap_or_default()));
        let name = work.file.display().to_string();
        let own = OwnFiles::default();
        let looks = inspector(work.file, work.polls, own.clone(), work.plan, sender.clone())?;
        let runs = runner(work.run, sender)?;
        let mut session = Session {
            reporter,
            show,
            watcher: Watcher::new(Instant::now()),
            looks,
            runs,
            cancel: CancelToken::new(),
            in_force: false,
            trouble: None,
            polls_at: None,
            last: None,
            counts: Counts::default(),
            written: Written::default(),
            own,
            name,
        };
        session.reporter.news(&News::WatchStarted { file: session.name.clone() })?;
        let ended = session.go_on(&happened);
        // Whatever it was that ended the session, no run is left behind.
        session.cancel.cancel();
        ended
    }

    fn go_on(&mut self, happened: &Receiver<Message>) -> Result<Exit, CommandError> {
        loop {
            let orders = match self.next(happened) {
                Some(message) => self.handle(message)?,
                None => Vec::new(),
            };
            let now = Instant::now();
            if self.polls_at.is_some_and(|at| at <= now) {
                self.polls_at = Some(now + POLL);
                self.watcher.noticed(&PathBuf::new(), Sign::Complete, now);
            }
            for order in orders.into_iter().chain(self.watcher.tick(now)) {
                if let Some(exit) = self.carry_out(order)? {
                    return Ok(exit);
                }
            }
        }
    }

    /// The next thing that happens; nothing if it is time to do something first.
    fn next(&self, happened: &Receiver<Message>) -> Option<Message> {
        let due = self.watcher.due().into_iter().chain(self.polls_at).min();
        let Some(due) = due else { return Some(happened.recv().unwrap_or(Message::Lost)) };
        match happened.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Lost),
        }
    }

    fn handle(&mut self, message: Message) -> Result<Orders, CommandError> {
        match message {
            Message::Noticed(Notice::Changed(path, sign)) => self.watcher.noticed(&path, sign, Instant::now()),
            Message::Noticed(Notice::Somewhere) => {
                self.watcher.noticed(&PathBuf::new(), Sign::Complete, Instant::now());
            }
            Message::Found(found, trouble) => {
                self.troubled(trouble)?;
                self.tell_found(&found)?;
                return Ok(self.watcher.found(*found, Instant::now()));
            }
            Message::Begin(plan) => {
                self.written.began.clear();
                self.reporter.begin(&plan);
            }
            Message::Event(event) => self.tell_event(&event)?,
            Message::Ended(finished) => {
                let finished = (*finished)?;
                self.last = Some(finished.report.outcome);
                self.show_new(finished)?;
                return Ok(self.watcher.ended());
            }
            Message::Stop(text) => {
                if self.watcher.is_running() {
                    (self.reporter.notice())(&text);
                }
                return Ok(self.watcher.end());
            }
            Message::Lost => {
                return Err(CommandError::failed("watching ended unexpectedly; this is a defect in easel")
                    .with_hint("run it again with RUST_BACKTRACE=1 and report what it says"));
            }
        }
        Ok(Vec::new())
    }

    fn carry_out(
        &mut self,
        order: Order<inspect::News<Sound>, inspect::News<Broken>>,
    ) -> Result<Option<Exit>, CommandError> {
        match order {
            // If the thread is gone it has said so: its message is on the way.
            Order::Look => drop(self.looks.send(())),
            Order::Start(news) => {
                self.cancel = CancelToken::new();
                drop(self.runs.send((news.about.plan, self.cancel.clone())));
            }
            Order::Cancel => self.cancel.cancel(),
            Order::TellBroken(news) => self.tell_broken(&news)?,
            Order::TellRestored => {
                let running = self.watcher.is_running();
                self.reporter.news(&News::WatchRestored { running })?;
            }
            Order::TellWaiting => {
                let Counts { ran, nodes } = self.counts;
                self.reporter.news(&News::WatchWaiting { ran, nodes })?;
            }
            Order::End => {
                self.reporter.news(&News::WatchEnded)?;
                return Ok(Some(if self.last == Some(Outcome::Completed) { Exit::Done } else { Exit::Failed }));
            }
        }
        Ok(None)
    }

    /// Looks again and again from now on if the system does not tell of every change.
    fn troubled(&mut self, trouble: Option<String>) -> Result<(), CommandError> {
        if trouble != self.trouble {
            if let Some(why) = &trouble {
                let message = format!("{why}; so the files are looked at every {:.1} s", POLL.as_secs_f64());
                self.reporter.news(&News::WatchNote { message })?;
            }
            self.polls_at = trouble.is_some().then(|| Instant::now() + POLL);
            self.trouble = trouble;
        }
        Ok(())
    }

    /// A new plan is told at once, even if its run has to wait for the one before to stop.
    fn tell_found(&mut self, found: &Found) -> Result<(), CommandError> {
        let Finding::Sound(news) = found else { return Ok(()) };
        self.in_force = true;
        self.reporter.diagnostics(&self.name, Some(&news.about.source), &news.about.warnings)?;
        let changed = news.changed.iter().map(|path| shown(path)).collect();
        self.reporter.news(&News::WatchPlanned { changed, nodes: news.about.plan.nodes().len(), files: news.files })
    }

    fn tell_broken(&mut self, news: &inspect::News<Broken>) -> Result<(), CommandError> {
        let Broken { source, diagnostics } = &news.about;
        self.reporter.diagnostics(&self.name, source.as_ref(), diagnostics)?;
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        let changed = news.changed.iter().map(|path| shown(path)).collect();
        let (in_force, running) = (self.in_force, self.watcher.is_running());
        self.reporter.news(&News::WatchBroken { changed, errors, in_force, running })
    }

    fn tell_event(&mut self, event: &Event) -> Result<(), CommandError> {
        match event {
            Event::NodeStarted { node, .. } => drop(self.written.began.insert(Arc::clone(node))),
            Event::ArtifactWritten { node, path, .. } if !self.written.is_new(node, path) => return Ok(()),
            Event::ArtifactWritten { path, .. } => self.own.written(path),
            Event::RunFinished { finished, cached, failed, skipped, .. } => {
                self.counts = Counts { ran: *finished, nodes: finished + cached + failed + skipped };
            }
            _ => {}
        }
        self.reporter.event(event)
    }

    fn show_new(&mut self, mut finished: Finished) -> Result<(), CommandError> {
        finished.artifacts.retain(|artifact| self.written.is_new(&artifact.node, &artifact.path));
        (self.show)(&finished)?;
        self.written.ever.extend(finished.artifacts.into_iter().map(|artifact| artifact.path));
        Ok(())
    }
}

impl Written {
    /// A node that did not run names what it wrote in an earlier run.
    fn is_new(&self, node: &Arc<str>, path: &PathBuf) -> bool {
        self.began.contains(node) || !self.ever.contains(path)
    }
}

/// Says so if its thread panics, so that nobody waits for it.
struct Alarm(Sender<Message>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            // The session may have ended before.
            let _ = self.0.send(Message::Lost);
        }
    }
}

/// The thread that looks at files and plans: once for every message, one after another.
fn inspector<P>(
    file: PathBuf,
    polls: bool,
    own: OwnFiles,
    plan: P,
    sender: Sender<Message>,
) -> Result<Sender<()>, CommandError>
where
    P: FnMut() -> Planned<Sound, Broken> + Send + 'static,
{
    let (looks, wanted) = channel();
    let file = std::path::absolute(&file)
        .map_err(|error| CommandError::wrong(format!("cannot watch `{}`: {error}", file.display())))?;
    let noticed = sender.clone();
    spawn("inspect", sender, move |alarm| {
        let folders = match polls {
            true => Folders::off("as `--poll` asks"),
            // The session may have ended meanwhile.
            false => Folders::new(move |notice| noticed.send(Message::Noticed(notice)).unwrap_or_default()),
        };
        let mut inspector = Inspector::new(file, folders, own, plan);
        for () in wanted {
            let found = Box::new(inspector.look());
            let trouble = inspector.trouble().map(str::to_string);
            if alarm.0.send(Message::Found(found, trouble)).is_err() {
                return;
            }
        }
    })?;
    Ok(looks)
}

/// The thread that runs plans, one after another.
fn runner<R>(mut run: R, sender: Sender<Message>) -> Result<Sender<(Plan, CancelToken)>, CommandError>
where
    R: FnMut(Plan, CancelToken, &mut dyn Reporter) -> Result<Finished, CommandError> + Send + 'static,
{
    let (runs, wanted) = channel();
    spawn("runs", sender, move |alarm| {
        for (plan, cancel) in wanted {
            let finished = run(plan, cancel, &mut Forward(alarm.0.clone()));
            if alarm.0.send(Message::Ended(Box::new(finished))).is_err() {
                return;
            }
        }
    })?;
    Ok(runs)
}

fn spawn(name: &str, sender: Sender<Message>, work: impl FnOnce(&Alarm) + Send + 'static) -> Result<(), CommandError> {
    let alarm = Alarm(sender);
    let spawned = thread::Builder::new().name(name.into()).spawn(move || work(&alarm));
    spawned.map(drop).map_err(|error| CommandError::failed(format!("cannot start a thread: {error}")))
}

/// Passes what happens in a run on to the thread that tells.
struct Forward(Sender<Message>);

impl Reporter for Forward {
    fn begin(&mut self, plan: &Plan) {
        // If nobody is left to listen, the run is being cancelled.
        let _ = self.0.send(Message::Begin(plan.clone()));
    }

    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        let _ = self.0.send(Message::Event(event.clone()));
        Ok(())
    }
}
