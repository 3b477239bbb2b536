//! Groups: made, drawn, folded, renamed, taken apart.

use super::{Bench, SIZES};
use crate::studio::graph_view::Status;
use crate::studio::message::Message;
use crate::studio::model::{Overlay, Prompt};
use easel_engine::{Event, RunId};

const GROUPS: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImage(path: "gallery.png"),
        "small": Resize(image: From("load"), width: 64),
        "large": Resize(image: From("load"), width: 128),
        "sheet": ContactSheet(images: [From("small"), From("large")]),
        "save": SaveImage(image: From("sheet"), name: "copy"),
    },
    groups: { "sizes": Group(nodes: ["small", "large"], colour: "teal") },
)
"#;

impl Bench {
    fn wires(&self) -> Vec<String> {
        let scene = self.model.flow.as_ref().and_then(|flow| flow.scene()).expect("it is checked");
        let named = |node: usize, socket: &str| format!("{}.{socket}", scene.nodes[node].id);
        let shown = |wire: &crate::studio::scene::SceneWire| {
            let (from, to) = (wire.from, wire.to);
            let output = &scene.nodes[from.node].outputs[from.socket].name;
            let input = &scene.nodes[to.node].inputs[to.socket].name;
            format!("{} → {}", named(from.node, output), named(to.node, input))
        };
        scene.wires.iter().map(shown).collect()
    }
}

