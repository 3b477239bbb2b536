//! What the commands that are about a workflow have in common: which one, with which settings, told how.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use easel_engine::{Diagnostic, Disk, Library, Plan, Settings, Source};
use easel_kernels::Device;

use super::check::MISSING_SETTING;
use crate::cli::Assignment;
use crate::error::CommandError;
use crate::execution::{self, PrecisionChoice, is_picture};
use crate::memory::MemoryLimit;
use crate::plugins::NodeTypes;
use crate::preview;
use crate::report::{Reporter, Style};
use crate::terminal::Output;
use crate::workspace::{Choices, Workspace};

/// The code of a node that needs more memory than there is.
const TOO_MUCH_MEMORY: &str = "too-much-memory";

/// A terminal full of pictures helps nobody; the others are on disk.
const MOST_PREVIEWS: usize = 4;

/// Which workflow with which settings.
#[derive(Debug, Args)]
pub(crate) struct WorkflowArguments {
    /// The workflow: a RON file
    pub(super) file: PathBuf,

    #[command(flatten)]
    pub(super) options: WorkflowOptions,
}

/// With which settings.
#[derive(Debug, Args)]
pub(crate) struct WorkflowOptions {
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
    /// `auto` takes the newest GPU that can be used, else the CPU. `easel doctor` says what there is.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = execution::parse_device)]
    device: Device,

    /// What to compute in: `auto`, `float32`, `float16` or `bfloat16`
    ///
    /// `auto` is float32 on the CPU and float16 on a GPU. bfloat16 on the CPU halves the weights' memory, and is faster where
    /// the processor has AVX512_BF16. The CPU has no float16.
    #[arg(long, value_name = "PRECISION", default_value = "auto", value_parser = execution::parse_precision)]
    precision: PrecisionChoice,

    /// Runs this node and what it needs, and no others; may be repeated
    ///
    /// Without it, every node that writes something runs, with what it needs.
    #[arg(long = "target", value_name = "NODE")]
    targets: Vec<String>,

    /// Runs what is sound of a workflow that has errors, and fails all the same
    #[arg(long)]
    keep_going: bool,

    /// Computes everything anew, and keeps no result for later runs
    #[arg(long)]
    no_cache: bool,

    /// Saves the state of sampling loops every N steps, so that an interrupted run loses no more
    #[arg(long, value_name = "N")]
    save_every: Option<NonZeroUsize>,
}

impl WorkflowOptions {
    pub(super) fn choices(&self) -> Result<Choices, CommandError> {
        Ok(Choices {
            place: execution::placement(self.device, self.precision)?,
            cache: !self.no_cache,
            journal: true,
            save_every: self.save_every.map(NonZeroUsize::get),
            memory: MemoryLimit::None,
        })
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            set: self.set.iter().map(|set| (set.name.clone(), set.value.clone())).collect(),
            targets: (!self.targets.is_empty()).then(|| self.targets.clone()),
            base_dir: self.base.clone(),
            out_dir: self.out.clone(),
            keep_going: self.keep_going,
            ..Settings::default()
        }
    }
}

impl WorkflowArguments {
    pub(super) fn choices(&self) -> Result<Choices, CommandError> {
        self.options.choices()
    }

    pub(super) fn settings(&self) -> Settings {
        self.options.settings()
    }

    /// What can be run of it; nothing if the workflow is wrong, which was told.
    pub(super) fn prepare(
        &self,
        settings: &Settings,
        workspace: &Workspace,
        reporter: &mut dyn Reporter,
    ) -> Result<Option<Ready>, CommandError> {
        let name = self.file.display().to_string();
        match Prepared::new(&self.file, &workspace.limited(settings), &workspace.node_types(Some(&self.file)), &Disk) {
            Ok(Prepared { source, plan, warnings }) => {
                reporter.diagnostics(&name, Some(&source), &warnings)?;
                must_be_writable(&plan, workspace)?;
                Ok(Some(Ready::new(plan, &warnings)))
            }
            Err((source, diagnostics)) => {
                reporter.diagnostics(&name, source.as_ref(), &diagnostics)?;
                Ok(None)
            }
        }
    }
}

