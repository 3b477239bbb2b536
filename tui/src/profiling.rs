//! `--profile`: where the time of a run went.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use easel_kernels::profile::{Profile, Timing};
use easel_kernels::{Ceilings, Device};
use serde_json::json;

use crate::error::CommandError;
use crate::terminal;

/// Rows of the table; what takes less time than all of them is summed up.
const MOST_ROWS: usize = 40;

/// What is told of the time that kernels take.
#[derive(Debug, Args)]
pub(crate) struct Profiling {
    /// Tells at the end, on standard error, how long every kernel took
    ///
    /// On the CPU, every op, with its part of what this machine can do at most (`easel doctor --bench`), which is measured for
    /// a second at the end. A run that is profiled is slower on a GPU: its steps are not replayed as graphs.
    #[arg(long)]
    profile: bool,

    /// Writes when every kernel ran, for a viewer of traces (Perfetto, chrome://tracing)
    #[arg(long, value_name = "FILE")]
    profile_trace: Option<PathBuf>,
}

impl Profiling {
    /// Begins to take the time, if that is wanted.
    pub(crate) fn start(&self) -> Option<Profile> {
        (self.profile || self.profile_trace.is_some()).then(Profile::start).flatten()
    }

    /// Tells what was found.
    pub(crate) fn finish(&self, profile: Option<Profile>) -> Result<(), CommandError> {
        let Some(profile) = profile else { return Ok(()) };
        let timings = profile.finish().map_err(|error| CommandError::failed(format!("no profile: {error}")))?;
        if self.profile {
            let is_on_cpu = timings.iter().any(|timing| timing.device == Device::Cpu);
            terminal::note(table(&timings, is_on_cpu.then(Ceilings::measure)));
        }
        match &self.profile_trace {
            Some(path) => write_trace(path, &timings),
            None => Ok(()),
        }
    }
}

/// What one kernel did for one node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Row<'a> {
    node: &'a str,
    kernel: &'a str,
    calls: usize,
    seconds: f64,
    bytes: usize,
    operations: u64,
    /// Seconds that it would have taken at the ceilings.
    least_seconds: f64,
}

/// What took longest first.
fn rows(timings: &[Timing], ceilings: Option<Ceilings>) -> Vec<Row<'_>> {
    let mut rows: HashMap<(&str, &str), Row<'_>> = HashMap::new();
    for timing in timings {
        let (node, kernel) = (&*timing.scope, timing.name);
        let row = rows.entry((node, kernel)).or_insert(Row { node, kernel, ..Row::default() });
        row.calls += 1;
        row.seconds += timing.seconds;
        row.bytes += timing.bytes;
        row.operations += timing.operations;
        if let (Some(ceilings), Device::Cpu) = (ceilings, timing.device) {
            let multiplied = timing.operations as f64 / ceilings.operations(timing.precision);
            row.least_seconds += multiplied.max(timing.bytes as f64 / ceilings.bandwidth);
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then_with(|| (a.node, a.kernel).cmp(&(b.node, b.kernel))));
    rows
}

