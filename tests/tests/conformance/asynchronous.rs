//! Runs that are stopped, that take too long, that fail and go on.

use std::time::{Duration, Instant};

use easel_engine::{CancelToken, Event, Outcome};

use crate::lab::{Lab, cases};

cases![
    what_failed_can_be_mended_and_goes_on_from_there,
    a_node_that_takes_too_long_fails,
    a_node_that_does_not_listen_is_given_up,
    a_node_that_is_quick_enough_does_not_fail,
    a_node_is_tried_again_as_often_as_it_may,
    a_map_that_takes_too_long_fails_as_a_whole,
    the_time_of_a_loop_is_shared_by_its_passes,
    a_node_that_takes_too_long_is_tried_again,
    cancelling_before_a_run_runs_nothing,
    cancelling_stops_a_node_that_runs,
    cancelling_stops_every_node_that_runs,
    cancelling_stops_what_would_come_next,
    cancelling_stops_a_map,
    cancelling_stops_a_loop,
    cancelling_stops_an_expansion,
    cancelling_stops_the_wait_for_another_attempt,
    cancelling_after_the_last_node_comes_too_late,
    cancelling_after_the_end_changes_nothing,
    cancelling_another_run_does_nothing,
    cancelling_one_of_two_runs_leaves_the_other,
    a_resource_is_released_however_a_node_ends,
    a_resource_is_released_when_a_node_takes_too_long,
];

fn what_failed_can_be_mended_and_goes_on_from_there(lab: &Lab) {
    let nodes = |node_type: &str| {
        format!(
            r#""a": Number(value: 1), "b": {node_type}(value: From("a")), "c": Label(value: From("b")),
               "d": Multiply(a: From("a"))"#
        )
    };
    lab.run(&nodes("Fails")).failed(&["b"]).expect(&["a", "b", "d"], &[]);
    lab.run(&nodes("Increment")).completed().expect(&["b", "c"], &["a", "d"]);
}

fn a_node_that_takes_too_long_fails(lab: &Lab) {
    let run = lab.run(
        r#""slow": Hangs(value: 1, options: (timeout: 0.1)), "after": Increment(value: From("slow")),
           "n": Number(value: 2), "other": Increment(value: From("n"))"#,
    );
    run.failed(&["slow"]);
    assert!(run.failure("slow").to_lowercase().contains("timeout"), "{}", run.failure("slow"));
    assert!(run.failure("slow").contains("100ms"), "it names the limit: {}", run.failure("slow"));
    assert_eq!((run.skipped(), run.float("other")), (vec!["after"], 3.0));
}

