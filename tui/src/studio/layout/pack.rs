//! What is not connected: each part is laid out by itself, then they are packed onto shelves, in the order in which they
//! are written.

use std::collections::HashMap;

use super::routes::Part;
use super::{Area, Route};
use crate::studio::scene::Scene;

/// Shelves are as wide as the widest part, and at least this wide.
const SHELF: i32 = 96;
/// Empty columns between parts on a shelf.
const BESIDE: i32 = 2;
/// Empty rows between shelves.
const BELOW: i32 = 1;

/// Nodes that are connected or of one group, and the wires between them.
#[derive(Default)]
pub(super) struct Component {
    /// Places in the scene, ascending.
    pub(super) nodes: Vec<usize>,
    /// Place in the scene; places of giver and taker in `nodes`.
    pub(super) wires: Vec<(usize, usize, usize)>,
}

/// The parts of a scene that belong together, by their first nodes. Wires whose ends are not there are left out.
pub(super) fn components(scene: &Scene) -> Vec<Component> {
    let count = scene.nodes.len();
    let mut leader: Vec<usize> = (0..count).collect();
    for wire in scene.wires.iter().filter(|wire| wire.from.node < count && wire.to.node < count) {
        let (one, other) = (find(&mut leader, wire.from.node), find(&mut leader, wire.to.node));
        leader[one.max(other)] = one.min(other);
    }
    let mut first_of: HashMap<&str, usize> = HashMap::new();
    for (node, shown) in scene.nodes.iter().enumerate().filter(|(_, node)| node.members.is_empty()) {
        let Some(group) = &shown.group else { continue };
        let first = *first_of.entry(&group.name).or_insert(node);
        let (one, other) = (find(&mut leader, first), find(&mut leader, node));
        leader[one.max(other)] = one.min(other);
    }
    let mut components: Vec<Component> = Vec::new();
    let mut place = vec![(0, 0); count];
    for node in 0..count {
        let first = find(&mut leader, node);
        let component = if first == node { components.len() } else { place[first].0 };
        if first == node {
            components.push(Component::default());
        }
        place[node] = (component, components[component].nodes.len());
        components[component].nodes.push(node);
    }
    for (index, wire) in scene.wires.iter().enumerate() {
        if let (Some(from), Some(to)) = (place.get(wire.from.node), place.get(wire.to.node)) {
            components[from.0].wires.push((index, from.1, to.1));
        }
    }
    components
}

fn find(leader: &mut [usize], mut node: usize) -> usize {
    while leader[node] != node {
        leader[node] = leader[leader[node]];
        node = leader[node];
    }
    node
}

/// Boxes and routes of a whole scene, and its size.
pub(super) fn pack(scene: &Scene, parts: Vec<Part>) -> (Vec<Area>, Vec<Route>, (i32, i32)) {
    let mut boxes = vec![Area::default(); scene.nodes.len()];
    let mut routes = vec![Route::default(); scene.wires.len()];
    let shelf = parts.iter().map(|part| part.size.0).max().unwrap_or(0).max(SHELF);
    let (mut x, mut y, mut height) = (0, 0, 0);
    let mut size = (0, 0);
    for part in parts {
        if x > 0 && x + part.size.0 > shelf {
            (x, y, height) = (0, y + height + BELOW, 0);
        }
        for (node, area) in part.nodes {
            boxes[node] = Area { x: area.x + x, y: area.y + y, ..area };
        }
        for (wire, mut route) in part.wires {
            if (x, y) != (0, 0) {
                route.cells.iter_mut().for_each(|cell| *cell = (cell.0 + x, cell.1 + y));
            }
            routes[wire] = route;
        }
        height = height.max(part.size.1);
        size = (size.0.max(x + part.size.0), size.1.max(y + part.size.1));
        x += part.size.0 + BESIDE;
    }
    (boxes, routes, size)
}
