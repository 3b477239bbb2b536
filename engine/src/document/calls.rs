//! What `Include`, `Map` and `Loop` say, and how a node wants to be run.

use std::sync::Arc;
use std::time::Duration;

use super::fields::{Fields, name_fix};
use super::read::Reader;
use super::tree::{Slice, Tree, TreeKind};
use super::{Call, Form, Literal, Options, Ragged, Spanned};
use crate::diagnostic::Diagnostic;
use crate::suggest;

/// More attempts than this are a mistake.
const MAX_RETRY: i64 = 100;

/// Longer than a year is a mistake.
const MAX_TIMEOUT: f64 = 31_536_000.0;

const OPTIONS: [&str; 6] = ["timeout", "retry", "cache", "device", "mute", "bypass"];

const RAGGED: [(&str, Ragged); 3] =
    [("refuse", Ragged::Refuse), ("shortest", Ragged::Shortest), ("repeat_last", Ragged::RepeatLast)];

impl Form {
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Form::Include => &["workflow", "with", "options"],
            Form::Map => &["workflow", "over", "with", "index", "ragged", "options"],
            Form::Loop => &["workflow", "times", "carry", "with", "while", "collect", "index", "options"],
        }
    }
}

impl Reader {
    /// Everything but `with` and `options`, which were taken.
    pub(super) fn call(&mut self, form: Form, mut fields: Fields<'_>) -> Call {
        let errors = self.diagnostics.len();
        let mut call = Call {
            form,
            workflow: None,
            over: Vec::new(),
            index: None,
            ragged: Ragged::default(),
            times: None,
            carry: Vec::new(),
            go_on: None,
            collect: Vec::new(),
            damaged: false,
        };
        let name = form.name();
        match fields.take("workflow") {
            Some(tree) => call.workflow = self.text(tree, &format!("{name}.workflow")),
            None if self.is_damaged => {}
            None => self.report(fields.missing("workflow", "workflow: \"name\"")),
        }
        match form {
            Form::Include => {}
            Form::Map => self.map_fields(&mut fields, &mut call),
            Form::Loop => self.loop_fields(&mut fields, &mut call),
        }
        if form != Form::Include
            && let Some(tree) = fields.take("index")
        {
            call.index = self.text(tree, &format!("{name}.index"));
        }
        self.unknown_call_fields(form, fields);
        call.damaged = self.is_damaged || self.diagnostics.len() > errors;
        call
    }

    fn map_fields(&mut self, fields: &mut Fields<'_>, call: &mut Call) {
        match fields.take("over") {
            Some(tree) => {
                let (span, errors) = (tree.span.clone(), self.diagnostics.len());
                call.over = self.names(tree, "Map.over");
                if call.over.is_empty() && self.diagnostics.len() == errors {
                    let diagnostic = Diagnostic::error("invalid-value", "`Map.over` names no input")
                        .with_label(span, "empty")
                        .with_hint(
                            "name the inputs that are given an element of a list each time: `over: [\"input\"]`",
                        );
                    self.report(diagnostic);
                }
            }
            None if self.is_damaged => {}
            None => self.report(fields.missing("over", "over: [\"input\"]")),
        }
        let Some(tree) = fields.take("ragged") else { return };
        let Some(text) = self.text(tree, "Map.ragged") else { return };
        match RAGGED.iter().find(|(name, _)| *name == text.value) {
            Some((_, ragged)) => call.ragged = *ragged,
            None => {
                let hint = suggest::hint_and_list(&text.value, "there are", RAGGED.map(|(name, _)| name));
                let message = format!("`Map.ragged` is {:?}, which is none of its choices", text.value);
                let fix = name_fix(&text.value, &text.span, &RAGGED.map(|(name, _)| name));
                let diagnostic =
                    Diagnostic::error("not-a-choice", message).with_label(text.span.clone(), "not a choice");
                self.report(diagnostic.with_hint_if(hint).with_fix_if(&text.span, fix));
            }
        }
    }

    fn loop_fields(&mut self, fields: &mut Fields<'_>, call: &mut Call) {
        match fields.take("times") {
            Some(tree) => call.times = Some(self.feed(tree, &"Loop.times")),
            None if self.is_damaged => {}
            None => self.report(fields.missing("times", "times: 3")),
        }
        if let Some(tree) = fields.take("carry") {
            call.carry = self.carry(tree);
        }
        if let Some(tree) = fields.take("while") {
            call.go_on = self.text(tree, "Loop.while");
        }
        if let Some(tree) = fields.take("collect") {
            call.collect = self.names(tree, "Loop.collect");
        }
    }

    /// `{"input": "output"}`, or `["name"]` where both are called the same.
    fn carry(&mut self, tree: Tree<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
        let pairs: Vec<_> = match tree.kind {
            TreeKind::List(_) => self.names(tree, "Loop.carry").into_iter().map(|name| (name.clone(), name)).collect(),
            _ => {
                let entries = self.named(tree, "Loop.carry", "input: \"output\"");
                let read = |(name, tree): (Spanned<Slice<'_>>, _)| {
                    Some((name.into_owned(), self.text(tree, "an output in Loop.carry")?))
                };
                entries.into_iter().filter_map(read).collect()
            }
        };
        let mut carry: Vec<(Spanned<String>, Spanned<String>)> = Vec::with_capacity(pairs.len());
        for (input, output) in pairs {
            match carry.iter().find(|(known, _)| known.value == input.value) {
                Some((first, _)) => {
                    let first = first.span.clone();
                    self.twice("Loop.carry", &input, &first);
                }
                None => carry.push((input, output)),
            }
        }
        carry
    }

