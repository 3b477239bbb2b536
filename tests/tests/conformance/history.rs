//! The queue and the history of runs: what a crash must not lose.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;

use easel_engine::{
    Cancelled, Claim, Job, JobOptions, Journal, JournalError, NodeState, Place, RunId, RunQuery, RunState, Settings,
    Source,
};

use crate::lab::{Caching, Lab, cases, crash};

cases![
    pages_end_where_the_list_ends,
    runs_are_found_by_their_id,
    an_unknown_id_is_an_error_that_says_what_there_is,
    the_queue_goes_by_priority_and_then_by_turn,
    what_waits_can_be_moved_and_taken_out,
    cancelling_all_stops_what_waits_and_what_runs,
    cancelling_what_is_over_comes_too_late,
    a_run_that_is_cancelled_through_the_journal_stops,
    a_run_is_written_down_as_it_was,
    a_failed_run_can_be_resumed_and_a_complete_one_cannot,
    no_two_take_the_same_run,
    an_id_is_never_given_twice,
    a_run_can_be_followed_by_another,
];

fn job(nodes: &str) -> Job {
    Job {
        source: Source::new("case.ron", format!("Workflow(version: 1, nodes: {{ {nodes} }})")),
        files: Vec::new(),
        settings: Settings::default(),
        options: JobOptions::default(),
    }
}

const SMALL: &str = r#""a": Number(value: 1), "b": Increment(value: From("a"))"#;

fn journal(folder: &Path) -> Journal {
    Journal::open(folder).unwrap()
}

fn page(journal: &Journal, state: Option<RunState>, offset: u64, limit: u64) -> (Vec<u64>, u64) {
    let page = journal.runs(&RunQuery { state, limit, offset }).unwrap();
    (page.runs.iter().map(|run| run.run.0).collect(), page.total)
}

fn pages_end_where_the_list_ends(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    assert_eq!(page(&journal, None, 0, 10), (vec![], 0));
    let runs: Vec<u64> = (0..5).map(|_| journal.enqueue(&job(SMALL), 0).unwrap().0).collect();
    let newest_first: Vec<u64> = runs.iter().rev().copied().collect();
    assert_eq!(page(&journal, None, 0, 5), (newest_first.clone(), 5), "exactly as many as there are");
    assert_eq!(page(&journal, None, 0, 6), (newest_first.clone(), 5), "one more than there are");
    assert_eq!(page(&journal, None, 0, 0), (vec![], 5), "none");
    assert_eq!(page(&journal, None, 5, 5), (vec![], 5), "from exactly the end on");
    assert_eq!(page(&journal, None, 99, 5), (vec![], 5), "from beyond the end on");
    assert_eq!(page(&journal, None, u64::MAX, u64::MAX), (vec![], 5), "more than any list is long");
    assert_eq!(page(&journal, None, 4, 5), (newest_first[4..].to_vec(), 5), "the last");
    assert_eq!(page(&journal, None, 1, 2), (newest_first[1..3].to_vec(), 5));
    let claim = journal.claim().unwrap().unwrap();
    lab.carry_out(&journal, claim);
    assert_eq!(page(&journal, Some(RunState::Completed), 0, 5), (vec![runs[0]], 1));
    assert_eq!(page(&journal, Some(RunState::Queued), 3, 5), (vec![runs[1]], 4));
    assert_eq!(page(&journal, Some(RunState::Failed), 0, 5), (vec![], 0));
}

