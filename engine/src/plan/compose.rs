//! Puts a workflow and everything that it includes together into one sequence of steps.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::resolve::{Resolved, Trouble};
use super::{Action, Limit, NodeOptions, Param, Step, StepInput, StepOutput};
use crate::diagnostic::Diagnostic;
use crate::document::{NodeEntry, Options};
use crate::graph::{CallForm, Callee, Graph, Link, ModuleCall};
use crate::node::Services;
use crate::registry::Registered;
use crate::spec::Presence;
use crate::value::{Kind, Value};

/// Puts one block together.
pub(super) struct Composer<'a> {
    pub(super) graph: &'a Graph,
    pub(super) base_dir: &'a Path,
    pub(super) memory_limit: Option<u64>,
    /// Those that the run will have.
    pub(super) services: &'a Services,
    /// The names of the outputs of each node type, made once.
    names: Vec<Option<Arc<[Arc<str>]>>>,
    pub(super) params: Vec<Param>,
    pub(super) scopes: Vec<Scope>,
    /// What included workflows give, and what stands for nodes that are bypassed.
    pub(super) outputs: Vec<Vec<Resolved>>,
    /// Everything that is needed by a node stands before it.
    pub(super) drafts: Vec<Draft>,
    /// The step of each of them; none if it can never run.
    pub(super) steps: Vec<Option<Step>>,
    pub(super) rarities: HashMap<u32, Rarity>,
    /// (taker, giver) where something wrong keeps the wire from being drawn.
    pub(super) lost_wires: Vec<(u32, u32)>,
    pub(super) problems: Vec<Problem>,
    /// How many feeds all lists hold.
    pub(super) listed: usize,
    /// What is known of the inputs of the node at hand: one list for all.
    pub(super) literals: Vec<(&'static str, Value)>,
    /// The node of the outermost workflow that is being put into place.
    under_way: Option<u32>,
}

/// A workflow at the place where it is included.
pub(super) struct Scope {
    pub(super) module: usize,
    /// What the names of its nodes begin with: nothing, or `outer/`.
    pub(super) prefix: String,
    pub(super) inputs: Vec<ScopeInput>,
    /// For each node where it went.
    pub(super) spots: Vec<Spot>,
    /// What the nodes are told that do not say otherwise.
    pub(super) options: NodeOptions,
    /// How long it may take as a whole.
    limit: Option<Arc<Limit>>,
    /// The node of the outermost workflow that it is part of; none if it is that workflow.
    top: Option<u32>,
}

/// An input of a workflow at the place where it is included.
pub(super) struct ScopeInput {
    pub(super) resolved: Resolved,
    /// For messages: whose decision its value was.
    pub(super) given: Given,
}

/// Who gave an input its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// The caller of the run.
    Set,
    /// Nobody: it is the declared default.
    Default,
    /// The workflow that includes this one.
    Handed,
}

/// Where a node of a scope went.
#[derive(Clone, Copy)]
pub(super) enum Spot {
    /// It is not there yet.
    Nowhere,
    /// This step.
    Node(u32),
    /// What it gives is in this table.
    Outputs(u32),
    /// It is muted.
    Gone,
}

/// A node of the block, whether or not it will run.
pub(super) struct Draft {
    pub(super) scope: u32,
    /// Its place in the workflow of the scope.
    pub(super) node: u32,
    pub(super) has_effect: bool,
    pub(super) is_broken: bool,
}

/// What is known of few nodes.
#[derive(Default)]
pub(super) struct Rarity {
    /// What is wrong in the body that it runs, and where: (module, node) of what the body needs.
    pub(super) inside: Vec<(u32, u32)>,
    /// The files that it, or the nodes of its body, will read.
    pub(super) files: Vec<PathBuf>,
}

/// Something wrong with a node that only shows when it is put into place.
pub(super) struct Problem {
    pub(super) draft: u32,
    pub(super) diagnostic: Diagnostic,
    /// What it says of which input: said once, though it may reach many nodes.
    pub(super) about: Option<(String, String)>,
    /// It is nothing to those who do not need the node.
    pub(super) only_if_wanted: bool,
    /// It is in a body that does not need it.
    pub(super) is_aside: bool,
}

impl<'a> Composer<'a> {
    pub(super) fn new(graph: &'a Graph, base_dir: &'a Path, services: &'a Services, memory_limit: Option<u64>) -> Self {
        Composer {
            graph,
            base_dir,
            memory_limit,
            services,
            names: Vec::new(),
            params: Vec::new(),
            scopes: Vec::new(),
            outputs: Vec::new(),
            drafts: Vec::new(),
            steps: Vec::new(),
            rarities: HashMap::new(),
            lost_wires: Vec::new(),
            problems: Vec::new(),
            listed: 0,
            literals: Vec::new(),
            under_way: None,
        }
    }

