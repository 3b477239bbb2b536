//! The queue: put into, moved about in, carried out.

use easel_engine::{Place, RunState};

use super::history::{job, summary};
use super::*;
use crate::gist::gist;
use crate::studio::effect::Change;
use crate::studio::model::{Later, QueueRow};
use crate::studio::update::Claimed;

fn row(run: u64, state: RunState, priority: i64) -> QueueRow {
    let summary = easel_engine::RunSummary { priority, from_queue: true, ..summary(run, state) };
    QueueRow { summary, gist: gist(&job(run)) }
}

/// One run under way elsewhere, one interrupted, three that wait.
fn rows() -> Vec<QueueRow> {
    vec![
        row(3, RunState::Running, 0),
        row(9, RunState::Queued, 5),
        row(4, RunState::Interrupted, 0),
        row(5, RunState::Queued, 0),
        row(8, RunState::Queued, -1),
    ]
}

fn shown(bench: &mut Bench, rows: Vec<QueueRow>) {
    bench.press("7");
    bench.tell(Message::Queue(Ok(rows)));
}

/// What was asked of the journal's queue.
fn changes(bench: &Bench) -> Vec<Change> {
    let change = |wish: &Effect| if let Effect::Change(change) = wish { Some(change.clone()) } else { None };
    bench.wished.iter().filter_map(change).collect()
}

fn claims(bench: &Bench) -> usize {
    bench.wished.iter().filter(|wish| matches!(wish, Effect::Claim)).count()
}

fn enqueued(bench: &Bench) -> Vec<i64> {
    let priority = |wish: &Effect| if let Effect::Enqueue { priority, .. } = wish { Some(*priority) } else { None };
    bench.wished.iter().filter_map(priority).collect()
}

#[test]
fn the_queue_looks_as_it_should() {
    snapshots("queue_reading", |bench| bench.press("7"), SMALL);
    snapshots("queue_empty", |bench| shown(bench, Vec::new()), SMALL);
    snapshots("queue_one", |bench| shown(bench, vec![row(1, RunState::Queued, 0)]), SMALL);
    snapshots(
        "queue_many",
        |bench| {
            shown(bench, rows());
            bench.press("d");
        },
        SMALL,
    );
    snapshots(
        "queue_beside_the_graph",
        |bench| {
            shown(bench, rows());
            bench.press("tab");
        },
        SMALL,
    );
    snapshots(
        "queue_fault",
        |bench| {
            bench.press("7");
            bench.tell(Message::Queue(Err("the journal `/s/journal.db` cannot be read: it is damaged".into())));
        },
        SMALL,
    );
    snapshots("queue_priority", |bench| bench.press("Q"), SMALL);
    snapshots("queue_behind", |bench| bench.press("r r"), SMALL);
    snapshots("queue_cancel_all", |bench| bench.press("7 X"), SMALL);
}

#[test]
fn the_open_workflow_is_queued_with_the_priority_that_was_typed() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("Q ctrl-u");
    bench.type_in("high");
    bench.press("enter");
    assert!(bench.shown().contains("a priority is a whole number"), "{}", bench.shown());
    bench.press("ctrl-u");
    bench.type_in("-3");
    bench.press("enter");
    assert_eq!(enqueued(&bench), [-3]);
    assert!(bench.model.overlay.is_none());
    bench.tell(Message::Enqueued(Ok(RunId(12))));
    assert!(bench.shown().contains("run 12 waits in the queue: `7` shows it"));
    bench.tell(Message::Enqueued(Err("it is read-only".into())));
    assert!(bench.shown().contains("it is read-only"));
    let mut broken = Bench::opened((80, 24), &SMALL.replace("LoadImage", "LoadImag"));
    broken.press("Q");
    assert!(broken.shown().contains("it cannot be run: 1 error") && enqueued(&broken).is_empty());
}

