//! What weights are, in 64 hexadecimal digits, without reading gigabytes at every run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::store::StoredFile;
use crate::whole_file::write_whole_file;

/// A file changed this recently may change again within its timestamp's resolution: its hash is not remembered.
const SETTLED: Duration = Duration::from_secs(2);

/// Bytes that are in memory at once while they are hashed.
const HASHED_AT_ONCE: usize = 64 << 20;

/// The user's cache folder of Easel: `EASEL_CACHE`, else `easel` in `XDG_CACHE_HOME` or `~/.cache`.
///
/// `None` if there is no home; nothing is remembered then. The folder need not exist.
pub fn cache_dir() -> Option<PathBuf> {
    let folder = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("EASEL_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("easel")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache").join("easel")))
}

/// The fingerprint of a part's files; hashes are remembered in `cache` if it can be written.
pub(super) fn of_files(files: &[StoredFile], cache: Option<&Path>) -> String {
    combined(files.iter().map(|file| of_file(file, cache)).collect())
}

/// The fingerprint of a part from the hashes of its weight files: that of the only file, or of the shards' hashes.
pub(super) fn combined(mut hashes: Vec<String>) -> String {
    match hashes.as_mut_slice() {
        [only] => std::mem::take(only),
        several => blake3::hash(several.concat().as_bytes()).to_hex().to_string(),
    }
}

pub(super) fn of_file(file: &StoredFile, cache: Option<&Path>) -> String {
    let place = file.path.as_deref().zip(cache).and_then(|(path, cache)| Remembered::new(path, cache));
    if let Some(hash) = place.as_ref().and_then(Remembered::recall) {
        return hash;
    }
    let mut hasher = blake3::Hasher::new();
    for start in (0..file.bytes.len()).step_by(HASHED_AT_ONCE) {
        let range = start..file.bytes.len().min(start + HASHED_AT_ONCE);
        hasher.update_rayon(&file.bytes[range.clone()]);
        file.release(range);
    }
    let hash = hasher.finalize().to_hex().to_string();
    if let Some(place) = place {
        place.store(&hash);
    }
    hash
}

/// Where the hash of one file in one state is remembered.
struct Remembered {
    note: PathBuf,
    file: PathBuf,
    state: State,
}

/// What must not have changed for a remembered hash to hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct State {
    path: String,
    size: u64,
    modified_ns: u64,
    /// When anything about the file changed last, which no program sets back. 0 where systems do not tell.
    changed_ns: u64,
    /// Which file it is: another one may have been renamed to its place. 0 where systems do not tell.
    inode: u64,
}

#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    state: State,
    blake3: String,
}

impl Remembered {
    fn new(path: &Path, cache: &Path) -> Option<Self> {
        let file = path.canonicalize().ok()?;
        let state = State::of(&file)?;
        let name = blake3::hash(state.path.as_bytes()).to_hex();
        let note = cache.join("fingerprints").join(format!("{}.json", &name[..32]));
        Some(Remembered { note, file, state })
    }

    fn recall(&self) -> Option<String> {
        let note: Note = serde_json::from_slice(&fs::read(&self.note).ok()?).ok()?;
        let is_hash = note.blake3.len() == 64 && note.blake3.bytes().all(|byte| byte.is_ascii_hexdigit());
        (note.state == self.state && is_hash).then_some(note.blake3)
    }

    /// Best effort: without a note the next run hashes again.
    fn store(self, hash: &str) {
        // A file that changed while it was hashed has a hash of neither state.
        if State::of(&self.file).as_ref() != Some(&self.state) || !self.state.is_settled() {
            return;
        }
        let note = Note { state: self.state, blake3: hash.to_owned() };
        let _ = write_note(&self.note, &note);
    }
}

fn write_note(path: &Path, note: &Note) -> crate::Result<()> {
    write_whole_file(path, |file| Ok(serde_json::to_writer(file, note)?))
}

impl State {
    /// None if there is no such file, or if it cannot be told from others (a time before 1970, a name that is no text).
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let (changed_ns, inode) = identity_of(&metadata);
        Some(State {
            path: path.to_str()?.to_owned(),
            size: metadata.len(),
            modified_ns: u64::try_from(modified.as_nanos()).ok()?,
            changed_ns,
            inode,
        })
    }

    /// The state of what never changes.
    pub(crate) fn of_embedded(label: String) -> Self {
        State { path: label, size: 0, modified_ns: 0, changed_ns: 0, inode: 0 }
    }

    /// The file as it was named, whatever its state.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether a later change would show.
    pub(super) fn is_settled(&self) -> bool {
        UNIX_EPOCH + Duration::from_nanos(self.modified_ns) + SETTLED <= SystemTime::now()
    }
}

#[cfg(unix)]
fn identity_of(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let changed_ns = metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec());
    (u64::try_from(changed_ns).unwrap_or(0), metadata.ino())
}

#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    fn old_file(path: &Path, content: &[u8], age: u64) {
        fs::write(path, content).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }

    fn hash(path: &Path, cache: Option<&Path>) -> String {
        of_files(&[StoredFile::map(path).unwrap()], cache)
    }

    #[test]
    fn a_hash_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cache) = (folder.path().join("w"), folder.path().join("cache"));
        old_file(&path, b"one", 100);
        let first = hash(&path, Some(&cache));
        assert_eq!(first, blake3::hash(b"one").to_hex().as_str());

        let note = fs::read_dir(cache.join("fingerprints")).unwrap().next().unwrap().unwrap().path();
        let forged = fs::read_to_string(&note).unwrap().replace(&first, &"0".repeat(64));
        fs::write(&note, forged).unwrap();
        assert_eq!(hash(&path, Some(&cache)), "0".repeat(64), "the note is used");

        old_file(&path, b"two", 50);
        assert_eq!(hash(&path, Some(&cache)), blake3::hash(b"two").to_hex().as_str());
        fs::write(&note, b"garbage").unwrap();
        assert_eq!(hash(&path, Some(&cache)), blake3::hash(b"two").to_hex().as_str());
    }

    #[test]
    fn a_fresh_file_and_an_unusable_cache_are_only_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cache) = (folder.path().join("w"), folder.path().join("cache"));
        old_file(&path, b"one", 0);
        let expected = hash(&path, Some(&cache));
        assert!(!cache.exists(), "a file that may still change is not remembered");
        old_file(&path, b"one", 100);
        assert_eq!(hash(&path, Some(&path)), expected, "a cache folder that is a file");
        assert_eq!(hash(&path, None), expected);
    }

    #[test]
    fn shards_have_a_fingerprint_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("a"), folder.path().join("b")];
        for path in &paths {
            fs::write(path, path.to_str().unwrap()).unwrap();
        }
        let files: Vec<_> = paths.iter().map(|path| StoredFile::map(path).unwrap()).collect();
        let both = of_files(&files, None);
        assert_eq!(both.len(), 64);
        assert_ne!(both, of_files(&files[..1], None));
        assert_ne!(both, of_files(&[files[1].clone(), files[0].clone()], None));
    }
}
