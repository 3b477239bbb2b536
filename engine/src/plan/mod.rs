//! What a run does, in which order, with which values: everything that can be known before anything runs.

mod block;
mod bodies;
mod check;
mod compose;
mod demand;
mod expand;
mod prepare;
mod resolve;
mod settings;
mod targets;
#[cfg(test)]
mod tests;
mod unused;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

pub(crate) use block::*;
pub(crate) use expand::expand;
pub use settings::{EffectiveInput, Settings};

use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::event::PlannedNode;
use crate::library::{Disk, Library};
use crate::registry::Registry;
use crate::source::Source;

/// A checked and ordered workflow. Clones share it.
#[derive(Clone)]
pub struct Plan(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) source: Source,
    /// Kept for whoever shows the workflow, and since to let go of a large one takes time.
    pub(crate) document: Document,
    pub(crate) inputs: IndexMap<String, EffectiveInput>,
    pub(crate) base_dir: PathBuf,
    pub(crate) out_dir: PathBuf,
    /// What a node that expands is resolved against.
    pub(crate) registry: Registry,
    pub(crate) root: Block,
    /// Every file that the plan was made from or that its nodes will read, as far as is known.
    pub(crate) files: Vec<PathBuf>,
    /// The texts of the workflows that it was made from.
    pub(crate) texts: IndexMap<PathBuf, Arc<str>>,
}

impl Plan {
    /// Reads, checks and orders a workflow: the one door from a text to a run.
    ///
    /// A plan comes with warnings. Without a plan the list holds every error, and the warnings too. With targets,
    /// what is wrong in nodes that none of them needs is a warning. With [`Settings::keep_going`] a plan may come with
    /// errors: of what was left out of it.
    ///
    /// Workflows that it includes are read from disk.
    pub fn prepare(
        source: &Source,
        registry: &Registry,
        settings: &Settings,
    ) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
        prepare::prepare(source, registry, settings, &Disk)
    }

    /// The same with the workflows that it includes taken from `library`.
    pub fn prepare_with(
        source: &Source,
        registry: &Registry,
        settings: &Settings,
        library: &dyn Library,
    ) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
        prepare::prepare(source, registry, settings, library)
    }

    /// The text it was made from.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The workflow as it is written.
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// The nodes in the order in which they run.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = PlannedNode> {
        self.0.root.steps.iter().map(Step::planned)
    }

    /// The inputs of the workflow as this run has them, in document order.
    pub fn inputs(&self) -> &IndexMap<String, EffectiveInput> {
        &self.0.inputs
    }

    /// The nodes whose outputs the run is for.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.root.steps.iter().filter(|step| step.is_target).map(|step| &*step.id)
    }

    /// Relative paths of files that are read count from here.
    pub fn base_dir(&self) -> &Path {
        &self.0.base_dir
    }

    /// Relative paths of files that are written count from here.
    pub fn out_dir(&self) -> &Path {
        &self.0.out_dir
    }

    /// The files that it was made from and those that its nodes will read, as far as is known: when one changes, the plan
    /// may be another.
    pub fn files(&self) -> &[PathBuf] {
        &self.0.files
    }

    /// The texts of all workflow files that were read to make it, by the paths under which they were asked for: with them
    /// in a [`Texts`](crate::Texts) the same plan can be made again.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = (&Path, &Arc<str>)> {
        self.0.texts.iter().map(|(path, text)| (path.as_path(), text))
    }

    /// Bytes of this machine's memory that nodes will take at the most, for those that can tell beforehand.
    pub fn memory(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.root.steps.iter().filter_map(|step| Some((&*step.id, step.memory?)))
    }

    /// The node after which an output is needed no more, by their places in the order; none if nothing takes it.
    pub fn last_use(&self, node: usize, output: &str) -> Option<usize> {
        let steps = &self.0.root.steps;
        let position = steps.get(node)?.outputs.iter().position(|spec| &*spec.name == output)?;
        let takes = |step: &Step| {
            let mut found = false;
            let inputs = step.inputs.iter().map(|input| &input.origin);
            inputs.for_each(|origin| origin.each_wire(&mut |step, output| found |= (step, output) == (node, position)));
            found
        };
        steps.iter().rposition(takes)
    }
}
