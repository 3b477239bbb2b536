//! From a document to a graph: every check that needs nothing but the document, the registry and what is included.

use std::ops::Range;

use super::modules::{Modules, Scope, Unusable};
use super::{Adjacency, Callee, GraphNode, GraphOutput, Link, Module, Place, cycles};
use crate::diagnostic::Diagnostic;
use crate::document::{Feed, Literal, NodeEntry, Spanned, WorkflowInput, WorkflowOutput, can_be_written};
use crate::registry::Registered;
use crate::spec::{Derived, NodeSpec};
use crate::suggest;
use crate::value::{Kind, kinds};

/// Looking for what was meant takes time: a huge file in which everything is wrong is refused without.
const MAX_HINTS: usize = 200;

/// A longer cycle is only shown in part.
const SHOWN_CYCLE: usize = 12;

/// Resolves one workflow; those that it includes are resolved on the way.
pub(super) fn build(modules: &mut Modules<'_>, scope: &Scope<'_>) -> Module {
    let workflow = scope.workflow;
    let mut builder = Builder {
        modules,
        scope,
        kinds: Vec::new(),
        types: Vec::new(),
        nodes: Vec::new(),
        givers: Vec::new(),
        taken: 0,
        last_type: None,
    };
    builder.kinds = workflow.inputs.values().map(|input| builder.input_kind(input)).collect();
    builder.types = workflow.nodes.iter().enumerate().map(|(index, node)| builder.node_type(index, node)).collect();
    builder.nodes.extend(builder.types.iter().map(|_| GraphNode::unlinked()));
    // Where kinds of outputs follow from those of inputs, givers come first.
    let by_wires = builder.types.iter().any(|of| builder.has_own_kinds(*of));
    let incoming = if by_wires { builder.incoming() } else { builder.link_as_written() };
    let mut order = cycles::order(&incoming);
    let broken_from = order.len();
    if order.len() < workflow.nodes.len() {
        builder.report_cycles(&incoming);
        let mut is_ordered = vec![false; workflow.nodes.len()];
        order.iter().for_each(|&node| is_ordered[node as usize] = true);
        order.extend((0..workflow.nodes.len() as u32).filter(|&node| !is_ordered[node as usize]));
    }
    if by_wires {
        order.iter().for_each(|&node| builder.node(node as usize));
    }
    let outputs = workflow.outputs.values().map(|output| builder.output(output)).collect();
    let mut module = builder.finish(order, outputs);
    for at in broken_from..module.order.len() {
        let node = module.order[at] as usize;
        module.nodes[node].is_sound = false;
    }
    module
}

pub(super) struct Builder<'m, 'a> {
    pub(super) modules: &'m mut Modules<'a>,
    pub(super) scope: &'m Scope<'m>,
    /// The kinds of the workflow's inputs.
    pub(super) kinds: Vec<Option<Kind>>,
    pub(super) types: Vec<Type>,
    pub(super) nodes: Vec<GraphNode>,
    /// The nodes that the one names that is being linked.
    pub(super) givers: Vec<u32>,
    /// The type of the node before, by its place in the registry.
    last_type: Option<u32>,
    /// How many of the inputs of the node that is being linked are known ones.
    pub(super) taken: usize,
}

/// What a node is, before its inputs are known.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Unknown,
    Node(u32),
    /// Another workflow; none if it cannot be used.
    Module(Option<usize>),
}

impl GraphNode {
    fn unlinked() -> Self {
        GraphNode { call: Callee::Unknown, links: Box::default(), kinds: Box::default(), is_sound: true }
    }
}

impl<'m, 'a> Builder<'m, 'a> {
    pub(super) fn report(&mut self, place: Place, diagnostic: Diagnostic) {
        if let Place::Node(node) = place
            && diagnostic.is_error()
        {
            self.nodes.get_mut(node).into_iter().for_each(|node| node.is_sound = false);
        }
        self.modules.report(self.scope.document, place, diagnostic);
    }

