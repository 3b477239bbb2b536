//! Who can let go of a device's memory when there is not enough of it.

use std::sync::{Mutex, PoisonError, Weak};

use crate::Device;

/// Holds memory of devices that it can do without: what it keeps in case it is needed again.
pub trait Holder: Send + Sync {
    /// Drops what it holds there, without taking any memory there itself. Whether that was anything.
    fn let_go(&self, device: Device) -> bool;
}

static HOLDERS: Mutex<Vec<Weak<dyn Holder>>> = Mutex::new(Vec::new());

/// Has `holder` asked whenever memory cannot be had on a device, by whatever thread wants it. After that the memory is asked
/// for once more.
pub fn ask(holder: Weak<dyn Holder>) {
    let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    holders.retain(|holder| holder.strong_count() > 0);
    holders.push(holder);
}

/// Asks everybody. Whether anything was let go.
pub(crate) fn relieve(device: Device) -> bool {
    // Not under the lock: a holder drops tensors, and may be dropped itself.
    let holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked: Vec<bool> = holders.iter().filter_map(Weak::upgrade).map(|holder| holder.let_go(device)).collect();
    asked.contains(&true)
}
