//! Running: order, failures, cancellation, what is kept and what is told.

use easel_engine::{CancelToken, Event, EventSink, Outcome, Run, RunId, Seat, Services, Settings, Source};

use crate::stubs::{Census, plan, run, run_with, workflow};

/// A run's events as words, without times.
fn told(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::RunStarted { nodes, .. } => format!("run {}", nodes.len()),
        Event::NodeStarted { node, .. } => format!("start {node}"),
        Event::NodeProgress { node, step, steps, .. } => format!("{node} {step}/{steps}"),
        Event::NodeWarning { node, message, .. } => format!("{node} warns {message}"),
        Event::NodeNote { node, key, value, .. } => format!("{node} notes {key}={value}"),
        Event::ArtifactWritten { node, path, .. } => format!("{node} wrote {}", path.display()),
        Event::NodePreview { node, value, .. } => format!("{node} shows {}", value.summary()),
        Event::NodeExpanded { node, nodes, .. } => format!("{node} expands into {}", nodes.len()),
        Event::NodeCached { node, .. } => format!("cached {node}"),
        Event::NodeRetried { node, attempt, attempts, .. } => format!("retry {node} {attempt}/{attempts}"),
        Event::NodeRestarted { node, attempt, .. } => format!("start {node} again, attempt {attempt}"),
        Event::NodeBlocked { node, because, reason, .. } => format!("block {node} because {because}: {reason}"),
        Event::NodeFinished { node, .. } => format!("finish {node}"),
        Event::NodeFailed { node, .. } => format!("fail {node}"),
        Event::NodeSkipped { node, because, .. } => format!("skip {node} because {because}"),
        Event::RunFinished { outcome, finished, failed, skipped, .. } => {
            format!("{outcome:?} {finished} {failed} {skipped}")
        }
    };
    events.iter().map(word).collect()
}

fn names(nodes: &[std::sync::Arc<str>]) -> Vec<&str> {
    nodes.iter().map(|node| &**node).collect()
}

fn run_cancelling(nodes: &str) -> (easel_engine::RunReport, Vec<Event>) {
    let cancel = CancelToken::new();
    let services = Services::default().with(cancel.clone());
    run_with(plan(&workflow(nodes), &Settings::default()), services, cancel)
}

