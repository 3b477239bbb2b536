//! `easel plugins`: which plugins there are, what they bring, and what is wrong with them.

use std::path::PathBuf;

use clap::Args;
use easel_engine::PluginFile;
use serde_json::json;

use crate::error::{CommandError, Exit};
use crate::plugins::{self, NodeTypes};
use crate::terminal::{self, Output, Paint, printable};

const LONG_ABOUT: &str = "\
Lists the plugins that a workflow gets: files of WebAssembly that bring node types.

They are looked for in the folder `plugins` beside the workflow, and in the folders that EASEL_PLUGINS names or else in \
~/.local/share/easel/plugins. Nothing is loaded from anywhere else. A plugin runs in a sandbox: it has no files, no \
network, no clock and at most 256 MiB of memory; it can do nothing but compute. `easel watch` loads a plugin again when \
its file changes.

How to write one is told in workflows/plugins/README.md.";

const EXAMPLES: &str = "\
Examples:
  easel plugins workflows/two_inks.ron
  easel nodes --workflow workflows/two_inks.ron Duotone
          says what a node type of a plugin does, takes and gives
  easel plugins --json | jq -r '.[] | select(.problem) | .path'

Exit status: 0 all plugins are sound; 1 something is wrong with one.";

/// List the plugins, what they bring and what is wrong with them
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The workflow [default: one in the current folder]
    #[arg(value_name = "WORKFLOW")]
    workflow: Option<PathBuf>,

    /// Writes JSON: an array with an object for each file
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let found = NodeTypes::of(&plugins::plugins()?, arguments.workflow.as_deref());
    let mut out = Output::default();
    if arguments.json {
        out.line(found.plugins.iter().map(to_json).collect::<serde_json::Value>())?;
    } else if found.plugins.is_empty() {
        let folders: Vec<_> = found.folders.iter().map(|folder| folder.display().to_string()).collect();
        terminal::note(format_args!("there are no plugins in {}", printable(&folders.join(", "))));
    } else {
        let paint = Paint::for_stdout();
        for file in &found.plugins {
            out.line(tell(file, paint))?;
        }
    }
    Ok(if found.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The file, and below it what is known of it.
fn tell(file: &PluginFile, paint: Paint) -> String {
    let path = file.path.display().to_string();
    let mut lines = vec![paint.bold(&printable(&path))];
    if !file.about.is_empty() {
        lines.push(format!("  {}", printable(&file.about)));
    }
    if !file.node_types.is_empty() {
        lines.push(format!("  node types: {}", paint.cyan(&file.node_types.join(", "))));
    }
    if let Some(fingerprint) = file.fingerprint {
        lines.push(format!("  blake3: {fingerprint}"));
    }
    if let Some(other) = &file.same_as {
        let other = other.display().to_string();
        lines.push(format!("  the same file as {}, which brings its node types", printable(&other)));
    }
    if let Some(problem) = &file.problem {
        lines.push(format!("  {} {}", paint.red("not loaded:"), printable(&problem.to_string())));
        lines.push(format!("  {} {}", paint.cyan("hint:"), problem.hint()));
    }
    lines.join("\n")
}

fn to_json(file: &PluginFile) -> serde_json::Value {
    json!({
        "path": file.path.display().to_string(),
        "blake3": file.fingerprint.map(|fingerprint| fingerprint.to_string()),
        "about": file.about,
        "node_types": file.node_types,
        "same_as": file.same_as.as_ref().map(|other| other.display().to_string()),
        "problem": file.problem.as_ref().map(ToString::to_string),
        "hint": file.problem.as_ref().map(|problem| problem.hint()),
    })
}