    pub(super) fn hint(&self, find: impl FnOnce() -> Option<String>) -> Option<String> {
        if self.modules.findings.len() < MAX_HINTS { find() } else { None }
    }

    /// What is to be written in the place of a misspelt name, in quotes if that is.
    pub(super) fn name_fix<'n>(
        &self,
        name: &Spanned<String>,
        candidates: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        let close = self.hint(|| suggest::closest(&name.value, candidates).map(str::to_string))?;
        let is_quoted = self.scope.document.source.slice(&name.span).contains('"');
        Some(if is_quoted { Literal::Text(close).to_string() } else { close })
    }

    pub(super) fn registered(&self, place: u32) -> &'a Registered {
        &self.modules.registry.nodes[place as usize]
    }

    fn input_kind(&mut self, input: &WorkflowInput) -> Option<Kind> {
        let name = input.kind_name.as_ref()?;
        let registry = self.modules.registry;
        let kind = input.kind.or_else(|| registry.kind(&name.value));
        match kind {
            None => {
                let known: Vec<_> = registry.kinds().flat_map(|kind| [kind, kind.list()]).collect();
                let names: Vec<_> = known.iter().map(Kind::to_string).collect();
                let hint = self.hint(|| suggest::hint(&name.value, "there are", names.iter().map(String::as_str)));
                let message = format!("`{}` is no kind of workflow input", name.value);
                let diagnostic = Diagnostic::error("unknown-kind", message).with_label(name.span.clone(), "not known");
                self.report(Place::Workflow, diagnostic.with_hint_if(hint));
            }
            Some(kind) if !can_be_written(kind) => {
                for field in &input.misplaced {
                    let message = format!("`{kind}` has no field `{}`", field.value);
                    let diagnostic = Diagnostic::error("unknown-field", message)
                        .with_label(field.span.clone(), format!("a value of kind {kind} cannot be written down"))
                        .with_hint("only `about` can be said of it; a workflow that includes this one gives it");
                    self.report(Place::Workflow, diagnostic);
                }
            }
            Some(_) => {}
        }
        kind
    }

    fn node_type(&mut self, index: usize, node: &NodeEntry) -> Type {
        let Some(name) = &node.node_type else { return Type::Unknown };
        if let Some(call) = &node.call {
            let Some(name) = &call.workflow else { return Type::Module(None) };
            let found = self.modules.find(name, self.scope).and_then(|module| {
                self.modules.depth_below(name, module)?;
                Ok(module)
            });
            return Type::Module(found.map_err(|why| self.unusable(index, why)).ok());
        }
        let registry = self.modules.registry;
        // Nodes of one type often stand together.
        let is_last = |place: &u32| registry.nodes[*place as usize].spec.name == name.value;
        let known = self.last_type.filter(is_last);
        let known = known.or_else(|| registry.nodes.get_index_of(name.value.as_str()).map(|place| place as u32));
        if let Some(place) = known {
            self.last_type = known;
            return Type::Node(place);
        }
        let hint = self.hint(|| suggest::hint(&name.value, "there are", registry.specs().map(|spec| spec.name)));
        let fix = self.name_fix(name, registry.specs().map(|spec| spec.name));
        let diagnostic = Diagnostic::error("unknown-node-type", format!("there is no node type `{}`", name.value))
            .with_label(name.span.clone(), "not known")
            .with_hint_if(hint)
            .with_fix_if(&name.span, fix);
        self.report(Place::Node(index), diagnostic);
        Type::Unknown
    }

    fn unusable(&mut self, index: usize, why: Unusable) {
        if let Some(diagnostic) = why {
            self.report(Place::Node(index), *diagnostic);
        }
    }

    /// Whether the kinds of a node's outputs are only known once its inputs are.
    fn has_own_kinds(&self, of: Type) -> bool {
        match of {
            Type::Unknown => false,
            Type::Node(place) => self.registered(place).spec.outputs.iter().any(|output| output.derived.is_some()),
            Type::Module(_) => true,
        }
    }

    /// Links all nodes; which names which comes along with it.
    fn link_as_written(&mut self) -> Adjacency {
        let count = self.scope.workflow.nodes.len();
        let mut incoming = Adjacency::with_capacity(count);
        for node in 0..count {
            self.givers.clear();
            self.node(node);
            incoming.push(&mut self.givers);
        }
        incoming
    }

    /// Which nodes name which, whatever the wires carry: also a wire that does not fit makes a node depend on another.
    fn incoming(&self) -> Adjacency {
        let workflow = self.scope.workflow;
        let mut incoming = Adjacency::with_capacity(workflow.nodes.len());
        let mut givers = Vec::new();
        for entry in &workflow.nodes {
            each_feed(entry, &mut |feed, _| {
                if let Feed::From { node, .. } = feed
                    && let Some(&giver) = workflow.by_id.get(node)
                {
                    givers.push(giver as u32);
                }
            });
            incoming.push(&mut givers);
        }
        incoming
    }

    fn node(&mut self, index: usize) {
        let entry = &self.scope.workflow.nodes[index];
        self.check_device(index, entry);
        match self.types[index] {
            Type::Node(place) => self.plain_node(index, entry, place),
            Type::Module(Some(module)) => self.call(index, entry, module),
            // Without a type its wires can still be wrong.
            Type::Unknown | Type::Module(None) => {
                let mut givers = Vec::new();
                each_feed(entry, &mut |feed, span| givers.extend(self.check_reference(index, feed, span)));
                self.nodes[index].links = givers.into_iter().map(|node| Link::Broken { node: Some(node) }).collect();
                self.nodes[index].is_sound = false;
            }
        }
    }

    fn plain_node(&mut self, index: usize, entry: &NodeEntry, place: u32) {
        let registered = self.registered(place);
        let spec = &*registered.spec;
        self.taken = 0;
        let mut fed = Vec::new();
        let is_derived = spec.outputs.iter().any(|output| output.derived.is_some());
        let has_likeness = spec.inputs.iter().any(|input| input.like.is_some());
        let links = (0..spec.inputs.len()).map(|at| {
            let (link, kind) = self.spec_link(index, entry, spec, at);
            if is_derived || has_likeness {
                fed.push(kind);
            }
            link
        });
        let links = links.collect();
        if self.taken < entry.inputs.len() {
            self.unknown_inputs(index, entry, spec);
        }
        if has_likeness {
            self.check_likeness(index, entry, spec, &fed);
        }
        if is_derived {
            let of = |name: &str| spec.inputs.iter().position(|input| input.name == name).and_then(|at| fed[at]);
            let kinds = spec.outputs.iter().map(|output| match output.derived {
                None => Some(output.kind),
                Some(Derived::SameAs(name)) => of(name),
                Some(Derived::ElementOf(name)) => of(name).and_then(Kind::element),
                Some(Derived::ListOf(name)) => of(name).map(Kind::list),
            });
            self.nodes[index].kinds = kinds.collect();
        }
        self.nodes[index].call = Callee::Node(place);
        self.nodes[index].links = links;
    }

    fn unknown_inputs(&mut self, index: usize, entry: &NodeEntry, spec: &NodeSpec) {
        for input in entry.inputs.iter().filter(|input| spec.find_input(&input.name.value).is_none()) {
            let name = &input.name;
            let names = spec.inputs.iter().map(|input| input.name);
            let hint = match names.len() {
                0 => Some("it has no inputs".into()),
                _ => self.hint(|| suggest::hint_and_list(&name.value, "it has", names)),
            };
            let names = spec.inputs.iter().map(|input| input.name);
            let fix = self.name_fix(name, names);
            let diagnostic =
                Diagnostic::error("unknown-node-input", format!("`{}` has no input `{}`", spec.name, name.value))
                    .with_label(name.span.clone(), "not known")
                    .with_hint_if(hint)
                    .with_fix_if(&name.span, fix);
            self.report(Place::Node(index), diagnostic);
            self.check_references(index, &input.value.value, &input.value.span);
        }
    }

    fn output(&mut self, output: &WorkflowOutput) -> GraphOutput {
        match self.any_feed(Place::Workflow, &output.name.value, &output.value) {
            Some((link, kind)) => GraphOutput { link, kind: Some(kind) },
            None => GraphOutput { link: self.broken(&output.value.value), kind: None },
        }
    }

    fn report_cycles(&mut self, incoming: &Adjacency) {
        let workflow = self.scope.workflow;
        for cycle in cycles::find_in(incoming) {
            let name = |node: usize| workflow.nodes[node].id.value.as_str();
            let mut path: Vec<_> = cycle.iter().take(SHOWN_CYCLE).map(|&node| name(node)).collect();
            if cycle.len() > SHOWN_CYCLE {
                path.push("…");
            }
            path.push(name(cycle[0]));
            let message = format!("nodes wait for each other in a circle: {}", path.join(" → "));
            let mut diagnostic = Diagnostic::error("cycle", message);
            for (at, &from) in cycle.iter().enumerate().take(SHOWN_CYCLE) {
                let to = cycle[(at + 1) % cycle.len()];
                if let Some(span) = wire_span(&workflow.nodes[to], name(from)) {
                    let text = format!("`{}` needs `{}`", name(to), name(from));
                    diagnostic = diagnostic.with_label(span, text);
                }
            }
            self.report(Place::Node(cycle[0]), diagnostic.with_hint("remove one of these wires"));
        }
    }

    fn finish(self, order: Vec<u32>, outputs: Vec<GraphOutput>) -> Module {
        let Builder { modules, scope, kinds, nodes, .. } = self;
        let workflow = scope.workflow;
        let called = || {
            nodes.iter().filter_map(|node| match &node.call {
                Callee::Module(call) => Some(&modules.modules[call.module]),
                Callee::Unknown | Callee::Node(_) => None,
            })
        };
        let is_switched = |entry: &NodeEntry| entry.options.as_ref().is_some_and(|o| o.mute || o.bypass);
        Module {
            document: scope.document.clone(),
            workflow: workflow.clone(),
            is_broken: !scope.document.damage.is_empty() || scope.document.cut_off,
            is_switched: workflow.nodes.iter().any(is_switched) || called().any(|module| module.is_switched),
            depth: 1 + called().map(|module| module.depth).max().unwrap_or(0),
            size: called().fold(nodes.len() as u64, |size, module| size.saturating_add(module.size)),
            kinds,
            nodes,
            outputs,
            order,
        }
    }
}

/// Calls `f` with everything that feeds a node, lists piece by piece, and where it is written.
pub(crate) fn each_feed<'a>(entry: &'a NodeEntry, f: &mut impl FnMut(&'a Feed, &'a Range<usize>)) {
    entry.inputs.iter().for_each(|input| each_piece(&input.value, f));
    if let Some(times) = entry.call.as_ref().and_then(|call| call.times.as_ref()) {
        each_piece(times, f);
    }
}

/// The same of one feed.
pub(crate) fn each_piece<'a>(feed: &'a Spanned<Feed>, f: &mut impl FnMut(&'a Feed, &'a Range<usize>)) {
    match &feed.value {
        Feed::List(items) => items.iter().for_each(|item| each_piece(item, f)),
        one => f(one, &feed.span),
    }
}

/// Where a node takes from another.
fn wire_span(taker: &NodeEntry, giver: &str) -> Option<Range<usize>> {
    let mut found = None;
    each_feed(taker, &mut |feed, span| {
        if found.is_none() && matches!(feed, Feed::From { node, .. } if node == giver) {
            found = Some(span.clone());
        }
    });
    found
}

/// Outputs of this kind can feed nothing that is particular.
pub(super) const UNKNOWN_KIND: Kind = kinds::ANY;
