//! Tells what happens in a run: to a person at a terminal, to a log, or to a program.

mod bars;
mod brief;
mod few;
mod json;
mod news;
mod plain;
mod words;

use easel_engine::{Diagnostic, Event, Plan, Source};

use crate::error::CommandError;
use crate::interrupt::Notice;
use crate::terminal::Paint;
use crate::{diagnostics, terminal};

use bars::Bars;
use brief::Brief;
use json::JsonLines;
pub(crate) use news::{News, shown};
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

/// Told every event of a run, in order. One reporter may be told several runs in turn.
pub(crate) trait Reporter {
    /// A plan is about to be carried out: its events follow.
    fn begin(&mut self, plan: &Plan) {
        let _ = plan;
    }

    /// One event.
    fn event(&mut self, event: &Event) -> Result<(), CommandError>;

    /// What is wrong with the workflow.
    fn diagnostics(&mut self, name: &str, source: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        let _ = name;
        diagnostics::tell(source, found);
        Ok(())
    }

    /// Something that happened beside the runs.
    fn news(&mut self, news: &News) -> Result<(), CommandError> {
        if let Some(text) = news.text(Paint::for_stderr()) {
            (self.notice())(&text);
        }
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

/// A reporter of few words, for one of several runs that are carried out at once.
pub(crate) fn brief(prefix: String) -> Box<dyn Reporter> {
    Box::new(Brief::new(prefix))
}
