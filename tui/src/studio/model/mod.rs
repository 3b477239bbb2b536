//! What the studio knows: data, without terminal, threads, files or clocks.

mod checked;
mod compare;
mod drag;
pub(crate) mod failure;
mod flow;
mod focus;
pub(crate) mod full;
mod gallery;
pub(crate) mod gauges;
pub(crate) mod grid;
mod history;
mod inside;
pub(crate) mod lanes;
mod log;
mod overlay;
mod queue;
mod run;
mod schema;
pub(crate) mod shots;
pub(crate) mod still;
pub(crate) mod sweep;
pub(crate) mod timeline;
pub(crate) mod totals;
pub(crate) mod typed;
mod unsaved;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use easel_engine::RunId;

pub(crate) use checked::{Body, Checked, Finding, Fix};
pub(crate) use compare::{Candidate, Compare, Manner, difference};
pub(crate) use drag::{Clicked, Drag};
pub(crate) use flow::{AwaitedFile, Flow, Look};
pub(crate) use full::Full;
pub(crate) use gallery::{Gallery, Shot, Shots};
pub(crate) use history::{Asked, Browse, Details, RunRow, Runs, RunsPage, RunsWish, Thumbnails};
pub(crate) use inside::without_pass;
pub(crate) use log::Log;
pub(crate) use overlay::{Choice, Later, Overlay, Prompt};
pub(crate) use queue::{Queue, QueueRow};
pub(crate) use run::{NodeRun, Phase, RunView, workflow_of};
pub(crate) use schema::{Given, InputSchema, OutputSchema, Schema};
pub(crate) use unsaved::{Offer, Unsaved};

use super::graphics::Graphics;
use super::keymap::{Action, Context, Keymap};
use super::message::Tone;
use super::theme::Theme;
use crate::clock::Zone;
use gauges::Gauges;
use still::{Place, Still};
use sweep::{Sweep, Swept};

/// An input: its file, the workflow in that, the node (none: it is one of the workflow), and its own name.
pub(crate) type InputName = (PathBuf, Vec<String>, Option<String>, String);

/// What a demonstration answers to every wish that leads out of it.
pub(crate) const DEMO: &str = "this is a demonstration: nothing is run, written or cancelled";

/// Everything.
pub(crate) struct Model {
    /// Columns and lines of the terminal.
    pub(crate) size: (u16, u16),
    /// Time since the beginning.
    pub(crate) now: Duration,
    /// Which key does what.
    pub(crate) keymap: Keymap,
    /// How things look.
    pub(crate) theme: Theme,
    /// Where the clock of whoever looks is.
    pub(crate) zone: Zone,
    /// The workflows to choose from, if a folder was given.
    pub(crate) chooser: Option<Chooser>,
    /// What was closed for the list of workflows, to come back to.
    pub(crate) closed: Option<Closed>,
    /// The workflow that is open.
    pub(crate) flow: Option<Flow>,
    /// The workflows from which the open one was entered, outermost first.
    pub(crate) outer: Vec<Flow>,
    /// Which pane keys go to.
    pub(crate) focus: Focus,
    /// That pane has the whole screen.
    pub(crate) is_maximised: bool,
    /// What the side pane shows.
    pub(crate) side: Side,
    /// The run that was begun last, or that is followed.
    pub(crate) run: Option<RunView>,
    /// What was told.
    pub(crate) log: Log,
    /// The runs of the journal.
    pub(crate) runs: Runs,
    /// What waits to be run.
    pub(crate) queue: Queue,
    /// The pictures that were drawn.
    pub(crate) gallery: Gallery,
    /// Inputs of the workflow that were set when easel began, with their values.
    pub(crate) set: Vec<(String, String)>,
    /// The prompts of earlier runs, newest first, each once.
    pub(crate) prompts: Arc<[Arc<str>]>,
    /// What was typed for inputs, and given up.
    pub(crate) given_up: BTreeMap<InputName, String>,
    /// What was typed before those were gone through.
    pub(crate) draft: String,
    /// What is being typed, as it is kept, with the file that it is for.
    pub(crate) kept_typed: Option<(PathBuf, typed::Typed)>,
    /// The sweep that was begun last.
    pub(crate) sweep: Option<Sweep>,
    /// What was typed for sweeps, to be offered again.
    pub(crate) swept: Swept,
    /// What of a run stands among the findings: of which file and text, when the run began, how many warnings there were.
    pub(crate) told: Option<(PathBuf, u64, Duration, usize)>,
    /// What was clicked last, until a key is pressed.
    pub(crate) clicked: Option<Clicked>,
    /// What is marked to be compared: two at the most.
    pub(crate) to_compare: Vec<Candidate>,
    /// Small pictures of files.
    pub(crate) thumbnails: Thumbnails,
    /// What was asked for of the journal and of pictures.
    pub(crate) asked: Asked,
    /// What is in front of everything.
    pub(crate) overlay: Option<Overlay>,
    /// What the bottom line says until the next key.
    pub(crate) notice: Option<(Tone, String)>,
    /// When somebody asked for a stop the last time.
    pub(crate) asked_to_stop: Option<Duration>,
    /// A recorded run is shown, and nothing outside is touched.
    pub(crate) is_demo: bool,
    /// The run to follow from the beginning on.
    pub(crate) attached: Option<RunId>,
    /// How many texts were checked.
    pub(crate) revisions: u64,
    /// Why what is not saved does not survive the process.
    pub(crate) unkept: Option<String>,
    /// Whether to end.
    pub(crate) wants_quit: bool,
    /// Whether there is something new to draw.
    pub(crate) is_changed: bool,
    /// How pictures are drawn.
    pub(crate) graphics: Graphics,
    /// What takes the place of the panes.
    pub(crate) full: Option<Full>,
    /// The pictures that were drawn last, each for its place of the screen.
    pub(crate) stills: BTreeMap<Place, Still>,
    /// How busy the machine is.
    pub(crate) gauges: Gauges,
}

