//! Nodes that become a workflow of their own.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::EditError;
use super::group::Group;
use super::nodes::{changed_piece, check_id, fresh, insert_entry, selected};
use super::syntax::{Node, Reference, Scope, is_plain_name, reindented};
use super::trivia::{Piece, PieceKind, line_indent, newline, pieces, starts_line};
use crate::diagnostic::Replacement;
use crate::document::{Feed, Literal, Workflow, is_name};
use crate::graph::Graph;
use crate::library::Texts;
use crate::registry::Registry;
use crate::value::{Kind, kinds};

/// What is needed of a workflow to take nodes out of it.
struct Extraction<'s, 't> {
    scope: &'s Scope<'t>,
    nodes: Vec<Node<'s, 't>>,
    inside: HashSet<&'s str>,
    kinds: Kinds<'s>,
    /// The inputs of the new workflow: what feeds them, as it is written outside, and name and kind.
    inputs: IndexMap<String, (String, String)>,
    /// Its outputs: what gives them inside, and their names.
    outputs: IndexMap<String, String>,
}

/// The graph that tells what kinds travel along wires.
struct Kinds<'s> {
    graph: Graph,
    registry: &'s Registry,
    workflow: &'s Workflow,
    module: Option<usize>,
}

pub(super) fn extract(
    scope: &Scope<'_>,
    registry: &Registry,
    path: &[String],
    ids: &[String],
    name: &str,
) -> Result<Vec<Replacement>, EditError> {
    let nodes = selected(scope, ids)?;
    check_names(scope, &nodes, name)?;
    let inside: HashSet<&str> = nodes.iter().map(|node| node.id).collect();
    check_way_back(scope, &inside)?;
    let kinds = Kinds::of(scope, registry, path);
    let mut extraction = Extraction { scope, nodes, inside, kinds, inputs: IndexMap::new(), outputs: IndexMap::new() };
    extraction.find_inputs()?;
    extraction.find_outputs();
    extraction.changes(name)
}

fn check_names(scope: &Scope<'_>, nodes: &[Node<'_, '_>], name: &str) -> Result<(), EditError> {
    if !is_name(name) {
        return Err(EditError::InvalidName { name: name.into(), what: "a workflow" });
    }
    // One that is written further out would be hidden.
    let calls = scope.workflow.nodes.iter().filter_map(|node| node.call.as_ref()?.workflow.as_ref());
    if scope.workflow.workflows.contains_key(name) || calls.into_iter().any(|workflow| workflow.value == name) {
        return Err(EditError::NameTaken { name: name.into(), what: "a workflow" });
    }
    // The node that includes it may be called like one that it takes in.
    if nodes.iter().any(|node| node.id == name) { Ok(()) } else { check_id(scope, name) }
}

/// What a workflow gives cannot be something that it needs.
fn check_way_back(scope: &Scope<'_>, inside: &HashSet<&str>) -> Result<(), EditError> {
    let mut takers: HashMap<&str, Vec<&str>> = HashMap::new();
    for node in scope.nodes() {
        let mut givers = Vec::new();
        scope.each_reference_of(&node, &mut |reference| {
            givers.extend(reference.node().and_then(|id| scope.workflow.node(id)).map(|giver| giver.id.value.as_str()));
        });
        givers.into_iter().for_each(|giver| takers.entry(giver).or_default().push(node.id));
    }
    let mut came_from: HashMap<&str, &str> = HashMap::new();
    let mut queue: VecDeque<&str> = scope.nodes().map(|node| node.id).filter(|id| inside.contains(id)).collect();
    while let Some(giver) = queue.pop_front() {
        for &taker in takers.get(giver).into_iter().flatten() {
            if inside.contains(taker) {
                if inside.contains(giver) {
                    continue;
                }
                let back = std::iter::successors(Some(giver), |id| came_from.get(id).copied());
                let mut way: Vec<_> = [taker].into_iter().chain(back).map(|id| format!("`{id}`")).collect();
                way.reverse();
                return Err(EditError::ComesBack { path: way.join(" → ") });
            }
            if !came_from.contains_key(taker) {
                came_from.insert(taker, giver);
                queue.push_back(taker);
            }
        }
    }
    Ok(())
}

