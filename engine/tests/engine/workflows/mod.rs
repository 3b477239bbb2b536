//! Workflows in workflows: what they say, what is wrong with them, and what they come to.

mod devices;
mod mistakes;
mod sharing;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use easel_engine::{
    CancelToken, Context, Derived, DeviceNeed, Diagnostic, EventSink, InputSpec, Inputs, Library, Literals, MemoryNeed,
    Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Plan, Registry, Resources, Run, Services, Settings,
    Source, Texts, Value, kinds,
};

use crate::stubs::{self, run_with};

/// A node type for which nothing matters but its sockets.
struct Shape {
    spec: NodeSpec,
    run: fn(&Inputs) -> NodeResult,
}

impl Node for Shape {
    fn spec(&self) -> NodeSpec {
        self.spec.clone()
    }

    /// Beside a device it takes little; on one, the megabytes are of the device's memory.
    fn memory(&self, literals: &Literals<'_>) -> Option<MemoryNeed> {
        let bytes = literals.get::<i64>("megabytes").map(|megabytes| *megabytes as u64 * 1024 * 1024)?;
        let Some(device) = literals.device() else { return Some(MemoryNeed::host(bytes)) };
        let available = literals.service::<devices::Free>()?.0.load(Ordering::SeqCst);
        let device = DeviceNeed { device: device.to_owned(), bytes, available, total: 2000 << 20 };
        Some(MemoryNeed { host: 1, device: Some(device) })
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<std::path::PathBuf> {
        literals.get::<String>("path").map(Into::into).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        (self.run)(inputs)
    }
}

/// How many `Meet`s run, and the most that ever did at once.
static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
static MOST_AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// Waits for another of its kind, so many milliseconds at the most.
fn meet(inputs: &Inputs) -> NodeResult {
    let end = Instant::now() + Duration::from_millis(*inputs.get::<i64>("patience")? as u64);
    MOST_AT_ONCE.fetch_max(AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    while MOST_AT_ONCE.load(Ordering::SeqCst) < 2 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
    Ok(Outputs::one("value", 1.0))
}

fn registry() -> Registry {
    let input = |name, kind| InputSpec::new(name, kind, "something");
    let output = |name, kind| OutputSpec::new(name, kind, "something");
    let mut registry = stubs::registry();
    registry.register_kind::<stubs::Tokens>();
    let mut add = |spec: NodeSpec, run: fn(&Inputs) -> NodeResult| {
        registry.register(Shape { spec, run }).expect("the shapes are sound");
    };
    add(
        NodeSpec::new("Average", "").input(input("values", kinds::FLOAT_LIST)).output(output("value", kinds::FLOAT)),
        |inputs| {
            let values = inputs.list::<f64>("values")?;
            Ok(Outputs::one("value", values.iter().copied().sum::<f64>() / values.len() as f64))
        },
    );
    let any = |name| input(name, kinds::ANY);
    add(
        NodeSpec::new("First", "").input(any("list")).output(OutputSpec::derived(
            "item",
            Derived::ElementOf("list"),
            "",
        )),
        |inputs| {
            let first =
                inputs.value("list").and_then(|list| list.list()).and_then(|list| list.items().first().cloned());
            Ok(first.map_or(Outputs::none(), |item| Outputs::none().with_value("item", item)))
        },
    );
    add(
        NodeSpec::new("Same", "").input(any("value").optional()).output(OutputSpec::derived(
            "value",
            Derived::SameAs("value"),
            "",
        )),
        |inputs| {
            let value = inputs.value("value").cloned().unwrap_or(Value::new(0.0));
            Ok(Outputs::none().with_value("value", value))
        },
    );
    add(NodeSpec::new("Texts", "").input(input("lists", kinds::TEXT_LIST.list())), |_| Ok(Outputs::none()));
    add(
        NodeSpec::new("Big", "").input(input("megabytes", kinds::INTEGER)).output(output("value", kinds::FLOAT)),
        |_| Ok(Outputs::one("value", 1.0)),
    );
    add(
        NodeSpec::new("Meet", "")
            .input(input("megabytes", kinds::INTEGER))
            .input(input("patience", kinds::INTEGER))
            .output(output("value", kinds::FLOAT)),
        meet,
    );
    add(NodeSpec::new("Read", "").input(input("path", kinds::TEXT)).output(output("value", kinds::FLOAT)), |_| {
        Ok(Outputs::one("value", 1.0))
    });
    add(
        NodeSpec::new("Alike", "")
            .input(any("one"))
            .input(any("other").optional().like("one"))
            .output(OutputSpec::derived("value", Derived::SameAs("one"), "")),
        |inputs| Ok(Outputs::none().with_value("value", inputs.value("one").cloned().unwrap_or(Value::new(0.0)))),
    );
    add(
        NodeSpec::new("Own", "")
            .input(input("value", kinds::FLOAT).range(0.0..=1.0).checked_by_node())
            .output(output("value", kinds::FLOAT)),
        |inputs| Ok(Outputs::one("value", *inputs.get::<f64>("value")?)),
    );
    registry.check_devices(|name| match name {
        "cpu" => Ok(()),
        _ => Err(NodeError::new(format!("there is no `{name}`")).with_hint("write \"cpu\"")),
    });
    registry
}

fn source(body: &str) -> Source {
    Source { path: Some("flows/main.ron".into()), ..Source::new("main.ron", format!("Workflow(version: 1, {body})")) }
}

fn prepare(body: &str, files: &[(&str, &str)]) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    prepare_with(body, files, &Settings::default())
}

fn prepare_with(
    body: &str,
    files: &[(&str, &str)],
    settings: &Settings,
) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let library = Texts::new(files.iter().map(|(path, text)| (*path, format!("Workflow(version: 1, {text})"))));
    Plan::prepare_with(&source(body), &registry(), settings, &library)
}

