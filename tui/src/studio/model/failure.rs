//! The whole story of a failed node. Pure: made of what the run told and of the workflow's text.

use std::sync::Arc;

use easel_engine::{Document, Source};

use super::Model;
use super::run::{NodeRun, RunView};
use crate::story::quoted;
use crate::terminal::{printable, seconds};
use crate::version::version;

/// Everything that a run told of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The type of the node.
    pub(crate) node_type: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What it came from, outermost first.
    pub(crate) causes: Vec<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// What the node was given: (input, in words).
    pub(crate) inputs: Vec<(String, String)>,
}

impl Failure {
    /// In a few lines.
    pub(crate) fn story(&self) -> String {
        let mut lines = vec![self.message.trim_end().to_string()];
        lines.extend(self.causes.iter().map(|cause| format!("caused by: {cause}")));
        if !self.inputs.is_empty() {
            let given: Vec<_> = self.inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            lines.push(format!("given: {}", given.join(", ")));
        }
        lines.extend(self.hint.iter().map(|hint| format!("hint: {hint}")));
        lines.join("\n")
    }
}

/// Looking at failures.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    /// The node.
    pub(crate) node: Arc<str>,
    /// So many lines are above.
    pub(crate) scroll: usize,
}

/// What a part of the story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What is wrong.
    Message,
    /// A heading.
    Heading,
    /// Text below a heading.
    Text,
    /// A line of the workflow.
    Source,
    /// That very line.
    Here,
    /// What to do.
    Hint,
}

/// Lines of the workflow before and behind the one that is meant.
const AROUND: usize = 2;

/// The nodes of a run that failed, in the order of the run.
pub(crate) fn failed(run: &RunView) -> impl DoubleEndedIterator<Item = &NodeRun> {
    run.nodes.iter().filter(|node| node.failure.is_some())
}

/// The whole story of a node.
pub(crate) fn story(model: &Model, node: &NodeRun) -> Vec<(Part, String)> {
    let (Some(run), Some(failure)) = (&model.run, &node.failure) else { return Vec::new() };
    let mut lines = vec![(Part::Message, failure.message.trim_end().to_string())];
    let mut section = |title: &str, part: Part, texts: Vec<String>| {
        if !texts.is_empty() {
            lines.push((Part::Text, String::new()));
            lines.push((Part::Heading, title.to_string()));
            lines.extend(texts.into_iter().map(|text| (part, text)));
        }
    };
    section("It was caused by", Part::Text, failure.causes.clone());
    section("What to do", Part::Hint, failure.hint.iter().cloned().collect());
    let given = failure.inputs.iter().map(|(input, value)| format!("{input} = {value}"));
    section("What it was given", Part::Text, given.collect());
    section("What did not run because of it", Part::Text, because_of(run, &node.node));
    section("To repeat it", Part::Source, repeat(model, run, &node.node));
    if let Some((place, source)) = place(model, &node.node) {
        lines.push((Part::Text, String::new()));
        lines.push((Part::Heading, place));
        lines.extend(source);
    }
    lines
}

/// Terminals take little more into their clipboard, in bytes: what is longer is cut, with a word about it.
const MOST_COPIED: usize = 48 << 10;

/// The whole story as people send it to each other: what failed, why, with which versions, and how to repeat it. What it
/// quotes cannot steer the terminal into which it is pasted.
pub(crate) fn report(model: &Model, node: &NodeRun) -> String {
    let run = model.run.as_ref();
    let workflow = run.and_then(|run| run.workflow.as_ref().or(model.flow.as_ref().map(|flow| &flow.path)));
    let of = workflow.map(|path| format!(" of {}", path.display())).unwrap_or_default();
    let name = run.and_then(|run| run.run).map_or_else(|| "a run".into(), |id| format!("run {}", id.0));
    let mut text = format!("easel {}\n{name}{of}: {} failed\n\n", version(), title(node));
    for (part, line) in story(model, node) {
        let indent = match part {
            Part::Message | Part::Heading => "",
            Part::Text | Part::Hint | Part::Source if line.is_empty() => "",
            Part::Text | Part::Hint | Part::Source => "  ",
            Part::Here => "> ",
        };
        let lines = line.split('\n').map(|line| format!("{indent}{}\n", printable(line)));
        text.extend(lines);
    }
    if text.len() > MOST_COPIED {
        text.truncate(text.floor_char_boundary(MOST_COPIED));
        text.push_str("…\n(the rest was too long for a clipboard: `easel show` prints it)\n");
    }
    text
}

/// The node, its type, and how long it had been running.
pub(crate) fn title(node: &NodeRun) -> String {
    let node_type = node.failure.as_ref().map(|failure| failure.node_type.as_str()).unwrap_or_default();
    let took = node.began.zip(node.ended).map(|(began, ended)| ended.saturating_sub(began).as_secs_f64());
    let after = took.map(|took| format!(", after {}", seconds(took))).unwrap_or_default();
    format!("{} ({node_type}{after})", node.node)
}

fn because_of(run: &RunView, failed: &str) -> Vec<String> {
    let skipped = run.nodes.iter().filter(|node| node.because.as_deref() == Some(failed));
    let names: Vec<_> = skipped.map(|node| &*node.node).collect();
    if names.is_empty() { Vec::new() } else { vec![names.join(", ")] }
}

/// The command lines that do it again.
fn repeat(model: &Model, run: &RunView, node: &str) -> Vec<String> {
    let resume = run.run.map(|id| format!("easel resume {}", id.0));
    let plan = model.flow.as_ref().and_then(|flow| flow.checked.as_ref()?.plan.as_ref());
    let alone = plan.filter(|_| run.is_ours).map(|plan| {
        let source = plan.source();
        let file = source.path.as_ref().map_or_else(|| source.name.clone(), |path| path.to_string_lossy().into_owned());
        let set = plan.inputs().iter().filter(|(_, input)| input.is_set);
        let set: String =
            set.map(|(name, input)| format!(" --set {}", quoted(&format!("{name}={}", input.value)))).collect();
        let (target, out) = (quoted(outermost(node)), quoted(&plan.out_dir().to_string_lossy()));
        format!("easel run {}{set} --target {target} --out {out}", quoted(&file))
    });
    resume.into_iter().chain(alone).collect()
}

/// Of a node inside of others, the one that stands in the workflow.
fn outermost(node: &str) -> &str {
    node.split(['/', '[']).next().unwrap_or(node)
}

/// Where the node is written, and the lines around that.
fn place(model: &Model, node: &str) -> Option<(String, Vec<(Part, String)>)> {
    let flow = model.flow.as_ref()?;
    let source = Source::new(flow.path.to_string_lossy(), Arc::clone(flow.text()?));
    let (document, _) = Document::parse(&source);
    let entry = document.node(node).or_else(|| document.node(outermost(node)))?;
    let position = source.position(entry.id.span.start);
    let first = position.line.saturating_sub(AROUND).max(1);
    let lines = source.text.lines().enumerate().map(|(number, line)| (number + 1, line));
    let near = lines.skip(first - 1).take(position.line - first + AROUND + 1);
    let drawn = near.map(|(number, line)| {
        let part = if number == position.line { Part::Here } else { Part::Source };
        (part, format!("{number:>4} │ {line}"))
    });
    Some((format!("It stands in {}:{}:{}", source.name, position.line, position.column), drawn.collect()))
}
