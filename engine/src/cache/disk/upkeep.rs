//! Looking after what is on disk: counting, clearing, checking, sweeping.

use std::time::Duration;

use serde::Serialize;

use super::files::{self, Found};
use super::index::{self, Change, Index, Result};
use super::{Disk, Shared, decode};
use crate::cache::frame::{self, Role};
use crate::cache::problem::{CacheProblem, Trouble};
use crate::cache::record;
use crate::value::{DecodeError, Fingerprint};

/// How often a process looks for files that nobody names any more.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 3600);
/// How many rows are looked at or removed as one transaction.
const AT_ONCE: usize = 256;

/// What is on disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiskStats {
    /// Results.
    pub entries: u64,
    /// Values that they name.
    pub values: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Bytes that are kept at the most.
    pub max_bytes: u64,
    /// Nodes that are half done.
    pub states: u64,
    /// Bytes of their states; they are not counted in `bytes`.
    pub state_bytes: u64,
    /// By node type, the one with the most bytes first.
    pub node_types: Vec<NodeTypeStats>,
}

/// What is on disk of one node type.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NodeTypeStats {
    /// Its name.
    pub node_type: String,
    /// Results.
    pub entries: u64,
    /// Bytes of memory that their values take, whoever else names these.
    pub bytes: u64,
    /// Seconds that it took to compute them.
    pub seconds: f64,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// Results.
    pub entries: u64,
    /// Nodes that were half done.
    pub states: u64,
    /// Bytes that are free now.
    pub bytes: u64,
}

/// What was looked at, and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Results.
    pub entries: u64,
    /// Values.
    pub values: u64,
    /// Nodes that are half done.
    pub states: u64,
    /// What is damaged; it was removed.
    pub damaged: Vec<Damage>,
    /// Files that nobody named; they were removed. A process that was killed leaves some.
    pub swept: u64,
}

/// Something that is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What it is.
    pub part: DamagedPart,
    /// How one can tell.
    pub reason: String,
}

/// What can be damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamagedPart {
    /// The database: everything in it is lost.
    Index,
    /// The result under that key.
    Entry(Fingerprint),
    /// The value with that fingerprint.
    Value(Fingerprint),
    /// The half-done work under that key.
    State(Fingerprint),
}

impl Disk {
    /// None if it cannot be read, which is among the problems then.
    pub(in crate::cache) fn stats(&self) -> Option<DiskStats> {
        self.flush();
        let counted = self.upkeep(count).map_err(|problem| self.shared.report(problem));
        let mut stats = counted.ok()?;
        stats.max_bytes = self.shared.settings.max_bytes;
        for state in self.shared.folder.states() {
            stats.states += 1;
            stats.state_bytes += state.bytes;
        }
        Some(stats)
    }

    pub(in crate::cache) fn clear(&self, unused_for: Option<Duration>) -> std::result::Result<Cleared, CacheProblem> {
        self.flush();
        let shared = &self.shared;
        self.upkeep(|index| {
            let before = index.bytes()?;
            let mut cleared = Cleared::default();
            loop {
                let removed = index.change(&shared.folder, |change| clear_some(change, unused_for))?;
                cleared.entries += removed;
                if removed == 0 {
                    break;
                }
            }
            let (states, bytes) = sweep_states(shared, unused_for);
            cleared.states = states;
            cleared.bytes = before.saturating_sub(index.bytes()?) + bytes;
            sweep(shared, index)?;
            index.shrink()?;
            Ok(cleared)
        })
    }

    pub(in crate::cache) fn verify(&self) -> std::result::Result<VerifyReport, CacheProblem> {
        self.flush();
        let shared = &self.shared;
        let mut report = VerifyReport::default();
        let checked = self.upkeep(|index| {
            if let Some(reason) = index.check()? {
                return Ok(Some(reason));
            }
            verify_values(shared, index, &mut report)?;
            verify_entries(shared, index, &mut report)?;
            index.change(&shared.folder, |change| change.recount())?;
            report.swept = sweep(shared, index)?;
            Ok(None)
        });
        let broken = match checked {
            Ok(None) => None,
            Ok(Some(reason)) => Some(reason),
            Err(problem @ CacheProblem::DamagedInUse { .. }) => Some(problem.to_string()),
            Err(problem) => return Err(problem),
        };
        if let Some(reason) = broken {
            // Nobody can tell what in it is right. It is moved aside by the next process that opens it.
            shared.suspect();
            report.damaged.push(Damage { part: DamagedPart::Index, reason });
        }
        verify_states(shared, &mut report);
        Ok(report)
    }

