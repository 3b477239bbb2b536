//! A graph as those see it who draw it: one workflow at a time, with what each node's names came to.

use super::{CallForm, Callee, Graph, Link, Module};
use crate::document::{Document, Workflow};
use crate::spec::NodeSpec;
use crate::value::Kind;

/// One workflow of a graph: the one that was asked about, or one that it includes.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    graph: &'a Graph,
    module: usize,
}

impl Graph {
    /// The workflow that was asked about.
    pub fn part(&self) -> Part<'_> {
        Part { graph: self, module: self.root_index() }
    }
}

impl<'a> Part<'a> {
    /// The document in which it is written.
    pub fn document(&self) -> &'a Document {
        &self.resolved().document
    }

    /// It, as it is written. Nodes are called by their places in it.
    pub fn workflow(&self) -> &'a Workflow {
        &self.resolved().workflow
    }

    /// The node type, if that node is of one that is known.
    pub fn spec(&self, node: usize) -> Option<&'a NodeSpec> {
        self.graph.spec(self.resolved().nodes.get(node)?)
    }

    /// The workflow that an `Include`, `Map` or `Loop` runs, if it could be found.
    pub fn body(&self, node: usize) -> Option<Part<'a>> {
        match &self.resolved().nodes.get(node)?.call {
            Callee::Module(call) => Some(Part { graph: self.graph, module: call.module }),
            Callee::Unknown | Callee::Node(_) => None,
        }
    }

    /// The kind of one of the workflow's declared inputs, by its place, as far as it is known.
    pub fn input_kind(&self, input: usize) -> Option<Kind> {
        self.resolved().kinds.get(input).copied().flatten()
    }

    /// The kind of a node's output, by its place, as far as it is known.
    pub fn output_kind(&self, node: usize, output: usize) -> Option<Kind> {
        match self.resolved().nodes.get(node)?.kinds.get(output) {
            Some(own) => *own,
            None => self.spec(node)?.outputs.get(output).map(|output| output.kind),
        }
    }

    /// Whether a map hands the elements of a list to that input of its workflow.
    pub fn is_mapped(&self, node: usize, input: usize) -> bool {
        match self.resolved().nodes.get(node).map(|node| &node.call) {
            Some(Callee::Module(call)) => match &call.form {
                CallForm::Map { over, .. } => over.get(input).copied().unwrap_or(false),
                CallForm::Include | CallForm::Loop { .. } => false,
            },
            _ => false,
        }
    }

    /// Whether something must feed that input, by its place in the spec or in the workflow that is run, and nothing does.
    pub fn is_missing(&self, node: usize, input: usize) -> bool {
        let link = self.resolved().nodes.get(node).and_then(|node| node.links.get(input));
        matches!(link, Some(Link::Broken { node: None }))
    }

    fn resolved(&self) -> &'a Module {
        &self.graph.modules[self.module]
    }
}
