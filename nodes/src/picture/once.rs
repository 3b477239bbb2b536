//! Numbered files that are each written once, though the program may end at any moment.
//!
//! Before a file appears under its name, the name and the content's hash are noted. Whoever does the same work again
//! finds the note: a file of that content is there, then it is the one; or none is, then it is written there; or another
//! has taken the name, then it gets a new one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use easel_engine::{Context, Decoder, Fingerprint, FingerprintHasher};

use super::save::{EncodedPng, next_number, numbered_path, persist_new, sync_folder};
use crate::error::Result;
use crate::sealed;
use crate::whole_file::{folder_of, io_error};

/// Where notes outlive the program.
pub(crate) trait Notes {
    /// What was kept last for this work.
    fn saved_state(&self) -> Option<Vec<u8>>;

    /// Keeps `state` in its place, so that it is there even if the program ends right after.
    fn save_state(&mut self, state: &[u8]);
}

/// Nothing outlives anything: a program that ends forgets what it did.
impl Notes for () {
    fn saved_state(&self) -> Option<Vec<u8>> {
        None
    }

    fn save_state(&mut self, _: &[u8]) {}
}

impl Notes for Context<'_> {
    fn saved_state(&self) -> Option<Vec<u8>> {
        Context::saved_state(self)
    }

    fn save_state(&mut self, state: &[u8]) {
        Context::save_state(self, state);
    }
}

/// The files that one piece of work writes: `picture_0001.png` and so on for `picture.png`, in order.
pub(crate) struct NumberedFiles<'a> {
    path: &'a Path,
    work: Fingerprint,
    intents: Vec<Intent>,
}

/// A file that is there, or was going to be when the note was made.
#[derive(Clone, Copy)]
struct Intent {
    number: u32,
    hash: [u8; 32],
}

impl Intent {
    const BYTES: usize = 36;
}

impl<'a> NumberedFiles<'a> {
    /// The files of `path` that are made of `content`, some of which an earlier attempt may have written.
    pub(crate) fn new(path: &'a Path, content: Option<Fingerprint>, notes: &impl Notes) -> Self {
        let mut hasher = FingerprintHasher::new("easel numbered files");
        hasher.bytes(path.as_os_str().as_encoded_bytes());
        content.iter().for_each(|content| hasher.fingerprint(content));
        let work = hasher.finish();
        let intents = notes.saved_state().and_then(|bytes| read(sealed::open(&bytes, &work)?)).unwrap_or_default();
        NumberedFiles { path, work, intents }
    }

    /// File `index`, if an earlier attempt wrote it and it is still there as it was written.
    pub(crate) fn written(&self, index: usize) -> Option<PathBuf> {
        let intent = self.intents.get(index)?;
        let path = numbered_path(self.path, intent.number);
        (hash_of(&path)? == intent.hash).then_some(path)
    }

    /// Gives file `index` its name, which is that of the earlier attempt if nobody else took it. Files are placed in
    /// order.
    pub(crate) fn place(&mut self, index: usize, png: EncodedPng, notes: &mut impl Notes) -> Result<PathBuf> {
        let folder = folder_of(self.path);
        let EncodedPng { file, hash } = png;
        let mut file = file.into_temp_path();
        let mut number = match self.intents.get(index) {
            Some(intent) => intent.number,
            None => next_number(self.path, folder)?,
        };
        loop {
            self.intend(index, Intent { number, hash }, notes);
            let path = numbered_path(self.path, number);
            match persist_new(file, &path) {
                Ok(()) => {
                    sync_folder(folder);
                    return Ok(path);
                }
                // Others write to the same folder: whoever comes second takes a number that was free a moment ago.
                Err((error, back)) if error.kind() == io::ErrorKind::AlreadyExists => file = back,
                Err((error, _)) => return Err(io_error("cannot write", &path, error)),
            }
            number = next_number(self.path, folder)?.max(number.saturating_add(1));
        }
    }

    fn intend(&mut self, index: usize, intent: Intent, notes: &mut impl Notes) {
        match self.intents.get_mut(index) {
            Some(known) => *known = intent,
            None => self.intents.push(intent),
        }
        notes.save_state(&sealed::seal(&self.work, |bytes| {
            for intent in &self.intents {
                bytes.extend(intent.number.to_le_bytes());
                bytes.extend(intent.hash);
            }
        }));
    }
}

