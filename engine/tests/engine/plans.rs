//! Planning: settings, targets, order, what a node thinks of its inputs.

use std::path::{Path, PathBuf};

use easel_engine::{Literal, Plan, Settings, Severity, Source};

use crate::stubs::{plan, plan_findings, registry, workflow};

fn set(name: &str, text: &str) -> Settings {
    Settings { set: vec![(name.into(), text.into())], ..Settings::default() }
}

fn targets(names: &[&str]) -> Settings {
    Settings { targets: Some(names.iter().map(ToString::to_string).collect()), ..Settings::default() }
}

fn expect(source: &Source, settings: &Settings, expected: &[(&str, &str, &str)]) {
    let found = plan_findings(source, settings);
    let codes: Vec<_> = found.iter().map(|(code, place, _)| (*code, place.as_str())).collect();
    let wanted: Vec<_> = expected.iter().map(|(code, place, _)| (*code, *place)).collect();
    assert_eq!(codes, wanted, "{found:#?}");
    for ((_, _, hint), (_, _, words)) in found.iter().zip(expected) {
        assert!(hint.contains(words), "{hint:?} lacks {words:?}");
    }
}

fn order(source: &Source, settings: &Settings) -> Vec<String> {
    plan(source, settings).nodes().map(|node| node.node.to_string()).collect()
}

#[test]
fn settings_take_the_place_of_defaults() {
    let source = workflow(r#""a": Sample(steps: Input("seed"), scale: Input("scale"), words: Input("prompt"))"#);
    let settings =
        Settings { set: vec![("seed".into(), "9".into()), ("prompt".into(), "\"x\"".into())], ..Settings::default() };
    let plan = plan(&source, &settings);
    let values: Vec<_> =
        plan.inputs().iter().map(|(name, input)| (name.as_str(), input.value.clone(), input.is_set)).collect();
    assert_eq!(
        values,
        [
            ("prompt", Literal::Text("\"x\"".into()), true),
            ("seed", Literal::Integer(9), true),
            ("scale", Literal::Float(2.0), false),
        ]
    );
}

#[test]
fn settings_that_are_wrong() {
    let source = workflow(r#""a": Sample(steps: Input("seed"))"#);
    let declared = "Integer(default: 3, min: 0)";
    expect(
        &source,
        &set("sed", "1"),
        &[("unknown-setting", "", "did you mean `seed`? it has: `prompt`, `seed`, `scale`")],
    );
    expect(&source, &set("seed", "many"), &[("invalid-setting", declared, "like 42")]);
    expect(&source, &set("seed", "2.5"), &[("invalid-setting", declared, "like 42")]);
    expect(&source, &set("seed", "-1"), &[("out-of-range", declared, "")]);
    expect(&source, &set("seed", "5000"), &[("out-of-range", "Input(\"seed\")", "")]);
    let twice = Settings { set: vec![("seed".into(), "1".into()), ("seed".into(), "1".into())], ..Settings::default() };
    expect(&source, &twice, &[("duplicate-setting", "", "once")]);
    let Err(diagnostics) = Plan::prepare(&source, &registry(), &set("seed", "5000")) else { panic!("a plan") };
    assert!(
        diagnostics.iter().any(|d| d.message == "the input `seed`, as it is set, is 5000, but should be 1 to 1000"),
        "{diagnostics:?}"
    );
}

#[test]
fn defaults_that_a_socket_does_not_take() {
    let text = r#"Workflow(version: 1, inputs: { "n": Integer(default: 0), "mode": Text(default: "x", choices: ["x", "fast"]) },
        nodes: { "a": Sample(steps: Input("n"), mode: Input("mode")) })"#;
    let source = Source::new("t", text);
    let Err(diagnostics) = Plan::prepare(&source, &registry(), &Settings::default()) else { panic!("a plan") };
    let places: Vec<_> = diagnostics[0].labels.iter().map(|label| source.slice(&label.span)).collect();
    assert_eq!(places, ["Input(\"n\")", "0"]);
    assert_eq!(diagnostics[1].code, "not-a-choice");
    assert!(
        Plan::prepare(
            &source,
            &registry(),
            &Settings { set: vec![("n".into(), "1".into()), ("mode".into(), "fast".into())], ..Settings::default() }
        )
        .is_ok()
    );
}

#[test]
fn inputs_without_a_value_must_be_set_if_they_are_needed() {
    let text = r#"Workflow(version: 1, inputs: { "n": Integer() },
        nodes: { "a": Whole(value: Input("n")), "b": Whole(value: 1) })"#;
    let source = Source::new("t", text);
    expect(&source, &Settings::default(), &[("missing-setting", "Integer()", "set `n`")]);
    expect(&source, &set("n", "1"), &[]);
    expect(&source, &targets(&["b"]), &[]);
}

