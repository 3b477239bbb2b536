//! `easel queue`: jobs that wait, and carrying them out.

use clap::{Args, Subcommand};
use easel_engine::{Place, RunId, RunState};

use super::drain;
use super::workflow::WorkflowArguments;
use crate::cli::parse_run;
use crate::error::{CommandError, Exit};
use crate::report::{self, Style};
use crate::terminal::{self, Output, Paint, printable};
use crate::workspace::{self, Common, Workspace};

const LONG_ABOUT: &str = "\
Keeps jobs for later, and carries them out in order.

The queue is in the journal; there is no server. `easel queue add` puts a workflow into it, as it is now: changing the \
file afterwards changes nothing. `easel queue run` carries out what is there; any number of processes may do so at once, \
and each job is done by one of them. A job whose process dies stays in its place, and the next `easel queue run` goes on \
with it.";

const EXAMPLES: &str = "\
Examples:
  easel queue add workflows/text_to_image.ron --set prompt=\"a cat\"
  easel queue add workflows/text_to_image.ron --set prompt=\"a dog\" --priority 1
          comes before the cat
  easel queue list
  easel queue run
          carries them out, one after another
  easel queue run --jobs 2 --wait
          two at a time, and waits for more until it is stopped

Exit status: 0 done; 1 a job failed or was stopped; 2 the arguments or the workflow are wrong, or there is no such run.";

/// Keep jobs for later, and carry them out
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Put a workflow into the queue
    ///
    /// It is checked first, like by `easel check`. Its number is printed on standard output.
    Add {
        #[command(flatten)]
        workflow: Box<WorkflowArguments>,

        /// Jobs of higher priority are carried out first
        #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
        priority: i64,
    },
    /// List what waits, in order
    List {
        /// Prints one JSON array on standard output, and nothing else there
        #[arg(long)]
        json: bool,
    },
    /// Take jobs out of the queue, as if they had never been there
    Remove {
        /// The jobs, by their numbers
        #[arg(value_name = "RUN", required = true, value_parser = parse_run)]
        runs: Vec<u64>,
    },
    /// Move a job to another place
    Move {
        /// The job, by its number
        #[arg(value_name = "RUN", value_parser = parse_run)]
        run: u64,

        #[command(flatten)]
        place: PlaceArguments,
    },
    Run(drain::Arguments),
    /// Take everything that waits out of the queue
    Clear,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct PlaceArguments {
    /// Before all others, whatever their priority
    #[arg(long)]
    front: bool,

    /// After all others, whatever their priority
    #[arg(long)]
    back: bool,

    /// Right before this job
    #[arg(long, value_name = "RUN", value_parser = parse_run)]
    before: Option<u64>,
}

impl PlaceArguments {
    fn place(&self) -> Place {
        match self.before {
            Some(run) => Place::Before(RunId(run)),
            None if self.front => Place::Front,
            None => Place::Back,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    match &arguments.action {
        Action::Add { workflow, priority } => add(workflow, *priority),
        Action::List { json } => list(*json),
        Action::Remove { runs } => remove(runs),
        Action::Move { run, place } => {
            workspace::needed_journal()?.move_to(RunId(*run), place.place())?;
            Ok(Exit::Done)
        }
        Action::Run(arguments) => drain::run(arguments),
        Action::Clear => {
            let removed = workspace::needed_journal()?.clear()?;
            terminal::note(format_args!("{} removed", terminal::count(removed, "job")));
            Ok(Exit::Done)
        }
    }
}

fn add(workflow: &WorkflowArguments, priority: i64) -> Result<Exit, CommandError> {
    let journal = workspace::needed_journal()?;
    let choices = workflow.choices()?;
    let workspace = Workspace::with_journal(&choices, Some(journal.clone()), Common::new(choices.memory))?;
    let settings = workflow.settings();
    let ready = workflow.prepare(&settings, &workspace, report::reporter(Style::Quiet).as_mut())?;
    let Some(ready) = ready else { return Ok(Exit::Wrong) };
    let RunId(run) = journal.enqueue(&workspace.job(&ready.plan, &settings), priority)?;
    Output::default().line(run)?;
    Ok(Exit::Done)
}

fn list(as_json: bool) -> Result<Exit, CommandError> {
    let waiting = match workspace::journal_to_read()? {
        Some(journal) => journal.queue()?,
        None => Vec::new(),
    };
    let mut out = Output::default();
    if as_json {
        out.line(serde_json::to_string(&waiting).map_err(|error| CommandError::failed(error.to_string()))?)?;
        return Ok(Exit::Done);
    }
    if waiting.is_empty() {
        terminal::note("nothing waits");
        return Ok(Exit::Done);
    }
    let paint = Paint::for_stdout();
    out.line(paint.bold("   RUN  PRIORITY  WORKFLOW"))?;
    for run in &waiting {
        let note = if run.state == RunState::Interrupted { paint.yellow("  (interrupted)") } else { String::new() };
        out.line(format_args!("{:6}  {:8}  {}{note}", run.run.0, run.priority, printable(&run.workflow)))?;
    }
    Ok(Exit::Done)
}

fn remove(runs: &[u64]) -> Result<Exit, CommandError> {
    let journal = workspace::needed_journal()?;
    for run in runs {
        journal.remove(RunId(*run))?;
    }
    Ok(Exit::Done)
}