impl<'s> Kinds<'s> {
    fn of(scope: &'s Scope<'_>, registry: &'s Registry, path: &[String]) -> Self {
        // Files are not read here: what comes from workflows in files is judged by who takes it.
        let graph = Graph::resolve(scope.document, registry, &Texts::default(), Path::new(""));
        let mut workflow = &scope.document.root;
        for name in path {
            if let Some(local) = workflow.workflows.get(name) {
                workflow = &local.workflow;
            }
        }
        let module = graph.modules.iter().position(|module| Arc::ptr_eq(&module.workflow, workflow));
        Kinds { graph, registry, workflow: scope.workflow, module }
    }

    /// The names of the outputs of a node, if they are known.
    fn outputs(&self, node: usize) -> Option<Vec<&str>> {
        let entry = &self.workflow.nodes[node];
        match &entry.call {
            None => {
                let spec = self.registry.spec(&entry.node_type.as_ref()?.value)?;
                Some(spec.outputs.iter().map(|output| output.name).collect())
            }
            Some(call) => {
                let local = self.workflow.workflows.get(&call.workflow.as_ref()?.value)?;
                Some(local.workflow.outputs.keys().map(String::as_str).collect())
            }
        }
    }

    fn given(&self, id: &str, output: Option<&str>) -> Option<Kind> {
        let node = *self.workflow.by_id.get(id)?;
        let names = self.outputs(node)?;
        let at = match output {
            Some(output) => names.iter().position(|name| *name == output)?,
            None => (names.len() == 1).then_some(0)?,
        };
        let resolved = self.graph.modules[self.module?].nodes.get(node)?;
        if let Some(kind) = resolved.kinds.get(at) {
            return *kind;
        }
        let spec = self.registry.spec(&self.workflow.nodes[node].node_type.as_ref()?.value)?;
        spec.outputs.get(at).filter(|output| output.derived.is_none()).map(|output| output.kind)
    }

    /// What an input of a node takes, if that is one kind.
    fn taken(&self, id: &str, input: &str) -> Option<Kind> {
        let spec = self.registry.spec(&self.workflow.node(id)?.node_type.as_ref()?.value)?;
        spec.find_input(input)?.kinds.first().copied().filter(|kind| *kind != kinds::ANY)
    }
}

