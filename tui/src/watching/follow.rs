//! Tells when files change that somebody looks at: by content, once the one who writes them seems to be done.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::contents::{self, Contents, Snapshot};
use super::debounce::{Debounce, Sign};
use super::folders::{Folders, Notice};

/// Where the system tells of no changes, somebody looks this often.
const POLL: Duration = Duration::from_millis(300);

/// A thread that watches files; it ends with this.
pub(crate) struct Follower(Sender<Order>);

enum Order {
    Watch(BTreeSet<PathBuf>),
    Noticed(Notice),
    End,
}

impl Follower {
    /// Watches nothing yet. `tell` is given the files whose content changed.
    pub(crate) fn start(mut tell: impl FnMut(Vec<PathBuf>) + Send + 'static) -> std::io::Result<Self> {
        let (sender, orders) = channel();
        let noticed = sender.clone();
        // Made here: nobody knows on which thread the system tells.
        let folders = Folders::new(move |notice| noticed.send(Order::Noticed(notice)).unwrap_or_default());
        let work = move || {
            let mut followed = Followed {
                folders,
                files: BTreeSet::new(),
                contents: Contents::default(),
                known: Snapshot::new(),
                polls_at: None,
            };
            let mut debounce = Debounce::default();
            loop {
                let due = debounce.due().into_iter().chain(followed.polls_at).min();
                let wait = due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
                match orders.recv_timeout(wait) {
                    Ok(Order::Watch(files)) => followed.watch(files),
                    Ok(Order::Noticed(Notice::Changed(path, sign))) => debounce.noticed(&path, sign, Instant::now()),
                    Ok(Order::Noticed(Notice::Somewhere)) => {
                        debounce.noticed(&PathBuf::new(), Sign::Complete, Instant::now());
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        debounce.looked(Instant::now());
                        let changed = followed.look();
                        if !changed.is_empty() {
                            tell(changed);
                        }
                    }
                    Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        thread::Builder::new().name("follower".into()).spawn(work)?;
        Ok(Follower(sender))
    }

    /// Watches these files, and no others. Those that were not watched before are told of once: they may have changed since
    /// somebody read them.
    pub(crate) fn watch(&self, files: impl IntoIterator<Item = PathBuf>) {
        // Fails for empty paths only, which name nothing.
        let files = files.into_iter().filter_map(|file| std::path::absolute(file).ok()).collect();
        // The thread lives as long as this.
        let _ = self.0.send(Order::Watch(files));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.send(Order::End);
    }
}

struct Followed {
    folders: Folders,
    files: BTreeSet<PathBuf>,
    contents: Contents,
    known: Snapshot,
    /// When to look next although the system told of nothing.
    polls_at: Option<Instant>,
}

impl Followed {
    /// What is in files that were not watched before is not known: they are told of once.
    fn watch(&mut self, files: BTreeSet<PathBuf>) {
        self.known.retain(|file, _| files.contains(file));
        self.files = files;
        self.polls_at = Some(Instant::now());
    }

    fn look(&mut self) -> Vec<PathBuf> {
        let is_told = self.folders.watch(&self.files).is_ok();
        self.polls_at = (!is_told).then(|| Instant::now() + POLL);
        let now = self.contents.of(&self.files, &BTreeSet::new(), &|_| false);
        let changed = contents::changed(&self.known, &now);
        self.known = now;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for any machine: only a test that fails waits so long.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_change_of_content_is_told_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let elsewhere = tempfile::tempdir_in(folder.path()).expect("a temporary folder can be made");
        // In one go, so that nobody sees half of it.
        let put = |path: &PathBuf, text: &str| {
            let new = elsewhere.path().join("new");
            std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).expect("it can be written");
        };
        put(&one, "a");
        let (sender, told) = channel();
        let follower = Follower::start(move |changed| sender.send(changed).unwrap_or_default()).expect("it starts");
        follower.watch([one.clone(), other.clone()]);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![one.clone(), other.clone()]), "nothing was known of them");
        put(&other, "new");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![other.clone()]));
        // The same content says nothing; what comes after it does.
        put(&other, "new");
        put(&one, "b");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![one.clone()]));
        std::fs::remove_file(&one).expect("it can be removed");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![one]));
    }
}
