//! What a new process finds of what another one did.

use std::path::Path;
use std::thread;
use std::time::Duration;

use easel_engine::Event;

use crate::lab::{Lab, Ran, crash};

const NODES: &str = r#""a": Number(value: 1), "b": Add(a: From("a"), b: 10), "c": Multiply(a: From("b")),
    "d": Label(value: From("c"))"#;

#[test]
fn what_another_process_computed_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::on_disk(folder.path());
    lab.run(NODES).completed().expect(&["a", "b", "c", "d"], &[]);
    lab.cache().flush();
    let again = Lab::on_disk(folder.path()).run(NODES);
    again.completed().expect(&[], &["a", "b", "c", "d"]);
    assert_eq!(again.text("d"), "22");
}

#[test]
fn what_an_interrupted_process_finished_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::on_disk(folder.path());
    lab.bench.cancel_at(2);
    let interrupted = lab.run(NODES);
    interrupted.cancelled();
    let finished = interrupted.finished();
    lab.cache().flush();
    let left: Vec<&str> = ["a", "b", "c", "d"].into_iter().filter(|node| !finished.contains(node)).collect();
    Lab::on_disk(folder.path()).run(NODES).completed().expect(&left, &finished);
}

#[test]
fn two_processes_at_once_share_what_they_compute() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Lab::on_disk(folder.path()), Lab::on_disk(folder.path()));
    one.run(NODES).completed();
    one.cache().flush();
    other.run(NODES).completed().expect(&[], &["a", "b", "c", "d"]);
}

/// Where each loop of a node began.
fn began_at(ran: &Ran) -> Vec<&str> {
    let notes = ran.events.iter().filter_map(|event| match event {
        Event::NodeNote { key, value, .. } if key == "began_at" => Some(value.as_str()),
        _ => None,
    });
    notes.collect()
}

const STEPS: &str = r#""s": Steps(steps: 20), "end": Increment(value: From("s"))"#;

#[test]
fn a_loop_that_was_cancelled_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::on_disk(folder.path());
    lab.bench.cancel_at_step(13);
    let interrupted = lab.run(STEPS);
    interrupted.cancelled();
    assert_eq!((began_at(&interrupted), lab.bench.steps()), (vec!["0"], 13));
    lab.cache().flush();
    let lab = Lab::on_disk(folder.path());
    let resumed = lab.run(STEPS);
    assert_eq!((resumed.completed().float("end"), began_at(&resumed), lab.bench.steps()), (21.0, vec!["13"], 7));
    // It is finished: there is nothing to go on with.
    lab.cache().flush();
    assert_eq!(lab.cache().stats().disk.unwrap().states, 0);
}

#[test]
fn a_loop_with_other_inputs_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::on_disk(folder.path());
    lab.bench.cancel_at_step(13);
    lab.run(STEPS).cancelled();
    let other = lab.run(&STEPS.replace("20", "21"));
    assert_eq!((other.completed().float("end"), began_at(&other)), (22.0, vec!["0"]));
}

#[test]
fn a_crash_loses_no_node_that_had_finished() {
    let folder = tempfile::tempdir().unwrap();
    crash("restart::a_crash_loses_no_node_that_had_finished", folder.path(), crash_after_two_nodes);
    let lab = Lab::on_disk(folder.path());
    let resumed = lab.run(r#""a": Number(value: 1), "b": Add(a: From("a"), b: 10), "c": Increment(value: From("b"))"#);
    resumed.completed().expect(&["c"], &["a", "b"]);
}

fn crash_after_two_nodes(folder: &Path) {
    let lab = Lab::on_disk(folder);
    let nodes = r#""a": Number(value: 1), "b": Add(a: From("a"), b: 10), "x": Crashes(value: From("b"))"#;
    thread::scope(|scope| {
        scope.spawn(|| {
            // What finished a moment ago is on its way to the disk; the crash comes when it has arrived.
            while lab.cache().stats().disk.unwrap().entries < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            lab.bench.let_go();
        });
        lab.run(nodes);
    });
}

#[test]
fn a_crash_amid_a_loop_loses_a_few_steps() {
    let folder = tempfile::tempdir().unwrap();
    crash("restart::a_crash_amid_a_loop_loses_a_few_steps", folder.path(), |folder| {
        let lab = Lab::on_disk(folder);
        lab.bench.crash_at_step(13);
        lab.run(STEPS);
    });
    let lab = Lab::on_disk(folder.path());
    let resumed = lab.run(STEPS);
    // It saves every five steps.
    assert_eq!((resumed.completed().float("end"), began_at(&resumed)), (21.0, vec!["10"]));
}

#[test]
fn a_failed_attempt_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::on_disk(folder.path());
    let nodes = r#""s": StepsAndFails(steps: 12, fail_at: 8, options: (retry: 1))"#;
    let run = lab.run(nodes);
    assert_eq!(run.completed().float("s"), 12.0);
    // 8 steps, of which 5 were saved, and the other 7.
    assert_eq!((began_at(&run), lab.bench.steps()), (vec!["0", "5"], 15));
}
