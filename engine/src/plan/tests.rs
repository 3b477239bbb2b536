//! What blocks look like inside: for the one that runs them.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::check::Fit;
use crate::graph::{Fragment, FragmentFeed};
use crate::library::Texts;
use crate::node::{Context, Inputs, Node, NodeResult, Outputs};
use crate::spec::{Derived, InputSpec, NodeSpec, OutputSpec};
use crate::value::kinds;

struct Stub(NodeSpec);

impl Node for Stub {
    fn spec(&self) -> NodeSpec {
        self.0.clone()
    }

    fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::none())
    }
}

fn registry() -> Registry {
    let input = |name, kind| InputSpec::new(name, kind, "something");
    let output = |name, kind| OutputSpec::new(name, kind, "something");
    let specs = [
        NodeSpec::new("Constant", "").input(input("value", kinds::FLOAT)).output(output("value", kinds::FLOAT)),
        NodeSpec::new("Add", "")
            .input(input("a", kinds::FLOAT))
            .input(input("b", kinds::FLOAT))
            .output(output("sum", kinds::FLOAT)),
        NodeSpec::new("Average", "").input(input("values", kinds::FLOAT_LIST)).output(output("value", kinds::FLOAT)),
        NodeSpec::new("Pick", "")
            .input(input("a", kinds::ANY).lazy())
            .input(input("b", kinds::ANY).lazy().optional())
            .output(OutputSpec::derived("one", Derived::SameAs("a"), "one of them")),
        NodeSpec::new("Save", "").effect().input(input("value", kinds::ANY)),
    ];
    let mut registry = Registry::new();
    for spec in specs {
        registry.register(Stub(spec)).expect("it is sound");
    }
    registry
}

fn plan(body: &str) -> Plan {
    let source = Source::new("test", format!("Workflow(version: 1, {body})"));
    match Plan::prepare_with(&source, &registry(), &Settings::default(), &Texts::default()) {
        Ok((plan, _)) => plan,
        Err(diagnostics) => panic!("{diagnostics:#?}"),
    }
}

/// Everything about a block, in few words.
fn words(block: &Block) -> String {
    let mut out = String::new();
    for param in &block.params {
        let _ = write!(out, "param {}; ", param.name);
    }
    for step in &block.steps {
        let target = if step.is_target { "!" } else { "" };
        let _ = write!(out, "{}{target} = {}(", step.id, step.action.type_name());
        for input in &step.inputs {
            let lazy = if input.lazy { "lazy " } else { "" };
            let _ = write!(out, "{lazy}{}: {}, ", step.input_name(input.input), origin(&input.origin));
        }
        let outputs: Vec<_> =
            step.outputs.iter().map(|output| format!("{} {} ×{}", output.name, output.kind, output.uses)).collect();
        let _ = write!(out, ") → {}; ", outputs.join(", "));
    }
    for result in &block.results {
        let _ = write!(out, "result {} {} = {}; ", result.name, result.kind, origin(&result.origin));
    }
    out.replace(", )", ")")
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Known(value) => value.summary(),
        Origin::Wire { step, output, .. } => format!("{step}.{output}"),
        Origin::Param { param, .. } => format!("${param}"),
        Origin::List { items, element } => {
            let items: Vec<_> = items.iter().map(self::origin).collect();
            format!("{element}[{}]", items.join(", "))
        }
    }
}

const STEP: &str = r#"workflows: { "w": Workflow(inputs: { "x": Float(), "k": Float(default: 2), "i": Integer(default: 9) },
    nodes: { "a": Add(a: Input("x"), b: Input("k")), "b": Add(a: From("a"), b: Input("i")), "s": Save(value: From("a")), "idle": Constant(value: 1) },
    outputs: { "x": From("b"), "same": Input("x"), "go": true }) }"#;

#[test]
fn a_map_has_a_body_with_what_changes_as_parameters() {
    let plan = plan(&format!(
        r#"{STEP}, nodes: {{ "c": Constant(value: 1), "m": Map(workflow: "w", over: ["x"], with: (x: [From("c"), 2], k: From("c")), index: "i", ragged: "shortest") }}"#
    ));
    let root = &plan.0.root;
    assert_eq!(
        words(root),
        "c = Constant(value: 1.0) → value Float ×2; m! = Map(x: Float[0.0, 2.0], k: 0.0) → x FloatList ×0, same FloatList ×0, go BooleanList ×0; "
    );
    let Action::Map(map) = &root.steps[1].action else { panic!("it is a map") };
    assert_eq!(
        words(&map.body),
        "param x; param k; param i; a = Add(a: $0, b: $1) → sum Float ×2; b = Add(a: 0.0, b: $2) → sum Float ×1; \
         s! = Save(value: 0.0) → ; result x Float = 1.0; result same Float = $0; result go Boolean = true; "
    );
    assert_eq!((&map.over[..], map.index, map.ragged), (&[true, false, false][..], Some(2), Ragged::Shortest));
    assert!(matches!(map.body.steps[1].inputs[1].origin, Origin::Param { fit: Fit::IntegerToFloat, .. }));
}

