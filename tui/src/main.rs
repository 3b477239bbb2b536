//! The `easel` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Plans and runs are many small pieces that live long and end on other threads than they began on: the system's allocator
/// scatters them over memory, and planning again in a process that has been running for a while takes several times as long
/// (engine/PERF.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    easel_tui::main_with(std::env::args_os())
}
