//! The pieces that everything in a document is read with: names, values, entries.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::Range;

use super::literal::common_kind;
use super::read::Reader;
use super::tree::{Item, Slice, Tree, TreeKind};
use super::{Literal, Spanned};
use crate::check;
use crate::diagnostic::Diagnostic;
use crate::suggest;
use crate::value::Kind;

/// The named parts of a `Name(…)`; what nobody takes is not known.
pub(super) struct Fields<'t> {
    pub(super) owner: Slice<'t>,
    pub(super) span: Range<usize>,
    /// Each name is there once.
    pub(super) fields: Vec<(Spanned<Slice<'t>>, Tree<'t>)>,
}

/// Names are looked for one by one until there are more of them than this.
const FEW: usize = 16;

impl Reader {
    pub(super) fn literal(&mut self, tree: Tree<'_>, what: &dyn Display) -> Option<Literal> {
        match tree.kind {
            TreeKind::Text(text) => Some(Literal::Text(text.into_owned())),
            TreeKind::Integer(number) => Some(Literal::Integer(number)),
            TreeKind::Float(number) => Some(Literal::Float(number)),
            TreeKind::Boolean(flag) => Some(Literal::Boolean(flag)),
            TreeKind::List(trees) => self.literals(trees, what),
            _ => {
                self.wrong_type(&tree, what, "a literal");
                None
            }
        }
    }

    /// A list of literals of one kind.
    fn literals(&mut self, trees: Vec<Tree<'_>>, what: &dyn Display) -> Option<Literal> {
        let what = format_args!("an element of {what}");
        let mut items = Vec::with_capacity(trees.len());
        let mut element: Option<(Kind, Range<usize>)> = None;
        let mut is_sound = true;
        for tree in trees {
            let span = tree.span.clone();
            let Some(literal) = self.literal(tree, &what) else {
                is_sound = false;
                continue;
            };
            let kind = literal.kind();
            match &mut element {
                None => element = Some((kind, span)),
                Some((known, first)) => match common_kind(*known, kind) {
                    Some(common) => *known = common,
                    None => {
                        is_sound = false;
                        let message = format!("{what} is {kind}, but the first is {known}");
                        let diagnostic = Diagnostic::error("invalid-value", message)
                            .with_label(span, format!("this is {kind}"))
                            .with_label(first.clone(), format!("this is {known}"))
                            .with_hint("all elements of a list are of one kind");
                        self.report(diagnostic);
                    }
                },
            }
            items.push(literal);
        }
        if is_sound { Literal::list(items) } else { None }
    }

    /// A literal of that kind.
    pub(super) fn literal_of(&mut self, tree: Tree<'_>, kind: Kind, what: &str) -> Option<Literal> {
        let (span, found) = (tree.span.clone(), tree.describe());
        let literal = self.literal(tree, &what)?;
        if literal.is_of_kind(kind) {
            return literal.of_kind(kind);
        }
        let diagnostic = Diagnostic::error("kind-mismatch", format!("`{what}` is {found}, but should be {kind}"))
            .with_label(span, format!("this is {}", literal.kind()))
            .with_hint_if(check::literal_hint(&literal, kind));
        self.report(diagnostic);
        None
    }

    pub(super) fn text(&mut self, tree: Tree<'_>, what: &str) -> Option<Spanned<String>> {
        match tree.kind {
            TreeKind::Text(text) => Some(Spanned { value: text.into_owned(), span: tree.span }),
            _ => {
                self.wrong_type(&tree, &what, "a text");
                None
            }
        }
    }

    pub(super) fn wrong_type(&mut self, tree: &Tree<'_>, what: &dyn Display, wanted: &str) {
        if matches!(tree.kind, TreeKind::Broken) {
            return;
        }
        let diagnostic = Diagnostic::error("invalid-value", format!("{what} should be {wanted}"))
            .with_label(tree.span.clone(), format!("this is {}", tree.describe()));
        self.report(diagnostic);
    }

