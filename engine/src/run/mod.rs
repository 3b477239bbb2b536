//! Carrying out a plan.

mod frontier;
mod report;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indexmap::IndexMap;

pub use report::{Failure, RunReport, Skipped};

use crate::cancel::CancelToken;
use crate::check;
use crate::event::{Event, EventSink, Outcome, OutputSummary, RunId};
use crate::guard;
use crate::node::{Context, Inputs, NodeError, Outputs, Provenance, Services};
use crate::plan::{Origin, Plan, Step};
use frontier::{Frontier, State};
use store::Store;

static NEXT_RUN: AtomicU64 = AtomicU64::new(1);

/// One carrying-out of a plan.
pub struct Run {
    id: RunId,
    plan: Plan,
    services: Services,
    events: EventSink,
    cancel: CancelToken,
}

/// What a node came to.
struct Ended {
    result: Result<(Outputs, Vec<OutputSummary>), NodeError>,
    inputs: Inputs,
    own_notes: Vec<(String, String)>,
}

/// A run under way.
struct Progress {
    frontier: Frontier,
    store: Store,
    report: RunReport,
}

impl Run {
    /// A run that has not begun. Its id is unique in this process.
    pub fn new(plan: Plan, services: Services, events: EventSink, cancel: CancelToken) -> Self {
        Run { id: RunId(NEXT_RUN.fetch_add(1, Ordering::Relaxed)), plan, services, events, cancel }
    }

    /// Its id, which is in all its events.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Runs the nodes on this thread, one after another. Whatever happens in a node ends that node only.
    pub fn execute(self) -> RunReport {
        let began = Instant::now();
        let nodes = &self.plan.0.nodes;
        self.events.send(Event::RunStarted { run: self.id, nodes: self.plan.nodes().collect() });
        let mut progress = Progress {
            frontier: Frontier::new(nodes.iter().map(|step| step.dependencies.as_slice())),
            store: Store::new(nodes),
            report: RunReport {
                run: self.id,
                outcome: Outcome::Completed,
                seconds: 0.0,
                finished: Vec::new(),
                failed: Vec::new(),
                skipped: Vec::new(),
                cancelled: Vec::new(),
                outputs: IndexMap::new(),
            },
        };
        let provenance = self.provenance();
        while let Some(node) = progress.frontier.start_next() {
            if self.cancel.is_cancelled() || !self.step(node, &provenance, &mut progress) {
                progress.report.outcome = Outcome::Cancelled;
                break;
            }
        }
        self.finish(progress, began)
    }

    fn finish(&self, progress: Progress, began: Instant) -> RunReport {
        let Progress { frontier, mut report, .. } = progress;
        for (step, state) in self.plan.0.nodes.iter().zip(frontier.states()) {
            if matches!(state, State::Waiting | State::Ready | State::Running) {
                report.cancelled.push(step.id.clone());
            }
        }
        if report.outcome == Outcome::Completed && !report.failed.is_empty() {
            report.outcome = Outcome::Failed;
        }
        report.seconds = began.elapsed().as_secs_f64();
        self.events.send(Event::RunFinished {
            run: self.id,
            outcome: report.outcome,
            seconds: report.seconds,
            finished: report.finished.len(),
            failed: report.failed.len(),
            skipped: report.skipped.len() + report.cancelled.len(),
        });
        report
    }

    /// Runs one node and draws the consequences. False if the run is cancelled.
    fn step(&self, node: usize, provenance: &Provenance, progress: &mut Progress) -> bool {
        let step = &self.plan.0.nodes[node];
        let began = Instant::now();
        self.events.send(Event::NodeStarted { run: self.id, node: step.id.clone() });
        let notes = progress.store.notes_before(step);
        let provenance = Provenance { notes: (*notes).clone(), ..provenance.clone() };
        let Ended { result, inputs, own_notes } = self.run_node(step, &progress.store, provenance);
        match result {
            Ok((outputs, summaries)) => {
                drop(inputs);
                progress.frontier.finish(node);
                progress.store.put(node, step, &outputs, notes, &own_notes);
                progress.store.release(step);
                progress.report.finished.push(step.id.clone());
                if step.is_target {
                    progress.report.outputs.insert(step.id.clone(), outputs);
                }
                let seconds = began.elapsed().as_secs_f64();
                let node = step.id.clone();
                self.events.send(Event::NodeFinished { run: self.id, node, seconds, outputs: summaries });
                true
            }
            Err(NodeError::Cancelled) => false,
            Err(error) => {
                self.failed(node, step, &error, &inputs, progress);
                true
            }
        }
    }

