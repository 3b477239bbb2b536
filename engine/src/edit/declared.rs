//! Inputs that a workflow declares: they come, go, and are called something else.

use std::collections::BTreeSet;

use super::EditError;
use super::inputs::{called, remove_field};
use super::nodes::{insert_entry, prune_entries, prune_node};
use super::syntax::{Entry, Node, Reference, Scope, entries, field, hint, is_plain_name};
use super::write::{checked_value, invalid_value};
use crate::diagnostic::Replacement;
use crate::document::tree::{Tree, TreeKind};
use crate::document::{Literal, can_be_written, is_name, written_kind};

/// The fields of a call that name inputs of the workflow that it runs.
const NAMING: [&str; 3] = ["over", "index", "carry"];

/// Declares an input behind those that there are.
pub(super) fn add(
    scope: &Scope<'_>,
    name: &str,
    kind: &str,
    default: Option<&str>,
) -> Result<Vec<Replacement>, EditError> {
    check_name(scope, name)?;
    if !is_plain_name(kind) {
        return Err(EditError::InvalidName { name: kind.into(), what: "a kind" });
    }
    let default = match default.map(checked_value).transpose()? {
        Some(value) if !written_kind(kind).is_some_and(can_be_written) => {
            return Err(invalid_value(value, format!("values of kind {kind} have no written form")));
        }
        Some(value) => format!("default: {value}"),
        None => String::new(),
    };
    insert_entry(scope, "inputs", &[format!("{}: {kind}({default})", Literal::Text(name.into()))], usize::MAX)
}

fn check_name(scope: &Scope<'_>, name: &str) -> Result<(), EditError> {
    if !is_name(name) {
        return Err(EditError::InvalidName { name: name.into(), what: "an input" });
    }
    match scope.workflow.inputs.contains_key(name) {
        true => Err(EditError::NameTaken { name: name.into(), what: "an input" }),
        false => Ok(()),
    }
}

/// The declaration of an input, with its place among them.
fn find<'s, 't>(scope: &'s Scope<'t>, name: &str) -> Result<(&'s Tree<'t>, usize, Entry<'s, 't>), EditError> {
    let inputs = scope.field("inputs");
    let found = inputs.and_then(|tree| {
        let (at, entry) = entries(tree).into_iter().enumerate().find(|(_, entry)| entry.name() == Some(name))?;
        Some((tree, at, entry))
    });
    found.ok_or_else(|| EditError::UnknownWorkflowInput {
        name: name.into(),
        hint: hint(name, scope.workflow.inputs.keys().map(String::as_str)),
    })
}

/// Gives an input another name, where it is declared and where it feeds something.
pub(super) fn rename(scope: &Scope<'_>, name: &str, to: &str) -> Result<Vec<Replacement>, EditError> {
    let (_, _, entry) = find(scope, name)?;
    if name == to {
        return Ok(Vec::new());
    }
    check_name(scope, to)?;
    let Entry::Pair((key, _)) = entry else {
        return Err(scope.damaged(format!("the input `{name}`"), entry.value().span.start));
    };
    let text = Literal::Text(to.into()).to_string();
    let mut changes = vec![Replacement { span: key.span.clone(), text: text.clone() }];
    let mut rename = |reference: Reference<'_>| {
        if is_of(&reference, name) {
            changes.push(Replacement { span: reference.literal, text: text.clone() });
        }
    };
    scope.nodes().for_each(|node| scope.each_reference_of(&node, &mut rename));
    scope.each_reference_of_outputs(&mut rename);
    Ok(changes)
}

fn is_of(reference: &Reference<'_>, name: &str) -> bool {
    reference.is_input && reference.text == name
}

/// Takes an input away, and what it feeds with it.
pub(super) fn remove(scope: &Scope<'_>, name: &str) -> Result<Vec<Replacement>, EditError> {
    let (tree, at, _) = find(scope, name)?;
    let is_gone = |reference: &Reference<'_>| is_of(reference, name);
    let mut changes = Vec::new();
    for node in scope.nodes() {
        prune_node(scope, &node, &is_gone, &mut changes)?;
    }
    if let Some(outputs) = scope.field("outputs") {
        prune_entries(scope, outputs, |_| true, &is_gone, &mut changes)?;
    }
    match entries(tree).len() {
        1 => changes.extend(remove_field(scope, scope.tree(), "inputs")?),
        _ => changes.extend(scope.group(tree, "`inputs`")?.remove(&BTreeSet::from([at]))),
    }
    Ok(changes)
}

/// The nodes of a workflow that run one that is written inside of it.
fn callers<'s, 't>(scope: &'s Scope<'t>, workflow: &str) -> Vec<Node<'s, 't>> {
    let Some(wanted) = scope.workflow.workflows.get(workflow) else { return Vec::new() };
    let is_it = |node: &Node<'_, '_>| called(scope, node).is_some_and(|called| std::ptr::eq(called, &*wanted.workflow));
    scope.nodes().filter(is_it).collect()
}

/// Those that run a workflow follow when one of its inputs gets another name.
pub(super) fn renamed_in_callers(scope: &Scope<'_>, workflow: &str, name: &str, to: &str) -> Vec<Replacement> {
    let quoted = Literal::Text(to.into()).to_string();
    let mut changes = Vec::new();
    for node in callers(scope, workflow) {
        let given = field(node.value, "with").map(entries).unwrap_or_default();
        for entry in given.iter().filter(|entry| entry.name() == Some(name)) {
            changes.extend(match entry {
                Entry::Pair((key, _)) => Some(Replacement { span: key.span.clone(), text: quoted.clone() }),
                Entry::Item(item) => {
                    let span = item.name.as_ref().map(|name| name.span.clone());
                    span.filter(|_| is_plain_name(to)).map(|span| Replacement { span, text: to.into() })
                }
            });
        }
        for tree in NAMING.iter().filter_map(|part| field(node.value, part)) {
            each_text(tree, &mut |text| {
                if matches!(&text.kind, TreeKind::Text(known) if **known == *name) {
                    changes.push(Replacement { span: text.span.clone(), text: quoted.clone() });
                }
            });
        }
    }
    changes
}

/// Those that run a workflow do not give any more what it does not take any more.
pub(super) fn removed_in_callers(scope: &Scope<'_>, workflow: &str, name: &str) -> Result<Vec<Replacement>, EditError> {
    let mut changes = Vec::new();
    for node in callers(scope, workflow) {
        if let Some(with) = field(node.value, "with") {
            changes.extend(remove_field(scope, with, name)?);
        }
    }
    Ok(changes)
}

fn each_text<'s, 't>(tree: &'s Tree<'t>, f: &mut dyn FnMut(&'s Tree<'t>)) {
    match &tree.kind {
        TreeKind::List(items) => items.iter().for_each(|item| each_text(item, f)),
        TreeKind::Text(_) => f(tree),
        _ => {}
    }
}
