//! What those need who show the whole journal: everything by its id, a few of them at a time; and changes to single runs.

use rusqlite::{Transaction, params};

use super::error::JournalError;
use super::job::Job;
use super::lock::RunLock;
use super::types::{ArtifactRecord, Extent, RunState, RunSummary};
use super::{Fault, Journal, history, queue};
use crate::event::RunId;

/// All of it in the order of an index: the table itself has whole workflows in every row.
const IDS: &str = "SELECT id FROM runs INDEXED BY runs_by_state";

const EXTENT: &str = "SELECT (SELECT max(id) FROM runs), (SELECT count(*) FROM runs), (SELECT count(*) FROM artifacts)";

const ARTIFACTS: &str = "SELECT run, node, path, blake3, bytes FROM artifacts ORDER BY run DESC, path DESC";

impl Journal {
    /// How much there is: who has seen as much has seen every run and every file, though not how those runs stand.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn extent(&self) -> Result<Extent, JournalError> {
        self.read(|transaction| {
            let row = |row: &rusqlite::Row<'_>| {
                let newest = row.get::<_, Option<u64>>(0)?.map(RunId);
                Ok(Extent { newest, runs: row.get(1)?, artifacts: row.get(2)? })
            };
            Ok(transaction.prepare_cached(EXTENT)?.query_row([], row)?)
        })
    }

    /// The ids of all runs, or of those in one state, newest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn ids(&self, state: Option<RunState>) -> Result<Vec<RunId>, JournalError> {
        self.read(|transaction| {
            let interrupted = history::interrupted(transaction, self.folder())?;
            let query = format!("{IDS} WHERE {}", history::condition(state, &interrupted));
            let mut statement = transaction.prepare(&query)?;
            let rows = statement.query_map([], |row| row.get(0).map(RunId))?;
            let mut ids = rows.collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable_by_key(|RunId(id)| std::cmp::Reverse(*id));
            Ok(ids)
        })
    }

    /// These runs as lists show them, newest first. Those that are gone are left out.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn summaries(&self, runs: &[RunId]) -> Result<Vec<RunSummary>, JournalError> {
        let rest = format!("WHERE id IN ({}) ORDER BY id DESC", listed(runs));
        self.read(|transaction| history::summaries(transaction, self.folder(), &rest, []))
    }

    /// What these runs were to do. Those that are gone are left out; of one that makes no sense, there is none.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn jobs(&self, runs: &[RunId]) -> Result<Vec<(RunId, Option<Job>)>, JournalError> {
        self.read(|transaction| {
            let mut jobs = Vec::with_capacity(runs.len());
            for run in runs {
                match queue::load_job(transaction, *run) {
                    Ok(job) => jobs.push((*run, Some(job))),
                    Err(Fault::Journal(_)) => jobs.push((*run, None)),
                    Err(Fault::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => {}
                    Err(fault) => return Err(fault),
                }
            }
            Ok(jobs)
        })
    }

    /// The files that all runs wrote: those of the newest run first, of one run the last by path first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn artifacts(&self) -> Result<Vec<(RunId, ArtifactRecord)>, JournalError> {
        self.read(|transaction| files(transaction, ARTIFACTS))
    }

    /// The files that these runs wrote, in the same order.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn artifacts_of(&self, runs: &[RunId]) -> Result<Vec<(RunId, ArtifactRecord)>, JournalError> {
        let query = ARTIFACTS.replace("ORDER", &format!("WHERE run IN ({}) ORDER", listed(runs)));
        self.read(|transaction| files(transaction, &query))
    }

    /// Forgets a run that is over or was interrupted, with its events. The files that it wrote stay.
    ///
    /// # Errors
    /// There is no such run, or it waits or is carried out; the journal cannot be written.
    pub fn forget(&self, run: RunId) -> Result<(), JournalError> {
        self.write(|transaction| {
            let state = history::state(transaction, self.folder(), run)?;
            let refused = |refusal| JournalError::WrongState { run, state, refusal };
            if state == RunState::Queued {
                return Err(refused("waits in the queue: take it out there").into());
            }
            // Nobody takes an interrupted one up meanwhile.
            let lock =
                RunLock::try_take(self.folder(), run)?.ok_or(refused("is being carried out: cancel it first"))?;
            transaction.execute("DELETE FROM runs WHERE id = ?1", [run.0])?;
            lock.retire();
            Ok(())
        })
    }

    /// Gives a waiting run another priority; of those that have it, it comes last.
    ///
    /// # Errors
    /// There is no such run, or it does not wait in the queue; the journal cannot be written.
    pub fn set_priority(&self, run: RunId, priority: i64) -> Result<(), JournalError> {
        self.write(|transaction| {
            queue::must_be_queued(transaction, self, run)?;
            let position = queue::last_position(transaction, priority)?.map_or(0, |last| last.saturating_add(1));
            let change = "UPDATE runs SET priority = ?2, position = ?3 WHERE id = ?1 AND priority != ?2";
            transaction.execute(change, params![run.0, priority, position])?;
            Ok(())
        })
    }
}

/// Ids as SQL lists them. Numbers need no quotes.
fn listed(runs: &[RunId]) -> String {
    let ids: Vec<_> = runs.iter().map(|RunId(id)| id.to_string()).collect();
    ids.join(", ")
}

fn files(transaction: &Transaction<'_>, query: &str) -> Result<Vec<(RunId, ArtifactRecord)>, Fault> {
    let mut statement = transaction.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let run = RunId(row.get(0)?);
        files.push((run, history::artifact(run, row)?));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// How SQLite goes about a query.
    fn steps(query: &str) -> String {
        let mut connection = rusqlite::Connection::open_in_memory().expect("memory is there");
        schema::migrate(&mut connection, schema::MIGRATIONS).expect("it is new");
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("it is SQL");
        let rows = statement.query_map([], |row| row.get::<_, String>(3)).expect("it can be asked");
        rows.collect::<Result<Vec<_>, _>>().expect("they are texts").join("; ")
    }

    #[test]
    fn nothing_that_lists_reads_whole_workflows_or_sorts() {
        let ids = steps(&format!("{IDS} WHERE TRUE"));
        assert_eq!(ids, "SCAN runs USING COVERING INDEX runs_by_state");
        let failed = steps(&format!("{IDS} WHERE {}", history::condition(Some(RunState::Failed), &[])));
        assert_eq!(failed, "SEARCH runs USING COVERING INDEX runs_by_state (state=?)");
        let some = steps("SELECT * FROM runs WHERE id IN (1, 2, 3) ORDER BY id DESC");
        assert!(some.contains("SEARCH runs USING INTEGER PRIMARY KEY") && !some.contains("TEMP B-TREE"), "{some}");
        let extent = steps(EXTENT);
        assert!(extent.contains("SCAN runs USING COVERING INDEX") && !extent.contains("SCAN runs;"), "{extent}");
        assert!(!steps(ARTIFACTS).contains("TEMP B-TREE"), "{}", steps(ARTIFACTS));
    }
}
