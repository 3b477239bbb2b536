//! Flow of values: lists of feeds, what is kept back, bodies that run for every element, branches.

use easel_engine::Event;

use crate::lab::{Lab, Ran, cases};

cases![
    a_list_takes_any_number_of_feeds,
    an_output_goes_to_two_takers,
    what_needs_something_kept_back_does_not_run,
    something_kept_back_drops_out_of_a_list_alone,
    an_element_that_is_kept_back_drops_out_of_a_maps_results,
    a_list_of_nothing_but_what_is_kept_back_is_empty,
    an_included_workflow_is_part_of_the_one_that_includes_it,
    a_body_runs_for_every_element_in_order,
    the_results_of_a_map_are_in_the_order_of_its_list,
    an_empty_list_gives_empty_lists,
    lists_of_different_lengths_are_refused,
    lists_of_different_lengths_may_end_with_the_shortest,
    lists_of_different_lengths_may_repeat_the_last_element,
    a_body_knows_the_number_of_its_element,
    maps_three_deep_keep_the_order,
    each_element_takes_its_own_branch,
    a_branch_that_is_not_taken_skips_its_distant_ancestors_and_keeps_shared_ones,
    each_element_is_lazy_for_itself,
    effects_in_a_body_happen_for_every_element,
    a_changed_element_reruns_its_own_pass_only,
    results_of_a_body_are_those_of_the_same_nodes_outside,
    a_list_made_at_run_time_can_be_mapped,
    a_muted_node_is_left_out,
    a_bypassed_node_passes_its_input_on,
];

