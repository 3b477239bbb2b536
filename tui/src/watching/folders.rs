//! Has the system tell of changes in folders, and says when it cannot.
//!
//! Folders are watched instead of files: an editor that saves by renaming puts another file in the place of the one that
//! would be watched.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{ErrorKind, Event, EventKind, RecursiveMode, Watcher};

use super::debounce::Sign;
use super::places::way;

/// A folder that comes into being while it is looked for is looked for again, so often at the most.
const ATTEMPTS: usize = 8;

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// At this path, which is a place of a file that is watched.
    Changed(PathBuf, Sign),
    /// Nobody knows where: the system lost count.
    Somewhere,
}

/// The folders that are watched.
pub(super) struct Folders {
    watcher: Result<Box<dyn Watcher + Send>, String>,
    interest: Arc<Mutex<Interest>>,
    watched: BTreeMap<PathBuf, Identity>,
}

/// What changes are passed on.
#[derive(Debug, Default)]
struct Interest {
    places: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
    /// Folders that are looked at themselves, of which everything inside is of interest.
    inside: HashSet<PathBuf>,
    /// Folders that something happened to: the system may have stopped to watch them.
    doubtful: HashSet<PathBuf>,
}

/// Tells a folder from another one that is put in its place.
type Identity = (u64, u64);

impl Folders {
    /// Watches nothing yet. `tell` is called from another thread.
    pub(super) fn new(tell: impl Fn(Notice) + Send + 'static) -> Self {
        let interest = Arc::new(Mutex::new(Interest::default()));
        let interested = Arc::clone(&interest);
        let handler = move |event: notify::Result<Event>| {
            let mut interest = interested.lock().unwrap_or_else(PoisonError::into_inner);
            notices(event, &mut interest).into_iter().for_each(&tell);
        };
        let watcher = notify::recommended_watcher(handler);
        let watcher = watcher.map(|watcher| Box::new(watcher) as Box<dyn Watcher + Send>);
        Folders { watcher: watcher.map_err(|error| why(&error)), interest, watched: BTreeMap::new() }
    }

    /// Watches nothing, ever.
    pub(super) fn off(why: impl Into<String>) -> Self {
        Folders { watcher: Err(why.into()), interest: Arc::default(), watched: BTreeMap::new() }
    }

    /// Watches whatever these files depend on, as it is now, and nothing else. What changes after this is told. If the
    /// system cannot tell of everything: why not.
    pub(super) fn watch(&mut self, files: &BTreeSet<PathBuf>) -> Result<(), String> {
        let watcher = self.watcher.as_mut().map_err(|why| why.clone())?;
        let mut trouble = Ok(());
        for _ in 0..ATTEMPTS {
            let wanted = wanted(files, &self.interest);
            self.watched.retain(|folder, _| wanted.contains_key(folder) || forget(watcher.as_mut(), folder));
            let doubtful = std::mem::take(&mut lock(&self.interest).doubtful);
            let mut is_settled = true;
            trouble = Ok(());
            for (folder, is_needed) in wanted {
                let identity = identity(&folder);
                if self.watched.get(&folder) == identity.as_ref() && !doubtful.contains(&folder) {
                    continue;
                }
                if self.watched.remove(&folder).is_some() {
                    forget(watcher.as_mut(), &folder);
                }
                match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => {
                        self.watched.extend(identity.map(|identity| (folder, identity)));
                        is_settled = false;
                    }
                    // A folder further up may be closed to us: then nobody tells if it is renamed.
                    Err(_) if !is_needed => {}
                    Err(error) => trouble = Err(format!("cannot watch `{}`: {}", folder.display(), why(&error))),
                }
            }
            if is_settled {
                break;
            }
        }
        let remote = self.watched.keys().find(|folder| is_remote(folder));
        trouble.and(remote.map_or(Ok(()), |folder| {
            Err(format!("`{}` is on a drive that others may write to without a word of it here", folder.display()))
        }))
    }
}

/// Stops to watch a folder, whether or not it is still there. False, for `retain`.
fn forget(watcher: &mut dyn Watcher, folder: &Path) -> bool {
    // Fails if the folder was removed, and with it the watch.
    let _ = watcher.unwatch(folder);
    false
}

