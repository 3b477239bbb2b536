//! `easel show`: the story of one run.

use clap::Args;
use easel_engine::{ArtifactRecord, Job, JobOptions, JournalError, NodeRecord, NodeState, RunId, RunStory};
use serde_json::json;

use crate::cli::parse_run;
use crate::clock::Zone;
use crate::error::{CommandError, Exit};
use crate::story;
use crate::terminal::{self, Output, Paint, printable};
use crate::workspace;

/// So many events are read at a time.
const EVENTS_AT_A_TIME: u64 = 1_000;

const LONG_ABOUT: &str = "\
Tells the story of one run: its workflow and settings, each node with its state and time, failures in full, the files \
that it wrote, and the command line that does it again.

It can be asked of a run that is being carried out too, by this or another process: what is shown is at most a few \
hundredths of a second old.";

const EXAMPLES: &str = "\
Examples:
  easel show 12
  easel show 12 --events
          everything that happened, in order, as JSON lines
  easel show 12 --json | jq -r '.artifacts[].path'
          the files that it wrote
  easel show 12 --json | jq -r .workflow_text > workflow.ron
          the workflow as it was then

Exit status: 0 done; 1 the journal cannot be read; 2 there is no such run.";

/// Tell the story of a run
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The run, by its number
    #[arg(value_name = "RUN", value_parser = parse_run)]
    run: u64,

    /// Prints everything that happened, in order, as JSON lines: {"seq", "at", "event"}
    #[arg(long, conflicts_with = "json")]
    events: bool,

    /// Prints one JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let run = RunId(arguments.run);
    let journal = workspace::journal_to_read()?.ok_or(JournalError::UnknownRun { run, known: None })?;
    if arguments.events {
        let mut out = Output::default();
        let mut after = 0;
        loop {
            let events = journal.events(run, after, EVENTS_AT_A_TIME)?;
            let Some(last) = events.last() else { return Ok(Exit::Done) };
            after = last.seq;
            for event in &events {
                // What is stored is JSON already.
                out.line(format_args!("{{\"seq\":{},\"at\":{},\"event\":{}}}", event.seq, event.at, event.json))?;
            }
        }
    }
    let story = journal.story(run)?;
    if arguments.json {
        Output::default().line(as_json(&story))?;
    } else {
        tell(&story)?;
    }
    Ok(Exit::Done)
}

fn tell(story: &RunStory) -> Result<(), CommandError> {
    let mut out = Output::default();
    let paint = Paint::for_stdout();
    for line in headline(story, paint) {
        out.line(line)?;
    }
    if !story.nodes.is_empty() {
        out.line(format_args!("\n{}", paint.bold("Nodes")))?;
    }
    let width = story.nodes.iter().map(|node| printable(&node.node).chars().count()).max().unwrap_or(0).min(40);
    for node in &story.nodes {
        out.line(node_line(node, width, paint))?;
    }
    for failed in story.nodes.iter().filter(|node| node.state == NodeState::Failed) {
        out.line(format_args!("\n{}", failure(failed, paint)))?;
    }
    if !story.artifacts.is_empty() {
        out.line(format_args!("\n{}", paint.bold("Files")))?;
    }
    for artifact in &story.artifacts {
        out.line(artifact_line(artifact))?;
    }
    out.line(format_args!("\n{}", paint.bold("Once more")))?;
    out.line(format_args!("  {}", printable(&story::command_line(&story.job))))?;
    Ok(())
}

/// What there is to say of the run as a whole.
fn headline(story: &RunStory, paint: Paint) -> Vec<String> {
    let RunStory { summary, job, .. } = story;
    let mut lines = vec![format!(
        "{} {}",
        paint.bold(&format!("Run {}", summary.run.0)),
        story::paint_state(summary.state, summary.state.name(), paint)
    )];
    let mut field = |name: &str, text: String| lines.push(format!("  {name:9}  {}", printable(&text)));
    let zone = Zone::of_this_machine();
    let path = job.source.path.as_ref().map(|path| path.display().to_string());
    field("workflow", path.unwrap_or_else(|| job.source.name.clone()));
    settings(job).into_iter().for_each(|(name, text)| field(name, text));
    field("created", zone.moment(summary.created));
    if let Some(started) = summary.started {
        let attempts = if summary.attempts > 1 { format!(", attempt {}", summary.attempts) } else { String::new() };
        field("begun", format!("{}{attempts}", zone.moment(started)));
    }
    if let Some(seconds) = summary.seconds {
        field("took", terminal::seconds(seconds));
    }
    let counts = story::counts(&summary.nodes);
    if !counts.is_empty() {
        field("nodes", counts);
    }
    if summary.cancel_requested && !summary.state.is_over() {
        field("asked", "to stop".into());
    }
    if let Some(problem) = &summary.problem {
        field("problem", problem.clone());
    }
    lines
}

