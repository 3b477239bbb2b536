//! Everything that a run tells the world: one closed enum.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde::Serialize;

/// Names one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every planned node finished.
    Completed,
    /// At least one failed; what did not depend on it finished.
    Failed,
    /// It was cancelled; what had finished is kept.
    Cancelled,
}

/// A node of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedNode {
    /// Its name in the document.
    pub node: String,
    /// Its type.
    #[serde(rename = "type")]
    pub node_type: String,
}

/// One line about an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputSummary {
    /// The socket.
    pub output: String,
    /// Its kind.
    pub kind: String,
    /// What is in it.
    pub summary: String,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The run.
        run: RunId,
        /// Every node that will run, in order.
        nodes: Vec<PlannedNode>,
    },
    /// A node began.
    NodeStarted {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
    },
    /// A node got further.
    NodeProgress {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// Steps done.
        step: usize,
        /// Steps in all.
        steps: usize,
    },
    /// A node has something to say that is no failure.
    NodeWarning {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// What.
        message: String,
    },
    /// A node noted something that its results carry.
    NodeNote {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// What it is about.
        key: String,
        /// What it says.
        value: String,
    },
    /// A file was written for the user.
    ArtifactWritten {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// The file.
        path: PathBuf,
    },
    /// A node finished.
    NodeFinished {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// How long it took.
        seconds: f64,
        /// What came out.
        outputs: Vec<OutputSummary>,
    },
    /// A node failed.
    NodeFailed {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// Its type.
        node_type: String,
        /// What is wrong.
        message: String,
        /// What it came from, outermost first.
        causes: Vec<String>,
        /// What to do about it.
        hint: Option<String>,
        /// What it was given: (input, summary).
        inputs: Vec<(String, String)>,
    },
    /// A node did not run because one that it depends on failed.
    NodeSkipped {
        /// The run.
        run: RunId,
        /// The node.
        node: String,
        /// The one that failed.
        because: String,
    },
    /// The run ended.
    RunFinished {
        /// The run.
        run: RunId,
        /// How.
        outcome: Outcome,
        /// How long it took.
        seconds: f64,
        /// Nodes that finished.
        finished: usize,
        /// Nodes that failed.
        failed: usize,
        /// Nodes that did not run.
        skipped: usize,
    },
}

/// Where a run's events go: to any number of listeners, none of which can hold the run up.
#[derive(Clone, Default)]
pub struct EventSink {
    listeners: Vec<Arc<Sender<Event>>>,
}

impl EventSink {
    /// Nobody listens.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more listener. Its queue is unbounded: a slow listener costs memory, never time.
    pub fn listen(&mut self) -> Receiver<Event> {
        let (sender, receiver) = channel();
        self.listeners.push(Arc::new(sender));
        receiver
    }

    /// Tells every listener. One that has gone is no error.
    pub fn send(&self, event: Event) {
        for listener in &self.listeners {
            let _ = listener.send(event.clone());
        }
    }
}
