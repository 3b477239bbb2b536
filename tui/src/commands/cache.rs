//! `easel cache`: what results are kept on disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use easel_engine::{
    Cache, CacheProblem, Cleared, Damage, DamagedPart, DiskSettings, DiskStats, MemoryPolicy, VerifyReport,
};
use easel_nodes::weights::cache_dir;
use serde::Serialize;
use serde_json::json;

use crate::error::{CommandError, Exit};
use crate::execution;
use crate::terminal::{self, Output, Paint, printable};

const LONG_ABOUT: &str = "\
Says what results of nodes are kept on disk, forgets them, or checks them.

A node whose inputs, weights and version are those of an earlier run does not run again: its result is taken from \
the folder `results` of Easel's cache. All processes share it. What is old, large and quick to compute goes first when \
it is full. Nothing in it is ever missed: what is not there is computed again.";

const EXAMPLES: &str = "\
Examples:
  easel cache stats
  easel cache clear --older-than 30d
          forgets what was not used for thirty days
  easel cache stats --json | jq .bytes

Exit status: 0 done; 1 something was damaged, or the folder cannot be used; 2 the arguments are wrong.";

/// Show, clear or verify the results that are kept on disk
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show how much is kept, and of which nodes
    Stats {
        /// Writes one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Forget results and half-done work
    Clear {
        /// Only what was not used for so long: 45s, 30m, 12h, 7d
        #[arg(long, value_name = "TIME", value_parser = duration)]
        older_than: Option<Duration>,

        /// Writes one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Read everything, and remove what is damaged
    ///
    /// Runs check what they read too, so this is never needed; it tells whether the disk can be trusted.
    Verify {
        /// Writes one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let folder = folder()?;
    match &arguments.action {
        Action::Stats { json } => stats(&folder, *json),
        Action::Clear { older_than, json } => clear(&folder, *older_than, *json),
        Action::Verify { json } => verify(&folder, *json),
    }
}

fn folder() -> Result<PathBuf, CommandError> {
    let folder = cache_dir().ok_or_else(|| {
        CommandError::wrong("there is no home folder, so nothing is kept")
            .with_hint("name a folder with the environment variable EASEL_CACHE")
    })?;
    Ok(folder.join("results"))
}

/// The cache on disk, and what was wrong with it and is mended; none if nothing was ever kept.
fn open(folder: &Path) -> Result<Option<(Cache, Option<CacheProblem>)>, CommandError> {
    if !folder.exists() {
        return Ok(None);
    }
    let settings = DiskSettings::new(&execution::registry()?);
    match Cache::in_memory(MemoryPolicy::Off).with_disk(folder, settings) {
        (cache, problem @ (None | Some(CacheProblem::Damaged { .. }))) => Ok(Some((cache, problem))),
        (_, Some(problem)) => Err(failed(&problem)),
    }
}

/// The same where it is enough to mention what is mended.
fn open_and_mention(folder: &Path) -> Result<Option<Cache>, CommandError> {
    Ok(open(folder)?.map(|(cache, problem)| {
        if let Some(problem) = problem {
            terminal::complain(&failed(&problem));
        }
        cache
    }))
}

fn failed(problem: &CacheProblem) -> CommandError {
    CommandError::failed(problem.to_string()).with_hint(problem.hint())
}

fn stats(folder: &Path, as_json: bool) -> Result<Exit, CommandError> {
    let stats = match open_and_mention(folder)? {
        None => DiskStats::default(),
        Some(cache) => cache.stats().disk.ok_or_else(|| match cache.problems().last() {
            Some(problem) => failed(problem),
            None => CommandError::failed("the results cannot be counted"),
        })?,
    };
    let mut out = Output::default();
    if as_json {
        out.line(with_folder(folder, &stats)?)?;
        return Ok(Exit::Done);
    }
    let paint = Paint::for_stdout();
    out.line(paint.bold(&shown(folder)))?;
    if stats.entries == 0 && stats.states == 0 {
        out.line("  nothing is kept")?;
        return Ok(Exit::Done);
    }
    let (entries, values) = (count(stats.entries, "result"), count(stats.values, "value"));
    let (bytes, most) = (terminal::bytes(stats.bytes), terminal::bytes(stats.max_bytes));
    out.line(format_args!("  {entries} with {values}: {bytes} of at most {most}"))?;
    out.line(format_args!("  {} half done: {}", count(stats.states, "node"), terminal::bytes(stats.state_bytes)))?;
    let name = |name: &str| printable(name).into_owned();
    let width = stats.node_types.iter().map(|of| name(&of.node_type).chars().count()).max().unwrap_or(0).max(9);
    if !stats.node_types.is_empty() {
        let head = format!("  {:width$}  {:>7}  {:>10}  {:>12}", "node type", "results", "in memory", "to compute");
        out.line(paint.bold(&head))?;
    }
    for of in &stats.node_types {
        let (bytes, seconds) = (terminal::bytes(of.bytes), terminal::seconds(of.seconds));
        out.line(format_args!("  {:width$}  {:>7}  {bytes:>10}  {seconds:>12}", name(&of.node_type), of.entries))?;
    }
    Ok(Exit::Done)
}

fn clear(folder: &Path, older_than: Option<Duration>, as_json: bool) -> Result<Exit, CommandError> {
    let cleared = match open_and_mention(folder)? {
        None => Cleared::default(),
        Some(cache) => cache.clear(older_than).map_err(|problem| failed(&problem))?,
    };
    let mut out = Output::default();
    if as_json {
        out.line(with_folder(folder, cleared)?)?;
    } else {
        let (entries, states) = (count(cleared.entries, "result"), count(cleared.states, "half-done node"));
        out.line(format_args!("forgot {entries} and {states}: {}", terminal::bytes(cleared.bytes)))?;
    }
    Ok(Exit::Done)
}

fn verify(folder: &Path, as_json: bool) -> Result<Exit, CommandError> {
    let report = match open(folder)? {
        None => VerifyReport::default(),
        Some((cache, problem)) => {
            let mut report = cache.verify().map_err(|problem| failed(&problem))?;
            let found_before = problem.map(|problem| Damage { part: DamagedPart::Index, reason: problem.to_string() });
            report.damaged.extend(found_before);
            report
        }
    };
    let mut out = Output::default();
    if as_json {
        out.line(with_folder(folder, &report)?)?;
    } else {
        for damage in &report.damaged {
            out.line(format_args!("damaged, and removed: {}: {}", part(damage.part), printable(&damage.reason)))?;
        }
        let (entries, values) = (count(report.entries, "result"), count(report.values, "value"));
        let (states, swept) = (count(report.states, "half-done node"), count(report.swept, "abandoned file"));
        let verdict = match report.damaged.len() {
            0 => "all whole".to_string(),
            damaged => format!("{damaged} damaged"),
        };
        out.line(format_args!("read {entries}, {values} and {states}: {verdict}; {swept} removed"))?;
    }
    Ok(if report.damaged.is_empty() { Exit::Done } else { Exit::Failed })
}

fn part(part: DamagedPart) -> String {
    match part {
        DamagedPart::Index => "the index".into(),
        DamagedPart::Entry(key) => format!("the result {key}"),
        DamagedPart::Value(fingerprint) => format!("the value {fingerprint}"),
        DamagedPart::State(key) => format!("half-done work {key}"),
    }
}

fn with_folder(folder: &Path, what: impl Serialize) -> Result<serde_json::Value, CommandError> {
    let mut value = serde_json::to_value(what).map_err(|error| CommandError::failed(error.to_string()))?;
    value["folder"] = json!(folder.to_string_lossy());
    Ok(value)
}

fn shown(folder: &Path) -> String {
    printable(&folder.to_string_lossy()).into_owned()
}

fn count(number: u64, what: &str) -> String {
    terminal::count(usize::try_from(number).unwrap_or(usize::MAX), what)
}

/// "30d".
fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.chars().last().and_then(|unit| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(24 * 3600),
        _ => None,
    });
    let number = |unit: u64| text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit);
    unit.and_then(number)
        .map(Duration::from_secs)
        .ok_or_else(|| "write a whole number and a unit: 45s, 30m, 12h or 7d".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in ["", "7", "d", "-1d", "1.5h", "7é", "7 d", "99999999999999999999d", "9999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