#[test]
fn the_order_is_that_of_the_document_where_wires_allow() {
    let source = workflow(
        r#""z": Constant(value: 1), "sum": Add(a: From("x"), b: From("z")), "y": Constant(value: 1), "x": Constant(value: From("y"))"#,
    );
    assert_eq!(order(&source, &Settings::default()), ["z", "y", "x", "sum"]);
    let plan = plan(&source, &Settings::default());
    assert_eq!(plan.last_use(0, "value"), Some(3));
    assert_eq!(plan.last_use(1, "value"), Some(2));
    assert_eq!(plan.last_use(3, "sum"), None);
    assert_eq!(plan.targets().collect::<Vec<_>>(), ["sum"]);
}

#[test]
fn targets_bring_what_they_need_and_no_more() {
    let source = workflow(
        r#""a": Constant(value: 1), "b": Constant(value: From("a")), "c": Constant(value: From("a")), "s": Save(value: From("c"))"#,
    );
    assert_eq!(order(&source, &targets(&["b"])), ["a", "b"]);
    assert_eq!(order(&source, &targets(&["c", "a", "c"])), ["a", "c"]);
    assert_eq!(order(&source, &Settings::default()), ["a", "c", "s"]);
    expect(&source, &Settings::default(), &[("unused-node", "\"b\"", "target")]);
    expect(&source, &targets(&["b", "d"]), &[("unknown-target", "", "there are: `a`, `b`, `c`, `s`")]);
    expect(&source, &targets(&["sS"]), &[("unknown-target", "", "`s`")]);
}

#[test]
fn errors_that_no_target_needs_are_warnings() {
    let source = workflow(r#""a": Constant(value: 1), "b": Constnt(value: From("a")), "c": Save(value: From("b"))"#);
    expect(&source, &Settings::default(), &[("unknown-node-type", "Constnt", "")]);
    let (plan, warnings) = Plan::prepare(&source, &registry(), &targets(&["a"])).expect("a plan");
    assert_eq!(plan.nodes().len(), 1);
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    assert!(warnings.iter().any(|warning| warning.code == "unknown-node-type"));
    assert!(Plan::prepare(&source, &registry(), &targets(&["c"])).is_err());
    let Err(diagnostics) = Plan::prepare(&source, &registry(), &targets(&["a", "lost"])) else { panic!("a plan") };
    let errors: Vec<_> =
        diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).map(|error| error.code).collect();
    assert_eq!(errors, ["unknown-node-type", "unknown-target"], "nobody knows what is wanted");
}

#[test]
fn nothing_to_run_is_an_error() {
    expect(
        &Source::new("t", "Workflow(version: 1, nodes: {})"),
        &Settings::default(),
        &[("empty-workflow", "", "add one")],
    );
}

#[test]
fn a_node_has_a_say() {
    expect(&workflow(r#""a": Even(value: 3)"#), &Settings::default(), &[("invalid-input", "3", "add one")]);
    expect(
        &workflow(r#""a": Even(value: Input("seed"))"#),
        &Settings::default(),
        &[("invalid-input", "Input(\"seed\")", "add one")],
    );
    expect(&workflow(r#""a": Even(value: Input("seed"))"#), &set("seed", "4"), &[]);
    expect(&workflow(r#""a": Constant(value: 3), "b": Even(value: From("a"))"#), &Settings::default(), &[]);
    expect(&workflow(r#""a": PanicsInCheck(value: 3)"#), &Settings::default(), &[("invalid-input", "\"a\"", "buggy")]);
}

#[test]
fn inputs_that_nothing_uses_are_named() {
    let (_, warnings) =
        Plan::prepare(&workflow(r#""a": Word(text: Input("prompt"))"#), &registry(), &Settings::default())
            .expect("a plan");
    let found: Vec<_> = warnings.iter().map(|warning| (warning.code, warning.severity)).collect();
    assert_eq!(found, [("unused-input", Severity::Warning); 2]);
}

#[test]
fn folders_are_those_of_the_workflow_and_of_the_settings() {
    let mut source = workflow(r#""a": Nothing"#);
    assert_eq!(plan(&source, &Settings::default()).base_dir(), Path::new("."));
    source.path = Some(PathBuf::from("some/flow.ron"));
    assert_eq!(plan(&source, &Settings::default()).base_dir(), Path::new("some"));
    let settings = Settings { base_dir: Some("other".into()), out_dir: "out".into(), ..Settings::default() };
    let plan = plan(&source, &settings);
    assert_eq!((plan.base_dir(), plan.out_dir()), (Path::new("other"), Path::new("out")));
    assert_eq!(plan.source(), &source);
}