    /// Puts a workflow into place. Its depth is bounded, and so is this recursion. Returns the scope.
    pub(super) fn place(
        &mut self,
        module: usize,
        prefix: String,
        inputs: Vec<ScopeInput>,
        (options, limit): (NodeOptions, Option<Arc<Limit>>),
    ) -> usize {
        let graph = self.graph;
        let nodes = &graph.modules[module].nodes;
        let scope = self.scopes.len();
        self.drafts.reserve(nodes.len());
        self.steps.reserve(nodes.len());
        let top = self.under_way;
        self.scopes.push(Scope {
            module,
            prefix,
            inputs,
            spots: vec![Spot::Nowhere; nodes.len()],
            options,
            limit,
            top,
        });
        for &node in &graph.modules[module].order {
            if top.is_none() {
                self.under_way = Some(node);
            }
            let spot = self.node(scope, node as usize);
            self.scopes[scope].spots[node as usize] = spot;
        }
        if top.is_none() {
            self.under_way = None;
        }
        scope
    }

    /// The names of all nodes.
    pub(super) fn ids(&self) -> impl Iterator<Item = String> {
        self.drafts.iter().map(|draft| {
            let scope = &self.scopes[draft.scope as usize];
            format!("{}{}", scope.prefix, self.graph.modules[scope.module].id(draft.node as usize))
        })
    }

    /// The node of the outermost workflow that a node is or is part of.
    pub(super) fn root_node(&self, draft: &Draft) -> usize {
        self.scopes[draft.scope as usize].top.unwrap_or(draft.node) as usize
    }

    /// What the workflow of a scope gives.
    pub(super) fn results(&mut self, scope: usize) -> Vec<Resolved> {
        let graph = self.graph;
        let module = &graph.modules[self.scopes[scope].module];
        let mut troubles = Vec::new();
        // Whatever cannot be had breaks what takes it.
        module.outputs.iter().map(|output| self.resolve(scope, &output.link, &mut troubles)).collect()
    }

    fn node(&mut self, scope: usize, node: usize) -> Spot {
        let graph = self.graph;
        let module = &graph.modules[self.scopes[scope].module];
        let entry = &module.workflow.nodes[node];
        let graph_node = &module.nodes[node];
        let options = entry.options.as_deref();
        if options.is_some_and(|options| options.mute) {
            return Spot::Gone;
        }
        if options.is_some_and(|options| options.bypass) {
            return self.bypassed(scope, node);
        }
        match &graph_node.call {
            Callee::Unknown => self.broken(scope, node, &graph_node.links),
            Callee::Node(place) => self.plain(scope, node, *place, entry),
            Callee::Module(call) => {
                let is_broken = !graph_node.is_sound || graph.modules[call.module].is_broken;
                match &call.form {
                    _ if is_broken => self.broken_call(scope, node, &graph_node.links),
                    CallForm::Include => self.include(scope, node, call),
                    CallForm::Map { .. } | CallForm::Loop { .. } => self.body(scope, node, call),
                }
            }
        }
    }

    /// The kind of a node's output.
    pub(super) fn output_kind(&self, module: usize, node: usize, output: usize) -> Option<Kind> {
        let node = &self.graph.modules[module].nodes[node];
        match (&node.call, node.kinds.get(output)) {
            (_, Some(kind)) => *kind,
            (Callee::Node(place), None) => Some(self.graph.registered(*place).spec.outputs.get(output)?.kind),
            _ => None,
        }
    }

    pub(super) fn draft(&mut self, scope: usize, node: usize, step: Option<Step>) -> u32 {
        let draft = Draft { scope: scope as u32, node: node as u32, is_broken: step.is_none(), has_effect: false };
        self.drafts.push(draft);
        self.steps.push(step);
        self.drafts.len() as u32 - 1
    }

    pub(super) fn lose(&mut self, taker: u32, givers: &[u32]) {
        self.lost_wires.extend(givers.iter().map(|&giver| (taker, giver)));
    }

    /// A node of which nothing is known but what it takes from.
    fn broken(&mut self, scope: usize, node: usize, links: &[Link]) -> Spot {
        let needs: Vec<_> = links.iter().flat_map(|link| self.resolve(scope, link, &mut Vec::new()).needs()).collect();
        let draft = self.draft(scope, node, None);
        self.lose(draft, &needs);
        Spot::Node(draft)
    }

