//! Nodes that wait for each other.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use super::Adjacency;

/// The nodes in an order in which everything that a node needs stands before it; where that leaves a choice, in their own
/// order. Those that wait for each other, and what needs them, are left out.
pub(super) fn order(needs: &Adjacency) -> Vec<u32> {
    if needs.is_ordered() {
        return (0..needs.len() as u32).collect();
    }
    let given = needs.reversed();
    let mut missing: Vec<_> = (0..needs.len()).map(|node| needs.of(node).len()).collect();
    let mut ready: BinaryHeap<_> =
        (0..needs.len() as u32).filter(|&node| missing[node as usize] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for &taker in given.of(node as usize) {
            missing[taker as usize] -= 1;
            if missing[taker as usize] == 0 {
                ready.push(Reverse(taker));
            }
        }
    }
    order
}

/// One shortest cycle for each knot of nodes that feed each other.
pub(super) fn find_in(needs: &Adjacency) -> Vec<Vec<usize>> {
    let mut edges = StableDiGraph::with_capacity(needs.len(), needs.len());
    for _ in 0..needs.len() {
        edges.add_node(());
    }
    for node in 0..needs.len() {
        for &giver in needs.of(node) {
            edges.add_edge(NodeIndex::new(giver as usize), NodeIndex::new(node), ());
        }
    }
    find(&edges)
}

/// One shortest cycle for each knot of nodes that feed each other: `[a, b]` stands for a → b → a. In node order.
fn find(edges: &StableDiGraph<(), ()>) -> Vec<Vec<usize>> {
    let mut cycles = Vec::new();
    // Kosaraju's algorithm is the one of petgraph's two that does not recurse.
    for mut knot in kosaraju_scc(edges) {
        knot.sort_unstable();
        let first = knot[0];
        if knot.len() > 1 || edges.contains_edge(first, first) {
            cycles.push(shortest(edges, &knot, first));
        }
    }
    cycles.sort_unstable();
    cycles
}

fn shortest(edges: &StableDiGraph<(), ()>, knot: &[NodeIndex], first: NodeIndex) -> Vec<usize> {
    let mut previous: HashMap<NodeIndex, NodeIndex> = HashMap::new();
    let mut waiting = VecDeque::from([first]);
    while let Some(node) = waiting.pop_front() {
        let mut next: Vec<_> = edges.neighbors(node).collect();
        next.sort_unstable();
        for neighbour in next {
            if neighbour == first {
                return path(&previous, first, node);
            }
            if knot.binary_search(&neighbour).is_ok() && !previous.contains_key(&neighbour) {
                previous.insert(neighbour, node);
                waiting.push_back(neighbour);
            }
        }
    }
    // In a knot every node leads back to every other, so the search above always returns.
    vec![first.index()]
}

fn path(previous: &HashMap<NodeIndex, NodeIndex>, first: NodeIndex, last: NodeIndex) -> Vec<usize> {
    let mut path = vec![last.index()];
    let mut node = last;
    while node != first {
        let Some(&before) = previous.get(&node) else {
            break;
        };
        node = before;
        path.push(node.index());
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles(count: usize, wires: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let mut edges = StableDiGraph::new();
        let nodes: Vec<_> = (0..count).map(|_| edges.add_node(())).collect();
        for &(from, to) in wires {
            edges.add_edge(nodes[from], nodes[to], ());
        }
        find(&edges)
    }

    #[test]
    fn each_knot_is_named_once() {
        assert_eq!(cycles(3, &[(0, 1), (1, 2)]), Vec::<Vec<usize>>::new());
        assert_eq!(cycles(3, &[(0, 1), (1, 2), (2, 0)]), [[0, 1, 2]]);
        assert_eq!(cycles(2, &[(1, 1)]), [[1]]);
        assert_eq!(cycles(5, &[(0, 1), (1, 0), (1, 2), (3, 4), (4, 3)]), [[0, 1], [3, 4]]);
        assert_eq!(cycles(4, &[(0, 1), (1, 2), (2, 3), (3, 0), (2, 0)]), [[0, 1, 2]], "the shortest");
    }

    #[test]
    fn long_ones_do_not_recurse() {
        let wires: Vec<_> = (0..200_000).map(|node| (node, (node + 1) % 200_000)).collect();
        assert_eq!(cycles(200_000, &wires)[0].len(), 200_000);
    }
}
