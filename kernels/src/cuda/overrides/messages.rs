//! What the compiler prints, as messages with places.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The source was refused for it.
    Error,
    /// It was compiled none the less.
    Warning,
}

/// Something that the compiler says of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerMessage {
    /// The file's name, as it was included; none if the message is of no place.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// From 1, in characters.
    pub column: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub text: String,
    /// The line that it is about.
    pub excerpt: Option<String>,
}

impl fmt::Display for CompilerMessage {
    /// `file:line:column: error: text`, with the line below it and a mark below its column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            [self.line, self.column].into_iter().flatten().try_for_each(|number| write!(f, "{number}:"))?;
            f.write_str(" ")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.text)?;
        let Some(excerpt) = &self.excerpt else { return Ok(()) };
        write!(f, "\n    {excerpt}")?;
        let Some(column) = self.column else { return Ok(()) };
        // Tabs stay tabs, so that the mark stands below its character however wide they are shown.
        let before = excerpt.chars().take(column as usize - 1);
        let indent: String = before.map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "\n    {indent}^")
    }
}

/// Reads the compiler's log. Each message is `FILE(LINE): SEVERITY: TEXT`, then the line itself, set in by two spaces,
/// then a `^` below the place.
pub(super) fn parse(log: &str) -> Vec<CompilerMessage> {
    let lines: Vec<&str> = log.lines().collect();
    let mut messages: Vec<CompilerMessage> =
        (0..lines.len()).filter_map(|index| message(lines[index], &lines[index + 1..])).collect();
    // A log that says nothing in this form must not be lost.
    if messages.is_empty() {
        let text = log.trim();
        let text = if text.is_empty() { "the compiler does not say why" } else { text }.to_owned();
        let nowhere = (None, None, None, None);
        let (file, line, column, excerpt) = nowhere;
        messages.push(CompilerMessage { file, line, column, severity: Severity::Error, text, excerpt });
    }
    messages
}

fn message(line: &str, after: &[&str]) -> Option<CompilerMessage> {
    let (place, rest) = line.split_once("): ")?;
    let (file, number) = place.rsplit_once('(')?;
    let number: u32 = number.parse().ok()?;
    let (kind, text) = rest.split_once(": ")?;
    let severity = if kind.contains("error") {
        Severity::Error
    } else if kind.starts_with("warning") {
        Severity::Warning
    } else {
        return None;
    };
    let excerpt = after.first().and_then(|line| line.strip_prefix("  "));
    let column = after.get(1).filter(|mark| mark.trim() == "^").and_then(|mark| mark.find('^')?.checked_sub(2));
    // Marks are set in by one space for each byte, tabs included.
    let column = excerpt.zip(column).and_then(|(excerpt, bytes)| {
        let characters = excerpt.get(..bytes).map_or(bytes, |before| before.chars().count());
        u32::try_from(characters + 1).ok()
    });
    Some(CompilerMessage {
        file: Some(file.to_owned()),
        line: Some(number),
        column,
        severity,
        text: text.to_owned(),
        excerpt: column.and(excerpt).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As NVRTC 13.0.88 prints it.
    const LOG: &str = "\
gemm.cu(4): error: identifier \"y\" is undefined
      x[threadIdx.x] = to_float(y[n] + (z));
                                ^

easel/tile.cuh(3): warning #177-D: variable \"unused\" was declared but never referenced
  \tint unused;
  \t    ^

Remark: The warnings can be suppressed with \"-diag-suppress <warning-number>\"

easel/none.cuh(4): catastrophic error: could not open source file \"none.h\" (no directories in search list)
  #include <none.h>
                   ^

2 errors detected in the compilation of \"gemm.cu\".
";

    #[test]
    fn messages_have_file_line_and_column() {
        let messages = parse(LOG);
        let places: Vec<_> = messages.iter().map(|m| (m.file.as_deref(), m.line, m.column, m.severity)).collect();
        let expected = [
            (Some("gemm.cu"), Some(4), Some(31), Severity::Error),
            (Some("easel/tile.cuh"), Some(3), Some(6), Severity::Warning),
            (Some("easel/none.cuh"), Some(4), Some(18), Severity::Error),
        ];
        assert_eq!(places, expected);
        let shown = messages[0].to_string();
        let wanted =
            "gemm.cu:4:31: error: identifier \"y\" is undefined\n        x[threadIdx.x] = to_float(y[n] + (z));\n";
        assert_eq!(shown, format!("{wanted}{}^", " ".repeat(34)));
        assert!(messages[1].to_string().ends_with("\n    \tint unused;\n    \t    ^"), "{}", messages[1]);
    }

    #[test]
    fn a_log_of_another_form_is_shown_whole() {
        for (log, text) in [("nvrtc: error: invalid value", "nvrtc: error: invalid value"), (" \n", "does not say why")]
        {
            let messages = parse(log);
            assert_eq!(messages.len(), 1);
            assert_eq!((messages[0].file.as_deref(), messages[0].severity), (None, Severity::Error));
            assert!(messages[0].to_string().contains(text), "{}", messages[0]);
        }
    }

    #[test]
    fn a_place_that_is_cut_off_or_odd_does_no_harm() {
        let odd = [
            "a(1): error: x",
            "a(1): error: x\n",
            "a(1): error: x\n  \n^",
            "a(1): error: x\n  é\n   ^",
            "(): error: x",
        ];
        for log in odd {
            assert!(!parse(log)[0].to_string().is_empty(), "{log:?}");
        }
    }
}