/// The plan of something sound.
fn plan(body: &str, files: &[(&str, &str)]) -> Plan {
    match prepare(body, files) {
        Ok((plan, diagnostics)) => {
            assert!(diagnostics.iter().all(|diagnostic| diagnostic.code.starts_with("unused")), "{diagnostics:#?}");
            plan
        }
        Err(diagnostics) => panic!("no plan: {diagnostics:#?}"),
    }
}

fn nodes(plan: &Plan) -> Vec<String> {
    plan.nodes().map(|node| format!("{} {}", node.node, node.node_type)).collect()
}

/// Code and place of everything that is wrong.
fn found(body: &str, files: &[(&str, &str)]) -> Vec<(&'static str, String, String)> {
    let diagnostics = match prepare(body, files) {
        Ok((_, diagnostics)) | Err(diagnostics) => diagnostics,
    };
    let main = source(body);
    let errors = diagnostics.into_iter().filter(Diagnostic::is_error);
    let told = errors.map(|diagnostic| {
        let source = diagnostic.source.as_deref().unwrap_or(&main);
        let place = diagnostic.labels.first().map(|label| source.slice(&label.span).to_string()).unwrap_or_default();
        let hint = diagnostic.hint.clone().unwrap_or_default();
        (diagnostic.code, place, format!("{}; {hint}", diagnostic.message))
    });
    told.collect()
}

#[track_caller]
fn expect(body: &str, files: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
    let found = found(body, files);
    let codes: Vec<_> = found.iter().map(|(code, place, _)| (*code, place.as_str())).collect();
    let wanted: Vec<_> = expected.iter().map(|(code, place, _)| (*code, *place)).collect();
    assert_eq!(codes, wanted, "in {body}: {found:#?}");
    for ((_, _, words), (_, _, part)) in found.iter().zip(expected) {
        assert!(words.contains(part), "{words:?} lacks {part:?} in {body}");
    }
}

/// The results of a run, for workflows without maps and loops.
fn value(plan: Plan, node: &str, output: &str) -> String {
    let (report, _) = run_with(plan, Services::default(), CancelToken::new());
    assert_eq!(report.failed, []);
    report.outputs[node].get(output).expect("given").summary()
}

const DRAW: &str = r#"inputs: { "scale": Float(default: 2, min: 0), "steps": Integer() },
    nodes: { "sample": Sample(steps: Input("steps"), scale: Input("scale")), "out": Constant(value: From("sample")) },
    outputs: { "value": From("out"), "scale": Input("scale") }"#;

#[test]
fn an_included_workflow_is_merged() {
    let body = r#"nodes: { "one": Include(workflow: "draw.ron", with: (steps: 5)), "sum": Add(a: From("one.value"), b: From("one.scale")),
        "two": Include(workflow: "draw.ron", with: { "steps": 6, "scale": From("sum") }) },
        outputs: { "sum": From("sum"), "two": From("two.value") }"#;
    let plan = plan(body, &[("flows/draw.ron", DRAW)]);
    assert_eq!(
        nodes(&plan),
        ["one/sample Sample", "one/out Constant", "sum Add", "two/sample Sample", "two/out Constant"]
    );
    assert_eq!(plan.targets().collect::<Vec<_>>(), ["sum", "two/out"]);
    assert_eq!(plan.files(), [Path::new("flows/main.ron"), Path::new("flows/draw.ron")]);
    assert_eq!(plan.texts().map(|(path, _)| path.to_path_buf()).collect::<Vec<_>>(), plan.files());
    assert_eq!(value(plan, "sum", "sum"), "7.0");
}

