//! Everything about one run, in lines.

use easel_engine::{ArtifactRecord, EventRecord, NodeRecord, NodeState, RunState};
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::super::keymap::Action;
use super::super::model::{Details, Model, grid};
use super::super::theme::Role;
use super::pen::{fitted, wrap};
use crate::clock::Zone;
use crate::report::is_fingerprint;
use crate::story;
use crate::terminal::{bytes, printable, seconds};

/// Writes lines that are no wider than a pane.
struct Lines<'a> {
    model: &'a Model,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Lines<'_> {
    fn line(&mut self, parts: &[(Role, &str)]) {
        let span =
            |(role, text): &(Role, &str)| Span::styled(printable(text).into_owned(), self.model.theme.style(*role));
        self.lines.push(Line::from(parts.iter().map(span).collect::<Vec<_>>()));
    }

    /// As many lines as it takes, the first after `indent`, the others below.
    fn wrapped(&mut self, indent: &str, role: Role, text: &str) {
        let width = self.width.saturating_sub(indent.chars().count()).max(8);
        let blank = " ".repeat(indent.chars().count());
        for (number, line) in wrap(&printable(text), width).iter().enumerate() {
            self.line(&[(role, if number == 0 { indent } else { &blank }), (role, line)]);
        }
    }

    fn title(&mut self, text: &str) {
        self.lines.push(Line::default());
        self.line(&[(Role::Title, text)]);
    }

    /// A name, and after it as many lines as the value takes.
    fn field(&mut self, name: &str, value: &str) {
        let lead = format!("{} = ", printable(name));
        let room = self.width.saturating_sub(lead.chars().count());
        if room < 16 {
            self.line(&[(Role::Key, &lead)]);
            return self.wrapped("    ", Role::Text, value);
        }
        let blank = " ".repeat(lead.chars().count());
        for (number, line) in wrap(&printable(value), room).iter().enumerate() {
            self.line(&[(Role::Key, if number == 0 { &lead } else { &blank }), (Role::Text, line)]);
        }
    }
}

/// What matters most about a run: how it went, why it failed, what it was given and what it wrote.
pub(super) fn short(model: &Model, details: &Details, width: usize) -> Vec<Line<'static>> {
    let mut lines = Lines { model, width, lines: Vec::new() };
    head(&mut lines, details);
    details
        .story
        .nodes
        .iter()
        .filter(|node| node.state == NodeState::Failed)
        .for_each(|node| failure(&mut lines, node));
    details.given.iter().for_each(|given| lines.field(&given.name, &given.value));
    details.story.artifacts.iter().for_each(|file| artifact(&mut lines, file));
    lines.lines
}

/// Everything about a run.
pub(super) fn whole(model: &Model, details: &Details, width: usize) -> Vec<Line<'static>> {
    let mut lines = Lines { model, width, lines: Vec::new() };
    head(&mut lines, details);
    let story = &details.story;
    for node in story.nodes.iter().filter(|node| node.state == NodeState::Failed) {
        lines.lines.push(Line::default());
        failure(&mut lines, node);
    }
    if !details.given.is_empty() {
        lines.title("Inputs");
        details.given.iter().for_each(|given| lines.field(&given.name, &given.value));
    }
    if !story.nodes.is_empty() {
        lines.title("Nodes");
    }
    let widest = story.nodes.iter().map(|node| node.node.chars().count()).max().unwrap_or(0).min(width / 2);
    story.nodes.iter().for_each(|node| self::node(&mut lines, node, widest));
    if !story.artifacts.is_empty() {
        lines.title("Files");
        story.artifacts.iter().for_each(|file| artifact(&mut lines, file));
    }
    lines.title("Once more");
    lines.wrapped("", Role::Hint, &details.command);
    let log: Vec<_> = details.log.iter().filter_map(|event| happened(event, &lines.model.zone)).collect();
    if !log.is_empty() {
        lines.title("Log");
    }
    for (at, role, text) in log {
        lines.wrapped(&format!("{at} "), role, &text);
    }
    lines.lines
}

fn head(lines: &mut Lines<'_>, details: &Details) {
    let summary = &details.story.summary;
    let took = summary.seconds.filter(|_| summary.state.is_over()).map(|took| format!(" in {}", seconds(took)));
    let attempts = if summary.attempts > 1 { format!(", attempt {}", summary.attempts) } else { String::new() };
    let stops = if summary.cancel_requested && !summary.state.is_over() { ", asked to stop" } else { "" };
    lines.line(&[
        (Role::Title, &format!("Run {} ", summary.run.0)),
        (state_role(summary.state), summary.state.name()),
        (Role::Dim, &format!("{}{attempts}{stops}", took.unwrap_or_default())),
    ]);
    let path = details.story.job.source.path.as_ref().map(|path| path.display().to_string());
    lines.wrapped("", Role::Text, &path.unwrap_or_else(|| summary.workflow.clone()));
    let begun = match summary.started {
        Some(at) => format!("begun {}", lines.model.zone.moment(at)),
        None if summary.state == RunState::Queued => format!("waits, priority {}", summary.priority),
        None => "not begun".into(),
    };
    if let Some(part) = &details.story.job.options.sweep {
        let key = lines.model.keymap.key(Action::ShowSweep).unwrap_or_default();
        lines.wrapped("", Role::Dim, &format!("{}: `{key}` shows the grid", grid::about(part)));
    }
    let counts = story::counts(&summary.nodes);
    let counts = if counts.is_empty() { counts } else { format!("; {counts}") };
    lines.wrapped("", Role::Dim, &format!("{begun}{counts}"));
    if let Some(problem) = &summary.problem {
        lines.wrapped("", Role::Error, problem);
    }
}

