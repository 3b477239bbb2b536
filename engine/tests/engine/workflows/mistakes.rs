//! What is wrong with workflows in workflows, and how that is told.

use easel_engine::{Plan, Settings, Severity, Texts};

use super::{DRAW, expect, found, nodes, plan, prepare, prepare_with, registry, source};

#[test]
fn lists_that_do_not_fit() {
    expect(r#"nodes: { "a": Average(values: [1, "x"]) }"#, &[], &[("invalid-value", "\"x\"", "one kind")]);
    expect(
        r#"nodes: { "w": Word(text: ["a", From("w2")]), "w2": Word(text: "a") }"#,
        &[],
        &[("kind-mismatch", r#"["a", From("w2")]"#, "is a list")],
    );
    expect(
        r#"nodes: { "w": Word(text: [From("v")]), "v": Word(text: "a") }"#,
        &[],
        &[("kind-mismatch", r#"[From("v")]"#, "without brackets")],
    );
    expect(
        r#"nodes: { "a": Average(values: [From("w"), 1.0]), "w": Word(text: "a") }"#,
        &[],
        &[("kind-mismatch", "From(\"w\")", "Text")],
    );
    expect(
        r#"inputs: { "x": FloatList(default: []) }, nodes: { "a": Average(values: [Input("x")]), "b": Average(values: [1.0, Input("x")]) }"#,
        &[],
        &[
            ("kind-mismatch", "Input(\"x\")", "write it without brackets"),
            ("kind-mismatch", "Input(\"x\")", "not taken apart"),
        ],
    );
    expect(
        r#"nodes: { "a": Average(values: [From("nobody"), Input("none")]) }"#,
        &[],
        &[("unknown-node", "From(\"nobody\")", ""), ("unknown-input", "Input(\"none\")", "")],
    );
    expect(r#"nodes: { "a": Whole(value: []) }"#, &[], &[("kind-mismatch", "[]", "Integer")]);
    expect(
        r#"nodes: { "a": Average(values: ["x"]), "b": Average(values: []) }"#,
        &[],
        &[("kind-mismatch", "[\"x\"]", "FloatList")],
    );
}

#[test]
fn workflows_that_cannot_be_found() {
    expect(
        r#"workflows: { "draw": Workflow(nodes: { "a": Constant(value: 1) }) }, nodes: { "a": Include(workflow: "drow") }"#,
        &[],
        &[("unknown-workflow", "\"drow\"", "did you mean `draw`?")],
    );
    expect(r#"nodes: { "a": Include(workflow: "none") }"#, &[], &[("unknown-workflow", "\"none\"", "ends in `.ron`")]);
    expect(
        r#"nodes: { "a": Include(workflow: "none.ron") }"#,
        &[],
        &[("unreadable-file", "\"none.ron\"", "cannot read")],
    );
    let Err(errors) = Plan::prepare_with(
        &source(r#"nodes: { "a": Include(workflow: "w.ron") }"#),
        &registry(),
        &Settings::default(),
        &Texts::new([("flows/w.ron", "[1, 2]")]),
    ) else {
        panic!("it is no workflow")
    };
    assert_eq!((errors[0].code, errors[0].source.is_none()), ("no-workflow", true), "{errors:?}");
}

#[test]
fn errors_of_all_files_come_at_once_with_their_own_text() {
    let files = [
        ("flows/a.ron", r#"nodes: { "x": Constnt(value: 1), "b": Include(workflow: "b.ron") }"#),
        ("flows/b.ron", r#"nodes: { "y": Whole(value: "7") "z" }"#),
    ];
    let body = r#"nodes: { "a": Include(workflow: "a.ron"), "b": Include(workflow: "a.ron"), "c": Whole(value: 2.5) }"#;
    let Err(errors) = prepare(body, &files) else { panic!("it is wrong") };
    let told: Vec<_> =
        errors.iter().map(|error| (error.code, error.source.as_ref().map(|source| source.name.as_str()))).collect();
    assert_eq!(
        told,
        [
            ("kind-mismatch", None),
            ("unknown-node-type", Some("flows/a.ron")),
            ("kind-mismatch", Some("flows/b.ron")),
            ("syntax", Some("flows/b.ron")),
        ]
    );
}

#[test]
fn what_is_handed_in_is_checked() {
    let files = [("flows/draw.ron", DRAW)];
    let with = |with: &str| format!(r#"nodes: {{ "a": Include(workflow: "draw.ron", with: {with}) }}"#);
    expect(&with("(steps: 1)"), &files, &[]);
    expect(&with("()"), &files, &[("missing-input", "Include", "add to `with`: `steps: 1`")]);
    expect(&with("(steps: 1, scal: 2)"), &files, &[("unknown-node-input", "scal", "did you mean `scale`?")]);
    expect(&with("(steps: 2.5)"), &files, &[("kind-mismatch", "2.5", "no decimal point")]);
    expect(&with("(steps: 1, scale: -1)"), &files, &[("out-of-range", "-1", "at least 0")]);
    expect(&with("(steps: 1, scale: 1, steps: 2)"), &files, &[("duplicate-field", "steps", "")]);
    expect(&with("[1]"), &files, &[("missing-input", "Include", ""), ("invalid-value", "[1]", "a group")]);
    expect(&with("(steps: 5000)"), &files, &[("out-of-range", "Input(\"steps\")", "`a/steps`, as it is given here")]);
    expect(
        r#"nodes: { "a": Include(workflow: "draw.ron", steps: 1) }"#,
        &files,
        &[("unknown-field", "steps", "with: (steps: …)")],
    );
    expect(r#"nodes: { "a": Include() }"#, &[], &[("missing-field", "Include", "workflow:")]);
    expect(
        r#"nodes: { "a": Include(workflow: "draw.ron", with: (steps: 1)), "b": Constant(value: From("a.valeu")), "c": Constant(value: From("a")) }"#,
        &files,
        &[
            ("unknown-output", "From(\"a.valeu\")", "`value`"),
            ("ambiguous-output", "From(\"a\")", "`a.value`, `a.scale`"),
        ],
    );
    expect(
        r#"nodes: { "a": Include(workflow: "draw.ron", with: (steps: 1)), "b": Word(text: From("a.value")) }"#,
        &files,
        &[("kind-mismatch", "From(\"a.value\")", "gives Float")],
    );
}

#[test]
fn maps_that_are_wrong() {
    let files = [("flows/draw.ron", DRAW)];
    let map = |fields: &str| {
        format!(
            r#"inputs: {{ "n": Integer(default: 1), "ns": IntegerList(default: [1, 2]) }}, nodes: {{ "a": Map(workflow: "draw.ron", {fields}) }}"#
        )
    };
    expect(&map(r#"over: ["steps"], with: (steps: [1, 2])"#), &files, &[]);
    expect(&map(r#"over: ["steps"], with: (steps: Input("ns"))"#), &files, &[]);
    expect(&map(r#"over: ["scale", "steps"], with: (steps: Input("ns"), scale: Input("ns"))"#), &files, &[]);
    expect(&map(r#"over: ["steps"], with: (steps: [Input("n"), 3])"#), &files, &[]);
    expect(
        &map(r#"over: ["steps"], with: (steps: 1)"#),
        &files,
        &[("kind-mismatch", "1", "an element of IntegerList")],
    );
    expect(
        &map(r#"over: ["steps"], with: (steps: Input("n"))"#),
        &files,
        &[("kind-mismatch", "Input(\"n\")", "takes IntegerList")],
    );
    expect(
        &map(r#"over: ["step"], with: (steps: [1])"#),
        &files,
        &[("unknown-node-input", "\"step\"", "`steps`"), ("kind-mismatch", "[1]", "")],
    );
    expect(&map(r#"over: [], with: (steps: 1)"#), &files, &[("invalid-value", "[]", "name the inputs")]);
    expect(&map(r#"with: (steps: 1)"#), &files, &[("missing-field", "Map", "over: [")]);
    expect(&map(r#"over: ["scale"], with: (steps: 1)"#), &files, &[("missing-input", "Map", "scale")]);
    expect(
        &map(r#"over: ["steps"], ragged: "shortst", with: (steps: [1])"#),
        &files,
        &[("not-a-choice", "\"shortst\"", "did you mean `shortest`?")],
    );
    expect(&map(r#"over: ["scale"], with: (scale: [1]), index: "steps""#), &files, &[]);
    expect(
        &map(r#"over: ["steps"], with: (steps: [1]), index: "scale""#),
        &files,
        &[("kind-mismatch", "\"scale\"", "Integer")],
    );
    expect(
        &map(r#"over: ["scale"], with: (scale: [1], steps: 1), index: "steps""#),
        &files,
        &[("invalid-value", "steps", "`with`")],
    );
    expect(&map(r#"over: ["steps"], with: (steps: [1, -2])"#), &files, &[]);
    expect(
        &map(r#"over: ["scale"], with: (scale: [1, -2], steps: 1)"#),
        &files,
        &[("out-of-range", "[1, -2]", "at least 0")],
    );
    let used = format!(
        "{}, {}",
        map(r#"over: ["steps"], with: (steps: [1, 2])"#).trim_end_matches('}').trim_end(),
        r#""b": Average(values: From("a.value")), "c": Constant(value: From("a.scale")) }"#
    );
    expect(&used, &files, &[("kind-mismatch", "From(\"a.scale\")", "gives FloatList")]);
}

#[test]
fn loops_that_are_wrong() {
    let step = r#"inputs: { "x": Float(), "i": Integer(default: 0), "t": Text(default: "") },
        nodes: { "add": Add(a: Input("x"), b: Input("i")), "w": Word(text: Input("t")), "s": Sample(fast: true) },
        outputs: { "x": From("add"), "word": From("w"), "go": true }"#;
    let files = [("flows/step.ron", step)];
    let turn = |fields: &str| format!(r#"nodes: {{ "a": Loop(workflow: "step.ron", {fields}) }}"#);
    expect(&turn(r#"times: 3, carry: ["x"], with: (x: 1), index: "i", while: "go", collect: ["word"]"#), &files, &[]);
    expect(&turn(r#"times: 3, carry: {"x": "x", "t": "word"}, with: (x: 1)"#), &files, &[]);
    expect(&turn(r#"carry: ["x"], with: (x: 1)"#), &files, &[("missing-field", "Loop", "times: 3")]);
    expect(&turn(r#"times: 100001, carry: ["x"], with: (x: 1)"#), &files, &[("out-of-range", "100001", "0 to 100000")]);
    expect(&turn(r#"times: 2.5, carry: ["x"], with: (x: 1)"#), &files, &[("kind-mismatch", "2.5", "no decimal point")]);
    expect(&turn(r#"times: 3, carry: ["x"]"#), &files, &[("missing-input", "Loop", "`x`")]);
    expect(
        &turn(r#"times: 3, carry: {"x": "word"}, with: (x: 1)"#),
        &files,
        &[("kind-mismatch", "\"word\"", "one kind")],
    );
    expect(
        &turn(r#"times: 3, carry: {"y": "x"}, with: (x: 1)"#),
        &files,
        &[("unknown-node-input", "\"y\"", "`x`, `i`, `t`")],
    );
    expect(
        &turn(r#"times: 3, carry: {"x": "y"}, with: (x: 1)"#),
        &files,
        &[("unknown-output", "\"y\"", "`x`, `word`, `go`")],
    );
    expect(
        &turn(r#"times: 3, with: (x: 1), while: "word""#),
        &files,
        &[("kind-mismatch", "\"word\"", "name an output that is true")],
    );
    expect(&turn(r#"times: 3, with: (x: 1), collect: ["wrd"]"#), &files, &[("unknown-output", "\"wrd\"", "`word`")]);
    expect(
        &turn(r#"times: 3, carry: {"i": "x"}, index: "i", with: (x: 1)"#),
        &files,
        &[("invalid-value", "\"i\"", "`carry`"), ("kind-mismatch", "\"x\"", "")],
    );
    expect(&turn(r#"times: 3, over: ["x"], with: (x: 1)"#), &files, &[("unknown-field", "over", "")]);
}

#[test]
fn workflows_that_include_themselves() {
    let files = [
        ("flows/a.ron", r#"nodes: { "b": Include(workflow: "b.ron") }"#),
        ("flows/b.ron", r#"nodes: { "a": Include(workflow: "a.ron") }"#),
        ("flows/main.ron", r#"nodes: { }"#),
    ];
    expect(
        r#"nodes: { "x": Include(workflow: "a.ron") }"#,
        &files,
        &[("workflow-cycle", "\"a.ron\"", "`a.ron` → `b.ron` → `a.ron`")],
    );
    expect(
        r#"nodes: { "x": Include(workflow: "main.ron") }"#,
        &files,
        &[("workflow-cycle", "\"main.ron\"", "`main.ron` → `main.ron`")],
    );
    expect(
        r#"workflows: { "w": Workflow(nodes: { "x": Map(workflow: "w", over: []) }) }, nodes: { "x": Include(workflow: "w") }"#,
        &[],
        &[("workflow-cycle", "\"w\"", "use `Loop`"), ("invalid-value", "[]", "")],
    );
}

/// `count` workflows, each of which includes the next.
fn nested(count: usize) -> String {
    let mut workflows = String::new();
    for index in 0..count {
        let node = if index + 1 < count {
            format!(r#""n": Include(workflow: "w{}")"#, index + 1)
        } else {
            r#""n": Constant(value: 1)"#.to_string()
        };
        let output = if index + 1 < count { "n.v" } else { "n.value" };
        workflows
            .push_str(&format!(r#""w{index}": Workflow(nodes: {{ {node} }}, outputs: {{ "v": From("{output}") }}), "#));
    }
    format!(
        r#"workflows: {{ {workflows} }}, nodes: {{ "n": Include(workflow: "w0") }}, outputs: {{ "v": From("n.v") }}"#
    )
}

#[test]
fn nesting_is_bounded() {
    let plan = plan(&nested(63), &[]);
    assert_eq!(plan.nodes().len(), 1);
    let errors = found(&nested(80), &[]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].0, "too-deep");
}

#[test]
fn what_grows_too_fast_is_refused() {
    let mut workflows = r#""w0": Workflow(nodes: { "a": Constant(value: 1), "b": Constant(value: 1) }), "#.to_string();
    for index in 1..40 {
        let before = index - 1;
        workflows.push_str(&format!(
            r#""w{index}": Workflow(nodes: {{ "a": Include(workflow: "w{before}"), "b": Include(workflow: "w{before}") }}), "#
        ));
    }
    let errors = found(&format!(r#"workflows: {{ {workflows} }}, nodes: {{ "n": Include(workflow: "w39") }}"#), &[]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, "too-large");
}

#[test]
fn inputs_may_be_of_any_kind_that_is_known() {
    let encode = r#"inputs: { "tokens": Tokens(about: "words") }, nodes: { "e": ClipTextEncoder(tokens: Input("tokens")) },
        outputs: { "e": From("e") }"#;
    let files = [("flows/encode.ron", encode)];
    let body = r#"nodes: { "t": Tokenizer(text: "a"), "i": Include(workflow: "encode.ron", with: (tokens: From("t"))), "p": Prior(text: From("i")) }"#;
    assert_eq!(nodes(&plan(body, &files)), ["t Tokenizer", "i/e ClipTextEncoder", "p Prior"]);
    let Err(errors) = prepare(encode, &[]) else { panic!("nobody gives it tokens") };
    assert_eq!(errors[0].code, "missing-setting");
    assert!(errors[0].hint.as_deref().is_some_and(|hint| hint.contains("include this workflow")), "{errors:?}");
    let settings = Settings { set: vec![("tokens".into(), "a".into())], ..Settings::default() };
    let Err(errors) = prepare_with(encode, &[], &settings) else { panic!("they cannot be written") };
    assert_eq!(errors[0].code, "invalid-setting");
    expect(
        r#"inputs: { "a": Txt() }, nodes: { "w": Word(text: Input("a")) }"#,
        &[],
        &[("unknown-kind", "Txt", "`Text`")],
    );
    expect(
        r#"inputs: { "a": Tokens(default: 1) }, nodes: { "w": ClipTextEncoder(tokens: Input("a")) }"#,
        &[],
        &[("missing-setting", "Tokens(default: 1)", ""), ("unknown-field", "default", "about")],
    );
    expect(
        r#"inputs: { "a": TokensList() }, nodes: { "w": ClipTextEncoder(tokens: Input("a")) }"#,
        &[],
        &[("kind-mismatch", "Input(\"a\")", "TokensList")],
    );
    expect(
        r#"inputs: { "a": IntegerListList(default: [[1], []]) }, nodes: { "w": Average(values: Input("a")) }"#,
        &[],
        &[("kind-mismatch", "Input(\"a\")", "IntegerListList")],
    );
}

#[test]
fn options_that_are_wrong() {
    let node = |options: &str| format!(r#"nodes: {{ "a": Constant(value: 1, options: {options}) }}"#);
    expect(&node(r#"(timeout: 60.0, retry: 2, cache: false, device: "cpu")"#), &[], &[]);
    expect(&node(r#"{ "timeout": 60 }"#), &[], &[]);
    expect(&node("(timout: 1)"), &[], &[("unknown-option", "timout", "did you mean `timeout`?")]);
    expect(&node("(timeout: 0)"), &[], &[("out-of-range", "0", "above 0")]);
    expect(&node("(timeout: NaN)"), &[], &[("out-of-range", "NaN", "above 0")]);
    expect(&node("(timeout: \"1\")"), &[], &[("invalid-value", "\"1\"", "seconds")]);
    expect(&node("(retry: -1)"), &[], &[("out-of-range", "-1", "0 to 100")]);
    expect(&node("(retry: 1.5)"), &[], &[("invalid-value", "1.5", "integer")]);
    expect(&node("(cache: 0)"), &[], &[("invalid-value", "0", "true or false")]);
    expect(&node("(device: \"\")"), &[], &[("invalid-option", "\"\"", "cpu")]);
    expect(&node("(mute: true, bypass: true)"), &[], &[("invalid-option", "bypass", "")]);
    expect(&node("(cache: true, cache: true)"), &[], &[("duplicate-field", "cache", "")]);
    expect(&node("7"), &[], &[("invalid-value", "7", "a group")]);
}

#[test]
fn what_is_wrong_spoils_its_own_cone_only() {
    let settings = Settings { keep_going: true, ..Settings::default() };
    let body = r#"nodes: { "a": Constnt(value: 1), "b": Save(value: From("a")), "c": Constant(value: 2), "d": Save(value: From("c")),
        "e": Even(value: 3), "f": Save(value: From("e")), "x": Include(workflow: "none.ron"), "y": Save(value: From("x.value")),
        "p": Constant(value: From("q")), "q": Constant(value: From("p")), "r": Save(value: From("q")),
        "i": Include(workflow: "half.ron"), "g": Save(value: From("i.good")), "h": Save(value: From("i.bad")) }"#;
    let half = r#"nodes: { "good": Constant(value: 1), "bad": Constant(valu: 1, value: 2) }, outputs: { "good": From("good"), "bad": From("bad") }"#;
    let (plan, errors) = prepare_with(body, &[("flows/half.ron", half)], &settings).expect("something is sound");
    assert_eq!(nodes(&plan), ["c Constant", "d Save", "i/good Constant", "g Save"]);
    let codes: Vec<_> =
        errors.iter().filter(|error| error.severity == Severity::Error).map(|error| error.code).collect();
    assert_eq!(codes, ["unknown-node-type", "invalid-input", "unreadable-file", "cycle", "unknown-node-input"]);
    assert!(prepare(body, &[("flows/half.ron", half)]).is_err());
    let Err(errors) = prepare_with(r#"nodes: { "a": Constnt(value: 1) }"#, &[], &settings) else {
        panic!("nothing is sound")
    };
    assert_eq!(errors.len(), 1);
    assert!(prepare_with(r#"nodes: { "a": Constant(value: 1), "b" }"#, &[], &settings).is_err(), "syntax");
    assert!(
        prepare_with(
            r#"nodes: { "a": Constant(value: 1) }"#,
            &[],
            &Settings { set: vec![("x".into(), "1".into())], ..settings.clone() }
        )
        .is_err()
    );
    let body = r#"inputs: { "n": Integer() }, nodes: { "a": Whole(value: Input("n")), "b": Whole(value: 1) }"#;
    let (plan, errors) = prepare_with(body, &[], &settings).expect("one is sound");
    assert_eq!((nodes(&plan), errors[0].code), (vec!["b Whole".to_string()], "missing-setting"));
}

#[test]
fn a_broken_body_breaks_its_map_only() {
    let settings = Settings { keep_going: true, ..Settings::default() };
    let body = r#"nodes: { "m": Map(workflow: "w.ron", over: ["x"], with: (x: [1.0])), "s": Average(values: From("m.v")), "t": Constant(value: 1) }"#;
    let bad = r#"inputs: { "x": Float() }, nodes: { "e": Even(value: 3), "u": Unheard(a: 1), "c": Add(a: Input("x"), b: From("e")) }, outputs: { "v": From("c") }"#;
    let (plan, errors) = prepare_with(body, &[("flows/w.ron", bad)], &settings).expect("one is sound");
    assert_eq!(nodes(&plan), ["t Constant"]);
    assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), ["invalid-input", "unknown-node-type"]);
    let chosen = Settings { targets: Some(vec!["m".into()]), ..Settings::default() };
    let aside = r#"inputs: { "x": Float() }, nodes: { "e": Even(value: 3), "c": Add(a: Input("x"), b: 1) }, outputs: { "v": From("c") }"#;
    let (_, warnings) = prepare_with(body, &[("flows/w.ron", aside)], &chosen).expect("what is wrong is not needed");
    assert_eq!(
        warnings.iter().map(|warning| (warning.code, warning.severity)).collect::<Vec<_>>(),
        [("invalid-input", Severity::Warning)]
    );
}

#[test]
fn values_that_are_fixed_are_checked_inside_of_maps() {
    let files = [("flows/draw.ron", DRAW)];
    let body = r#"nodes: { "a": Map(workflow: "draw.ron", over: ["scale"], with: (scale: [1], steps: 5000)) }"#;
    expect(body, &files, &[("out-of-range", "Input(\"steps\")", "5000")]);
}

#[test]
fn lists_that_grow_too_fast_are_refused() {
    let mut kind = "Float".to_string();
    let mut workflows = String::new();
    for index in 0..30 {
        let next = format!("{kind}List");
        workflows.push_str(&format!(r#""w{index}": Workflow(inputs: {{ "x": {kind}() }}, nodes: {{ "s": Same(value: [Input("x"), Input("x")]) }}, outputs: {{ "x": [Input("x"), Input("x")] }}), "#));
        kind = next;
    }
    let mut nodes = r#""c": Constant(value: 1), "n0": Include(workflow: "w0", with: (x: From("c"))), "#.to_string();
    for index in 1..30 {
        nodes.push_str(&format!(r#""n{index}": Include(workflow: "w{index}", with: (x: From("n{}"))), "#, index - 1));
    }
    let body = format!(r#"workflows: {{ {workflows} }}, nodes: {{ {nodes} "end": Same(value: From("n29")) }}"#);
    let Err(errors) = prepare(&body, &[]) else { panic!("a thousand million feeds") };
    assert!(errors.iter().any(|error| error.message.contains("feeds")), "{errors:?}");
}
