//! What a node turned into, as a block.

use std::path::Path;
use std::sync::Arc;

use super::compose::Composer;
use super::demand::Demand;
use super::prepare::{Findings, sorted};
use super::resolve::Resolved;
use super::targets::Targets;
use super::{Block, BlockResult, NodeOptions};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Feed, NodeEntry, NodeInput, Spanned, Workflow, WorkflowOutput};
use crate::graph::{Fragment, FragmentFeed, Graph};
use crate::library::Texts;
use crate::registry::Registry;
use crate::source::Source;

/// Checks a fragment like a workflow and plans all of it. Its results are the fragment's outputs, in order.
///
/// # Errors
/// Everything that is wrong with it: a fragment has no text, so that the diagnostics have no places.
pub(crate) fn expand(fragment: &Fragment, registry: &Registry, base_dir: &Path) -> Result<Block, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let document = document(fragment, &mut diagnostics);
    let graph = Graph::resolve(&document, registry, &Texts::default(), base_dir);
    let mut composer = Composer::new(&graph, base_dir, &registry.services, None);
    composer.place(graph.root_index(), String::new(), Vec::new(), (NodeOptions::default(), None));
    let results = composer.results(0);
    let everything = (0..composer.drafts.len() as u32).collect();
    let targets = Targets { drafts: everything, are_chosen: false };
    let demand = Demand::new(&composer, &targets.drafts);
    let planned = Findings { composer: &mut composer, demand: &demand, targets: &targets };
    diagnostics.extend(planned.diagnostics(&graph.findings));
    if diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.iter_mut().for_each(|diagnostic| diagnostic.labels.clear());
        return Err(sorted(diagnostics));
    }
    let names = graph.root().workflow.outputs.keys();
    let results = names.zip(results).filter_map(|(name, result)| match result {
        Resolved::Given(origin, kind) => Some(BlockResult { name: name.as_str().into(), kind, origin }),
        _ => None,
    });
    let results = results.collect();
    let effects: Vec<_> = targets.drafts.into_iter().filter(|&at| composer.drafts[at as usize].has_effect).collect();
    Ok(demand.block(composer, &effects, results))
}

/// The fragment as a document would say it.
fn document(fragment: &Fragment, diagnostics: &mut Vec<Diagnostic>) -> Document {
    let mut workflow = Workflow::default();
    for (index, node) in fragment.nodes.iter().enumerate() {
        if workflow.by_id.insert(node.id.clone(), index).is_some() {
            diagnostics.push(Diagnostic::error("duplicate-node", format!("there are two nodes `{}`", node.id)));
        }
        let inputs =
            node.inputs.iter().map(|(name, value)| NodeInput { name: placeless(name.clone()), value: feed(value) });
        workflow.nodes.push(NodeEntry {
            id: placeless(node.id.clone()),
            node_type: Some(placeless(node.node_type.clone())),
            inputs: inputs.collect(),
            call: None,
            options: None,
            span: 0..0,
        });
    }
    for (name, value) in &fragment.outputs {
        let output = WorkflowOutput { name: placeless(name.clone()), value: feed(value) };
        if workflow.outputs.insert(name.clone(), output).is_some() {
            diagnostics.push(Diagnostic::error("duplicate-output", format!("there are two outputs `{name}`")));
        }
    }
    Document {
        source: Source::new("expansion", ""),
        version: None,
        root: Arc::new(workflow),
        cut_off: false,
        damage: Arc::default(),
    }
}

fn placeless<T>(value: T) -> Spanned<T> {
    Spanned { value, span: 0..0 }
}

fn feed(feed: &FragmentFeed) -> Spanned<Feed> {
    placeless(match feed {
        FragmentFeed::Value(value) => Feed::Value(value.clone()),
        FragmentFeed::From(text) => Feed::from_text(text),
        FragmentFeed::List(items) => Feed::List(items.iter().map(self::feed).collect()),
    })
}
