//! What is in the files that are watched: by content, since times and sizes lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use easel_engine::{Fingerprint, FingerprintHasher};

/// Files of up to so many bytes are read whenever anything changes: that takes less time than thinking about it.
const SMALL: u64 = 1 << 20;

/// Files of more bytes are weights. To read them takes longer than anybody wants to wait, and nobody edits them: they count
/// as changed if they look different from outside.
const HUGE: u64 = 64 << 20;

/// Clocks of file systems are this coarse at the most: a file that was written less than this ago may have been written
/// again without looking any different.
const COARSE: Duration = Duration::from_secs(2);

/// Of a folder, so many entries are looked at.
const MOST_ENTRIES: usize = 10_000;

/// What is in each file.
pub(super) type Snapshot = BTreeMap<PathBuf, State>;

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is none, or it cannot be read.
    Missing,
    /// It is a pipe or a device: what is in it is not looked at.
    Other,
    /// This.
    Content(Fingerprint),
}

/// Reads files, large ones only if they may have changed.
#[derive(Debug, Default)]
pub(super) struct Contents {
    large: BTreeMap<PathBuf, Known>,
}

/// A large file as it was when it was read.
#[derive(Debug)]
struct Known {
    look: Look,
    read_at: SystemTime,
    state: State,
}

/// What a file looks like from outside.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    length: u64,
    modified: Option<SystemTime>,
    /// Changes with the content too, and cannot be set back.
    changed: (i64, i64),
    identity: (u64, u64),
}

impl Contents {
    /// What is in these files now. A folder is its entries as they look from outside, those left out that `is_own`; if it is
    /// `listed`, it is the names of its entries.
    pub(super) fn of(
        &mut self,
        files: &BTreeSet<PathBuf>,
        listed: &BTreeSet<PathBuf>,
        is_own: &dyn Fn(&Path) -> bool,
    ) -> Snapshot {
        self.large.retain(|file, _| files.contains(file));
        let mut state = |file: &PathBuf| if listed.contains(file) { names(file) } else { self.state(file, is_own) };
        files.iter().map(|file| (file.clone(), state(file))).collect()
    }

    fn state(&mut self, path: &Path, is_own: &dyn Fn(&Path) -> bool) -> State {
        // Follows links. Only regular files are opened: a pipe would be waited for without end.
        let Ok(metadata) = std::fs::metadata(path) else { return State::Missing };
        if metadata.is_dir() {
            return entries(path, is_own);
        }
        if !metadata.is_file() {
            return State::Other;
        }
        let (look, now) = (Look::of(&metadata), SystemTime::now());
        if look.length <= SMALL {
            return read(path);
        }
        if look.length > HUGE {
            let mut hasher = FingerprintHasher::new("easel huge file");
            look.hash_into(&mut hasher);
            return State::Content(hasher.finish());
        }
        if let Some(known) = self.large.get(path).filter(|known| known.holds_for(&look)) {
            return known.state;
        }
        let state = read(path);
        self.large.insert(path.to_path_buf(), Known { look, read_at: now, state });
        state
    }
}

impl Known {
    fn holds_for(&self, look: &Look) -> bool {
        let age = look.modified.map(|modified| self.read_at.duration_since(modified));
        age.is_some_and(|age| age.is_ok_and(|age| age > COARSE)) && self.look == *look
    }
}

impl Look {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (changed, identity) = {
            use std::os::unix::fs::MetadataExt;

            ((metadata.ctime(), metadata.ctime_nsec()), (metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let (changed, identity) = Default::default();
        Look { length: metadata.len(), modified: metadata.modified().ok(), changed, identity }
    }

    fn hash_into(&self, hasher: &mut FingerprintHasher) {
        let modified = self.modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let modified = modified.unwrap_or_default();
        hasher.number(self.length);
        hasher.number(modified.as_secs());
        hasher.number(modified.subsec_nanos().into());
        hasher.number(self.identity.1);
    }
}

/// The entries of a folder: what is made from the files in it may depend on any of them.
fn entries(folder: &Path, is_own: &dyn Fn(&Path) -> bool) -> State {
    let Ok(entries) = std::fs::read_dir(folder) else { return State::Missing };
    let mut looks = BTreeMap::new();
    for entry in entries.flatten().take(MOST_ENTRIES) {
        let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
        if metadata.is_file() && !is_own(&entry.path()) {
            looks.insert(entry.file_name(), Look::of(&metadata));
        }
    }
    let mut hasher = FingerprintHasher::new("easel watched folder");
    for (name, look) in looks {
        hasher.bytes(name.as_encoded_bytes());
        look.hash_into(&mut hasher);
    }
    State::Content(hasher.finish())
}

/// The names in a folder.
fn names(folder: &Path) -> State {
    let Ok(entries) = std::fs::read_dir(folder) else { return State::Missing };
    let mut names: Vec<_> = entries.flatten().take(MOST_ENTRIES).map(|entry| entry.file_name()).collect();
    names.sort();
    let mut hasher = FingerprintHasher::new("easel listed folder");
    names.iter().for_each(|name| hasher.bytes(name.as_encoded_bytes()));
    State::Content(hasher.finish())
}

fn read(path: &Path) -> State {
    let mut hasher = FingerprintHasher::new("easel watched file");
    let mut buffer = vec![0; 1 << 16];
    let Ok(mut file) = File::open(path) else { return State::Missing };
    loop {
        // Filled as far as the file goes, so that the same content always comes in the same pieces.
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return State::Missing,
            }
        }
        hasher.bytes(&buffer[..filled]);
        if filled < buffer.len() {
            return State::Content(hasher.finish());
        }
    }
}

