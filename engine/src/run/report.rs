//! What a run came to.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::event::{Outcome, RunId};
use crate::node::Outputs;
use crate::value::Value;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub seconds: f64,
    /// The nodes that ran and finished, in the order in which they did.
    pub finished: Vec<Arc<str>>,
    /// The nodes that did not run since their result was known. One that ran later since a value was lost is not among them.
    pub cached: Vec<Arc<str>>,
    /// The nodes that failed, in the order in which they did, and then results of the workflow that could not be made to fit.
    pub failed: Vec<Failure>,
    /// The nodes that did not run because another failed.
    pub skipped: Vec<Skipped>,
    /// The nodes that did not run because something was kept back.
    pub blocked: Vec<Skipped>,
    /// The nodes that did not run, or not to their end, because the run was cancelled.
    pub cancelled: Vec<Arc<str>>,
    /// What the targets gave, as far as they finished: node → outputs.
    pub outputs: IndexMap<Arc<str>, Outputs>,
    /// What the workflow gave, as far as that finished: output → value.
    pub results: IndexMap<String, Value>,
}

/// A node that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The node; `outputs.name` for a result of the workflow.
    pub node: Arc<str>,
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
    pub node: Arc<str>,
    /// The one that failed, or kept something back.
    pub because: Arc<str>,
}
