//! Writes down what happens in a run while it happens, on a thread of its own.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension, TransactionBehavior};

use super::batch::{Batch, End};
use super::change::{self, Cursor, Written};
use super::error::JournalError;
use super::lock::RunLock;
use super::queue::Claim;
use super::types::RunState;
use super::{Fault, Journal, Opened};
use crate::cancel::CancelToken;
use crate::event::{Event, Outcome, RunId};

/// Events that come within this time of each other are written in one transaction.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// No transaction takes more events than this.
const BATCH_EVENTS: usize = 1_000;

/// How often somebody who asked the run to stop is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// What becomes of a run that this process was told to stop. One that was cancelled through the journal is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStopped {
    /// It is cancelled.
    Cancelled,
    /// It goes back to the queue, to its old place.
    BackToTheQueue,
}

/// Writes a run down while it happens. Holds the run's lock until the end is written.
pub struct Recorder {
    thread: JoinHandle<()>,
}

impl Recorder {
    /// Records the events of a claimed run; fires `cancel` when somebody cancels the run through the journal.
    ///
    /// A journal that cannot be written any more is told to `trouble`, once; the run goes on.
    ///
    /// # Errors
    /// No thread can be started. The run then counts as interrupted.
    pub fn start(
        journal: &Journal,
        claim: Claim,
        events: Receiver<Event>,
        cancel: CancelToken,
        when_stopped: WhenStopped,
        trouble: impl FnMut(&JournalError) + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let Claim { run, lock, is_partial, .. } = claim;
        let trouble = Box::new(trouble);
        let journal = journal.clone();
        let (opened, cursor, cancel_requested, broken) = (None, None, false, false);
        let work = Work {
            journal,
            run,
            is_partial,
            cancel,
            when_stopped,
            trouble,
            opened,
            cursor,
            cancel_requested,
            broken,
            lock,
        };
        let thread = thread::Builder::new().name("journal".into()).spawn(move || work.record(&events))?;
        Ok(Recorder { thread })
    }

    /// Waits until the run's end is on disk, or told to be impossible to write. The run must have sent its last event, or
    /// have dropped its end of the channel.
    pub fn finish(self) {
        // A recorder that panicked leaves a run that counts as interrupted; there is nobody to tell more.
        let _ = self.thread.join();
    }
}

struct Work {
    journal: Journal,
    run: RunId,
    is_partial: bool,
    cancel: CancelToken,
    when_stopped: WhenStopped,
    trouble: Box<dyn FnMut(&JournalError) + Send>,
    /// A connection of its own, so that this run waits for no other.
    opened: Option<Opened>,
    cursor: Option<Cursor>,
    cancel_requested: bool,
    /// The journal cannot be written: told, and not tried again until the end.
    broken: bool,
    lock: RunLock,
}

impl Work {
    fn record(mut self, events: &Receiver<Event>) {
        let mut looked = Instant::now();
        loop {
            let mut batch = Batch::default();
            let is_open = self.gather(events, &mut batch);
            if batch.end.is_some() || !is_open {
                return self.end(&batch);
            }
            self.write(&batch);
            if looked.elapsed() >= LOOK {
                self.look();
                looked = Instant::now();
            }
        }
    }

