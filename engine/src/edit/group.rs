//! What stands in a pair of brackets, and how something is put in or taken out so that the rest stays as it is.

use std::collections::BTreeSet;
use std::ops::Range;

use super::trivia::{Piece, PieceKind, line_indent, line_start, newline, pieces, skip, starts_line};
use crate::diagnostic::Replacement;
use crate::document::tree::{Tree, TreeKind};

/// A pair of brackets with the places of what is in it.
pub(super) struct Group<'t> {
    text: &'t str,
    /// The place of the opening bracket.
    pub(super) open: usize,
    /// The place of the closing bracket.
    close: usize,
    /// Each from its name to the end of its value.
    items: Vec<Range<usize>>,
}

/// How something is put between brackets in which there is nothing yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenEmpty<'i> {
    /// Between them, in the same line.
    Inline,
    /// In lines of its own, further in by that much.
    Lines(&'i str),
}

impl<'t> Group<'t> {
    /// The brackets of a value; none if it has none, or they are damaged.
    pub(super) fn of(text: &'t str, tree: &Tree<'_>) -> Option<Group<'t>> {
        let (open, opening, items): (_, _, Vec<_>) = match &tree.kind {
            TreeKind::List(trees) => (tree.span.start, '[', trees.iter().map(|tree| tree.span.clone()).collect()),
            TreeKind::Map(entries) => {
                (tree.span.start, '{', entries.iter().map(|(key, value)| key.span.start..value.span.end).collect())
            }
            TreeKind::Call { name, items } => {
                let open = name.as_ref().map_or(tree.span.start, |name| skip(text, name.span.end));
                let start = |at: usize| items[at].name.as_ref().map_or(items[at].value.span.start, |n| n.span.start);
                (open, '(', (0..items.len()).map(|at| start(at)..items[at].value.span.end).collect())
            }
            _ => return None,
        };
        let closing = match opening {
            '(' => ')',
            '[' => ']',
            _ => '}',
        };
        let close = tree.span.end.checked_sub(1)?;
        let is_whole =
            text.get(open..)?.starts_with(opening) && text.get(close..)?.starts_with(closing) && open < close;
        let mut ends = std::iter::once(open + 1).chain(items.iter().map(|item| item.end));
        let mut starts = items.iter().map(|item| item.start).chain([close]);
        let is_ordered = ends.by_ref().zip(starts.by_ref()).all(|(end, start)| end <= start);
        (is_whole && is_ordered).then_some(Group { text, open, close, items })
    }

    /// The place of an item, from its name to the end of its value.
    pub(super) fn item(&self, at: usize) -> Range<usize> {
        self.items[at].clone()
    }

    /// Whether items have lines of their own.
    pub(super) fn has_lines(&self) -> bool {
        self.items.iter().any(|item| starts_line(self.text, item.start))
    }

    /// What is between an item, or the opening bracket, and the next, or the closing one.
    fn gap(&self, after: Option<usize>) -> Range<usize> {
        match after {
            None => self.open + 1..self.items.first().map_or(self.close, |first| first.start),
            Some(at) => self.items[at].end..self.items.get(at + 1).map_or(self.close, |next| next.start),
        }
    }

    fn comma_after(&self, at: usize) -> Option<usize> {
        let gap = pieces(self.text, self.gap(Some(at)));
        gap.iter().find(|piece| piece.kind == PieceKind::Comma).map(|comma| comma.span.start)
    }

    /// Where an item ends with its comma, and with the comments behind it in its line.
    fn tail_end(&self, at: usize) -> usize {
        let gap = pieces(self.text, self.gap(Some(at)));
        let comma = gap.iter().position(|piece| piece.kind == PieceKind::Comma);
        let start = comma.map_or(self.items[at].end, |comma| gap[comma].span.end);
        let rest = &gap[comma.map_or(0, |comma| comma + 1)..];
        let line_end = rest.iter().position(|piece| piece.kind == PieceKind::Newline);
        let is_last = at + 1 == self.items.len();
        if line_end.is_none() && !is_last {
            return start;
        }
        let line = &rest[..line_end.unwrap_or(rest.len())];
        line.iter().rfind(|piece| piece.is_comment()).map_or(start, |comment| comment.span.end)
    }

    /// Where an item begins with the comments that stand before it without a blank line between.
    pub(super) fn lead_start(&self, at: usize) -> usize {
        let gap_start = if at == 0 { self.open + 1 } else { self.tail_end(at - 1) };
        let gap = pieces(self.text, gap_start..self.items[at].start);
        let mut start = self.items[at].start;
        let mut newlines = 0;
        for (place, piece) in gap.iter().enumerate().rev() {
            match piece.kind {
                PieceKind::Space => {}
                PieceKind::Newline if newlines > 0 => break,
                PieceKind::Newline => newlines += 1,
                PieceKind::LineComment | PieceKind::BlockComment => {
                    let begins_line = |piece: &Piece| piece.kind == PieceKind::Newline;
                    // A comment behind the opening bracket is about all that is in it.
                    if at == 0 && newlines > 0 && !gap[..place].iter().any(begins_line) {
                        break;
                    }
                    start = piece.span.start;
                    newlines = 0;
                }
                PieceKind::Comma | PieceKind::Other => break,
            }
        }
        start
    }

    /// An item with its comments and its comma.
    pub(super) fn whole(&self, at: usize) -> Range<usize> {
        self.lead_start(at)..self.tail_end(at)
    }

    /// Takes items out.
    pub(super) fn remove(&self, items: &BTreeSet<usize>) -> Vec<Replacement> {
        let mut removed = Vec::new();
        let mut rest = items.iter().copied().filter(|&at| at < self.items.len()).peekable();
        while let Some(first) = rest.next() {
            let mut last = first;
            while rest.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            self.remove_run(first, last, &mut removed);
        }
        removed
    }

    fn remove_run(&self, first: usize, last: usize, removed: &mut Vec<Replacement>) {
        let (lead, tail) = (self.lead_start(first), self.tail_end(last));
        let is_last = last + 1 == self.items.len();
        let after = &self.text[tail..];
        let rest_of_line = after.find('\n').map(|end| &after[..end]);
        let range = match rest_of_line {
            Some(rest) if starts_line(self.text, lead) && rest.trim().is_empty() => self.lines(lead, tail, first == 0),
            _ if is_last && first == 0 => self.only(lead, tail),
            _ if is_last => {
                let before = self.tail_end(first - 1);
                // What follows must not become part of the comment.
                let start =
                    if self.ends_with_line_comment(first - 1, before) { line_start(self.text, lead) } else { before };
                start..tail
            }
            _ => self.between(first, last, lead, tail),
        };
        if is_last
            && first > 0
            && self.comma_after(last).is_none()
            && let Some(comma) = self.comma_after(first - 1)
            && comma < range.start
        {
            removed.push(Replacement { span: comma..comma + 1, text: String::new() });
        }
        removed.push(Replacement { span: range, text: String::new() });
    }

    /// Whole lines, and one of two blank lines that would then follow each other.
    fn lines(&self, lead: usize, tail: usize, is_first: bool) -> Range<usize> {
        let text = self.text;
        let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |end| from + end + 1);
        let (start, end) = (line_start(text, lead), line_end(tail));
        let is_blank_before = start > 0 && text[line_start(text, start - 1)..start].trim().is_empty();
        let is_blank_after = text[end..line_end(end)].trim().is_empty() && end < self.close;
        let reaches_close = end <= self.close && text[end..self.close].trim().is_empty();
        if is_blank_before && (is_blank_after || reaches_close) {
            return line_start(text, start - 1)..end;
        }
        let reaches_open = is_first && text[self.open + 1..start].trim().is_empty();
        if reaches_open && is_blank_after && !reaches_close {
            return start..line_end(end);
        }
        start..end
    }

    /// The only item, with the spaces between it and the brackets.
    fn only(&self, lead: usize, tail: usize) -> Range<usize> {
        let is_space = |range: Range<usize>| self.text[range].chars().all(|c| c == ' ' || c == '\t');
        let is_tight = is_space(self.open + 1..lead) && is_space(tail..self.close);
        if is_tight { self.open + 1..self.close } else { lead..tail }
    }

    /// Items that share lines with others that stay.
    fn between(&self, first: usize, last: usize, lead: usize, tail: usize) -> Range<usize> {
        let next = self.lead_start(last + 1);
        let gap = &self.text[tail..next];
        if gap.trim().is_empty() && (first == 0 || !gap.contains('\n')) {
            return lead..next;
        }
        match first.checked_sub(1).map(|before| self.tail_end(before)) {
            Some(before) if self.text[before..lead].chars().all(|c| c == ' ' || c == '\t') => before..tail,
            _ => lead..tail,
        }
    }

    fn ends_with_line_comment(&self, at: usize, tail: usize) -> bool {
        let gap = pieces(self.text, self.items[at].end..tail);
        gap.last().is_some_and(|piece| piece.kind == PieceKind::LineComment)
    }

    /// What the lines of its items begin with, if they have lines of their own; else what they would begin with.
    pub(super) fn item_indent(&self, unit: &str) -> String {
        match self.items.iter().find(|item| starts_line(self.text, item.start)) {
            Some(item) => line_indent(self.text, item.start).to_string(),
            None => format!("{}{unit}", line_indent(self.text, self.open)),
        }
    }

    /// Puts something at a place, counted as in a list.
    pub(super) fn insert(&self, at: usize, new: &[String], when_empty: WhenEmpty<'_>) -> Vec<Replacement> {
        match at.min(self.items.len()).checked_sub(1) {
            _ if new.is_empty() => Vec::new(),
            _ if self.items.is_empty() => vec![self.fill(new, when_empty)],
            None => vec![self.insert_first(new)],
            Some(before) => self.insert_after(before, new),
        }
    }

    fn insert_first(&self, new: &[String]) -> Replacement {
        let lead = self.lead_start(0);
        let separator = if starts_line(self.text, lead) {
            format!(",{}{}", newline(self.text), line_indent(self.text, lead))
        } else {
            ", ".to_string()
        };
        let text = new.iter().flat_map(|entry| [entry.as_str(), &separator]).collect();
        Replacement { span: lead..lead, text }
    }

    fn insert_after(&self, before: usize, new: &[String]) -> Vec<Replacement> {
        let item = &self.items[before];
        let (tail, comma) = (self.tail_end(before), self.comma_after(before));
        let next = self.items.get(before + 1);
        let has_line_after = next.is_none_or(|next| self.text[tail..next.start].contains('\n'));
        let is_block = starts_line(self.text, item.start) && has_line_after;
        let separator = if is_block || self.ends_with_line_comment(before, tail) {
            format!("{}{}", newline(self.text), line_indent(self.text, item.start))
        } else {
            " ".to_string()
        };
        let mut text = String::new();
        for (place, entry) in new.iter().enumerate() {
            text.push_str(&separator);
            text.push_str(entry);
            if comma.is_some() || place + 1 < new.len() {
                text.push(',');
            }
        }
        match comma {
            Some(_) => vec![Replacement { span: tail..tail, text }],
            None if tail == item.end => vec![Replacement { span: tail..tail, text: format!(",{text}") }],
            None => {
                vec![Replacement { span: item.end..item.end, text: ",".into() }, Replacement { span: tail..tail, text }]
            }
        }
    }

    /// Puts something between brackets in which there are comments at the most.
    fn fill(&self, new: &[String], when_empty: WhenEmpty<'_>) -> Replacement {
        let content = &self.text[self.open + 1..self.close];
        let kept = self.open + 1 + content.trim_end().len();
        let (end_of_line, outer) = (newline(self.text), line_indent(self.text, self.open));
        let has_lines = content.contains('\n');
        let unit = match when_empty {
            WhenEmpty::Lines(unit) => unit,
            WhenEmpty::Inline if has_lines => "    ",
            WhenEmpty::Inline => {
                let has_comment = !content.trim().is_empty();
                let (open, close) = match (has_comment, self.text[self.open..].starts_with('{')) {
                    (true, true) => (" ", " "),
                    (true, false) => (" ", ""),
                    (false, true) => (" ", " "),
                    (false, false) => ("", ""),
                };
                return Replacement { span: kept..self.close, text: format!("{open}{}{close}", new.join(", ")) };
            }
        };
        let lines: String = new.iter().map(|entry| format!("{end_of_line}{outer}{unit}{entry},")).collect();
        let blank = &self.text[kept..self.close];
        match blank.rfind('\n') {
            // The closing bracket has a line of its own already.
            Some(_) => Replacement { span: kept..kept, text: lines },
            None => Replacement { span: kept..self.close, text: format!("{lines}{end_of_line}{outer}") },
        }
    }
}
