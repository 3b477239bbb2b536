//! Adding nodes, and wires between them.

use easel_engine::edit::{Edit, Giver, fresh_id};
use easel_engine::{Kind, Literal, kinds};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::graph_view::Focus;
use super::super::message::Tone;
use super::super::model::{Choice, Flow, Model, Overlay, Schema};
use super::edit::edit;
use super::inputs;
use super::sockets::{self, Way, takes};

/// Asks for the type of a new node: those that can take what the selected one gives come first.
pub(super) fn add_node(model: &mut Model) -> Vec<Effect> {
    let Some(checked) = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()) else { return Vec::new() };
    let selected = model.flow.as_ref().and_then(|flow| flow.selected_node()).and_then(|(_, schema)| schema);
    let fits = |to: &Schema| selected.is_some_and(|from| fit(from, to).is_some());
    let mut types: Vec<_> = checked.registry.specs().map(|spec| (!fits(&Schema::of_type(spec)), spec)).collect();
    types.sort_by_key(|(is_other, spec)| (*is_other, spec.name));
    let items = types
        .iter()
        .map(|(is_other, spec)| {
            let about = spec.about.lines().next().unwrap_or_default();
            (spec.name.to_string(), format!("{}{about}", if *is_other { "  " } else { "● " }))
        })
        .collect();
    model.overlay = Some(Overlay::Choice { choice: Choice::NodeType, items, field: Field::default(), at: 0 });
    Vec::new()
}

/// The first output of one node that an input of the other takes as it is: (output, input).
fn fit<'s>(from: &'s Schema, to: &'s Schema) -> Option<(&'s str, &'s str)> {
    from.outputs.iter().find_map(|output| {
        let kind = output.kind.filter(|kind| *kind != kinds::ANY)?;
        let input = to.inputs.iter().find(|input| input.kinds.contains(&kind))?;
        Some((output.name.as_str(), input.name.as_str()))
    })
}

/// What was chosen.
pub(super) fn chosen(model: &mut Model, choice: Choice, name: &str) -> Vec<Effect> {
    match choice {
        // Not an edit.
        Choice::SweepSecond(_) | Choice::Earlier(_) => Vec::new(),
        Choice::InputKind => inputs::kind_chosen(model, name),
        Choice::NodeType => add(model, name),
        Choice::LinkedType { node, socket, is_output, taken } => {
            let link = Link { node, socket, is_output };
            linked(model, name, &link, taken)
        }
        Choice::Taker { node, output } => sockets::taker_chosen(model, node, output, name),
        Choice::Wire { wires, is_forward } => {
            sockets::wire_chosen(model, &wires, is_forward, name);
            Vec::new()
        }
        Choice::Giver { node, input } => {
            let from = match name.strip_prefix("input ") {
                Some(name) => Giver::Input(name.to_string()),
                None => match name.rsplit_once('.') {
                    Some((node, output)) => Giver::Output { node: node.into(), output: Some(output.into()) },
                    None => return Vec::new(),
                },
            };
            let at = giver_place(model, &from, &node, &input);
            edit(model, Edit::Connect { from, node, input, at })
        }
        Choice::Word { node, input } => {
            let value = Literal::Text(name.to_string()).to_string();
            match node {
                Some(node) => edit(model, Edit::SetInput { node, input, value }),
                None => inputs::set(model, &input, Some(value)),
            }
        }
    }
}

/// Adds a node behind the selected one, and wires the two if there is a way.
fn add(model: &mut Model, node_type: &str) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let (Some(document), Some(checked)) = (flow.document(), flow.checked.as_ref()) else { return Vec::new() };
    let Some(workflow) = flow.shown(&document) else { return Vec::new() };
    let id = fresh_id(workflow, node_type);
    let selected = flow.selected_node();
    let wire = selected.and_then(|(_, schema)| {
        let added = Schema::of_type(checked.registry.spec(node_type)?);
        let (output, input) = fit(schema?, &added)?;
        let (node, output) = flow.owner(output)?;
        let from = Giver::Output { node, output: Some(output) };
        Some(Edit::Connect { from, node: id.clone(), input: input.into(), at: None })
    });
    let after = flow.targets().pop().filter(|_| flow.selected.is_some());
    let add = Edit::AddNode { node_type: node_type.into(), id: Some(id.clone()), after };
    let effects = edit(model, Edit::All([add].into_iter().chain(wire).collect()));
    if let Some(flow) = &mut model.flow {
        flow.awaited = Some(id);
    }
    effects
}

