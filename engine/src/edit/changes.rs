//! Changes to a text: which bytes are replaced by what.

use std::collections::VecDeque;

use crate::diagnostic::Replacement;

/// Replacements of disjoint ranges of a text, ascending; no two of them touch.
///
/// ```
/// use easel_engine::edit::Changes;
/// use easel_engine::Replacement;
///
/// let changes = Changes::new([
///     Replacement { span: 9..10, text: "2".into() },
///     Replacement { span: 0..1, text: "one".into() },
/// ]).expect("they do not overlap");
/// assert_eq!(changes.apply("a: 1, b: 1").as_deref(), Some("one: 1, b: 2"));
/// assert_eq!(changes.inverse("a: 1, b: 1").and_then(|back| back.apply("one: 1, b: 2")).as_deref(), Some("a: 1, b: 1"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    replacements: Vec<Replacement>,
}

impl Changes {
    /// Replacements in any order; none if two of them overlap, or insert at the same place. Those that replace nothing
    /// by nothing are left out.
    pub fn new(replacements: impl IntoIterator<Item = Replacement>) -> Option<Changes> {
        let is_something = |replacement: &Replacement| !replacement.span.is_empty() || !replacement.text.is_empty();
        let mut replacements: Vec<_> = replacements.into_iter().filter(is_something).collect();
        replacements.sort_by_key(|replacement| (replacement.span.start, replacement.span.end));
        let is_sound = replacements.iter().all(|replacement| replacement.span.start <= replacement.span.end);
        let disjoint = |pair: &[Replacement]| {
            pair[0].span.end <= pair[1].span.start && (pair[0].span != pair[1].span || !pair[0].span.is_empty())
        };
        if !is_sound || !replacements.windows(2).all(disjoint) {
            return None;
        }
        let mut changes = Changes::default();
        replacements.into_iter().for_each(|replacement| changes.push(replacement));
        Some(changes)
    }

    /// What turns one text into another: a line is changed as a whole or not at all.
    pub fn between(old: &str, new: &str) -> Changes {
        let lines = similar::TextDiff::from_lines(old, new);
        let starts = |lines: &mut dyn Iterator<Item = &str>| -> Vec<usize> {
            let lengths = lines.scan(0, |at, line| {
                *at += line.len();
                Some(*at)
            });
            std::iter::once(0).chain(lengths).collect()
        };
        let (old_starts, new_starts) = (starts(&mut lines.iter_old_slices()), starts(&mut lines.iter_new_slices()));
        let changed = lines.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal).map(|op| {
            let (from, to) = (op.old_range(), op.new_range());
            let text = new[new_starts[to.start]..new_starts[to.end]].to_string();
            Replacement { span: old_starts[from.start]..old_starts[from.end], text }
        });
        let mut changes = Changes::default();
        changed.for_each(|replacement| changes.push(replacement));
        changes
    }

    /// Puts one behind all others; what touches the one before becomes part of it.
    fn push(&mut self, next: Replacement) {
        match self.replacements.last_mut() {
            Some(last) if last.span.end == next.span.start => {
                last.span.end = next.span.end;
                last.text.push_str(&next.text);
            }
            _ if next.span.is_empty() && next.text.is_empty() => {}
            _ => self.replacements.push(next),
        }
    }

    /// The replacements, ascending.
    pub fn replacements(&self) -> &[Replacement] {
        &self.replacements
    }

    /// Whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    /// The text with these changes; none if they are not about this text: a range is not in it, or cuts a character.
    pub fn apply(&self, text: &str) -> Option<String> {
        let added: usize = self.replacements.iter().map(|replacement| replacement.text.len()).sum();
        let mut changed = String::with_capacity(text.len() + added);
        let mut at = 0;
        for Replacement { span, text: new } in &self.replacements {
            changed.push_str(text.get(at..span.start)?);
            text.get(span.clone())?;
            changed.push_str(new);
            at = span.end;
        }
        changed.push_str(text.get(at..)?);
        Some(changed)
    }

    /// The changes that undo these; `text` is the one before. None if they are not about this text.
    pub fn inverse(&self, text: &str) -> Option<Changes> {
        let (mut added, mut removed) = (0, 0);
        let mut inverse = Changes::default();
        for Replacement { span, text: new } in &self.replacements {
            let start = span.start + added - removed;
            inverse.push(Replacement { span: start..start + new.len(), text: text.get(span.clone())?.to_string() });
            added += new.len();
            removed += span.len();
        }
        Some(inverse)
    }

    /// These changes and then others, as one.
    pub fn then(&self, later: &Changes) -> Changes {
        let earlier = self.replacements.iter().cloned().collect();
        Composer { earlier, shift: 0, out: Changes::default() }.compose(later)
    }

    /// Where a byte of the text before is in the text after; the end of what replaced it, if it was replaced.
    pub fn position(&self, offset: usize) -> usize {
        let (mut added, mut removed) = (0, 0);
        for Replacement { span, text } in &self.replacements {
            if span.start > offset || (span.start == offset && !span.is_empty()) {
                break;
            }
            added += text.len();
            if span.end > offset {
                return span.start + added - removed;
            }
            removed += span.len();
        }
        offset + added - removed
    }
}

/// Puts two changes together: every later replacement takes in the earlier ones that it touches.
struct Composer {
    /// What is not done with yet.
    earlier: VecDeque<Replacement>,
    /// How much longer the text after the earlier changes is, up to there.
    shift: isize,
    out: Changes,
}

impl Composer {
    fn compose(mut self, later: &Changes) -> Changes {
        for replacement in &later.replacements {
            self.add(replacement);
        }
        for rest in self.earlier {
            self.out.push(rest);
        }
        self.out
    }

    /// The next of the earlier ones, and where it begins and ends in the text between the two changes.
    fn next(&self) -> Option<(&Replacement, usize, usize)> {
        let next = self.earlier.front()?;
        let start = next.span.start.saturating_add_signed(self.shift);
        Some((next, start, start + next.text.len()))
    }

    fn take(&mut self) -> Option<Replacement> {
        let next = self.earlier.pop_front()?;
        self.shift += next.text.len() as isize - next.span.len() as isize;
        Some(next)
    }

    fn add(&mut self, later: &Replacement) {
        while self.next().is_some_and(|(_, _, end)| end < later.span.start)
            && let Some(next) = self.take()
        {
            self.out.push(next);
        }
        // Where the replacement begins and ends in the first text, and what it keeps of the earlier ones.
        let mut start = later.span.start.saturating_add_signed(-self.shift);
        let mut kept = String::new();
        if let Some((next, between, _)) = self.next()
            && between <= later.span.start
        {
            start = next.span.start;
            kept.push_str(next.text.get(..later.span.start - between).unwrap_or_default());
        }
        while let Some((next, between, between_end)) = self.next()
            && between <= later.span.end
        {
            if between_end > later.span.end {
                // The rest of it stays, as something put in behind; the next of the later ones may touch it too.
                let taken = later.span.end - between;
                let rest = next.text.get(taken..).unwrap_or_default().to_string();
                let end = next.span.end;
                self.shift += taken as isize - next.span.len() as isize;
                self.earlier[0] = Replacement { span: end..end, text: rest };
                break;
            }
            self.take();
        }
        let end = later.span.end.saturating_add_signed(-self.shift);
        self.out.push(Replacement { span: start..end, text: kept + &later.text });
    }
}
