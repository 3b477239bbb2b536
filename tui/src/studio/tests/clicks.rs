//! The mouse in lists, and in what is in front.

use super::*;
use crate::studio::model::{Focus, Prompt};

impl Bench {
    /// Where a text is on the screen.
    pub(super) fn place(&self, text: &str) -> (u16, u16) {
        let buffer = self.drawn();
        let row = |y: u16| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol().to_string()).collect::<Vec<_>>();
        for y in 0..buffer.area.height {
            let cells = row(y);
            for x in 0..cells.len() {
                if cells[x..].concat().starts_with(text) {
                    return (u16::try_from(x).expect("it is on the screen"), y);
                }
            }
        }
        panic!("`{text}` is not shown:\n{}", self.shown());
    }

    pub(super) fn event(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        self.tell(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }

    pub(super) fn click(&mut self, text: &str) {
        let place = self.place(text);
        self.event(MouseEventKind::Down(MouseButton::Left), place);
        self.event(MouseEventKind::Up(MouseButton::Left), place);
    }
}

const WRONG: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImag(path: "gallery.png"),
        "small": Resize(image: From("load"), width: 0),
        "save": SaveImag(image: From("small"), name: "copy"),
    },
)
"#;

#[test]
fn a_click_on_a_problem_goes_there_and_a_second_one_to_its_node() {
    for size in SIZES {
        let mut bench = Bench::opened(size, WRONG);
        bench.press("2 esc");
        bench.click("✗ `Resize.width`");
        let flow = bench.model.flow.as_ref().expect("it is open");
        assert!(flow.findings()[flow.problem].message.contains("Resize.width"));
        assert_eq!((bench.model.focus, bench.selected().as_deref() == Some("small")), (Focus::Side, false));
        bench.click("✗ `Resize.width`");
        assert_eq!((bench.model.focus, bench.selected().as_deref()), (Focus::Graph, Some("small")));
    }
}

#[test]
fn a_click_on_an_input_goes_there_and_a_second_one_asks_for_it() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.select("save");
    bench.press("1 esc");
    bench.click("name Text");
    let flow = bench.model.flow.as_ref().expect("it is open");
    let name = flow.selected_node().and_then(|(_, schema)| Some(schema?.inputs.get(flow.input)?.name.clone()));
    assert_eq!((name.as_deref(), bench.model.overlay.is_none()), (Some("name"), true));
    bench.click("name Text");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(Prompt::Value { input, .. }, _)) if input == "name"));
    // A key in between is another matter.
    bench.press("esc");
    bench.click("name Text");
    bench.press("down");
    bench.click("name Text");
    assert!(bench.model.overlay.is_none());
}

#[test]
fn a_click_on_a_line_of_the_log_goes_there_and_a_second_one_to_its_node() {
    let mut bench = Bench::opened((100, 30), SMALL);
    failing_run(&mut bench);
    bench.select("save");
    bench.press("4 esc");
    let chosen = |bench: &Bench| bench.model.log.chosen().map(|line| line.text.clone()).unwrap_or_default();
    bench.click("run 7 begins");
    assert_eq!(chosen(&bench), "run 7 begins");
    bench.press("G");
    bench.click("load failed");
    assert!(chosen(&bench).contains("gallery.png"), "{}", chosen(&bench));
    assert_eq!(bench.selected().as_deref(), Some("save"));
    bench.click("load failed");
    assert_eq!(bench.selected().as_deref(), Some("load"));
}

#[test]
fn a_click_on_what_can_be_done_or_chosen_takes_it() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press(":");
    bench.type_in("problem");
    bench.click("show what is wrong");
    assert_eq!((bench.model.side, bench.model.overlay.is_none()), (Side::Problems, true));
    bench.press("esc a");
    bench.type_in("resi");
    bench.click("Resize");
    assert!(bench.text().contains("Resize("), "{}", bench.text());
}

#[test]
fn a_click_beside_closes_what_is_in_front_and_one_on_it_does_not() {
    let beside = (0, 0);
    for keys in ["?", ":", "a", "/", "f2", "ctrl-s", "q"] {
        let mut bench = Bench::opened((100, 30), SMALL);
        bench.press("D");
        bench.press(keys);
        assert!(bench.model.overlay.is_some(), "{keys}");
        let middle = bench.place(match keys {
            "?" => "What the keys do here",
            ":" => "Do",
            "a" => "Add a node",
            "/" => "Find a node",
            "f2" => "Another name",
            "ctrl-s" => "What saving changes",
            _ => "Leave",
        });
        bench.event(MouseEventKind::Down(MouseButton::Left), middle);
        assert!(bench.model.overlay.is_some(), "a click on the frame after {keys}");
        bench.event(MouseEventKind::Down(MouseButton::Left), beside);
        assert_eq!((bench.model.overlay.as_ref(), bench.model.wants_quit), (None, false), "{keys}");
    }
    // What was typed is not lost by a click.
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("f2");
    bench.type_in("er");
    bench.event(MouseEventKind::Down(MouseButton::Left), beside);
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(_, field)) if field.text() == "loader"));
    bench.press("esc enter enter");
    bench.type_in("x");
    bench.event(MouseEventKind::Down(MouseButton::Left), beside);
    assert_eq!(bench.model.overlay, None);
    bench.press("enter ctrl-z");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(_, field)) if field.text() == "gallery.pngx"));
}

#[test]
fn the_wheel_scrolls_what_is_in_front() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("?");
    bench.event(MouseEventKind::ScrollDown, (40, 12));
    assert!(matches!(bench.model.overlay, Some(Overlay::Help { at: 3, .. })));
    bench.event(MouseEventKind::ScrollUp, (40, 12));
    assert!(matches!(bench.model.overlay, Some(Overlay::Help { at: 0, .. })));
    bench.press("esc :");
    bench.event(MouseEventKind::ScrollDown, (40, 12));
    assert!(matches!(bench.model.overlay, Some(Overlay::Palette(_, 3))));
    let camera = bench.model.flow.as_ref().map(|flow| flow.camera);
    bench.event(MouseEventKind::ScrollDown, (2, 12));
    assert_eq!(bench.model.flow.as_ref().map(|flow| flow.camera), camera, "what is behind stays");
}

#[test]
fn two_quick_clicks_on_a_node_do_what_enter_does() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.at(1_000);
    bench.click("save ─");
    assert_eq!(bench.model.focus, Focus::Graph);
    bench.at(1_200);
    bench.click("save ━");
    assert_eq!((bench.model.focus, bench.model.side), (Focus::Side, Side::Inspector));
    bench.press("esc");
    bench.click("save ━");
    bench.at(2_000);
    bench.click("save ━");
    assert_eq!(bench.model.focus, Focus::Graph, "slow ones only select");
}
