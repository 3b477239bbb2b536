//! The command line of Easel: `easel run`, `watch`, `tui`, `runs`, `show`, `resume`, `cancel`, `queue`, `check`, `nodes`, `plugins`, `models`, `reproduce`, `doctor` and `dev`.
//!
//! Each command is one file in `commands/`. What happens in a run is told by a reporter in `report/`, what is wrong
//! with a workflow by `diagnostics`. Everything that leaves for the terminal goes through `terminal`, so that a reader
//! that has gone, a missing terminal or control characters in a prompt are dealt with in one place.

mod claimed;
mod cli;
mod clock;
mod commands;
mod diagnostics;
mod error;
mod execution;
mod gist;
mod interrupt;
mod kernels;
mod memory;
mod plugins;
mod preview;
mod profiling;
mod report;
mod story;
pub mod studio;
mod terminal;
mod version;
mod watching;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub use cli::Cli;
pub use error::{CommandError, Exit};

/// Parses the arguments (the first is the program's name), carries the command out and says how it went.
pub fn main_with<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Clap knows which of its "errors" are a wish for help; a reader that has gone is no reason to complain.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Wrong.into() } else { Exit::Done.into() };
        }
    };
    match cli.execute() {
        Ok(exit) => exit.into(),
        Err(error) => {
            terminal::complain(&error);
            error.exit().into()
        }
    }
}
