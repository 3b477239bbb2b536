//! The nodes that a run is for.

use std::collections::HashMap;
use std::ops::Range;

use super::Settings;
use super::compose::{Composer, Spot};
use super::resolve::Resolved;
use crate::diagnostic::Diagnostic;
use crate::suggest;

/// The nodes that a run is for.
pub(super) struct Targets {
    /// Ascending, each once.
    pub(super) drafts: Vec<u32>,
    /// The caller chose them: what is wrong elsewhere is no error.
    pub(super) are_chosen: bool,
}

pub(super) fn find(
    composer: &Composer<'_>,
    results: &[Resolved],
    settings: &Settings,
    is_damaged: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Targets {
    let document = composer.graph.document();
    let is_wrong = is_damaged || diagnostics.iter().any(Diagnostic::is_error);
    if is_wrong {
        // That nothing is there is then perhaps a consequence.
    } else if document.nodes().is_empty() && document.root.outputs.is_empty() {
        let diagnostic = Diagnostic::error("empty-workflow", "there is nothing to run: the workflow has no nodes");
        diagnostics.push(diagnostic.with_hint("add one: `nodes: { \"name\": Type(…) }`"));
    } else if composer.drafts.is_empty() && composer.scopes[0].spots.iter().any(|spot| matches!(spot, Spot::Gone)) {
        let diagnostic = Diagnostic::error("empty-workflow", "there is nothing to run: every node is muted");
        diagnostics.push(diagnostic.with_hint("remove a `mute: true`"));
    }
    let mut targets = match &settings.targets {
        None => Targets { drafts: defaults(composer, results), are_chosen: false },
        Some(names) => chosen(composer, results, names, diagnostics),
    };
    targets.drafts.sort_unstable();
    targets.drafts.dedup();
    targets
}

/// The nodes with an effect and those that the outputs come from; if there are none, those from which nothing takes.
fn defaults(composer: &Composer<'_>, results: &[Resolved]) -> Vec<u32> {
    let all = 0..composer.drafts.len() as u32;
    let mut targets: Vec<_> = all.clone().filter(|&draft| composer.drafts[draft as usize].has_effect).collect();
    targets.extend(results.iter().flat_map(Resolved::needs));
    if targets.is_empty() { sinks(composer, all) } else { targets }
}

/// The nodes among these from which none of these takes.
fn sinks(composer: &Composer<'_>, among: Range<u32>) -> Vec<u32> {
    let mut is_taken = vec![false; among.len()];
    let mut take = |giver: u32| {
        if among.contains(&giver) {
            is_taken[(giver - among.start) as usize] = true;
        }
    };
    for step in &composer.steps[among.start as usize..among.end as usize] {
        let inputs = step.iter().flat_map(|step| &step.inputs);
        inputs.for_each(|input| input.origin.each_wire(&mut |giver, _| take(giver as u32)));
    }
    composer.lost_wires.iter().filter(|(taker, _)| among.contains(taker)).for_each(|(_, giver)| take(*giver));
    among.clone().filter(|draft| !is_taken[(draft - among.start) as usize]).collect()
}

fn chosen(
    composer: &Composer<'_>,
    results: &[Resolved],
    names: &[String],
    diagnostics: &mut Vec<Diagnostic>,
) -> Targets {
    let document = composer.graph.document();
    let mut targets = Targets { drafts: Vec::new(), are_chosen: true };
    if names.is_empty() {
        let diagnostic = Diagnostic::error("no-targets", "there is nothing to run: the list of targets is empty");
        diagnostics.push(diagnostic.with_hint("name a node, or leave the targets out to run everything"));
        targets.are_chosen = false;
    }
    let ids: HashMap<String, u32> = composer.ids().zip(0..).collect();
    for name in names {
        if let Some(&draft) = ids.get(name) {
            targets.drafts.push(draft);
            continue;
        }
        let inside = inside(&ids, name);
        if !inside.is_empty() {
            targets.drafts.extend(of_included(composer, inside));
            continue;
        }
        let is_node = document.root.by_id.contains_key(name);
        let output = document.root.outputs.get_index_of(name).map(|index| &results[index]);
        if let Some(output) = output.filter(|output| !is_node && !matches!(output, Resolved::Gone)) {
            targets.drafts.extend(output.needs());
            continue;
        }
        targets.are_chosen = false;
        if is_node || output.is_some() {
            let message = format!("the target `{name}` is left out: it is muted or bypassed, or comes to nothing");
            let diagnostic = Diagnostic::error("muted-target", message);
            diagnostics.push(diagnostic.with_hint("remove `mute` or `bypass` from what it needs"));
        } else if !document.cut_off {
            let nodes = document.nodes().iter().map(|node| node.id.value.as_str());
            let hint = suggest::hint(name, "there are", nodes.chain(document.root.outputs.keys().map(String::as_str)));
            let message = format!("the target `{name}` is no node of this workflow");
            diagnostics.push(Diagnostic::error("unknown-target", message).with_hint_if(hint));
        }
    }
    targets
}

/// The nodes of a workflow that is included under that name: they stand together.
fn inside(ids: &HashMap<String, u32>, name: &str) -> Range<u32> {
    let prefix = format!("{name}/");
    let found = ids.iter().filter(|(id, _)| id.starts_with(&prefix)).map(|(_, &draft)| draft);
    match (found.clone().min(), found.max()) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..0,
    }
}

/// What an included workflow is for.
fn of_included(composer: &Composer<'_>, inside: Range<u32>) -> Vec<u32> {
    let mut targets = sinks(composer, inside.clone());
    targets.extend(inside.filter(|&draft| composer.drafts[draft as usize].has_effect));
    targets
}