#[test]
fn whoever_presses_run_while_a_run_is_under_way_may_queue_it() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("r r esc");
    assert!(enqueued(&bench).is_empty() && !bench.model.queue.drains);
    bench.press("r y");
    assert_eq!((enqueued(&bench), bench.asked.clone()), (vec![0], vec!["run"]));
    // It is seen in the queue, and comes once the first is over.
    bench.tell(Message::Queue(Ok(vec![row(8, RunState::Queued, 0)])));
    assert_eq!(claims(&bench), 0);
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    assert_eq!(claims(&bench), 1);
    bench.tell(Message::Told(Tone::Note, "anything".into()));
    assert_eq!(claims(&bench), 1, "one at a time");
    bench.press("r");
    assert_eq!(bench.model.overlay, Some(Overlay::Behind(Later::Open)), "the next may begin at any moment");
    bench.press("esc");
    bench.tell(Message::Claimed(Claimed::Run(RunId(8))));
    bench.tell(Message::RunBegins { run: Some(RunId(8)), nodes: vec!["load".into()] });
    assert!(bench.model.is_running() && bench.model.run.as_ref().is_some_and(|run| run.run == Some(RunId(8))));
    bench.tell(Message::Queue(Ok(vec![row(8, RunState::Running, 0)])));
    bench.press("7");
    assert!(bench.shown().contains("running here"), "{}", bench.shown());
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    bench.tell(Message::Queue(Ok(Vec::new())));
    assert_eq!(claims(&bench), 1, "nothing is left");
}

#[test]
fn a_queue_that_is_empty_or_refused_is_not_asked_again_and_again() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, rows());
    bench.press("d");
    assert_eq!(claims(&bench), 1);
    bench.tell(Message::Claimed(Claimed::Nothing));
    bench.press("j j");
    assert_eq!(claims(&bench), 1, "another process took what the list says");
    bench.tell(Message::Queue(Ok(rows())));
    assert_eq!(claims(&bench), 2, "there is something new");
    bench.tell(Message::Claimed(Claimed::Refused("it is read-only".into())));
    bench.tell(Message::Queue(Ok(rows())));
    assert!(claims(&bench) == 2 && !bench.model.queue.drains);
}

#[test]
fn a_queue_of_which_nothing_can_be_run_is_not_tried_for_ever() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, rows());
    bench.press("d");
    for claimed in 1..=3 {
        assert_eq!(claims(&bench), claimed);
        bench.tell(Message::Claimed(Claimed::Run(RunId(9))));
        bench.tell(Message::RunEnded(Err(Problem { message: "it broke off".into(), hint: None })));
    }
    bench.tell(Message::Queue(Ok(rows())));
    assert!(claims(&bench) == 3 && !bench.model.queue.drains);
}

#[test]
fn a_run_of_the_queue_that_is_stopped_goes_back_and_is_not_taken_up_at_once() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, rows());
    bench.press("d");
    bench.tell(Message::Claimed(Claimed::Run(RunId(9))));
    bench.tell(Message::RunBegins { run: Some(RunId(9)), nodes: vec!["load".into()] });
    bench.press("ctrl-c");
    assert_eq!(bench.asked, ["stop"]);
    bench.tell(Message::Queue(Ok(rows())));
    assert!(claims(&bench) == 1 && !bench.model.queue.drains && bench.model.queue.ours.is_none());
}

#[test]
fn waiting_runs_are_moved_reprioritised_and_removed() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, rows());
    // What has begun stays where it is.
    bench.press("+ D J K j + - K j + j K J j J K D x");
    let (nine, five, eight) = (RunId(9), RunId(5), RunId(8));
    let expected = [
        Change::Priority(nine, 6),
        Change::Priority(nine, 4),
        // Above the third is one that was begun, below it the last.
        Change::Move(five, Place::Back),
        // Below the last is nothing.
        Change::Move(eight, Place::Before(five)),
        Change::Remove(eight),
        Change::Cancel(eight),
    ];
    assert_eq!(changes(&bench), expected);
    bench.press("X esc X y");
    assert_eq!(changes(&bench).last(), Some(&Change::CancelAll));
    assert_eq!(changes(&bench).len(), 7);
    // The cursor goes with its run.
    let mut moved = rows();
    moved.swap(3, 4);
    bench.tell(Message::Queue(Ok(moved)));
    assert_eq!(bench.model.queue.chosen().map(|row| row.summary.run), Some(eight));
}

#[test]
fn the_queue_is_read_while_it_is_shown_or_carried_out() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, Vec::new());
    assert!(bench.model.asked.browse.queue);
    bench.press("1");
    assert!(!bench.model.asked.browse.queue);
    bench.press("7 d 1");
    assert!(bench.model.asked.browse.queue, "what is put into it by others is carried out too");
}
