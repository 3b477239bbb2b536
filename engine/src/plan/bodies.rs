//! Maps and loops: their bodies are blocks of their own.

use std::sync::Arc;

use super::compose::{Composer, Gathered, Given, Problem, Rarity, ScopeInput, Spot};
use super::demand::Demand;
use super::resolve::Resolved;
use super::{
    Action, Block, BlockResult, LoopAction, MapAction, NodeOptions, Origin, Param, Step, StepInput, StepOutput,
};
use crate::check::Fit;
use crate::document::Workflow;
use crate::graph::{CallForm, ModuleCall};
use crate::value::{Kind, kinds};

/// The inputs of a body, sorted by whether they are known now or given with every pass.
#[derive(Default)]
struct Handed {
    inputs: Vec<ScopeInput>,
    params: Vec<Param>,
    /// For each parameter whether it is an element of a list.
    over: Vec<bool>,
    index: Option<usize>,
    /// For each input the parameter that it became.
    param_of: Vec<Option<usize>>,
    step_inputs: Vec<StepInput>,
    gathered: Gathered,
}

/// How an input of a body gets its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The same in every pass.
    Fixed,
    /// An element of a list.
    Element,
    /// The first time what it is given, then a result of the pass before.
    Carried,
    /// The number of the pass.
    Index,
}

/// A body, put together.
struct Body {
    block: Arc<Block>,
    has_effect: bool,
    /// For each output of the workflow the result that it is; none if it is muted.
    result_of: Vec<Option<usize>>,
    is_broken: bool,
    inside: Vec<(u32, u32)>,
    problems: Vec<Problem>,
    files: Vec<std::path::PathBuf>,
}

impl Composer<'_> {
    /// A map or a loop.
    pub(super) fn body(&mut self, scope: usize, node: usize, call: &ModuleCall) -> Spot {
        let graph = self.graph;
        let module = &graph.modules[self.scopes[scope].module];
        let entry = &module.workflow.nodes[node];
        let Some(mut handed) = self.hand_in(scope, node, call) else { return Spot::Gone };
        let (outer, limit) = self.inner_options(scope, entry);
        let body = self.compose_body(call, &mut handed, &outer);
        let Some(action) = action(&call.form, &handed, &body) else { return Spot::Gone };
        let outputs: Vec<_> = body.result_of.iter().enumerate().filter(|(_, result)| result.is_some()).collect();
        let outputs = outputs.into_iter().map(|(output, _)| StepOutput {
            name: module_output(&graph.modules[call.module].workflow, output),
            kind: module.nodes[node].kinds[output].unwrap_or(kinds::ANY),
            uses: 0,
        });
        let step = Step {
            id: self.id(scope, &entry.id.value),
            action,
            inputs: handed.step_inputs,
            outputs: outputs.collect(),
            is_target: false,
            options: NodeOptions { retry: 0, ..outer },
            limit,
            memory: None,
            takes_device_memory: false,
        };
        let draft = self.draft(scope, node, Some(step));
        handed.gathered.is_broken |= body.is_broken;
        self.settle(draft, handed.gathered);
        let place = &mut self.drafts[draft as usize];
        place.has_effect = body.has_effect;
        self.rarities.insert(draft, Rarity { inside: body.inside, files: body.files });
        self.problems.extend(body.problems.into_iter().map(|problem| Problem { draft, ..problem }));
        let kinds = &module.nodes[node].kinds;
        let gives = body.result_of.iter().zip(kinds).map(|(result, kind)| match (result, kind) {
            (Some(output), Some(kind)) => {
                Resolved::Given(Origin::Wire { step: draft as usize, output: *output, fit: Fit::Same }, *kind)
            }
            (Some(_), None) => Resolved::Broken(vec![draft]),
            (None, _) => Resolved::Gone,
        });
        let gives = gives.collect();
        self.table(gives)
    }

    /// Sorts the inputs. Nothing if one that it cannot go without is muted.
    fn hand_in(&mut self, scope: usize, node: usize, call: &ModuleCall) -> Option<Handed> {
        let graph = self.graph;
        let called = &graph.modules[call.module];
        let links = &graph.modules[self.scopes[scope].module].nodes[node].links;
        let mut handed = Handed::default();
        for (input, (name, _)) in called.workflow.inputs.iter().enumerate() {
            let way = way(&call.form, input);
            // An unknown kind was reported where it is declared.
            let kind = called.kinds[input].unwrap_or(kinds::ANY);
            let mut given = if way == Way::Index {
                ScopeInput { resolved: Resolved::Nothing, given: Given::Handed }
            } else {
                self.handed(scope, call, &links[input], input, &mut handed.gathered.troubles)
            };
            let resolved = std::mem::replace(&mut given.resolved, Resolved::Gone);
            let origin = match (resolved, way) {
                (Resolved::Gone, Way::Fixed) => {
                    handed.push_input(given, None);
                    continue;
                }
                (Resolved::Given(Origin::Known(value), _), Way::Fixed) => {
                    given.resolved = Resolved::known(value);
                    handed.push_input(given, None);
                    continue;
                }
                (Resolved::Gone, _) => return None,
                (Resolved::Given(origin, _), _) => Some(origin),
                (Resolved::Nothing, Way::Index) => None,
                (wrong, _) => {
                    handed.gathered.wrong(wrong);
                    None
                }
            };
            handed.push_param(name, kind, way, given, origin);
        }
        if let CallForm::Loop { .. } = call.form
            && let Some(link) = links.get(called.workflow.inputs.len())
        {
            match self.resolve(scope, link, &mut handed.gathered.troubles) {
                Resolved::Given(origin, _) => {
                    handed.step_inputs.push(StepInput { input: handed.params.len(), lazy: false, origin });
                }
                Resolved::Gone => return None,
                wrong => handed.gathered.wrong(wrong),
            }
        }
        handed.gathered.is_broken |= !handed.gathered.troubles.is_empty();
        Some(handed)
    }

    fn compose_body(&mut self, call: &ModuleCall, handed: &mut Handed, outer: &NodeOptions) -> Body {
        let mut inner = Composer::new(self.graph, self.base_dir, self.services, self.memory_limit);
        inner.params = std::mem::take(&mut handed.params);
        // What limits them all together the node says that runs them.
        let options = (outer.clone(), None);
        let scope = inner.place(call.module, String::new(), std::mem::take(&mut handed.inputs), options);
        let results = inner.results(scope);
        let effects = (0..inner.drafts.len()).filter(|&draft| inner.drafts[draft].has_effect);
        let effects: Vec<_> = effects.map(|draft| draft as u32).collect();
        let workflow = &self.graph.modules[call.module].workflow;
        let mut is_broken = false;
        let mut given = Vec::new();
        let mut result_of = Vec::with_capacity(results.len());
        let mut targets = effects.clone();
        for (output, result) in results.into_iter().enumerate() {
            targets.extend(result.needs());
            result_of.push(None);
            match result {
                Resolved::Given(origin, kind) => {
                    result_of[output] = Some(given.len());
                    given.push(BlockResult { name: module_output(workflow, output), kind, origin });
                }
                Resolved::Nothing | Resolved::Gone => {}
                Resolved::Missing { .. } | Resolved::Broken(_) => {
                    result_of[output] = Some(given.len());
                    given.push(BlockResult {
                        name: module_output(workflow, output),
                        kind: kinds::ANY,
                        origin: Origin::List { element: kinds::ANY, items: Vec::new() },
                    });
                    is_broken = true;
                }
            }
        }
        let demand = Demand::new(&inner, &targets);
        is_broken |= demand.is_broken(&targets);
        let inside = demand.inside(&inner);
        let files = demand.files(&inner);
        let mut problems = std::mem::take(&mut inner.problems);
        problems.retain_mut(|problem| demand.keeps(problem));
        // What is wrong may have left nodes without a step, and wires without a giver: such a body never runs.
        let block = match is_broken {
            true => Block { params: inner.params, steps: Vec::new(), results: Vec::new() },
            false => demand.block(inner, &effects, given),
        };
        let block = Arc::new(block);
        Body { block, has_effect: !effects.is_empty(), result_of, is_broken, inside, problems, files }
    }
}

