//! From a document to a graph: every check that needs nothing but the document and the registry.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use super::{Finding, Graph, GraphNode, Link, cycles, hints};
use crate::check::{self, Fit};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Feed, Literal, NodeEntry, NodeInput, Spanned};
use crate::guard;
use crate::registry::{Registered, Registry};
use crate::spec::{InputSpec, NodeSpec, Presence};
use crate::suggest;

/// Looking for what was meant takes time: a huge file in which everything is wrong is refused without.
const MAX_HINTS: usize = 200;

/// A longer cycle is only shown in part.
const SHOWN_CYCLE: usize = 12;

pub(super) fn build(document: &Document, registry: &Registry) -> (Graph, Vec<Finding>) {
    let mut builder = Builder { document, registry, types: Vec::new(), findings: Vec::new(), wires: HashMap::new() };
    builder.types = document.nodes.iter().enumerate().map(|(index, node)| builder.find_type(index, node)).collect();
    let nodes: Vec<_> = document.nodes.iter().enumerate().map(|(index, node)| builder.node(index, node)).collect();
    let mut edges = StableDiGraph::with_capacity(nodes.len(), builder.wires.len());
    for _ in &nodes {
        edges.add_node(());
    }
    let mut wires: Vec<_> = builder.wires.keys().copied().collect();
    wires.sort_unstable();
    for (from, to) in wires {
        edges.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
    }
    builder.report_cycles(&edges);
    let graph = Graph { document: Arc::new(document.clone()), nodes, edges };
    (graph, builder.findings)
}

struct Builder<'a> {
    document: &'a Document,
    registry: &'a Registry,
    /// The type of each node, as far as it is known.
    types: Vec<Option<Registered>>,
    findings: Vec<Finding>,
    /// (from, to) → where the first wire between them is written.
    wires: HashMap<(usize, usize), Range<usize>>,
}