#[test]
fn the_same_plan_can_be_made_of_its_texts() {
    let body =
        r#"nodes: { "one": Include(workflow: "draw.ron", with: (steps: 5)) }, outputs: { "v": From("one.value") }"#;
    let first = plan(body, &[("flows/draw.ron", DRAW)]);
    let texts = Texts::new(first.texts().map(|(path, text)| (path.to_path_buf(), text.to_string())));
    let (again, _) = Plan::prepare_with(&source(body), &registry(), &Settings::default(), &texts).expect("the same");
    assert_eq!(nodes(&again), nodes(&first));
    assert!(texts.read(Path::new("flows/other.ron")).is_err());
}

#[test]
fn workflows_are_read_from_disk_relative_to_the_one_that_names_them() {
    let folder = std::env::temp_dir().join(format!("easel-workflows-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("parts")).expect("it can be made");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), format!("Workflow(version: 1, {text})"));
    write("main.ron", r#"nodes: { "a": Include(workflow: "parts/a.ron") }, outputs: { "x": From("a.x") }"#)
        .expect("written");
    write("parts/a.ron", r#"nodes: { "b": Include(workflow: "./b.ron") }, outputs: { "x": From("b.x") }"#)
        .expect("written");
    write("parts/b.ron", r#"nodes: { "c": Constant(value: 3) }, outputs: { "x": From("c") }"#).expect("written");
    let source = Source::read(&folder.join("main.ron")).expect("readable");
    let (plan, _) = Plan::prepare(&source, &registry(), &Settings::default()).expect("sound");
    assert_eq!(nodes(&plan), ["a/b/c Constant"]);
    assert_eq!(plan.files().len(), 3);
    write("parts/b.ron", r#"nodes: { "a": Include(workflow: "../parts/a.ron") }, outputs: { "x": From("a.x") }"#)
        .expect("written");
    let Err(errors) = Plan::prepare(&source, &registry(), &Settings::default()) else { panic!("it includes itself") };
    assert_eq!(errors[0].code, "workflow-cycle", "two paths to one file: {errors:?}");
    std::fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn local_workflows_see_those_around_them() {
    let body = r#"workflows: {
            "inner": Workflow(inputs: { "x": Float() }, nodes: { "add": Add(a: Input("x"), b: 1) }, outputs: { "x": From("add") }),
            "outer": Workflow(inputs: { "x": Float() }, nodes: { "in": Include(workflow: "inner", with: (x: Input("x"))) },
                outputs: { "x": From("in.x"), "same": Input("x") }),
        },
        nodes: { "o": Include(workflow: "outer", with: (x: 2)), "p": Include(workflow: "outer", with: (x: From("o.x"))),
            "sum": Add(a: From("p.x"), b: From("p.same")) }"#;
    let plan = plan(body, &[]);
    assert_eq!(nodes(&plan), ["o/in/add Add", "p/in/add Add", "sum Add"]);
    assert_eq!(value(plan, "sum", "sum"), "7.0");
}

#[test]
fn lists_of_feeds_go_wherever_lists_go() {
    let body = r#"inputs: { "scale": Float(default: 4) },
        nodes: { "a": Whole(value: 1), "w": Word(text: "x"), "mean": Average(values: [From("a"), 3.0, Input("scale"), 4]),
            "known": Average(values: [Input("scale"), 2]), "literal": Average(values: [1, 2.5]), "one": Average(values: From("mean")),
            "first": First(list: [From("w"), "b"]), "word": Word(text: From("first")),
            "lists": Texts(lists: [[From("w"), "a"], [], ["b"]]) },
        outputs: { "list": [From("a"), 2] }"#;
    let plan = plan(body, &[]);
    assert!(plan.nodes().any(|node| &*node.node == "a"));
    let found = prepare(r#"nodes: { "l": Average(values: [Input("x")]), "k": Average(values: [1, 2]) }, inputs: { "x": Integer(default: 7) },
        outputs: { "l": From("l"), "k": From("k") }"#, &[]).expect("sound").0;
    assert_eq!(value(found.clone(), "l", "value"), "7.0");
    assert_eq!(value(found, "k", "value"), "1.5");
}

#[test]
fn derived_kinds_follow_what_is_fed() {
    let body =
        |taker: &str| format!(r#"nodes: {{ "w": Word(text: "x"), "same": Same(value: From("w")), "t": {taker} }}"#);
    assert!(prepare(&body(r#"Word(text: From("same"))"#), &[]).is_ok());
    expect(&body(r#"Whole(value: From("same"))"#), &[], &[("kind-mismatch", "From(\"same\")", "gives Text")]);
    expect(
        &body(r#"First(list: From("same")), "u": Word(text: From("t"))"#),
        &[],
        &[("unknown-output-kind", "From(\"t\")", "feed a list to `list`")],
    );
    expect(
        r#"nodes: { "s": Same(), "t": Word(text: From("s")) }"#,
        &[],
        &[("unknown-output-kind", "From(\"s\")", "feed `value`")],
    );
    // Written before what it takes from.
    assert!(
        prepare(r#"nodes: { "t": Word(text: From("s")), "s": Same(value: From("w")), "w": Word(text: "x") }"#, &[])
            .is_ok()
    );
}

#[test]
fn muted_nodes_take_along_what_cannot_go_without_them() {
    let body = r#"nodes: { "a": Constant(value: 1, options: (mute: true)), "b": Constant(value: From("a")), "c": Sample(scale: From("a")),
        "d": Average(values: [From("b"), 3.0]), "e": Add(a: From("b"), b: 1), "s": Save(value: From("e")) }, outputs: { "c": From("c"), "d": From("d"), "e": From("e") }"#;
    let plan = plan(body, &[]);
    assert_eq!(nodes(&plan), ["c Sample", "d Average"], "an input with a default goes without, a list is shorter");
    let Err(errors) = prepare_with(body, &[], &Settings { targets: Some(vec!["e".into()]), ..Settings::default() })
    else {
        panic!("it is muted")
    };
    assert_eq!(errors[0].code, "muted-target");
    expect(r#"nodes: { "a": Constant(value: 1, options: (mute: true)) }"#, &[], &[("empty-workflow", "", "mute")]);
    let wrong = r#"nodes: { "a": Include(workflow: "draw.ron", with: (steps: 1), options: (mute: true)), "b": Constant(value: From("a.value")), "c": Constant(value: 1) }"#;
    assert_eq!(nodes(&self::plan(wrong, &[("flows/draw.ron", DRAW)])), ["c Constant"]);
}

#[test]
fn bypassed_nodes_hand_on_what_they_are_given() {
    let body = r#"nodes: { "a": Whole(value: 2), "b": Constant(value: From("a"), options: (bypass: true)), "c": Add(a: From("b"), b: 1),
        "l": Constant(value: 5, options: (bypass: true)), "d": Add(a: From("l"), b: From("c")), "t": Tokenizer(text: "x", options: (bypass: true)),
        "e": ClipTextEncoder(tokens: From("t")) }"#;
    let plan = plan(body, &[]);
    assert_eq!(nodes(&plan), ["a Whole", "c Add", "d Add"]);
    assert_eq!(value(plan, "d", "sum"), "8.0");
    let included = r#"nodes: { "one": Include(workflow: "draw.ron", with: (steps: 5, scale: 7), options: (bypass: true)), "sum": Add(a: From("one.value"), b: 1) }"#;
    assert_eq!(value(self::plan(included, &[("flows/draw.ron", DRAW)]), "sum", "sum"), "8.0");
}

#[test]
fn outputs_of_the_workflow_are_targets() {
    let body = r#"nodes: { "a": Constant(value: 1), "b": Constant(value: From("a")), "c": Constant(value: From("a")), "s": Save(value: From("c")) }, outputs: { "b": From("b"), "n": 7 }"#;
    let (plan, warnings) = prepare(body, &[]).expect("sound");
    assert_eq!(plan.targets().collect::<Vec<_>>(), ["b", "s"]);
    assert_eq!(warnings, []);
    let settings = |names: &[&str]| Settings {
        targets: Some(names.iter().map(ToString::to_string).collect()),
        ..Settings::default()
    };
    let (plan, _) = prepare_with(body, &[], &settings(&["c"])).expect("sound");
    assert_eq!(nodes(&plan), ["a Constant", "c Constant"]);
    let body = r#"nodes: { "a": Constant(value: 1), "b": Save(value: From("a")) }, outputs: { "out": From("a") }"#;
    let (plan, _) = prepare_with(body, &[], &settings(&["out"])).expect("an output can be named");
    assert_eq!(nodes(&plan), ["a Constant"]);
    let Err(errors) = prepare_with(body, &[], &settings(&[])) else { panic!("nothing is wanted") };
    assert_eq!(errors[0].code, "no-targets");
    let files = [("flows/draw.ron", DRAW)];
    let body = r#"nodes: { "one": Include(workflow: "draw.ron", with: (steps: 5)), "x": Constant(value: 1) }"#;
    let (plan, _) = prepare_with(body, &files, &settings(&["one"])).expect("a workflow can be named");
    assert_eq!(nodes(&plan), ["one/sample Sample", "one/out Constant"]);
    let (plan, _) = prepare_with(body, &files, &settings(&["one/sample"])).expect("and a node in it");
    assert_eq!(nodes(&plan), ["one/sample Sample"]);
}

#[test]
fn memory_is_bounded_before_anything_runs() {
    let settings = Settings { memory_limit: Some(100 << 20), ..Settings::default() };
    let body = r#"nodes: { "a": Big(megabytes: 90), "b": Big(megabytes: 1536) }"#;
    let Err(errors) = prepare_with(body, &[], &settings) else { panic!("it does not fit") };
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "`b` (Big) needs 1.5 GiB of memory, but there are 100.0 MiB");
    let plan = plan(body, &[]);
    assert_eq!(plan.memory().collect::<Vec<_>>(), [("a", 90 << 20), ("b", 1536 << 20)]);
}

#[test]
fn memory_that_is_known_only_when_wires_have_come_is_bounded_then() {
    let body = r#"nodes: { "few": Whole(value: 90), "many": Whole(value: 300),
        "a": Big(megabytes: From("few")), "b": Big(megabytes: From("many")), "c": Constant(value: From("b")) }"#;
    let settings = Settings { memory_limit: Some(100 << 20), ..Settings::default() };
    let (plan, _) = prepare_with(body, &[], &settings).expect("nothing is known to be too large");
    let resources = Arc::new(Resources::new(2, Some(100 << 20)));
    let run = Run::new(plan, Services::default(), EventSink::new(), CancelToken::new()).with_resources(resources);
    let report = run.execute();
    assert!(report.finished.iter().any(|node| &**node == "a"), "{report:?}");
    let [failure] = &report.failed[..] else { panic!("{:?}", report.failed) };
    assert_eq!(
        (&*failure.node, failure.message.as_str()),
        ("b", "it needs 300.0 MiB of memory, but there are 100.0 MiB")
    );
    assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains("memory limit")), "{failure:?}");
    assert_eq!(report.skipped.len(), 1);
}

#[test]
fn nodes_that_fit_singly_but_not_together_run_one_after_the_other() {
    let meet = |limit: u64, patience: i64| {
        let body = format!(
            r#"nodes: {{ "a": Meet(megabytes: 60, patience: {patience}), "b": Meet(megabytes: 70, patience: {patience}) }}"#
        );
        let settings = Settings { memory_limit: Some(limit), ..Settings::default() };
        let (plan, _) = prepare_with(&body, &[], &settings).expect("each of them fits");
        let resources = Arc::new(Resources::new(2, Some(limit)));
        let run = Run::new(plan, Services::default(), EventSink::new(), CancelToken::new()).with_resources(resources);
        assert_eq!(run.execute().finished.len(), 2);
        MOST_AT_ONCE.load(Ordering::SeqCst)
    };
    assert_eq!(meet(100 << 20, 100), 1, "there is memory for one of them");
    assert_eq!(meet(200 << 20, 20_000), 2, "there is memory for both");
}

#[test]
fn a_device_that_cannot_be_used_is_found_before_the_run() {
    let body = r#"nodes: { "a": Constant(value: 1, options: (device: "cpu")), "b": Constant(value: 2, options: (device: "tpu")),
        "w": Include(workflow: "w.ron", options: (device: "abacus")) }"#;
    let inner = r#"nodes: { "c": Constant(value: 1, options: (device: "tea leaves")) }, outputs: { "x": From("c") }"#;
    let mut expected =
        [("unusable-device", "\"tpu\"", "there is no `tpu`; write"), ("unusable-device", "\"abacus\"", "`abacus`")]
            .to_vec();
    expected.push(("unusable-device", "\"tea leaves\"", "`tea leaves`"));
    let mut found = found(body, &[("flows/w.ron", inner)]);
    found.sort_by_key(|(_, place, _)| expected.iter().position(|(_, wanted, _)| wanted == place));
    let codes: Vec<_> = found.iter().map(|(code, place, _)| (*code, place.as_str())).collect();
    assert_eq!(codes, expected.iter().map(|(code, place, _)| (*code, *place)).collect::<Vec<_>>());
    assert!(found.iter().zip(&expected).all(|((_, _, words), (_, _, part))| words.contains(part)), "{found:?}");
}

#[test]
fn inputs_that_must_be_alike_are_compared_before_the_run() {
    let inputs = r#"inputs: { "x": Integer(default: 1) }"#;
    expect(
        &format!(
            r#"{inputs}, nodes: {{ "t": Constant(value: 1), "a": Alike(one: From("t"), other: 2.5),
            "b": Alike(one: Input("x"), other: 3), "c": Alike(one: "x"), "d": Alike(one: From("a"), other: From("t")),
            "w": Alike(one: From("t"), other: "text"), "v": Alike(one: From("d"), other: Input("x")) }}"#
        ),
        &[],
        &[
            ("kind-mismatch", "\"text\"", "must be of the same kind as `one`, which is Float"),
            ("kind-mismatch", "Input(\"x\")", ""),
        ],
    );
}

#[test]
fn files_that_nodes_read_are_told_also_those_in_bodies() {
    let body = r#"nodes: { "a": Read(path: "x.png"), "m": Map(workflow: "w.ron", over: ["x"], with: (x: [1.0])), "b": Read(path: "x.png") }"#;
    let inner = r#"inputs: { "x": Float() }, nodes: { "r": Read(path: "deep/y.png"), "a": Add(a: From("r"), b: Input("x")) }, outputs: { "v": From("a") }"#;
    let plan = plan(body, &[("flows/w.ron", inner)]);
    let files: Vec<_> = plan.files().iter().map(|file| file.to_string_lossy().into_owned()).collect();
    assert_eq!(files, ["flows/main.ron", "flows/w.ron", "flows/x.png", "flows/deep/y.png"]);
}

#[test]
fn what_a_node_checks_itself_is_left_to_it() {
    expect(
        r#"inputs: { "x": Float(default: 7) }, nodes: { "a": Own(value: 5), "b": Own(value: Input("x")) }"#,
        &[],
        &[],
    );
}

#[test]
fn integers_are_floats_and_floats_are_no_integers() {
    let inner = r#"inputs: { "f": Float(), "fs": FloatList(default: []) }, nodes: { "a": Constant(value: Input("f")), "b": Average(values: Input("f")), "c": Average(values: Input("fs")) },
        outputs: { "a": From("a"), "b": From("b") }"#;
    let files = [("flows/w.ron", inner)];
    let body = r#"nodes: { "i": Whole(value: 3), "w": Include(workflow: "w.ron", with: (f: From("i"), fs: [From("i"), 2])), "s": Add(a: From("w.a"), b: From("w.b")) }, outputs: { "s": From("s") }"#;
    assert_eq!(value(plan(body, &files), "s", "sum"), "6.0", "an integer becomes a float, and that a list");
    expect(
        r#"nodes: { "f": Constant(value: 3), "w": Whole(value: From("f")) }"#,
        &[],
        &[("kind-mismatch", "From(\"f\")", "")],
    );
    expect(
        r#"nodes: { "f": Constant(value: 3), "l": Texts(lists: [["a"], From("f")]) }"#,
        &[],
        &[("kind-mismatch", "From(\"f\")", "")],
    );
}

#[test]
fn long_chains_of_included_workflows_do_not_recurse() {
    let mut text = String::new();
    for node in (1..20_000).rev() {
        text.push_str(&format!(r#""n{node}": Include(workflow: "w", with: (x: From("n{}"))), "#, node - 1));
    }
    let body = format!(
        r#"workflows: {{ "w": Workflow(inputs: {{ "x": Float() }}, nodes: {{ "c": Constant(value: 1) }}, outputs: {{ "x": Input("x") }}) }},
        nodes: {{ {text} "n0": Include(workflow: "w", with: (x: 5)), "sum": Add(a: From("n19999"), b: 1) }}"#
    );
    let settings = Settings { targets: Some(vec!["sum".into()]), ..Settings::default() };
    let (plan, _) = prepare_with(&body, &[], &settings).expect("sound");
    assert_eq!(value(plan, "sum", "sum"), "6.0");
}
