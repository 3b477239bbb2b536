//! A workflow as it is written: every value with its place.

mod fields;
mod lexer;
mod literal;
mod parser;
mod read;
mod tree;

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};

use indexmap::IndexMap;

pub use literal::Literal;
pub(crate) use literal::range_words;

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::value::Kind;

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
    pub(crate) about: Option<Spanned<String>>,
    pub(crate) inputs: IndexMap<String, WorkflowInput>,
    pub(crate) nodes: Vec<NodeEntry>,
    pub(crate) by_id: HashMap<String, usize>,
    /// The end of the text could not be read: that a name is missing then proves nothing.
    pub(crate) cut_off: bool,
    /// Where syntax errors are: that a field is missing near one proves nothing.
    pub(crate) damage: Vec<Range<usize>>,
}

/// An input that a workflow declares.
#[derive(Clone, Debug)]
pub struct WorkflowInput {
    /// Its name.
    pub name: Spanned<String>,
    /// Its kind; none if that was written wrong, which was reported.
    pub kind: Option<Kind>,
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
}

/// A node as it is written.
#[derive(Clone, Debug)]
pub struct NodeEntry {
    /// Its name.
    pub id: Spanned<String>,
    /// Its type; none if that could not be read, which was reported.
    pub node_type: Option<Spanned<String>>,
    /// What its inputs are fed from, in the order in which they are written.
    pub inputs: Vec<NodeInput>,
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
    /// An input of the workflow.
    Input(String),
    /// An output of another node.
    From {
        /// The node.
        node: String,
        /// The output; may be left out if the node has but one.
        socket: Option<String>,
    },
    /// It could not be read, which was reported.
    Unreadable,
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

    /// What the workflow does, in its author's words.
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

    /// The nodes in the order in which they are written. A name that is written twice is there twice.
    pub fn nodes(&self) -> &[NodeEntry] {
        &self.nodes
    }

    /// Whether there is a syntax error in that span.
    pub(crate) fn is_damaged(&self, span: &Range<usize>) -> bool {
        self.damage.iter().any(|place| place.start < span.end && place.end >= span.start)
    }

    /// The node of that name; the first, if there are several.
    pub fn node(&self, id: &str) -> Option<&NodeEntry> {
        self.by_id.get(id).and_then(|&index| self.nodes.get(index))
    }
}
