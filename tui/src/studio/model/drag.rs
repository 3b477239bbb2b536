//! What the mouse is in the midst of.

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::layout::Position;

use super::super::graph_view::Focus;
use super::super::scene::Port;
use super::Side;

/// What the mouse holds while a button is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drag {
    /// A wire, at one of its ends.
    Wire {
        /// The end that stays.
        anchor: Focus,
        /// The input from which it was taken, if it was somewhere.
        taken_from: Option<usize>,
        /// The sockets at which it can end: outputs if an input stays, else inputs.
        fits: BTreeSet<Port>,
        /// Where the mouse is.
        at: Position,
        /// It was moved at all.
        is_moved: bool,
    },
    /// A rectangle, in cells of the layout: where it began, and where the mouse is.
    Band {
        /// Where it began.
        from: (i32, i32),
        /// Where the mouse is.
        to: (i32, i32),
    },
}

/// What was clicked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clicked {
    /// The list of the side pane that it is in; none: the graph.
    pub(crate) side: Option<Side>,
    /// Which entry of the list, or node of the scene.
    pub(crate) entry: usize,
    /// Where.
    pub(crate) place: Position,
    /// When.
    pub(crate) at: Duration,
}
