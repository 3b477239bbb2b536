//! What is refused before anything runs, and what a failure says.

use std::thread;

use easel_engine::Event;

use crate::lab::{Lab, cases};

cases![
    a_failure_names_run_node_and_type,
    a_panic_is_a_failure_of_its_node,
    a_wrong_literal_is_refused_before_anything_runs,
    a_wrong_wire_is_refused_before_anything_runs,
    an_integer_goes_into_a_float_and_no_float_into_an_integer,
    a_union_takes_each_of_its_kinds,
    a_node_that_checks_an_input_itself_takes_the_place_of_the_range,
    a_cycle_is_refused_with_its_path,
    a_cycle_that_an_expansion_makes_is_blamed_on_the_node_that_expands,
    an_unknown_node_type_spoils_only_what_needs_it,
    an_unknown_node_type_lets_the_rest_run_if_that_is_wanted,
    an_unknown_node_type_in_an_expansion_spoils_only_what_needs_it,
    the_engine_is_not_poisoned_by_a_failure,
    a_chain_of_two_thousand_nodes_is_checked_without_recursion,
    every_error_is_reported_at_once,
    a_failure_spoils_its_cone_only,
    a_failure_in_a_map_names_the_element,
    the_other_elements_of_a_failing_map_finish,
    a_failure_in_a_loop_names_the_pass,
    a_failure_in_an_included_workflow_names_the_node,
    what_a_node_type_promises_is_held_against_what_it_gives,
    a_value_out_of_range_that_comes_by_wire_fails_the_node,
];