fn a_node_that_does_not_listen_is_given_up(lab: &Lab) {
    let run = lab.run(r#""deaf": Deaf(value: 1, options: (timeout: 0.1)), "after": Increment(value: From("deaf"))"#);
    run.failed(&["deaf"]);
    assert_eq!(lab.bench.held().0, 1, "it still runs, and nobody waits for it");
    lab.bench.let_go();
    wait_until(|| lab.bench.held().0 == 0);
    // Its late result was of no use to that run, but may be to the next.
    let again = lab.run(r#""deaf": Deaf(value: 1), "after": Increment(value: From("deaf"))"#);
    assert_eq!((again.completed().float("after"), again.times("after")), (2.0, 1));
}

fn wait_until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "it never came to be");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn a_node_that_is_quick_enough_does_not_fail(lab: &Lab) {
    let run = lab.run(r#""a": Sleep(milliseconds: 10, value: 3, options: (timeout: 60.0))"#);
    assert_eq!(run.completed().float("a"), 3.0);
}

fn a_node_is_tried_again_as_often_as_it_may(lab: &Lab) {
    let run = lab.run(
        r#""good": Flaky(value: 1, failures: 2, options: (retry: 2)), "bad": Flaky(value: 1, failures: 3, options: (retry: 2)),
           "after": Increment(value: From("good"))"#,
    );
    run.failed(&["bad"]);
    assert_eq!((run.times("good"), run.times("bad"), run.float("after")), (3, 3, 2.0));
    let tries: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            Event::NodeRetried { node, attempt, attempts, message, .. } if &**node == "good" => {
                Some((*attempt, *attempts, message.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(tries, [(1, 3, "attempt 1 failed"), (2, 3, "attempt 2 failed")]);
    // Each further attempt says that it begins, and where; what failed the last time is followed by none.
    for node in ["good", "bad"] {
        let attempts = run.events.iter().filter_map(|event| match event {
            Event::NodeRestarted { node: of, attempt, seat, .. } if &**of == node => Some((*attempt, &*seat.device)),
            _ => None,
        });
        assert_eq!(attempts.collect::<Vec<_>>(), [(2, "cpu"), (3, "cpu")], "{node}");
    }
    assert!(run.failure("bad").contains("attempt 3 failed"), "{}", run.failure("bad"));
}

fn a_map_that_takes_too_long_fails_as_a_whole(lab: &Lab) {
    let text = |form: &str| {
        format!(
            r#"Workflow(version: 1,
                workflows: {{ "body": Workflow(inputs: {{ "value": Float() }}, nodes: {{
                    "slow": Hangs(value: Input("value"), options: (retry: 3)),
                    "next": Increment(value: From("slow")) }}, outputs: {{ "value": From("next") }}) }},
                nodes: {{ "all": {form}, "after": Sink(value: From("all.value")), "n": Number(value: 2),
                    "other": Sink(value: From("n")) }})"#
        )
    };
    let in_it = [
        (
            r#"Map(workflow: "body", over: ["value"], with: (value: [1.0, 2.0]), options: (timeout: 0.1))"#,
            "all[0]/slow",
        ),
        (
            r#"Loop(workflow: "body", times: 2, carry: ["value"], with: (value: 1), options: (timeout: 0.1))"#,
            "all[0]/slow",
        ),
        (r#"Include(workflow: "body", with: (value: 1), options: (timeout: 0.1))"#, "all/slow"),
    ];
    for (form, slow) in in_it {
        let run = Lab::new(lab.caching).document(&text(form)).run();
        assert_eq!((run.report.outcome, run.times("other")), (Outcome::Failed, 1), "{}", run.story());
        assert_eq!((run.times("next"), run.times("after")), (0, 0), "{}", run.story());
        let message = run.failure(slow);
        assert!(message.contains("timeout") && message.contains("`all`") && message.contains("100ms"), "{message}");
        assert_eq!(run.executed.iter().filter(|node| *node == slow).count(), 1, "time that is up does not come back");
        if !form.starts_with("Include") {
            assert!(run.failure("all").contains("timeout"), "{}", run.failure("all"));
        }
    }
}

fn the_time_of_a_loop_is_shared_by_its_passes(lab: &Lab) {
    // Each by itself would be quick enough.
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() }, nodes: {
            "a": Sleep(milliseconds: 30, value: Input("value")), "b": Increment(value: From("a")) },
            outputs: { "value": From("b") }) },
        nodes: { "l": Loop(workflow: "body", times: 1000, carry: ["value"], with: (value: 1), options: (timeout: 0.3)),
            "after": Increment(value: From("l.value")) })"#;
    let run = lab.document(text).run();
    assert!(run.failure("l").contains("timeout"), "{}", run.failure("l"));
    assert!(run.times("a") < 1000 && run.times("after") == 0, "{}", run.story());
}

fn a_node_that_takes_too_long_is_tried_again(lab: &Lab) {
    let run = lab.run(r#""slow": Hangs(value: 1, options: (timeout: 0.05, retry: 1))"#);
    run.failed(&["slow"]);
    assert_eq!(run.times("slow"), 2, "{}", run.story());
}

fn cancelling_before_a_run_runs_nothing(lab: &Lab) {
    let cancel = CancelToken::new();
    cancel.cancel();
    let run = lab.nodes(r#""a": Number(value: 1), "b": Increment(value: From("a"))"#).cancelled_by(&cancel).run();
    run.cancelled().expect(&[], &[]);
    assert_eq!(run.report.cancelled.len(), 2);
}

fn cancelling_stops_a_node_that_runs(lab: &Lab) {
    let started =
        lab.nodes(r#""a": Number(value: 1), "b": Hangs(value: From("a")), "c": Increment(value: From("b"))"#).start();
    lab.bench.wait_for_executions(2);
    started.cancel.cancel();
    let run = started.wait();
    run.cancelled().expect(&["a", "b"], &[]);
    let cancelled: Vec<_> = run.report.cancelled.iter().map(|node| &**node).collect();
    assert_eq!((run.finished(), cancelled), (vec!["a"], vec!["b", "c"]));
}

fn cancelling_stops_every_node_that_runs(lab: &Lab) {
    let nodes: Vec<_> = (0..8).map(|at| format!(r#""h{at}": Hangs(value: {at})"#)).collect();
    let started = lab.nodes(&nodes.join(", ")).start();
    lab.bench.wait_for_executions(8);
    started.cancel.cancel();
    let run = started.wait();
    assert_eq!((run.cancelled().report.cancelled.len(), run.executed.len()), (8, 8));
}

fn cancelling_stops_what_would_come_next(lab: &Lab) {
    let run = lab.run(r#""a": CancelsLate(value: 1), "b": Increment(value: From("a"))"#);
    run.cancelled();
    assert_eq!((run.finished(), run.times("b")), (vec!["a"], 0));
}

const HANGING: &str = r#""body": Workflow(inputs: { "value": Float() },
    nodes: { "first": Increment(value: Input("value")), "hang": Hangs(value: From("first")) }, outputs: { "value": From("hang") })"#;

fn cancelling_stops_a_map(lab: &Lab) {
    let started = lab
        .document(&format!(
            r#"Workflow(version: 1, workflows: {{ {HANGING} }},
                nodes: {{ "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 2.0, 3.0])),
                         "end": Count(values: From("all.value")) }})"#
        ))
        .start();
    lab.bench.wait_for_executions(6);
    started.cancel.cancel();
    let run = started.wait();
    assert_eq!((run.cancelled().times("hang"), run.times("end")), (3, 0));
}

fn cancelling_stops_a_loop(lab: &Lab) {
    let started = lab
        .document(&format!(
            r#"Workflow(version: 1, workflows: {{ {HANGING} }},
                nodes: {{ "l": Loop(workflow: "body", times: 3, carry: ["value"], with: (value: 1)) }})"#
        ))
        .start();
    lab.bench.wait_for_executions(2);
    started.cancel.cancel();
    assert_eq!(started.wait().cancelled().times("hang"), 1);
}

fn cancelling_stops_an_expansion(lab: &Lab) {
    let nodes = r#""e": ExpandsToCancel(value: 1), "after": Increment(value: From("e"))"#;
    let run = lab.run(nodes);
    run.cancelled();
    assert_eq!((run.times("before"), run.times("inner"), run.times("after")), (1, 1, 0), "{}", run.story());
}

fn cancelling_stops_the_wait_for_another_attempt(lab: &Lab) {
    let mut request = lab.nodes(r#""a": Flaky(value: 1, failures: 100, options: (retry: 100))"#);
    let events = request.listen();
    let started = request.start();
    assert!(events.iter().any(|event| matches!(event, Event::NodeRetried { .. })));
    started.cancel.cancel();
    let run = started.wait();
    run.cancelled();
    assert!(run.executed.len() < 100, "it was tried to the end");
}

fn cancelling_after_the_last_node_comes_too_late(lab: &Lab) {
    let run = lab.run(r#""a": Number(value: 1), "b": CancelsLate(value: From("a"))"#);
    assert_eq!(run.completed().float("b"), 1.0);
}

fn cancelling_after_the_end_changes_nothing(lab: &Lab) {
    let cancel = CancelToken::new();
    let nodes = r#""a": Number(value: 1)"#;
    let run = lab.nodes(nodes).cancelled_by(&cancel).run();
    cancel.cancel();
    assert_eq!(run.report.outcome, Outcome::Completed);
    lab.run(nodes).completed().expect(&[], &["a"]);
}

fn cancelling_another_run_does_nothing(lab: &Lab) {
    CancelToken::new().cancel();
    lab.run(r#""a": Number(value: 1), "b": Increment(value: From("a"))"#).completed().expect(&["a", "b"], &[]);
}

fn cancelling_one_of_two_runs_leaves_the_other(lab: &Lab) {
    let first = lab.nodes(r#""a": Hangs(value: 1)"#).start();
    let second =
        lab.nodes(r#""a": Meet(value: 2, room: "late", parties: 2), "b": Increment(value: From("a"))"#).start();
    lab.bench.wait_for_executions(2);
    first.cancel.cancel();
    first.wait().cancelled();
    // Only now can the second go on.
    lab.run(r#""a": Meet(value: 3, room: "late", parties: 2)"#).completed();
    assert_eq!(second.wait().completed().float("b"), 3.0);
}

fn a_resource_is_released_however_a_node_ends(lab: &Lab) {
    let ways = [
        ("pass", Outcome::Completed),
        ("fail", Outcome::Failed),
        ("panic", Outcome::Failed),
        ("cancel", Outcome::Cancelled),
    ];
    for (at, (way, outcome)) in ways.into_iter().enumerate() {
        let run = lab.run(&format!(r#""h": Holder(value: {at}, then: "{way}"), "after": Increment(value: From("h"))"#));
        assert_eq!(run.report.outcome, outcome, "{way}: {}", run.story());
        assert_eq!(lab.bench.held(), (0, at + 1), "{way}");
    }
    let started = lab.nodes(r#""h": Holder(value: 9, then: "hang")"#).start();
    wait_until(|| lab.bench.held().0 == 1);
    started.cancel.cancel();
    started.wait().cancelled();
    assert_eq!(lab.bench.held(), (0, ways.len() + 1));
}

fn a_resource_is_released_when_a_node_takes_too_long(lab: &Lab) {
    let run = lab.run(r#""h": Holder(value: 1, then: "hang", options: (timeout: 0.05))"#);
    run.failed(&["h"]);
    assert_eq!(lab.bench.held().1, 1);
    // The run does not wait for it, but it is told to stop.
    wait_until(|| lab.bench.held().0 == 0);
}