fn table(timings: &[Timing], ceilings: Option<Ceilings>) -> String {
    let mut rows = rows(timings, ceilings);
    let all: f64 = rows.iter().map(|row| row.seconds).sum();
    let (cut, rest) = (rows.len().min(MOST_ROWS), rows.len().saturating_sub(MOST_ROWS));
    let rest_seconds: f64 = rows[cut..].iter().map(|row| row.seconds).sum();
    rows.truncate(MOST_ROWS);
    let width = |of: fn(&Row<'_>) -> usize, title: &str| rows.iter().map(of).max().unwrap_or(0).max(title.len());
    let (node, kernel) = (width(|row| row.node.chars().count(), "node"), width(|row| row.kernel.len(), "kernel"));
    let mut lines = vec![format!(
        "{:node$}  {:kernel$}  {:>7}  {:>10}  {:>10}  {:>7}  {:>7}  {:>8}",
        "node", "kernel", "calls", "total", "mean", "GFLOP/s", "GB/s", "of limit"
    )];
    for row in &rows {
        // What is not known is not told as nothing.
        let rate = |amount: f64| match amount > 0.0 {
            true => format!("{:.1}", amount / row.seconds.max(1e-9) * 1e-9),
            false => String::new(),
        };
        let part = match row.least_seconds > 0.0 {
            true => format!("{:.0} %", 100.0 * row.least_seconds / row.seconds.max(1e-9)),
            false => String::new(),
        };
        let line = format!(
            "{:node$}  {:kernel$}  {:>7}  {:>7.2} ms  {:>7.1} µs  {:>7}  {:>7}  {part:>8}",
            terminal::printable(row.node),
            row.kernel,
            row.calls,
            row.seconds * 1e3,
            row.seconds / row.calls as f64 * 1e6,
            rate(row.operations as f64),
            rate(row.bytes as f64),
        );
        lines.push(line.trim_end().to_owned());
    }
    if rest > 0 {
        lines.push(format!("{rest} more: {:.2} ms", rest_seconds * 1e3));
    }
    lines.push(format!("in all {:.2} ms in kernels", all * 1e3));
    lines.extend(ceilings.map(|ceilings| format!("limits, measured on all threads: {}", limits(&ceilings))));
    lines.join("\n")
}

/// What a machine can do at most, in words.
pub(crate) fn limits(ceilings: &Ceilings) -> String {
    let bfloat16 = match ceilings.bfloat16 {
        Some(rate) => format!("{:.0} GFLOP/s in bfloat16", rate * 1e-9),
        None => "no instructions for bfloat16".to_owned(),
    };
    let (float32, bandwidth) = (ceilings.float32 * 1e-9, ceilings.bandwidth * 1e-9);
    format!("{float32:.0} GFLOP/s in float32, {bfloat16}, {bandwidth:.0} GB/s copied")
}

/// In the trace event format of Chrome, which other viewers read too: times in microseconds.
fn trace(timings: &[Timing]) -> serde_json::Value {
    let event = |timing: &Timing| {
        json!({
            "name": timing.name,
            "cat": &*timing.scope,
            "ph": "X",
            "ts": timing.start * 1e6,
            "dur": timing.seconds * 1e6,
            "pid": 0,
            "tid": timing.device.to_string(),
            "args": { "node": &*timing.scope, "bytes": timing.bytes, "operations": timing.operations },
        })
    };
    json!({ "displayTimeUnit": "ms", "traceEvents": timings.iter().map(event).collect::<Vec<_>>() })
}

fn write_trace(path: &Path, timings: &[Timing]) -> Result<(), CommandError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &trace(timings))?;
        file.flush()?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(|error: std::io::Error| {
        CommandError::failed(format!("cannot write the trace {}: {error}", path.display()))
            .with_hint("choose another place with `--profile-trace FILE`")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use easel_kernels::Precision;

    use super::*;

    fn timing(scope: &str, name: &'static str, start: f64, seconds: f64, bytes: usize) -> Timing {
        let (operations, precision) = (1000 * bytes as u64, Precision::BFloat16);
        Timing { scope: scope.into(), name, device: Device::Cpu, start, seconds, bytes, operations, precision }
    }

    fn timings() -> Vec<Timing> {
        vec![
            timing("decoder", "conv2d", 0.0, 0.002, 0),
            timing("decoder", "linear", 0.002, 0.001, 3_000_000),
            timing("prior", "linear", 0.003, 0.004, 8_000_000),
            timing("decoder", "conv2d", 0.007, 0.004, 0),
        ]
    }

    #[test]
    fn what_took_longest_comes_first() {
        let timings = timings();
        let rows = rows(&timings, None);
        let shown: Vec<_> = rows.iter().map(|row| (row.node, row.kernel, row.calls)).collect();
        assert_eq!(shown, [("decoder", "conv2d", 2), ("prior", "linear", 1), ("decoder", "linear", 1)]);
        let table = table(&timings, None);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[1], "decoder  conv2d        2     6.00 ms   3000.0 µs");
        assert_eq!(lines[2], "prior    linear        1     4.00 ms   4000.0 µs   2000.0      2.0");
        assert_eq!(lines[4], "in all 11.00 ms in kernels");
    }

    #[test]
    fn what_was_reached_is_told_beside_what_can_be() {
        let ceilings = Ceilings { float32: 1e12, bfloat16: Some(4e12), bandwidth: 8e9 };
        let table = table(&timings(), Some(ceilings));
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].ends_with("of limit"));
        // 2 ms to multiply in bfloat16, of 4; 1 ms to read.
        assert!(lines[2].ends_with("2000.0      2.0      50 %"), "{table}");
        assert_eq!(lines[1].chars().last(), Some('s'), "what is not known has no part of anything");
        let limits =
            "limits, measured on all threads: 1000 GFLOP/s in float32, 4000 GFLOP/s in bfloat16, 8 GB/s copied";
        assert_eq!(lines.last(), Some(&limits));
        let without = Ceilings { bfloat16: None, ..ceilings };
        // What has no instructions of its own is computed in float32.
        assert_eq!(rows(&timings(), Some(without))[1].least_seconds, 0.008);
    }

    #[test]
    fn a_long_table_is_cut() {
        let names: Vec<String> = (0..50).map(|i| format!("node{i}")).collect();
        let timings: Vec<_> = names.iter().map(|name| timing(name, "add", 0.0, 0.001, 0)).collect();
        let table = table(&timings, None);
        assert!(table.contains("\n10 more: 10.00 ms\nin all 50.00 ms"), "{table}");
    }

    #[test]
    fn a_trace_has_an_event_for_every_timing() {
        let trace = trace(&timings());
        assert_eq!(trace["traceEvents"].as_array().unwrap().len(), 4);
        assert_eq!(trace["traceEvents"][2]["ts"], 3000.0);
        assert_eq!(trace["traceEvents"][2]["dur"], 4000.0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        write_trace(&path, &timings()).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, trace);
        assert!(write_trace(&folder.path().join("none/trace.json"), &timings()).is_err());
    }
}
