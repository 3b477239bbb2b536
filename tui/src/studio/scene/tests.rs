use easel_engine::{
    Context, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Registry, Source, kinds,
};

use super::*;

struct Join;

impl Node for Join {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Join", "Joins texts.")
            .input(InputSpec::new("texts", kinds::TEXT_LIST, "what to join"))
            .input(InputSpec::new("count", kinds::INTEGER, "how often").default(1_i64))
            .input(InputSpec::new("late", kinds::TEXT, "perhaps").optional().lazy())
            .output(OutputSpec::new("text", kinds::TEXT, "the text"))
            .output(OutputSpec::new("length", kinds::INTEGER, "of the text"))
    }

    fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("text", String::new()))
    }
}

fn read(text: &str) -> (Graph, Vec<Diagnostic>, Scene) {
    let mut registry = Registry::new();
    registry.register(Join).expect("there is no other");
    let (document, mut diagnostics) = Document::parse(&Source::new("test", text));
    let (graph, more) = Graph::build(&document, &registry);
    diagnostics.extend(more);
    let scene = Scene::of(&document, &graph, &diagnostics);
    (graph, diagnostics, scene)
}

fn names(sockets: &[Socket]) -> Vec<&str> {
    sockets.iter().map(|socket| socket.name.as_str()).collect()
}

fn port(node: usize, socket: usize) -> Port {
    Port { node, socket }
}

#[test]
fn inputs_are_those_that_are_fed_in_the_order_of_the_type() {
    let (_, diagnostics, scene) = read(
        r#"Workflow(version: 1, inputs: { "name": Text(default: "x") }, nodes: {
            "b": Join(late: From("a.text"), texts: [From("a.text"), From("a.text"), "c"]),
            "a": Join(count: 3, texts: [
                "one",
                "two",
            ]),
            "c": Join(texts: [Input("name")], late: Input("name")),
        })"#,
    );
    assert_eq!(diagnostics, []);
    let [b, a, c] = &scene.nodes[..] else { panic!("three nodes") };
    assert_eq!((b.id.as_str(), a.id.as_str()), ("b", "a"), "as they are written");
    assert_eq!((names(&b.inputs), names(&a.inputs)), (vec!["texts", "late"], vec!["texts", "count"]));
    assert_eq!(a.inputs[0].literal.as_deref(), Some(r#"[ "one", "two", ]"#));
    assert_eq!((b.inputs[0].literal.as_deref(), b.inputs[1].is_lazy), (None, true));
    assert_eq!(c.inputs[1].literal.as_deref(), Some(r#"Input("name")"#));
    assert_eq!((names(&a.outputs), a.outputs[1].kind.as_str()), (vec!["text", "length"], "Integer"));
    let from_a = |socket| SceneWire { from: port(1, 0), to: port(0, socket) };
    assert_eq!(scene.wires, [from_a(0), from_a(0), from_a(1)]);
    assert_eq!((scene.wires_into(port(0, 0)).count(), scene.wires_out_of(port(1, 0)).count()), (2, 3));
}

#[test]
fn what_is_wrong_is_counted_at_its_node_and_drawn_as_far_as_it_can_be() {
    let (_, _, scene) = read(
        r#"Workflow(version: 1, nodes: {
            "unknown": Jion(left: From("fine.nothing"), right: 3),
            "fine": Join(texts: ["a"]),
            "missing": Join(),
            "lost": Join(texts: From("nobody"), late: From("unknown.some")),
            "itself": Join(texts: From("itself.text")),
        })"#,
    );
    let errors: Vec<_> = scene.nodes.iter().map(|node| node.errors).collect();
    assert_eq!(errors, [2, 0, 1, 1, 1]);
    let [unknown, fine, missing, lost, _] = &scene.nodes[..] else { panic!("five nodes") };
    assert_eq!((names(&unknown.inputs), names(&unknown.outputs)), (vec!["left", "right"], vec!["some"]));
    assert_eq!(names(&fine.outputs), ["text", "length", "nothing"], "a wire has an end");
    assert_eq!((missing.inputs[0].name.as_str(), &missing.inputs[0].literal), ("texts", &None));
    assert_eq!(lost.inputs[0].literal.as_deref(), Some(r#"From("nobody")"#));
    let wires: Vec<_> = scene.wires.iter().map(|wire| (wire.from.node, wire.to.node)).collect();
    assert_eq!(wires, [(1, 0), (0, 3), (4, 4)]);
}

const NESTED: &str = r#"Workflow(version: 1, workflows: {
        "inner": Workflow(
            inputs: { "text": Text(), "times": Integer(default: 1) },
            nodes: { "one": Join(texts: [Input("text")]), "two": Jion(a: From("one.text")) },
            outputs: { "text": From("one.text"), "length": From("one.length") },
        ),
    }, nodes: {
        "source": Join(texts: ["a"], options: (mute: true)),
        "once": Include(workflow: "inner", with: (text: From("source.text"))),
        "each": Map(workflow: "inner", over: ["text"], with: (text: ["a", "b"])),
        "again": Loop(workflow: "inner", times: From("source.length"), carry: { "text": "text" }, with: (text: "a")),
        "gone": Include(workflow: "nowhere", with: (text: From("each.text"))),
    })"#;

#[test]
fn workflows_in_workflows_have_the_sockets_of_what_they_run() {
    let (_, _, scene) = read(NESTED);
    let of = |id: &str| scene.nodes.iter().find(|node| node.id == id).expect("it is written");
    assert!(of("once").has_body && of("each").has_body && of("again").has_body && !of("gone").has_body);
    let kinds = |id: &str| of(id).outputs.iter().map(|output| output.kind.clone()).collect::<Vec<_>>();
    assert_eq!(
        (kinds("once"), kinds("each")),
        (vec!["Text".into(), "Integer".into()], vec!["TextList".to_string(), "IntegerList".into()])
    );
    assert_eq!(of("each").inputs[0].kind, "TextList");
    assert_eq!(names(&of("again").inputs), ["text", "times"]);
    assert_eq!(scene.wires.iter().filter(|wire| wire.from == port(0, 1)).count(), 1, "how often is a wire too");
    assert_eq!(of("once").errors, 1, "what is wrong inside is seen outside");
    assert!(of("gone").errors > 0);
}

#[test]
fn workflows_can_be_entered() {
    let (graph, diagnostics, _) = read(NESTED);
    let inside = Scene::inside(&["each"], &graph, &diagnostics).expect("it has a body");
    let ids: Vec<_> = inside.nodes.iter().map(|node| (node.id.as_str(), node.errors)).collect();
    assert_eq!(ids, [("one", 0), ("two", 1)]);
    assert_eq!(inside.wires.len(), 1);
    assert_eq!(Scene::inside(&["source"], &graph, &diagnostics), None);
    assert_eq!(Scene::inside(&["each", "one"], &graph, &diagnostics), None);
    assert_eq!(Scene::inside(&["nobody"], &graph, &diagnostics), None);
    assert_eq!(Scene::inside(&[], &graph, &diagnostics).map(|scene| scene.nodes.len()), Some(5));
}

#[test]
fn switches_are_seen() {
    let (_, diagnostics, scene) = read(
        r#"Workflow(version: 1, nodes: {
            "a": Join(texts: ["a"], options: (mute: true)),
            "b": Join(texts: ["a"], options: (bypass: true)),
        })"#,
    );
    let switches: Vec<_> = scene.nodes.iter().map(|node| (node.is_muted, node.is_bypassed)).collect();
    assert_eq!(switches, [(true, false), (false, true)], "{diagnostics:?}");
}