impl Model {
    /// Nothing is open.
    pub(crate) fn new(keymap: Keymap, theme: Theme, size: (u16, u16)) -> Self {
        Model {
            size,
            now: Duration::ZERO,
            keymap,
            theme,
            zone: Zone::default(),
            chooser: None,
            closed: None,
            flow: None,
            outer: Vec::new(),
            focus: Focus::Graph,
            is_maximised: false,
            side: Side::Inspector,
            run: None,
            log: Log::default(),
            runs: Runs::default(),
            queue: Queue::default(),
            gallery: Gallery::default(),
            set: Vec::new(),
            prompts: Arc::new([]),
            given_up: BTreeMap::new(),
            draft: String::new(),
            kept_typed: None,
            clicked: None,
            told: None,
            sweep: None,
            swept: Swept::default(),
            to_compare: Vec::new(),
            thumbnails: Thumbnails::default(),
            asked: Asked::default(),
            overlay: None,
            notice: None,
            asked_to_stop: None,
            is_demo: false,
            attached: None,
            revisions: 0,
            unkept: None,
            wants_quit: false,
            is_changed: true,
            graphics: Graphics::default(),
            full: None,
            stills: BTreeMap::new(),
            gauges: Gauges::default(),
        }
    }

    /// Where keys go.
    pub(crate) fn context(&self) -> Context {
        if let Some(full) = &self.full {
            return full.context();
        }
        match (&self.flow, self.focus) {
            (None, _) => Context::Chooser,
            (Some(_), Focus::Graph) => Context::Graph,
            (Some(_), Focus::Side) => match self.side {
                Side::Inspector => Context::Inspector,
                Side::Problems => Context::Problems,
                Side::Monitor => Context::Monitor,
                Side::Log => Context::Log,
                Side::Runs => Context::Runs,
                Side::Gallery => Context::Gallery,
                Side::Queue => Context::Queue,
                Side::Inputs => Context::Inputs,
            },
        }
    }

    /// The input that a question is about.
    pub(crate) fn asked_input(&self, prompt: &Prompt) -> Option<InputName> {
        let Prompt::Value { node, input, .. } = prompt else { return None };
        let flow = self.flow.as_ref()?;
        let within = flow.checked.as_ref().map(|checked| checked.within.clone()).unwrap_or_default();
        Some((flow.path.clone(), within, node.clone(), input.clone()))
    }

    /// What was typed before as the answer to a question, and given up.
    pub(crate) fn given_up(&self, prompt: &Prompt) -> Option<&str> {
        self.given_up.get(&self.asked_input(prompt)?).map(String::as_str)
    }

