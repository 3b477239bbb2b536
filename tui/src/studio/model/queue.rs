//! What waits to be run, and who carries it out.

use easel_engine::{RunId, RunState, RunSummary};

use crate::gist::Gist;

/// The queue of the journal, as it is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// What is carried out, then what waits, in order; or why that is not known. None yet while it is read.
    pub(crate) page: Option<Result<Vec<QueueRow>, String>>,
    /// Which of them the cursor is on.
    pub(crate) at: usize,
    /// This process carries out what waits, one after another.
    pub(crate) drains: bool,
    /// This process asked for the next, and has not heard what came of it.
    pub(crate) claims: bool,
    /// Nothing was left when it asked; what the list says since may be older than that.
    pub(crate) was_empty: bool,
    /// So many of its runs in a row could not even be carried out.
    pub(crate) faults: u8,
    /// The run of the queue that this process carries out.
    pub(crate) ours: Option<RunId>,
}

/// A run in the queue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueueRow {
    /// What the journal says.
    pub(crate) summary: RunSummary,
    /// What it is about.
    pub(crate) gist: Gist,
}

impl QueueRow {
    /// Whether somebody carries it out.
    pub(crate) fn is_running(&self) -> bool {
        self.summary.state == RunState::Running
    }
}

impl Queue {
    /// What is carried out, then what waits.
    pub(crate) fn rows(&self) -> &[QueueRow] {
        match &self.page {
            Some(Ok(rows)) => rows,
            _ => &[],
        }
    }

    /// The run with the cursor.
    pub(crate) fn chosen(&self) -> Option<&QueueRow> {
        self.rows().get(self.at)
    }

    /// How many are carried out, and how many wait.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let running = self.rows().iter().filter(|row| row.is_running()).count();
        (running, self.rows().len() - running)
    }

    /// Whether this process should ask for the next.
    pub(crate) fn wants_next(&self) -> bool {
        self.drains && !self.claims && !self.was_empty && self.counts().1 > 0
    }
}
