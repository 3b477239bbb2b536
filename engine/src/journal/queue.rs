//! Who carries out what: new runs, the queue, and runs that are taken up again.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};

use super::error::JournalError;
use super::history;
use super::job::Job;
use super::lock::RunLock;
use super::paths;
use super::prune;
use super::types::{Cancelled, Place, RunState, RunSummary};
use super::{Fault, Journal};
use crate::event::RunId;

/// A run that this process carries out: nobody else does while this is held.
#[derive(Debug)]
pub struct Claim {
    pub(super) run: RunId,
    pub(super) job: Job,
    pub(super) lock: RunLock,
    /// Something of the job is wrong and was left out.
    pub(super) is_partial: bool,
}

impl Claim {
    /// The run.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// What to run and how.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Nodes that are wrong were left out of it: whatever becomes of the others, it has failed.
    pub fn without_what_is_wrong(mut self) -> Self {
        self.is_partial = true;
        self
    }
}

impl Journal {
    /// Writes down a run that begins now, past the queue.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn begin(&self, job: &Job) -> Result<Claim, JournalError> {
        let (now, job) = (self.now(), job.absolute());
        self.write(|transaction| {
            prune::prune_some(transaction, self.0.setup.retention)?;
            let run = insert(transaction, &job, RunState::Running, None, now)?;
            transaction.execute("UPDATE runs SET started = ?2, attempts = 1 WHERE id = ?1", params![run.0, now])?;
            let lock = RunLock::try_take(self.folder(), run)?;
            // The id is new; only a file that somebody put there could be locked.
            let lock = lock.ok_or(refused(run, RunState::Running, "is locked by another process"))?;
            Ok(Claim { run, job, lock, is_partial: false })
        })
    }

    /// Puts a job at the end of the queue.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn enqueue(&self, job: &Job, priority: i64) -> Result<RunId, JournalError> {
        let now = self.now();
        self.write(|transaction| {
            let position = last_position(transaction, priority)?.map_or(0, |last| last.saturating_add(1));
            insert(transaction, &job.absolute(), RunState::Queued, Some((priority, position)), now)
        })
    }

    /// Takes the next run of the queue: the first by priority, then by position. One that was interrupted has kept its
    /// place. None: the queue is empty, or others carry out what is left of it.
    ///
    /// # Errors
    /// The journal cannot be read or written.
    pub fn claim(&self) -> Result<Option<Claim>, JournalError> {
        let now = self.now();
        self.write(|transaction| {
            for (run, was_cancelled) in waiting(transaction)? {
                let Some(lock) = RunLock::try_take(self.folder(), run)? else { continue };
                if was_cancelled {
                    end(transaction, run, RunState::Cancelled, None, now)?;
                    lock.retire();
                    continue;
                }
                match load_job(transaction, run) {
                    Ok(job) => {
                        // Whatever waits, like this one, is not forgotten.
                        prune::prune_some(transaction, self.0.setup.retention)?;
                        start(transaction, run, now)?;
                        return Ok(Some(Claim { run, job, lock, is_partial: false }));
                    }
                    // It must not bar the way for the others.
                    Err(Fault::Journal(error)) => {
                        end(transaction, run, RunState::Failed, Some(&error.to_string()), now)?;
                        lock.retire();
                    }
                    Err(fault) => return Err(fault),
                }
            }
            Ok(None)
        })
    }

    /// Takes up a run that was interrupted, failed or was cancelled.
    ///
    /// # Errors
    /// There is no such run, or it is none of these; the journal cannot be read or written.
    pub fn resume(&self, run: RunId) -> Result<Claim, JournalError> {
        let now = self.now();
        self.write(|transaction| {
            let refusal = match history::state(transaction, self.folder(), run)? {
                RunState::Interrupted | RunState::Failed | RunState::Cancelled => None,
                state @ RunState::Queued => Some((state, "waits in the queue: it has not begun")),
                state @ RunState::Running => Some((state, "is being carried out by another process")),
                state @ RunState::Completed => Some((state, "is complete: there is nothing left to do")),
            };
            if let Some((state, refusal)) = refusal {
                return Err(refused(run, state, refusal).into());
            }
            let lock = RunLock::try_take(self.folder(), run)?;
            let lock = lock.ok_or(refused(run, RunState::Running, "is being carried out by another process"))?;
            let job = load_job(transaction, run)?;
            start(transaction, run, now)?;
            Ok(Claim { run, job, lock, is_partial: false })
        })
    }

    /// Says that a claimed run cannot be carried out, and why.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn give_up(&self, claim: Claim, problem: &str) -> Result<(), JournalError> {
        let now = self.now();
        self.write(|transaction| {
            end(transaction, claim.run, RunState::Failed, Some(problem), now)?;
            claim.lock.retire();
            Ok(())
        })
    }

    /// Cancels a run, wherever it is. A run that ends before it notices has ended.
    ///
    /// # Errors
    /// There is no such run; the journal cannot be written.
    pub fn cancel(&self, run: RunId) -> Result<Cancelled, JournalError> {
        let now = self.now();
        self.write(|transaction| {
            let state = history::state(transaction, self.folder(), run)?;
            match state {
                RunState::Queued | RunState::Interrupted => {
                    end(transaction, run, RunState::Cancelled, None, now)?;
                    Ok(Cancelled::AtOnce)
                }
                RunState::Running => {
                    transaction.execute("UPDATE runs SET cancel_requested = 1 WHERE id = ?1", [run.0])?;
                    Ok(Cancelled::Asked)
                }
                RunState::Completed | RunState::Failed | RunState::Cancelled => Ok(Cancelled::TooLate(state)),
            }
        })
    }

    /// Cancels every run that is not over: what came of each.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn cancel_all(&self) -> Result<Vec<(RunId, Cancelled)>, JournalError> {
        let open: Vec<RunId> = self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT id FROM runs WHERE state IN ('queued', 'running') ORDER BY id")?;
            let rows = statement.query_map([], |row| row.get(0).map(RunId))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        open.into_iter().map(|run| Ok((run, self.cancel(run)?))).collect()
    }

    /// What waits in the queue, in order; runs that were interrupted on their way are in their old places.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn queue(&self) -> Result<Vec<RunSummary>, JournalError> {
        self.read(|transaction| {
            let all = history::summaries(
                transaction,
                self.folder(),
                "WHERE state = 'queued' OR (state = 'running' AND position IS NOT NULL)
                 ORDER BY priority DESC, position, id",
                [],
            )?;
            Ok(all.into_iter().filter(|run| run.state != RunState::Running).collect())
        })
    }

    /// Takes a run out of the queue, as if it had never been there.
    ///
    /// # Errors
    /// There is no such run, or it does not wait in the queue; the journal cannot be written.
    pub fn remove(&self, run: RunId) -> Result<(), JournalError> {
        self.write(|transaction| {
            must_be_queued(transaction, self, run)?;
            transaction.execute("DELETE FROM runs WHERE id = ?1", [run.0])?;
            Ok(())
        })
    }

    /// Takes all runs that wait out of the queue. How many there were.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn clear(&self) -> Result<usize, JournalError> {
        self.write(|transaction| Ok(transaction.execute("DELETE FROM runs WHERE state = 'queued'", [])?))
    }

    /// Moves a waiting run to another place in the queue.
    ///
    /// # Errors
    /// There is no such run, or it does not wait in the queue; the journal cannot be written.
    pub fn move_to(&self, run: RunId, place: Place) -> Result<(), JournalError> {
        self.write(|transaction| {
            must_be_queued(transaction, self, run)?;
            let edge = |order: &str| {
                let query = format!(
                    "SELECT priority, position FROM runs WHERE state = 'queued' AND id != ?1 ORDER BY {order} LIMIT 1"
                );
                transaction.query_row(&query, [run.0], pair).optional()
            };
            let (priority, position) = match place {
                Place::Front => match edge("priority DESC, position, id")? {
                    Some((priority, first)) => (priority, first.saturating_sub(1)),
                    None => return Ok(()),
                },
                Place::Back => match edge("priority, position DESC, id DESC")? {
                    Some((priority, last)) => (priority, last.saturating_add(1)),
                    None => return Ok(()),
                },
                Place::Before(other) if other == run => return Ok(()),
                Place::Before(other) => {
                    must_be_queued(transaction, self, other)?;
                    let query = "SELECT priority, position FROM runs WHERE id = ?1";
                    let (priority, position) = transaction.query_row(query, [other.0], pair)?;
                    // Positions need not follow each other, only differ.
                    transaction.execute(
                        "UPDATE runs SET position = position + 1 WHERE priority = ?1 AND position >= ?2",
                        params![priority, position],
                    )?;
                    (priority, position)
                }
            };
            let change = "UPDATE runs SET priority = ?2, position = ?3 WHERE id = ?1";
            transaction.execute(change, params![run.0, priority, position])?;
            Ok(())
        })
    }
}

