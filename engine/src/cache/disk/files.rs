//! The files below the results' folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::value::Fingerprint;

/// A temporary file that old belongs to nobody any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Where everything is.
///
/// - `index.db` and its companions: the database
/// - `index.suspect`: it was found damaged in use, so that the next to open it looks
/// - `index.damaged`: one that was moved aside
/// - `open.lock`: locked while the index is opened or moved
/// - `blobs/ab/cdef…`: large values by fingerprint
/// - `partial/…`: half-done work by key
/// - `tmp/…`: files before they get their names
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) root: PathBuf,
}

/// A file among many.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// None if the name is none that this module gives.
    pub(super) name: Option<Fingerprint>,
    pub(super) bytes: u64,
    /// How long ago it was changed. Zero for one from the future.
    pub(super) age: Duration,
    /// How far its time is from now, in whatever direction.
    distance: Duration,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Folder { root: root.to_path_buf() }
    }

    pub(super) fn create(&self) -> io::Result<()> {
        for folder in [self.blobs(), self.partial(), self.tmp()] {
            fs::create_dir_all(folder)?;
        }
        Ok(())
    }

    pub(super) fn index(&self) -> PathBuf {
        self.root.join("index.db")
    }

    pub(super) fn suspect(&self) -> PathBuf {
        self.root.join("index.suspect")
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn blob(&self, fingerprint: &Fingerprint) -> PathBuf {
        let name = fingerprint.to_string();
        self.blobs().join(&name[..2]).join(&name[2..])
    }

    pub(super) fn state(&self, key: &Fingerprint) -> PathBuf {
        self.partial().join(key.to_string())
    }

    /// Writes a file that has no name yet. Nothing is forced to the disk: what a loss of power tears is noticed when it
    /// is read.
    pub(super) fn write_temporary(&self, bytes: &[u8]) -> io::Result<Temporary> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = Temporary { path: self.tmp().join(format!("{}-{number}", std::process::id())) };
        let mut file = File::create(&temporary.path)?;
        file.write_all(bytes)?;
        Ok(temporary)
    }

    /// Moves the database aside; what was aside before is lost.
    pub(super) fn move_index_aside(&self) -> io::Result<()> {
        for suffix in ["-wal", "-shm"] {
            remove(&self.root.join(format!("index.db{suffix}")))?;
        }
        match fs::rename(self.index(), self.root.join("index.damaged")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => remove(&self.suspect()),
        }
    }

    pub(super) fn states(&self) -> Vec<Found> {
        list(&self.partial(), "")
    }

    /// The files of blobs, folder by folder.
    pub(super) fn blob_folders(&self) -> impl Iterator<Item = Vec<Found>> {
        let folders = fs::read_dir(self.blobs()).into_iter().flatten().flatten();
        folders.filter_map(|folder| Some(list(&folder.path(), folder.file_name().to_str()?)))
    }

    /// Removes temporary files whose writers are gone.
    pub(super) fn sweep_temporary(&self) -> usize {
        let old = list(&self.tmp(), "").into_iter().filter(|found| found.distance > ABANDONED);
        old.filter(|found| fs::remove_file(&found.path).is_ok()).count()
    }
}

/// A file before it got its name; removed if it never does.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    /// Gives it its name, in place of whatever had it.
    pub(super) fn rename(self, to: &Path) -> io::Result<()> {
        match fs::rename(&self.path, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(to.parent().unwrap_or(to))?;
                fs::rename(&self.path, to)
            }
            done => done,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a renaming there is nothing of that name.
        let _ = fs::remove_file(&self.path);
    }
}

/// A whole file; none if it is not there, or longer than `most`.
pub(super) fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > most {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// That there is nothing to remove is no failure.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The files in a folder; each file's name is `prefix` and its own.
fn list(folder: &Path, prefix: &str) -> Vec<Found> {
    let now = SystemTime::now();
    let found = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| format!("{prefix}{name}").parse().ok());
        let age = now.duration_since(metadata.modified().ok()?);
        let distance = age.clone().unwrap_or_else(|future| future.duration());
        Some(Found { path: entry.path(), name, bytes: metadata.len(), age: age.unwrap_or_default(), distance })
    };
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(found).collect()
}
