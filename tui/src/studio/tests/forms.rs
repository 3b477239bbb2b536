//! What is written in inputs: typed, stepped, chosen.

use super::{Bench, SIZES};
use crate::studio::field::Field;
use crate::studio::message::Message;
use crate::studio::model::{Given, InputSchema, Overlay, Prompt};

const FORM: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImage(path: "gallery.png"),
        "small": Resize(image: From("load"), width: 64, mode: "fit"),
        "note": Format(template: "a long line of words that goes on and on, further than there is room for it\nand a second"),
        "save": SaveImage(image: From("small"), name: "copy"),
    },
)
"#;

impl Bench {
    /// The inspector with the cursor on an input of a node.
    fn on(&mut self, id: &str, input: &str) {
        self.press("esc esc esc");
        self.select(id);
        self.press("1");
        let flow = self.model.flow.as_mut().expect("it is open");
        let (_, schema) = flow.selected_node().expect("a node is selected");
        let inputs = &schema.expect("it is known").inputs;
        flow.input = inputs.iter().position(|known| known.name == input).expect("there is such an input");
    }

    fn problem(&self) -> Option<String> {
        match &self.model.overlay {
            Some(Overlay::Prompt(Prompt::Value { problem, .. }, _)) => problem.clone(),
            other => panic!("nothing is asked: {other:?}"),
        }
    }
}

#[test]
fn numbers_step_and_stay_in_their_range() {
    let mut bench = Bench::opened((100, 30), FORM);
    bench.on("small", "width");
    bench.press("+ + - L");
    assert!(bench.text().contains("width: 75,"), "{}", bench.text());
    bench.press("H H H H H H H H");
    assert!(bench.text().contains("width: 1,"), "{}", bench.text());
    bench.press("-");
    assert!(bench.shown().contains("`width` may be 1 to 16384"), "{}", bench.shown());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), FORM, "one field is one step");
    bench.press("backspace");
    assert!(!bench.text().contains("width"), "{}", bench.text());
    bench.press("backspace");
    assert!(bench.shown().contains("nothing is written for `width`"));
    // What comes along a wire has no next value.
    bench.on("small", "image");
    bench.press("+");
    assert!(bench.shown().contains("comes from elsewhere") || bench.shown().contains("is no number"));
    assert!(bench.text().contains("From(\"load\")"));
}

#[test]
fn words_are_chosen_from_a_list_that_begins_at_the_present_one() {
    let mut bench = Bench::opened((100, 30), FORM);
    bench.on("small", "mode");
    bench.press("enter");
    let Some(Overlay::Choice { items, at, .. }) = &bench.model.overlay else { panic!("nothing is asked") };
    assert_eq!((items[*at].0.as_str(), items[*at].1.as_str()), ("fit", "as it is now"));
    bench.press("down enter");
    let now = bench.text();
    assert!(!now.contains("mode: \"fit\""), "{now}");
    bench.press("-");
    assert_eq!(bench.text(), FORM, "the neighbour");
}

#[test]
fn what_is_out_of_range_is_said_while_it_is_typed_and_never_written() {
    let mut bench = Bench::opened((100, 30), FORM);
    bench.on("small", "width");
    bench.press("enter ctrl-u");
    bench.type_in("1638");
    assert_eq!(bench.problem(), None);
    bench.type_in("40");
    assert_eq!(bench.problem().as_deref(), Some("163840 is above what `width` may be: 1 to 16384"));
    bench.press("enter");
    assert_eq!((bench.text().as_str(), bench.problem().is_some()), (FORM, true));
    bench.press("ctrl-u");
    bench.type_in("From(\"load\")");
    assert_eq!(bench.problem(), None);
    bench.press("ctrl-u");
    bench.type_in("12.5");
    assert!(bench.problem().is_some_and(|problem| problem.contains("whole number")));
    bench.press("backspace backspace enter");
    assert!(bench.text().contains("width: 12,"), "{}", bench.text());
}

#[test]
fn long_texts_are_edited_in_their_lines() {
    let mut bench = Bench::opened((60, 20), FORM);
    bench.on("note", "template");
    bench.press("enter");
    bench.type_in("!");
    for key in ["up", "up"] {
        bench.press(key);
    }
    bench.type_in("X");
    bench.press("enter");
    assert!(bench.text().contains("and a second!"), "{}", bench.text());
    let line = bench.text().lines().find(|line| line.contains("a long line")).map(str::to_string);
    assert!(line.is_some_and(|line| line.contains('X')), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), FORM);
}

