//! Changes to a workflow's text, for editors whose file is the truth: comments, order and formatting are kept, and only
//! the bytes that must change do.
//!
//! Everything here is pure: no file is read or written. An [`Edit`] says what is wanted; [`edit`] says which bytes that
//! changes, or in words why it cannot be done. It works on documents with errors too, as long as the place that it is
//! about can be read. A [`History`] holds the text with all that was done to it.
//!
//! ```
//! use easel_engine::edit::{Edit, edit};
//! use easel_engine::{Document, Registry, Source};
//!
//! let text = r#"Workflow(version: 1, nodes: { "a": Draw(seed: 1 /* lucky */), "b": Save(image: From("a")) })"#;
//! let (document, _) = Document::parse(&Source::new("example", text));
//! let rename = Edit::Rename { node: "a".into(), to: "drawn".into() };
//! let changes = edit(&document, &Registry::new(), &rename)?;
//! assert_eq!(
//!     changes.apply(text).as_deref(),
//!     Some(r#"Workflow(version: 1, nodes: { "drawn": Draw(seed: 1 /* lucky */), "b": Save(image: From("drawn")) })"#),
//! );
//! # Ok::<(), easel_engine::edit::EditError>(())
//! ```

mod changes;
mod diff;
mod extract;
mod group;
mod history;
mod inputs;
mod nodes;
mod options;
#[doc(hidden)]
pub mod probe;
mod split;
mod syntax;
mod trivia;
mod write;

pub use changes::Changes;
pub use diff::{Hunk, HunkLine, hunks};
pub use history::{Conflict, History, Outside, Step};
pub use nodes::fresh_id;
pub use split::{Split, split};
pub use write::literal_text;

use std::collections::HashSet;

use crate::diagnostic::Replacement;
use crate::document::{Document, tree};
use crate::registry::Registry;
use crate::source::Source;
use syntax::Scope;

/// What is to be done to a workflow. Values are given as RON, as they are to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Feeds an input of a node: with a literal, or with any value that may stand there. Of a `Loop`, `times` is an
    /// input too.
    SetInput {
        /// The node.
        node: String,
        /// Its input; of an `Include`, `Map` or `Loop`, one of the workflow that it runs.
        input: String,
        /// The value as RON; [`literal_text`] writes it.
        value: String,
    },
    /// Takes away whatever feeds an input. If nothing does, nothing changes.
    ClearInput {
        /// The node.
        node: String,
        /// Its input.
        input: String,
    },
    /// Sets or clears what else an `Include`, `Map` or `Loop` says: `workflow`, `over`, `index`, `carry` and so on.
    SetField {
        /// The node.
        node: String,
        /// The field.
        field: String,
        /// Its value as RON; none to take it away.
        value: Option<String>,
    },
    /// Sets or clears the default of an input of the workflow.
    SetDefault {
        /// The input.
        input: String,
        /// Its default as RON; none to take it away.
        value: Option<String>,
    },
    /// Feeds an input of a node from somewhere.
    Connect {
        /// From where.
        from: Giver,
        /// The node.
        node: String,
        /// Its input.
        input: String,
        /// None: it takes the place of whatever feeds the input. Otherwise it becomes that element of the list that
        /// does; what was no list becomes one.
        at: Option<usize>,
    },
    /// Takes away what feeds an input of a node.
    Disconnect {
        /// The node.
        node: String,
        /// Its input.
        input: String,
        /// Only that element of the list; the input goes with the last one.
        at: Option<usize>,
    },
    /// Adds a node without inputs: diagnostics tell which it needs.
    AddNode {
        /// Its type; `Include`, `Map` and `Loop` too.
        node_type: String,
        /// Its name; if none is given, that of [`fresh_id`].
        id: Option<String>,
        /// Behind that node; otherwise behind all.
        after: Option<String>,
    },
    /// Removes nodes with the comments above them, the wires to them, and the outputs of the workflow that give what they
    /// gave.
    Delete {
        /// The nodes.
        nodes: Vec<String>,
    },
    /// Adds copies of nodes behind the last of them. Wires among them go among the copies; those from others stay.
    Duplicate {
        /// The nodes.
        nodes: Vec<String>,
    },
    /// Gives a node another name, in everything that names it too.
    Rename {
        /// The node.
        node: String,
        /// Its new name.
        to: String,
    },
    /// Sets or clears an option of a node; options that have become empty go away.
    SetOption {
        /// The node.
        node: String,
        /// The option with its value.
        option: NodeOption,
    },
    /// Moves nodes into a workflow that is written inside of this one, and includes it in their place.
    Extract {
        /// The nodes.
        nodes: Vec<String>,
        /// The name of the new workflow; the node that includes it is called like it.
        name: String,
    },
    /// Replaces a piece of the text: the [`fix`](crate::Diagnostic::fix) of a diagnostic.
    Replace(Replacement),
    /// Does something in a workflow that is written inside of this one.
    Within {
        /// Its name.
        workflow: String,
        /// What.
        edit: Box<Edit>,
    },
    /// Does one after the other, as one change: all or none.
    All(Vec<Edit>),
}