#[test]
fn a_loop_carries_parameters_and_knows_when_to_end() {
    let plan = plan(&format!(
        r#"{STEP}, inputs: {{ "n": Integer(default: 4) }}, nodes: {{ "l": Loop(workflow: "w", times: Input("n"), carry: ["x"], with: (x: 1, k: 5), while: "go", collect: ["same"], index: "i") }}"#
    ));
    let step = &plan.0.root.steps[0];
    assert_eq!(words(&plan.0.root), "l! = Loop(x: 1.0, times: 4) → x Float ×0, same FloatList ×0, go Boolean ×0; ");
    let Action::Loop(action) = &step.action else { panic!("it is a loop") };
    assert_eq!((&action.carry[..], action.index, action.while_result), (&[(0, 0)][..], Some(1), Some(2)));
    assert_eq!(action.collect, [false, true, false]);
    assert!(words(&action.body).starts_with("param x; param i; a = Add(a: $0, b: 5.0)"), "{}", words(&action.body));
}

#[test]
fn laziness_and_wires_survive_merging() {
    let plan = plan(
        r#"workflows: { "w": Workflow(inputs: { "x": Float(), "y": Float() }, nodes: { "p": Pick(a: Input("x"), b: Input("y")) }, outputs: { "one": From("p"), "y": Input("y") }) },
        nodes: { "c": Constant(value: 1), "d": Constant(value: 2), "i": Include(workflow: "w", with: (x: From("c"), y: From("d"))), "a": Add(a: From("i.one"), b: From("i.y")) }"#,
    );
    assert_eq!(
        words(&plan.0.root),
        "c = Constant(value: 1.0) → value Float ×1; d = Constant(value: 2.0) → value Float ×2; i/p = Pick(lazy a: 0.0, lazy b: 1.0) → one Float ×1; \
         a! = Add(a: 2.0, b: 1.0) → sum Float ×0; "
    );
}

#[test]
fn options_are_handed_down() {
    let plan = plan(
        r#"workflows: { "w": Workflow(nodes: { "a": Constant(value: 1), "b": Constant(value: 1, options: (retry: 5, cache: true)) }) },
        nodes: { "i": Include(workflow: "w", options: (retry: 2, cache: false, device: "cpu")),
            "m": Map(workflow: "v", over: ["x"], with: (x: [1.0]), options: (timeout: 1.5, retry: 3)) },
        "#
        .trim_end()
        .trim_end_matches(',')
        .replace("workflows: {", r#"workflows: { "v": Workflow(inputs: { "x": Float() }, nodes: { "a": Save(value: Input("x")) }),"#)
        .as_str(),
    );
    let steps = &plan.0.root.steps;
    let told: Vec<_> =
        steps.iter().map(|step| (&*step.id, step.options.retry, step.options.cache, step.options.timeout)).collect();
    assert_eq!(told[0], ("m", 0, true, None));
    let limit = steps[0].limit.as_ref().expect("it may not take for ever");
    assert_eq!((&*limit.id, limit.timeout, limit.outer.is_none()), ("m", Duration::from_millis(1500), true));
    let Action::Map(map) = &steps[0].action else { panic!("a map") };
    let inner = &map.body.steps[0];
    assert_eq!((inner.options.retry, inner.options.timeout, inner.limit.is_none()), (3, None, true));
}

#[test]
fn muted_results_of_a_body_are_no_outputs() {
    let plan = plan(
        r#"workflows: { "w": Workflow(inputs: { "x": Float() }, nodes: { "a": Constant(value: Input("x"), options: (mute: true)), "b": Constant(value: Input("x")) },
            outputs: { "a": From("a"), "b": From("b") }) },
        nodes: { "m": Map(workflow: "w", over: ["x"], with: (x: [1.0])), "p": Average(values: From("m.b")), "q": Average(values: From("m.a")) }"#,
    );
    assert_eq!(words(&plan.0.root), "m = Map(x: [1.0]) → b FloatList ×1; p! = Average(values: 0.0) → value Float ×0; ");
}