    /// A workflow that cannot be put into place.
    fn broken_call(&mut self, scope: usize, node: usize, links: &[Link]) -> Spot {
        let Spot::Node(draft) = self.broken(scope, node, links) else { return Spot::Nowhere };
        let module = &self.graph.modules[self.scopes[scope].module];
        let outputs = vec![Resolved::Broken(vec![draft]); module.nodes[node].kinds.len()];
        self.table(outputs)
    }

    pub(super) fn table(&mut self, outputs: Vec<Resolved>) -> Spot {
        self.outputs.push(outputs);
        Spot::Outputs(self.outputs.len() as u32 - 1)
    }

    /// Each output is what the first input of its kind is given.
    fn bypassed(&mut self, scope: usize, node: usize) -> Spot {
        let graph = self.graph;
        let module = self.scopes[scope].module;
        let graph_node = &graph.modules[module].nodes[node];
        let given: Vec<_> = (0..graph_node.links.len())
            .map(|at| {
                let resolved = self.resolve(scope, &graph_node.links[at], &mut Vec::new());
                match (&graph_node.links[at], &graph_node.call) {
                    (Link::Default, Callee::Node(place)) => match &graph.registered(*place).spec.inputs[at].presence {
                        Presence::Default(value) => Resolved::known(value.clone()),
                        _ => resolved,
                    },
                    _ => resolved,
                }
            })
            .collect();
        let count = match &graph_node.call {
            Callee::Unknown => 0,
            Callee::Node(place) => graph.registered(*place).spec.outputs.len(),
            Callee::Module(_) => graph_node.kinds.len(),
        };
        let outputs = (0..count).map(|output| {
            let kind = self.output_kind(module, node, output);
            let first = given.iter().find(|given| match given {
                Resolved::Given(_, given) => Some(*given) == kind,
                Resolved::Broken(_) => true,
                _ => false,
            });
            first.cloned().unwrap_or(Resolved::Gone)
        });
        let outputs = outputs.collect();
        self.table(outputs)
    }

    fn plain(&mut self, scope: usize, node: usize, place: u32, entry: &NodeEntry) -> Spot {
        let graph = self.graph;
        let registered = graph.registered(place);
        let graph_node = &graph.modules[self.scopes[scope].module].nodes[node];
        let mut inputs = Vec::with_capacity(graph_node.links.len());
        let mut gathered = Gathered { is_broken: !graph_node.is_sound, ..Gathered::default() };
        for (input, (link, spec)) in graph_node.links.iter().zip(&registered.spec.inputs).enumerate() {
            let mut resolved = self.resolve(scope, link, &mut gathered.troubles);
            let is_left = matches!(resolved, Resolved::Gone) || matches!(link, Link::Default);
            if is_left && let Presence::Default(value) = &spec.presence {
                resolved = Resolved::known(value.clone());
            }
            match resolved {
                Resolved::Gone if matches!(spec.presence, Presence::Required) => return Spot::Gone,
                Resolved::Nothing | Resolved::Gone => {}
                Resolved::Given(origin, _) => {
                    inputs.push(StepInput { input, lazy: spec.lazy, origin });
                }
                wrong => gathered.wrong(wrong),
            }
        }
        let step = self.step(scope, node, place, registered, entry, inputs);
        let draft = self.draft(scope, node, Some(step));
        self.drafts[draft as usize].has_effect = registered.spec.effect;
        self.settle(draft, gathered);
        self.check_node(draft, graph_node, registered);
        Spot::Node(draft)
    }

    fn step(
        &mut self,
        scope: usize,
        node: usize,
        place: u32,
        registered: &Registered,
        entry: &NodeEntry,
        inputs: Vec<StepInput>,
    ) -> Step {
        let names = self.output_names(place, registered);
        let module = self.scopes[scope].module;
        let outputs = registered.spec.outputs.iter().enumerate().map(|(at, output)| StepOutput {
            name: Arc::clone(&names[at]),
            kind: if output.derived.is_some() {
                self.output_kind(module, node, at).unwrap_or(output.kind)
            } else {
                output.kind
            },
            uses: 0,
        });
        Step {
            outputs: outputs.collect(),
            id: self.id(scope, &entry.id.value),
            inputs,
            is_target: false,
            options: self.options(scope, entry.options.as_deref()),
            limit: self.scopes[scope].limit.clone(),
            memory: None,
            takes_device_memory: false,
            action: Action::Node(registered.clone()),
        }
    }

