//! The sentences about events that bars and lines have in common.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use easel_engine::{Event, Outcome, Plan};

use super::few::Few;
use crate::execution::is_picture;
use crate::terminal::{self, Paint, printable, seconds};

/// A summary names no more targets than this.
const MOST_TARGETS: usize = 8;

/// What was told of a run, so that the same is not told a thousand times: one cause behind many failures (a model that
/// is not there), a warning of every element of a map.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Message → the node that it was told of.
    failures: HashMap<String, Arc<str>>,
    few: Few,
    /// What the run is for.
    targets: Vec<Arc<str>>,
    /// The targets that have their result.
    made: HashSet<Arc<str>>,
}

impl Told {
    /// A plan is about to be carried out.
    pub(super) fn begin(&mut self, plan: &Plan) {
        *self = Told { targets: plan.targets().map(Arc::from).collect(), ..Told::default() };
    }

    /// Takes note of an event for the summary.
    pub(super) fn note(&mut self, event: &Event) {
        if let Event::NodeFinished { node, .. } | Event::NodeCached { node, .. } = event {
            self.made.insert(node.clone());
        }
    }

    /// What to say about an event besides progress; nothing about most.
    pub(super) fn remark(&mut self, event: &Event, paint: Paint) -> Option<String> {
        match event {
            Event::NodeFailed { .. } => self.failure(event, paint),
            Event::NodeWarning { node, message, .. } => {
                self.of(paint.yellow("warning:"), node, printable(message).into_owned())
            }
            Event::NodeRetried { node, attempt, attempts, message, .. } => {
                let message = indented(message);
                let what = format!("attempt {attempt} of {attempts} failed and is tried again: {message}");
                self.of(paint.yellow("warning:"), node, what)
            }
            Event::NodeNote { node, key, value, .. } if !is_fingerprint(key) => {
                self.of(paint.cyan("note:"), node, format!("{}: {}", printable(key), printable(value)))
            }
            // Pictures are named on standard output.
            Event::ArtifactWritten { path, .. } if !is_picture(path) => {
                Some(format!("wrote {}", printable(&path.to_string_lossy())))
            }
            _ => None,
        }
    }

    /// "decoder: cached", unless that was said of many nodes already.
    pub(super) fn line(&mut self, node: &str, what: String) -> Option<String> {
        self.few.admits(&what).then(|| format!("{}: {what}", printable(node)))
    }

    /// "warning: decoder: …", likewise.
    fn of(&mut self, sign: String, node: &str, what: String) -> Option<String> {
        self.few.admits(&what).then(|| format!("{sign} {}: {what}", printable(node)))
    }

    fn failure(&mut self, event: &Event, paint: Paint) -> Option<String> {
        let Event::NodeFailed { node, node_type, message, .. } = event else { return None };
        let Some(first) = self.failures.get(message) else {
            self.failures.insert(message.clone(), node.clone());
            return Some(failure(event, paint));
        };
        let what = format!("failed for the same reason as {}", printable(first));
        let told = self.few.admits(&what);
        told.then(|| format!("{} {} ({node_type}) {what}", paint.red("error:"), printable(node)))
    }

    /// The last lines about a run; nothing before its end.
    pub(super) fn summary(&mut self, event: &Event, paint: Paint) -> Option<String> {
        let last = summary(event, paint)?;
        let mut lines = self.few.rest();
        lines.push(last);
        if matches!(event, Event::RunFinished { outcome: Outcome::Failed, .. }) {
            lines.extend(self.made());
        }
        Some(lines.join("\n"))
    }

