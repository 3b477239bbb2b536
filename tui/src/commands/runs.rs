//! `easel runs`: what was run, is being run and is to be run.

use clap::Args;
use easel_engine::{Retention, RunPage, RunQuery, RunState, RunSummary};

use crate::error::{CommandError, Exit};
use crate::story;
use crate::terminal::{self, Output, Paint, printable};
use crate::workspace;

const LONG_ABOUT: &str = "\
Lists the runs that the journal knows, newest first.

Every `easel run` is written down while it happens, and so is every job of the queue. A run is queued, running, \
completed, failed or cancelled; or interrupted, if the process that carried it out is gone without having ended it. \
`easel show RUN` tells the whole story of one, `easel resume RUN` goes on with one that did not complete.";

const EXAMPLES: &str = "\
Examples:
  easel runs
  easel runs --state failed --limit 5
          the last five that failed
  easel runs --offset 20
          the second page
  easel runs --prune 100
          forgets all runs that are over but the last hundred
  easel runs --json | jq '.runs[] | select(.seconds > 60) | .run'
          the runs on the first page that took more than a minute

JSON: {\"total\", \"runs\": [{\"run\", \"state\", \"workflow\", \"priority\", \"from_queue\", \"attempts\", \"cancel_requested\", \
\"created\", \"started\", \"finished\", \"seconds\", \"nodes\": {\"finished\", \"cached\", \"failed\", \"skipped\"}, \"problem\"}]}; \
times are milliseconds since 1970.

Exit status: 0 done, also if there are none; 1 the journal cannot be read.";

/// List what was run, is being run and is to be run
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Lists only runs in this state
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Option<RunState>,

    /// Lists so many at the most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u64,

    /// Passes over the N newest
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,

    /// Prints one JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,

    /// Forgets all runs that are over but the newest N, instead of listing them
    ///
    /// This happens by itself beyond 1000 runs or 512 MiB. Jobs that wait, and runs that are carried out or were
    /// interrupted, are kept, and so is every file that a run wrote.
    #[arg(long, value_name = "N", conflicts_with_all = ["state", "limit", "offset", "json"])]
    prune: Option<u64>,
}

fn parse_state(name: &str) -> Result<RunState, String> {
    RunState::from_name(name).ok_or_else(|| {
        let names: Vec<_> = RunState::ALL.iter().map(|state| state.name()).collect();
        format!("a run is {}", names.join(", "))
    })
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    if let Some(runs) = arguments.prune {
        return prune(runs);
    }
    let query = RunQuery { state: arguments.state, limit: arguments.limit, offset: arguments.offset };
    let page = match workspace::journal_to_read()? {
        Some(journal) => journal.runs(&query)?,
        None => RunPage { runs: Vec::new(), total: 0 },
    };
    let mut out = Output::default();
    if arguments.json {
        out.line(serde_json::to_string(&page).map_err(|error| CommandError::failed(error.to_string()))?)?;
        return Ok(Exit::Done);
    }
    let paint = Paint::for_stdout();
    if !page.runs.is_empty() {
        out.line(paint.bold(HEADING))?;
    }
    for run in &page.runs {
        out.line(line(run, paint))?;
    }
    terminal::note(footer(arguments, &page));
    Ok(Exit::Done)
}

fn prune(runs: u64) -> Result<Exit, CommandError> {
    let forgotten = workspace::needed_journal()?.prune(Retention { runs, bytes: u64::MAX })?;
    terminal::note(format_args!(
        "{} forgotten",
        terminal::count(usize::try_from(forgotten).unwrap_or(usize::MAX), "run")
    ));
    Ok(Exit::Done)
}

const HEADING: &str = "   RUN  STATE        BEGUN (UTC)          TOOK         WORKFLOW";

/// One line about a run.
pub(super) fn line(run: &RunSummary, paint: Paint) -> String {
    let state = story::paint_state(run.state, &format!("{:11}", run.state.name()), paint);
    let begun = run.started.map_or_else(|| "-".into(), story::moment);
    let took = run.seconds.filter(|_| run.state.is_over()).map_or_else(|| "-".into(), terminal::seconds);
    let nodes = story::counts(&run.nodes);
    let nodes = if nodes.is_empty() { nodes } else { paint.dim(&format!("  ({nodes})")) };
    let line = format!("{:6}  {state}  {begun:19}  {took:11}  {}{nodes}", run.run.0, printable(&run.workflow));
    line.trim_end().to_string()
}

/// Which part of the list that was, and how to get the next.
fn footer(arguments: &Arguments, page: &RunPage) -> String {
    let what = arguments.state.map_or_else(|| "run".into(), |state| format!("{} run", state.name()));
    let total = page.total;
    let counted = if total == 1 { format!("1 {what}") } else { format!("{total} {what}s") };
    let shown = page.runs.len() as u64;
    let end = arguments.offset.saturating_add(shown);
    match shown {
        _ if total == 0 => format!("no {what}s"),
        0 if arguments.offset >= total => {
            format!("there are {counted}; `--offset {}` is past the last", arguments.offset)
        }
        0 => counted,
        _ if shown == total => counted,
        _ if end == total => format!("{} to {end} of {counted}", arguments.offset + 1),
        _ => format!("{} to {end} of {counted}; the next: `--offset {end}`", arguments.offset + 1),
    }
}

#[cfg(test)]
mod tests {
    use easel_engine::{NodeCounts, RunId};

    use super::*;

    fn summary(run: u64) -> RunSummary {
        RunSummary {
            run: RunId(run),
            state: RunState::Failed,
            workflow: "a\u{1b}.ron".into(),
            priority: 0,
            from_queue: false,
            attempts: 1,
            cancel_requested: false,
            created: 0,
            started: Some(1_700_000_000_000),
            finished: None,
            seconds: Some(2.5),
            nodes: NodeCounts { finished: 3, failed: 1, ..NodeCounts::default() },
            problem: None,
        }
    }

    #[test]
    fn a_run_is_a_line() {
        let expected = "    12  failed       2023-11-14 22:13:20  2.50 s       a?.ron  (1 failed, 3 finished)";
        assert_eq!(line(&summary(12), Paint::PLAIN), expected);
    }

    #[test]
    fn the_end_says_where_one_is() {
        let footer = |shown: u64, total, offset| {
            let arguments = Arguments { state: None, limit: 2, offset, json: false, prune: None };
            footer(&arguments, &RunPage { runs: (0..shown).map(summary).collect(), total })
        };
        assert_eq!(footer(0, 0, 0), "no runs");
        assert_eq!(footer(1, 1, 0), "1 run");
        assert_eq!(footer(2, 2, 0), "2 runs");
        assert_eq!(footer(2, 5, 0), "1 to 2 of 5 runs; the next: `--offset 2`");
        assert_eq!(footer(1, 5, 4), "5 to 5 of 5 runs");
        assert_eq!(footer(0, 5, 5), "there are 5 runs; `--offset 5` is past the last");
        assert_eq!(footer(0, 5, 0), "5 runs", "nothing was asked for but the number");
    }
}
