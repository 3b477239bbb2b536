//! Groups as one box each, with the sockets of the wires that cross their borders.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Port, Scene, SceneNode, SceneWire, Socket};

/// A scene in which some groups are one box each.
pub(crate) struct Folded {
    /// It.
    pub(crate) scene: Scene,
    /// Of each of its nodes the place that it has in the scene as it was; none for a group.
    pub(crate) places: Vec<Option<usize>>,
}

impl Scene {
    /// Folds groups by name. Their boxes stand where their first nodes stood.
    pub(crate) fn folded(self, groups: &BTreeSet<String>) -> Folded {
        let is_folded = |node: &SceneNode| node.group.as_ref().is_some_and(|group| groups.contains(&group.name));
        if !self.nodes.iter().any(is_folded) {
            let places = (0..self.nodes.len()).map(Some).collect();
            return Folded { scene: self, places };
        }
        let Scene { nodes: old, wires } = self;
        let (mut nodes, mut places, mut boxes) = (Vec::new(), Vec::new(), HashMap::new());
        let mut now = Vec::with_capacity(old.len());
        for (place, node) in old.iter().enumerate() {
            match node.group.as_ref().filter(|_| is_folded(node)) {
                None => {
                    now.push(nodes.len());
                    nodes.push(node.clone());
                    places.push(Some(place));
                }
                Some(group) => {
                    let at = *boxes.entry(group.name.clone()).or_insert_with(|| {
                        nodes.push(boxed(node));
                        places.push(None);
                        nodes.len() - 1
                    });
                    now.push(at);
                    take_in(&mut nodes[at], node);
                }
            }
        }
        for node in nodes.iter_mut().filter(|node| !node.members.is_empty()) {
            node.node_type = crate::terminal::count(node.members.len(), "node");
        }
        let fed: HashSet<Port> = wires.iter().map(|wire| wire.to).collect();
        let mut folder = Folder { old: &old, now: &now, nodes, sockets: HashMap::new() };
        let wires = wires.into_iter().filter_map(|wire| folder.wire(wire)).collect();
        // What is missing inside is seen from outside.
        for (node, owner) in old.iter().enumerate() {
            for socket in 0..owner.inputs.len() {
                let port = Port { node, socket };
                if owner.inputs[socket].literal.is_none() && !fed.contains(&port) {
                    folder.end(port, now[node], false);
                }
            }
        }
        Folded { scene: Scene { nodes: folder.nodes, wires }, places }
    }
}

/// The box of a group, with nothing in it yet.
fn boxed(first: &SceneNode) -> SceneNode {
    let name = first.group.as_ref().map(|group| group.name.clone()).unwrap_or_default();
    SceneNode {
        // No node can be called that.
        id: format!("[{name}]"),
        group: first.group.clone(),
        is_muted: true,
        is_bypassed: true,
        ..SceneNode::default()
    }
}

fn take_in(group: &mut SceneNode, node: &SceneNode) {
    group.members.push(node.id.clone());
    group.is_muted &= node.is_muted;
    group.is_bypassed &= node.is_bypassed;
    group.errors += node.errors;
    group.warnings += node.warnings;
}

struct Folder<'a> {
    old: &'a [SceneNode],
    /// Of each node the place that it has now.
    now: &'a [usize],
    nodes: Vec<SceneNode>,
    /// The sockets of boxes, by what they stand for: whether it is an output, and which.
    sockets: HashMap<(bool, Port), usize>,
}

impl Folder<'_> {
    /// A wire as it runs now; none within a box.
    fn wire(&mut self, wire: SceneWire) -> Option<SceneWire> {
        let (from, to) = (*self.now.get(wire.from.node)?, *self.now.get(wire.to.node)?);
        if from == to && !self.nodes[from].members.is_empty() {
            return None;
        }
        Some(SceneWire { from: self.end(wire.from, from, true), to: self.end(wire.to, to, false) })
    }

    fn end(&mut self, port: Port, node: usize, is_output: bool) -> Port {
        if self.nodes[node].members.is_empty() {
            return Port { node, socket: port.socket };
        }
        let here = &mut self.nodes[node];
        let sockets = if is_output { &mut here.outputs } else { &mut here.inputs };
        let socket = *self.sockets.entry((is_output, port)).or_insert_with(|| {
            let owner = &self.old[port.node];
            let shown = if is_output { &owner.outputs } else { &owner.inputs };
            let shown = shown.get(port.socket).cloned().unwrap_or_default();
            sockets.push(Socket { name: format!("{}.{}", owner.id, shown.name), ..shown });
            sockets.len() - 1
        });
        Port { node, socket }
    }
}