fn failure(lines: &mut Lines<'_>, node: &NodeRecord) {
    let message = node.message.as_deref().unwrap_or("nobody said why");
    lines.wrapped("✗ ", Role::Error, &format!("{} ({}) failed: {message}", node.node, node.node_type));
    node.causes.iter().for_each(|cause| lines.wrapped("  caused by: ", Role::Error, cause));
    if !node.inputs.is_empty() {
        let given: Vec<_> = node.inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        lines.wrapped("  given: ", Role::Dim, &given.join(", "));
    }
    if let Some(hint) = &node.hint {
        lines.wrapped("  hint: ", Role::Hint, hint);
    }
}

fn node(lines: &mut Lines<'_>, node: &NodeRecord, widest: usize) {
    let role = match node.state {
        NodeState::Waiting | NodeState::Unneeded => Role::Dim,
        NodeState::Running => Role::Running,
        NodeState::Finished => Role::Done,
        NodeState::Cached => Role::Cached,
        NodeState::Failed => Role::Error,
        NodeState::Skipped | NodeState::Blocked | NodeState::Stopped => Role::Warning,
    };
    let more = match (node.seconds, node.progress) {
        (Some(took), _) => seconds(took),
        (None, Some((step, steps))) => format!("step {step} of {steps}"),
        (None, None) => String::new(),
    };
    lines.line(&[
        (Role::Text, &format!("{} ", fitted(&node.node, widest))),
        (role, &format!("{:9}", node.state.name())),
        (Role::Dim, &format!("{more:>12}  {}", node.node_type)),
    ]);
    if node.state != NodeState::Failed
        && let Some(message) = &node.message
    {
        lines.wrapped("    ", Role::Dim, message);
    }
}

fn artifact(lines: &mut Lines<'_>, file: &ArtifactRecord) {
    let size = file.bytes.map_or_else(|| "could not be read back".into(), bytes);
    let missing = lines.model.thumbnails.get(&file.path).and_then(|picture| picture.as_ref().err());
    lines.wrapped("", Role::Hint, &format!("{} ({size}, of {})", file.path.display(), file.node));
    if let Some(why) = missing {
        lines.wrapped("    ", Role::Warning, why);
    }
}

/// When something happened and what, in words; nothing if it is of no interest, or nothing that is known.
fn happened(event: &EventRecord, zone: &Zone) -> Option<(String, Role, String)> {
    let json: Value = serde_json::from_str(&event.json).ok()?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let node = text("node");
    let (role, words) = match text("event") {
        "run_started" => (Role::Dim, "the run begins".to_string()),
        "node_started" => (Role::Dim, format!("{node} begins")),
        "node_restarted" => {
            let attempt = json.get("attempt").and_then(Value::as_u64).unwrap_or_default();
            (Role::Dim, format!("{node} begins, attempt {attempt}"))
        }
        "node_finished" => {
            let took = json.get("seconds").and_then(Value::as_f64).unwrap_or_default();
            (Role::Text, format!("{node}: {}", seconds(took)))
        }
        "node_cached" => (Role::Dim, format!("{node}: cached")),
        "node_note" if !is_fingerprint(text("key")) => {
            (Role::Text, format!("{node}: {}: {}", text("key"), text("value")))
        }
        "node_warning" => (Role::Warning, format!("{node}: {}", text("message"))),
        "node_retried" => (Role::Warning, format!("{node} is tried again: {}", text("message"))),
        "node_failed" => (Role::Error, format!("{node} failed: {}", text("message"))),
        "node_skipped" => (Role::Warning, format!("{node}: not run, since {} failed", text("because"))),
        "node_blocked" => (Role::Warning, format!("{node}: kept back by {}: {}", text("because"), text("reason"))),
        "artifact_written" => (Role::Text, format!("{node} wrote {}", text("path"))),
        "run_finished" => (Role::Text, format!("the run is over: {}", text("outcome"))),
        _ => return None,
    };
    Some((zone.time(event.at), role, words))
}

/// The colour of a state.
pub(super) fn state_role(state: RunState) -> Role {
    match state {
        RunState::Queued => Role::Waiting,
        RunState::Running => Role::Running,
        RunState::Completed => Role::Done,
        RunState::Failed => Role::Error,
        RunState::Interrupted | RunState::Cancelled => Role::Warning,
    }
}
