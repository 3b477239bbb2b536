//! Nodes that come, go, are copied and are called something else.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::EditError;
use super::inputs::insert_field;
use super::syntax::{Node, Pruned, Reference, Scope, entries, field, hint, prune};
use super::trivia::newline;
use crate::diagnostic::Replacement;
use crate::document::tree::{Tree, TreeKind};
use crate::document::{Form, Literal, Workflow, is_name};
use crate::registry::Registry;

/// A name for a new node that no node of the workflow has: that of its type in `snake_case`, with a number behind it if
/// there are such already.
///
/// ```
/// use easel_engine::edit::fresh_id;
/// use easel_engine::{Document, Source};
///
/// let text = r#"Workflow(version: 1, nodes: { "save_image": SaveImage() })"#;
/// let (document, _) = Document::parse(&Source::new("example", text));
/// assert_eq!(fresh_id(document.workflow(), "ClipTextEncoder"), "clip_text_encoder");
/// assert_eq!(fresh_id(document.workflow(), "SaveImage"), "save_image_2");
/// ```
pub fn fresh_id(workflow: &Workflow, node_type: &str) -> String {
    fresh(&snake_case(node_type), |id| workflow.by_id.contains_key(id))
}

/// A name that is not taken: `base`, `base_2`, `base_3` …
pub(super) fn fresh(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut number = 1_u64;
    loop {
        let name = if number == 1 { base.to_string() } else { format!("{base}_{number}") };
        if !is_taken(&name) {
            return name;
        }
        number += 1;
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for c in name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        if c.is_uppercase() && before != '_' && !before.is_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        before = c;
    }
    if is_name(&snake) { snake } else { "node".into() }
}

/// What copies of a node are called after: its name without the number.
fn stem(id: &str) -> &str {
    let stem = id.trim_end_matches(|c: char| c.is_ascii_digit());
    match stem.strip_suffix('_') {
        Some(stem) if stem.len() + 1 < id.len() && !stem.is_empty() => stem,
        _ => id,
    }
}

pub(super) fn check_id(scope: &Scope<'_>, id: &str) -> Result<(), EditError> {
    if !is_name(id) {
        return Err(EditError::InvalidName { name: id.into(), what: "a node" });
    }
    if scope.nodes().any(|node| node.id == id) {
        return Err(EditError::NameTaken { name: id.into(), what: "a node" });
    }
    Ok(())
}

pub(super) fn add(
    scope: &Scope<'_>,
    registry: &Registry,
    node_type: &str,
    id: Option<&str>,
    after: Option<&str>,
) -> Result<Vec<Replacement>, EditError> {
    if Form::find(node_type).is_none() && registry.spec(node_type).is_none() {
        let forms = [Form::Include, Form::Map, Form::Loop].map(Form::name);
        let names = registry.specs().map(|spec| spec.name).chain(forms);
        return Err(EditError::UnknownType { name: node_type.into(), hint: hint(node_type, names) });
    }
    let id = match id {
        Some(id) => {
            check_id(scope, id)?;
            id.to_string()
        }
        None => fresh(&snake_case(node_type), |id| scope.nodes().any(|node| node.id == id)),
    };
    let at = match after {
        Some(after) => scope.node(after)?.at + 1,
        None => usize::MAX,
    };
    insert_entry(scope, "nodes", &[format!("{}: {node_type}()", Literal::Text(id))], at)
}

/// Puts something into a map of the workflow, which is written if it is not there.
pub(super) fn insert_entry(
    scope: &Scope<'_>,
    map: &str,
    new: &[String],
    at: usize,
) -> Result<Vec<Replacement>, EditError> {
    if let Some(tree) = scope.field(map) {
        let group = scope.group(tree, &format!("`{map}`"))?;
        return match tree.kind {
            TreeKind::Map(_) => Ok(group.insert(at, new, scope.when_empty(tree))),
            _ => Err(scope.damaged(format!("`{map}`"), tree.span.start)),
        };
    }
    let workflow = scope.group(scope.tree(), "the workflow")?;
    // Inputs and workflows stand before the nodes that use them; the rest behind all.
    let place = |name: &str| super::syntax::field_place(scope.tree(), name);
    let place = match map {
        "inputs" => place("workflows").into_iter().chain(place("nodes")).min(),
        "workflows" => place("nodes"),
        _ => None,
    };
    let place = place.unwrap_or(usize::MAX);
    let field = if workflow.has_lines() {
        let (end, indent) = (newline(scope.text), workflow.item_indent(&scope.unit));
        let lines: String = new.iter().map(|entry| format!("{indent}{}{entry},{end}", scope.unit)).collect();
        format!("{map}: {{{end}{lines}{indent}}}")
    } else {
        format!("{map}: {{ {} }}", new.join(", "))
    };
    insert_field(scope, scope.tree(), &field, place)
}

/// The nodes of these names, in the order in which they are written.
pub(super) fn selected<'s, 't>(scope: &'s Scope<'t>, ids: &[String]) -> Result<Vec<Node<'s, 't>>, EditError> {
    let nodes: Result<BTreeMap<_, _>, _> = ids.iter().map(|id| scope.node(id).map(|node| (node.at, node))).collect();
    let nodes: Vec<_> = nodes?.into_values().collect();
    if nodes.is_empty() { Err(EditError::NothingSelected) } else { Ok(nodes) }
}

