//! The order of a layer's vertices, such that few wires cross: weighted medians, then exchanges of neighbours (Gansner,
//! Koutsofios, North and Vo 1993, section 3).

use super::mesh::Mesh;

/// Rows of a box that are told apart when its wires are compared.
const ROWS: i64 = 1024;
/// A component with more links than this is gone through less often.
const LARGE: usize = 1500;

/// Where things are in their layers, and the order of the layers.
struct Order<'m> {
    mesh: &'m Mesh,
    layers: Vec<Vec<usize>>,
    place: Vec<usize>,
}

/// Which of a vertex's links.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Before,
    After,
}

/// Puts the layers of a mesh in order.
pub(super) fn order(mesh: &mut Mesh) {
    let mut order = Order { mesh, layers: mesh.layers.clone(), place: vec![0; mesh.vertices.len()] };
    (0..order.layers.len()).for_each(|layer| order.number(layer));
    let mut best = order.layers.clone();
    let mut fewest = order.crossings();
    let sweeps = if mesh.links.len() > LARGE { 4 } else { 12 };
    for sweep in 0..sweeps {
        if fewest == 0 {
            break;
        }
        order.sweep(if sweep % 2 == 0 { Side::Before } else { Side::After });
        let crossings = order.crossings();
        if crossings < fewest {
            fewest = crossings;
            best.clone_from(&order.layers);
        }
    }
    mesh.layers = best;
}

impl Order<'_> {
    fn number(&mut self, layer: usize) {
        for (place, &vertex) in self.layers[layer].iter().enumerate() {
            self.place[vertex] = place;
        }
    }

    fn sweep(&mut self, side: Side) {
        let count = self.layers.len();
        for step in 1..count {
            let layer = if side == Side::Before { step } else { count - 1 - step };
            self.by_medians(layer, side);
        }
        for layer in 0..count {
            self.exchange(layer);
        }
    }

    /// Where a vertex's links end on one side, ascending: place in the layer, then row in the box.
    fn ends(&self, vertex: usize, side: Side, ends: &mut Vec<i64>) {
        ends.clear();
        let of = |vertex: usize, row: i32| self.place[vertex] as i64 * ROWS + i64::from(row).clamp(0, ROWS - 1);
        let (vertex, links) = (&self.mesh.vertices[vertex], &self.mesh.links);
        match side {
            Side::Before => ends.extend(vertex.incoming.iter().map(|&link| of(links[link].from, links[link].from_row))),
            Side::After => ends.extend(vertex.outgoing.iter().map(|&link| of(links[link].to, links[link].to_row))),
        }
        ends.sort_unstable();
    }

    /// Sorts a layer by the medians of where its links end; what has none stays where it is.
    fn by_medians(&mut self, layer: usize, side: Side) {
        let mut ends = Vec::new();
        let mut movable = Vec::new();
        let mut slots = Vec::new();
        for (slot, &vertex) in self.layers[layer].iter().enumerate() {
            self.ends(vertex, side, &mut ends);
            if let Some(median) = median(&ends) {
                movable.push((median, slot, vertex));
                slots.push(slot);
            }
        }
        movable.sort_unstable();
        for (slot, (_, _, vertex)) in slots.into_iter().zip(movable) {
            self.layers[layer][slot] = vertex;
        }
        self.number(layer);
    }

    /// Exchanges neighbours for as long as that saves crossings.
    fn exchange(&mut self, layer: usize) {
        let both = |vertex: usize| {
            let (mut before, mut after) = (Vec::new(), Vec::new());
            self.ends(vertex, Side::Before, &mut before);
            self.ends(vertex, Side::After, &mut after);
            (before, after)
        };
        let mut row: Vec<_> = self.layers[layer].iter().map(|&vertex| (vertex, both(vertex))).collect();
        for _ in 0..4 {
            let mut is_better = false;
            for at in 1..row.len() {
                let ((_, (before, after)), (_, (next_before, next_after))) = (&row[at - 1], &row[at]);
                let now = inversions(before, next_before) + inversions(after, next_after);
                if now > 0 && now > inversions(next_before, before) + inversions(next_after, after) {
                    row.swap(at - 1, at);
                    is_better = true;
                }
            }
            if !is_better {
                break;
            }
        }
        self.layers[layer] = row.into_iter().map(|(vertex, _)| vertex).collect();
        self.number(layer);
    }

    fn crossings(&self) -> u64 {
        let mut ends = Vec::new();
        let mut all = Vec::new();
        let mut count = 0;
        for layer in &self.layers {
            all.clear();
            for &vertex in layer {
                let links = &self.mesh.vertices[vertex].outgoing;
                ends.clear();
                ends.extend(links.iter().map(|&index| {
                    let link = &self.mesh.links[index];
                    (link.from_row, self.place[link.to] as i64 * ROWS + i64::from(link.to_row).clamp(0, ROWS - 1))
                }));
                ends.sort_unstable();
                all.extend(ends.iter().map(|(_, end)| *end));
            }
            count += sort_counting(&mut all);
        }
        count
    }
}

/// The weighted median: between two middle ones, nearer to the side on which the others are closer together.
fn median(ends: &[i64]) -> Option<i64> {
    let middle = ends.len() / 2;
    match ends {
        [] => None,
        [one] => Some(*one),
        _ if ends.len() % 2 == 1 => Some(ends[middle]),
        [one, other] => Some((one + other) / 2),
        [first, .., last] => {
            let (left, right) = (ends[middle - 1] - first, last - ends[middle]);
            if left + right == 0 {
                return Some((ends[middle - 1] + ends[middle]) / 2);
            }
            Some((ends[middle - 1] * right + ends[middle] * left) / (left + right))
        }
    }
}

/// How many pairs there are of one of `upper` and a smaller one of `lower`; both ascend.
fn inversions(upper: &[i64], lower: &[i64]) -> u64 {
    let (mut count, mut smaller) = (0, 0);
    for end in upper {
        while lower.get(smaller).is_some_and(|other| other < end) {
            smaller += 1;
        }
        count += smaller as u64;
    }
    count
}

/// Sorts, and says how many pairs stood the wrong way round.
fn sort_counting(values: &mut Vec<i64>) -> u64 {
    let mut count = 0;
    let mut sorted = Vec::with_capacity(values.len());
    let mut width = 1;
    while width < values.len() {
        sorted.clear();
        for run in values.chunks(2 * width) {
            let (left, right) = run.split_at(width.min(run.len()));
            let (mut taken, mut next) = (0, 0);
            while taken < left.len() || next < right.len() {
                if next == right.len() || (taken < left.len() && left[taken] <= right[next]) {
                    sorted.push(left[taken]);
                    taken += 1;
                } else {
                    count += (left.len() - taken) as u64;
                    sorted.push(right[next]);
                    next += 1;
                }
            }
        }
        std::mem::swap(values, &mut sorted);
        width *= 2;
    }
    count
}
