//! What the journal says: its runs, a part of them at a time, and everything about one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use easel_engine::{EventRecord, RunId, RunStory, RunSummary};

use super::Picture;
use crate::gist::{Gist, Given};

/// So many small pictures are kept; no screen shows more at once.
const MOST_THUMBNAILS: usize = 300;

/// What is looked at in the journal. Whatever changes there is told until something else is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Browse {
    /// A part of the list of runs.
    pub(crate) runs: Option<RunsWish>,
    /// Everything about these runs.
    pub(crate) details: Vec<RunId>,
    /// The queue.
    pub(crate) queue: bool,
    /// The prompts of all runs.
    pub(crate) prompts: bool,
    /// Where these runs are, and their first pictures.
    pub(crate) sweep: Vec<RunId>,
    /// The runs of the sweep that this run belongs to.
    pub(crate) grid: Option<RunId>,
    /// All pictures, those in this folder among them that no run wrote.
    pub(crate) pictures: Option<PathBuf>,
}

/// What was asked for last, so that the same is not asked for again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Of the journal.
    pub(crate) browse: Browse,
    /// Pictures.
    pub(crate) thumbnails: Vec<PathBuf>,
    /// What is in the file of a picture that no run wrote.
    pub(crate) examined: Option<PathBuf>,
}

/// Which part of the list of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunsWish {
    /// Only runs that have all of these words.
    pub(crate) filter: String,
    /// The run with the cursor.
    pub(crate) chosen: Option<RunId>,
    /// Where it is in the list; if there is none such, the one there has the cursor.
    pub(crate) at: usize,
}

/// A part of the list of runs, newest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunsPage {
    /// What all runs of the list have.
    pub(crate) filter: String,
    /// Where in the list the first of these is.
    pub(crate) first: usize,
    /// These.
    pub(crate) rows: Vec<RunRow>,
    /// Where the cursor is in the list.
    pub(crate) at: usize,
    /// How many runs there are in the list.
    pub(crate) found: usize,
    /// How many there are in the journal.
    pub(crate) total: usize,
    /// So many were not read yet: more may have the words of the filter.
    pub(crate) unread: usize,
}

impl RunsPage {
    /// The run at a place of the list, if it is one of these.
    pub(crate) fn row(&self, at: usize) -> Option<&RunRow> {
        self.rows.get(at.checked_sub(self.first)?)
    }
}

/// A run in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunRow {
    /// What the journal says.
    pub(crate) summary: RunSummary,
    /// What it was about.
    pub(crate) gist: Gist,
}

/// Everything about a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Details {
    /// What the journal says.
    pub(crate) story: RunStory,
    /// What it was given.
    pub(crate) given: Vec<Given>,
    /// What happened last, oldest first, without progress.
    pub(crate) log: Vec<EventRecord>,
    /// The command line that does it again.
    pub(crate) command: String,
}

/// The runs of the journal, as they are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    /// A part of the list, or why there is none; none yet while it is read.
    pub(crate) page: Option<Result<RunsPage, String>>,
    /// Where the cursor is in the list.
    pub(crate) at: usize,
    /// Only runs with these words.
    pub(crate) filter: String,
    /// Everything about the few runs that are looked at, or why that is not known.
    details: Vec<(RunId, Result<Box<Details>, String>)>,
}

impl Runs {
    /// The run at a place of the list, as far as it was read.
    pub(crate) fn row(&self, at: usize) -> Option<&RunRow> {
        self.page.as_ref()?.as_ref().ok()?.row(at)
    }

    /// The run with the cursor.
    pub(crate) fn chosen(&self) -> Option<&RunRow> {
        self.row(self.at)
    }

    /// How many runs there are in the list.
    pub(crate) fn found(&self) -> usize {
        self.page.as_ref().and_then(|page| page.as_ref().ok()).map_or(0, |page| page.found)
    }

    /// Everything about the run with the cursor, once that was read.
    pub(crate) fn chosen_details(&self) -> Option<&Result<Box<Details>, String>> {
        self.details(self.chosen()?.summary.run)
    }

    /// Everything about a run, once that was read.
    pub(crate) fn details(&self, run: RunId) -> Option<&Result<Box<Details>, String>> {
        self.details.iter().find(|(known, _)| *known == run).map(|(_, details)| details)
    }

    /// Everything about a run was read. What is known of runs that are not among `wanted` is not kept.
    pub(crate) fn take(&mut self, run: RunId, details: Result<Box<Details>, String>, wanted: &[RunId]) {
        self.details.retain(|(known, _)| *known != run && wanted.contains(known));
        self.details.push((run, details));
    }
}

/// Small pictures of files, as far as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thumbnails {
    /// By path: the picture or why there is none, and when it was wanted last.
    known: BTreeMap<PathBuf, (Result<Picture, String>, u64)>,
    /// Counts what was read.
    age: u64,
}

impl Thumbnails {
    /// The picture of a file, or why there is none; nothing while it is read.
    pub(crate) fn get(&self, path: &Path) -> Option<&Result<Picture, String>> {
        self.known.get(path).map(|(picture, _)| picture)
    }

    /// A picture was read. Those that are not among `shown` go first when there are too many.
    pub(crate) fn add(&mut self, path: PathBuf, picture: Result<Picture, String>, shown: &[PathBuf]) {
        self.age += 1;
        self.known.insert(path, (picture, self.age));
        while self.known.len() > MOST_THUMBNAILS {
            let oldest = self.known.iter().min_by_key(|(path, (_, age))| (shown.contains(path), *age));
            let Some(path) = oldest.map(|(path, _)| path.clone()) else { return };
            self.known.remove(&path);
        }
    }

    /// What was not to be read is tried again: the file may be there now.
    pub(crate) fn forget_failures(&mut self) {
        self.known.retain(|_, (picture, _)| picture.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_are_bounded_and_those_on_the_screen_stay() {
        let mut thumbnails = Thumbnails::default();
        let path = |number: usize| PathBuf::from(format!("{number}.png"));
        let picture = Picture { width: 1, pixels: [[1, 2, 3]].into() };
        for number in 0..MOST_THUMBNAILS * 2 {
            thumbnails.add(path(number), Ok(picture.clone()), &[path(0)]);
        }
        assert_eq!(thumbnails.known.len(), MOST_THUMBNAILS);
        assert!(thumbnails.get(&path(0)).is_some() && thumbnails.get(&path(1)).is_none());
        thumbnails.add(path(0), Err("gone".into()), &[]);
        assert_eq!(thumbnails.get(&path(0)), Some(&Err("gone".into())));
        thumbnails.forget_failures();
        assert_eq!(thumbnails.get(&path(0)), None);
    }
}
