//! Sockets and wires, by keys and by the mouse.

use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Bench, SIZES};
use crate::studio::message::Message;
use crate::studio::model::{Choice, Overlay};
use crate::studio::scene::Port;

const WIRES: &str = r#"Workflow(
    version: 1,
    nodes: {
        "a": LoadImage(path: "gallery.png"),
        "b": LoadImage(path: "gallery.png"),
        "small": Resize(image: From("a")),
        "sheet": ContactSheet(images: [From("a"), From("small")]),
        "save": SaveImage(image: From("sheet")),
    },
)
"#;

impl Bench {
    /// Where a socket is on the screen.
    pub(super) fn socket(&self, id: &str, name: &str, is_output: bool) -> (u16, u16) {
        let flow = self.model.flow.as_ref().expect("it is open");
        let scene = flow.scene().expect("it is checked");
        let node = scene.nodes.iter().position(|node| node.id == id).expect("there is such a node");
        let sockets = if is_output { &scene.nodes[node].outputs } else { &scene.nodes[node].inputs };
        let socket = sockets.iter().position(|socket| socket.name == name).expect("there is such a socket");
        let port = Port { node, socket };
        let cell = match is_output {
            true => flow.layout.output(flow.detail, port),
            false => flow.layout.input(flow.detail, port),
        };
        let (x, y) = cell.expect("it is laid out");
        ((x - flow.camera.x) as u16, (y - flow.camera.y + 1) as u16)
    }

    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        self.tell(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }

    pub(super) fn drag(&mut self, from: (u16, u16), to: (u16, u16)) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), from);
        self.mouse(MouseEventKind::Drag(MouseButton::Left), to);
        self.mouse(MouseEventKind::Up(MouseButton::Left), to);
    }
}

#[test]
fn wires_are_drawn_moved_and_taken_away_by_the_mouse() {
    let mut bench = Bench::opened((240, 60), WIRES);
    bench.drag(bench.socket("b", "image", true), bench.socket("small", "image", false));
    assert!(bench.text().contains("Resize(image: From(\"b\"))"), "{}", bench.text());
    bench.press("ctrl-z");
    // From the input to the output is the same.
    bench.press("x");
    bench.press("ctrl-z");
    bench.drag(bench.socket("sheet", "images", false), bench.socket("save", "image", false));
    assert!(bench.text().contains("images: [From(\"a\")])"), "the last wire was taken: {}", bench.text());
    assert!(bench.text().contains("SaveImage(image: From(\"small\"))"), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), WIRES, "it was one step");
    bench.drag(bench.socket("b", "image", true), bench.socket("sheet", "images", false));
    assert!(bench.text().contains("[From(\"a\"), From(\"small\"), From(\"b\")]"), "{}", bench.text());
    bench.press("ctrl-z");
    // What does not fit is refused, esc leaves the wire, and a click is no wire.
    bench.drag(bench.socket("a", "image", true), bench.socket("b", "path", false));
    assert!(bench.shown().contains("that does not fit there"));
    let (from, to) = (bench.socket("b", "image", true), bench.socket("small", "image", false));
    bench.mouse(MouseEventKind::Down(MouseButton::Left), from);
    bench.mouse(MouseEventKind::Drag(MouseButton::Left), to);
    bench.press("esc");
    bench.mouse(MouseEventKind::Up(MouseButton::Left), to);
    bench.drag(from, from);
    assert_eq!(bench.text(), WIRES);
    bench.mouse(MouseEventKind::Down(MouseButton::Right), bench.socket("small", "image", false));
    assert!(bench.text().contains("Resize()"), "{}", bench.text());
}

