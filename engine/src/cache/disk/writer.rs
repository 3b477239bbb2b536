//! The thread that writes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::files::{self, Temporary};
use super::index::{Change, Index, NewEntry};
use super::{SMALL, Shared, index, upkeep};
use crate::cache::entry::Kept;
use crate::cache::frame::{self, Role};
use crate::cache::problem::{CacheProblem, Trouble};
use crate::cache::record;
use crate::guard;
use crate::value::{Fingerprint, Value};

/// How long the first of a batch waits for others: a transaction costs as much as some twenty entries.
const LINGER: Duration = Duration::from_millis(20);
/// How many entries are removed as one transaction: other processes may want to write too.
const EVICTED_AT_ONCE: usize = 256;

/// What there is to write.
pub(super) enum Job {
    Keep {
        key: Fingerprint,
        kept: Arc<Kept>,
        values: Vec<Value>,
    },
    /// An entry was used.
    Touch(Fingerprint),
    Forget(Fingerprint),
    /// A value could not be read.
    Damaged(Fingerprint),
}

/// A job with everything done that can be done before the database is locked.
enum Ready {
    Keep { key: Fingerprint, kept: Arc<Kept>, record: Vec<u8>, blobs: Vec<(Fingerprint, Option<Blob>)> },
    Touch(Fingerprint),
    Forget(Fingerprint),
    Remove(Fingerprint),
}

enum Blob {
    Inline(Vec<u8>),
    File(Temporary, u64),
}

#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Index(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] std::io::Error),
}

/// Writes until there is nobody any more who could give anything to write.
pub(super) fn run(shared: &Shared, index: &Index) {
    carry_out(shared, || upkeep::sweep_if_due(shared, index).map_err(WriteError::from));
    while let Some(batch) = shared.queue.take(LINGER) {
        let (count, bytes) = (batch.items.len(), batch.bytes());
        let mut written = HashSet::new();
        if shared.is_writable.load(Ordering::Relaxed) {
            carry_out(shared, || write(shared, index, batch.items, &mut written));
        }
        for key in written {
            // Whoever finds it nevertheless goes on from it, to the same end.
            let _ = files::remove(&shared.folder.state(&key));
        }
        shared.queue.finish(count, bytes);
    }
    shared.queue.abandon();
}

/// Whatever goes wrong is the end of writing, and of nothing else.
fn carry_out(shared: &Shared, work: impl FnOnce() -> Result<(), WriteError>) {
    match guard::catch(work) {
        Ok(Ok(())) => {}
        Ok(Err(WriteError::Index(error))) => match Trouble::of(&error) {
            Trouble::Busy => {
                shared.is_writable.store(false, Ordering::Relaxed);
                shared.report(CacheProblem::Locked { folder: shared.folder.root.clone() });
            }
            Trouble::Damaged => shared.give_up(&error),
            Trouble::System => shared.cannot_write(error),
        },
        Ok(Err(WriteError::File(error))) => shared.cannot_write(error),
        Err(panic) => shared.cannot_write(panic),
    }
}

