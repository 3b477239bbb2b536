//! Where others fail their users: large graphs, values that nodes change, runs that disturb each other.

use std::fmt::Write;
use std::thread;

use crate::lab::{Caching, Lab, cases};

cases![
    a_node_that_changes_its_copy_of_a_value_changes_nobody_elses,
    runs_on_many_threads_do_not_disturb_each_other,
    a_chain_of_two_thousand_nodes_runs,
    a_wide_graph_of_two_thousand_nodes_runs,
    a_map_of_five_thousand_elements_runs,
    a_partial_failure_is_a_failure,
];

fn a_node_that_changes_its_copy_of_a_value_changes_nobody_elses(lab: &Lab) {
    // `Append` makes a longer list of the one that it is given.
    let nodes = r#""list": Range(count: 3), "a": Append(list: From("list"), value: 7), "b": Append(list: From("list"), value: 8),
        "count": Count(values: From("list")), "out": Numbers(value: From("a")), "other": Numbers(value: From("b"))"#;
    for _ in 0..2 {
        let run = lab.run(nodes);
        assert_eq!(run.completed().integer("count"), 3);
        assert_eq!((run.floats("out"), run.floats("other")), (vec![0.0, 1.0, 2.0, 7.0], vec![0.0, 1.0, 2.0, 8.0]));
    }
}

fn runs_on_many_threads_do_not_disturb_each_other(lab: &Lab) {
    thread::scope(|scope| {
        for at in 0..8 {
            scope.spawn(move || {
                for round in 0..5 {
                    let run = lab.run(&format!(
                        r#""n": Number(value: {at}), "m": Add(a: From("n"), b: {round}), "shared": Number(value: 1000),
                           "sum": Add(a: From("m"), b: From("shared"))"#
                    ));
                    assert_eq!(run.completed().float("sum"), f64::from(1000 + at + round));
                }
            });
        }
    });
}

/// A chain in which each node gives one more than the one before it.
fn chain(length: usize) -> String {
    let mut nodes = String::from(r#""n0": Number(value: 0)"#);
    for node in 1..length {
        let _ = write!(nodes, r#", "n{node}": Increment(value: From("n{}"))"#, node - 1);
    }
    nodes
}

fn a_chain_of_two_thousand_nodes_runs(lab: &Lab) {
    let run = lab.run(&chain(2_000));
    assert_eq!((run.completed().float("n1999"), run.executed.len()), (1999.0, 2_000));
    let again = lab.run(&chain(2_000));
    assert_eq!(again.completed().float("n1999"), 1999.0);
    match lab.caching {
        Caching::Everything => assert!(again.executed.is_empty()),
        // A hundred of two thousand: whatever it kept, it did no more than everything.
        Caching::Recent | Caching::Off => assert!(again.executed.len() <= 2_000),
    }
}

fn a_wide_graph_of_two_thousand_nodes_runs(lab: &Lab) {
    let mut nodes = String::new();
    let mut feeds = Vec::new();
    for node in 0..2_000 {
        let _ = write!(nodes, r#""n{node}": Number(value: {node}), "#);
        feeds.push(format!(r#"From("n{node}")"#));
    }
    let run = lab.run(&format!(r#"{nodes} "all": Average(values: [{}])"#, feeds.join(", ")));
    assert_eq!((run.completed().float("all"), run.executed.len()), (999.5, 2_001));
}

fn a_map_of_five_thousand_elements_runs(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "inner": Increment(value: Input("value")) }, outputs: { "value": From("inner") }) },
        nodes: { "list": Range(count: 5000), "all": Map(workflow: "body", over: ["value"], with: (value: From("list"))),
                 "mean": Average(values: From("all.value")) })"#;
    let run = lab.document(text).run();
    assert_eq!((run.completed().float("mean"), run.times("inner")), (2500.5, 5_000));
}

fn a_partial_failure_is_a_failure(lab: &Lab) {
    let run = lab.run(r#""bad": Fails(value: 1), "a": Number(value: 1), "b": Number(value: 2), "c": Number(value: 3)"#);
    run.failed(&["bad"]).expect(&["bad", "a", "b", "c"], &[]);
}

#[test]
fn two_hundred_thousand_nodes_neither_recurse_nor_blow_up() {
    let length = 200_000;
    let text = chain(length);
    let work = move || {
        let lab = Lab::new(Caching::Off);
        let run = lab.run(&text);
        assert_eq!(run.completed().float(&format!("n{}", length - 1)), (length - 1) as f64);
    };
    // A stack on which not even ten thousand calls would fit.
    thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}
