//! What feeds a socket, and whether it fits.

use std::ops::{Range, RangeInclusive};

use super::build::Builder;
use super::{Link, Place, hints};
use crate::check::{self, Fit};
use crate::diagnostic::Diagnostic;
use crate::document::{Feed, Literal, NodeEntry, Spanned};
use crate::guard;
use crate::spec::{Derived, InputSpec, NodeSpec, Presence};
use crate::value::{Kind, Value, kinds};

/// What is to be fed: an input of a node or of another workflow.
#[derive(Clone, Copy)]
pub(super) struct Socket<'s> {
    /// The node type or workflow.
    pub(super) owner: &'s str,
    pub(super) name: &'s str,
    pub(super) kinds: &'s [Kind],
    pub(super) range: Option<&'s RangeInclusive<f64>>,
    pub(super) choices: &'s [&'s str],
    /// A map goes over it: one thing is not taken for a list.
    pub(super) is_mapped: bool,
}

/// What feeds a socket, and the kind in which it arrives.
type Fed = Option<(Link, Kind)>;

impl<'s> Socket<'s> {
    fn of(spec: &'s NodeSpec, input: &'s InputSpec) -> Self {
        let checked = !input.checked_by_node;
        Socket {
            owner: spec.name,
            name: input.name,
            kinds: &input.kinds,
            range: input.range.as_ref().filter(|_| checked),
            choices: if checked { &input.choices } else { &[] },
            is_mapped: false,
        }
    }

    fn shown(&self) -> String {
        if self.owner.is_empty() { format!("`{}`", self.name) } else { format!("`{}.{}`", self.owner, self.name) }
    }
}

impl Builder<'_, '_> {
    /// What feeds an input of a node.
    pub(super) fn spec_link(
        &mut self,
        index: usize,
        entry: &NodeEntry,
        spec: &NodeSpec,
        at: usize,
    ) -> (Link, Option<Kind>) {
        let input = &spec.inputs[at];
        let socket = Socket::of(spec, input);
        // Most people, and all programs, write inputs in the order in which they are declared.
        let written = entry.inputs.get(at).filter(|written| written.name.value == input.name);
        match written.or_else(|| entry.inputs.iter().find(|written| written.name.value == input.name)) {
            Some(written) => {
                self.taken += 1;
                self.link(Place::Node(index), &socket, &written.value)
            }
            None => match &input.presence {
                Presence::Optional => (Link::Absent, None),
                Presence::Default(value) => (Link::Default, Some(value.kind())),
                Presence::Required => {
                    self.missing(index, entry, &socket);
                    (Link::Broken { node: None }, None)
                }
            },
        }
    }

    /// What feeds a socket; what is wrong with it is reported.
    pub(super) fn link(&mut self, place: Place, socket: &Socket<'_>, written: &Spanned<Feed>) -> (Link, Option<Kind>) {
        match self.feed(place, socket, written) {
            Some((link, kind)) => (link, Some(kind)),
            None => (self.broken(&written.value), None),
        }
    }

    /// The same for something that takes every kind.
    pub(super) fn any_feed(&mut self, place: Place, name: &str, written: &Spanned<Feed>) -> Fed {
        let kinds = &[kinds::ANY];
        let socket = Socket { owner: "", name, kinds, range: None, choices: &[], is_mapped: false };
        self.feed(place, &socket, written)
    }

    /// Reports an input that must be fed and is not.
    pub(super) fn missing(&mut self, index: usize, entry: &NodeEntry, socket: &Socket<'_>) {
        let call = entry.call.as_ref();
        if self.scope.document.is_damaged(&entry.span) || call.is_some_and(|call| call.damaged) {
            return;
        }
        let place = entry.node_type.as_ref().map_or(&entry.span, |name| &name.span);
        let kinds = hints::kind_words(socket.kinds);
        let message = format!("`{}` needs the input `{}` ({kinds})", socket.owner, socket.name);
        let mut hint = self.hint(|| self.socket_hint(socket));
        if call.is_some() {
            hint = hint.map(|hint| hint.replacen("write `", "add to `with`: `", 1));
        }
        let diagnostic = Diagnostic::error("missing-input", message)
            .with_label(place.clone(), format!("`{}` is missing", socket.name))
            .with_hint_if(hint);
        self.report(Place::Node(index), diagnostic);
    }

    fn socket_hint(&self, socket: &Socket<'_>) -> Option<String> {
        hints::for_socket(self.modules.registry, &self.scope.workflow.nodes, socket)
    }

    fn feed(&mut self, place: Place, socket: &Socket<'_>, written: &Spanned<Feed>) -> Fed {
        let Spanned { value: feed, span } = written;
        match feed {
            Feed::Unreadable => None,
            Feed::Literal(literal) => self.literal(place, socket, literal, span),
            Feed::Value(value) => self.value(place, socket, value, span),
            Feed::Input(name) => self.input(place, socket, name, span),
            Feed::From { node, socket: output } => self.wire(place, socket, (node, output.as_deref()), span),
            Feed::List(items) => self.list(place, socket, items, span),
        }
    }

