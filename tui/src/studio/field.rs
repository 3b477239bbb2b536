//! A line of text that somebody types, with a cursor.

use std::ops::Range;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthChar;

/// Longer texts are not typed, they are pasted by mistake.
const MOST: usize = 100_000;

/// A text with a cursor, on one line or on several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    letters: Vec<char>,
    /// Before which letter the cursor is.
    cursor: usize,
    has_lines: bool,
    /// What it began with.
    original: Vec<char>,
}

impl Field {
    /// A line with the cursor at its end.
    pub(crate) fn line(text: &str) -> Self {
        let letters: Vec<char> = text.chars().filter(|c| *c != '\n').collect();
        Field { cursor: letters.len(), original: letters.clone(), letters, has_lines: false }
    }

    /// A text of any number of lines with the cursor at its end.
    pub(crate) fn lines(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        Field { cursor: letters.len(), original: letters.clone(), letters, has_lines: true }
    }

    /// Puts another text into the place of what was typed: false if not all of it fits.
    pub(crate) fn replace(&mut self, text: &str) -> bool {
        self.letters.clear();
        self.cursor = 0;
        self.insert(text)
    }

    /// Whether it is another text than in the beginning.
    pub(crate) fn is_changed(&self) -> bool {
        self.letters != self.original
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// The text before and after the cursor.
    pub(crate) fn halves(&self) -> (String, String) {
        let (before, after) = self.letters.split_at(self.cursor);
        (before.iter().collect(), after.iter().collect())
    }

    /// Whether it may have several lines.
    pub(crate) fn has_lines(&self) -> bool {
        self.has_lines
    }

    /// The lines on a screen of so many columns: which letters are in each. Words stay whole if they can.
    pub(crate) fn rows(&self, width: usize) -> Vec<Range<usize>> {
        let width = width.max(2);
        let (mut rows, mut start, mut columns, mut word) = (Vec::new(), 0, 0, 0);
        for (at, letter) in self.letters.iter().enumerate() {
            if *letter == '\n' {
                rows.push(start..at);
                (start, columns, word) = (at + 1, 0, at + 1);
                continue;
            }
            let own = letter.width().unwrap_or(0);
            if columns + own > width {
                let end = if word > start { word } else { at };
                rows.push(start..end);
                start = end;
                columns = self.letters[start..at].iter().map(|letter| letter.width().unwrap_or(0)).sum();
            }
            columns += own;
            if *letter == ' ' {
                word = at + 1;
            }
        }
        rows.push(start..self.letters.len());
        rows
    }

    /// The row of the cursor, and the letters of that row before it.
    pub(crate) fn cursor_row(&self, rows: &[Range<usize>]) -> (usize, usize) {
        let row = rows.iter().rposition(|row| row.start <= self.cursor).unwrap_or(0);
        (row, self.cursor - rows.get(row).map_or(0, |row| row.start))
    }

    /// The letters of a row.
    pub(crate) fn slice(&self, row: &Range<usize>) -> &[char] {
        self.letters.get(row.clone()).unwrap_or_default()
    }

    /// Moves the cursor so many rows down on a screen of so many columns, or up.
    pub(crate) fn vertical(&mut self, width: usize, by: isize) {
        let rows = self.rows(width);
        let (row, column) = self.cursor_row(&rows);
        let wanted = row.saturating_add_signed(by).min(rows.len() - 1);
        if let Some(target) = rows.get(wanted).filter(|_| wanted != row) {
            // The last place of a row that goes on belongs to the next one.
            let is_broken = rows.get(wanted + 1).is_some_and(|next| next.start == target.end);
            let most = target.len().saturating_sub(usize::from(is_broken));
            self.cursor = target.start + column.min(most);
        }
    }

    /// Puts the cursor to the beginning or the end of its line.
    fn line_end(&mut self, is_end: bool) {
        let before = self.letters[..self.cursor].iter().rposition(|letter| *letter == '\n').map_or(0, |at| at + 1);
        let after = self.letters[self.cursor..].iter().position(|letter| *letter == '\n');
        self.cursor = if is_end { after.map_or(self.letters.len(), |after| self.cursor + after) } else { before };
    }

    /// Puts a text in at the cursor, as far as there is room: false if not all of it fits. On a line, the lines of the text
    /// are words apart; a tab is a space, and other control characters are left out.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let mut letters = self.plain(text);
        let room = MOST.saturating_sub(self.letters.len());
        let fits = letters.len() <= room;
        letters.truncate(room);
        let count = letters.len();
        self.letters.splice(self.cursor..self.cursor, letters);
        self.cursor += count;
        fits
    }

