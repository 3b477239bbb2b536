//! What is kept, what makes a result another, and what is never computed.

use std::collections::BTreeSet;

use easel_engine::{Context, Event, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, kinds};

use crate::lab::{Caching, Lab, cases};

cases![
    an_unchanged_resubmission_runs_nothing,
    a_changed_value_reruns_only_its_cone,
    a_lazy_input_that_is_not_asked_for_does_not_run,
    what_lies_behind_a_lazy_input_that_is_not_asked_for_changes_nothing,
    a_lazy_literal_that_is_not_asked_for_changes_nothing,
    a_lazy_input_may_be_asked_for_after_another_has_come,
    the_surroundings_are_asked_with_the_inputs_of_the_run,
    a_node_that_never_equals_itself_always_runs,
    a_node_with_a_constant_fingerprint_runs_once,
    a_node_runs_again_when_its_surroundings_change,
    the_order_in_which_things_are_written_does_not_matter,
    the_name_of_a_node_does_not_matter,
    seven_is_not_its_text,
    an_integer_in_a_float_is_the_float,
    a_nan_never_equals_itself,
    infinity_equals_itself,
    a_rerun_that_gives_equal_content_stops_there,
    an_interrupted_run_leaves_what_finished,
    a_failure_is_not_kept,
    a_node_that_is_not_to_be_cached_always_runs,
    another_version_of_a_node_type_is_another_node,
    another_environment_gives_other_results,
    notes_and_warnings_are_told_again,
    what_was_kept_back_is_known_too,
    a_file_that_is_still_there_is_not_written_again,
    a_file_that_was_changed_is_written_again,
    equal_nodes_in_a_row_are_computed_once,
    an_earlier_value_is_known_again,
];

const CHAIN: &str =
    r#""a": Number(value: 1), "b": Add(a: From("a"), b: 2), "c": Multiply(a: From("b")), "d": Label(value: From("a"))"#;

fn an_unchanged_resubmission_runs_nothing(lab: &Lab) {
    lab.run(CHAIN).completed().expect(&["a", "b", "c", "d"], &[]);
    for _ in 0..2 {
        let again = lab.run(CHAIN);
        again.completed().expect(&[], &["a", "b", "c", "d"]);
        assert_eq!((again.float("c"), again.text("d")), (6.0, "1"));
    }
}

fn a_changed_value_reruns_only_its_cone(lab: &Lab) {
    lab.run(CHAIN).completed();
    let again = lab.run(&CHAIN.replace("b: 2", "b: 3"));
    again.completed().expect(&["b", "c"], &["a", "d"]);
    assert_eq!(again.float("c"), 8.0);
}

/// The mix takes `a` where the mask is 0 and `b` where it is 1.
fn mix(mask: &str, a: &str, b: &str) -> String {
    format!(
        r#""x": Number(value: {a}), "y": Number(value: {b}), "a": Increment(value: From("x")),
           "b": Multiply(a: From("y")), "mix": LazyMix(a: From("a"), b: From("b"), mask: {mask})"#
    )
}

fn a_lazy_input_that_is_not_asked_for_does_not_run(lab: &Lab) {
    let only_a = lab.run(&mix("[0.0, 0.0]", "1", "10"));
    only_a.completed().expect(&["x", "a", "mix"], &[]);
    assert_eq!(only_a.float("mix"), 2.0);
    let only_b = lab.run(&mix("[1.0, 1.0]", "1", "10"));
    only_b.completed().expect(&["y", "b", "mix"], &[]);
    assert_eq!(only_b.float("mix"), 20.0);
    let both = lab.run(&mix("[0.0, 1.0]", "1", "10"));
    both.completed().expect(&["mix"], &["x", "a", "y", "b"]);
    assert_eq!(both.float("mix"), 11.0);
}

fn what_lies_behind_a_lazy_input_that_is_not_asked_for_changes_nothing(lab: &Lab) {
    lab.run(&mix("[0.0]", "1", "10")).completed();
    lab.run(&mix("[0.0]", "1", "11")).completed().expect(&[], &["x", "a", "mix"]);
    lab.run(&mix("[0.0]", "2", "11")).completed().expect(&["x", "a", "mix"], &[]);
}

