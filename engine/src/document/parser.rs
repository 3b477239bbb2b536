//! A tolerant parser for the part of RON that workflows are written in: it goes on after errors.

use std::ops::Range;

use super::Spanned;
use super::lexer::{Bracket, Token, TokenKind, lex};
use super::tree::{Item, Slice, Tree, TreeKind, offset};
use crate::diagnostic::Diagnostic;

/// A workflow needs five levels, and two more for each one inside of another; this many fit any stack.
const MAX_DEPTH: usize = 32;

/// A file with more syntax errors is no workflow.
const MAX_ERRORS: usize = 50;

/// The fields of a workflow: they tell that an outer bracket was meant.
const SECTIONS: [&str; 6] = ["version", "about", "inputs", "workflows", "nodes", "outputs"];

/// The tree of a text, the syntax errors in it, and whether the end of the text was lost.
pub(crate) fn parse(text: &str) -> (Tree<'_>, Vec<Diagnostic>, bool) {
    let lexed = lex(text);
    let mut parser = Parser {
        text,
        tokens: lexed.tokens,
        at: 0,
        open: Vec::new(),
        trees: Vec::new(),
        entries: Vec::new(),
        items: Vec::new(),
        diagnostics: lexed.diagnostics,
        ended: lexed.cut_off,
        recovered_at: usize::MAX,
    };
    let tree = parser.value();
    if parser.at < parser.tokens.len() && !parser.ended {
        let span = parser.tokens[parser.at].span.clone();
        parser.error("there is text after the end of the workflow", span, "nothing may follow");
    }
    (tree, parser.diagnostics, parser.ended)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    open: Vec<(Bracket, Range<usize>)>,
    /// What stands in the brackets that are open: what is closed takes its own, and no more memory than that.
    trees: Vec<Tree<'a>>,
    entries: Vec<(Tree<'a>, Tree<'a>)>,
    items: Vec<Item<'a>>,
    diagnostics: Vec<Diagnostic>,
    /// The end of the file was reported, or there were too many errors: say nothing more.
    ended: bool,
    /// The token at which a forgotten bracket was assumed: what seems wrong there is known.
    recovered_at: usize,
}

impl<'a> Parser<'a> {
    fn kind(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    fn slice(&self) -> &'a str {
        &self.text[self.span()]
    }

    fn error(&mut self, message: impl Into<String>, span: Range<usize>, label: &str) {
        self.report(Diagnostic::error("syntax", message).with_label(span, label));
    }

    /// An error that is mended by replacing something.
    fn fixable(&mut self, message: impl Into<String>, span: Range<usize>, label: &str, fix: (Range<usize>, &str)) {
        self.report(Diagnostic::error("syntax", message).with_label(span, label).with_fix(fix.0, fix.1));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.ended {
            return;
        }
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() >= MAX_ERRORS {
            self.diagnostics.push(Diagnostic::error("syntax", "there are too many syntax errors to list them all"));
            self.ended = true;
            self.at = self.tokens.len();
        }
    }