    fn failed(&self, node: usize, step: &Step, error: &NodeError, inputs: &Inputs, progress: &mut Progress) {
        let failure = Failure {
            node: step.id.clone(),
            node_type: step.registered.spec.name.to_string(),
            message: error.to_string(),
            causes: error.causes(),
            hint: match error {
                NodeError::Failed { hint, .. } => hint.clone(),
                NodeError::Cancelled => None,
            },
            // Describing a value is a node crate's code; that it fails must not hide the failure.
            inputs: guard::catch(|| inputs.summaries()).unwrap_or_default(),
        };
        self.events.send(Event::NodeFailed {
            run: self.id,
            node: failure.node.clone(),
            node_type: failure.node_type.clone(),
            message: failure.message.clone(),
            causes: failure.causes.clone(),
            hint: failure.hint.clone(),
            inputs: failure.inputs.clone(),
        });
        progress.store.release(step);
        for skipped in progress.frontier.fail(node) {
            let skipped = &self.plan.0.nodes[skipped];
            progress.store.release(skipped);
            let (node, because) = (skipped.id.clone(), step.id.clone());
            self.events.send(Event::NodeSkipped { run: self.id, node: node.clone(), because: because.clone() });
            progress.report.skipped.push(Skipped { node, because });
        }
        progress.report.failed.push(failure);
    }

    /// The recipe before any node noted anything.
    fn provenance(&self) -> Provenance {
        let inputs = self.plan.0.inputs.iter();
        Provenance {
            workflow: Arc::clone(&self.plan.0.source.text),
            inputs: inputs.map(|(name, input)| (name.clone(), input.value.to_string())).collect(),
            notes: BTreeMap::new(),
        }
    }

    fn run_node(&self, step: &Step, store: &Store, provenance: Provenance) -> Ended {
        let mut inputs = Inputs::default();
        let mut context = Context {
            run: self.id,
            node: &step.id,
            base_dir: &self.plan.0.base_dir,
            out_dir: &self.plan.0.out_dir,
            services: &self.services,
            cancel: &self.cancel,
            events: &self.events,
            provenance,
            own_notes: Vec::new(),
        };
        // After a panic only the inputs' summaries and nothing else of this is used.
        let result = guard::catch(|| {
            gather(step, store, &mut inputs)?;
            let outputs = step.registered.node.run(&inputs, &mut context)?;
            let summaries = verify(step, &outputs)?;
            Ok((outputs, summaries))
        });
        let result = result.unwrap_or_else(|panic| {
            Err(NodeError::new(format!("it panicked: {panic}"))
                .with_hint(format!("node type `{}` is buggy", step.registered.spec.name)))
        });
        Ended { result, inputs, own_notes: context.own_notes }
    }
}

/// Fills a node's inputs. What comes by wire is only now held against bounds and choices.
fn gather(step: &Step, store: &Store, inputs: &mut Inputs) -> Result<(), NodeError> {
    for input in &step.inputs {
        let spec = &step.registered.spec.inputs[input.input];
        let value = match &input.origin {
            Origin::Known(value) => value.clone(),
            Origin::Wire { node, output, fit } => {
                let value = store.get(*node, *output);
                let value =
                    value.ok_or_else(|| NodeError::new(format!("the value for input `{}` is gone", spec.name)))?;
                fit.apply(value)?
            }
        };
        inputs.values.insert(spec.name, value);
        let checked = check::check(&inputs.values[spec.name], spec.range.as_ref(), &spec.choices);
        checked.map_err(|problem| {
            let error = NodeError::new(format!("input `{}` {}", spec.name, problem.message));
            match problem.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })?;
    }
    Ok(())
}

/// Holds outputs against the spec and describes them.
fn verify(step: &Step, outputs: &Outputs) -> Result<Vec<OutputSummary>, NodeError> {
    let spec = &step.registered.spec;
    let buggy = |what: String| {
        let hint = "this is a bug of the node type, not of the workflow";
        Err(NodeError::new(format!("node type `{}` is buggy: {what}", spec.name)).with_hint(hint))
    };
    if let Some((name, _)) = outputs.iter().find(|(name, _)| spec.find_output(name).is_none()) {
        return buggy(format!("it gave an output `{name}`, which it does not have"));
    }
    let mut summaries = Vec::new();
    for output in &spec.outputs {
        match outputs.get(output.name) {
            None => return buggy(format!("it gave no output `{}`", output.name)),
            Some(value) if value.kind() != output.kind => {
                return buggy(format!("its output `{}` is {} instead of {}", output.name, value.kind(), output.kind));
            }
            Some(value) => summaries.push(OutputSummary {
                output: output.name.to_string(),
                kind: value.kind().to_string(),
                summary: value.summary(),
            }),
        }
    }
    Ok(summaries)
}
