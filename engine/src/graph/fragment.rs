//! A piece of graph that a node turns into at run time.

use serde::{Deserialize, Serialize};

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

/// A fragment without its values, which stand beside it: so it can be kept.
#[derive(Serialize, Deserialize)]
struct Sketch {
    /// (name, type, inputs)
    nodes: Vec<(String, String, SketchFeeds)>,
    outputs: SketchFeeds,
}

/// (name, what feeds it)
type SketchFeeds = Vec<(String, SketchFeed)>;

#[derive(Serialize, Deserialize)]
enum SketchFeed {
    /// By its place.
    Value(usize),
    From(String),
    List(Vec<SketchFeed>),
}

impl Fragment {
    /// Everything but the values as a text, and the values. None if it is nested too deeply to be read back.
    pub(crate) fn to_sketch(&self) -> Option<(String, Vec<Value>)> {
        let mut values = Vec::new();
        let mut inputs = |inputs: &[(String, FragmentFeed)]| -> Vec<_> {
            inputs.iter().map(|(name, feed)| (name.clone(), feed.sketched(&mut values))).collect()
        };
        let nodes = self.nodes.iter();
        let nodes = nodes.map(|node| (node.id.clone(), node.node_type.clone(), inputs(&node.inputs))).collect();
        let sketch = Sketch { nodes, outputs: inputs(&self.outputs) };
        let text = serde_json::to_string(&sketch).ok()?;
        serde_json::from_str::<Sketch>(&text).ok()?;
        Some((text, values))
    }

    /// The fragment that [`Fragment::to_sketch`] took apart; none if that is no sketch, or one of other values.
    pub(crate) fn from_sketch(sketch: &str, values: &[Value]) -> Option<Self> {
        let Sketch { nodes, outputs } = serde_json::from_str(sketch).ok()?;
        let feeds = |feeds: SketchFeeds| -> Option<Vec<_>> {
            feeds.into_iter().map(|(name, feed)| Some((name, feed.filled(values)?))).collect()
        };
        let node = |(id, node_type, inputs)| Some(FragmentNode { id, node_type, inputs: feeds(inputs)? });
        let nodes = nodes.into_iter().map(node).collect::<Option<_>>()?;
        Some(Fragment { nodes, outputs: feeds(outputs)? })
    }
}

impl FragmentFeed {
    fn sketched(&self, values: &mut Vec<Value>) -> SketchFeed {
        match self {
            FragmentFeed::Value(value) => {
                values.push(value.clone());
                SketchFeed::Value(values.len() - 1)
            }
            FragmentFeed::From(text) => SketchFeed::From(text.clone()),
            FragmentFeed::List(items) => SketchFeed::List(items.iter().map(|item| item.sketched(values)).collect()),
        }
    }
}

impl SketchFeed {
    fn filled(self, values: &[Value]) -> Option<FragmentFeed> {
        Some(match self {
            SketchFeed::Value(place) => FragmentFeed::Value(values.get(place)?.clone()),
            SketchFeed::From(text) => FragmentFeed::From(text),
            SketchFeed::List(items) => {
                FragmentFeed::List(items.into_iter().map(|item| item.filled(values)).collect::<Option<_>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_put_together_again_from_its_sketch_and_its_values() {
        let list = FragmentFeed::List(vec![FragmentFeed::value(2.5), FragmentFeed::from("a.x")]);
        let fragment = Fragment::new()
            .node("a", "Some", [("x", FragmentFeed::value("a \"text\"".to_string())), ("y", list)])
            .output("out", FragmentFeed::from("a"));
        let (sketch, values) = fragment.to_sketch().expect("it is not deep");
        assert_eq!(values, [Value::new("a \"text\"".to_string()), Value::new(2.5)]);
        let again = Fragment::from_sketch(&sketch, &values).expect("it is whole");
        assert_eq!(format!("{again:?}"), format!("{fragment:?}"));
        assert!(Fragment::from_sketch(&sketch, &values[..1]).is_none(), "a value is missing");
        assert!(Fragment::from_sketch("{}", &values).is_none(), "this is no sketch");
    }

    #[test]
    fn what_is_nested_too_deeply_is_not_kept() {
        let deep = (0..1_000).fold(FragmentFeed::from("a"), |feed, _| FragmentFeed::List(vec![feed]));
        assert!(Fragment::new().output("out", deep).to_sketch().is_none());
    }
}
