//! The graph of a workflow on the screen: what it looks like, what is where on it, and how to move about in it.
//!
//! Everything here is a function of its arguments: nothing is remembered from one picture to the next.

use std::collections::BTreeSet;
use std::time::Duration;

use super::layout::{Detail, Layout};
use super::scene::{Port, Scene};

/// What is known of a node's run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Status {
    /// It takes no part in a run.
    #[default]
    Idle,
    /// What it needs is not there yet.
    Waiting,
    /// Its result was known.
    Cached,
    /// It is at work.
    Running {
        /// Steps that are done.
        step: u64,
        /// Steps that there are; 0 if it does not tell.
        steps: u64,
        /// How long it will take still, if that can be told.
        left: Option<Duration>,
    },
    /// It has run.
    Done {
        /// How long it took.
        seconds: f64,
    },
    /// It failed.
    Failed,
    /// Something that it needs failed.
    Skipped,
    /// Something that it needs kept its value back.
    Blocked,
    /// The run was stopped before it ended.
    Cancelled,
}

/// Where the view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Camera {
    /// The column of the layout that is at the left.
    pub x: i32,
    /// The row of the layout that is at the top.
    pub y: i32,
}

/// A socket that the keys are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// An input.
    Input(Port),
    /// An output.
    Output(Port),
}

/// The graph as a widget.
#[derive(Clone, Copy)]
pub struct GraphView<'a> {
    /// What there is.
    pub scene: &'a Scene,
    /// Where it is: [`layout`](super::layout::layout) of the scene.
    pub layout: &'a Layout,
    /// How much of each node: what the layout was made for.
    pub detail: Detail,
    /// Where the view is.
    pub camera: Camera,
    /// Of each node; those that are not there are idle.
    pub statuses: &'a [Status],
    /// The node that the keys are on.
    pub selected: Option<usize>,
    /// Nodes that are marked for what is done next.
    pub marked: &'a BTreeSet<usize>,
    /// The socket that the keys are on.
    pub focus: Option<Focus>,
    /// Nodes that a search has found.
    pub found: &'a BTreeSet<usize>,
    /// Colours and signs.
    pub theme: &'a Colours,
}

/// What is at a place of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A node, by its place in the scene.
    Node(usize),
    /// The socket of an input.
    Input(Port),
    /// The socket of an output.
    Output(Port),
    /// A wire, by its place in the scene; where several run together, the first of them.
    Wire(usize),
    /// The minimap; the cell of the layout that it shows there.
    Minimap {
        /// Its column.
        x: i32,
        /// Its row.
        y: i32,
    },
    /// Nothing.
    Nothing,
}
