//! The inputs of the workflow: seen, changed, added, renamed, taken away, and run with.

use super::*;
use crate::studio::field::Field;
use crate::studio::keymap::Context;
use crate::studio::model::{Choice, Focus, Prompt};

const FLOW: &str = r#"Workflow(
    version: 1,
    about: "Copies a picture, smaller.",
    inputs: {
        "path": Text(default: "gallery.png", about: "what to copy"), // from here
        "width": Integer(default: 64, min: 1, max: 512, about: "columns of the copy"),
        "mode": Text(default: "fit", choices: ["fit", "cover"]),
        "name": Text(about: "what the copy is called"),
        "crop": Boolean(default: false),
    },
    nodes: {
        "load": LoadImage(path: Input("path")),
        "small": Resize(image: From("load"), width: Input("width"), mode: Input("mode")),
        "save": SaveImage(image: From("small"), name: Input("name")),
    },
)
"#;

impl Bench {
    /// The list of inputs with the cursor on one of them.
    fn at_input(&mut self, name: &str) {
        self.press("esc p");
        let flow = self.model.flow.as_mut().expect("it is open");
        let inputs = &flow.checked.as_ref().expect("it is checked").inputs;
        flow.input_at = inputs.iter().position(|input| input.name == name).expect("there is such an input");
    }

    fn input(&self) -> Option<String> {
        let flow = self.model.flow.as_ref()?;
        Some(flow.checked.as_ref()?.inputs.get(flow.input_at)?.name.clone())
    }

    fn asks_for(&self) -> Option<String> {
        match &self.model.overlay {
            Some(Overlay::Prompt(Prompt::Value { node: None, input, .. }, _)) => Some(input.clone()),
            _ => None,
        }
    }
}

/// The workflow with a name for its copy.
fn named() -> String {
    FLOW.replace("Text(about: \"what the copy", "Text(default: \"copy\", about: \"what the copy")
}

#[test]
fn whoever_opens_a_workflow_sees_its_inputs_and_types_a_prompt_and_runs() {
    let text = shipped("text_to_image.ron");
    let mut bench = Bench::opened((80, 24), &text);
    let shown = bench.shown();
    assert!(shown.contains("prompt = \"a rocket") && shown.contains("p then enter: another value"), "{shown}");
    bench.press("p enter");
    assert_eq!(bench.asks_for().as_deref(), Some("prompt"));
    bench.press("ctrl-u");
    bench.type_in("a \"red\" fox");
    bench.press("enter");
    assert_eq!(
        bench.text(),
        text.replacen(
            "\"a rocket on a blue background\",\n            about",
            "\"a \\\"red\\\" fox\",\n            about",
            1
        )
    );
    let plan = bench.model.flow.as_ref().and_then(|flow| flow.checked.as_ref()?.plan.as_ref());
    let prompt = plan.expect("it can be run").inputs()["prompt"].value.to_string();
    assert_eq!(prompt, "\"a \\\"red\\\" fox\"");
    bench.press("r");
    assert_eq!((bench.asked.as_slice(), bench.model.side), (["run"].as_slice(), Side::Monitor));
    bench.press("p ctrl-z");
    assert_eq!(bench.text(), text);
    bench.press("ctrl-y ctrl-s enter");
    assert!(bench.saved.last().is_some_and(|saved| saved.contains("red")), "{:?}", bench.saved);
}

#[test]
fn inputs_take_what_their_kind_range_and_choices_allow() {
    let text = named();
    let mut bench = Bench::opened((100, 30), &text);
    bench.at_input("width");
    bench.press("+ L");
    assert!(bench.text().contains("default: 75,"), "{}", bench.text());
    bench.press("- H ctrl-z");
    assert_eq!(bench.text(), text, "one field is one step");
    bench.press("enter ctrl-u");
    bench.type_in("513");
    assert!(bench.shown().contains("513 is above what `width` may be: 1 to 512"), "{}", bench.shown());
    bench.press("enter");
    assert_eq!((bench.text(), bench.asks_for().as_deref()), (text.clone(), Some("width")));
    bench.press("ctrl-u");
    bench.type_in("Input(\"name\")");
    bench.press("enter");
    assert!(bench.shown().contains("comes from no node"), "{}", bench.shown());
    bench.press("esc");
    bench.at_input("mode");
    bench.press("enter down enter");
    assert!(bench.text().contains("default: \"cover\", choices"), "{}", bench.text());
    bench.press("+");
    assert_eq!(bench.text(), text, "the neighbour");
    bench.at_input("crop");
    bench.press("enter");
    assert!(bench.text().contains("\"crop\": Boolean(default: true)"), "{}", bench.text());
}

