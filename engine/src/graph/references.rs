//! Names that a workflow uses: its inputs, its nodes, their outputs.

use std::ops::Range;

use super::build::{Builder, Type};
use super::{Link, Place};
use crate::diagnostic::Diagnostic;
use crate::document::{Feed, Literal};
use crate::suggest;
use crate::value::Kind;

impl Builder<'_, '_> {
    /// Whether what a feed names exists; the socket that it feeds is not known. The node, if it names one.
    pub(super) fn check_reference(&mut self, index: usize, feed: &Feed, span: &Range<usize>) -> Option<u32> {
        match feed {
            Feed::Input(name) => {
                self.find_input(Place::Node(index), name, span);
                None
            }
            Feed::From { node, socket } => {
                self.find_output(Place::Node(index), node, socket.as_deref(), span);
                self.scope.workflow.by_id.get(node).map(|&node| node as u32)
            }
            Feed::Literal(_) | Feed::Value(_) | Feed::List(_) | Feed::Unreadable => None,
        }
    }

    /// The same for every feed in a list.
    pub(super) fn check_references(&mut self, index: usize, feed: &Feed, span: &Range<usize>) {
        match feed {
            Feed::List(items) => items.iter().for_each(|item| self.check_references(index, &item.value, &item.span)),
            feed => {
                self.check_reference(index, feed, span);
            }
        }
    }

    /// What stands for a feed that is wrong: what it depends on is still known.
    pub(super) fn broken(&mut self, feed: &Feed) -> Link {
        match feed {
            Feed::From { node, .. } => {
                let node = self.scope.workflow.by_id.get(node).map(|&node| node as u32);
                self.givers.extend(node);
                Link::Broken { node }
            }
            Feed::List(items) => Link::List {
                element: super::build::UNKNOWN_KIND,
                items: items.iter().map(|item| self.broken(&item.value)).chain([Link::Broken { node: None }]).collect(),
            },
            _ => Link::Broken { node: None },
        }
    }

    /// The place of an input of the workflow; says so if there is none.
    pub(super) fn find_input(&mut self, place: Place, name: &str, span: &Range<usize>) -> Option<usize> {
        let workflow = self.scope.workflow;
        if let Some(index) = workflow.inputs.get_index_of(name) {
            return Some(index);
        }
        if self.scope.document.cut_off {
            return None;
        }
        let (hint, fix) = if workflow.by_id.contains_key(name) {
            (Some(format!("`{name}` is a node: write `From(\"{name}\")`")), Some(written("From", name)))
        } else {
            let names = workflow.inputs.keys().map(String::as_str);
            let close = self.hint(|| suggest::closest(name, names.clone()).map(|close| written("Input", close)));
            let hint = self.hint(|| suggest::hint(name, "there are", names));
            (hint.or_else(|| Some(format!("declare it: `inputs: {{ \"{name}\": Text() }}`"))), close)
        };
        let diagnostic = Diagnostic::error("unknown-input", format!("the workflow has no input `{name}`"))
            .with_label(span.clone(), "not declared")
            .with_hint_if(hint)
            .with_fix_if(span, fix);
        self.report(place, diagnostic);
        None
    }

    /// The node and output that a wire names; says so if they do not exist.
    pub(super) fn find_output(
        &mut self,
        place: Place,
        id: &str,
        socket: Option<&str>,
        span: &Range<usize>,
    ) -> Option<(usize, usize)> {
        let Some(&node) = self.scope.workflow.by_id.get(id) else {
            self.unknown_node(place, id, socket, span);
            return None;
        };
        self.givers.push(node as u32);
        let position = match (self.types[node], socket) {
            (Type::Unknown | Type::Module(None), _) => return None,
            (Type::Node(place), Some(name)) => {
                self.registered(place).spec.outputs.iter().position(|output| output.name == name)
            }
            (Type::Module(Some(module)), Some(name)) => {
                self.modules.modules[module].workflow.outputs.get_index_of(name)
            }
            (_, None) => (self.output_count(node) == 1).then_some(0),
        };
        if let Some(output) = position {
            return Some((node, output));
        }
        let owner = self.owner(node);
        let names = self.output_names(node);
        let diagnostic = match socket {
            _ if names.is_empty() => Diagnostic::error("unknown-output", format!("`{id}` ({owner}) has no outputs")),
            Some(name) => {
                let hint = self.hint(|| suggest::hint_and_list(name, "it has", names.iter().map(String::as_str)));
                Diagnostic::error("unknown-output", format!("`{id}` ({owner}) has no output `{name}`"))
                    .with_hint_if(hint)
                    .with_fix_if(span, self.output_fix(id, name, &names))
            }
            None => {
                let sockets: Vec<_> = names.iter().map(|output| format!("{id}.{output}")).collect();
                let hint =
                    suggest::listing(sockets.iter().map(String::as_str)).map(|names| format!("there are: {names}"));
                Diagnostic::error("ambiguous-output", format!("`{id}` ({owner}) has several outputs: say which"))
                    .with_hint_if(hint)
            }
        };
        self.report(place, diagnostic.with_label(span.clone(), "here"));
        None
    }

