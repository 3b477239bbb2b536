//! `easel tui`: a workflow on the whole screen.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use easel_engine::{RunId, RunQuery, RunState, Source};

use super::workflow::{MemoryArguments, WorkflowOptions};
use crate::cli::parse_run;
use crate::error::{CommandError, Exit};
use crate::studio::theme::Ground;
use crate::studio::{Config, Pictures, Recording, Start, Studio, has_unsaved, read_config};
use crate::workspace::{self, Choices, Workspace};

const LONG_ABOUT: &str = "\
Shows a workflow as a graph on the whole screen, runs it, and shows what its nodes do while they do it.

Without a file, it lists the workflows of a folder to choose from. The workflow is checked whenever it is saved, in \
whatever editor; what is wrong with it stands beside the node that it is about. Runs are written down in the journal as \
those of `easel run` are, and runs of other processes can be watched.

`?` says what the keys do, `:` finds an action by its name, `esc` leads back from everywhere.";

const EXAMPLES: &str = "\
Examples:
  easel tui workflows
          lists the workflows of a folder
  easel tui workflows/text_to_image.ron --set prompt=\"a cat\"
          shows one; `p` and `enter` ask for another prompt, `r` runs it
  easel tui --attach
          watches the run that another process carries out
  easel tui --attach 12
          watches run 12, or shows what became of it
  easel tui --demo
          shows what it looks like, with a run that was recorded

Keys and colours: `keys.ron` and `theme.ron` in the folder `EASEL_CONFIG` [default: ~/.config/easel]:
  Keymap(keys: { \"run\": [\"f9\", \"ctrl-r\"], \"quit\": [\"ctrl-q\"] })
          gives these actions these keys and no others; `:` lists the actions with their names
  Theme(ground: Some(Light), roles: { \"error\": \"#d20f39 bold\", \"selection\": \"#000000 on #b7cdfb\" })
          changes colours; NO_COLOR goes without
  Theme(pictures: Some(Blocks))
          what `--pictures` says, for always

Exit status: 0 it was left; 1 the terminal is gone; 2 the arguments or the settings are wrong.";

/// Look at a workflow on the whole screen, and run it
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A workflow, or a folder of workflows [default: the current folder]
    #[arg(value_name = "FILE|FOLDER", conflicts_with = "attach")]
    path: Option<PathBuf>,

    /// Watches a run of the journal, by its number; without one: the newest that is under way
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "newest", value_parser = parse_attach)]
    attach: Option<Attach>,

    /// Shows a recorded run: nothing is computed and nothing is written
    #[arg(long, conflicts_with_all = ["path", "attach"])]
    demo: bool,

    /// The ground that colours are made for
    #[arg(long, value_name = "GROUND", value_enum, default_value_t)]
    theme: ThemeChoice,

    /// What pictures are drawn with [default: as the theme's file says, else auto]
    #[arg(long, value_name = "HOW", value_enum)]
    pictures: Option<Pictures>,

    #[command(flatten)]
    options: WorkflowOptions,

    /// Does not write runs down: `easel runs` will not know them, and they cannot be resumed
    #[arg(long)]
    no_journal: bool,

    #[command(flatten)]
    memory: MemoryArguments,
}

/// Which run to watch.
#[derive(Clone, Copy, Debug)]
enum Attach {
    Newest,
    Run(u64),
}

fn parse_attach(text: &str) -> Result<Attach, String> {
    if text == "newest" { Ok(Attach::Newest) } else { parse_run(text).map(Attach::Run) }
}

/// What `--theme` names.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ThemeChoice {
    /// As the theme's file or the terminal say; dark, if neither does
    #[default]
    Auto,
    /// Light text on dark
    Dark,
    /// Dark text on light
    Light,
}

impl ThemeChoice {
    fn ground(self) -> Option<Ground> {
        match self {
            ThemeChoice::Auto => None,
            ThemeChoice::Dark => Some(Ground::Dark),
            ThemeChoice::Light => Some(Ground::Light),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let start = start(arguments)?;
    let Config { keymap, theme, pictures } = read_config(arguments.theme.ground())?;
    let pictures = arguments.pictures.unwrap_or(pictures);
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err(CommandError::wrong("`easel tui` needs a terminal for its input and its output")
            .with_hint("run it in a terminal, without pipes; `easel run` and `easel watch` do without one"));
    }
    let memory = arguments.memory.limit;
    let choices =
        Choices { journal: !(arguments.no_journal || arguments.demo), memory, ..arguments.options.choices()? };
    let workspace = Workspace::open(&choices)?;
    Studio { start, workspace, settings: arguments.options.settings(), memory, keymap, theme, pictures }.run()
}

/// What to begin with; what cannot be read is said before the screen changes.
fn start(arguments: &Arguments) -> Result<Start, CommandError> {
    if arguments.demo {
        let recording = Recording::built_in().map_err(|error| CommandError::failed(error.to_string()))?;
        return Ok(Start::Demo(recording));
    }
    match arguments.attach {
        Some(Attach::Newest) => return newest().map(Start::Run),
        Some(Attach::Run(run)) => {
            let journal = workspace::journal_to_read()?;
            let journal =
                journal.ok_or_else(|| CommandError::wrong(format!("there is no run {run}: nothing was run yet")))?;
            journal.state(RunId(run))?;
            return Ok(Start::Run(RunId(run)));
        }
        None => {}
    }
    let path = arguments.path.as_deref().unwrap_or(Path::new("."));
    if path.is_dir() {
        return match std::fs::read_dir(path) {
            Ok(_) => Ok(Start::Folder(path.to_path_buf())),
            Err(error) => Err(CommandError::wrong(format!("cannot list `{}`: {error}", path.display()))),
        };
    }
    match Source::read(path) {
        Ok(_) => Ok(Start::File(path.to_path_buf())),
        // Whatever became of the file: what was done to it is there.
        Err(_) if has_unsaved(path) => Ok(Start::File(path.to_path_buf())),
        Err(diagnostic) => {
            let error = CommandError::wrong(diagnostic.message);
            Err(match diagnostic.hint {
                Some(hint) => error.with_hint(hint),
                None => error.with_hint("name a workflow, or a folder of workflows"),
            })
        }
    }
}

/// The newest run that is under way.
fn newest() -> Result<RunId, CommandError> {
    let running = RunQuery { state: Some(RunState::Running), limit: 1, offset: 0 };
    let page = workspace::journal_to_read()?.map(|journal| journal.runs(&running)).transpose()?;
    let newest = page.and_then(|page| page.runs.first().map(|run| run.run));
    newest.ok_or_else(|| {
        CommandError::wrong("nothing runs at the moment")
            .with_hint("`easel runs` lists runs; `easel tui --attach RUN` shows one that is over")
    })
}