/// Asks what is to feed an input: only what fits.
pub(super) fn connect(model: &mut Model, node: String, input: String) {
    let Some(checked) = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()) else { return };
    let Some(schema) = checked.input_named(&node, &input) else { return };
    let way = |kind: Option<Kind>| takes(checked, schema, kind);
    let mut items = Vec::new();
    for (other, schema) in checked.scene.nodes.iter().zip(&checked.schemas).filter(|(other, _)| other.id != node) {
        for output in schema.iter().flat_map(|schema| &schema.outputs) {
            if let Some(way) = way(output.kind) {
                let kind = output.kind.map(|kind| kind.to_string()).unwrap_or_default();
                let kind = if way == Way::Element { format!("{kind}, as one more of the list") } else { kind };
                let (other, output) = other.owner_of(&output.name);
                // In a group that is one box it stands beside itself.
                if other != node {
                    items.push((format!("{other}.{output}"), kind));
                }
            }
        }
    }
    let part = checked.part();
    for (place, declared) in part.workflow().inputs().enumerate() {
        if part.input_kind(place).is_some_and(|kind| way(Some(kind)) == Some(Way::Whole)) {
            items.push((format!("input {}", declared.name.value), declared.about.clone()));
        }
    }
    if items.is_empty() {
        return model.tell(Tone::Note, "nothing in this workflow gives what fits there");
    }
    let choice = Choice::Giver { node, input };
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
}

/// Where in the list that feeds an input a giver belongs: behind all, if it gives an element of it.
fn giver_place(model: &Model, from: &Giver, node: &str, input: &str) -> Option<usize> {
    let checked = model.flow.as_ref()?.checked.as_ref()?;
    let Giver::Output { node: giver, output: Some(output) } = from else { return None };
    let kind = checked.output_named(giver, output)?.kind;
    let input = checked.input_named(node, input)?;
    (takes(checked, input, kind)? == Way::Element).then_some(usize::MAX)
}

/// A socket by name.
struct Link {
    node: String,
    socket: String,
    is_output: bool,
}

impl Link {
    /// The sockets of a node type that can be wired to it, the first by name.
    fn fit(&self, flow: &Flow, to: &Schema) -> Option<(String, Way)> {
        let checked = flow.checked.as_ref()?;
        if self.is_output {
            let kind = checked.output_named(&self.node, &self.socket)?.kind;
            return to.inputs.iter().find_map(|input| Some((input.name.clone(), takes(checked, input, kind)?)));
        }
        let input = checked.input_named(&self.node, &self.socket)?;
        to.outputs.iter().find_map(|output| Some((output.name.clone(), takes(checked, input, output.kind)?)))
    }
}

/// Asks for the type of a new node at the other end of a wire: only those that fit.
pub(super) fn add_linked(model: &mut Model, anchor: Focus, taken_from: Option<usize>) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some(checked) = &flow.checked else { return Vec::new() };
    let (port, is_output) = match anchor {
        Focus::Output(port) => (port, true),
        Focus::Input(port) => (port, false),
        Focus::Wire(_) => return Vec::new(),
    };
    let Some(node) = checked.scene.nodes.get(port.node) else { return Vec::new() };
    let shown = if is_output { &node.outputs } else { &node.inputs };
    let Some(socket) = shown.get(port.socket) else { return Vec::new() };
    let (owner, socket) = node.owner(socket);
    let link = Link { node: owner.to_string(), socket: socket.to_string(), is_output };
    let mut types: Vec<_> =
        checked.registry.specs().filter(|spec| link.fit(flow, &Schema::of_type(spec)).is_some()).collect();
    types.sort_by_key(|spec| spec.name);
    let about = |about: &str| about.lines().next().unwrap_or_default().to_string();
    let items: Vec<_> = types.iter().map(|spec| (spec.name.to_string(), about(spec.about))).collect();
    if items.is_empty() {
        model.tell(Tone::Note, "no node type fits there");
        return Vec::new();
    }
    let taken = taken_from.and_then(|wire| sockets::unwire(flow, wire));
    let Link { node, socket, is_output } = link;
    let choice = Choice::LinkedType { node, socket, is_output, taken };
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
    Vec::new()
}

/// Adds a node at the other end of a wire.
fn linked(model: &mut Model, node_type: &str, link: &Link, taken: Option<Edit>) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let (Some(document), Some(checked)) = (flow.document(), flow.checked.as_ref()) else { return Vec::new() };
    let Some(workflow) = flow.shown(&document) else { return Vec::new() };
    let id = fresh_id(workflow, node_type);
    let added = checked.registry.spec(node_type).map(Schema::of_type);
    let Some((socket, way)) = added.and_then(|schema| link.fit(flow, &schema)) else { return Vec::new() };
    let at = (way == Way::Element).then_some(usize::MAX);
    let (from, (taker, input)) = match link.is_output {
        true => ((link.node.clone(), link.socket.clone()), (id.clone(), socket)),
        false => ((id.clone(), socket), (link.node.clone(), link.socket.clone())),
    };
    let from = Giver::Output { node: from.0, output: Some(from.1) };
    let add = Edit::AddNode { node_type: node_type.into(), id: Some(id.clone()), after: Some(link.node.clone()) };
    let wire = Edit::Connect { from, node: taker, input, at };
    let effects = edit(model, Edit::All(taken.into_iter().chain([add, wire]).collect()));
    if let Some(flow) = &mut model.flow {
        flow.awaited = Some(id);
    }
    effects
}
