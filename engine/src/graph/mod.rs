//! A workflow whose names are resolved: node types, sockets, wires, and the workflows that it includes.

mod adjacency;
mod build;
mod calls;
mod cycles;
mod fragment;
mod hints;
mod link;
mod modules;
mod part;
mod promises;
mod references;

pub use fragment::{Fragment, FragmentFeed, FragmentNode};
pub use part::Part;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use adjacency::Adjacency;
pub(crate) use build::{each_feed, each_piece};

use crate::check::Fit;
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Ragged, Workflow};
use crate::library::{Disk, Library};
use crate::registry::{Registered, Registry};
use crate::spec::NodeSpec;
use crate::value::{Kind, Value};

/// Workflows may include others this deep.
pub(crate) const MAX_NESTING: usize = 64;

/// A checked workflow. What is wrong in the document is left out of it and was reported.
pub struct Graph {
    registry: Registry,
    /// The workflow itself and all that it includes, each once; what one includes stands before it.
    pub(crate) modules: Vec<Module>,
    /// Everything that was found wrong, except for syntax errors of the document itself.
    pub(crate) findings: Vec<Finding>,
    /// The files that were asked for, whether or not they could be read.
    pub(crate) files: Vec<PathBuf>,
    /// The texts of those that were read.
    pub(crate) texts: IndexMap<PathBuf, Arc<str>>,
}

/// One workflow, resolved.
pub(crate) struct Module {
    pub(crate) document: Document,
    pub(crate) workflow: Arc<Workflow>,
    /// The kind of each declared input, as far as it is known.
    pub(crate) kinds: Vec<Option<Kind>>,
    /// As they are written.
    pub(crate) nodes: Vec<GraphNode>,
    pub(crate) outputs: Vec<GraphOutput>,
    /// The nodes in an order in which everything that a node needs stands before it; where that leaves a choice, as
    /// they are written. Nodes of cycles, and what needs them, come last.
    pub(crate) order: Vec<u32>,
    /// It is not what its author wrote: there are syntax errors.
    pub(crate) is_broken: bool,
    /// A node in it, or in what it includes, is muted or bypassed.
    pub(crate) is_switched: bool,
    /// How deep the workflows are nested that it includes; 1 if it includes none.
    pub(crate) depth: usize,
    /// How many nodes it comes to with those of all that it includes.
    pub(crate) size: u64,
}

/// A node with its inputs.
pub(crate) struct GraphNode {
    pub(crate) call: Callee,
    /// In the order of the spec, or of the workflow's inputs. A loop has one more: how many passes there may be.
    pub(crate) links: Box<[Link]>,
    /// The kinds of its outputs where they are not those of the spec; none if unknown.
    pub(crate) kinds: Box<[Option<Kind>]>,
    /// Nothing is wrong with itself; what it needs may be.
    pub(crate) is_sound: bool,
}

/// What a node runs.
pub(crate) enum Callee {
    /// Nobody knows.
    Unknown,
    /// A node type, by its place in the registry.
    Node(u32),
    /// Another workflow.
    Module(Box<ModuleCall>),
}

/// How a node runs another workflow; names are places among the inputs and outputs of that one.
pub(crate) struct ModuleCall {
    pub(crate) module: usize,
    pub(crate) form: CallForm,
}

pub(crate) enum CallForm {
    Include,
    Map { over: Vec<bool>, index: Option<usize>, ragged: Ragged },
    Loop { carry: Vec<(usize, usize)>, index: Option<usize>, go_on: Option<usize>, collect: Vec<bool> },
}

/// What a workflow gives.
pub(crate) struct GraphOutput {
    pub(crate) link: Link,
    pub(crate) kind: Option<Kind>,
}

/// What feeds an input.
pub(crate) enum Link {
    /// Nothing, and the node does without.
    Absent,
    /// The spec's default, by its place in the spec.
    Default,
    /// A literal, converted and found sound.
    Known(Value),
    /// A workflow input whose kind fits, by its place.
    Input { input: u32, fit: Fit },
    /// An output of a node, by their places.
    Wire { node: u32, output: u32, fit: Fit },
    /// A list of these.
    List { element: Kind, items: Vec<Link> },
    /// Something wrong, which was reported; perhaps a wire from this node.
    Broken { node: Option<u32> },
}

/// Something wrong, and what it spoils.
pub(crate) struct Finding {
    pub(crate) module: usize,
    pub(crate) place: Place,
    pub(crate) diagnostic: Diagnostic,
}