/// None if these are no intents. There is no more of them than bytes.
fn read(bytes: &[u8]) -> Option<Vec<Intent>> {
    if !bytes.len().is_multiple_of(Intent::BYTES) {
        return None;
    }
    let mut decoder = Decoder::new(bytes);
    let mut intent = || {
        let number = u32::from_le_bytes(decoder.array().ok()?);
        Some(Intent { number, hash: decoder.array().ok()? })
    };
    (0..bytes.len() / Intent::BYTES).map(|_| intent()).collect()
}

/// The hash of a file's content; none if there is no file, or none that can be read.
fn hash_of(path: &Path) -> Option<[u8; 32]> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).ok()?).ok()?;
    Some(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::picture::{Recipe, load};

    /// Pictures of each piece of work here.
    const PICTURES: usize = 3;

    /// Notes in memory, as they are after each time they were kept.
    #[derive(Default)]
    struct InMemory {
        history: Vec<Vec<u8>>,
    }

    impl Notes for InMemory {
        fn saved_state(&self) -> Option<Vec<u8>> {
            self.history.last().cloned()
        }

        fn save_state(&mut self, state: &[u8]) {
            self.history.push(state.to_vec());
        }
    }

    fn png(path: &Path, index: usize) -> EncodedPng {
        let pixels = vec![index as u8 * 10; 4 * 4 * 3];
        EncodedPng::new(path, &pixels, 4, 4, &Recipe { picture_index: index, ..Recipe::default() }).unwrap()
    }

    /// The whole work.
    fn save_all(path: &Path, notes: &mut impl Notes) -> Vec<PathBuf> {
        let mut files = NumberedFiles::new(path, None, notes);
        let save = |index| match files.written(index) {
            Some(path) => path,
            None => files.place(index, png(path, index), notes).unwrap(),
        };
        (0..PICTURES).map(save).collect()
    }

    /// The number of every picture in a folder with what is in it.
    fn pictures(folder: &Path) -> Vec<(String, u8)> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".png")).collect();
        names.sort();
        names.into_iter().map(|name| (name.clone(), load(&folder.join(name)).unwrap()[(0, 0)][0])).collect()
    }

    fn first_three() -> Vec<(String, u8)> {
        (0..PICTURES as u8).map(|i| (format!("picture_{:04}.png", i + 1), i * 10)).collect()
    }

    /// The work as it stands when `noted` notes were kept and `there` files are there.
    fn half_done(noted: usize, there: usize) -> (tempfile::TempDir, InMemory) {
        let folder = tempfile::tempdir().unwrap();
        let mut notes = InMemory::default();
        let saved = save_all(&folder.path().join("picture.png"), &mut notes);
        notes.history.truncate(noted);
        saved[there..].iter().for_each(|path| fs::remove_file(path).unwrap());
        (folder, notes)
    }

    #[test]
    fn whenever_the_program_ends_every_picture_is_written_once() {
        for there in 0..=PICTURES {
            // A note is made before its file is there, so that there are as many notes as files or one more.
            for noted in there..=(there + 1).min(PICTURES) {
                let (folder, mut notes) = half_done(noted, there);
                let saved = save_all(&folder.path().join("picture.png"), &mut notes);
                assert_eq!(pictures(folder.path()), first_three(), "{noted} notes, {there} files");
                assert_eq!(saved.len(), PICTURES);
            }
        }
    }

    #[test]
    fn files_that_are_there_are_not_touched_again() {
        let (folder, mut notes) = half_done(PICTURES, PICTURES);
        let times = || fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().modified().unwrap());
        let before: Vec<_> = times().collect();
        save_all(&folder.path().join("picture.png"), &mut notes);
        assert_eq!(times().collect::<Vec<_>>(), before);
        assert_eq!(notes.history.len(), PICTURES, "nothing new was noted");
    }

    #[test]
    fn a_name_that_another_took_is_left_to_it() {
        let (folder, mut notes) = half_done(2, 1);
        let taken = folder.path().join("picture_0002.png");
        png(&taken, 20).file.persist(&taken).unwrap();
        let saved = save_all(&folder.path().join("picture.png"), &mut notes);
        let wanted = [("0001", 0), ("0002", 200), ("0003", 10), ("0004", 20)];
        assert_eq!(pictures(folder.path()), wanted.map(|(number, shade)| (format!("picture_{number}.png"), shade)));
        assert_eq!(saved[1], folder.path().join("picture_0003.png"));
        // And that is what a third attempt finds.
        assert_eq!(save_all(&folder.path().join("picture.png"), &mut notes), saved);
    }

    /// Takes every name at the very moment it was noted, as often as it is told.
    struct Rival<'a> {
        folder: &'a Path,
        times: u32,
        notes: InMemory,
    }

    impl Notes for Rival<'_> {
        fn saved_state(&self) -> Option<Vec<u8>> {
            self.notes.saved_state()
        }

        fn save_state(&mut self, state: &[u8]) {
            self.notes.save_state(state);
            if self.times > 0 {
                self.times -= 1;
                let path = self.folder.join("picture.png");
                let number = next_number(&path, self.folder).unwrap();
                fs::write(numbered_path(&path, number), b"of another").unwrap();
            }
        }
    }

    #[test]
    fn a_rival_that_is_always_quicker_loses_nothing_and_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut rival = Rival { folder: folder.path(), times: 4, notes: InMemory::default() };
        let saved = save_all(&folder.path().join("picture.png"), &mut rival);
        for number in 1..=4 {
            let path = numbered_path(&folder.path().join("picture.png"), number);
            assert_eq!(fs::read(path).unwrap(), b"of another");
        }
        let wanted = [5, 6, 7].map(|number| numbered_path(&folder.path().join("picture.png"), number));
        assert_eq!(saved, wanted);
        assert_eq!(save_all(&folder.path().join("picture.png"), &mut rival.notes), wanted);
    }

    #[test]
    fn notes_that_do_not_fit_are_none() {
        let (folder, notes) = half_done(PICTURES, PICTURES);
        let good = notes.history.last().unwrap().clone();
        let path = folder.path().join("picture.png");
        let work = NumberedFiles::new(&path, None, &notes).work;
        let of_other_content = Some(Fingerprint([1; 32]));
        let bad = [Vec::new(), vec![0xA5; 500], good[1..].to_vec(), sealed::seal(&work, |bytes| bytes.extend([0; 37]))];
        for state in bad {
            let notes = InMemory { history: vec![state] };
            assert!(NumberedFiles::new(&path, None, &notes).intents.is_empty());
        }
        assert!(NumberedFiles::new(&path, of_other_content, &notes).intents.is_empty());
        assert!(NumberedFiles::new(&folder.path().join("other.png"), None, &notes).intents.is_empty());
        assert_eq!(NumberedFiles::new(&path, None, &notes).intents.len(), PICTURES);
    }

    /// Notes in a file; ends the process at the nth moment: every odd one before a note is kept (the file before it is
    /// there), every even one after (its own file is not).
    struct Mortal {
        file: PathBuf,
        moments_left: usize,
    }

    impl Mortal {
        fn moment(&mut self) {
            self.moments_left -= 1;
            if self.moments_left == 0 {
                // Nothing is cleaned up, as when the process is killed.
                std::process::abort();
            }
        }
    }

    impl Notes for Mortal {
        fn saved_state(&self) -> Option<Vec<u8>> {
            fs::read(&self.file).ok()
        }

        fn save_state(&mut self, state: &[u8]) {
            self.moment();
            fs::write(&self.file, state).unwrap();
            self.moment();
        }
    }

    const CHILD: &str = "EASEL_TEST_DIES_AT";

    #[test]
    fn processes_that_die_again_and_again_write_every_picture_once() {
        if let Some(order) = std::env::var_os(CHILD) {
            // This is the child.
            let order = order.into_string().unwrap();
            let (moments, folder) = order.split_once(' ').unwrap();
            let folder = Path::new(folder);
            let mut notes = Mortal { file: folder.join("notes"), moments_left: moments.parse().unwrap() };
            save_all(&folder.join("picture.png"), &mut notes);
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let name = "picture::once::tests::processes_that_die_again_and_again_write_every_picture_once";
        let attempt = |moments: usize| {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", name, "--nocapture"]);
            child.env(CHILD, format!("{moments} {}", folder.path().display()));
            child.output().unwrap().status.success()
        };
        // Each dies a little later than the one before; the last has nothing left to do but to find that.
        assert!(!attempt(1), "before the first note");
        assert!(!attempt(2), "before the first file");
        for _ in 1..PICTURES {
            // The file of the note before is written under a note made anew, then the next one begins.
            assert!(!attempt(3), "after a file, before the next note");
            assert!(!attempt(2), "before the next file");
        }
        assert!(attempt(3));
        assert_eq!(pictures(folder.path()), first_three());
        assert!(attempt(1), "all is there, so that no note is made");
        assert_eq!(pictures(folder.path()), first_three());
    }
}
