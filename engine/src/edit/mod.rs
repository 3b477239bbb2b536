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
mod declared;
mod diff;
mod error;
mod extract;
mod group;
mod groups;
mod history;
mod inputs;
mod label;
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
pub use error::EditError;
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
    /// Declares an input of the workflow, behind those that there are.
    AddInput {
        /// Its name.
        name: String,
        /// The name of its kind: `Text`, `Integer` and so on.
        kind: String,
        /// Its default as RON; without one it must be given.
        default: Option<String>,
    },
    /// Gives an input of the workflow another name, in everything that names it too. Of a workflow that is written inside
    /// of another, those that run it there follow.
    RenameInput {
        /// The input.
        input: String,
        /// Its new name.
        to: String,
    },
    /// Takes an input of the workflow away; what it feeds is not fed any more.
    RemoveInput {
        /// The input.
        input: String,
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
    /// Makes a group of nodes. Each is in one group at the most: it leaves the one that it was in.
    Group {
        /// The nodes.
        nodes: Vec<String>,
        /// The name of the group.
        name: String,
    },
    /// Removes a group; its nodes stay.
    Ungroup {
        /// The group.
        group: String,
    },
    /// Gives a group another name.
    RenameGroup {
        /// The group.
        group: String,
        /// Its new name.
        to: String,
    },
    /// Sets or clears the colour of a group.
    SetColour {
        /// The group.
        group: String,
        /// One of [`GROUP_COLOURS`](crate::GROUP_COLOURS); none for the usual.
        colour: Option<String>,
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
            let changes = changes?;
            match &**edit {
                Edit::RenameInput { .. } | Edit::RemoveInput { .. } if !changes.is_empty() => {
                    followed(document, path, workflow, edit, changes)
                }
                _ => Ok(changes),
            }
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
        // Groups are left first: what that takes away may stand where something is put.
        Edit::Group { nodes, .. } | Edit::Delete { nodes } | Edit::Extract { nodes, .. }
            if forgets(document, path, nodes) =>
        {
            let first = forgotten(document, path, nodes)?;
            let (document, _) = after(document, &first)?;
            Ok(first.then(&in_workflow(&document, registry, path, edit)?))
        }
        edit => {
            let scope = Scope::find(document, path)?;
            let replacements = in_scope(&scope, registry, path, edit)?;
            let changes = Changes::new(replacements).ok_or_else(|| scope.damaged("this", 0))?;
            checked(&scope, changes)
        }
    }
}

/// The changes to the inputs of a workflow with those to the nodes around it that run it.
fn followed(
    document: &Document,
    path: &[String],
    workflow: &str,
    edit: &Edit,
    changes: Changes,
) -> Result<Changes, EditError> {
    let (document, _) = after(document, &changes)?;
    let scope = Scope::find(&document, path)?;
    let replacements = match edit {
        Edit::RenameInput { input, to } => declared::renamed_in_callers(&scope, workflow, input, to),
        Edit::RemoveInput { input } => declared::removed_in_callers(&scope, workflow, input)?,
        _ => Vec::new(),
    };
    let callers = Changes::new(replacements).ok_or_else(|| scope.damaged("what runs the workflow", 0))?;
    Ok(changes.then(&checked(&scope, callers)?))
}

/// Whether any of the nodes is in a group.
fn forgets(document: &Document, path: &[String], nodes: &[String]) -> bool {
    let Ok(scope) = Scope::find(document, path) else { return false };
    let mut members = scope.workflow.groups.values().flat_map(|group| &group.nodes);
    // What is not there is refused as if there were no groups.
    members.any(|member| nodes.contains(&member.value)) && nodes.iter().all(|node| scope.node(node).is_ok())
}

/// Takes nodes out of their groups.
fn forgotten(document: &Document, path: &[String], nodes: &[String]) -> Result<Changes, EditError> {
    let scope = Scope::find(document, path)?;
    let replacements = groups::forget(&scope, &nodes.iter().map(String::as_str).collect())?;
    let changes = Changes::new(replacements).ok_or_else(|| scope.damaged("the groups", 0))?;
    let changes = checked(&scope, changes)?;
    // Where it cannot be done, it must not be tried for ever.
    match changes.is_empty() || forgets(&after(document, &changes)?.0, path, nodes) {
        true => Err(scope.damaged("the groups", 0)),
        false => Ok(changes),
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
        Edit::AddInput { name, kind, default } => declared::add(scope, name, kind, default.as_deref()),
        Edit::RenameInput { input, to } => declared::rename(scope, input, to),
        Edit::RemoveInput { input } => declared::remove(scope, input),
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
        Edit::Group { nodes, name } => groups::add(scope, name, nodes),
        Edit::Ungroup { group } => groups::ungroup(scope, group),
        Edit::RenameGroup { group, to } => groups::rename(scope, group, to),
        Edit::SetColour { group, colour } => groups::set_colour(scope, group, colour.as_deref()),
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