#[test]
fn a_run_tells_what_it_does_and_gives_its_results() {
    let (report, events) = run(r#""sum": Add(a: From("one"), b: Input("scale")), "one": Constant(value: 1)"#);
    assert_eq!(told(&events), ["run 2", "start one", "finish one", "start sum", "finish sum", "Completed 2 0 0"]);
    assert_eq!(report.outcome, Outcome::Completed);
    assert_eq!(names(&report.finished), ["one", "sum"]);
    assert_eq!(report.outputs.keys().map(|node| &**node).collect::<Vec<_>>(), ["sum"]);
    assert_eq!(report.outputs["sum"].get("sum").and_then(|sum| sum.get::<f64>()), Some(&3.0));
    let Event::NodeFinished { outputs, seconds, .. } = &events[2] else { panic!("{events:?}") };
    assert!(*seconds >= 0.0);
    assert_eq!(
        (outputs[0].output.as_str(), outputs[0].kind.as_str(), outputs[0].summary.as_str()),
        ("value", "Float", "1.0")
    );
}

#[test]
fn who_begins_says_where_and_who_stands_for_others_does_not() {
    let (_, events) = run(r#""one": Constant(value: 1), "two": Add(a: From("one"), b: 2)"#);
    let seats = events.iter().filter_map(|event| match event {
        Event::NodeStarted { seat, .. } => Some(seat.clone().expect("each computes somewhere")),
        _ => None,
    });
    let seats: Vec<_> = seats.map(|seat| (seat.device.to_string(), seat.lane, seat.lanes, seat.memory)).collect();
    let first = (Seat::HOST.to_string(), 0, 1, None);
    assert_eq!(seats, [first.clone(), first], "one after the other has the same lane");
}

#[test]
fn events_of_older_versions_are_read() {
    let older = r#"{"event":"node_started","run":7,"node":"a"}"#;
    let event: Event = serde_json::from_str(older).expect("nothing in it is missing");
    assert_eq!(event, Event::NodeStarted { run: RunId(7), node: "a".into(), seat: None });
    assert_eq!(serde_json::to_string(&event).expect("it is text"), older, "and none has what it had not");
}

#[test]
fn a_failure_stays_in_its_cone() {
    let (report, events) = run(
        r#""bad": Fail(value: 1), "after": Constant(value: From("bad")), "last": Add(a: From("after"), b: From("good")),
           "good": Constant(value: 2), "save": Save(value: From("good")), "lost": Save(value: From("last"))"#,
    );
    let words = told(&events);
    let about = |branch: &[&str]| -> Vec<String> {
        let of_branch = |words: &&String| words.split(' ').any(|word| branch.contains(&word));
        words.iter().filter(of_branch).cloned().collect()
    };
    // The two branches go side by side; each tells its story in order.
    let bad = ["start bad", "fail bad", "skip after because bad", "skip last because bad", "skip lost because bad"];
    assert_eq!(about(&["bad"]), bad);
    let good = ["start good", "finish good", "start save", "save wrote save", "finish save"];
    assert_eq!(about(&["good", "save"]), good);
    assert_eq!((words[0].as_str(), words[11].as_str(), words.len()), ("run 6", "Failed 2 1 3", 12));
    assert_eq!(report.outcome, Outcome::Failed);
    let failure = events.iter().find(|event| matches!(event, Event::NodeFailed { .. }));
    let Some(Event::NodeFailed { node_type, message, causes, hint, inputs, .. }) = failure else {
        panic!("{events:?}")
    };
    assert_eq!((node_type.as_str(), message.as_str()), ("Fail", "no weights"));
    assert_eq!(causes, &["cannot read", "gone"]);
    assert_eq!(hint.as_deref(), Some("fetch them"));
    assert_eq!(inputs, &[("value".to_string(), "1.0".to_string())]);
    assert_eq!(report.failed[0].message, "no weights");
    let skipped: Vec<_> = report.skipped.iter().map(|skipped| (&*skipped.node, &*skipped.because)).collect();
    assert_eq!(skipped, [("after", "bad"), ("last", "bad"), ("lost", "bad")]);
}

#[test]
fn a_result_that_cannot_be_converted_is_a_failure_that_names_it() {
    // Only what is handed through an included workflow is converted on the way out.
    let passing =
        |kind: &str| format!(r#"Workflow(inputs: {{ "x": {kind}() }}, nodes: {{}}, outputs: {{ "x": Input("x") }})"#);
    let text = format!(
        r#"Workflow(version: 1, workflows: {{ "cook": {}, "burn": {} }}, nodes: {{
            "crop": Harvest(),
            "cooked": Include(workflow: "cook", with: (x: From("crop"))),
            "burnt": Include(workflow: "burn", with: (x: From("crop"))),
        }}, outputs: {{ "raw": From("crop"), "meal": From("cooked.x"), "coal": From("burnt.x") }})"#,
        passing("Cooked"),
        passing("Burnt")
    );
    let plan = plan(&Source::new("test.ron", text), &Settings::default());
    let (report, events) = run_with(plan, Services::default(), CancelToken::new());
    assert_eq!((report.outcome, names(&report.finished)), (Outcome::Failed, vec!["crop"]));
    assert_eq!(report.results.keys().collect::<Vec<_>>(), ["raw"], "the others are not hidden by the failures");
    let failed: Vec<_> = report.failed.iter().map(|failure| (&*failure.node, failure.message.as_str())).collect();
    let expected = [
        ("outputs.meal", "the result `meal` cannot be given: the oven is cold"),
        ("outputs.coal", "the result `coal` cannot be given: converting it panicked: fire"),
    ];
    assert_eq!(failed, expected);
    assert_eq!(report.failed[0].hint.as_deref(), Some("heat it"));
    let words = told(&events);
    assert_eq!(words[words.len() - 3..], ["fail outputs.meal", "fail outputs.coal", "Failed 1 2 0"]);
}

