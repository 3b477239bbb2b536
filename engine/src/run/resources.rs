//! What runs share of the machine: lanes to compute on, and memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::spec::Lanes;

/// The machine as runs share it. A node starts when what it needs is free, and gives it back when it ends.
///
/// ```
/// use easel_engine::Resources;
///
/// let resources = Resources::new(8, Some(16 << 30));
/// assert_eq!(resources.lanes(), 8);
/// ```
pub struct Resources {
    lanes: usize,
    memory: Option<u64>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    lanes: usize,
    memory: u64,
    /// Told when something is given back.
    waiting: Vec<Weak<dyn Waiting>>,
}

/// A run that may be waiting for something to be given back.
pub(super) trait Waiting: Send + Sync {
    fn try_again(&self);
}

/// What a node needs while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) lanes: Lanes,
    pub(super) memory: u64,
}

/// Something taken; given back when dropped.
pub(super) struct Permit {
    resources: Arc<Resources>,
    lanes: usize,
    memory: u64,
}

impl Resources {
    /// So many lanes (at least one), and so many bytes for those nodes that say beforehand what they need.
    pub fn new(lanes: usize, memory: Option<u64>) -> Self {
        Resources { lanes: lanes.max(1), memory, taken: Mutex::default() }
    }

    /// A lane for each processor that this process may use; memory is not counted.
    pub fn of_this_machine() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from), None)
    }

    /// How many nodes may compute at once.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// How many bytes nodes may need at once.
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Takes what is needed, if all of it is free.
    pub(super) fn try_take(self: &Arc<Self>, need: Need) -> Option<Permit> {
        let lanes = match need.lanes {
            Lanes::None => 0,
            Lanes::One => 1,
            Lanes::All => self.lanes,
        };
        let mut taken = self.lock();
        let fits = self.memory.is_none_or(|memory| taken.memory.saturating_add(need.memory) <= memory);
        // What fits nowhere at least does not share: to refuse it is the plan's business.
        if taken.lanes + lanes > self.lanes || !(fits || taken.memory == 0) {
            return None;
        }
        taken.lanes += lanes;
        taken.memory = taken.memory.saturating_add(need.memory);
        Some(Permit { resources: Arc::clone(self), lanes, memory: need.memory })
    }

    /// Tells `run` whenever something is given back, for as long as it lives.
    pub(super) fn tell(&self, run: Weak<dyn Waiting>) {
        let mut taken = self.lock();
        taken.waiting.retain(|waiting| waiting.strong_count() > 0);
        taken.waiting.push(run);
    }

    /// Counts that are each changed in one go are whole after a panic too.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.lanes == 0 && self.memory == 0 {
            return;
        }
        let waiting: Vec<_> = {
            let mut taken = self.resources.lock();
            taken.lanes -= self.lanes;
            taken.memory -= self.memory;
            // A run by itself looks again anyway when a node of it ends.
            if taken.waiting.len() > 1 { taken.waiting.iter().filter_map(Weak::upgrade).collect() } else { Vec::new() }
        };
        waiting.iter().for_each(|run| run.try_again());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(lanes: Lanes, memory: u64) -> Need {
        Need { lanes, memory }
    }

    #[test]
    fn what_is_taken_is_given_back() {
        let resources = Arc::new(Resources::new(2, Some(100)));
        let one = resources.try_take(need(Lanes::One, 60)).expect("it is free");
        assert!(resources.try_take(need(Lanes::All, 0)).is_none(), "a lane is taken");
        assert!(resources.try_take(need(Lanes::One, 60)).is_none(), "only 40 bytes are left");
        let other = resources.try_take(need(Lanes::One, 40)).expect("that fits");
        assert!(resources.try_take(need(Lanes::One, 0)).is_none(), "no lane is left");
        assert!(resources.try_take(need(Lanes::None, 0)).is_some(), "who only waits needs none");
        drop((one, other));
        assert!(resources.try_take(need(Lanes::All, 0)).is_some());
    }

    #[test]
    fn what_fits_nowhere_runs_alone() {
        let resources = Arc::new(Resources::new(2, Some(100)));
        let huge = resources.try_take(need(Lanes::One, 1_000)).expect("nothing else is there");
        assert!(resources.try_take(need(Lanes::One, 1)).is_none());
        drop(huge);
        assert!(resources.try_take(need(Lanes::One, 1)).is_some());
    }
}
