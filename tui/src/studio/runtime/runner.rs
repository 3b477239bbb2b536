//! Carries runs out, one at a time, each on a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use easel_engine::{CancelToken, Claim, Diagnostic, Event, Outcome, Plan, RunId, Settings, Source, WhenStopped};
use easel_nodes::kinds::Image;

use super::super::message::{Message, Problem, Tone};
use super::pictures;
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
    settings: Settings,
    memory: MemoryLimit,
    sender: Sender<Message>,
    current: Option<(CancelToken, JoinHandle<()>)>,
}

impl Runner {
    pub(super) fn new(
        workspace: Arc<Workspace>,
        settings: Settings,
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
        let (workspace, settings) = (Arc::clone(&self.workspace), self.settings.clone());
        self.spawn(move |forward, cancel| {
            must_be_writable(&plan, &workspace)?;
            let ready = Ready { plan, is_whole: true };
            let claim = workspace.begin(&ready, &settings);
            forward.run = claim.as_ref().map(Claim::run);
            let finished = workspace.carry_out_claimed(ready, claim, WhenStopped::Cancelled, cancel, forward)?;
            Ok(finished.report.outcome)
        });
    }

    /// Does a run of the journal again.
    pub(super) fn again(&mut self, run: RunId) {
        self.recorded(move |journal| Ok(journal.begin(&journal.story(run)?.job)?));
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
            match Carrier::sharing(journal, memory, common).carry_out(claim, WhenStopped::Cancelled, cancel, forward)? {
                Carried::Out(finished) => Ok(finished.report.outcome),
                Carried::Not(_) => Err(CommandError::wrong("the workflow of that run cannot be run any more")),
            }
        });
    }

    fn spawn<F>(&mut self, work: F)
    where
        F: FnOnce(&mut Forward, &CancelToken) -> Result<Outcome, CommandError> + Send + 'static,
    {
        let cancel = CancelToken::new();
        let (token, sender) = (cancel.clone(), self.sender.clone());
        let work = move || {
            let mut end = End { sender: sender.clone(), is_told: false };
            let ended = work(&mut Forward { sender, run: None }, &token).map_err(|error| problem(&error));
            end.tell(ended);
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
                    self.send(Message::Preview(Arc::clone(node), picture));
                }
            }
            other => self.send(Message::Event(Box::new(other.clone()))),
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