#[test]
fn results_of_the_root_are_results_of_its_block() {
    let plan = plan(r#"nodes: { "a": Constant(value: 1) }, outputs: { "x": From("a"), "l": [From("a"), 2], "n": 7 }"#);
    assert_eq!(
        words(&plan.0.root),
        "a! = Constant(value: 1.0) → value Float ×2; result x Float = 0.0; result l FloatList = Float[0.0, 2.0]; result n Integer = 7; "
    );
}

#[test]
fn a_fragment_becomes_a_block() {
    let fragment = Fragment::new()
        .node("b", "Add", [("a", "a.value".into()), ("b", FragmentFeed::value(1_i64))])
        .node("a", "Constant", [("value", FragmentFeed::value(2.0))])
        .node("l", "Average", [("values", FragmentFeed::List(vec!["a".into(), FragmentFeed::value(2_i64)]))])
        .node("s", "Save", [("value", "l".into())])
        .output("sum", "b".into())
        .output("list", FragmentFeed::List(vec!["a".into()]))
        .output("text", FragmentFeed::value("x".to_string()));
    let block = expand(&fragment, &registry(), Path::new(".")).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(
        words(&block),
        "a = Constant(value: 2.0) → value Float ×3; b = Add(a: 0.0, b: 1.0) → sum Float ×1; l = Average(values: Float[0.0, 2.0]) → value Float ×1; \
         s! = Save(value: 2.0) → ; result sum Float = 1.0; result list FloatList = Float[0.0]; result text Text = \"x\"; "
    );
}

#[test]
fn everything_wrong_with_a_fragment_is_said_at_once() {
    let fragment = Fragment::new()
        .node("a", "Constant", [("value", "b".into())])
        .node("b", "Constant", [("value", "a".into())])
        .node("c", "Constnt", [])
        .node("c", "Add", [("a", FragmentFeed::value("x".to_string())), ("b", "a.nothing".into())])
        .node("d", "Include", [])
        .output("x", "nobody".into());
    let Err(errors) = expand(&fragment, &registry(), Path::new(".")) else { panic!("it is all wrong") };
    let messages = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("\n");
    for part in [
        "a → b → a",
        "`Constnt`",
        "two nodes `c`",
        "takes Float, but this is Text",
        "no output `nothing`",
        "`Include`",
        "`nobody`",
    ] {
        assert!(messages.contains(part), "{part} is not in {messages}");
    }
    assert!(errors.iter().all(|error| error.labels.is_empty()));
}

/// For each node what its two inputs take: a node before it, if the number can be brought there, or a literal.
fn graphs() -> impl Strategy<Value = Vec<(Vec<usize>, bool, u8)>> {
    proptest::collection::vec((proptest::collection::vec(0..1_000_usize, 0..4), any::<bool>(), 0..10_u8), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_plan_has_givers_before_takers((nodes, shuffle) in (graphs(), any::<u64>())) {
        let mut written: Vec<String> = nodes.iter().enumerate().map(|(at, (takes, included, switch))| {
            let feeds: Vec<_> = takes.iter().map(|any| match any.checked_rem(at) {
                Some(before) => format!("From(\"n{before}\")"),
                None => "1.0".into(),
            }).collect();
            let options = match switch { 0 => "mute: true", 1 => "bypass: true", _ => "retry: 1" };
            let values = feeds.join(", ");
            if *included {
                format!("\"n{at}\": Include(workflow: \"w\", with: (values: [{values}]), options: ({options}))")
            } else {
                format!("\"n{at}\": Average(values: [{values}], options: ({options}))")
            }
        }).collect();
        let count = written.len();
        written.rotate_left((shuffle % count as u64) as usize);
        let source = Source::new("test", format!(
            "Workflow(version: 1, workflows: {{ \"w\": Workflow(inputs: {{ \"values\": FloatList() }}, \
             nodes: {{ \"b\": Average(values: From(\"a\")), \"a\": Average(values: Input(\"values\")) }}, outputs: {{ \"v\": From(\"b\") }}) }}, nodes: {{ {} }})",
            written.join(", ")
        ));
        match Plan::prepare_with(&source, &registry(), &Settings::default(), &Texts::default()) {
            Ok((plan, _)) => {
                let steps = &plan.0.root.steps;
                let mut uses: Vec<usize> = steps.iter().map(|_| 0).collect();
                for (at, step) in steps.iter().enumerate() {
                    for input in &step.inputs {
                        let mut sound = true;
                        input.origin.each_wire(&mut |giver, output| {
                            sound &= giver < at && output < steps[giver].outputs.len();
                            uses[giver] += 1;
                        });
                        prop_assert!(sound, "{}", words(&plan.0.root));
                    }
                }
                for (step, uses) in steps.iter().zip(uses) {
                    prop_assert_eq!(step.outputs.iter().map(|output| output.uses).sum::<usize>(), uses);
                    prop_assert!(step.is_target || uses > 0, "{} runs for nobody", step.id);
                }
            }
            Err(errors) => prop_assert!(errors.iter().all(|error| error.code == "empty-workflow"), "{:?}", errors),
        }
    }
}
