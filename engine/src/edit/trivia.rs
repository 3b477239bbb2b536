//! What stands between the tokens of a text: spaces, ends of lines, comments, commas.

use std::ops::Range;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    Space,
    Newline,
    /// Up to the end of the line, that one not included.
    LineComment,
    BlockComment,
    Comma,
    /// Something that does not belong there: the text is damaged.
    Other,
}

/// A piece of a text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    pub(super) span: Range<usize>,
}

impl Piece {
    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, PieceKind::LineComment | PieceKind::BlockComment)
    }
}

/// The pieces of a range of a text in which there are no values.
pub(super) fn pieces(text: &str, range: Range<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut at, end) = (range.start, range.end);
    while at < end {
        let Some(rest) = text.get(at..end) else { break };
        let (kind, length) = piece(rest);
        pieces.push(Piece { kind, span: at..at + length });
        at += length;
    }
    pieces
}

/// The first byte from `at` on that is neither a space nor in a comment.
pub(super) fn skip(text: &str, mut at: usize) -> usize {
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        match piece(rest) {
            (PieceKind::Comma | PieceKind::Other, _) => break,
            (_, length) => at += length,
        }
    }
    at
}

fn piece(rest: &str) -> (PieceKind, usize) {
    if rest.starts_with("//") {
        let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
        return (PieceKind::LineComment, line.strip_suffix('\r').unwrap_or(line).len());
    }
    if rest.starts_with("/*") {
        return (PieceKind::BlockComment, block_comment(rest));
    }
    if rest.starts_with("\r\n") {
        return (PieceKind::Newline, 2);
    }
    match rest.chars().next() {
        Some('\n') => (PieceKind::Newline, 1),
        Some(',') => (PieceKind::Comma, 1),
        Some(c) if c.is_whitespace() || c == '\u{feff}' => (PieceKind::Space, c.len_utf8()),
        Some(c) => (PieceKind::Other, c.len_utf8()),
        None => (PieceKind::Other, 1),
    }
}

/// The length of a comment that may hold others.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Where the line begins that a byte is in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

/// What a line begins with before anything is in it.
pub(super) fn line_indent(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or("");
    let length = line.find(|c: char| c != ' ' && c != '\t').unwrap_or(line.len());
    &line[..length]
}

/// Whether nothing stands before it in its line.
pub(super) fn starts_line(text: &str, at: usize) -> bool {
    let start = line_start(text, at);
    start > 0 && text.get(start..at).is_some_and(|before| before.trim().is_empty())
}

/// The end of line that the text is written with.
pub(super) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_cut_into_its_pieces() {
        use PieceKind::{BlockComment, Comma, LineComment, Newline, Other, Space};
        let text = " /* a /* , */ */, // é,\r\n\t!";
        let kinds: Vec<_> = pieces(text, 0..text.len()).into_iter().map(|piece| piece.kind).collect();
        assert_eq!(kinds, [Space, BlockComment, Comma, Space, LineComment, Newline, Space, Other]);
        assert_eq!(skip("  /* ( */ // (\n(", 0), 15);
        assert_eq!(skip("/* never", 0), 8);
    }

    #[test]
    fn lines_know_where_they_begin() {
        let text = "a\r\n \tb c";
        assert_eq!((line_start(text, 6), line_indent(text, 6), newline(text)), (3, " \t", "\r\n"));
        assert!(starts_line(text, 5) && !starts_line(text, 7) && !starts_line(text, 0));
    }
}
