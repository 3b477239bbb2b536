//! A workflow whose names are resolved: node types, sockets, wires.

mod build;
mod cycles;
mod hints;

use std::ops::Range;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use crate::check::Fit;
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Spanned};
use crate::registry::{Registered, Registry};
use crate::spec::NodeSpec;
use crate::value::Value;

/// A checked workflow. What is wrong in the document is left out of it and was reported.
pub struct Graph {
    pub(crate) document: Arc<Document>,
    pub(crate) nodes: Vec<GraphNode>,
    /// One edge for each pair of nodes with a wire between them; indices are those of `nodes`.
    edges: StableDiGraph<(), ()>,
}

/// A node with its inputs in the order of its spec. None of them if its type is not known.
pub(crate) struct GraphNode {
    pub(crate) id: Spanned<String>,
    pub(crate) registered: Option<Registered>,
    pub(crate) links: Vec<Link>,
}

/// What feeds an input.
pub(crate) enum Link {
    /// Nothing, and the node does without.
    Absent,
    /// The spec's default.
    Default(Value),
    /// A literal, converted and found sound.
    Literal(Value),
    /// A workflow input whose kind fits.
    Input { name: String, fit: Fit, span: Range<usize> },
    /// An output of a node, by their indices.
    Wire { node: usize, output: usize, fit: Fit },
    /// Something wrong, which was reported.
    Broken,
}

/// Something wrong, and in which node.
pub(crate) struct Finding {
    pub(crate) node: Option<usize>,
    pub(crate) diagnostic: Diagnostic,
}

/// A wire between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire<'a> {
    /// The node that gives.
    pub from: &'a str,
    /// Its output.
    pub output: &'a str,
    /// The node that takes.
    pub to: &'a str,
    /// Its input.
    pub input: &'a str,
}

impl Graph {
    /// Resolves a document. What is wrong is all in the list; the rest is in the graph.
    pub fn build(document: &Document, registry: &Registry) -> (Graph, Vec<Diagnostic>) {
        let (graph, findings) = Graph::resolve(document, registry);
        let mut diagnostics: Vec<_> = findings.into_iter().map(|finding| finding.diagnostic).collect();
        diagnostics.sort_by_key(Diagnostic::sort_key);
        (graph, diagnostics)
    }

    /// Resolves a document; every finding knows the node that it spoils.
    pub(crate) fn resolve(document: &Document, registry: &Registry) -> (Graph, Vec<Finding>) {
        build::build(document, registry)
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The nodes in document order: name and spec, if their type is known.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&str, Option<&NodeSpec>)> {
        self.nodes.iter().map(|node| (node.id.value.as_str(), node.spec()))
    }

    /// The wires that fit.
    pub fn wires(&self) -> impl Iterator<Item = Wire<'_>> {
        self.nodes.iter().flat_map(move |taker| {
            let inputs = taker.spec().map_or(&[][..], |spec| &spec.inputs);
            inputs.iter().zip(&taker.links).filter_map(move |(input, link)| {
                let Link::Wire { node, output, .. } = link else {
                    return None;
                };
                let giver = &self.nodes[*node];
                let output = giver.spec()?.outputs.get(*output)?.name;
                Some(Wire { from: &giver.id.value, output, to: &taker.id.value, input: input.name })
            })
        })
    }

    /// The nodes that one node takes from, each once, in document order.
    pub(crate) fn dependencies(&self, node: usize) -> Vec<usize> {
        self.neighbours(node, Direction::Incoming)
    }

    /// The nodes that take from one node, each once, in document order.
    pub(crate) fn dependents(&self, node: usize) -> Vec<usize> {
        self.neighbours(node, Direction::Outgoing)
    }

    fn neighbours(&self, node: usize, direction: Direction) -> Vec<usize> {
        let mut found: Vec<_> =
            self.edges.neighbors_directed(NodeIndex::new(node), direction).map(NodeIndex::index).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// For each node whether one of `targets` needs it; targets need themselves.
    pub(crate) fn cone(&self, targets: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        let mut waiting: Vec<_> = targets.into_iter().collect();
        while let Some(node) = waiting.pop() {
            if !std::mem::replace(&mut needed[node], true) {
                waiting.extend(
                    self.edges.neighbors_directed(NodeIndex::new(node), Direction::Incoming).map(NodeIndex::index),
                );
            }
        }
        needed
    }
}

impl GraphNode {
    pub(crate) fn spec(&self) -> Option<&NodeSpec> {
        self.registered.as_ref().map(|registered| &*registered.spec)
    }
}
