//! From the tree to the document: which fields there are and what may stand in them.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use indexmap::IndexMap;

use super::fields::Fields;
use super::tree::{Item, Tree, TreeKind};
use super::{Document, FORMAT_VERSIONS, Feed, Literal, NodeEntry, NodeInput, Spanned, WorkflowInput, tree};
use crate::check;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::suggest;
use crate::value::{Kind, kinds};

const INPUT_KINDS: [Kind; 5] = [kinds::TEXT, kinds::TEXT_LIST, kinds::INTEGER, kinds::FLOAT, kinds::BOOLEAN];

pub(super) fn read(source: &Source) -> (Document, Vec<Diagnostic>) {
    let (tree, diagnostics, cut_off) = tree::parse(source);
    let damage = diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels).map(|label| label.span.clone()).collect();
    let mut reader = Reader { diagnostics };
    let mut document = Document {
        source: source.clone(),
        version: None,
        about: None,
        inputs: IndexMap::new(),
        nodes: Vec::new(),
        by_id: HashMap::new(),
        cut_off,
        damage,
    };
    if reader.workflow(tree, &mut document).is_none() {
        document.cut_off = true;
    }
    reader.diagnostics.sort_by_key(Diagnostic::sort_key);
    (document, reader.diagnostics)
}

pub(super) struct Reader {
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The workflow's parts; nothing if it is none, or one that only newer programs read.
    fn workflow(&mut self, tree: Tree, document: &mut Document) -> Option<()> {
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
        let mut fields = self.fields("Workflow", place, items);
        document.version = self.version(&mut fields)?;
        document.about = fields.take("about").and_then(|(_, tree)| self.text(tree, "Workflow.about"));
        if let Some((_, tree)) = fields.take("inputs") {
            self.inputs(tree, &mut document.inputs);
        }
        match fields.take("nodes") {
            Some((_, tree)) => self.nodes(tree, document),
            None if document.damage.is_empty() => self.report(fields.missing("nodes", "nodes: { … }")),
            None => {}
        }
        self.unknown(fields, &["version", "about", "inputs", "nodes"]);
        Some(())
    }

