//! What feeds an input.

use std::fmt::Display;

use super::read::Reader;
use super::tree::{Item, Tree, TreeKind};
use super::{Feed, Literal, Spanned, parser};
use crate::diagnostic::Diagnostic;
use crate::suggest;

/// The literal that a text is; none if it is anything else.
pub(crate) fn parse_literal(text: &str) -> Option<Literal> {
    let (tree, diagnostics, _) = parser::parse(text);
    let mut reader = Reader { is_damaged: !diagnostics.is_empty(), diagnostics };
    if reader.is_damaged { None } else { reader.literal(tree, &"") }
}

/// Whether something in it is no literal.
fn names_something(tree: &Tree<'_>) -> bool {
    match &tree.kind {
        TreeKind::Call { name: Some(_), .. } => true,
        TreeKind::List(items) => items.iter().any(names_something),
        _ => false,
    }
}

impl Reader {
    pub(super) fn feed(&mut self, tree: Tree<'_>, what: &dyn Display) -> Spanned<Feed> {
        let span = tree.span.clone();
        let value = match &tree.kind {
            TreeKind::Call { name: Some(name), items } if name.value == "Input" || name.value == "From" => {
                self.reference(&tree, &name.value, items)
            }
            TreeKind::Call { name: Some(name), .. } => {
                let close = suggest::closest(&name.value, ["Input", "From", "true", "false"]);
                let hint = close.map_or_else(
                    || "texts are written in double quotes".into(),
                    |name| format!("did you mean `{name}`?"),
                );
                let message = format!("{what} is {}, which is no value", tree.describe());
                self.report(
                    Diagnostic::error("invalid-value", message)
                        .with_label(span.clone(), "a literal, `Input(…)` or `From(…)` should stand here")
                        .with_hint(hint)
                        .with_fix_if(&name.span, close.map(str::to_string)),
                );
                Feed::Unreadable
            }
            TreeKind::Call { name: None, .. } | TreeKind::Map(_) | TreeKind::Broken => {
                self.wrong_type(&tree, what, "a literal, `Input(\"…\")` or `From(\"…\")`");
                Feed::Unreadable
            }
            TreeKind::List(items) if items.iter().any(names_something) => self.feeds(tree, what),
            _ => self.literal(tree, what).map_or(Feed::Unreadable, Feed::Literal),
        };
        Spanned { value, span }
    }

    /// A list in which not everything is a literal.
    fn feeds(&mut self, tree: Tree<'_>, what: &dyn Display) -> Feed {
        let TreeKind::List(items) = tree.kind else { return Feed::Unreadable };
        let what = format_args!("an element of {what}");
        Feed::List(items.into_iter().map(|item| self.feed(item, &what)).collect())
    }

    /// `Input("name")` or `From("node.socket")`.
    fn reference(&mut self, tree: &Tree<'_>, form: &str, items: &[Item<'_>]) -> Feed {
        let text = match items {
            [Item { name: None, value: Tree { kind: TreeKind::Text(text), .. } }] => text,
            items if items.iter().any(|item| matches!(item.value.kind, TreeKind::Broken)) => {
                return Feed::Unreadable;
            }
            _ => {
                let example = if form == "Input" { "Input(\"seed\")" } else { "From(\"node.socket\")" };
                let diagnostic = Diagnostic::error("invalid-value", format!("`{form}` takes one text"))
                    .with_label(tree.span.clone(), "here")
                    .with_hint(format!("write it like `{example}`"));
                self.report(diagnostic);
                return Feed::Unreadable;
            }
        };
        if form == "Input" {
            return Feed::Input(text.to_string());
        }
        Feed::from_text(text)
    }
}

impl Feed {
    /// `node.socket`, or `node`.
    pub(crate) fn from_text(text: &str) -> Self {
        match text.split_once('.') {
            Some((node, socket)) => Feed::From { node: node.into(), socket: Some(socket.into()) },
            None => Feed::From { node: text.into(), socket: None },
        }
    }
}
