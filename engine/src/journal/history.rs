//! What was run: lists, stories, events.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{OptionalExtension, Params, Row, Transaction, params};
use serde::de::DeserializeOwned;

use super::error::JournalError;
use super::lock::RunLock;
use super::types::{
    ArtifactRecord, EventRecord, NodeCounts, NodeRecord, NodeState, RunPage, RunQuery, RunState, RunStory, RunSummary,
};
use super::{Fault, Journal, paths, queue};
use crate::event::{Event, RunId, Seat};

impl Journal {
    /// A part of the list of all runs, newest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn runs(&self, query: &RunQuery) -> Result<RunPage, JournalError> {
        self.read(|transaction| page(transaction, self.folder(), query.state, query.limit, query.offset))
    }

    /// Everything about one run but its events.
    ///
    /// # Errors
    /// There is no such run; the journal cannot be read.
    pub fn story(&self, run: RunId) -> Result<RunStory, JournalError> {
        self.read(|transaction| story(transaction, self.folder(), run))
    }

    /// The events of a run after the first `after` ones, at most `limit`: another process can follow a run this way.
    ///
    /// # Errors
    /// There is no such run; the journal cannot be read.
    pub fn events(&self, run: RunId, after: u64, limit: u64) -> Result<Vec<EventRecord>, JournalError> {
        self.read(|transaction| {
            state(transaction, self.folder(), run)?;
            events(transaction, run, after, limit)
        })
    }

    /// Where a run is.
    ///
    /// # Errors
    /// There is no such run; the journal cannot be read.
    pub fn state(&self, run: RunId) -> Result<RunState, JournalError> {
        self.read(|transaction| state(transaction, self.folder(), run))
    }
}

/// More than SQLite can count is all there is.
fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn page(
    transaction: &Transaction<'_>,
    folder: &Path,
    state: Option<RunState>,
    limit: u64,
    offset: u64,
) -> Result<RunPage, Fault> {
    let interrupted = interrupted(transaction, folder)?;
    let condition = condition(state, &interrupted);
    let total = format!("SELECT count(*) FROM runs WHERE {condition}");
    let total = transaction.query_row(&total, [], |row| row.get(0))?;
    let rest = format!("WHERE {condition} ORDER BY id DESC LIMIT ?1 OFFSET ?2");
    let runs = summaries_knowing(transaction, &interrupted, &rest, params![bounded(limit), bounded(offset)])?;
    Ok(RunPage { runs, total })
}

pub(super) fn story(transaction: &Transaction<'_>, folder: &Path, run: RunId) -> Result<RunStory, Fault> {
    state(transaction, folder, run)?;
    let summary = summaries(transaction, folder, "WHERE id = ?1", [run.0])?.pop();
    let summary = summary.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let job = queue::load_job(transaction, run)?;
    Ok(RunStory { summary, job, nodes: nodes(transaction, run)?, artifacts: artifacts(transaction, run)? })
}

