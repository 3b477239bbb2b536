//! What a workflow says and nothing needs.

use std::collections::HashSet;

use super::Settings;
use super::compose::Composer;
use super::demand::Demand;
use crate::diagnostic::Diagnostic;
use crate::document::{Feed, Workflow};
use crate::graph::{each_feed, each_piece};

pub(super) fn warn(composer: &Composer<'_>, demand: &Demand, settings: &Settings, diagnostics: &mut Vec<Diagnostic>) {
    let document = composer.graph.document();
    // A node of an unknown type may have had an effect, and a lost wire may have led to one.
    let is_sound = composer.graph.findings.is_empty() && diagnostics.iter().all(|diagnostic| !diagnostic.is_error());
    if settings.targets.is_none() && is_sound && !composer.graph.root().is_switched {
        unused_nodes(composer, demand, diagnostics);
    }
    if document.damage.is_empty() {
        unused_inputs(&document.root, diagnostics);
    }
}

fn unused_nodes(composer: &Composer<'_>, demand: &Demand, diagnostics: &mut Vec<Diagnostic>) {
    let document = composer.graph.document();
    if demand.wanted.iter().all(|wanted| *wanted) {
        return;
    }
    let mut is_there = vec![false; document.nodes().len()];
    let mut is_used = vec![false; document.nodes().len()];
    for (draft, wanted) in composer.drafts.iter().zip(&demand.wanted) {
        let node = composer.root_node(draft);
        is_there[node] = true;
        is_used[node] |= *wanted;
    }
    let to = if document.root.outputs.is_empty() {
        "no node with an effect"
    } else {
        "no output and no node with an effect"
    };
    for (_, node) in document.nodes().iter().enumerate().filter(|(at, _)| is_there[*at] && !is_used[*at]) {
        let message = format!("nothing uses `{}`: it leads to {to} and does not run", node.id.value);
        let diagnostic = Diagnostic::warning("unused-node", message)
            .with_label(node.id.span.clone(), "not used")
            .with_hint("use its outputs, name it as a target or remove it");
        diagnostics.push(diagnostic);
    }
}

/// Nested as deep as brackets may be, which bounds the recursion.
fn unused_inputs<'w>(workflow: &'w Workflow, diagnostics: &mut Vec<Diagnostic>) {
    if !workflow.inputs.is_empty() {
        let mut used = HashSet::new();
        let mut note = |feed: &'w Feed| {
            if let Feed::Input(name) = feed {
                used.insert(name.as_str());
            }
        };
        workflow.nodes.iter().for_each(|node| each_feed(node, &mut |feed, _| note(feed)));
        workflow.outputs.values().for_each(|output| each_piece(&output.value, &mut |feed, _| note(feed)));
        for input in workflow.inputs.values().filter(|input| !used.contains(input.name.value.as_str())) {
            let message = format!("no node uses the input `{}`", input.name.value);
            let diagnostic = Diagnostic::warning("unused-input", message)
                .with_label(input.name.span.clone(), "not used")
                .with_hint(format!("use it: `Input(\"{}\")`", input.name.value));
            diagnostics.push(diagnostic);
        }
    }
    workflow.workflows.values().for_each(|local| unused_inputs(&local.workflow, diagnostics));
}
