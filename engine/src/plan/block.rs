//! What a run carries out: steps in order, each with where its inputs come from.

use std::sync::Arc;
use std::time::Duration;

use crate::check::Fit;
pub(crate) use crate::document::Ragged;
use crate::event::PlannedNode;
use crate::registry::Registered;
use crate::value::{Kind, Value};

/// A checked piece of graph: a workflow, the body of a map or a loop, or what a node expanded into. Workflows that are
/// included as they are have been merged into the block that includes them.
pub(crate) struct Block {
    /// What is given from outside. The workflow itself has none: its inputs are known.
    pub(crate) params: Vec<Param>,
    /// In an order in which everything that a step needs stands before it.
    pub(crate) steps: Vec<Step>,
    /// What is given to the outside.
    pub(crate) results: Vec<BlockResult>,
}

/// An input of a block.
pub(crate) struct Param {
    pub(crate) name: Arc<str>,
}

/// An output of a block.
pub(crate) struct BlockResult {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
}

/// A node of a block. Others are named by their index in the block.
pub(crate) struct Step {
    /// Its name in the block: `node`, or `outer/inner` for a node of an included workflow.
    pub(crate) id: Arc<str>,
    pub(crate) action: Action,
    pub(crate) inputs: Vec<StepInput>,
    /// As the spec has them, or the results of the body.
    pub(crate) outputs: Vec<StepOutput>,
    /// It runs whether or not anything takes from it: the run is for it. A target of the run, or a node with an effect in
    /// a body.
    pub(crate) is_target: bool,
    pub(crate) options: NodeOptions,
    /// What limits it together with others.
    pub(crate) limit: Option<Arc<Limit>>,
    /// Bytes of this machine's memory that it will take at the most, if the node could tell beforehand.
    pub(crate) memory: Option<u64>,
    /// It will take memory of a device, of which there may be less when its turn comes.
    pub(crate) takes_device_memory: bool,
}

pub(crate) struct StepInput {
    /// Its place: in the spec of a node, among the parameters of a body. For a loop, one place after the last
    /// parameter is how many passes there may be at the most.
    pub(crate) input: usize,
    pub(crate) lazy: bool,
    pub(crate) origin: Origin,
}

pub(crate) struct StepOutput {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    /// How many inputs of steps, and results of the block, name it; each as often as it does.
    pub(crate) uses: usize,
}

/// What a step does.
pub(crate) enum Action {
    /// Runs a node.
    Node(Registered),
    /// Runs a body once for every element.
    Map(MapAction),
    /// Runs a body again and again.
    Loop(LoopAction),
}

/// A body that runs once for every element of one or more lists; its results are lists.
pub(crate) struct MapAction {
    pub(crate) body: Arc<Block>,
    /// For each parameter whether it is given a list, of which every pass gets an element.
    pub(crate) over: Vec<bool>,
    /// The parameter that is given the element's number, from 0.
    pub(crate) index: Option<usize>,
    pub(crate) ragged: Ragged,
}

/// A body whose results are its parameters in the next pass.
pub(crate) struct LoopAction {
    pub(crate) body: Arc<Block>,
    /// (parameter, result): in every pass but the first, that parameter is what that result was.
    pub(crate) carry: Vec<(usize, usize)>,
    /// The parameter that is given the pass's number, from 0.
    pub(crate) index: Option<usize>,
    /// A result, a boolean: there is another pass only if it is true.
    pub(crate) while_result: Option<usize>,
    /// For each result whether the loop gives it as a list, an element for each pass, instead of the last pass's.
    pub(crate) collect: Vec<bool>,
}

/// Where a value comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// Known, converted and found sound.
    Known(Value),
    /// An output of a step.
    Wire { step: usize, output: usize, fit: Fit },
    /// A parameter of the block.
    Param { param: usize, fit: Fit },
    /// A list of these; what is blocked is left out.
    List { element: Kind, items: Vec<Origin> },
}

/// How long a map, a loop or an included workflow may take as a whole: from when the first node in it runs.
pub(crate) struct Limit {
    /// Its name in the block.
    pub(crate) id: Arc<str>,
    pub(crate) timeout: Duration,
    /// The same for what it is included in.
    pub(crate) outer: Option<Arc<Limit>>,
}

/// How a workflow wants a node to be run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NodeOptions {
    /// Its results may be kept and taken from a cache.
    pub(crate) cache: bool,
    /// It fails when it takes longer. Maps, loops and included workflows have a [`Limit`] instead.
    pub(crate) timeout: Option<Duration>,
    /// How often it is tried again after a failure.
    pub(crate) retry: u32,
    /// Where it computes.
    pub(crate) device: Option<Arc<str>>,
}

impl Default for NodeOptions {
    fn default() -> Self {
        NodeOptions { cache: true, timeout: None, retry: 0, device: None }
    }
}

impl Block {
    /// Counts for every output how often it is named.
    pub(crate) fn count_uses(&mut self) {
        // All outputs in one row: a block may have a hundred thousand steps.
        let mut starts = Vec::with_capacity(self.steps.len());
        let mut count = 0;
        for step in &self.steps {
            starts.push(count);
            count += step.outputs.len();
        }
        let mut uses = vec![0; count];
        let inputs = self.steps.iter().flat_map(|step| step.inputs.iter().map(|input| &input.origin));
        for origin in inputs.chain(self.results.iter().map(|result| &result.origin)) {
            origin.each_wire(&mut |step, output| uses[starts[step] + output] += 1);
        }
        for (output, uses) in self.steps.iter_mut().flat_map(|step| &mut step.outputs).zip(uses) {
            output.uses = uses;
        }
    }
}

impl Origin {
    /// Calls `f` with every (step, output) that it names, in order.
    pub(crate) fn each_wire(&self, f: &mut impl FnMut(usize, usize)) {
        match self {
            Origin::Wire { step, output, .. } => f(*step, *output),
            Origin::List { items, .. } => items.iter().for_each(|item| item.each_wire(f)),
            Origin::Known(_) | Origin::Param { .. } => {}
        }
    }
}

impl Step {
    pub(crate) fn planned(&self) -> PlannedNode {
        PlannedNode { node: self.id.clone(), node_type: self.action.type_name().to_string() }
    }

    /// The name of an input, for messages.
    pub(crate) fn input_name(&self, input: usize) -> &str {
        match &self.action {
            Action::Node(registered) => registered.spec.inputs[input].name,
            Action::Map(MapAction { body, .. }) | Action::Loop(LoopAction { body, .. }) => {
                body.params.get(input).map_or("times", |param| &param.name)
            }
        }
    }
}

impl Action {
    /// As documents name it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Action::Node(registered) => registered.spec.name,
            Action::Map(_) => "Map",
            Action::Loop(_) => "Loop",
        }
    }
}
