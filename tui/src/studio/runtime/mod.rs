//! The world around the model: the terminal, threads, files, the journal. Messages go in, effects come out; this thread
//! never waits for anything but messages.

mod checker;
mod desktop;
mod files;
mod gallery;
mod guard;
mod history;
mod journal;
mod keyboard;
mod performer;
mod pictures;
mod player;
mod recorder;
mod runner;
mod sheet;
mod signals;
mod thumbnails;

use std::io::{self, Stdout, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use easel_engine::{RunId, Settings};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::Rect;

use super::effect::Effect;
use super::keymap::Keymap;
use super::message::{Message, Tone};
use super::model::{Chooser, Entry, Flow, Model};
use super::recording::Recording;
use super::theme::Theme;
use super::update::{open, update};
use super::view::draw;
use crate::error::{CommandError, Exit};
use crate::memory::MemoryLimit;
use crate::terminal;
use crate::watching::Follower;
use crate::workspace::Workspace;
use guard::{Guard, RealScreen, has_all_keys};
use performer::Performer;
use player::Player;
use runner::Runner;

pub(crate) use recorder::Recorder;

#[cfg(test)]
pub(super) use checker::{Wish, check};

/// No picture follows the one before it sooner.
const FRAME: Duration = Duration::from_millis(16);

/// While a run is under way, times on the screen are never older than this.
const TICK: Duration = Duration::from_millis(200);

/// More workflows in one folder nobody looks through.
const MOST_WORKFLOWS: usize = 2_000;

/// What to begin with.
pub(crate) enum Start {
    /// A workflow.
    File(PathBuf),
    /// The workflows of a folder.
    Folder(PathBuf),
    /// A run of the journal.
    Run(RunId),
    /// A recorded run.
    Demo(Recording),
}

/// Everything that was decided before the studio opens.
pub(crate) struct Studio {
    pub(crate) start: Start,
    pub(crate) workspace: Workspace,
    pub(crate) settings: Settings,
    pub(crate) memory: MemoryLimit,
    pub(crate) keymap: Keymap,
    pub(crate) theme: Theme,
}

impl Studio {
    /// Runs until somebody leaves.
    pub(crate) fn run(self) -> Result<Exit, CommandError> {
        let (sender, messages) = channel();
        let notes = std::sync::Mutex::new(sender.clone());
        let told = sender.clone();
        let variable = |name: &str| std::env::var(name).ok();
        let screen = Box::new(RealScreen { has_all_keys: has_all_keys(&variable) });
        let guard = Guard::take(screen, move |text| {
            let _ = told.send(Message::Told(Tone::Error, text));
        });
        let guard = guard.map_err(|error| CommandError::failed(format!("cannot take the terminal over: {error}")))?;
        let listening = terminal::listen(move |text| {
            let sender = notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = sender.send(Message::Told(Tone::Warning, console::strip_ansi_codes(text).into_owned()));
        });
        let mut terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        // Whoever was killed before may have left its picture there.
        redraw(&mut terminal)?;
        let size = terminal.size()?;
        let mut model = Model::new(self.keymap, self.theme, (size.width, size.height));
        let mut world = World::new(&self.start, Arc::new(self.workspace), self.settings, self.memory, sender.clone())?;
        signals::listen(guard.lender(), sender.clone())?;
        keyboard::listen(sender)?;
        world.perform(begin(&mut model, self.start));
        let ended =
            Loop { model: &mut model, world: &mut world, began: Instant::now() }.go(&messages, &guard, &mut terminal);
        drop(guard);
        drop(listening);
        // Nobody listens from here on: a signal ends the process at once, whatever is waited for below.
        drop(messages);
        let is_running = world.performer.is_running();
        if is_running {
            world.performer.stop();
            terminal::note("stopping the run; files already written are kept. Ctrl-C ends at once.");
        }
        world.files.finish();
        if is_running {
            world.performer.finish();
        }
        ended.map(|()| Exit::Done)
    }
}

fn begin(model: &mut Model, start: Start) -> Vec<Effect> {
    match start {
        Start::File(path) => open(model, path),
        Start::Folder(folder) => {
            model.chooser = Some(Chooser { folder: folder.clone(), ..Chooser::default() });
            vec![Effect::List(folder)]
        }
        Start::Run(run) => {
            model.attached = Some(run);
            vec![Effect::Follow(run)]
        }
        Start::Demo(Recording { head, .. }) => {
            let slower = match head.slower {
                1 => "as fast as it was".into(),
                slower => format!("{slower} times slower than it was"),
            };
            model.tell(Tone::Note, format!("a recorded run, {slower}; `r` shows it again"));
            let path = PathBuf::from(head.name);
            let mut flow = Flow::recorded(path.clone(), Arc::clone(&head.workflow));
            flow.wants_run = true;
            model.flow = Some(flow);
            vec![Effect::Check { path, text: head.workflow, revision: 1 }]
        }
    }
}

struct Loop<'a> {
    model: &'a mut Model,
    world: &'a mut World,
    began: Instant,
}

