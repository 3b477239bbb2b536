//! Sockets and wires of the selected node, and what they can be wired to.

use std::collections::BTreeSet;

use easel_engine::edit::{Edit, Giver};
use easel_engine::{Feed, Kind, NodeEntry, kinds};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::graph_view::Focus;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Checked, Choice, Flow, InputSchema, Model, OutputSchema, Overlay};
use super::super::scene::{Port, Scene};
use super::edit::edit;
use super::inputs;

/// How an input takes what an output gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it is, or converted; it takes the place of what feeds the input.
    Whole,
    /// As one more element of the list that feeds the input.
    Element,
}

/// Whether and how an input takes values of a kind.
pub(super) fn takes(checked: &Checked, input: &InputSchema, kind: Option<Kind>) -> Option<Way> {
    let Some(kind) = kind.filter(|_| !input.kinds.is_empty()) else { return Some(Way::Whole) };
    let is_whole = |wanted: &Kind| {
        *wanted == kind
            || [kind, *wanted].contains(&kinds::ANY)
            || is_as_float(kind, *wanted)
            || checked.registry.conversion(kind, *wanted).is_some()
    };
    if input.kinds.iter().any(is_whole) {
        return Some(Way::Whole);
    }
    input.kinds.iter().any(|wanted| wanted.element() == Some(kind)).then_some(Way::Element)
}

/// Whole numbers go where any numbers go.
fn is_as_float(from: Kind, to: Kind) -> bool {
    match from.element().zip(to.element()) {
        Some((from, to)) => is_as_float(from, to),
        None => (from, to) == (kinds::INTEGER, kinds::FLOAT),
    }
}

/// What may be written in an input of the scene.
pub(super) fn input_at(checked: &Checked, port: Port) -> Option<&InputSchema> {
    let name = &checked.scene.nodes.get(port.node)?.inputs.get(port.socket)?.name;
    checked.schemas.get(port.node)?.as_ref()?.inputs.iter().find(|input| input.name == *name)
}

/// What an output of the scene gives.
pub(super) fn output_at(checked: &Checked, port: Port) -> Option<&OutputSchema> {
    let name = &checked.scene.nodes.get(port.node)?.outputs.get(port.socket)?.name;
    checked.schemas.get(port.node)?.as_ref()?.outputs.iter().find(|output| output.name == *name)
}

/// The sockets of the scene that can be wired to another: inputs for an output, outputs for an input.
pub(super) fn fitting(checked: &Checked, anchor: Focus) -> BTreeSet<Port> {
    let nodes = checked.scene.nodes.iter().enumerate();
    let ports = |node: usize, count: usize| (0..count).map(move |socket| Port { node, socket });
    match anchor {
        Focus::Output(from) => {
            let Some(output) = output_at(checked, from) else { return BTreeSet::new() };
            let inputs =
                nodes.filter(|(node, _)| *node != from.node).flat_map(|(at, node)| ports(at, node.inputs.len()));
            let fits = |port: &Port| {
                input_at(checked, *port).is_some_and(|input| takes(checked, input, output.kind).is_some())
            };
            inputs.filter(fits).collect()
        }
        Focus::Input(to) => {
            let Some(input) = input_at(checked, to) else { return BTreeSet::new() };
            let outputs =
                nodes.filter(|(node, _)| *node != to.node).flat_map(|(at, node)| ports(at, node.outputs.len()));
            let fits = |port: &Port| {
                output_at(checked, *port).is_some_and(|output| takes(checked, input, output.kind).is_some())
            };
            outputs.filter(fits).collect()
        }
        Focus::Wire(_) => BTreeSet::new(),
    }
}

