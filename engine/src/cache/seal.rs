//! How a file that a node wrote is known again.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file changed this recently may change again within its timestamp's resolution: size and time prove nothing.
const SETTLED: Duration = Duration::from_secs(2);

/// A file's size, modification time and content when a result was kept.
#[derive(Debug)]
pub(super) struct Seal {
    /// Absolute, so that it is the same file from every folder.
    pub(super) path: PathBuf,
    pub(super) size: u64,
    /// Nanoseconds from 1970.
    pub(super) modified: i64,
    /// BLAKE3 of the content.
    pub(super) content: [u8; 32],
    /// Whether the same size and time mean the same content.
    settled: AtomicBool,
}

impl Seal {
    pub(super) fn new(path: PathBuf, size: u64, modified: i64, content: [u8; 32], settled: bool) -> Self {
        Seal { path, size, modified, content, settled: AtomicBool::new(settled) }
    }

    /// Reads the whole file; none if it cannot be read, or changes meanwhile.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let before = state(&path)?;
        let content = hash(&path)?;
        let (size, modified) = before;
        (state(&path)? == before).then(|| Seal::new(path, size, modified, content, is_settled(modified)))
    }

    /// Whether the file is there with the same content.
    pub(super) fn holds(&self) -> bool {
        let Some((size, modified)) = state(&self.path) else { return false };
        if size != self.size {
            return false;
        }
        if modified == self.modified && self.settled.load(Ordering::Relaxed) {
            return true;
        }
        if hash(&self.path) != Some(self.content) {
            return false;
        }
        // From now on size and time suffice, if they are still those that were noted.
        if modified == self.modified && is_settled(modified) && state(&self.path) == Some((size, modified)) {
            self.settled.store(true, Ordering::Relaxed);
        }
        true
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }

    pub(super) fn size_in_memory(&self) -> usize {
        size_of::<Self>() + self.path.as_os_str().len()
    }
}

/// Size and modification time of a file; folders have none.
fn state(path: &Path) -> Option<(u64, i64)> {
    let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
    let nanoseconds = |duration: Duration| i64::try_from(duration.as_nanos()).ok();
    let modified = match metadata.modified().ok()?.duration_since(UNIX_EPOCH) {
        Ok(after) => nanoseconds(after)?,
        Err(before) => -nanoseconds(before.duration())?,
    };
    Some((metadata.len(), modified))
}

/// A clock that was set back makes files look as if they came from the future: those are read.
fn is_settled(modified: i64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let modified = Duration::from_nanos(u64::try_from(modified).unwrap_or(0));
    now.checked_sub(modified).is_some_and(|age| age > SETTLED)
}

fn hash(path: &Path) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).ok()?).ok()?;
    Some(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    fn write(path: &Path, content: &[u8], age: Duration) {
        fs::write(path, content).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn a_changed_file_breaks_the_seal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        for age in [Duration::ZERO, Duration::from_secs(100)] {
            write(&path, b"one", age);
            let seal = Seal::of(&path).unwrap();
            assert!(seal.holds());
            write(&path, b"two", age / 2);
            assert!(!seal.holds(), "the same size, other content");
            write(&path, b"one", age / 3);
            assert!(seal.holds(), "it was only touched");
            fs::write(&path, b"three").unwrap();
            assert!(!seal.holds(), "another size");
            fs::remove_file(&path).unwrap();
            assert!(!seal.holds(), "gone");
            fs::create_dir(&path).unwrap();
            assert!(!seal.holds() && Seal::of(&path).is_none(), "a folder");
            fs::remove_dir(&path).unwrap();
        }
    }

    #[test]
    fn a_file_changed_within_the_resolution_of_its_time_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        let now = SystemTime::now();
        let write = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(now).unwrap();
        };
        write(b"one");
        let seal = Seal::of(&path).unwrap();
        write(b"two");
        assert!(!seal.holds());
    }

    #[test]
    fn a_settled_file_is_not_read_again_and_one_from_the_future_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        let time = SystemTime::now() - Duration::from_secs(100);
        let write = |content: &[u8], time| {
            fs::write(&path, content).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        write(b"one", time);
        let seal = Seal::of(&path).unwrap();
        write(b"two", time);
        assert!(seal.holds(), "nothing but the content tells them apart");
        let time = SystemTime::now() + Duration::from_secs(100);
        write(b"one", time);
        let seal = Seal::of(&path).unwrap();
        write(b"two", time);
        assert!(!seal.holds());
    }
}
