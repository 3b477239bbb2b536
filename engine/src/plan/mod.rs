//! What a run does, in which order, with which values: everything that can be known before anything runs.

mod prepare;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

pub use settings::{EffectiveInput, Settings};

use crate::check::Fit;
use crate::diagnostic::Diagnostic;
use crate::event::PlannedNode;
use crate::registry::{Registered, Registry};
use crate::source::Source;
use crate::value::Value;

/// A checked and ordered workflow. Clones share it.
#[derive(Clone)]
pub struct Plan(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) source: Source,
    pub(crate) inputs: IndexMap<String, EffectiveInput>,
    pub(crate) base_dir: PathBuf,
    pub(crate) out_dir: PathBuf,
    /// In an order in which everything that a node needs stands before it.
    pub(crate) nodes: Vec<Step>,
}

/// A node of a plan. Other nodes are named by their index in the plan.
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) registered: Registered,
    pub(crate) inputs: Vec<StepInput>,
    /// Ascending, each once.
    pub(crate) dependencies: Vec<usize>,
    /// For each output the nodes that take it: ascending, each once. The last is its last use.
    pub(crate) consumers: Vec<Vec<usize>>,
    /// Its outputs are what the run is for: they are kept for the report.
    pub(crate) is_target: bool,
}

pub(crate) struct StepInput {
    /// Its place in the spec.
    pub(crate) input: usize,
    pub(crate) origin: Origin,
}

/// Where an input's value comes from.
pub(crate) enum Origin {
    /// Known, converted and found sound.
    Known(Value),
    /// An output of a node.
    Wire { node: usize, output: usize, fit: Fit },
}

impl Plan {
    /// Reads, checks and orders a workflow: the one door from a text to a run.
    ///
    /// A plan comes with warnings. Without a plan the list holds every error, and the warnings too. With targets,
    /// what is wrong in nodes that none of them needs is a warning.
    pub fn prepare(
        source: &Source,
        registry: &Registry,
        settings: &Settings,
    ) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
        prepare::prepare(source, registry, settings)
    }

    /// The text it was made from.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The nodes in the order in which they run.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = PlannedNode> {
        self.0.nodes.iter().map(Step::planned)
    }

    /// The inputs of the workflow as this run has them, in document order.
    pub fn inputs(&self) -> &IndexMap<String, EffectiveInput> {
        &self.0.inputs
    }

    /// The nodes whose outputs the run is for.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.nodes.iter().filter(|step| step.is_target).map(|step| step.id.as_str())
    }

    /// Relative paths of files that are read count from here.
    pub fn base_dir(&self) -> &Path {
        &self.0.base_dir
    }

    /// Relative paths of files that are written count from here.
    pub fn out_dir(&self) -> &Path {
        &self.0.out_dir
    }

    /// The node after which an output is needed no more, by their places in the order; none if nothing takes it.
    pub fn last_use(&self, node: usize, output: &str) -> Option<usize> {
        let step = self.0.nodes.get(node)?;
        let position = step.registered.spec.outputs.iter().position(|spec| spec.name == output)?;
        step.consumers[position].last().copied()
    }
}

impl Step {
    pub(crate) fn planned(&self) -> PlannedNode {
        PlannedNode { node: self.id.clone(), node_type: self.registered.spec.name.to_string() }
    }
}
