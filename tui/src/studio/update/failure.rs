//! Looking at why nodes failed.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::graph_view::Status;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::failure::{Failed, failed, report};
use super::super::model::full::Full;
use super::super::model::{Focus, Model, Side};
use super::super::view::{failure_lines, full_height};
use super::history::copy;
use super::{graph, keys};

/// Shows why the node with the cursor failed, or else the first that did.
pub(super) fn open(model: &mut Model) {
    let Some(run) = &model.run else {
        return model.tell(Tone::Note, "nothing was run yet: nothing failed");
    };
    let chosen = match model.focus {
        Focus::Side if model.side == Side::Monitor => run.nodes.get(run.at).map(|node| &*node.node),
        _ => model.flow.as_ref().and_then(|flow| flow.selected_node()).map(|(node, _)| node),
    };
    let of_chosen = failed(run).find(|node| chosen == Some(&*node.node));
    match of_chosen.or_else(|| failed(run).next()).map(|node| Arc::clone(&node.node)) {
        Some(node) => model.full = Some(Full::Failure(Failed { node, scroll: 0 })),
        None => model.tell(Tone::Note, "no node of this run failed"),
    }
}

/// Something in the list of the run's nodes is chosen: of what failed, the story; else to the node.
pub(super) fn chosen(model: &mut Model) -> Vec<Effect> {
    let node = model.run.as_ref().and_then(|run| run.nodes.get(run.at));
    let Some((name, status)) = node.map(|node| (Arc::clone(&node.node), node.status)) else { return Vec::new() };
    if status == Status::Failed {
        open(model);
        return Vec::new();
    }
    go_to(model, &name)
}

/// To a node in the graph, with what is known of it beside.
pub(super) fn go_to(model: &mut Model, node: &str) -> Vec<Effect> {
    if graph::go_to_node(model, node) {
        let effects = keys::show(model, Side::Inspector);
        model.focus = Focus::Graph;
        return effects;
    }
    model.tell(Tone::Note, format!("{node} is not in the workflow as it is now"));
    Vec::new()
}

/// A key of the story.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let (lines, page) = (failure_lines(model), full_height(model));
    let (Some(Full::Failure(shown)), Some(run)) = (&mut model.full, &model.run) else { return Vec::new() };
    let most = lines.saturating_sub(page);
    let others = |by: isize| {
        let nodes: Vec<_> = failed(run).map(|node| Arc::clone(&node.node)).collect();
        let at = nodes.iter().position(|node| *node == shown.node).unwrap_or(0);
        nodes.get(at.saturating_add_signed(by).min(nodes.len().saturating_sub(1))).cloned()
    };
    match action {
        Action::Up => shown.scroll = shown.scroll.min(most).saturating_sub(1),
        Action::Down => shown.scroll = (shown.scroll + 1).min(most),
        Action::PageUp => shown.scroll = shown.scroll.min(most).saturating_sub(page),
        Action::PageDown => shown.scroll = (shown.scroll + page).min(most),
        Action::First => shown.scroll = 0,
        Action::Last => shown.scroll = most,
        Action::NextFailure | Action::PreviousFailure => {
            if let Some(node) = others(if action == Action::NextFailure { 1 } else { -1 }) {
                *shown = Failed { node, scroll: 0 };
            }
        }
        Action::CopyFailure => {
            let Some(text) = run.node(&shown.node).map(|node| report(model, node)) else { return Vec::new() };
            return copy(model, "Why it failed", &text);
        }
        Action::Activate => {
            let node = Arc::clone(&shown.node);
            return go_to(model, &node);
        }
        _ => {}
    }
    Vec::new()
}
