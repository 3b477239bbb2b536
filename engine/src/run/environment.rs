//! What keys begin with: everything that results depend on and that is not the node's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::value::FingerprintHasher;

/// Says in what environment results come about on the device of that name.
pub(super) type OfDevice = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The environments of a run: its own, and those of the devices that the workflow chose for nodes.
pub(super) struct Environments {
    own: FingerprintHasher,
    of_device: Option<OfDevice>,
    /// Asked once for each device.
    known: Mutex<HashMap<Arc<str>, FingerprintHasher>>,
}

impl Environments {
    pub(super) fn new(own: &str, of_device: Option<OfDevice>) -> Self {
        Environments { own: hasher(own), of_device, known: Mutex::default() }
    }

    /// What the key of a node begins with for which the workflow chose `device`, if it did; and the name of the device, as
    /// far as the key must hold it because nobody knows what it stands for.
    pub(super) fn of<'a>(&self, device: Option<&'a Arc<str>>) -> (FingerprintHasher, &'a str) {
        match (device, &self.of_device) {
            (None, _) => (self.own.clone(), ""),
            (Some(name), None) => (self.own.clone(), name),
            (Some(name), Some(of_device)) => {
                let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(hasher) = known().get(name) {
                    return (hasher.clone(), "");
                }
                // Not under the lock: it is code of the caller's.
                let hasher = hasher(&of_device(name));
                (known().entry(Arc::clone(name)).or_insert(hasher).clone(), "")
            }
        }
    }
}

fn hasher(environment: &str) -> FingerprintHasher {
    let mut hasher = FingerprintHasher::new("easel node");
    hasher.text(environment);
    hasher
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn begins_like(environments: &Environments, device: Option<&str>, like: (&str, &str)) -> bool {
        let device = device.map(Arc::from);
        let (found, name) = environments.of(device.as_ref());
        (found.finish(), name) == (hasher(like.0).finish(), like.1)
    }

    #[test]
    fn a_device_is_what_it_stands_for_and_is_asked_for_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let of_device: OfDevice = Arc::new(move |name| {
            counted.fetch_add(1, Ordering::Relaxed);
            if name == "auto" { "an abacus with 9 rods".into() } else { format!("a {name}") }
        });
        let environments = Environments::new("an abacus with 9 rods", Some(of_device));
        for _ in 0..3 {
            assert!(begins_like(&environments, None, ("an abacus with 9 rods", "")));
            assert!(begins_like(&environments, Some("auto"), ("an abacus with 9 rods", "")));
            assert!(begins_like(&environments, Some("slide rule"), ("a slide rule", "")));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_device_that_nobody_knows_is_its_name() {
        let environments = Environments::new("here", None);
        assert!(begins_like(&environments, None, ("here", "")));
        assert!(begins_like(&environments, Some("abacus"), ("here", "abacus")));
    }
}
