//! What a journal tells about runs.

use std::path::PathBuf;

use serde::Serialize;

use super::job::Job;
use crate::event::{RunId, Seat};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It waits in the queue.
    Queued,
    /// A process carries it out.
    Running,
    /// The process that carried it out is gone.
    Interrupted,
    /// Every node finished.
    Completed,
    /// A node failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl RunState {
    /// All of them.
    pub const ALL: [RunState; 6] = [
        RunState::Queued,
        RunState::Running,
        RunState::Interrupted,
        RunState::Completed,
        RunState::Failed,
        RunState::Cancelled,
    ];

    /// As people and the journal write it.
    pub fn name(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Interrupted => "interrupted",
            RunState::Completed => "completed",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing will happen to it any more by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, RunState::Queued | RunState::Running)
    }
}

/// Where a node of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It waits for something that it needs.
    Waiting,
    /// It runs.
    Running,
    /// It has a result.
    Finished,
    /// Its result was known.
    Cached,
    /// It failed.
    Failed,
    /// One that it depends on failed.
    Skipped,
    /// Something that it needs was kept back.
    Blocked,
    /// The run was stopped before it had a result.
    Stopped,
    /// Nothing needed it after all.
    Unneeded,
}

impl NodeState {
    const ALL: [NodeState; 9] = [
        NodeState::Waiting,
        NodeState::Running,
        NodeState::Finished,
        NodeState::Cached,
        NodeState::Failed,
        NodeState::Skipped,
        NodeState::Blocked,
        NodeState::Stopped,
        NodeState::Unneeded,
    ];

    /// As people and the journal write it.
    pub fn name(self) -> &'static str {
        match self {
            NodeState::Waiting => "waiting",
            NodeState::Running => "running",
            NodeState::Finished => "finished",
            NodeState::Cached => "cached",
            NodeState::Failed => "failed",
            NodeState::Skipped => "skipped",
            NodeState::Blocked => "blocked",
            NodeState::Stopped => "stopped",
            NodeState::Unneeded => "unneeded",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A run in a list. Times are milliseconds since 1970 by the clock of then, which may have been wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// Where it is.
    pub state: RunState,
    /// What its workflow is called.
    pub workflow: String,
    /// Runs of higher priority come first in the queue.
    pub priority: i64,
    /// Whether it came by the queue.
    pub from_queue: bool,
    /// How often it was begun.
    pub attempts: u64,
    /// Whether it was asked to stop.
    pub cancel_requested: bool,
    /// When it was written down.
    pub created: i64,
    /// When it was begun last.
    pub started: Option<i64>,
    /// When it ended.
    pub finished: Option<i64>,
    /// How long the last attempt took, by a clock that only goes forward.
    pub seconds: Option<f64>,
    /// What came of its nodes.
    pub nodes: NodeCounts,
    /// Why it could not even begin, or ended without a word.
    pub problem: Option<String>,
}

/// What came of a run's nodes, once it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NodeCounts {
    /// They ran and finished.
    pub finished: u64,
    /// Their result was known.
    pub cached: u64,
    /// They failed.
    pub failed: u64,
    /// They did not run.
    pub skipped: u64,
}

/// Which runs are asked for, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunQuery {
    /// Only those in this state.
    pub state: Option<RunState>,
    /// So many at the most.
    pub limit: u64,
    /// So many are passed over.
    pub offset: u64,
}

/// A part of a list of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunPage {
    /// Those that were asked for.
    pub runs: Vec<RunSummary>,
    /// How many there are, on this page or not.
    pub total: u64,
}

/// How much there is in a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The newest run.
    pub newest: Option<RunId>,
    /// How many there are.
    pub runs: u64,
    /// How many files they wrote.
    pub artifacts: u64,
}

/// Everything about one run but its events.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStory {
    /// As in lists.
    pub summary: RunSummary,
    /// What was to be run.
    pub job: Job,
    /// Its nodes as they were planned.
    pub nodes: Vec<NodeRecord>,
    /// The files that it wrote, in order.
    pub artifacts: Vec<ArtifactRecord>,
}

/// What is known about a node of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeRecord {
    /// Its name.
    pub node: String,
    /// Its type.
    #[serde(rename = "type")]
    pub node_type: String,
    /// Where it is.
    pub state: NodeState,
    /// When it began: milliseconds since 1970.
    pub started: Option<i64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Where it computed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<Seat>,
    /// How far its loop is: (step, steps).
    pub progress: Option<(u64, u64)>,
    /// Why it failed or did not run.
    pub message: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What the failure came from, outermost first.
    pub causes: Vec<String>,
    /// What it was given when it failed: (input, summary).
    pub inputs: Vec<(String, String)>,
    /// What came out: (output, kind, summary).
    pub outputs: Vec<(String, String, String)>,
}

/// A file that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRecord {
    /// The node that wrote it.
    pub node: String,
    /// Where it is.
    pub path: PathBuf,
    /// What was in it; none if it could not be read back.
    pub blake3: Option<String>,
    /// Its length.
    pub bytes: Option<u64>,
}

/// An event of a run as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Its place among the events of its run.
    pub seq: u64,
    /// When it was written down: milliseconds since 1970.
    pub at: i64,
    /// The event, as `easel run --json` prints it.
    pub json: String,
}

/// Where in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all others, with the priority of the first.
    Front,
    /// After all others, with the priority of the last.
    Back,
    /// Right before that run, with its priority.
    Before(RunId),
}

/// What came of a wish to cancel a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It was not being carried out: it is cancelled now.
    AtOnce,
    /// The process that carries it out is asked to stop.
    Asked,
    /// It was over before.
    TooLate(RunState),
}
