//! What is drawn of a workflow: nodes with their sockets, and wires. It knows nothing of terminals.

mod blame;
pub(crate) mod fold;
mod read;

use easel_engine::{Diagnostic, Document, Graph, Part};

/// One workflow as it is drawn: that of a document, or one that a node of it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// In the order in which they are written.
    pub nodes: Vec<SceneNode>,
    /// By the nodes that take, in that order; those of a list in the order of the list.
    pub wires: Vec<SceneWire>,
}

/// A node as it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SceneNode {
    /// Its name.
    pub id: String,
    /// Its type; empty if that could not be read.
    pub node_type: String,
    /// Those that are fed, and those that must be and are not, in the order of the node type.
    pub inputs: Vec<Socket>,
    /// All outputs of its type; of an unknown type those that wires name.
    pub outputs: Vec<Socket>,
    /// It is left out, and so is what cannot go without it.
    pub is_muted: bool,
    /// It is left out, and its outputs are what its inputs are given.
    pub is_bypassed: bool,
    /// It runs another workflow, which is known and can be looked into.
    pub has_body: bool,
    /// The group that it belongs to.
    pub group: Option<Group>,
    /// Of a group that is drawn as one box, the names of its nodes.
    pub members: Vec<String>,
    /// How many errors there are in it, and in the workflow that it runs.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
}

/// Nodes that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its colour, by name.
    pub colour: Option<String>,
}

/// An input or an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// Its name; empty if there is but one and nobody knows what it is called.
    pub name: String,
    /// The name of the kind that it takes or gives; empty if unknown.
    pub kind: String,
    /// What is written there if no wire feeds it, on one line. Without it and without a wire, an input is missing.
    pub literal: Option<String>,
    /// What feeds it only runs once the node asks for it.
    pub is_lazy: bool,
}

/// From an output to an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SceneWire {
    /// The output.
    pub from: Port,
    /// The input.
    pub to: Port,
}

/// A socket, by its place among the inputs or outputs of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The node, by its place in the scene.
    pub node: usize,
    /// The socket, by its place in the node.
    pub socket: usize,
}

impl SceneNode {
    /// The node and the socket that one of its sockets stands for: those of a group are its members'.
    pub fn owner<'a>(&'a self, socket: &'a Socket) -> (&'a str, &'a str) {
        self.owner_of(&socket.name)
    }

    /// The same of a socket by its name.
    pub fn owner_of<'a>(&'a self, socket: &'a str) -> (&'a str, &'a str) {
        // A name may have a point too: the longest that fits is meant.
        let own =
            |member: &'a String| Some((member.as_str(), socket.strip_prefix(member.as_str())?.strip_prefix('.')?));
        self.members.iter().filter_map(own).max_by_key(|(member, _)| member.len()).unwrap_or((&self.id, socket))
    }
}

impl Scene {
    /// The workflow of a document. `graph` is what was built of that document, `diagnostics` all that was found wrong.
    pub fn of(document: &Document, graph: &Graph, diagnostics: &[Diagnostic]) -> Scene {
        let findings = diagnostics.iter().filter(|diagnostic| diagnostic.source.is_none());
        read::scene(document.workflow(), &graph.part(), blame::Findings::new(findings, diagnostics))
    }

    /// The workflow that is entered by going into these nodes, one after the other, outermost first; none if one of
    /// them is not there or runs no workflow that is known.
    pub fn inside(path: &[&str], graph: &Graph, diagnostics: &[Diagnostic]) -> Option<Scene> {
        let part = path.iter().try_fold(graph.part(), |part, id| {
            let place = part.workflow().nodes().iter().position(|node| node.id.value == *id)?;
            part.body(place)
        })?;
        Some(Scene::of_part(&part, graph, diagnostics))
    }

    fn of_part(part: &Part<'_>, graph: &Graph, diagnostics: &[Diagnostic]) -> Scene {
        let main = graph.document().source();
        let own = part.document().source();
        let is_here = |diagnostic: &&Diagnostic| match &diagnostic.source {
            None => own == main,
            Some(source) => **source == *own,
        };
        read::scene(part.workflow(), part, blame::Findings::new(diagnostics.iter().filter(is_here), diagnostics))
    }

    /// The wires that end at an input.
    pub fn wires_into(&self, port: Port) -> impl Iterator<Item = usize> {
        self.wires.iter().enumerate().filter(move |(_, wire)| wire.to == port).map(|(index, _)| index)
    }

    /// The wires that begin at an output.
    pub fn wires_out_of(&self, port: Port) -> impl Iterator<Item = usize> {
        self.wires.iter().enumerate().filter(move |(_, wire)| wire.from == port).map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests;
