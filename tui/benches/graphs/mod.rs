//! Workflows to measure with: of any size, in three shapes.

use std::fmt::Write;

use easel_engine::{Context, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Registry, kinds};

/// A node of few sockets that does nothing.
struct Join;

impl Node for Join {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Join", "Joins texts.")
            .input(InputSpec::new("one", kinds::TEXT, "a text").default(String::new()))
            .input(InputSpec::new("other", kinds::TEXT, "a text").default(String::new()))
            .input(InputSpec::new("count", kinds::INTEGER, "a number").default(1_i64))
            .output(OutputSpec::new("text", kinds::TEXT, "the text"))
    }

    fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("text", String::new()))
    }
}

/// The nodes that feed a node.
pub type Shape = fn(usize) -> Vec<usize>;

/// The shapes, with their names.
pub const SHAPES: [(&str, Shape); 3] = [
    ("chain", |at| at.checked_sub(1).into_iter().collect()),
    ("wide", |at| if at == 0 { Vec::new() } else { vec![0] }),
    ("mesh", |at| match at.min(10) {
        0 => Vec::new(),
        near => vec![at - 1 - at * 3 % near, at - 1 - at * 7 % near],
    }),
];

/// A document of so many nodes.
pub fn document(nodes: usize, shape: Shape) -> String {
    let mut text = String::from("Workflow(version: 1, nodes: {\n");
    for at in 0..nodes {
        let _ = write!(text, "\"n{at}\": Join(count: {at}");
        for (name, from) in ["one", "other"].iter().zip(shape(at)) {
            let _ = write!(text, ", {name}: From(\"n{from}\")");
        }
        text.push_str("),\n");
    }
    text + "})"
}

/// The node types that they use.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(Join).expect("there is no other");
    registry
}
