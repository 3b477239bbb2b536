//! Who carries a run out: whoever holds the lock on its file. The system lets go of a lock when its process ends, however it
//! ends, so neither a process id that is used again nor a clock can deceive.
//!
//! Lock files are opened and removed in write transactions of the journal only, so that never two processes hold locks
//! on two files of one name, and a look at a lock is never taken for its owner.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::JournalError;
use crate::event::RunId;

/// The lock of a run; let go of when dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    // Held for its lock.
    _file: File,
    path: PathBuf,
}

impl RunLock {
    /// Takes the lock; none if somebody holds it.
    pub(super) fn try_take(folder: &Path, run: RunId) -> Result<Option<Self>, JournalError> {
        let path = path(folder, run);
        let failed = |action, source| JournalError::File { action, path: path.clone(), source };
        let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::create_dir_all(folder.join(FOLDER)).map_err(|error| failed("make the folder of", error))?;
                open()
            }
            other => other,
        };
        let file = file.map_err(|error| failed("make the lock", error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RunLock { _file: file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("lock", error)),
        }
    }

    /// Whether nobody holds the lock of that run.
    pub(super) fn is_free(folder: &Path, run: RunId) -> bool {
        match File::open(path(folder, run)) {
            Ok(file) => file.try_lock_shared().is_ok(),
            // Where nothing can be seen, nothing is declared dead.
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// Removes the file: the run is over.
    pub(super) fn retire(&self) {
        // An empty file that stays behind is locked by nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

const FOLDER: &str = "locks";

fn path(folder: &Path, run: RunId) -> PathBuf {
    folder.join(FOLDER).join(format!("{}.lock", run.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let take = || RunLock::try_take(folder.path(), RunId(7)).expect("it can be tried");
        assert!(RunLock::is_free(folder.path(), RunId(7)));
        let held = take().expect("it is free");
        assert!(take().is_none());
        assert!(!RunLock::is_free(folder.path(), RunId(7)));
        assert!(RunLock::is_free(folder.path(), RunId(8)));
        drop(held);
        let held = take().expect("it is free again");
        held.retire();
        drop(held);
        assert!(!path(folder.path(), RunId(7)).exists());
        assert!(take().is_some());
    }
}
