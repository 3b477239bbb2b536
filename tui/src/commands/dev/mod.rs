//! `easel dev`: tools for working on Easel itself.

mod random_checkpoint;
mod record;

use clap::{Args, Subcommand};

use crate::error::{CommandError, Exit};

/// Tools for working on Easel itself
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    RandomCheckpoint(random_checkpoint::Arguments),
    Record(record::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    match &arguments.tool {
        Tool::RandomCheckpoint(arguments) => random_checkpoint::run(arguments),
        Tool::Record(arguments) => record::run(arguments),
    }
}
