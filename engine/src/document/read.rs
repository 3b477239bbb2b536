//! From the tree to the document: which fields there are and what may stand in them.

use std::sync::Arc;

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::fields::{Fields, is_name};
use super::tree::{Slice, Tree, TreeKind};
use super::{
    Document, FORMAT_VERSIONS, Form, LocalWorkflow, NodeEntry, NodeInput, Spanned, Workflow, WorkflowOutput, tree,
};
use crate::diagnostic::Diagnostic;
use crate::source::Source;

pub(super) fn read(source: &Source) -> (Document, Vec<Diagnostic>) {
    let (tree, diagnostics, cut_off) = tree::parse(source);
    let damage: Arc<[_]> =
        diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels).map(|label| label.span.clone()).collect();
    let mut reader = Reader { diagnostics, is_damaged: !damage.is_empty() };
    let mut document = Document { source: source.clone(), version: None, root: Arc::default(), cut_off, damage };
    match reader.document(tree) {
        Some((version, workflow)) => {
            document.version = version;
            document.root = Arc::new(workflow);
        }
        None => document.cut_off = true,
    }
    reader.diagnostics.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    (document, reader.diagnostics)
}

pub(super) struct Reader {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// There are syntax errors: that a field is missing proves nothing.
    pub(super) is_damaged: bool,
}

impl Reader {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The workflow; nothing if it is none, or one that only newer programs read.
    fn document(&mut self, tree: Tree<'_>) -> Option<(Option<Spanned<i64>>, Workflow)> {
        let (name, items, span) = match tree.kind {
            TreeKind::Call { name, items } => (name, items, tree.span),
            TreeKind::Broken => return None,
            _ => {
                let message = format!("a workflow is written `Workflow(…)`, but this is {}", tree.describe());
                self.report(Diagnostic::error("no-workflow", message).with_label(tree.span, "here"));
                return None;
            }
        };
        // Without a name the opening bracket stands for the workflow.
        let place = name.as_ref().map_or(span.start..span.start + 1, |name| name.span.clone());
        if let Some(name) = name.filter(|name| name.value != "Workflow") {
            let diagnostic = Diagnostic::error("no-workflow", format!("this is `{}`, not `Workflow`", name.value))
                .with_label(name.span, "here")
                .with_hint("a workflow is written `Workflow(version: 1, nodes: { … })`");
            self.report(diagnostic);
            if !items.iter().any(|item| item.name.as_ref().is_some_and(|name| name.value == "nodes")) {
                return None;
            }
        }
        let mut fields = self.fields("Workflow".into(), place, items);
        let version = match fields.take("version") {
            Some(tree) => self.version(tree)?,
            None => {
                let newest = FORMAT_VERSIONS.last().copied().unwrap_or(1);
                if self.diagnostics.is_empty() {
                    self.report(fields.missing("version", &format!("version: {newest}")));
                }
                None
            }
        };
        Some((version, self.workflow(fields)))
    }

    /// The version; nothing if this program must not guess what the rest means.
    fn version(&mut self, tree: Tree<'_>) -> Option<Option<Spanned<i64>>> {
        match tree.kind {
            TreeKind::Integer(version) if FORMAT_VERSIONS.contains(&version) => {
                Some(Some(Spanned { value: version, span: tree.span }))
            }
            TreeKind::Integer(version) => {
                let versions: Vec<_> = FORMAT_VERSIONS.iter().map(i64::to_string).collect();
                let hint = match FORMAT_VERSIONS.last() {
                    Some(&newest) if version > newest => "it was written for a newer program; update this one",
                    _ => "there was never such a version",
                };
                let message =
                    format!("format version {version} is not known; this program reads {}", versions.join(", "));
                self.report(
                    Diagnostic::error("unsupported-version", message)
                        .with_label(tree.span, "written here")
                        .with_hint(hint),
                );
                None
            }
            _ => {
                self.wrong_type(&tree, &"Workflow.version", "an integer");
                Some(None)
            }
        }
    }

    /// The parts of a workflow, its version taken already.
    fn workflow(&mut self, mut fields: Fields<'_>) -> Workflow {
        let mut workflow = Workflow {
            about: fields.take("about").and_then(|tree| self.text(tree, "Workflow.about")),
            ..Workflow::default()
        };
        if let Some(tree) = fields.take("inputs") {
            self.inputs(tree, &mut workflow.inputs);
        }
        if let Some(tree) = fields.take("workflows") {
            self.workflows(tree, &mut workflow.workflows);
        }
        match fields.take("nodes") {
            Some(tree) => self.nodes(tree, &mut workflow),
            None if !self.is_damaged => self.report(fields.missing("nodes", "nodes: { … }")),
            None => {}
        }
        if let Some(tree) = fields.take("outputs") {
            self.outputs(tree, &mut workflow.outputs);
        }
        if let Some(tree) = fields.take("groups") {
            self.groups(tree, &mut workflow);
            self.check_groups(&workflow);
        }
        self.unknown(fields, &["version", "about", "inputs", "workflows", "nodes", "outputs", "groups"]);
        workflow
    }

