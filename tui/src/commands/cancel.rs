//! `easel cancel`: stops runs of this or any other process.

use clap::Args;
use easel_engine::{Cancelled, RunId, RunState};

use crate::cli::parse_run;
use crate::error::{CommandError, Exit};
use crate::terminal::Output;
use crate::workspace;

const LONG_ABOUT: &str = "\
Stops runs, whichever process carries them out.

A run that waits in the queue, or was interrupted, is cancelled at once. One that is being carried out is asked to stop, \
like by Ctrl-C: it does at the next step, and what it had finished is kept. If it ends before it notices, it has ended. \
`easel resume RUN` goes on with a cancelled run.";

const EXAMPLES: &str = "\
Examples:
  easel cancel 12
  easel cancel --all
          everything that runs or waits

Exit status: 0 each of them is cancelled, or asked to stop; 1 one was over already; 2 there is no such run.";

/// Stop runs, or take them back before they begin
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The runs, by their numbers
    #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all", value_parser = parse_run)]
    runs: Vec<u64>,

    /// Every run that waits or is being carried out
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let journal = workspace::needed_journal()?;
    let mut out = Output::default();
    if arguments.all {
        let cancelled = journal.cancel_all()?;
        if cancelled.is_empty() {
            out.line("nothing runs and nothing waits")?;
        }
        for (run, what) in cancelled {
            out.line(sentence(run, what))?;
        }
        return Ok(Exit::Done);
    }
    // Before anything is done: a typing error should not leave half of it done.
    for run in &arguments.runs {
        journal.state(RunId(*run))?;
    }
    let mut exit = Exit::Done;
    for run in &arguments.runs {
        let what = journal.cancel(RunId(*run))?;
        out.line(sentence(RunId(*run), what))?;
        // That a cancelled run is cancelled is what was wanted.
        if matches!(what, Cancelled::TooLate(state) if state != RunState::Cancelled) {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn sentence(RunId(run): RunId, what: Cancelled) -> String {
    match what {
        Cancelled::AtOnce => format!("run {run} is cancelled"),
        Cancelled::Asked => format!("run {run} is asked to stop"),
        Cancelled::TooLate(RunState::Cancelled) => format!("run {run} was cancelled before"),
        Cancelled::TooLate(state) => format!("run {run} is over: it {}", past(state)),
    }
}

fn past(state: RunState) -> &'static str {
    match state {
        RunState::Completed => "completed",
        RunState::Failed => "failed",
        _ => "ended",
    }
}