pub(super) fn events(
    transaction: &Transaction<'_>,
    run: RunId,
    after: u64,
    limit: u64,
) -> Result<Vec<EventRecord>, Fault> {
    let mut statement = transaction
        .prepare_cached("SELECT seq, at, json FROM events WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
    let rows = statement.query_map(params![run.0, bounded(after), bounded(limit)], |row| {
        Ok(EventRecord { seq: row.get(0)?, at: row.get(1)?, json: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where a run is; an error that says which there are if there is none such.
pub(super) fn state(transaction: &Transaction<'_>, folder: &Path, run: RunId) -> Result<RunState, Fault> {
    // Ids beyond SQLite's numbers are unknown like any other.
    let id = i64::try_from(run.0).unwrap_or(-1);
    let found = transaction.query_row("SELECT state FROM runs WHERE id = ?1", [id], |row| row.get::<_, String>(0));
    match found.optional()? {
        Some(name) => {
            let state = stored_state(run, &name)?;
            let is_interrupted = state == RunState::Running && RunLock::is_free(folder, run);
            Ok(if is_interrupted { RunState::Interrupted } else { state })
        }
        None => {
            let known = transaction.query_row("SELECT min(id), max(id) FROM runs", [], |row| {
                let (first, last): (Option<u64>, Option<u64>) = (row.get(0)?, row.get(1)?);
                Ok(first.zip(last).map(|(first, last)| (RunId(first), RunId(last))))
            })?;
            Err(JournalError::UnknownRun { run, known }.into())
        }
    }
}

fn stored_state(run: RunId, name: &str) -> Result<RunState, JournalError> {
    RunState::from_name(name)
        .ok_or_else(|| JournalError::Damaged { run: run.0, what: format!("its state is {name:?}") })
}

/// The runs whose process is gone.
pub(super) fn interrupted(transaction: &Transaction<'_>, folder: &Path) -> Result<Vec<RunId>, Fault> {
    let mut statement = transaction.prepare_cached("SELECT id FROM runs WHERE state = 'running'")?;
    let running = statement.query_map([], |row| row.get(0).map(RunId))?.collect::<Result<Vec<_>, _>>()?;
    Ok(running.into_iter().filter(|run| RunLock::is_free(folder, *run)).collect())
}

/// The runs in a state, as a condition of SQL.
pub(super) fn condition(state: Option<RunState>, interrupted: &[RunId]) -> String {
    let interrupted: Vec<_> = interrupted.iter().map(|run| run.0.to_string()).collect();
    let interrupted = interrupted.join(", ");
    match state {
        None => "TRUE".into(),
        Some(RunState::Interrupted) => format!("id IN ({interrupted})"),
        Some(RunState::Running) => format!("state = 'running' AND id NOT IN ({interrupted})"),
        Some(state) => format!("state = '{}'", state.name()),
    }
}

/// The runs that the rest of a query (`WHERE …`) is about.
pub(super) fn summaries(
    transaction: &Transaction<'_>,
    folder: &Path,
    rest: &str,
    params: impl Params,
) -> Result<Vec<RunSummary>, Fault> {
    let interrupted = interrupted(transaction, folder)?;
    summaries_knowing(transaction, &interrupted, rest, params)
}

fn summaries_knowing(
    transaction: &Transaction<'_>,
    interrupted: &[RunId],
    rest: &str,
    params: impl Params,
) -> Result<Vec<RunSummary>, Fault> {
    let query = format!(
        "SELECT id, state, workflow_name, priority, position IS NOT NULL, attempts, cancel_requested, created, started,
             finished, seconds, nodes_finished, nodes_cached, nodes_failed, nodes_skipped, problem
         FROM runs {rest}"
    );
    let mut statement = transaction.prepare_cached(&query)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(summary(row, interrupted)?);
    }
    Ok(found)
}

fn summary(row: &Row<'_>, interrupted: &[RunId]) -> Result<RunSummary, Fault> {
    let run = RunId(row.get(0)?);
    let state = match stored_state(run, &row.get::<_, String>(1)?)? {
        RunState::Running if interrupted.contains(&run) => RunState::Interrupted,
        state => state,
    };
    Ok(RunSummary {
        run,
        state,
        workflow: row.get(2)?,
        priority: row.get(3)?,
        from_queue: row.get(4)?,
        attempts: row.get(5)?,
        cancel_requested: row.get(6)?,
        created: row.get(7)?,
        started: row.get(8)?,
        finished: row.get(9)?,
        seconds: row.get(10)?,
        nodes: NodeCounts { finished: row.get(11)?, cached: row.get(12)?, failed: row.get(13)?, skipped: row.get(14)? },
        problem: row.get(15)?,
    })
}

fn nodes(transaction: &Transaction<'_>, run: RunId) -> Result<Vec<NodeRecord>, Fault> {
    let mut statement = transaction.prepare_cached(
        "SELECT node, type, state, started, seconds, step, steps, message, hint, causes, inputs, outputs
         FROM nodes WHERE run = ?1 ORDER BY place",
    )?;
    let mut rows = statement.query([run.0])?;
    let mut nodes = Vec::new();
    while let Some(row) = rows.next()? {
        nodes.push(node(run, row)?);
    }
    let seats = seats(transaction, run)?;
    nodes.iter_mut().for_each(|node| node.seat = seats.get(&node.node).cloned());
    Ok(nodes)
}

/// Where nodes computed, as the events have it: a column of their own would make the journal unreadable for older
/// versions.
fn seats(transaction: &Transaction<'_>, run: RunId) -> Result<HashMap<String, Seat>, Fault> {
    let mut statement = transaction.prepare_cached(
        r#"SELECT json FROM events WHERE run = ?1 AND (json LIKE '{"event":"node_started"%"seat"%'
           OR json LIKE '{"event":"node_restarted"%') ORDER BY seq"#,
    )?;
    let mut rows = statement.query([run.0])?;
    let mut seats = HashMap::new();
    while let Some(row) = rows.next()? {
        // One that cannot be read says nothing about lanes; what it says about itself is told where events are shown.
        let event = row.get_ref(0)?.as_str().ok().and_then(|json| serde_json::from_str(json).ok());
        // Of several attempts, where the last was.
        if let Some(Event::NodeStarted { node, seat: Some(seat), .. } | Event::NodeRestarted { node, seat, .. }) = event
        {
            seats.insert(node.to_string(), seat);
        }
    }
    Ok(seats)
}

fn node(run: RunId, row: &Row<'_>) -> Result<NodeRecord, Fault> {
    let state: String = row.get(2)?;
    let damaged = || JournalError::Damaged { run: run.0, what: format!("the state of a node is {state:?}") };
    let (step, steps): (Option<u64>, Option<u64>) = (row.get(5)?, row.get(6)?);
    Ok(NodeRecord {
        node: row.get(0)?,
        node_type: row.get(1)?,
        state: NodeState::from_name(&state).ok_or_else(damaged)?,
        started: row.get(3)?,
        seconds: row.get(4)?,
        seat: None,
        progress: step.zip(steps),
        message: row.get(7)?,
        hint: row.get(8)?,
        causes: list(run, row, 9)?,
        inputs: list(run, row, 10)?,
        outputs: list(run, row, 11)?,
    })
}

/// A list that a column holds as JSON; none is an empty one.
fn list<T: DeserializeOwned>(run: RunId, row: &Row<'_>, column: usize) -> Result<Vec<T>, Fault> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| {
        Fault::Journal(JournalError::Damaged { run: run.0, what: format!("a list of a node cannot be read: {error}") })
    })
}

fn artifacts(transaction: &Transaction<'_>, run: RunId) -> Result<Vec<ArtifactRecord>, Fault> {
    let mut statement = transaction
        .prepare_cached("SELECT run, node, path, blake3, bytes FROM artifacts WHERE run = ?1 ORDER BY place, path")?;
    let mut rows = statement.query([run.0])?;
    let mut artifacts = Vec::new();
    while let Some(row) = rows.next()? {
        artifacts.push(artifact(run, row)?);
    }
    Ok(artifacts)
}

/// A file, of a row that begins with its run.
pub(super) fn artifact(run: RunId, row: &Row<'_>) -> Result<ArtifactRecord, Fault> {
    let path = paths::of_column(row.get_ref(2)?);
    let path = path.ok_or_else(|| JournalError::Damaged { run: run.0, what: "one of its files has no path".into() })?;
    Ok(ArtifactRecord { node: row.get(1)?, path, blake3: row.get(3)?, bytes: row.get(4)? })
}