    /// The wire that was meant by a misspelt output.
    fn output_fix(&self, id: &str, name: &str, names: &[String]) -> Option<String> {
        let close = self.hint(|| suggest::closest(name, names.iter().map(String::as_str)).map(str::to_string))?;
        Some(written("From", &format!("{id}.{close}")))
    }

    /// What people call the type of a node.
    pub(super) fn owner(&self, node: usize) -> String {
        let entry = &self.scope.workflow.nodes[node];
        match (&entry.call, &entry.node_type) {
            (Some(call), _) => {
                let workflow = call.workflow.as_ref().map_or("", |name| name.value.as_str());
                format!("{} of {workflow}", call.form.name())
            }
            (None, Some(name)) => name.value.clone(),
            (None, None) => String::new(),
        }
    }

    fn output_count(&self, node: usize) -> usize {
        match self.types[node] {
            Type::Unknown | Type::Module(None) => 0,
            Type::Node(place) => self.registered(place).spec.outputs.len(),
            Type::Module(Some(module)) => self.modules.modules[module].workflow.outputs.len(),
        }
    }

    pub(super) fn output_names(&self, node: usize) -> Vec<String> {
        match self.types[node] {
            Type::Unknown | Type::Module(None) => Vec::new(),
            Type::Node(place) => {
                self.registered(place).spec.outputs.iter().map(|output| output.name.to_string()).collect()
            }
            Type::Module(Some(module)) => self.modules.modules[module].workflow.outputs.keys().cloned().collect(),
        }
    }

    /// The kind of an output; none if it is not known.
    pub(super) fn output_kind(&self, node: usize, output: usize) -> Option<Kind> {
        match self.nodes[node].kinds.get(output) {
            Some(kind) => *kind,
            None => match self.types[node] {
                Type::Node(place) => {
                    let output = self.registered(place).spec.outputs.get(output)?;
                    // A node of a cycle whose kinds are not known yet.
                    if output.derived.is_some() { None } else { Some(output.kind) }
                }
                Type::Unknown | Type::Module(_) => None,
            },
        }
    }

    fn unknown_node(&mut self, place: Place, id: &str, socket: Option<&str>, span: &Range<usize>) {
        if self.scope.document.cut_off {
            return;
        }
        let workflow = self.scope.workflow;
        let (hint, fix) = if workflow.inputs.contains_key(id) {
            let hint = format!("`{id}` is an input of the workflow: write `Input(\"{id}\")`");
            (Some(hint), Some(written("Input", id)))
        } else {
            let names = workflow.nodes.iter().map(|node| node.id.value.as_str());
            let close = self.hint(|| suggest::closest(id, names.clone()).map(str::to_string));
            let wire = |close: String| socket.map_or_else(|| close.clone(), |socket| format!("{close}.{socket}"));
            let fix = close.map(|close| written("From", &wire(close)));
            (self.hint(|| suggest::hint(id, "there are", names)), fix)
        };
        let diagnostic = Diagnostic::error("unknown-node", format!("there is no node `{id}`"))
            .with_label(span.clone(), "not known")
            .with_hint_if(hint)
            .with_fix_if(span, fix);
        self.report(place, diagnostic);
    }
}

/// A reference as documents write it.
fn written(form: &str, name: &str) -> String {
    format!("{form}({})", Literal::Text(name.into()))
}
