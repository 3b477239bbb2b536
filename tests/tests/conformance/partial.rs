//! Runs for some of a workflow's nodes.

use crate::lab::{Lab, cases};

cases![
    a_target_brings_its_cone_and_no_more,
    an_effect_that_feeds_a_target_happens,
    an_effect_that_feeds_no_target_does_not_happen,
    a_node_in_the_middle_can_be_a_target,
    without_targets_every_effect_is_one,
    without_effects_every_end_is_a_target,
    targets_that_do_not_exist_are_refused,
    nothing_to_run_is_refused,
    an_empty_list_of_targets_is_refused,
    a_later_run_for_more_reuses_what_the_first_computed,
    a_target_that_is_named_twice_runs_once,
    errors_outside_the_cone_do_not_matter,
];

const FORK: &str = r#""n": Number(value: 1), "a": Increment(value: From("n")), "b": Multiply(a: From("n"), b: 5),
    "left": Label(value: From("a")), "right": Label(value: From("b"))"#;

fn a_target_brings_its_cone_and_no_more(lab: &Lab) {
    let run = lab.nodes(FORK).targets(&["left"]).run();
    run.completed().expect(&["n", "a", "left"], &[]);
    assert_eq!(run.report.outputs.keys().map(|node| &**node).collect::<Vec<_>>(), ["left"]);
    let lab = Lab::new(lab.caching);
    lab.nodes(FORK).targets(&["left", "b"]).run().completed().expect(&["n", "a", "left", "b"], &[]);
}

fn an_effect_that_feeds_a_target_happens(lab: &Lab) {
    let folder = tempfile::tempdir().unwrap();
    let nodes = r#""n": Number(value: 1), "s": Save(value: From("n")), "end": Increment(value: From("s")),
        "other": Save(value: From("end"))"#;
    let run = lab.nodes(nodes).targets(&["end"]).folder(folder.path()).run();
    run.completed().expect(&["n", "s", "end"], &[]);
    assert!(folder.path().join("s.txt").exists() && !folder.path().join("other.txt").exists());
}

fn an_effect_that_feeds_no_target_does_not_happen(lab: &Lab) {
    let nodes = r#""n": Number(value: 1), "s": Sink(value: From("n")), "end": Increment(value: From("n"))"#;
    lab.nodes(nodes).targets(&["end"]).run().completed().expect(&["n", "end"], &[]);
}

fn a_node_in_the_middle_can_be_a_target(lab: &Lab) {
    let run = lab.nodes(FORK).targets(&["a"]).run();
    run.completed().expect(&["n", "a"], &[]);
    assert_eq!(run.float("a"), 2.0);
}

fn without_targets_every_effect_is_one(lab: &Lab) {
    let nodes = r#""n": Number(value: 1), "idle": Increment(value: From("n")), "s": Sink(value: From("n")),
        "t": Sink(value: From("n"))"#;
    let run = lab.run(nodes);
    run.completed();
    assert_eq!((run.times("idle"), run.times("n")), (0, 1), "{}", run.story());
    assert_eq!(run.report.outputs.len(), 2);
}

fn without_effects_every_end_is_a_target(lab: &Lab) {
    let run = lab.run(FORK);
    run.completed().expect(&["n", "a", "b", "left", "right"], &[]);
    assert_eq!(run.report.outputs.keys().map(|node| &**node).collect::<Vec<_>>(), ["left", "right"]);
}

fn targets_that_do_not_exist_are_refused(lab: &Lab) {
    assert_eq!(lab.nodes(FORK).targets(&["nobody"]).refused(), ["unknown-target"]);
    assert_eq!(lab.nodes(FORK).targets(&["left", ""]).refused(), ["unknown-target"]);
    let errors = lab.nodes(FORK).targets(&["lef"]).errors();
    assert!(errors[0].1.contains("left"), "{errors:?}");
}

fn nothing_to_run_is_refused(lab: &Lab) {
    assert_eq!(lab.nodes("").refused(), ["empty-workflow"]);
}

fn an_empty_list_of_targets_is_refused(lab: &Lab) {
    assert_eq!(lab.nodes(FORK).targets(&[]).refused().len(), 1);
}

fn a_later_run_for_more_reuses_what_the_first_computed(lab: &Lab) {
    lab.nodes(FORK).targets(&["left"]).run().completed();
    lab.run(FORK).completed().expect(&["b", "right"], &["n", "a", "left"]);
}

fn a_target_that_is_named_twice_runs_once(lab: &Lab) {
    lab.nodes(FORK).targets(&["a", "a", "n"]).run().completed().expect(&["n", "a"], &[]);
}

fn errors_outside_the_cone_do_not_matter(lab: &Lab) {
    let nodes = r#""n": Number(value: 1), "a": Increment(value: From("n")), "b": Ranged(level: 11),
        "c": Increment(value: From("nobody")), "d": Increment(value: From("e")), "e": Increment(value: From("d"))"#;
    lab.nodes(nodes).targets(&["a"]).run().completed().expect(&["n", "a"], &[]);
    assert_eq!(lab.nodes(nodes).errors().len(), 3);
}