/// Writes a batch; `written` are the keys of its entries afterwards.
fn write(
    shared: &Shared,
    index: &Index,
    mut jobs: Vec<Job>,
    written: &mut HashSet<Fingerprint>,
) -> Result<(), WriteError> {
    // Damage is of what is on disk already. It goes first: what was computed anew since then is in the same batch.
    jobs.sort_by_key(|job| !matches!(job, Job::Damaged(_)));
    let mut ready = Vec::new();
    let mut there = There::default();
    let mut failure = None;
    for job in jobs {
        match prepare(shared, index, job, &mut there) {
            Ok(job) => ready.extend(job),
            Err(error) => {
                // What came before it is written nevertheless.
                failure = Some(error);
                break;
            }
        }
    }
    let keys: Vec<_> = ready.iter().filter_map(Ready::kept_key).collect();
    index.change(&shared.folder, |change| {
        for ready in ready {
            if let Err(error) = apply(change, ready)? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    })??;
    written.extend(keys);
    evict(shared, index)?;
    failure.map_or(Ok(()), Err)
}

impl Ready {
    fn kept_key(&self) -> Option<Fingerprint> {
        match self {
            Ready::Keep { key, .. } => Some(*key),
            _ => None,
        }
    }
}

/// What need not be encoded, since it will be there when it is its turn to be written.
#[derive(Default)]
struct There {
    /// Values that the batch holds, or that were found on disk.
    values: HashSet<Fingerprint>,
    /// Under which the batch keeps something.
    keys: HashSet<Fingerprint>,
    /// Something of the batch removes entries, and with them values that nobody else names: what is on disk now need not
    /// be there then.
    is_unsure: bool,
}

impl There {
    fn removed(&mut self) {
        self.values.clear();
        self.is_unsure = true;
    }

    fn has(&mut self, shared: &Shared, index: &Index, fingerprint: &Fingerprint) -> index::Result<bool> {
        let was_there = !self.values.insert(*fingerprint);
        Ok(was_there || (!self.is_unsure && index.has_blob(&shared.folder, fingerprint)?))
    }
}

/// None if there is nothing to do after all.
fn prepare(shared: &Shared, index: &Index, job: Job, there: &mut There) -> Result<Option<Ready>, WriteError> {
    Ok(match job {
        Job::Touch(key) => Some(Ready::Touch(key)),
        Job::Forget(key) => {
            there.removed();
            Some(Ready::Forget(key))
        }
        // Another process may have written it anew meanwhile.
        Job::Damaged(fingerprint) => {
            let content = index.blob(&fingerprint)?.and_then(|content| shared.bytes_of(&fingerprint, content));
            let is_whole = content.is_some_and(|bytes| frame::unwrap(Role::Value, &fingerprint, &bytes).is_ok());
            if !is_whole {
                there.removed();
            }
            (!is_whole).then_some(Ready::Remove(fingerprint))
        }
        Job::Keep { key, kept, values } => {
            let mut is_encoded = true;
            let record = frame::wrap(Role::Entry, &key, "", |encoder| is_encoded = record::encode(&kept, encoder));
            if !is_encoded {
                return Ok(None);
            }
            let mut blobs = Vec::new();
            for value in &values {
                let Some(fingerprint) = value.fingerprint() else { return Ok(None) };
                let is_there = there.has(shared, index, &fingerprint)?;
                let blob = if is_there { None } else { Some(encode(shared, &fingerprint, value)?) };
                blobs.push((fingerprint, blob));
            }
            // What it takes the place of may have been the last to name its values; its own will be there.
            if !there.keys.insert(key) || index.has_entry(&key)? {
                there.removed();
                there.values.extend(blobs.iter().map(|(fingerprint, _)| *fingerprint));
            }
            Some(Ready::Keep { key, kept, record, blobs })
        }
    })
}

fn encode(shared: &Shared, fingerprint: &Fingerprint, value: &Value) -> Result<Blob, WriteError> {
    let bytes = frame::wrap(Role::Value, fingerprint, &value.kind().to_string(), |encoder| value.encode_into(encoder));
    let length = bytes.len() as u64;
    if length <= SMALL {
        return Ok(Blob::Inline(bytes));
    }
    Ok(Blob::File(shared.folder.write_temporary(&bytes)?, length))
}

fn apply(change: &mut Change<'_>, ready: Ready) -> index::Result<std::io::Result<()>> {
    match ready {
        Ready::Touch(key) => change.touch(&key)?,
        Ready::Forget(key) => change.remove_key(&key)?,
        Ready::Remove(fingerprint) => change.remove_blob(&fingerprint)?,
        Ready::Keep { key, kept, record, blobs } => {
            let mut ids = Vec::new();
            for (fingerprint, blob) in blobs {
                match add_blob(change, &fingerprint, blob)? {
                    Ok(Some(id)) => ids.push(id),
                    // Another process removed it since it was looked for. Rare, and the result is merely not kept.
                    Ok(None) => return Ok(Ok(())),
                    Err(error) => return Ok(Err(error)),
                }
            }
            let (node_type, cost) = (&*kept.entry.node_type, kept.entry.cost);
            let entry = NewEntry { key, record: &record, node_type, bytes: kept.full_size(), cost };
            change.put_entry(&entry, &ids)?;
        }
    }
    Ok(Ok(()))
}

/// The id of a blob, which is added if it is not there; none if that cannot be.
fn add_blob(
    change: &mut Change<'_>,
    fingerprint: &Fingerprint,
    blob: Option<Blob>,
) -> index::Result<std::io::Result<Option<i64>>> {
    match change.blob_id(fingerprint)? {
        Some((id, true)) => return Ok(Ok(Some(id))),
        // Its file is gone or cut off.
        Some((_, false)) => change.remove_blob(fingerprint)?,
        None => {}
    }
    Ok(match blob {
        None => Ok(None),
        Some(Blob::Inline(bytes)) => change.add_inline(fingerprint, &bytes).map(Some).map(Ok)?,
        Some(Blob::File(file, bytes)) => change.add_file(fingerprint, file, bytes)?.map(Some),
    })
}

/// Makes room, and somewhat more than needed, so that it need not be made for every batch.
fn evict(shared: &Shared, index: &Index) -> index::Result<()> {
    let most = shared.settings.max_bytes;
    if index.bytes()? <= most {
        return Ok(());
    }
    let goal = most - most / 10;
    while !index.change(&shared.folder, |change| change.evict(goal, EVICTED_AT_ONCE))? {}
    upkeep::sweep_states(shared, Some(shared.settings.state_age));
    Ok(())
}
