//! The values of a text with their places, whatever they mean.
//!
//! RON itself stops at the first error, so a tolerant parser reads the text. What that one finds nothing wrong with
//! is read by RON once more: only RON decides what is sound.

use std::borrow::Cow;
use std::ops::Range;

use super::{Spanned, parser};
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// A name or a text as it stands in the text it was read from, if nothing in it is written in an unusual way.
pub(crate) type Slice<'t> = Cow<'t, str>;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Tree<'t> {
    pub(crate) kind: TreeKind<'t>,
    pub(crate) span: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum TreeKind<'t> {
    Text(Slice<'t>),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Tree<'t>>),
    Map(Vec<(Tree<'t>, Tree<'t>)>),
    /// `Name`, `Name(…)` or `(…)`.
    Call {
        name: Option<Spanned<Slice<'t>>>,
        items: Vec<Item<'t>>,
    },
    /// Reported already.
    Broken,
}

/// `name: value` or `value`.
#[derive(Clone, Debug)]
pub(crate) struct Item<'t> {
    pub(crate) name: Option<Spanned<Slice<'t>>>,
    pub(crate) value: Tree<'t>,
}

impl Spanned<Slice<'_>> {
    /// The same by itself.
    pub(crate) fn into_owned(self) -> Spanned<String> {
        Spanned { value: self.value.into_owned(), span: self.span }
    }
}

impl Tree<'_> {
    /// For "this is …".
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            TreeKind::Text(_) => "a text".into(),
            TreeKind::Integer(_) => "an integer".into(),
            TreeKind::Float(_) => "a float".into(),
            TreeKind::Boolean(_) => "a boolean".into(),
            TreeKind::List(_) => "a list".into(),
            TreeKind::Map(_) => "a map".into(),
            TreeKind::Call { name: Some(name), .. } => format!("`{}`", name.value),
            TreeKind::Call { name: None, .. } => "a group in brackets".into(),
            TreeKind::Broken => "broken".into(),
        }
    }
}

/// The tree of a text, every syntax error in it, and whether the end of the text was lost.
pub(crate) fn parse(source: &Source) -> (Tree<'_>, Vec<Diagnostic>, bool) {
    let text: &str = &source.text;
    let (tree, mut diagnostics, cut_off) = parser::parse(text);
    if diagnostics.is_empty() {
        diagnostics.extend(refused_by_ron(text));
    }
    (tree, diagnostics, cut_off)
}

/// The tree of a text and the syntax errors in it; RON is not asked.
pub(crate) fn parse_text(text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    let (tree, diagnostics, _) = parser::parse(text);
    (tree, diagnostics)
}

/// RON's own opinion of a text that looks sound.
fn refused_by_ron(text: &str) -> Option<Diagnostic> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let error = ron::from_str::<serde::de::IgnoredAny>(body).err()?;
    let skipped = text.len() - body.len();
    let start = skipped + offset(body, error.span.start.line, error.span.start.col);
    let end = (skipped + offset(body, error.span.end.line, error.span.end.col)).max(start);
    Some(Diagnostic::error("syntax", format!("this is no RON: {}", error.code)).with_label(start..end, "here"))
}

/// The byte at a line and a character, both counted from 1.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}
