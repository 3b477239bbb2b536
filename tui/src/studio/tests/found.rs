//! What somebody who never saw it finds: by the key bar, the tabs, the palette, help, and the mouse.

use super::*;
use crate::studio::keymap::Action;
use crate::studio::model::{Choice, Focus};
use crate::studio::view::bar_action_at;
use ratatui::layout::Position;

impl Bench {
    fn line(&self, y: u16) -> String {
        let screen = self.drawn();
        (0..self.model.size.0).map(|x| screen[(x, y)].symbol()).collect::<String>().trim_end().to_string()
    }

    fn bar(&self) -> String {
        self.line(self.model.size.1 - 1)
    }

    fn click_on(&mut self, text: &str) {
        let (columns, lines) = self.model.size;
        let screen = self.drawn();
        let place = (0..lines).rev().find_map(|row| {
            let line: Vec<&str> = (0..columns).map(|x| screen[(x, row)].symbol()).collect();
            let at = (0..line.len()).find(|at| line[*at..].concat().starts_with(text))?;
            Some((u16::try_from(at).ok()?, row))
        });
        let (column, row) = place.unwrap_or_else(|| panic!("no {text:?} in {}", self.shown()));
        let kind = MouseEventKind::Down(MouseButton::Left);
        self.tell(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }
}

#[test]
fn the_key_bar_says_in_words_what_can_be_done_now_and_cuts_none_of_them() {
    let mut bench = Bench::opened((80, 24), &shipped("text_to_image.ron"));
    assert!(bench.bar().starts_with(" r run  ? help  p inputs  enter edit"), "{}", bench.bar());
    bench.press("p");
    assert!(bench.bar().contains("enter edit  esc back"), "{}", bench.bar());
    bench.press("enter");
    bench.type_in("!");
    bench.press("enter");
    bench.model.notice = None;
    assert!(bench.bar().contains("ctrl-s save"), "{}", bench.bar());
    bench.tell(Message::Resized(400, 24));
    let whole: Vec<String> = bench.bar().split("  ").map(|entry| entry.trim().to_string()).collect();
    for width in 0..80 {
        bench.tell(Message::Resized(width, 24));
        let shown = bench.bar();
        let shown: Vec<_> = shown.split("  ").map(str::trim).filter(|entry| !entry.is_empty()).collect();
        assert!(shown.iter().all(|entry| whole.iter().any(|known| known == entry)), "{width}: {shown:?}");
    }
}

#[test]
fn a_broken_workflow_is_not_offered_to_be_run() {
    let mut bench = Bench::opened((80, 24), "\u{1b}[2J no workflow");
    bench.press("esc");
    bench.model.notice = None;
    let bar = bench.bar();
    assert!(bar.contains("2 problems") && bar.contains("o files"), "{bar}");
    assert!(!bar.contains("r run") && !bar.contains("edit") && !bar.contains("find "), "{bar}");
    // One that can be mended says so.
    let mut bench = Bench::opened((80, 24), &SMALL.replace("LoadImage", "LoadImag"));
    bench.press("2");
    assert!(bench.bar().contains("f mend"), "{}", bench.bar());
}

#[test]
fn the_key_bar_and_the_feet_of_frames_are_clicked() {
    let mut bench = Bench::opened((80, 24), &shipped("text_to_image.ron"));
    bench.click_on("p inputs");
    assert_eq!((bench.model.side, bench.model.focus), (Side::Inputs, Focus::Side));
    bench.click_on("esc back");
    assert_eq!(bench.model.focus, Focus::Graph);
    bench.click_on("q quit");
    assert!(bench.model.wants_quit, "nothing is lost by it");
    bench.press("m ctrl-s");
    bench.click_on("esc closes");
    assert_eq!(bench.model.overlay, None);
    bench.press("ctrl-s");
    bench.click_on("enter saves");
    assert_eq!(bench.saved.len(), 1, "{}", bench.shown());
    bench.press("m q");
    bench.click_on("stays");
    assert_eq!(bench.model.overlay, None);
    // While something is told there, its words are no keys.
    bench.model.notice = Some((Tone::Note, "q quit".into()));
    assert_eq!(bar_action_at(&bench.model, Position { x: 2, y: 23 }), None);
}

#[test]
fn every_column_of_the_key_bar_does_what_stands_there() {
    let bench = Bench::opened((80, 24), &shipped("text_to_image.ron"));
    let bar = bench.bar();
    for (word, action) in [("run", Action::Run), ("help", Action::Help), ("find", Action::Search)] {
        let at = u16::try_from(bar.find(word).expect("it is there")).expect("it is small");
        for x in at..at + u16::try_from(word.len()).expect("it is short") {
            assert_eq!(bar_action_at(&bench.model, Position { x, y: 23 }), Some(action), "{word} at {x}");
        }
    }
    assert_eq!(bar_action_at(&bench.model, Position { x: 79, y: 23 }), None, "{bar}");
}

#[test]
fn tabs_are_whole_words_at_80_columns_and_differ_everywhere() {
    let mut bench = Bench::opened((80, 24), &SMALL.replace("LoadImage", "LoadImag"));
    bench.press("1");
    let tabs = format!("{} {}", bench.line(1), bench.line(2));
    for name in ["p Inputs", "1 Node", "2 Problems(1)", "3 Run", "4 Log", "5 Runs", "6 Gallery", "7 Queue"] {
        assert!(tabs.contains(name), "{name} in {tabs}");
    }
    for (text, side) in [("6 Gallery", Side::Gallery), ("9 Inputs", Side::Inputs), ("5 Runs", Side::Runs)] {
        bench.click_on(text);
        assert_eq!(bench.model.side, side, "in the gallery, `p` is another key");
    }
    for width in [20, 30, 40, 64, 70, 100, 200] {
        bench.tell(Message::Resized(width, 9));
        bench.press("1");
        bench.drawn();
    }
    for (at, side) in Side::ALL.iter().enumerate() {
        assert!(Side::ALL[at + 1..].iter().all(|other| other.short_name() != side.short_name()));
    }
}

#[test]
fn where_keys_go_is_seen_without_colours() {
    for depth in [Depth::None, Depth::Ansi, Depth::True] {
        let mut bench = Bench::opened((80, 24), SMALL);
        bench.model.theme = Theme::new(Ground::Dark, depth);
        let marks = |bench: &Bench| {
            let screen = bench.drawn();
            (0..24).map(|y| screen[(43, y)].symbol().to_string()).collect::<String>()
        };
        bench.press("1");
        let side = marks(&bench);
        bench.press("tab");
        let graph = marks(&bench);
        assert!(
            side.contains('▶') && side.contains('┃') && graph.contains('◀') && graph.contains('│'),
            "{side}{graph}"
        );
    }
}

#[test]
fn esc_leads_to_the_list_that_one_came_from_and_nowhere_else() {
    let mut bench = Bench::new((80, 24));
    bench.model.chooser = Some(Chooser { folder: "flows".into(), ..Chooser::default() });
    let entry = Entry { path: "flow.ron".into(), about: "Copies.".into() };
    bench.tell(Message::Listed("flows".into(), Ok(vec![entry])));
    assert!(bench.bar().contains("enter open") && !bench.bar().contains("back"), "{}", bench.bar());
    bench.press("enter");
    bench.tell(Message::Read("flow.ron".into(), Ok(SMALL.into())));
    bench.press("esc");
    assert!(bench.model.flow.is_some(), "the node that was selected is let go of first");
    bench.press("esc");
    assert!(bench.model.flow.is_none() && bench.bar().contains("esc back"), "{}", bench.bar());
    bench.press("esc");
    assert!(bench.model.flow.is_some());
    // Whoever named the file is told where the list is.
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("esc esc");
    assert!(bench.bar().contains("`o` lists the workflows"), "{}", bench.bar());
    assert!(bench.model.flow.is_some());
}

#[test]
fn the_palette_finds_actions_by_what_people_call_them() {
    let bench = Bench::opened((80, 24), SMALL);
    for (typed, wanted) in [
        ("file", Action::CloseWorkflow),
        ("open file", Action::CloseWorkflow),
        ("input", Action::ShowInputs),
        ("prompt", Action::ShowInputs),
        ("exit", Action::Quit),
        ("quit", Action::Quit),
        ("zoom", Action::ZoomIn),
        ("history", Action::ShowRuns),
        ("fullscreen", Action::Maximise),
        ("subgraph", Action::Extract),
        ("images", Action::ShowGallery),
        ("run", Action::Run),
    ] {
        let first = crate::studio::update::candidates(&bench.model, typed).into_iter().next();
        assert_eq!(first, Some(crate::studio::update::Offered::Action(wanted)), "{typed}");
    }
}

#[test]
fn help_is_gone_through_searched_and_done() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("? /");
    bench.type_in("gallery");
    assert!(bench.shown().contains("show the pictures that were drawn"), "{}", bench.shown());
    assert!(!bench.shown().contains("take the last change back"), "{}", bench.shown());
    bench.press("esc");
    assert!(bench.shown().contains("/ searches"), "what was typed goes first: {}", bench.shown());
    bench.press("esc");
    assert_eq!(bench.model.overlay, None);
    bench.press("? /");
    bench.type_in("what was told");
    bench.press("enter enter");
    assert_eq!((bench.model.side, &bench.model.overlay), (Side::Log, &None));
    bench.press("esc ? G");
    bench.press("? ? /");
    bench.type_in("no such thing");
    assert!(bench.shown().contains("nothing is called like that"));
    bench.press("enter enter");
    assert_eq!(bench.model.overlay, None);
}

