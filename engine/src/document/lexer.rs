//! Cuts a text into RON's tokens. Goes on after errors, so that one does not hide the next.

use std::ops::Range;

use crate::diagnostic::Diagnostic;

/// The three pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bracket {
    Round,
    Square,
    Curly,
}

impl Bracket {
    pub(crate) fn open(self) -> char {
        match self {
            Bracket::Round => '(',
            Bracket::Square => '[',
            Bracket::Curly => '{',
        }
    }

    pub(crate) fn close(self) -> char {
        match self {
            Bracket::Round => ')',
            Bracket::Square => ']',
            Bracket::Curly => '}',
        }
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Open(Bracket),
    Close(Bracket),
    Colon,
    Comma,
    Ident,
    /// A string, escaped or raw, with its quotes.
    Text,
    Number,
    /// Characters that begin nothing.
    Stray,
    /// Reported already.
    Broken,
}

/// A piece of the text.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// The tokens of a text with what is wrong in them.
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// A string or comment runs to the end of the file: what follows it is not known.
    pub(crate) cut_off: bool,
}

/// Tokens of `text`, without whitespace and comments. A byte order mark is skipped.
pub(crate) fn lex(text: &str) -> Lexed {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lexer =
        Lexer { text, at: start, out: Lexed { tokens: Vec::new(), diagnostics: Vec::new(), cut_off: false } };
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    out: Lexed,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.out.tokens.push(Token { kind, span: self.at..self.at + length });
        self.at += length;
    }

    fn token(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return;
        };
        match first {
            c if c.is_whitespace() => self.at += c.len_utf8(),
            '(' => self.push(TokenKind::Open(Bracket::Round), 1),
            '[' => self.push(TokenKind::Open(Bracket::Square), 1),
            '{' => self.push(TokenKind::Open(Bracket::Curly), 1),
            ')' => self.push(TokenKind::Close(Bracket::Round), 1),
            ']' => self.push(TokenKind::Close(Bracket::Square), 1),
            '}' => self.push(TokenKind::Close(Bracket::Curly), 1),
            ':' => self.push(TokenKind::Colon, 1),
            ',' => self.push(TokenKind::Comma, 1),
            '"' => self.string(),
            '\'' => self.single_quoted(),
            '/' if rest.starts_with("//") => self.at += rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => self.block_comment(),
            'r' if raw_string_hashes(rest).is_some() => self.raw_string(),
            c if c == '_' || c.is_alphabetic() => {
                let length = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
                self.push(TokenKind::Ident, length);
            }
            _ => match number_length(rest) {
                0 => self.stray(),
                length => self.push(TokenKind::Number, length),
            },
        }
    }

    fn string(&mut self) {
        let bytes = self.rest().as_bytes();
        let mut at = 1;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => return self.push(TokenKind::Text, at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.never_ends("string", "\"", 1);
    }

    fn raw_string(&mut self) {
        let hashes = raw_string_hashes(self.rest()).unwrap_or(0);
        let opening = hashes + 2;
        let closing = format!("\"{}", "#".repeat(hashes));
        match self.rest()[opening..].find(&closing) {
            Some(at) => self.push(TokenKind::Text, opening + at + closing.len()),
            None => self.never_ends("raw string", &closing, opening),
        }
    }

    fn block_comment(&mut self) {
        let bytes = self.rest().as_bytes();
        let (mut at, mut depth) = (0, 0_usize);
        while at + 1 < bytes.len() {
            match &bytes[at..at + 2] {
                b"/*" => {
                    depth += 1;
                    at += 2;
                }
                b"*/" => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        self.at += at;
                        return;
                    }
                }
                _ => at += 1,
            }
        }
        self.never_ends("comment", "*/", 2);
    }

    fn never_ends(&mut self, what: &str, closing: &str, opening: usize) {
        let diagnostic = Diagnostic::error("syntax", format!("this {what} never ends"))
            .with_label(self.at..self.at + opening, "it begins here")
            .with_hint(format!("close it with `{closing}`"));
        self.out.diagnostics.push(diagnostic);
        self.out.cut_off = true;
        self.push(TokenKind::Broken, self.rest().len());
    }

    fn single_quoted(&mut self) {
        let line = self.rest().lines().next().unwrap_or("");
        let length = line[1..].find('\'').map_or(1, |at| at + 2);
        let text = format!("{:?}", line[1..length].trim_end_matches('\''));
        let place = self.at..self.at + length;
        let diagnostic = Diagnostic::error("syntax", "texts are written in double quotes")
            .with_label(place.clone(), "single quotes")
            .with_hint(format!("write {text}"))
            .with_fix_if(&place, (length > 1).then_some(text));
        self.out.diagnostics.push(diagnostic);
        self.push(TokenKind::Broken, length);
    }

    fn stray(&mut self) {
        let begins_something = |c: char| c.is_whitespace() || c.is_alphanumeric() || "()[]{}:,\"'_/".contains(c);
        let first = self.rest().chars().next().map_or(0, char::len_utf8);
        let length = self.rest()[first..].find(begins_something).map_or(self.rest().len(), |at| first + at);
        self.push(TokenKind::Stray, length);
    }
}

/// The hashes of a raw string's opening, if `rest` begins with one.
fn raw_string_hashes(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.bytes().take_while(|&byte| byte == b'#').count();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// How many bytes a number takes that begins here; 0 if none does. Whether it is a sound one is RON's to say.
fn number_length(rest: &str) -> usize {
    let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let sign = rest.len() - unsigned.len();
    let begins = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned.strip_prefix('.').is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
        || (sign > 0 && (unsigned.starts_with("inf") || unsigned.starts_with("NaN")));
    if !begins {
        return 0;
    }
    let hexadecimal = unsigned.starts_with("0x");
    let mut previous = ' ';
    let length = unsigned
        .find(|c: char| {
            let exponent_sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E') && !hexadecimal;
            previous = c;
            !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || exponent_sign)
        })
        .unwrap_or(unsigned.len());
    sign + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(TokenKind, &str)> {
        lex(text).tokens.into_iter().map(|token| (token.kind, &text[token.span])).collect()
    }

    #[test]
    fn strings_comments_and_numbers() {
        use TokenKind::{Comma, Ident, Number, Text};
        assert_eq!(
            pieces(r###""a\"b" r"c" r##"d"#e"## é_1"###),
            [(Text, r#""a\"b""#), (Text, r#"r"c""#), (Text, r###"r##"d"#e"##"###), (Ident, "é_1")]
        );
        assert_eq!(
            pieces("\u{feff}1 // x\r\n/* a /* b */ c */,-2.5e-3 0xff_e+1"),
            [(Number, "1"), (Comma, ","), (Number, "-2.5e-3"), (Number, "0xff_e"), (Number, "+1")]
        );
        assert_eq!(pieces("-inf .5 ="), [(Number, "-inf"), (Number, ".5"), (TokenKind::Stray, "=")]);
    }

    #[test]
    fn what_never_ends_is_one_error() {
        for text in ["\"abc", "\"abc\\", "r#\"abc\"", "/* /* */", "/*"] {
            let lexed = lex(text);
            assert!(lexed.cut_off, "{text}");
            assert_eq!(lexed.diagnostics.len(), 1, "{text}");
        }
        let lexed = lex("('abc', ')");
        assert_eq!(lexed.diagnostics.len(), 2);
        assert_eq!(lexed.diagnostics[0].hint.as_deref(), Some("write \"abc\""));
    }
}