impl Loop<'_> {
    fn go(
        &mut self,
        messages: &Receiver<Message>,
        guard: &Guard,
        terminal: &mut Terminal<CrosstermBackend<Stdout>>,
    ) -> Result<(), CommandError> {
        let mut drawn: Option<Instant> = None;
        loop {
            let wait = match drawn {
                None => Duration::ZERO,
                Some(at) if self.model.is_changed => FRAME.saturating_sub(at.elapsed()),
                Some(at) if self.is_live() => TICK.saturating_sub(at.elapsed()),
                Some(_) => Duration::MAX,
            };
            let first = match messages.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                // The keyboard's thread holds a sender as long as there are keys.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            update(self.model, Message::Time(self.began.elapsed()));
            for message in first.into_iter().chain(messages.try_iter()) {
                if matches!(message, Message::Uncovered) {
                    guard.draw(|| redraw(terminal)).transpose()?;
                }
                let effects = update(self.model, message);
                self.world.perform(effects);
            }
            if self.model.wants_quit {
                return Ok(());
            }
            if self.model.is_changed && drawn.is_none_or(|at| at.elapsed() >= FRAME) {
                guard.draw(|| self.draw(terminal)).transpose()?;
                self.model.is_changed = false;
                drawn = Some(Instant::now());
            }
        }
    }

    fn is_live(&self) -> bool {
        self.model.run.as_ref().is_some_and(|run| !run.phase.is_over())
    }

    /// One picture. Terminals that know how show it all at once; the others pass over the marks around it.
    fn draw(&mut self, terminal: &mut Terminal<CrosstermBackend<Stdout>>) -> io::Result<()> {
        if let Some(copying) = self.world.to_copy.take() {
            queue!(stdout(), Print(copying))?;
        }
        queue!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = terminal.draw(|frame| {
            // A resize that was not told yet.
            self.model.size = (frame.area().width, frame.area().height);
            draw(self.model, frame);
        });
        let drawn = drawn.map(drop);
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn
    }
}

/// Has the next picture drawn whole. `Terminal::clear` would do, but asks the terminal for its cursor, and the answer would
/// go to the thread that reads keys.
fn redraw(terminal: &mut Terminal<CrosstermBackend<Stdout>>) -> io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(Rect::new(0, 0, size.width, size.height))
}

/// Does what the model asks for, on other threads.
struct World {
    performer: Performer,
    checker: Sender<checker::Wish>,
    journal: Sender<journal::Wish>,
    pictures: Sender<PathBuf>,
    thumbnails: Sender<Vec<PathBuf>>,
    /// What goes to the terminal beside the next picture.
    to_copy: Option<String>,
    files: files::Files,
    /// Reads the open workflow again when it changes.
    follower: Option<Follower>,
    open: Option<PathBuf>,
    sender: Sender<Message>,
}

