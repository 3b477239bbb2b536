//! A run told in lines that stay: for logs, pipes and terminals without a cursor.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use easel_engine::{Event, Plan};

use super::words::{self, Told};
use super::{News, Reporter};
use crate::error::CommandError;
use crate::terminal::{self, Paint, printable, seconds};

/// A node says how far it is no more often than this.
const PAUSE: Duration = Duration::from_secs(5);

/// One line per node that ran, and one now and then for a slow one. What did not run is told of the first few nodes, then
/// counted.
#[derive(Debug)]
pub(super) struct Plain {
    paint: Paint,
    only_errors: bool,
    last_told: HashMap<Arc<str>, Instant>,
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
                Event::RunFinished { .. } => self.told.rest(),
                _ => None,
            };
        }
        self.told.note(event);
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
            Event::NodeCached { node, .. } => self.told.line(node, "cached".into()),
            Event::NodeSkipped { node, .. } | Event::NodeBlocked { node, .. } => {
                let why = words::why_not_run(event)?;
                self.told.line(node, why)
            }
            Event::RunFinished { .. } => self.told.summary(event, self.paint),
            _ => self.told.remark(event, self.paint),
        }
    }
}

impl Reporter for Plain {
    fn begin(&mut self, plan: &Plan) {
        self.last_told.clear();
        self.told.begin(plan);
    }

    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        if let Some(line) = self.line(event) {
            terminal::note(line);
        }
        Ok(())
    }

    fn news(&mut self, news: &News) -> Result<(), CommandError> {
        if !self.only_errors
            && let Some(text) = news.text(self.paint)
        {
            terminal::note(text);
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
        assert_eq!(plain.line(&Event::NodeStarted { run, node: "a".into(), seat: None }), None);
        assert_eq!(plain.line(&Event::NodeProgress { run, node: "a".into(), step: 1, steps: 2 }), None);
        let done = plain.line(&Event::NodeFinished { run, node: "a".into(), seconds: 0.5, outputs: [].into() });
        assert_eq!(done.as_deref(), Some("a: done in 0.50 s"));
        let skipped = plain.line(&Event::NodeSkipped { run, node: "c".into(), because: "b".into() });
        assert_eq!(skipped.as_deref(), Some("c: not run, since b failed"));
    }

    #[test]
    fn what_is_kept_back_says_why() {
        let (because, reason) = ("safety".into(), "the prompt asks for a face".into());
        let blocked = Event::NodeBlocked { run: RunId(1), node: "all[2]/save".into(), because, reason };
        assert_eq!(
            plain(false).line(&blocked).as_deref(),
            Some("all[2]/save: not run: kept back by safety: the prompt asks for a face")
        );
        assert_eq!(plain(true).line(&blocked), None, "it is no error");
    }

    #[test]
    fn a_thousand_cached_nodes_are_counted() {
        let run = RunId(1);
        let mut plain = plain(false);
        let cached = |i: usize| Event::NodeCached { run, node: format!("all[{i}]/prior").into(), outputs: [].into() };
        let lines: Vec<_> = (0..1000).filter_map(|i| plain.line(&cached(i))).collect();
        assert_eq!((lines.len(), lines[0].as_str()), (8, "all[0]/prior: cached"));
        let (outcome, seconds, finished, cached, failed, skipped) = (Outcome::Completed, 0.01, 0, 1000, 0, 0);
        let end = plain.line(&Event::RunFinished { run, outcome, seconds, finished, cached, failed, skipped });
        assert_eq!(end.as_deref(), Some("992 more nodes: cached\ndone in 10 ms: 1000 nodes: 1000 cached"));
    }

    #[test]
    fn quiet_tells_of_failures_only() {
        let run = RunId(1);
        let mut plain = plain(true);
        let (finished, cached, failed, skipped) = (1, 0, 0, 0);
        let end =
            Event::RunFinished { run, outcome: Outcome::Completed, seconds: 1.0, finished, cached, failed, skipped };
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