impl Builder<'_> {
    fn report(&mut self, node: usize, diagnostic: Diagnostic) {
        self.findings.push(Finding { node: Some(node), diagnostic });
    }

    fn hint(&self, find: impl FnOnce() -> Option<String>) -> Option<String> {
        if self.findings.len() < MAX_HINTS { find() } else { None }
    }

    fn find_type(&mut self, index: usize, node: &NodeEntry) -> Option<Registered> {
        let name = node.node_type.as_ref()?;
        let found = self.registry.nodes.get(name.value.as_str()).cloned();
        if found.is_none() {
            let hint =
                self.hint(|| suggest::hint(&name.value, "there are", self.registry.specs().map(|spec| spec.name)));
            let diagnostic = Diagnostic::error("unknown-node-type", format!("there is no node type `{}`", name.value))
                .with_label(name.span.clone(), "not known")
                .with_hint_if(hint);
            self.report(index, diagnostic);
        }
        found
    }

    fn node(&mut self, index: usize, entry: &NodeEntry) -> GraphNode {
        let registered = self.types[index].clone();
        let mut links = Vec::new();
        match &registered {
            Some(Registered { spec, .. }) => {
                self.unknown_inputs(index, entry, spec);
                links.extend(spec.inputs.iter().map(|input| self.link(index, entry, spec, input)));
            }
            // Without a type its wires can still be wrong.
            None => {
                for input in &entry.inputs {
                    self.check_reference(index, input);
                }
            }
        }
        GraphNode { id: entry.id.clone(), registered, links }
    }

    fn unknown_inputs(&mut self, index: usize, entry: &NodeEntry, spec: &NodeSpec) {
        for input in &entry.inputs {
            let name = &input.name;
            if spec.find_input(&name.value).is_some() {
                continue;
            }
            let names = spec.inputs.iter().map(|input| input.name);
            let hint = match names.len() {
                0 => Some("it has no inputs".into()),
                _ => self.hint(|| suggest::hint_and_list(&name.value, "it has", names)),
            };
            let diagnostic =
                Diagnostic::error("unknown-node-input", format!("`{}` has no input `{}`", spec.name, name.value))
                    .with_label(name.span.clone(), "not known")
                    .with_hint_if(hint);
            self.report(index, diagnostic);
            self.check_reference(index, input);
        }
    }

    /// Whether what an input names exists; the socket that it feeds is not known.
    fn check_reference(&mut self, index: usize, input: &NodeInput) {
        match &input.value.value {
            Feed::Input(name) => self.find_input(index, name, &input.value.span),
            Feed::From { node, socket } => {
                self.find_output(index, node, socket.as_deref(), &input.value.span);
            }
            Feed::Literal(_) | Feed::Unreadable => {}
        }
    }

    fn link(&mut self, index: usize, entry: &NodeEntry, spec: &NodeSpec, input: &InputSpec) -> Link {
        let Some(written) = entry.inputs.iter().find(|written| written.name.value == input.name) else {
            return self.unfed(index, entry, spec, input);
        };
        let Spanned { value: feed, span } = &written.value;
        let linked = match feed {
            Feed::Unreadable => None,
            Feed::Literal(literal) => self.literal(index, spec, input, literal, span),
            Feed::Input(name) => self.input(index, spec, input, name, span),
            Feed::From { node, socket } => self.wire(index, spec, input, (node, socket.as_deref()), span),
        };
        linked.unwrap_or(Link::Broken)
    }

    fn unfed(&mut self, index: usize, entry: &NodeEntry, spec: &NodeSpec, input: &InputSpec) -> Link {
        match &input.presence {
            Presence::Optional => Link::Absent,
            Presence::Default(value) => Link::Default(value.clone()),
            Presence::Required => {
                if !self.document.is_damaged(&entry.span) {
                    let place = entry.node_type.as_ref().map_or(&entry.span, |name| &name.span);
                    let kinds = hints::kind_words(&input.kinds);
                    let message = format!("`{}` needs the input `{}` ({kinds})", spec.name, input.name);
                    let diagnostic = Diagnostic::error("missing-input", message)
                        .with_label(place.clone(), format!("`{}` is missing", input.name))
                        .with_hint_if(self.hint(|| hints::for_socket(self.registry, self.document, input)));
                    self.report(index, diagnostic);
                }
                Link::Broken
            }
        }
    }

    fn literal(
        &mut self,
        index: usize,
        spec: &NodeSpec,
        input: &InputSpec,
        literal: &Literal,
        span: &Range<usize>,
    ) -> Option<Link> {
        let socket = format!("{}.{}", spec.name, input.name);
        let Some(fit) = Fit::find(self.registry, literal.kind(), &input.kinds) else {
            let message =
                format!("`{socket}` takes {}, but this is {}", hints::kind_words(&input.kinds), literal.kind());
            let hint = input.kinds.iter().find_map(|&kind| check::literal_hint(literal, kind));
            let hint = hint.or_else(|| self.hint(|| hints::for_socket(self.registry, self.document, input)));
            let diagnostic = Diagnostic::error("kind-mismatch", message)
                .with_label(span.clone(), format!("this is {}", literal.kind()))
                .with_hint_if(hint);
            self.report(index, diagnostic);
            return None;
        };
        let converted = guard::catch(|| fit.apply(&literal.value())).and_then(|value| value.map_err(|e| e.to_string()));
        let problem = match converted {
            Ok(value) => match check::check(&value, input.range.as_ref(), &input.choices) {
                Ok(()) => return Some(Link::Literal(value)),
                Err(problem) => problem,
            },
            Err(message) => check::Problem {
                code: "invalid-input",
                message: format!("cannot take this: {message}"),
                label: "here".into(),
                hint: None,
            },
        };
        let diagnostic = Diagnostic::error(problem.code, format!("`{socket}` {}", problem.message))
            .with_label(span.clone(), problem.label)
            .with_hint_if(problem.hint);
        self.report(index, diagnostic);
        None
    }

    /// Reports an input of the workflow that does not exist.
    fn find_input(&mut self, index: usize, name: &str, span: &Range<usize>) {
        if self.document.inputs.contains_key(name) || self.document.cut_off {
            return;
        }
        let hint = if self.document.by_id.contains_key(name) {
            Some(format!("`{name}` is a node: write `From(\"{name}\")`"))
        } else {
            let names = self.document.inputs.keys().map(String::as_str);
            let hint = self.hint(|| suggest::hint(name, "there are", names));
            hint.or_else(|| Some(format!("declare it: `inputs: {{ \"{name}\": Text() }}`")))
        };
        let diagnostic = Diagnostic::error("unknown-input", format!("the workflow has no input `{name}`"))
            .with_label(span.clone(), "not declared")
            .with_hint_if(hint);
        self.report(index, diagnostic);
    }

    fn input(
        &mut self,
        index: usize,
        spec: &NodeSpec,
        input: &InputSpec,
        name: &str,
        span: &Range<usize>,
    ) -> Option<Link> {
        let Some(declared) = self.document.inputs.get(name) else {
            self.find_input(index, name, span);
            return None;
        };
        let kind = declared.kind?;
        if let Some(fit) = Fit::find(self.registry, kind, &input.kinds) {
            return Some(Link::Input { name: name.to_string(), fit, span: span.clone() });
        }
        let takes = hints::kind_words(&input.kinds);
        let message = format!("`{}.{}` takes {takes}; the input `{name}` is {kind}", spec.name, input.name);
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(span.clone(), format!("this is {kind}"))
            .with_label(declared.span.clone(), "declared here")
            .with_hint_if(self.hint(|| hints::for_socket(self.registry, self.document, input)));
        self.report(index, diagnostic);
        None
    }

    fn wire(
        &mut self,
        index: usize,
        spec: &NodeSpec,
        input: &InputSpec,
        from: (&str, Option<&str>),
        span: &Range<usize>,
    ) -> Option<Link> {
        let (node, output) = self.find_output(index, from.0, from.1, span)?;
        let giver = Arc::clone(&self.types[node].as_ref()?.spec);
        let given = &giver.outputs[output];
        if let Some(fit) = Fit::find(self.registry, given.kind, &input.kinds) {
            return Some(Link::Wire { node, output, fit });
        }
        let takes = hints::kind_words(&input.kinds);
        let message =
            format!("`{}.{}` takes {takes}; `{}.{}` gives {}", spec.name, input.name, from.0, given.name, given.kind);
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(span.clone(), format!("this is {}", given.kind))
            .with_hint_if(self.hint(|| hints::for_wire(self.registry, from.0, &giver, given.kind, &input.kinds)));
        self.report(index, diagnostic);
        None
    }

    /// The node and output that a wire names, if they exist. Notes the wire whatever it carries: also a wire that
    /// does not fit makes a node depend on another.
    fn find_output(
        &mut self,
        index: usize,
        id: &str,
        socket: Option<&str>,
        span: &Range<usize>,
    ) -> Option<(usize, usize)> {
        let Some(&node) = self.document.by_id.get(id) else {
            self.unknown_node(index, id, span);
            return None;
        };
        self.wires.entry((node, index)).or_insert_with(|| span.clone());
        let spec = Arc::clone(&self.types[node].as_ref()?.spec);
        let position = match socket {
            Some(name) => spec.outputs.iter().position(|output| output.name == name),
            None if spec.outputs.len() == 1 => Some(0),
            None => None,
        };
        if let Some(output) = position {
            return Some((node, output));
        }
        let diagnostic = match socket {
            _ if spec.outputs.is_empty() => {
                Diagnostic::error("unknown-output", format!("`{id}` ({}) has no outputs", spec.name))
            }
            Some(name) => {
                let hint =
                    self.hint(|| suggest::hint_and_list(name, "it has", spec.outputs.iter().map(|output| output.name)));
                Diagnostic::error("unknown-output", format!("`{id}` ({}) has no output `{name}`", spec.name))
                    .with_hint_if(hint)
            }
            None => {
                let sockets: Vec<_> = spec.outputs.iter().map(|output| format!("{id}.{}", output.name)).collect();
                let hint =
                    suggest::listing(sockets.iter().map(String::as_str)).map(|names| format!("there are: {names}"));
                Diagnostic::error("ambiguous-output", format!("`{id}` ({}) has several outputs: say which", spec.name))
                    .with_hint_if(hint)
            }
        };
        self.report(index, diagnostic.with_label(span.clone(), "here"));
        None
    }

    fn unknown_node(&mut self, index: usize, id: &str, span: &Range<usize>) {
        if self.document.cut_off {
            return;
        }
        let hint = if self.document.inputs.contains_key(id) {
            Some(format!("`{id}` is an input of the workflow: write `Input(\"{id}\")`"))
        } else {
            self.hint(|| suggest::hint(id, "there are", self.document.nodes.iter().map(|node| node.id.value.as_str())))
        };
        let diagnostic = Diagnostic::error("unknown-node", format!("there is no node `{id}`"))
            .with_label(span.clone(), "not known")
            .with_hint_if(hint);
        self.report(index, diagnostic);
    }

    fn report_cycles(&mut self, edges: &StableDiGraph<(), ()>) {
        for cycle in cycles::find(edges) {
            let name = |node: usize| self.document.nodes[node].id.value.as_str();
            let mut path: Vec<_> = cycle.iter().take(SHOWN_CYCLE).map(|&node| name(node)).collect();
            if cycle.len() > SHOWN_CYCLE {
                path.push("…");
            }
            path.push(name(cycle[0]));
            let message = format!("nodes wait for each other in a circle: {}", path.join(" → "));
            let mut diagnostic = Diagnostic::error("cycle", message);
            for (at, &from) in cycle.iter().enumerate().take(SHOWN_CYCLE) {
                let to = cycle[(at + 1) % cycle.len()];
                if let Some(span) = self.wires.get(&(from, to)) {
                    let text = format!("`{}` needs `{}`", name(to), name(from));
                    diagnostic = diagnostic.with_label(span.clone(), text);
                }
            }
            self.report(cycle[0], diagnostic.with_hint("remove one of these wires"));
        }
    }
}
