//! Everything that a command needs to run things, opened once: run, watch, resume and queue carry plans out one way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use easel_engine::{
    Cache, CacheProblem, CancelToken, Claim, DiskSettings, Event, EventSink, Job, JobOptions, Journal, JournalError,
    MemoryPolicy, Plan, Plugins, Recorder, Registry, Resources, Run, RunId, Services, Settings, WhenStopped,
};
use easel_kernels::Placement;
use easel_nodes::parts;

use crate::commands::workflow::Ready;
use crate::error::{CommandError, Exit};
use crate::execution::{Artifact, Finished};
use crate::interrupt;
use crate::kernels::KernelFolder;
use crate::memory::{Memory, MemoryLimit};
use crate::plugins::{self, NodeTypes};
use crate::report::Reporter;
use crate::terminal::{self, Paint, printable};

/// So many bytes of weights stay loaded for the next run in this machine's memory. A GPU's is there for that, and keeps more.
const KEPT_MODELS: u64 = 1 << 30;

/// So many bytes of results stay in memory; what is on disk is bounded by itself.
const KEPT_RESULTS: u64 = 1 << 30;

/// How soon a run that the whole process was told to stop is told so.
const LOOK: Duration = Duration::from_millis(20);

/// What a command decides about everything that it will run.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    /// Where to compute, and in what.
    pub(crate) place: Placement,
    /// Whether results are taken from the cache and put there.
    pub(crate) cache: bool,
    /// Whether runs are written down in the journal.
    pub(crate) journal: bool,
    /// After how many steps a loop saves its state; none: as often as is usual.
    pub(crate) save_every: Option<usize>,
    /// How much memory nodes may take together.
    pub(crate) memory: MemoryLimit,
}

/// What all workspaces of a process share: the machine, and the models that are open.
#[derive(Clone)]
pub(crate) struct Common {
    resources: Arc<Resources>,
    services: Services,
}

impl Common {
    /// With so much memory for nodes, and nothing open.
    pub(crate) fn new(memory: MemoryLimit) -> Self {
        let memory = memory.bytes(Memory::of_this_machine());
        Common {
            resources: Arc::new(Resources::of_this_machine().with_memory(memory)),
            services: easel_nodes::services_keeping(Placement::CPU, KEPT_MODELS),
        }
    }
}

/// Nodes, cache, journal and device, opened once and shared by all that a process runs.
pub(crate) struct Workspace {
    choices: Choices,
    plugins: Plugins,
    cache: Arc<Cache>,
    /// None: runs are not written down, on purpose or since they cannot be.
    journal: Option<Journal>,
    /// How many problems of the cache were told.
    told_problems: AtomicUsize,
    resources: Arc<Resources>,
    services: Services,
}

impl Workspace {
    /// Opens everything. What is of use but not needed, like a folder for the cache, is gone without if it cannot be
    /// had; that runs are not written down is told.
    pub(crate) fn open(choices: &Choices) -> Result<Self, CommandError> {
        interrupt::keep_file_size_limits_from_killing();
        let journal = if choices.journal { open_journal() } else { Ok(None) };
        let journal = journal.unwrap_or_else(|error| {
            warn_of_journal(&error, &|text| terminal::note(text));
            None
        });
        Self::with_journal(choices, journal, Common::new(choices.memory))
    }

    /// Opens everything but the journal and what it shares with others, which are there already.
    pub(crate) fn with_journal(
        choices: &Choices,
        journal: Option<Journal>,
        common: Common,
    ) -> Result<Self, CommandError> {
        if let Some(folder) = KernelFolder::from_environment(choices.place.device) {
            folder.install()?;
        }
        let services = common.services.with(choices.place);
        let plugins = plugins::plugins_for(services.clone())?;
        let cache = open_cache(choices, plugins.base());
        Ok(Workspace {
            choices: choices.clone(),
            plugins,
            cache: Arc::new(cache),
            journal,
            told_problems: AtomicUsize::new(0),
            resources: common.resources,
            services,
        })
    }

    /// What it shares with others of this process.
    pub(crate) fn common(&self) -> Common {
        Common { resources: Arc::clone(&self.resources), services: self.services.clone() }
    }

