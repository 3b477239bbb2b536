//! Bodies that run again and again.

use crate::lab::{Lab, Ran, cases};

cases![
    a_loop_of_one_to_four_passes,
    a_loop_of_no_passes_gives_what_it_was_given,
    the_number_of_passes_may_come_by_wire,
    a_wrong_number_of_passes_is_refused,
    a_loop_ends_when_its_condition_does,
    a_loop_goes_on_no_longer_than_it_may,
    loops_two_by_two,
    an_accumulator_collects,
    a_loop_collects_what_each_pass_gave,
    a_body_knows_the_number_of_its_pass,
    passes_run_in_order_three_deep,
    each_pass_takes_its_own_branch,
    a_loop_in_a_map_and_a_map_in_a_loop,
    a_longer_loop_runs_only_the_passes_that_are_new,
    what_does_not_change_in_a_loop_runs_once,
    a_pass_that_keeps_its_result_back_ends_the_loop_without_a_failure,
    a_thousand_passes,
];

/// Adds `by` in every pass.
const ADD: &str = r#"Workflow(inputs: { "value": Float(), "by": Float(default: 1), "pass": Integer(default: 0) },
    nodes: { "sum": Add(a: Input("value"), b: Input("by")), "more": Less(value: From("sum"), than: 10),
             "both": Add(a: From("sum"), b: Input("pass")) },
    outputs: { "value": From("sum"), "more": From("more"), "both": From("both") })"#;

fn document(arguments: &str, more: &str) -> String {
    format!(
        r#"Workflow(version: 1, workflows: {{ "body": {ADD} }},
            nodes: {{ "l": Loop(workflow: "body", {arguments}), {more} }})"#
    )
}

fn run(lab: &Lab, arguments: &str, more: &str) -> Ran {
    lab.document(&document(arguments, more)).run()
}

const OUT: &str = r#""out": Number(value: From("l.value"))"#;

