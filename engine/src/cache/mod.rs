//! Results of nodes, kept under keys that say everything they depend on.

mod disk;
mod entry;
mod frame;
mod memory;
pub mod probe;
mod problem;
mod record;
mod score;
mod seal;
mod shelves;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use disk::Disk;
pub use disk::{Cleared, Damage, DamagedPart, DiskSettings, DiskStats, NodeTypeStats, VerifyReport};
pub(crate) use entry::{Entry, Kept, KeptOutput};
use memory::Memory;
pub use memory::{MemoryPolicy, MemoryStats};
pub use problem::CacheProblem;
use serde::Serialize;

use crate::node::SavedStates;
use crate::registry::Registry;
use crate::sync::{Mutex, lock};
use crate::value::{Fingerprint, Kind, Value};

/// Results of nodes. Shared by all runs of a process; what is on disk is shared by all processes.
///
/// ```
/// use easel_engine::{Cache, DiskSettings, MemoryPolicy, Registry};
///
/// let folder = std::env::temp_dir().join(format!("easel-example-{}", std::process::id()));
/// let settings = DiskSettings::new(&Registry::new()).max_bytes(1 << 30);
/// let (cache, problem) = Cache::in_memory(MemoryPolicy::Bytes(1 << 30)).with_disk(&folder, settings);
/// assert_eq!(problem, None);
/// assert_eq!(cache.stats().disk.map(|disk| disk.entries), Some(0));
/// # drop(cache);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Cache {
    memory: Mutex<Memory>,
    /// Nothing is kept in memory.
    forgets: bool,
    disk: Option<Disk>,
    save_every: usize,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheStats {
    /// In memory.
    pub memory: MemoryStats,
    /// On disk; none without that tier, or if it cannot be read, which is among the problems then.
    pub disk: Option<DiskStats>,
}

impl Cache {
    /// Keeps nothing.
    pub fn off() -> Self {
        Cache::in_memory(MemoryPolicy::Off)
    }

    /// Keeps results for as long as the process lives, if `policy` lets it.
    pub fn in_memory(policy: MemoryPolicy) -> Self {
        let forgets = policy == MemoryPolicy::Off;
        Cache { memory: Mutex::new(Memory::new(policy)), forgets, disk: None, save_every: 5 }
    }

    /// Keeps results in `folder` too, which is made if it is not there, and shared with other processes. If that cannot
    /// be, the cache does without; the problem says why. One that does not stand in the way is told too.
    pub fn with_disk(mut self, folder: &Path, settings: DiskSettings) -> (Self, Option<CacheProblem>) {
        match Disk::open(folder, settings) {
            Ok((disk, problem)) => {
                self.disk = Some(disk);
                (self, problem)
            }
            Err(problem) => (self, Some(problem)),
        }
    }

    /// After how many steps a loop saves its state. Five, if not set.
    pub fn save_every(mut self, steps: usize) -> Self {
        self.save_every = steps.max(1);
        self
    }

    /// What is known under a key. Files that the node wrote are still there, as it wrote them.
    pub(crate) fn lookup(&self, key: &Fingerprint) -> Option<Arc<Kept>> {
        let now = Instant::now();
        let in_memory = self.with_memory(|memory| memory.lookup(key, now));
        let is_in_memory = in_memory.is_some();
        let kept = in_memory.or_else(|| self.disk.as_ref()?.lookup(key).map(Arc::new))?;
        if !kept.files_are_there() {
            self.forget(key);
            return None;
        }
        if !is_in_memory {
            // Another thread may have put it there meanwhile, with its values.
            self.with_memory(|memory| {
                if memory.lookup(key, now).is_none() {
                    memory.insert(*key, kept.clone(), &[]);
                }
            });
        }
        Some(kept)
    }