/// How much of this machine's memory there is for nodes.
#[derive(Debug, Args)]
pub(crate) struct MemoryArguments {
    /// How much memory nodes may take together: like `8GiB`, `75%` of what is free, or `none` for no limit
    ///
    /// What models take is estimated. A node that needs more by itself is refused; nodes that need more together wait
    /// for each other. `easel doctor` says how much there is.
    #[arg(long = "memory-limit", value_name = "SIZE", default_value_t)]
    pub(super) limit: MemoryLimit,
}

/// What the commands that run a workflow at once have in common.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(super) workflow: WorkflowArguments,

    /// Does not write the run down: `easel runs` will not know it, and it cannot be resumed
    #[arg(long)]
    no_journal: bool,

    #[command(flatten)]
    memory: MemoryArguments,

    #[command(flatten)]
    telling: Telling,
}

/// How a run is told.
#[derive(Debug, Args)]
pub(crate) struct Telling {
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

impl RunOptions {
    pub(super) fn style(&self) -> Style {
        self.telling.style()
    }

    pub(super) fn choices(&self) -> Result<Choices, CommandError> {
        Ok(Choices { journal: !self.no_journal, memory: self.memory.limit, ..self.workflow.choices()? })
    }

    pub(super) fn show<'a>(&self, files: impl Iterator<Item = &'a Path> + Clone) -> Result<(), CommandError> {
        self.telling.show(files)
    }
}

impl Telling {
    pub(super) fn style(&self) -> Style {
        match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (false, true) => Style::Quiet,
            (false, false) => Style::Human,
        }
    }

    /// What remains to be said of files that were written, on standard output: pictures, then their paths.
    pub(super) fn show<'a>(&self, files: impl Iterator<Item = &'a Path> + Clone) -> Result<(), CommandError> {
        if self.json {
            return Ok(());
        }
        let pictures = files.filter(|path| is_picture(path));
        if !self.no_preview && !self.quiet {
            pictures.clone().take(MOST_PREVIEWS).for_each(preview::show);
        }
        let mut out = Output::default();
        for picture in pictures {
            out.path(picture.as_os_str())?;
        }
        Ok(())
    }
}

/// A plan, and whether that is all of the workflow that was asked for.
pub(crate) struct Ready {
    pub(crate) plan: Plan,
    /// Nothing was left out since it is wrong.
    pub(crate) is_whole: bool,
}

impl Ready {
    pub(crate) fn new(plan: Plan, told: &[Diagnostic]) -> Self {
        Ready { plan, is_whole: !told.iter().any(Diagnostic::is_error) }
    }
}

/// A workflow that can run.
pub(super) struct Prepared {
    pub(super) source: Source,
    pub(super) plan: Plan,
    pub(super) warnings: Vec<Diagnostic>,
}

impl Prepared {
    /// Reads and plans it; else everything that is wrong, and its source as far as there is one.
    pub(super) fn new(
        file: &Path,
        settings: &Settings,
        types: &NodeTypes,
        library: &dyn Library,
    ) -> Result<Self, (Option<Source>, Vec<Diagnostic>)> {
        let source = Source::read(file).map_err(|diagnostic| (None, vec![diagnostic]))?;
        match Plan::prepare_with(&source, &types.registry, settings, library) {
            Ok((plan, warnings)) => Ok(Prepared { source, plan, warnings: types.with_problems(warnings) }),
            Err(mut diagnostics) => {
                diagnostics.iter_mut().for_each(name_arguments);
                Err((Some(source), types.with_problems(diagnostics)))
            }
        }
    }
}

/// That nothing can be written is better said now than after an hour of computing.
pub(crate) fn must_be_writable(plan: &Plan, workspace: &Workspace) -> Result<(), CommandError> {
    let problem = execution::output_problem(plan.out_dir());
    match problem.filter(|_| execution::writes_files(plan, workspace.registry())) {
        Some(problem) => Err(CommandError::wrong(problem).with_hint("choose another folder with `--out DIR`")),
        None => Ok(()),
    }
}

/// The engine knows no command line: where it says what to do there, say how.
pub(crate) fn name_arguments(diagnostic: &mut Diagnostic) {
    let Some(hint) = &mut diagnostic.hint else { return };
    if diagnostic.code == MISSING_SETTING
        && let Some((name, rest)) = hint.strip_prefix("set `").and_then(|hint| hint.split_once('`'))
    {
        *hint = format!("add `--set {name}=VALUE`{rest}");
    } else if diagnostic.code == TOO_MUCH_MEMORY {
        hint.push_str(" (`--memory-limit`)");
    }
}
