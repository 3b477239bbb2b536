//! A workflow as it is written: every value with its place.

mod calls;
mod feeds;
mod fields;
mod groups;
mod inputs;
pub(crate) mod lexer;
mod literal;
mod parser;
mod read;
pub(crate) mod tree;

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

pub(crate) use feeds::parse_literal;
pub(crate) use fields::is_name;
pub use groups::GROUP_COLOURS;
pub(crate) use inputs::written_kind;
pub use literal::{Literal, LiteralList};
pub(crate) use literal::{can_be_written, range_words};

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::value::{Kind, Value};

/// The format versions that this program reads, oldest first.
pub const FORMAT_VERSIONS: &[i64] = &[1];

/// Something with its place in the source.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// It.
    pub value: T,
    /// Where it is written.
    pub span: Range<usize>,
}

/// A workflow that was read, as far as it could be.
///
/// ```
/// use easel_engine::{Document, Source};
///
/// let source = Source::new("example", r#"Workflow(version: 1, nodes: { "a": Constant(value: 2) })"#);
/// let (document, diagnostics) = Document::parse(&source);
/// assert!(diagnostics.is_empty());
/// let node = document.node("a").expect("it is written there");
/// assert_eq!(source.slice(&node.inputs[0].value.span), "2");
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) source: Source,
    pub(crate) version: Option<Spanned<i64>>,
    /// Shared, so that clones of a large document cost nothing.
    pub(crate) root: Arc<Workflow>,
    /// The end of the text could not be read: that a name is missing then proves nothing.
    pub(crate) cut_off: bool,
    /// Where syntax errors are: that a field is missing near one proves nothing.
    pub(crate) damage: Arc<[Range<usize>]>,
}

/// A workflow: that of a document, or one that is written inside of another.
#[derive(Clone, Debug, Default)]
pub struct Workflow {
    pub(crate) about: Option<Spanned<String>>,
    pub(crate) inputs: IndexMap<String, WorkflowInput>,
    pub(crate) workflows: IndexMap<String, LocalWorkflow>,
    pub(crate) nodes: Vec<NodeEntry>,
    /// The first node of each name.
    pub(crate) by_id: HashMap<String, usize>,
    pub(crate) outputs: IndexMap<String, WorkflowOutput>,
    pub(crate) groups: IndexMap<String, NodeGroup>,
}

/// Nodes that belong together for people who look at a workflow. A run does not know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// The names of its nodes; some may not be there, which was reported.
    pub nodes: Vec<Spanned<String>>,
    /// One of [`GROUP_COLOURS`].
    pub colour: Option<Spanned<String>>,
    /// Where it is, from `Group` to the closing bracket.
    pub span: Range<usize>,
}

/// A workflow that is written inside of another.
#[derive(Clone, Debug)]
pub struct LocalWorkflow {
    /// Its name.
    pub name: Spanned<String>,
    /// It.
    pub workflow: Arc<Workflow>,
    /// Where it is, from `Workflow` to the closing bracket.
    pub span: Range<usize>,
}

/// What a workflow gives to one that includes it.
#[derive(Clone, Debug)]
pub struct WorkflowOutput {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it comes from.
    pub value: Spanned<Feed>,
}

/// An input that a workflow declares.
#[derive(Clone, Debug)]
pub struct WorkflowInput {
    /// Its name.
    pub name: Spanned<String>,
    /// Its kind, if values of it can be written down. Of the others the registry knows whether they exist.
    pub kind: Option<Kind>,
    /// The name of its kind; none if that was written wrong, which was reported.
    pub kind_name: Option<Spanned<String>>,
    /// Its value if nobody gives another. Without one, somebody must.
    pub default: Option<Spanned<Literal>>,
    /// Bounds of a number, both included.
    pub range: Option<RangeInclusive<f64>>,
    /// The words a text may be; empty: any.
    pub choices: Vec<Spanned<String>>,
    /// What it is for.
    pub about: String,
    /// Where its declaration is, from its kind to the closing bracket.
    pub span: Range<usize>,
    /// A default is written, but perhaps could not be read.
    pub(crate) has_default: bool,
    /// Fields that an input of a kind that cannot be written down does not have: names and places.
    pub(crate) misplaced: Vec<Spanned<String>>,
}

/// A node as it is written.
#[derive(Clone, Debug)]
pub struct NodeEntry {
    /// Its name.
    pub id: Spanned<String>,
    /// Its type; none if that could not be read, which was reported.
    pub node_type: Option<Spanned<String>>,
    /// What its inputs are fed from, in the order in which they are written. For `Include`, `Map` and `Loop` what they
    /// hand to the workflow, written in `with`.
    pub inputs: Vec<NodeInput>,
    /// What else an `Include`, `Map` or `Loop` says.
    pub call: Option<Box<Call>>,
    /// How it wants to be run; none if nothing is said.
    pub options: Option<Box<Options>>,
    /// Where it is, from its type to the closing bracket.
    pub span: Range<usize>,
}

/// An input of a node as it is written.
#[derive(Clone, Debug)]
pub struct NodeInput {
    /// Its name.
    pub name: Spanned<String>,
    /// What feeds it.
    pub value: Spanned<Feed>,
}

