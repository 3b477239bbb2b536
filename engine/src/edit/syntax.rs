//! A workflow's text seen as what can be changed in it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::EditError;
use super::group::{Group, WhenEmpty};
use super::trivia::{line_indent, starts_line};
use crate::diagnostic::{Diagnostic, Replacement};
use crate::document::lexer::{TokenKind, lex};
use crate::document::tree::{Item, Tree, TreeKind, parse_text};
use crate::document::{Document, Form, Literal, Workflow};
use crate::suggest;

/// A workflow of a document, as it is written and as it is understood.
pub(super) struct Scope<'t> {
    pub(super) text: &'t str,
    pub(super) document: &'t Document,
    pub(super) workflow: &'t Workflow,
    tree: Tree<'t>,
    /// The syntax errors of the whole text.
    errors: Vec<Diagnostic>,
    /// By how much lines are indented further than those around them.
    pub(super) unit: String,
}

/// A node in the text.
pub(super) struct Node<'s, 't> {
    pub(super) id: &'s str,
    /// The place of its name, with the quotes.
    pub(super) key: Range<usize>,
    pub(super) value: &'s Tree<'t>,
    /// Its place among the nodes.
    pub(super) at: usize,
}

/// `Input("…")` or `From("…")`.
pub(super) struct Reference<'s> {
    pub(super) is_input: bool,
    pub(super) text: &'s str,
    /// The place of all of it.
    pub(super) span: Range<usize>,
    /// The place of what stands in the brackets.
    pub(super) literal: Range<usize>,
}

impl<'t> Scope<'t> {
    /// The workflow of a document that is written inside of those of `path`, one in the other.
    pub(super) fn find(document: &'t Document, path: &[String]) -> Result<Scope<'t>, EditError> {
        let text: &str = &document.source.text;
        let (mut tree, errors) = parse_text(text);
        let mut workflow: &Workflow = &document.root;
        if !matches!(tree.kind, TreeKind::Call { .. }) || document.cut_off && workflow.nodes.is_empty() {
            return Err(EditError::NoWorkflow);
        }
        for name in path {
            let missing = || EditError::UnknownWorkflow { name: name.clone() };
            workflow = &workflow.workflows.get(name).ok_or_else(missing)?.workflow;
            tree = into_local(tree, name).ok_or_else(missing)?;
        }
        let unit = indent_unit(text, &tree);
        Ok(Scope { text, document, workflow, tree, errors, unit })
    }

    /// What is wrong where something cannot be changed.
    pub(super) fn damaged(&self, what: impl Into<String>, place: usize) -> EditError {
        let near =
            |error: &&Diagnostic| error.labels.first().map_or(usize::MAX, |label| label.span.start.abs_diff(place));
        let nearest = self.errors.iter().min_by_key(near);
        let position = self
            .document
            .source
            .position(nearest.and_then(|error| error.labels.first()).map_or(place, |label| label.span.start));
        let why = nearest.map_or_else(|| "it is not written as expected".into(), |error| error.message.clone());
        EditError::Damaged { what: what.into(), line: position.line, why }
    }

    /// A part of the workflow.
    pub(super) fn field(&self, name: &str) -> Option<&Tree<'t>> {
        field(&self.tree, name)
    }

    pub(super) fn tree(&self) -> &Tree<'t> {
        &self.tree
    }

    /// The brackets of a value.
    pub(super) fn group(&self, tree: &Tree<'_>, what: &str) -> Result<Group<'t>, EditError> {
        Group::of(self.text, tree).ok_or_else(|| self.damaged(what, tree.span.start))
    }

    /// The nodes as they are written.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node<'_, 't>> {
        let entries = match self.field("nodes").map(|tree| &tree.kind) {
            Some(TreeKind::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().enumerate().filter_map(|(at, (key, value))| {
            let id = entry_name(key)?;
            Some(Node { id, key: key.span.clone(), value, at })
        })
    }

    /// The node of that name.
    pub(super) fn node(&self, id: &str) -> Result<Node<'_, 't>, EditError> {
        let mut found = self.nodes().filter(|node| node.id == id);
        match (found.next(), found.next()) {
            (Some(node), None) => Ok(node),
            (Some(_), Some(_)) => Err(EditError::Ambiguous { id: id.into() }),
            (None, _) => {
                let names = self.workflow.nodes.iter().map(|node| node.id.value.as_str());
                Err(EditError::UnknownNode { id: id.into(), hint: hint(id, names) })
            }
        }
    }

    /// Calls `f` with every reference in what feeds the inputs of a node.
    pub(super) fn each_reference_of<'s>(&self, node: &Node<'s, 't>, f: &mut dyn FnMut(Reference<'s>)) {
        for item in inputs(node.value) {
            each_reference(item.value(), f);
        }
        if node.form() == Some(Form::Loop)
            && let Some(times) = field(node.value, "times")
        {
            each_reference(times, f);
        }
    }

    /// Calls `f` with every reference in what the workflow gives.
    pub(super) fn each_reference_of_outputs<'s>(&'s self, f: &mut dyn FnMut(Reference<'s>)) {
        if let Some(TreeKind::Map(entries)) = self.field("outputs").map(|tree| &tree.kind) {
            entries.iter().for_each(|(_, value)| each_reference(value, f));
        }
    }

    /// How a map of the workflow that is empty is filled: like the document around it.
    pub(super) fn when_empty(&self, tree: &Tree<'_>) -> WhenEmpty<'_> {
        let around = Group::of(self.text, &self.tree);
        let opens_before = around.is_some_and(|around| self.text[around.open..tree.span.start].contains('\n'));
        if opens_before { WhenEmpty::Lines(&self.unit) } else { WhenEmpty::Inline }
    }
}

