//! Reading: every kind of mistake, with its place and what to do about it.

use std::collections::HashSet;

use easel_engine::{Document, Feed, Literal, Severity, Source, kinds};
use proptest::prelude::*;

fn parse(text: &str) -> (Document, Vec<(&'static str, String, String)>) {
    let source = Source::new("test.ron", text);
    let (document, diagnostics) = Document::parse(&source);
    let found = diagnostics.into_iter().map(|diagnostic| {
        assert_eq!(diagnostic.severity, Severity::Error);
        for label in &diagnostic.labels {
            assert!(text.get(label.span.clone()).is_some(), "{diagnostic:?} is outside");
        }
        let place = diagnostic.labels.first().map_or("", |label| source.slice(&label.span)).to_string();
        (diagnostic.code, place, diagnostic.hint.unwrap_or_default())
    });
    let found = found.collect();
    (document, found)
}

/// (code, place, words of the hint)
fn expect(text: &str, expected: &[(&str, &str, &str)]) {
    let (_, found) = parse(text);
    let codes: Vec<_> = found.iter().map(|(code, place, _)| (*code, place.as_str())).collect();
    let wanted: Vec<_> = expected.iter().map(|(code, place, _)| (*code, *place)).collect();
    assert_eq!(codes, wanted, "in {text}: {found:#?}");
    for ((_, _, hint), (_, _, words)) in found.iter().zip(expected) {
        assert!(hint.contains(words), "{hint:?} lacks {words:?} in {text}");
    }
}

#[test]
fn a_sound_document_keeps_every_place() {
    let text = r##"
        // A comment.
        Workflow(
            version: 1,
            about: "Draws /* not a comment */.",
            inputs: {
                "prompt": Text(default: "a \"rocket\" 🚀\n", about: "what", choices: ["a \"rocket\" 🚀\n", "b"]),
                "seed": Integer(default: 0, min: 0, max: 10),
                "scale": Float(default: 2, min: -1.5),
                "flag": Boolean(),
                "words": TextList(default: []),
            },
            nodes: {
                "to-kens_1": Tokenizer /* odd */ (text: Input("prompt"), model: r#"raw "text""#),
                "b": Prior(text: From("to-kens_1"), x: From("a.b"), f: -2.5e-3, i: 0x_ff, t: true, l: ["a", "b",]),
                "c": Bare, "d": Bare(),
            },
        )"##;
    let text = text.replace("0x_ff", "0xff");
    let (document, found) = parse(&text);
    assert_eq!(found, []);
    assert_eq!(document.version().map(|version| version.value), Some(1));
    assert_eq!(document.about().map(|about| about.value.as_str()), Some("Draws /* not a comment */."));
    let prompt = document.input("prompt").expect("declared");
    let rocket = Literal::Text("a \"rocket\" 🚀\n".into());
    assert_eq!(prompt.default.as_ref().map(|default| &default.value), Some(&rocket));
    assert_eq!(
        document.input("scale").and_then(|input| input.default.clone()).map(|d| d.value),
        Some(Literal::Float(2.0))
    );
    assert_eq!(document.input("scale").and_then(|input| input.range.clone()), Some(-1.5..=f64::INFINITY));
    assert_eq!(
        document.input("flag").map(|input| (input.kind, input.default.is_none())),
        Some((Some(kinds::BOOLEAN), true))
    );
    let names: Vec<_> = document.nodes().iter().map(|node| node.id.value.as_str()).collect();
    assert_eq!(names, ["to-kens_1", "b", "c", "d"]);
    let node = document.node("b").expect("written");
    let feeds: Vec<_> = node.inputs.iter().map(|input| input.value.value.clone()).collect();
    assert_eq!(
        feeds,
        [
            Feed::From { node: "to-kens_1".into(), socket: None },
            Feed::From { node: "a".into(), socket: Some("b".into()) },
            Feed::Literal(Literal::Float(-0.0025)),
            Feed::Literal(Literal::Integer(255)),
            Feed::Literal(Literal::Boolean(true)),
            Feed::Literal(Literal::texts(["a", "b"])),
        ]
    );
    let places: Vec<_> = node.inputs.iter().map(|input| document.source().slice(&input.value.span)).collect();
    assert_eq!(places, ["From(\"to-kens_1\")", "From(\"a.b\")", "-2.5e-3", "0xff", "true", "[\"a\", \"b\",]"]);
    let node = document.node("to-kens_1").expect("written");
    assert_eq!(
        document.source().slice(&node.span),
        r##"Tokenizer /* odd */ (text: Input("prompt"), model: r#"raw "text""#)"##
    );
    assert_eq!(node.inputs[1].value.value, Feed::Literal(Literal::Text("raw \"text\"".into())));
}

#[test]
fn byte_order_marks_and_line_ends_do_not_matter() {
    let text =
        "\u{feff}Workflow(\r\n    version: 1,\r\n    nodes: {\r\n \"a\": Word(text: \"\u{1}\u{7f}𝄞\r\n\") } )\r\n";
    let (document, found) = parse(text);
    assert_eq!(found, []);
    let value = &document.node("a").expect("written").inputs[0].value;
    assert_eq!(value.value, Feed::Literal(Literal::Text("\u{1}\u{7f}𝄞\r\n".into())));
    assert_eq!(&text[value.span.clone()], "\"\u{1}\u{7f}𝄞\r\n\"");
}

#[test]
fn what_is_no_workflow() {
    expect("", &[("syntax", "", "Workflow(")]);
    expect("// nothing\n", &[("syntax", "// nothing\n", "Workflow(")]);
    expect("[1, 2]", &[("no-workflow", "[1, 2]", "")]);
    expect("Wokflow(version: 1)", &[("no-workflow", "Wokflow", "Workflow(version")]);
    expect("Workflow(version: 1, nodes: {}) more", &[("syntax", "more", "")]);
    expect("Workflow(version: 2, nodse: 7)", &[("unsupported-version", "2", "newer")]);
    expect("Workflow(version: \"1\", nodes: {})", &[("invalid-value", "\"1\"", "")]);
    expect("Workflow(nodes: {})", &[("missing-field", "Workflow", "version: 1")]);
    expect("Workflow(version: 1)", &[("missing-field", "Workflow", "nodes: {")]);
    expect("Workflow(version: 1, ndoes: {}, nodes: {})", &[("unknown-field", "ndoes", "`nodes`")]);
    expect("Workflow(version: 1, version: 1, nodes: {})", &[("duplicate-field", "version", "remove")]);
}

#[test]
fn inputs_that_are_declared_wrong() {
    let inputs = |text: &str| format!("Workflow(version: 1, inputs: {{ {text} }}, nodes: {{}})");
    expect(&inputs(r#""a": Text(min: 1)"#), &[("unknown-field", "min", "`default`, `choices`, `about`")]);
    expect(&inputs(r#""a": Integer(defualt: 1)"#), &[("unknown-field", "defualt", "`default`")]);
    expect(&inputs(r#""a": Integer(default: 2.5)"#), &[("kind-mismatch", "2.5", "no decimal point")]);
    expect(&inputs(r#""a": Integer(default: "7")"#), &[("kind-mismatch", "\"7\"", "write 7 without quotes")]);
    expect(&inputs(r#""a": Text(default: 7)"#), &[("kind-mismatch", "7", "write \"7\"")]);
    expect(&inputs(r#""a": Integer(default: 11, max: 10)"#), &[("out-of-range", "11", "")]);
    expect(&inputs(r#""a": Float(default: NaN, min: 0)"#), &[("out-of-range", "NaN", "")]);
    expect(&inputs(r#""a": Float(default: inf, min: 0)"#), &[("out-of-range", "inf", "")]);
    expect(&inputs(r#""a": Float(min: 2, max: 1)"#), &[("empty-range", "2", "")]);
    expect(&inputs(r#""a": Text(default: "c", choices: ["aa", "cc"])"#), &[("not-a-choice", "\"c\"", "`aa`, `cc`")]);
    expect(&inputs(r#""a": Text(choices: [])"#), &[("invalid-value", "[]", "")]);
    expect(&inputs(r#""a": Text(), "a": Text()"#), &[("duplicate-input", "\"a\"", "another name")]);
    expect(&inputs(r#""a": 7"#), &[("invalid-value", "7", "")]);
    expect(&inputs(r#""": Text()"#), &[("invalid-name", "\"\"", "")]);
}

#[test]
fn nodes_that_are_written_wrong() {
    let nodes = |text: &str| format!("Workflow(version: 1, nodes: {{ {text} }})");
    expect(&nodes(r#""a": A(), "b": B(), "a": C()"#), &[("duplicate-node", "\"a\"", "another name")]);
    expect(&nodes(r#""a b": A()"#), &[("invalid-name", "\"a b\"", "letters")]);
    expect(&nodes(r#""": A()"#), &[("invalid-name", "\"\"", "letters")]);
    expect(&nodes(r#"a: A()"#), &[("invalid-name", "a", "\"a\"")]);
    expect(&nodes(r#""a": "A""#), &[("invalid-value", "\"A\"", "")]);
    expect(&nodes(r#""a": (x: 1)"#), &[("invalid-value", "(x: 1)", "")]);
    expect(&nodes(r#""a": A(x: 1, x: 2)"#), &[("duplicate-field", "x", "remove")]);
    expect(
        &nodes(r#""a": A(x From("b"), y 1, z "c")"#),
        &[("syntax", "x", ""), ("syntax", "y", ""), ("syntax", "z", "")],
    );
    expect(&nodes(r#""a": A(1)"#), &[("invalid-value", "1", "")]);
    expect(&nodes(r#""a": A(x: Form("b"))"#), &[("invalid-value", "Form(\"b\")", "`From`")]);
    expect(&nodes(r#""a": A(x: rocket)"#), &[("invalid-value", "rocket", "double quotes")]);
    expect(&nodes(r#""a": A(x: From("a", "b"))"#), &[("invalid-value", "From(\"a\", \"b\")", "From(\"node.socket\")")]);
    expect(&nodes(r#""a": A(x: Input(seed))"#), &[("invalid-value", "Input(seed)", "Input(\"seed\")")]);
    expect(
        &nodes(r#""a": A(x: {}, y: [1, "b"])"#),
        &[("invalid-value", "{}", ""), ("invalid-value", "\"b\"", "one kind")],
    );
    expect("Workflow(version: 1, nodes: [])", &[("invalid-value", "[]", "")]);
}

#[test]
fn both_places_of_a_duplicate_are_shown() {
    let source = Source::new("t", r#"Workflow(version: 1, nodes: { "a": A(), "a": B() })"#);
    let (document, diagnostics) = Document::parse(&source);
    let starts: Vec<_> = diagnostics[0].labels.iter().map(|label| (label.span.start, label.text.as_str())).collect();
    assert_eq!(starts, [(40, "the second"), (30, "the first")]);
    assert_eq!(document.nodes().len(), 2, "the second is still checked");
}

#[test]
fn one_syntax_error_does_not_hide_the_next() {
    let text = "Workflow(
        version: 1,
        nodes: {
            \"a\": Foo(x: 1,
            \"b\": Bar(y 2, w: 'q'),
            \"c\": Baz(y: \"\\q\", z = 3),
            \"d\": Qux(a: 1 b: 2, c: , d: ]),
        },
        abuot: \"x\",
    )";
    expect(
        text,
        &[
            ("syntax", "(", ""),
            ("syntax", "y", ""),
            ("syntax", "'q'", "\"q\""),
            ("syntax", "\\q\"", ""),
            ("syntax", "=", ""),
            ("syntax", "b", ""),
            ("syntax", ",", ""),
            ("syntax", "]", ""),
            ("unknown-field", "abuot", "`about`"),
        ],
    );
    let (document, _) = parse(text);
    assert_eq!(document.nodes().len(), 4);
}

#[test]
fn brackets_that_are_not_closed() {
    expect("Workflow(version: 1, nodes: {", &[("syntax", "{", "")]);
    expect("Workflow(version: 1, nodes: { \"a\": A(x: [\"b\" }) ", &[("syntax", "(", ""), ("syntax", "[", "")]);
    expect("Workflow(version: 1, inputs: { \"a\": Text(), nodes: {} )", &[("syntax", "{", "")]);
    expect("Workflow(version: 1, nodes: {} ]", &[("syntax", "]", "")]);
    expect("Workflow(version: 1, nodes: { \"a\": A(x: \"never", &[("syntax", "\"", "close it")]);
    expect("Workflow(version: 1, /* nodes: {})", &[("syntax", "/*", "close it")]);
}

#[test]
fn numbers_that_do_not_fit() {
    let node = |value: &str| format!("Workflow(version: 1, nodes: {{ \"a\": A(x: {value}) }})");
    expect(&node("9223372036854775807"), &[]);
    expect(&node("9223372036854775808"), &[("syntax", "9223372036854775808", "")]);
    expect(&node("1.2.3"), &[("syntax", "1.2.3", "")]);
    expect(&node("Some(1)"), &[("invalid-value", "Some(1)", "")]);
    expect(&node("1e400"), &[]);
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for bracket in ["(", "[", "{", "A(x: ", "[(", "{1:"] {
        for prefix in ["", "Workflow(version: 1, nodes: { \"a\": A(x: "] {
            let (_, found) = parse(&format!("{prefix}{}", bracket.repeat(100_000)));
            assert!(found.iter().any(|(code, ..)| *code == "syntax"), "{bracket}");
            assert!(found.len() <= 60, "{bracket}: {}", found.len());
        }
    }
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    expect(
        &format!("Workflow(version: 1, nodes: {{ \"a\": A(x: {deep}), \"b\": B(y: z) }})"),
        &[("syntax", "[", ""), ("invalid-value", "z", "")],
    );
    let (_, found) = parse(&format!("Workflow({}", "/*".repeat(100_000)));
    assert_eq!(found.len(), 1);
}

/// Names with what feeds them.
type Named = Vec<(String, Feed)>;

/// A document that is made up, so that what it says is known.
fn made_up() -> impl Strategy<Value = (Named, Named)> {
    let name = "[a-z][a-z0-9_-]{0,8}";
    let scalar = prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(Literal::Integer),
        any::<f64>().prop_filter("a NaN equals nothing", |float| !float.is_nan()).prop_map(Literal::Float),
        any::<bool>().prop_map(Literal::Boolean),
    ];
    let list = prop::collection::vec(any::<String>(), 1..4).prop_map(Literal::texts);
    let numbers = prop::collection::vec(prop::collection::vec(any::<i64>().prop_map(Literal::Integer), 1..3), 1..3);
    let nested = numbers.prop_map(|lists| {
        let lists = lists.into_iter().map(|list| Literal::list(list).expect("integers"));
        Literal::list(lists.collect()).expect("lists of integers")
    });
    let one = prop_oneof![
        prop_oneof![scalar, list, nested].prop_map(Feed::Literal),
        any::<String>().prop_map(Feed::Input),
        (name, prop::option::of(name)).prop_map(|(node, socket)| Feed::From { node, socket }),
    ];
    let named = (name, one);
    (prop::collection::vec(named.clone(), 0..8), prop::collection::vec(named, 0..4))
}

fn written(feed: &Feed) -> String {
    match feed {
        Feed::Literal(literal) => literal.to_string(),
        Feed::Input(name) => format!("Input({name:?})"),
        Feed::From { node, socket: None } => format!("From({node:?})"),
        Feed::From { node, socket: Some(socket) } => format!("From(\"{node}.{socket}\")"),
        Feed::Value(_) | Feed::List(_) | Feed::Unreadable => unreachable!("none is made up"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_is_written_is_what_is_read((nodes, outputs) in made_up()) {
        let unique = |named: Named| {
            let mut seen = HashSet::new();
            named.into_iter().filter(|(name, _)| seen.insert(name.clone())).collect::<Named>()
        };
        let (nodes, outputs) = (unique(nodes), unique(outputs));
        let last = Feed::From { node: "first".into(), socket: None };
        let entries: String = nodes.iter().map(|(name, feed)| {
            let feed = written(feed);
            format!("{name:?}: A(x: {feed}, l: [{feed}, {}], options: (retry: 3)), ", written(&last))
        }).collect();
        let given: String = outputs.iter().map(|(name, feed)| format!("{name:?}: {}, ", written(feed))).collect();
        let inner = format!("nodes: {{ {entries} }}, outputs: {{ {given} }}");
        let text = format!("Workflow(version: 1, workflows: {{ \"w\": Workflow({inner}) }}, {inner})");
        let (document, found) = parse(&text);
        prop_assert_eq!(found, []);
        let local = document.workflow().workflows().next().expect("one is written");
        for workflow in [document.workflow(), &*local.workflow] {
            let read = workflow.nodes().iter().map(|node| (node.id.value.clone(), node.inputs[0].value.value.clone()));
            prop_assert_eq!(&read.collect::<Named>(), &nodes);
            for (node, (_, feed)) in workflow.nodes().iter().zip(&nodes) {
                let Feed::List(items) = &node.inputs[1].value.value else { panic!("a list of feeds") };
                prop_assert_eq!(&items[0].value, feed);
                prop_assert_eq!(&items[1].value, &last);
                prop_assert_eq!(node.options.as_ref().and_then(|options| options.retry), Some(3));
            }
            let read = workflow.outputs().map(|output| (output.name.value.clone(), output.value.value.clone()));
            prop_assert_eq!(&read.collect::<Named>(), &outputs);
        }
    }
}