/// The runs that may be claimed, best first, and whether each was asked to stop before it was interrupted.
pub(super) fn waiting(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(RunId, bool)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, state = 'running' AND cancel_requested FROM runs
         WHERE state = 'queued' OR (state = 'running' AND position IS NOT NULL)
         ORDER BY priority DESC, position, id",
    )?;
    statement.query_map([], |row| Ok((RunId(row.get(0)?), row.get(1)?)))?.collect()
}

fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn refused(run: RunId, state: RunState, refusal: &'static str) -> JournalError {
    JournalError::WrongState { run, state, refusal }
}

pub(super) fn must_be_queued(transaction: &Transaction<'_>, journal: &Journal, run: RunId) -> Result<(), Fault> {
    let state = history::state(transaction, journal.folder(), run)?;
    let refusal = match state {
        RunState::Queued => return Ok(()),
        RunState::Running => "has left the queue: it is being carried out",
        RunState::Interrupted => "has left the queue: it was begun, and interrupted",
        _ => "has left the queue: it is over",
    };
    Err(refused(run, state, refusal).into())
}

pub(super) fn last_position(transaction: &Transaction<'_>, priority: i64) -> rusqlite::Result<Option<i64>> {
    let query = "SELECT max(position) FROM runs WHERE priority = ?1";
    transaction.query_row(query, [priority], |row| row.get(0))
}

