//! `easel resume`: goes on with a run that did not complete.

use clap::Args;
use easel_engine::{RunId, WhenStopped};

use super::workflow::{MemoryArguments, Telling};
use crate::claimed::{Carried, Carrier};
use crate::cli::parse_run;
use crate::error::{CommandError, Exit};
use crate::interrupt::Interrupt;
use crate::report::{self, Style};
use crate::terminal;
use crate::workspace;

const LONG_ABOUT: &str = "\
Goes on with a run that was interrupted, failed or was cancelled.

The workflow is planned again from the texts that the journal kept, with the settings of then: what became of the files \
since changes nothing. Nodes that had finished take their results from the cache, a sampling loop goes on from the last \
state that it saved, and the rest runs.";

const EXAMPLES: &str = "\
Examples:
  easel resume 12
  easel runs --state interrupted
          which runs were cut off

Exit status: 0 done; 1 the run failed or was stopped, or there is nothing to go on with; 2 there is no such run.";

/// Go on with a run that did not complete
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The run, by its number
    #[arg(value_name = "RUN", value_parser = parse_run)]
    run: u64,

    #[command(flatten)]
    memory: MemoryArguments,

    #[command(flatten)]
    telling: Telling,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let mut reporter = report::reporter(arguments.telling.style());
    let journal = workspace::needed_journal()?;
    let claim = journal.resume(RunId(arguments.run))?;
    let interrupt = Interrupt::install(reporter.notice());
    let carrier = Carrier::new(journal, arguments.memory.limit);
    let carried = carrier.carry_out(claim, WhenStopped::Cancelled, &interrupt.token(), reporter.as_mut())?;
    drop(interrupt);
    match carried {
        Carried::Out(finished) => {
            if let Some(hint) = workspace::how_to_go_on(&finished).filter(|_| arguments.telling.style() == Style::Human)
            {
                terminal::note(hint);
            }
            arguments.telling.show(finished.files())?;
            Ok(finished.exit())
        }
        Carried::Not(exit) => Ok(exit),
    }
}
