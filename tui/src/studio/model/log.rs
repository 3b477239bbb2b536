//! What was told, bounded.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::message::Tone;
use crate::terminal::printable;

/// More lines nobody reads; the journal has them.
const MOST_LINES: usize = 5_000;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When, since the beginning.
    pub(crate) at: Duration,
    /// How bad it is.
    pub(crate) tone: Tone,
    /// What was told, without anything that steers a terminal.
    pub(crate) text: String,
}

/// What was told.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: VecDeque<Line>,
    /// Only lines that are at least as bad are shown.
    pub(crate) least: Tone,
    /// Only lines with this text are shown.
    pub(crate) filter: String,
    /// How many lines further up than the end the view is.
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
        for line in text.lines() {
            if self.lines.len() == MOST_LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(Line { at, tone, text: printable(line).into_owned() });
        }
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
    }
}
