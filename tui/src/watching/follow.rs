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

    /// Watches these files, and no others. What they hold now is taken as known.
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
    fn watch(&mut self, files: BTreeSet<PathBuf>) {
        let now = self.snapshot_of(files);
        // Of a file that was watched before, a change in between is still to be told.
        for (file, state) in now {
            self.known.entry(file).or_insert(state);
        }
        self.known.retain(|file, _| self.files.contains(file));
        // Whatever happened until now is looked at once.
        self.polls_at.get_or_insert_with(Instant::now);
    }

    fn look(&mut self) -> Vec<PathBuf> {
        let now = self.snapshot_of(self.files.clone());
        let changed = contents::changed(&self.known, &now);
        self.known = now;
        changed
    }

    fn snapshot_of(&mut self, files: BTreeSet<PathBuf>) -> Snapshot {
        self.files = files;
        let is_told = self.folders.watch(&self.files).is_ok();
        self.polls_at = (!is_told).then(|| Instant::now() + POLL);
        self.contents.of(&self.files, &BTreeSet::new(), &|_| false)
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
        std::fs::write(&one, "a").expect("it can be written");
        let (sender, told) = channel();
        let follower = Follower::start(move |changed| sender.send(changed).unwrap_or_default()).expect("it starts");
        follower.watch([one.clone(), other.clone()]);
        std::fs::write(&other, "new").expect("it can be written");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![other.clone()]));
        // The same content says nothing; what comes after it does.
        std::fs::write(&other, "new").expect("it can be written");
        std::fs::write(&one, "b").expect("it can be written");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![one.clone()]));
        std::fs::remove_file(&one).expect("it can be removed");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(vec![one]));
    }
}
