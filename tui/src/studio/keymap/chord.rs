//! Keys as people write them: `q`, `ctrl-enter`, `shift-tab`, `f1`.

use std::fmt;
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Keys that have names.
const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("minus", KeyCode::Char('-')),
];

impl Chord {
    /// What was pressed. Terminals differ in what they tell of the same keys.
    pub(crate) fn of(key: KeyEvent) -> Self {
        let mut modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match key.code {
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            // Ctrl with a letter comes in upper or lower case.
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => KeyCode::Char(c.to_ascii_lowercase()),
            other => other,
        };
        // Of a letter, its case says it.
        if matches!(code, KeyCode::Char(_)) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Chord { code, modifiers }
    }

    /// As a terminal tells it.
    pub(crate) fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// Whether every terminal can send it. Without a protocol of their own, several keys are one byte: `ctrl-m` is `enter`,
    /// and `enter` with `ctrl` is `enter` too.
    pub(crate) fn is_plain(&self) -> bool {
        let control = self.modifiers.contains(KeyModifiers::CONTROL);
        match self.code {
            KeyCode::Char('m' | 'i' | 'j' | '[') if control => false,
            KeyCode::Char(c) if control => c.is_ascii_lowercase() || c == ' ' || ('4'..='7').contains(&c),
            KeyCode::Enter | KeyCode::Esc | KeyCode::Backspace => {
                !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::SHIFT)
            }
            KeyCode::Tab => !control,
            _ => true,
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (modifier, after) = match rest.split_once('-') {
                Some(("ctrl", after)) => (KeyModifiers::CONTROL, after),
                Some(("alt", after)) => (KeyModifiers::ALT, after),
                Some(("shift", after)) => (KeyModifiers::SHIFT, after),
                _ => break,
            };
            modifiers |= modifier;
            rest = after;
        }
        let code = code(rest).ok_or_else(|| {
            format!("`{text}` is no key: write `q`, `ctrl-r`, `alt-x`, `shift-tab`, `f5`, `enter`, `esc`, `space`, `up`, `pgdn`, `minus`")
        })?;
        if matches!(code, KeyCode::Char(_)) && modifiers.contains(KeyModifiers::SHIFT) {
            return Err(format!("`{text}` is no key: of a letter, write it in upper case instead of with `shift`"));
        }
        Ok(Chord::of(KeyEvent::new(code, modifiers)))
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(c), None) if !c.is_control() && c != ' ' && c != '-' => return Some(KeyCode::Char(c)),
        _ => {}
    }
    if let Some(number) = name.strip_prefix('f').and_then(|number| number.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, word) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(word)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_written() {
        for text in ["q", "Q", "ctrl-r", "alt-enter", "shift-tab", "f12", "space", "ctrl-shift-up", "minus", "?", ":"] {
            let chord: Chord = text.parse().expect("it is a key");
            assert_eq!(chord.to_string(), text);
        }
    }

    #[test]
    fn what_not_every_terminal_can_send_is_known() {
        let is_plain = |text: &&str| text.parse::<Chord>().is_ok_and(|chord| chord.is_plain());
        let plain =
            ["q", "Q", "ctrl-a", "ctrl-space", "alt-x", "alt-enter", "shift-tab", "ctrl-up", "shift-f5", "enter"];
        assert!(plain.iter().all(is_plain));
        let others = ["ctrl-enter", "ctrl-m", "ctrl-i", "shift-enter", "ctrl-tab", "ctrl-1", "ctrl-/", "ctrl-esc"];
        assert!(!others.iter().any(is_plain));
    }

    #[test]
    fn what_is_no_key_says_so() {
        for text in ["", "qq", "ctrl-", "hyper-x", "f0", "f99", "Enter", "shift-a"] {
            let why = text.parse::<Chord>().expect_err("it is none");
            assert!(why.contains(&format!("`{text}` is no key")), "{why}");
        }
    }

    #[test]
    fn terminals_may_tell_the_same_key_in_several_ways() {
        let of = |code, modifiers| Chord::of(KeyEvent::new(code, modifiers)).to_string();
        assert_eq!(of(KeyCode::BackTab, KeyModifiers::NONE), "shift-tab");
        assert_eq!(of(KeyCode::Tab, KeyModifiers::SHIFT), "shift-tab");
        assert_eq!(of(KeyCode::Char('Z'), KeyModifiers::CONTROL | KeyModifiers::SHIFT), "ctrl-z");
        assert_eq!(of(KeyCode::Char('A'), KeyModifiers::SHIFT), "A");
        assert_eq!(of(KeyCode::Char('?'), KeyModifiers::SHIFT), "?");
    }
}
