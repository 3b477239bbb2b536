//! Groups: nodes that belong together for people.

use std::collections::{BTreeSet, HashSet};

use super::EditError;
use super::inputs::{insert_field, remove_field};
use super::nodes::{insert_entry, selected};
use super::syntax::{Scope, entries, field, hint};
use super::write::invalid_value;
use crate::diagnostic::Replacement;
use crate::document::tree::{Tree, TreeKind};
use crate::document::{GROUP_COLOURS, Literal};

/// Takes nodes out of all groups; those that this empties go away.
pub(super) fn forget(scope: &Scope<'_>, gone: &HashSet<&str>) -> Result<Vec<Replacement>, EditError> {
    let Some(groups) = scope.field("groups") else { return Ok(Vec::new()) };
    let (mut changes, mut emptied, mut count) = (Vec::new(), BTreeSet::new(), 0);
    for (at, entry) in entries(groups).into_iter().enumerate() {
        count += 1;
        let Some(members @ Tree { kind: TreeKind::List(trees), .. }) = field(entry.value(), "nodes") else { continue };
        let is_gone = |tree: &Tree<'_>| matches!(&tree.kind, TreeKind::Text(name) if gone.contains(&**name));
        let places: BTreeSet<_> =
            trees.iter().enumerate().filter(|(_, tree)| is_gone(tree)).map(|(at, _)| at).collect();
        if places.is_empty() {
            continue;
        }
        if places.len() == trees.len() {
            emptied.insert(at);
        } else {
            changes.extend(scope.group(members, "the group")?.remove(&places));
        }
    }
    if emptied.len() == count && count > 0 {
        return remove_field(scope, scope.tree(), "groups");
    }
    if !emptied.is_empty() {
        changes.extend(scope.group(groups, "`groups`")?.remove(&emptied));
    }
    Ok(changes)
}

/// Makes a group of nodes that are in none.
pub(super) fn add(scope: &Scope<'_>, name: &str, ids: &[String]) -> Result<Vec<Replacement>, EditError> {
    check_name(scope, name)?;
    let nodes = selected(scope, ids)?;
    let members: Vec<_> = nodes.iter().map(|node| Literal::Text(node.id.into()).to_string()).collect();
    let entry = format!("{}: Group(nodes: [{}])", Literal::Text(name.into()), members.join(", "));
    insert_entry(scope, "groups", &[entry], usize::MAX)
}

fn check_name(scope: &Scope<'_>, name: &str) -> Result<(), EditError> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(invalid_value(name, "a group has a name on one line"));
    }
    match scope.workflow.groups.contains_key(name) {
        true => Err(EditError::NameTaken { name: name.into(), what: "a group" }),
        false => Ok(()),
    }
}

/// The group of that name: its entry.
fn find<'s, 't>(scope: &'s Scope<'t>, name: &str) -> Result<super::syntax::Entry<'s, 't>, EditError> {
    let groups = scope.field("groups").map(entries).unwrap_or_default();
    groups.into_iter().find(|entry| entry.name() == Some(name)).ok_or_else(|| EditError::UnknownGroup {
        name: name.into(),
        hint: hint(name, scope.workflow.groups.keys().map(String::as_str)),
    })
}

pub(super) fn ungroup(scope: &Scope<'_>, name: &str) -> Result<Vec<Replacement>, EditError> {
    find(scope, name)?;
    match scope.field("groups") {
        Some(groups) if entries(groups).len() > 1 => remove_field(scope, groups, name),
        _ => remove_field(scope, scope.tree(), "groups"),
    }
}

pub(super) fn rename(scope: &Scope<'_>, name: &str, to: &str) -> Result<Vec<Replacement>, EditError> {
    let entry = find(scope, name)?;
    if name == to {
        return Ok(Vec::new());
    }
    check_name(scope, to)?;
    let key = match entry {
        super::syntax::Entry::Pair((key, _)) => key.span.clone(),
        super::syntax::Entry::Item(item) => return Err(scope.damaged("the group", item.value.span.start)),
    };
    Ok(vec![Replacement { span: key, text: Literal::Text(to.into()).to_string() }])
}

pub(super) fn set_colour(scope: &Scope<'_>, name: &str, colour: Option<&str>) -> Result<Vec<Replacement>, EditError> {
    let entry = find(scope, name)?;
    let Some(colour) = colour else { return remove_field(scope, entry.value(), "colour") };
    if !GROUP_COLOURS.contains(&colour) {
        return Err(invalid_value(colour, format!("a group is one of {}", GROUP_COLOURS.join(", "))));
    }
    let text = Literal::Text(colour.into()).to_string();
    match field(entry.value(), "colour") {
        Some(written) => Ok(vec![Replacement { span: written.span.clone(), text }]),
        None => insert_field(scope, entry.value(), &format!("colour: {text}"), usize::MAX),
    }
}

/// The names of a node in groups, replaced.
pub(super) fn renamed_members(scope: &Scope<'_>, id: &str, to: &str) -> Vec<Replacement> {
    let groups = scope.field("groups").map(entries).unwrap_or_default();
    let lists = groups.iter().filter_map(|entry| match &field(entry.value(), "nodes")?.kind {
        TreeKind::List(trees) => Some(trees),
        _ => None,
    });
    let own = lists.flatten().filter(|tree| matches!(&tree.kind, TreeKind::Text(name) if **name == *id));
    own.map(|tree| Replacement { span: tree.span.clone(), text: Literal::Text(to.into()).to_string() }).collect()
}
