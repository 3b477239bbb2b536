//! Parts that stay loaded between the nodes and runs of one process.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use easel_engine::Fingerprint;
use easel_kernels::Placement;

use crate::weights::FileState;

/// What tells a loaded part from others.
///
/// The states of the files belong to it beside their content: a loaded part may still look into the mapped files, and
/// must not be taken for what it was once a program has written over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartKey {
    model: TypeId,
    files: Vec<FileState>,
    weights: String,
    config: Fingerprint,
    place: Placement,
}

impl PartKey {
    pub(crate) fn new<M: Any>(files: Vec<FileState>, weights: &str, config: Fingerprint, place: Placement) -> Self {
        PartKey { model: TypeId::of::<M>(), files, weights: weights.to_owned(), config, place }
    }

    /// Whether both are the same part at one place, before and after a change.
    fn is_same_part(&self, other: &PartKey) -> bool {
        let paths = |key: &PartKey| key.files.iter().map(|file| file.path().to_owned()).collect::<Vec<_>>();
        self.model == other.model && self.place == other.place && paths(self) == paths(other)
    }
}

/// Loaded parts within a budget of bytes; with 0, the default, there are none.
#[derive(Default)]
pub(crate) struct KeptParts {
    budget: u64,
    /// Least recently used first.
    parts: Mutex<Vec<Kept>>,
    loads: AtomicU64,
}

struct Kept {
    key: PartKey,
    bytes: u64,
    model: Arc<dyn Any + Send + Sync>,
    unused: Arc<[String]>,
}

impl KeptParts {
    pub(crate) fn new(budget: u64) -> Self {
        KeptParts { budget, ..Self::default() }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.budget == 0
    }

    /// The part, if it is loaded, and the stored tensors that it does not use.
    pub(crate) fn get<M: Any + Send + Sync>(&self, key: &PartKey) -> Option<(Arc<M>, Arc<[String]>)> {
        let mut parts = self.lock();
        let found = parts.iter().position(|part| part.key == *key)?;
        let part = parts.remove(found);
        let result = Arc::clone(&part.model).downcast().ok().map(|model| (model, Arc::clone(&part.unused)));
        parts.push(part);
        result
    }

    /// Lets parts go so that one of `bytes` can be loaded and kept beside the rest: before it is loaded, so that memory
    /// never has to hold both. One that would not fit by itself drives nobody out.
    pub(crate) fn make_room(&self, bytes: u64) {
        if let Some(left) = self.budget.checked_sub(bytes) {
            shrink(&mut self.lock(), left);
        }
    }

    /// Keeps a part, in place of earlier states of it.
    pub(crate) fn keep(&self, key: PartKey, bytes: u64, model: Arc<dyn Any + Send + Sync>, unused: Arc<[String]>) {
        let mut parts = self.lock();
        parts.retain(|part| !part.key.is_same_part(&key));
        let Some(left) = self.budget.checked_sub(bytes) else { return };
        shrink(&mut parts, left);
        parts.push(Kept { key, bytes, model, unused });
    }

    pub(crate) fn count_load(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A panic elsewhere can at worst have lost a part, which is loaded again.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the least recently used go until the rest takes no more than `left`.
fn shrink(parts: &mut Vec<Kept>, left: u64) {
    let mut bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    let too_many = parts.iter().take_while(|part| {
        let leaves = bytes > left;
        bytes -= if leaves { part.bytes } else { 0 };
        leaves
    });
    let count = too_many.count();
    parts.drain(..count);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_kernels::Device;

    use super::*;

    fn key(name: &str) -> PartKey {
        PartKey::new::<String>(
            vec![FileState::of_embedded(name.into())],
            "weights",
            Fingerprint([0; 32]),
            Placement::CPU,
        )
    }

    fn keep(parts: &KeptParts, name: &str, bytes: u64) {
        parts.keep(key(name), bytes, Arc::new(name.to_string()), Arc::new([]));
    }

    fn names(parts: &KeptParts) -> Vec<String> {
        parts.lock().iter().map(|part| part.key.files[0].path().to_owned()).collect()
    }

    #[test]
    fn the_least_recently_used_leaves_first_and_the_budget_is_never_exceeded() {
        let parts = KeptParts::new(100);
        keep(&parts, "a", 40);
        keep(&parts, "b", 40);
        assert_eq!(*parts.get::<String>(&key("a")).unwrap().0, "a");
        keep(&parts, "c", 40);
        assert_eq!(names(&parts), ["a", "c"]);
        keep(&parts, "d", 100);
        assert_eq!(names(&parts), ["d"]);
        keep(&parts, "e", 101);
        assert_eq!(names(&parts), ["d"], "what does not fit at all drives nobody out");
    }

    #[test]
    fn room_is_made_before_a_part_is_loaded() {
        let parts = KeptParts::new(100);
        keep(&parts, "a", 60);
        parts.make_room(1000);
        assert_eq!(names(&parts), ["a"]);
        parts.make_room(41);
        assert!(names(&parts).is_empty());
    }

    #[test]
    fn another_type_weights_config_or_place_is_another_part() {
        let parts = KeptParts::new(100);
        keep(&parts, "a", 1);
        let files = || vec![FileState::of_embedded("a".into())];
        assert!(parts.get::<String>(&key("a")).is_some());
        let (zero, cpu) = (Fingerprint([0; 32]), Placement::CPU);
        assert!(parts.get::<u8>(&PartKey::new::<u8>(files(), "weights", zero, cpu)).is_none());
        assert!(parts.get::<String>(&PartKey::new::<String>(files(), "others", zero, cpu)).is_none());
        let elsewhere = PartKey::new::<String>(files(), "weights", zero, Device::Cuda(0).into());
        assert!(parts.get::<String>(&elsewhere).is_none());
        let changed = PartKey::new::<String>(files(), "weights", Fingerprint([1; 32]), cpu);
        assert!(parts.get::<String>(&changed).is_none());
        parts.keep(changed, 1, Arc::new(String::new()), Arc::new([]));
        assert_eq!(parts.lock().len(), 1, "the new state takes the place of the old one");
    }

    #[test]
    fn without_a_budget_nothing_is_kept() {
        let parts = KeptParts::default();
        keep(&parts, "a", 1);
        assert!(parts.is_off() && names(&parts).is_empty());
    }
}