    fn value(&mut self) -> Tree<'a> {
        let span = self.span();
        let slice = self.slice();
        let kind = match self.kind(0) {
            Some(TokenKind::Text) => self.scalar(text(slice)),
            Some(TokenKind::Number) => self.scalar(number(slice)),
            Some(TokenKind::Ident) => return self.word(),
            Some(TokenKind::Open(Bracket::Round)) => return self.call(None),
            Some(TokenKind::Open(Bracket::Square)) => return self.list(),
            Some(TokenKind::Open(Bracket::Curly)) => return self.map(),
            Some(TokenKind::Stray) => {
                self.error(format!("`{slice}` begins no value"), span.clone(), "a value is expected here");
                self.at += 1;
                TreeKind::Broken
            }
            Some(TokenKind::Broken) => {
                self.at += 1;
                TreeKind::Broken
            }
            Some(TokenKind::Close(_) | TokenKind::Comma | TokenKind::Colon) => {
                self.error("a value is missing", span.clone(), "before this");
                self.recovered_at = self.at;
                return Tree { kind: TreeKind::Broken, span: span.start..span.start };
            }
            None => {
                self.end_of_file();
                TreeKind::Broken
            }
        };
        Tree { kind, span }
    }

    fn scalar(&mut self, read: Result<TreeKind<'a>, ron::error::SpannedError>) -> TreeKind<'a> {
        let span = self.span();
        let slice = self.slice();
        self.at += 1;
        read.unwrap_or_else(|error| {
            let start = span.start + offset(slice, error.span.start.line, error.span.start.col);
            let place = if start < span.end && slice.starts_with(['"', 'r']) { start..span.end } else { span };
            self.error(format!("`{}` cannot be read: {}", shorten(slice), error.code), place, "here");
            TreeKind::Broken
        })
    }

    fn word(&mut self) -> Tree<'a> {
        let span = self.span();
        let name = self.slice();
        self.at += 1;
        let kind = match name {
            "true" => TreeKind::Boolean(true),
            "false" => TreeKind::Boolean(false),
            "inf" => TreeKind::Float(f64::INFINITY),
            "NaN" => TreeKind::Float(f64::NAN),
            _ => {
                let name = Spanned { value: Slice::Borrowed(name), span: span.clone() };
                if self.kind(0) == Some(TokenKind::Open(Bracket::Round)) {
                    return self.call(Some(name));
                }
                TreeKind::Call { name: Some(name), items: Vec::new() }
            }
        };
        Tree { kind, span }
    }

    fn list(&mut self) -> Tree<'a> {
        let first = self.trees.len();
        let span = self.group(Bracket::Square, |parser| {
            let tree = parser.value();
            parser.trees.push(tree);
        });
        Tree { kind: TreeKind::List(self.trees.drain(first..).collect()), span }
    }

    fn map(&mut self) -> Tree<'a> {
        let first = self.entries.len();
        let span = self.group(Bracket::Curly, |parser| {
            let key = parser.value();
            let value = parser.after_colon(&key);
            parser.entries.push((key, value));
        });
        Tree { kind: TreeKind::Map(self.entries.drain(first..).collect()), span }
    }

    fn after_colon(&mut self, key: &Tree<'a>) -> Tree<'a> {
        let is_broken = matches!(key.kind, TreeKind::Broken);
        match self.kind(0) {
            Some(TokenKind::Colon) => {
                self.at += 1;
                self.value()
            }
            Some(TokenKind::Stray) if self.slice().starts_with('=') => {
                let span = self.span();
                self.fixable("names and values are separated by `:`", span.clone(), "write `:`", (span, ":"));
                self.at += 1;
                self.value()
            }
            _ => {
                if !is_broken && self.kind(0).is_some() {
                    self.error("`:` and a value are missing", key.span.clone(), "after this");
                }
                Tree { kind: TreeKind::Broken, span: key.span.end..key.span.end }
            }
        }
    }

    fn call(&mut self, name: Option<Spanned<Slice<'a>>>) -> Tree<'a> {
        let first = self.items.len();
        let span = self.group(Bracket::Round, |parser| {
            let item = parser.item();
            parser.items.push(item);
        });
        let items = self.items.drain(first..).collect();
        let start = name.as_ref().map_or(span.start, |name| name.span.start);
        Tree { kind: TreeKind::Call { name, items }, span: start..span.end }
    }

    fn item(&mut self) -> Item<'a> {
        let next_is_value = match self.kind(1) {
            Some(TokenKind::Text | TokenKind::Number) => true,
            Some(TokenKind::Ident) => self.kind(2) != Some(TokenKind::Colon),
            _ => false,
        };
        if self.kind(0) == Some(TokenKind::Ident) && next_is_value {
            let span = self.span();
            let name = Spanned { value: Slice::Borrowed(self.slice()), span: span.clone() };
            let end = span.end;
            self.fixable(format!("`:` is missing after `{}`", name.value), span, "after this", (end..end, ":"));
            self.at += 1;
            return Item { name: Some(name), value: self.value() };
        }
        let separated = match self.tokens.get(self.at + 1) {
            Some(token) if token.kind == TokenKind::Stray => self.text[token.span.clone()].starts_with('='),
            next => next.is_some_and(|token| token.kind == TokenKind::Colon),
        };
        if !separated || !matches!(self.kind(0), Some(TokenKind::Ident | TokenKind::Text)) {
            return Item { name: None, value: self.value() };
        }
        let span = self.span();
        let slice = self.slice();
        if self.kind(0) == Some(TokenKind::Text) {
            let (message, name) = ("names in round brackets are written without quotes", slice.trim_matches('"'));
            self.fixable(message, span.clone(), "remove the quotes", (span.clone(), name));
        }
        self.at += 1;
        let name = Spanned { value: Slice::Borrowed(slice.trim_matches('"')), span };
        let key = Tree { kind: TreeKind::Text(Slice::default()), span: name.span.clone() };
        let value = self.after_colon(&key);
        Item { name: Some(name), value }
    }

    /// Reads `( item, item )` with any bracket; the span covers both ends.
    fn group(&mut self, bracket: Bracket, mut item: impl FnMut(&mut Self)) -> Range<usize> {
        let opening = self.span();
        if self.open.len() >= MAX_DEPTH {
            self.error(format!("brackets are nested deeper than {MAX_DEPTH} levels"), opening.clone(), "too deep");
            self.skip_group();
            return opening.start..self.previous_end();
        }
        self.open.push((bracket, opening.clone()));
        self.at += 1;
        let first = self.at;
        while !self.group_ends(bracket, first) {
            let before = self.at;
            item(self);
            self.after_item(bracket, first);
            if self.at == before {
                // Nothing was fit to be read, and it was said.
                self.at += 1;
            }
        }
        self.open.pop();
        opening.start..self.previous_end()
    }

    /// Whether the group is over; takes its closing bracket, and says if that one is missing.
    fn group_ends(&mut self, bracket: Bracket, first: usize) -> bool {
        loop {
            match self.kind(0) {
                None => {
                    self.end_of_file();
                    return true;
                }
                Some(TokenKind::Close(found)) if found == bracket => {
                    self.at += 1;
                    return true;
                }
                Some(TokenKind::Close(found)) => {
                    let outer = self.open.len().saturating_sub(1);
                    if self.open[..outer].iter().any(|(open, _)| *open == found) {
                        self.not_closed(bracket);
                        return true;
                    }
                    if self.mistaken_closing(bracket, found) {
                        return true;
                    }
                }
                Some(TokenKind::Comma) => {
                    let span = self.span();
                    self.error("a value is missing", span, "before this");
                    self.at += 1;
                }
                Some(_) if self.outer_goes_on(bracket, first) => {
                    self.not_closed(bracket);
                    return true;
                }
                Some(_) => return false,
            }
        }
    }

    /// Takes a closing bracket that no open one matches. Whether it was meant to close this group.
    fn mistaken_closing(&mut self, bracket: Bracket, found: Bracket) -> bool {
        let right_one_follows = self.kind(1) == Some(TokenKind::Close(bracket));
        let opening = self.open.last().map_or(0..0, |(_, span)| span.clone());
        let label = if right_one_follows {
            "nothing of that kind is open".to_string()
        } else {
            format!("write `{}`", bracket.close())
        };
        let message = format!("`{}` does not close `{}`", found.close(), bracket.open());
        if self.recovered_at != self.at {
            let diagnostic = Diagnostic::error("syntax", message).with_label(self.span(), label);
            self.report(diagnostic.with_label(opening, "this is open"));
        }
        self.at += 1;
        !right_one_follows
    }

    /// Whether what comes can only belong to a bracket further out, since the closing one was forgotten.
    fn outer_goes_on(&self, bracket: Bracket, first: usize) -> bool {
        let outer = &self.open[..self.open.len().saturating_sub(1)];
        let inside = |wanted: Bracket| outer.iter().any(|(open, _)| *open == wanted);
        if self.kind(1) != Some(TokenKind::Colon) {
            return false;
        }
        match self.kind(0) {
            Some(TokenKind::Text) => {
                let quoted_names = self.tokens.get(first).is_some_and(|token| token.kind == TokenKind::Text);
                bracket != Bracket::Curly && inside(Bracket::Curly) && !(bracket == Bracket::Round && quoted_names)
            }
            Some(TokenKind::Ident) => {
                let section = SECTIONS.contains(&self.slice()) && !outer.is_empty();
                bracket != Bracket::Round && inside(Bracket::Round) && section
            }
            _ => false,
        }
    }

    fn not_closed(&mut self, bracket: Bracket) {
        let opening = self.open.last().map_or(0..0, |(_, span)| span.clone());
        let diagnostic = Diagnostic::error("syntax", format!("this `{}` is not closed", bracket.open()))
            .with_label(opening, format!("`{}` is missing", bracket.close()))
            .with_label(self.span(), "it should stand before this");
        self.report(diagnostic);
        self.recovered_at = self.at;
    }

    fn end_of_file(&mut self) {
        let diagnostic = match self.open.last() {
            Some((bracket, span)) => {
                Diagnostic::error("syntax", format!("the file ends, but this `{}` is not closed", bracket.open()))
                    .with_label(span.clone(), format!("`{}` is missing", bracket.close()))
            }
            None if self.tokens.is_empty() => Diagnostic::error("syntax", "the file is empty")
                .with_label(0..self.text.len(), "nothing here")
                .with_hint("a workflow looks like `Workflow(version: 1, nodes: { … })`"),
            None => {
                Diagnostic::error("syntax", "the file ends, but a value is missing").with_label(self.span(), "here")
            }
        };
        self.report(diagnostic);
        self.ended = true;
    }

    /// After a value: a comma, the end of the group, or an error.
    fn after_item(&mut self, bracket: Bracket, first: usize) {
        match self.kind(0) {
            None | Some(TokenKind::Close(_)) => return,
            Some(TokenKind::Comma) => {
                self.at += 1;
                return;
            }
            Some(_) if self.outer_goes_on(bracket, first) || self.recovered_at == self.at => return,
            Some(_) => {}
        }
        let begins_item = match bracket {
            Bracket::Square => !matches!(self.kind(0), Some(TokenKind::Colon | TokenKind::Stray)),
            _ => self.kind(1) == Some(TokenKind::Colon),
        };
        let span = self.span();
        let name = shorten(self.slice());
        if begins_item {
            let end = self.previous_end();
            self.fixable("`,` is missing", span, &format!("before `{name}`"), (end..end, ","));
            return;
        }
        if self.kind(0) != Some(TokenKind::Broken) {
            self.error(format!("`{name}` is not expected here"), span, "`,` or a closing bracket should stand here");
        }
        self.skip_item();
    }

    /// Goes to behind the next comma, or to the closing bracket, of the current group.
    fn skip_item(&mut self) {
        loop {
            match self.kind(0) {
                None | Some(TokenKind::Close(_)) => return,
                Some(TokenKind::Comma) => {
                    self.at += 1;
                    return;
                }
                Some(TokenKind::Open(_)) => self.skip_group(),
                Some(_) => self.at += 1,
            }
        }
    }

    /// Goes to behind the bracket that closes the one here, without recursion.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.kind(0) {
            self.at += 1;
            match kind {
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn previous_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(self.text.len(), |token| token.span.end)
    }
}

