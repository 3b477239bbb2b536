//! Looking at everything, and changing single runs.

use easel_engine::{Extent, JournalError, RunId, RunState};

use crate::support::{carry_out, drain, folder, job, journal, state};

fn ids(runs: &[RunId]) -> Vec<u64> {
    runs.iter().map(|run| run.0).collect()
}

#[test]
fn everything_is_found_by_its_id_and_what_is_gone_is_left_out() {
    let folder = folder();
    let journal = journal(&folder);
    assert_eq!(journal.extent().expect("it can be read"), Extent::default());
    for node in [r#""a": Do(what: "write")"#, r#""b": Do()"#, r#""c": Do(what: "write")"#] {
        journal.enqueue(&job(&folder, node), 0).expect("it can be written");
    }
    drain(&journal);
    let waiting = journal.enqueue(&job(&folder, r#""d": Do()"#), 0).expect("it can be written");
    assert_eq!(ids(&journal.ids(None).expect("it can be read")), [4, 3, 2, 1]);
    let of = |state| ids(&journal.ids(Some(state)).expect("it can be read"));
    assert_eq!((of(RunState::Queued), of(RunState::Completed)), (vec![4], vec![3, 2, 1]));
    assert_eq!((of(RunState::Interrupted), of(RunState::Running)), (vec![], vec![]));
    let extent = journal.extent().expect("it can be read");
    assert_eq!(extent, Extent { newest: Some(waiting), runs: 4, artifacts: 2 });
    let wanted = [RunId(2), RunId(99), RunId(4)];
    let summaries = journal.summaries(&wanted).expect("it can be read");
    assert_eq!(
        summaries.iter().map(|run| (run.run.0, run.state)).collect::<Vec<_>>(),
        [(4, RunState::Queued), (2, RunState::Completed)]
    );
    let jobs = journal.jobs(&wanted).expect("it can be read");
    assert_eq!(ids(&jobs.iter().map(|(run, _)| *run).collect::<Vec<_>>()), [2, 4]);
    assert!(jobs[0].1.as_ref().is_some_and(|job| job.source.text.contains(r#""b""#)));
    let files = |files: Vec<(RunId, easel_engine::ArtifactRecord)>| {
        files.into_iter().map(|(run, file)| (run.0, file.node)).collect::<Vec<_>>()
    };
    let (all, some) = (journal.artifacts(), journal.artifacts_of(&[RunId(1), RunId(2)]));
    assert_eq!(files(all.expect("it can be read")), [(3, "c".to_string()), (1, "a".into())]);
    assert_eq!(files(some.expect("it can be read")), [(1, "a".to_string())]);
    assert!(journal.summaries(&[]).is_ok_and(|none| none.is_empty()));
}

#[test]
fn a_run_is_forgotten_once_nobody_waits_for_it() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(what: "write")"#)).expect("it can be written");
    let run = claim.run();
    let refused = journal.forget(run).expect_err("it is being carried out");
    assert!(refused.to_string().contains("cancel it first"), "{refused}");
    carry_out(&journal, claim);
    journal.forget(run).expect("it is over");
    assert!(folder.path().join("a.txt").is_file(), "what it wrote stays");
    assert_eq!(journal.extent().map(|extent| (extent.runs, extent.artifacts)).ok(), Some((0, 0)));
    assert!(matches!(journal.forget(run), Err(JournalError::UnknownRun { .. })));
    let waiting = journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    assert!(journal.forget(waiting).is_err() && state(&journal, waiting) == RunState::Queued);
    // Its process is gone.
    drop(journal.claim().expect("it can be claimed"));
    assert_eq!(state(&journal, waiting), RunState::Interrupted);
    journal.forget(waiting).expect("nobody carries it out");
    assert!(journal.queue().is_ok_and(|queue| queue.is_empty()));
}

#[test]
fn a_priority_can_be_changed_while_the_run_waits() {
    let folder = folder();
    let journal = journal(&folder);
    for priority in [0, 0, 5] {
        journal.enqueue(&job(&folder, r#""a": Do()"#), priority).expect("it can be written");
    }
    let order = || -> Vec<_> {
        let queue = journal.queue().expect("it can be read");
        queue.iter().map(|run| (run.run.0, run.priority)).collect()
    };
    journal.set_priority(RunId(1), 5).expect("it waits");
    assert_eq!(order(), [(3, 5), (1, 5), (2, 0)], "after those that have it already");
    journal.set_priority(RunId(3), 5).expect("it waits");
    assert_eq!(order(), [(3, 5), (1, 5), (2, 0)], "what changes nothing moves nothing");
    journal.set_priority(RunId(1), -1).expect("it waits");
    assert_eq!(order(), [(3, 5), (2, 0), (1, -1)]);
    drain(&journal);
    assert!(matches!(journal.set_priority(RunId(1), 1), Err(JournalError::WrongState { .. })));
}