#[test]
fn two_clicks_beside_all_nodes_add_one_and_the_wheel_zooms_with_ctrl() {
    let mut bench = Bench::opened((100, 30), SMALL);
    let event = |kind, modifiers| Message::Mouse(MouseEvent { kind, column: 3, row: 25, modifiers });
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)].repeat(2) {
        bench.tell(event(kind, KeyModifiers::NONE));
    }
    assert!(matches!(&bench.model.overlay, Some(Overlay::Choice { choice: Choice::NodeType, .. })));
    bench.press("esc");
    let detail = |bench: &Bench| bench.model.flow.as_ref().expect("it is open").detail;
    let before = detail(&bench);
    bench.tell(event(MouseEventKind::ScrollDown, KeyModifiers::CONTROL));
    assert!(detail(&bench) < before);
    bench.tell(event(MouseEventKind::ScrollUp, KeyModifiers::CONTROL));
    assert_eq!(detail(&bench), before);
}

const FORK: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImage(path: "gallery.png"),
        "one": SaveImage(image: From("load"), name: "one"),
        "two": SaveImage(image: From("load"), name: "two"),
        "three": SaveImage(image: From("load"), name: "three"),
    },
)
"#;

#[test]
fn the_key_that_asks_where_to_go_on_steps_through_the_answers() {
    let mut bench = Bench::opened((100, 30), FORK);
    bench.select("load");
    let at = |bench: &Bench| match &bench.model.overlay {
        Some(Overlay::Choice { choice: Choice::Wire { .. }, at, field, .. }) => (*at, field.text()),
        other => panic!("nothing is asked: {other:?}"),
    };
    bench.press("]");
    assert_eq!(at(&bench), (0, String::new()));
    bench.press("] ]");
    assert_eq!(at(&bench), (2, String::new()));
    bench.press("] [");
    assert_eq!(at(&bench), (2, String::new()), "they go round");
    bench.press("enter");
    assert_ne!(bench.selected().as_deref(), Some("load"));
}

