//! The way from a text to a plan.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::{EffectiveInput, Inner, Origin, Plan, Settings, Step, StepInput, settings};
use crate::check;
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::Document;
use crate::graph::{Finding, Graph, Link};
use crate::guard;
use crate::node::{InputProblem, Literals};
use crate::registry::{Registered, Registry};
use crate::source::Source;
use crate::spec::InputSpec;
use crate::suggest;
use crate::value::Value;

pub(super) fn prepare(
    source: &Source,
    registry: &Registry,
    settings: &Settings,
) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (document, diagnostics) = Document::parse(source);
    let (graph, findings) = Graph::resolve(&document, registry);
    let mut planner = Planner {
        graph: &graph,
        settings,
        inputs: IndexMap::new(),
        base_dir: base_dir(source, settings),
        wanted: Vec::new(),
        only_wanted: !settings.targets.is_empty(),
        findings,
        diagnostics,
        told_of_inputs: HashSet::new(),
    };
    planner.inputs = settings::effective(&document, &settings.set, &mut planner.diagnostics);
    let targets = planner.targets();
    planner.wanted = graph.cone(targets.iter().copied());
    planner.warn_of_unused();
    planner.missing_inputs();
    let values: Vec<_> = (0..graph.nodes.len()).map(|node| planner.values(node)).collect();
    let diagnostics = planner.all_diagnostics();
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let nodes = order(&graph, &planner.wanted, values, &targets);
    let inner = Inner {
        source: source.clone(),
        inputs: planner.inputs,
        base_dir: planner.base_dir,
        out_dir: settings.out_dir.clone(),
        nodes,
    };
    Ok((Plan(Arc::new(inner)), diagnostics))
}

fn base_dir(source: &Source, settings: &Settings) -> PathBuf {
    let folder = || source.path.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let chosen = settings.base_dir.clone().or_else(folder).unwrap_or_default();
    // An empty path joins well, but cannot be listed or shown.
    if chosen.as_os_str().is_empty() { PathBuf::from(".") } else { chosen }
}

struct Planner<'a> {
    graph: &'a Graph,
    settings: &'a Settings,
    inputs: IndexMap<String, EffectiveInput>,
    base_dir: PathBuf,
    /// Which nodes are to run.
    wanted: Vec<bool>,
    /// What is wrong elsewhere is no error: the caller said what is wanted.
    only_wanted: bool,
    findings: Vec<Finding>,
    diagnostics: Vec<Diagnostic>,
    /// What was said of a workflow's input: whether of a node that is to run, its name, and the problem.
    told_of_inputs: HashSet<(bool, String, String)>,
}

/// The values of a node's inputs that are known beforehand, in the order of its spec.
type Known = Vec<Option<Value>>;