impl World {
    fn new(
        start: &Start,
        workspace: Arc<Workspace>,
        settings: Settings,
        memory: MemoryLimit,
        sender: Sender<Message>,
    ) -> io::Result<Self> {
        Ok(World {
            checker: checker::start(Arc::clone(&workspace), settings.clone(), sender.clone())?,
            journal: journal::start(sender.clone())?,
            pictures: load_pictures(sender.clone())?,
            thumbnails: thumbnails::start(sender.clone())?,
            to_copy: None,
            files: files::Files::start(sender.clone())?,
            performer: match start {
                Start::Demo(recording) => Performer::Recorded(Player::new(recording.clone(), sender.clone())),
                _ => Performer::Real(Runner::new(workspace, settings, memory, sender.clone())),
            },
            follower: None,
            open: None,
            sender,
        })
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        // A thread that is gone has said why before it went.
        for effect in effects {
            match effect {
                Effect::List(folder) => list(folder, self.sender.clone()),
                Effect::Open(path) => self.open(path),
                Effect::Check { path, text, revision } => {
                    let _ = self.checker.send(checker::Wish { path, text, revision });
                }
                Effect::Save { path, text, known } => self.files.ask(files::Wish::Save { path, text, known }),
                Effect::SetAside(path) => self.files.ask(files::Wish::SetAside(path)),
                Effect::Keep { path, text } => self.files.ask(files::Wish::Keep { path, text }),
                Effect::Watch(files) => {
                    if let Some((follower, open)) = self.follower.as_ref().zip(self.open.clone()) {
                        follower.watch(files.into_iter().chain([open]));
                    }
                }
                Effect::Run(plan) => self.performer.run(plan),
                Effect::StopRun => self.performer.stop(),
                Effect::RunAgain(run) => self.performer.again(run),
                Effect::Resume(run) => self.performer.resume(run),
                Effect::Follow(run) => drop(self.journal.send(journal::Wish::Follow(run))),
                Effect::Load(path) => drop(self.pictures.send(path)),
                Effect::Browse(browse) => drop(self.journal.send(journal::Wish::Browse(browse))),
                Effect::Change(change) => drop(self.journal.send(journal::Wish::Change(change))),
                Effect::Thumbnails(paths) => drop(self.thumbnails.send(paths)),
                Effect::Enqueue { plan, priority } => self.performer.enqueue(plan, priority, &self.sender),
                Effect::EnqueueAll(jobs) => self.performer.enqueue_all(jobs, &self.sender),
                Effect::WriteSheet(sheet) => self.performer.write(sheet, &self.sender),
                Effect::RunJob(job) => self.performer.job(*job),
                Effect::Claim => self.performer.claim(&self.sender),
                Effect::Copy(text) => self.to_copy = desktop::copying(&text),
                Effect::ShowFolder(folder) => desktop::open(folder, self.sender.clone()),
            }
        }
    }

    fn open(&mut self, path: PathBuf) {
        let (sender, file) = (self.sender.clone(), path.clone());
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let follower = Follower::start(move |changed| {
            let is_other = changed.iter().any(|path| *path != absolute);
            if changed.contains(&absolute) {
                let _ = sender.send(Message::Read(file.clone(), files::read(&file)));
            } else if is_other {
                let _ = sender.send(Message::Touched);
            }
        });
        match follower {
            Ok(follower) => {
                follower.watch([path.clone()]);
                self.follower = Some(follower);
            }
            Err(error) => {
                let text = format!("changes of files will not be noticed: {error}");
                let _ = self.sender.send(Message::Told(Tone::Warning, text));
            }
        }
        self.files.ask(files::Wish::Open(path.clone()));
        self.open = Some(path);
    }
}

/// Lists the workflows of a folder on a thread of its own: it may be on a slow drive.
fn list(folder: PathBuf, sender: Sender<Message>) {
    let lost = sender.clone();
    let work = move || {
        let entries = workflows(&folder).map_err(|error| format!("cannot list `{}`: {error}", folder.display()));
        let _ = sender.send(Message::Listed(folder, entries));
    };
    if let Err(error) = std::thread::Builder::new().name("folder".into()).spawn(work) {
        let _ = lost.send(Message::Told(Tone::Error, format!("cannot start a thread: {error}")));
    }
}

/// The workflows in a folder, by name.
fn workflows(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ron") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    paths.truncate(MOST_WORKFLOWS);
    Ok(paths.into_iter().map(|path| Entry { about: checker::about(&path), path }).collect())
}

/// Reads pictures on a thread of its own.
fn load_pictures(sender: Sender<Message>) -> io::Result<Sender<PathBuf>> {
    let (wishes, wanted) = channel::<PathBuf>();
    let work = move || {
        for path in wanted {
            let picture = pictures::load(&path);
            if sender.send(Message::Loaded(path, picture)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("pictures".into()).spawn(work)?;
    Ok(wishes)
}