#[test]
fn a_wire_that_ends_nowhere_asks_for_a_node_that_fits() {
    let mut bench = Bench::opened((240, 60), WIRES);
    bench.drag(bench.socket("b", "image", true), (2, 55));
    let Some(Overlay::Choice { items, .. }) = &bench.model.overlay else { panic!("nothing is asked") };
    assert!(items.iter().any(|(name, _)| name == "SafetyFilter") && items.iter().all(|(name, _)| name != "LoadImage"));
    bench.type_in("SafetyFilter");
    bench.press("enter");
    assert!(bench.text().contains("\"safety_filter\": SafetyFilter(image: From(\"b\"))"), "{}", bench.text());
    assert_eq!(bench.selected().as_deref(), Some("safety_filter"));
    // From an input: what gives.
    bench.press("ctrl-z");
    bench.drag(bench.socket("a", "path", false), (2, 55));
    let Some(Overlay::Choice { items, .. }) = &bench.model.overlay else { panic!("nothing is asked") };
    assert!(items.iter().all(|(name, _)| name != "LoadImage"));
}

#[test]
fn a_rectangle_marks_what_it_touches() {
    let mut bench = Bench::opened((240, 60), WIRES);
    bench.drag((0, 1), (140, 58));
    assert_eq!(bench.marked().len(), 5);
    bench.drag((0, 58), (0, 58));
    assert!(bench.marked().is_empty(), "a click on nothing");
}

#[test]
fn sockets_and_wires_are_chosen_by_keys() {
    let mut bench = Bench::opened((100, 30), WIRES);
    bench.select("b");
    bench.press("c");
    let Some(Overlay::Choice { items, .. }) = &bench.model.overlay else { panic!("nothing is asked") };
    let about = |name: &str| items.iter().find(|(item, _)| item == name).map(|(_, about)| about.as_str());
    assert_eq!(about("small.image"), Some("in the place of a.image"));
    assert_eq!(about("sheet.images"), Some("besides a.image"));
    assert_eq!(about("a.path"), None, "only what fits");
    bench.type_in("small.image");
    bench.press("enter");
    assert!(bench.text().contains("Resize(image: From(\"b\"))"), "{}", bench.text());
    bench.press("c");
    bench.type_in("sheet.images");
    bench.press("enter");
    assert!(bench.text().contains("[From(\"a\"), From(\"small\"), From(\"b\")]"), "{}", bench.text());
    bench.press("ctrl-z ctrl-z");
    // One wire of several into the list goes, and the node stays.
    bench.select("sheet");
    bench.press("W W");
    assert!(bench.shown().contains("small.image → sheet.images"), "{}", bench.shown());
    bench.press("x");
    assert!(bench.text().contains("images: [From(\"a\")]"), "{}", bench.text());
    bench.press("ctrl-z");
    bench.select("small");
    bench.press("s x");
    assert!(bench.text().contains("Resize()"), "{}", bench.text());
    bench.press("ctrl-z esc x");
    assert!(!bench.text().contains("Resize"), "without a socket it is the node: {}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), WIRES);
}

#[test]
fn where_several_wires_lead_on_one_is_chosen() {
    let mut bench = Bench::opened((100, 30), WIRES);
    bench.select("a");
    bench.press("]");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Choice { choice: Choice::Wire { .. }, .. })));
    bench.type_in("sheet");
    bench.press("enter");
    assert_eq!(bench.selected().as_deref(), Some("sheet"));
    bench.press("]");
    assert_eq!(bench.selected().as_deref(), Some("save"), "one way needs no question");
    bench.press("[");
    assert_eq!(bench.selected().as_deref(), Some("sheet"));
}

#[test]
fn wires_look_as_they_should() {
    for size in SIZES {
        let mut bench = Bench::opened(size, WIRES);
        bench.select("small");
        bench.press("W");
        insta::assert_snapshot!(format!("wire_{}x{}", size.0, size.1), bench.shown());
        bench.press("esc");
        bench.select("b");
        bench.press("c");
        insta::assert_snapshot!(format!("takers_{}x{}", size.0, size.1), bench.shown());
        let mut bench = Bench::opened(size, WIRES);
        bench.mouse(MouseEventKind::Down(MouseButton::Left), bench.socket("b", "image", true));
        bench.mouse(MouseEventKind::Drag(MouseButton::Left), (size.0 * 2 / 5, 4));
        insta::assert_snapshot!(format!("drawing_{}x{}", size.0, size.1), bench.shown());
    }
}