fn a_list_takes_any_number_of_feeds(lab: &Lab) {
    let average = |values: &str| {
        let text = format!(
            r#"Workflow(version: 1, inputs: {{ "scale": Float(default: 6) }},
                nodes: {{ "a": Number(value: 1), "b": Split(value: 2.5), "m": Average(values: {values}) }})"#
        );
        lab.document(&text).targets(&["m"]).run().completed().float("m")
    };
    assert_eq!(average("[]"), 0.0);
    assert_eq!(average(r#"[From("a")]"#), 1.0);
    assert_eq!(average(r#"[From("a"), 3.0]"#), 2.0);
    assert_eq!(average(r#"[From("a"), From("b.whole"), 3.0, Input("scale")]"#), 3.0);
    assert_eq!(average(r#"[From("a"), From("a"), From("a"), From("a"), From("b.rest")]"#), 0.9);
    let hundred = vec![r#"From("a")"#; 100].join(", ");
    assert_eq!(average(&format!("[{hundred}]")), 1.0);
}

fn an_output_goes_to_two_takers(lab: &Lab) {
    let run = lab.run(r#""n": Number(value: 2), "a": Increment(value: From("n")), "b": Multiply(a: From("n"))"#);
    run.completed().expect(&["n", "a", "b"], &[]);
    assert_eq!((run.float("a"), run.float("b")), (3.0, 4.0));
    let twice = lab.run(r#""n": Number(value: 2), "s": Add(a: From("n"), b: From("n"))"#);
    assert_eq!(twice.completed().float("s"), 4.0);
}

fn what_needs_something_kept_back_does_not_run(lab: &Lab) {
    let run = lab.run(
        r#""k": KeepsBackOdd(value: 3), "a": Increment(value: From("k")), "b": Multiply(a: From("a")),
           "n": Number(value: 1), "c": Add(a: From("n"), b: From("k")), "d": Increment(value: From("n"))"#,
    );
    run.completed().expect(&["k", "n", "d"], &[]);
    assert_eq!(run.blocked(), ["a", "b", "c"], "{}", run.story());
    for event in &run.events {
        if let Event::NodeBlocked { because, reason, .. } = event {
            assert_eq!((&**because, reason.as_str()), ("k", "3 is odd"));
        }
    }
    assert!(run.report.failed.is_empty());
}

fn something_kept_back_drops_out_of_a_list_alone(lab: &Lab) {
    let run = lab.run(
        r#""a": KeepsBackOdd(value: 3), "b": KeepsBackOdd(value: 4), "c": Increment(value: From("a")),
           "m": Average(values: [From("a"), From("b"), 6.0, From("c")])"#,
    );
    assert_eq!(run.completed().float("m"), 5.0);
    assert_eq!(run.blocked(), ["c"], "{}", run.story());
}

/// A map over `body` with these lists, and what else there is.
fn map(body: &str, arguments: &str, more: &str) -> String {
    format!(
        r#"Workflow(version: 1, workflows: {{ "body": {body} }}, nodes: {{ "all": Map(workflow: "body", {arguments}), {more} }})"#
    )
}

const INCREMENT: &str = r#"Workflow(inputs: { "value": Float() },
    nodes: { "inner": Increment(value: Input("value")) }, outputs: { "value": From("inner") })"#;

fn run(lab: &Lab, body: &str, arguments: &str, more: &str) -> Ran {
    lab.document(&map(body, arguments, more)).run()
}

const KEEPS_BACK: &str = r#"Workflow(inputs: { "value": Float() },
    nodes: { "keep": KeepsBackOdd(value: Input("value")), "next": Increment(value: From("keep")) },
    outputs: { "value": From("next") })"#;

fn an_element_that_is_kept_back_drops_out_of_a_maps_results(lab: &Lab) {
    let run = run(
        lab,
        KEEPS_BACK,
        r#"over: ["value"], with: (value: [1.0, 2.0, 3.0, 4.0])"#,
        r#""out": Numbers(value: From("all.value"))"#,
    );
    assert_eq!(run.completed().floats("out"), [3.0, 5.0]);
    assert_eq!(run.blocked(), ["all[0]/next", "all[2]/next"], "{}", run.story());
}

fn a_list_of_nothing_but_what_is_kept_back_is_empty(lab: &Lab) {
    let run = run(
        lab,
        KEEPS_BACK,
        r#"over: ["value"], with: (value: [1.0, 3.0])"#,
        r#""out": Numbers(value: From("all.value")), "count": Count(values: From("all.value"))"#,
    );
    assert_eq!(run.completed().floats("out"), [] as [f64; 0]);
    assert_eq!(run.integer("count"), 0);
}

fn an_included_workflow_is_part_of_the_one_that_includes_it(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: {
            "twice": Workflow(inputs: { "value": Float(), "more": Float(default: 0) },
                nodes: { "first": Increment(value: Input("value")), "second": Add(a: From("first"), b: Input("more")) },
                outputs: { "value": From("second") }),
            "outer": Workflow(inputs: { "value": Float() },
                nodes: { "in": Include(workflow: "twice", with: (value: Input("value"), more: 5)) },
                outputs: { "value": From("in.value") }),
        },
        nodes: { "one": Include(workflow: "outer", with: { "value": 1 }), "end": Multiply(a: From("one.value")) },
        outputs: { "value": From("end") })"#;
    let run = lab.document(text).run();
    run.completed().expect(&["one/in/first", "one/in/second", "end"], &[]);
    assert_eq!(run.float("end"), 14.0);
    lab.document(text).run().completed().expect(&[], &["one/in/first", "one/in/second", "end"]);
}

fn a_body_runs_for_every_element_in_order(lab: &Lab) {
    let out = r#""out": Numbers(value: From("all.value"))"#;
    for values in [vec![1.5], vec![1.5, 2.5], vec![4.0, 1.0, 3.0, 2.0, 5.0]] {
        let run = run(lab, INCREMENT, &format!(r#"over: ["value"], with: (value: {values:?})"#), out);
        let wanted: Vec<f64> = values.iter().map(|value| value + 1.0).collect();
        assert_eq!(run.completed().floats("out"), wanted);
    }
}

fn the_results_of_a_map_are_in_the_order_of_its_list(lab: &Lab) {
    // The first sleeps longest.
    let body = r#"Workflow(inputs: { "value": Float() },
        nodes: { "inner": Sleep(milliseconds: Input("value"), value: Input("value")) }, outputs: { "value": From("inner") })"#;
    let run = run(
        lab,
        body,
        r#"over: ["value"], with: (value: [40.0, 20.0, 1.0])"#,
        r#""out": Numbers(value: From("all.value"))"#,
    );
    assert_eq!(run.completed().floats("out"), [40.0, 20.0, 1.0]);
}

fn an_empty_list_gives_empty_lists(lab: &Lab) {
    let text = map(
        INCREMENT,
        r#"over: ["value"], with: (value: From("none"))"#,
        r#""none": Range(count: 0), "out": Numbers(value: From("all.value")), "count": Count(values: From("all.value")),
           "average": Average(values: From("out"))"#,
    );
    let run = lab.document(&text).run();
    assert_eq!(run.completed().times("inner"), 0);
    assert_eq!((run.integer("count"), run.float("average")), (0, 0.0));
}

const SUM: &str = r#"Workflow(inputs: { "a": Float(), "b": Float() },
    nodes: { "inner": Add(a: Input("a"), b: Input("b")) }, outputs: { "value": From("inner") })"#;

/// Sums of the elements of two lists of different lengths.
fn ragged(lab: &Lab, a: &str, b: &str, ragged: &str) -> Ran {
    let arguments = format!(r#"over: ["a", "b"], with: (a: From("a"), b: From("b")) {ragged}"#);
    let lists =
        format!(r#""a": Numbers(value: {a}), "b": Numbers(value: {b}), "out": Numbers(value: From("all.value"))"#);
    run(lab, SUM, &arguments, &lists)
}

fn lists_of_different_lengths_are_refused(lab: &Lab) {
    for refuse in ["", r#", ragged: "refuse""#] {
        let run = ragged(lab, "[1.0, 2.0, 3.0]", "[10.0, 20.0]", refuse);
        run.failed(&["all"]);
        let message = run.failure("all");
        assert!(message.contains('3') && message.contains('2'), "{message}");
        assert_eq!((run.times("inner"), run.skipped()), (0, vec!["out"]));
    }
    assert_eq!(ragged(lab, "[1.0, 2.0]", "[10.0, 20.0]", "").completed().floats("out"), [11.0, 22.0]);
}

fn lists_of_different_lengths_may_end_with_the_shortest(lab: &Lab) {
    let shortest = r#", ragged: "shortest""#;
    assert_eq!(ragged(lab, "[1.0, 2.0, 3.0]", "[10.0, 20.0]", shortest).completed().floats("out"), [11.0, 22.0]);
    assert_eq!(ragged(lab, "[1.0]", "[10.0, 20.0]", shortest).completed().floats("out"), [11.0]);
    assert_eq!(ragged(lab, "[]", "[10.0, 20.0]", shortest).completed().floats("out"), [] as [f64; 0]);
}

fn lists_of_different_lengths_may_repeat_the_last_element(lab: &Lab) {
    let repeat = r#", ragged: "repeat_last""#;
    let longer = ragged(lab, "[1.0, 2.0, 3.0]", "[10.0, 20.0]", repeat);
    assert_eq!(longer.completed().floats("out"), [11.0, 22.0, 23.0]);
    assert_eq!(ragged(lab, "[1.0]", "[10.0, 20.0]", repeat).completed().floats("out"), [11.0, 21.0]);
}

fn a_body_knows_the_number_of_its_element(lab: &Lab) {
    let body = r#"Workflow(inputs: { "value": Float(), "i": Integer() },
        nodes: { "inner": Add(a: Input("value"), b: Input("i")) }, outputs: { "value": From("inner") })"#;
    let run = run(
        lab,
        body,
        r#"over: ["value"], index: "i", with: (value: [10.0, 20.0, 30.0])"#,
        r#""out": Numbers(value: From("all.value"))"#,
    );
    assert_eq!(run.completed().floats("out"), [10.0, 21.0, 32.0]);
}

fn maps_three_deep_keep_the_order(lab: &Lab) {
    let text = r#"Workflow(version: 1,
        workflows: {
            "one": Workflow(inputs: { "a": Float(), "b": Float(), "c": Float() },
                nodes: { "ab": Add(a: Input("a"), b: Input("b")), "abc": Add(a: From("ab"), b: Input("c")),
                         "text": Label(value: From("abc")) },
                outputs: { "text": From("text") }),
            "line": Workflow(inputs: { "a": Float(), "b": Float() },
                nodes: { "cs": Map(workflow: "one", over: ["c"], with: (a: Input("a"), b: Input("b"), c: [1.0, 2.0])),
                         "join": Join(parts: From("cs.text")) },
                outputs: { "text": From("join") }),
            "page": Workflow(inputs: { "a": Float() },
                nodes: { "bs": Map(workflow: "line", over: ["b"], with: (a: Input("a"), b: [10.0, 20.0])),
                         "join": Join(parts: From("bs.text")) },
                outputs: { "text": From("join") }),
        },
        nodes: { "as": Map(workflow: "page", over: ["a"], with: (a: [100.0, 200.0])), "join": Join(parts: From("as.text")) })"#;
    let run = lab.document(text).run();
    assert_eq!(run.completed().text("join"), "111 112 121 122 211 212 221 222");
    assert_eq!((run.times("abc"), run.times("join")), (8, 7));
    let again = lab.document(text).run();
    assert_eq!(again.completed().times("abc"), if lab.keeps() { 0 } else { 8 });
}

/// Whether a number is below a limit decides which of two ways it takes.
const BRANCH: &str = r#"Workflow(inputs: { "value": Float() },
    nodes: { "shared": Multiply(a: Input("value")), "less": Less(value: From("shared"), than: 10),
             "low": Increment(value: From("shared")), "lower": Label(value: From("low")), "high": Add(a: From("shared"), b: 100),
             "pick": Pick(condition: From("less"), yes: From("low"), no: From("high")) },
    outputs: { "value": From("pick") })"#;

fn each_element_takes_its_own_branch(lab: &Lab) {
    let out = r#""out": Numbers(value: From("all.value"))"#;
    let run = run(lab, BRANCH, r#"over: ["value"], with: (value: [1.0, 10.0, 2.0])"#, out);
    assert_eq!(run.completed().floats("out"), [3.0, 120.0, 5.0]);
    let times = ["low", "high", "shared", "lower"].map(|node| run.times(node));
    assert_eq!(times, [2, 1, 3, 0], "{}", run.story());
}

fn a_branch_that_is_not_taken_skips_its_distant_ancestors_and_keeps_shared_ones(lab: &Lab) {
    let nodes = |condition: bool| {
        format!(
            r#""shared": Number(value: 1), "yes1": Increment(value: From("shared")), "yes2": Multiply(a: From("yes1")),
               "no0": Number(value: 5), "no1": Add(a: From("shared"), b: From("no0")), "no2": Multiply(a: From("no1"), b: 3),
               "flag": Flag(value: {condition}),
               "pick": Pick(condition: From("flag"), yes: From("yes2"), no: From("no2"))"#
        )
    };
    let yes = lab.run(&nodes(true));
    yes.completed().expect(&["shared", "yes1", "yes2", "flag", "pick"], &[]);
    assert_eq!(yes.float("pick"), 4.0);
    let no = lab.run(&nodes(false));
    no.completed().expect(&["no0", "no1", "no2", "flag", "pick"], &["shared"]);
    assert_eq!(no.float("pick"), 18.0);
}

fn each_element_is_lazy_for_itself(lab: &Lab) {
    let body = r#"Workflow(inputs: { "mask": Float(), "i": Float() },
        nodes: { "a": Increment(value: Input("i")), "b": Multiply(a: Input("i")),
                 "mix": LazyMix(a: From("a"), b: From("b"), mask: [Input("mask")]) },
        outputs: { "value": From("mix") })"#;
    let run = run(
        lab,
        body,
        r#"over: ["mask", "i"], with: (mask: [0.0, 1.0, 0.5, 0.0], i: [10.0, 20.0, 30.0, 40.0])"#,
        r#""out": Numbers(value: From("all.value"))"#,
    );
    assert_eq!(run.completed().floats("out"), [11.0, 40.0, 45.5, 41.0]);
    assert_eq!((run.times("a"), run.times("b"), run.times("mix")), (3, 2, 4), "{}", run.story());
}

fn effects_in_a_body_happen_for_every_element(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let body = r#"Workflow(inputs: { "value": Float() },
        nodes: { "n": Increment(value: Input("value")), "save": Save(value: From("n")), "idle": Label(value: From("n")) },
        outputs: { })"#;
    let text = format!(
        r#"Workflow(version: 1, workflows: {{ "body": {body} }},
            nodes: {{ "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 2.0])) }})"#
    );
    let run = lab.document(&text).folder(folder.path()).run();
    assert_eq!((run.completed().times("save"), run.times("idle")), (2, 0), "{}", run.story());
    assert_eq!(std::fs::read_to_string(folder.path().join("all-1--save.txt")).unwrap(), "3");
}

fn a_changed_element_reruns_its_own_pass_only(lab: &Lab) {
    let out = r#""out": Numbers(value: From("all.value"))"#;
    run(lab, INCREMENT, r#"over: ["value"], with: (value: [1.0, 2.0, 3.0])"#, out).completed();
    let again = run(lab, INCREMENT, r#"over: ["value"], with: (value: [1.0, 7.0, 3.0, 4.0])"#, out);
    assert_eq!(again.completed().floats("out"), [2.0, 8.0, 4.0, 5.0]);
    again.expect(&["all[1]/inner", "all[3]/inner", "out"], &["all[0]/inner", "all[2]/inner"]);
}

fn results_of_a_body_are_those_of_the_same_nodes_outside(lab: &Lab) {
    lab.run(r#""a": Increment(value: 1), "b": Increment(value: 2)"#).completed();
    let run = run(
        lab,
        INCREMENT,
        r#"over: ["value"], with: (value: [1.0, 2.0, 3.0])"#,
        r#""out": Average(values: From("all.value"))"#,
    );
    run.completed().expect(&["all[2]/inner", "out"], &["all[0]/inner", "all[1]/inner"]);
}

fn a_list_made_at_run_time_can_be_mapped(lab: &Lab) {
    for count in [0_usize, 1, 5] {
        let text = map(
            INCREMENT,
            r#"over: ["value"], with: (value: From("range"))"#,
            &format!(
                r#""count": Whole(value: {count}), "range": Range(count: From("count"), from: 1000),
                   "out": Numbers(value: From("all.value"))"#
            ),
        );
        let wanted: Vec<f64> = (0..count).map(|at| 1001.0 + at as f64).collect();
        assert_eq!(lab.document(&text).run().completed().floats("out"), wanted);
    }
}

fn a_muted_node_is_left_out(lab: &Lab) {
    let run = lab.run(
        r#""n": Number(value: 1), "m": Increment(value: From("n"), options: (mute: true)), "needs": Multiply(a: From("m")),
           "maybe": Maybe(value: From("m")), "list": Average(values: [From("m"), From("n"), 3.0])"#,
    );
    run.completed().expect(&["n", "maybe", "list"], &[]);
    assert_eq!((run.float("maybe"), run.float("list")), (-1.0, 2.0));
}

fn a_bypassed_node_passes_its_input_on(lab: &Lab) {
    let run = lab.run(
        r#""n": Number(value: 5), "b": Increment(value: From("n"), options: (bypass: true)), "end": Multiply(a: From("b"))"#,
    );
    run.completed().expect(&["n", "end"], &[]);
    assert_eq!(run.float("end"), 10.0);
}
