//! `easel queue run`: carries out what waits in the queue.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use clap::Args;
use easel_engine::{CancelToken, Claim, Journal, Outcome, WhenStopped};

use super::workflow::{MemoryArguments, Telling};
use crate::claimed::{Carried, Carrier};
use crate::error::{CommandError, Exit};
use crate::interrupt::Interrupt;
use crate::report::{self, Reporter, Style};
use crate::terminal::{self, printable};
use crate::workspace;

/// How often `--wait` looks for new jobs.
const LOOK: Duration = Duration::from_millis(200);

const LONG_ABOUT: &str = "\
Carries out what waits in the queue, the highest priority first, until nothing is left.

Jobs whose process died are taken up again: what they had finished comes from the cache. A job that fails does not \
keep the others from being carried out. Ctrl-C stops at the next step, and what was being carried out goes back to its \
place in the queue; `easel cancel RUN` cancels one job, and the others go on.";

/// Carry out what waits
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT)]
pub(crate) struct Arguments {
    /// Carries out so many jobs at a time
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZeroUsize,

    /// Waits for more when nothing is left, until it is stopped
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    memory: MemoryArguments,

    #[command(flatten)]
    telling: Telling,
}

impl Arguments {
    /// Bars of several runs at once would be in each other's way.
    fn reporter(&self, claim: &Claim) -> Box<dyn Reporter> {
        match self.telling.style() {
            Style::Human if self.jobs.get() > 1 => report::brief(format!("run {}: ", claim.run().0)),
            style => report::reporter(style),
        }
    }
}

/// What came of the jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    completed: usize,
    failed: usize,
    stopped: usize,
}

impl Tally {
    fn add(&mut self, carried: &Carried) {
        match carried {
            Carried::Out(finished) => match finished.report.outcome {
                Outcome::Completed if finished.is_whole => self.completed += 1,
                Outcome::Completed | Outcome::Failed => self.failed += 1,
                Outcome::Cancelled => self.stopped += 1,
            },
            Carried::Not(_) => self.failed += 1,
        }
    }

    fn sentence(&self) -> String {
        let Tally { completed, failed, stopped } = *self;
        let others = [(failed, "failed"), (stopped, "stopped")];
        let others = others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}"));
        format!("{} done{}", terminal::count(completed, "job"), others.collect::<String>())
    }

    fn exit(&self) -> Exit {
        if self.failed + self.stopped > 0 { Exit::Failed } else { Exit::Done }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let journal = workspace::needed_journal()?;
    let interrupt = Interrupt::install(report::reporter(Style::Quiet).notice());
    let drain = Drain {
        arguments,
        carrier: Carrier::new(journal.clone(), arguments.memory.limit),
        journal,
        cancel: interrupt.token(),
        tally: Mutex::default(),
    };
    let ended = thread::scope(|scope| {
        let others: Vec<_> = (1..arguments.jobs.get()).map(|_| scope.spawn(|| drain.work())).collect();
        let own = drain.work();
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(panicked())));
        others.fold(own, Result::and)
    });
    let tally = *drain.tally.lock().unwrap_or_else(PoisonError::into_inner);
    if arguments.telling.style() == Style::Human {
        terminal::note(tally.sentence());
    }
    ended?;
    Ok(if interrupt.token().is_cancelled() && !arguments.wait { Exit::Failed } else { tally.exit() })
}

fn panicked() -> CommandError {
    CommandError::failed("a job ended unexpectedly; this is a defect in easel")
}

/// The jobs being carried out by this process.
struct Drain<'a> {
    arguments: &'a Arguments,
    carrier: Carrier,
    journal: Journal,
    cancel: CancelToken,
    tally: Mutex<Tally>,
}

impl Drain<'_> {
    /// Carries out one job after another.
    fn work(&self) -> Result<(), CommandError> {
        while !self.cancel.is_cancelled() {
            match self.journal.claim()? {
                Some(claim) => self.carry_out(claim)?,
                None if self.arguments.wait => thread::sleep(LOOK),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn carry_out(&self, claim: Claim) -> Result<(), CommandError> {
        let style = self.arguments.telling.style();
        let mut reporter = self.arguments.reporter(&claim);
        if style == Style::Human {
            let name = &claim.job().source.name;
            terminal::note(format_args!("run {}: {}", claim.run().0, printable(name)));
        }
        let when_stopped = WhenStopped::BackToTheQueue;
        let carried = match self.carrier.carry_out(claim, when_stopped, &self.cancel, reporter.as_mut()) {
            Ok(carried) => carried,
            // It is this job's fault (a folder that cannot be written to, a device that is gone): the others go on.
            Err(error) if error.exit() == Exit::Wrong => {
                terminal::complain(&error);
                Carried::Not(Exit::Wrong)
            }
            Err(error) => return Err(error),
        };
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).add(&carried);
        match &carried {
            Carried::Out(finished) => self.arguments.telling.show(finished.files()),
            Carried::Not(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_the_jobs_is_a_sentence() {
        assert_eq!(Tally { completed: 2, failed: 0, stopped: 0 }.sentence(), "2 jobs done");
        assert_eq!(Tally { completed: 1, failed: 3, stopped: 1 }.sentence(), "1 job done, 3 failed, 1 stopped");
        assert_eq!(Tally::default().exit(), Exit::Done);
        assert_eq!(Tally { failed: 1, ..Tally::default() }.exit(), Exit::Failed);
    }
}
