//! The journal from within: limits and damage that cannot be brought about from outside.

use std::sync::mpsc::channel;

use proptest::prelude::*;
use rusqlite::types::Value;

use super::*;
use crate::cancel::CancelToken;
use crate::event::{Event, EventSink, Outcome, RunId};
use crate::plan::Settings;
use crate::source::Source;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn job(text: &str) -> Job {
    Job {
        source: Source::new("test.ron", text),
        files: Vec::new(),
        settings: Settings::default(),
        options: JobOptions::default(),
    }
}

fn limited(folder: &tempfile::TempDir, pragmas: &'static str) -> Result<Journal, JournalError> {
    let clock: Clock = Arc::new(SystemTime::now);
    Journal::set_up(folder.path(), Setup { clock, read_only: false, retention: Retention::default(), pragmas })
}

/// Events of a run with a large output, and what the recorder complained of.
fn record(journal: &Journal, claim: Claim, warnings: usize) -> Vec<String> {
    let run = claim.run();
    let mut events = EventSink::new();
    let listener = events.listen();
    let (trouble, troubles) = channel();
    let tell = move |error: &JournalError| trouble.send(error.to_string()).expect("somebody listens");
    let recorder = Recorder::start(journal, claim, listener, CancelToken::new(), WhenStopped::Cancelled, tell);
    for _ in 0..warnings {
        events.send(Event::NodeWarning { run, node: "a".into(), message: "x".repeat(1_000) });
    }
    let (outcome, seconds, finished, cached, failed, skipped) = (Outcome::Completed, 1.0, 0, 0, 0, 0);
    events.send(Event::RunFinished { run, outcome, seconds, finished, cached, failed, skipped });
    recorder.expect("a thread can be started").finish();
    troubles.try_iter().collect()
}

#[test]
fn a_full_disk_is_told_once_and_the_end_is_kept_if_there_is_room() {
    let folder = folder();
    drop(Journal::open(folder.path()).expect("it can be made"));
    let small = limited(&folder, "PRAGMA max_page_count = 60").expect("it is there");
    let claim = small.begin(&job("")).expect("there is room");
    let run = claim.run();
    let troubles = record(&small, claim, 5_000);
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(troubles[0].contains("the disk is full"), "{troubles:?}");
    assert_eq!(small.state(run).expect("it is known"), RunState::Completed, "the end needs no new page");
    let error = small.begin(&job(&"x".repeat(1 << 20))).expect_err("there is no room");
    assert!(error.to_string().contains("the disk is full") && error.hint().is_some(), "{error}");
    // With room again everything goes on.
    let journal = Journal::open(folder.path()).expect("it is there");
    let claim = journal.begin(&job("")).expect("there is room");
    assert_eq!(record(&journal, claim, 100), Vec::<String>::new());
}

#[test]
fn what_may_only_be_read_is_read() {
    let folder = folder();
    let journal = Journal::open(folder.path()).expect("it can be made");
    let run = journal.enqueue(&job("text"), 0).expect("it can be written");
    drop(journal);
    let clock: Clock = Arc::new(SystemTime::now);
    let setup = Setup { clock, read_only: true, retention: Retention::default(), pragmas: "" };
    let reader = Journal::set_up(folder.path(), setup).expect("it can be read");
    assert_eq!(&*reader.story(run).expect("it is known").job.source.text, "text");
    let error = reader.cancel(run).expect_err("it may not be written");
    assert!(error.to_string().contains("it is read-only") && error.hint().is_some(), "{error}");
}

#[cfg(unix)]
#[test]
fn an_old_history_is_never_taken_for_the_whole() {
    let folder = folder();
    let journal = Journal::open(folder.path()).expect("it can be made");
    let copy = |name: &str| {
        let copy = folder.path().join(name);
        std::fs::create_dir(&copy).expect("there is room");
        for end in ["", "-wal"] {
            let file = format!("{FILE_NAME}{end}");
            if folder.path().join(&file).exists() {
                std::fs::copy(folder.path().join(&file), copy.join(&file)).expect("there is room");
            }
        }
        // In the way of what readers and writers share, as a folder without rights is.
        std::os::unix::fs::symlink("nowhere/at/all", copy.join(format!("{FILE_NAME}-shm"))).expect("there is room");
        copy
    };
    let run = journal.enqueue(&job("text"), 0).expect("it can be written");
    let error = Journal::open_to_read(&copy("unmerged")).err().expect("its newest entries cannot be read");
    assert!(error.to_string().contains("-wal") && error.hint().is_some(), "{error}");
    // The last to close it merges.
    drop(journal);
    let reader = Journal::open_to_read(&copy("merged")).expect("it can be read");
    assert_eq!(&*reader.expect("it is there").story(run).expect("it is known").job.source.text, "text");
}

