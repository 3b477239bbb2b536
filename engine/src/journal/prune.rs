//! How much history is kept. No clock has a say in it: what is oldest is what has the lowest id.

use rusqlite::Transaction;

use super::error::JournalError;
use super::{Fault, Journal};

/// How many runs are forgotten when one begins, at the most: nobody should wait for that.
const AT_A_BEGINNING: u64 = 16;

/// How many are forgotten in one transaction: others want to write, too.
const AT_ONCE: u64 = 64;

/// So many of those that ended last stay, however much room is taken: it may be others, that cannot go, that take it.
const ALWAYS_KEPT: u64 = 24;

/// How much of its history a journal keeps. What goes are the oldest runs that are over, with their events; never one that
/// waits, is carried out or was interrupted, and never a file that a run wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// So many runs that are over.
    pub runs: u64,
    /// Bytes of everything in the journal. The newest two dozen runs stay nevertheless.
    pub bytes: u64,
}

/// A thousand runs, and half a GiB.
impl Default for Retention {
    fn default() -> Self {
        Retention { runs: 1_000, bytes: 512 << 20 }
    }
}

impl Journal {
    /// Forgets what goes beyond this, and gives the room back to the disk. How many runs that were.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn prune(&self, keep: Retention) -> Result<u64, JournalError> {
        let mut forgotten = 0;
        loop {
            match self.write(|transaction| prune(transaction, keep, AT_ONCE))? {
                0 => break,
                some => forgotten += some,
            }
        }
        if forgotten > 0 {
            self.shrink();
        }
        Ok(forgotten)
    }

    /// Best effort: room that stays with the journal is used for what comes.
    fn shrink(&self) {
        let opened = self.0.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = opened.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    }
}

/// Forgets a few when a run begins.
pub(super) fn prune_some(transaction: &Transaction<'_>, keep: Retention) -> Result<(), Fault> {
    prune(transaction, keep, AT_A_BEGINNING).map(drop)
}

/// Forgets up to `most` runs beyond what is kept; how many that were.
fn prune(transaction: &Transaction<'_>, keep: Retention, most: u64) -> Result<u64, Fault> {
    let count = "SELECT count(*) FROM runs WHERE state IN ('completed', 'failed', 'cancelled')";
    let over: u64 = transaction.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    let mut forgotten = delete_oldest(transaction, over.saturating_sub(keep.runs).min(most))?;
    let mut taken = bytes(transaction)?;
    while forgotten < most && taken > keep.bytes && over.saturating_sub(forgotten) > ALWAYS_KEPT {
        forgotten += delete_oldest(transaction, 1)?;
        let before = std::mem::replace(&mut taken, bytes(transaction)?);
        // Too small to make a difference: the next time, another.
        if taken >= before {
            break;
        }
    }
    Ok(forgotten)
}

fn delete_oldest(transaction: &Transaction<'_>, count: u64) -> Result<u64, Fault> {
    if count == 0 {
        return Ok(0);
    }
    let mut statement = transaction.prepare_cached(
        "DELETE FROM runs WHERE id IN
             (SELECT id FROM runs WHERE state IN ('completed', 'failed', 'cancelled') ORDER BY id LIMIT ?1)",
    )?;
    Ok(statement.execute([i64::try_from(count).unwrap_or(i64::MAX)])? as u64)
}

/// Bytes in use.
fn bytes(transaction: &Transaction<'_>) -> Result<u64, Fault> {
    let number = |pragma: &str| transaction.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u64>(0));
    Ok(number("page_count")?.saturating_sub(number("freelist_count")?).saturating_mul(number("page_size")?))
}
