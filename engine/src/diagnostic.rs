//! What is wrong with a workflow, where, and what to do about it. How it is shown is the caller's business.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::source::Source;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The workflow cannot run.
    Error,
    /// It runs, but perhaps not as meant.
    Warning,
}

/// A place in the source with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the source.
    pub span: Range<usize>,
    /// The remark; may be empty.
    pub text: String,
}

/// A piece of a text and what is to stand in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Bytes of the text; empty to put something in.
    pub span: Range<usize>,
    /// What comes there.
    pub text: String,
}

/// One finding about a workflow.
///
/// ```
/// use easel_engine::{Diagnostic, Severity};
///
/// let diagnostic = Diagnostic::error("unknown-node-type", "there is no node type `Pior`")
///     .with_label(10..14, "not known")
///     .with_hint("did you mean `Prior`?")
///     .with_fix(10..14, "Prior");
/// assert_eq!(diagnostic.severity, Severity::Error);
/// assert_eq!(diagnostic.to_string(), "error[unknown-node-type]: there is no node type `Pior`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Names the rule, in kebab-case; never changes, so that programs can tell findings apart.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// The text that the labels are places in, if it is not the one that was asked about but one that it includes.
    pub source: Option<Arc<Source>>,
    /// Where: the first is the place itself, further ones explain.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What the hint says, as a change to the text that the labels are places in, where it is plain what was meant.
    pub fix: Option<Box<Replacement>>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Diagnostic { severity: Severity::Error, code, message, source: None, labels: Vec::new(), hint: None, fix: None }
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place.
    pub fn with_label(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to do about it, if there is something to say.
    pub(crate) fn with_hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Says how the text is mended: what is to stand in the place of a piece of it.
    pub fn with_fix(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.fix = Some(Box::new(Replacement { span, text: text.into() }));
        self
    }

    /// The same, if it is known what was meant.
    pub(crate) fn with_fix_if(self, span: &Range<usize>, text: Option<String>) -> Self {
        match text {
            Some(text) => self.with_fix(span.clone(), text),
            None => self,
        }
    }

    /// Whether it keeps the workflow from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Says that its labels are places in another text than the one that was asked about.
    pub fn with_source(mut self, source: Arc<Source>) -> Self {
        self.source = Some(source);
        self
    }

    /// The order in which people read a file; what has no place comes last, and what is in other files after that.
    pub(crate) fn sort_key(&self) -> (Option<&str>, usize, usize) {
        let source = self.source.as_ref().map(|source| source.name.as_str());
        let (start, end) = self.labels.first().map_or((usize::MAX, 0), |label| (label.span.start, label.span.end));
        (source, start, end)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)
    }
}
