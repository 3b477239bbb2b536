//! The nodes of a group stand together: nothing else has a box in the rectangle around them, in which a frame is drawn.
//!
//! Whatever has a row gets a place in one order from top to bottom, a group one for all its nodes. In every layer that order
//! is kept, and in the layers from a group's first to its last all boxes before it end above its topmost, and all behind it
//! begin below its lowest. Since every demand is on what comes later, moving down what is too high meets them all.

use std::collections::HashMap;

use super::Detail;
use super::mesh::Mesh;
use super::rows::between;
use crate::studio::scene::Scene;

/// Empty rows between a group and a box: a line of its frame; and between two groups: a line of each.
const BESIDE_BOX: i64 = 1;
const BESIDE_GROUP: i64 = 2;

/// The groups of a component.
pub(super) struct Groups {
    /// Of each vertex of the mesh.
    of: Vec<Option<usize>>,
    /// The first and the last layer of each.
    spans: Vec<(usize, usize)>,
}

impl Groups {
    /// Those of `nodes` that are drawn by themselves; none if there are none.
    pub(super) fn of(scene: &Scene, nodes: &[usize], mesh: &Mesh) -> Option<Groups> {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut groups = Groups { of: vec![None; mesh.vertices.len()], spans: Vec::new() };
        for (place, vertex) in mesh.vertices.iter().enumerate() {
            let node = vertex.node.and_then(|node| scene.nodes.get(*nodes.get(node)?));
            let Some(group) = node.and_then(|node| node.group.as_ref().filter(|_| node.members.is_empty())) else {
                continue;
            };
            let number = *known.entry(&group.name).or_insert_with(|| {
                groups.spans.push((vertex.layer, vertex.layer));
                groups.spans.len() - 1
            });
            let (first, last) = &mut groups.spans[number];
            (*first, *last) = ((*first).min(vertex.layer), (*last).max(vertex.layer));
            groups.of[place] = Some(number);
        }
        (!groups.spans.is_empty()).then_some(groups)
    }

    /// Puts the layers into an order in which groups stay together, as near as can be to that which gave these rows. All
    /// vertices from top to bottom.
    pub(super) fn order(&self, mesh: &mut Mesh, rows: &[i32]) -> Vec<usize> {
        // Twice the middle of each: that of a group is the mean of its nodes.
        let middle = |vertex: usize| 2 * i64::from(rows[vertex]) + i64::from(mesh.vertices[vertex].height);
        let mut sums = vec![(0, 0); self.spans.len()];
        for (vertex, group) in self.of.iter().enumerate() {
            if let Some(group) = *group {
                sums[group] = (sums[group].0 + middle(vertex), sums[group].1 + 1);
            }
        }
        let key = |vertex: usize| match self.of[vertex] {
            Some(group) => (sums[group].0.div_euclid(sums[group].1), 0, group),
            None => (middle(vertex), 1, vertex),
        };
        let mut place = vec![0; mesh.vertices.len()];
        for layer in &mesh.layers {
            layer.iter().enumerate().for_each(|(at, &vertex)| place[vertex] = at);
        }
        let mut all: Vec<usize> = (0..mesh.vertices.len()).collect();
        all.sort_by_key(|&vertex| (key(vertex), place[vertex], vertex));
        mesh.layers.iter_mut().for_each(Vec::clear);
        for &vertex in &all {
            let layer = mesh.vertices[vertex].layer;
            mesh.layers[layer].push(vertex);
        }
        all
    }

    /// Moves down what stands in a group that it is not of, or on what comes before it.
    pub(super) fn part(&self, mesh: &Mesh, all: &[usize], detail: Detail, rows: &mut [i32]) {
        let mut ground = Ground::new(mesh, detail);
        let mut rest = all;
        while let Some(&first) = rest.first() {
            let Some(group) = self.of[first] else {
                ground.put(first, ground.below(first), rows);
                rest = &rest[1..];
                continue;
            };
            let count = rest.iter().take_while(|&&vertex| self.of[vertex] == Some(group)).count();
            let (members, others) = rest.split_at(count);
            rest = others;
            let span = self.spans[group].0..=self.spans[group].1;
            let top = members.iter().map(|&vertex| i64::from(rows[vertex])).min().unwrap_or(0);
            let least = span.clone().map(|layer| ground.below_all(layer)).max().unwrap_or(0);
            let by = i32::try_from((least - top).max(0)).unwrap_or(0);
            for &vertex in members {
                rows[vertex] += by;
                ground.put(vertex, i64::MIN, rows);
            }
            let bottom = members.iter().map(|&vertex| i64::from(rows[vertex] + mesh.vertices[vertex].height)).max();
            for layer in span {
                ground.groups[layer] = ground.groups[layer].max(bottom.unwrap_or(0));
            }
        }
    }
}

/// How far down each layer is taken.
struct Ground<'m> {
    mesh: &'m Mesh,
    detail: Detail,
    /// What stands lowest.
    last: Vec<Option<usize>>,
    /// The rows below all boxes, and below all groups.
    boxes: Vec<i64>,
    groups: Vec<i64>,
}

/// Nothing is there yet.
const NOTHING: i64 = i64::MIN / 2;

impl<'m> Ground<'m> {
    fn new(mesh: &'m Mesh, detail: Detail) -> Self {
        let count = mesh.layers.len();
        Ground { mesh, detail, last: vec![None; count], boxes: vec![NOTHING; count], groups: vec![NOTHING; count] }
    }

    /// Where a vertex may stand that is in no group.
    fn below(&self, vertex: usize) -> i64 {
        let here = &self.mesh.vertices[vertex];
        // Wires pass through groups, boxes do not stand in them.
        if here.node.is_some() { self.groups[here.layer] + BESIDE_BOX } else { NOTHING }
    }

    /// Where a group may begin.
    fn below_all(&self, layer: usize) -> i64 {
        (self.boxes[layer] + BESIDE_BOX).max(self.groups[layer] + BESIDE_GROUP)
    }

    /// A vertex stands where it is, or as much lower as it must.
    fn put(&mut self, vertex: usize, least: i64, rows: &mut [i32]) {
        let here = &self.mesh.vertices[vertex];
        let above = self.last[here.layer].map(|last| {
            let upper = &self.mesh.vertices[last];
            i64::from(rows[last] + upper.height) + between(upper, here, self.detail)
        });
        let row = i64::from(rows[vertex]).max(least).max(above.unwrap_or(NOTHING));
        rows[vertex] = i32::try_from(row).unwrap_or(i32::MAX / 4);
        self.last[here.layer] = Some(vertex);
        if here.node.is_some() {
            self.boxes[here.layer] = self.boxes[here.layer].max(row + i64::from(here.height));
        }
    }
}
