//! From a workflow and what its names came to, to a scene.

use std::collections::HashMap;

use easel_engine::{Feed, NodeEntry, Part, Source, Spanned, Workflow};

use super::blame::Findings;
use super::{Group, Port, Scene, SceneNode, SceneWire, Socket};

/// A literal is cut to about this many bytes: nobody sees more of it in a box.
const SHOWN_LITERAL: usize = 200;

pub(super) fn scene(workflow: &Workflow, part: &Part<'_>, findings: Findings<'_>) -> Scene {
    let source = part.document().source();
    let mut places = HashMap::with_capacity(workflow.nodes().len());
    for (place, entry) in workflow.nodes().iter().enumerate() {
        places.entry(entry.id.value.as_str()).or_insert(place);
    }
    let mut reader = Reader { scene: Scene::default(), part, source, places };
    for (place, entry) in workflow.nodes().iter().enumerate() {
        let body = part.body(place);
        let count = findings.of(workflow, entry, body.as_ref());
        let options = entry.options.as_deref();
        reader.scene.nodes.push(SceneNode {
            id: entry.id.value.clone(),
            node_type: entry.node_type.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
            inputs: Vec::new(),
            outputs: reader.outputs(place, body.as_ref()),
            is_muted: options.is_some_and(|options| options.mute),
            is_bypassed: options.is_some_and(|options| options.bypass),
            has_body: body.is_some(),
            group: None,
            members: Vec::new(),
            errors: count.errors,
            warnings: count.warnings,
        });
    }
    for (place, entry) in workflow.nodes().iter().enumerate() {
        reader.inputs(place, entry);
    }
    reader.groups(workflow);
    reader.scene
}

struct Reader<'a> {
    scene: Scene,
    part: &'a Part<'a>,
    source: &'a Source,
    /// The first node of each name.
    places: HashMap<&'a str, usize>,
}

/// An input that a node could have.
struct Declared<'a> {
    name: &'a str,
    kind: String,
    is_lazy: bool,
}

impl<'a> Reader<'a> {
    /// Of each node the first group that names it.
    fn groups(&mut self, workflow: &Workflow) {
        for group in workflow.groups() {
            for member in &group.nodes {
                let Some(&place) = self.places.get(member.value.as_str()) else { continue };
                let colour = group.colour.as_ref().map(|colour| colour.value.clone());
                let own = Group { name: group.name.value.clone(), colour };
                self.scene.nodes[place].group.get_or_insert(own);
            }
        }
    }

    fn outputs(&self, node: usize, body: Option<&Part<'_>>) -> Vec<Socket> {
        let names: Vec<&str> = match (body, self.part.spec(node)) {
            (Some(body), _) => body.workflow().outputs().map(|output| output.name.value.as_str()).collect(),
            (None, Some(spec)) => spec.outputs.iter().map(|output| output.name).collect(),
            (None, None) => Vec::new(),
        };
        let socket = |(place, name): (usize, &&str)| Socket {
            name: name.to_string(),
            kind: self.part.output_kind(node, place).map(|kind| kind.to_string()).unwrap_or_default(),
            literal: None,
            is_lazy: false,
        };
        names.iter().enumerate().map(socket).collect()
    }

    /// The inputs of a node's type in their order.
    fn declared(&self, node: usize) -> Vec<Declared<'a>> {
        if let Some(body) = self.part.body(node) {
            let inputs = body.workflow().inputs().enumerate();
            return inputs
                .map(|(place, input)| {
                    let kind = body.input_kind(place);
                    let kind = if self.part.is_mapped(node, place) { kind.map(|kind| kind.list()) } else { kind };
                    let kind = kind.map(|kind| kind.to_string()).unwrap_or_default();
                    Declared { name: &input.name.value, kind, is_lazy: false }
                })
                .collect();
        }
        let inputs = self.part.spec(node).map(|spec| spec.inputs.iter()).into_iter().flatten();
        inputs
            .map(|input| Declared {
                name: input.name,
                kind: input.kinds.first().map(|kind| kind.to_string()).unwrap_or_default(),
                is_lazy: input.lazy,
            })
            .collect()
    }

    fn inputs(&mut self, node: usize, entry: &'a NodeEntry) {
        let declared = self.declared(node);
        for (place, input) in declared.iter().enumerate() {
            let written = entry.inputs.iter().find(|written| written.name.value == input.name);
            if written.is_some() || self.part.is_missing(node, place) {
                let socket = Socket {
                    name: input.name.to_string(),
                    kind: input.kind.clone(),
                    literal: None,
                    is_lazy: input.is_lazy,
                };
                self.input(node, socket, written.map(|written| &written.value));
            }
        }
        if let Some(times) = entry.call.as_ref().and_then(|call| call.times.as_ref()) {
            let socket = Socket { name: "times".into(), kind: "Integer".into(), ..Socket::default() };
            self.input(node, socket, Some(times));
        }
        for written in &entry.inputs {
            if !declared.iter().any(|input| input.name == written.name.value) {
                let socket = Socket { name: written.name.value.clone(), ..Socket::default() };
                self.input(node, socket, Some(&written.value));
            }
        }
    }

    fn input(&mut self, node: usize, mut socket: Socket, feed: Option<&'a Spanned<Feed>>) {
        let to = Port { node, socket: self.scene.nodes[node].inputs.len() };
        if let Some(feed) = feed {
            let before = self.scene.wires.len();
            self.wires(feed, to);
            if self.scene.wires.len() == before {
                socket.literal = Some(one_line(self.source.slice(&feed.span)));
            }
        }
        self.scene.nodes[node].inputs.push(socket);
    }

    fn wires(&mut self, feed: &'a Spanned<Feed>, to: Port) {
        match &feed.value {
            Feed::From { node, socket } => {
                if let Some(&giver) = self.places.get(node.as_str()) {
                    let from = Port { node: giver, socket: self.output(giver, socket.as_deref()) };
                    self.scene.wires.push(SceneWire { from, to });
                }
            }
            Feed::List(items) => items.iter().for_each(|item| self.wires(item, to)),
            Feed::Literal(_) | Feed::Value(_) | Feed::Input(_) | Feed::Unreadable => {}
        }
    }

    /// The output that a wire names; one that the node's type does not have is added, so that the wire has an end.
    fn output(&mut self, node: usize, name: Option<&str>) -> usize {
        let outputs = &mut self.scene.nodes[node].outputs;
        let found = match name {
            Some(name) => outputs.iter().position(|output| output.name == name),
            None => (!outputs.is_empty()).then_some(0),
        };
        found.unwrap_or_else(|| {
            outputs.push(Socket { name: name.unwrap_or_default().to_string(), ..Socket::default() });
            outputs.len() - 1
        })
    }
}

/// A text on one line: white space, line breaks and all, becomes single spaces.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > SHOWN_LITERAL {
            let end = (0..=SHOWN_LITERAL).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}