#[test]
fn a_text_that_is_no_workflow_gives_an_empty_scene() {
    for text in ["", "(", "Workflow(", "Workflow(version: 1, nodes: { \"a\": "] {
        let (_, _, scene) = read(text);
        assert!(scene.nodes.len() <= 1 && scene.wires.is_empty(), "{text}");
    }
}

#[test]
fn folded_groups_keep_every_wire_that_crosses_their_border() {
    let mut runner = proptest::test_runner::TestRunner::default();
    let scenes = (crate::studio::fixture::scenes(20, 20), proptest::collection::vec(0..4_usize, 20));
    let holds = runner.run(&scenes, |(mut scene, groups)| {
        for (node, group) in scene.nodes.iter_mut().zip(groups) {
            node.group = (group > 0).then(|| Group { name: format!("g{group}"), colour: None });
        }
        let folded = ["g1".to_string(), "g2".to_string()].into();
        let after = scene.clone().folded(&folded);
        let group = |node: usize| scene.nodes[node].group.as_ref().filter(|group| folded.contains(&group.name));
        let is_inner =
            |wire: &&SceneWire| group(wire.from.node).is_some() && group(wire.from.node) == group(wire.to.node);
        let crossing = scene.wires.iter().filter(|wire| !is_inner(wire)).count();
        proptest::prop_assert_eq!(after.scene.wires.len(), crossing);
        for wire in &after.scene.wires {
            let (from, to) = (&after.scene.nodes[wire.from.node], &after.scene.nodes[wire.to.node]);
            proptest::prop_assert!(wire.from.socket < from.outputs.len() && wire.to.socket < to.inputs.len());
        }
        let members: usize = after.scene.nodes.iter().map(|node| node.members.len().max(1)).sum();
        proptest::prop_assert_eq!(members, scene.nodes.len());
        proptest::prop_assert_eq!(after.places.len(), after.scene.nodes.len());
        Ok(())
    });
    assert_eq!(holds, Ok(()));
}
