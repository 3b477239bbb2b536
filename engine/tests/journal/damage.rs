//! Journals that are not as they should be.

use easel_engine::{CancelToken, Journal, JournalError, Outcome, RunQuery, RunState, Services, WhenStopped};

use crate::support::{Started, all, beside, carry_out, carry_out_with, folder, job, journal};

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = folder();
    let file = folder.path().join("journal.db");
    std::fs::write(&file, "dear diary, ".repeat(1_000)).expect("it can be written");
    for error in [
        Journal::open(folder.path()).err().expect("it is no journal"),
        Journal::open_to_read(folder.path()).err().expect("it is no journal"),
    ] {
        assert!(matches!(error, JournalError::NotAJournal { .. }), "{error:?}");
        assert!(error.to_string().contains("is no journal of Easel"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("move that file away")));
    }
    assert!(std::fs::read_to_string(&file).expect("it is there").starts_with("dear diary"));
}

#[test]
fn an_empty_file_is_a_new_journal() {
    let folder = folder();
    std::fs::write(folder.path().join("journal.db"), "").expect("it can be written");
    journal(&folder).begin(&job(&folder, r#""a": Do()"#)).expect("it can be written");
}

#[test]
fn a_place_where_no_folder_can_be_made_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    let error = Journal::open(&file.join("state")).err().expect("there is a file in the way");
    assert!(matches!(error, JournalError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("file/state") && error.hint().is_some(), "{error}");
    assert!(Journal::open_to_read(&file.join("state")).expect("nothing is there to be read").is_none());
}

#[test]
fn a_journal_that_is_removed_in_the_midst_of_a_run_is_told_once() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(what: "wait")"#)).expect("it can be written");
    let (started, has_started) = Started::new();
    let (cancel, path) = (CancelToken::new(), folder.path().to_path_buf());
    let stop = cancel.clone();
    let vandal = beside(move || {
        has_started.recv().expect("it starts");
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            let _ = std::fs::remove_file(path.join(name));
        }
        stop.cancel();
    });
    let services = Services::default().with(started);
    let (report, troubles) = carry_out_with(&journal, claim, services, cancel, WhenStopped::Cancelled);
    vandal.join().expect("it did its worst");
    assert_eq!(report.outcome, Outcome::Cancelled, "the run itself is not disturbed");
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(troubles[0].contains("removed"), "{troubles:?}");
    // The program that lives on begins a new journal.
    let claim = journal.begin(&job(&folder, r#""a": Do()"#)).expect("a new one is made");
    carry_out(&journal, claim);
    assert_eq!(all(&Journal::open(folder.path()).expect("it is there")).len(), 1);
}

#[test]
fn a_journal_can_be_looked_at_before_there_is_one() {
    let folder = folder();
    assert!(Journal::open_to_read(folder.path()).expect("nothing is wrong").is_none());
    let nowhere = Journal::open_to_read(&folder.path().join("nowhere")).expect("nothing is wrong");
    assert!(nowhere.is_none() && !folder.path().join("nowhere").exists());
}

#[test]
fn lock_files_do_not_pile_up() {
    let folder = folder();
    let journal = journal(&folder);
    for _ in 0..3 {
        let claim = journal.begin(&job(&folder, r#""a": Do()"#)).expect("it can be written");
        carry_out(&journal, claim);
    }
    let page = journal.runs(&RunQuery { state: Some(RunState::Completed), limit: 9, offset: 0 });
    assert_eq!(page.expect("it can be read").total, 3);
    assert_eq!(std::fs::read_dir(folder.path().join("locks")).expect("it is there").count(), 0);
}