    /// Whether a run that was begun here is under way.
    pub(crate) fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_ours && !run.phase.is_over())
    }

    /// What an input of the workflow that is shown was set to when easel began: such are those of the outermost one.
    pub(crate) fn set_value(&self, input: &str) -> Option<&str> {
        let is_outermost = self.outer.is_empty() && self.flow.as_ref().is_some_and(|flow| flow.inside().is_empty());
        let set = self.set.iter().find(|(name, _)| is_outermost && name == input);
        set.map(|(_, value)| value.as_str())
    }

    /// The run, if it is one of the workflow that is open.
    pub(crate) fn run_here(&self) -> Option<&RunView> {
        let mut open = self.flow.iter().chain(&self.outer);
        self.run.as_ref().filter(|run| open.any(|flow| run.is_of(&flow.path)))
    }

    /// Of the nodes that lead to what is shown, those that a run knows: it may be that of a file from which this one was
    /// entered, or of this one alone.
    pub(crate) fn run_way(&self, run: &RunView, way: &[String]) -> Vec<String> {
        let ran = self.outer.iter().find(|outer| run.is_of(&outer.path)).or(self.flow.as_ref());
        way.get(ran.map_or(0, |ran| ran.prefix.len())..).unwrap_or_default().to_vec()
    }

    /// Whether something was changed that is not saved, in what is open or where one came from.
    pub(crate) fn is_modified(&self) -> bool {
        self.flow.iter().chain(&self.outer).any(Flow::is_modified)
    }

    /// Says something in the bottom line and in the log.
    pub(crate) fn tell(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        self.log.add(self.now, tone, &text);
        self.notice = Some((tone, text));
        self.is_changed = true;
    }
}

/// A workflow that was closed, with what was open around it and what was run of it.
pub(crate) struct Closed {
    /// It.
    pub(crate) flow: Flow,
    /// Those from which it was entered.
    pub(crate) outer: Vec<Flow>,
    /// The run.
    pub(crate) run: Option<RunView>,
}

/// Which pane keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// The graph.
    Graph,
    /// The pane beside it.
    Side,
}

/// What the side pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The selected node.
    Inspector,
    /// What is wrong.
    Problems,
    /// The run.
    Monitor,
    /// What was told.
    Log,
    /// The journal.
    Runs,
    /// The pictures that were drawn.
    Gallery,
    /// What waits to be run.
    Queue,
    /// The inputs of the workflow.
    Inputs,
}

impl Side {
    /// All of them, as the tabs stand.
    pub(crate) const ALL: [Side; 8] = [
        Side::Inputs,
        Side::Inspector,
        Side::Problems,
        Side::Monitor,
        Side::Log,
        Side::Runs,
        Side::Gallery,
        Side::Queue,
    ];

    /// What shows it.
    pub(crate) fn action(self) -> Action {
        match self {
            Side::Inputs => Action::ShowInputs,
            Side::Inspector => Action::ShowInspector,
            Side::Problems => Action::ShowProblems,
            Side::Monitor => Action::ShowMonitor,
            Side::Log => Action::ShowLog,
            Side::Runs => Action::ShowRuns,
            Side::Gallery => Action::ShowGallery,
            Side::Queue => Action::ShowQueue,
        }
    }

    /// As the tab is called where there is little room: no two alike.
    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Side::Inputs => "Input",
            Side::Inspector => "Node",
            Side::Problems => "Probl",
            Side::Monitor => "Run",
            Side::Log => "Log",
            Side::Runs => "Runs",
            Side::Gallery => "Pics",
            Side::Queue => "Queue",
        }
    }

    /// As the tab is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Inspector => "Node",
            Side::Problems => "Problems",
            Side::Monitor => "Run",
            Side::Log => "Log",
            Side::Runs => "Runs",
            Side::Gallery => "Gallery",
            Side::Queue => "Queue",
            Side::Inputs => "Inputs",
        }
    }
}

/// A workflow in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it says it does.
    pub(crate) about: String,
}

/// The workflows to choose from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chooser {
    /// Where they are.
    pub(crate) folder: PathBuf,
    /// They; none yet while the folder is read.
    pub(crate) entries: Option<Result<Vec<Entry>, String>>,
    /// Which one the cursor is on.
    pub(crate) at: usize,
}

impl Chooser {
    /// The workflows.
    pub(crate) fn workflows(&self) -> &[Entry] {
        match &self.entries {
            Some(Ok(entries)) => entries,
            _ => &[],
        }
    }
}

/// A small picture: rows of pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Rows of red, green and blue.
    pub(crate) pixels: Arc<[[u8; 3]]>,
}

impl Picture {
    /// Rows.
    pub(crate) fn height(&self) -> usize {
        self.pixels.len().checked_div(self.width).unwrap_or(0)
    }

    /// The pixel nearest to that part (0 to 1) of the width and the height.
    pub(crate) fn at(&self, x: f64, y: f64) -> [u8; 3] {
        let place = |part: f64, size: usize| ((part * size as f64) as usize).min(size.saturating_sub(1));
        let index = place(y, self.height()) * self.width + place(x, self.width);
        self.pixels.get(index).copied().unwrap_or_default()
    }
}
