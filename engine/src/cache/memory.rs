//! The tier in memory: entries, and the values that they name.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::entry::Kept;
use super::score;
use super::shelves::{self, Shelves};
use crate::value::{Fingerprint, Kind, Value};

/// How much is kept in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryPolicy {
    /// Nothing.
    Off,
    /// The results of the nodes used last, so many of them.
    Entries(usize),
    /// As much as these bytes hold. What is old, large and quick to compute again goes first.
    Bytes(u64),
    /// All there is, for as long as the process lives.
    #[default]
    Everything,
}

/// What is in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryStats {
    /// Results.
    pub entries: usize,
    /// Values that they name.
    pub values: usize,
    /// Bytes of both, about.
    pub bytes: u64,
}

/// A fingerprint is a hash already.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    }

    /// The length of the fingerprint.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

type ByFingerprint<T> = HashMap<Fingerprint, T, BuildHasherDefault<FirstBytes>>;

pub(super) struct Memory {
    policy: MemoryPolicy,
    entries: ByFingerprint<shelves::Place>,
    shelves: Shelves<Shelved>,
    values: ByFingerprint<Held>,
    /// Rises with every use of anything. Not a time: a clock may be set back.
    uses: u64,
    /// Of the entries and the values that are there.
    bytes: u64,
    /// Dropped by the caller once it has let go of the lock: a value's end may take long.
    dropped: Vec<Value>,
}

struct Shelved {
    key: Fingerprint,
    kept: Arc<Kept>,
    used: u64,
    used_at: Instant,
}

/// A value that entries name.
struct Held {
    /// None until somebody brings it; with its size then.
    value: Option<(Value, u64)>,
    /// How often entries name it.
    names: usize,
}

impl Memory {
    pub(super) fn new(policy: MemoryPolicy) -> Self {
        Memory {
            policy,
            entries: HashMap::default(),
            shelves: Shelves::new(),
            values: HashMap::default(),
            uses: 0,
            bytes: 0,
            dropped: Vec::new(),
        }
    }

    pub(super) fn lookup(&mut self, key: &Fingerprint, now: Instant) -> Option<Arc<Kept>> {
        self.uses += 1;
        let shelved = self.shelves.touch(*self.entries.get(key)?)?;
        shelved.used = self.uses;
        shelved.used_at = now;
        Some(shelved.kept.clone())
    }

    pub(super) fn value(&self, fingerprint: &Fingerprint) -> Option<Value> {
        self.values.get(fingerprint)?.value.as_ref().map(|(value, _)| value.clone())
    }

    /// Those of the values that are there. All are looked for before any is touched: waiting for memory, a processor does
    /// both for many values at once, unless their counts of users rise in between.
    pub(super) fn values(&self, wanted: &[Option<(Fingerprint, Kind)>]) -> Vec<Option<Value>> {
        let find = |(fingerprint, kind): (Fingerprint, Kind)| {
            self.values.get(&fingerprint)?.value.as_ref().map(|(value, _)| (value, kind))
        };
        let found: Vec<_> = wanted.iter().map(|wanted| wanted.and_then(find)).collect();
        let of_kind = |(value, kind): (&Value, Kind)| (value.kind() == kind).then(|| value.clone());
        found.into_iter().map(|found| found.and_then(of_kind)).collect()
    }

    /// Puts an entry in place of any other under that key; `values` may still have to be brought.
    pub(super) fn insert(&mut self, key: Fingerprint, kept: Arc<Kept>, values: &[Value]) {
        self.remove(&key);
        let has_room = match self.policy {
            MemoryPolicy::Off => false,
            MemoryPolicy::Entries(most) => most > 0,
            MemoryPolicy::Bytes(budget) => kept.full_size() <= budget,
            MemoryPolicy::Everything => true,
        };
        if !has_room {
            return;
        }
        self.uses += 1;
        let class = match self.policy {
            MemoryPolicy::Bytes(_) => score::class(kept.full_size(), kept.entry.cost),
            _ => 0,
        };
        let shelved = Shelved { key, kept: kept.clone(), used: self.uses, used_at: Instant::now() };
        let Some(place) = self.shelves.add(class, shelved) else { return };
        self.entries.insert(key, place);
        self.bytes += kept.own_size();
        for (_, fingerprint) in kept.entry.values() {
            self.values.entry(fingerprint).or_insert(Held { value: None, names: 0 }).names += 1;
        }
        for value in values {
            self.bring(value);
        }
        self.evict();
    }

    /// Keeps a value that was read, if an entry names it.
    pub(super) fn attach(&mut self, value: &Value) {
        self.bring(value);
        self.evict();
    }

    fn bring(&mut self, value: &Value) {
        let Some(held) = value.fingerprint().and_then(|fingerprint| self.values.get_mut(&fingerprint)) else { return };
        if held.value.is_none() {
            let size = value.size() as u64;
            self.bytes += size;
            held.value = Some((value.clone(), size));
        }
    }

    pub(super) fn remove(&mut self, key: &Fingerprint) {
        let Some(shelved) = self.entries.remove(key).and_then(|place| self.shelves.remove(place)) else { return };
        self.bytes -= shelved.kept.own_size();
        for (_, fingerprint) in shelved.kept.entry.values() {
            let Place::Occupied(mut held) = self.values.entry(fingerprint) else { continue };
            held.get_mut().names -= 1;
            if held.get().names == 0
                && let Some((value, size)) = held.remove().value
            {
                self.bytes -= size;
                self.dropped.push(value);
            }
        }
    }

    /// Makes room. Each round looks at one entry per class: see [`score`].
    fn evict(&mut self) {
        loop {
            let is_over = match self.policy {
                MemoryPolicy::Entries(most) => self.entries.len() > most,
                MemoryPolicy::Bytes(budget) => self.bytes > budget,
                MemoryPolicy::Off | MemoryPolicy::Everything => false,
            };
            if !is_over {
                return;
            }
            let score =
                |entry: &Shelved| score::score(self.uses - entry.used, entry.kept.full_size(), entry.kept.entry.cost);
            let scored = self.shelves.oldest().map(|(_, entry)| (score(entry), entry.key));
            let Some((_, key)) = scored.max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
            self.remove(&key);
        }
    }

    /// Forgets what was not used for that long, or everything.
    pub(super) fn clear(&mut self, unused_for: Option<Duration>) {
        let is_old = |entry: &&Shelved| unused_for.is_none_or(|duration| entry.used_at.elapsed() >= duration);
        let keys: Vec<_> = self.shelves.iter().filter(is_old).map(|entry| entry.key).collect();
        for key in &keys {
            self.remove(key);
        }
    }

    /// Takes what was dropped, so that it ends without a lock being held.
    pub(super) fn take_dropped(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.dropped)
    }

    pub(super) fn stats(&self) -> MemoryStats {
        MemoryStats {
            entries: self.entries.len(),
            values: self.values.values().filter(|held| held.value.is_some()).count(),
            bytes: self.bytes,
        }
    }
}