    /// The machine as its runs share it.
    pub(crate) fn resources(&self) -> &Arc<Resources> {
        &self.resources
    }

    /// Settings with the memory that there is for its runs.
    pub(crate) fn limited(&self, settings: &Settings) -> Settings {
        Settings { memory_limit: self.resources.memory(), ..settings.clone() }
    }

    /// The node types that are built in.
    pub(crate) fn registry(&self) -> &Registry {
        self.plugins.base()
    }

    /// The node types that a workflow may use: those, and what the plugins bring that lie beside it and in the user's
    /// folders, as they are now.
    pub(crate) fn node_types(&self, workflow: Option<&Path>) -> NodeTypes {
        NodeTypes::of(&self.plugins, workflow)
    }

    /// The plan, made with `settings`, as the journal keeps it.
    pub(crate) fn job(&self, plan: &Plan, settings: &Settings) -> Job {
        let Choices { place: Placement { device, precision }, cache, save_every, .. } = &self.choices;
        let included = plan.texts().filter(|(path, _)| Some(*path) != plan.source().path.as_deref());
        Job {
            source: plan.source().clone(),
            files: included.map(|(path, text)| (path.to_path_buf(), Arc::clone(text))).collect(),
            settings: settings.clone(),
            options: JobOptions {
                device: device.to_string(),
                precision: precision.to_string(),
                cache: *cache,
                save_every: *save_every,
                sweep: None,
            },
        }
    }

    /// Writes down that a run begins; none if runs are not written down.
    pub(crate) fn begin(&self, ready: &Ready, settings: &Settings) -> Option<Claim> {
        let begun = self.journal.as_ref()?.begin(&self.job(&ready.plan, settings));
        begun.map_err(|error| warn_of_journal(&error, &|text| terminal::note(text))).ok()
    }

    /// Runs the plan, made with `settings`, to its end, and writes down what happens.
    pub(crate) fn carry_out(
        &self,
        plan: Plan,
        settings: &Settings,
        cancel: CancelToken,
        reporter: &mut dyn Reporter,
    ) -> Result<Finished, CommandError> {
        let ready = Ready { plan, is_whole: true };
        let claim = self.begin(&ready, settings);
        self.carry_out_claimed(ready, claim, WhenStopped::Cancelled, &cancel, reporter)
    }

    /// Runs the plan to its end, as the run that was claimed. The nodes run on a thread of their own, so that telling never
    /// holds them up.
    pub(crate) fn carry_out_claimed(
        &self,
        ready: Ready,
        claim: Option<Claim>,
        when_stopped: WhenStopped,
        cancel: &CancelToken,
        reporter: &mut dyn Reporter,
    ) -> Result<Finished, CommandError> {
        let Ready { plan, is_whole } = ready;
        let claim = if is_whole { claim } else { claim.map(Claim::without_what_is_wrong) };
        // The journal may cancel this run, but not all that the process does.
        let own_cancel = CancelToken::new();
        let mut events = EventSink::new();
        let happened = events.listen();
        let recorded = claim.as_ref().map(Claim::run);
        let recorder = match (&self.journal, claim) {
            (Some(journal), Some(claim)) => {
                Some(record(journal, claim, &mut events, own_cancel.clone(), when_stopped, reporter)?)
            }
            _ => None,
        };
        reporter.begin(&plan);
        let place = self.choices.place;
        let mut run = Run::new(plan, self.services.clone(), events, own_cancel.clone())
            .with_cache(Arc::clone(&self.cache))
            .with_resources(Arc::clone(&self.resources))
            .with_environment(place.environment())
            .with_device_environments(move |name| environment_of(place, name));
        if let Some(id) = recorded {
            run = run.with_id(id);
        }
        let worker =
            thread::Builder::new().name("run".into()).spawn(move || run.execute()).map_err(cannot_start_a_thread)?;
        let mut listener = Listener { artifacts: Vec::new(), told: Ok(()), last: None };
        listener.follow(&happened, cancel, &own_cancel, reporter);
        let report = worker.join();
        self.cache.flush();
        self.tell_of_cache(&|text| terminal::note(text));
        // What is said to be done is on disk.
        if let Some(recorder) = recorder {
            recorder.finish();
        }
        let report = report.map_err(|_| {
            CommandError::failed("the run ended unexpectedly; this is a defect in easel")
                .with_hint("run it again with RUST_BACKTRACE=1 and report what it says")
        })?;
        if let Some(last) = listener.last.take() {
            listener.tell(&last, reporter);
        }
        listener.told?;
        Ok(Finished { report, artifacts: listener.artifacts, recorded, is_whole })
    }
}