#[test]
fn a_journal_that_turns_read_only_is_told_once() {
    let folder = folder();
    let journal = Journal::open(folder.path()).expect("it can be made");
    let claim = journal.begin(&job("")).expect("it can be written");
    let locked = limited(&folder, "PRAGMA query_only = ON").expect("it is there");
    let troubles = record(&locked, claim, 10);
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(troubles[0].contains("it is read-only"), "{troubles:?}");
    assert_eq!(journal.state(RunId(1)).expect("it is known"), RunState::Interrupted, "nobody could write its end");
}

#[test]
fn a_newer_journal_is_refused() {
    let folder = folder();
    drop(Journal::open(folder.path()).expect("it can be made"));
    let file = folder.path().join(FILE_NAME);
    let connection = Connection::open(&file).expect("it is there");
    connection.pragma_update(None, "user_version", 1_000).expect("it can be written");
    drop(connection);
    for error in [
        Journal::open(folder.path()).err().expect("it is newer"),
        Journal::open_to_read(folder.path()).err().expect("it is newer"),
    ] {
        assert!(matches!(error, JournalError::Newer { found: 1_000, .. }), "{error:?}");
        assert!(error.to_string().contains("newer Easel") && error.hint().is_some(), "{error}");
    }
}

#[test]
fn more_events_than_a_transaction_takes_are_all_kept() {
    let folder = folder();
    let journal = Journal::open(folder.path()).expect("it can be made");
    let claim = journal.begin(&job("")).expect("it can be written");
    let run = claim.run();
    assert_eq!(record(&journal, claim, 2_500), Vec::<String>::new());
    let times = journal.events(run, 0, 10_000).expect("it can be read");
    assert_eq!(times.len(), 2_501);
}

/// The runs that a journal knows, the oldest first.
fn known(journal: &Journal) -> Vec<u64> {
    let page = journal.runs(&RunQuery { state: None, limit: 1_000, offset: 0 }).expect("it can be read");
    page.runs.iter().rev().map(|run| run.run.0).collect()
}

fn keeping(folder: &tempfile::TempDir, runs: u64, bytes: u64) -> Journal {
    let clock: Clock = Arc::new(SystemTime::now);
    let setup = Setup { clock, read_only: false, retention: Retention { runs, bytes }, pragmas: "" };
    Journal::set_up(folder.path(), setup).expect("it can be made")
}

#[test]
fn of_the_history_the_newest_runs_are_kept() {
    let folder = folder();
    let journal = keeping(&folder, 3, u64::MAX);
    let waiting = journal.enqueue(&job("waits"), 0).expect("it can be written");
    let interrupted = journal.begin(&job("is interrupted")).expect("it can be written").run();
    let under_way = journal.begin(&job("is under way")).expect("it can be written");
    for _ in 0..6 {
        let claim = journal.begin(&job("")).expect("it can be written");
        assert_eq!(record(&journal, claim, 3), Vec::<String>::new());
    }
    // Pruned when a run begins: the last one came after that.
    assert_eq!(known(&journal), [1, 2, 3, 6, 7, 8, 9]);
    let forgotten = journal.prune(Retention { runs: 1, bytes: u64::MAX }).expect("it can be written");
    assert_eq!((forgotten, known(&journal)), (3, vec![1, 2, 3, 9]));
    assert!(journal.story(RunId(8)).is_err() && journal.events(RunId(8), 0, 9).is_err());
    assert_eq!(journal.events(RunId(9), 0, 9).expect("it is known").len(), 4);
    assert_eq!(journal.prune(Retention { runs: 0, bytes: 0 }).expect("it can be written"), 1);
    let states = [waiting, interrupted, under_way.run()].map(|run| journal.state(run).expect("it is known"));
    assert_eq!(states, [RunState::Queued, RunState::Interrupted, RunState::Running]);
    let next = journal.begin(&job("")).expect("it can be written").run();
    assert_eq!(next, RunId(10), "no number is given twice");
}