    fn workflows(&mut self, tree: Tree<'_>, workflows: &mut IndexMap<String, LocalWorkflow>) {
        const EXAMPLE: &str = "\"name\": Workflow(nodes: { … })";
        for (name, tree) in self.entries(tree, "Workflow.workflows", EXAMPLE) {
            if name.value.is_empty() || name.value.ends_with(".ron") {
                let message = format!("{:?} is no name for a workflow inside of another", name.value);
                let hint = "names that end in `.ron` are those of files";
                self.report(
                    Diagnostic::error("invalid-name", message).with_label(name.span.clone(), "here").with_hint(hint),
                );
            }
            let span = tree.span.clone();
            let workflow = match tree.kind {
                TreeKind::Call { name: Some(form), items } if form.value == "Workflow" => {
                    let mut fields = self.fields("Workflow".into(), form.span, items);
                    // It is of the version of the file, but may say so.
                    if let Some(tree) = fields.take("version") {
                        self.version(tree);
                    }
                    self.workflow(fields)
                }
                _ => {
                    self.wrong_type(&tree, &format_args!("workflow `{}`", name.value), "`Workflow(…)`");
                    continue;
                }
            };
            let local = LocalWorkflow { name: name.into_owned(), workflow: Arc::new(workflow), span };
            let name = &local.name;
            if let Some(first) = workflows.get(&name.value) {
                self.duplicate("duplicate-workflow", "workflows", name, &first.name);
            } else {
                workflows.insert(name.value.clone(), local);
            }
        }
    }

    fn outputs(&mut self, tree: Tree<'_>, outputs: &mut IndexMap<String, WorkflowOutput>) {
        for (name, tree) in self.entries(tree, "Workflow.outputs", "\"name\": From(\"node.socket\")") {
            self.check_name(&name, "an output");
            let value = self.feed(tree, &format_args!("output `{}`", name.value));
            let output = WorkflowOutput { name: name.into_owned(), value };
            if let Some(first) = outputs.get(&output.name.value) {
                self.duplicate("duplicate-output", "outputs", &output.name, &first.name);
            } else {
                outputs.insert(output.name.value.clone(), output);
            }
        }
    }

    /// Two things of one name.
    pub(super) fn duplicate(
        &mut self,
        code: &'static str,
        what: &str,
        second: &Spanned<String>,
        first: &Spanned<String>,
    ) {
        let diagnostic = Diagnostic::error(code, format!("there are two {what} `{}`", second.value))
            .with_label(second.span.clone(), "the second")
            .with_label(first.span.clone(), "the first")
            .with_hint("give one of them another name");
        self.report(diagnostic);
    }

    fn check_name(&mut self, name: &Spanned<Slice<'_>>, what: &str) {
        if is_name(&name.value) {
            return;
        }
        let diagnostic = Diagnostic::error("invalid-name", format!("{:?} is no name for {what}", name.value))
            .with_label(name.span.clone(), "here")
            .with_hint("names are letters, digits, `_` and `-`");
        self.report(diagnostic);
    }

    fn nodes(&mut self, tree: Tree<'_>, workflow: &mut Workflow) {
        let entries = self.entries(tree, "Workflow.nodes", "\"name\": Type(…)");
        workflow.nodes.reserve(entries.len());
        workflow.by_id.reserve(entries.len());
        for (id, value) in entries {
            self.check_name(&id, "a node");
            let node = self.node(id.into_owned(), value);
            let index = workflow.nodes.len();
            match workflow.by_id.get(&node.id.value) {
                Some(&first) => {
                    self.duplicate("duplicate-node", "nodes", &node.id, &workflow.nodes[first].id);
                }
                None => {
                    workflow.by_id.insert(node.id.value.clone(), index);
                }
            }
            workflow.nodes.push(node);
        }
    }

    fn node(&mut self, id: Spanned<String>, tree: Tree<'_>) -> NodeEntry {
        let span = tree.span.clone();
        let mut entry = NodeEntry { id, node_type: None, inputs: Vec::new(), call: None, options: None, span };
        let (name, items) = match tree.kind {
            TreeKind::Call { name: Some(name), items } => (name, items),
            _ => {
                self.wrong_type(&tree, &format_args!("node `{}`", entry.id.value), "a node such as `Prior(…)`");
                return entry;
            }
        };
        let mut fields = self.fields(name.value.clone(), name.span.clone(), items);
        if let Some(tree) = fields.take("options") {
            entry.options = Some(Box::new(self.options(tree)));
        }
        if let Some(form) = Form::find(&name.value) {
            if let Some(tree) = fields.take("with") {
                entry.inputs = self.with(tree, &name.value);
            }
            entry.call = Some(Box::new(self.call(form, fields)));
        } else {
            let inputs = fields.fields.into_iter().map(|(field, tree)| {
                let value = self.feed(tree, &format_args!("{}.{}", name.value, field.value));
                NodeInput { name: field.into_owned(), value }
            });
            entry.inputs = inputs.collect();
        }
        entry.node_type = Some(name.into_owned());
        entry
    }

    /// What is handed to a workflow.
    fn with(&mut self, tree: Tree<'_>, form: &str) -> Vec<NodeInput> {
        let mut inputs: IndexMap<Slice<'_>, NodeInput> = IndexMap::new();
        for (name, tree) in self.named(tree, &format!("{form}.with"), "input: value") {
            let value = self.feed(tree, &format_args!("{form}.with.{}", name.value));
            match inputs.entry(name.value.clone()) {
                Entry::Occupied(first) => self.twice(form, &name, &first.get().name.span),
                Entry::Vacant(place) => {
                    place.insert(NodeInput { name: name.into_owned(), value });
                }
            }
        }
        inputs.into_values().collect()
    }
}