    /// The way into a socket, if there is one.
    fn fit(&self, socket: &Socket<'_>, from: Kind) -> Option<Fit> {
        let fit = Fit::find(self.modules.registry, from, socket.kinds)?;
        (!(socket.is_mapped && matches!(fit, Fit::OneToList))).then_some(fit)
    }

    fn literal(&mut self, place: Place, socket: &Socket<'_>, literal: &Literal, span: &Range<usize>) -> Fed {
        let one_for_list = socket.is_mapped && literal.kind().element().is_none();
        let fitted = guard::catch(|| check::fit_literal(self.modules.registry, literal, socket.kinds));
        match fitted {
            Ok(None) => {}
            Ok(Some(_)) if one_for_list => {}
            Ok(Some(value)) => return self.known(place, socket, value.map_err(|error| error.to_string()), span),
            Err(panic) => return self.known(place, socket, Err(panic), span),
        }
        let hint = socket.kinds.iter().find_map(|&kind| check::literal_hint(literal, kind));
        self.mismatch(place, socket, literal.kind(), span, hint);
        None
    }

    fn value(&mut self, place: Place, socket: &Socket<'_>, value: &Value, span: &Range<usize>) -> Fed {
        let Some(fit) = self.fit(socket, value.kind()) else {
            self.mismatch(place, socket, value.kind(), span, None);
            return None;
        };
        let converted = guard::catch(|| fit.apply(value)).and_then(|value| value.map_err(|error| error.to_string()));
        self.known(place, socket, converted, span)
    }

    fn mismatch(&mut self, place: Place, socket: &Socket<'_>, kind: Kind, span: &Range<usize>, hint: Option<String>) {
        let takes = hints::kind_words(socket.kinds);
        let over = if socket.is_mapped { "each time an element of " } else { "" };
        let message = format!("{} takes {over}{takes}, but this is {kind}", socket.shown());
        let hint = hint.or_else(|| self.hint(|| self.socket_hint(socket)));
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(span.clone(), format!("this is {kind}"))
            .with_hint_if(hint);
        self.report(place, diagnostic);
    }

    /// A value that is known, held against bounds and choices.
    fn known(
        &mut self,
        place: Place,
        socket: &Socket<'_>,
        converted: Result<Value, String>,
        span: &Range<usize>,
    ) -> Fed {
        let problem = match converted {
            Ok(value) => match check::check(&value, socket.range, socket.choices) {
                Ok(()) => {
                    let kind = value.kind();
                    return Some((Link::Known(value), kind));
                }
                Err(problem) => problem,
            },
            Err(message) => check::Problem::conversion(&message),
        };
        let diagnostic = Diagnostic::error(problem.code, format!("{} {}", socket.shown(), problem.message))
            .with_label(span.clone(), problem.label)
            .with_hint_if(problem.hint)
            .with_fix_if(span, problem.fix);
        self.report(place, diagnostic);
        None
    }

    fn input(&mut self, place: Place, socket: &Socket<'_>, name: &str, span: &Range<usize>) -> Fed {
        let input = self.find_input(place, name, span)?;
        let kind = self.kinds[input]?;
        if let Some(fit) = self.fit(socket, kind) {
            let arrives = fit.kind(kind);
            return Some((Link::Input { input: input as u32, fit }, arrives));
        }
        let takes = hints::kind_words(socket.kinds);
        let message = format!("{} takes {takes}; the input `{name}` is {kind}", socket.shown());
        let declared = self.scope.workflow.inputs[input].span.clone();
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(span.clone(), format!("this is {kind}"))
            .with_label(declared, "declared here")
            .with_hint_if(self.hint(|| self.socket_hint(socket)));
        self.report(place, diagnostic);
        None
    }

    fn wire(&mut self, place: Place, socket: &Socket<'_>, from: (&str, Option<&str>), span: &Range<usize>) -> Fed {
        let (node, output) = self.find_output(place, from.0, from.1, span)?;
        let Some(kind) = self.output_kind(node, output) else {
            self.unknown_kind(place, node, output, span);
            return None;
        };
        if let Some(fit) = self.fit(socket, kind) {
            let arrives = fit.kind(kind);
            return Some((Link::Wire { node: node as u32, output: output as u32, fit }, arrives));
        }
        let takes = hints::kind_words(socket.kinds);
        let names = self.output_names(node);
        let given = &names[output];
        let message = format!("{} takes {takes}; `{}.{given}` gives {kind}", socket.shown(), from.0);
        let outputs: Vec<_> = names
            .iter()
            .enumerate()
            .filter_map(|(at, name)| Some((name.as_str(), self.output_kind(node, at)?)))
            .collect();
        let hint = self.hint(|| hints::for_wire(self.modules.registry, from.0, &outputs, kind, socket));
        let diagnostic = Diagnostic::error("kind-mismatch", message)
            .with_label(span.clone(), format!("this is {kind}"))
            .with_hint_if(hint);
        self.report(place, diagnostic);
        None
    }

