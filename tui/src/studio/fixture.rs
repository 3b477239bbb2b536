//! Scenes for tests, and pictures as text.

use proptest::prelude::*;
use ratatui::buffer::Buffer;

use super::scene::{Port, Scene, SceneNode, SceneWire, Socket};

const NAMES: [&str; 6] = ["tokens", "a", "prior_schedule", "世界モデル", "naïve", "emoji 👩‍👩‍👧 family"];
const KINDS: [&str; 4] = ["Text", "Image", "ImageEmbedding", ""];

pub(super) fn socket(name: &str, kind: &str) -> Socket {
    Socket { name: name.into(), kind: kind.into(), ..Socket::default() }
}

/// A node with as many inputs and outputs.
pub(super) fn node(id: &str, inputs: usize, outputs: usize) -> SceneNode {
    let sockets = |what: &str, count: usize| {
        (0..count).map(|at| socket(&format!("{what}{at}"), KINDS[at % KINDS.len()])).collect()
    };
    SceneNode {
        id: id.into(),
        node_type: "Type".into(),
        inputs: sockets("in", inputs),
        outputs: sockets("out", outputs),
        ..SceneNode::default()
    }
}

pub(super) fn wire(from: (usize, usize), to: (usize, usize)) -> SceneWire {
    let port = |(node, socket)| Port { node, socket };
    SceneWire { from: port(from), to: port(to) }
}

/// Nodes that are wired at random. `back` of a hundred wires may lead anywhere, the others lead on.
pub(super) fn scenes(most: usize, back: u32) -> impl Strategy<Value = Scene> {
    let node = (0..NAMES.len(), 0..5_usize, 0..4_usize, any::<u8>());
    let wire = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), any::<u8>(), 0..100_u32);
    (prop::collection::vec(node, 0..most), prop::collection::vec(wire, 0..most * 2)).prop_map(move |(nodes, wires)| {
        let mut scene = Scene::default();
        for (at, (name, inputs, outputs, bits)) in nodes.into_iter().enumerate() {
            let mut node = self::node(&format!("{}{at}", NAMES[name]), inputs, outputs);
            node.is_muted = bits & 7 == 1;
            node.is_bypassed = bits & 7 == 2;
            node.has_body = bits & 24 == 8;
            node.errors = usize::from(bits >> 6);
            node.warnings = usize::from(bits & 96 == 32) * 12;
            node.inputs
                .iter_mut()
                .skip(1)
                .step_by(2)
                .for_each(|input| input.literal = Some("\"文字 and more\"".into()));
            scene.nodes.push(node);
        }
        let count = scene.nodes.len();
        for (one, other, output, input, chance) in wires.into_iter().filter(|_| count > 0) {
            let (one, other) = (one.index(count), other.index(count));
            let (from, to) = if chance < back { (one, other) } else { (one.min(other), one.max(other)) };
            let (outputs, inputs) = (scene.nodes[from].outputs.len(), scene.nodes[to].inputs.len());
            if outputs > 0 && inputs > 0 && (from != to || chance < back) {
                let ends = ((from, usize::from(output) % outputs), (to, usize::from(input) % inputs));
                scene.wires.push(self::wire(ends.0, ends.1));
            }
        }
        scene
    })
}

/// The characters of a buffer, line by line.
pub(super) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.y..buffer.area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in buffer.area.x..buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(symbol);
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