fn a_loop_of_one_to_four_passes(lab: &Lab) {
    for passes in 1..=4_usize {
        // Another start each time, so that nothing is known from before.
        let start = 10.0 * passes as f64;
        let run = run(lab, &format!(r#"times: {passes}, carry: {{"value": "value"}}, with: (value: {start:?})"#), OUT);
        assert_eq!(run.completed().float("out"), start + passes as f64);
        assert_eq!(run.times("sum"), passes, "{}", run.story());
        assert!(run.executed.contains(&format!("l[{}]/sum", passes - 1)), "{}", run.story());
    }
}

fn a_loop_of_no_passes_gives_what_it_was_given(lab: &Lab) {
    let run = run(
        lab,
        r#"times: 0, carry: ["value"], with: (value: 7)"#,
        &format!(r#"{OUT}, "rest": Number(value: From("l.both"))"#),
    );
    assert_eq!(run.completed().float("out"), 7.0);
    assert_eq!((run.times("sum"), run.blocked()), (0, vec!["rest"]), "{}", run.story());
}

fn the_number_of_passes_may_come_by_wire(lab: &Lab) {
    let run =
        run(lab, r#"times: From("n"), carry: ["value"], with: (value: 0)"#, &format!(r#""n": Whole(value: 3), {OUT}"#));
    assert_eq!((run.completed().float("out"), run.times("sum")), (3.0, 3));
}

fn a_wrong_number_of_passes_is_refused(lab: &Lab) {
    for times in ["-1", "100001"] {
        let text = document(&format!(r#"times: {times}, carry: ["value"], with: (value: 0)"#), OUT);
        assert_eq!(lab.document(&text).refused().len(), 1, "{times}");
        let text = document(
            r#"times: From("n"), carry: ["value"], with: (value: 0)"#,
            &format!(r#""n": Whole(value: {times}), {OUT}"#),
        );
        let other = Lab::new(lab.caching);
        let run = other.document(&text).run();
        run.failed(&["l"]);
        assert!(run.failure("l").contains(times), "{}", run.failure("l"));
        assert_eq!(run.times("sum"), 0);
    }
}

fn a_loop_ends_when_its_condition_does(lab: &Lab) {
    let run = run(lab, r#"times: 100, while: "more", carry: ["value"], with: (value: 0, by: 4)"#, OUT);
    // 4, 8, and 12, which is not below 10.
    assert_eq!((run.completed().float("out"), run.times("sum")), (12.0, 3), "{}", run.story());
}

fn a_loop_goes_on_no_longer_than_it_may(lab: &Lab) {
    let run = run(lab, r#"times: 2, while: "more", carry: ["value"], with: (value: 0, by: 4)"#, OUT);
    assert_eq!((run.completed().float("out"), run.times("sum")), (8.0, 2), "{}", run.story());
}

fn loops_two_by_two(lab: &Lab) {
    let text = format!(
        r#"Workflow(version: 1,
            workflows: {{
                "inner": {ADD},
                "outer": Workflow(inputs: {{ "value": Float() }},
                    nodes: {{ "twice": Loop(workflow: "inner", times: 2, carry: ["value"], with: (value: Input("value"))),
                             "double": Multiply(a: From("twice.value")) }},
                    outputs: {{ "value": From("double") }}),
            }},
            nodes: {{ "l": Loop(workflow: "outer", times: 2, carry: ["value"], with: (value: 1)), {OUT} }})"#
    );
    let run = lab.document(&text).run();
    // ((1 + 1 + 1) × 2 + 1 + 1) × 2
    assert_eq!(run.completed().float("out"), 16.0);
    assert_eq!((run.times("sum"), run.times("double")), (4, 2));
    let passes: Vec<&str> = run.executed.iter().filter(|node| node.ends_with("sum")).map(String::as_str).collect();
    assert_eq!(passes, ["l[0]/twice[0]/sum", "l[0]/twice[1]/sum", "l[1]/twice[0]/sum", "l[1]/twice[1]/sum"]);
}

fn an_accumulator_collects(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "list": FloatList(default: []), "i": Integer() },
            nodes: { "square": Multiply(a: Input("i"), b: Input("i")), "add": Append(list: Input("list"), value: From("square")) },
            outputs: { "list": From("add.list") }) },
        nodes: { "l": Loop(workflow: "body", times: 4, carry: ["list"], index: "i"), "out": Numbers(value: From("l.list")) })"#;
    assert_eq!(lab.document(text).run().completed().floats("out"), [0.0, 1.0, 4.0, 9.0]);
}

fn a_loop_collects_what_each_pass_gave(lab: &Lab) {
    let more = format!(r#"{OUT}, "each": Numbers(value: From("l.both"))"#);
    let run = run(lab, r#"times: 3, carry: ["value"], collect: ["both"], with: (value: 0)"#, &more);
    assert_eq!((run.completed().float("out"), run.floats("each")), (3.0, vec![1.0, 2.0, 3.0]));
}

fn a_body_knows_the_number_of_its_pass(lab: &Lab) {
    let more = r#""each": Numbers(value: From("l.both"))"#;
    let run = run(lab, r#"times: 3, carry: ["value"], collect: ["both"], index: "pass", with: (value: 0)"#, more);
    assert_eq!(run.completed().floats("each"), [1.0, 3.0, 5.0]);
}

fn passes_run_in_order_three_deep(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: {
            "c": Workflow(inputs: { "list": FloatList() },
                nodes: { "count": Count(values: Input("list")), "add": Append(list: Input("list"), value: From("count")) },
                outputs: { "list": From("add.list") }),
            "b": Workflow(inputs: { "list": FloatList() },
                nodes: { "l": Loop(workflow: "c", times: 2, carry: ["list"], with: (list: Input("list"))) },
                outputs: { "list": From("l.list") }),
            "a": Workflow(inputs: { "list": FloatList() },
                nodes: { "l": Loop(workflow: "b", times: 2, carry: ["list"], with: (list: Input("list"))) },
                outputs: { "list": From("l.list") }),
        },
        nodes: { "l": Loop(workflow: "a", times: 2, carry: ["list"], with: (list: [])), "out": Numbers(value: From("l.list")) })"#;
    let run = lab.document(text).run();
    assert_eq!(run.completed().floats("out"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let order: Vec<&String> = run.executed.iter().filter(|node| node.ends_with("add")).collect();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!((order.len(), &order), (8, &sorted), "{}", run.story());
}

fn each_pass_takes_its_own_branch(lab: &Lab) {
    // 1 → 8 (below 5: add 7) → 4 (not: halve) → 11: true, false, true.
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "less": Less(value: Input("value"), than: 5), "add": Add(a: Input("value"), b: 7),
                     "before": Multiply(a: Input("value"), b: 1), "halve": Multiply(a: From("before"), b: 0.5),
                     "pick": Pick(condition: From("less"), yes: From("add"), no: From("halve")) },
            outputs: { "value": From("pick") }) },
        nodes: { "l": Loop(workflow: "body", times: 3, carry: ["value"], with: (value: 1)), "out": Number(value: From("l.value")) })"#;
    let run = lab.document(text).run();
    assert_eq!(run.completed().float("out"), 11.0);
    let times = ["less", "add", "halve", "before", "pick"].map(|node| run.times(node));
    assert_eq!(times, [3, 2, 1, 1, 3], "{}", run.story());
}

fn a_loop_in_a_map_and_a_map_in_a_loop(lab: &Lab) {
    let text = format!(
        r#"Workflow(version: 1,
            workflows: {{
                "add": {ADD},
                "loops": Workflow(inputs: {{ "value": Float() }},
                    nodes: {{ "l": Loop(workflow: "add", times: 2, carry: ["value"], with: (value: Input("value"))) }},
                    outputs: {{ "value": From("l.value") }}),
                "maps": Workflow(inputs: {{ "values": FloatList() }},
                    nodes: {{ "m": Map(workflow: "loops", over: ["value"], with: (value: Input("values"))) }},
                    outputs: {{ "values": From("m.value") }}),
            }},
            nodes: {{ "outer": Loop(workflow: "maps", times: 2, carry: ["values"], with: (values: [10.0, 20.0, 30.0])),
                     "out": Numbers(value: From("outer.values")) }})"#
    );
    let run = lab.document(&text).run();
    assert_eq!((run.completed().floats("out"), run.times("sum")), (vec![14.0, 24.0, 34.0], 12));
    assert!(run.executed.contains(&"outer[1]/m[2]/l[0]/sum".to_string()), "{}", run.story());
}

fn a_longer_loop_runs_only_the_passes_that_are_new(lab: &Lab) {
    let arguments = |times: usize| format!(r#"times: {times}, carry: ["value"], with: (value: 0)"#);
    run(lab, &arguments(2), OUT).completed().expect(&["l[0]/sum", "l[1]/sum", "out"], &[]);
    run(lab, &arguments(4), OUT).completed().expect(&["l[2]/sum", "l[3]/sum", "out"], &["l[0]/sum", "l[1]/sum"]);
}

fn what_does_not_change_in_a_loop_runs_once(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float(), "by": Float() },
            nodes: { "same": Multiply(a: Input("by")), "sum": Add(a: Input("value"), b: From("same")) },
            outputs: { "value": From("sum") }) },
        nodes: { "l": Loop(workflow: "body", times: 3, carry: ["value"], with: (value: 0, by: 2)), "out": Number(value: From("l.value")) })"#;
    let run = lab.document(text).run();
    assert_eq!(run.completed().float("out"), 12.0);
    assert_eq!((run.times("same"), run.times("sum")), (if lab.keeps() { 1 } else { 3 }, 3), "{}", run.story());
}

fn a_pass_that_keeps_its_result_back_ends_the_loop_without_a_failure(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "value": Float() },
            nodes: { "next": Increment(value: Input("value")), "keep": KeepsBackOdd(value: From("next")) },
            outputs: { "value": From("keep") }) },
        nodes: { "l": Loop(workflow: "body", times: 4, carry: ["value"], with: (value: 1)), "out": Number(value: From("l.value")) })"#;
    let run = lab.document(text).run();
    run.completed();
    assert!(run.blocked().contains(&"out"), "{}", run.story());
    assert_eq!(run.times("keep"), 2, "{}", run.story());
}

fn a_thousand_passes(lab: &Lab) {
    let run = run(lab, r#"times: 1000, carry: ["value"], with: (value: 0)"#, OUT);
    assert_eq!((run.completed().float("out"), run.times("sum")), (1000.0, 1000));
}