/// Where in a workflow something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In that node.
    Node(usize),
    /// Elsewhere.
    Workflow,
}

/// A wire between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire<'a> {
    /// The node that gives.
    pub from: &'a str,
    /// Its output.
    pub output: &'a str,
    /// The node that takes.
    pub to: &'a str,
    /// Its input.
    pub input: &'a str,
}

impl Graph {
    /// Resolves a document. What is wrong is all in the list; the rest is in the graph. Workflows that it includes are
    /// read from disk, relative to its folder.
    pub fn build(document: &Document, registry: &Registry) -> (Graph, Vec<Diagnostic>) {
        let folder = document.source.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let mut graph = Graph::resolve(document, registry, &Disk, folder);
        let mut diagnostics: Vec<_> =
            std::mem::take(&mut graph.findings).into_iter().map(|finding| finding.diagnostic).collect();
        diagnostics.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
        (graph, diagnostics)
    }

    /// Resolves a document; every finding knows what it spoils.
    pub(crate) fn resolve(document: &Document, registry: &Registry, library: &dyn Library, folder: &Path) -> Graph {
        modules::resolve(document, registry, library, folder)
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.root().document
    }

    /// The nodes in document order: name and spec, if they are of a type that is known.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&str, Option<&NodeSpec>)> {
        let root = self.root();
        root.workflow.nodes.iter().zip(&root.nodes).map(|(entry, node)| (entry.id.value.as_str(), self.spec(node)))
    }

    /// The wires that fit.
    pub fn wires(&self) -> impl Iterator<Item = Wire<'_>> {
        let root = self.root();
        root.nodes.iter().enumerate().flat_map(move |(to, taker)| {
            let mut wires = Vec::new();
            for (input, link) in taker.links.iter().enumerate() {
                link.each_wire(&mut |from, output| wires.push((from, output, to, input)));
            }
            wires.into_iter().filter_map(move |(from, output, to, input)| {
                Some(Wire {
                    from: root.id(from),
                    output: self.output_name(&root.nodes[from], output)?,
                    to: root.id(to),
                    input: self.input_name(&root.nodes[to], input)?,
                })
            })
        })
    }

    pub(crate) fn root(&self) -> &Module {
        &self.modules[self.root_index()]
    }

    pub(crate) fn root_index(&self) -> usize {
        self.modules.len() - 1
    }

    pub(crate) fn registered(&self, place: u32) -> &Registered {
        &self.registry.nodes[place as usize]
    }

    fn spec(&self, node: &GraphNode) -> Option<&NodeSpec> {
        match &node.call {
            Callee::Node(place) => Some(&self.registered(*place).spec),
            Callee::Unknown | Callee::Module(_) => None,
        }
    }

    fn output_name(&self, node: &GraphNode, output: usize) -> Option<&str> {
        match &node.call {
            Callee::Unknown => None,
            Callee::Node(place) => self.registered(*place).spec.outputs.get(output).map(|output| output.name),
            Callee::Module(call) => {
                let (name, _) = self.modules[call.module].workflow.outputs.get_index(output)?;
                Some(name)
            }
        }
    }

    fn input_name(&self, node: &GraphNode, input: usize) -> Option<&str> {
        match &node.call {
            Callee::Unknown => None,
            Callee::Node(place) => self.registered(*place).spec.inputs.get(input).map(|input| input.name),
            Callee::Module(call) => match self.modules[call.module].workflow.inputs.get_index(input) {
                Some((name, _)) => Some(name),
                None => Some("times"),
            },
        }
    }
}

impl Module {
    /// The name of a node.
    pub(crate) fn id(&self, node: usize) -> &str {
        &self.workflow.nodes[node].id.value
    }
}

impl Link {
    /// Calls `f` with every (node, output) that it names.
    pub(crate) fn each_wire(&self, f: &mut impl FnMut(usize, usize)) {
        match self {
            Link::Wire { node, output, .. } => f(*node as usize, *output as usize),
            Link::List { items, .. } => items.iter().for_each(|item| item.each_wire(f)),
            _ => {}
        }
    }
}

/// The place of a node's input in a document; the node itself if that input is not written there.
pub(crate) fn input_span<'a>(workflow: &'a Workflow, node: usize, input: &str) -> Option<&'a Range<usize>> {
    let entry = workflow.nodes.get(node)?;
    entry.inputs.iter().find(|written| written.name.value == input).map(|written| &written.value.span)
}