    /// What was counted instead of told.
    pub(super) fn rest(&mut self) -> Option<String> {
        let lines = self.few.rest();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Of what the run was for, what there is in spite of a failure.
    fn made(&self) -> Option<String> {
        let made: Vec<_> = self.targets.iter().filter(|target| self.made.contains(*target)).collect();
        if made.is_empty() {
            return None;
        }
        let mut names: Vec<_> = made.iter().take(MOST_TARGETS).map(|name| printable(name).into_owned()).collect();
        if made.len() > MOST_TARGETS {
            names.push(format!("{} more", made.len() - MOST_TARGETS));
        }
        Some(format!("finished all the same: {}", names.join(", ")))
    }
}

/// Why a node did not run, if that is what the event says.
pub(super) fn why_not_run(event: &Event) -> Option<String> {
    match event {
        Event::NodeSkipped { because, .. } => Some(format!("not run, since {} failed", printable(because))),
        Event::NodeBlocked { because, reason, .. } => {
            Some(format!("not run: kept back by {}: {}", printable(because), printable(reason)))
        }
        _ => None,
    }
}

/// Hashes, noted for `easel reproduce`; they say nothing to people. Keys look like `weights.prior` or `model.blake3`.
pub(crate) fn is_fingerprint(key: &str) -> bool {
    key.split('.').any(|word| word == "weights" || word == "blake3")
}

/// All that is known about a failed node: name, reason, what it came from, what it was given, what to do.
fn failure(event: &Event, paint: Paint) -> String {
    let Event::NodeFailed { node, node_type, message, causes, hint, inputs, .. } = event else { return String::new() };
    let mut lines =
        vec![format!("{} {} ({node_type}) failed: {}", paint.red("error:"), printable(node), indented(message))];
    lines.extend(causes.iter().map(|cause| format!("    caused by: {}", indented(cause))));
    if !inputs.is_empty() {
        let given: Vec<_> = inputs.iter().map(|(name, value)| format!("{name} = {}", printable(value))).collect();
        lines.push(paint.dim(&format!("    given: {}", given.join(", "))));
    }
    if let Some(hint) = hint {
        lines.push(format!("    {} {}", paint.cyan("hint:"), indented(hint)));
    }
    lines.join("\n")
}

fn indented(text: &str) -> String {
    printable(text).trim_end().replace('\n', "\n    ")
}

/// The last line about a run.
fn summary(event: &Event, paint: Paint) -> Option<String> {
    let Event::RunFinished { outcome, seconds: took, finished, cached, failed, skipped, .. } = event else {
        return None;
    };
    let took = seconds(*took);
    let counted = |parts: &[(usize, &str)]| {
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        parts.map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join(", ")
    };
    let others =
        || counted(&[(*failed, "failed"), (*skipped, "did not run"), (*finished, "finished"), (*cached, "cached")]);
    Some(match outcome {
        Outcome::Completed if (*cached, *skipped) == (0, 0) => {
            format!("{} in {took}: {}", paint.green("done"), terminal::count(*finished, "node"))
        }
        Outcome::Completed => {
            let all = terminal::count(finished + cached + skipped, "node");
            let parts = counted(&[(*finished, "ran"), (*cached, "cached"), (*skipped, "did not run")]);
            format!("{} in {took}: {all}: {parts}", paint.green("done"))
        }
        Outcome::Failed => format!("{} after {took}: {}", paint.red("failed"), others()),
        Outcome::Cancelled => format!("{} after {took}: {}", paint.yellow("stopped"), others()),
    })
}

#[cfg(test)]
mod tests {
    use easel_engine::RunId;

    use super::*;

    fn failed() -> Event {
        Event::NodeFailed {
            run: RunId(1),
            node: "decoder".into(),
            node_type: "Decoder".into(),
            message: "no such folder\nat all".into(),
            causes: vec!["it was removed".into()],
            hint: Some("put it back".into()),
            inputs: vec![("seed".into(), "7".into()), ("model".into(), "\"\u{1b}x\"".into())],
        }
    }

    fn end(outcome: Outcome, counts: [usize; 4]) -> Event {
        let [finished, cached, failed, skipped] = counts;
        Event::RunFinished { run: RunId(1), outcome, seconds: 2.5, finished, cached, failed, skipped }
    }

    #[test]
    fn a_failure_says_all_that_is_known() {
        assert_eq!(
            failure(&failed(), Paint::PLAIN),
            "error: decoder (Decoder) failed: no such folder\n    at all\n    caused by: it was removed\n    \
             given: seed = 7, model = \"?x\"\n    hint: put it back"
        );
    }

