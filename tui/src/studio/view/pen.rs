//! Writes lines of text, one below the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::terminal::printable;

/// Writes into an area from the top. What does not fit is left out.
pub(super) struct Pen<'a> {
    area: Rect,
    y: u16,
    /// So many lines are passed over first.
    skip: usize,
    /// The entry of a list that the next lines are about.
    entry: Option<usize>,
    /// Of each line that was written the entry that it is about.
    entries: Vec<Option<usize>>,
    buffer: &'a mut Buffer,
}

impl<'a> Pen<'a> {
    /// At the top of an area.
    pub(super) fn new(area: Rect, buffer: &'a mut Buffer) -> Self {
        Pen { area: area.intersection(buffer.area), y: 0, skip: 0, entry: None, entries: Vec::new(), buffer }
    }

    /// Passes over so many lines first.
    pub(super) fn skipping(mut self, lines: usize) -> Self {
        self.skip = lines;
        self
    }

    /// The next lines are about an entry of a list, or none.
    pub(super) fn about(&mut self, entry: Option<usize>) {
        self.entry = entry;
    }

    /// Of each line that was written the entry that it is about.
    pub(super) fn entries(self) -> Vec<Option<usize>> {
        self.entries
    }

    /// The entry that a line is about.
    pub(super) fn entry_at(&self, line: u16) -> Option<usize> {
        self.entries.get(usize::from(line)).copied().flatten()
    }

    /// Passes over so many lines next.
    pub(super) fn skip(&mut self, lines: usize) {
        self.skip = lines;
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

    /// One line of entries that stand two spaces apart: as many as there is room for, each of them whole.
    pub(super) fn entries_of(&mut self, text: &str, style: Style) {
        let width = self.width();
        self.text(whole(text, "  ", width), style);
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
            self.entries.push(self.entry);
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
        let width = self.width().saturating_sub(columns(indent)).max(8);
        let blank = " ".repeat(columns(indent));
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

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    pieces(text).map(|(_, columns)| columns).sum()
}

/// What a reader takes for single letters, with the columns that each takes.
fn pieces(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.graphemes(true).map(|piece| (piece, piece.width()))
}

/// The text in lines of at most so many columns, broken between words where there are any. What is wider than that stands
/// alone.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ') {
            if used > 0 && used + 1 + columns(word) > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else if used > 0 {
                line.push(' ');
                used += 1;
            }
            for (piece, columns) in pieces(word) {
                if used > 0 && used + columns > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(piece);
                used += columns;
            }
        }
        lines.push(line);
    }
    lines
}

/// The end of a text in so many columns at most: what comes first is left out, with a sign that it was.
pub(super) fn end_of(text: &str, width: usize) -> String {
    let text = printable(text);
    if columns(&text) <= width {
        return text.into_owned();
    }
    let mut used = 1;
    let mut first = text.len();
    for (at, piece) in text.grapheme_indices(true).rev() {
        used += piece.width();
        if used > width {
            break;
        }
        first = at;
    }
    if width == 0 { String::new() } else { format!("…{}", &text[first..]) }
}

/// As many of the entries of a text, which `between` stands between, as there is room for.
pub(super) fn whole<'t>(text: &'t str, between: &str, width: usize) -> &'t str {
    let ends = text.match_indices(between).map(|(at, _)| at).chain([text.len()]);
    let fits = ends.take_while(|end| columns(&text[..*end]) <= width).last();
    fits.map_or("", |end| &text[..end])
}

/// The text in so many columns: cut with a sign that it was, or filled with spaces.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let text = printable(text);
    let all = columns(&text);
    if all <= width {
        return format!("{text}{}", " ".repeat(width - all));
    }
    let mut kept = String::new();
    let mut used = 0;
    for (piece, columns) in pieces(&text) {
        if used + columns >= width {
            break;
        }
        kept.push_str(piece);
        used += columns;
    }
    kept.extend(std::iter::repeat_n('…', width.min(1)));
    // Half of a wide letter may be left over.
    kept.push_str(&" ".repeat(width.saturating_sub(used + 1)));
    kept
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
    fn entries_are_cut_between_them() {
        let of = |width| whole(" esc closes  x swaps", "  ", width);
        assert_eq!(
            [0, 10, 11, 19, 20, 99].map(of),
            ["", "", " esc closes", " esc closes", " esc closes  x swaps", " esc closes  x swaps"]
        );
    }

    #[test]
    fn columns_are_kept() {
        assert_eq!(fitted("abc", 5), "abc  ");
        assert_eq!(fitted("abcdef", 4), "abc…");
        assert_eq!(fitted("abc", 0), "");
        assert_eq!([0, 1, 3, 6].map(|width| end_of("abcdef", width)), ["", "…", "…ef", "abcdef"]);
        assert_eq!((end_of("世界", 3), end_of("世界", 2)), ("…界".into(), "…".into()));
    }

    #[test]
    fn wide_letters_take_two_columns_and_accents_none() {
        assert_eq!((columns("世界"), columns("e\u{301}"), columns("👩‍👩‍👧")), (4, 1, 2));
        assert_eq!(fitted("世界", 5), "世界 ");
        assert_eq!(fitted("世界", 4), "世界");
        assert_eq!(fitted("世界", 3), "世…");
        assert_eq!(fitted("世界地", 4), "世… ");
        assert_eq!(fitted("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
        assert_eq!(wrap("世界地図 a", 5), ["世界", "地図", "a"]);
        assert_eq!(wrap("世界", 1), ["世", "界"]);
        for width in 2..9 {
            let lines = wrap("the 世界 of naïve 👩‍👩‍👧 familiesandtheir图", width);
            assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {lines:?}");
        }
    }
}
