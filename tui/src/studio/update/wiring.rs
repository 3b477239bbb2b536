//! Adding nodes, and wires between them.

use easel_engine::edit::{Edit, Giver, fresh_id};
use easel_engine::{Kind, Literal, Registry, kinds};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::message::Tone;
use super::super::model::{Choice, InputSchema, Model, Overlay, Schema};
use super::edit::edit;

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

/// Whether an input takes what an output gives, as it is or converted.
fn takes(registry: &Registry, input: &InputSchema, kind: Kind) -> bool {
    let fits = |wanted: &Kind| {
        *wanted == kind || [kind, *wanted].contains(&kinds::ANY) || registry.conversion(kind, *wanted).is_some()
    };
    input.kinds.is_empty() || input.kinds.iter().any(fits)
}

/// What was chosen.
pub(super) fn chosen(model: &mut Model, choice: Choice, name: &str) -> Vec<Effect> {
    match choice {
        Choice::NodeType => add(model, name),
        Choice::Giver { node, input } => {
            let from = match name.strip_prefix("input ") {
                Some(name) => Giver::Input(name.to_string()),
                None => match name.rsplit_once('.') {
                    Some((node, output)) => Giver::Output { node: node.into(), output: Some(output.into()) },
                    None => return Vec::new(),
                },
            };
            edit(model, Edit::Connect { from, node, input, at: None })
        }
        Choice::Word { node, input } => {
            let value = Literal::Text(name.to_string()).to_string();
            edit(model, Edit::SetInput { node, input, value })
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
    let wire = selected.and_then(|(node, schema)| {
        let added = Schema::of_type(checked.registry.spec(node_type)?);
        let (output, input) = fit(schema?, &added)?;
        let from = Giver::Output { node: node.into(), output: Some(output.into()) };
        Some(Edit::Connect { from, node: id.clone(), input: input.into(), at: None })
    });
    let after = selected.map(|(node, _)| node.to_string());
    let add = Edit::AddNode { node_type: node_type.into(), id: Some(id.clone()), after };
    let effects = edit(model, Edit::All([add].into_iter().chain(wire).collect()));
    if let Some(flow) = &mut model.flow {
        flow.awaited = Some(id);
    }
    effects
}

/// Asks what is to feed an input: only what fits.
pub(super) fn connect(model: &mut Model, node: String, input: &InputSchema) {
    let Some(checked) = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()) else { return };
    let fits = |kind: Kind| takes(&checked.registry, input, kind);
    let mut items = Vec::new();
    for (other, schema) in checked.scene.nodes.iter().zip(&checked.schemas).filter(|(other, _)| other.id != node) {
        for output in schema.iter().flat_map(|schema| &schema.outputs) {
            if output.kind.is_none_or(fits) {
                let kind = output.kind.map(|kind| kind.to_string()).unwrap_or_default();
                items.push((format!("{}.{}", other.id, output.name), kind));
            }
        }
    }
    let part = checked.part();
    for (place, declared) in part.workflow().inputs().enumerate() {
        if part.input_kind(place).is_some_and(fits) {
            items.push((format!("input {}", declared.name.value), declared.about.clone()));
        }
    }
    if items.is_empty() {
        return model.tell(Tone::Note, "nothing in this workflow gives what fits there");
    }
    let choice = Choice::Giver { node, input: input.name.clone() };
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
}