    #[test]
    fn one_cause_is_told_in_full_once() {
        let mut told = Told::default();
        let mut event = failed();
        assert_eq!(told.remark(&event, Paint::PLAIN), Some(failure(&event, Paint::PLAIN)));
        let mut lines = Vec::new();
        for index in 0..1000 {
            if let Event::NodeFailed { node, .. } = &mut event {
                *node = format!("all[{index}]/prior").into();
            }
            lines.extend(told.remark(&event, Paint::PLAIN));
        }
        assert_eq!(lines[0], "error: all[0]/prior (Decoder) failed for the same reason as decoder");
        assert_eq!(lines.len(), 8);
        let last = told.summary(&end(Outcome::Failed, [0, 0, 1001, 0]), Paint::PLAIN).expect("it is the end");
        assert_eq!(
            last, "992 more nodes: failed for the same reason as decoder\nfailed after 2.50 s: 1001 failed",
            "nothing finished"
        );
    }

    #[test]
    fn hashes_are_no_news() {
        let note =
            |key: &str| Event::NodeNote { run: RunId(1), node: "safety".into(), key: key.into(), value: "fine".into() };
        let remark = |key| Told::default().remark(&note(key), Paint::PLAIN);
        assert_eq!(remark("verdict").as_deref(), Some("note: safety: verdict: fine"));
        assert_eq!(remark("weights.prior"), None);
        assert_eq!(remark("model.blake3"), None);
    }

    #[test]
    fn another_attempt_says_why() {
        let event = Event::NodeRetried {
            run: RunId(1),
            node: "all[1]/fetch".into(),
            attempt: 1,
            attempts: 3,
            message: "timeout".into(),
        };
        assert_eq!(
            Told::default().remark(&event, Paint::PLAIN).as_deref(),
            Some("warning: all[1]/fetch: attempt 1 of 3 failed and is tried again: timeout")
        );
    }

    #[test]
    fn a_run_ends_in_one_line() {
        let last = |outcome, counts| summary(&end(outcome, counts), Paint::PLAIN).expect("it is the end");
        assert_eq!(last(Outcome::Completed, [3, 0, 0, 0]), "done in 2.50 s: 3 nodes");
        assert_eq!(last(Outcome::Completed, [2, 12, 0, 0]), "done in 2.50 s: 14 nodes: 2 ran, 12 cached");
        assert_eq!(last(Outcome::Completed, [0, 1, 0, 0]), "done in 2.50 s: 1 node: 1 cached");
        assert_eq!(last(Outcome::Completed, [2, 0, 0, 3]), "done in 2.50 s: 5 nodes: 2 ran, 3 did not run");
        assert_eq!(
            last(Outcome::Failed, [3, 4, 1, 2]),
            "failed after 2.50 s: 1 failed, 2 did not run, 3 finished, 4 cached"
        );
        assert_eq!(last(Outcome::Cancelled, [3, 0, 0, 2]), "stopped after 2.50 s: 2 did not run, 3 finished");
    }

    #[test]
    fn a_run_that_failed_in_part_names_what_there_is() {
        let mut told = Told { targets: vec!["a".into(), "b".into(), "c".into()], ..Told::default() };
        told.note(&Event::NodeFinished { run: RunId(1), node: "a".into(), seconds: 0.1, outputs: [].into() });
        told.note(&Event::NodeFinished { run: RunId(1), node: "x".into(), seconds: 0.1, outputs: [].into() });
        told.note(&Event::NodeCached { run: RunId(1), node: "c".into(), outputs: [].into() });
        let last = told.summary(&end(Outcome::Failed, [2, 1, 1, 0]), Paint::PLAIN).expect("it is the end");
        assert_eq!(last, "failed after 2.50 s: 1 failed, 2 finished, 1 cached\nfinished all the same: a, c");
        let last = told.summary(&end(Outcome::Completed, [3, 0, 0, 0]), Paint::PLAIN).expect("it is the end");
        assert_eq!(last, "done in 2.50 s: 3 nodes");
    }
}
