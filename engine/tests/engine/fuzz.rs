//! Whatever the text, there is an answer, and its places are in the text.

use std::fmt::Write;

use easel_engine::{CancelToken, Document, Graph, Outcome, Plan, Services, Settings, Source};
use proptest::prelude::*;

use crate::stubs::{plan, registry, run_with, workflow};

const VALID: &str = r##"Workflow(
    version: 1,
    about: "Every form \u{e9} é 🚀.", // comment
    inputs: {
        "prompt": Text(default: "a rocket", choices: ["a rocket", r#"b"#], about: "what"),
        "seed": Integer(default: 3, min: 0, max: 0xff),
        "scale": Float(default: -2.5e0),
        "flag": Boolean(default: true), "words": TextList(default: ["a", "b"]), "many": IntegerListList(default: [[1], []]),
    },
    workflows: {
        "step": Workflow(inputs: { "x": Float(), "i": Integer(default: 0), "word": Text(default: "") },
            nodes: { "add": Add(a: Input("x"), b: Input("i")), "note": Word(text: Input("word")) },
            outputs: { "x": From("add.sum"), "word": From("note"), "go": true }),
        "twice": Workflow(inputs: { "x": Float(default: 1) },
            nodes: { "one": Include(workflow: "step", with: (x: Input("x"))), "two": Include(workflow: "step", with: { "x": From("one.x") }) },
            outputs: { "x": From("two.x"), "all": [From("one.x"), Input("x"), 3] }),
    },
    nodes: {
        "tokens": Tokenizer(text: Input("prompt")), /* a /* nested */ comment */
        "text": ClipTextEncoder(tokens: From("tokens")),
        "prior": Prior(text: From("text.encoding"), guidance_scale: Input("seed")),
        "sample": Sample(steps: Input("seed"), mode: "fast", fast: Input("flag"), words: Input("words")),
        "save": Save(value: From("prior")), "scaled": Save(value: Input("scale")),
        "bare": Nothing, "even": Even(value: 2, options: (timeout: 1.5, retry: 2, cache: false, device: "cpu")),
        "merged": Include(workflow: "twice", with: (x: 2), options: (bypass: false)),
        "mapped": Map(workflow: "step", over: ["x", "word"], with: (x: From("merged.all"), word: [Input("prompt"), "b"]), index: "i", ragged: "shortest"),
        "looped": Loop(workflow: "step", times: Input("seed"), carry: {"x": "x"}, with: (x: From("merged.x")), while: "go", collect: ["word"], index: "i"),
        "last": Sample(words: From("mapped.word"), scale: From("looped.x")), "silent": Nothing(options: (mute: true)),
    },
    outputs: { "last": From("last"), "list": [From("looped.x"), 1] },
)
"##;

/// Reads, resolves and plans; checks that each place is one and that a plan and errors exclude each other.
fn examine(text: &str) {
    let source = Source::new("t", text);
    let registry = registry();
    let (document, mut diagnostics) = Document::parse(&source);
    for node in document.nodes() {
        assert!(text.get(node.span.clone()).is_some());
        assert!(node.inputs.iter().all(|input| text.get(input.value.span.clone()).is_some()));
    }
    diagnostics.extend(Graph::build(&document, &registry).1);
    let is_wrong = diagnostics.iter().any(|diagnostic| diagnostic.is_error());
    match Plan::prepare(&source, &registry, &Settings::default()) {
        Ok((_, warnings)) => {
            assert!(!is_wrong, "a plan of {text:?} in spite of {diagnostics:?}");
            assert!(warnings.iter().all(|warning| !warning.is_error()));
            diagnostics.extend(warnings);
        }
        Err(errors) => {
            assert!(errors.iter().any(|error| error.is_error()));
            diagnostics.extend(errors);
        }
    }
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        assert!(text.get(label.span.clone()).is_some(), "{label:?} is not in {text:?}");
        let position = source.position(label.span.start);
        assert!(position.line >= 1 && position.column >= 1);
    }
    // What RON does not read must not be taken.
    if ron::from_str::<serde::de::IgnoredAny>(text.strip_prefix('\u{feff}').unwrap_or(text)).is_err() {
        assert!(is_wrong, "RON refuses {text:?}");
    }
}

#[test]
fn a_valid_document_is_valid() {
    let source = Source::new("t", VALID);
    let (_, diagnostics) = Document::parse(&source);
    assert_eq!(diagnostics, []);
    assert!(Plan::prepare(&source, &registry(), &Settings::default()).is_ok());
}

#[test]
fn every_truncation_is_refused_with_places() {
    let end = VALID.trim_end().len();
    for (at, _) in VALID.char_indices().filter(|(at, _)| *at < end) {
        examine(&VALID[..at]);
        assert!(Plan::prepare(&Source::new("t", &VALID[..at]), &registry(), &Settings::default()).is_err());
    }
}

