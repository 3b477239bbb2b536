//! Everything that a run tells the world: one closed enum.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize, Serializer};

use crate::value::Value;

/// Names one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedNode {
    /// Its name in the document.
    pub node: Arc<str>,
    /// Its type.
    #[serde(rename = "type")]
    pub node_type: String,
}

/// Where a node computes, and what of the machine's memory it said beforehand that it would take.
///
/// ```
/// use easel_engine::Seat;
///
/// let seat: Seat = serde_json::from_str(r#"{"device":"cuda:0","lane":3,"lanes":1,"device_memory":1024}"#)?;
/// assert_eq!((&*seat.device, seat.lane, seat.memory, seat.device_memory), ("cuda:0", 3, None, Some(1024)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// [`Seat::HOST`], or the device with memory of its own that computes for it, by the name that the node gave.
    pub device: Arc<str>,
    /// The first of the lanes that it holds, from 0: two nodes on one lane never run at the same time.
    #[serde(default)]
    pub lane: usize,
    /// How many it holds. None of one that waits and hardly computes, so that any number of those have lane 0.
    #[serde(default)]
    pub lanes: usize,
    /// Bytes of this machine's memory; none: it could not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Bytes of the device's memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_memory: Option<u64>,
}

impl Seat {
    /// What nodes compute on that name no device: the processors of this machine.
    pub const HOST: &str = "cpu";

    /// Whether it computes and nobody knows what memory that takes.
    pub(crate) fn is_untold(&self) -> bool {
        self.lanes > 0 && self.memory.is_none()
    }
}

/// One line about an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSummary {
    /// The socket.
    pub output: String,
    /// Its kind.
    pub kind: String,
    /// What is in it.
    pub summary: String,
}

/// Something that happened in a run.
///
/// What is written of one is read again, but for previews: of those only a line is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        node: Arc<str>,
        /// Where. None of one that only stands for others, which have theirs, and in what older versions wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seat: Option<Seat>,
    },
    /// A node got further.
    NodeProgress {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
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
        node: Arc<str>,
        /// What.
        message: String,
    },
    /// A node noted something that its results carry.
    NodeNote {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
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
        node: Arc<str>,
        /// The file.
        path: PathBuf,
    },
    /// A node shows what it has so far.
    #[serde(skip_deserializing)]
    NodePreview {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// A picture, a text, a number.
        #[serde(serialize_with = "summary_of")]
        value: Value,
    },
    /// A node turned into a piece of graph, a map's elements or a loop's pass: these nodes belong to the run from now on.
    NodeExpanded {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// What it turned into.
        nodes: Vec<PlannedNode>,
    },
    /// A node did not run since its result was known.
    NodeCached {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// What came out.
        outputs: Arc<[OutputSummary]>,
    },
    /// An attempt at a node failed, and it is tried again.
    NodeRetried {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// The attempt that failed: 1 for the first.
        attempt: u32,
        /// How many there may be.
        attempts: u32,
        /// What was wrong.
        message: String,
    },
    /// A further attempt at a node begins, after one that failed.
    NodeRestarted {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// Which attempt it is: 2 for the one after the first.
        attempt: u32,
        /// Where: it may be elsewhere than the one before.
        seat: Seat,
    },
    /// A node finished.
    NodeFinished {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// How long it took.
        seconds: f64,
        /// What came out.
        outputs: Arc<[OutputSummary]>,
    },
    /// A node failed.
    NodeFailed {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
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
        node: Arc<str>,
        /// The one that failed.
        because: Arc<str>,
    },
    /// A node did not run because something that it needs was kept back. That is no failure.
    NodeBlocked {
        /// The run.
        run: RunId,
        /// The node.
        node: Arc<str>,
        /// The one that kept it back.
        because: Arc<str>,
        /// Why.
        reason: String,
    },
    /// The run ended.
    RunFinished {
        /// The run.
        run: RunId,
        /// How.
        outcome: Outcome,
        /// How long it took.
        seconds: f64,
        /// Nodes that ran and finished.
        finished: usize,
        /// Nodes whose result was known.
        cached: usize,
        /// Nodes that failed.
        failed: usize,
        /// Nodes that did not run because of a failure, of something kept back or of a cancellation.
        skipped: usize,
    },
}

