//! What feeds the inputs of nodes, and the defaults of those of the workflow.

use std::collections::BTreeSet;

use super::group::WhenEmpty;
use super::syntax::{Node, Scope, entries, field, field_place, hint, is_plain_name};
use super::write::{checked_value, invalid_value};
use super::{EditError, Giver};
use crate::diagnostic::Replacement;
use crate::document::tree::{Tree, TreeKind};
use crate::document::{Form, Literal, can_be_written};
use crate::registry::Registry;

/// A node and one of its inputs.
type Socket<'a> = (&'a str, &'a str);

/// Where in the text the inputs of a node are, and the one in question.
struct Slot<'s, 't> {
    node: Node<'s, 't>,
    input: &'s str,
    /// What they stand in; none if a call says nothing of `with`.
    holder: Option<&'s Tree<'t>>,
    value: Option<&'s Tree<'t>>,
}

fn slot<'s, 't>(scope: &'s Scope<'t>, (id, input): (&str, &'s str)) -> Result<Slot<'s, 't>, EditError> {
    let node = scope.node(id)?;
    if node.type_name().is_none() {
        return Err(scope.damaged(format!("`{id}`"), node.value.span.start));
    }
    let holder = match node.form() {
        None => Some(node.value),
        Some(Form::Loop) if input == "times" => Some(node.value),
        Some(_) => field(node.value, "with"),
    };
    let value = holder.and_then(|holder| field(holder, input));
    Ok(Slot { node, input, holder, value })
}

impl Slot<'_, '_> {
    fn shown(&self) -> String {
        format!("`{}.{}`", self.node.id, self.input)
    }

    /// Says so if the node has no such input, as far as that is known.
    fn check(&self, scope: &Scope<'_>, registry: &Registry) -> Result<(), EditError> {
        let Slot { node, input, .. } = self;
        let known: Option<Vec<&str>> = match node.form() {
            _ if self.value.is_some() || (node.form() == Some(Form::Loop) && *input == "times") => return Ok(()),
            Some(_) => {
                let called = called(scope, node);
                called.map(|workflow| workflow.inputs.keys().map(String::as_str).collect())
            }
            None => node
                .type_name()
                .and_then(|name| registry.spec(name))
                .map(|spec| spec.inputs.iter().map(|input| input.name).collect()),
        };
        match known {
            Some(names) if !names.contains(input) => {
                Err(EditError::UnknownInput { node: node.id.into(), input: (*input).into(), hint: hint(input, names) })
            }
            _ => Ok(()),
        }
    }

    /// Feeds it with what is written.
    fn set(&self, scope: &Scope<'_>, value: &str) -> Result<Vec<Replacement>, EditError> {
        if let Some(written) = self.value {
            return Ok(vec![Replacement { span: written.span.clone(), text: value.into() }]);
        }
        let is_plain = is_plain_name(self.input);
        let quoted = format!("{}: {value}", Literal::Text(self.input.into()));
        let Some(holder) = self.holder else {
            let with =
                if is_plain { format!("with: ({}: {value})", self.input) } else { format!("with: {{ {quoted} }}") };
            return insert_field(scope, self.node.value, &with, before_options(self.node.value));
        };
        let entry = match holder.kind {
            TreeKind::Map(_) => quoted,
            _ if is_plain => format!("{}: {value}", self.input),
            _ => return Err(EditError::InvalidName { name: self.input.into(), what: "an input in round brackets" }),
        };
        insert_field(scope, holder, &entry, before_options(holder))
    }

    fn remove(&self, scope: &Scope<'_>) -> Result<Vec<Replacement>, EditError> {
        match self.holder {
            Some(holder) => remove_field(scope, holder, self.input),
            None => Ok(Vec::new()),
        }
    }
}

/// Behind all, but before options that stand last.
fn before_options(tree: &Tree<'_>) -> usize {
    let count = entries(tree).len();
    match field_place(tree, "options") {
        Some(at) if at + 1 == count => at,
        _ => count,
    }
}

/// The workflow that a node runs, if it is written inside of this one.
pub(super) fn called<'s>(scope: &'s Scope<'_>, node: &Node<'_, '_>) -> Option<&'s crate::document::Workflow> {
    let TreeKind::Text(name) = &field(node.value, "workflow")?.kind else { return None };
    scope.workflow.workflows.get(&**name).map(|local| &*local.workflow)
}

/// Puts a field between the brackets of `Name(…)`; those are written if they are not there.
pub(super) fn insert_field(
    scope: &Scope<'_>,
    tree: &Tree<'_>,
    entry: &str,
    at: usize,
) -> Result<Vec<Replacement>, EditError> {
    let end = tree.span.end;
    match &tree.kind {
        TreeKind::Call { name: Some(name), .. } if name.span.end == end => {
            Ok(vec![Replacement { span: end..end, text: format!("({entry})") }])
        }
        _ => Ok(scope.group(tree, "this")?.insert(at, &[entry.to_string()], WhenEmpty::Inline)),
    }
}

/// Takes a field out from between brackets.
pub(super) fn remove_field(scope: &Scope<'_>, tree: &Tree<'_>, name: &str) -> Result<Vec<Replacement>, EditError> {
    match field_place(tree, name) {
        Some(at) => Ok(scope.group(tree, &format!("`{name}`"))?.remove(&BTreeSet::from([at]))),
        None => Ok(Vec::new()),
    }
}

pub(super) fn set(
    scope: &Scope<'_>,
    registry: &Registry,
    socket: Socket<'_>,
    value: &str,
) -> Result<Vec<Replacement>, EditError> {
    let value = checked_value(value)?;
    let slot = slot(scope, socket)?;
    slot.check(scope, registry)?;
    slot.set(scope, value)
}

pub(super) fn clear(scope: &Scope<'_>, socket: Socket<'_>) -> Result<Vec<Replacement>, EditError> {
    slot(scope, socket)?.remove(scope)
}

/// What a call says besides `with`.
pub(super) fn set_field(
    scope: &Scope<'_>,
    node: &str,
    name: &str,
    value: Option<&str>,
) -> Result<Vec<Replacement>, EditError> {
    let node = scope.node(node)?;
    let known = node.form().map(Form::fields).unwrap_or_default();
    if !known.contains(&name) {
        let missing = EditError::UnknownInput { node: node.id.into(), input: name.into(), hint: String::new() };
        return Err(missing);
    }
    let Some(value) = value else { return remove_field(scope, node.value, name) };
    let value = checked_value(value)?;
    match field(node.value, name) {
        Some(written) => Ok(vec![Replacement { span: written.span.clone(), text: value.into() }]),
        None => insert_field(scope, node.value, &format!("{name}: {value}"), before_options(node.value)),
    }
}

pub(super) fn set_default(scope: &Scope<'_>, name: &str, value: Option<&str>) -> Result<Vec<Replacement>, EditError> {
    let missing = || EditError::UnknownWorkflowInput {
        name: name.into(),
        hint: hint(name, scope.workflow.inputs.keys().map(String::as_str)),
    };
    let declared = scope.workflow.inputs.get(name).ok_or_else(missing)?;
    let tree = scope.field("inputs").and_then(|inputs| field(inputs, name)).ok_or_else(missing)?;
    let Some(value) = value else { return remove_field(scope, tree, "default") };
    let value = checked_value(value)?;
    if let Some(kind) = &declared.kind_name
        && !declared.kind.is_some_and(can_be_written)
    {
        let why = format!("`{name}` is of kind {}, and values of it have no written form", kind.value);
        return Err(invalid_value(value, why));
    }
    match field(tree, "default") {
        Some(written) => Ok(vec![Replacement { span: written.span.clone(), text: value.into() }]),
        None => insert_field(scope, tree, &format!("default: {value}"), 0),
    }
}

/// How documents name what gives something.
fn giver(scope: &Scope<'_>, registry: &Registry, from: &Giver) -> Result<String, EditError> {
    let (id, output) = match from {
        Giver::Input(name) if scope.workflow.inputs.contains_key(name) => {
            return Ok(format!("Input({})", Literal::Text(name.clone())));
        }
        Giver::Input(name) => {
            let hint = hint(name, scope.workflow.inputs.keys().map(String::as_str));
            return Err(EditError::UnknownWorkflowInput { name: name.clone(), hint });
        }
        Giver::Output { node, output } => (node, output.as_deref()),
    };
    let node = scope.node(id)?;
    let outputs: Option<Vec<&str>> = match node.form() {
        Some(_) => called(scope, &node).map(|workflow| workflow.outputs.keys().map(String::as_str).collect()),
        None => node
            .type_name()
            .and_then(|name| registry.spec(name))
            .map(|spec| spec.outputs.iter().map(|output| output.name).collect()),
    };
    let wrong = |problem: String| Err(EditError::UnknownOutput { node: id.clone(), problem });
    let shown = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let socket = match (outputs.as_deref(), output) {
        (Some([]), _) => return wrong("has no outputs".into()),
        (Some([one]), Some(output)) if *one != output => {
            return wrong(format!("has no output `{output}`; it has `{one}`"));
        }
        (Some([_]), _) | (None, None) => None,
        (Some(names), Some(output)) if !names.contains(&output) => {
            return wrong(format!("has no output `{output}`; it has {}", shown(names)));
        }
        (Some(names), None) => return wrong(format!("has several outputs, say which: {}", shown(names))),
        (_, Some(output)) => Some(output),
    };
    let text = socket.map_or_else(|| id.clone(), |socket| format!("{id}.{socket}"));
    Ok(format!("From({})", Literal::Text(text)))
}

pub(super) fn connect(
    scope: &Scope<'_>,
    registry: &Registry,
    from: &Giver,
    socket: Socket<'_>,
    at: Option<usize>,
) -> Result<Vec<Replacement>, EditError> {
    let slot = slot(scope, socket)?;
    slot.check(scope, registry)?;
    let giver = giver(scope, registry, from)?;
    match (at, slot.value) {
        (None, _) => slot.set(scope, &giver),
        (Some(_), None) => slot.set(scope, &format!("[{giver}]")),
        (Some(_), Some(Tree { kind: TreeKind::Broken, .. })) => slot.set(scope, &format!("[{giver}]")),
        (Some(at), Some(list @ Tree { kind: TreeKind::List(_), .. })) => {
            Ok(scope.group(list, &slot.shown())?.insert(at, &[giver], WhenEmpty::Inline))
        }
        (Some(at), Some(one)) => {
            let (before, after) =
                if at == 0 { (format!("[{giver}, "), "]".into()) } else { ("[".into(), format!(", {giver}]")) };
            let put = |place: usize, text| Replacement { span: place..place, text };
            Ok(vec![put(one.span.start, before), put(one.span.end, after)])
        }
    }
}

pub(super) fn disconnect(
    scope: &Scope<'_>,
    socket: Socket<'_>,
    at: Option<usize>,
) -> Result<Vec<Replacement>, EditError> {
    let slot = slot(scope, socket)?;
    let nothing = |what: String| Err(EditError::NothingThere { what });
    match (slot.value, at) {
        (None, _) => nothing(format!("nothing feeds {}", slot.shown())),
        (Some(list @ Tree { kind: TreeKind::List(items), .. }), Some(at)) if items.len() > 1 => {
            if at >= items.len() {
                return nothing(format!(
                    "{} is fed by {} elements; there is no number {at} (from 0)",
                    slot.shown(),
                    items.len()
                ));
            }
            Ok(scope.group(list, &slot.shown())?.remove(&BTreeSet::from([at])))
        }
        (Some(_), Some(at)) if at > 0 => {
            nothing(format!("one thing feeds {}; there is no number {at} (from 0)", slot.shown()))
        }
        (Some(_), _) => slot.remove(scope),
    }
}
