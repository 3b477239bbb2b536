//! What is being typed: kept while it is typed, and asked for again after a crash.

use super::*;
use crate::studio::model::typed::{Question, Typed, TypedPlace};
use crate::studio::model::{Offer, Prompt};

const INSIDE: &str = r#"Workflow(
    version: 1,
    workflows: {
        "one": Workflow(
            inputs: { "path": Text() },
            nodes: { "small": LoadImage(path: Input("path")) },
            outputs: { "image": From("small") },
        ),
    },
    nodes: {
        "each": Include(workflow: "one", with: (path: "gallery.png")),
        "save": SaveImage(image: From("each")),
    },
)
"#;

fn being_typed(bench: &Bench) -> Option<(Vec<String>, Question, String)> {
    let typed = bench.kept.clone()?.typed?;
    Some((typed.place.inside, typed.place.question, typed.text))
}

fn value(node: &str, input: &str) -> Question {
    Question::Value { node: node.into(), input: input.into(), is_text: true }
}

/// Another studio opens the file after the process of the first one was killed.
fn after_a_kill(bench: &Bench, text: &str) -> Bench {
    let mut other = Bench::opened((100, 30), text);
    let unsaved = bench.kept.clone().expect("something was kept");
    other.tell(Message::Recovered("flow.ron".into(), Offer { number: 1, unsaved }));
    other
}

fn asked(bench: &Bench) -> Option<(Prompt, String)> {
    match &bench.model.overlay {
        Some(Overlay::Prompt(prompt, field)) => Some((prompt.clone(), field.text())),
        _ => None,
    }
}

#[test]
fn every_letter_is_kept_and_no_longer_than_it_is_typed() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("enter enter");
    assert!(asked(&bench).is_some());
    assert_eq!(bench.kept, None, "nothing was typed yet");
    bench.type_in("x");
    assert_eq!(being_typed(&bench), Some((Vec::new(), value("load", "path"), "gallery.pngx".into())));
    bench.tell(Message::Pasted(" of a cat".into()));
    assert_eq!(being_typed(&bench).map(|typed| typed.2), Some("gallery.pngx of a cat".into()));
    let kept = bench.kept.clone().expect("it is kept");
    assert_eq!((&*kept.base, &*kept.text), (SMALL, SMALL));
    bench.press("esc");
    assert_eq!(bench.kept, None, "whoever gives it up can bring it back, but does not need it after a crash");
    bench.press("enter ctrl-z enter");
    let kept = bench.kept.clone().expect("the text is another one now");
    assert!(kept.typed.is_none() && kept.text.contains("gallery.pngx of a cat"), "{kept:?}");
}

#[test]
fn what_was_typed_is_offered_and_asked_for_again() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("m enter enter ctrl-u");
    bench.type_in("a red cat");
    for size in SIZES {
        let mut offered = after_a_kill(&bench, SMALL);
        offered.model.size = size;
        insta::assert_snapshot!(format!("typed_offered_{}x{}", size.0, size.1), offered.shown());
    }
    let mut other = after_a_kill(&bench, SMALL);
    other.press("y");
    assert!(other.text().contains("mute: true"), "{}", other.text());
    let (prompt, text) = asked(&other).expect("it is asked again");
    assert!(matches!(prompt, Prompt::Value { node: Some(node), input, .. } if (&*node, &*input) == ("load", "path")));
    assert_eq!(text, "a red cat");
    assert_eq!(being_typed(&other).map(|typed| typed.2), Some("a red cat".into()), "it is one's own now");
    other.press("enter");
    assert!(other.text().contains(r#"path: "a red cat""#), "{}", other.text());
}

#[test]
fn it_is_asked_again_inside_of_what_was_entered() {
    let mut bench = Bench::opened((100, 30), INSIDE);
    bench.select("each");
    bench.press("enter");
    bench.select("small");
    bench.press("f2");
    bench.type_in("er");
    let rename = Question::Rename { node: "small".into() };
    assert_eq!(being_typed(&bench), Some((vec!["each".into()], rename, "smaller".into())));
    let mut other = after_a_kill(&bench, INSIDE);
    other.press("y");
    assert_eq!(asked(&other).map(|asked| asked.1), Some("smaller".into()));
    other.press("enter");
    assert!(other.text().contains(r#""smaller": LoadImage"#), "{}", other.text());
}

#[test]
fn a_text_for_what_is_gone_is_shown() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("enter enter");
    bench.type_in(" of a red cat");
    let mut other = after_a_kill(&bench, &SMALL.replace("load", "read"));
    other.press("y");
    assert!(matches!(&other.model.overlay, Some(Overlay::Story { text, .. }) if text == "gallery.png of a red cat"));
    other.press("esc");
    assert_eq!(other.kept, None);
}

#[test]
fn one_offer_is_done_with_before_the_next() {
    let mut bench = Bench::opened((100, 30), SMALL);
    for (number, text) in [(1, "one"), (2, "two")] {
        let place = TypedPlace { inside: Vec::new(), question: Question::Group { nodes: vec!["load".into()] } };
        let typed = Some(Typed { place, text: text.into() });
        let unsaved = Unsaved { base: SMALL.into(), text: SMALL.into(), typed };
        bench.tell(Message::Recovered("flow.ron".into(), Offer { number, unsaved }));
    }
    bench.press("y");
    assert_eq!(asked(&bench).map(|asked| asked.1), Some("one".into()));
    bench.press("enter");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Recovered(offer)) if offer.number == 2));
    bench.press("n");
    assert_eq!(bench.asked, ["forget", "set aside"]);
    assert!(bench.text().contains(r#""one""#), "{}", bench.text());
}

#[test]
fn what_is_looked_for_is_not_kept() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("/");
    bench.type_in("save");
    assert_eq!(bench.kept, None);
}
