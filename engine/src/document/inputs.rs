//! The inputs that a workflow declares.

use std::ops::RangeInclusive;

use indexmap::IndexMap;

use super::fields::Fields;
use super::read::Reader;
use super::tree::{Tree, TreeKind};
use super::{Literal, Spanned, WorkflowInput};
use crate::check;
use crate::diagnostic::Diagnostic;
use crate::value::{Kind, kinds};

/// The kind of that name, if values of it can be written down.
pub(crate) fn written_kind(name: &str) -> Option<Kind> {
    let base = name.trim_end_matches("List");
    let kind =
        [kinds::TEXT, kinds::INTEGER, kinds::FLOAT, kinds::BOOLEAN].into_iter().find(|kind| kind.base() == base)?;
    Some((0..(name.len() - base.len()) / "List".len()).fold(kind, |kind, _| kind.list()))
}

impl Reader {
    pub(super) fn inputs(&mut self, tree: Tree<'_>, inputs: &mut IndexMap<String, WorkflowInput>) {
        for (name, value) in self.entries(tree, "Workflow.inputs", "\"name\": Text(default: \"…\")") {
            if name.value.is_empty() {
                self.report(Diagnostic::error("invalid-name", "an input needs a name").with_label(name.span, "empty"));
                continue;
            }
            let input = self.input(name.into_owned(), value);
            if let Some(first) = inputs.get(&input.name.value) {
                self.duplicate("duplicate-input", "inputs", &input.name, &first.name);
            } else {
                inputs.insert(input.name.value.clone(), input);
            }
        }
    }

    fn input(&mut self, name: Spanned<String>, tree: Tree<'_>) -> WorkflowInput {
        let mut input = WorkflowInput {
            name,
            kind: None,
            kind_name: None,
            default: None,
            range: None,
            choices: Vec::new(),
            about: String::new(),
            span: tree.span.clone(),
            has_default: false,
            misplaced: Vec::new(),
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
        let mut fields = self.fields(kind_name.value.clone(), kind_name.span.clone(), items);
        input.kind_name = Some(kind_name.clone().into_owned());
        let Some(kind) = written_kind(&kind_name.value) else {
            // Only the registry knows whether there is such a kind, and with it what these fields mean.
            if let Some(tree) = fields.take("about") {
                input.about = self.text(tree, "about").map(|text| text.value).unwrap_or_default();
            }
            let rest = fields.fields.into_iter().map(|(name, _)| name.into_owned());
            input.misplaced = rest.collect();
            return input;
        };
        input.kind = Some(kind);
        self.input_fields(kind, &mut fields, &mut input);
        let known: &[&str] = match kind {
            kinds::INTEGER | kinds::FLOAT => &["default", "min", "max", "about"],
            kinds::TEXT => &["default", "choices", "about"],
            _ => &["default", "about"],
        };
        self.unknown(fields, known);
        input
    }

    fn input_fields(&mut self, kind: Kind, fields: &mut Fields<'_>, input: &mut WorkflowInput) {
        if let Some(tree) = fields.take("about") {
            input.about = self.text(tree, "about").map(|text| text.value).unwrap_or_default();
        }
        if kind == kinds::INTEGER || kind == kinds::FLOAT {
            input.range = self.range(kind, fields);
        }
        if kind == kinds::TEXT
            && let Some(tree) = fields.take("choices")
        {
            input.choices = self.choices(tree);
        }
        let Some(tree) = fields.take("default") else {
            return;
        };
        input.has_default = true;
        let span = tree.span.clone();
        let Some(literal) = self.literal_of(tree, kind, &format!("{kind}.default")) else {
            return;
        };
        let choices: Vec<_> = input.choices.iter().map(|choice| choice.value.as_str()).collect();
        if let Err(problem) = check::check(&literal.value(), input.range.as_ref(), &choices) {
            let message = format!("the default of input `{}` {}", input.name.value, problem.message);
            self.report(
                Diagnostic::error(problem.code, message)
                    .with_label(span.clone(), problem.label)
                    .with_hint_if(problem.hint)
                    .with_fix_if(&span, problem.fix),
            );
        }
        input.default = Some(Spanned { value: literal, span });
    }

    fn range(&mut self, kind: Kind, fields: &mut Fields<'_>) -> Option<RangeInclusive<f64>> {
        let mut bound = |reader: &mut Self, name: &str| {
            let tree = fields.take(name)?;
            let span = tree.span.clone();
            let number = match reader.literal_of(tree, kind, &format!("{kind}.{name}"))? {
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

    fn choices(&mut self, tree: Tree<'_>) -> Vec<Spanned<String>> {
        match tree.kind {
            TreeKind::List(trees) if !trees.is_empty() => {
                trees.into_iter().filter_map(|tree| self.text(tree, "Text.choices")).collect()
            }
            _ => {
                self.wrong_type(&tree, &"Text.choices", "a list of texts with at least one");
                Vec::new()
            }
        }
    }
}