fn a_failure_names_run_node_and_type(lab: &Lab) {
    let run = lab.run(r#""n": Number(value: 3), "bad": Fails(value: From("n"))"#);
    run.failed(&["bad"]);
    let failed = run.events.iter().find_map(|event| match event {
        Event::NodeFailed { run, node, node_type, message, hint, inputs, .. } => {
            Some((*run, &**node, node_type.as_str(), message.as_str(), hint.as_deref(), inputs.clone()))
        }
        _ => None,
    });
    let (id, node, node_type, message, hint, inputs) = failed.unwrap();
    assert_eq!((id, node, node_type), (run.report.run, "bad", "Fails"));
    assert_eq!((message, hint), ("3 is more than it can bear", Some("give it less")));
    assert_eq!(inputs, [("value".to_string(), "3.0".to_string())]);
}

fn a_panic_is_a_failure_of_its_node(lab: &Lab) {
    let run = lab.run(r#""bad": Panics(value: 7), "good": Number(value: 1)"#);
    run.failed(&["bad"]).expect(&["bad", "good"], &[]);
    assert!(run.failure("bad").contains("the number 7 is cursed"), "{}", run.failure("bad"));
}

fn a_wrong_literal_is_refused_before_anything_runs(lab: &Lab) {
    assert_eq!(lab.nodes(r#""a": Number(value: 1), "b": Number(value: "one")"#).refused(), ["kind-mismatch"]);
    assert_eq!(lab.nodes(r#""a": Ranged(level: 11)"#).refused(), ["out-of-range"]);
    assert_eq!(lab.nodes(r#""a": Holder(value: 1, then: "pas")"#).refused(), ["not-a-choice"]);
}

fn a_wrong_wire_is_refused_before_anything_runs(lab: &Lab) {
    let nodes = r#""w": Word(value: "one"), "a": Increment(value: From("w"))"#;
    assert_eq!(lab.nodes(nodes).refused(), ["kind-mismatch"]);
    let nodes = r#""n": Numbers(value: [1.0]), "a": Increment(value: From("n"))"#;
    assert_eq!(lab.nodes(nodes).refused(), ["kind-mismatch"]);
}

fn an_integer_goes_into_a_float_and_no_float_into_an_integer(lab: &Lab) {
    let run = lab.run(r#""i": Whole(value: 2), "a": Increment(value: From("i")), "b": Increment(value: 2)"#);
    assert_eq!((run.completed().float("a"), run.float("b")), (3.0, 3.0));
    let lab = Lab::new(lab.caching);
    assert_eq!(lab.nodes(r#""a": Whole(value: 2.5)"#).refused(), ["kind-mismatch"]);
    assert_eq!(lab.nodes(r#""n": Number(value: 2), "a": Whole(value: From("n"))"#).refused(), ["kind-mismatch"]);
}

fn a_union_takes_each_of_its_kinds(lab: &Lab) {
    let nodes = r#""a": Either(value: 7), "b": Either(value: "7"), "i": Whole(value: 7), "c": Either(value: From("i")),
        "w": Word(value: "7"), "d": Either(value: From("w"))"#;
    let run = lab.run(nodes);
    run.completed();
    let kinds = ["a.kind", "b.kind", "c.kind", "d.kind"].map(|socket| run.text(socket));
    assert_eq!(kinds, ["Integer", "Text", "Integer", "Text"]);
    let lab = Lab::new(lab.caching);
    assert_eq!(lab.nodes(r#""a": Either(value: 2.5)"#).refused(), ["kind-mismatch"]);
    assert_eq!(lab.nodes(r#""f": Flag(value: true), "a": Either(value: From("f"))"#).refused(), ["kind-mismatch"]);
}

fn a_node_that_checks_an_input_itself_takes_the_place_of_the_range(lab: &Lab) {
    let run = lab.run(r#""a": Judged(level: 12), "n": Whole(value: 14), "b": Judged(level: From("n"))"#);
    assert_eq!((run.completed().integer("a"), run.integer("b")), (12, 14));
    let lab = Lab::new(lab.caching);
    let errors = lab.nodes(r#""a": Judged(level: 7)"#).errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].1.contains("is 7, an odd level") && errors[0].1.contains("take an even one"), "{errors:?}");
}

fn a_cycle_is_refused_with_its_path(lab: &Lab) {
    let request = lab.nodes(r#""a": Increment(value: From("b")), "b": Increment(value: From("a"))"#);
    assert_eq!(request.refused(), ["cycle"]);
    assert!(request.errors()[0].1.contains("a → b → a"), "{:?}", request.errors());
}

fn a_cycle_that_an_expansion_makes_is_blamed_on_the_node_that_expands(lab: &Lab) {
    let run = lab.run(r#""hen": ExpandsToCycle(value: 1), "good": Number(value: 1)"#);
    run.failed(&["hen"]).expect(&["good", "hen"], &[]);
    let message = run.failure("hen");
    assert!(message.contains("chicken → egg → chicken"), "{message}");
}

fn an_unknown_node_type_spoils_only_what_needs_it(lab: &Lab) {
    let nodes = r#""n": Number(value: 1), "lost": Nonsense(value: From("n")), "a": Sink(value: From("lost")),
        "b": Sink(value: From("n"))"#;
    assert_eq!(lab.nodes(nodes).targets(&["a"]).refused(), ["unknown-node-type"]);
    lab.nodes(nodes).targets(&["b"]).run().completed().expect(&["n", "b"], &[]);
}

fn an_unknown_node_type_lets_the_rest_run_if_that_is_wanted(lab: &Lab) {
    let nodes = r#""n": Number(value: 1), "lost": Nonsense(value: From("n")), "a": Sink(value: From("lost")),
        "b": Sink(value: From("n")), "wrong": Ranged(level: 11), "c": Sink(value: From("wrong"))"#;
    assert_eq!(lab.nodes(nodes).refused(), ["unknown-node-type", "out-of-range"]);
    let run = lab.nodes(nodes).keeping_on().run();
    run.completed().expect(&["n", "b"], &[]);
    // With nothing sound left there is nothing to run.
    let lab = Lab::new(lab.caching);
    assert!(!lab.nodes(r#""lost": Nonsense()"#).keeping_on().refused().is_empty());
}

fn an_unknown_node_type_in_an_expansion_spoils_only_what_needs_it(lab: &Lab) {
    let run = lab.run(
        r#""lost": ExpandsToUnknown(value: 1), "a": Sink(value: From("lost")), "n": Number(value: 1),
           "b": Sink(value: From("n"))"#,
    );
    run.failed(&["lost"]).expect(&["lost", "n", "b"], &[]);
    assert_eq!(run.skipped(), ["a"], "{}", run.story());
    assert!(run.failure("lost").contains("Nonsense"), "{}", run.failure("lost"));
}

fn the_engine_is_not_poisoned_by_a_failure(lab: &Lab) {
    lab.run(r#""a": Number(value: 1), "b": Panics(value: From("a"))"#).failed(&["b"]);
    lab.run(r#""a": ExpandsToCycle(value: 1)"#).failed(&["a"]);
    let run = lab.run(r#""a": Number(value: 1), "b": Increment(value: From("a"))"#);
    run.completed().expect(&["b"], &["a"]);
}

fn a_chain_of_two_thousand_nodes_is_checked_without_recursion(lab: &Lab) {
    let mut nodes = String::from(r#""n0": Number(value: 0)"#);
    for node in 1..2_000 {
        nodes.push_str(&format!(r#", "n{node}": Increment(value: From("n{}"))"#, node - 1));
    }
    // A stack on which two thousand calls of anything would not fit.
    let small = |work: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, work);
            thread.unwrap().join().unwrap();
        });
    };
    small(&|| assert_eq!(lab.nodes(&nodes).refused(), [] as [&str; 0]));
    let cycle = nodes.replace(r#""n0": Number(value: 0)"#, r#""n0": Increment(value: From("n1999"))"#);
    small(&|| assert_eq!(lab.nodes(&cycle).refused(), ["cycle"]));
}

fn every_error_is_reported_at_once(lab: &Lab) {
    let nodes = r#""a": Nonsense(), "b": Number(value: "x"), "c": Increment(value: From("nobody")), "d": Ranged(level: 11),
        "e": Add(a: 1), "f": Increment(value: From("f")), "g": Number(vlaue: 1, value: 1), "h": Judged(level: 3),
        "i": Average(values: [From("d"), From("k"), "x"])"#;
    let mut codes = lab.nodes(nodes).refused();
    codes.sort_unstable();
    codes.dedup();
    let wanted = [
        "cycle",
        "invalid-input",
        "kind-mismatch",
        "missing-input",
        "out-of-range",
        "unknown-node",
        "unknown-node-input",
        "unknown-node-type",
    ];
    assert_eq!(codes, wanted);
}

fn a_failure_spoils_its_cone_only(lab: &Lab) {
    let run = lab.run(
        r#""n": Number(value: 1), "bad": Fails(value: From("n")), "after": Increment(value: From("bad")),
           "last": Add(a: From("after"), b: From("n")), "good": Multiply(a: From("n"))"#,
    );
    run.failed(&["bad"]).expect(&["n", "bad", "good"], &[]);
    assert_eq!(run.skipped(), ["after", "last"], "{}", run.story());
    assert!(run.report.skipped.iter().all(|skipped| &*skipped.because == "bad"), "{}", run.story());
    assert_eq!(run.float("good"), 2.0);
}

const LARGE_ELEMENTS: &str = r#"Workflow(version: 1,
    workflows: { "body": Workflow(inputs: { "value": Float() },
        nodes: { "check": FailsOnLarge(value: Input("value")), "next": Increment(value: From("check")) },
        outputs: { "value": From("next") }) },
    nodes: {
        "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 100.0, 3.0])),
        "count": Count(values: From("all.value")),
        "apart": Number(value: 1),
    })"#;

fn a_failure_in_a_map_names_the_element(lab: &Lab) {
    let run = lab.document(LARGE_ELEMENTS).run();
    let failed = run.nodes_of(|event| matches!(event, Event::NodeFailed { .. }));
    assert!(failed.contains(&"all[1]/check"), "{}", run.story());
    assert!(run.failure("all[1]/check").contains("100 is too large"));
    assert!(run.failure("all").contains("`all[1]/check`"), "{}", run.failure("all"));
    run.failed(&["all", "all[1]/check"]);
}

fn the_other_elements_of_a_failing_map_finish(lab: &Lab) {
    let run = lab.document(LARGE_ELEMENTS).run();
    assert_eq!((run.times("check"), run.times("next"), run.times("count"), run.times("apart")), (3, 2, 0, 1));
    assert!(run.skipped().contains(&"count"), "{}", run.story());
    // What finished is known from now on.
    let again = lab.document(LARGE_ELEMENTS).run();
    let ran = if lab.keeps() { (1, 0) } else { (3, 2) };
    assert_eq!((again.times("check"), again.times("next")), ran, "{}", again.story());
}

fn a_failure_in_a_loop_names_the_pass(lab: &Lab) {
    let run = lab
        .document(
            r#"Workflow(version: 1,
                workflows: { "body": Workflow(inputs: { "value": Float() },
                    nodes: { "check": FailsOnLarge(value: Input("value")), "next": Add(a: From("check"), b: 60) },
                    outputs: { "value": From("next") }) },
                nodes: { "l": Loop(workflow: "body", times: 5, carry: ["value"], with: (value: 0)),
                         "after": Increment(value: From("l.value")) })"#,
        )
        .run();
    assert_eq!((run.times("check"), run.times("next"), run.times("after")), (3, 2, 0), "{}", run.story());
    assert!(run.failure("l[2]/check").contains("120 is too large"), "{}", run.story());
    assert!(run.failure("l").contains("`l[2]/check`"), "{}", run.failure("l"));
}

fn a_failure_in_an_included_workflow_names_the_node(lab: &Lab) {
    let run = lab
        .document(
            r#"Workflow(version: 1,
                workflows: { "body": Workflow(inputs: { "value": Float() },
                    nodes: { "inner": Fails(value: Input("value")) }, outputs: { "value": From("inner") }) },
                nodes: { "one": Include(workflow: "body", with: (value: 5)), "after": Increment(value: From("one.value")) })"#,
        )
        .run();
    run.failed(&["one/inner"]);
    assert_eq!(run.skipped(), ["after"]);
}

fn what_a_node_type_promises_is_held_against_what_it_gives(lab: &Lab) {
    for (node_type, words) in [("GivesOther", "Integer instead of Float"), ("GivesNothing", "no output `value`")] {
        let run = lab.run(&format!(r#""a": {node_type}(value: 1)"#));
        run.failed(&["a"]);
        let message = run.failure("a");
        assert!(message.contains(words) && message.contains(node_type), "{message}");
    }
    let run = lab.run(r#""a": ExpandsToWrongKind(value: 1), "b": ExpandsToNoOutput(value: 1)"#);
    run.failed(&["a", "b"]);
}

fn a_value_out_of_range_that_comes_by_wire_fails_the_node(lab: &Lab) {
    let run = lab.run(r#""n": Whole(value: 11), "a": Ranged(level: From("n"))"#);
    run.failed(&["a"]).expect(&["n"], &[]);
    assert!(run.failure("a").contains("0 to 10"), "{}", run.failure("a"));
}
