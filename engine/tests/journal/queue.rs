//! The order of the queue, and who gets what.

use std::sync::atomic::Ordering;

use easel_engine::{
    CancelToken, Cancelled, Event, EventSink, Journal, JournalError, Outcome, Place, Recorder, RunId, RunQuery,
    RunState, Services, WhenStopped,
};
use proptest::prelude::*;

use crate::support::{Started, all, beside, carry_out, carry_out_with, clock, drain, folder, job, journal, state};

fn order(journal: &Journal) -> Vec<u64> {
    journal.queue().expect("it can be read").iter().map(|run| run.run.0).collect()
}

#[test]
fn higher_priorities_come_first_and_equals_in_order() {
    let folder = folder();
    let journal = journal(&folder);
    for priority in [0, 0, 5, -3, 5, 0] {
        journal.enqueue(&job(&folder, r#""a": Do()"#), priority).expect("it can be written");
    }
    assert_eq!(order(&journal), [3, 5, 1, 2, 6, 4]);
    assert_eq!(drain(&journal), [3, 5, 1, 2, 6, 4]);
    assert!(order(&journal).is_empty());
    assert!(all(&journal).iter().all(|run| run.state == RunState::Completed && run.attempts == 1));
}

#[test]
fn jobs_can_be_moved_and_removed() {
    let folder = folder();
    let journal = journal(&folder);
    for priority in [0, 0, 0, 7] {
        journal.enqueue(&job(&folder, r#""a": Do()"#), priority).expect("it can be written");
    }
    let moved = |run, place| {
        journal.move_to(RunId(run), place).expect("both wait");
        order(&journal)
    };
    assert_eq!(moved(3, Place::Front), [3, 4, 1, 2], "before all, whatever their priority");
    assert_eq!(moved(4, Place::Back), [3, 1, 2, 4]);
    assert_eq!(moved(2, Place::Before(RunId(1))), [3, 2, 1, 4]);
    assert_eq!(moved(1, Place::Before(RunId(1))), [3, 2, 1, 4]);
    assert_eq!(moved(3, Place::Back), [2, 1, 4, 3]);
    journal.remove(RunId(1)).expect("it waits");
    assert_eq!(order(&journal), [2, 4, 3]);
    let again = journal.remove(RunId(1)).expect_err("it is gone");
    assert!(matches!(again, JournalError::UnknownRun { run: RunId(1), known: Some((RunId(2), RunId(4))) }), "{again}");
    assert_eq!(journal.clear().expect("it can be written"), 3);
    assert!(order(&journal).is_empty() && all(&journal).is_empty());
    let next = journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    assert_eq!(next, RunId(5), "numbers are never used again");
}

#[test]
fn what_has_left_the_queue_cannot_be_moved() {
    let folder = folder();
    let journal = journal(&folder);
    let run = journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    let other = journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    let claim = journal.claim().expect("it can be read").expect("two wait");
    let refused = |result: Result<(), JournalError>| result.expect_err("it has left").to_string();
    assert_eq!(refused(journal.remove(run)), "run 1 has left the queue: it is being carried out");
    assert_eq!(
        refused(journal.move_to(other, Place::Before(run))),
        "run 1 has left the queue: it is being carried out"
    );
    carry_out(&journal, claim);
    assert_eq!(refused(journal.move_to(run, Place::Front)), "run 1 has left the queue: it is over");
}

#[test]
fn an_interrupted_job_keeps_its_place_and_is_claimed_again() {
    let folder = folder();
    let journal = journal(&folder);
    for _ in 0..2 {
        journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    }
    let claim = journal.claim().expect("it can be read").expect("two wait");
    assert_eq!((claim.run(), state(&journal, RunId(1))), (RunId(1), RunState::Running));
    assert_eq!(order(&journal), [2]);
    // As if the process had died: the lock is free, and nothing was written.
    drop(claim);
    assert_eq!(state(&journal, RunId(1)), RunState::Interrupted);
    assert_eq!(order(&journal), [1, 2]);
    assert_eq!(drain(&journal), [1, 2]);
    assert_eq!(all(&journal).iter().map(|run| run.attempts).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn an_interrupted_job_that_was_to_be_cancelled_is_not_taken_up_again() {
    let folder = folder();
    let journal = journal(&folder);
    let run = journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    let claim = journal.claim().expect("it can be read").expect("it waits");
    assert_eq!(journal.cancel(run).expect("it can be written"), Cancelled::Asked);
    drop(claim);
    assert!(journal.claim().expect("it can be read").is_none());
    assert_eq!(state(&journal, run), RunState::Cancelled);
}

#[test]
fn a_run_past_the_queue_is_resumed_by_name_only() {
    let folder = folder();
    let journal = journal(&folder);
    let run = journal.begin(&job(&folder, r#""a": Do()"#)).expect("it can be written").run();
    assert_eq!(state(&journal, run), RunState::Interrupted, "the claim was dropped");
    assert!(journal.claim().expect("it can be read").is_none());
    let claim = journal.resume(run).expect("it was interrupted");
    let held = journal.resume(run).expect_err("somebody carries it out");
    assert_eq!(held.to_string(), "run 1 is being carried out by another process");
    carry_out(&journal, claim);
    let over = journal.resume(run).expect_err("it is complete");
    assert_eq!(over.to_string(), "run 1 is complete: there is nothing left to do");
}

#[test]
fn a_cancellation_finds_a_run_in_every_state() {
    let folder = folder();
    let journal = journal(&folder);
    let simple = job(&folder, r#""a": Do()"#);
    let cancel = |run| journal.cancel(run).expect("it is known");

    let queued = journal.enqueue(&simple, 0).expect("it can be written");
    assert_eq!(cancel(queued), Cancelled::AtOnce);
    assert!(order(&journal).is_empty());
    assert_eq!(cancel(queued), Cancelled::TooLate(RunState::Cancelled));

    let interrupted = journal.begin(&simple).expect("it can be written").run();
    assert_eq!(cancel(interrupted), Cancelled::AtOnce);

    let claim = journal.begin(&simple).expect("it can be written");
    let completed = claim.run();
    carry_out(&journal, claim);
    assert_eq!(cancel(completed), Cancelled::TooLate(RunState::Completed));

    let claim = journal.begin(&job(&folder, r#""a": Do(what: "fail")"#)).expect("it can be written");
    let failed = claim.run();
    carry_out(&journal, claim);
    assert_eq!(cancel(failed), Cancelled::TooLate(RunState::Failed));

    let unknown = journal.cancel(RunId(99)).expect_err("there is none");
    assert_eq!(unknown.to_string(), "there is no run 99");
    assert_eq!(unknown.hint().as_deref(), Some("there are runs from 1 to 4; `easel runs` lists them"));
}

#[test]
fn a_running_run_is_cancelled_from_elsewhere() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(), "b": Do(what: "wait", after: From("a"))"#)).expect("written");
    let run = claim.run();
    let (started, has_started) = Started::new();
    let elsewhere = Journal::open(folder.path()).expect("it is there");
    let canceller = beside(move || {
        has_started.recv().expect("it starts");
        elsewhere.cancel(run).expect("it is known")
    });
    let services = Services::default().with(started);
    let (report, _) = carry_out_with(&journal, claim, services, CancelToken::new(), WhenStopped::BackToTheQueue);
    assert_eq!(canceller.join().expect("it ends"), Cancelled::Asked);
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(state(&journal, run), RunState::Cancelled, "cancelled for good, not put back");
}

#[test]
fn a_late_cancellation_loses_to_the_result() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do()"#)).expect("it can be written");
    let run = claim.run();
    assert_eq!(journal.cancel(run).expect("it is known"), Cancelled::Asked);
    // All events have come before anybody looks.
    let mut events = EventSink::new();
    let (listener, cancel) = (events.listen(), CancelToken::new());
    let (outcome, seconds, finished, cached, failed, skipped) = (Outcome::Completed, 0.1, 1, 0, 0, 0);
    events.send(Event::RunStarted { run, nodes: Vec::new() });
    events.send(Event::RunFinished { run, outcome, seconds, finished, cached, failed, skipped });
    let fail = |error: &JournalError| panic!("{error}");
    let recorder = Recorder::start(&journal, claim, listener, cancel, WhenStopped::Cancelled, fail);
    recorder.expect("a thread can be started").finish();
    assert_eq!(state(&journal, run), RunState::Completed);
    journal.resume(run).expect_err("there is nothing left to do");
}

#[test]
fn a_stopped_process_puts_its_job_back() {
    let folder = folder();
    let journal = journal(&folder);
    for _ in 0..2 {
        journal.enqueue(&job(&folder, r#""a": Do(what: "wait")"#), 0).expect("it can be written");
    }
    let claim = journal.claim().expect("it can be read").expect("two wait");
    let cancel = CancelToken::new();
    cancel.cancel();
    carry_out_with(&journal, claim, Services::default(), cancel, WhenStopped::BackToTheQueue);
    assert_eq!((state(&journal, RunId(1)), order(&journal)), (RunState::Queued, vec![1, 2]));
}

#[test]
fn all_that_is_open_can_be_cancelled_at_once() {
    let folder = folder();
    let journal = journal(&folder);
    let simple = job(&folder, r#""a": Do()"#);
    journal.enqueue(&simple, 0).expect("it can be written");
    let running = journal.begin(&simple).expect("it can be written");
    let done = journal.begin(&simple).expect("it can be written");
    carry_out(&journal, done);
    let expected = vec![(RunId(1), Cancelled::AtOnce), (RunId(2), Cancelled::Asked)];
    assert_eq!(journal.cancel_all().expect("it can be written"), expected);
    drop(running);
    assert_eq!(journal.cancel_all().expect("it can be written"), [(RunId(2), Cancelled::AtOnce)]);
    assert_eq!(journal.cancel_all().expect("it can be written"), []);
}

#[test]
fn pages_have_edges() {
    let folder = folder();
    let journal = journal(&folder);
    let page = |state, limit, offset| {
        let page = journal.runs(&RunQuery { state, limit, offset }).expect("it can be read");
        (page.runs.iter().map(|run| run.run.0).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(page(None, 20, 0), (vec![], 0));
    for _ in 0..5 {
        journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    }
    assert_eq!(page(None, 2, 0), (vec![5, 4], 5));
    assert_eq!(page(None, 2, 4), (vec![1], 5));
    assert_eq!(page(None, 5, 0), (vec![5, 4, 3, 2, 1], 5), "exactly the length");
    assert_eq!(page(None, 2, 5), (vec![], 5), "exactly beyond the end");
    assert_eq!(page(None, 2, 6), (vec![], 5));
    assert_eq!(page(None, 0, 0), (vec![], 5));
    assert_eq!(page(None, u64::MAX, u64::MAX), (vec![], 5));
    assert_eq!(page(None, u64::MAX, 3), (vec![2, 1], 5));

    let claim = journal.claim().expect("it can be read").expect("five wait");
    assert_eq!(page(Some(RunState::Running), 9, 0), (vec![1], 1));
    assert_eq!(page(Some(RunState::Interrupted), 9, 0), (vec![], 0));
    assert_eq!(page(Some(RunState::Queued), 2, 1), (vec![4, 3], 4));
    drop(claim);
    assert_eq!(page(Some(RunState::Running), 9, 0), (vec![], 0));
    assert_eq!(page(Some(RunState::Interrupted), 9, 0), (vec![1], 1));
}

#[test]
fn a_clock_that_goes_back_changes_no_order() {
    let folder = folder();
    let (clock, seconds) = clock();
    let journal = Journal::open_with_clock(folder.path(), clock).expect("it can be made");
    for second in [5_000, 4_000, 0, 9_000] {
        seconds.store(second, Ordering::SeqCst);
        journal.enqueue(&job(&folder, r#""a": Do(what: "step")"#), 0).expect("it can be written");
    }
    seconds.store(10, Ordering::SeqCst);
    assert_eq!(drain(&journal), [1, 2, 3, 4]);
    assert_eq!(all(&journal).iter().map(|run| run.run.0).collect::<Vec<_>>(), [4, 3, 2, 1]);
    for run in all(&journal) {
        assert!(run.seconds.is_some_and(|seconds| seconds >= 0.0), "by a clock that only goes forward");
        let events = journal.events(run.run, 0, 1_000).expect("it can be read");
        assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert!(events[0].json.contains("run_started") && events[events.len() - 1].json.contains("run_finished"));
    }
}

/// What may be done to a queue.
#[derive(Clone, Debug)]
enum Step {
    Add(i64),
    Remove(u64),
    Move(u64, u64),
    Front(u64),
    Claim,
    /// The process that claimed that run dies.
    Die(usize),
    Cancel(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (-1..2_i64).prop_map(Step::Add),
        1 => (1..9_u64).prop_map(Step::Remove),
        1 => (1..9_u64, 1..9_u64).prop_map(|(run, other)| Step::Move(run, other)),
        1 => (1..9_u64).prop_map(Step::Front),
        2 => Just(Step::Claim),
        1 => (0..4_usize).prop_map(Step::Die),
        1 => (1..9_u64).prop_map(Step::Cancel),
    ];
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is done: a job is gone only if it was removed, nobody gets what another has, and the order is that of
    /// `queue()`.
    #[test]
    fn no_job_is_lost_and_none_is_given_twice(steps in steps()) {
        let folder = folder();
        let journal = journal(&folder);
        let mut held = Vec::new();
        let mut known = 0;
        for step in steps {
            match step {
                Step::Add(priority) => {
                    journal.enqueue(&job(&folder, r#""a": Do()"#), priority).expect("it can be written");
                    known += 1;
                }
                Step::Remove(run) => known -= u64::from(journal.remove(RunId(run)).is_ok()),
                Step::Move(run, other) => drop(journal.move_to(RunId(run), Place::Before(RunId(other)))),
                Step::Front(run) => drop(journal.move_to(RunId(run), Place::Front)),
                Step::Claim => {
                    let first = order(&journal).first().copied();
                    let claim = journal.claim().expect("it can be read");
                    let claimed = claim.as_ref().map(|claim| claim.run().0);
                    if let Some(run) = first {
                        // One that was to be cancelled and died is passed over.
                        prop_assert!(claimed == Some(run) || state(&journal, RunId(run)) == RunState::Cancelled);
                    }
                    held.extend(claim);
                }
                Step::Die(which) if which < held.len() => drop(held.swap_remove(which)),
                Step::Die(_) => {}
                Step::Cancel(run) => drop(journal.cancel(RunId(run))),
            }
            let mut runs: Vec<_> = held.iter().map(|claim| claim.run()).collect();
            runs.sort();
            runs.dedup();
            prop_assert_eq!(runs.len(), held.len(), "held twice");
            for run in runs {
                prop_assert_eq!(state(&journal, run), RunState::Running);
            }
            prop_assert_eq!(all(&journal).len() as u64, known);
        }
    }
}