#[test]
fn a_text_of_several_lines_may_go_to_the_editor() {
    let mut bench = Bench::opened((100, 30), &named());
    bench.at_input("path");
    bench.press("E");
    assert!(bench.shown().contains("gallery.png, edited"), "{}", bench.shown());
    bench.press("enter");
    assert!(bench.text().contains("default: r\"gallery.png, edited\n\""), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), named());
    bench.at_input("crop");
    bench.press("E");
    assert!(bench.shown().contains("there is no text here"));
}

#[test]
fn a_run_that_lacks_an_input_leads_to_it() {
    let mut bench = Bench::opened((100, 30), FLOW);
    assert_eq!(bench.model.side, Side::Inputs, "nothing else is wrong with it");
    bench.press("2 enter");
    assert_eq!(bench.asks_for().as_deref(), Some("name"), "the problem leads there too");
    bench.press("esc esc r");
    assert_eq!((bench.asked.len(), bench.asks_for().as_deref()), (0, Some("name")), "{}", bench.shown());
    bench.type_in("copy");
    bench.press("enter r");
    assert_eq!(bench.asked, ["run"]);
    assert!(bench.text().contains("\"name\": Text(default: \"copy\", about"), "{}", bench.text());
    // Taken away, it is asked for again.
    bench.at_input("name");
    bench.press("backspace");
    assert_eq!(bench.text(), FLOW);
    assert!(bench.shown().contains("whoever runs it must give one"), "{}", bench.shown());
    bench.press("backspace");
    assert!(bench.shown().contains("nothing is written for `name`"), "{}", bench.shown());
    assert!(bench.shown().contains("! needs a value"), "{}", bench.shown());
}

#[test]
fn what_was_set_when_easel_began_is_shown_as_such_until_another_value_is_typed() {
    let mut bench = Bench::new((100, 30));
    bench.set = vec![("width".into(), "99".into()), ("name".into(), "set".into())];
    bench.model.set.clone_from(&bench.set);
    let effects = open(&mut bench.model, "flow.ron".into());
    bench.perform(effects);
    bench.tell(Message::Read("flow.ron".into(), Ok(FLOW.into())));
    assert!(bench.shown().contains("= 99  by --set") && !bench.shown().contains("needs a value"), "{}", bench.shown());
    bench.at_input("width");
    bench.press("+");
    assert!(bench.text().contains("default: 100,"), "{}", bench.text());
    assert!(bench.shown().contains("`width` was set to \"99\" by --set"), "{}", bench.shown());
    let used = |bench: &Bench| {
        let plan = bench.model.flow.as_ref().and_then(|flow| flow.checked.as_ref()?.plan.as_ref());
        plan.expect("it can be run").inputs()["width"].value.to_string()
    };
    assert_eq!((used(&bench).as_str(), bench.set.len()), ("100", 1), "what is seen is what is run");
    // The value of the file comes back where the setting is taken away.
    bench.at_input("name");
    bench.press("backspace");
    assert!(bench.shown().contains("! needs a value") && bench.set.is_empty(), "{}", bench.shown());
}

#[test]
fn a_socket_that_takes_an_input_leads_to_it() {
    let mut bench = Bench::opened((100, 30), &named());
    bench.select("small");
    bench.press("1 down");
    assert!(bench.shown().contains("← input width"), "{}", bench.shown());
    bench.press("enter");
    assert_eq!((bench.asks_for().as_deref(), bench.model.side), (Some("width"), Side::Inputs));
    bench.press("esc esc");
    // A value for this node alone: the input is taken away first.
    bench.select("small");
    bench.press("1 x enter");
    bench.type_in("7");
    bench.press("enter");
    assert!(bench.text().contains("width: 7)"), "{}", bench.text());
}

#[test]
fn a_socket_in_the_graph_leads_to_the_input_that_it_takes() {
    let mut bench = Bench::opened((100, 30), &named());
    bench.select("load");
    bench.press("s");
    assert!(bench.shown().contains("load.path takes the input path: enter changes that"), "{}", bench.shown());
    bench.press("enter");
    assert_eq!(bench.asks_for().as_deref(), Some("path"));
    bench.press("esc esc");
    bench.select("save");
    bench.press("s s [");
    assert_eq!((bench.input().as_deref(), bench.model.side), (Some("name"), Side::Inputs));
}

#[test]
fn the_palette_finds_inputs_by_their_names_and_by_what_people_call_them() {
    let mut bench = Bench::opened((100, 30), &shipped("text_to_image.ron"));
    for (typed, wanted) in [("decoder_st", "decoder_steps"), ("seed", "seed"), ("negative", "negative_prompt")] {
        bench.press("esc :");
        bench.type_in(typed);
        bench.press("enter");
        assert_eq!(bench.asks_for().as_deref(), Some(wanted), "{typed}");
        bench.press("esc esc");
    }
    bench.press(":");
    bench.type_in("prompt");
    assert!(bench.shown().contains("input: what to draw"), "{}", bench.shown());
    bench.press("esc :");
    bench.type_in("inputs");
    bench.press("enter");
    assert_eq!((bench.model.side, bench.model.focus), (Side::Inputs, Focus::Side));
}

