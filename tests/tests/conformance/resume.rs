//! Runs that were interrupted and go on.

use crate::lab::{Lab, Ran, cases};

cases![
    only_what_was_not_finished_runs,
    an_interrupted_map_goes_on_with_the_elements_that_are_left,
    an_interrupted_loop_goes_on_with_its_pass,
    an_interrupted_expansion_goes_on_inside,
];

const NODES: &str = r#""a": Number(value: 1), "b": Add(a: From("a"), b: 10), "c": Multiply(a: From("b")),
    "d": Label(value: From("c")), "e": Rounded(value: From("c"))"#;

fn only_what_was_not_finished_runs(lab: &Lab) {
    for execution in 1..=3 {
        let lab = Lab::new(lab.caching);
        lab.bench.cancel_at(execution);
        let interrupted = lab.run(NODES);
        interrupted.cancelled();
        let finished: Vec<&str> = interrupted.finished();
        let left: Vec<&str> = ["a", "b", "c", "d", "e"].into_iter().filter(|node| !finished.contains(node)).collect();
        let resumed = lab.run(NODES);
        resumed.completed().expect(&left, &finished);
        assert_eq!(resumed.text("d"), "22");
    }
}

const MAP: &str = r#"Workflow(version: 1,
    workflows: { "body": Workflow(inputs: { "value": Float() },
        nodes: { "first": Add(a: Input("value"), b: 100), "second": Multiply(a: From("first")) },
        outputs: { "value": From("second") }) },
    nodes: { "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 2.0, 3.0, 4.0])),
             "out": Numbers(value: From("all.value")) })"#;

/// Interrupts a workflow and runs it again: together both ran each node once, but for those that were under way.
fn interrupted(lab: &Lab, text: &str, at: usize, nodes: usize) -> Ran {
    lab.bench.cancel_at(at);
    let first = lab.document(text).run();
    first.cancelled();
    let finished: Vec<String> = first.finished().into_iter().map(String::from).collect();
    let resumed = lab.document(text).run();
    resumed.completed();
    if lab.keeps() {
        let twice: Vec<_> = resumed.executed.iter().filter(|node| finished.contains(node)).collect();
        assert!(twice.is_empty(), "{twice:?} had finished; {}", resumed.story());
    } else {
        assert_eq!(resumed.executed.len(), nodes);
    }
    resumed
}

fn an_interrupted_map_goes_on_with_the_elements_that_are_left(lab: &Lab) {
    let resumed = interrupted(lab, MAP, 5, 9);
    assert_eq!(resumed.floats("out"), [202.0, 204.0, 206.0, 208.0]);
}

fn an_interrupted_loop_goes_on_with_its_pass(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "sum": Add(a: Input("value"), b: 3) }, outputs: { "value": From("sum") }) },
        nodes: { "l": Loop(workflow: "body", times: 6, carry: ["value"], with: (value: 0)), "out": Number(value: From("l.value")) })"#;
    let resumed = interrupted(lab, text, 4, 7);
    assert_eq!(resumed.float("out"), 18.0);
}

fn an_interrupted_expansion_goes_on_inside(lab: &Lab) {
    let nodes = |last: &str| {
        format!(r#"Workflow(version: 1, nodes: {{ "e": ExpandsNested(value: 3), "out": {last}(value: From("e")) }})"#)
    };
    let resumed = interrupted(lab, &nodes("Number"), 5, 8);
    assert_eq!(resumed.float("out"), 3.0);
}