#[test]
fn marked_nodes_become_a_group_that_can_be_taken_apart() {
    let mut bench = Bench::opened((100, 30), GROUPS);
    bench.select("sheet");
    bench.press("space");
    bench.select("save");
    bench.press("space ctrl-g");
    bench.type_in("sizes");
    bench.press("enter");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(Prompt::Group { problem: Some(_), .. }, _))));
    bench.press("ctrl-u");
    bench.type_in("the end");
    bench.press("enter");
    assert!(bench.text().contains(r#""the end": Group(nodes: ["sheet", "save"])"#), "{}", bench.text());
    assert!(bench.marked().is_empty());
    bench.select("save");
    bench.press("I");
    assert!(bench.text().contains(r#"["sheet", "save"], colour: "red""#), "{}", bench.text());
    bench.press("T ctrl-u");
    bench.type_in("out");
    bench.press("enter U");
    assert_eq!(bench.text(), GROUPS, "it was the only change");
    bench.press("U");
    assert!(bench.shown().contains("the node is in no group"));
    bench.select("small");
    bench.press("U");
    assert!(!bench.text().contains("groups"), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), GROUPS);
}

#[test]
fn a_folded_group_is_one_box_with_the_wires_that_cross_its_border() {
    let mut bench = Bench::opened((100, 30), GROUPS);
    bench.select("large");
    bench.press("v");
    assert_eq!(bench.nodes(), ["load", "[sizes]", "sheet", "save"]);
    assert_eq!(bench.selected().as_deref(), Some("[sizes]"));
    assert_eq!(
        bench.wires(),
        [
            "load.image → [sizes].small.image",
            "load.image → [sizes].large.image",
            "[sizes].small.image → sheet.images",
            "[sizes].large.image → sheet.images",
            "sheet.image → save.image",
        ]
    );
    // What is done to it is done to its nodes, and it stays folded.
    bench.press("m");
    assert_eq!(bench.text().matches("mute: true").count(), 2, "{}", bench.text());
    assert_eq!(bench.nodes().len(), 4);
    bench.press("ctrl-z R ctrl-u");
    bench.type_in("both");
    bench.press("enter");
    assert_eq!(bench.selected().as_deref(), Some("[both]"));
    bench.press("ctrl-z");
    bench.select("[sizes]");
    // A wire of its border is that of the node.
    bench.press("v v");
    bench.select("sheet");
    bench.press("V V");
    assert_eq!(bench.nodes(), ["load", "[sizes]", "sheet", "save"]);
    bench.select("[sizes]");
    bench.press("W x");
    assert!(bench.text().contains("\"small\": Resize(width: 64)"), "{}", bench.text());
    bench.press("ctrl-z");
    bench.press("esc");
    bench.select("[sizes]");
    bench.press("enter");
    assert_eq!((bench.nodes().len(), bench.selected().as_deref()), (5, Some("small")));
    bench.press("V x");
    assert_eq!(bench.nodes(), ["load", "sheet", "save"]);
    bench.press("ctrl-z");
    assert_eq!(bench.text(), GROUPS);
}

#[test]
fn a_folded_group_has_the_state_of_all_its_nodes() {
    let mut bench = Bench::opened((100, 30), GROUPS);
    bench.press("r V");
    let run = RunId(7);
    let status = |bench: &Bench| {
        let flow = bench.model.flow.as_ref().expect("it is open");
        let scene = flow.scene().expect("it is checked");
        let statuses = bench.model.run.as_ref().expect("it runs").statuses(scene, &[]);
        scene.nodes.iter().position(|node| node.id == "[sizes]").map(|at| statuses[at])
    };
    assert_eq!(status(&bench), Some(Status::Waiting));
    for (node, expected) in
        [("small", Status::Running { step: 0, steps: 0, left: None }), ("large", Status::Done { seconds: 1.0 })]
    {
        let outputs = std::sync::Arc::new([]);
        let done = Event::NodeFinished { run, node: node.into(), seconds: 0.5, outputs };
        bench.tell(Message::Event(Box::new(done)));
        assert_eq!(status(&bench), Some(expected));
    }
}

#[test]
fn groups_look_as_they_should() {
    for size in SIZES {
        let mut bench = Bench::opened(size, GROUPS);
        bench.select("large");
        bench.press("z");
        insta::assert_snapshot!(format!("groups_{}x{}", size.0, size.1), bench.shown());
        bench.press("V z");
        insta::assert_snapshot!(format!("folded_{}x{}", size.0, size.1), bench.shown());
    }
}

#[test]
fn the_border_of_a_folded_group_is_wired_like_any_node() {
    let folded = || {
        let mut bench = Bench::opened((240, 60), GROUPS);
        bench.select("large");
        bench.press("v");
        bench
    };
    // Its input is fed from elsewhere.
    let mut bench = folded();
    bench.press("s c");
    let Some(Overlay::Choice { items, .. }) = &bench.model.overlay else { panic!("{}", bench.shown()) };
    let names: Vec<_> = items.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["load.image", "large.image", "sheet.image"], "all but itself");
    bench.type_in("sheet");
    bench.press("enter");
    assert!(bench.text().contains(r#""small": Resize(image: From("sheet"), width: 64)"#), "{}", bench.text());
    // Another node takes from one of it, by the keyboard.
    let mut bench = folded();
    bench.select("save");
    bench.press("s c");
    bench.type_in("large.image");
    bench.press("enter");
    assert!(bench.text().contains(r#"SaveImage(image: From("large"), name: "copy")"#), "{}", bench.text());
    // And by the mouse.
    let mut bench = folded();
    bench.drag(bench.socket("[sizes]", "large.image", true), bench.socket("save", "image", false));
    assert!(bench.text().contains(r#"SaveImage(image: From("large"), name: "copy")"#), "{}", bench.text());
    // The inspector says what crosses, and what is done there is done to the nodes.
    let mut bench = folded();
    bench.press("1 down x");
    assert!(bench.text().contains(r#""large": Resize(width: 128)"#), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), GROUPS);
    for size in SIZES {
        let mut bench = Bench::opened(size, GROUPS);
        bench.select("large");
        bench.press("v 1 down");
        insta::assert_snapshot!(format!("folded_node_{}x{}", size.0, size.1), bench.shown());
    }
}

#[test]
fn a_search_finds_what_is_folded_and_unfolds_it_once_it_is_taken() {
    let mut bench = Bench::opened((120, 40), GROUPS);
    bench.press("V /");
    bench.type_in("large");
    assert_eq!((bench.selected().as_deref(), bench.nodes().len()), (Some("[sizes]"), 4));
    bench.press("enter");
    assert_eq!((bench.selected().as_deref(), bench.nodes().len()), (Some("large"), 5));
    // The group itself stays as it is.
    bench.press("V /");
    bench.type_in("sizes");
    bench.press("enter");
    assert_eq!((bench.selected().as_deref(), bench.nodes().len()), (Some("[sizes]"), 4));
    // And nothing at all is unfolded by what is not found.
    bench.press("/");
    bench.type_in("xyzzy");
    bench.press("enter");
    assert_eq!(bench.nodes().len(), 4);
}

#[test]
fn what_is_wrong_with_a_folded_node_is_shown_at_its_group() {
    let broken = GROUPS.replace("width: 128", "width: 0");
    let mut bench = Bench::opened((120, 40), &broken);
    bench.press("V");
    bench.select("[sizes]");
    bench.press("1");
    assert!(bench.shown().contains("is 0, but should be"), "{}", bench.shown());
    let flow = bench.model.flow.as_ref().expect("it is open");
    let group = flow.scene().and_then(|scene| scene.nodes.iter().find(|node| node.id == "[sizes]"));
    assert_eq!(group.map(|group| group.errors), Some(1));
    bench.press("2 enter");
    assert_eq!(bench.selected().as_deref(), Some("[sizes]"));
}
