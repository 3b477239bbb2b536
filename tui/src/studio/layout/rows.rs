//! On which rows a layer's vertices stand: in their order, none on another, and with wires as straight as can be.
//!
//! Layer by layer the sum of |rows that a wire changes| × weight is made as small as it can be while the layers beside it
//! stay where they are. Under the order of the layer that is an isotonic regression with absolute deviations, which
//! pooling adjacent violators solves exactly (Ayer et al. 1955): what gets in each other's way moves as one block to the
//! weighted median of where its wires come from. Medians, not means: a wire is straight or is not.

use super::Detail;
use super::mesh::{Mesh, Vertex};

/// How much it matters that a wire between two boxes is straight, between a box and a place that it passes, and between
/// two such places (Gansner et al. 1993, section 4); and that what has no wires stays where it is.
const STRAIGHT: [i64; 3] = [20, 40, 160];
const STAY: i64 = 1;

/// In a layer with more vertices than this blocks move to means instead of medians: not as straight, but quick.
const LARGE: usize = 200;

/// Where a vertex would like to be, and how much.
type Wish = (i64, i64);

/// What moves as one.
struct Block {
    /// Ascending; none in a large layer.
    wishes: Vec<Wish>,
    /// The sum of the wishes' weights, and of the places weighted.
    weight: i64,
    sum: i128,
    place: i64,
    vertices: usize,
}

/// The layers that are looked at.
#[derive(Clone, Copy)]
enum Look {
    Back,
    Ahead,
    Both,
}

/// The topmost row of each vertex.
pub(super) fn rows(mesh: &Mesh, detail: Detail) -> Vec<i32> {
    let mut rows = vec![0; mesh.vertices.len()];
    for layer in &mesh.layers {
        let offsets = offsets(mesh, layer, detail);
        layer.iter().zip(&offsets).for_each(|(&vertex, &offset)| rows[vertex] = offset);
    }
    let count = mesh.layers.len();
    for look in [Look::Back, Look::Ahead, Look::Back, Look::Ahead, Look::Both, Look::Both, Look::Both] {
        for step in 0..count {
            let layer = if matches!(look, Look::Ahead) { count - 1 - step } else { step };
            settle(mesh, &mesh.layers[layer], detail, look, &mut rows);
        }
    }
    let top = rows.iter().copied().min().unwrap_or(0);
    rows.iter().map(|row| i32::try_from(row - top).unwrap_or(i32::MAX / 4)).collect()
}

/// How far below the first vertex each of a layer is if they stand as close as they may.
fn offsets(mesh: &Mesh, layer: &[usize], detail: Detail) -> Vec<i64> {
    let mut offset = 0;
    let mut offsets = Vec::with_capacity(layer.len());
    for (at, &vertex) in layer.iter().enumerate() {
        let here = &mesh.vertices[vertex];
        if at > 0 {
            offset += between(&mesh.vertices[layer[at - 1]], here, detail);
        }
        offsets.push(offset);
        offset += i64::from(here.height);
    }
    offsets
}

/// Empty rows between two vertices: wires may run side by side, boxes need air.
pub(super) fn between(upper: &Vertex, lower: &Vertex, detail: Detail) -> i64 {
    match (upper.node, lower.node) {
        (None, None) => 0,
        (Some(_), Some(_)) => 1,
        _ => i64::from(detail != Detail::Name),
    }
}

fn settle(mesh: &Mesh, layer: &[usize], detail: Detail, look: Look, rows: &mut [i64]) {
    let offsets = offsets(mesh, layer, detail);
    let mut blocks: Vec<Block> = Vec::with_capacity(layer.len());
    for (&vertex, &offset) in layer.iter().zip(&offsets) {
        let mut block = Block::new(wishes(mesh, vertex, look, rows, offset), layer.len() > LARGE);
        while let Some(before) = blocks.pop_if(|before| before.place > block.place) {
            block = before.joined(block);
        }
        blocks.push(block);
    }
    let mut at = 0;
    for block in blocks {
        for _ in 0..block.vertices {
            rows[layer[at]] = block.place + offsets[at];
            at += 1;
        }
    }
}

/// The places of the first of the layer at which a vertex's wires would be straight.
fn wishes(mesh: &Mesh, vertex: usize, look: Look, rows: &[i64], offset: i64) -> Vec<Wish> {
    let here = &mesh.vertices[vertex];
    let weight = |other: usize| {
        let passing = usize::from(here.node.is_none()) + usize::from(mesh.vertices[other].node.is_none());
        STRAIGHT[passing]
    };
    let mut wishes = Vec::with_capacity(here.incoming.len() + here.outgoing.len());
    if matches!(look, Look::Back | Look::Both) {
        wishes.extend(here.incoming.iter().map(|&link| {
            let link = &mesh.links[link];
            let row = rows[link.from] + i64::from(link.from_row) - i64::from(link.to_row);
            (row - offset, weight(link.from))
        }));
    }
    if matches!(look, Look::Ahead | Look::Both) {
        wishes.extend(here.outgoing.iter().map(|&link| {
            let link = &mesh.links[link];
            let row = rows[link.to] + i64::from(link.to_row) - i64::from(link.from_row);
            (row - offset, weight(link.to))
        }));
    }
    if wishes.is_empty() {
        wishes.push((rows[vertex] - offset, STAY));
    }
    wishes.sort_unstable();
    wishes
}

impl Block {
    fn new(wishes: Vec<Wish>, is_large: bool) -> Self {
        let weight = wishes.iter().map(|(_, weight)| weight).sum();
        let sum = wishes.iter().map(|&(place, weight)| i128::from(place) * i128::from(weight)).sum();
        let wishes = if is_large { Vec::new() } else { wishes };
        Block { wishes, weight, sum, place: 0, vertices: 1 }.placed()
    }

    fn placed(mut self) -> Self {
        self.place = match self.wishes.is_empty() {
            true => self.sum.div_euclid(i128::from(self.weight.max(1))) as i64,
            false => median(&self.wishes),
        };
        self
    }

    fn joined(mut self, mut other: Block) -> Block {
        if self.wishes.len() < other.wishes.len() {
            std::mem::swap(&mut self.wishes, &mut other.wishes);
        }
        for wish in other.wishes {
            let at = self.wishes.partition_point(|before| *before < wish);
            self.wishes.insert(at, wish);
        }
        self.weight += other.weight;
        self.sum += other.sum;
        self.vertices += other.vertices;
        self.placed()
    }
}

/// The smallest place that has at least half of the weight at or below it.
fn median(wishes: &[Wish]) -> i64 {
    let total: i64 = wishes.iter().map(|(_, weight)| weight).sum();
    let mut below = 0;
    for &(place, weight) in wishes {
        below += weight;
        if below * 2 >= total {
            return place;
        }
    }
    0
}
