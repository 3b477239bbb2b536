//! A way in for fuzz targets, which see public items only. No part of the interface; it may change at any time.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::job::Job;
use super::types::RunState;
use super::{history, queue};
use crate::event::RunId;

/// The tables without any of their promises.
pub(super) const LAWLESS: &str = "
CREATE TABLE runs (id INTEGER PRIMARY KEY, state, priority, position, attempts, cancel_requested, created, started,
    finished, seconds, workflow_name, workflow_path, workflow, settings, problem, nodes_finished, nodes_cached,
    nodes_failed, nodes_skipped);
CREATE TABLE files (run, path, text);
CREATE TABLE nodes (run, node, place, type, state, started, seconds, step, steps, message, hint, causes, inputs, outputs);
CREATE TABLE events (run, seq, at, json);
CREATE TABLE artifacts (run, path, place, node, blake3, bytes);";

/// The tables, and how many columns beside the run's number each has.
const TABLES: [(&str, usize); 5] = [("runs", 18), ("nodes", 13), ("files", 2), ("events", 3), ("artifacts", 5)];

/// Reads arbitrary bytes as the settings of a run, and as rows of every table. Must not panic, whatever they are. Whether
/// they were anything.
///
/// # Panics
/// Settings that could be read are others once they are written again.
pub fn decode(bytes: &[u8]) -> bool {
    let is_settings = std::str::from_utf8(bytes).is_ok_and(are_settings);
    let is_row = rows(bytes).is_ok_and(|is_row| is_row);
    is_settings || is_row
}

fn are_settings(text: &str) -> bool {
    let Ok((settings, options)) = Job::decode(text) else { return false };
    let job = Job { source: crate::source::Source::new("", ""), files: Vec::new(), settings, options };
    assert_eq!(Job::decode(&job.encode()), Ok((job.settings, job.options)), "what is written is what was read");
    true
}

fn rows(mut bytes: &[u8]) -> rusqlite::Result<bool> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch(LAWLESS)?;
    for (table, columns) in TABLES {
        let values = (0..columns).map(|_| value(&mut bytes));
        let marks = vec!["?"; columns].join(", ");
        connection.execute(&format!("INSERT INTO {table} VALUES (1, {marks})"), params_from_iter(values))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Nobody holds a lock there.
    let folder = Path::new("no such folder");
    for state in std::iter::once(None).chain(RunState::ALL.map(Some)) {
        let _ = history::page(&transaction, folder, state, 9, 0);
    }
    let story = history::story(&transaction, folder, RunId(1));
    let _ = (history::events(&transaction, RunId(1), 0, 9), queue::waiting(&transaction));
    Ok(story.is_ok())
}

/// Cuts a value off: what it is, how long, and that many bytes. Nothing is left: NULL.
fn value(bytes: &mut &[u8]) -> Value {
    let Some((&tag, rest)) = bytes.split_first() else { return Value::Null };
    *bytes = rest;
    let number = |bytes: &mut &[u8]| {
        let (number, rest) = bytes.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        *bytes = rest;
        i64::from_le_bytes(*number)
    };
    let run = |bytes: &mut &[u8]| {
        let length = bytes.first().map_or(0, |length| usize::from(*length));
        let (run, rest) = bytes.get(1..).unwrap_or_default().split_at_checked(length).unwrap_or_default();
        *bytes = rest;
        run.to_vec()
    };
    match tag % 5 {
        0 => Value::Null,
        1 => Value::Integer(number(bytes)),
        2 => Value::Real(f64::from_bits(number(bytes) as u64)),
        3 => Value::Text(String::from_utf8_lossy(&run(bytes)).into_owned()),
        _ => Value::Blob(run(bytes)),
    }
}