#[test]
fn a_folded_group_shows_what_is_missing_inside() {
    let text = r#"Workflow(
    version: 1,
    nodes: { "load": LoadImage(), "small": Resize(image: From("load")), "save": SaveImage(image: From("small"), name: "a") },
    groups: { "first": Group(nodes: ["load", "small"]) },
)
"#;
    let mut bench = Bench::opened((100, 30), text);
    bench.press("V");
    let scene = bench.model.flow.as_ref().and_then(|flow| flow.scene()).expect("it is checked");
    let group = scene.nodes.iter().find(|node| node.id == "[first]").expect("it is folded");
    let names: Vec<_> = group.inputs.iter().map(|input| input.name.as_str()).collect();
    assert!(names.contains(&"load.path"), "{names:?}");
    // It can be given there.
    bench.select("[first]");
    bench.press("1 enter");
    bench.type_in("gallery.png");
    bench.press("enter");
    assert!(bench.text().contains("LoadImage(path: \"gallery.png\")"), "{}", bench.text());
}

#[test]
fn help_and_files_look_as_they_should() {
    snapshots(
        "help_searched",
        |bench| {
            bench.press("? /");
            bench.type_in("zoom");
        },
        SMALL,
    );
    snapshots("broken_bar", |bench| bench.press("esc"), &SMALL.replace("LoadImage", "LoadImag"));
    snapshots(
        "no_colours",
        |bench| {
            bench.model.theme = Theme::new(Ground::Dark, Depth::None);
            bench.press("1");
        },
        SMALL,
    );
}