#[test]
fn inputs_are_added_renamed_and_taken_away() {
    let text = named();
    let mut bench = Bench::opened((100, 30), &text);
    bench.press("p a");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Choice { choice: Choice::InputKind, .. })));
    bench.type_in("int");
    bench.press("enter");
    bench.type_in("wi dth");
    bench.press("enter");
    assert!(bench.shown().contains("is no name for an input"), "{}", bench.shown());
    bench.press("ctrl-u");
    bench.type_in("height");
    bench.press("enter");
    assert_eq!(bench.input().as_deref(), Some("height"), "{}", bench.text());
    assert!(bench.text().contains("        \"height\": Integer(default: 0),\n    },"), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), text);
    bench.at_input("width");
    bench.press("R ctrl-u");
    bench.type_in("columns");
    bench.press("enter");
    assert_eq!(bench.input().as_deref(), Some("columns"));
    assert!(bench.text().contains("width: Input(\"columns\")"), "{}", bench.text());
    bench.press("x");
    assert!(!bench.text().contains("columns\""), "{}", bench.text());
    assert!(bench.shown().contains("does not feed small.width any more"), "{}", bench.shown());
    bench.press("u u");
    assert_eq!(bench.text(), text);
}

#[test]
fn a_workflow_without_inputs_says_how_to_add_one() {
    let mut bench = Bench::opened((100, 30), SMALL);
    assert_eq!(bench.model.side, Side::Inspector);
    bench.press("p");
    assert_eq!(bench.model.context(), Context::Inputs);
    assert!(bench.shown().contains("This workflow has no inputs: a adds one."), "{}", bench.shown());
    bench.press("enter x R + S E backspace down");
    assert_eq!((bench.text().as_str(), &bench.model.overlay), (SMALL, &None));
}

#[test]
fn the_pane_beside_the_graph_follows_what_is_selected_there() {
    let mut bench = Bench::opened((100, 30), &named());
    assert_eq!(bench.model.side, Side::Inputs);
    bench.press("right");
    assert_eq!(bench.model.side, Side::Inspector, "who goes to a node sees it");
    bench.press("esc");
    assert_eq!(bench.model.side, Side::Inputs, "who leaves it sees the inputs");
    bench.press("enter");
    assert_eq!((bench.model.side, bench.model.focus), (Side::Inputs, Focus::Side));
}

#[test]
fn clicks_choose_an_input_and_open_it() {
    let mut bench = Bench::opened((100, 30), &named());
    let screen = bench.drawn();
    let line = |y: u16| (0..100).map(|x| screen[(x, y)].symbol()).collect::<String>();
    let row = (0..30).find(|y| line(*y).contains("mode")).expect("it is listed");
    let column = u16::try_from(line(row).find("mode").expect("it is there")).expect("it is small");
    let column = line(row).char_indices().take_while(|(at, _)| *at < usize::from(column)).count() as u16;
    let kind = MouseEventKind::Down(MouseButton::Left);
    for _ in 0..2 {
        bench.tell(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }
    assert!(matches!(&bench.model.overlay, Some(Overlay::Choice { choice: Choice::Word { node: None, .. }, .. })));
}

#[test]
fn what_is_typed_for_an_input_survives_a_kill() {
    let mut bench = Bench::opened((100, 30), &named());
    bench.at_input("path");
    bench.press("enter");
    bench.type_in("!");
    let unsaved = bench.kept.clone().expect("it is kept");
    let mut other = Bench::opened((100, 30), &named());
    other.tell(Message::Recovered("flow.ron".into(), crate::studio::model::Offer { number: 1, unsaved }));
    assert!(other.shown().contains("for the input path:"), "{}", other.shown());
    other.press("y");
    assert_eq!(other.asks_for().as_deref(), Some("path"));
    other.press("enter");
    assert!(other.text().contains("default: \"gallery.png!\""), "{}", other.text());
}

#[test]
fn inputs_look_as_they_should() {
    snapshots("inputs", |bench| bench.press("p down"), &shipped("text_to_image.ron"));
    snapshots("inputs_needed", |bench| bench.press("p down down down"), FLOW);
    snapshots("inputs_form", |bench| bench.press("p enter"), &shipped("text_to_image.ron"));
    snapshots(
        "inputs_palette",
        |bench| {
            bench.press(":");
            bench.type_in("prompt");
        },
        &shipped("text_to_image.ron"),
    );
    let prompt = Prompt::NewInput { kind: "Integer".into(), problem: None };
    snapshots(
        "inputs_new",
        |bench| bench.model.overlay = Some(Overlay::Prompt(prompt.clone(), Field::line("steps"))),
        FLOW,
    );
}
