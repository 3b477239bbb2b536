//! Nodes that turn into a piece of graph at run time.

use easel_engine::{Event, Outcome};

use crate::lab::{Lab, cases};

cases![
    an_expansion_may_give_a_literal,
    an_expansion_may_give_a_result,
    an_expansion_may_give_both,
    an_expansion_may_have_a_part_for_every_element,
    an_expansion_may_give_a_list_of_literals_and_results,
    an_expansion_may_expand,
    an_expansion_that_never_ends_fails,
    an_expansion_into_itself_fails,
    an_expansion_is_told,
    what_the_outputs_of_an_expansion_do_not_need_does_not_run,
    a_failure_in_an_expansion_fails_what_needs_it,
    something_kept_back_in_an_expansion_is_kept_back,
    an_expansion_is_known_again,
    an_expansion_in_a_map,
    an_expansion_in_a_loop,
    a_changed_element_reruns_its_own_part_only,
];

fn an_expansion_may_give_a_literal(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToLiteral(value: 5), "after": Increment(value: From("e"))"#);
    assert_eq!(run.completed().float("after"), 6.0);
}

fn an_expansion_may_give_a_result(lab: &Lab) {
    let run =
        lab.run(r#""n": Number(value: 5), "e": ExpandsToResult(value: From("n")), "after": Multiply(a: From("e"))"#);
    assert_eq!(run.completed().float("after"), 14.0);
    run.expect(&["n", "e", "e/first", "e/second", "after"], &[]);
}

fn an_expansion_may_give_both(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToBoth(value: 5), "sum": Add(a: From("e.value"), b: From("e.given"))"#);
    assert_eq!(run.completed().float("sum"), 11.0);
}

fn an_expansion_may_have_a_part_for_every_element(lab: &Lab) {
    for (values, average) in [("[]", 0.0), ("[1.0]", 2.0), ("[1.0, 2.0, 3.0]", 3.0)] {
        let run = Lab::new(lab.caching)
            .run(&format!(r#""e": ExpandsEach(values: {values}), "out": Number(value: From("e"))"#));
        assert_eq!(run.completed().float("out"), average);
        let parts = run.executed.iter().filter(|node| node.starts_with("e/part")).count();
        assert_eq!(parts, values.matches('.').count(), "{}", run.story());
    }
}

fn an_expansion_may_give_a_list_of_literals_and_results(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToList(values: [1.0, 2.0]), "out": Numbers(value: From("e"))"#);
    assert_eq!(run.completed().floats("out"), [0.5, 2.0, 0.5, 3.0]);
}

fn an_expansion_may_expand(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsNested(value: 3), "out": Number(value: From("e"))"#);
    assert_eq!(run.completed().float("out"), 3.0);
    assert!(run.executed.contains(&"e/inner/inner/inner".to_string()), "{}", run.story());
    assert_eq!(run.times("sum"), 3);
}

fn an_expansion_that_never_ends_fails(lab: &Lab) {
    let run =
        lab.run(r#""e": ExpandsForEver(value: 0), "after": Increment(value: From("e")), "good": Number(value: 1)"#);
    // The innermost is named, by a path that begins with the node that people see, and whatever it is inside of names it.
    let failure = &run.report.failed[0];
    assert!(failure.node.starts_with("e/next/") && failure.message.contains("expanded"), "{failure:?}");
    assert!(run.failure("e").contains(&*failure.node), "{}", run.failure("e"));
    assert_eq!((run.skipped(), run.float("good")), (vec!["after"], 1.0), "{}", run.story());
}

fn an_expansion_into_itself_fails(lab: &Lab) {
    // With the same inputs: whoever waits for the result of an equal node would wait for itself.
    let run =
        lab.run(r#""e": ExpandsToItself(value: 1), "after": Increment(value: From("e")), "good": Number(value: 1)"#);
    assert_eq!((run.report.outcome, run.times("after"), run.float("good")), (Outcome::Failed, 0, 1.0));
}

fn an_expansion_is_told(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToResult(value: 1)"#);
    let expanded = run.events.iter().find_map(|event| match event {
        Event::NodeExpanded { node, nodes, .. } => Some((&**node, nodes.clone())),
        _ => None,
    });
    let (node, nodes) = expanded.unwrap();
    let nodes: Vec<_> = nodes.iter().map(|planned| (&*planned.node, planned.node_type.as_str())).collect();
    assert_eq!((node, nodes), ("e", vec![("e/first", "Increment"), ("e/second", "Increment")]));
    let at = |wanted: &dyn Fn(&Event) -> bool| run.events.iter().position(wanted).unwrap();
    let expanded = at(&|event| matches!(event, Event::NodeExpanded { .. }));
    let first = at(&|event| matches!(event, Event::NodeStarted { node, .. } if &**node == "e/first"));
    assert!(expanded < first, "{}", run.story());
}

fn what_the_outputs_of_an_expansion_do_not_need_does_not_run(lab: &Lab) {
    let run = lab.run(r#""e": ExpandsToMore(value: 1), "out": Number(value: From("e"))"#);
    assert_eq!((run.completed().float("out"), run.times("idle")), (2.0, 0), "{}", run.story());
}

fn a_failure_in_an_expansion_fails_what_needs_it(lab: &Lab) {
    let run = lab.run(
        r#""e": ExpandsToFailure(value: 1), "after": Increment(value: From("e")), "n": Number(value: 1),
           "good": Increment(value: From("n"))"#,
    );
    assert!(run.failure("e/inner").contains("1 is more than it can bear"), "{}", run.story());
    run.failed(&["e", "e/inner"]);
    assert!(run.skipped().contains(&"after"), "{}", run.story());
    assert_eq!(run.float("good"), 2.0);
}

fn something_kept_back_in_an_expansion_is_kept_back(lab: &Lab) {
    let run = lab.run(
        r#""e": ExpandsToBlocked(value: 1), "after": Increment(value: From("e")),
           "list": Average(values: [From("e"), 4.0])"#,
    );
    run.completed();
    assert_eq!(run.blocked(), ["after"], "{}", run.story());
    assert_eq!(run.float("list"), 4.0);
}

fn an_expansion_is_known_again(lab: &Lab) {
    let nodes = r#""e": ExpandsNested(value: 3), "each": ExpandsEach(values: [4.0, 5.0]), "out": Add(a: From("e"), b: From("each"))"#;
    let first = lab.run(nodes);
    assert_eq!(first.completed().float("out"), 8.5);
    let again = lab.run(nodes);
    assert_eq!(again.completed().float("out"), 8.5);
    match lab.keeps() {
        true => assert_eq!(again.executed, [] as [&str; 0], "{}", again.story()),
        false => assert_eq!(again.executed.len(), first.executed.len(), "{}", again.story()),
    }
}

fn an_expansion_in_a_map(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "e": ExpandsToResult(value: Input("value")) }, outputs: { "value": From("e") }) },
        nodes: { "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 10.0])), "out": Numbers(value: From("all.value")) })"#;
    let run = lab.document(text).run();
    assert_eq!(run.completed().floats("out"), [3.0, 12.0]);
    assert!(run.executed.contains(&"all[1]/e/second".to_string()), "{}", run.story());
}

fn an_expansion_in_a_loop(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "e": ExpandsToResult(value: Input("value")) }, outputs: { "value": From("e") }) },
        nodes: { "l": Loop(workflow: "body", times: 3, carry: ["value"], with: (value: 0)), "out": Number(value: From("l.value")) })"#;
    let run = lab.document(text).run();
    assert_eq!(run.completed().float("out"), 6.0);
    assert!(run.executed.contains(&"l[2]/e/second".to_string()), "{}", run.story());
}

fn a_changed_element_reruns_its_own_part_only(lab: &Lab) {
    lab.run(r#""e": ExpandsEach(values: [1.0, 2.0, 3.0])"#).completed();
    let again = lab.run(r#""e": ExpandsEach(values: [1.0, 7.0, 3.0])"#);
    assert_eq!(again.completed().float("e"), 14.0 / 3.0);
    again.expect(&["e", "e/part1", "e/all"], &["e/part0", "e/part2"]);
}