fn settings(job: &Job) -> Vec<(&'static str, String)> {
    let mut fields: Vec<_> = job.settings.set.iter().map(|(name, value)| ("set", format!("{name}={value}"))).collect();
    fields.extend(job.settings.targets.iter().flatten().map(|target| ("target", target.clone())));
    fields.push(("out", job.settings.out_dir.display().to_string()));
    fields.push(("device", job.options.device.clone()));
    if job.options.precision != JobOptions::default().precision {
        fields.push(("precision", job.options.precision.clone()));
    }
    if !job.options.cache {
        fields.push(("cache", "off".into()));
    }
    fields
}

fn node_line(node: &NodeRecord, width: usize, paint: Paint) -> String {
    let state = story::paint_node_state(node.state, &format!("{:8}", node.state.name()), paint);
    let mut line = format!("  {:width$}  {state}", printable(&node.node));
    match (node.state, node.seconds, node.progress) {
        (_, Some(seconds), _) => line.push_str(&format!("  {}", terminal::seconds(seconds))),
        (NodeState::Running | NodeState::Stopped, None, Some((step, steps))) => {
            line.push_str(&format!("  step {step} of {steps}"));
        }
        _ => {}
    }
    if let Some(message) = node.message.as_ref().filter(|_| node.state != NodeState::Failed) {
        line.push_str(&format!("  {}", paint.dim(&printable(message).replace('\n', " "))));
    }
    line.trim_end().to_string()
}

/// All that is known about a node that failed.
fn failure(node: &NodeRecord, paint: Paint) -> String {
    let indented = |text: &str| printable(text).trim_end().replace('\n', "\n    ");
    let message = node.message.as_deref().unwrap_or("nobody said why");
    let (error, name) = (paint.red("error:"), printable(&node.node));
    let mut lines = vec![format!("{error} {name} ({}) failed: {}", printable(&node.node_type), indented(message))];
    lines.extend(node.causes.iter().map(|cause| format!("    caused by: {}", indented(cause))));
    if !node.inputs.is_empty() {
        let given: Vec<_> = node.inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        lines.push(paint.dim(&format!("    given: {}", printable(&given.join(", ")))));
    }
    if let Some(hint) = &node.hint {
        lines.push(format!("    {} {}", paint.cyan("hint:"), indented(hint)));
    }
    lines.join("\n")
}

fn artifact_line(artifact: &ArtifactRecord) -> String {
    let path = artifact.path.to_string_lossy();
    let size = artifact.bytes.map_or_else(|| "could not be read back".into(), terminal::bytes);
    format!("  {}  ({size}, of {})", printable(&path), printable(&artifact.node))
}

fn as_json(story: &RunStory) -> serde_json::Value {
    let RunStory { summary, job, nodes, artifacts } = story;
    let artifacts: Vec<_> = artifacts
        .iter()
        .map(|artifact| {
            let ArtifactRecord { node, path, blake3, bytes } = artifact;
            json!({ "node": node, "path": path.to_string_lossy(), "blake3": blake3, "bytes": bytes })
        })
        .collect();
    let files: Vec<_> =
        job.files.iter().map(|(path, text)| json!({ "path": path.to_string_lossy(), "text": &**text })).collect();
    json!({
        "summary": summary,
        "workflow_path": job.source.path.as_ref().map(|path| path.to_string_lossy()),
        "workflow_text": &*job.source.text,
        "included": files,
        "set": job.settings.set,
        "targets": job.settings.targets,
        "base": job.settings.base_dir.as_ref().map(|path| path.to_string_lossy()),
        "out": job.settings.out_dir.to_string_lossy(),
        "device": job.options.device,
        "precision": job.options.precision,
        "cache": job.options.cache,
        "keep_going": job.settings.keep_going,
        "save_every": job.options.save_every,
        "nodes": nodes,
        "artifacts": artifacts,
        "command_line": story::command_line(job),
    })
}
