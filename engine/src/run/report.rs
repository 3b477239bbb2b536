//! What a run came to.

use indexmap::IndexMap;

use crate::event::{Outcome, RunId};
use crate::node::Outputs;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub seconds: f64,
    /// The nodes that finished, in the order in which they did.
    pub finished: Vec<String>,
    /// The nodes that failed, in the order in which they did.
    pub failed: Vec<Failure>,
    /// The nodes that did not run because another failed.
    pub skipped: Vec<Skipped>,
    /// The nodes that did not run, or not to their end, because the run was cancelled.
    pub cancelled: Vec<String>,
    /// What the targets gave, as far as they finished: node → outputs.
    pub outputs: IndexMap<String, Outputs>,
}

/// A node that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The node.
    pub node: String,
    /// Its type.
    pub node_type: String,
    /// What is wrong.
    pub message: String,
    /// What it came from, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What it was given: (input, summary).
    pub inputs: Vec<(String, String)>,
}

/// A node that did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The node.
    pub node: String,
    /// The one that failed.
    pub because: String,
}