/// A string. RON reads those that say anything in an unusual way.
fn text(slice: &str) -> Result<TreeKind<'_>, ron::error::SpannedError> {
    match slice.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains(['\\', '\r', '"']) => Ok(TreeKind::Text(Slice::Borrowed(plain))),
        _ => ron::from_str(slice).map(|text| TreeKind::Text(Slice::Owned(text))),
    }
}

fn number(slice: &str) -> Result<TreeKind<'static>, ron::error::SpannedError> {
    // The usual ones are read without RON, which has more to do.
    if slice.len() <= 15
        && slice.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = slice.parse()
    {
        return Ok(TreeKind::Integer(number));
    }
    let digits = slice.trim_start_matches(['+', '-']);
    let prefixed = ["0x", "0b", "0o"].iter().any(|prefix| digits.starts_with(prefix));
    let is_float = !prefixed && (digits.contains(['.', 'e', 'E']) || digits == "inf" || digits == "NaN");
    if is_float { ron::from_str(slice).map(TreeKind::Float) } else { ron::from_str(slice).map(TreeKind::Integer) }
}

/// Enough of a token to know it again.
fn shorten(slice: &str) -> String {
    const SHOWN: usize = 40;
    match slice.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &slice[..end]),
        None => slice.to_string(),
    }
}
