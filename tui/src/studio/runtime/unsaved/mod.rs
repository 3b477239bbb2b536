//! Where changes that are not saved survive the end of the process.
//!
//! Below the journal's folder, in `unsaved`, each instance of the studio has a place of its own for each workflow: a file
//! `WORKFLOW-INSTANCE.txt`, and beside it `WORKFLOW-INSTANCE.lock`, which the instance holds locked. The system lets go of the
//! lock when the process ends, however it does. What nobody holds is offered to whoever opens the workflow next, who holds
//! its lock from then on; it goes when it was taken over and kept anew, and not before.

mod format;

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use easel_engine::FingerprintHasher;
use tempfile::NamedTempFile;

use super::super::message::Tone;
use super::super::model::{Offer, Unsaved};
use super::whole::write;
use format::{Unreadable, decoded, encoded};

/// Two texts, each as large as a workflow may be, and what is said of them.
const MOST_BYTES: u64 = 33 << 20;

/// Others take a name away only in the moment when it is made.
const TRIES: usize = 16;

/// Whoever saves is done long before.
const SAVES: Duration = Duration::from_secs(2);

/// How often somebody looks whether the other one is done.
const LOOK: Duration = Duration::from_millis(5);

/// The folder, and what of it is ours.
pub(super) struct Store {
    /// None if this user has no home.
    folder: Option<PathBuf>,
    places: HashMap<PathBuf, Place>,
    /// What was offered, by its number, until somebody decides.
    offered: HashMap<u64, Found>,
    offers: u64,
    /// What was to be kept last is kept.
    is_kept: bool,
}

/// A place for the changes to one workflow.
struct Place {
    text: PathBuf,
    /// Held for its lock; removed when dropped.
    _lock: NamedTempFile,
}

/// The place of an instance that is no more.
struct Found {
    text: PathBuf,
    /// None where files cannot be locked.
    lock: Option<File>,
}

impl Found {
    /// Takes the file away: what it held is elsewhere.
    fn remove(self) {
        // Without a lock nobody knows whether its owner is gone: it is left as it is, and offered again.
        if self.lock.is_some() {
            // What cannot be removed is offered once more; that does no harm.
            let _ = std::fs::remove_file(&self.text);
            let _ = std::fs::remove_file(self.text.with_extension("lock"));
        }
    }

    /// Gives the file a name under which it is not found.
    fn set_aside(&self, why: &str) -> (Tone, String) {
        let stem = self.text.with_extension("");
        let free = (1..).map(|number| stem.with_extension(format!("{why}-{number}"))).find(|other| !other.exists());
        let other = free.unwrap_or_else(|| stem.with_extension(why));
        match std::fs::rename(&self.text, &other) {
            Ok(()) => {
                if self.lock.is_some() {
                    let _ = std::fs::remove_file(self.text.with_extension("lock"));
                }
                (Tone::Note, format!("they are in `{}`", other.display()))
            }
            Err(error) => (Tone::Warning, format!("they are in `{}`, which stays: {error}", self.text.display())),
        }
    }
}

impl Store {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Store { folder, places: HashMap::new(), offered: HashMap::new(), offers: 0, is_kept: true }
    }

    /// What instances that are no more kept of a workflow, oldest first, and what there is to say about it.
    pub(super) fn offers(&mut self, workflow: &Path) -> (Vec<Offer>, Vec<(Tone, String)>) {
        // Whoever opens a workflow again decided nothing yet.
        self.offered.clear();
        let Some(folder) = self.folder.clone() else { return Default::default() };
        let prefix = format!("{}-", name(workflow));
        let (mut offers, mut told) = (Vec::new(), Vec::new());
        for text in abandoned(&folder, &prefix) {
            let Some(found) = claim(text) else { continue };
            match read(&found.text).and_then(|content| decoded(&content).map_err(Problem::Content)) {
                Ok(unsaved) => {
                    self.offers += 1;
                    self.offered.insert(self.offers, found);
                    offers.push(Offer { number: self.offers, unsaved });
                }
                Err(problem) => told.extend(problem.told(&found)),
            }
        }
        (offers, told)
    }

    /// Lets go of what is kept of a workflow, as if this instance had ended: it is offered when the workflow is opened again.
    pub(super) fn release(&mut self, workflow: &Path) {
        self.places.remove(workflow);
    }

    /// Keeps changes to a workflow; none: there are none any more.
    pub(super) fn keep(&mut self, workflow: &Path, unsaved: Option<&Unsaved>) -> io::Result<()> {
        let kept = match unsaved {
            Some(unsaved) => self.put(workflow, &encoded(workflow, unsaved)),
            None => self.clear(workflow),
        };
        self.is_kept = kept.is_ok();
        kept
    }

    fn put(&mut self, workflow: &Path, content: &[u8]) -> io::Result<()> {
        let folder = self.folder.as_ref().ok_or_else(|| io::Error::other("this user has no home"))?;
        if let Some(place) = self.places.get(workflow) {
            match write(&place.text, content) {
                // Somebody removed the folder meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => drop(self.places.remove(workflow)),
                written => return written,
            }
        }
        let place = Place::make(folder, workflow)?;
        write(&place.text, content)?;
        sync(folder);
        self.places.insert(workflow.to_path_buf(), place);
        Ok(())
    }

    fn clear(&mut self, workflow: &Path) -> io::Result<()> {
        match self.places.get(workflow).map(|place| std::fs::remove_file(&place.text)) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what was offered: it is kept anew, or in its file. Nothing is removed if that did not work.
    pub(super) fn forget(&mut self, offer: u64) {
        if let (Some(found), true) = (self.offered.remove(&offer), self.is_kept) {
            found.remove();
        }
    }

    /// Puts what was offered where it is not offered again.
    pub(super) fn set_aside(&mut self, offer: u64) -> Option<(Tone, String)> {
        let (tone, text) = self.offered.remove(&offer)?.set_aside("aside");
        Some((tone, format!("the changes were put aside: {text}")))
    }

    /// Has nobody else save meanwhile. None where files cannot be locked.
    pub(super) fn saving(&self) -> io::Result<Option<File>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let open = || OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("saving.lock"));
        let Ok(file) = open().or_else(|_| std::fs::create_dir_all(folder).and_then(|()| open())) else {
            return Ok(None);
        };
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(_)) => return Ok(None),
                Err(TryLockError::WouldBlock) if begun.elapsed() < SAVES => std::thread::sleep(LOOK),
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, "another easel is saving at the moment"));
                }
            }
        }
    }
}