    /// The version; nothing if this program must not guess what the rest means.
    fn version(&mut self, fields: &mut Fields) -> Option<Option<Spanned<i64>>> {
        let Some((_, tree)) = fields.take("version") else {
            let newest = FORMAT_VERSIONS.last().copied().unwrap_or(1);
            if self.diagnostics.is_empty() {
                self.report(fields.missing("version", &format!("version: {newest}")));
            }
            return Some(None);
        };
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
                self.wrong_type(&tree, "Workflow.version", "an integer");
                Some(None)
            }
        }
    }

    fn inputs(&mut self, tree: Tree, inputs: &mut IndexMap<String, WorkflowInput>) {
        for (name, value) in self.entries(tree, "Workflow.inputs", "\"name\": Text(default: \"…\")") {
            if name.value.is_empty() {
                self.report(Diagnostic::error("invalid-name", "an input needs a name").with_label(name.span, "empty"));
                continue;
            }
            let input = self.input(name, value);
            if let Some(first) = inputs.get(&input.name.value) {
                let diagnostic =
                    Diagnostic::error("duplicate-input", format!("there are two inputs `{}`", input.name.value))
                        .with_label(input.name.span, "the second")
                        .with_label(first.name.span.clone(), "the first")
                        .with_hint("give one of them another name");
                self.report(diagnostic);
            } else {
                inputs.insert(input.name.value.clone(), input);
            }
        }
    }

    fn input(&mut self, name: Spanned<String>, tree: Tree) -> WorkflowInput {
        let mut input = WorkflowInput {
            name,
            kind: None,
            default: None,
            range: None,
            choices: Vec::new(),
            about: String::new(),
            span: tree.span.clone(),
            has_default: false,
        };
        let (kind_name, items) = match tree.kind {
            TreeKind::Call { name: Some(kind_name), items } => (kind_name, items),
            TreeKind::Broken => return input,
            _ => {
                let what = format!("Workflow.inputs.{}", input.name.value);
                self.wrong_type(&tree, &what, "a declaration such as `Text(default: \"…\")`");
                return input;
            }
        };
        let Some(kind) = INPUT_KINDS.into_iter().find(|kind| kind.name() == kind_name.value) else {
            let kinds = INPUT_KINDS.map(Kind::name);
            let message = format!("`{}` is no kind of workflow input", kind_name.value);
            let hint = suggest::hint(&kind_name.value, "there are", kinds);
            self.report(
                Diagnostic::error("unknown-kind", message).with_label(kind_name.span, "not known").with_hint_if(hint),
            );
            return input;
        };
        input.kind = Some(kind);
        let mut fields = self.fields(kind.name(), kind_name.span, items);
        self.input_fields(kind, &mut fields, &mut input);
        let known: &[&str] = match kind {
            kinds::INTEGER | kinds::FLOAT => &["default", "min", "max", "about"],
            kinds::TEXT => &["default", "choices", "about"],
            _ => &["default", "about"],
        };
        self.unknown(fields, known);
        input
    }

    fn input_fields(&mut self, kind: Kind, fields: &mut Fields, input: &mut WorkflowInput) {
        if let Some((_, tree)) = fields.take("about") {
            input.about = self.text(tree, "about").map(|text| text.value).unwrap_or_default();
        }
        if kind == kinds::INTEGER || kind == kinds::FLOAT {
            input.range = self.range(kind, fields);
        }
        if kind == kinds::TEXT
            && let Some((_, tree)) = fields.take("choices")
        {
            input.choices = self.choices(tree);
        }
        let Some((_, tree)) = fields.take("default") else {
            return;
        };
        input.has_default = true;
        let span = tree.span.clone();
        let Some(literal) = self.literal_of(tree, kind, &format!("{}.default", kind.name())) else {
            return;
        };
        let choices: Vec<_> = input.choices.iter().map(|choice| choice.value.as_str()).collect();
        if let Err(problem) = check::check(&literal.value(), input.range.as_ref(), &choices) {
            let message = format!("the default of input `{}` {}", input.name.value, problem.message);
            self.report(
                Diagnostic::error(problem.code, message)
                    .with_label(span.clone(), problem.label)
                    .with_hint_if(problem.hint),
            );
        }
        input.default = Some(Spanned { value: literal, span });
    }

    fn range(&mut self, kind: Kind, fields: &mut Fields) -> Option<RangeInclusive<f64>> {
        let mut bound = |reader: &mut Self, name: &str| {
            let (_, tree) = fields.take(name)?;
            let span = tree.span.clone();
            let number = match reader.literal_of(tree, kind, &format!("{}.{name}", kind.name()))? {
                Literal::Integer(number) => number as f64,
                Literal::Float(number) => number,
                _ => return None,
            };
            Some((number, span))
        };
        let (min, max) = (bound(self, "min"), bound(self, "max"));
        let (min, max) = match (min, max) {
            (None, None) => return None,
            (Some((min, low)), Some((max, high))) if min > max || min.is_nan() || max.is_nan() => {
                let diagnostic = Diagnostic::error("empty-range", format!("no number is between {min} and {max}"))
                    .with_label(low, "min")
                    .with_label(high, "max");
                self.report(diagnostic);
                return None;
            }
            (min, max) => (min.map_or(f64::NEG_INFINITY, |(min, _)| min), max.map_or(f64::INFINITY, |(max, _)| max)),
        };
        Some(min..=max)
    }

    fn choices(&mut self, tree: Tree) -> Vec<Spanned<String>> {
        match tree.kind {
            TreeKind::List(trees) if !trees.is_empty() => {
                trees.into_iter().filter_map(|tree| self.text(tree, "Text.choices")).collect()
            }
            _ => {
                self.wrong_type(&tree, "Text.choices", "a list of texts with at least one");
                Vec::new()
            }
        }
    }

    fn nodes(&mut self, tree: Tree, document: &mut Document) {
        for (id, value) in self.entries(tree, "Workflow.nodes", "\"name\": Type(…)") {
            let sound = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            if id.value.is_empty() || !id.value.chars().all(sound) {
                let diagnostic = Diagnostic::error("invalid-name", format!("{:?} is no name for a node", id.value))
                    .with_label(id.span.clone(), "here")
                    .with_hint("names are letters, digits, `_` and `-`");
                self.report(diagnostic);
            }
            let node = self.node(id, value);
            let index = document.nodes.len();
            match document.by_id.get(&node.id.value) {
                Some(&first) => {
                    let first = document.nodes[first].id.span.clone();
                    let diagnostic =
                        Diagnostic::error("duplicate-node", format!("there are two nodes `{}`", node.id.value))
                            .with_label(node.id.span.clone(), "the second")
                            .with_label(first, "the first")
                            .with_hint("give one of them another name");
                    self.report(diagnostic);
                }
                None => {
                    document.by_id.insert(node.id.value.clone(), index);
                }
            }
            document.nodes.push(node);
        }
    }

    fn node(&mut self, id: Spanned<String>, tree: Tree) -> NodeEntry {
        let span = tree.span.clone();
        match tree.kind {
            TreeKind::Call { name: Some(name), items } => {
                let fields = self.fields(&name.value, name.span.clone(), items);
                let inputs = fields.fields.into_iter().map(|(field, (span, tree))| {
                    let name = format!("{}.{field}", name.value);
                    NodeInput { name: Spanned { value: field, span }, value: self.feed(tree, &name) }
                });
                let inputs = inputs.collect();
                NodeEntry { id, node_type: Some(name), inputs, span }
            }
            _ => {
                self.wrong_type(&tree, &format!("node `{}`", id.value), "a node such as `Prior(…)`");
                NodeEntry { id, node_type: None, inputs: Vec::new(), span }
            }
        }
    }

    fn feed(&mut self, tree: Tree, what: &str) -> Spanned<Feed> {
        let span = tree.span.clone();
        let value = match &tree.kind {
            TreeKind::Call { name: Some(name), items } if name.value == "Input" || name.value == "From" => {
                self.reference(&tree, &name.value, items)
            }
            TreeKind::Call { name: Some(name), .. } => {
                let hint = suggest::closest(&name.value, ["Input", "From", "true", "false"]).map_or_else(
                    || "texts are written in double quotes".into(),
                    |name| format!("did you mean `{name}`?"),
                );
                let message = format!("{what} is {}, which is no value", tree.describe());
                self.report(
                    Diagnostic::error("invalid-value", message)
                        .with_label(span.clone(), "a literal, `Input(…)` or `From(…)` should stand here")
                        .with_hint(hint),
                );
                Feed::Unreadable
            }
            TreeKind::Call { name: None, .. } | TreeKind::Map(_) | TreeKind::Broken => {
                self.wrong_type(&tree, what, "a literal, `Input(\"…\")` or `From(\"…\")`");
                Feed::Unreadable
            }
            _ => self.literal(tree, what).map_or(Feed::Unreadable, Feed::Literal),
        };
        Spanned { value, span }
    }

    /// `Input("name")` or `From("node.socket")`.
    fn reference(&mut self, tree: &Tree, form: &str, items: &[Item]) -> Feed {
        let text = match items {
            [Item { name: None, value: Tree { kind: TreeKind::Text(text), .. } }] => text.clone(),
            items if items.iter().any(|item| matches!(item.value.kind, TreeKind::Broken)) => {
                return Feed::Unreadable;
            }
            _ => {
                let example = if form == "Input" { "Input(\"seed\")" } else { "From(\"node.socket\")" };
                let diagnostic = Diagnostic::error("invalid-value", format!("`{form}` takes one text"))
                    .with_label(tree.span.clone(), "here")
                    .with_hint(format!("write it like `{example}`"));
                self.report(diagnostic);
                return Feed::Unreadable;
            }
        };
        if form == "Input" {
            return Feed::Input(text);
        }
        match text.split_once('.') {
            Some((node, socket)) => Feed::From { node: node.into(), socket: Some(socket.into()) },
            None => Feed::From { node: text, socket: None },
        }
    }
}
