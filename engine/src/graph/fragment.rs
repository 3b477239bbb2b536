//! A piece of graph that a node turns into at run time.

use crate::document::Literal;
use crate::value::{Data, Value};

/// A piece of graph that stands in for a node: see [`Outputs::expand`](crate::Outputs::expand).
///
/// ```
/// use easel_engine::{Fragment, FragmentFeed};
///
/// let fragment = Fragment::new()
///     .node("doubled", "Double", [("number", FragmentFeed::value(21_i64))])
///     .node("again", "Double", [("number", FragmentFeed::from("doubled.number"))])
///     .output("number", FragmentFeed::from("again.number"));
/// assert_eq!(fragment.nodes().len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fragment {
    pub(crate) nodes: Vec<FragmentNode>,
    pub(crate) outputs: Vec<(String, FragmentFeed)>,
}

/// A node of a fragment.
#[derive(Clone, Debug)]
pub struct FragmentNode {
    /// Its name, unique in the fragment.
    pub id: String,
    /// Its type.
    pub node_type: String,
    /// What its inputs are fed from.
    pub inputs: Vec<(String, FragmentFeed)>,
}

/// What feeds an input of a fragment's node, or an output of the fragment.
#[derive(Clone, Debug)]
pub enum FragmentFeed {
    /// This value.
    Value(Value),
    /// An output of another node of the fragment: `node.socket`, or `node` if it has but one.
    From(String),
    /// A list of such.
    List(Vec<FragmentFeed>),
}

impl FragmentFeed {
    /// A value.
    pub fn value<T: Data>(data: T) -> Self {
        FragmentFeed::Value(Value::new(data))
    }

    /// A value that documents can write.
    pub fn literal(literal: &Literal) -> Self {
        FragmentFeed::Value(literal.value())
    }
}

impl From<&str> for FragmentFeed {
    fn from(socket: &str) -> Self {
        FragmentFeed::From(socket.into())
    }
}

impl From<Value> for FragmentFeed {
    fn from(value: Value) -> Self {
        FragmentFeed::Value(value)
    }
}

impl Fragment {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more node.
    pub fn node<'a>(
        mut self,
        id: impl Into<String>,
        node_type: impl Into<String>,
        inputs: impl IntoIterator<Item = (&'a str, FragmentFeed)>,
    ) -> Self {
        let inputs = inputs.into_iter().map(|(name, feed)| (name.to_string(), feed)).collect();
        self.nodes.push(FragmentNode { id: id.into(), node_type: node_type.into(), inputs });
        self
    }

    /// What an output of the node that it stands for gives.
    pub fn output(mut self, name: impl Into<String>, feed: FragmentFeed) -> Self {
        self.outputs.push((name.into(), feed));
        self
    }

    /// Its nodes.
    pub fn nodes(&self) -> &[FragmentNode] {
        &self.nodes
    }
}