impl<'s> Extraction<'s, '_> {
    /// Whether a reference inside leads out of the selection.
    fn leads_out(&self, reference: &Reference<'_>) -> bool {
        reference.node().is_none_or(|node| !self.inside.contains(node))
    }

    /// What a reference names, in the one way in which it is written from now on.
    fn named<'r>(&self, reference: &Reference<'r>) -> &'r str {
        let Some((node, _)) = reference.text.split_once('.').filter(|_| !reference.is_input) else {
            return reference.text;
        };
        let place = self.scope.workflow.by_id.get(node);
        let outputs = place.and_then(|&place| self.kinds.outputs(place));
        if outputs.is_some_and(|outputs| outputs.len() == 1) { node } else { reference.text }
    }

    fn written(&self, reference: &Reference<'_>) -> String {
        let form = if reference.is_input { "Input" } else { "From" };
        format!("{form}({})", Literal::Text(self.named(reference).into()))
    }

    fn find_inputs(&mut self) -> Result<(), EditError> {
        let mut found: IndexMap<String, (Reference<'s>, &'s str)> = IndexMap::new();
        for node in &self.nodes {
            self.scope.each_reference_of(node, &mut |reference| {
                if self.leads_out(&reference) {
                    found.entry(self.written(&reference)).or_insert((reference, node.id));
                }
            });
        }
        // Inputs keep their names, so they come first.
        found.sort_by_key(|_, (reference, _)| !reference.is_input);
        for (written, (reference, taker)) in found {
            let kind = self.kind(&reference, taker)?;
            let base = if reference.is_input { reference.text } else { wanted_name(self.named(&reference)) };
            let name = fresh(base, |name| self.inputs.values().any(|(known, _)| known == name));
            self.inputs.insert(written, (name, kind));
        }
        Ok(())
    }

    /// The name of the kind of what comes from outside.
    fn kind(&self, reference: &Reference<'_>, taker: &str) -> Result<String, EditError> {
        let workflow = self.scope.workflow;
        if reference.is_input {
            let declared = workflow.inputs.get(reference.text).and_then(|input| input.kind_name.as_ref());
            return Ok(declared.map_or_else(|| "Text".into(), |kind| kind.value.clone()));
        }
        let node = reference.node().unwrap_or_default();
        if let Some(kind) = self.kinds.given(node, reference.output()).filter(|kind| *kind != kinds::ANY) {
            return Ok(kind.to_string());
        }
        // Those of the taker's inputs that it may feed; a list of feeds says nothing of its elements.
        let entry = workflow.node(taker);
        let mut inputs = entry.iter().flat_map(|entry| &entry.inputs);
        let is_fed = |feed: &Feed| matches!(feed, Feed::From { node: from, socket } if from == node && socket.as_deref() == reference.output());
        let input = inputs.find(|input| is_fed(&input.value.value));
        let kind = input.and_then(|input| self.kinds.taken(taker, &input.name.value));
        kind.map(|kind| kind.to_string()).ok_or_else(|| EditError::UnknownKind {
            from: reference.text.into(),
            to: taker.into(),
            help: "select what gives it too, or mend it first",
        })
    }

    fn find_outputs(&mut self) {
        let mut given: IndexSet<String> = IndexSet::new();
        let scope = self.scope;
        let mut add = |reference: Reference<'_>| {
            if !self.leads_out(&reference) {
                given.insert(self.named(&reference).to_string());
            }
        };
        for node in scope.nodes().filter(|node| !self.inside.contains(node.id)) {
            scope.each_reference_of(&node, &mut add);
        }
        scope.each_reference_of_outputs(&mut add);
        for given in given {
            let is_taken = |name: &str| self.outputs.values().any(|known| known == name);
            let mut base = wanted_name(&given).to_string();
            if is_taken(&base) {
                base = given.replace('.', "_");
            }
            let name = fresh(if is_name(&base) { &base } else { "value" }, is_taken);
            self.outputs.insert(given, name);
        }
    }

    fn changes(&self, name: &str) -> Result<Vec<Replacement>, EditError> {
        let scope = self.scope;
        let tree = scope.field("nodes").ok_or(EditError::NothingSelected)?;
        let group = scope.group(tree, "`nodes`")?;
        let mut changes = insert_entry(scope, "workflows", &[self.workflow(name, &self.wholes(&group))?], usize::MAX)?;
        let mut rename = |reference: Reference<'_>| {
            if let Some(output) = self.outputs.get(self.named(&reference)).filter(|_| !reference.is_input) {
                let text = if self.outputs.len() == 1 { name.to_string() } else { format!("{name}.{output}") };
                changes.push(Replacement { span: reference.literal, text: Literal::Text(text).to_string() });
            }
        };
        for node in scope.nodes().filter(|node| !self.inside.contains(node.id)) {
            scope.each_reference_of(&node, &mut rename);
        }
        scope.each_reference_of_outputs(&mut rename);
        // The first makes place for the one that includes them; the others go.
        if let Some((first, rest)) = self.nodes.split_first() {
            let mut whole = group.whole(first.at);
            whole.end = first.value.span.end;
            changes
                .push(Replacement { span: whole, text: self.include(name, line_indent(scope.text, first.key.start)) });
            let comments = first.value.span.end..group.whole(first.at).end;
            changes.extend(tail_comments(scope.text, comments));
            changes.extend(group.remove(&rest.iter().map(|node| node.at).collect()));
        }
        Ok(changes)
    }

    /// The places of the nodes with their comments, and with those that would go with them since nothing is left around
    /// them.
    fn wholes(&self, group: &Group<'_>) -> Vec<Range<usize>> {
        let places: Vec<_> = self.nodes.iter().map(|node| node.at).collect();
        let whole = |(place, &at): (usize, &usize)| {
            let whole = group.whole(at);
            let follows = place > 1 && places[place - 1] + 1 == at;
            let around = if follows { group.whole(at - 1).end..whole.start } else { whole.start..whole.start };
            let comment = pieces(self.scope.text, around).into_iter().find(Piece::is_comment);
            comment.map_or(whole.start, |comment| comment.span.start)..whole.end
        };
        places.iter().enumerate().map(whole).collect()
    }

    /// The node that includes the workflow.
    fn include(&self, name: &str, indent: &str) -> String {
        let with: Vec<_> = self.inputs.iter().map(|(written, (input, _))| (input, written)).collect();
        let is_plain = with.iter().all(|(input, _)| is_plain_name(input));
        let entry = |(input, written): &(&String, &String)| match is_plain {
            true => format!("{input}: {written}"),
            false => format!("{}: {written}", Literal::Text((*input).clone())),
        };
        let entries: Vec<_> = with.iter().map(entry).collect();
        let (open, close) = if is_plain { ("(", ")") } else { ("{", "}") };
        let workflow = format!("workflow: {}", Literal::Text(name.into()));
        let key = Literal::Text(name.into());
        if entries.is_empty() {
            return format!("{key}: Include({workflow})");
        }
        let is_block = self.nodes.first().is_some_and(|node| starts_line(self.scope.text, node.key.start));
        if !is_block || entries.len() == 1 {
            let space = if is_plain { "" } else { " " };
            return format!("{key}: Include({workflow}, with: {open}{space}{}{space}{close})", entries.join(", "));
        }
        let (end, unit) = (newline(self.scope.text), &self.scope.unit);
        let lines: String = entries.iter().map(|entry| format!("{indent}{unit}{unit}{entry},{end}")).collect();
        format!(
            "{key}: Include({end}{indent}{unit}{workflow},{end}{indent}{unit}with: {open}{end}{lines}{indent}{unit}{close},{end}{indent})"
        )
    }

    /// The new workflow with its name, as an entry of `workflows`.
    fn workflow(&self, name: &str, wholes: &[Range<usize>]) -> Result<String, EditError> {
        let scope = self.scope;
        let is_block = self.nodes.first().is_some_and(|node| starts_line(scope.text, node.key.start));
        let around = scope.group(scope.tree(), "the workflow")?.item_indent(&scope.unit);
        let entry_indent = match scope.field("workflows").map(|tree| scope.group(tree, "`workflows`")).transpose()? {
            Some(group) => group.item_indent(&scope.unit),
            None => format!("{around}{}", scope.unit),
        };
        let layout = Layout::new(is_block, newline(scope.text), &entry_indent, &scope.unit);
        let comma = if is_block { "," } else { "" };
        let inputs = self.inputs.values();
        let inputs = inputs.map(|(name, kind)| format!("{}: {kind}(){comma}", Literal::Text(name.clone())));
        let outputs = self.outputs.iter().map(|(given, name)| {
            format!("{}: From({}){comma}", Literal::Text(name.clone()), Literal::Text(given.clone()))
        });
        let nodes: Vec<_> =
            self.nodes.iter().zip(wholes).map(|(node, whole)| self.moved(node, whole, &layout)).collect();
        let mut parts = Vec::new();
        for (part, entries) in
            [("inputs", inputs.collect()), ("nodes", nodes), ("outputs", outputs.collect::<Vec<_>>())]
        {
            if part == "nodes" || !entries.is_empty() {
                parts.push(format!("{part}: {}", layout.map(&entries)));
            }
        }
        Ok(format!("{}: Workflow({})", Literal::Text(name.into()), layout.parts(&parts)))
    }

    /// A node with its comments, as it stands in the new workflow.
    fn moved(&self, node: &Node<'_, '_>, whole: &Range<usize>, layout: &Layout<'_>) -> String {
        let text = self.scope.text;
        let mut inputs = BTreeMap::new();
        self.scope.each_reference_of(node, &mut |reference| {
            if self.leads_out(&reference)
                && let Some((name, _)) = self.inputs.get(&self.written(&reference))
            {
                inputs.insert(
                    reference.span.start,
                    (reference.span.end, format!("Input({})", Literal::Text(name.clone()))),
                );
            }
        });
        let changes = inputs.into_iter().map(|(start, (end, text))| Replacement { span: start..end, text }).collect();
        let mut moved = changed_piece(text, whole.start..node.value.span.end, changes);
        let behind = pieces(text, node.value.span.end..whole.end);
        let is_comma = |piece: &Piece| piece.kind == PieceKind::Comma;
        if layout.is_block && !behind.iter().any(is_comma) {
            moved.push(',');
        }
        let kept = behind.iter().filter(|piece| layout.is_block || !is_comma(piece));
        kept.for_each(|piece| moved.push_str(&text[piece.span.clone()]));
        if !layout.is_block && behind.last().is_some_and(|piece| piece.kind == PieceKind::LineComment) {
            moved.push_str(layout.newline);
        }
        reindented(&moved, 0..moved.len(), line_indent(text, node.key.start), &layout.node_indent())
    }
}