impl Place {
    fn make(folder: &Path, workflow: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let prefix = format!("{}-", name(workflow));
        for _ in 0..TRIES {
            let lock = tempfile::Builder::new().prefix(&prefix).suffix(".lock").rand_bytes(8).tempfile_in(folder)?;
            let is_ours = match lock.as_file().try_lock() {
                // Whoever tidied up before it was locked took it for one that was left.
                Ok(()) => lock.path().exists(),
                Err(TryLockError::WouldBlock) => false,
                // Where files cannot be locked, it is kept all the same.
                Err(TryLockError::Error(_)) => true,
            };
            if is_ours {
                return Ok(Place { text: lock.path().with_extension("txt"), _lock: lock });
            }
        }
        Err(io::Error::other("others keep taking the place away"))
    }
}

/// Whether an instance that is no more kept changes to this workflow.
pub(crate) fn has_unsaved(workflow: &Path) -> bool {
    let Some(folder) = folder() else { return false };
    abandoned(&folder, &format!("{}-", name(workflow))).into_iter().any(|text| claim(text).is_some())
}

/// The user's folder.
pub(super) fn folder() -> Option<PathBuf> {
    Some(crate::workspace::state_dir()?.join("unsaved"))
}

/// What files of a workflow begin with: the same by whatever way it is reached, and when it is not there.
fn name(workflow: &Path) -> String {
    let parent = workflow.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = || Some(parent.canonicalize().ok()?.join(workflow.file_name()?));
    let path = workflow.canonicalize().ok().or_else(beside).or_else(|| std::path::absolute(workflow).ok());
    let mut hasher = FingerprintHasher::new("easel unsaved changes");
    hasher.bytes(path.as_deref().unwrap_or(workflow).as_os_str().as_encoded_bytes());
    hasher.finish().to_string().chars().take(32).collect()
}

/// The texts whose names begin so, oldest first. Locks beside which there is none are removed, if nobody holds them.
fn abandoned(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        match (entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)), extension) {
            (true, Some("txt")) => found.push((entry.metadata().and_then(|data| data.modified()).ok(), path)),
            (true, Some("lock")) if !path.with_extension("txt").exists() => {
                // Under its lock: whoever made it and did not lock it yet sees that it is gone.
                if let Ok(file) = File::open(&path)
                    && file.try_lock().is_ok()
                {
                    let _ = std::fs::remove_file(&path);
                }
            }
            _ => {}
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Takes over the lock beside a text; none if its owner lives, or somebody else has it.
fn claim(text: PathBuf) -> Option<Found> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(text.with_extension("lock"));
    let lock = match lock {
        Ok(file) => match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Error(_)) => None,
        },
        Err(_) => None,
    };
    // Whoever had it until now may have saved.
    if text.exists() {
        return Some(Found { text, lock });
    }
    if lock.is_some() {
        let _ = std::fs::remove_file(text.with_extension("lock"));
    }
    None
}

/// Why nothing can be offered of a file.
enum Problem {
    Content(Unreadable),
    File(io::Error),
}

impl Problem {
    fn told(self, found: &Found) -> Option<(Tone, String)> {
        let place = found.text.display();
        Some(match self {
            // Removed at this very moment.
            Problem::File(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Problem::File(error) => {
                (Tone::Warning, format!("changes that were never saved cannot be read: `{place}`: {error}"))
            }
            Problem::Content(Unreadable::Newer) => {
                let text = format!("a newer easel kept changes to this workflow that were never saved, in `{place}`");
                (Tone::Warning, text)
            }
            Problem::Content(Unreadable::Damaged) => {
                let (_, text) = found.set_aside("damaged");
                (Tone::Warning, format!("changes that were never saved are damaged and cannot be offered: {text}"))
            }
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut content = Vec::new();
    let file = File::open(path).map_err(Problem::File)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut content).map_err(Problem::File)?;
    if content.len() as u64 > MOST_BYTES { Err(Problem::Content(Unreadable::Damaged)) } else { Ok(content) }
}

/// A new name is on the disk only when the folder is. Not every file system can do that.
fn sync(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests;
