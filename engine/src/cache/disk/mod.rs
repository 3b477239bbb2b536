//! The tier on disk, shared by all processes.
//!
//! Entries and small values are in a database, large values are files named by their fingerprints. Everything is checked
//! when it is read; what is damaged or missing is forgotten and counts as never kept. Writing is done by a thread of
//! its own, which takes what has come together in the meantime as one transaction. That something cannot be read or
//! written never fails a run: the tier gives up, and says so once.

mod files;
mod index;
mod open;
pub mod queue;
mod states;
mod upkeep;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use files::Folder;
use index::{Content, Index};
use queue::Queue;
pub(super) use states::States;
pub use upkeep::{Cleared, Damage, DamagedPart, DiskStats, NodeTypeStats, VerifyReport};
use writer::Job;

use super::entry::Kept;
use super::frame::{self, Role};
use super::problem::{CacheProblem, Trouble};
use super::record;
use crate::registry::Registry;
use crate::value::{DecodeError, Fingerprint, Kind, Value};

/// What takes less is computed again sooner than it is read.
const WORTH_KEEPING: Duration = Duration::from_millis(1);
/// What is smaller costs so little that it is kept however quickly it was computed: after a crash, it is done.
const SMALL: u64 = 16 << 10;
/// A disk that hangs must not hang a run: after that long, a result is left out.
const PATIENCE: Duration = Duration::from_secs(10);

/// How results are kept on disk.
#[derive(Clone)]
pub struct DiskSettings {
    registry: Registry,
    max_bytes: u64,
    queue_bytes: u64,
    state_age: Duration,
    lock_patience: Duration,
}

impl DiskSettings {
    /// Up to 10 GiB, of the kinds that `registry` can make of bytes again: values of others stay in memory.
    pub fn new(registry: &Registry) -> Self {
        DiskSettings {
            registry: registry.clone(),
            max_bytes: 10 << 30,
            queue_bytes: 256 << 20,
            state_age: Duration::from_secs(7 * 24 * 3600),
            lock_patience: Duration::from_secs(5),
        }
    }

    /// Keeps up to so many bytes. What is old, large and quick to compute again goes first.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Holds up to so many bytes of values in memory until they are written. When there are more, nodes wait: a result
    /// that is not written is lost to those who go on after a crash.
    pub fn queue_bytes(mut self, bytes: u64) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Tries for so long, three times over, to write while another process does. Five seconds, if not set.
    pub fn lock_patience(mut self, patience: Duration) -> Self {
        self.lock_patience = patience;
        self
    }

    /// Removes half-done work that nobody went on with for so long. A week, if not set.
    pub fn state_age(mut self, age: Duration) -> Self {
        self.state_age = age;
        self
    }
}

pub(super) struct Disk {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    folder: Folder,
    settings: DiskSettings,
    reader: Mutex<Index>,
    queue: Queue<Job>,
    is_readable: AtomicBool,
    is_writable: AtomicBool,
    problems: Mutex<Vec<CacheProblem>>,
}

impl Disk {
    pub(super) fn open(root: &Path, settings: DiskSettings) -> Result<(Self, Option<CacheProblem>), CacheProblem> {
        let folder = Folder::new(root);
        let opened = open::open(&folder, settings.lock_patience)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.queue_bytes),
            folder,
            settings,
            reader: Mutex::new(opened.reader),
            is_readable: AtomicBool::new(true),
            is_writable: AtomicBool::new(true),
            problems: Mutex::new(opened.problem.iter().cloned().collect()),
        });
        let (index, for_writer) = (opened.writer, shared.clone());
        let thread = std::thread::Builder::new().name("easel-cache".into());
        let writer = thread.spawn(move || writer::run(&for_writer, &index));
        let writer = writer.map_err(|error| CacheProblem::unusable(root, error))?;
        Ok((Disk { shared, writer: Some(writer) }, opened.problem))
    }

    pub(super) fn lookup(&self, key: &Fingerprint) -> Option<Kept> {
        let record = self.shared.read(|index| index.record(key))??;
        let registry = &self.shared.settings.registry;
        match frame::unwrap(Role::Entry, key, &record).and_then(|(_, payload)| record::decode(payload, registry)) {
            Ok(Some(kept)) => {
                self.shared.give(Job::Touch(*key));
                Some(kept)
            }
            // Of another program, which may still want it.
            Ok(None) => None,
            Err(_) => {
                self.forget(key);
                None
            }
        }
    }

    pub(super) fn load(&self, fingerprint: &Fingerprint, kind: Kind, registry: &Registry) -> Option<Value> {
        if !registry.can_decode(kind) {
            return None;
        }
        let value = self
            .shared
            .read(|index| index.blob(fingerprint))?
            .and_then(|content| self.shared.bytes_of(fingerprint, content))
            .and_then(|bytes| decode(fingerprint, kind, &bytes, registry).ok());
        if value.is_none() {
            self.shared.insist(Job::Damaged(*fingerprint));
        }
        value
    }

    /// Hands a result over to be written; false if it is not one that is written.
    pub(super) fn keep(&self, key: Fingerprint, kept: &Arc<Kept>, values: &[Value]) -> bool {
        let registry = &self.shared.settings.registry;
        let is_worth_it = kept.entry.cost >= WORTH_KEEPING
            || !kept.seals.is_empty()
            || kept.sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size)) <= SMALL;
        if !is_worth_it
            || !self.shared.is_writable.load(Ordering::Relaxed)
            || !values.iter().all(|value| registry.can_decode(value.kind()))
        {
            return false;
        }
        let job = Job::Keep { key, kept: kept.clone(), values: values.to_vec() };
        self.shared.queue.give(job, kept.full_size(), PATIENCE)
    }

    pub(super) fn forget(&self, key: &Fingerprint) {
        self.shared.insist(Job::Forget(*key));
    }

    /// The node that worked on this is done.
    pub(super) fn remove_state(&self, key: &Fingerprint) {
        // Whoever finds it nevertheless goes on from it, to the same end.
        let _ = files::remove(&self.shared.folder.state(key));
    }

    pub(super) fn states(&self, key: &Fingerprint, every: usize) -> States {
        States::new(self.shared.clone(), *key, every)
    }

    /// Waits until everything that was handed over is written.
    pub(super) fn flush(&self) {
        self.shared.queue.flush();
    }

    pub(super) fn problems(&self) -> Vec<CacheProblem> {
        self.shared.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            // It catches its own panics.
            let _ = writer.join();
        }
    }
}