    /// The value of an entry's output; none if it is lost or damaged.
    pub(crate) fn load(&self, fingerprint: &Fingerprint, kind: Kind, registry: &Registry) -> Option<Value> {
        let in_memory = self.with_memory(|memory| memory.value(fingerprint));
        if let Some(value) = in_memory.filter(|value| value.kind() == kind) {
            return Some(value);
        }
        let value = self.disk.as_ref()?.load(fingerprint, kind, registry)?;
        self.with_memory(|memory| memory.attach(&value));
        Some(value)
    }

    /// Those of the values that are in memory: for each that is wanted, or none.
    pub(crate) fn at_hand(&self, wanted: &[Option<(Fingerprint, Kind)>]) -> Vec<Option<Value>> {
        self.with_memory(|memory| memory.values(wanted))
    }

    /// Keeps what a node gave. `values` are those of the outputs that are not blocked, in order. Nothing is kept if one
    /// of them equals nothing, or if a file that the node wrote is gone already.
    pub(crate) fn keep(&self, key: Fingerprint, entry: Entry, values: &[Value]) {
        if self.is_off() {
            return;
        }
        let kept = Kept::new(entry, values).map(Arc::new);
        let is_handed_over = match (&kept, &self.disk) {
            (Some(kept), Some(disk)) => disk.keep(key, kept, values),
            _ => false,
        };
        // What was half done is removed once the result is safe; or now, if it will never be.
        if !is_handed_over && let Some(disk) = &self.disk {
            disk.remove_state(&key);
        }
        match kept {
            Some(kept) => self.with_memory(|memory| memory.insert(key, kept, values)),
            None => self.forget(&key),
        }
    }

    /// An entry turned out to be of no use: one of its values is lost.
    pub(crate) fn forget(&self, key: &Fingerprint) {
        self.with_memory(|memory| memory.remove(key));
        if let Some(disk) = &self.disk {
            disk.forget(key);
        }
    }

    /// Where the half-done work of the node that runs under this key is kept; none if nowhere.
    pub(crate) fn states(self: &Arc<Self>, key: &Fingerprint) -> Option<Box<dyn SavedStates>> {
        Some(Box::new(self.disk.as_ref()?.states(key, self.save_every)))
    }

    /// Whether nothing is kept at all.
    pub(crate) fn is_off(&self) -> bool {
        self.disk.is_none() && self.forgets
    }

    /// Waits until everything that was kept so far is on disk. To be called at the end of a run: dropping the cache does
    /// the same, but ending the process does not.
    pub fn flush(&self) {
        if let Some(disk) = &self.disk {
            disk.flush();
        }
    }

    /// What went wrong with the tier on disk, each kind of problem once. None of it fails a run.
    pub fn problems(&self) -> Vec<CacheProblem> {
        self.disk.as_ref().map(Disk::problems).unwrap_or_default()
    }

    /// What is kept.
    pub fn stats(&self) -> CacheStats {
        CacheStats { memory: self.with_memory(|memory| memory.stats()), disk: self.disk.as_ref().and_then(Disk::stats) }
    }

    /// Forgets results and half-done work that were not used for that long, or everything; says what of it was on disk.
    ///
    /// # Errors
    /// The tier on disk cannot be written to.
    pub fn clear(&self, unused_for: Option<Duration>) -> Result<Cleared, CacheProblem> {
        self.with_memory(|memory| memory.clear(unused_for));
        self.disk.as_ref().map_or(Ok(Cleared::default()), |disk| disk.clear(unused_for))
    }

    /// Reads everything on disk, and removes what is damaged and what nobody names.
    ///
    /// # Errors
    /// The tier on disk cannot be read or written to.
    pub fn verify(&self) -> Result<VerifyReport, CacheProblem> {
        self.disk.as_ref().map_or(Ok(VerifyReport::default()), Disk::verify)
    }

    /// Values that are dropped meanwhile end after the lock is let go of: their end may take long.
    fn with_memory<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = lock(&self.memory);
        let result = work(&mut memory);
        let dropped = memory.take_dropped();
        drop(memory);
        drop(dropped);
        result
    }
}

#[cfg(test)]
mod tests;
