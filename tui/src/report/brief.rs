//! A run told in the fewest lines, each with the run's name before it: for several runs at once.

use easel_engine::{Diagnostic, Event, Plan, Source};

use super::Reporter;
use super::words::Told;
use crate::diagnostics;
use crate::error::CommandError;
use crate::terminal::{self, Paint};

/// Failures, warnings and the end.
#[derive(Debug)]
pub(super) struct Brief {
    prefix: String,
    paint: Paint,
    told: Told,
}

impl Brief {
    pub(super) fn new(prefix: String) -> Self {
        Brief { prefix, paint: Paint::for_stderr(), told: Told::default() }
    }
}

impl Reporter for Brief {
    fn begin(&mut self, plan: &Plan) {
        self.told.begin(plan);
    }

    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        self.told.note(event);
        let line = self.told.remark(event, self.paint).or_else(|| self.told.summary(event, self.paint));
        if let Some(line) = line {
            terminal::note(format_args!("{}{line}", self.prefix));
        }
        Ok(())
    }

    fn diagnostics(&mut self, _: &str, source: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        terminal::note(&self.prefix);
        diagnostics::tell(source, found);
        Ok(())
    }
}