/// The cursor moves along the sockets of the selected node, or along its wires.
pub(super) fn act(model: &mut Model, action: Action) {
    let Some(flow) = &mut model.flow else { return };
    let Some((node, scene)) = flow.selected.zip(flow.checked.as_ref().map(|checked| &checked.scene)) else {
        return model.tell(Tone::Note, "no node is selected");
    };
    let places: Vec<Focus> = match action {
        Action::SelectWire => {
            let wires = flow.layout.wires_into(node).iter().chain(flow.layout.wires_out_of(node));
            wires.map(|wire| Focus::Wire(*wire)).collect()
        }
        _ => {
            let shown = &scene.nodes[node];
            let inputs = (0..shown.inputs.len()).map(|socket| Focus::Input(Port { node, socket }));
            inputs.chain((0..shown.outputs.len()).map(|socket| Focus::Output(Port { node, socket }))).collect()
        }
    };
    if places.is_empty() {
        let what = if action == Action::SelectWire { "wires" } else { "sockets" };
        return model.tell(Tone::Note, format!("this node has no {what}"));
    }
    let at = places.iter().position(|place| Some(*place) == flow.focus);
    let last = places.len() - 1;
    let next = match (at, action) {
        (None, Action::PreviousSocket) => last,
        (None, _) => 0,
        (Some(at), Action::PreviousSocket) => at.checked_sub(1).unwrap_or(last),
        (Some(at), _) => (at + 1) % places.len(),
    };
    focus(model, places[next]);
}

/// Puts the cursor on a socket or a wire, and says which it is.
pub(super) fn focus(model: &mut Model, focus: Focus) {
    let Some(flow) = &mut model.flow else { return };
    flow.focus = Some(focus);
    let declared = inputs::at_focus(model);
    let Some(flow) = &model.flow else { return };
    let key = |action: Action| model.keymap.key(action).unwrap_or_default();
    let said = flow.scene().and_then(|scene| {
        let name = named(scene, focus)?;
        Some(match focus {
            Focus::Wire(_) => {
                format!("{name}: {} takes it away, {} feeds from elsewhere", key(Action::Delete), key(Action::Connect))
            }
            Focus::Input(_) => {
                let (connect, delete) = (key(Action::Connect), key(Action::Delete));
                match declared {
                    Some(input) => format!("{name} takes the input {input}: {} changes that", key(Action::Activate)),
                    None => format!("{name}: {connect} feeds it, {delete} clears it"),
                }
            }
            Focus::Output(_) => format!("{name}: {} gives it to another node", key(Action::Connect)),
        })
    });
    model.notice = said.map(|said| (Tone::Detail, said));
}

/// A socket or a wire in words.
fn named(scene: &Scene, focus: Focus) -> Option<String> {
    let input = |port: Port| {
        let node = scene.nodes.get(port.node)?;
        let (node, socket) = node.owner(node.inputs.get(port.socket)?);
        Some(format!("{node}.{socket}"))
    };
    let output = |port: Port| {
        let node = scene.nodes.get(port.node)?;
        let (node, socket) = node.owner(node.outputs.get(port.socket)?);
        Some(format!("{node}.{socket}"))
    };
    match focus {
        Focus::Input(port) => input(port),
        Focus::Output(port) => output(port),
        Focus::Wire(wire) => {
            let wire = scene.wires.get(wire)?;
            Some(format!("{} → {}", output(wire.from)?, input(wire.to)?))
        }
    }
}

/// Has an output feed an input.
pub(super) fn wire(checked: &Checked, from: Port, to: Port) -> Option<Edit> {
    let (giver, taker) = (checked.scene.nodes.get(from.node)?, checked.scene.nodes.get(to.node)?);
    let (giver, output) = giver.owner(giver.outputs.get(from.socket)?);
    let (taker, input) = taker.owner(taker.inputs.get(to.socket)?);
    let way = match (input_at(checked, to), output_at(checked, from)) {
        (Some(input), Some(output)) => takes(checked, input, output.kind)?,
        _ => Way::Whole,
    };
    let output = Some(output.to_string()).filter(|name| !name.is_empty());
    Some(Edit::Connect {
        from: Giver::Output { node: giver.to_string(), output },
        node: taker.to_string(),
        input: input.to_string(),
        at: (way == Way::Element).then_some(usize::MAX),
    })
}

/// Takes a wire away: of several that feed a list, only that one.
pub(super) fn unwire(flow: &Flow, wire: usize) -> Option<Edit> {
    let scene = flow.scene()?;
    let wanted = scene.wires.get(wire)?;
    let taker = scene.nodes.get(wanted.to.node)?;
    let (node, input) = taker.owner(taker.inputs.get(wanted.to.socket)?);
    let (node, input) = (node.to_string(), input.to_string());
    // Those of an input stand in the order of its list, in which other things may stand too.
    let number = scene.wires_into(wanted.to).position(|other| other == wire)?;
    let document = flow.document()?;
    let entry = flow.shown(&document)?.node(&node)?;
    let at = match feed(entry, &input)? {
        Feed::List(items) => {
            let mut wires = items.iter().enumerate().filter(|(_, item)| matches!(item.value, Feed::From { .. }));
            Some(wires.nth(number)?.0)
        }
        _ => None,
    };
    Some(Edit::Disconnect { node, input, at })
}

