//! What of the graph stands out: what belongs to the selected node, and what it needs and feeds, however far.

use std::collections::HashSet;

use ratatui::style::{Modifier, Style};

use super::{Focus, GraphView};
use crate::studio::layout::Area;

/// How much something stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Light {
    /// Not on the way to or from the selected node.
    Faded,
    /// Nothing is selected, or it is on the way.
    Normal,
    /// It is the selected node's own.
    Bright,
    /// It is the wire that the keys are on.
    Chosen,
}

/// Which nodes are on the ways to and from the selected one.
pub(super) struct Highlight {
    selected: Option<usize>,
    wire: Option<usize>,
    before: HashSet<usize>,
    after: HashSet<usize>,
}

impl Highlight {
    /// For what has cells in that area: nothing is looked for if there is nothing.
    pub(super) fn new(view: &GraphView<'_>, visible: Area) -> Self {
        let selected = view.selected.filter(|&node| node < view.layout.boxes.len());
        let wire = match view.focus {
            Some(Focus::Wire(wire)) => Some(wire),
            _ => None,
        };
        let mut highlight = Highlight { selected, wire, before: HashSet::new(), after: HashSet::new() };
        let is_needed = visible.width > 1 || !view.layout.routes_near(visible).is_empty();
        if let Some(node) = selected.filter(|_| is_needed) {
            let wire = |wire: &usize| view.scene.wires.get(*wire);
            highlight.before =
                reach(node, |node| view.layout.wires_into(node).iter().filter_map(wire).map(|wire| wire.from.node));
            highlight.after =
                reach(node, |node| view.layout.wires_out_of(node).iter().filter_map(wire).map(|wire| wire.to.node));
        }
        highlight
    }

    pub(super) fn node(&self, node: usize) -> Light {
        match self.selected {
            None => Light::Normal,
            Some(selected) if selected == node => Light::Bright,
            Some(_) if self.before.contains(&node) || self.after.contains(&node) => Light::Normal,
            Some(_) => Light::Faded,
        }
    }

    pub(super) fn wire(&self, wire: usize, from: usize, to: usize) -> Light {
        match self.selected {
            _ if self.wire == Some(wire) => Light::Chosen,
            None => Light::Normal,
            Some(selected) if selected == from || selected == to => Light::Bright,
            Some(_) if self.before.contains(&to) || self.after.contains(&from) => Light::Normal,
            Some(_) => Light::Faded,
        }
    }
}

fn reach<I: Iterator<Item = usize>>(from: usize, next: impl Fn(usize) -> I) -> HashSet<usize> {
    let mut reached = HashSet::new();
    let mut stack = vec![from];
    while let Some(node) = stack.pop() {
        stack.extend(next(node).filter(|&node| reached.insert(node)));
    }
    reached
}

impl Light {
    /// A style in this light.
    pub(super) fn on(self, style: Style) -> Style {
        match self {
            Light::Faded => style.add_modifier(Modifier::DIM),
            Light::Normal => style,
            Light::Bright | Light::Chosen => style.add_modifier(Modifier::BOLD),
        }
    }
}
