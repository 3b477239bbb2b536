//! What may run side by side does, within what the machine has.

use std::sync::Arc;

use easel_engine::Resources;

use crate::lab::{Lab, cases};

cases![
    independent_nodes_run_at_once,
    the_elements_of_a_map_run_at_once,
    the_nodes_of_an_expansion_run_at_once,
    branches_of_different_length_run_at_once,
    three_sleepers_take_less_than_their_sum,
    three_sleepers_in_a_map_take_less_than_their_sum,
    three_sleepers_in_an_expansion_take_less_than_their_sum,
    many_nodes_that_only_wait_wait_at_once,
    nodes_that_take_all_lanes_run_alone,
    nodes_that_compute_share_the_lanes,
    independent_runs_run_at_once,
    runs_that_share_the_machine_share_its_lanes,
    more_nodes_than_there_are_threads_all_get_their_turn,
    equal_nodes_side_by_side_are_computed_once,
    a_failure_does_not_stop_what_runs_beside_it,
];

/// Nodes that end only when all of them are there.
fn party(count: usize, room: &str) -> String {
    let nodes = (0..count).map(|at| format!(r#""p{at}": Meet(value: {at}, room: "{room}", parties: {count})"#));
    nodes.collect::<Vec<_>>().join(", ")
}

fn independent_nodes_run_at_once(lab: &Lab) {
    let run = lab.run(&party(3, "nodes"));
    assert_eq!(run.completed().executed.len(), 3);
    assert_eq!(lab.bench.most_in("nodes"), 3);
}

fn the_elements_of_a_map_run_at_once(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "inner": Meet(value: Input("value"), room: "map", parties: 4) }, outputs: { "value": From("inner") }) },
        nodes: { "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 2.0, 3.0, 4.0])),
                 "out": Average(values: From("all.value")) })"#;
    assert_eq!(lab.document(text).run().completed().float("out"), 2.5);
}

fn the_nodes_of_an_expansion_run_at_once(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToMeeting(values: [1.0, 2.0, 3.0]), "out": Number(value: From("e"))"#);
    assert_eq!(run.completed().float("out"), 2.0);
}

fn branches_of_different_length_run_at_once(lab: &Lab) {
    let run = lab.run(
        r#""a1": Number(value: 1), "a2": Increment(value: From("a1")), "a3": Increment(value: From("a2")),
           "a4": Meet(value: From("a3"), room: "branches", parties: 2), "b1": Meet(value: 9, room: "branches", parties: 2),
           "end": Add(a: From("a4"), b: From("b1"))"#,
    );
    assert_eq!(run.completed().float("end"), 12.0);
}

/// What one after another would take, in seconds.
const SUM: f64 = 0.29 + 0.31 + 0.30;

fn three_sleepers_take_less_than_their_sum(lab: &Lab) {
    let run = lab.run(
        r#""a": Sleep(milliseconds: 290), "b": Sleep(milliseconds: 310), "c": Sleep(milliseconds: 300),
           "end": Average(values: [From("a"), From("b"), From("c")])"#,
    );
    let seconds = run.completed().report.seconds;
    assert!((0.31..SUM).contains(&seconds), "{seconds} s");
}

fn three_sleepers_in_a_map_take_less_than_their_sum(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "inner": Sleep(milliseconds: Input("value")) }, outputs: { "value": From("inner") }) },
        nodes: { "all": Map(workflow: "body", over: ["value"], with: (value: [290.0, 310.0, 300.0])) })"#;
    let seconds = lab.document(text).run().completed().report.seconds;
    assert!((0.31..SUM).contains(&seconds), "{seconds} s");
}

fn three_sleepers_in_an_expansion_take_less_than_their_sum(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToSleepers(values: [290.0, 310.0, 300.0])"#);
    let seconds = run.completed().report.seconds;
    assert!((0.31..SUM).contains(&seconds), "{seconds} s");
}

fn many_nodes_that_only_wait_wait_at_once(lab: &Lab) {
    let run = lab.run(&party(64, "crowd"));
    assert_eq!(run.completed().executed.len(), 64);
    assert_eq!(lab.bench.most_in("crowd"), 64);
}

fn nodes_that_take_all_lanes_run_alone(lab: &Lab) {
    let run = lab.run(
        r#""a": SleepOnAll(milliseconds: 20), "b": SleepOnAll(milliseconds: 21), "c": SleepOnLane(milliseconds: 22),
           "d": SleepOnLane(milliseconds: 23), "e": SleepOnAll(milliseconds: 24)"#,
    );
    assert_eq!(run.completed().executed.len(), 5);
    assert_eq!(lab.bench.most_beside_all(), 1, "one that takes all lanes ran beside another that computes");
}

fn nodes_that_compute_share_the_lanes(lab: &Lab) {
    let nodes: Vec<_> = (0..12).map(|at| format!(r#""s{at}": SleepOnLane(milliseconds: {})"#, 5 + at)).collect();
    assert_eq!(lab.run(&nodes.join(", ")).completed().executed.len(), 12);
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(lab.bench.most_in("lane") <= lanes, "{} at once on {lanes} lanes", lab.bench.most_in("lane"));
}

fn independent_runs_run_at_once(lab: &Lab) {
    let start = |value: usize| lab.nodes(&format!(r#""a": Meet(value: {value}, room: "runs", parties: 3)"#)).start();
    let runs = [0, 1, 2].map(start);
    for run in runs {
        run.wait().completed().expect(&["a"], &[]);
    }
    assert_eq!(lab.bench.most_in("runs"), 3);
}

fn runs_that_share_the_machine_share_its_lanes(lab: &Lab) {
    let resources = Arc::new(Resources::new(2, None));
    let start = |run: usize| {
        let nodes = (0..4).map(|at| format!(r#""a{at}": SleepOnAll(milliseconds: {}, value: {run})"#, 2 + at));
        lab.nodes(&nodes.collect::<Vec<_>>().join(", ")).sharing(&resources).start()
    };
    for run in [0, 1, 2].map(start) {
        assert_eq!(run.wait().completed().executed.len(), 4);
    }
    assert_eq!(lab.bench.most_beside_all(), 1, "two had all lanes at once");
}

fn more_nodes_than_there_are_threads_all_get_their_turn(lab: &Lab) {
    let nodes: Vec<_> = (0..500).map(|at| format!(r#""s{at}": Sleep(milliseconds: 2.{at:03})"#)).collect();
    assert_eq!(lab.run(&nodes.join(", ")).completed().executed.len(), 500);
}

fn equal_nodes_side_by_side_are_computed_once(lab: &Lab) {
    let run = lab.run(
        r#""a": Sleep(milliseconds: 30), "b": Sleep(milliseconds: 30), "c": Sleep(milliseconds: 30),
           "sum": Average(values: [From("a"), From("b"), From("c")])"#,
    );
    let slept = run.completed().executed.len() - run.times("sum");
    assert_eq!(slept, if lab.keeps() { 1 } else { 3 }, "{}", run.story());
}

fn a_failure_does_not_stop_what_runs_beside_it(lab: &Lab) {
    // The sleeper is under way when the other fails, and what follows it runs.
    let run = lab
        .nodes(
            r#""slow": Meet(value: 1, room: "beside", parties: 2), "bad": Fails(value: From("late")),
               "late": Meet(value: 2, room: "beside", parties: 2), "after": Sleep(milliseconds: 20, value: From("slow"))"#,
        )
        .run();
    run.failed(&["bad"]);
    assert_eq!(run.float("after"), 1.0);
}