impl Node<'_, '_> {
    /// How it runs another workflow, if it does.
    pub(super) fn form(&self) -> Option<Form> {
        self.type_name().and_then(Form::find)
    }

    pub(super) fn type_name(&self) -> Option<&str> {
        match &self.value.kind {
            TreeKind::Call { name: Some(name), .. } => Some(&name.value),
            _ => None,
        }
    }
}

/// An input in the text: `name: value` or `"name": value`.
pub(super) enum Entry<'s, 't> {
    Item(&'s Item<'t>),
    Pair(&'s (Tree<'t>, Tree<'t>)),
}

impl<'s, 't> Entry<'s, 't> {
    pub(super) fn name(&self) -> Option<&'s str> {
        match self {
            Entry::Item(item) => item.name.as_ref().map(|name| &*name.value),
            Entry::Pair((key, _)) => entry_name(key),
        }
    }

    pub(super) fn value(&self) -> &'s Tree<'t> {
        match self {
            Entry::Item(item) => &item.value,
            Entry::Pair((_, value)) => value,
        }
    }
}

/// What stands between the brackets of a value, if it has names.
pub(super) fn entries<'s, 't>(tree: &'s Tree<'t>) -> Vec<Entry<'s, 't>> {
    match &tree.kind {
        TreeKind::Call { items, .. } => items.iter().map(Entry::Item).collect(),
        TreeKind::Map(pairs) => pairs.iter().map(Entry::Pair).collect(),
        _ => Vec::new(),
    }
}

/// The inputs of a node, whatever it is.
fn inputs<'s, 't>(node: &'s Tree<'t>) -> Vec<Entry<'s, 't>> {
    let TreeKind::Call { name: Some(name), .. } = &node.kind else { return Vec::new() };
    match Form::find(&name.value) {
        Some(_) => field(node, "with").map(entries).unwrap_or_default(),
        None => entries(node).into_iter().filter(|item| item.name() != Some("options")).collect(),
    }
}

/// A field of `Name(…)`, the first of that name.
pub(super) fn field<'s, 't>(tree: &'s Tree<'t>, name: &str) -> Option<&'s Tree<'t>> {
    entries(tree).into_iter().find(|entry| entry.name() == Some(name)).map(|entry| entry.value())
}

/// Its place among what stands in the brackets.
pub(super) fn field_place(tree: &Tree<'_>, name: &str) -> Option<usize> {
    entries(tree).iter().position(|entry| entry.name() == Some(name))
}

fn entry_name<'s>(key: &'s Tree<'_>) -> Option<&'s str> {
    match &key.kind {
        TreeKind::Text(name) => Some(name),
        // Reported, and understood.
        TreeKind::Call { name: Some(name), items } if items.is_empty() => Some(&name.value),
        _ => None,
    }
}

fn into_local<'t>(tree: Tree<'t>, name: &str) -> Option<Tree<'t>> {
    let TreeKind::Call { items, .. } = tree.kind else { return None };
    let is_wanted = |item: &Item<'_>| item.name.as_ref().is_some_and(|name| name.value == "workflows");
    let workflows = items.into_iter().find(is_wanted)?.value;
    let TreeKind::Map(entries) = workflows.kind else { return None };
    entries.into_iter().find(|(key, _)| entry_name(key) == Some(name)).map(|(_, value)| value)
}

/// The reference that a value is.
pub(super) fn reference<'s>(tree: &'s Tree<'_>) -> Option<Reference<'s>> {
    let TreeKind::Call { name: Some(name), items } = &tree.kind else { return None };
    let is_input = match &*name.value {
        "Input" => true,
        "From" => false,
        _ => return None,
    };
    match items.as_slice() {
        [Item { name: None, value: Tree { kind: TreeKind::Text(text), span } }] => {
            Some(Reference { is_input, text, span: tree.span.clone(), literal: span.clone() })
        }
        _ => None,
    }
}

pub(super) fn each_reference<'s>(tree: &'s Tree<'_>, f: &mut dyn FnMut(Reference<'s>)) {
    match &tree.kind {
        TreeKind::List(items) => items.iter().for_each(|item| each_reference(item, f)),
        _ => reference(tree).into_iter().for_each(f),
    }
}

