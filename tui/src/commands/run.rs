//! `easel run`: from a workflow to files.

use std::path::PathBuf;

use clap::Args;
use easel_engine::{Diagnostic, Plan, Settings, Source};
use easel_kernels::Device;

use super::check::MISSING_SETTING;
use crate::cli::Assignment;
use crate::error::{CommandError, Exit};
use crate::execution::{self, Finished};
use crate::interrupt::Interrupt;
use crate::preview;
use crate::report::{self, Reporter, Style};
use crate::terminal::Output;

/// A terminal full of pictures helps nobody; the others are on disk.
const MOST_PREVIEWS: usize = 4;

const LONG_ABOUT: &str = "\
Runs a workflow.

The workflow is checked first: whatever is wrong with it is told at once, with the place underlined, and nothing runs. \
Then its nodes run, and each says how far it is. At the end the paths of the pictures that were written go to standard \
output, one per line and nothing else, so that a shell can use them; all other words go to standard error.

A node that fails takes down only what depends on it; the rest finishes, and the exit status is 1. Ctrl-C asks the run \
to stop at the next step: files already written are kept, half-written ones are removed, and the exit status is 1. \
A second Ctrl-C ends the process at once.";

const EXAMPLES: &str = "\
Examples:
  easel run workflows/text_to_image.ron --set prompt=\"a red apple\" --set seed=7
          draws one picture
  easel run workflows/text_to_image.ron --set prompt=\"a cat\" --set pictures=4 --out cats
          draws four, into the folder `cats`
  easel run workflow.ron --target decoder
          runs the node `decoder` and what it needs, and nothing after it
  xdg-open \"$(easel run workflow.ron --quiet)\"
          draws a picture and opens it
  easel run workflow.ron --json | jq -r 'select(.event == \"artifact_written\") | .path'
          follows a run from another program

JSON events, one per line, told apart by `event`: run_started, node_started, node_progress, node_warning, node_note, \
artifact_written, node_finished, node_failed, node_skipped, run_finished; and `diagnostic` for what is wrong with the \
workflow, with severity, code, message, file, line, column, labels and hint.

Exit status: 0 done; 1 the run failed or was stopped; 2 the workflow or the arguments are wrong.";

/// Run a workflow
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The workflow: a RON file
    file: PathBuf,

    /// Gives an input of the workflow a value; may be repeated
    ///
    /// A text is taken as it stands, without quotes of its own. Numbers are written like 7 or 2.5, booleans true or
    /// false, lists of texts ["a", "b"]. `easel check FILE` and the file itself say which inputs there are; one
    /// without a default has to be given.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<Assignment>,

    /// Folder for what is written; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "output")]
    out: PathBuf,

    /// Folder from which relative paths of files that are read count [default: the workflow's folder]
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,

    /// Where to compute: `auto`, `cpu` or `cuda:N`
    ///
    /// `auto` takes the first GPU that this program has kernels for, else the CPU. `easel doctor` says what there is.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = execution::parse_device)]
    device: Device,

    /// Runs this node and what it needs, and no others; may be repeated
    ///
    /// Without it, every node that writes something runs, with what it needs.
    #[arg(long = "target", value_name = "NODE")]
    targets: Vec<String>,

    /// Tells what happens as JSON lines on standard output, and nothing else there
    #[arg(long)]
    json: bool,

    /// Says nothing but errors, and the paths of the pictures
    #[arg(long, short)]
    quiet: bool,

    /// Does not show the pictures in the terminal, even if it can
    ///
    /// They are shown in terminals with kitty's or iTerm2's graphics or with true colours, and only if both standard
    /// output and standard error are a terminal.
    #[arg(long)]
    no_preview: bool,
}

impl Arguments {
    fn style(&self) -> Style {
        match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (false, true) => Style::Quiet,
            (false, false) => Style::Human,
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            set: self.set.iter().map(|set| (set.name.clone(), set.value.clone())).collect(),
            targets: self.targets.clone(),
            base_dir: self.base.clone(),
            out_dir: self.out.clone(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let mut reporter = report::reporter(arguments.style());
    let Some(plan) = prepare(arguments, reporter.as_mut())? else { return Ok(Exit::Wrong) };
    // Only now: a signal while the workflow is read, perhaps from a pipe that stays silent, ends the process.
    let interrupt = Interrupt::install(reporter.notice());
    let finished = execution::carry_out(plan, arguments.device, interrupt.token(), reporter.as_mut())?;
    drop(interrupt);
    show(arguments, &finished)?;
    Ok(finished.exit())
}

/// The plan; nothing if the workflow is wrong, which was told.
fn prepare(arguments: &Arguments, reporter: &mut dyn Reporter) -> Result<Option<Plan>, CommandError> {
    let name = arguments.file.display().to_string();
    let source = match Source::read(&arguments.file) {
        Ok(source) => source,
        Err(diagnostic) => {
            reporter.diagnostics(&name, None, &[diagnostic])?;
            return Ok(None);
        }
    };
    let registry = execution::registry()?;
    match Plan::prepare(&source, &registry, &arguments.settings()) {
        Ok((plan, warnings)) => {
            reporter.diagnostics(&name, Some(&source), &warnings)?;
            // Better now than after an hour of computing.
            let problem = execution::output_problem(&arguments.out);
            if let Some(problem) = problem.filter(|_| execution::writes_files(&plan, &registry)) {
                return Err(CommandError::wrong(problem).with_hint("choose another folder with `--out DIR`"));
            }
            Ok(Some(plan))
        }
        Err(mut diagnostics) => {
            diagnostics.iter_mut().for_each(say_how_to_set);
            reporter.diagnostics(&name, Some(&source), &diagnostics)?;
            Ok(None)
        }
    }
}

/// The engine knows no command line: where it says "set `x`", say how.
fn say_how_to_set(diagnostic: &mut Diagnostic) {
    let Some(hint) = diagnostic.hint.as_ref().filter(|_| diagnostic.code == MISSING_SETTING) else { return };
    if let Some((name, rest)) = hint.strip_prefix("set `").and_then(|hint| hint.split_once('`')) {
        diagnostic.hint = Some(format!("add `--set {name}=VALUE`{rest}"));
    }
}

/// What remains to be said on standard output: pictures, then paths.
fn show(arguments: &Arguments, finished: &Finished) -> Result<(), CommandError> {
    if arguments.json {
        return Ok(());
    }
    if !arguments.no_preview && !arguments.quiet {
        finished.pictures().take(MOST_PREVIEWS).for_each(preview::show);
    }
    let mut out = Output::default();
    for picture in finished.pictures() {
        out.path(picture.as_os_str())?;
    }
    Ok(())
}
