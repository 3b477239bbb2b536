//! The arguments, and which command they are for.

use std::str::FromStr;

use clap::{Parser, Subcommand};

use crate::commands::{
    cache, cancel, check, dev, doctor, models, nodes, plugins, queue, reproduce, resume, run, runs, show, tui, watch,
};
use crate::error::{CommandError, Exit};

const LONG_ABOUT: &str = "\
Makes pictures from text with models of the DALL·E 2 family.

A pipeline is a graph of nodes written down in a RON file: a workflow. Easel tells precisely what is wrong with one, \
runs it on the CPU, and writes pictures that carry their own recipe. A small model is built in, so \
nothing has to be downloaded to begin.";

const EXAMPLES: &str = "\
Examples:
  easel run workflows/text_to_image.ron --set prompt=\"a rocket on a blue background\"
          makes a picture and prints where it is
  easel watch workflows/text_to_image.ron
          does the same, and runs again what changed whenever the file is saved
  easel tui workflows
          the same and more, on the whole screen: look at the graphs, run them, watch what they do
  easel check workflows/*.ron
          says everything that is wrong with these files, without running them
  easel runs
          lists what was run; `easel show`, `easel resume` and `easel cancel` are about one of them
  easel nodes Prior
          says what a node does, takes and gives
  easel reproduce output/picture_0001.png
          makes a picture again from its own recipe and compares the pixels
  easel doctor
          says what this machine has, what is missing and how to get it

Exit status:
  0  done
  1  the run failed, or was stopped
  2  the workflow or the arguments are wrong; nothing was run

Environment:
  NO_COLOR     no colours, if set to anything
  EASEL_STATE  folder of the journal: what was run and what waits [default: ~/.local/state/easel]
  EASEL_CONFIG folder of `keys.ron` and `theme.ron` for `easel tui` [default: ~/.config/easel]
  EASEL_CACHE  folder in which results and hashes of weights are kept [default: ~/.cache/easel]
  EASEL_PLUGINS
               folders of plugins, besides `plugins` beside a workflow [default: ~/.local/share/easel/plugins]
  EASEL_KERNELS
               folder of CUDA kernels (.cu) that take the place of those built in; `easel watch` compiles what is saved
  HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_TOKEN, HF_ENDPOINT
               where and how models come from Hugging Face, as in its own tools

Developers: `easel help dev` lists tools for working on Easel itself.";

/// Makes pictures from text with models of the DALL·E 2 family
#[derive(Debug, Parser)]
#[command(name = "easel", version, long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Watch(watch::Arguments),
    Tui(tui::Arguments),
    Runs(runs::Arguments),
    Show(show::Arguments),
    Resume(resume::Arguments),
    Cancel(cancel::Arguments),
    Queue(queue::Arguments),
    Check(check::Arguments),
    Nodes(nodes::Arguments),
    Plugins(plugins::Arguments),
    Models(models::Arguments),
    Reproduce(reproduce::Arguments),
    Cache(cache::Arguments),
    Doctor(doctor::Arguments),
    Dev(dev::Arguments),
}

impl Cli {
    /// Carries the command out.
    pub fn execute(&self) -> Result<Exit, CommandError> {
        match &self.command {
            Command::Run(arguments) => run::run(arguments),
            Command::Watch(arguments) => watch::run(arguments),
            Command::Tui(arguments) => tui::run(arguments),
            Command::Runs(arguments) => runs::run(arguments),
            Command::Show(arguments) => show::run(arguments),
            Command::Resume(arguments) => resume::run(arguments),
            Command::Cancel(arguments) => cancel::run(arguments),
            Command::Queue(arguments) => queue::run(arguments),
            Command::Check(arguments) => check::run(arguments),
            Command::Nodes(arguments) => nodes::run(arguments),
            Command::Plugins(arguments) => plugins::run(arguments),
            Command::Models(arguments) => models::run(arguments),
            Command::Reproduce(arguments) => reproduce::run(arguments),
            Command::Cache(arguments) => cache::run(arguments),
            Command::Doctor(arguments) => doctor::run(arguments),
            Command::Dev(arguments) => dev::run(arguments),
        }
    }
}

/// A value for one of the workflow's inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(format!("there is no `=` in it; write `--set {}=VALUE`", name_like(text)));
        };
        let name = name.trim();
        if name.is_empty() {
            return Err("there is no name before `=`; write `--set NAME=VALUE`".into());
        }
        Ok(Assignment { name: name.to_string(), value: value.to_string() })
    }
}

/// The number of a run, as people type it.
pub(crate) fn parse_run(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "it is not a run's number; `easel runs` lists runs with their numbers".into())
}

/// The text if it could be an input's name, else a stand-in.
fn name_like(text: &str) -> &str {
    let fits = !text.is_empty() && text.chars().all(|c| c == '_' || c.is_alphanumeric());
    if fits { text } else { "NAME" }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn assignments_split_at_the_first_equals_sign() {
        let assignment: Assignment = "prompt=1 + 1 = 2".parse().expect("it is one");
        assert_eq!((assignment.name.as_str(), assignment.value.as_str()), ("prompt", "1 + 1 = 2"));
        let empty: Assignment = "prompt=".parse().expect("an empty value is one");
        assert_eq!(empty.value, "");
        assert!("prompt".parse::<Assignment>().expect_err("no =").contains("--set prompt=VALUE"));
        assert!("a rocket".parse::<Assignment>().expect_err("no =").contains("--set NAME=VALUE"));
        assert!("=3".parse::<Assignment>().expect_err("no name").contains("no name"));
    }
}