impl Reference<'_> {
    /// The node, if it names one.
    pub(super) fn node(&self) -> Option<&str> {
        let node = self.text.split_once('.').map_or(self.text, |(node, _)| node);
        (!self.is_input).then_some(node)
    }

    /// The output, if it says which.
    pub(super) fn output(&self) -> Option<&str> {
        self.text.split_once('.').map(|(_, output)| output)
    }

    /// Has it name another node.
    pub(super) fn renamed(&self, text: &str, node: &str) -> Replacement {
        let length = self.node().map_or(0, str::len);
        let name = self.literal.start + 1..self.literal.start + 1 + length;
        if text.get(name.clone()) == self.node() && text[self.literal.clone()].starts_with('"') {
            return Replacement { span: name, text: node.into() };
        }
        let new = self.output().map_or_else(|| node.to_string(), |output| format!("{node}.{output}"));
        Replacement { span: self.literal.clone(), text: Literal::Text(new).to_string() }
    }
}

/// How to take out of a value what is fed from certain nodes.
pub(super) enum Pruned {
    /// Nothing of it.
    Nothing,
    /// All of it.
    Whole,
    /// Some of the elements of its lists.
    Partly(Vec<Replacement>),
}

/// Takes out of a value what `is_gone` says; lists that this empties go too.
pub(super) fn prune(text: &str, tree: &Tree<'_>, is_gone: &dyn Fn(&Reference<'_>) -> bool) -> Pruned {
    let TreeKind::List(items) = &tree.kind else {
        return match reference(tree).is_some_and(|reference| is_gone(&reference)) {
            true => Pruned::Whole,
            false => Pruned::Nothing,
        };
    };
    let (mut gone, mut changed) = (BTreeSet::new(), Vec::new());
    for (at, item) in items.iter().enumerate() {
        match prune(text, item, is_gone) {
            Pruned::Nothing => {}
            Pruned::Whole => drop(gone.insert(at)),
            Pruned::Partly(replacements) => changed.extend(replacements),
        }
    }
    match Group::of(text, tree) {
        _ if gone.is_empty() && changed.is_empty() => Pruned::Nothing,
        _ if gone.len() == items.len() => Pruned::Whole,
        Some(group) => {
            changed.extend(group.remove(&gone));
            Pruned::Partly(changed)
        }
        None => Pruned::Partly(changed),
    }
}

/// How much further in the parts of a workflow are written than the workflow itself.
fn indent_unit(text: &str, tree: &Tree<'_>) -> String {
    let parts = entries(tree).into_iter().filter_map(|entry| match entry {
        Entry::Item(item) => Some(item.name.as_ref()?.span.start),
        Entry::Pair(_) => None,
    });
    let outer = line_indent(text, tree.span.start);
    let mut lines = parts.filter(|&part| starts_line(text, part));
    let further = lines.find_map(|part| line_indent(text, part).strip_prefix(outer));
    further.filter(|unit| !unit.is_empty()).unwrap_or("    ").to_string()
}

/// "; did you mean `x`?", or nothing.
pub(super) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    suggest::closest(name, candidates).map(|close| format!("; did you mean `{close}`?")).unwrap_or_default()
}

/// The name of an input as it is written in round brackets, if it can be.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The one value that a text is, without what stands around it.
pub(super) fn value_of(text: &str) -> Result<&str, String> {
    let (tree, errors) = parse_text(text);
    match errors.first() {
        Some(error)
            if error.labels.first().is_some_and(|label| label.span.start >= tree.span.end && label.span.start > 0) =>
        {
            return Err("it is more than one value".into());
        }
        Some(error) => return Err(error.message.clone()),
        None => {}
    }
    if matches!(tree.kind, TreeKind::Broken) {
        return Err("it is no value".into());
    }
    let tokens = lex(text).tokens;
    let is_plain = tokens.iter().all(|token| !matches!(token.kind, TokenKind::Broken | TokenKind::Stray));
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) if is_plain => Ok(&text[first.span.start..last.span.end]),
        _ => Err("it is no value".into()),
    }
}

/// Moves the lines of a piece of text further in or out; what stands in strings of several lines stays.
pub(super) fn reindented(text: &str, piece: Range<usize>, from: &str, to: &str) -> String {
    let slice = &text[piece];
    let strings: Vec<_> = lex(slice).tokens.into_iter().filter(|token| token.kind == TokenKind::Text).collect();
    let mut moved = String::with_capacity(slice.len());
    let (mut at, mut string) = (0, 0);
    for (end, _) in slice.match_indices('\n') {
        let line = end + 1;
        while strings.get(string).is_some_and(|token| token.span.end <= end) {
            string += 1;
        }
        moved.push_str(&slice[at..line]);
        at = line;
        let is_inside = strings.get(string).is_some_and(|token| token.span.start < end);
        let is_blank = slice[line..].starts_with(['\n', '\r']);
        if let Some(rest) = slice[line..].strip_prefix(from).filter(|_| !is_inside && !is_blank) {
            moved.push_str(to);
            at = slice.len() - rest.len();
        }
    }
    moved.push_str(&slice[at..]);
    moved
}