    fn output_names(&mut self, place: u32, registered: &Registered) -> Arc<[Arc<str>]> {
        let place = place as usize;
        if self.names.len() <= place {
            self.names.resize(place + 1, None);
        }
        let make = || registered.spec.outputs.iter().map(|output| Arc::from(output.name)).collect();
        Arc::clone(self.names[place].get_or_insert_with(make))
    }

    pub(super) fn id(&self, scope: usize, id: &str) -> Arc<str> {
        match self.scopes[scope].prefix.as_str() {
            "" => id.into(),
            prefix => format!("{prefix}{id}").into(),
        }
    }

    /// What a node says, and what it does not say as the workflow around it is told.
    pub(super) fn options(&self, scope: usize, said: Option<&Options>) -> NodeOptions {
        let mut options = self.scopes[scope].options.clone();
        if let Some(said) = said {
            options.cache = said.cache.unwrap_or(options.cache);
            options.timeout = said.timeout.or(options.timeout);
            options.retry = said.retry.unwrap_or(options.retry);
            options.device = said.device.as_ref().map(|device| Arc::clone(&device.value)).or(options.device);
        }
        options
    }

    /// What nodes inside of a map, a loop or an included workflow are told, and what limits them all together.
    pub(super) fn inner_options(&self, scope: usize, entry: &NodeEntry) -> (NodeOptions, Option<Arc<Limit>>) {
        let mut options = self.options(scope, entry.options.as_deref());
        let outer = self.scopes[scope].limit.clone();
        let Some(timeout) = options.timeout.take() else { return (options, outer) };
        let limit = Limit { id: self.id(scope, &entry.id.value), timeout, outer };
        (options, Some(Arc::new(limit)))
    }

    fn include(&mut self, scope: usize, node: usize, call: &ModuleCall) -> Spot {
        let graph = self.graph;
        let module = &graph.modules[self.scopes[scope].module];
        let entry = &module.workflow.nodes[node];
        let graph_node = &module.nodes[node];
        let mut gathered = Gathered::default();
        let inputs = (0..graph_node.links.len())
            .map(|input| self.handed(scope, call, &graph_node.links[input], input, &mut gathered.troubles))
            .collect();
        if !gathered.troubles.is_empty() {
            let Spot::Node(draft) = self.broken(scope, node, &graph_node.links) else { return Spot::Nowhere };
            self.settle(draft, gathered);
            return self.table(vec![Resolved::Broken(vec![draft]); graph_node.kinds.len()]);
        }
        let prefix = format!("{}{}/", self.scopes[scope].prefix, entry.id.value);
        let options = self.inner_options(scope, entry);
        let inner = self.place(call.module, prefix, inputs, options);
        let outputs = self.results(inner);
        self.table(outputs)
    }

    /// What an included workflow is given for an input.
    pub(super) fn handed(
        &mut self,
        scope: usize,
        call: &ModuleCall,
        link: &Link,
        input: usize,
        troubles: &mut Vec<Trouble>,
    ) -> ScopeInput {
        let resolved = self.resolve(scope, link, troubles);
        let workflow = &self.graph.modules[call.module].workflow;
        let is_left = matches!(resolved, Resolved::Gone) || matches!(link, Link::Default);
        let default = workflow.inputs.get_index(input).and_then(|(_, declared)| declared.default.as_ref());
        match default {
            Some(default) if is_left => {
                ScopeInput { resolved: Resolved::known(default.value.value()), given: Given::Default }
            }
            // A default that could not be read.
            None if matches!(link, Link::Default) => {
                ScopeInput { resolved: Resolved::Broken(Vec::new()), given: Given::Default }
            }
            _ => ScopeInput { resolved, given: Given::Handed },
        }
    }

    /// Notes what is wrong with the inputs of a node.
    pub(super) fn settle(&mut self, draft: u32, gathered: Gathered) {
        self.drafts[draft as usize].is_broken |= gathered.is_broken;
        self.lose(draft, &gathered.needs);
        for input in gathered.missing {
            self.missing_input(draft, input);
        }
        for trouble in gathered.troubles {
            self.trouble(draft, &trouble);
        }
    }
}

/// What is wrong with the inputs of a node.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) is_broken: bool,
    pub(super) needs: Vec<u32>,
    pub(super) missing: Vec<usize>,
    pub(super) troubles: Vec<Trouble>,
}

impl Gathered {
    pub(super) fn wrong(&mut self, resolved: Resolved) {
        self.is_broken = true;
        match resolved {
            Resolved::Missing { input } => self.missing.push(input),
            other => self.needs.extend(other.needs()),
        }
    }
}
