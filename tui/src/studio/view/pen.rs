//! Writes lines of text, one below the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::terminal::printable;

/// Writes into an area from the top. What does not fit is left out.
pub(super) struct Pen<'a> {
    area: Rect,
    y: u16,
    /// So many lines are passed over first.
    skip: usize,
    buffer: &'a mut Buffer,
}

impl<'a> Pen<'a> {
    /// At the top of an area.
    pub(super) fn new(area: Rect, buffer: &'a mut Buffer) -> Self {
        Pen { area: area.intersection(buffer.area), y: 0, skip: 0, buffer }
    }

    /// Passes over so many lines first.
    pub(super) fn skipping(mut self, lines: usize) -> Self {
        self.skip = lines;
        self
    }

    /// Lines that are left.
    pub(super) fn left(&self) -> u16 {
        self.area.height - self.y
    }

    /// What is left of the area.
    pub(super) fn rest(&self) -> Rect {
        Rect { y: self.area.y + self.y, height: self.left(), ..self.area }
    }

    /// Columns.
    pub(super) fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    /// One line; what is too long is cut.
    pub(super) fn text(&mut self, text: &str, style: Style) {
        self.line(&Line::from(Span::styled(printable(text).into_owned(), style)));
    }

    /// One line of several parts.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        if self.y < self.area.height {
            self.buffer.set_line(self.area.x, self.area.y + self.y, line, self.area.width);
            self.y += 1;
        }
    }

    /// One line of several parts, with the whole line in a style.
    pub(super) fn highlighted(&mut self, line: &Line<'_>, style: Style) {
        let at = self.y;
        let is_shown = self.skip == 0 && at < self.area.height;
        self.line(line);
        if is_shown {
            let row = Rect { y: self.area.y + at, height: 1, ..self.area };
            self.buffer.set_style(row, style);
        }
    }

    /// As many lines as it takes.
    pub(super) fn wrapped(&mut self, text: &str, style: Style) {
        self.indented("", text, style);
    }

    /// As many lines as it takes, the first after `indent`, the others below.
    pub(super) fn indented(&mut self, indent: &str, text: &str, style: Style) {
        let width = self.width().saturating_sub(indent.chars().count()).max(8);
        let blank = " ".repeat(indent.chars().count());
        for (number, line) in wrap(&printable(text), width).into_iter().enumerate() {
            let lead = if number == 0 { indent.to_string() } else { blank.clone() };
            self.line(&Line::from(vec![Span::styled(lead, style), Span::styled(line, style)]));
        }
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.line(&Line::default());
    }
}

/// The text in lines of at most so many letters, broken between words where there are any.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split(' ') {
            let mut word: Vec<char> = word.chars().collect();
            if length > 0 && length + 1 + word.len() > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            } else if length > 0 {
                line.push(' ');
                length += 1;
            }
            while word.len() > width {
                let rest = word.split_off(width - length.min(width - 1));
                line.extend(word);
                lines.push(std::mem::take(&mut line));
                length = 0;
                word = rest;
            }
            length += word.len();
            line.extend(word);
        }
        lines.push(line);
    }
    lines
}

/// The text in so many columns: cut with a sign that it was, or filled with spaces.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let text = printable(text);
    let length = text.chars().count();
    if length > width {
        let kept = text.chars().take(width.saturating_sub(1));
        return kept.chain(std::iter::repeat_n('…', width.min(1))).collect();
    }
    format!("{text}{}", " ".repeat(width - length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_if_they_can() {
        assert_eq!(wrap("a cat on a mat", 6), ["a cat", "on a", "mat"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("one\n\ntwo", 9), ["one", "", "two"]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
        for width in 1..9 {
            let lines = wrap("the quick brownish fox 0123456789", width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:?}");
        }
    }

    #[test]
    fn columns_are_kept() {
        assert_eq!(fitted("abc", 5), "abc  ");
        assert_eq!(fitted("abcdef", 4), "abc…");
        assert_eq!(fitted("abc", 0), "");
    }
}