    /// The letters of a text as they can be here.
    fn plain(&self, text: &str) -> Vec<char> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        // What was copied as whole lines is not meant to end with a space.
        let text = if self.has_lines { text.as_str() } else { text.trim_end_matches('\n') };
        let plain = text.chars().map(|letter| match letter {
            '\n' if self.has_lines => '\n',
            '\n' | '\t' => ' ',
            other => other,
        });
        plain.filter(|letter| *letter == '\n' || !letter.is_control()).collect()
    }

    /// A key was pressed. True if it meant something here.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.letters.len(),
            KeyCode::Char('u') if control => {
                self.letters.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('k') if control => self.letters.truncate(self.cursor),
            KeyCode::Char('w') if control => {
                let start = self.word_start();
                self.letters.drain(start..self.cursor);
                self.cursor = start;
            }
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::ALT) && self.has_lines => drop(self.insert("\n")),
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Char(letter) => drop(self.insert(letter.encode_utf8(&mut [0; 4]))),
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.letters.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.letters.len() => {
                self.letters.remove(self.cursor);
            }
            KeyCode::Backspace | KeyCode::Delete => {}
            KeyCode::Left if control => self.cursor = self.word_start(),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.letters.len()),
            KeyCode::Home => self.line_end(false),
            KeyCode::End => self.line_end(true),
            _ => return false,
        }
        true
    }

    fn word_start(&self) -> usize {
        let before = &self.letters[..self.cursor];
        let gap = before.iter().rev().take_while(|c| !c.is_alphanumeric()).count();
        let word = before.iter().rev().skip(gap).take_while(|c| c.is_alphanumeric()).count();
        self.cursor - gap - word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(field: &mut Field, code: KeyCode, modifiers: KeyModifiers) {
        assert!(field.key(KeyEvent::new(code, modifiers)));
    }

    #[test]
    fn rows_break_between_words_and_the_cursor_goes_up_and_down_in_them() {
        let mut field = Field::lines("a cat on a mat\n\nabcdefgh 世界世界");
        let shown = |field: &Field, width: usize| -> Vec<String> {
            field.rows(width).iter().map(|row| field.slice(row).iter().collect()).collect()
        };
        assert_eq!(shown(&field, 6), ["a cat ", "on a ", "mat", "", "abcdef", "gh ", "世界世", "界"]);
        let place = |field: &Field| field.cursor_row(&field.rows(6));
        assert_eq!(place(&field), (7, 1));
        field.vertical(6, -1);
        assert_eq!(place(&field), (6, 1));
        field.vertical(6, -3);
        assert_eq!(place(&field), (3, 0));
        field.vertical(6, -100);
        assert_eq!(place(&field), (0, 0));
        press(&mut field, KeyCode::End, KeyModifiers::NONE);
        assert_eq!(place(&field), (2, 3));
        field.vertical(6, -2);
        assert_eq!(place(&field), (0, 3));
        field.vertical(6, 100);
        assert_eq!(place(&field).0, 7);
        for width in 0..9 {
            assert_eq!(shown(&field, width).concat(), field.text().replace('\n', ""), "{width}");
        }
    }

    #[test]
    fn typing_moving_and_removing() {
        let mut field = Field::line("a cat");
        press(&mut field, KeyCode::Char('s'), KeyModifiers::NONE);
        assert_eq!(field.halves(), ("a cats".into(), String::new()));
        press(&mut field, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert!(field.insert("dög\u{7}\r\n"));
        assert_eq!(field.text(), "a dög", "neither lines nor bells fit on a line");
        press(&mut field, KeyCode::Left, KeyModifiers::NONE);
        press(&mut field, KeyCode::Backspace, KeyModifiers::NONE);
        press(&mut field, KeyCode::Delete, KeyModifiers::NONE);
        assert_eq!(field.text(), "a d");
        press(&mut field, KeyCode::Home, KeyModifiers::NONE);
        press(&mut field, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "");
        assert!(!field.key(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT)));
        press(&mut field, KeyCode::Backspace, KeyModifiers::NONE);
    }

    #[test]
    fn pasted_lines_stay_apart_and_what_does_not_fit_is_known() {
        let pasted = "one\r\ntwo\rthree\n\tfour\u{1b}";
        let of = |mut field: Field| (field.insert(pasted), field.text());
        assert_eq!(of(Field::lines("")), (true, "one\ntwo\nthree\n four".into()));
        assert_eq!(of(Field::line("")), (true, "one two three  four".into()));
        let mut field = Field::lines("ab");
        field.key(KeyEvent::new(KeyCode::Left, KeyModifiers::NONE));
        assert!(!field.insert(&"x".repeat(MOST)));
        assert_eq!((field.letters.len(), field.halves().1.as_str()), (MOST, "b"));
    }
}