fn runs_are_found_by_their_id(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let waiting = journal.enqueue(&job(SMALL), 3).unwrap();
    let claim = journal.begin(&job(r#""x": Fails(value: 1)"#)).unwrap();
    let failed = claim.run();
    lab.carry_out(&journal, claim);
    let story = journal.story(waiting).unwrap();
    assert_eq!((story.summary.state, story.summary.priority, story.nodes.len()), (RunState::Queued, 3, 0));
    assert!(story.job.source.text.contains("Increment"));
    let story = journal.story(failed).unwrap();
    assert_eq!((story.summary.run, story.summary.state), (failed, RunState::Failed));
    assert!(story.nodes[0].message.as_deref().unwrap().contains("1 is more than it can bear"));
}

fn an_unknown_id_is_an_error_that_says_what_there_is(_: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let run = journal.enqueue(&job(SMALL), 0).unwrap();
    for unknown in [RunId(0), RunId(run.0 + 1), RunId(u64::MAX)] {
        let errors = [
            journal.story(unknown).map(|_| ()),
            journal.state(unknown).map(|_| ()),
            journal.events(unknown, 0, 10).map(|_| ()),
            journal.cancel(unknown).map(|_| ()),
            journal.resume(unknown).map(|_| ()),
            journal.remove(unknown),
            journal.move_to(unknown, Place::Front),
            journal.move_to(run, Place::Before(unknown)),
        ];
        for error in errors {
            let error = error.expect_err("there is no such run");
            assert!(matches!(&error, JournalError::UnknownRun { run, .. } if *run == unknown), "{error}");
            assert!(error.to_string().contains(&unknown.0.to_string()) && error.hint().is_some(), "{error}");
        }
    }
}

/// The runs of the queue, in order.
fn queue(journal: &Journal) -> Vec<RunId> {
    journal.queue().unwrap().iter().map(|run| run.run).collect()
}

fn the_queue_goes_by_priority_and_then_by_turn(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let runs = [0, 5, -1, 5, 0].map(|priority| journal.enqueue(&job(SMALL), priority).unwrap());
    let order = [runs[1], runs[3], runs[0], runs[4], runs[2]];
    assert_eq!(queue(&journal), order);
    for expected in order {
        let claim = journal.claim().unwrap().unwrap();
        assert_eq!(claim.run(), expected);
        lab.carry_out(&journal, claim);
        assert_eq!(journal.state(expected).unwrap(), RunState::Completed);
    }
    assert!(journal.claim().unwrap().is_none() && queue(&journal).is_empty());
}

fn what_waits_can_be_moved_and_taken_out(_: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let [a, b, c, d] = [0, 0, 0, 7].map(|priority| journal.enqueue(&job(SMALL), priority).unwrap());
    assert_eq!(queue(&journal), [d, a, b, c]);
    journal.move_to(c, Place::Front).unwrap();
    assert_eq!(queue(&journal), [c, d, a, b]);
    journal.move_to(d, Place::Back).unwrap();
    assert_eq!(queue(&journal), [c, a, b, d]);
    journal.move_to(d, Place::Before(a)).unwrap();
    assert_eq!(queue(&journal), [c, d, a, b]);
    journal.move_to(c, Place::Before(c)).unwrap();
    journal.remove(a).unwrap();
    assert_eq!(queue(&journal), [c, d, b]);
    assert_eq!(journal.clear().unwrap(), 3);
    assert!(queue(&journal).is_empty());
}

fn cancelling_all_stops_what_waits_and_what_runs(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let claim = journal.begin(&job(r#""h": Hangs(value: 1)"#)).unwrap();
    let running = claim.run();
    let waiting = [0, 0].map(|priority| journal.enqueue(&job(SMALL), priority).unwrap());
    let over = journal.begin(&job(SMALL)).unwrap();
    let complete = over.run();
    lab.carry_out(&journal, over);
    thread::scope(|scope| {
        scope.spawn(|| lab.carry_out(&journal, claim));
        lab.bench.wait_for_executions(3);
        let cancelled = journal.cancel_all().unwrap();
        let wanted = [(running, Cancelled::Asked), (waiting[0], Cancelled::AtOnce), (waiting[1], Cancelled::AtOnce)];
        assert_eq!(cancelled, wanted);
    });
    for run in [running, waiting[0], waiting[1]] {
        assert_eq!(journal.state(run).unwrap(), RunState::Cancelled);
    }
    assert_eq!(journal.state(complete).unwrap(), RunState::Completed);
    assert!(journal.claim().unwrap().is_none());
}

fn cancelling_what_is_over_comes_too_late(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    for (nodes, state) in [(SMALL, RunState::Completed), (r#""x": Fails(value: 1)"#, RunState::Failed)] {
        let claim = journal.begin(&job(nodes)).unwrap();
        let run = claim.run();
        lab.carry_out(&journal, claim);
        assert_eq!(journal.cancel(run).unwrap(), Cancelled::TooLate(state));
        assert_eq!(journal.state(run).unwrap(), state);
    }
}

fn a_run_that_is_cancelled_through_the_journal_stops(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let claim =
        journal.begin(&job(r#""a": Number(value: 1), "h": Hangs(value: From("a")), "b": Increment(value: From("h"))"#));
    let claim = claim.unwrap();
    let run = claim.run();
    thread::scope(|scope| {
        scope.spawn(|| lab.carry_out(&journal, claim));
        lab.bench.wait_for_executions(2);
        // Another process would do the same with a journal of its own.
        assert_eq!(Journal::open(folder.path()).unwrap().cancel(run).unwrap(), Cancelled::Asked);
    });
    let story = journal.story(run).unwrap();
    assert_eq!(story.summary.state, RunState::Cancelled);
    let states: Vec<_> = story.nodes.iter().map(|node| (node.node.as_str(), node.state)).collect();
    assert_eq!(states, [("a", NodeState::Finished), ("h", NodeState::Stopped), ("b", NodeState::Stopped)]);
}

fn a_run_is_written_down_as_it_was(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let nodes = r#""n": Number(value: 1), "s": Save(value: From("n")), "k": KeepsBackOdd(value: From("n")),
        "c": Sink(value: From("k")), "bad": Fails(value: From("n")), "d": Sink(value: From("bad"))"#;
    let mut job = job(nodes);
    job.settings.out_dir = folder.path().into();
    let claim = journal.begin(&job).unwrap();
    let run = claim.run();
    let events = lab.carry_out(&journal, claim);
    let story = journal.story(run).unwrap();
    let states: BTreeSet<_> = story.nodes.iter().map(|node| (node.node.as_str(), node.state.name())).collect();
    let wanted = [
        ("n", "finished"),
        ("s", "finished"),
        ("k", "finished"),
        ("c", "blocked"),
        ("bad", "failed"),
        ("d", "skipped"),
    ];
    assert_eq!(states, BTreeSet::from(wanted));
    assert_eq!(story.artifacts.len(), 1);
    assert_eq!((&story.artifacts[0].path, story.artifacts[0].bytes), (&folder.path().join("s.txt"), Some(1)));
    assert_eq!(story.summary.nodes.failed, 1);
    let recorded = journal.events(run, 0, u64::MAX).unwrap();
    assert!(recorded.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(recorded.first().unwrap().json.contains("run_started"));
    assert!(recorded.last().unwrap().json.contains("run_finished"));
    assert!(recorded.len() <= events);
}

fn a_failed_run_can_be_resumed_and_a_complete_one_cannot(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let nodes = r#""a": Number(value: 1), "b": Flaky(value: From("a"), failures: 1), "c": Increment(value: From("b"))"#;
    let claim = journal.begin(&job(nodes)).unwrap();
    let run = claim.run();
    lab.carry_out(&journal, claim);
    assert_eq!(journal.state(run).unwrap(), RunState::Failed);
    let claim = journal.resume(run).unwrap();
    assert!(claim.job().source.text.contains("Flaky"));
    assert!(journal.resume(run).is_err(), "it is being carried out");
    lab.carry_out(&journal, claim);
    let summary = journal.story(run).unwrap().summary;
    assert_eq!((summary.state, summary.attempts), (RunState::Completed, 2));
    let error = journal.resume(run).expect_err("it is complete");
    assert!(matches!(error, JournalError::WrongState { state: RunState::Completed, .. }), "{error}");
    let executed = lab.bench.executed();
    let times = |node: &str| executed.iter().filter(|executed| *executed == node).count();
    assert_eq!((times("a"), times("b"), times("c")), (if lab.keeps() { 1 } else { 2 }, 2, 1));
}

fn no_two_take_the_same_run(_: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let runs: BTreeSet<_> = (0..20).map(|_| journal(folder.path()).enqueue(&job(SMALL), 0).unwrap()).collect();
    let taken: Vec<Claim> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let journal = journal(folder.path());
                    std::iter::from_fn(|| journal.claim().unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(taken.len(), 20);
    assert_eq!(taken.iter().map(Claim::run).collect::<BTreeSet<_>>(), runs);
}

fn an_id_is_never_given_twice(_: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let run = journal.enqueue(&job(SMALL), 0).unwrap();
        assert!(seen.insert(run), "{run:?} was given before");
        journal.remove(run).unwrap();
    }
}

fn a_run_can_be_followed_by_another(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let claim = journal.begin(&job(r#""a": Steps(steps: 50)"#)).unwrap();
    let run = claim.run();
    lab.carry_out(&journal, claim);
    let other = Journal::open_to_read(folder.path()).unwrap().unwrap();
    let mut seen = Vec::new();
    loop {
        let after = seen.last().map_or(0, |event: &easel_engine::EventRecord| event.seq);
        let some = other.events(run, after, 7).unwrap();
        if some.is_empty() {
            break;
        }
        assert!(some.len() <= 7);
        seen.extend(some);
    }
    assert_eq!(seen, other.events(run, 0, u64::MAX).unwrap());
}

#[test]
fn a_crash_loses_neither_queue_nor_history() {
    let folder = tempfile::tempdir().unwrap();
    crash("history::a_crash_loses_neither_queue_nor_history", folder.path(), die_amid_a_run);
    let journal = journal(folder.path());
    let (runs, total) = page(&journal, None, 0, 10);
    assert_eq!((runs, total), (vec![4, 3, 2, 1], 4));
    let states = [1, 2, 3, 4].map(|run| journal.state(RunId(run)).unwrap());
    assert_eq!(states, [RunState::Completed, RunState::Interrupted, RunState::Queued, RunState::Queued]);
    // The one that was interrupted is in its old place.
    assert_eq!(queue(&journal), [RunId(2), RunId(4), RunId(3)]);
    let claim = journal.claim().unwrap().unwrap();
    assert_eq!((claim.run(), claim.job().source.text.contains("Crashes")), (RunId(2), true));
}

fn die_amid_a_run(folder: &Path) {
    let (journal, lab) = (journal(folder), Lab::new(Caching::Off));
    let claim = journal.begin(&job(SMALL)).unwrap();
    lab.carry_out(&journal, claim);
    for (nodes, priority) in [(r#""a": Number(value: 1), "x": Crashes(value: From("a"))"#, 9), (SMALL, 0), (SMALL, 1)] {
        journal.enqueue(&job(nodes), priority).unwrap();
    }
    let claim = journal.claim().unwrap().unwrap();
    lab.bench.let_go();
    lab.carry_out(&journal, claim);
    unreachable!("the run ends the process");
}