    /// An output whose kind follows from an input that is not fed. If the node is wrong itself, that was said.
    fn unknown_kind(&mut self, place: Place, node: usize, output: usize, span: &Range<usize>) {
        let super::Callee::Node(type_place) = self.nodes[node].call else { return };
        if !self.nodes[node].is_sound {
            return;
        }
        let output = &self.registered(type_place).spec.outputs[output];
        let id = &self.scope.workflow.nodes[node].id.value;
        let (Some(Derived::SameAs(input) | Derived::ListOf(input) | Derived::ElementOf(input)), name) =
            (output.derived, output.name)
        else {
            return;
        };
        let message = format!("what `{id}.{name}` is follows from the input `{input}` of `{id}`, which does not tell");
        let hint = match output.derived {
            Some(Derived::ElementOf(_)) => format!("feed a list to `{input}`"),
            _ => format!("feed `{input}`"),
        };
        let diagnostic = Diagnostic::error("unknown-output-kind", message)
            .with_label(span.clone(), "nobody knows what this is")
            .with_hint(hint);
        self.report(place, diagnostic);
    }

    /// A list of feeds: each finds its own way to the kind of the elements.
    fn list(&mut self, place: Place, socket: &Socket<'_>, items: &[Spanned<Feed>], span: &Range<usize>) -> Fed {
        let Some(element) = self.element_of(socket, items) else {
            if socket.kinds.contains(&kinds::ANY) {
                // What is in it was found wrong, or tells no kind.
                items.iter().for_each(|item| drop(self.any_feed(place, socket.name, item)));
                return None;
            }
            let message = format!("{} takes {}, but this is a list", socket.shown(), hints::kind_words(socket.kinds));
            let hint = match items {
                [_] => Some("write it without brackets".into()),
                _ => self.hint(|| self.socket_hint(socket)),
            };
            let diagnostic = Diagnostic::error("kind-mismatch", message)
                .with_label(span.clone(), "this is a list")
                .with_hint_if(hint);
            self.report(place, diagnostic);
            return None;
        };
        let name = format!("an element of {}", socket.shown().trim_matches('`'));
        let inner = Socket { owner: "", name: &name, kinds: &[element], is_mapped: false, ..*socket };
        let links: Vec<_> = items
            .iter()
            .map(|item| {
                if self.is_list_already(&item.value, element) {
                    self.report_nested(place, &inner, element, item, items.len());
                    return self.broken(&item.value);
                }
                self.link(place, &inner, item).0
            })
            .collect();
        Some((Link::List { element, items: links }, element.list()))
    }

    /// The kind of the elements that a list of feeds is to have.
    fn element_of(&self, socket: &Socket<'_>, items: &[Spanned<Feed>]) -> Option<Kind> {
        let elements: Vec<_> = socket.kinds.iter().filter_map(|kind| kind.element()).collect();
        let kinds: Vec<_> = items.iter().filter_map(|item| self.kind_of(&item.value)).collect();
        let registry = self.modules.registry;
        let fits = |element: &&Kind| kinds.iter().all(|&kind| Fit::find(registry, kind, &[**element]).is_some());
        // A list that already is what is wanted in whole is told apart later, with a better message.
        let found = elements.iter().find(fits).or(elements.first()).copied();
        if found.is_none() && socket.kinds.contains(&kinds::ANY) {
            let first = *kinds.first()?;
            return Some(
                kinds.iter().copied().find(|&kind| Fit::find(registry, first, &[kind]).is_some()).unwrap_or(first),
            );
        }
        found
    }

    /// The kind of a feed, if it is known; says nothing.
    fn kind_of(&self, feed: &Feed) -> Option<Kind> {
        let workflow = self.scope.workflow;
        match feed {
            Feed::Literal(literal) => Some(literal.kind()),
            Feed::Value(value) => Some(value.kind()),
            Feed::Input(name) => self.kinds[workflow.inputs.get_index_of(name)?],
            Feed::From { node, socket } => {
                let node = *workflow.by_id.get(node)?;
                let names = self.output_names(node);
                let output = match socket {
                    Some(socket) => names.iter().position(|name| name == socket)?,
                    None => (names.len() == 1).then_some(0)?,
                };
                self.output_kind(node, output)
            }
            Feed::List(items) => items.iter().find_map(|item| self.kind_of(&item.value)).map(Kind::list),
            Feed::Unreadable => None,
        }
    }

    /// Whether an item is itself the list that it stands in.
    fn is_list_already(&self, feed: &Feed, element: Kind) -> bool {
        !matches!(feed, Feed::List(_) | Feed::Literal(_)) && self.kind_of(feed) == Some(element.list())
    }

    fn report_nested(&mut self, place: Place, socket: &Socket<'_>, element: Kind, item: &Spanned<Feed>, count: usize) {
        let list = element.list();
        let hint = match count {
            1 => "write it without brackets".to_string(),
            _ => "a list in a list is not taken apart: feed its elements one by one".to_string(),
        };
        let diagnostic =
            Diagnostic::error("kind-mismatch", format!("{} is {element}, but this is {list}", socket.name))
                .with_label(item.span.clone(), "this is a list itself")
                .with_hint(hint);
        self.report(place, diagnostic);
    }
}