/// The folders to watch, and whether one cannot do without. From now on, changes of their places are passed on.
fn wanted(files: &BTreeSet<PathBuf>, interest: &Mutex<Interest>) -> BTreeMap<PathBuf, bool> {
    let mut wanted = BTreeMap::new();
    let (mut paths, mut inside) = (HashSet::new(), HashSet::new());
    for file in files {
        let way = way(file);
        if let Some(folder) = way.folder {
            wanted.insert(folder.clone(), true);
            inside.insert(folder);
        }
        for place in way.places {
            paths.insert(place.path());
            // What stands at the very top is not renamed while somebody works below.
            if place.is_folder && place.folder.parent().is_none() {
                continue;
            }
            *wanted.entry(place.folder).or_insert(false) |= !place.is_folder;
        }
    }
    let mut interest = lock(interest);
    interest.folders = wanted.keys().cloned().collect();
    (interest.places, interest.inside) = (paths, inside);
    wanted
}

/// What an event says about the places of interest.
fn notices(event: notify::Result<Event>, interest: &mut Interest) -> Vec<Notice> {
    let event = match event {
        Ok(event) if event.need_rescan() => {
            interest.doubtful.extend(interest.folders.iter().cloned());
            return vec![Notice::Somewhere];
        }
        Ok(event) => event,
        Err(_) => return vec![Notice::Somewhere],
    };
    let Some(sign) = sign(&event.kind) else { return Vec::new() };
    let mut notices = Vec::new();
    for path in event.paths {
        let is_watched = interest.folders.contains(&path);
        if is_watched && !matches!(event.kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_))) {
            interest.doubtful.insert(path.clone());
        }
        let is_inside = path.parent().is_some_and(|folder| interest.inside.contains(folder));
        if is_watched || is_inside || interest.places.contains(&path) {
            notices.push(Notice::Changed(path, sign));
        }
    }
    notices
}

/// Whether something changed, and whether more may follow.
fn sign(kind: &EventKind) -> Option<Sign> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Sign::Complete),
        EventKind::Access(_) => None,
        // A new file is empty at first, and what is renamed or removed is whole.
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => Some(Sign::Writing),
        EventKind::Modify(ModifyKind::Metadata(_) | ModifyKind::Name(_)) | EventKind::Remove(_) => Some(Sign::Complete),
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => Some(Sign::Writing),
    }
}

/// Why watching fails, and what would help.
fn why(error: &notify::Error) -> String {
    let too_many = "the system watches as much as it may for this user";
    match &error.kind {
        ErrorKind::MaxFilesWatch => format!("{too_many} (fs.inotify.max_user_watches)"),
        // EMFILE, which has no kind of its own.
        ErrorKind::Io(error) if cfg!(target_os = "linux") && error.raw_os_error() == Some(24) => {
            format!("{too_many} (fs.inotify.max_user_instances)")
        }
        ErrorKind::Io(error) => error.to_string(),
        kind => notify::Error::new(kind_without_paths(kind)).to_string(),
    }
}

/// The folder is named already.
fn kind_without_paths(kind: &ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::PathNotFound => ErrorKind::PathNotFound,
        ErrorKind::WatchNotFound => ErrorKind::WatchNotFound,
        other => ErrorKind::Generic(format!("{other:?}")),
    }
}

fn identity(folder: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(folder).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        // Folders that something happened to are watched anew in any case.
        let _ = metadata;
        Some((0, 0))
    }
}

/// Whether a folder is on a drive that other machines write to: nobody tells this one.
fn is_remote(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::statfs::{self, FsType};

        // CIFS, SMB 2 and 9P are not in the list of the C library: <linux/magic.h>.
        let others = [0xff53_4d42_u32, 0xfe53_4d42, 0x0102_1997].map(|kind| FsType(kind as _));
        let known = [statfs::NFS_SUPER_MAGIC, statfs::SMB_SUPER_MAGIC, statfs::FUSE_SUPER_MAGIC];
        let Ok(found) = statfs::statfs(folder) else { return false };
        known.iter().chain(&others).any(|kind| *kind == found.filesystem_type())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        false
    }
}

