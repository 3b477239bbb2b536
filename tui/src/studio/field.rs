//! A line of text that somebody types, with a cursor.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Longer texts are not typed, they are pasted by mistake.
const MOST: usize = 100_000;

/// A text with a cursor, on one line or on several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    letters: Vec<char>,
    /// Before which letter the cursor is.
    cursor: usize,
    has_lines: bool,
}

impl Field {
    /// A line with the cursor at its end.
    pub(crate) fn line(text: &str) -> Self {
        let letters: Vec<char> = text.chars().filter(|c| *c != '\n').collect();
        Field { cursor: letters.len(), letters, has_lines: false }
    }

    /// A text of any number of lines with the cursor at its end.
    pub(crate) fn lines(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        Field { cursor: letters.len(), letters, has_lines: true }
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

    /// Puts a text in at the cursor.
    pub(crate) fn insert(&mut self, text: &str) {
        for letter in text.chars().filter(|c| !c.is_control() || (self.has_lines && *c == '\n')) {
            if self.letters.len() >= MOST {
                return;
            }
            self.letters.insert(self.cursor, letter);
            self.cursor += 1;
        }
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
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::ALT) && self.has_lines => self.insert("\n"),
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Char(letter) => self.insert(letter.encode_utf8(&mut [0; 4])),
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
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.letters.len(),
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
    fn typing_moving_and_removing() {
        let mut field = Field::line("a cat");
        press(&mut field, KeyCode::Char('s'), KeyModifiers::NONE);
        assert_eq!(field.halves(), ("a cats".into(), String::new()));
        press(&mut field, KeyCode::Char('w'), KeyModifiers::CONTROL);
        field.insert("dög\n\u{7}");
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
}
