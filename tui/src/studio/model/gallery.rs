//! The pictures that were drawn, newest first.

use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::RunId;

use super::still::Details;
use crate::gist::Gist;

/// A picture on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shot {
    /// The file.
    pub(crate) path: PathBuf,
    /// The run that wrote it; none: no run of the journal did.
    pub(crate) run: Option<RunId>,
    /// What that run was about.
    pub(crate) gist: Gist,
}

/// All pictures that are known of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shots {
    /// Newest first.
    pub(crate) all: Arc<[Shot]>,
    /// So many runs were not read yet: of their pictures the prompts are not known.
    pub(crate) unread: usize,
    /// Why the journal cannot be read: then these are the pictures of the folder.
    pub(crate) problem: Option<String>,
}

/// The pictures, as they are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gallery {
    /// All of them; none yet while the journal is read.
    shots: Option<Shots>,
    /// Those that have the words of the filter.
    shown: Vec<usize>,
    /// Only pictures with these words.
    pub(crate) filter: String,
    /// Which of those that are shown the cursor is on.
    pub(crate) at: usize,
    /// What is known of a file that no run wrote, which was looked at last.
    pub(crate) known: Option<(PathBuf, Result<Details, String>)>,
}

impl Gallery {
    /// All pictures, once they are known.
    pub(crate) fn shots(&self) -> Option<&Shots> {
        self.shots.as_ref()
    }

    /// How many are shown.
    pub(crate) fn len(&self) -> usize {
        self.shown.len()
    }

    /// Why the journal cannot be read, where there are pictures all the same.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.shots.as_ref()?.problem.as_deref()
    }

    /// One of those that are shown.
    pub(crate) fn shot(&self, at: usize) -> Option<&Shot> {
        self.shots.as_ref()?.all.get(*self.shown.get(at)?)
    }

    /// The picture with the cursor.
    pub(crate) fn chosen(&self) -> Option<&Shot> {
        self.shot(self.at)
    }

    /// They were found. The cursor stays on its picture, or on the newest.
    pub(crate) fn take(&mut self, shots: Shots) {
        let chosen = self.chosen().map(|shot| shot.path.clone()).filter(|_| self.at > 0);
        self.shots = Some(shots);
        self.search();
        let place = chosen.and_then(|path| (0..self.len()).find(|at| self.shot(*at).is_some_and(|s| s.path == path)));
        self.at = place.unwrap_or(self.at).min(self.len().saturating_sub(1));
    }

    /// Only pictures with these words are to be shown.
    pub(crate) fn filter(&mut self, text: &str) {
        if self.filter != text {
            self.filter = text.to_string();
            self.at = 0;
            self.search();
        }
    }

    fn search(&mut self) {
        let Some(shots) = &self.shots else { return };
        let filter = self.filter.to_lowercase();
        let words: Vec<&str> = filter.split_whitespace().collect();
        let has_all = |shot: &Shot| {
            let Gist { prompt, seed, model, .. } = &shot.gist;
            let name = shot.path.file_name().unwrap_or_default().to_string_lossy();
            let text = format!("{prompt} {seed} {model} {name}").to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let fits = shots.all.iter().enumerate().filter(|(_, shot)| words.is_empty() || has_all(shot));
        self.shown = fits.map(|(at, _)| at).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots(names: &[(&str, &str)]) -> Shots {
        let shot = |(name, prompt): &(&str, &str)| Shot {
            path: name.into(),
            run: Some(RunId(1)),
            gist: Gist { prompt: (*prompt).into(), ..Gist::default() },
        };
        Shots { all: names.iter().map(shot).collect(), unread: 0, problem: None }
    }

    #[test]
    fn the_cursor_stays_on_its_picture_and_on_the_newest_if_it_was_there() {
        let mut gallery = Gallery::default();
        gallery.take(shots(&[("b.png", "a dog"), ("a.png", "a cat")]));
        gallery.take(shots(&[("c.png", "two cats"), ("b.png", "a dog"), ("a.png", "a cat")]));
        assert_eq!(gallery.at, 0);
        gallery.at = 2;
        gallery.take(shots(&[("d.png", ""), ("c.png", "two cats"), ("b.png", "a dog"), ("a.png", "a cat")]));
        assert_eq!(gallery.at, 3);
        gallery.filter("CAT");
        assert_eq!((gallery.at, gallery.len()), (0, 2));
        gallery.filter("d.png");
        assert_eq!(gallery.chosen().map(|shot| shot.path.clone()), Some("d.png".into()));
        gallery.take(Shots { problem: Some("it is damaged".into()), ..shots(&[]) });
        assert!(gallery.chosen().is_none() && gallery.len() == 0 && gallery.problem().is_some());
    }
}
