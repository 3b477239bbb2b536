//! `ReadLines`: the lines of a text file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use easel_engine::{
    Context, External, FingerprintHasher, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError,
    NodeResult, NodeSpec, OutputSpec, Outputs, Surroundings, Value, kinds,
};

use super::sockets;
use crate::error::{Error, Result};

/// Reads a list of texts.
pub struct ReadLines;

/// No list of prompts is longer; a picture given by mistake is.
const MOST_BYTES: u64 = 16 << 20;
const MOST_LINES: usize = 100_000;

impl Node for ReadLines {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "ReadLines",
            "Reads the lines of a text file, such as a list of prompts. Blanks around a line are removed.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("path", kinds::TEXT, "the file, UTF-8, relative to the workflow's folder"))
        .input(
            InputSpec::new("comment", kinds::TEXT, "lines that begin with this are left out; \"\": none are")
                .default("#".to_string()),
        )
        .input(InputSpec::new("keep_blank", kinds::BOOLEAN, "whether blank lines count").default(false))
        .output(OutputSpec::new("lines", kinds::TEXT_LIST, "one text for each line"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_file_exists(literals, "path")
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        let text = read(&surroundings.base_dir().join(inputs.get::<String>("path")?))?;
        let mut hasher = FingerprintHasher::new("lines of a file");
        hasher.text(&text);
        Ok(External::Content(hasher.finish()))
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        literals.get::<String>("path").map(|path| literals.base_dir().join(path)).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let path = context.base_dir().join(inputs.get::<String>("path")?);
        let text = read(&path)?;
        let comment = inputs.get::<String>("comment")?;
        let keep_blank = *inputs.get::<bool>("keep_blank")?;
        let is_kept = |line: &&str| match line.is_empty() {
            true => keep_blank,
            false => comment.is_empty() || !line.starts_with(comment.as_str()),
        };
        let lines: Vec<_> = text.lines().map(str::trim).filter(is_kept).take(MOST_LINES + 1).collect();
        if lines.len() > MOST_LINES {
            return Err(NodeError::new(format!("{} has more than {MOST_LINES} lines", path.display()))
                .with_hint("split the file"));
        }
        if lines.is_empty() {
            context.warn(format!("{} has no lines to read", path.display()));
        }
        Ok(Outputs::none().with_value("lines", Value::texts(lines)))
    }
}

/// The file's text, without the mark that some editors put at its beginning; every kind of line end is LF.
fn read(path: &Path) -> Result<String> {
    let cannot_read = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
    // A pipe or a device would never end.
    if !std::fs::metadata(path).map_err(cannot_read)?.is_file() {
        return Err(Error::invalid(format!("{}: not a file", path.display())));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(cannot_read)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::invalid(format!("{}: larger than {} MiB", path.display(), MOST_BYTES >> 20))
            .with_hint("is it a text file?"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Error::invalid(format!("{}: not UTF-8, at byte {place}", path.display()))
            .with_hint("save it as UTF-8 text (UTF-16 and the encodings of old systems are not read)")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::nodes::trial::{elements, external_in, failure, run_in, text};

    fn folder(content: impl AsRef<[u8]>) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), content).unwrap();
        folder
    }

    fn read_lines(content: impl AsRef<[u8]>, more: &[(&'static str, Value)]) -> NodeResult {
        let given = [("path", text("a.txt"))].into_iter().chain(more.iter().cloned());
        run_in(folder(content).path(), &ReadLines, given)
    }

    #[test]
    fn blank_lines_and_comments_are_left_out() {
        let content = "# prompts\n\n  a cat \n\t\na dog # not a comment\n#";
        assert_eq!(elements::<String>(&read_lines(content, &[]).unwrap(), "lines"), ["a cat", "a dog # not a comment"]);
        let all = read_lines("#\n\nb", &[("comment", text("")), ("keep_blank", Value::new(true))]).unwrap();
        assert_eq!(elements::<String>(&all, "lines"), ["#", "", "b"]);
        let slashes = read_lines("// x\n# y", &[("comment", text("//"))]).unwrap();
        assert_eq!(elements::<String>(&slashes, "lines"), ["# y"]);
    }

    #[test]
    fn every_kind_of_line_end_ends_a_line() {
        let keep = [("keep_blank", Value::new(true))];
        for content in ["\u{feff}a\nb", "a\r\nb\r\n", "a\rb\r", "a\nb\n"] {
            assert_eq!(elements::<String>(&read_lines(content, &keep).unwrap(), "lines"), ["a", "b"], "{content:?}");
        }
        assert_eq!(elements::<String>(&read_lines("a\r\n\r\nb", &keep).unwrap(), "lines"), ["a", "", "b"]);
    }

    #[test]
    fn an_empty_file_gives_an_empty_list() {
        for content in ["", "\u{feff}", "\n\n"] {
            let outputs = read_lines(content, &[]).unwrap();
            assert_eq!(outputs.get("lines").map(Value::kind), Some(kinds::TEXT_LIST));
            assert!(elements::<String>(&outputs, "lines").is_empty());
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(failure(read_lines(b"abc\xff", &[])).contains("not UTF-8, at byte 3 (save it as UTF-8"));
        let many = "a\n".repeat(MOST_LINES + 1);
        assert!(failure(read_lines(many, &[])).contains("more than 100000 lines"));
        let message = failure(run_in(folder("").path(), &ReadLines, [("path", text("b.txt"))]));
        assert!(message.contains("cannot read") && message.contains("b.txt"), "{message}");
        assert!(failure(run_in(folder("").path(), &ReadLines, [("path", text("."))])).contains("not a file"));
    }

    #[test]
    fn the_result_depends_on_the_content() {
        let of = |content: &str| external_in(folder(content).path(), &ReadLines, [("path", text("a.txt"))]).unwrap();
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }
}
