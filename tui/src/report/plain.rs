//! A run told in lines that stay: for logs, pipes and terminals without a cursor.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use easel_engine::Event;

use super::Reporter;
use super::words::{self, Told};
use crate::error::CommandError;
use crate::terminal::{self, Paint, printable, seconds};

/// A node says how far it is no more often than this.
const PAUSE: Duration = Duration::from_secs(5);

/// One line per finished node, and one now and then for a slow one.
#[derive(Debug)]
pub(super) struct Plain {
    paint: Paint,
    only_errors: bool,
    last_told: HashMap<String, Instant>,
    told: Told,
}

impl Plain {
    pub(super) fn new() -> Self {
        Plain { paint: Paint::for_stderr(), only_errors: false, last_told: HashMap::new(), told: Told::default() }
    }

    /// Tells of failures only.
    pub(super) fn quiet() -> Self {
        Plain { only_errors: true, ..Self::new() }
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        if self.only_errors {
            return match event {
                Event::NodeFailed { .. } => self.told.remark(event, self.paint),
                _ => None,
            };
        }
        match event {
            Event::NodeStarted { node, .. } => {
                self.last_told.insert(node.clone(), Instant::now());
                None
            }
            Event::NodeProgress { node, step, steps, .. } => {
                let last = self.last_told.entry(node.clone()).or_insert_with(Instant::now);
                if last.elapsed() < PAUSE {
                    return None;
                }
                *last = Instant::now();
                Some(format!("{}: step {step} of {steps}", printable(node)))
            }
            Event::NodeFinished { node, seconds: took, .. } => {
                self.last_told.remove(node);
                Some(format!("{}: done in {}", printable(node), seconds(*took)))
            }
            Event::NodeSkipped { node, because, .. } => {
                Some(format!("{}: not run, since {} failed", printable(node), printable(because)))
            }
            Event::RunFinished { .. } => words::summary(event, self.paint),
            _ => self.told.remark(event, self.paint),
        }
    }
}

impl Reporter for Plain {
    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        if let Some(line) = self.line(event) {
            terminal::note(line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use easel_engine::{Outcome, RunId};

    use super::*;

    fn plain(only_errors: bool) -> Plain {
        Plain { paint: Paint::PLAIN, only_errors, last_told: HashMap::new(), told: Told::default() }
    }

    #[test]
    fn fast_nodes_take_one_line() {
        let run = RunId(1);
        let mut plain = plain(false);
        assert_eq!(plain.line(&Event::NodeStarted { run, node: "a".into() }), None);
        assert_eq!(plain.line(&Event::NodeProgress { run, node: "a".into(), step: 1, steps: 2 }), None);
        let done = plain.line(&Event::NodeFinished { run, node: "a".into(), seconds: 0.5, outputs: Vec::new() });
        assert_eq!(done.as_deref(), Some("a: done in 0.50 s"));
        let skipped = plain.line(&Event::NodeSkipped { run, node: "c".into(), because: "b".into() });
        assert_eq!(skipped.as_deref(), Some("c: not run, since b failed"));
    }

    #[test]
    fn quiet_tells_of_failures_only() {
        let run = RunId(1);
        let mut plain = plain(true);
        let (finished, failed, skipped) = (1, 0, 0);
        let end = Event::RunFinished { run, outcome: Outcome::Completed, seconds: 1.0, finished, failed, skipped };
        assert_eq!(plain.line(&end), None);
        assert_eq!(plain.line(&Event::NodeWarning { run, node: "a".into(), message: "odd".into() }), None);
        let failure = Event::NodeFailed {
            run,
            node: "a".into(),
            node_type: "A".into(),
            message: "no".into(),
            causes: Vec::new(),
            hint: None,
            inputs: Vec::new(),
        };
        assert_eq!(plain.line(&failure).as_deref(), Some("error: a (A) failed: no"));
    }
}
