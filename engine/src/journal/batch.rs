//! What happened between two transactions, boiled down to what is worth writing: pure bookkeeping, without a database.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::types::NodeState;
use crate::event::{Event, Outcome, PlannedNode};

/// Events since the last transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// (time, event); none where a later event made one superfluous.
    events: Vec<Option<(i64, Event)>>,
    /// Where the last word of each node about its progress, and its last preview, stand among the events.
    latest: HashMap<(Arc<str>, bool), usize>,
    /// The plan, if the run began in this batch.
    pub(super) planned: Option<Vec<PlannedNode>>,
    /// Nodes that others turned into.
    pub(super) added: Vec<PlannedNode>,
    pub(super) nodes: IndexMap<Arc<str>, NodeChange>,
    pub(super) artifacts: Vec<(Arc<str>, PathBuf)>,
    pub(super) end: Option<End>,
}

/// How the run ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) seconds: f64,
    pub(super) finished: usize,
    pub(super) cached: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

/// What is new about a node. None: as it was.
#[derive(Debug, Default, PartialEq)]
pub(super) struct NodeChange {
    pub(super) state: Option<NodeState>,
    pub(super) node_type: Option<String>,
    pub(super) started: Option<i64>,
    pub(super) seconds: Option<f64>,
    pub(super) progress: Option<(usize, usize)>,
    pub(super) message: Option<String>,
    pub(super) hint: Option<String>,
    /// The others as JSON.
    pub(super) causes: Option<String>,
    pub(super) inputs: Option<String>,
    pub(super) outputs: Option<String>,
}

impl Batch {
    /// How many events came in, superfluous ones too.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events that are worth keeping, in order.
    pub(super) fn events(&self) -> impl Iterator<Item = (i64, &Event)> {
        self.events.iter().flatten().map(|(at, event)| (*at, event))
    }

    /// One more event, at that time.
    pub(super) fn push(&mut self, at: i64, event: Event) {
        self.note(at, &event);
        let key = match &event {
            Event::NodeProgress { node, .. } => Some((node.clone(), false)),
            Event::NodePreview { node, .. } => Some((node.clone(), true)),
            _ => None,
        };
        if let Some(earlier) = key.and_then(|key| self.latest.insert(key, self.events.len())) {
            self.events[earlier] = None;
        }
        self.events.push(Some((at, event)));
    }

    fn note(&mut self, at: i64, event: &Event) {
        match event {
            Event::RunStarted { nodes, .. } => self.planned = Some(nodes.clone()),
            Event::NodeExpanded { nodes, .. } => self.added.extend(nodes.iter().cloned()),
            Event::ArtifactWritten { node, path, .. } => self.artifacts.push((node.clone(), path.clone())),
            Event::RunFinished { outcome, seconds, finished, cached, failed, skipped, .. } => {
                let (outcome, seconds) = (*outcome, *seconds);
                let (finished, cached, failed, skipped) = (*finished, *cached, *failed, *skipped);
                self.end = Some(End { outcome, seconds, finished, cached, failed, skipped });
            }
            Event::NodeWarning { .. } | Event::NodeNote { .. } | Event::NodePreview { .. } => {}
            _ => self.note_node(at, event),
        }
    }

    fn note_node(&mut self, at: i64, event: &Event) {
        match event {
            // Of several attempts the last is the one that is told about.
            Event::NodeStarted { node, .. } | Event::NodeRestarted { node, .. } => {
                let change = self.node(node, NodeState::Running);
                change.started = Some(at);
            }
            Event::NodeProgress { node, step, steps, .. } => {
                self.nodes.entry(node.clone()).or_default().progress = Some((*step, *steps));
            }
            Event::NodeRetried { node, message, .. } => {
                self.nodes.entry(node.clone()).or_default().message = Some(message.clone());
            }
            Event::NodeCached { node, outputs, .. } => self.node(node, NodeState::Cached).outputs = told(outputs),
            Event::NodeFinished { node, seconds, outputs, .. } => {
                let change = self.node(node, NodeState::Finished);
                change.seconds = Some(*seconds);
                change.outputs = told(outputs);
            }
            Event::NodeFailed { node, node_type, message, causes, hint, inputs, .. } => {
                let change = self.node(node, NodeState::Failed);
                change.node_type = Some(node_type.clone());
                change.message = Some(message.clone());
                change.hint.clone_from(hint);
                change.causes = json(causes);
                change.inputs = json(inputs);
            }
            Event::NodeSkipped { node, because, .. } => {
                self.node(node, NodeState::Skipped).message = Some(format!("{because} failed"));
            }
            Event::NodeBlocked { node, because, reason, .. } => {
                self.node(node, NodeState::Blocked).message = Some(format!("{because}: {reason}"));
            }
            _ => {}
        }
    }

    fn node(&mut self, node: &Arc<str>, state: NodeState) -> &mut NodeChange {
        let change = self.nodes.entry(node.clone()).or_default();
        change.state = Some(state);
        change
    }
}

fn told(outputs: &[crate::event::OutputSummary]) -> Option<String> {
    json(&outputs.iter().map(|output| (&output.output, &output.kind, &output.summary)).collect::<Vec<_>>())
}

/// Texts have no way to fail.
fn json<T: serde::Serialize>(list: &T) -> Option<String> {
    serde_json::to_string(list).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunId;

    fn progress(node: &str, step: usize) -> Event {
        Event::NodeProgress { run: RunId(1), node: node.into(), step, steps: 9 }
    }

    #[test]
    fn of_a_nodes_progress_the_last_word_counts() {
        let mut batch = Batch::default();
        batch.push(0, Event::NodeStarted { run: RunId(1), node: "a".into(), seat: None });
        for (at, event) in
            [progress("a", 1), progress("b", 1), progress("a", 2), progress("a", 3)].into_iter().enumerate()
        {
            batch.push(at as i64, event);
        }
        let kept: Vec<_> = batch.events().map(|(at, event)| (at, event.clone())).collect();
        assert_eq!(kept.len(), 3);
        assert_eq!(kept[1..], [(1, progress("b", 1)), (3, progress("a", 3))]);
        assert_eq!(batch.nodes["a"].progress, Some((3, 9)));
        assert_eq!(batch.nodes["a"].state, Some(NodeState::Running));
        assert_eq!(batch.nodes["b"].state, None, "progress says nothing about the state");
        assert_eq!(batch.len(), 5, "what is superfluous counts, so that a batch ends");
    }

    #[test]
    fn a_node_that_ends_in_the_batch_in_which_it_began_is_written_once() {
        let mut batch = Batch::default();
        batch.push(5, Event::NodeStarted { run: RunId(1), node: "a".into(), seat: None });
        batch.push(7, Event::NodeFinished { run: RunId(1), node: "a".into(), seconds: 0.5, outputs: [].into() });
        let change = &batch.nodes["a"];
        assert_eq!(batch.nodes.len(), 1);
        assert_eq!((change.state, change.started, change.seconds), (Some(NodeState::Finished), Some(5), Some(0.5)));
    }
}
