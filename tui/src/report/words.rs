//! The sentences about events that bars and lines have in common.

use std::collections::HashMap;

use easel_engine::{Event, Outcome};

use crate::execution::is_picture;
use crate::terminal::{self, Paint, printable, seconds};

/// The failures that were told, so that one cause behind many (a model that is not there) is told in full once.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Message → the node that it was told of.
    failures: HashMap<String, String>,
}

impl Told {
    /// What to say about an event besides progress; nothing about most.
    pub(super) fn remark(&mut self, event: &Event, paint: Paint) -> Option<String> {
        let Event::NodeFailed { node, node_type, message, .. } = event else { return remark(event, paint) };
        if let Some(first) = self.failures.get(message) {
            let (node, first) = (printable(node), printable(first));
            return Some(format!("{} {node} ({node_type}) failed for the same reason as {first}", paint.red("error:")));
        }
        self.failures.insert(message.clone(), node.clone());
        Some(failure(event, paint))
    }
}

fn remark(event: &Event, paint: Paint) -> Option<String> {
    match event {
        Event::NodeWarning { node, message, .. } => {
            Some(format!("{} {}: {}", paint.yellow("warning:"), printable(node), printable(message)))
        }
        Event::NodeNote { node, key, value, .. } if !is_fingerprint(key) => {
            Some(format!("{} {}: {}: {}", paint.cyan("note:"), printable(node), printable(key), printable(value)))
        }
        // Pictures are named on standard output.
        Event::ArtifactWritten { path, .. } if !is_picture(path) => {
            Some(format!("wrote {}", printable(&path.to_string_lossy())))
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
pub(super) fn summary(event: &Event, paint: Paint) -> Option<String> {
    let Event::RunFinished { outcome, seconds: took, finished, failed, skipped, .. } = event else { return None };
    let took = seconds(*took);
    let others: Vec<_> = [(failed, "failed"), (skipped, "did not run"), (finished, "finished")]
        .into_iter()
        .filter(|(number, _)| **number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    Some(match outcome {
        Outcome::Completed => {
            format!("{} in {took}: {}", paint.green("done"), terminal::count(*finished, "node"))
        }
        Outcome::Failed => format!("{} after {took}: {}", paint.red("failed"), others.join(", ")),
        Outcome::Cancelled => format!("{} after {took}: {}", paint.yellow("stopped"), others.join(", ")),
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
        if let Event::NodeFailed { node, .. } = &mut event {
            *node = "prior".into();
        }
        let second = told.remark(&event, Paint::PLAIN);
        assert_eq!(second.as_deref(), Some("error: prior (Decoder) failed for the same reason as decoder"));
    }

    #[test]
    fn hashes_are_no_news() {
        let note =
            |key: &str| Event::NodeNote { run: RunId(1), node: "safety".into(), key: key.into(), value: "fine".into() };
        assert_eq!(remark(&note("verdict"), Paint::PLAIN).as_deref(), Some("note: safety: verdict: fine"));
        assert_eq!(remark(&note("weights.prior"), Paint::PLAIN), None);
        assert_eq!(remark(&note("model.blake3"), Paint::PLAIN), None);
    }

    #[test]
    fn a_run_ends_in_one_line() {
        let end = |outcome, failed, skipped| {
            let event = Event::RunFinished { run: RunId(1), outcome, seconds: 2.5, finished: 3, failed, skipped };
            summary(&event, Paint::PLAIN).expect("it is the end")
        };
        assert_eq!(end(Outcome::Completed, 0, 0), "done in 2.50 s: 3 nodes");
        assert_eq!(end(Outcome::Failed, 1, 2), "failed after 2.50 s: 1 failed, 2 did not run, 3 finished");
        assert_eq!(end(Outcome::Cancelled, 0, 2), "stopped after 2.50 s: 2 did not run, 3 finished");
    }
}