/// What is behind the lock is whole after a panic too: each is changed in one go.
fn lock(interest: &Mutex<Interest>) -> std::sync::MutexGuard<'_, Interest> {
    interest.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    /// Long enough for any machine: only a test that fails waits so long.
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Watched {
        _guard: tempfile::TempDir,
        top: PathBuf,
        files: BTreeSet<PathBuf>,
        folders: Folders,
        told: Receiver<Notice>,
    }

    /// Watches the file `a/b/file` in a folder with nothing in it.
    fn watched() -> Watched {
        let guard = tempfile::tempdir().expect("a temporary folder can be made");
        let top = guard.path().canonicalize().expect("it is there");
        let (sender, told) = channel();
        let mut folders = Folders::new(move |notice| sender.send(notice).unwrap_or_default());
        let files = BTreeSet::from([top.join("a/b/file")]);
        folders.watch(&files).expect("a temporary folder can be watched");
        Watched { _guard: guard, top, files, folders, told }
    }

    impl Watched {
        /// Waits until something about the path is told, then looks again as the inspector would.
        fn expect(&mut self, path: &str) {
            let path = self.top.join(path);
            loop {
                match self.told.recv_timeout(PATIENCE) {
                    Ok(Notice::Changed(changed, _)) if changed == path => break,
                    Ok(_) => {}
                    Err(_) => panic!("nobody told of {}", path.display()),
                }
            }
            self.folders.watch(&self.files).expect("it can be watched");
        }
    }

    #[test]
    fn folders_that_come_go_and_come_again_are_followed() {
        let mut watched = watched();
        let top = watched.top.clone();
        for _ in 0..3 {
            std::fs::create_dir(top.join("a")).expect("it can be made");
            watched.expect("a");
            std::fs::create_dir(top.join("a/b")).expect("it can be made");
            watched.expect("a/b");
            std::fs::write(top.join("a/b/file"), "x").expect("it can be written");
            watched.expect("a/b/file");
            std::fs::rename(top.join("a"), top.join("away")).expect("it can be renamed");
            watched.expect("a");
            std::fs::rename(top.join("away"), top.join("a")).expect("it can be renamed");
            watched.expect("a");
            std::fs::write(top.join("a/b/file"), "y").expect("it can be written");
            watched.expect("a/b/file");
            std::fs::remove_dir_all(top.join("a")).expect("it can be removed");
            watched.expect("a");
        }
    }

    #[test]
    fn what_happens_elsewhere_is_not_told() {
        let watched = watched();
        let top = watched.top.clone();
        std::fs::write(top.join("other"), "x").expect("it can be written");
        std::fs::create_dir(top.join("a")).expect("it can be made");
        let first = watched.told.recv_timeout(PATIENCE).expect("somebody tells");
        assert_eq!(first, Notice::Changed(top.join("a"), Sign::Writing));
    }

    /// A system that has had enough.
    struct Exhausted;

    impl Watcher for Exhausted {
        fn new<F: notify::EventHandler>(_: F, _: notify::Config) -> notify::Result<Self> {
            Ok(Exhausted)
        }

        fn watch(&mut self, _: &Path, _: RecursiveMode) -> notify::Result<()> {
            Err(notify::Error::new(ErrorKind::MaxFilesWatch))
        }

        fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
            Ok(())
        }

        fn kind() -> notify::WatcherKind {
            notify::WatcherKind::NullWatcher
        }
    }

    #[test]
    fn limits_of_the_system_are_told() {
        let files = BTreeSet::from([std::env::temp_dir().join("file")]);
        let mut folders = Folders { watcher: Ok(Box::new(Exhausted)), ..Folders::off("") };
        let why = folders.watch(&files).expect_err("it cannot be watched");
        assert!(why.contains("max_user_watches") && why.contains("cannot watch"), "{why}");
        assert_eq!(Folders::off("polling was asked for").watch(&files), Err("polling was asked for".into()));
    }

    #[test]
    fn lost_events_make_everything_doubtful() {
        let mut interest = Interest { folders: HashSet::from(["/a".into()]), ..Interest::default() };
        let overflow = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert_eq!(notices(Ok(overflow), &mut interest), [Notice::Somewhere]);
        assert!(interest.doubtful.contains(Path::new("/a")));
    }
}