/// What feeds an input of a node as it is written.
pub(super) fn feed<'n>(entry: &'n NodeEntry, input: &str) -> Option<&'n Feed> {
    let written = entry.inputs.iter().find(|written| written.name.value == input).map(|written| &written.value.value);
    let times = || entry.call.as_ref()?.times.as_ref().filter(|_| input == "times").map(|times| &times.value);
    written.or_else(times)
}

/// Takes away what feeds the input that the cursor is on, or the wire; none if it is on neither.
pub(super) fn delete(model: &mut Model) -> Option<Vec<Effect>> {
    let flow = model.flow.as_ref().filter(|flow| flow.marked.is_empty())?;
    let wanted = match flow.focus? {
        Focus::Wire(wire) => unwire(flow, wire)?,
        Focus::Input(port) => {
            let node = flow.scene()?.nodes.get(port.node)?;
            let (node, input) = node.owner(node.inputs.get(port.socket)?);
            Edit::ClearInput { node: node.to_string(), input: input.to_string() }
        }
        Focus::Output(_) => {
            model.tell(Tone::Note, "wires of an output are taken away one by one: choose one first");
            return Some(Vec::new());
        }
    };
    let effects = edit(model, wanted);
    if let Some(flow) = model.flow.as_mut().filter(|flow| matches!(flow.focus, Some(Focus::Wire(_)))) {
        flow.focus = None;
    }
    Some(effects)
}

/// Asks what to wire to the socket with the cursor; where there is none, to what the selected node gives.
pub(super) fn connect(model: &mut Model) {
    let Some(flow) = &model.flow else { return };
    let Some((checked, node)) = flow.checked.as_ref().zip(flow.selected) else {
        return model.tell(Tone::Note, "no node is selected");
    };
    let focus = match flow.focus {
        // The wire's input is to be fed from elsewhere.
        Some(Focus::Wire(wire)) => checked.scene.wires.get(wire).map(|wire| Focus::Input(wire.to)),
        Some(focus) => Some(focus),
        None => None,
    };
    match focus.unwrap_or(Focus::Output(Port { node, socket: 0 })) {
        Focus::Input(port) => {
            let input = input_at(checked, port).and_then(|input| owned(checked, port.node, &input.name));
            match input {
                Some((node, input)) => super::wiring::connect(model, node, input),
                None => model.tell(Tone::Note, "what that takes is not known: its type is not"),
            }
        }
        Focus::Output(port) => {
            let output = output_at(checked, port).and_then(|output| owned(checked, port.node, &output.name));
            match output {
                Some((node, output)) => offer_takers(model, node, output),
                None => model.tell(Tone::Note, "this node gives nothing"),
            }
        }
        Focus::Wire(_) => {}
    }
}

/// The node and the socket that a socket of the scene stands for.
fn owned(checked: &Checked, node: usize, socket: &str) -> Option<(String, String)> {
    let (node, socket) = checked.scene.nodes.get(node)?.owner_of(socket);
    Some((node.to_string(), socket.to_string()))
}

/// Asks what the output of the selected node is to feed on which the cursor of the inspector is.
pub(super) fn connect_output(model: &mut Model) {
    let Some(flow) = &model.flow else { return };
    let Some((_, Some(schema))) = flow.selected_node() else { return };
    let output = flow.input.checked_sub(schema.inputs.len()).and_then(|at| schema.outputs.get(at));
    if let Some((node, output)) = output.and_then(|output| flow.owner(&output.name)) {
        offer_takers(model, node, output);
    }
}