#[test]
fn a_text_goes_to_the_editor_and_comes_back_to_be_kept_or_not() {
    let mut bench = Bench::opened((100, 30), FORM);
    bench.on("load", "path");
    bench.press("E");
    assert_eq!(bench.text(), FORM, "nothing is written before it is answered");
    assert!(bench.shown().contains("gallery.png, edited"), "{}", bench.shown());
    bench.press("enter");
    assert!(bench.text().contains("r\"gallery.png, edited\n\""), "{}", bench.text());
    bench.press("ctrl-z enter");
    bench.type_in("!");
    bench.press("ctrl-o esc");
    assert_eq!(bench.text(), FORM);
    // The editor failed: what was typed is there still.
    bench.press("enter");
    bench.type_in("?");
    bench.tell(Message::Edited(Err("the editor `x` failed".into())));
    assert!(bench.shown().contains("gallery.png?") && bench.shown().contains("the editor `x` failed"));
    bench.press("esc");
    bench.tell(Message::Edited(Ok("late".into())));
    assert!(bench.shown().contains("late"), "what has no place any more is shown");
    bench.press("esc");
    bench.on("small", "mode");
    bench.press("E");
    assert!(bench.shown().contains("there is no text here"));
}

#[test]
fn names_of_files_are_completed() {
    let mut bench = Bench::of_file((100, 30), "../workflows/image_variation.ron".as_ref());
    let load = bench.nodes().into_iter().next().expect("it has nodes");
    bench.select(&load);
    bench.model.overlay = Some(Overlay::Prompt(
        Prompt::Value {
            node: Some(load),
            input: "path".into(),
            is_text: true,
            schema: Box::new(InputSchema {
                name: "path".into(),
                kinds: Vec::new(),
                given: Given::Required,
                range: None,
                choices: Vec::new(),
                about: String::new(),
            }),
            problem: None,
        },
        Field::lines("gall"),
    ));
    bench.press("tab");
    assert!(bench.shown().contains("gallery.png"), "{}", bench.shown());
    bench.press("ctrl-u");
    bench.type_in("par");
    bench.press("tab");
    assert!(bench.shown().contains("parameter_sweep.ron  parts"), "{}", bench.shown());
    bench.type_in("t");
    bench.press("tab");
    bench.type_in("zzz");
    bench.press("tab");
    assert!(bench.shown().contains("parts/zzz") && bench.shown().contains("no file begins like that"));
}

#[test]
fn outputs_are_wired_from_the_inspector() {
    let mut bench = Bench::opened((100, 30), FORM);
    bench.on("load", "path");
    bench.press("down c");
    bench.type_in("save.image");
    bench.press("enter");
    assert!(bench.text().contains("SaveImage(image: From(\"load\")"), "{}", bench.text());
}

#[test]
fn forms_look_as_they_should() {
    for size in SIZES {
        let mut bench = Bench::opened(size, FORM);
        bench.on("note", "template");
        bench.press("enter");
        insta::assert_snapshot!(format!("text_{}x{}", size.0, size.1), bench.shown());
        bench.on("small", "width");
        bench.press("enter");
        bench.type_in("000");
        insta::assert_snapshot!(format!("range_{}x{}", size.0, size.1), bench.shown());
    }
}

const WIRED: &str = r#"Workflow(
    version: 1,
    inputs: { "path": Text(default: "gallery.png") },
    nodes: {
        "load": LoadImage(path: Input("path")), // read
        "other": LoadImage(path: "gallery.png"),
        "save": SaveImage(image: From("load")),
    },
)
"#;

#[test]
fn without_a_node_the_inspector_says_what_is_needed_to_change_an_input() {
    let mut bench = Bench::opened((100, 30), WIRED);
    bench.press("esc esc esc 1 enter");
    assert!(bench.shown().contains("select a node first"), "{}", bench.shown());
    assert_eq!((bench.text().as_str(), &bench.model.overlay), (WIRED, &None));
}

#[test]
fn a_text_may_be_typed_with_quotes_or_without_wherever_it_stands() {
    for (node, was) in [("load", r#"Input("path")"#), ("other", r#""gallery.png""#)] {
        // What is given from outside is taken away first.
        let first = if node == "load" { "x enter" } else { "enter ctrl-u" };
        for typed in ["a red cat", "\"a red cat\""] {
            let mut bench = Bench::opened((100, 30), WIRED);
            bench.on(node, "path");
            bench.press(first);
            bench.type_in(typed);
            bench.press("enter");
            let line = |value: &str| format!("\"{node}\": LoadImage(path: {value})");
            assert_eq!(bench.text(), WIRED.replace(&line(was), &line("\"a red cat\"")), "{typed}");
        }
    }
    // A text with quotes of its own keeps them.
    let quoted = WIRED.replace(r#""gallery.png"), //"#, "x").replace(r#"path: "gallery.png""#, r#"path: "\"a\"""#);
    let mut bench = Bench::opened((100, 30), &quoted);
    bench.on("other", "path");
    bench.press("enter enter");
    assert_eq!(bench.text(), quoted);
}
