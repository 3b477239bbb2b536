//! The `easel` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    easel_tui::main_with(std::env::args_os())
}