/// What feeds an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Giver {
    /// An output of a node.
    Output {
        /// The node.
        node: String,
        /// The output; may be left out if the node has but one.
        output: Option<String>,
    },
    /// An input of the workflow.
    Input(String),
}

/// An option of a node with its value.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeOption {
    /// It is left out, and so is what cannot go without it. Takes `bypass` away.
    Mute(bool),
    /// It is left out, and hands on what it is given. Takes `mute` away.
    Bypass(bool),
    /// Whether its results may be kept; none for the usual.
    Cache(Option<bool>),
    /// Where it computes; none for the usual.
    Device(Option<String>),
    /// After how many seconds it fails; none for never.
    Timeout(Option<f64>),
    /// How often it is tried again; none for the usual.
    Retry(Option<u32>),
}

/// Why an edit cannot be done, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is nothing to change.
    #[error(
        "the text holds no workflow that this program reads: it begins with `Workflow(version: 1, nodes: {{ … }})`"
    )]
    NoWorkflow,
    /// No workflow of that name is written inside.
    #[error("no workflow `{name}` is written inside of this one")]
    UnknownWorkflow {
        /// The name.
        name: String,
    },
    /// There is no such node.
    #[error("there is no node `{id}`{hint}")]
    UnknownNode {
        /// The name.
        id: String,
        /// What may have been meant.
        hint: String,
    },
    /// It is not clear which node is meant.
    #[error("there are several nodes `{id}`: give the others another name in the text first")]
    Ambiguous {
        /// The name.
        id: String,
    },
    /// There is no such node type.
    #[error("there is no node type `{name}`{hint}")]
    UnknownType {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// The node has no such input.
    #[error("`{node}` has no input `{input}`{hint}")]
    UnknownInput {
        /// The node.
        node: String,
        /// The input.
        input: String,
        /// What may have been meant.
        hint: String,
    },
    /// The node has no such output.
    #[error("`{node}` {problem}")]
    UnknownOutput {
        /// The node.
        node: String,
        /// What is the matter, and what there is.
        problem: String,
    },
    /// The workflow declares no such input.
    #[error("the workflow has no input `{name}`{hint}")]
    UnknownWorkflowInput {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// Nothing is there that could be taken away.
    #[error("{what}")]
    NothingThere {
        /// What is missing.
        what: String,
    },
    /// What is to be written is no such value.
    #[error("`{value}` cannot be written there: {why}")]
    InvalidValue {
        /// The beginning of it.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing can be called that.
    #[error("{name:?} is no name for {what}: names are letters, digits, `_` and `-`")]
    InvalidName {
        /// The name.
        name: String,
        /// What was to be called that.
        what: &'static str,
    },
    /// Something is called that already.
    #[error("there is {what} `{name}` already: choose another name")]
    NameTaken {
        /// The name.
        name: String,
        /// What has it.
        what: &'static str,
    },
    /// No nodes were named.
    #[error("no node is selected")]
    NothingSelected,
    /// The selected nodes need something that needs them.
    #[error("what leads out of the selected nodes comes back to them: {path}; select what lies between too")]
    ComesBack {
        /// The way, from a selected node to a selected node.
        path: String,
    },
    /// What is to become a file of its own uses what only this one knows.
    #[error(
        "`{node}` runs the workflow `{workflow}`, which is written in this file and which another file would not know: \
         give the new workflow a name without `.ron`, so that it is written in this file too"
    )]
    StaysBehind {
        /// The node.
        node: String,
        /// The workflow that it runs.
        workflow: String,
        /// The name of the new workflow.
        name: String,
    },
    /// An input of the new workflow would be of a kind that nobody knows.
    #[error(
        "what `{from}` gives to `{to}` is of a kind that is not known here, so no input can be declared for it: {help}"
    )]
    UnknownKind {
        /// What gives.
        from: String,
        /// Who takes.
        to: String,
        /// What to do about it.
        help: &'static str,
    },
    /// The document is not that of the text.
    #[error("the text has changed since it was read: try again")]
    Outdated,
    /// A syntax error is in the way.
    #[error("{what} cannot be changed because of what is wrong in line {line}: {why}; mend that first")]
    Damaged {
        /// What was to be changed.
        what: String,
        /// Where the error is, counted from 1.
        line: usize,
        /// What it is.
        why: String,
    },
}

