//! Looks at the files that a workflow depends on, and plans it again when they changed.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::contents::{self, Contents, Snapshot, State};
use super::folders::Folders;
use super::watcher::Finding;

/// What is wrong is told if it lasts so long: an editor empties a file before it writes.
const HALF_WRITTEN: Duration = Duration::from_millis(40);

/// Likewise a file that is gone: some editors move it away before they write another.
const GONE: Duration = Duration::from_millis(150);

/// Planning may name files that nobody watched; they may have changed meanwhile, so it is done again, so often at the most.
const ROUNDS: usize = 4;

/// What planning came to.
pub(crate) struct Planned<P, B> {
    pub(crate) result: Result<P, B>,
    /// Every file that it depends on, besides those that are watched in any case.
    pub(crate) files: Vec<PathBuf>,
    /// Folders of which only matters which files there are in them.
    pub(crate) folders: Vec<PathBuf>,
}

/// Files that the workflow's own runs have written: that they changed is no reason to run it again.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnFiles(Arc<Mutex<Own>>);

#[derive(Debug, Default)]
struct Own {
    /// Since somebody asked the last time.
    recent: HashSet<PathBuf>,
    ever: HashSet<PathBuf>,
}

impl OwnFiles {
    /// A run wrote this file just now.
    pub(super) fn written(&self, file: &Path) {
        if let Ok(file) = file.canonicalize() {
            let mut own = self.lock();
            own.recent.insert(file.clone());
            own.ever.insert(file);
        }
    }

    /// Those that were written since somebody asked the last time.
    fn take(&self) -> HashSet<PathBuf> {
        std::mem::take(&mut self.lock().recent)
    }

    fn lock(&self) -> MutexGuard<'_, Own> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in force, or is wrong, and what made it so.
pub(super) struct News<T> {
    pub(super) about: T,
    /// The files that changed; none the first time.
    pub(super) changed: Vec<PathBuf>,
    /// How many files are watched.
    pub(super) files: usize,
}

/// Watches files and plans.
pub(super) struct Inspector<B, F> {
    /// Always watched.
    main: PathBuf,
    files: BTreeSet<PathBuf>,
    /// Those of the files that are folders of which only the names in them matter.
    listed: BTreeSet<PathBuf>,
    folders: Folders,
    contents: Contents,
    plan: F,
    /// What was in the files when the last plan was made, or was tried to be made.
    attempted: Option<Snapshot>,
    /// What was wrong then, if something was.
    broken: Option<B>,
    /// What was in them when the plan in force was made.
    good: Option<Snapshot>,
    own: OwnFiles,
    /// Why the files have to be looked at again and again.
    trouble: Option<String>,
}

impl<P, B: Clone + PartialEq, F: FnMut() -> Planned<P, B>> Inspector<B, F> {
    /// Inspects a workflow's file, and whatever `plan` says that its plan depends on.
    pub(super) fn new(main: PathBuf, folders: Folders, own: OwnFiles, plan: F) -> Self {
        Inspector {
            files: BTreeSet::from([main.clone()]),
            main,
            listed: BTreeSet::new(),
            folders,
            contents: Contents::default(),
            plan,
            attempted: None,
            broken: None,
            good: None,
            own,
            trouble: None,
        }
    }

    /// Looks at the files and plans if they changed. If the last plan was no good, also if not: something else may have.
    pub(super) fn look(&mut self) -> Finding<News<P>, News<B>> {
        let own = self.own.take();
        let now = self.snapshot();
        let mut changed = self.attempted.as_ref().map(|before| contents::changed(before, &now)).unwrap_or_default();
        if !own.is_empty() {
            changed.retain(|file| !file.canonicalize().is_ok_and(|file| own.contains(&file)));
            self.accept(&now, &changed);
        }
        let is_unchanged = self.attempted.as_ref() == Some(&now);
        if is_unchanged && self.broken.is_none() {
            return Finding::Unchanged;
        }
        // A plan depends on its own files only: others came in by plans that were no good.
        let is_as_before = |good: &Snapshot| good.iter().all(|(file, state)| now.get(file) == Some(state));
        if !is_unchanged && self.good.as_ref().is_some_and(is_as_before) {
            self.attempted = Some(now);
            self.broken = None;
            return Finding::Restored;
        }
        let (result, now) = self.plan(now);
        let patience = if now.get(&self.main) == Some(&State::Missing) { GONE } else { HALF_WRITTEN };
        let files = self.files.len();
        self.attempted = Some(now.clone());
        match result {
            Ok(about) => {
                self.good = Some(now);
                self.broken = None;
                Finding::Sound(News { about, changed, files })
            }
            Err(about) if is_unchanged && self.broken.as_ref() == Some(&about) => Finding::Unchanged,
            Err(about) => {
                self.broken = Some(about.clone());
                Finding::Broken(News { about, changed, files }, patience)
            }
        }
    }

    /// Takes it as given what is in the files that differ, those excepted.
    fn accept(&mut self, now: &Snapshot, except: &[PathBuf]) {
        for before in self.attempted.iter_mut().chain(&mut self.good) {
            for (file, state) in now.iter().filter(|(file, _)| !except.contains(file)) {
                before.entry(file.clone()).and_modify(|before| *before = *state);
            }
        }
    }

