//! Finds the pictures that there are: those that runs wrote, and others in the folder that they write to.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use easel_engine::{Extent, Journal, JournalError};

use super::super::model::{Shot, Shots};
use super::history::Index;
use crate::execution::is_picture;
use crate::gist::Gist;

/// While runs are read, what came of it is told in steps of so many.
const STEP: usize = 1_000;

/// More pictures in one folder nobody looks through.
const MOST_IN_FOLDER: usize = 10_000;

/// What was told last.
#[derive(Default)]
pub(super) struct Pictures {
    /// How much of the journal it was of: how much there was, and how much of that was read.
    seen: Option<(Extent, usize)>,
    /// When something came or went in the folder last.
    changed: Option<SystemTime>,
    was_told: bool,
}

impl Pictures {
    /// All pictures, if there is news.
    pub(super) fn look(
        &mut self,
        journal: &Journal,
        index: &Index,
        folder: &Path,
    ) -> Result<Option<Shots>, JournalError> {
        let seen = Some((journal.extent()?, index.unread().div_ceil(STEP)));
        let changed = changed(folder);
        if self.was_told && seen == self.seen && changed == self.changed {
            return Ok(None);
        }
        let shot = |(run, file): (_, easel_engine::ArtifactRecord)| Shot {
            path: file.path,
            run: Some(run),
            gist: index.gist(run),
        };
        let files = journal.artifacts()?.into_iter().filter(|(_, file)| is_picture(&file.path));
        let mut shots: Vec<_> = files.map(shot).collect();
        // A file that was written again is as the newest of its runs wrote it.
        let mut known = HashSet::new();
        shots.retain(|shot| known.insert(shot.path.clone()));
        shots.extend(strangers(folder, &known));
        (self.seen, self.changed, self.was_told) = (seen, changed, true);
        Ok(Some(Shots { all: shots.into(), unread: index.unread(), problem: None }))
    }

    /// The pictures of the folder, if there is news, where nothing was ever run, or what was cannot be read.
    pub(super) fn without_journal(&mut self, folder: &Path, problem: Option<&str>) -> Option<Shots> {
        let changed = changed(folder);
        if self.was_told && changed == self.changed {
            return None;
        }
        (self.changed, self.was_told) = (changed, true);
        let problem = problem.map(str::to_string);
        Some(Shots { all: Arc::from(strangers(folder, &HashSet::new())), unread: 0, problem })
    }
}

fn changed(folder: &Path) -> Option<SystemTime> {
    std::fs::metadata(folder).and_then(|metadata| metadata.modified()).ok()
}

/// The pictures in a folder that no run is known to have written, newest first. A folder that cannot be listed has none.
fn strangers(folder: &Path, known: &HashSet<PathBuf>) -> Vec<Shot> {
    let Ok(folder) = std::path::absolute(folder) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        // A folder may be called anything; what a link leads to counts.
        .filter(|path| is_picture(path) && !known.contains(path) && path.is_file())
        .map(|path| (changed(&path), path))
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.truncate(MOST_IN_FOLDER);
    found.into_iter().map(|(_, path)| Shot { path, run: None, gist: Gist::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_shows_its_pictures_without_a_journal_and_says_only_what_is_new() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut pictures = Pictures::default();
        let names = |shots: Option<Shots>| -> Vec<String> {
            let name = |shot: &Shot| shot.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            shots.map(|shots| shots.all.iter().map(name).collect()).unwrap_or_default()
        };
        assert!(pictures.without_journal(&folder.path().join("none"), None).is_some_and(|shots| shots.all.is_empty()));
        let mut pictures = Pictures::default();
        std::fs::write(folder.path().join("a.png"), "").expect("there is room");
        std::fs::write(folder.path().join("a.txt"), "").expect("there is room");
        std::fs::create_dir(folder.path().join("folder.png")).expect("there is room");
        assert_eq!(names(pictures.without_journal(folder.path(), None)), ["a.png"]);
        assert!(pictures.without_journal(folder.path(), None).is_none());
    }

    #[test]
    fn the_pictures_of_the_folder_come_with_what_is_wrong_with_the_journal() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("a.png"), "").expect("there is room");
        let shots = Pictures::default().without_journal(folder.path(), Some("it is damaged")).expect("it is news");
        assert_eq!((shots.all.len(), shots.problem.as_deref()), (1, Some("it is damaged")));
    }

    #[test]
    fn what_a_run_wrote_is_not_found_once_more_in_the_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::open(folder.path()).expect("it can be made");
        std::fs::write(folder.path().join("b.png"), "").expect("there is room");
        let mut index = Index::default();
        index.refresh(&journal).expect("it can be read");
        let mut pictures = Pictures::default();
        let shots = pictures.look(&journal, &index, folder.path()).expect("it can be read").expect("it is news");
        assert_eq!((shots.all.len(), shots.all[0].run, shots.unread), (1, None, 0));
        assert!(pictures.look(&journal, &index, folder.path()).expect("it can be read").is_none());
        let known = HashSet::from([std::path::absolute(folder.path().join("b.png")).expect("it is a path")]);
        assert!(strangers(folder.path(), &known).is_empty());
    }
}
