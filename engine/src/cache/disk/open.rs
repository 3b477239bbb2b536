//! Opening what is on disk, in whatever state it is.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::files::Folder;
use super::index::{Index, VERSION};
use crate::cache::problem::{CacheProblem, Trouble};

/// Readers wait for nobody, unless somebody took the whole database for himself.
const READER_PATIENCE: Duration = Duration::from_millis(500);
/// Others hold the lock for as long as opening takes.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A connection to read with and one to write with.
pub(super) struct Opened {
    pub(super) reader: Index,
    pub(super) writer: Index,
    /// What was wrong, and was mended.
    pub(super) problem: Option<CacheProblem>,
}

enum Failure {
    Damaged,
    Problem(CacheProblem),
}

/// Opens the folder; makes it if it is not there. A damaged index is moved aside.
pub(super) fn open(folder: &Folder, patience: Duration) -> Result<Opened, CacheProblem> {
    let root = &folder.root;
    let unusable = |error: io::Error| CacheProblem::unusable(root, error);
    folder.create().map_err(unusable)?;
    // Released when it goes out of scope, or with the process.
    let _lock = lock(&root.join("open.lock"), root)?;
    let suspect = folder.suspect().exists();
    match attempt(folder, patience, suspect) {
        Ok(opened) => {
            fs::remove_file(folder.suspect()).ok();
            Ok(opened)
        }
        Err(Failure::Problem(problem)) => Err(problem),
        Err(Failure::Damaged) => {
            folder.move_index_aside().map_err(unusable)?;
            let problem = Some(CacheProblem::Damaged { folder: root.clone() });
            match attempt(folder, patience, false) {
                Ok(opened) => Ok(Opened { problem, ..opened }),
                Err(Failure::Problem(problem)) => Err(problem),
                Err(Failure::Damaged) => Err(CacheProblem::unusable(root, "a new index is damaged at once")),
            }
        }
    }
}

fn attempt(folder: &Folder, patience: Duration, is_suspect: bool) -> Result<Opened, Failure> {
    let failure = |error: rusqlite::Error| match Trouble::of(&error) {
        Trouble::Busy => Failure::Problem(CacheProblem::Locked { folder: folder.root.clone() }),
        Trouble::Damaged => Failure::Damaged,
        Trouble::System => Failure::Problem(CacheProblem::unusable(&folder.root, error)),
    };
    let writer = Index::open(folder, patience).map_err(failure)?;
    match writer.version().map_err(failure)? {
        Some(version) if version > VERSION => {
            return Err(Failure::Problem(CacheProblem::Newer { folder: folder.root.clone() }));
        }
        Some(VERSION) => {}
        _ => return Err(Failure::Damaged),
    }
    if is_suspect && writer.check().map_err(failure)?.is_some() {
        return Err(Failure::Damaged);
    }
    // Shows whether the tables are there and can be written to.
    writer.change(folder, |change| change.probe()).map_err(failure)?;
    let reader = Index::open(folder, READER_PATIENCE).map_err(failure)?;
    Ok(Opened { reader, writer, problem: None })
}

fn lock(path: &Path, root: &Path) -> Result<File, CacheProblem> {
    const PAUSE: Duration = Duration::from_millis(5);
    let unusable = |error: io::Error| CacheProblem::unusable(root, error);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(unusable)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
            Err(TryLockError::WouldBlock) if begin.elapsed() > LOCK_PATIENCE => {
                return Err(CacheProblem::Locked { folder: root.to_path_buf() });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}