#[test]
fn a_history_that_takes_too_much_room_is_shortened_whatever_the_number_of_runs() {
    let folder = folder();
    let journal = keeping(&folder, 1_000, 4 << 20);
    let large = job(&"x".repeat(128 << 10));
    let claims: Vec<_> = (0..40).map(|_| journal.begin(&large).expect("it can be written")).collect();
    assert_eq!(known(&journal).len(), 40, "none of them is over");
    for claim in claims {
        assert_eq!(record(&journal, claim, 1), Vec::<String>::new());
    }
    journal.begin(&job("")).expect("it can be written");
    let left = known(&journal);
    assert!((28..34).contains(&left.len()) && left.ends_with(&[39, 40, 41]), "{left:?}");
    let size = || std::fs::metadata(folder.path().join(FILE_NAME)).expect("it is there").len();
    let before = size();
    let forgotten = journal.prune(Retention { runs: 0, bytes: u64::MAX }).expect("it can be written");
    assert_eq!(forgotten, left.len() as u64 - 1);
    assert!(size() < before && size() < 1 << 20, "{before} {}", size());
}

#[test]
fn what_waits_and_takes_all_the_room_costs_nobody_else_its_history() {
    let folder = folder();
    let journal = keeping(&folder, 1_000, 1 << 20);
    journal.enqueue(&job(&"x".repeat(2 << 20)), 0).expect("it can be written");
    for _ in 0..40 {
        let claim = journal.begin(&job("")).expect("it can be written");
        assert_eq!(record(&journal, claim, 1), Vec::<String>::new());
    }
    let left = known(&journal);
    assert!(left.len() >= 25 && left[0] == 1 && left.contains(&18) && left.ends_with(&[40, 41]), "{left:?}");
    journal.prune(Retention { runs: 1_000, bytes: 0 }).expect("it can be written");
    assert_eq!(known(&journal), std::iter::once(1).chain(18..=41).collect::<Vec<_>>());
}

#[test]
fn jobs_of_the_queue_are_forgotten_like_others() {
    let folder = folder();
    let journal = keeping(&folder, 2, u64::MAX);
    for _ in 0..6 {
        journal.enqueue(&job(""), 0).expect("it can be written");
    }
    while let Some(claim) = journal.claim().expect("it can be written") {
        assert_eq!(record(&journal, claim, 1), Vec::<String>::new());
    }
    // Pruned when a run begins: the last one came after that.
    assert_eq!(known(&journal), [4, 5, 6]);
}

/// Any value that a column can hold.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Real),
        ".{0,20}".prop_map(Value::Text),
        r#"(\[|\{|"|[a-z]|[0-9]|,|:|\}|\]){0,20}"#.prop_map(Value::Text),
        prop::sample::select(vec!["queued", "running", "failed", "waiting", "[]", "{}"])
            .prop_map(|word| Value::Text(word.into())),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Blob),
    ]
}

const WITHOUT_TABLES: &str = "PRAGMA foreign_keys = OFF;
DROP TABLE artifacts; DROP TABLE events; DROP TABLE nodes; DROP TABLE files; DROP TABLE runs;";

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A journal that somebody has tampered with gives errors, never panics.
    #[test]
    fn no_row_makes_reading_panic(
        run in proptest::collection::vec(value(), 18),
        node in proptest::collection::vec(value(), 13),
        file in proptest::collection::vec(value(), 2),
        event in proptest::collection::vec(value(), 3),
        artifact in proptest::collection::vec(value(), 5),
    ) {
        let folder = folder();
        let journal = Journal::open(folder.path()).expect("it can be made");
        let connection = Connection::open(folder.path().join(FILE_NAME)).expect("it is there");
        connection.execute_batch(WITHOUT_TABLES).expect("it can be changed");
        connection.execute_batch(probe::LAWLESS).expect("it can be changed");
        for (table, values) in [("runs", run), ("nodes", node), ("files", file), ("events", event), ("artifacts", artifact)] {
            let marks = vec!["?"; values.len()].join(", ");
            let insert = format!("INSERT INTO {table} VALUES (1, {marks})");
            connection.execute(&insert, rusqlite::params_from_iter(values)).expect("anything goes");
        }
        for state in std::iter::once(None).chain(RunState::ALL.map(Some)) {
            let _ = journal.runs(&RunQuery { state, limit: 10, offset: 0 });
        }
        let _ = (journal.story(RunId(1)), journal.events(RunId(1), 0, 10), journal.queue());
        let _ = (journal.resume(RunId(1)).map(drop), journal.claim().map(drop));
        let _ = (journal.move_to(RunId(1), Place::Front), journal.cancel(RunId(1)), journal.remove(RunId(1)));
    }
}
