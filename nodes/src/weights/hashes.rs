//! What is in files, without reading them again as long as they do not change.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use easel_engine::Fingerprint;

use super::cache_dir;
use super::fingerprint::{self, State};
use super::store::StoredFile;
use crate::error::{Error, Result};

/// Files from this size on are read by all threads, and their hashes are remembered in [`cache_dir`] too.
const LARGE: u64 = 16 << 20;

/// The hashes of files, remembered for as long as this lives; a service of runs. Clones share what they know.
///
/// Asking for a known one costs a look at the file's size, times and inode.
#[derive(Clone, Debug, Default)]
pub struct FileHashes {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<HashMap<PathBuf, (State, Fingerprint)>>,
    /// How many times a file was read.
    read: AtomicU64,
}

impl FileHashes {
    /// The BLAKE3 of a file's content.
    ///
    /// # Errors
    /// The file cannot be read, or is none.
    pub fn of(&self, path: &Path) -> Result<Fingerprint> {
        let state = State::of(path);
        if let Some(known) = state.as_ref().and_then(|state| self.known(path, state)) {
            return Ok(known);
        }
        let hash = self.read(path, state.as_ref().map_or(0, State::size))?;
        // A file that changed while it was read has a hash of neither state, and one that changed just now may do so
        // again within its timestamp's resolution.
        if let Some(state) = state.filter(|state| state.is_settled() && State::of(path).as_ref() == Some(state)) {
            self.lock().insert(path.to_owned(), (state, hash));
        }
        Ok(hash)
    }

    /// How many times a file had to be read.
    pub fn files_read(&self) -> u64 {
        self.shared.read.load(Ordering::Relaxed)
    }

    fn known(&self, path: &Path, state: &State) -> Option<Fingerprint> {
        self.lock().get(path).filter(|(known, _)| known == state).map(|(_, hash)| *hash)
    }

    fn read(&self, path: &Path, size: u64) -> Result<Fingerprint> {
        let cannot_read = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
        // A pipe or a device would never end.
        if !fs::metadata(path).map_err(cannot_read)?.is_file() {
            return Err(Error::invalid(format!("{}: not a file", path.display())));
        }
        self.shared.read.fetch_add(1, Ordering::Relaxed);
        if size >= LARGE {
            let hex = fingerprint::of_file(&StoredFile::map(path)?, cache_dir().as_deref());
            return hex.parse().map_err(|error| Error::invalid(format!("{}: {error}", path.display())));
        }
        let file = File::open(path).map_err(cannot_read)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(cannot_read)?;
        Ok(Fingerprint(*hasher.finalize().as_bytes()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (State, Fingerprint)>> {
        // A panic elsewhere leaves the map whole: each change is one insertion.
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::time::{Duration, SystemTime};

    use super::*;

    fn write(path: &Path, content: &[u8], age: u64) {
        fs::write(path, content).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }

    fn hash_of(content: &[u8]) -> Fingerprint {
        Fingerprint(*blake3::hash(content).as_bytes())
    }

    #[test]
    fn a_file_is_read_once_for_every_state_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let hashes = FileHashes::default();
        write(&path, b"one", 100);
        for _ in 0..3 {
            assert_eq!(hashes.clone().of(&path).unwrap(), hash_of(b"one"));
        }
        assert_eq!(hashes.files_read(), 1);
        write(&path, b"two", 50);
        for _ in 0..3 {
            assert_eq!(hashes.of(&path).unwrap(), hash_of(b"two"));
        }
        assert_eq!(hashes.files_read(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn another_file_in_its_place_is_noticed_though_size_and_time_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        let hashes = FileHashes::default();
        write(&path, b"one", 100);
        write(&other, b"two", 100);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        assert_eq!(hashes.of(&path).unwrap(), hash_of(b"one"));
        fs::rename(&other, &path).unwrap();
        assert_eq!(hashes.of(&path).unwrap(), hash_of(b"two"));
    }

    #[test]
    fn a_file_that_may_still_be_changing_is_read_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let hashes = FileHashes::default();
        write(&path, b"one", 0);
        hashes.of(&path).unwrap();
        hashes.of(&path).unwrap();
        assert_eq!(hashes.files_read(), 2);
    }

    #[test]
    fn what_is_no_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let hashes = FileHashes::default();
        let error = hashes.of(folder.path()).unwrap_err().to_string();
        assert!(error.contains("not a file"), "{error}");
        let error = hashes.of(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("none"), "{error}");
    }
}