    /// Waits for events, a while, and takes what comes close together. False: none will come any more.
    fn gather(&self, events: &Receiver<Event>, batch: &mut Batch) -> bool {
        let mut deadline = Instant::now() + LOOK;
        while batch.end.is_none() && batch.len() < BATCH_EVENTS {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    if batch.is_empty() {
                        deadline = Instant::now() + BATCH_TIME;
                    }
                    batch.push(self.journal.now(), event);
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    fn write(&mut self, batch: &Batch) {
        if batch.is_empty() || self.broken {
            return;
        }
        let artifacts = change::read_artifacts(batch);
        // That the process may die is what the journal is for, and SQLite's log holds then; that the machine may die is
        // covered at the end of every run, not 50 times a second.
        let written = self.transact(false, |work, transaction| work.write_batch(transaction, batch, &artifacts));
        if let Err(fault) = written {
            self.tell(fault);
        }
    }

    fn write_batch(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        batch: &Batch,
        artifacts: &[Written],
    ) -> Result<Cursor, Fault> {
        let mut cursor = match &self.cursor {
            Some(cursor) => cursor.clone(),
            None => Cursor::after_earlier_attempts(transaction, self.run)?.ok_or_else(|| self.gone())?,
        };
        cursor.write(transaction, self.run, batch, artifacts)?;
        Ok(cursor)
    }

    /// Writes the rest, and how it ended.
    fn end(mut self, batch: &Batch) {
        let end = batch.end;
        if !self.broken {
            self.look();
        }
        let artifacts = change::read_artifacts(batch);
        if !self.broken && self.write_end(Some((batch, &artifacts)), end).is_ok() {
            return;
        }
        // Even a journal with gaps should know how the run ended. That this fails too is no news.
        let _ = self.write_end(None, end);
    }

    fn write_end(&mut self, rest: Option<(&Batch, &[Written])>, end: Option<End>) -> Result<(), ()> {
        let now = self.journal.now();
        let (state, problem) = self.end_state(end);
        let written = self.transact(true, |work, transaction| {
            let cursor = match rest {
                Some((batch, artifacts)) => work.write_batch(transaction, batch, artifacts)?,
                None => work.cursor.clone().unwrap_or_default(),
            };
            change::write_end(transaction, work.run, state, end, problem, now)?;
            work.lock.retire();
            Ok(cursor)
        });
        written.map_err(|fault| {
            if !self.broken {
                self.tell(fault)
            }
        })
    }

    fn end_state(&self, end: Option<End>) -> (RunState, Option<&'static str>) {
        match end.map(|end| end.outcome) {
            Some(Outcome::Completed) if self.is_partial => {
                (RunState::Failed, Some("nodes that are wrong were left out of it"))
            }
            Some(Outcome::Completed) => (RunState::Completed, None),
            Some(Outcome::Failed) => (RunState::Failed, None),
            Some(Outcome::Cancelled) if self.goes_back() => (RunState::Queued, None),
            Some(Outcome::Cancelled) => (RunState::Cancelled, None),
            None => (RunState::Failed, Some("it ended without a word; this is a defect in easel")),
        }
    }

    fn goes_back(&self) -> bool {
        self.when_stopped == WhenStopped::BackToTheQueue && !self.cancel_requested
    }

    /// Looks whether somebody wants the run to stop.
    fn look(&mut self) {
        if self.broken || self.cancel_requested {
            return;
        }
        match self.is_cancel_requested() {
            Ok(false) => {}
            Ok(true) => {
                self.cancel_requested = true;
                self.cancel.cancel();
            }
            Err(fault) => self.tell(fault),
        }
    }

    fn is_cancel_requested(&mut self) -> Result<bool, Fault> {
        let run = self.run.0;
        let connection = self.connection()?;
        let query = "SELECT cancel_requested FROM runs WHERE id = ?1";
        let asked = connection.prepare_cached(query)?.query_row([run], |row| row.get(0)).optional()?;
        Ok(asked.ok_or_else(|| self.gone())?)
    }

    fn connection(&mut self) -> Result<&mut rusqlite::Connection, Fault> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => self.journal.connect()?,
        };
        if opened.is_in_place(&self.journal.0.file) {
            return Ok(&mut self.opened.insert(opened).connection);
        }
        Err(self.gone().into())
    }

    /// The journal that knew this run is no longer there.
    fn gone(&self) -> JournalError {
        let path = self.journal.0.file.clone();
        let (reason, hint) = ("it was removed or replaced while it was in use".into(), None);
        JournalError::Storage { action: "written", path, reason, hint }
    }

    fn transact(
        &mut self,
        durable: bool,
        change: impl FnOnce(&Self, &rusqlite::Transaction<'_>) -> Result<Cursor, Fault>,
    ) -> Result<(), Fault> {
        self.connection()?;
        let Some(mut opened) = self.opened.take() else { return Ok(()) };
        let synchronous = if durable { "FULL" } else { "NORMAL" };
        let whole = || -> Result<Cursor, Fault> {
            opened.connection.pragma_update(None, "synchronous", synchronous)?;
            let transaction = opened.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let cursor = change(self, &transaction)?;
            transaction.commit()?;
            Ok(cursor)
        };
        let result = whole();
        self.opened = Some(opened);
        self.cursor = Some(result?);
        Ok(())
    }

    fn tell(&mut self, fault: Fault) {
        self.broken = true;
        let error = self.journal.error("written", fault);
        (self.trouble)(&error);
    }
}
