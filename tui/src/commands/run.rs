//! `easel run`: from a workflow to files.

use clap::Args;
use easel_engine::WhenStopped;

use super::workflow::RunOptions;
use crate::error::{CommandError, Exit};
use crate::interrupt::Interrupt;
use crate::profiling::Profiling;
use crate::report::{self, Style};
use crate::terminal;
use crate::workspace::{self, Workspace};

const LONG_ABOUT: &str = "\
Runs a workflow.

The workflow is checked first: whatever is wrong with it is told at once, with the place underlined, and nothing runs. \
Then its nodes run, and each says how far it is. At the end the paths of the pictures that were written go to standard \
output, one per line and nothing else, so that a shell can use them; all other words go to standard error.

A node that fails takes down only what depends on it; the rest finishes, and the exit status is 1. Ctrl-C asks the run \
to stop at the next step: files already written are kept, half-written ones are removed, and the exit status is 1. \
A second Ctrl-C ends the process at once.";

const EXAMPLES: &str = "\
Examples:
  easel run workflows/text_to_image.ron --set prompt=\"a red apple\" --set seed=7
          draws one picture
  easel run workflows/text_to_image.ron --set prompt=\"a cat\" --set pictures=4 --out cats
          draws four, into the folder `cats`
  easel run workflow.ron --target decoder
          runs the node `decoder` and what it needs, and nothing after it
  xdg-open \"$(easel run workflow.ron --quiet)\"
          draws a picture and opens it
  easel run workflow.ron --json | jq -r 'select(.event == \"artifact_written\") | .path'
          follows a run from another program

JSON events, one per line, told apart by `event`; `run` says of which run, `node` of which node:
  run_started       nodes: name and type of every node
  node_started      a node began; seat: device, lane, lanes, bytes of memory foreseen
  node_progress     step of steps
  node_preview      value: one line about what there is so far
  node_note         key, value: something that the results carry
  node_warning      message
  node_retried      attempt of attempts failed, and it is tried again; message
  node_restarted    attempt: a further one begins; seat: where, which may be elsewhere
  node_expanded     nodes: what a map, a loop or another node turned into; they belong to the run from then on
  artifact_written  path
  node_finished     seconds, outputs: a line about each
  node_cached       outputs: they were known, so it did not run
  node_failed       node_type, message, causes, hint, inputs
  node_skipped      because: the node that failed, so it did not run
  node_blocked      because, reason: something that it needs was kept back, which is no failure
  run_finished      outcome (completed, failed, cancelled), seconds; finished, cached, failed, skipped: how many nodes
  diagnostic        what is wrong with the workflow: severity, code, message, file, line, column, labels, hint
Nodes of a map or a loop are called `all[2]/upsampler`, those of an included workflow `one/upsampler`.

Exit status: 0 done; 1 the run failed or was stopped; 2 the workflow or the arguments are wrong.";

/// Run a workflow
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: RunOptions,

    #[command(flatten)]
    profiling: Profiling,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let options = &arguments.options;
    let mut reporter = report::reporter(options.style());
    let workspace = Workspace::open(&options.choices()?)?;
    let settings = options.workflow.settings();
    let ready = options.workflow.prepare(&settings, &workspace, reporter.as_mut())?;
    let Some(ready) = ready else { return Ok(Exit::Wrong) };
    // Only now: a signal while the workflow is read, perhaps from a pipe that stays silent, ends the process.
    let interrupt = Interrupt::install(reporter.notice());
    let claim = workspace.begin(&ready, &settings);
    if let Some(claim) = claim.as_ref().filter(|_| options.style() == Style::Human) {
        terminal::note(format_args!("run {}", claim.run().0));
    }
    let when_stopped = WhenStopped::Cancelled;
    let profile = arguments.profiling.start();
    let finished = workspace.carry_out_claimed(ready, claim, when_stopped, &interrupt.token(), reporter.as_mut())?;
    drop(interrupt);
    arguments.profiling.finish(profile)?;
    if let Some(hint) = workspace::how_to_go_on(&finished).filter(|_| options.style() == Style::Human) {
        terminal::note(hint);
    }
    options.show(finished.files())?;
    Ok(finished.exit())
}
