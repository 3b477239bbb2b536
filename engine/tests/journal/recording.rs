//! What is written down of a run.

use std::sync::mpsc::channel;
use std::time::Duration;

use easel_engine::{
    CancelToken, Claim, Event, EventSink, Journal, JournalError, NodeState, Outcome, Recorder, Run, RunId, RunState,
    Seat, Services, WhenStopped,
};
use proptest::prelude::*;

use crate::support::{Started, all, beside, carry_out, carry_out_with, folder, job, journal, state};

#[test]
fn a_run_is_told_in_full() {
    let folder = folder();
    let journal = journal(&folder);
    let nodes = r#""a": Do(what: "write"), "b": Do(what: "fail", after: From("a")), "c": Do(after: From("b")),
        "d": Do(what: "step")"#;
    let claim = journal.begin(&job(&folder, nodes)).expect("it can be written");
    let run = claim.run();
    let report = carry_out(&journal, claim);
    assert_eq!((run, report.run, report.outcome), (RunId(1), RunId(1), Outcome::Failed));

    let story = journal.story(run).expect("it is known");
    assert_eq!((story.summary.state, story.summary.attempts), (RunState::Failed, 1));
    let counts = story.summary.nodes;
    assert_eq!((counts.finished, counts.cached, counts.failed, counts.skipped), (2, 0, 1, 1));
    assert!(story.summary.seconds.is_some() && story.summary.finished.is_some());
    assert!(story.job.source.text.contains("Do(what: \"fail\""));

    let node = |name: &str| story.nodes.iter().find(|node| node.node == name).expect("it was planned");
    assert_eq!((node("a").state, node("c").state), (NodeState::Finished, NodeState::Skipped));
    assert_eq!(node("c").message.as_deref(), Some("b failed"));
    assert_eq!(node("a").outputs[0].0, "text");
    assert!(node("a").seconds.is_some() && node("a").started.is_some());
    let failed = node("b");
    assert_eq!(failed.state, NodeState::Failed);
    assert_eq!(failed.message.as_deref(), Some("it was told to"));
    assert_eq!(failed.hint.as_deref(), Some("tell it something else"));
    assert!(failed.inputs.iter().any(|(name, _)| name == "what"));
    assert_eq!(node("d").progress, Some((50, 50)));

    let [artifact] = story.artifacts.as_slice() else { panic!("{:?}", story.artifacts) };
    assert_eq!((artifact.node.as_str(), artifact.bytes), ("a", Some(1)));
    assert_eq!(artifact.blake3.as_deref(), Some(blake3::hash(b"a").to_hex().as_str()));
    assert!(artifact.path.is_absolute());
}

#[test]
fn a_run_that_left_out_what_is_wrong_has_failed() {
    let folder = folder();
    let journal = journal(&folder);
    for nodes in [r#""a": Do(what: "step")"#, r#""a": Do(what: "fail")"#] {
        let claim = journal.begin(&job(&folder, nodes)).expect("it can be written").without_what_is_wrong();
        let run = claim.run();
        carry_out(&journal, claim);
        assert_eq!(state(&journal, run), RunState::Failed);
    }
    let problems: Vec<_> = all(&journal).into_iter().map(|run| run.problem).collect();
    assert_eq!(problems, [None, Some("nodes that are wrong were left out of it".to_string())]);
    assert!(journal.resume(RunId(1)).is_ok(), "like any run that failed");
}

#[test]
fn events_can_be_followed_from_elsewhere() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(), "b": Do(after: From("a"))"#)).expect("it can be written");
    let run = claim.run();
    assert_eq!(journal.events(run, 0, 10).expect("it can be read"), []);
    carry_out(&journal, claim);
    let elsewhere = Journal::open_to_read(folder.path()).expect("it can be read").expect("it is there");
    let events = elsewhere.events(run, 0, 1_000).expect("it can be read");
    let kinds: Vec<_> = events
        .iter()
        .map(|event| serde_json::from_str::<serde_json::Value>(&event.json).expect("it is JSON")["event"].to_string())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("\"run_started\""));
    assert_eq!(kinds.last().map(String::as_str), Some("\"run_finished\""));
    assert_eq!(kinds.iter().filter(|kind| kind.contains("node_finished")).count(), 2);
    let rest = elsewhere.events(run, events[2].seq, 2).expect("it can be read");
    assert_eq!(rest, events[3..5]);
}

#[test]
fn a_run_that_is_resumed_keeps_its_history() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(what: "fail")"#)).expect("it can be written");
    let run = claim.run();
    carry_out(&journal, claim);
    let before = journal.events(run, 0, 1_000).expect("it can be read");
    carry_out(&journal, journal.resume(run).expect("it failed"));
    let after = journal.events(run, 0, 1_000).expect("it can be read");
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.len(), 2 * before.len());
    let story = journal.story(run).expect("it is known");
    assert_eq!((story.summary.attempts, story.nodes.len()), (2, 1));
}

