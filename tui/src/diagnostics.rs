//! Shows what is wrong with a workflow: to people with the source underlined, to programs as JSON.

use std::fmt;
use std::ops::Range;

use easel_engine::{Diagnostic, Severity, Source};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;

use crate::terminal::{self, Paint, printable};

/// Lines longer than this are not shown: they are no workflow written by a person.
const MAX_LINE: usize = 400;

/// A finding in the shape that miette draws.
struct Drawn {
    message: String,
    code: &'static str,
    severity: Severity,
    hint: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<NamedSource<String>>,
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{}[{}]", word(self.severity), self.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// Tells people every finding on standard error, with a count after several.
pub(crate) fn tell(source: Option<&Source>, diagnostics: &[Diagnostic]) {
    let paint = Paint::for_stderr();
    for diagnostic in diagnostics {
        let drawn = draw(source, diagnostic, paint.is_on(), terminal::width());
        terminal::note(format_args!("{}\n", drawn.trim_end_matches('\n')));
    }
    if diagnostics.len() > 1 {
        terminal::note(summary(source, diagnostics));
    }
}

fn summary(source: Option<&Source>, diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let counted: Vec<_> = [(errors, "error"), (warnings, "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| terminal::count(number, what))
        .collect();
    let place = source.map(|source| format!(" in {}", printable(&source.name))).unwrap_or_default();
    format!("{}{place}", counted.join(", "))
}

/// One finding, drawn.
pub(crate) fn draw(source: Option<&Source>, diagnostic: &Diagnostic, colours: bool, width: usize) -> String {
    let source = diagnostic.source.as_deref().or(source);
    let mut message = printable(&diagnostic.message).into_owned();
    let shown = source.filter(|source| is_drawable(source, diagnostic));
    let labels = match shown {
        Some(source) => diagnostic.labels.iter().map(|label| {
            let span = within(source, &label.span);
            let text = (!label.text.is_empty()).then(|| printable(&label.text).into_owned());
            LabeledSpan::new(text, span.start, span.len())
        }),
        None => {
            // The place must not get lost with the picture of it.
            if let Some((source, label)) = source.zip(diagnostic.labels.first()) {
                let at = source.position(label.span.start);
                message = format!("{}:{}:{}: {message}", printable(&source.name), at.line, at.column);
            }
            return render(Drawn { message, labels: Vec::new(), source: None, ..of(diagnostic) }, colours, width);
        }
    };
    // Lines that end as on Windows end no different; a space for the carriage return keeps the places.
    let text = |source: &Source| printable(&source.text.replace("\r\n", " \n")).into_owned();
    let named = |source: &Source| NamedSource::new(printable(&source.name), text(source));
    render(Drawn { message, labels: labels.collect(), source: shown.map(named), ..of(diagnostic) }, colours, width)
}

fn of(diagnostic: &Diagnostic) -> Drawn {
    Drawn {
        message: String::new(),
        code: diagnostic.code,
        severity: diagnostic.severity,
        hint: diagnostic.hint.as_deref().map(|hint| printable(hint).into_owned()),
        labels: Vec::new(),
        source: None,
    }
}

fn render(drawn: Drawn, colours: bool, width: usize) -> String {
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(width).with_context_lines(1);
    let mut text = String::new();
    match handler.render_report(&mut text, &drawn) {
        Ok(()) => text,
        // Drawing failed, the finding itself must not.
        Err(_) => format!("{}: {}", drawn.code, drawn.message),
    }
}

/// Whether the source around the places is something to show.
fn is_drawable(source: &Source, diagnostic: &Diagnostic) -> bool {
    !diagnostic.labels.is_empty()
        && diagnostic.labels.iter().all(|label| {
            let span = within(source, &label.span);
            let before = source.text[..span.start].lines().rev().take(2);
            let after = source.text[span.start..].lines().take(3);
            before.chain(after).all(|line| line.len() <= MAX_LINE)
        })
}

/// The span, cut to the text and to whole characters.
fn within(source: &Source, span: &Range<usize>) -> Range<usize> {
    let text = &source.text;
    let border = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(span.start);
    start..border(span.end).max(start)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// One finding as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    severity: &'static str,
    code: &'a str,
    message: &'a str,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    labels: Vec<LinePart<'a>>,
    hint: Option<&'a str>,
}

/// A place, in bytes and for people.
#[derive(Serialize)]
struct LinePart<'a> {
    start: usize,
    end: usize,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    text: &'a str,
}

/// One finding as a line of JSON.
pub(crate) fn json(name: &str, source: Option<&Source>, diagnostic: &Diagnostic) -> String {
    let included = diagnostic.source.as_deref();
    let (name, source) = (included.map_or(name, |source| source.name.as_str()), included.or(source));
    let position = |offset: usize| source.map(|source| source.position(offset));
    let first = diagnostic.labels.first().and_then(|label| position(label.span.start));
    let labels = diagnostic.labels.iter().map(|label| {
        let (start, end) = (position(label.span.start), position(label.span.end));
        LinePart {
            start: label.span.start,
            end: label.span.end,
            line: start.map(|at| at.line),
            column: start.map(|at| at.column),
            end_line: end.map(|at| at.line),
            end_column: end.map(|at| at.column),
            text: &label.text,
        }
    });
    let line = Line {
        event: "diagnostic",
        severity: word(diagnostic.severity),
        code: diagnostic.code,
        message: &diagnostic.message,
        file: name,
        line: first.map(|at| at.line),
        column: first.map(|at| at.column),
        labels: labels.collect(),
        hint: diagnostic.hint.as_deref(),
    };
    // Texts and numbers only: nothing that JSON could not hold.
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pior() -> (Source, Diagnostic) {
        let source = Source::new("a.ron", "Workflow(\n    prior: Pior(),\n)\n");
        let diagnostic = Diagnostic::error("unknown-node", "there is no node type `Pior`")
            .with_label(21..25, "not known")
            .with_hint("did you mean `Prior`?");
        (source, diagnostic)
    }

    #[test]
    fn the_place_is_underlined() {
        let (source, diagnostic) = pior();
        let text = draw(Some(&source), &diagnostic, false, 80);
        for piece in
            ["unknown-node", "there is no node type `Pior`", "a.ron:2:12", "prior: Pior()", "not known", "did you"]
        {
            assert!(text.contains(piece), "{piece} in\n{text}");
        }
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(draw(Some(&source), &diagnostic, true, 80).contains('\x1b'));
    }

    #[test]
    fn a_span_beside_the_text_is_no_panic() {
        let source = Source::new("a.ron", "é");
        let diagnostic = Diagnostic::error("x", "wrong").with_label(1..900, "here");
        assert!(draw(Some(&source), &diagnostic, false, 80).contains("wrong"));
        assert!(draw(None, &diagnostic, false, 80).contains("wrong"));
    }

    #[test]
    fn a_giant_line_is_not_shown() {
        let source = Source::new("a.ron", format!("x\n{}", "y".repeat(100_000)));
        let diagnostic = Diagnostic::error("x", "wrong").with_label(500..501, "here");
        let text = draw(Some(&source), &diagnostic, false, 80);
        assert!(text.len() < 400 && text.contains("a.ron:2:499"), "{text}");
    }

    #[test]
    fn sources_do_not_steer_the_terminal() {
        let source = Source::new("\x1b[2J", "\x1b]0;title\x07 here");
        let diagnostic = Diagnostic::error("x", "bad \x1b[31m").with_label(11..15, "\x1b[0m");
        assert!(!draw(Some(&source), &diagnostic, false, 80).contains('\x1b'));
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        let source = Source::new("a.ron", "Workflow(\r\n    prior: Pior(),\r\n)\r\n");
        let diagnostic = Diagnostic::error("x", "wrong").with_label(22..26, "here");
        let text = draw(Some(&source), &diagnostic, false, 80);
        assert!(text.contains("a.ron:2:12") && !text.contains('?'), "{text}");
    }

    #[test]
    fn json_says_where() {
        let (source, diagnostic) = pior();
        let parsed = |line: String| serde_json::from_str::<serde_json::Value>(&line).expect("it is JSON");
        let value = parsed(json("a.ron", Some(&source), &diagnostic));
        assert_eq!((value["line"].as_u64(), value["column"].as_u64()), (Some(2), Some(12)));
        assert_eq!(value["labels"][0]["end_column"], 16);
        assert_eq!(value["hint"], "did you mean `Prior`?");
        let nowhere = parsed(json("b.ron", None, &Diagnostic::warning("y", "odd")));
        assert!(nowhere["line"].is_null());
        assert_eq!(nowhere["severity"], "warning");
    }

    #[test]
    fn findings_in_another_file_show_that_file() {
        let (main, diagnostic) = (Source::new("main.ron", "Workflow()"), pior().1);
        let elsewhere = diagnostic.with_source(std::sync::Arc::new(pior().0));
        let drawn = draw(Some(&main), &elsewhere, false, 100);
        assert!(drawn.contains("a.ron:2:") && !drawn.contains("main.ron"), "{drawn}");
        let line = json("main.ron", Some(&main), &elsewhere);
        assert!(line.contains("\"file\":\"a.ron\",\"line\":2"), "{line}");
    }

    #[test]
    fn findings_are_counted() {
        let all = [Diagnostic::error("a", "a"), Diagnostic::error("b", "b"), Diagnostic::warning("c", "c")];
        assert_eq!(summary(Some(&Source::new("f.ron", "")), &all), "2 errors, 1 warning in f.ron");
    }
}