impl Planner<'_> {
    fn report(&mut self, node: usize, diagnostic: Diagnostic) {
        self.findings.push(Finding { node: Some(node), diagnostic });
    }

    /// The nodes that the run is for.
    fn targets(&mut self) -> Vec<usize> {
        let document = self.graph.document();
        if document.nodes.is_empty() && self.diagnostics.is_empty() {
            let diagnostic = Diagnostic::error("empty-workflow", "there is nothing to run: the workflow has no nodes");
            self.diagnostics.push(diagnostic.with_hint("add one: `nodes: { \"name\": Type(…) }`"));
        }
        if self.settings.targets.is_empty() {
            return self.default_targets();
        }
        let mut targets = Vec::new();
        for name in &self.settings.targets {
            match document.by_id.get(name) {
                Some(&node) => targets.push(node),
                None if document.cut_off => self.only_wanted = false,
                None => {
                    self.only_wanted = false;
                    let names = document.nodes.iter().map(|node| node.id.value.as_str());
                    let hint = suggest::hint(name, "there are", names);
                    let message = format!("the target `{name}` is no node of this workflow");
                    self.diagnostics.push(Diagnostic::error("unknown-target", message).with_hint_if(hint));
                }
            }
        }
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The nodes with an effect; if there are none, those from which nothing takes.
    fn default_targets(&self) -> Vec<usize> {
        let all = 0..self.graph.nodes.len();
        let has_effect = |&node: &usize| self.graph.nodes[node].spec().is_some_and(|spec| spec.effect);
        let effects: Vec<_> = all.clone().filter(has_effect).collect();
        let sinks = || all.filter(|&node| self.graph.dependents(node).is_empty()).collect();
        if effects.is_empty() { sinks() } else { effects }
    }

    fn warn_of_unused(&mut self) {
        let document = self.graph.document();
        if self.settings.targets.is_empty() {
            // A node of an unknown type may have had an effect, and a lost wire may have led to one.
            let sound = self.findings.is_empty() && self.diagnostics.iter().all(|diagnostic| !diagnostic.is_error());
            for (index, node) in document.nodes.iter().enumerate().filter(|(index, _)| sound && !self.wanted[*index]) {
                let message =
                    format!("nothing uses `{}`: it leads to no node with an effect and does not run", node.id.value);
                let diagnostic = Diagnostic::warning("unused-node", message)
                    .with_label(node.id.span.clone(), "not used")
                    .with_hint("use its outputs, name it as a target or remove it");
                self.findings.push(Finding { node: Some(index), diagnostic });
            }
        }
        let feeds = document.nodes.iter().flat_map(|node| &node.inputs).map(|input| &input.value.value);
        let used: HashSet<_> = feeds
            .filter_map(|feed| match feed {
                crate::document::Feed::Input(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        for input in
            document.inputs().filter(|input| !used.contains(input.name.value.as_str()) && document.damage.is_empty())
        {
            let message = format!("no node uses the input `{}`", input.name.value);
            let diagnostic = Diagnostic::warning("unused-input", message)
                .with_label(input.name.span.clone(), "not used")
                .with_hint(format!("use it: `Input(\"{}\")`", input.name.value));
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports each workflow input without a value once, if a node that runs needs it.
    fn missing_inputs(&mut self) {
        let graph = self.graph;
        let mut missing: IndexMap<&str, &Range<usize>> = IndexMap::new();
        for (node, _) in graph.nodes.iter().zip(&self.wanted).filter(|(_, wanted)| **wanted) {
            for link in &node.links {
                if let Link::Input { name, span, .. } = link
                    && !self.inputs.contains_key(name)
                {
                    missing.entry(name).or_insert(span);
                }
            }
        }
        for (name, used) in missing {
            let Some(declared) = graph.document().input(name) else {
                continue;
            };
            // A value that was given but is wrong, or a default that could not be read, was reported.
            if settings::is_set(&self.settings.set, name) || declared.has_default || declared.kind.is_none() {
                continue;
            }
            let kind = declared.kind.map_or("value", |kind| kind.name());
            let diagnostic =
                Diagnostic::error("missing-setting", format!("the workflow's input `{name}` ({kind}) has no value"))
                    .with_label(declared.span.clone(), "it has no default")
                    .with_label(used.clone(), "used here")
                    .with_hint(format!("set `{name}`, or give it a default"));
            self.diagnostics.push(diagnostic);
        }
    }

    /// What is known of a node's inputs. Reports what is wrong with it.
    fn values(&mut self, index: usize) -> Known {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let Some(registered) = &node.registered else {
            return Vec::new();
        };
        let mut values = Vec::with_capacity(node.links.len());
        for (input, link) in registered.spec.inputs.iter().zip(&node.links) {
            values.push(match link {
                Link::Default(value) | Link::Literal(value) => Some(value.clone()),
                Link::Input { name, fit, span } => self.effective(index, input, name, *fit, span),
                Link::Absent | Link::Wire { .. } | Link::Broken => None,
            });
        }
        self.node_check(index, registered, &values);
        values
    }

    /// The value of a workflow's input in a socket.
    fn effective(
        &mut self,
        index: usize,
        input: &InputSpec,
        name: &str,
        fit: check::Fit,
        span: &Range<usize>,
    ) -> Option<Value> {
        let effective = self.inputs.get(name)?;
        let is_set = effective.is_set;
        let origin = if is_set { "as it is set" } else { "by its default" };
        let converted = guard::catch(|| fit.apply(&effective.value.value()));
        let problem = match converted.and_then(|value| value.map_err(|error| error.to_string())) {
            Ok(value) => match check::check(&value, input.range.as_ref(), &input.choices) {
                Ok(()) => return Some(value),
                Err(problem) => problem,
            },
            Err(message) => check::Problem {
                code: "invalid-input",
                message: format!("cannot be taken: {message}"),
                label: "here".into(),
                hint: None,
            },
        };
        if !self.is_news(index, name, &problem.message) {
            return None;
        }
        let message = format!("the input `{name}`, {origin}, {}", problem.message);
        let mut diagnostic = Diagnostic::error(problem.code, message).with_label(span.clone(), problem.label);
        if let Some(declared) = self.graph.document().input(name) {
            let default = declared.default.as_ref().filter(|_| !is_set).map(|default| &default.span);
            let text = if default.is_some() { "its value is from here" } else { "declared here" };
            diagnostic = diagnostic.with_label(default.unwrap_or(&declared.span).clone(), text);
        }
        self.report(index, diagnostic.with_hint_if(problem.hint));
        None
    }

    /// Whether this was not yet said of a workflow's input: one wrong value may reach many nodes.
    fn is_news(&mut self, node: usize, input: &str, problem: &str) -> bool {
        self.told_of_inputs.insert((self.wanted[node], input.to_owned(), problem.to_owned()))
    }

    /// The node's own opinion of its inputs.
    fn node_check(&mut self, index: usize, registered: &Registered, values: &Known) {
        let spec = &registered.spec;
        let known = spec.inputs.iter().zip(values).filter_map(|(input, value)| Some((input.name, value.clone()?)));
        let known: IndexMap<_, _> = known.collect();
        let literals = Literals { values: &known, base_dir: &self.base_dir };
        match guard::catch(|| registered.node.check(&literals)) {
            Ok(problems) => {
                for problem in problems {
                    let place = spec.inputs.iter().position(|input| input.name == problem.input);
                    if let Some(Link::Input { name, .. }) =
                        place.and_then(|place| self.graph.nodes[index].links.get(place))
                        && !self.is_news(index, name, &problem.message)
                    {
                        continue;
                    }
                    let diagnostic = self.problem(index, spec.name, problem);
                    self.report(index, diagnostic);
                }
            }
            Err(panic) => {
                let message = format!("checking this node panicked: {panic}");
                let span = self.graph.nodes[index].id.span.clone();
                let diagnostic = Diagnostic::error("invalid-input", message)
                    .with_label(span, "here")
                    .with_hint(format!("node type `{}` is buggy", spec.name));
                self.report(index, diagnostic);
            }
        }
    }

    fn problem(&self, index: usize, node_type: &str, problem: InputProblem) -> Diagnostic {
        let entry = &self.graph.document().nodes[index];
        let written = entry.inputs.iter().find(|input| input.name.value == problem.input);
        let place = written.map(|input| &input.value.span);
        let place = place.or(entry.node_type.as_ref().map(|name| &name.span)).unwrap_or(&entry.span);
        let message = format!("`{node_type}.{}`: {}", problem.input, problem.message);
        let label =
            if written.is_some() { "here".into() } else { format!("`{}` is left to its default", problem.input) };
        Diagnostic::error("invalid-input", message).with_label(place.clone(), label).with_hint_if(problem.hint)
    }

    /// Everything that was found, in the order of the file.
    fn all_diagnostics(&mut self) -> Vec<Diagnostic> {
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        for Finding { node, mut diagnostic } in std::mem::take(&mut self.findings) {
            let is_needed = node.is_none_or(|node| self.wanted[node]) || !self.only_wanted;
            if !is_needed && diagnostic.is_error() {
                diagnostic.severity = Severity::Warning;
            }
            diagnostics.push(diagnostic);
        }
        diagnostics.sort_by_key(Diagnostic::sort_key);
        diagnostics
    }
}

/// The wanted nodes in an order in which everything that a node needs stands before it; where that leaves a choice,
/// document order.
fn order(graph: &Graph, wanted: &[bool], values: Vec<Known>, targets: &[usize]) -> Vec<Step> {
    let dependencies: Vec<_> =
        (0..graph.nodes.len()).map(|node| if wanted[node] { graph.dependencies(node) } else { Vec::new() }).collect();
    let mut missing: Vec<_> = dependencies.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<_> =
        (0..graph.nodes.len()).filter(|&n| wanted[n] && missing[n] == 0).map(Reverse).collect();
    let mut sequence = Vec::new();
    while let Some(Reverse(node)) = ready.pop() {
        sequence.push(node);
        for dependent in graph.dependents(node).into_iter().filter(|&dependent| wanted[dependent]) {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                ready.push(Reverse(dependent));
            }
        }
    }
    let mut position = vec![usize::MAX; graph.nodes.len()];
    for (at, &node) in sequence.iter().enumerate() {
        position[node] = at;
    }
    let mut values: Vec<_> = values.into_iter().map(Some).collect();
    let mut steps = Vec::with_capacity(sequence.len());
    for &node in &sequence {
        let known = values[node].take().unwrap_or_default();
        steps.extend(step(graph, node, known, &position, targets.binary_search(&node).is_ok()));
    }
    note_consumers(&mut steps);
    steps
}

/// A node of the plan; none if its type is not known, which is an error, so that there is no plan.
fn step(graph: &Graph, node: usize, known: Known, position: &[usize], is_target: bool) -> Option<Step> {
    let graph_node = &graph.nodes[node];
    let registered = graph_node.registered.clone()?;
    let inputs = graph_node.links.iter().zip(known).enumerate().filter_map(|(input, (link, value))| {
        let origin = match link {
            Link::Wire { node, output, fit } => Origin::Wire { node: position[*node], output: *output, fit: *fit },
            _ => Origin::Known(value?),
        };
        Some(StepInput { input, origin })
    });
    let mut dependencies: Vec<_> = graph.dependencies(node).into_iter().map(|node| position[node]).collect();
    dependencies.sort_unstable();
    Some(Step {
        id: graph_node.id.value.clone(),
        inputs: inputs.collect(),
        dependencies,
        consumers: vec![Vec::new(); registered.spec.outputs.len()],
        is_target,
        registered,
    })
}

fn note_consumers(steps: &mut [Step]) {
    for taker in 0..steps.len() {
        let wires = steps[taker].inputs.iter().filter_map(|input| match input.origin {
            Origin::Wire { node, output, .. } => Some((node, output)),
            Origin::Known(_) => None,
        });
        for (node, output) in wires.collect::<Vec<_>>() {
            let consumers = &mut steps[node].consumers[output];
            if consumers.last() != Some(&taker) {
                consumers.push(taker);
            }
        }
    }
}
