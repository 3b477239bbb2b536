//! Tells what happens in a run: to a person at a terminal, to a log, or to a program.

mod bars;
mod json;
mod plain;
mod words;

use easel_engine::{Diagnostic, Event, Source};

use crate::error::CommandError;
use crate::interrupt::Notice;
use crate::{diagnostics, terminal};

use bars::Bars;
use json::JsonLines;
use plain::Plain;
pub(crate) use words::is_fingerprint;

/// How a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Progress bars where somebody watches, lines elsewhere.
    Human,
    /// Errors only.
    Quiet,
    /// JSON lines on standard output.
    Json,
}

/// Told every event of a run, in order.
pub(crate) trait Reporter {
    /// One event.
    fn event(&mut self, event: &Event) -> Result<(), CommandError>;

    /// What is wrong with the workflow.
    fn diagnostics(&mut self, name: &str, source: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        let _ = name;
        diagnostics::tell(source, found);
        Ok(())
    }

    /// How to tell the person at the keyboard something from another thread.
    fn notice(&self) -> Notice {
        std::sync::Arc::new(|text| terminal::note(text))
    }
}

/// The reporter of that style.
pub(crate) fn reporter(style: Style) -> Box<dyn Reporter> {
    match style {
        Style::Json => Box::new(JsonLines::new()),
        Style::Quiet => Box::new(Plain::quiet()),
        Style::Human if terminal::stderr_is_live() => Box::new(Bars::new()),
        Style::Human => Box::new(Plain::new()),
    }
}
