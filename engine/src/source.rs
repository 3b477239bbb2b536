//! The text of a workflow and where it came from.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;

/// Larger files are refused: nobody writes them by hand, and one given by mistake should not fill the memory.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A workflow's text.
///
/// ```
/// use easel_engine::Source;
///
/// let source = Source::new("inline", "Workflow(\n    version: 1,\n)");
/// let position = source.position(14);
/// assert_eq!((position.line, position.column), (2, 5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What people call it: the path as they gave it.
    pub name: String,
    /// The file it was read from, if any.
    pub path: Option<PathBuf>,
    /// The text, byte for byte.
    pub text: Arc<str>,
}

/// A place in a text for people: both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Source {
    /// A text that comes from no file.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Source { name: name.into(), path: None, text: text.into() }
    }

    /// Reads a file of at most 16 MiB of UTF-8.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        let name = path.display().to_string();
        let unreadable = |why: String| Diagnostic::error("unreadable-file", format!("cannot read `{name}`: {why}"));
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => unreadable("there is no such file".into()),
            _ => unreadable(error.to_string()),
        })?;
        if metadata.is_dir() {
            return Err(unreadable("it is a folder".into()).with_hint("name a workflow file in it"));
        }
        let mut bytes = Vec::new();
        // The limit also holds for pipes and devices, whose length is not known beforehand.
        let limited = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        limited.map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(unreadable(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
        }
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(&name, error.as_bytes(), &error.utf8_error()))?;
        Ok(Source { name, path: Some(path.to_path_buf()), text: text.into() })
    }

    /// Where a byte offset is. Offsets past the end count as the end.
    pub fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        Position { line, column: before[start..].trim_start_matches('\u{feff}').chars().count() + 1 }
    }

    /// The text of a span; empty if there is none such.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or("")
    }
}

fn not_utf8(name: &str, bytes: &[u8], error: &std::str::Utf8Error) -> Diagnostic {
    let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
    Diagnostic::error("not-utf8", format!("`{name}` is not UTF-8: byte {} (line {line})", error.valid_up_to()))
        .with_hint("save it as UTF-8 text; if it is a picture or a weight file, name a workflow instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = Source::new("t", "\u{feff}aé\r\n𝄞b");
        let at = |needle: &str| source.position(source.text.find(needle).expect("it is there"));
        assert_eq!(at("é"), Position { line: 1, column: 2 });
        assert_eq!(at("b"), Position { line: 2, column: 2 });
        assert_eq!(source.position(999), Position { line: 2, column: 3 });
        assert_eq!(source.slice(&(3..4)), "a");
        assert_eq!(source.slice(&(4..5)), "", "not on a character border");
    }

    #[test]
    fn unreadable_files_say_why() {
        let folder = std::env::temp_dir().join(format!("easel-source-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let missing = Source::read(&folder.join("none.ron")).expect_err("not there");
        assert_eq!(missing.code, "unreadable-file");
        assert!(missing.message.contains("no such file"), "{}", missing.message);
        assert!(Source::read(&folder).expect_err("a folder").message.contains("folder"));

        let path = folder.join("latin1.ron");
        std::fs::write(&path, b"Workflow(\n\xe9)").expect("it can be written");
        let latin = Source::read(&path).expect_err("not UTF-8");
        assert_eq!(latin.code, "not-utf8");
        assert!(latin.message.contains("line 2"), "{}", latin.message);

        let path = folder.join("large.ron");
        File::create(&path).and_then(|file| file.set_len(MAX_BYTES + 1)).expect("a sparse file can be made");
        assert!(Source::read(&path).expect_err("too large").message.contains("16 MiB"));

        let path = folder.join("good.ron");
        std::fs::write(&path, "Workflow()").expect("it can be written");
        assert_eq!(Source::read(&path).expect("readable").path.as_deref(), Some(path.as_path()));
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
