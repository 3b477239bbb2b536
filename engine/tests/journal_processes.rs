//! Processes at one journal that may not do everything with it. This program starts itself: `journal_processes child
//! WHAT FOLDER` is one of the processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    use easel_engine::{
        Job, JobOptions, Journal, JournalError, Retention, RunId, RunQuery, RunState, Settings, Source,
    };
    use nix::unistd::{Uid, setuid};

    fn job() -> Job {
        let source = Source::new("test.ron", "Workflow(version: 1, nodes: {})");
        Job { source, files: Vec::new(), settings: Settings::default(), options: JobOptions::default() }
    }

    /// Root may do everything, whatever the permissions say.
    fn become_somebody() {
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65534)).unwrap();
        }
    }

    pub(super) fn child(what: &str, folder: &Path) {
        become_somebody();
        match what {
            "look" => look(folder),
            "knock" => knock(folder),
            _ => panic!("{what} is none of them"),
        }
    }

    /// In a folder that may be read.
    fn look(folder: &Path) {
        let error = Journal::open(folder).err().expect("it cannot be written");
        assert!(matches!(error, JournalError::Storage { .. }) && error.hint().is_some(), "{error:?}");
        let journal = Journal::open_to_read(folder).unwrap().expect("it is there");
        let page = journal.runs(&RunQuery { state: None, limit: 9, offset: 0 }).unwrap();
        assert_eq!((page.total, page.runs[0].state), (2, RunState::Interrupted), "nobody holds its lock");
        assert_eq!(journal.queue().unwrap().len(), 1);
        for error in [
            journal.begin(&job()).map(drop),
            journal.enqueue(&job(), 0).map(drop),
            journal.cancel(RunId(1)).map(drop),
            journal.prune(Retention { runs: 0, bytes: 0 }).map(drop),
        ] {
            let error = error.unwrap_err();
            assert!(error.to_string().contains("read-only") && error.hint().is_some(), "{error}");
        }
    }

    /// In a folder that may not even be entered.
    fn knock(folder: &Path) {
        let error = Journal::open(folder).err().expect("it cannot be entered");
        assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
    }

    fn succeed(what: &str, folder: &Path) {
        let own = std::env::current_exe().unwrap();
        let done = Command::new(own).args(["child", what]).arg(folder).output().unwrap();
        assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn permit(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn without_permission_to_write_it_is_read() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("state");
        let journal = Journal::open(&folder).unwrap();
        journal.enqueue(&job(), 0).unwrap();
        drop(journal.begin(&job()).unwrap());
        drop(journal);
        permit(outer.path(), 0o755);
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            permit(&entry, if entry.is_dir() { 0o555 } else { 0o444 });
        }
        for lock in fs::read_dir(folder.join("locks")).unwrap() {
            permit(&lock.unwrap().path(), 0o444);
        }
        permit(&folder, 0o555);
        succeed("look", &folder);
        permit(&folder, 0o000);
        succeed("knock", &folder);
        permit(&folder, 0o755);
        permit(&folder.join("locks"), 0o755);
    }
}

#[cfg(unix)]
fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, child, what, folder] = &arguments[..]
        && child == "child"
    {
        return unix::child(what, std::path::Path::new(folder));
    }
    let name = "without_permission_to_write_it_is_read";
    if arguments.iter().any(|argument| argument == "--list") {
        println!("{name}: test");
        return;
    }
    unix::without_permission_to_write_it_is_read();
    println!("test {name} ... ok");
}

/// Permissions are those of Unix.
#[cfg(not(unix))]
fn main() {}
