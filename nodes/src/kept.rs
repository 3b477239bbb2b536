//! Parts that stay loaded between the nodes and runs of one process.
//!
//! They are there to save time, and give way: to parts that are loaded, within a budget for each device, and to whatever
//! needs memory on a device that has none left.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use easel_engine::Fingerprint;
use easel_kernels::shortage::Holder;
use easel_kernels::{Device, DeviceMemory, Placement};

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

/// How many bytes of parts may stay loaded on a device.
type Budget = Box<dyn Fn(Device) -> u64 + Send + Sync>;

/// Loaded parts within a budget; without one, the default, there are none.
#[derive(Default)]
pub(crate) struct KeptParts {
    budget: Option<Budget>,
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
    /// So many bytes of the host's memory, and of each device's half of what this process can have there now: the rest is for
    /// activations, and for what is loaded beside. With 0, nothing.
    pub(crate) fn new(host_bytes: u64) -> Self {
        match host_bytes {
            0 => Self::default(),
            _ => Self::within(move |device| match device {
                Device::Cpu => host_bytes,
                device => device.memory().ok().flatten().map_or(0, half_of_what_can_be_had),
            }),
        }
    }

    fn within(budget: impl Fn(Device) -> u64 + Send + Sync + 'static) -> Self {
        KeptParts { budget: Some(Box::new(budget)), ..Self::default() }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.budget.is_none()
    }

    /// What is left of a device's budget beside a part of `bytes`; none if it would not fit by itself. Asks the device: not
    /// to be called under the lock.
    fn left_beside(&self, device: Device, bytes: u64) -> Option<u64> {
        self.budget.as_ref().and_then(|budget| budget(device).checked_sub(bytes))
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
    pub(crate) fn make_room(&self, device: Device, bytes: u64) {
        if let Some(left) = self.left_beside(device, bytes) {
            let gone = shrink(&mut self.lock(), device, left);
            drop(gone);
        }
    }

    /// Keeps a part, in place of earlier states of it.
    pub(crate) fn keep(&self, key: PartKey, bytes: u64, model: Arc<dyn Any + Send + Sync>, unused: Arc<[String]>) {
        let device = key.place.device;
        let left = self.left_beside(device, bytes);
        let mut parts = self.lock();
        let mut gone: Vec<Kept> = parts.extract_if(.., |part| part.key.is_same_part(&key)).collect();
        if let Some(left) = left {
            gone.extend(shrink(&mut parts, device, left));
            parts.push(Kept { key, bytes, model, unused });
        }
        drop(parts);
        drop(gone);
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

impl Holder for KeptParts {
    fn let_go(&self, device: Device) -> bool {
        let gone = shrink(&mut self.lock(), device, 0);
        // Those that a node uses right now go when it ends.
        gone.iter().any(|part| Arc::strong_count(&part.model) == 1)
    }
}

/// Takes out the least recently used parts of a device until the rest takes no more than `left` there.
fn shrink(parts: &mut Vec<Kept>, device: Device, left: u64) -> Vec<Kept> {
    let is_there = |part: &Kept| part.key.place.device == device;
    let mut bytes: u64 = parts.iter().filter(|part| is_there(part)).map(|part| part.bytes).sum();
    let leaves = |part: &mut Kept| {
        let leaves = is_there(part) && bytes > left;
        bytes -= if leaves { part.bytes } else { 0 };
        leaves
    };
    parts.extract_if(.., leaves).collect()
}

/// Of a device's memory: what no program has taken, and what this one has, as far as it may.
fn half_of_what_can_be_had(memory: DeviceMemory) -> u64 {
    crate::memory::can_be_had(&memory) / 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

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
        parts.make_room(Device::Cpu, 1000);
        assert_eq!(names(&parts), ["a"]);
        parts.make_room(Device::Cpu, 41);
        assert!(names(&parts).is_empty());
    }

    #[test]
    fn every_device_has_a_budget_of_its_own_as_it_is_then() {
        let free = Arc::new(AtomicU64::new(100));
        let of_gpu = Arc::clone(&free);
        let parts = KeptParts::within(move |device| match device {
            Device::Cpu => 50,
            Device::Cuda(_) => of_gpu.load(Ordering::Relaxed),
        });
        let there = |name: &str| PartKey { place: Device::Cuda(0).into(), ..key(name) };
        let keep_there = |name: &str| parts.keep(there(name), 40, Arc::new(name.to_string()), Arc::new([]));
        keep(&parts, "a", 50);
        keep_there("b");
        keep_there("c");
        assert_eq!(names(&parts), ["a", "b", "c"], "neither is in the other's way");
        free.store(60, Ordering::Relaxed);
        keep_there("d");
        assert_eq!(names(&parts), ["a", "d"], "somebody else has taken memory of the device");
        assert!(!parts.let_go(Device::Cuda(1)));
        assert!(parts.let_go(Device::Cuda(0)) && !parts.let_go(Device::Cuda(0)));
        assert_eq!(names(&parts), ["a"]);
        keep_there("e");
        let _used = parts.get::<String>(&there("e")).unwrap();
        assert!(!parts.let_go(Device::Cuda(0)), "a node uses it: nothing came free");
        assert_eq!(names(&parts), ["a"]);
    }

    #[test]
    fn half_of_what_can_be_had_is_less_than_half_where_others_have_some() {
        let memory = DeviceMemory { in_use: 1, peak: 9, reserved: 20, limit: None, free: 10, total: 80 };
        assert_eq!(half_of_what_can_be_had(memory), 15);
        assert_eq!(half_of_what_can_be_had(DeviceMemory { limit: Some(24), ..memory }), 12);
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
