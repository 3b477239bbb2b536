//! What holds of any edits of any text.

use std::collections::BTreeSet;
use std::fmt::Write;

use easel_engine::edit::probe::drive;
use easel_engine::edit::{Edit, edit};
use easel_engine::{CancelToken, Outcome, Plan, Services, Settings, Source};
use proptest::prelude::*;

use super::{DOC, changed, delete, duplicate, problems, read, rename, wires};
use crate::stubs::{registry, run_with};

fn edits() -> impl Strategy<Value = Vec<[u8; 3]>> {
    proptest::collection::vec(any::<[u8; 3]>(), 1..8)
}

/// The document with pieces cut out, doubled or put in.
fn damaged() -> impl Strategy<Value = String> {
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
        "r#\"",
        "/*",
        "//",
        "*/",
        "\n",
        "\r\n",
        " ",
        "é",
        "From(\"one\")",
        "nodes",
        "options: (mute: true)",
        "with: (",
        "\"sum\"",
        "=",
        "'",
    ]);
    let change = (any::<prop::sample::Index>(), 0..20_usize, pieces, 0..3_u8);
    proptest::collection::vec(change, 1..4).prop_map(|changes| {
        let mut text: Vec<char> = DOC.chars().collect();
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

/// A sound document of additions in any layout: node `i` adds what nodes before it give.
fn sums() -> impl Strategy<Value = (String, usize)> {
    let separators = [", ", ",\n    ", ", // after\n    ", " /* in */ , ", ",\n\n    // above\n    ", ",\r\n\t"];
    let ends = ["", ",", " // last\n", ", /* last */ ", "\n"];
    let node = (0..100_usize, 0..100_usize, prop::sample::select(separators.to_vec()));
    (proptest::collection::vec(node, 1..12), prop::sample::select(ends.to_vec())).prop_map(|(nodes, end)| {
        let mut text = String::from("Workflow(version: 1, nodes: { ");
        for (at, (a, b, separator)) in nodes.iter().enumerate() {
            let term = |term: &usize| match term.checked_rem(at + 1) {
                Some(before) if before < at => format!("From(\"n{before}\")"),
                _ => "1".into(),
            };
            let separator = if at == 0 { "" } else { separator };
            let _ = write!(text, "{separator}\"n{at}\": Add(a: {}, b: {})", term(a), term(b));
        }
        (format!("{text}{end} }})"), nodes.len())
    })
}

/// What every node of a workflow gives.
fn results(text: &str, nodes: &[String]) -> Vec<f64> {
    let settings = Settings { targets: Some(nodes.to_vec()), ..Settings::default() };
    let plan = match Plan::prepare(&Source::new("test", text), &registry(), &settings) {
        Ok((plan, _)) => plan,
        Err(problems) => panic!("{problems:?} in {text}"),
    };
    let (report, _) = run_with(plan, Services::default(), CancelToken::new());
    assert_eq!(report.outcome, Outcome::Completed);
    let result =
        |node: &String| *report.outputs[node.as_str()].get("sum").and_then(|value| value.get::<f64>()).expect("a sum");
    nodes.iter().map(result).collect()
}

fn ids(text: &str) -> Vec<String> {
    read(text).nodes().iter().map(|node| node.id.value.clone()).collect()
}

fn chosen(bits: u16, count: usize) -> Vec<String> {
    (0..count).filter(|at| bits >> at & 1 == 1).map(|at| format!("n{at}")).collect()
}

fn names(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn edits_of_a_sound_document_keep_their_promises(edits in edits()) {
        prop_assert_eq!(drive(DOC, &registry(), &edits).err(), None);
    }

    #[test]
    fn edits_of_a_damaged_document_keep_their_promises(text in damaged(), edits in edits()) {
        prop_assert_eq!(drive(&text, &registry(), &edits).err(), None);
    }

    #[test]
    fn edits_of_any_text_keep_their_promises(text in "(Workflow|nodes|From|Input|a|1|2\\.5|[(){}\\[\\]:,\"'/*\n\\\\ =#r-]|\\PC){0,60}", edits in edits()) {
        prop_assert_eq!(drive(&text, &registry(), &edits).err(), None);
    }

    #[test]
    fn a_renamed_node_has_the_wires_that_it_had((text, count) in sums(), at in any::<prop::sample::Index>()) {
        let id = format!("n{}", at.index(count));
        let after = changed(&text, &rename(&id, "new"));
        prop_assert_eq!(problems(&after), problems(&text));
        let back: Vec<_> = wires(&after).iter().map(|wire| wire.replace("new.", &format!("{id}."))).collect();
        prop_assert_eq!(back, wires(&text));
        prop_assert_eq!(changed(&after, &rename("new", &id)), text);
    }

    #[test]
    fn what_is_left_of_deleted_nodes_is_nothing((text, count) in sums(), bits in 1..u16::MAX) {
        let gone = chosen(bits, count);
        prop_assume!(!gone.is_empty());
        let after = changed(&text, &delete(&names(&gone)));
        let is_gone = |wire: &String| gone.iter().any(|id| wire.contains(&format!("{id}.")));
        let left: Vec<_> = wires(&text).into_iter().filter(|wire| !is_gone(wire)).collect();
        prop_assert_eq!(wires(&after), left);
        prop_assert!(gone.iter().all(|id| !after.contains(&format!("\"{id}\""))), "{}", after);
        prop_assert!(ids(&after).len() == count - gone.len());
    }

    #[test]
    fn copies_give_what_the_nodes_give((text, count) in sums(), bits in 1..u16::MAX) {
        let copied = chosen(bits, count);
        prop_assume!(!copied.is_empty());
        let after = changed(&text, &duplicate(&names(&copied)));
        let old: BTreeSet<_> = ids(&text).into_iter().collect();
        let new: Vec<_> = ids(&after).into_iter().filter(|id| !old.contains(id)).collect();
        prop_assert_eq!(results(&after, &new), results(&text, &copied));
    }

    #[test]
    fn an_extracted_workflow_gives_what_its_nodes_gave((text, count) in sums(), bits in 1..u16::MAX) {
        let nodes = chosen(bits, count);
        prop_assume!(!nodes.is_empty() && nodes.len() < count);
        let extract = Edit::Extract { nodes: nodes.clone(), name: "part".into() };
        if edit(&read(&text), &registry(), &extract).is_ok() {
            let after = changed(&text, &extract);
            let left: Vec<_> = ids(&text).into_iter().filter(|id| !nodes.contains(id)).collect();
            prop_assert_eq!(results(&after, &left), results(&text, &left), "{}", after);
            let comments = |text: &str| text.matches("// above").count() + text.matches("/* in").count();
            prop_assert_eq!(comments(&after), comments(&text), "{}\n{}", text, after);
        }
    }
}

#[test]
fn every_truncation_of_a_document_can_be_edited_or_says_why_not() {
    let edits: Vec<[u8; 3]> = (0..16_u8).map(|kind| [kind, kind.wrapping_mul(7), 9]).collect();
    for (at, _) in DOC.char_indices().step_by(7) {
        assert_eq!(drive(&DOC[..at], &registry(), &edits).err(), None);
    }
}

#[test]
fn every_shipped_workflow_can_be_edited() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows");
    let paths =
        std::fs::read_dir(folder).expect("the workflows are there").map(|entry| entry.expect("readable").path());
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "ron"));
    let texts: Vec<_> = texts.map(|path| std::fs::read_to_string(path).expect("readable")).collect();
    assert!(texts.len() > 10);
    for text in &texts {
        for id in ids(text) {
            let renamed = changed(text, &rename(&id, "renamed"));
            let names_it = ["\"", "."].iter().any(|end| renamed.contains(&format!("From(\"{id}{end}")));
            assert!(!names_it || renamed.contains("workflows: {"), "{id} in {renamed}");
            assert_eq!(changed(&renamed, &rename("renamed", &id)), *text);
            let left = changed(text, &delete(&[&id]));
            assert_eq!(ids(&left), ids(text).into_iter().filter(|other| *other != id).collect::<Vec<_>>());
            let two = changed(text, &duplicate(&[&id]));
            assert_eq!(ids(&two).len(), ids(text).len() + 1);
        }
        let edits: Vec<_> = (0..=255_u8).map(|byte| [byte, byte.wrapping_mul(31), byte.wrapping_mul(57)]).collect();
        for edits in edits.chunks(8) {
            assert_eq!(drive(text, &registry(), edits).err(), None);
        }
    }
}

#[test]
fn the_corpus_is_edited() {
    for text in [
        include_str!("../../../fuzz/corpus/edit/lines"),
        include_str!("../../../fuzz/corpus/edit/one_line"),
        include_str!("../../../fuzz/corpus/edit/damaged"),
        include_str!("../../../fuzz/corpus/edit/groups"),
    ] {
        let (edits, text) = text.split_once('\n').expect("the first line says what is done");
        let edits: Vec<_> = edits.as_bytes().chunks_exact(3).map(|edit| [edit[0], edit[1], edit[2]]).collect();
        let after = drive(text, &registry(), &edits).expect("the promises are kept");
        assert_ne!(after, text);
    }
}
