//! Nodes that run another workflow: `Include`, `Map` and `Loop`.

use std::sync::Arc;

use super::build::Builder;
use super::link::Socket;
use super::{CallForm, Callee, Link, ModuleCall, Place};
use crate::diagnostic::Diagnostic;
use crate::document::{Call, Feed, Form, NodeEntry, Spanned, Workflow, WorkflowInput};
use crate::suggest;
use crate::value::{Kind, kinds};

/// A loop may have this many passes.
pub(crate) const MAX_PASSES: f64 = 100_000.0;

/// The workflow that is run, as its user sees it.
struct Called<'c> {
    index: usize,
    call: &'c Call,
    name: String,
    workflow: Arc<Workflow>,
    kinds: Vec<Option<Kind>>,
    outputs: Vec<Option<Kind>>,
}

impl<'m> Builder<'m, '_> {
    pub(super) fn call(&mut self, index: usize, entry: &'m NodeEntry, module: usize) {
        let Some(call) = &entry.call else { return };
        let called = &self.modules.modules[module];
        let called = Called {
            index,
            call,
            name: call.workflow.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
            workflow: called.workflow.clone(),
            kinds: called.kinds.clone(),
            outputs: called.outputs.iter().map(|output| output.kind).collect(),
        };
        let form = match call.form {
            Form::Include => CallForm::Include,
            Form::Map => self.map(&called),
            Form::Loop => self.repeat(&called),
        };
        self.unknown_with(&called, entry);
        let mut links: Vec<_> =
            (0..called.kinds.len()).map(|input| self.call_link(&called, entry, &form, input)).collect();
        let mut kinds = called.outputs.clone();
        match &form {
            CallForm::Include => {}
            CallForm::Map { .. } => kinds.iter_mut().for_each(|kind| *kind = kind.map(Kind::list)),
            CallForm::Loop { collect, .. } => {
                let collected = kinds.iter_mut().zip(collect).filter(|(_, collect)| **collect);
                collected.for_each(|(kind, _)| *kind = kind.map(Kind::list));
                links.push(self.times(&called));
            }
        }
        if called.call.damaged {
            self.nodes[index].is_sound = false;
        }
        let node = &mut self.nodes[index];
        node.kinds = kinds.into();
        node.links = links.into();
        node.call = Callee::Module(Box::new(ModuleCall { module, form }));
    }

    fn unknown_with(&mut self, called: &Called<'_>, entry: &NodeEntry) {
        for input in entry.inputs.iter().filter(|input| !called.workflow.inputs.contains_key(&input.name.value)) {
            self.unknown_name(called, &input.name, "input");
            self.check_references(called.index, &input.value.value, &input.value.span);
        }
    }

    /// Says that the workflow has no input, or output, of that name.
    fn unknown_name(&mut self, called: &Called<'_>, name: &Spanned<String>, what: &str) {
        let names: Vec<&str> = match what {
            "input" => called.workflow.inputs.keys().map(String::as_str).collect(),
            _ => called.workflow.outputs.keys().map(String::as_str).collect(),
        };
        let hint = match names.len() {
            0 if what == "output" => Some("it has none: give it `outputs: { \"name\": From(\"node.socket\") }`".into()),
            0 => Some("it has no inputs".into()),
            _ => self.hint(|| suggest::hint_and_list(&name.value, "it has", names.iter().copied())),
        };
        let code = if what == "input" { "unknown-node-input" } else { "unknown-output" };
        let diagnostic =
            Diagnostic::error(code, format!("the workflow `{}` has no {what} `{}`", called.name, name.value))
                .with_label(name.span.clone(), "not known")
                .with_hint_if(hint)
                .with_fix_if(&name.span, self.name_fix(name, names));
        self.report(Place::Node(called.index), diagnostic);
    }

    fn find_inner_input(&mut self, called: &Called<'_>, name: &Spanned<String>) -> Option<usize> {
        let found = called.workflow.inputs.get_index_of(&name.value);
        if found.is_none() {
            self.unknown_name(called, name, "input");
        }
        found
    }

    fn find_inner_output(&mut self, called: &Called<'_>, name: &Spanned<String>) -> Option<usize> {
        let found = called.workflow.outputs.get_index_of(&name.value);
        if found.is_none() {
            self.unknown_name(called, name, "output");
        }
        found
    }

    fn map(&mut self, called: &Called<'_>) -> CallForm {
        let mut over = vec![false; called.kinds.len()];
        for name in &called.call.over {
            if let Some(input) = self.find_inner_input(called, name) {
                over[input] = true;
            }
        }
        let index = self.index_input(called);
        if let (Some(input), Some(name)) = (index, &called.call.index)
            && over[input]
        {
            let diagnostic =
                Diagnostic::error("invalid-value", format!("`{}` is given the number of the element", name.value))
                    .with_label(name.span.clone(), "here")
                    .with_hint("take it out of `over`");
            self.report(Place::Node(called.index), diagnostic);
        }
        CallForm::Map { over, index, ragged: called.call.ragged }
    }

    /// The input that is given the number of the element or pass.
    fn index_input(&mut self, called: &Called<'_>) -> Option<usize> {
        let name = called.call.index.as_ref()?;
        let input = self.find_inner_input(called, name)?;
        let kind = called.kinds[input]?;
        if kind == kinds::INTEGER {
            return Some(input);
        }
        let message = format!("`{}.{}` is {kind}, but is to be given a number from 0", called.name, name.value);
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(name.span.clone(), "this should be an Integer")
            .with_hint(format!("declare it `\"{}\": Integer()` in that workflow", name.value));
        self.report(Place::Node(called.index), diagnostic);
        None
    }

    fn repeat(&mut self, called: &Called<'_>) -> CallForm {
        let mut carry = Vec::new();
        for (input, output) in &called.call.carry {
            let found = (self.find_inner_input(called, input), self.find_inner_output(called, output));
            let (Some(to), Some(from)) = found else { continue };
            let (Some(takes), Some(gives)) = (called.kinds[to], called.outputs[from]) else { continue };
            if takes == gives {
                carry.push((to, from));
                continue;
            }
            let message = format!(
                "the output `{}` of `{}` is {gives}, but is carried into its input `{}`, which is {takes}",
                output.value, called.name, input.value
            );
            let diagnostic = Diagnostic::error("kind-mismatch", message)
                .with_label(output.span.clone(), format!("this is {gives}"))
                .with_label(input.span.clone(), format!("this is {takes}"))
                .with_hint("what is carried is of one kind in every pass");
            self.report(Place::Node(called.index), diagnostic);
        }
        let index = self.index_input(called);
        if let (Some(input), Some(name)) = (index, &called.call.index)
            && let Some((carried, _)) = called.call.carry.iter().find(|(input, _)| input.value == name.value)
        {
            let diagnostic =
                Diagnostic::error("invalid-value", format!("`{}` is given the number of the pass", name.value))
                    .with_label(carried.span.clone(), "so nothing can be carried into it")
                    .with_label(name.span.clone(), "here");
            self.report(Place::Node(called.index), diagnostic.with_hint("take it out of `carry`"));
            carry.retain(|(to, _)| *to != input);
        }
        let go_on = called.call.go_on.as_ref().and_then(|name| self.while_output(called, name));
        let mut collect = vec![false; called.outputs.len()];
        for name in &called.call.collect {
            if let Some(output) = self.find_inner_output(called, name) {
                collect[output] = true;
            }
        }
        CallForm::Loop { carry, index, go_on, collect }
    }

    fn while_output(&mut self, called: &Called<'_>, name: &Spanned<String>) -> Option<usize> {
        let output = self.find_inner_output(called, name)?;
        let kind = called.outputs[output]?;
        if kind == kinds::BOOLEAN {
            return Some(output);
        }
        let message = format!("`while` asks the output `{}` of `{}`, which is {kind}", name.value, called.name);
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(name.span.clone(), "this should be a Boolean")
            .with_hint("name an output that is true for as long as there is to be another pass");
        self.report(Place::Node(called.index), diagnostic);
        None
    }

    fn times(&mut self, called: &Called<'_>) -> Link {
        let Some(times) = &called.call.times else { return Link::Broken { node: None } };
        let socket = Socket {
            owner: "Loop",
            name: "times",
            kinds: &[kinds::INTEGER],
            range: Some(&(0.0..=MAX_PASSES)),
            choices: &[],
            is_mapped: false,
        };
        self.link(Place::Node(called.index), &socket, times).0
    }

    /// What feeds an input of the workflow.
    fn call_link(&mut self, called: &Called<'_>, entry: &NodeEntry, form: &CallForm, input: usize) -> Link {
        let Some((name, declared)) = called.workflow.inputs.get_index(input) else {
            return Link::Broken { node: None };
        };
        let written = entry.inputs.iter().find(|written| written.name.value == *name);
        let (is_mapped, is_index) = match form {
            CallForm::Include => (false, false),
            CallForm::Map { over, index, .. } => (over[input], *index == Some(input)),
            CallForm::Loop { index, .. } => (false, *index == Some(input)),
        };
        if is_index {
            if let Some(written) = written {
                let diagnostic = Diagnostic::error("invalid-value", format!("`{name}` is fed by `index` already"))
                    .with_label(written.name.span.clone(), "so nothing else can feed it")
                    .with_hint("take it out of `with`");
                self.report(Place::Node(called.index), diagnostic);
            }
            return Link::Absent;
        }
        let Some(kind) = called.kinds[input] else {
            // The declaration is wrong, which was said where it is.
            if let Some(written) = written {
                self.check_references(called.index, &written.value.value, &written.value.span);
                return self.broken(&written.value.value);
            }
            return Link::Broken { node: None };
        };
        self.declared_link(called, entry, (declared, kind, is_mapped), written.map(|written| &written.value))
    }

    fn declared_link(
        &mut self,
        called: &Called<'_>,
        entry: &NodeEntry,
        (declared, kind, is_mapped): (&WorkflowInput, Kind, bool),
        written: Option<&Spanned<Feed>>,
    ) -> Link {
        let choices: Vec<_> = declared.choices.iter().map(|choice| choice.value.as_str()).collect();
        let kinds = [if is_mapped { kind.list() } else { kind }];
        let socket = Socket {
            owner: &called.name,
            name: &declared.name.value,
            kinds: &kinds,
            range: declared.range.as_ref(),
            choices: &choices,
            is_mapped,
        };
        match written {
            Some(written) => self.link(Place::Node(called.index), &socket, written).0,
            None if declared.has_default && !is_mapped => Link::Default,
            None => {
                self.missing(called.index, entry, &socket);
                Link::Broken { node: None }
            }
        }
    }
}