/// Asks which input an output is to feed: only those that take it, with what feeds them now.
pub(super) fn offer_takers(model: &mut Model, node: String, output: String) {
    let Some(flow) = &model.flow else { return };
    let Some(checked) = &flow.checked else { return };
    let kind = checked.output_named(&node, &output).and_then(|output| output.kind);
    let mut items = Vec::new();
    for (other, schema) in checked.scene.nodes.iter().zip(&checked.schemas).filter(|(other, _)| other.id != node) {
        for input in schema.iter().flat_map(|schema| &schema.inputs) {
            let Some(way) = takes(checked, input, kind) else { continue };
            let now = other.inputs.iter().position(|shown| shown.name == input.name);
            let now = now.and_then(|socket| now_fed(&checked.scene, other, socket));
            let now = match (now, way) {
                (None, _) => "not given yet".into(),
                (Some(now), Way::Whole) => format!("in the place of {now}"),
                (Some(now), Way::Element) => format!("besides {now}"),
            };
            let (other, input) = other.owner_of(&input.name);
            if other != node {
                items.push((format!("{other}.{input}"), now));
            }
        }
    }
    if items.is_empty() {
        return model.tell(Tone::Note, "no node in this workflow takes what that gives");
    }
    let choice = Choice::Taker { node, output };
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
}

/// What feeds an input now, in words.
fn now_fed(scene: &Scene, node: &super::super::scene::SceneNode, socket: usize) -> Option<String> {
    let at = scene.nodes.iter().position(|other| std::ptr::eq(other, node))?;
    let mut wires = scene.wires_into(Port { node: at, socket }).filter_map(|wire| scene.wires.get(wire));
    match wires.next() {
        Some(wire) => named(scene, Focus::Output(wire.from)),
        None => node.inputs.get(socket)?.literal.clone(),
    }
}

/// An input was chosen for an output.
pub(super) fn taker_chosen(model: &mut Model, node: String, output: String, name: &str) -> Vec<Effect> {
    let Some((taker, input)) = name.rsplit_once('.') else { return Vec::new() };
    let Some(checked) = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()) else { return Vec::new() };
    let kind = checked.output_named(&node, &output).and_then(|output| output.kind);
    let way = checked.input_named(taker, input).and_then(|input| takes(checked, input, kind));
    let at = (way == Some(Way::Element)).then_some(usize::MAX);
    let from = Giver::Output { node, output: Some(output) };
    edit(model, Edit::Connect { from, node: taker.into(), input: input.into(), at })
}

/// Along a wire of the selected node to the node at its other end; of several to different nodes, one is chosen.
pub(super) fn jump(model: &mut Model, is_forward: bool) {
    if let Some(name) = inputs::at_focus(model).filter(|_| !is_forward) {
        inputs::go_to(model, &name);
        return;
    }
    let Some(flow) = &model.flow else { return };
    let Some((node, scene)) = flow.selected.zip(flow.scene()) else { return };
    if let Some(wire) = focused_wire(flow).and_then(|wire| scene.wires.get(wire)) {
        let end = if is_forward { wire.to.node } else { wire.from.node };
        return super::graph::select(model, Some(end));
    }
    let wires = if is_forward { flow.layout.wires_out_of(node) } else { flow.layout.wires_into(node) };
    let end = |wire: usize| scene.wires.get(wire).map(|wire| if is_forward { wire.to.node } else { wire.from.node });
    let ends: BTreeSet<_> = wires.iter().filter_map(|wire| end(*wire)).collect();
    if ends.len() <= 1 {
        return super::graph::select(model, ends.first().copied());
    }
    let item = |wire: &usize| {
        let name = named(scene, Focus::Wire(*wire))?;
        let node = scene.nodes.get(end(*wire)?)?;
        Some((name, node.node_type.clone()))
    };
    let items: Vec<_> = wires.iter().filter_map(item).collect();
    let choice = Choice::Wire { wires: wires.to_vec(), is_forward };
    let first = wires.first().copied();
    if let Some(flow) = &mut model.flow {
        flow.focus = first.map(Focus::Wire);
    }
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
}

/// The wire that the cursor is on.
pub(super) fn focused_wire(flow: &Flow) -> Option<usize> {
    match flow.focus {
        Some(Focus::Wire(wire)) => Some(wire),
        _ => None,
    }
}

/// The wire with that name among others was chosen: to its other end.
pub(super) fn wire_chosen(model: &mut Model, wires: &[usize], is_forward: bool, name: &str) {
    let Some(scene) = model.flow.as_ref().and_then(|flow| flow.scene()) else { return };
    let is_wanted = |wire: &&usize| named(scene, Focus::Wire(**wire)).as_deref() == Some(name);
    let wire = wires.iter().find(is_wanted).and_then(|wire| scene.wires.get(*wire));
    let end = wire.map(|wire| if is_forward { wire.to.node } else { wire.from.node });
    super::graph::select(model, end);
}
