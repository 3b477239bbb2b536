//! Writes a batch: events, nodes and artifacts of one run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Transaction, params};

use super::batch::{Batch, End, NodeChange};
use super::paths;
use super::types::{NodeState, RunState};
use crate::event::{Event, Outcome, PlannedNode, RunId};

/// Where the writing of one run is.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// The last event's place.
    pub(super) seq: u64,
    /// The next node's place.
    node: u64,
    /// The next artifact's place.
    artifact: u64,
}

/// A file that a run wrote, and what is in it.
#[derive(Debug)]
pub(super) struct Written {
    node: Arc<str>,
    path: PathBuf,
    content: Option<(String, u64)>,
}

/// Reads what the artifacts of a batch hold: outside a transaction, since files may be large.
pub(super) fn read_artifacts(batch: &Batch) -> Vec<Written> {
    let read = |(node, path): &(Arc<str>, PathBuf)| Written {
        node: node.clone(),
        content: content(path),
        path: std::path::absolute(path).unwrap_or_else(|_| path.clone()),
    };
    batch.artifacts.iter().map(read).collect()
}

/// Hash and length.
fn content(path: &Path) -> Option<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).ok()?).ok()?;
    Some((hasher.finalize().to_hex().to_string(), hasher.count()))
}

impl Cursor {
    /// Goes on after what earlier attempts at the run wrote; none if there is no such run.
    pub(super) fn after_earlier_attempts(transaction: &Transaction<'_>, run: RunId) -> rusqlite::Result<Option<Self>> {
        let known = "SELECT count(*) FROM runs WHERE id = ?1";
        if transaction.query_row(known, [run.0], |row| row.get::<_, u64>(0))? == 0 {
            return Ok(None);
        }
        let last = |query: &str| transaction.query_row(query, [run.0], |row| row.get::<_, Option<u64>>(0));
        Ok(Some(Cursor {
            seq: last("SELECT max(seq) FROM events WHERE run = ?1")?.unwrap_or(0),
            node: 0,
            artifact: last("SELECT max(place) FROM artifacts WHERE run = ?1")?.map_or(0, |place| place + 1),
        }))
    }

    /// Writes everything of a batch but the run's end.
    pub(super) fn write(
        &mut self,
        transaction: &Transaction<'_>,
        run: RunId,
        batch: &Batch,
        artifacts: &[Written],
    ) -> rusqlite::Result<()> {
        let mut insert =
            transaction.prepare_cached("INSERT INTO events (run, seq, at, json) VALUES (?1, ?2, ?3, ?4)")?;
        for (at, event) in batch.events() {
            self.seq += 1;
            insert.execute(params![run.0, self.seq, at, to_json(event)])?;
        }
        if let Some(planned) = &batch.planned {
            transaction.execute("DELETE FROM nodes WHERE run = ?1", [run.0])?;
            self.node = 0;
            self.add_nodes(transaction, run, planned)?;
        }
        self.add_nodes(transaction, run, &batch.added)?;
        for (node, change) in &batch.nodes {
            self.change_node(transaction, run, node, change)?;
        }
        self.add_artifacts(transaction, run, artifacts)
    }

    fn add_nodes(&mut self, transaction: &Transaction<'_>, run: RunId, nodes: &[PlannedNode]) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO nodes (run, node, place, type, state) VALUES (?1, ?2, ?3, ?4, 'waiting')",
        )?;
        for PlannedNode { node, node_type } in nodes {
            insert.execute(params![run.0, &**node, self.node, node_type])?;
            self.node += 1;
        }
        Ok(())
    }

    fn change_node(
        &mut self,
        transaction: &Transaction<'_>,
        run: RunId,
        node: &Arc<str>,
        change: &NodeChange,
    ) -> rusqlite::Result<()> {
        let (step, steps) = change.progress.unzip();
        let changed = transaction
            .prepare_cached(
                "UPDATE nodes SET state = coalesce(?3, state), started = coalesce(?4, started),
                     seconds = coalesce(?5, seconds), step = coalesce(?6, step), steps = coalesce(?7, steps),
                     message = coalesce(?8, message), hint = coalesce(?9, hint), causes = coalesce(?10, causes),
                     inputs = coalesce(?11, inputs), outputs = coalesce(?12, outputs)
                 WHERE run = ?1 AND node = ?2",
            )?
            .execute(params![
                run.0,
                &**node,
                change.state.map(NodeState::name),
                change.started,
                change.seconds,
                step,
                steps,
                change.message,
                change.hint,
                change.causes,
                change.inputs,
                change.outputs,
            ])?;
        if changed == 0 {
            // Nobody announced it; it is told all the same.
            let node_type = change.node_type.clone().unwrap_or_default();
            self.add_nodes(transaction, run, &[PlannedNode { node: node.clone(), node_type }])?;
            return self.change_node(transaction, run, node, change);
        }
        Ok(())
    }

    fn add_artifacts(
        &mut self,
        transaction: &Transaction<'_>,
        run: RunId,
        artifacts: &[Written],
    ) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO artifacts (run, path, place, node, blake3, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (run, path) DO UPDATE SET node = excluded.node, blake3 = excluded.blake3, bytes = excluded.bytes",
        )?;
        for Written { node, path, content } in artifacts {
            let (blake3, bytes) = content.as_ref().map(|(hash, bytes)| (hash.as_str(), *bytes)).unzip();
            insert.execute(params![run.0, paths::to_column(path), self.artifact, &**node, blake3, bytes])?;
            self.artifact += 1;
        }
        Ok(())
    }
}

/// Writes how a run ended. A run that somebody else ended stays as it is.
pub(super) fn write_end(
    transaction: &Transaction<'_>,
    run: RunId,
    state: RunState,
    end: Option<End>,
    problem: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    transaction.execute(
        "UPDATE runs SET state = ?2, finished = ?3, seconds = ?4, problem = ?5, nodes_finished = ?6,
             nodes_cached = ?7, nodes_failed = ?8, nodes_skipped = ?9
         WHERE id = ?1 AND state = 'running'",
        params![
            run.0,
            state.name(),
            (state != RunState::Queued).then_some(now),
            end.map(|end| end.seconds),
            problem,
            end.map_or(0, |end| count(end.finished)),
            end.map_or(0, |end| count(end.cached)),
            end.map_or(0, |end| count(end.failed)),
            end.map_or(0, |end| count(end.skipped)),
        ],
    )?;
    // In a run that went to its end nobody asked for what still waits.
    let went_through = end.is_some_and(|end| end.outcome != Outcome::Cancelled);
    let waiting = if went_through { NodeState::Unneeded } else { NodeState::Stopped };
    transaction.execute(
        "UPDATE nodes SET state = CASE state WHEN 'waiting' THEN ?2 ELSE 'stopped' END
         WHERE run = ?1 AND state IN ('waiting', 'running')",
        params![run.0, waiting.name()],
    )?;
    Ok(())
}

fn to_json(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| match event {
        // JSON is UTF-8, paths need not be.
        Event::ArtifactWritten { run, node, path } => {
            serde_json::json!({ "event": "artifact_written", "run": run, "node": node, "path": path.to_string_lossy() })
                .to_string()
        }
        _ => serde_json::json!({ "event": "unprintable", "message": error.to_string() }).to_string(),
    })
}