    /// Works on a connection of its own: those of the run are not held up.
    fn upkeep<T>(&self, work: impl FnOnce(&Index) -> Result<T>) -> std::result::Result<T, CacheProblem> {
        let folder = &self.shared.folder;
        let done = Index::open(folder, self.shared.settings.lock_patience).and_then(|index| work(&index));
        done.map_err(|error| match Trouble::of(&error) {
            Trouble::Busy => CacheProblem::Locked { folder: folder.root.clone() },
            Trouble::Damaged => CacheProblem::DamagedInUse { folder: folder.root.clone() },
            Trouble::System => CacheProblem::Unwritable { folder: folder.root.clone(), reason: error.to_string() },
        })
    }
}

fn count(index: &Index) -> Result<DiskStats> {
    let one = |query| index.rows(query, [], |row| unsigned(row, 0)).map(|rows| rows.first().copied().unwrap_or(0));
    let node_types = index.rows(
        "SELECT node_type, count(*), sum(bytes), sum(cost) FROM entries GROUP BY node_type ORDER BY 3 DESC, 1",
        [],
        |row| {
            Ok(NodeTypeStats {
                node_type: row.get(0)?,
                entries: unsigned(row, 1)?,
                bytes: unsigned(row, 2)?,
                seconds: Duration::from_nanos(unsigned(row, 3)?).as_secs_f64(),
            })
        },
    )?;
    Ok(DiskStats {
        entries: one("SELECT count(*) FROM entries")?,
        values: one("SELECT count(*) FROM blobs")?,
        bytes: index.bytes()?,
        node_types,
        ..DiskStats::default()
    })
}

fn unsigned(row: &rusqlite::Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0))
}

/// Removes some of what was not used for that long, or of everything; how many entries. A use in the future, after the
/// clock was set back, is none that is long ago.
fn clear_some(change: &mut Change<'_>, unused_for: Option<Duration>) -> Result<u64> {
    let latest = match unused_for {
        None => i64::MAX,
        Some(age) => index::now().saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX)),
    };
    let ids = change.ids("SELECT id FROM entries WHERE used_at <= ?1 LIMIT ?2", [latest, AT_ONCE as i64])?;
    for id in &ids {
        change.remove_entry(*id)?;
    }
    Ok(ids.len() as u64)
}

/// Removes half-done work that was not touched for that long, or all of it; how many files, of how many bytes.
pub(super) fn sweep_states(shared: &Shared, untouched_for: Option<Duration>) -> (u64, u64) {
    let is_old = |found: &Found| untouched_for.is_none_or(|age| found.age >= age);
    let removed = shared.folder.states().into_iter().filter(is_old).filter(|found| files::remove(&found.path).is_ok());
    removed.fold((0, 0), |(count, bytes), found| (count + 1, bytes + found.bytes))
}

/// Once a day, whoever comes first.
pub(super) fn sweep_if_due(shared: &Shared, index: &Index) -> Result<()> {
    if index.last_sweep()?.is_none_or(|age| age >= SWEEP_EVERY) {
        sweep_states(shared, Some(shared.settings.state_age));
        sweep(shared, index)?;
    }
    Ok(())
}

/// Removes files that nobody names; how many.
fn sweep(shared: &Shared, index: &Index) -> Result<u64> {
    let mut removed = shared.folder.sweep_temporary();
    for found in shared.folder.blob_folders() {
        removed += index.remove_unnamed(found.into_iter().filter_map(|found| Some((found.name?, found.path))))?;
    }
    index.change(&shared.folder, |change| change.note_sweep(index::now()))?;
    Ok(removed as u64)
}