pub(super) fn delete(scope: &Scope<'_>, ids: &[String]) -> Result<Vec<Replacement>, EditError> {
    let nodes = selected(scope, ids)?;
    let gone: HashSet<&str> = nodes.iter().map(|node| node.id).collect();
    let is_gone = |reference: &Reference<'_>| reference.node().is_some_and(|node| gone.contains(node));
    let mut changes = Vec::new();
    for node in scope.nodes().filter(|node| !gone.contains(node.id)) {
        prune_node(scope, &node, &is_gone, &mut changes)?;
    }
    if let Some(outputs) = scope.field("outputs") {
        prune_entries(scope, outputs, |_| true, &is_gone, &mut changes)?;
    }
    let tree = scope.field("nodes").ok_or(EditError::NothingSelected)?;
    let places = nodes.iter().map(|node| node.at).collect();
    changes.extend(scope.group(tree, "`nodes`")?.remove(&places));
    Ok(changes)
}

pub(super) fn prune_node(
    scope: &Scope<'_>,
    node: &Node<'_, '_>,
    is_gone: &dyn Fn(&Reference<'_>) -> bool,
    changes: &mut Vec<Replacement>,
) -> Result<(), EditError> {
    match node.form() {
        None => prune_entries(scope, node.value, |name| name != "options", is_gone, changes),
        Some(form) => {
            if let Some(with) = field(node.value, "with") {
                prune_entries(scope, with, |_| true, is_gone, changes)?;
            }
            prune_entries(scope, node.value, |name| form == Form::Loop && name == "times", is_gone, changes)
        }
    }
}

/// Takes what is gone out of the values of a group.
pub(super) fn prune_entries(
    scope: &Scope<'_>,
    tree: &Tree<'_>,
    is_meant: impl Fn(&str) -> bool,
    is_gone: &dyn Fn(&Reference<'_>) -> bool,
    changes: &mut Vec<Replacement>,
) -> Result<(), EditError> {
    let mut emptied = BTreeSet::new();
    for (at, entry) in entries(tree).into_iter().enumerate() {
        if !entry.name().is_some_and(&is_meant) {
            continue;
        }
        match prune(scope.text, entry.value(), is_gone) {
            Pruned::Nothing => {}
            Pruned::Whole => drop(emptied.insert(at)),
            Pruned::Partly(replacements) => changes.extend(replacements),
        }
    }
    if !emptied.is_empty() {
        changes.extend(scope.group(tree, "what names these nodes")?.remove(&emptied));
    }
    Ok(())
}

/// The name of a node where it is written, replaced.
pub(super) fn renamed_key(scope: &Scope<'_>, node: &Node<'_, '_>, to: &str) -> Replacement {
    let inner = node.key.start + 1..node.key.end.saturating_sub(1).max(node.key.start + 1);
    if scope.text.get(inner.clone()) == Some(node.id) && scope.text[node.key.clone()].starts_with('"') {
        return Replacement { span: inner, text: to.into() };
    }
    Replacement { span: node.key.clone(), text: Literal::Text(to.into()).to_string() }
}

pub(super) fn rename(scope: &Scope<'_>, id: &str, to: &str) -> Result<Vec<Replacement>, EditError> {
    let node = scope.node(id)?;
    if id == to {
        return Ok(Vec::new());
    }
    check_id(scope, to)?;
    let mut changes = vec![renamed_key(scope, &node, to)];
    let mut rename = |reference: Reference<'_>| {
        if reference.node() == Some(id) {
            changes.push(reference.renamed(scope.text, to));
        }
    };
    scope.nodes().for_each(|node| scope.each_reference_of(&node, &mut rename));
    scope.each_reference_of_outputs(&mut rename);
    changes.extend(super::groups::renamed_members(scope, id, to));
    Ok(changes)
}

pub(super) fn duplicate(scope: &Scope<'_>, ids: &[String]) -> Result<Vec<Replacement>, EditError> {
    let nodes = selected(scope, ids)?;
    let mut taken: HashSet<String> = scope.nodes().map(|node| node.id.to_string()).collect();
    let mut names = BTreeMap::new();
    for node in &nodes {
        let name = fresh(stem(node.id), |id| taken.contains(id));
        taken.insert(name.clone());
        names.insert(node.id, name);
    }
    let copies: Vec<_> = nodes
        .iter()
        .map(|node| {
            let mut changes = vec![renamed_key(scope, node, &names[node.id])];
            scope.each_reference_of(node, &mut |reference| {
                if let Some(name) = reference.node().and_then(|id| names.get(id)) {
                    changes.push(reference.renamed(scope.text, name));
                }
            });
            changed_piece(scope.text, node.key.start..node.value.span.end, changes)
        })
        .collect();
    let behind = nodes.last().map_or(0, |node| node.at + 1);
    insert_entry(scope, "nodes", &copies, behind)
}

/// A piece of a text with changes in it.
pub(super) fn changed_piece(text: &str, piece: Range<usize>, mut changes: Vec<Replacement>) -> String {
    changes.sort_by_key(|change| change.span.start);
    let (mut changed, mut at) = (String::new(), piece.start);
    for change in changes.iter().filter(|change| change.span.end <= piece.end) {
        changed.push_str(text.get(at..change.span.start).unwrap_or_default());
        changed.push_str(&change.text);
        at = change.span.end;
    }
    changed.push_str(text.get(at..piece.end).unwrap_or_default());
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_types_and_names() {
        let snakes = ["ClipTextEncoder", "SaveImage", "HTTPGet", "A", "élanVital", "a.b", "…"].map(snake_case);
        assert_eq!(snakes, ["clip_text_encoder", "save_image", "httpget", "a", "élan_vital", "ab", "node"]);
        let stems = ["a", "a_2", "a_b_13", "_2", "a2", "a_"].map(stem);
        assert_eq!(stems, ["a", "a", "a_b", "_2", "a2", "a_"]);
        assert_eq!(fresh("a", |name| ["a", "a_2"].contains(&name)), "a_3");
    }
}
