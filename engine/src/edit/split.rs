//! Nodes that become a workflow in a file of its own.

use std::ops::Range;

use super::extract::extract;
use super::inputs::remove_field;
use super::syntax::{Scope, field, field_place, reindented};
use super::trivia::{line_indent, newline};
use super::{Changes, EditError, after};
use crate::diagnostic::Replacement;
use crate::document::tree::TreeKind;
use crate::document::{Document, Literal, Workflow};
use crate::registry::Registry;

/// What comes of nodes that become a workflow in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What changes in the document: it includes the file.
    pub changes: Changes,
    /// The text of the file.
    pub text: String,
}

/// Moves nodes into a workflow that is to be written into a file beside the document, and includes that in their place.
/// `within` are the workflows in the document, one in the other, to which the nodes belong.
///
/// ```
/// use easel_engine::edit::split;
/// use easel_engine::{Document, Registry, Source};
///
/// let text = r#"Workflow(version: 1, nodes: { "a": Draw(seed: 1), "b": Save(image: From("a")) })"#;
/// let (document, _) = Document::parse(&Source::new("example", text));
/// let split = split(&document, &Registry::new(), &[], &["a".into()], "draw.ron")?;
/// assert_eq!(split.text, "Workflow(version: 1, nodes: { \"a\": Draw(seed: 1) }, outputs: { \"a\": From(\"a\") })\n");
/// assert_eq!(
///     split.changes.apply(text).as_deref(),
///     Some(r#"Workflow(version: 1, nodes: { "draw": Include(workflow: "draw.ron"), "b": Save(image: From("draw")) })"#),
/// );
/// # Ok::<(), easel_engine::edit::EditError>(())
/// ```
///
/// # Errors
/// The nodes cannot be taken out, or the name is not that of a workflow's file.
pub fn split(
    document: &Document,
    registry: &Registry,
    within: &[String],
    nodes: &[String],
    file: &str,
) -> Result<Split, EditError> {
    let Some(name) = file.strip_suffix(".ron") else {
        return Err(EditError::InvalidName { name: file.into(), what: "a file of a workflow, which ends in `.ron`" });
    };
    let scope = Scope::find(document, within)?;
    let replacements = extract(&scope, registry, within, nodes, name)?;
    let first = Changes::new(replacements).ok_or_else(|| scope.damaged("this", 0))?;
    let (extracted, _) = after(document, &first)?;
    let scope = Scope::find(&extracted, within)?;
    let local = scope.workflow.workflows.get(name).ok_or(EditError::NothingSelected)?;
    check_names(&local.workflow, name)?;
    let text = file_text(&scope, &local.span);
    let second = Changes::new(moved_out(&scope, name, file)?).ok_or_else(|| scope.damaged("this", 0))?;
    Ok(Split { changes: first.then(&second), text })
}

/// A file knows no workflows of others but by their files.
fn check_names(workflow: &Workflow, name: &str) -> Result<(), EditError> {
    let mut called = workflow.nodes.iter().filter_map(|node| Some((node, node.call.as_ref()?.workflow.as_ref()?)));
    match called.find(|(_, wanted)| !wanted.value.ends_with(".ron") && !workflow.workflows.contains_key(&wanted.value))
    {
        Some((node, wanted)) => Err(EditError::StaysBehind {
            node: node.id.value.clone(),
            workflow: wanted.value.clone(),
            name: name.into(),
        }),
        None => Ok(()),
    }
}

/// A workflow that is written inside of another as the text of a file.
fn file_text(scope: &Scope<'_>, span: &Range<usize>) -> String {
    let end = newline(scope.text);
    let indent = line_indent(scope.text, span.start);
    let text = reindented(scope.text, span.clone(), indent, "");
    let rest = text.strip_prefix("Workflow(").unwrap_or(&text);
    let version = match rest.starts_with(['\n', '\r']) {
        true => format!("{end}{}version: 1,", scope.unit),
        false => "version: 1, ".into(),
    };
    format!("Workflow({version}{rest}{end}")
}

/// Takes a workflow out of a document, and has the node that is called like it include its file.
fn moved_out(scope: &Scope<'_>, name: &str, file: &str) -> Result<Vec<Replacement>, EditError> {
    let workflows = scope.field("workflows").ok_or(EditError::NothingSelected)?;
    let is_only = matches!(&workflows.kind, TreeKind::Map(entries) if entries.len() == 1);
    let mut changes = match (is_only, field_place(workflows, name)) {
        (true, _) | (_, None) => remove_field(scope, scope.tree(), "workflows")?,
        (false, Some(_)) => remove_field(scope, workflows, name)?,
    };
    let node = scope.node(name)?;
    if let Some(named) = field(node.value, "workflow") {
        changes.push(Replacement { span: named.span.clone(), text: Literal::Text(file.into()).to_string() });
    }
    Ok(changes)
}
