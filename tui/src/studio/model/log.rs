//! What was told, bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::super::message::Tone;
use crate::terminal::printable;

/// More lines nobody reads; the journal has them.
const MOST_LINES: usize = 5_000;

/// More of one line nobody reads.
const LONGEST: usize = 2_000;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When, since the beginning.
    pub(crate) at: Duration,
    /// How bad it is.
    pub(crate) tone: Tone,
    /// What was told, without anything that steers a terminal.
    pub(crate) text: String,
    /// The node that it is about.
    pub(crate) node: Option<Arc<str>>,
}

/// What was told.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: VecDeque<Line>,
    /// Only lines that are at least as bad are shown.
    pub(crate) least: Tone,
    /// Only lines with this text are shown.
    pub(crate) filter: String,
    /// How many lines further up than the end the cursor is; 0: it follows what is told.
    pub(crate) up: usize,
}

impl Default for Log {
    fn default() -> Self {
        Log { lines: VecDeque::new(), least: Tone::Note, filter: String::new(), up: 0 }
    }
}

impl Log {
    /// Adds a text, line by line.
    pub(crate) fn add(&mut self, at: Duration, tone: Tone, text: &str) {
        self.add_about(at, tone, text, None);
    }

    /// Adds a text about a node, line by line.
    pub(crate) fn add_about(&mut self, at: Duration, tone: Tone, text: &str, node: Option<&Arc<str>>) {
        for line in text.lines() {
            if self.lines.len() == MOST_LINES {
                self.lines.pop_front();
            }
            let text = printable(line).chars().take(LONGEST).collect();
            let line = Line { at, tone, text, node: node.cloned() };
            // Whoever looks further up goes on looking at the same line.
            if self.up > 0 && self.fits(&line) {
                self.up = (self.up + 1).min(MOST_LINES);
            }
            self.lines.push_back(line);
        }
    }

    fn fits(&self, line: &Line) -> bool {
        let filter = self.filter.to_lowercase();
        line.tone >= self.least && (filter.is_empty() || line.text.to_lowercase().contains(&filter))
    }

    /// The line that the cursor is on.
    pub(crate) fn chosen(&self) -> Option<&Line> {
        self.shown().rev().nth(self.up).or_else(|| self.shown().next())
    }

    /// The lines that are shown, oldest first.
    pub(crate) fn shown(&self) -> impl DoubleEndedIterator<Item = &Line> {
        let filter = self.filter.to_lowercase();
        let fits = move |line: &&Line| {
            line.tone >= self.least && (filter.is_empty() || line.text.to_lowercase().contains(&filter))
        };
        self.lines.iter().filter(fits)
    }

    /// The next level.
    pub(crate) fn next_level(&mut self) {
        self.least = match self.least {
            Tone::Detail => Tone::Note,
            Tone::Note => Tone::Warning,
            Tone::Warning => Tone::Error,
            Tone::Error => Tone::Detail,
        };
        self.up = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_harmless_and_filtered() {
        let mut log = Log::default();
        for number in 0..MOST_LINES + 10 {
            log.add(Duration::ZERO, Tone::Note, &format!("line {number}"));
        }
        log.add(Duration::ZERO, Tone::Error, "bad\u{1b}[2J\nworse");
        assert_eq!(log.shown().count(), MOST_LINES);
        assert_eq!(log.shown().next().map(|line| line.text.as_str()), Some("line 12"));
        log.least = Tone::Warning;
        let texts = |log: &Log| log.shown().map(|line| line.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&log), ["bad?[2J", "worse"]);
        log.filter = "WORSE".into();
        assert_eq!(texts(&log), ["worse"]);
        log.add(Duration::ZERO, Tone::Error, &"worse".repeat(9_999));
        assert_eq!(log.chosen().map(|line| line.text.chars().count()), Some(LONGEST));
    }

    #[test]
    fn whoever_looks_further_up_goes_on_looking_at_the_same_line() {
        let mut log = Log::default();
        let node: Arc<str> = "prior".into();
        log.add_about(Duration::ZERO, Tone::Note, "first", Some(&node));
        log.add(Duration::ZERO, Tone::Note, "second");
        log.up = 1;
        let chosen = |log: &Log| log.chosen().map(|line| (line.text.clone(), line.node.clone()));
        for number in 0..9 {
            log.add(Duration::ZERO, Tone::Note, &format!("more {number}"));
            log.add(Duration::ZERO, Tone::Detail, "what is not shown does not count");
            assert_eq!(chosen(&log), Some(("first".to_string(), Some(Arc::clone(&node)))));
        }
        // What is bounded falls off at the other end.
        (0..MOST_LINES).for_each(|_| log.add(Duration::ZERO, Tone::Note, "flood"));
        assert_eq!(chosen(&log), Some(("flood".to_string(), None)));
        log.up = 0;
        log.add(Duration::ZERO, Tone::Note, "last");
        assert_eq!(chosen(&log).map(|(text, _)| text).as_deref(), Some("last"));
    }
}
