//! A way in for tests and fuzz targets, which see public items only. No part of the interface; it may change at any time.

use std::sync::Arc;
use std::time::Duration;

pub use super::disk::queue::{Batch, Queue};
use super::frame::{self, Role};
use super::{Cache, Entry, KeptOutput, record};
use crate::node::Told;
use crate::registry::Registry;
use crate::value::{Fingerprint, FingerprintHasher, Value};

/// A key like no other's.
pub fn key(number: u64) -> Fingerprint {
    let mut hasher = FingerprintHasher::new("probe");
    hasher.number(number);
    hasher.finish()
}

/// Keeps values as a node's result. Those that equal nothing are named by their place, as nobody should.
pub fn keep(cache: &Cache, key: Fingerprint, values: &[Value], cost: Duration) {
    let output = |value: &Value| KeptOutput::Value {
        kind: value.kind(),
        fingerprint: value.fingerprint().unwrap_or(key),
        summary: value.summary(),
    };
    let outputs = values.iter().map(output).collect();
    cache.keep(key, Entry { node_type: "Probe".into(), outputs, told: Told::default(), cost }, values);
}

/// The values of the result under a key, as a run would get them.
pub fn read(cache: &Cache, key: Fingerprint, registry: &Registry) -> Option<Vec<Value>> {
    let kept = cache.lookup(&key)?;
    let values: Option<Vec<_>> =
        kept.entry.values().map(|(kind, fingerprint)| cache.load(&fingerprint, kind, registry)).collect();
    if values.is_none() {
        cache.forget(&key);
    }
    values
}

/// Saves half-done work.
pub fn save_state(cache: &Arc<Cache>, key: Fingerprint, state: &[u8]) {
    if let Some(states) = cache.states(&key) {
        states.save(state);
    }
}

/// Half-done work that was saved.
pub fn saved_state(cache: &Arc<Cache>, key: Fingerprint) -> Option<Vec<u8>> {
    cache.states(&key)?.load()
}

/// Reads arbitrary bytes as everything that is kept on disk; then again as if their checksum agreed. Must not panic,
/// whatever they are. Whether they were anything.
pub fn decode(bytes: &[u8], registry: &Registry) -> bool {
    let name = Fingerprint([0; 32]);
    let is_frame = [Role::Value, Role::Entry, Role::State].map(|role| frame::unwrap(role, &name, bytes).is_ok());
    let is_entry = record::decode(bytes, registry).is_ok();
    let kinds = registry.kinds().flat_map(|kind| [kind, kind.list(), kind.list().list()]);
    let is_value = kinds.filter(|kind| registry.decode(*kind, bytes).is_ok()).count() > 0;
    is_frame.contains(&true) || is_entry || is_value
}