    /// Why the system does not tell of every change, if it does not.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Plans until all the files that the plan depends on were watched before it was made.
    fn plan(&mut self, mut now: Snapshot) -> (Result<P, B>, Snapshot) {
        let mut round = 1;
        loop {
            let Planned { result, files, folders } = (self.plan)();
            let mut needed: BTreeSet<_> = files.into_iter().chain(folders.iter().cloned()).collect();
            needed.insert(self.main.clone());
            let is_covered = needed.is_subset(&self.files);
            if result.is_err() {
                // What would mend it may be in any of the files that mattered so far.
                needed.extend(self.files.iter().cloned());
            }
            self.files = needed;
            self.listed.extend(folders);
            if is_covered || round == ROUNDS {
                now.retain(|file, _| self.files.contains(file));
                return (result, now);
            }
            now = self.snapshot();
            round += 1;
        }
    }

    /// What is in the files, of which every later change is told.
    fn snapshot(&mut self) -> Snapshot {
        self.trouble = self.folders.watch(&self.files).err();
        let own = self.own.clone();
        let is_own = |path: &Path| path.canonicalize().is_ok_and(|path| own.lock().ever.contains(&path));
        self.contents.of(&self.files, &self.listed, &is_own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A "workflow" is a list of files, one a line; it is broken if it says so.
    fn planned(main: &Path) -> Planned<String, String> {
        let text = std::fs::read_to_string(main).unwrap_or_default();
        let files = text.lines().filter(|line| line.starts_with('/')).map(PathBuf::from).collect();
        Planned {
            result: if text.contains("broken") || text.is_empty() { Err(text) } else { Ok(text) },
            files,
            folders: Vec::new(),
        }
    }

    fn inspector(main: &Path) -> Inspector<String, impl FnMut() -> Planned<String, String>> {
        let plan = move || planned(main);
        Inspector::new(main.to_path_buf(), Folders::off("a test looks by itself"), OwnFiles::default(), plan)
    }

    type Found = Finding<News<String>, News<String>>;

    fn sound(found: Found) -> News<String> {
        match found {
            Finding::Sound(news) => news,
            Finding::Broken(news, _) => panic!("broken: {}", news.about),
            Finding::Unchanged => panic!("unchanged"),
            Finding::Restored => panic!("restored"),
        }
    }

    #[test]
    fn every_file_of_a_plan_counts_and_only_its_content() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (main, part) = (folder.path().join("main"), folder.path().join("part"));
        let write = |path: &Path, text: &str| std::fs::write(path, text).expect("it can be written");
        write(&main, "text");
        let mut inspector = inspector(&main);
        let first = sound(inspector.look());
        assert_eq!((first.changed, first.files), (vec![], 1));
        write(&main, "text");
        assert!(matches!(inspector.look(), Finding::Unchanged), "saved without a change");

        write(&main, &format!("text\n{}", part.display()));
        let news = sound(inspector.look());
        assert_eq!((news.changed, news.files), (vec![main.clone()], 2));
        write(&part, "there now");
        assert_eq!(sound(inspector.look()).changed, vec![part.clone()], "a file that was not there");

        write(&main, "broken");
        let Finding::Broken(news, patience) = inspector.look() else { panic!("it is broken") };
        assert_eq!((news.about.as_str(), news.files, patience), ("broken", 2, HALF_WRITTEN));
        assert!(matches!(inspector.look(), Finding::Unchanged), "told once");
        write(&part, "another");
        assert!(matches!(inspector.look(), Finding::Broken(..)), "what the last good one needs is watched still");
        write(&part, "there now");
        write(&main, &format!("text\n{}", part.display()));
        assert!(matches!(inspector.look(), Finding::Restored));

        write(&main, "text");
        assert_eq!(sound(inspector.look()).files, 1);
        write(&part, "nobody cares");
        assert!(matches!(inspector.look(), Finding::Unchanged));
        std::fs::remove_file(&main).expect("it can be removed");
        assert!(matches!(inspector.look(), Finding::Broken(_, GONE)));
        assert_eq!(inspector.trouble(), Some("a test looks by itself"));
    }

    #[test]
    fn what_a_run_writes_itself_does_not_run_it_again() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (main, part) = (folder.path().join("main"), folder.path().join("part"));
        std::fs::write(&main, part.display().to_string()).expect("it can be written");
        let mut inspector = inspector(&main);
        sound(inspector.look());
        std::fs::write(&part, "by the run").expect("it can be written");
        inspector.own.written(&part);
        assert!(matches!(inspector.look(), Finding::Unchanged));
        std::fs::write(&part, "by hand").expect("it can be written");
        assert_eq!(sound(inspector.look()).changed, [part]);
    }

    #[test]
    fn what_is_wrong_may_be_mended_where_nobody_looks() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (main, hidden) = (folder.path().join("main"), folder.path().join("hidden"));
        std::fs::write(&main, "text").expect("it can be written");
        let plan = || {
            let result = if hidden.exists() { Ok(()) } else { Err("there is no hidden file") };
            Planned { result, files: Vec::new(), folders: Vec::new() }
        };
        let mut inspector = Inspector::new(main.clone(), Folders::off("a test"), OwnFiles::default(), plan);
        assert!(matches!(inspector.look(), Finding::Broken(..)));
        assert!(matches!(inspector.look(), Finding::Unchanged));
        std::fs::write(&hidden, "").expect("it can be written");
        assert!(matches!(inspector.look(), Finding::Sound(_)));
        assert!(matches!(inspector.look(), Finding::Unchanged));
    }
}