impl Handed {
    fn push_input(&mut self, input: ScopeInput, param: Option<usize>) {
        self.inputs.push(input);
        self.param_of.push(param);
    }

    fn push_param(&mut self, name: &str, kind: Kind, way: Way, mut given: ScopeInput, origin: Option<Origin>) {
        let param = self.params.len();
        self.params.push(Param { name: name.into() });
        self.over.push(way == Way::Element);
        if way == Way::Index {
            self.index = Some(param);
        }
        self.step_inputs.extend(origin.map(|origin| StepInput { input: param, lazy: false, origin }));
        given.resolved = Resolved::Given(Origin::Param { param, fit: Fit::Same }, kind);
        self.push_input(given, Some(param));
    }
}

fn way(form: &CallForm, input: usize) -> Way {
    match form {
        CallForm::Map { index, .. } | CallForm::Loop { index, .. } if *index == Some(input) => Way::Index,
        CallForm::Map { over, .. } if over[input] => Way::Element,
        CallForm::Loop { carry, .. } if carry.iter().any(|(to, _)| *to == input) => Way::Carried,
        _ => Way::Fixed,
    }
}

/// What the step does; nothing if something that it cannot go without is muted inside.
fn action(form: &CallForm, handed: &Handed, body: &Body) -> Option<Action> {
    let block = Arc::clone(&body.block);
    let (index, result_of) = (handed.index, &body.result_of);
    match form {
        CallForm::Include => None,
        CallForm::Map { ragged, .. } => {
            Some(Action::Map(MapAction { body: block, over: handed.over.clone(), index, ragged: *ragged }))
        }
        CallForm::Loop { carry, go_on, collect, .. } => {
            let carried = carry.iter().map(|&(to, from)| Some((handed.param_of[to]?, result_of[from]?)));
            let carry = carried.collect::<Option<Vec<_>>>()?;
            let while_result = match go_on {
                Some(output) => Some(result_of[*output]?),
                None => None,
            };
            let kept = collect.iter().zip(result_of).filter(|(_, result)| result.is_some());
            let collect = kept.map(|(collect, _)| *collect).collect();
            Some(Action::Loop(LoopAction { body: block, carry, index, while_result, collect }))
        }
    }
}

fn module_output(workflow: &Workflow, output: usize) -> Arc<str> {
    workflow.outputs.get_index(output).map_or("", |(name, _)| name).into()
}
