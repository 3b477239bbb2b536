//! How values are written.

use super::EditError;
use super::syntax::value_of;
use crate::document::Literal;

/// A literal as RON, for a text like `document`. A text of several lines is written raw, so that it looks like itself;
/// where that cannot be done (control characters, a document with Windows' ends of lines), with escapes.
///
/// ```
/// use easel_engine::Literal;
/// use easel_engine::edit::literal_text;
///
/// let write = |text: &str| literal_text(&Literal::Text(text.into()), "");
/// assert_eq!(write("a \"cat\""), r#""a \"cat\"""#);
/// assert_eq!(write("a\n\"cat\""), "r#\"a\n\"cat\"\"#");
/// assert_eq!(write("a\r\ncat"), r#""a\r\ncat""#);
/// ```
pub fn literal_text(literal: &Literal, document: &str) -> String {
    match literal {
        Literal::Text(text) if can_be_raw(text) && !document.contains("\r\n") => {
            let quotes = text
                .match_indices('"')
                .map(|(at, _)| 1 + text[at + 1..].bytes().take_while(|&byte| byte == b'#').count());
            let hashes = "#".repeat(quotes.max().unwrap_or(0));
            format!("r{hashes}\"{text}\"{hashes}")
        }
        literal => literal.to_string(),
    }
}

/// Whether it has several lines and nothing that cannot be seen.
fn can_be_raw(text: &str) -> bool {
    // What turns the direction of writing would make the text look like another.
    let is_hidden =
        |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.contains('\n') && !text.chars().any(|c| (c.is_control() && !matches!(c, '\n' | '\t')) || is_hidden(c))
}

/// What was given as a value, without what stands around it.
pub(super) fn checked_value(value: &str) -> Result<&str, EditError> {
    value_of(value).map_err(|why| invalid_value(value, why))
}

pub(super) fn invalid_value(value: &str, why: impl Into<String>) -> EditError {
    const SHOWN: usize = 40;
    let mut shown: String = value.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    EditError::InvalidValue { value: shown, why: why.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::parse_literal;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "(\\PC|\"|#|\n|\r|\t|\\\\|r){0,20}", lines in any::<bool>()) {
            let literal = Literal::Text(text);
            let written = literal_text(&literal, if lines { "\r\n" } else { "" });
            prop_assert_eq!(checked_value(&written), Ok(written.as_str()));
            prop_assert_eq!(parse_literal(&written), Some(literal));
        }
    }

    #[test]
    fn what_is_no_single_value_is_refused() {
        for (text, why) in [
            ("1, 2", "more than one value"),
            ("", "the file is empty"),
            ("// 1", "the file is empty"),
            ("(1", "not closed"),
            ("\"a", "never ends"),
            (")", "a value is missing"),
        ] {
            let error = checked_value(text).expect_err("no value").to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert_eq!(checked_value(" [1, // x\n 2] // y"), Ok("[1, // x\n 2]"));
    }
}
