//! What is wrong with nodes once the values of their inputs are known.

use std::ops::Range;
use std::sync::Arc;

use super::compose::{Composer, Given, Problem};
use super::resolve::Trouble;
use super::{Origin, Step};
use crate::check;
use crate::diagnostic::Diagnostic;
use crate::document::Feed;
use crate::graph::{GraphNode, Link, each_feed, input_span};
use crate::guard;
use crate::node::{InputProblem, Literals};
use crate::registry::Registered;
use crate::size::{self, bytes};
use crate::value::Value;

impl Composer<'_> {
    /// Holds the values that came through inputs of workflows against bounds and choices, and asks the node.
    pub(super) fn check_node(&mut self, draft: u32, graph_node: &GraphNode, registered: &Registered) {
        let Some(step) = self.steps[draft as usize].take() else { return };
        for input in &step.inputs {
            let spec = &registered.spec.inputs[input.input];
            if spec.checked_by_node || (spec.range.is_none() && spec.choices.is_empty()) {
                continue;
            }
            // Literals were held against them where they are written.
            if let (Origin::Known(value), false) =
                (&input.origin, matches!(graph_node.links[input.input], Link::Known(_) | Link::Default))
                && let Err(problem) = check::check(value, spec.range.as_ref(), &spec.choices)
            {
                self.wrong_value(draft, &graph_node.links[input.input], input.input, registered, problem);
            }
        }
        let mut literals = std::mem::take(&mut self.literals);
        gather_literals(&step, registered, &mut literals);
        let asked = Literals::before_the_run(&literals, self.base_dir);
        let judged = guard::catch(|| {
            (registered.node.check(&asked), registered.node.memory(&asked), registered.node.files(&asked))
        });
        self.literals = literals;
        self.steps[draft as usize] = Some(step);
        match judged {
            Ok((problems, memory, files)) => {
                if !files.is_empty() {
                    self.rarities.entry(draft).or_default().files = files;
                }
                problems.into_iter().for_each(|problem| self.node_problem(draft, graph_node, registered, problem));
                self.memory(draft, registered, memory);
            }
            Err(panic) => {
                let message = format!("checking this node panicked: {panic}");
                let diagnostic = Diagnostic::error("invalid-input", message)
                    .with_label(self.id_span(draft), "here")
                    .with_hint(format!("node type `{}` is buggy", registered.spec.name));
                self.problem(draft, diagnostic, None);
            }
        }
    }

    /// A value that came through an input of a workflow.
    fn wrong_value(&mut self, draft: u32, link: &Link, input: usize, registered: &Registered, problem: check::Problem) {
        let name = registered.spec.inputs[input].name;
        let Link::Input { input: through, .. } = link else {
            let span = self.input_span(draft, name);
            let message = format!("`{}.{name}` {}", registered.spec.name, problem.message);
            let diagnostic = Diagnostic::error(problem.code, message).with_label(span, problem.label);
            return self.problem(draft, diagnostic.with_hint_if(problem.hint), None);
        };
        let span = self.input_span(draft, name);
        let diagnostic = self.about_input(draft, *through as usize, span, problem);
        let about = (self.input_name(draft, *through as usize), diagnostic.message.clone());
        self.problem(draft, diagnostic, Some(about));
    }

    /// Something about the value of a workflow's input that shows where it is used.
    fn about_input(&self, draft: u32, input: usize, span: Range<usize>, problem: check::Problem) -> Diagnostic {
        let scope = &self.scopes[self.drafts[draft as usize].scope as usize];
        let workflow = &self.graph.modules[scope.module].workflow;
        let given = scope.inputs[input].given;
        let (words, is_default) = match given {
            Given::Set => ("as it is set", false),
            Given::Default => ("by its default", true),
            Given::Handed => ("as it is given here", false),
        };
        let name = self.input_name(draft, input);
        let message = format!("the input `{name}`, {words}, {}", problem.message);
        let diagnostic = Diagnostic::error(problem.code, message).with_label(span, problem.label);
        let diagnostic = match workflow.inputs.get_index(input) {
            Some((_, declared)) => {
                let default = declared.default.as_ref().filter(|_| is_default).map(|default| &default.span);
                let text = if default.is_some() { "its value is from here" } else { "declared here" };
                diagnostic.with_label(default.unwrap_or(&declared.span).clone(), text)
            }
            None => diagnostic,
        };
        diagnostic.with_hint_if(problem.hint)
    }

    /// The name of an input of the workflow that a node stands in: `seed`, or `outer/seed`.
    fn input_name(&self, draft: u32, input: usize) -> String {
        let scope = &self.scopes[self.drafts[draft as usize].scope as usize];
        let workflow = &self.graph.modules[scope.module].workflow;
        let name = workflow.inputs.get_index(input).map_or("", |(name, _)| name);
        format!("{}{name}", scope.prefix)
    }

    fn node_problem(&mut self, draft: u32, graph_node: &GraphNode, registered: &Registered, problem: InputProblem) {
        let spec = &registered.spec;
        let place = spec.inputs.iter().position(|input| input.name == problem.input);
        let about = match place.and_then(|place| graph_node.links.get(place)) {
            Some(Link::Input { input, .. }) => Some((self.input_name(draft, *input as usize), problem.message.clone())),
            _ => None,
        };
        let (module, node) = self.place_of(draft);
        let workflow = &self.graph.modules[module].workflow;
        let entry = &workflow.nodes[node];
        let written = input_span(workflow, node, problem.input);
        let place = written.or(entry.node_type.as_ref().map(|name| &name.span)).unwrap_or(&entry.span);
        let message = format!("`{}.{}`: {}", spec.name, problem.input, problem.message);
        let label =
            if written.is_some() { "here".into() } else { format!("`{}` is left to its default", problem.input) };
        let diagnostic = Diagnostic::error("invalid-input", message).with_label(place.clone(), label);
        self.problem(draft, diagnostic.with_hint_if(problem.hint), about);
    }

    fn memory(&mut self, draft: u32, registered: &Registered, memory: Option<u64>) {
        if let Some(step) = &mut self.steps[draft as usize] {
            step.memory = memory;
        }
        let (Some(wanted), Some(limit)) = (memory, self.memory_limit) else { return };
        if wanted <= limit {
            return;
        }
        let (module, node) = self.place_of(draft);
        let entry = &self.graph.modules[module].workflow.nodes[node];
        let span = entry.node_type.as_ref().map_or(&entry.span, |name| &name.span).clone();
        let id = self.id(self.drafts[draft as usize].scope as usize, &entry.id.value);
        let name = registered.spec.name;
        let message = format!("`{id}` ({name}) needs {} of memory, but there are {}", bytes(wanted), bytes(limit));
        let diagnostic = Diagnostic::error("too-much-memory", message)
            .with_label(span, format!("this needs {}", bytes(wanted)))
            .with_hint(size::TOO_MUCH);
        self.problem(draft, diagnostic, None);
    }

    /// Where a value that is handed through workflows cannot be taken.
    pub(super) fn trouble(&mut self, draft: u32, trouble: &Trouble) {
        let problem = check::Problem {
            code: "invalid-input",
            message: trouble.message.clone(),
            label: "here".into(),
            hint: None,
            fix: None,
        };
        let (module, node) = self.place_of(draft);
        let entry = &self.graph.modules[module].workflow.nodes[node];
        match trouble.input {
            Some(input) => {
                let span = self.use_of(draft, input).unwrap_or_else(|| self.id_span(draft));
                let diagnostic = self.about_input(draft, input, span, problem);
                let about = (self.input_name(draft, input), diagnostic.message.clone());
                self.problem(draft, diagnostic, Some(about));
            }
            None => {
                let message = format!("`{}`: {}", entry.id.value, problem.message);
                let diagnostic = Diagnostic::error(problem.code, message).with_label(self.id_span(draft), "here");
                self.problem(draft, diagnostic, None);
            }
        }
    }

    /// A node needs an input of the workflow that nobody gave a value.
    pub(super) fn missing_input(&mut self, draft: u32, input: usize) {
        let (module, _) = self.place_of(draft);
        let Some((name, declared)) = self.graph.modules[module].workflow.inputs.get_index(input) else { return };
        let kind = self.graph.modules[module].kinds[input];
        let (Some(kind), false) = (kind, declared.has_default) else { return };
        let hint = match declared.kind {
            Some(_) => format!("set `{name}`, or give it a default"),
            None => {
                format!("a value of kind {kind} cannot be written down: include this workflow in one that gives it")
            }
        };
        let used = self.use_of(draft, input).unwrap_or_else(|| self.id_span(draft));
        let message = format!("the workflow's input `{name}` ({kind}) has no value");
        let diagnostic = Diagnostic::error("missing-setting", message)
            .with_label(declared.span.clone(), "it has no default")
            .with_label(used, "used here")
            .with_hint(hint);
        let about = Some((name.clone(), String::new()));
        self.problems.push(Problem { draft, diagnostic, about, only_if_wanted: true, is_aside: false });
    }

    pub(super) fn problem(&mut self, draft: u32, diagnostic: Diagnostic, about: Option<(String, String)>) {
        let diagnostic = self.with_source(draft, diagnostic);
        self.drafts[draft as usize].is_broken |= diagnostic.is_error();
        self.problems.push(Problem { draft, diagnostic, about, only_if_wanted: false, is_aside: false });
    }

    /// Where it is in another file than the one that is planned, the diagnostic says so.
    fn with_source(&self, draft: u32, diagnostic: Diagnostic) -> Diagnostic {
        let (module, _) = self.place_of(draft);
        let source = self.graph.modules[module].document.source();
        if Arc::ptr_eq(&source.text, &self.graph.document().source().text) {
            return diagnostic;
        }
        diagnostic.with_source(Arc::new(source.clone()))
    }

    pub(super) fn place_of(&self, draft: u32) -> (usize, usize) {
        let draft = &self.drafts[draft as usize];
        (self.scopes[draft.scope as usize].module, draft.node as usize)
    }

    fn id_span(&self, draft: u32) -> Range<usize> {
        let (module, node) = self.place_of(draft);
        self.graph.modules[module].workflow.nodes[node].id.span.clone()
    }

    fn input_span(&self, draft: u32, input: &str) -> Range<usize> {
        let (module, node) = self.place_of(draft);
        let workflow = &self.graph.modules[module].workflow;
        input_span(workflow, node, input).cloned().unwrap_or_else(|| workflow.nodes[node].id.span.clone())
    }

    /// Where a node uses an input of its workflow.
    fn use_of(&self, draft: u32, input: usize) -> Option<Range<usize>> {
        let (module, node) = self.place_of(draft);
        let workflow = &self.graph.modules[module].workflow;
        let (name, _) = workflow.inputs.get_index(input)?;
        let mut found = None;
        each_feed(&workflow.nodes[node], &mut |feed, span| {
            if found.is_none() && matches!(feed, Feed::Input(used) if used == name) {
                found = Some(span.clone());
            }
        });
        found
    }
}

/// What is known of a node's inputs, in place of what was known of another's.
fn gather_literals(step: &Step, registered: &Registered, literals: &mut Vec<(&'static str, Value)>) {
    literals.clear();
    for input in &step.inputs {
        if let Origin::Known(value) = &input.origin {
            literals.push((registered.spec.inputs[input.input].name, value.clone()));
        }
    }
}
