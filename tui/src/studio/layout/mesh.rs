//! A component cut into layers: boxes, and a place in every layer that a wire passes.

use std::collections::{HashMap, HashSet};

use super::ranks::Ranks;

/// An output as far as wires can tell it from others: a node of the component and a row of its box.
pub(super) type Source = (usize, i32);

/// What stands in a layer.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    /// The node of the component; none for a wire that passes.
    pub(super) node: Option<usize>,
    pub(super) layer: usize,
    pub(super) width: i32,
    pub(super) height: i32,
    /// What comes from the layer before, by places among the links.
    pub(super) incoming: Vec<usize>,
    /// What goes into the next layer.
    pub(super) outgoing: Vec<usize>,
}

/// A piece of a wire from one layer to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    /// Which output it belongs to.
    pub(super) net: usize,
    pub(super) from: usize,
    /// The row in `from`, counted from its top.
    pub(super) from_row: i32,
    pub(super) to: usize,
    pub(super) to_row: i32,
}

/// A wire of a component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strand {
    pub(super) from: usize,
    pub(super) from_row: i32,
    pub(super) to: usize,
    pub(super) to_row: i32,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Mesh {
    /// Those of the nodes first, in their order.
    pub(super) vertices: Vec<Vertex>,
    pub(super) links: Vec<Link>,
    /// The vertices of each layer from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
    /// The outputs that feed something.
    pub(super) nets: Vec<Source>,
    /// Of each wire, which of them feeds it.
    pub(super) net_of: Vec<usize>,
    /// The vertices through which a net passes the layers between its ends, by layer.
    pub(super) passing: HashMap<(usize, usize), usize>,
}

impl Mesh {
    /// `sizes` are those of the nodes' boxes.
    pub(super) fn new(sizes: &[(i32, i32)], strands: &[Strand], ranks: &Ranks) -> Mesh {
        let layers = ranks.of.iter().max().map_or(0, |last| last + 1);
        let mut mesh = Mesh { layers: vec![Vec::new(); layers], ..Mesh::default() };
        for (node, &(width, height)) in sizes.iter().enumerate() {
            mesh.add(Some(node), ranks.of[node], width, height);
        }
        let mut nets = HashMap::new();
        for strand in strands {
            let source = (strand.from, strand.from_row);
            let net = *nets.entry(source).or_insert_with(|| {
                mesh.nets.push(source);
                mesh.nets.len() - 1
            });
            mesh.net_of.push(net);
        }
        let mut known = HashSet::new();
        for (index, strand) in strands.iter().enumerate().filter(|(index, _)| !ranks.leads_back[*index]) {
            mesh.lead(mesh.net_of[index], strand, &mut known);
        }
        // Wires that pass begin beside what they come from.
        let origin = |vertex: &Vertex, links: &[Link], nets: &[Source]| match vertex.node {
            Some(node) => (node, 0),
            None => vertex.incoming.first().map_or((0, 1), |&link| (nets[links[link].net].0, 1)),
        };
        let keys: Vec<_> = mesh.vertices.iter().map(|vertex| origin(vertex, &mesh.links, &mesh.nets)).collect();
        mesh.layers.iter_mut().for_each(|layer| layer.sort_by_key(|&vertex| (keys[vertex], vertex)));
        mesh
    }

    fn add(&mut self, node: Option<usize>, layer: usize, width: i32, height: i32) -> usize {
        let vertex = self.vertices.len();
        self.vertices.push(Vertex { node, layer, width, height, incoming: Vec::new(), outgoing: Vec::new() });
        self.layers[layer].push(vertex);
        vertex
    }

    /// Leads a net to where that wire ends, over the vertices through which it passes already.
    fn lead(&mut self, net: usize, strand: &Strand, known: &mut HashSet<(usize, usize, i32)>) {
        let (first, last) = (self.vertices[strand.from].layer, self.vertices[strand.to].layer);
        let (mut from, mut from_row) = (strand.from, strand.from_row);
        for layer in first + 1..last {
            let through = match self.passing.get(&(net, layer)) {
                Some(&through) => through,
                None => {
                    let through = self.add(None, layer, 0, 1);
                    self.passing.insert((net, layer), through);
                    self.link(Link { net, from, from_row, to: through, to_row: 0 });
                    through
                }
            };
            (from, from_row) = (through, 0);
        }
        if known.insert((net, strand.to, strand.to_row)) {
            self.link(Link { net, from, from_row, to: strand.to, to_row: strand.to_row });
        }
    }

    fn link(&mut self, link: Link) {
        let index = self.links.len();
        self.vertices[link.from].outgoing.push(index);
        self.vertices[link.to].incoming.push(index);
        self.links.push(link);
    }
}