fn a_lazy_literal_that_is_not_asked_for_changes_nothing(lab: &Lab) {
    let nodes = |b: &str| format!(r#""mix": LazyMix(a: 1, b: {b}, mask: [0.0])"#);
    lab.run(&nodes("10")).completed().expect(&["mix"], &[]);
    let again = lab.run(&nodes("11"));
    again.completed().expect(&[], &["mix"]);
    assert_eq!(again.float("mix"), 1.0);
}

fn a_lazy_input_may_be_asked_for_after_another_has_come(lab: &Lab) {
    let nodes = |first: &str| {
        format!(
            r#""x": Number(value: {first}), "y": Number(value: 5), "f": Fallback(first: From("x"), second: From("y"))"#
        )
    };
    let first = lab.run(&nodes("1"));
    first.completed().expect(&["x", "f"], &[]);
    assert_eq!(first.float("f"), 1.0);
    let second = lab.run(&nodes("-1"));
    second.completed().expect(&["x", "y", "f"], &[]);
    assert_eq!(second.float("f"), 5.0);
    assert_eq!(second.executed.last().map(String::as_str), Some("f"), "{}", second.story());
}

fn the_surroundings_are_asked_with_the_inputs_of_the_run(lab: &Lab) {
    let nodes = |value: &str| format!(r#""a": SeesInputs(value: {value})"#);
    lab.run(&nodes("1")).completed().expect(&["a"], &[]);
    lab.run(&nodes("1")).completed().expect(&[], &["a"]);
    for _ in 0..2 {
        lab.run(&nodes("-1")).completed().expect(&["a"], &[]);
    }
    let wired = |value: &str| format!(r#""n": Number(value: {value}), "a": SeesInputs(value: From("n"))"#);
    lab.run(&wired("-2")).completed();
    lab.run(&wired("-2")).completed().expect(&["a"], &["n"]);
}

fn a_node_that_never_equals_itself_always_runs(lab: &Lab) {
    let nodes = r#""a": Number(value: 1), "b": Fickle(value: From("a")), "c": Increment(value: From("b"))"#;
    lab.run(nodes).completed().expect(&["a", "b", "c"], &[]);
    // What it gives is equal, though, and is where the rerun ends.
    lab.run(nodes).completed().expect(&["b"], &["a", "c"]);
}

fn a_node_with_a_constant_fingerprint_runs_once(lab: &Lab) {
    let nodes = r#""a": Pinned(value: 1)"#;
    lab.run(nodes).completed().expect(&["a"], &[]);
    lab.run(nodes).completed().expect(&[], &["a"]);
}

fn a_node_runs_again_when_its_surroundings_change(lab: &Lab) {
    let nodes = r#""a": Outside(value: 1), "b": Increment(value: From("a"))"#;
    lab.run(nodes).completed().expect(&["a", "b"], &[]);
    lab.run(nodes).completed().expect(&[], &["a", "b"]);
    lab.bench.set_outside(1);
    lab.run(nodes).completed().expect(&["a"], &["b"]);
    lab.bench.set_outside(0);
    lab.run(nodes).completed().expect(&[], &["a", "b"]);
}

fn the_order_in_which_things_are_written_does_not_matter(lab: &Lab) {
    lab.run(r#""x": Number(value: 1), "y": Number(value: 2), "s": Add(a: From("x"), b: From("y"))"#).completed();
    let again = lab.run(r#""s": Add(b: From("y"), a: From("x")), "y": Number(value: 2), "x": Number(value: 1)"#);
    again.completed().expect(&[], &["x", "y", "s"]);
    // Which value goes into which input does.
    let swapped = lab.run(r#""s": Add(a: From("y"), b: From("x")), "y": Number(value: 2), "x": Number(value: 1)"#);
    swapped.completed().expect(&["s"], &["x", "y"]);
}

fn the_name_of_a_node_does_not_matter(lab: &Lab) {
    lab.run(r#""x": Number(value: 1), "s": Increment(value: From("x"))"#).completed();
    lab.run(r#""other": Number(value: 1), "sum": Increment(value: From("other"))"#)
        .completed()
        .expect(&[], &["other", "sum"]);
}

fn seven_is_not_its_text(lab: &Lab) {
    let number = lab.run(r#""a": Either(value: 7)"#);
    number.completed().expect(&["a"], &[]);
    let text = lab.run(r#""a": Either(value: "7")"#);
    text.completed().expect(&["a"], &[]);
    assert_eq!((number.text("a.kind"), text.text("a.kind")), ("Integer", "Text"));
}

fn an_integer_in_a_float_is_the_float(lab: &Lab) {
    lab.run(r#""a": Number(value: 1)"#).completed().expect(&["a"], &[]);
    lab.run(r#""a": Number(value: 1.0)"#).completed().expect(&[], &["a"]);
}

fn a_nan_never_equals_itself(lab: &Lab) {
    let nodes = r#""a": Number(value: NaN), "b": Increment(value: From("a")), "c": Rounded(value: From("b")),
        "d": Anything(value: From("c"))"#;
    lab.run(nodes).completed().expect(&["a", "b", "c", "d"], &[]);
    // Rounded it is 0, and 0 equals 0.
    lab.run(nodes).completed().expect(&["a", "b", "c"], &["d"]);
}

fn infinity_equals_itself(lab: &Lab) {
    let nodes = r#""a": Number(value: inf), "b": Increment(value: From("a")), "c": Number(value: -inf)"#;
    lab.run(nodes).completed().expect(&["a", "b", "c"], &[]);
    lab.run(nodes).completed().expect(&[], &["a", "b", "c"]);
}

fn a_rerun_that_gives_equal_content_stops_there(lab: &Lab) {
    let nodes = |value: &str| {
        format!(
            r#""a": Number(value: {value}), "b": Rounded(value: From("a")), "c": Anything(value: From("b")),
               "d": Sink(value: From("c"))"#
        )
    };
    lab.run(&nodes("2.25")).completed().expect(&["a", "b", "c", "d"], &[]);
    lab.run(&nodes("2.0")).completed().expect(&["a", "b"], &["c", "d"]);
    lab.run(&nodes("4.0")).completed().expect(&["a", "b", "c", "d"], &[]);
}

fn an_interrupted_run_leaves_what_finished(lab: &Lab) {
    let nodes = |node_type: &str| {
        format!(
            r#""a": Number(value: 1), "b": Add(a: From("a"), b: 1), "c": {node_type}(value: From("b")),
               "d": Label(value: From("c"))"#
        )
    };
    let interrupted = lab.run(&nodes("Cancels"));
    interrupted.cancelled().expect(&["a", "b", "c"], &[]);
    lab.run(&nodes("Increment")).completed().expect(&["c", "d"], &["a", "b"]);
}

fn a_failure_is_not_kept(lab: &Lab) {
    let nodes = r#""a": Number(value: 1), "b": Flaky(value: From("a"), failures: 2), "c": Increment(value: From("b"))"#;
    lab.run(nodes).failed(&["b"]).expect(&["a", "b"], &[]);
    lab.run(nodes).failed(&["b"]).expect(&["b"], &["a"]);
    lab.run(nodes).completed().expect(&["b", "c"], &["a"]);
    lab.run(nodes).completed().expect(&[], &["a", "b", "c"]);
}

fn a_node_that_is_not_to_be_cached_always_runs(lab: &Lab) {
    let nodes = r#""a": Number(value: 1, options: (cache: false)), "b": Increment(value: From("a"))"#;
    lab.run(nodes).completed().expect(&["a", "b"], &[]);
    lab.run(nodes).completed().expect(&["a"], &["b"]);
}

/// A node type that says which version of itself ran.
struct Versioned(u32);

impl Node for Versioned {
    fn spec(&self) -> NodeSpec {
        let spec = NodeSpec::new("Versioned", "Gives its version.").version(self.0);
        spec.output(OutputSpec::new("value", kinds::INTEGER, "its version"))
    }

    fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("value", i64::from(self.0)))
    }
}

fn another_version_of_a_node_type_is_another_node(lab: &Lab) {
    let mut versions = [lab.with_same_cache(), lab.with_same_cache()];
    for (version, lab) in (1..).zip(&mut versions) {
        lab.registry.register(Versioned(version)).unwrap();
    }
    for lab in &versions {
        lab.run(r#""a": Versioned"#).completed();
    }
    let [first, second] = versions.map(|lab| lab.run(r#""a": Versioned"#).integer("a"));
    assert_eq!((first, second), (1, 2));
}

fn another_environment_gives_other_results(lab: &Lab) {
    let nodes = r#""a": Number(value: 1)"#;
    let run = |environment| lab.nodes(nodes).in_environment(environment).run();
    run("cpu").completed().expect(&["a"], &[]);
    run("gpu").completed().expect(&["a"], &[]);
    run("cpu").completed().expect(&[], &["a"]);
}

fn notes_and_warnings_are_told_again(lab: &Lab) {
    let told = |events: &[Event]| {
        let words = events.iter().filter_map(|event| match event {
            Event::NodeNote { key, value, .. } => Some(format!("{key}={value}")),
            Event::NodeWarning { message, .. } => Some(message.clone()),
            _ => None,
        });
        words.collect::<BTreeSet<_>>()
    };
    let nodes = r#""a": Talks(value: 1)"#;
    for (ran, cached) in [(vec!["a"], vec![]), (vec![], vec!["a"])] {
        let run = lab.run(nodes);
        run.completed().expect(&ran, &cached);
        assert_eq!(told(&run.events), BTreeSet::from(["seed=7".to_string(), "it is late".to_string()]));
    }
}

fn what_was_kept_back_is_known_too(lab: &Lab) {
    let nodes = r#""a": KeepsBackOdd(value: 3), "b": Increment(value: From("a"))"#;
    let first = lab.run(nodes);
    first.completed().expect(&["a"], &[]);
    assert_eq!(first.blocked(), ["b"], "{}", first.story());
    let again = lab.run(nodes);
    again.completed().expect(&[], &["a"]);
    assert_eq!(again.blocked(), ["b"], "{}", again.story());
}

fn a_file_that_is_still_there_is_not_written_again(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let nodes = r#""n": Number(value: 1), "s": Save(value: From("n"))"#;
    let file = folder.path().join("s.txt");
    for (ran, cached) in [(vec!["n", "s"], vec![]), (vec![], vec!["n", "s"])] {
        let run = lab.nodes(nodes).folder(folder.path()).run();
        run.completed().expect(&ran, &cached);
        let written = |event: &Event| matches!(event, Event::ArtifactWritten { path, .. } if *path == file);
        assert!(run.events.iter().any(written), "{}", run.story());
    }
    std::fs::remove_file(&file).unwrap();
    lab.nodes(nodes).folder(folder.path()).run().completed().expect(&["s"], &["n"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "1");
}

fn a_file_that_was_changed_is_written_again(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let nodes = r#""s": Save(value: 2)"#;
    lab.nodes(nodes).folder(folder.path()).run().completed();
    let file = folder.path().join("s.txt");
    std::fs::write(&file, "other").unwrap();
    lab.nodes(nodes).folder(folder.path()).run().completed().expect(&["s"], &[]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "2");
}

fn equal_nodes_in_a_row_are_computed_once(lab: &Lab) {
    let nodes = r#""a": Anything(value: 5), "b": Anything(value: From("a")), "c": Anything(value: From("b"))"#;
    lab.run(nodes).completed().expect(&["a"], &["b", "c"]);
}

fn an_earlier_value_is_known_again(lab: &Lab) {
    let nodes = |value: usize| format!(r#""a": Number(value: {value}), "b": Increment(value: From("a"))"#);
    for value in 0..5 {
        lab.run(&nodes(value)).completed().expect(&["a", "b"], &[]);
    }
    for value in 0..5 {
        lab.run(&nodes(value)).completed().expect(&[], &["a", "b"]);
    }
}

#[test]
fn the_hundred_results_used_last_are_kept() {
    let lab = Lab::new(Caching::Recent);
    let number = |value: usize| format!(r#""a": Number(value: {value})"#);
    for value in 0..150 {
        lab.run(&number(value)).completed().expect(&["a"], &[]);
    }
    for value in (60..150).rev() {
        lab.run(&number(value)).completed().expect(&[], &["a"]);
    }
    lab.run(&number(0)).completed().expect(&["a"], &[]);
}