#[test]
fn every_lost_character_has_an_answer() {
    for (at, lost) in VALID.char_indices() {
        examine(&format!("{}{}", &VALID[..at], &VALID[at + lost.len_utf8()..]));
    }
}

/// A valid document with pieces cut out, doubled or put in.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "'",
        "=",
        "From(\"save\")",
        "Input(\"x\")",
        "nodes",
        "r#\"",
        "/*",
        "//",
        "*/",
        "#![enable(implicit_some)]",
        "NaN",
        "-",
        "1e999",
        "99999999999999999999",
        "\\",
        "\u{0}",
        "🚀",
        "Some(",
        "From(\"merged.x\")",
        "From(\"looped\")",
        "Include(workflow: \"twice\")",
        "Map(workflow: \"step\", over: [\"x\"])",
        "with: (x: [1, From(\"mapped.x\")])",
        "options: (mute: true)",
        "options: { \"bypass\": true }",
        "outputs: {",
        "workflows",
        "\"step\"",
        "\"twice\"",
        "[[]]",
        "true",
        "b\"x\"",
        "..",
    ]);
    let change = (any::<prop::sample::Index>(), 0..20_usize, pieces, 0..3_u8);
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, length, piece, form) in changes {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            match form {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, piece.chars())),
                _ => {
                    let copy: Vec<_> = text[at..end].to_vec();
                    text.splice(at..at, copy);
                }
            }
        }
        text.into_iter().collect()
    })
}

/// Two terms, each a number or a node before.
type Sum = (Option<usize>, Option<usize>);

/// Workflows of additions: node `i` adds two numbers or nodes before it; written in any order.
fn sums() -> impl Strategy<Value = (Vec<Sum>, Vec<usize>)> {
    let term = || prop::option::weighted(0.7, 0..1_000_usize);
    proptest::collection::vec((term(), term()), 1..40).prop_flat_map(|nodes| {
        let order: Vec<_> = (0..nodes.len()).collect();
        (Just(nodes), Just(order).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn garbage_has_an_answer(text in "\\PC{0,200}") {
        examine(&text);
    }

    #[test]
    fn nearly_sound_garbage_has_an_answer(text in "(Workflow|nodes|From|Input|a|1|2\\.5|[(){}\\[\\]:,\"'/*\n\\\\ =#r-]){0,60}") {
        examine(&text);
    }

    #[test]
    fn mutants_have_an_answer(text in mutated()) {
        examine(&text);
    }

    #[test]
    fn any_graph_of_sums_is_summed((nodes, order) in sums()) {
        let mut sums: Vec<f64> = Vec::new();
        for (node, (a, b)) in nodes.iter().enumerate() {
            let term = |term: &Option<usize>| term.and_then(|any| any.checked_rem(node)).map_or(1.0, |before| sums[before]);
            let sum = term(a) + term(b);
            sums.push(sum);
        }
        let mut text = String::new();
        for &node in &order {
            let term = |term: &Option<usize>| {
                term.and_then(|any| any.checked_rem(node)).map_or("1".into(), |before| format!("From(\"n{before}\")"))
            };
            let (a, b) = (term(&nodes[node].0), term(&nodes[node].1));
            let _ = write!(text, "\"n{node}\": Add(a: {a}, b: {b}), ");
        }
        let targets = (0..nodes.len()).map(|node| format!("n{node}")).collect();
        let plan = plan(&workflow(&text), &Settings { targets: Some(targets), ..Settings::default() });
        let (report, _) = run_with(plan, Services::default(), CancelToken::new());
        prop_assert_eq!(report.outcome, Outcome::Completed);
        prop_assert_eq!(report.finished.len(), nodes.len());
        for (node, sum) in sums.iter().enumerate() {
            let value = report.outputs[format!("n{node}").as_str()].get("sum").and_then(|value| value.get::<f64>());
            prop_assert_eq!(value, Some(sum));
        }
    }
}

#[test]
fn the_corpus_of_the_journal_is_read() {
    let read = |bytes: &[u8]| easel_engine::journal_probe::decode(bytes);
    assert!(read(include_bytes!("../../fuzz/corpus/journal/settings.json")));
    assert!(read(include_bytes!("../../fuzz/corpus/journal/completed")));
    assert!(read(include_bytes!("../../fuzz/corpus/journal/running")));
    assert!(read(include_bytes!("../../fuzz/corpus/journal/bytes_as_paths")));
    assert!(!read(include_bytes!("../../fuzz/corpus/journal/unknown_states")));
    assert!(!read(b""));
}
