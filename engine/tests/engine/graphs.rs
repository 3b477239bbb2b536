//! Resolving: names, sockets, kinds, cycles.

use std::fmt::Write;
use std::time::Instant;

use easel_engine::{Document, Graph, Settings, Source, Wire};

use crate::stubs::{findings, plan, plan_findings, registry, run, workflow};

fn expect(nodes: &str, expected: &[(&str, &str, &str)]) {
    let found = findings(&workflow(nodes));
    let codes: Vec<_> = found.iter().map(|(code, place, _)| (*code, place.as_str())).collect();
    let wanted: Vec<_> = expected.iter().map(|(code, place, _)| (*code, *place)).collect();
    assert_eq!(codes, wanted, "in {nodes}: {found:#?}");
    for ((_, _, hint), (_, _, words)) in found.iter().zip(expected) {
        assert!(hint.contains(words), "{hint:?} lacks {words:?} in {nodes}");
    }
}

#[test]
fn names_that_do_not_exist() {
    expect(r#""a": Constnt(value: 1)"#, &[("unknown-node-type", "Constnt", "`Constant`")]);
    expect(r#""a": Constant(value: Input("sead"))"#, &[("unknown-input", "Input(\"sead\")", "`seed`")]);
    expect(r#""a": Constant(valeu: 1, value: 1)"#, &[("unknown-node-input", "valeu", "`value`")]);
    expect(r#""a": Nothing(x: 1)"#, &[("unknown-node-input", "x", "no inputs")]);
    expect(
        r#""abc": Constant(value: 1), "b": Constant(value: From("acb"))"#,
        &[("unknown-node", "From(\"acb\")", "`abc`")],
    );
    expect(r#""a": Constant(value: From("seed"))"#, &[("unknown-node", "From(\"seed\")", "Input(\"seed\")")]);
    expect(
        r#""a": Constant(value: 1), "b": Constant(value: Input("a"))"#,
        &[("unknown-input", "Input(\"a\")", "From(\"a\")")],
    );
    expect(
        r#""a": Split(value: 1), "b": Constant(value: From("a.rset"))"#,
        &[("unknown-output", "From(\"a.rset\")", "did you mean `rest`? it has: `whole`, `rest`")],
    );
    expect(
        r#""a": Split(value: 1), "b": Constant(value: From("a"))"#,
        &[("ambiguous-output", "From(\"a\")", "`a.whole`, `a.rest`")],
    );
    expect(r#""a": Nothing, "b": Constant(value: From("a"))"#, &[("unknown-output", "From(\"a\")", "")]);
}

#[test]
fn kinds_that_do_not_fit() {
    expect(
        r#""tokens": Tokenizer(text: "x"), "prior": Prior(text: From("tokens"))"#,
        &[("kind-mismatch", "From(\"tokens\")", "put a ClipTextEncoder between them")],
    );
    let found = workflow(r#""tokens": Tokenizer(text: "x"), "prior": Prior(text: From("tokens"))"#);
    let (document, _) = Document::parse(&found);
    let (_, diagnostics) = Graph::build(&document, &registry());
    assert_eq!(diagnostics[0].message, "`Prior.text` takes TextEncoding; `tokens.tokens` gives Tokens");
    expect(
        r#""a": Prior(text: "a rocket")"#,
        &[("kind-mismatch", "\"a rocket\"", "TextEncoding comes from `ClipTextEncoder`")],
    );
    expect(
        r#""t": Tokenizer(text: "x"), "e": ClipTextEncoder(tokens: From("t")), "a": Prior(text: 1)"#,
        &[("kind-mismatch", "1", "write `text: From(\"e\")`")],
    );
    expect(r#""a": Prior(text: Input("prompt"))"#, &[("kind-mismatch", "Input(\"prompt\")", "ClipTextEncoder")]);
    expect(
        r#""s": Split(value: 1), "a": Whole(value: From("s.rest"))"#,
        &[("kind-mismatch", "From(\"s.rest\")", "`s.whole` gives Integer")],
    );
    expect(r#""a": Whole(value: 2.5)"#, &[("kind-mismatch", "2.5", "no decimal point")]);
    expect(r#""a": Whole(value: "7")"#, &[("kind-mismatch", "\"7\"", "write 7 without quotes")]);
    expect(r#""a": Word(text: 7)"#, &[("kind-mismatch", "7", "write \"7\"")]);
    expect(r#""a": Sample(fast: 1)"#, &[("kind-mismatch", "1", "write true or false")]);
    expect(r#""a": Either(value: 2.5)"#, &[("kind-mismatch", "2.5", "")]);
    expect(r#""a": Word(text: Input("seed"))"#, &[("kind-mismatch", "Input(\"seed\")", "")]);
}

#[test]
fn kinds_that_fit() {
    let (report, _) = run(
        r#""i": Whole(value: 2), "f": Constant(value: From("i")), "l": Constant(value: 3), "w": Constant(value: Input("seed")),
           "s": Sample(words: "one"), "t": Sample(words: Input("prompt")), "u": Either(value: 7), "v": Either(value: "7"),
           "c": Thermometer, "d": American(reading: From("c")), "x": Word(text: "two"), "y": Sample(words: From("x"))"#,
    );
    assert_eq!(report.failed, []);
    let get = |node: &str, output: &str| report.outputs[node].get(output).expect("given").summary();
    assert_eq!([get("f", "value"), get("l", "value"), get("w", "value")], ["2.0", "3.0", "3.0"]);
    assert_eq!([get("s", "count"), get("t", "count"), get("y", "count")], ["21", "21", "21"]);
    assert_eq!([get("u", "kind"), get("v", "kind"), get("d", "kind")], ["\"Integer\"", "\"Text\"", "\"Fahrenheit\""]);
}

#[test]
fn values_that_are_not_taken() {
    expect(r#""a": Sample(steps: 1001)"#, &[("out-of-range", "1001", "")]);
    expect(r#""a": Sample(scale: NaN)"#, &[("out-of-range", "NaN", "")]);
    expect(r#""a": Sample(scale: -inf)"#, &[("out-of-range", "-inf", "")]);
    expect(
        r#""a": Sample(mode: "god")"#,
        &[("not-a-choice", "\"god\"", "did you mean `good`? there are: `fast`, `good`")],
    );
    expect(r#""a": Constant(value: NaN)"#, &[]);
    expect(r#""a": Add(a: 1)"#, &[("missing-input", "Add", "write `b: 1.0`")]);
    expect(r#""a": Prior()"#, &[("missing-input", "Prior", "TextEncoding comes from `ClipTextEncoder`")]);
}

#[test]
fn cycles_are_named_once_with_their_path() {
    let nodes = r#""a": Constant(value: From("b")), "b": Constant(value: From("a")),
        "c": Constant(value: From("c")), "d": Add(a: From("b"), b: From("c"))"#;
    expect(nodes, &[("cycle", "From(\"a\")", "remove"), ("cycle", "From(\"c\")", "remove")].map(|x| x));
    let (document, _) = Document::parse(&workflow(nodes));
    let (_, diagnostics) = Graph::build(&document, &registry());
    assert!(diagnostics[0].message.ends_with("a → b → a"), "{}", diagnostics[0].message);
    assert_eq!(diagnostics[0].labels.len(), 2);
    assert!(diagnostics[1].message.ends_with(": c → c"), "{}", diagnostics[1].message);
}

#[test]
fn every_error_of_a_file_is_reported_together() {
    expect(
        r#""a": Constnt(value: From("nobody")), "b": Add(a: From("a"), b: "x"), "c": Sample(steps: 0, mode: "x", extra: 1),
           "d": Tokenizer(text: Input("promt")), "e": Prior(text: From("d")), "f": Whole(value: From("f"))"#,
        &[
            ("unknown-node-type", "Constnt", ""),
            ("unknown-node", "From(\"nobody\")", ""),
            ("kind-mismatch", "\"x\"", ""),
            ("out-of-range", "0", ""),
            ("not-a-choice", "\"x\"", ""),
            ("unknown-node-input", "extra", ""),
            ("unknown-input", "Input(\"promt\")", ""),
            ("kind-mismatch", "From(\"d\")", ""),
            ("cycle", "From(\"f\")", ""),
        ],
    );
}

#[test]
fn a_syntax_error_does_not_make_others_up() {
    let found =
        findings(&workflow(r#""a": Constant(value: ), "b": Add(a: From("a"), b: , c: 1), "c": Whole(value: "x")"#));
    let codes: Vec<_> = found.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["syntax", "syntax", "unknown-node-input", "kind-mismatch"]);
    let found =
        plan_findings(&workflow(r#""a": Constant(value: From("later")), "b": Word(text: "…"#), &Settings::default());
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn wires_can_be_drawn() {
    let (document, _) =
        Document::parse(&workflow(r#""a": Split(value: 1), "b": Add(a: From("a.rest"), b: From("a.whole"))"#));
    let (graph, _) = Graph::build(&document, &registry());
    let wires: Vec<_> = graph.wires().collect();
    assert_eq!(
        wires,
        [
            Wire { from: "a", output: "rest", to: "b", input: "a" },
            Wire { from: "a", output: "whole", to: "b", input: "b" }
        ]
    );
    assert_eq!(graph.nodes().map(|(id, spec)| (id, spec.map(|spec| spec.name))).last(), Some(("b", Some("Add"))));
}

/// A chain that is written from its end to its beginning.
fn chain(length: usize) -> Source {
    let mut nodes = String::new();
    for node in (1..length).rev() {
        let _ = write!(nodes, "\"n{node}\": Constant(value: From(\"n{}\")), ", node - 1);
    }
    nodes.push_str("\"n0\": Constant(value: 1)");
    workflow(&nodes)
}

#[test]
fn long_chains_do_not_recurse() {
    let (report, _) = run_chain(2_000);
    assert_eq!(report, 2_000);
    let began = Instant::now();
    let (report, _) = run_chain(100_000);
    assert_eq!(report, 100_000);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn the_longest_chains_are_planned() {
    let plan = plan(&chain(200_000), &Settings::default());
    assert_eq!(plan.nodes().len(), 200_000);
}

fn run_chain(length: usize) -> (usize, f64) {
    let plan = plan(&chain(length), &Settings::default());
    assert_eq!(plan.nodes().next().map(|node| node.node), Some("n0".into()));
    let report = easel_engine::Run::new(plan, Default::default(), Default::default(), Default::default()).execute();
    (report.finished.len(), report.seconds)
}

#[test]
fn a_huge_file_with_everything_wrong_is_refused_quickly() {
    let mut nodes = String::new();
    for node in 0..30_000 {
        let _ = write!(nodes, "\"n{node}\": Add(a: From(\"m{node}\"), c: Input(\"sed\")), ");
    }
    let began = Instant::now();
    assert!(findings(&workflow(&nodes)).len() >= 90_000);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