fn verify_values(shared: &Shared, index: &Index, report: &mut VerifyReport) -> Result<()> {
    let mut last = i64::MIN;
    loop {
        let query = "SELECT id, fingerprint FROM blobs WHERE id > ?1 ORDER BY id LIMIT ?2";
        let rows = index.rows(query, [last, AT_ONCE as i64], |row| Ok((row.get(0)?, row.get::<_, [u8; 32]>(1)?)))?;
        let Some((id, _)) = rows.last() else { return Ok(()) };
        last = *id;
        for fingerprint in rows.into_iter().map(|(_, bytes)| Fingerprint(bytes)) {
            report.values += 1;
            if check_value(shared, index, &fingerprint)?.is_ok() {
                continue;
            }
            // Once more, with nobody else writing: it may have been removed or replaced meanwhile.
            let damage = index.change(&shared.folder, |change| {
                let damage = check_value(shared, index, &fingerprint)?.err();
                if damage.is_some() {
                    change.remove_blob(&fingerprint)?;
                }
                Ok(damage)
            })?;
            let damage =
                damage.map(|error| Damage { part: DamagedPart::Value(fingerprint), reason: error.to_string() });
            report.damaged.extend(damage);
        }
    }
}

/// Whether a value is whole, or gone.
fn check_value(
    shared: &Shared,
    index: &Index,
    fingerprint: &Fingerprint,
) -> Result<std::result::Result<(), DecodeError>> {
    let Some(content) = index.blob(fingerprint)? else { return Ok(Ok(())) };
    let Some(bytes) = shared.bytes_of(fingerprint, content) else {
        return Ok(Err(DecodeError::new("its file is missing, cannot be read or is too long")));
    };
    let registry = &shared.settings.registry;
    Ok(frame::unwrap(Role::Value, fingerprint, &bytes).and_then(|(kind, _)| match registry.kind(kind) {
        Some(kind) => decode(fingerprint, kind, &bytes, registry).map(|_| ()),
        // Of another program; the checksum has to do.
        None => Ok(()),
    }))
}

fn verify_entries(shared: &Shared, index: &Index, report: &mut VerifyReport) -> Result<()> {
    let mut last = i64::MIN;
    loop {
        let query = "SELECT id, key, record FROM entries WHERE id > ?1 ORDER BY id LIMIT ?2";
        let rows = index.rows(query, [last, AT_ONCE as i64], |row| {
            Ok((row.get::<_, i64>(0)?, Fingerprint(row.get(1)?), row.get::<_, Vec<u8>>(2)?))
        })?;
        let Some((id, ..)) = rows.last() else { return Ok(()) };
        last = *id;
        for (id, key, record) in rows {
            report.entries += 1;
            let Err(error) = check_entry(shared, index, &key, &record)? else { continue };
            index.change(&shared.folder, |change| change.remove_entry(id))?;
            report.damaged.push(Damage { part: DamagedPart::Entry(key), reason: error.to_string() });
        }
    }
}

fn check_entry(
    shared: &Shared,
    index: &Index,
    key: &Fingerprint,
    record: &[u8],
) -> Result<std::result::Result<(), DecodeError>> {
    let registry = &shared.settings.registry;
    let kept = frame::unwrap(Role::Entry, key, record).and_then(|(_, payload)| record::decode(payload, registry));
    let kept = match kept {
        Ok(Some(kept)) => kept,
        Ok(None) => return Ok(Ok(())),
        Err(error) => return Ok(Err(error)),
    };
    for (_, fingerprint) in kept.entry.values() {
        // Values come before entries, and both in one transaction.
        if index.blob(&fingerprint)?.is_none() && index.record(key)?.is_some_and(|now| now == record) {
            return Ok(Err(DecodeError::new(format!("its value {fingerprint} is missing"))));
        }
    }
    Ok(Ok(()))
}

fn verify_states(shared: &Shared, report: &mut VerifyReport) {
    for state in shared.folder.states() {
        report.states += 1;
        let damaged = |reason: &str| Damage {
            part: DamagedPart::State(state.name.unwrap_or(Fingerprint([0; 32]))),
            reason: reason.into(),
        };
        let Some(key) = state.name else {
            report.damaged.push(damaged("its name is not that of a key"));
            let _ = files::remove(&state.path);
            continue;
        };
        let whole =
            files::read(&state.path, u64::MAX).map(|bytes| frame::unwrap(Role::State, &key, &bytes).map(|_| ()));
        if let Some(Err(error)) = whole {
            report.damaged.push(damaged(&error.to_string()));
            let _ = files::remove(&state.path);
        }
    }
}