/// What feeds an input of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// A value that is written there.
    Literal(Literal),
    /// A value that no document can hold: of a fragment.
    Value(Value),
    /// An input of the workflow.
    Input(String),
    /// An output of another node.
    From {
        /// The node.
        node: String,
        /// The output; may be left out if the node has but one.
        socket: Option<String>,
    },
    /// A list of such; not all are literals.
    List(Vec<Spanned<Feed>>),
    /// It could not be read, which was reported.
    Unreadable,
}

/// How a node runs another workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Once, as if its nodes stood here.
    Include,
    /// Once for every element of lists.
    Map,
    /// Again and again, with results of one pass as inputs of the next.
    Loop,
}

impl Form {
    /// As documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Form::Include => "Include",
            Form::Map => "Map",
            Form::Loop => "Loop",
        }
    }

    pub(crate) fn find(name: &str) -> Option<Form> {
        [Form::Include, Form::Map, Form::Loop].into_iter().find(|form| form.name() == name)
    }
}

/// What an `Include`, `Map` or `Loop` says besides `with`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which of them.
    pub form: Form,
    /// The workflow: the name of a local one, or a path that ends in `.ron`.
    pub workflow: Option<Spanned<String>>,
    /// Of a map: the inputs that are given an element of a list each time.
    pub over: Vec<Spanned<String>>,
    /// Of a map or a loop: the input that is given the number of the element or pass, from 0.
    pub index: Option<Spanned<String>>,
    /// Of a map: what to do about lists of different lengths.
    pub ragged: Ragged,
    /// Of a loop: how many passes at the most.
    pub times: Option<Spanned<Feed>>,
    /// Of a loop: (input, output): the input is given what the output was in the pass before.
    pub carry: Vec<(Spanned<String>, Spanned<String>)>,
    /// Of a loop: the output that says whether to go on.
    pub go_on: Option<Spanned<String>>,
    /// Of a loop: the outputs of which every pass's value is given, as a list.
    pub collect: Vec<Spanned<String>>,
    /// A field could not be read: that something is not there proves nothing.
    pub(crate) damaged: bool,
}

/// What a map does about lists of different lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ragged {
    /// Fails.
    #[default]
    Refuse,
    /// Ends with the shortest.
    Shortest,
    /// Goes on to the end of the longest; the last elements of the others are repeated.
    RepeatLast,
}

/// How a node wants to be run. What is not said is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Whether its results may be kept and taken from a cache.
    pub cache: Option<bool>,
    /// It fails when it takes longer: a node each time it is tried; a map, a loop or an included workflow as a whole.
    pub timeout: Option<Duration>,
    /// How often it is tried again after a failure.
    pub retry: Option<u32>,
    /// Where it computes.
    pub device: Option<Spanned<Arc<str>>>,
    /// It is left out, and so is what cannot go without it.
    pub mute: bool,
    /// It is left out, and each of its outputs is what the first input of that kind is given.
    pub bypass: bool,
}

impl Document {
    /// Reads a text. What is wrong with it is all in the list; what could be read is in the document.
    pub fn parse(source: &Source) -> (Document, Vec<Diagnostic>) {
        read::read(source)
    }

    /// The text it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The format version.
    pub fn version(&self) -> Option<&Spanned<i64>> {
        self.version.as_ref()
    }

    /// The workflow itself.
    pub fn workflow(&self) -> &Workflow {
        &self.root
    }

    /// What the workflow does, in its author's words.
    pub fn about(&self) -> Option<&Spanned<String>> {
        self.root.about()
    }

    /// The declared inputs in the order in which they are written.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &WorkflowInput> {
        self.root.inputs()
    }

    /// The input of that name.
    pub fn input(&self, name: &str) -> Option<&WorkflowInput> {
        self.root.input(name)
    }

    /// The nodes in the order in which they are written. A name that is written twice is there twice.
    pub fn nodes(&self) -> &[NodeEntry] {
        self.root.nodes()
    }

    /// What it gives to a workflow that includes it, in the order in which it is written.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &WorkflowOutput> {
        self.root.outputs()
    }

    /// The node of that name; the first, if there are several.
    pub fn node(&self, id: &str) -> Option<&NodeEntry> {
        self.root.node(id)
    }

    /// Whether there is a syntax error in that span.
    pub(crate) fn is_damaged(&self, span: &Range<usize>) -> bool {
        self.damage.iter().any(|place| place.start < span.end && place.end >= span.start)
    }
}

impl Workflow {
    /// What it does, in its author's words.
    pub fn about(&self) -> Option<&Spanned<String>> {
        self.about.as_ref()
    }

    /// The declared inputs in the order in which they are written.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &WorkflowInput> {
        self.inputs.values()
    }

    /// The input of that name.
    pub fn input(&self, name: &str) -> Option<&WorkflowInput> {
        self.inputs.get(name)
    }

    /// The workflows that are written inside of it.
    pub fn workflows(&self) -> impl ExactSizeIterator<Item = &LocalWorkflow> {
        self.workflows.values()
    }

    /// The nodes in the order in which they are written. A name that is written twice is there twice.
    pub fn nodes(&self) -> &[NodeEntry] {
        &self.nodes
    }

    /// The node of that name; the first, if there are several.
    pub fn node(&self, id: &str) -> Option<&NodeEntry> {
        self.by_id.get(id).and_then(|&index| self.nodes.get(index))
    }

    /// What it gives to a workflow that includes it, in the order in which it is written.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &WorkflowOutput> {
        self.outputs.values()
    }

    /// Its groups, in the order in which they are written.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &NodeGroup> {
        self.groups.values()
    }
}