#[test]
fn a_map_in_which_an_element_failed_fails_and_names_it() {
    let text = r#"Workflow(version: 1,
        workflows: { "body": Workflow(inputs: { "x": Float() }, nodes: { "bad": Fail(value: Input("x")) },
            outputs: { "x": From("bad") }) },
        nodes: { "all": Map(workflow: "body", over: ["x"], with: (x: [1.0])), "after": Map(workflow: "body",
            over: ["x"], with: (x: From("all.x"))) })"#;
    let plan = plan(&Source::new("test.ron", text), &Settings::default());
    let (report, events) = run_with(plan, Services::default(), CancelToken::new());
    let expected = [
        "run 2",
        "all expands into 1",
        "start all",
        "start all[0]/bad",
        "fail all[0]/bad",
        "fail all",
        "skip after because all",
        "Failed 0 2 1",
    ];
    assert_eq!(told(&events), expected);
    assert_eq!(
        (&*report.failed[1].node, report.failed[1].message.as_str()),
        ("all", "`all[0]/bad` in it failed: no weights")
    );
}

#[test]
fn a_panic_is_a_failure() {
    let (report, _) = run(r#""bad": Panic(value: 7), "good": Constant(value: 1)"#);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.failed[0].message, "it panicked: the number 7 is cursed");
    assert_eq!(report.failed[0].inputs, [("value".to_string(), "7.0".to_string())]);
    assert_eq!(names(&report.finished), ["good"]);
}

#[test]
fn wrong_outputs_are_blamed_on_the_node_type() {
    for (node_type, words) in [
        ("GivesNothing", "no output `value`"),
        ("GivesMore", "an output `extra`, which it does not have"),
        ("GivesOther", "its output `value` is Integer instead of Float"),
    ] {
        let (report, _) = run(&format!("\"a\": {node_type}(value: 1)"));
        let message = &report.failed[0].message;
        assert!(message.contains(words) && message.contains(&format!("`{node_type}` is buggy")), "{message}");
    }
}

#[test]
fn what_comes_by_wire_is_checked_when_it_comes() {
    let (report, _) = run(
        r#""n": Whole(value: 0), "w": Word(text: "god"), "a": Sample(steps: From("n")), "b": Sample(mode: From("w"))"#,
    );
    let failure = |node: &str| report.failed.iter().find(|failure| &*failure.node == node).expect("it failed");
    assert_eq!(failure("a").message, "input `steps` is 0, but should be 1 to 1000");
    assert_eq!(failure("b").message, "input `mode` is \"god\", which is none of its choices");
    assert_eq!(failure("b").hint.as_deref(), Some("did you mean `good`? there are: `fast`, `good`"));
}

#[test]
fn a_missing_service_is_named() {
    let (report, _) = run(r#""a": Count"#);
    assert!(report.failed[0].message.contains("Census"), "{}", report.failed[0].message);
}

#[test]
fn cancelling_before_anything_runs_nothing() {
    let cancel = CancelToken::new();
    cancel.cancel();
    let (report, events) =
        run_with(plan(&workflow(r#""a": Nothing"#), &Settings::default()), Services::default(), cancel);
    assert_eq!(told(&events), ["run 1", "Cancelled 0 0 1"]);
    assert_eq!(names(&report.cancelled), ["a"]);
}

#[test]
fn cancelling_ends_the_running_node() {
    let (report, events) =
        run_cancelling(r#""a": Constant(value: 1), "b": Cancels(value: From("a")), "c": Constant(value: From("b"))"#);
    assert_eq!(told(&events), ["run 3", "start a", "finish a", "start b", "b 1/2", "b 2/2", "Cancelled 1 0 2"]);
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!((names(&report.finished), names(&report.cancelled)), (vec!["a"], vec!["b", "c"]));
}

#[test]
fn cancelling_between_nodes_stops_the_next() {
    let (report, _) = run_cancelling(r#""a": CancelsLate(value: 1), "b": Constant(value: From("a"))"#);
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(names(&report.finished), ["a"]);
}

#[test]
fn cancelling_after_the_last_node_comes_too_late() {
    let (report, _) = run_cancelling(r#""a": Constant(value: 1), "b": CancelsLate(value: From("a"))"#);
    assert_eq!(report.outcome, Outcome::Completed);
}

#[test]
fn cancelling_another_run_does_nothing() {
    let other = CancelToken::new();
    other.cancel();
    let (report, _) = run(r#""a": Nothing"#);
    assert_eq!(report.outcome, Outcome::Completed);
}

fn run_counting(nodes: &str) -> (easel_engine::RunReport, Census) {
    let census = Census::default();
    let services = Services::default().with(census.clone());
    let plan = plan(&workflow(nodes), &Settings::default());
    (run_with(plan, services, CancelToken::new()).0, census)
}

#[test]
fn values_are_dropped_after_their_last_use() {
    let mut nodes = "\"n0\": Count".to_string();
    for node in 1..10 {
        nodes.push_str(&format!(", \"n{node}\": Recount(value: From(\"n{}\"))", node - 1));
    }
    let (report, census) = run_counting(&nodes);
    assert_eq!(census.most(), 2);
    assert_eq!(census.alive(), 1, "what the target gave is kept");
    drop(report);
    assert_eq!(census.alive(), 0);
    let (report, census) = run_counting(&format!("{nodes}, \"d\": Discard(value: From(\"n9\"))"));
    assert_eq!(report.outcome, Outcome::Completed);
    assert_eq!((census.most(), census.alive()), (2, 0));
}

#[test]
fn failures_do_not_keep_values() {
    let (report, census) = run_counting(
        r#""a": Count, "x": FailCounted(value: From("a")), "y": Discard(value: From("x")), "z": Recount(value: From("x")),
           "b": Count, "c": Discard(value: From("b")), "d": Discard(value: From("a"))"#,
    );
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(census.alive(), 0, "while the report is still there");
    drop(report);
}

#[test]
fn notes_travel_along_wires_only() {
    let (report, _) = run(
        r#""a": Note, "b": Note(after: From("a")), "w": Word(text: From("b")), "c": Note(after: From("w")), "x": Note"#,
    );
    let notes = |node: &str| report.outputs[node].get("notes").and_then(|notes| notes.get::<String>()).cloned();
    assert_eq!(notes("c").as_deref(), Some("a.saw b.saw"));
    assert_eq!(notes("x").as_deref(), Some(""));
}

#[test]
fn the_recipe_has_the_document_and_the_inputs() {
    use easel_engine::{Context, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Plan, Registry, kinds};
    struct Recipe;
    impl Node for Recipe {
        fn spec(&self) -> NodeSpec {
            NodeSpec::new("Recipe", "").output(OutputSpec::new("text", kinds::TEXT, ""))
        }
        fn run(&self, _: &Inputs, context: &mut Context<'_>) -> NodeResult {
            context.note("k", "v");
            let recipe = context.provenance();
            let text = format!("{}|{:?}|{:?}", recipe.workflow.len(), recipe.inputs, recipe.notes);
            Ok(Outputs::one("text", text))
        }
    }
    let mut registry = Registry::new();
    registry.register(Recipe).expect("sound");
    let source = workflow(r#""a": Recipe"#);
    let settings = Settings { set: vec![("prompt".into(), "a \"b\"".into())], ..Settings::default() };
    let (plan, _) = Plan::prepare(&source, &registry, &settings).expect("a plan");
    let (report, _) = run_with(plan, Services::default(), CancelToken::new());
    let text = report.outputs["a"].get("text").and_then(|text| text.get::<String>()).cloned().unwrap_or_default();
    let inputs = r#"{"prompt": "\"a \\\"b\\\"\"", "scale": "2.0", "seed": "3"}"#;
    assert_eq!(text, format!("{}|{inputs}|{{(\"a\", \"k\"): \"v\"}}", source.text.len()));
}

#[test]
fn listeners_hear_all_and_hold_nobody_up() {
    let mut events = EventSink::new();
    let (first, second, gone) = (events.listen(), events.listen(), events.listen());
    drop(gone);
    let plan = plan(&workflow(r#""a": Nothing"#), &Settings::default());
    let run = Run::new(plan.clone(), Services::default(), events, CancelToken::new());
    let id = run.id();
    assert_ne!(id, Run::new(plan, Services::default(), EventSink::new(), CancelToken::new()).id());
    let report = std::thread::spawn(move || run.execute()).join().expect("it does not panic");
    assert_eq!(report.run, id);
    let (first, second): (Vec<_>, Vec<_>) = (first.iter().collect(), second.iter().collect());
    assert_eq!(first, second);
    assert_eq!(first.len(), 4);
}

#[test]
fn the_same_plan_can_run_again() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let plan = plan(&workflow(r#""bad": Panic(value: 1), "a": Constant(value: 1)"#), &Settings::default());
    shared(&plan);
    for _ in 0..2 {
        let (report, _) = run_with(plan.clone(), Services::default(), CancelToken::new());
        assert_eq!((report.finished.len(), report.failed.len()), (1, 1));
    }
}