#[test]
fn the_texts_of_then_are_kept() {
    let folder = folder();
    let journal = journal(&folder);
    let mut job = job(&folder, r#""a": Do()"#);
    job.source.path = Some(folder.path().join("a.ron"));
    job.files = vec![(folder.path().join("b.ron"), "Workflow()".into()), (folder.path().join("c.ron"), "é".into())];
    job.settings.set = vec![("x".into(), "it's \"7\"".into())];
    job.settings.base_dir = Some(folder.path().to_path_buf());
    let run = journal.enqueue(&job, 0).expect("it can be written");
    assert_eq!(journal.story(run).expect("it is known").job, job);
    assert_eq!(journal.claim().expect("it can be read").expect("it waits").job(), &job);
}

#[test]
fn a_run_that_ends_without_a_word_has_failed() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do()"#)).expect("it can be written");
    let run = claim.run();
    let mut events = EventSink::new();
    let listener = events.listen();
    let recorder = Recorder::start(&journal, claim, listener, CancelToken::new(), WhenStopped::Cancelled, |error| {
        panic!("{error}")
    });
    events.send(Event::NodeStarted { run, node: "a".into(), seat: None });
    drop(events);
    recorder.expect("a thread can be started").finish();
    let story = journal.story(run).expect("it is known");
    assert_eq!(story.summary.state, RunState::Failed);
    assert!(story.summary.problem.is_some_and(|problem| problem.contains("without a word")));
    assert_eq!(story.nodes[0].state, NodeState::Stopped, "it was never announced, and is told all the same");
}

#[test]
fn where_a_node_computed_is_kept_and_nothing_is_made_up_where_it_was_not_told() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(), "b": Do()"#)).expect("it can be written");
    let run = claim.run();
    let mut events = EventSink::new();
    let listener = events.listen();
    let recorder = Recorder::start(&journal, claim, listener, CancelToken::new(), WhenStopped::Cancelled, |error| {
        panic!("{error}")
    });
    let seat = Seat { device: "cuda:1".into(), lane: 2, lanes: 1, memory: None, device_memory: Some(5 << 30) };
    events.send(Event::NodeStarted { run, node: "a".into(), seat: Some(seat) });
    events.send(Event::NodeStarted { run, node: "b".into(), seat: None });
    let elsewhere = Seat { device: Seat::HOST.into(), lane: 1, lanes: 2, memory: Some(7), device_memory: None };
    events.send(Event::NodeRetried { run, node: "a".into(), attempt: 1, attempts: 2, message: "lost".into() });
    events.send(Event::NodeRestarted { run, node: "a".into(), attempt: 2, seat: elsewhere.clone() });
    drop(events);
    recorder.expect("a thread can be started").finish();
    let story = journal.story(run).expect("it is known");
    let seats: Vec<_> = story.nodes.into_iter().map(|node| (node.node, node.seat)).collect();
    assert_eq!(seats, [("a".to_string(), Some(elsewhere)), ("b".to_string(), None)], "of two attempts the last");
    let events = journal.events(run, 0, 10).expect("it is known");
    let first = events.iter().find(|event| event.json.contains("cuda:1"));
    assert!(first.is_some_and(|event| event.json.contains("node_started")), "the first one stays told: {events:?}");
}