/// What an input, or an output, is called after that what it stands for.
fn wanted_name(named: &str) -> &str {
    let name = named.split_once('.').map_or(named, |(_, output)| output);
    if is_name(name) { name } else { "value" }
}

/// Takes the comments behind a node away: they went with it.
fn tail_comments(text: &str, range: Range<usize>) -> Vec<Replacement> {
    let mut removed = Vec::new();
    let mut space_from = None;
    for piece in pieces(text, range) {
        if piece.is_comment() {
            let start = space_from.take().unwrap_or(piece.span.start);
            removed.push(Replacement { span: start..piece.span.end, text: String::new() });
        } else if piece.kind == PieceKind::Space {
            space_from.get_or_insert(piece.span.start);
        } else {
            space_from = None;
        }
    }
    removed
}

/// How the new workflow is laid out.
struct Layout<'t> {
    is_block: bool,
    newline: &'t str,
    indent: &'t str,
    unit: &'t str,
}

impl<'t> Layout<'t> {
    fn new(is_block: bool, newline: &'t str, indent: &'t str, unit: &'t str) -> Self {
        Layout { is_block, newline, indent, unit }
    }

    /// What the lines of its nodes begin with.
    fn node_indent(&self) -> String {
        format!("{}{}{}", self.indent, self.unit, self.unit)
    }

    /// The entries of one of its parts. In lines of their own they bring their commas, which may have comments behind.
    fn map(&self, entries: &[String]) -> String {
        if entries.is_empty() {
            return "{}".into();
        }
        if !self.is_block {
            return format!("{{ {} }}", entries.join(", "));
        }
        let indent = self.node_indent();
        let lines: String = entries.iter().map(|entry| format!("{}{indent}{entry}", self.newline)).collect();
        format!("{{{lines}{}{}{}}}", self.newline, self.indent, self.unit)
    }

    fn parts(&self, parts: &[String]) -> String {
        if !self.is_block {
            return parts.join(", ");
        }
        let lines: String =
            parts.iter().map(|part| format!("{}{}{}{part},", self.newline, self.indent, self.unit)).collect();
        format!("{lines}{}{}", self.newline, self.indent)
    }
}