fn insert(
    transaction: &Transaction<'_>,
    job: &Job,
    state: RunState,
    place: Option<(i64, i64)>,
    now: i64,
) -> Result<RunId, Fault> {
    transaction.execute(
        "INSERT INTO runs (state, priority, position, created, workflow_name, workflow_path, workflow, settings)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            state.name(),
            place.map_or(0, |(priority, _)| priority),
            place.map(|(_, position)| position),
            now,
            job.source.name,
            job.source.path.as_deref().map(paths::to_column),
            &*job.source.text,
            job.encode(),
        ],
    )?;
    let id = transaction.last_insert_rowid();
    let mut files = transaction.prepare_cached("INSERT OR REPLACE INTO files (run, path, text) VALUES (?1, ?2, ?3)")?;
    for (path, text) in &job.files {
        files.execute(params![id, paths::to_column(path), &**text])?;
    }
    let run = u64::try_from(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, id))?;
    Ok(RunId(run))
}

fn start(transaction: &Transaction<'_>, run: RunId, now: i64) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE runs SET state = 'running', started = ?2, finished = NULL, seconds = NULL, problem = NULL,
             attempts = attempts + 1, cancel_requested = 0
         WHERE id = ?1",
        params![run.0, now],
    )?;
    Ok(())
}

fn end(
    transaction: &Transaction<'_>,
    run: RunId,
    state: RunState,
    problem: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE runs SET state = ?2, problem = ?3, finished = ?4 WHERE id = ?1",
        params![run.0, state.name(), problem, now],
    )?;
    Ok(())
}

/// What a run was to do. What makes no sense is an error of the journal, not of SQLite.
pub(super) fn load_job(transaction: &Transaction<'_>, run: RunId) -> Result<Job, Fault> {
    let damaged = |what: String| Fault::Journal(JournalError::Damaged { run: run.0, what });
    let row = transaction.query_row(
        "SELECT workflow_name, workflow_path, workflow, settings FROM runs WHERE id = ?1",
        [run.0],
        |row| Ok((row.get(0), row.get_ref(1).map(paths::of_column), row.get::<_, String>(2), row.get::<_, String>(3))),
    );
    let (name, path, text, settings) = row?;
    let unreadable = |error: rusqlite::Error| damaged(format!("it cannot be read: {error}"));
    let source = crate::source::Source {
        name: name.map_err(unreadable)?,
        path: path.map_err(unreadable)?,
        text: text.map_err(unreadable)?.into(),
    };
    let (settings, options) = Job::decode(&settings.map_err(unreadable)?).map_err(damaged)?;
    let mut statement = transaction.prepare_cached("SELECT path, text FROM files WHERE run = ?1 ORDER BY path")?;
    let mut rows = statement.query([run.0])?;
    let mut files: Vec<(PathBuf, Arc<str>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let path = paths::of_column(row.get_ref(0)?).ok_or_else(|| damaged("a file of it has no path".into()))?;
        files.push((path, row.get::<_, String>(1).map_err(unreadable)?.into()));
    }
    Ok(Job { source, files, settings, options })
}
