//! Half-done work, one file per key.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Shared, files};
use crate::cache::frame::{self, Role};
use crate::node::SavedStates;
use crate::value::Fingerprint;

/// No loop's state is larger.
const MOST_BYTES: u64 = 8 << 30;

/// Where the half-done work of the node under one key is.
pub(in crate::cache) struct States {
    shared: Arc<Shared>,
    key: Fingerprint,
    every: usize,
}

impl States {
    pub(super) fn new(shared: Arc<Shared>, key: Fingerprint, every: usize) -> Self {
        States { shared, key, every }
    }
}

impl SavedStates for States {
    fn load(&self) -> Option<Vec<u8>> {
        let bytes = files::read(&self.shared.folder.state(&self.key), MOST_BYTES)?;
        frame::unwrap(Role::State, &self.key, &bytes).ok().map(|(_, payload)| payload.to_vec())
    }

    fn save(&self, state: &[u8]) {
        if !self.shared.is_writable.load(Ordering::Relaxed) {
            return;
        }
        let bytes = frame::wrap(Role::State, &self.key, "", |encoder| encoder.raw(state));
        let folder = &self.shared.folder;
        let saved = folder.write_temporary(&bytes).and_then(|file| file.rename(&folder.state(&self.key)));
        if let Err(error) = saved {
            self.shared.cannot_write(error);
        }
    }

    fn every(&self) -> usize {
        self.every
    }
}