    /// The entries of a map with quoted names.
    pub(super) fn entries<'t>(
        &mut self,
        tree: Tree<'t>,
        what: &str,
        example: &str,
    ) -> Vec<(Spanned<Slice<'t>>, Tree<'t>)> {
        let TreeKind::Map(entries) = tree.kind else {
            self.wrong_type(&tree, &what, &format!("a map: `{{ {example} }}`"));
            return Vec::new();
        };
        let mut named = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match key.kind {
                TreeKind::Text(name) => named.push((Spanned { value: name, span: key.span }, value)),
                TreeKind::Call { name: Some(name), items } if items.is_empty() => {
                    let diagnostic = Diagnostic::error("invalid-name", format!("names in {what} are texts"))
                        .with_label(name.span.clone(), "not in quotes")
                        .with_hint(format!("write `\"{}\"`", name.value))
                        .with_fix(name.span.clone(), format!("\"{}\"", name.value));
                    self.report(diagnostic);
                    named.push((name, value));
                }
                _ => self.wrong_type(&key, &format_args!("a name in {what}"), "a text"),
            }
        }
        named
    }

    /// The entries of `(name: value)` or `{ "name": value }`.
    pub(super) fn named<'t>(
        &mut self,
        tree: Tree<'t>,
        what: &str,
        example: &str,
    ) -> Vec<(Spanned<Slice<'t>>, Tree<'t>)> {
        match tree.kind {
            TreeKind::Map(_) => self.entries(tree, what, example),
            TreeKind::Call { name: None, items } => {
                let mut named = Vec::with_capacity(items.len());
                for Item { name, value } in items {
                    match name {
                        Some(name) => named.push((name, value)),
                        None => self.nameless(what, value),
                    }
                }
                named
            }
            _ => {
                self.wrong_type(&tree, &what, &format!("a group: `({example})`"));
                Vec::new()
            }
        }
    }

    fn nameless(&mut self, owner: &str, value: Tree<'_>) {
        if !matches!(value.kind, TreeKind::Broken) {
            let diagnostic = Diagnostic::error("invalid-value", format!("a value in `{owner}` has no name"))
                .with_label(value.span, "write `name: value`");
            self.report(diagnostic);
        }
    }

    /// Something that is given twice.
    pub(super) fn twice(&mut self, owner: &str, name: &Spanned<impl Display>, first: &Range<usize>) {
        let diagnostic = Diagnostic::error("duplicate-field", format!("`{owner}.{}` is given twice", name.value))
            .with_label(name.span.clone(), "the second")
            .with_label(first.clone(), "the first")
            .with_hint("remove one of them");
        self.report(diagnostic);
    }

    /// The named ones, each once; the others are reported.
    pub(super) fn fields<'t>(&mut self, owner: Slice<'t>, span: Range<usize>, items: Vec<Item<'t>>) -> Fields<'t> {
        let mut places = HashMap::new();
        let is_long = items.len() > FEW;
        let mut fields: Vec<(Spanned<Slice<'t>>, Tree<'t>)> = Vec::with_capacity(items.len());
        for Item { name, value } in items {
            let Some(name) = name else {
                self.nameless(&owner, value);
                continue;
            };
            let first = match is_long {
                true => places.insert(name.value.clone(), fields.len()),
                false => fields.iter().position(|(known, _)| known.value == name.value),
            };
            match first {
                Some(first) => {
                    self.twice(&owner, &name, &fields[first].0.span);
                    if is_long {
                        places.insert(name.value, first);
                    }
                }
                None => fields.push((name, value)),
            }
        }
        Fields { owner, span, fields }
    }

    pub(super) fn unknown(&mut self, fields: Fields<'_>, known: &[&str]) {
        for (Spanned { value: name, span }, _) in fields.fields {
            let hint = suggest::hint(&name, "there are", known.iter().copied());
            let fix = name_fix(&name, &span, known);
            let diagnostic = Diagnostic::error("unknown-field", format!("`{}` has no field `{name}`", fields.owner))
                .with_label(span.clone(), "not known")
                .with_hint_if(hint)
                .with_fix_if(&span, fix);
            self.report(diagnostic);
        }
    }
}

/// What is to be written in the place of a misspelt name, in quotes if that is.
pub(super) fn name_fix(name: &str, span: &Range<usize>, known: &[&str]) -> Option<String> {
    let close = suggest::closest(name, known.iter().copied())?;
    Some(if span.len() > name.len() { Literal::Text(close.into()).to_string() } else { close.into() })
}

impl<'t> Fields<'t> {
    pub(super) fn take(&mut self, name: &str) -> Option<Tree<'t>> {
        let place = self.fields.iter().position(|(field, _)| field.value == name)?;
        Some(self.fields.remove(place).1)
    }

    pub(super) fn missing(&self, name: &str, example: &str) -> Diagnostic {
        Diagnostic::error("missing-field", format!("`{}` needs the field `{name}`", self.owner))
            .with_label(self.span.clone(), format!("`{name}` is missing"))
            .with_hint(format!("add `{example}`"))
    }
}

/// Whether nodes and outputs can be called that: names are put together with `.`, `/` and `[…]`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