/// Which bytes of the document an edit changes. After that, it has no syntax error that it had not before.
///
/// ```
/// use easel_engine::edit::{Edit, edit, literal_text};
/// use easel_engine::{Document, Literal, Registry, Source};
///
/// let text = "Workflow(version: 1, nodes: { \"a\": Draw(prompt: \"a cat\") })";
/// let (document, _) = Document::parse(&Source::new("example", text));
/// let value = literal_text(&Literal::Text("two\nlines".into()), text);
/// let change = Edit::SetInput { node: "a".into(), input: "prompt".into(), value };
/// let changed = edit(&document, &Registry::new(), &change)?.apply(text);
/// assert_eq!(changed.as_deref(), Some("Workflow(version: 1, nodes: { \"a\": Draw(prompt: r\"two\nlines\") })"));
///
/// let nobody = Edit::Delete { nodes: vec!["b".into()] };
/// let error = edit(&document, &Registry::new(), &nobody).expect_err("there is none");
/// assert_eq!(error.to_string(), "there is no node `b`");
/// # Ok::<(), easel_engine::edit::EditError>(())
/// ```
pub fn edit(document: &Document, registry: &Registry, edit: &Edit) -> Result<Changes, EditError> {
    in_workflow(document, registry, &mut Vec::new(), edit)
}

fn in_workflow(
    document: &Document,
    registry: &Registry,
    path: &mut Vec<String>,
    edit: &Edit,
) -> Result<Changes, EditError> {
    match edit {
        Edit::Within { workflow, edit } => {
            path.push(workflow.clone());
            let changes = in_workflow(document, registry, path, edit);
            path.pop();
            changes
        }
        Edit::All(edits) if is_of_options(edits) => {
            // They do not meet: all at once, for there may be hundreds.
            let scope = Scope::find(document, path)?;
            let mut replacements = Vec::new();
            for edit in edits {
                replacements.extend(in_scope(&scope, registry, path, edit)?);
            }
            let changes = Changes::new(replacements).ok_or_else(|| scope.damaged("this", 0))?;
            checked(&scope, changes)
        }
        Edit::All(edits) => {
            let (mut changes, mut document) = (Changes::default(), document.clone());
            for edit in edits {
                let next = in_workflow(&document, registry, path, edit)?;
                document = after(&document, &next)?.0;
                changes = changes.then(&next);
            }
            Ok(changes)
        }
        Edit::Replace(replacement) => {
            let changes = Changes::new([replacement.clone()]).unwrap_or_default();
            let what = || EditError::NothingThere { what: "the place to be mended is not in the text any more".into() };
            changes.apply(&document.source.text).ok_or_else(what)?;
            Ok(changes)
        }
        edit => {
            let scope = Scope::find(document, path)?;
            let replacements = in_scope(&scope, registry, path, edit)?;
            let changes = Changes::new(replacements).ok_or_else(|| scope.damaged("this", 0))?;
            checked(&scope, changes)
        }
    }
}

/// Whether they are all about options, each of another node.
fn is_of_options(edits: &[Edit]) -> bool {
    let mut nodes = HashSet::new();
    edits.iter().all(|edit| matches!(edit, Edit::SetOption { node, .. } if nodes.insert(node)))
}

fn in_scope(
    scope: &Scope<'_>,
    registry: &Registry,
    path: &[String],
    edit: &Edit,
) -> Result<Vec<Replacement>, EditError> {
    match edit {
        Edit::SetInput { node, input, value } => inputs::set(scope, registry, (node, input), value),
        Edit::ClearInput { node, input } => inputs::clear(scope, (node, input)),
        Edit::SetField { node, field, value } => inputs::set_field(scope, node, field, value.as_deref()),
        Edit::SetDefault { input, value } => inputs::set_default(scope, input, value.as_deref()),
        Edit::Connect { from, node, input, at } => inputs::connect(scope, registry, from, (node, input), *at),
        Edit::Disconnect { node, input, at } => inputs::disconnect(scope, (node, input), *at),
        Edit::AddNode { node_type, id, after } => {
            nodes::add(scope, registry, node_type, id.as_deref(), after.as_deref())
        }
        Edit::Delete { nodes } => nodes::delete(scope, nodes),
        Edit::Duplicate { nodes } => nodes::duplicate(scope, nodes),
        Edit::Rename { node, to } => nodes::rename(scope, node, to),
        Edit::SetOption { node, option } => options::set(scope, node, option),
        Edit::Extract { nodes, name } => extract::extract(scope, registry, path, nodes, name),
        // These are about no workflow by itself and were taken care of.
        Edit::Replace(_) | Edit::Within { .. } | Edit::All(_) => Ok(Vec::new()),
    }
}