/// The files that differ.
pub(super) fn changed(before: &Snapshot, now: &Snapshot) -> Vec<PathBuf> {
    let differs = |(file, state): &(&PathBuf, &State)| before.get(*file) != Some(*state);
    now.iter().filter(differs).map(|(file, _)| file.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing_is_own(_: &Path) -> bool {
        false
    }

    #[test]
    fn content_counts_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("file");
        let files: BTreeSet<_> = [file.clone()].into();
        let mut contents = Contents::default();
        let mut of = || contents.of(&files, &BTreeSet::new(), &nothing_is_own);
        let none = of();
        assert_eq!(none[&file], State::Missing);
        for size in [10, SMALL as usize + 10] {
            let mut text = vec![7; size];
            std::fs::write(&file, &text).expect("it can be written");
            let first = of();
            assert_eq!(changed(&none, &first), std::slice::from_ref(&file));
            std::fs::write(&file, &text).expect("it can be written");
            assert_eq!(of(), first, "the same again");
            text[size - 1] = 8;
            std::fs::write(&file, &text).expect("it can be written");
            let modified = std::fs::metadata(&file).and_then(|metadata| metadata.modified()).expect("it is there");
            let second = of();
            assert_eq!(changed(&first, &second), std::slice::from_ref(&file));
            text[size - 1] = 9;
            std::fs::write(&file, &text).expect("it can be written");
            let same_time = File::options().write(true).open(&file).and_then(|file| file.set_modified(modified));
            same_time.expect("times can be set");
            assert_eq!(changed(&second, &of()), std::slice::from_ref(&file), "length and time lie");
        }
    }

    #[test]
    fn a_folder_is_what_others_put_into_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let files: BTreeSet<_> = [folder.path().to_path_buf()].into();
        let of = || Contents::default().of(&files, &BTreeSet::new(), &|path| path.ends_with("own.png"));
        let empty = of();
        std::fs::write(folder.path().join("own.png"), "x").expect("it can be written");
        assert_eq!(of(), empty);
        std::fs::write(folder.path().join("a.png"), "x").expect("it can be written");
        let one = of();
        assert_ne!(one, empty);
        std::fs::write(folder.path().join("a.png"), "xy").expect("it can be written");
        assert_ne!(of(), one);
    }

    #[test]
    fn a_listed_folder_is_the_names_in_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let files: BTreeSet<_> = [folder.path().to_path_buf()].into();
        let of = || Contents::default().of(&files, &files, &nothing_is_own);
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
        let empty = of();
        write("a", "x");
        let one = of();
        assert_ne!(one, empty);
        write("a", "another");
        assert_eq!(of(), one);
        write("b", "x");
        assert_ne!(of(), one);
        std::fs::remove_dir_all(folder.path()).expect("it can be removed");
        assert_eq!(of()[folder.path()], State::Missing);
    }

    #[test]
    fn huge_files_are_not_read() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("weights");
        let files: BTreeSet<_> = [file.clone()].into();
        File::create(&file).and_then(|file| file.set_len(1 << 40)).expect("a sparse file can be made");
        let first = Contents::default().of(&files, &BTreeSet::new(), &nothing_is_own);
        assert_eq!(Contents::default().of(&files, &BTreeSet::new(), &nothing_is_own), first);
        File::options().write(true).open(&file).and_then(|file| file.set_len(1 << 39)).expect("it can be cut");
        assert_ne!(Contents::default().of(&files, &BTreeSet::new(), &nothing_is_own), first);
    }
}
