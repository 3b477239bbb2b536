//! What differs between two texts, for people.

use std::fmt;
use std::ops::Range;

use similar::{ChangeTag, TextDiff};

/// Lines that are shown around each difference.
const CONTEXT: usize = 3;

/// Differences that stand near each other, with the lines around them. Its `Display` is that of unified diffs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// Its lines in the old text, counted from 0.
    pub old: Range<usize>,
    /// Its lines in the new text, counted from 0.
    pub new: Range<usize>,
    /// Its lines.
    pub lines: Vec<HunkLine>,
}

/// A line of a difference, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HunkLine {
    /// It is in both texts.
    Same(String),
    /// It is in the old text only.
    Removed(String),
    /// It is in the new text only.
    Added(String),
}

/// What differs between two texts, line by line.
///
/// ```
/// use easel_engine::edit::hunks;
///
/// let hunks = hunks("a\nb\n", "a\nc\n");
/// assert_eq!(hunks[0].to_string(), "@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
/// ```
pub fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(old, new);
    let hunk = |ops: Vec<similar::DiffOp>| {
        let lines = ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let line = change.value();
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = line.strip_suffix('\r').unwrap_or(line).to_string();
            match change.tag() {
                ChangeTag::Equal => HunkLine::Same(line),
                ChangeTag::Delete => HunkLine::Removed(line),
                ChangeTag::Insert => HunkLine::Added(line),
            }
        });
        let (first, last) = (ops.first()?, ops.last()?);
        Some(Hunk {
            old: first.old_range().start..last.old_range().end,
            new: first.new_range().start..last.new_range().end,
            lines: lines.collect(),
        })
    };
    diff.grouped_ops(CONTEXT).into_iter().filter_map(hunk).collect()
}

impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of no lines, the line before is named.
        let start = |range: &Range<usize>| if range.is_empty() { range.start } else { range.start + 1 };
        let (old, new) = (&self.old, &self.new);
        writeln!(f, "@@ -{},{} +{},{} @@", start(old), old.len(), start(new), new.len())?;
        for line in &self.lines {
            match line {
                HunkLine::Same(line) => writeln!(f, " {line}")?,
                HunkLine::Removed(line) => writeln!(f, "-{line}")?,
                HunkLine::Added(line) => writeln!(f, "+{line}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_far_apart_are_hunks_of_their_own() {
        let old: String = (0..30).map(|line| format!("{line}\r\n")).collect();
        let new = old.replace("2\r\n", "two\r\n").replace("\n29", "");
        let hunks = hunks(&old, &new);
        assert!(hunks.len() > 1);
        assert_eq!(hunks[0].lines[2], HunkLine::Removed("2".into()));
        assert_eq!(super::hunks(&old, &old), []);
        assert_eq!(super::hunks("", "a")[0].to_string(), "@@ -0,0 +1,1 @@\n+a\n");
    }
}