#[test]
fn a_job_that_cannot_begin_says_why() {
    let folder = folder();
    let journal = journal(&folder);
    let run = journal.enqueue(&job(&folder, r#""a": Do()"#), 0).expect("it can be written");
    let claim = journal.claim().expect("it can be read").expect("it waits");
    journal.give_up(claim, "the device is gone").expect("it can be written");
    let story = journal.story(run).expect("it is known");
    assert_eq!((story.summary.state, story.summary.problem.as_deref()), (RunState::Failed, Some("the device is gone")));
    assert!(journal.claim().expect("it can be read").is_none());
    journal.resume(run).expect("it failed, so it can be tried again");
}

#[test]
fn runs_side_by_side_do_not_mix() {
    let folder = folder();
    let journal = journal(&folder);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let journal = journal.clone();
            let job = job(&folder, r#""a": Do(what: "step"), "b": Do(after: From("a"))"#);
            beside(move || {
                for _ in 0..5 {
                    let claim = journal.begin(&job).expect("it can be written");
                    assert_eq!(carry_out(&journal, claim).outcome, Outcome::Completed);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it goes well"));
    let runs = all(&journal);
    assert_eq!(runs.len(), 20);
    for run in runs {
        assert_eq!((run.state, run.nodes.finished), (RunState::Completed, 2));
        let events = journal.events(run.run, 0, 1_000).expect("it can be read");
        let own = format!("\"run\":{}", run.run.0);
        assert!(
            events
                .iter()
                .all(|event| event.json.contains(&format!("{own},")) || event.json.contains(&format!("{own}}}")))
        );
    }
}

#[test]
fn progress_is_seen_while_the_node_runs() {
    let folder = folder();
    let journal = journal(&folder);
    let claim = journal.begin(&job(&folder, r#""a": Do(what: "wait")"#)).expect("it can be written");
    let run = claim.run();
    let (started, has_started) = Started::new();
    let (cancel, watched) = (CancelToken::new(), journal.clone());
    let stop = cancel.clone();
    let watcher = beside(move || {
        has_started.recv().expect("it starts");
        let is_running = || {
            let nodes = watched.story(run).expect("it is known").nodes;
            nodes.first().is_some_and(|node| node.state == NodeState::Running)
        };
        while !is_running() {
            std::thread::sleep(Duration::from_millis(2));
        }
        stop.cancel();
    });
    carry_out_with(&journal, claim, Services::default().with(started), cancel, WhenStopped::Cancelled);
    watcher.join().expect("it saw the node run");
    let story = journal.story(run).expect("it is known");
    assert_eq!((story.summary.state, story.nodes[0].state), (RunState::Cancelled, NodeState::Stopped));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Wherever a run is cut off, in whatever way: the journal is whole, and the run can be resumed to its end, or had
    /// ended.
    #[test]
    fn a_cancellation_at_any_point_leaves_a_run_that_can_be_resumed(after in 0..60_usize, how in ways()) {
        let folder = folder();
        let journal = journal(&folder);
        let nodes = r#""a": Do(what: "write"), "b": Do(what: "step", after: From("a")), "c": Do(after: From("b"))"#;
        let claim = journal.begin(&job(&folder, nodes)).expect("it can be written");
        let run = claim.run();
        cut_off(&journal, claim, after, how);
        let left = state(&journal, run);
        match how {
            CutOff::Death => prop_assert_eq!(left, RunState::Interrupted),
            _ => prop_assert!([RunState::Cancelled, RunState::Completed].contains(&left), "{:?}", left),
        }
        if left != RunState::Completed {
            let report = carry_out(&journal, journal.resume(run).expect("it did not complete"));
            prop_assert_eq!(report.outcome, Outcome::Completed);
        }
        let story = journal.story(run).expect("it is known");
        prop_assert_eq!(story.summary.state, RunState::Completed);
        let has_ended = |state| matches!(state, NodeState::Finished | NodeState::Cached);
        prop_assert!(story.nodes.iter().all(|node| has_ended(node.state)), "{:?}", story.nodes);
        prop_assert_eq!(story.artifacts.len(), 1);
        let events = journal.events(run, 0, 10_000).expect("it can be read");
        prop_assert!(events.iter().enumerate().all(|(place, event)| event.seq == place as u64 + 1));
    }
}

#[derive(Clone, Copy, Debug)]
enum CutOff {
    /// The process is told to stop.
    Token,
    /// Somebody cancels it through the journal.
    Journal,
    /// Its process dies, as far as the journal can tell: the lock is free, and nothing was written.
    Death,
}

fn ways() -> impl Strategy<Value = CutOff> {
    prop_oneof![Just(CutOff::Token), Just(CutOff::Journal), Just(CutOff::Death)]
}

/// Carries a run out until so many events have come, then cuts it off.
fn cut_off(journal: &Journal, claim: Claim, after: usize, how: CutOff) {
    let run = claim.run();
    let plan = crate::support::plan(claim.job());
    let cancel = CancelToken::new();
    let mut events = EventSink::new();
    let listener = events.listen();
    let stop = cancel.clone();
    let execution = beside(move || Run::new(plan, Services::default(), events, stop).with_id(run).execute());
    let (sender, receiver) = channel();
    let (mut held, mut recorder) = (Some(claim), None);
    if !matches!(how, CutOff::Death) {
        let claim = held.take().expect("it is there");
        let (stop, fail) = (cancel.clone(), |error: &JournalError| panic!("{error}"));
        let started = Recorder::start(journal, claim, receiver, stop, WhenStopped::Cancelled, fail);
        recorder = Some(started.expect("a thread can be started"));
    }
    for (count, event) in listener.into_iter().enumerate() {
        match how {
            CutOff::Journal if count == after => drop(journal.cancel(run).expect("it is known")),
            _ if count == after => cancel.cancel(),
            _ => {}
        }
        // A dead process listens no more.
        let _ = sender.send(event);
    }
    drop((sender, held));
    execution.join().expect("it ends");
    if let Some(recorder) = recorder {
        recorder.finish();
    }
}