impl Shared {
    /// Asks the database; none if that is not possible, and never will be again in this process.
    fn read<T>(&self, ask: impl FnOnce(&Index) -> index::Result<T>) -> Option<T> {
        if !self.is_readable.load(Ordering::Relaxed) {
            return None;
        }
        let result = ask(&self.reader.lock().unwrap_or_else(PoisonError::into_inner));
        result.map_err(|error| self.give_up(&error)).ok()
    }

    /// The database cannot be used any more.
    fn give_up(&self, error: &rusqlite::Error) {
        let root = self.folder.root.clone();
        self.is_readable.store(false, Ordering::Relaxed);
        self.is_writable.store(false, Ordering::Relaxed);
        self.report(match Trouble::of(error) {
            Trouble::Busy => CacheProblem::Locked { folder: root },
            Trouble::System => CacheProblem::unusable(&root, error),
            Trouble::Damaged => {
                self.suspect();
                CacheProblem::DamagedInUse { folder: root }
            }
        });
    }

    /// The next to open the index looks at it closely.
    fn suspect(&self) {
        let path = self.folder.suspect();
        if let Ok(mark) = self.folder.write_temporary(b"") {
            // Without the mark, the next process finds out as this one did.
            let _ = mark.rename(&path);
        }
    }

    /// Writing is no longer possible; reading is.
    fn cannot_write(&self, reason: impl ToString) {
        self.is_writable.store(false, Ordering::Relaxed);
        self.report(CacheProblem::Unwritable { folder: self.folder.root.clone(), reason: reason.to_string() });
    }

    /// Each kind of problem once.
    fn report(&self, problem: CacheProblem) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if !problems.iter().any(|known| std::mem::discriminant(known) == std::mem::discriminant(&problem)) {
            problems.push(problem);
        }
    }

    /// Hands over something that is small and must not be left out, however much waits to be written.
    fn insist(&self, job: Job) {
        if self.is_writable.load(Ordering::Relaxed) {
            self.queue.insist(job);
        }
    }

    /// Hands over something that is small and can be done without.
    fn give(&self, job: Job) {
        if self.is_writable.load(Ordering::Relaxed) {
            self.queue.give(job, 0, Duration::ZERO);
        }
    }

    fn bytes_of(&self, fingerprint: &Fingerprint, content: Content) -> Option<Vec<u8>> {
        match content {
            Content::Inline(bytes) => Some(bytes),
            Content::File(most) => files::read(&self.folder.blob(fingerprint), most),
        }
    }
}

/// The value of a frame. Its fingerprint is computed anew: it is what the rest of the run relies on.
fn decode(fingerprint: &Fingerprint, kind: Kind, bytes: &[u8], registry: &Registry) -> Result<Value, DecodeError> {
    let (named, payload) = frame::unwrap(Role::Value, fingerprint, bytes)?;
    if named != kind.to_string() {
        return Err(DecodeError::new(format!("it is of kind {named}, not {kind}")));
    }
    let decoded = crate::guard::catch(|| {
        let value = registry.decode(kind, payload)?;
        Ok((value.fingerprint(), value))
    });
    match decoded.map_err(DecodeError::new)?? {
        (found, value) if found == Some(*fingerprint) => Ok(value),
        _ => Err(DecodeError::new("its content is not what its name says")),
    }
}

#[cfg(test)]
mod harm;
#[cfg(test)]
mod tests;