/// The document with these changes, and how many syntax errors it has.
fn after(document: &Document, changes: &Changes) -> Result<(Document, usize), EditError> {
    let text = changes.apply(&document.source.text).ok_or(EditError::NoWorkflow)?;
    let source = Source { text: text.into(), ..document.source.clone() };
    let (document, diagnostics) = Document::parse(&source);
    Ok((document, diagnostics.iter().filter(|diagnostic| diagnostic.code == "syntax").count()))
}

/// The changes, if they break nothing: near a syntax error, places may not be what they seem.
fn checked(scope: &Scope<'_>, changes: Changes) -> Result<Changes, EditError> {
    let place = changes.replacements().first().map_or(0, |first| first.span.start);
    let text = changes.apply(scope.text).ok_or_else(|| scope.damaged("this", place))?;
    let errors = |text: &str| tree::parse(&Source::new("", text)).1.len();
    let before = if scope.document.damage.is_empty() { 0 } else { errors(scope.text) };
    if errors(&text) > before { Err(scope.damaged("this", place)) } else { Ok(changes) }
}

impl Edit {
    /// What it does, in a few words, for a list of what can be undone.
    ///
    /// ```
    /// use easel_engine::edit::Edit;
    ///
    /// let rename = Edit::Rename { node: "a".into(), to: "b".into() };
    /// assert_eq!(rename.label(), "rename `a` to `b`");
    /// ```
    pub fn label(&self) -> String {
        let list = |nodes: &[String]| match nodes {
            [one] => format!("`{one}`"),
            many => format!("{} nodes", many.len()),
        };
        match self {
            Edit::SetInput { node, input, .. } => format!("set `{node}.{input}`"),
            Edit::ClearInput { node, input } => format!("clear `{node}.{input}`"),
            Edit::SetField { node, field, .. } => format!("set `{field}` of `{node}`"),
            Edit::SetDefault { input, .. } => format!("set the default of `{input}`"),
            Edit::Connect { node, input, .. } => format!("connect `{node}.{input}`"),
            Edit::Disconnect { node, input, .. } => format!("disconnect `{node}.{input}`"),
            Edit::AddNode { node_type, .. } => format!("add a {node_type}"),
            Edit::Delete { nodes } => format!("delete {}", list(nodes)),
            Edit::Duplicate { nodes } => format!("duplicate {}", list(nodes)),
            Edit::Rename { node, to } => format!("rename `{node}` to `{to}`"),
            Edit::SetOption { node, option } => format!("set `{}` of `{node}`", option.name()),
            Edit::Extract { name, .. } => format!("extract the workflow `{name}`"),
            Edit::Replace(_) => "apply a hint".into(),
            Edit::Within { workflow, edit } => format!("{} in `{workflow}`", edit.label()),
            Edit::All(edits) => match edits.as_slice() {
                [one] => one.label(),
                [Edit::SetOption { option, .. }, ..] if is_of_options(edits) => {
                    format!("set `{}` of {} nodes", option.name(), edits.len())
                }
                many => format!("{} changes", many.len()),
            },
        }
    }

    /// Whether it goes on with what the one before did: typing in the same field is one step to undo.
    pub fn continues(&self, before: &Edit) -> bool {
        match (self, before) {
            (Edit::SetInput { node, input, .. }, Edit::SetInput { node: node_before, input: input_before, .. }) => {
                (node, input) == (node_before, input_before)
            }
            (Edit::SetField { node, field, .. }, Edit::SetField { node: node_before, field: field_before, .. }) => {
                (node, field) == (node_before, field_before)
            }
            (Edit::SetDefault { input, .. }, Edit::SetDefault { input: input_before, .. }) => input == input_before,
            (Edit::Within { workflow, edit }, Edit::Within { workflow: workflow_before, edit: edit_before }) => {
                workflow == workflow_before && edit.continues(edit_before)
            }
            _ => false,
        }
    }
}
