//! From node to node: by where they are, and along wires.

use crate::studio::layout::{Area, Layout};
use crate::studio::scene::Scene;

/// Where to, on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To what is left.
    Left,
    /// To what is right.
    Right,
    /// To what is above.
    Up,
    /// To what is below.
    Down,
}

/// The node that one would point to from another in a direction: near, and rather straight ahead than aside.
pub fn neighbour(layout: &Layout, from: usize, direction: Direction) -> Option<usize> {
    let &here = layout.boxes.get(from)?;
    let others = layout.boxes.iter().enumerate().filter(|(other, _)| *other != from);
    let distances = others.filter_map(|(other, area)| Some((distance(&here, area, direction)?, other)));
    distances.min().map(|(_, other)| other)
}

/// How far it is, if it lies in that direction. A row counts as two columns, as it looks on the screen.
fn distance(from: &Area, to: &Area, direction: Direction) -> Option<i64> {
    let (ahead, aside) = match direction {
        Direction::Left => (from.x - to.right() + 1, apart((from.y, from.bottom()), (to.y, to.bottom())) * 2),
        Direction::Right => (to.x - from.right() + 1, apart((from.y, from.bottom()), (to.y, to.bottom())) * 2),
        Direction::Up => ((from.y - to.bottom() + 1) * 2, apart((from.x, from.right()), (to.x, to.right()))),
        Direction::Down => ((to.y - from.bottom() + 1) * 2, apart((from.x, from.right()), (to.x, to.right()))),
    };
    let centres = match direction {
        Direction::Left | Direction::Right => (from.centre().1 - to.centre().1).abs() * 2,
        Direction::Up | Direction::Down => (from.centre().0 - to.centre().0).abs(),
    };
    // Of those that lie equally far, that whose middle is nearest to ours.
    (ahead > 0).then(|| (i64::from(ahead) + i64::from(aside) * 3) * 4096 + i64::from(centres.min(4095)))
}

/// How far two stretches are apart; 0 if they overlap.
fn apart(one: (i32, i32), other: (i32, i32)) -> i32 {
    (other.0 - one.1 + 1).max(one.0 - other.1 + 1).max(0)
}

/// The nodes that give to a node, by the order of its inputs, each once.
pub fn upstream(scene: &Scene, layout: &Layout, node: usize) -> Vec<usize> {
    let mut wires: Vec<_> = layout.wires_into(node).iter().filter_map(|&wire| scene.wires.get(wire)).collect();
    wires.sort_by_key(|wire| wire.to.socket);
    once(wires.into_iter().map(|wire| wire.from.node))
}

/// The nodes that take from a node, by the order of its outputs and then from top to bottom, each once.
pub fn downstream(scene: &Scene, layout: &Layout, node: usize) -> Vec<usize> {
    let mut wires: Vec<_> = layout.wires_out_of(node).iter().filter_map(|&wire| scene.wires.get(wire)).collect();
    let row = |node: usize| layout.boxes.get(node).map_or(0, |area| area.y);
    wires.sort_by_key(|wire| (wire.from.socket, row(wire.to.node), wire.to));
    once(wires.into_iter().map(|wire| wire.to.node))
}

fn once(nodes: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut list = Vec::new();
    nodes.for_each(|node| {
        if !list.contains(&node) {
            list.push(node);
        }
    });
    list
}

/// Along wires: right to what a node feeds first, left to what feeds it first, up and down among those that share a giver
/// or, for want of one, a taker with it.
pub fn along(scene: &Scene, layout: &Layout, node: usize, direction: Direction) -> Option<usize> {
    match direction {
        Direction::Left => upstream(scene, layout, node).first().copied(),
        Direction::Right => downstream(scene, layout, node).first().copied(),
        Direction::Up => sibling(&siblings(scene, layout, node), layout, node, false),
        Direction::Down => sibling(&siblings(scene, layout, node), layout, node, true),
    }
}

fn siblings(scene: &Scene, layout: &Layout, node: usize) -> Vec<usize> {
    let givers = upstream(scene, layout, node);
    let mut found = once(givers.iter().flat_map(|&giver| downstream(scene, layout, giver)));
    if found.len() < 2 {
        let takers = downstream(scene, layout, node);
        found = once(takers.iter().flat_map(|&taker| upstream(scene, layout, taker)));
    }
    found
}

/// The next of them below, or above.
fn sibling(siblings: &[usize], layout: &Layout, node: usize, is_down: bool) -> Option<usize> {
    let place = |node: usize| layout.boxes.get(node).map(|area| (area.y, area.x, node));
    let here = place(node)?;
    let others = siblings.iter().filter_map(|&other| place(other));
    let next = match is_down {
        true => others.filter(|other| *other > here).min(),
        false => others.filter(|other| *other < here).max(),
    };
    next.map(|(_, _, node)| node)
}