    /// A list of names, each there once.
    fn names(&mut self, tree: Tree<'_>, what: &str) -> Vec<Spanned<String>> {
        let TreeKind::List(items) = tree.kind else {
            self.wrong_type(&tree, &what, "a list of names: `[\"name\"]`");
            return Vec::new();
        };
        let mut names: Vec<Spanned<String>> = Vec::with_capacity(items.len());
        for item in items {
            let Some(name) = self.text(item, &format!("a name in {what}")) else { continue };
            match names.iter().find(|known| known.value == name.value) {
                Some(first) => {
                    let first = first.span.clone();
                    self.twice(what, &name, &first);
                }
                None => names.push(name),
            }
        }
        names
    }

    fn unknown_call_fields(&mut self, form: Form, fields: Fields<'_>) {
        for (Spanned { value: name, span }, _) in fields.fields {
            let close = suggest::closest(&name, form.fields().iter().copied());
            let hint = close.map_or_else(
                || format!("what the workflow is given stands in `with: ({name}: …)`"),
                |close| format!("did you mean `{close}`?"),
            );
            let diagnostic = Diagnostic::error("unknown-field", format!("`{}` has no field `{name}`", form.name()))
                .with_label(span.clone(), "not known")
                .with_hint(hint)
                .with_fix_if(&span, name_fix(&name, &span, form.fields()));
            self.report(diagnostic);
        }
    }

    /// `options: (timeout: 60.0, …)`.
    pub(super) fn options(&mut self, tree: Tree<'_>) -> Options {
        let mut options = Options::default();
        let mut given: Vec<Spanned<Slice<'_>>> = Vec::new();
        for (name, tree) in self.named(tree, "options", "timeout: 60.0") {
            if let Some(first) = given.iter().find(|known| known.value == name.value) {
                let first = first.span.clone();
                self.twice("options", &name, &first);
                continue;
            }
            match &*name.value {
                "timeout" => options.timeout = self.timeout(tree),
                "retry" => options.retry = self.retry(tree),
                "cache" => options.cache = self.boolean(tree, "options.cache"),
                "device" => options.device = self.device(tree),
                "mute" => options.mute = self.boolean(tree, "options.mute").unwrap_or(false),
                "bypass" => options.bypass = self.boolean(tree, "options.bypass").unwrap_or(false),
                unknown => {
                    let hint = suggest::hint_and_list(unknown, "there are", OPTIONS);
                    let diagnostic = Diagnostic::error("unknown-option", format!("there is no option `{unknown}`"))
                        .with_label(name.span.clone(), "not known")
                        .with_hint_if(hint)
                        .with_fix_if(&name.span, name_fix(unknown, &name.span, &OPTIONS));
                    self.report(diagnostic);
                }
            }
            given.push(name);
        }
        let place = |wanted: &str| given.iter().find(|name| name.value == wanted).map(|name| name.span.clone());
        if options.mute
            && options.bypass
            && let (Some(mute), Some(bypass)) = (place("mute"), place("bypass"))
        {
            let diagnostic = Diagnostic::error("invalid-option", "a node is either muted or bypassed")
                .with_label(bypass, "bypassed")
                .with_label(mute, "muted")
                .with_hint("remove one of them");
            self.report(diagnostic);
        }
        options
    }

    fn boolean(&mut self, tree: Tree<'_>, what: &str) -> Option<bool> {
        match tree.kind {
            TreeKind::Boolean(flag) => Some(flag),
            _ => {
                self.wrong_type(&tree, &what, "true or false");
                None
            }
        }
    }

    fn timeout(&mut self, tree: Tree<'_>) -> Option<Duration> {
        let span = tree.span.clone();
        let seconds = match tree.kind {
            TreeKind::Integer(seconds) => seconds as f64,
            TreeKind::Float(seconds) => seconds,
            _ => {
                self.wrong_type(&tree, &"options.timeout", "a number of seconds");
                return None;
            }
        };
        let sound = seconds > 0.0 && seconds <= MAX_TIMEOUT;
        let timeout = if sound { Duration::try_from_secs_f64(seconds).ok() } else { None };
        if timeout.is_none() {
            let found = Literal::Float(seconds);
            let message = format!("`options.timeout` is {found} seconds, but should be above 0 and at most a year");
            self.report(
                Diagnostic::error("out-of-range", message)
                    .with_label(span, "in seconds")
                    .with_hint("leave it out for no limit"),
            );
        }
        timeout
    }

    fn retry(&mut self, tree: Tree<'_>) -> Option<u32> {
        let TreeKind::Integer(times) = tree.kind else {
            self.wrong_type(&tree, &"options.retry", "an integer");
            return None;
        };
        if (0..=MAX_RETRY).contains(&times) {
            return u32::try_from(times).ok();
        }
        let message = format!("`options.retry` is {times}, but should be 0 to {MAX_RETRY}");
        self.report(
            Diagnostic::error("out-of-range", message)
                .with_label(tree.span, "how often a node that failed is tried again"),
        );
        None
    }

    fn device(&mut self, tree: Tree<'_>) -> Option<Spanned<Arc<str>>> {
        let text = self.text(tree, "options.device")?;
        if text.value.trim().is_empty() {
            let diagnostic = Diagnostic::error("invalid-option", "`options.device` names no device")
                .with_label(text.span, "empty")
                .with_hint("leave it out, or write `device: \"cpu\"`");
            self.report(diagnostic);
            return None;
        }
        Some(Spanned { value: text.value.into(), span: text.span })
    }
}