impl Workspace {
    /// What went wrong with the cache and was not told before. The run is as good as without it.
    fn tell_of_cache(&self, tell: &dyn Fn(&str)) {
        let problems = self.cache.problems();
        let told = self.told_problems.swap(problems.len(), Ordering::Relaxed);
        problems.iter().skip(told).for_each(|problem| warn_of_cache(problem, tell));
    }
}

/// What was heard of a run.
struct Listener {
    artifacts: Vec<Artifact>,
    /// Whether telling it has worked so far.
    told: Result<(), CommandError>,
    /// The run's last event, kept back.
    last: Option<Event>,
}

impl Listener {
    /// Listens until the run has told its last.
    fn follow(
        &mut self,
        happened: &Receiver<Event>,
        cancel: &CancelToken,
        own_cancel: &CancelToken,
        reporter: &mut dyn Reporter,
    ) {
        loop {
            if cancel.is_cancelled() && !own_cancel.is_cancelled() {
                own_cancel.cancel();
            }
            match happened.recv_timeout(LOOK) {
                Ok(last @ Event::RunFinished { .. }) => {
                    self.last = Some(last);
                    return;
                }
                Ok(event) => self.tell(&event, reporter),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn tell(&mut self, event: &Event, reporter: &mut dyn Reporter) {
        if let Event::ArtifactWritten { node, path, .. } = event {
            self.artifacts.push(Artifact { node: node.clone(), path: path.clone() });
        }
        // A log that cannot be written is no reason to throw pictures away: said at the end.
        if self.told.is_ok() {
            self.told = reporter.event(event);
        }
    }
}

fn record(
    journal: &Journal,
    claim: Claim,
    events: &mut EventSink,
    cancel: CancelToken,
    when_stopped: WhenStopped,
    reporter: &dyn Reporter,
) -> Result<Recorder, CommandError> {
    let notice = reporter.notice();
    let trouble = move |error: &JournalError| warn_of_journal(error, &|text| notice(text));
    Recorder::start(journal, claim, events.listen(), cancel, when_stopped, trouble).map_err(cannot_start_a_thread)
}

fn cannot_start_a_thread(error: std::io::Error) -> CommandError {
    CommandError::failed(format!("cannot start a thread: {error}"))
}

fn open_cache(choices: &Choices, registry: &Registry) -> Cache {
    if !choices.cache {
        return Cache::off();
    }
    let mut cache = Cache::in_memory(MemoryPolicy::Bytes(KEPT_RESULTS));
    if let Some(steps) = choices.save_every {
        cache = cache.save_every(steps);
    }
    let Some(folder) = results_folder() else { return cache };
    let (cache, problem) = cache.with_disk(&folder, DiskSettings::new(registry));
    if let Some(problem) = problem {
        warn_of_cache(&problem, &|text| terminal::note(text));
    }
    cache
}

fn warn_of_cache(problem: &CacheProblem, tell: &dyn Fn(&str)) {
    let paint = Paint::for_stderr();
    tell(&format!("{} {}", paint.yellow("warning:"), printable(&problem.to_string())));
    tell(&format!("{} {}", paint.cyan("   hint:"), printable(problem.hint())));
}

/// Where results are kept from one process to the next; none if this user has no home.
pub(crate) fn results_folder() -> Option<PathBuf> {
    easel_nodes::weights::cache_dir().map(|folder| folder.join("results"))
}

/// A run goes on without its journal, but not in silence.
fn warn_of_journal(error: &JournalError, tell: &dyn Fn(&str)) {
    let paint = Paint::for_stderr();
    let (warning, error_text) = (paint.yellow("warning:"), error.to_string());
    tell(&format!("{warning} this run is not recorded to its end: {}", printable(&error_text)));
    if let Some(hint) = error.hint() {
        tell(&format!("{} {}", paint.cyan("   hint:"), printable(&hint)));
    }
}

/// The user's folder for what easel remembers: `EASEL_STATE`, else `easel` in `XDG_STATE_HOME` or `~/.local/state`.
pub(crate) fn state_dir() -> Option<PathBuf> {
    let folder = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("EASEL_STATE")
        .or_else(|| folder("XDG_STATE_HOME").map(|state| state.join("easel")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".local").join("state").join("easel")))
}

/// The user's journal; none if there is no place for one.
pub(crate) fn open_journal() -> Result<Option<Journal>, JournalError> {
    interrupt::keep_file_size_limits_from_killing();
    state_dir().map(|folder| Journal::open(&folder)).transpose()
}

/// The journal, for commands that are about nothing else.
pub(crate) fn needed_journal() -> Result<Journal, CommandError> {
    open_journal()?.ok_or_else(no_place)
}

/// The journal, for commands that look at it only; none if there is none yet.
pub(crate) fn journal_to_read() -> Result<Option<Journal>, CommandError> {
    interrupt::keep_file_size_limits_from_killing();
    Ok(Journal::open_to_read(&state_dir().ok_or_else(no_place)?)?)
}

fn no_place() -> CommandError {
    CommandError::failed("there is no place for the journal: this user has no home").with_hint("name one: EASEL_STATE")
}

impl From<JournalError> for CommandError {
    fn from(error: JournalError) -> Self {
        let command = match &error {
            JournalError::UnknownRun { .. } => CommandError::wrong(error.to_string()),
            _ => CommandError::failed(error.to_string()),
        };
        match error.hint() {
            Some(hint) => command.with_hint(hint),
            None => command,
        }
    }
}

/// What to say of a recorded run that did not go to its end.
pub(crate) fn how_to_go_on(finished: &Finished) -> Option<String> {
    let RunId(run) = finished.recorded?;
    (finished.exit() == Exit::Failed)
        .then(|| format!("run {run}: `easel show {run}` tells its story, `easel resume {run}` goes on from there"))
}

/// What results depend on that are computed on the device that a workflow names, in a run that computes at `run`.
fn environment_of(run: Placement, name: &str) -> String {
    // A node on a device that cannot be used has no result.
    parts::placed(run, name).map_or_else(|_| name.to_owned(), Placement::environment)
}

#[cfg(test)]
mod tests {
    use easel_kernels::{Device, Precision};
    use easel_nodes::parts::Models;

    use super::*;

    #[test]
    fn a_device_in_a_workflow_is_what_it_stands_for_in_the_run() {
        let gpu = Placement { device: Device::Cuda(0), precision: Precision::Float16 };
        assert_eq!(environment_of(gpu, "cpu"), Placement::CPU.environment());
        let automatic = parts::placed(gpu, "auto").expect("there is always the CPU");
        assert_eq!(environment_of(gpu, "auto"), automatic.environment());
        assert_ne!(environment_of(gpu, "auto"), "auto");
        assert_eq!(environment_of(gpu, "tea leaves"), "tea leaves");
    }

    #[test]
    fn all_workspaces_of_a_process_share_their_models() {
        let common = Common::new(MemoryLimit::None);
        let choices = |cache, save_every| Choices {
            place: Placement::CPU,
            cache,
            journal: false,
            save_every,
            memory: MemoryLimit::None,
        };
        let open =
            |choices: &Choices| Workspace::with_journal(choices, None, common.clone()).expect("it can be opened");
        let (one, other) = (open(&choices(false, None)), open(&choices(false, Some(7))));
        let models =
            |workspace: &Workspace| std::ptr::from_ref(workspace.services.get::<Models>().expect("there are some"));
        assert!(std::ptr::eq(models(&one), models(&other)));
    }
}