/// Programs that read events as JSON get a line about a preview, not its bytes.
fn summary_of<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.summary())
}

impl Event {
    /// The run that it is about.
    pub fn run(&self) -> RunId {
        match self {
            Event::RunStarted { run, .. }
            | Event::NodeStarted { run, .. }
            | Event::NodeProgress { run, .. }
            | Event::NodeWarning { run, .. }
            | Event::NodeNote { run, .. }
            | Event::ArtifactWritten { run, .. }
            | Event::NodePreview { run, .. }
            | Event::NodeExpanded { run, .. }
            | Event::NodeCached { run, .. }
            | Event::NodeRetried { run, .. }
            | Event::NodeRestarted { run, .. }
            | Event::NodeFinished { run, .. }
            | Event::NodeFailed { run, .. }
            | Event::NodeSkipped { run, .. }
            | Event::NodeBlocked { run, .. }
            | Event::RunFinished { run, .. } => *run,
        }
    }
}

/// Where a run's events go: to any number of listeners, none of which can hold the run up.
#[derive(Clone, Default)]
pub struct EventSink {
    listeners: Vec<Listener>,
    /// Closed once whoever holds this must not be heard any more.
    gate: Option<Arc<Gate>>,
}

#[derive(Clone)]
struct Listener {
    sender: Sender<Event>,
    only: Option<RunId>,
}

/// Lets events through until it is closed. After [`Gate::close`] has returned, none comes any more, and the listeners
/// behind it are let go.
pub(crate) struct Gate {
    behind: Mutex<Option<EventSink>>,
}

impl Gate {
    pub(crate) fn close(&self) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl EventSink {
    /// Nobody listens.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more listener. Its queue is unbounded: a slow listener costs memory, never time.
    pub fn listen(&mut self) -> Receiver<Event> {
        self.add(None)
    }

    /// One more listener, for the events of one run.
    pub fn listen_to(&mut self, run: RunId) -> Receiver<Event> {
        self.add(Some(run))
    }

    fn add(&mut self, only: Option<RunId>) -> Receiver<Event> {
        let (sender, receiver) = channel();
        self.listeners.push(Listener { sender, only });
        receiver
    }

    /// Tells every listener. One that has gone is no error.
    pub fn send(&self, event: Event) {
        if let Some(gate) = &self.gate {
            // Held while sending: whoever closes the gate waits for this event.
            if let Some(behind) = &*gate.behind.lock().unwrap_or_else(PoisonError::into_inner) {
                behind.send(event);
            }
            return;
        }
        let run = event.run();
        let mut listeners = self.listeners.iter().filter(|listener| listener.only.is_none_or(|only| only == run));
        let Some(last) = listeners.next_back() else { return };
        for listener in listeners {
            let _ = listener.sender.send(event.clone());
        }
        let _ = last.sender.send(event);
    }

    /// The same listeners behind a gate.
    pub(crate) fn behind_a_gate(self) -> (Self, Arc<Gate>) {
        if !self.is_heard() {
            return (EventSink::new(), Arc::new(Gate { behind: Mutex::new(None) }));
        }
        let gate = Arc::new(Gate { behind: Mutex::new(Some(self)) });
        (EventSink { listeners: Vec::new(), gate: Some(Arc::clone(&gate)) }, gate)
    }

    /// Whether anybody listens: what nobody hears need not be put into words.
    pub(crate) fn is_heard(&self) -> bool {
        // Behind a gate there is somebody: otherwise there would be none.
        !self.listeners.is_empty() || self.gate.is_some()
    }
}
