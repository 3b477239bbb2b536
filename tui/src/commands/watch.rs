//! `easel watch`: runs a workflow, and again whenever it changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use easel_engine::{Diagnostic, Disk, Library, Plan, Settings, Source};
use easel_kernels::overrides::{self, Overrides};

use super::workflow::{Prepared, RunOptions};
use crate::error::{CommandError, Exit};
use crate::execution::{self, Finished};
use crate::interrupt::Interrupt;
use crate::kernels::{self, KernelFolder};
use crate::plugins;
use crate::report;
use crate::watching::{Broken, Planned, Session, Sound, Work};
use crate::workspace::{Choices, Workspace};

const LONG_ABOUT: &str = "\
Runs a workflow, then waits: whenever it is saved, what changed runs again, and nothing else.

Besides the workflow, the workflows that it includes, the pictures that it reads, the descriptions of its models and the plugins that \
it gets are watched, even those that are not there yet. What counts is their content: saving without a change does nothing.

A save is checked beside the run that is under way. If it is sound, that run is stopped and the new one begins; nodes that \
are the same in both go on from where they were. If it is not, everything that is wrong with it is told, and the last \
sound one stays in force: its run goes on.

Ctrl-C stops the run, as in `easel run`, and ends watching. A second Ctrl-C ends the process at once.";

const EXAMPLES: &str = "\
Examples:
  easel watch workflows/text_to_image.ron --set seed=7
          draws a picture, and another one after every save
  easel watch workflow.ron --target decoder
          the same for the node `decoder` and what it needs
  easel watch workflow.ron --json | jq -r 'select(.event == \"artifact_written\") | .path'
          follows it from another program

JSON events, one per line: those of `easel run` (see `easel help run`), and
  watch_started   file
  watch_planned   changed: the files that were saved; nodes: how many; files: how many are watched. A run follows
  watch_broken    changed, errors: how many, in_force: there is a sound one from before, running: its run goes on. \
What is wrong stands before it, in `diagnostic`s
  watch_restored  running. The files are again as they were when the workflow was sound
  watch_waiting   ran: how many nodes the last run ran, nodes: of how many
  watch_note      message
  watch_ended     nothing follows

Exit status: 0 the last run was completed; 1 it failed, was stopped by the end, or there was none; 2 the arguments are wrong.";

/// Run a workflow, and again whenever it changes
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: RunOptions,

    /// Looks at the files again and again instead of having the system tell of changes
    ///
    /// This happens by itself on network drives, and where the system watches as much as it may. It helps where a system
    /// says that it tells of changes, and does not.
    #[arg(long)]
    poll: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let options = &arguments.options;
    let mut reporter = report::reporter(options.style());
    // A run after every save is no history that anybody wants to read; what was computed is in the cache.
    let choices = Choices { journal: false, ..options.choices()? };
    let workspace = Arc::new(Workspace::open(&choices)?);
    let settings = options.workflow.settings();
    let ready = Arc::new(Mutex::new(None));
    let mut planning = Planning {
        file: options.workflow.file.clone(),
        settings: settings.clone(),
        workspace: Arc::clone(&workspace),
        brought: plugins::Memory::default(),
        kernels: KernelFolder::from_environment(choices.place.device),
        ready: Arc::clone(&ready),
    };
    let work = Work {
        file: options.workflow.file.clone(),
        polls: arguments.poll,
        plan: move || planning.plan(),
        run: move |plan, cancel, reporter: &mut dyn report::Reporter| {
            // Here, and not when they were read: until now the run before it may have used the kernels.
            if let Some(kernels) = ready.lock().unwrap_or_else(PoisonError::into_inner).take() {
                overrides::install(Some(kernels));
            }
            workspace.carry_out(plan, &settings, cancel, reporter)
        },
    };
    let mut interrupt = None;
    let mut show = |finished: &Finished| options.show(finished.files());
    Session::run(work, reporter.as_mut(), &mut show, |stop| interrupt = Some(Interrupt::install(stop)))
}

/// Everything that it takes to plan the workflow once more.
struct Planning {
    file: PathBuf,
    settings: Settings,
    workspace: Arc<Workspace>,
    /// What plugins brought before they broke.
    brought: plugins::Memory,
    kernels: Option<KernelFolder>,
    /// Kernels that compile, for the next run.
    ready: Arc<Mutex<Option<Arc<Overrides>>>>,
}

impl Planning {
    fn plan(&mut self) -> Planned<Sound, Broken> {
        let Some(folder) = &self.kernels else { return self.plan_workflow() };
        let (read, places) = (folder.read(), folder.places());
        let mut planned = self.plan_workflow();
        match read {
            Ok(kernels) => {
                planned.files.extend(kernels.files().iter().filter_map(|file| std::path::absolute(file).ok()));
                *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(kernels);
            }
            Err(error) => {
                planned.files.extend(places.iter().filter_map(|place| std::path::absolute(place).ok()));
                let problem = Diagnostic::error("kernels", error.to_string()).with_hint(kernels::HINT);
                match &mut planned.result {
                    Err(broken) => broken.diagnostics.push(problem),
                    Ok(_) => planned.result = Err(Broken { source: None, diagnostics: vec![problem] }),
                }
            }
        }
        planned
    }

    fn plan_workflow(&mut self) -> Planned<Sound, Broken> {
        let library = Recording::default();
        let types = self.workspace.node_types(Some(&self.file));
        self.brought.note(&types.plugins);
        let (result, mut files) =
            match Prepared::new(&self.file, &self.workspace.limited(&self.settings), &types, &library) {
                Ok(Prepared { source, plan, warnings }) => match self.problem(&plan) {
                    Some(problem) => (Err(Broken { source: None, diagnostics: vec![problem] }), plan.files().to_vec()),
                    None => {
                        let files = plan.files().to_vec();
                        (Ok(Sound { source, plan, warnings }), files)
                    }
                },
                Err((source, mut diagnostics)) => {
                    plugins::blame(&mut diagnostics, |name| self.brought.broken(&types.plugins, name));
                    (Err(Broken { source, diagnostics }), Vec::new())
                }
            };
        files.extend(library.read.into_inner().unwrap_or_else(PoisonError::into_inner));
        files.extend(types.plugins.iter().map(|plugin| plugin.path.clone()));
        // Fails for empty paths only, which name nothing.
        let absolute = |paths: &[PathBuf]| paths.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
        Planned { result, files: absolute(&files), folders: absolute(&types.folders) }
    }

    /// That nothing can be written is better said now than after an hour of computing.
    fn problem(&self, plan: &Plan) -> Option<Diagnostic> {
        let problem = execution::output_problem(plan.out_dir())?;
        let is_in_the_way = execution::writes_files(plan, self.workspace.registry());
        is_in_the_way.then(|| Diagnostic::error("output-folder", problem).with_hint("make room for it there"))
    }
}

/// Workflows on disk; remembers which were asked for, since a plan that is no good does not say.
#[derive(Default)]
struct Recording {
    read: Mutex<Vec<PathBuf>>,
}

impl Library for Recording {
    fn read(&self, path: &Path) -> Result<Source, Diagnostic> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
        Disk.read(path)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        Disk.identity(path)
    }
}
