//! The world around the model: the terminal, threads, files, the journal. Messages go in, effects come out; this thread
//! never waits for anything but messages.

mod around;
mod ask;
mod attempt;
mod checker;
mod complete;
mod desktop;
mod editor;
mod encoder;
mod files;
mod gallery;
mod guard;
mod history;
mod journal;
mod keyboard;
mod merger;
mod output;
mod painter;
mod performer;
mod pictures;
mod player;
mod recorder;
mod runner;
mod sampler;
mod session;
mod sheet;
mod signals;
mod thumbnails;
mod unsaved;
mod whole;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use easel_engine::{RunId, Settings};

use super::effect::Effect;
use super::graphics::Pictures;
use super::keymap::Keymap;
use super::message::{Message, Tone};
use super::model::{Chooser, Entry, Flow, Model};
use super::recording::Recording;
use super::theme::Theme;
use super::update::{open, update};
use super::view::{draw, shows_gauges, wanted_pictures};
use crate::clock::Zone;
use crate::error::{CommandError, Exit};
use crate::memory::MemoryLimit;
use crate::terminal;
use crate::watching::Follower;
use crate::workspace::Workspace;
use attempt::attempt;
use editor::Editor;
use guard::{Guard, RealScreen, has_all_keys};
use keyboard::Gate;
use output::{News, Output};
use performer::Performer;
use player::Player;
use runner::Runner;

pub(crate) use recorder::Recorder;

pub(super) use merger::Merged;

pub(super) use checker::{Wish, check};
#[cfg(test)]
pub(super) use complete::complete;
#[cfg(test)]
pub(super) use encoder::drawn_still;
pub(super) use history::Index;
pub(super) use painter::Painter;
pub(crate) use unsaved::has_unsaved;

/// No picture follows the one before it sooner.
const FRAME: Duration = Duration::from_millis(16);

/// While a run is under way, times on the screen are never older than this.
const TICK: Duration = Duration::from_millis(200);

/// Why something that panicked was not done.
const DEFECT: &str = "this is a defect in easel; the log says where";

/// Columns and lines of a terminal that does not say.
const USUAL_SIZE: (u16, u16) = (80, 24);

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
    pub(crate) pictures: Pictures,
}

impl Studio {
    /// Runs until somebody leaves.
    pub(crate) fn run(self) -> Result<Exit, CommandError> {
        let (sender, messages) = channel();
        let output = output(sender.clone())?;
        let guard = guard(output.clone(), ask::keeps_pictures(self.pictures, self.theme.depth()), sender.clone())?;
        let notes = std::sync::Mutex::new(sender.clone());
        let listening = terminal::listen(move |text| {
            let sender = notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = sender.send(Message::Told(Tone::Warning, console::strip_ansi_codes(text).into_owned()));
        });
        // Before anybody reads keys, who would get the answer.
        let graphics = ask::graphics(self.pictures, self.theme.depth(), &output);
        let size = size().unwrap_or(USUAL_SIZE);
        let mut model = Model::new(self.keymap, self.theme, size);
        model.graphics = graphics;
        model.set.clone_from(&self.settings.set);
        model.zone = Zone::of_this_machine();
        model.keymap.has_all_keys = has_all_keys(&variable);
        let mut world = World::new(&self.start, Arc::new(self.workspace), self.settings, self.memory, sender.clone())?;
        signals::listen(guard.lender(), sender.clone())?;
        let gate = Gate::default();
        world.editor = Some(Editor::new(guard.lender(), gate.clone(), sender.clone()));
        keyboard::listen(sender, gate)?;
        world.perform(begin(&mut model, self.start));
        let mut painter = Painter::new(size);
        // Whoever was killed before may have left its picture there.
        painter.forget();
        let ended =
            Loop { model: &mut model, world: &mut world, guard: &guard, output, painter, began: Instant::now() }
                .go(&messages);
        drop(guard);
        drop(listening);
        // Nobody listens from here on: a signal ends the process at once, whatever is waited for below.
        drop(messages);
        let is_running = world.performer.is_running();
        let World { files, mut performer, .. } = world;
        if is_running {
            performer.stop();
        }
        // Before anything is told: whoever is told may be in no hurry.
        drop(files);
        if is_running {
            terminal::note("stopping the run; files already written are kept. Ctrl-C ends at once.");
            performer.finish();
        }
        Ok(ended)
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
            model.is_demo = true;
            let slower = match head.slower {
                1 => "as fast as it was".into(),
                slower => format!("{slower} times slower than it was"),
            };
            model.tell(Tone::Note, format!("a recorded run, {slower}; `r` shows it again"));
            let path = PathBuf::from(head.name);
            let mut flow = Flow::recorded(path.clone(), Arc::clone(&head.workflow));
            flow.wants_run = true;
            model.flow = Some(flow);
            vec![Effect::Check { path, text: head.workflow, revision: 1, around: Vec::new() }]
        }
    }
}

/// The way to the terminal, and word of it.
fn output(sender: Sender<Message>) -> io::Result<Output> {
    let gone = sender.clone();
    output::watch(move || drop(gone.send(Message::Gone)))?;
    Output::start(output::Terminal::open()?, move |news| {
        let _ = sender.send(if news == News::Free { Message::Shown } else { Message::Gone });
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Takes the terminal over.
fn guard(output: Output, keeps_pictures: bool, sender: Sender<Message>) -> Result<Guard, CommandError> {
    let screen = Box::new(RealScreen { output, has_all_keys: has_all_keys(&variable), keeps_pictures });
    let guard = Guard::take(screen, move |text| drop(sender.send(Message::Told(Tone::Error, text))));
    guard.map_err(|error| CommandError::failed(format!("cannot take the terminal over: {error}")))
}

/// Columns and lines of the terminal. Nothing is asked of it that it would have to answer.
fn size() -> Option<(u16, u16)> {
    console::Term::stdout().size_checked().map(|(lines, columns)| (columns, lines))
}

struct Loop<'a> {
    model: &'a mut Model,
    world: &'a mut World,
    guard: &'a Guard,
    output: Output,
    painter: Painter,
    began: Instant,
}

impl Loop<'_> {
    fn go(&mut self, messages: &Receiver<Message>) -> Exit {
        let mut drawn: Option<Instant> = None;
        let mut exit = Exit::Done;
        loop {
            let wait = match drawn {
                // The output says when the terminal took the picture before. Until then none is made: the newest is shown.
                _ if self.model.is_changed && !self.output.is_free() => Duration::MAX,
                None => Duration::ZERO,
                Some(at) if self.model.is_changed => FRAME.saturating_sub(at.elapsed()),
                Some(at) if self.is_live() => TICK.saturating_sub(at.elapsed()),
                Some(_) => Duration::MAX,
            };
            let first = match messages.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                // The keyboard's thread holds a sender as long as there are keys.
                Err(RecvTimeoutError::Disconnected) => return exit,
            };
            update(self.model, Message::Time(self.began.elapsed()));
            let drained = Instant::now();
            for message in first.into_iter().chain(messages.try_iter()) {
                match message {
                    Message::Uncovered => self.painter.forget(),
                    Message::Gone => exit = Exit::Failed,
                    _ => {}
                }
                let merged = if let Message::Merged(merged) = &message { merged.take() } else { Vec::new() };
                for message in std::iter::once(message).chain(merged) {
                    let effects = update(self.model, message);
                    self.world.perform(effects);
                }
                // Whoever tells more than can be listened to does not keep pictures from being drawn.
                if drained.elapsed() >= FRAME {
                    break;
                }
            }
            if self.model.wants_quit {
                return exit;
            }
            if self.model.is_changed && self.output.is_free() && drawn.is_none_or(|at| at.elapsed() >= FRAME) {
                self.draw();
                self.world.shown(self.model);
                drawn = Some(Instant::now());
            }
        }
    }

    fn is_live(&self) -> bool {
        self.model.run.as_ref().is_some_and(|run| !run.phase.is_over())
    }

    fn draw(&mut self) {
        // A resize that was not told yet.
        self.model.size = size().unwrap_or(self.model.size);
        self.model.is_changed = false;
        let copying = self.world.to_copy.take();
        self.guard.draw(|| {
            if let Some(copying) = copying {
                self.output.put(copying.as_bytes());
            }
            let picture = self.painter.picture(self.model.size, |frame| draw(self.model, frame));
            self.output.put(&picture);
        });
    }
}

/// Does what the model asks for, on other threads.
struct World {
    performer: Performer,
    checker: Sender<checker::Wish>,
    /// None in a demonstration, which has no business there.
    journal: Option<Sender<journal::Wish>>,
    is_demo: bool,
    pictures: Sender<PathBuf>,
    thumbnails: Sender<Vec<PathBuf>>,
    /// What goes to the terminal before the next picture.
    to_copy: Option<String>,
    encoder: encoder::Encoder,
    sampler: sampler::Sampler,
    files: files::Files,
    /// Those of the session, as they are now.
    settings: session::Session,
    /// Lends the terminal to the user's editor.
    editor: Option<Editor>,
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
        let is_demo = matches!(start, Start::Demo(_));
        let settings = session::Session::new(settings);
        Ok(World {
            checker: checker::start(Arc::clone(&workspace), settings.clone(), sender.clone())?,
            journal: if is_demo { None } else { Some(journal::start(sender.clone())?) },
            is_demo,
            pictures: load_pictures(sender.clone())?,
            thumbnails: thumbnails::start(sender.clone())?,
            to_copy: None,
            encoder: encoder::Encoder::start(sender.clone())?,
            sampler: sampler::Sampler::start(Arc::clone(workspace.resources()), sender.clone())?,
            files: files::Files::start(if is_demo { None } else { unsaved::folder() }, sender.clone())?,
            performer: match start {
                Start::Demo(recording) => Performer::Recorded(Player::new(recording.clone(), sender.clone())),
                _ => Performer::Real(Runner::new(workspace, settings.clone(), memory, sender.clone())),
            },
            settings,
            editor: None,
            follower: None,
            open: None,
            sender,
        })
    }

    /// The screen shows the model as it is now: what it needs is seen to, and nothing else.
    fn shown(&mut self, model: &Model) {
        self.encoder.show(wanted_pictures(model));
        self.sampler.want(shows_gauges(model));
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        // A thread that is gone has said why before it went.
        let is_demo = self.is_demo;
        for effect in effects.into_iter().filter(|effect| !is_demo || effect.stays_inside()) {
            match effect {
                Effect::List(folder) => list(folder, self.sender.clone()),
                Effect::Open(path) => self.open(path),
                Effect::Check { path, text, revision, around } => {
                    let _ = self.checker.send(checker::Wish { path, text, revision, around });
                }
                Effect::Save { path, text, known } => self.files.ask(files::Wish::Save { path, text, known }),
                Effect::Unset(name) => self.settings.unset(&name),
                Effect::Complete { base, typed } => complete::start(base, typed, self.sender.clone()),
                Effect::EditText(text) => self.editor.iter().for_each(|editor| editor.edit(text.clone())),
                Effect::Create { path, text } => self.files.ask(files::Wish::Create { path, text }),
                Effect::Keep { path, unsaved } => self.files.ask(files::Wish::Keep { path, unsaved }),
                Effect::Release(path) => self.files.ask(files::Wish::Release(path)),
                Effect::Forget(offer) => self.files.ask(files::Wish::Forget(offer)),
                Effect::SetAside(offer) => self.files.ask(files::Wish::SetAside(offer)),
                Effect::Watch(files) => {
                    if let Some((follower, open)) = self.follower.as_ref().zip(self.open.clone()) {
                        follower.watch(files.into_iter().chain([open]));
                    }
                }
                Effect::Run(plan) => self.performer.run(plan),
                Effect::StopRun => self.performer.stop(),
                Effect::RunAgain(run) => self.performer.again(run),
                Effect::Resume(run) => self.performer.resume(run),
                Effect::Follow(run) => self.ask(journal::Wish::Follow(run)),
                Effect::Load(path) => drop(self.pictures.send(path)),
                Effect::Recall(run) => self.ask(journal::Wish::Recall(run)),
                Effect::Browse(browse) => self.ask(journal::Wish::Browse(browse)),
                Effect::Change(change) => self.ask(journal::Wish::Change(change)),
                Effect::Thumbnails(paths) => drop(self.thumbnails.send(paths)),
                Effect::Enqueue { plan, priority } => self.performer.enqueue(plan, priority, &self.sender),
                Effect::EnqueueAll(jobs) => self.performer.enqueue_all(jobs, &self.sender),
                Effect::WriteSheet(sheet) => self.performer.write(sheet, &self.sender),
                Effect::RunJob(job) => self.performer.job(*job),
                Effect::Claim => self.performer.claim(&self.sender),
                Effect::Copy(text) => self.to_copy = desktop::copying(&text),
                Effect::ShowFolder(folder) => desktop::open(folder, self.sender.clone()),
                Effect::Examine(path) => self.encoder.examine(path),
            }
        }
    }

    /// Asks something of the journal.
    fn ask(&self, wish: journal::Wish) {
        if let Some(journal) = &self.journal {
            let _ = journal.send(wish);
        }
    }

    fn open(&mut self, path: PathBuf) {
        let (sender, file) = (self.sender.clone(), path.clone());
        let files = self.files.asker();
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let follower = Follower::start(move |changed| {
            let is_other = changed.iter().any(|path| *path != absolute);
            if changed.contains(&absolute) {
                // In order with what is written: what is read is never older than what is known to be saved.
                let _ = files.send(files::Wish::Read(file.clone()));
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
        let entries = match attempt(|| workflows(&folder)) {
            Some(entries) => entries.map_err(|error| format!("cannot list `{}`: {error}", folder.display())),
            None => Err(format!("cannot list `{}`: {DEFECT}", folder.display())),
        };
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
            let picture = attempt(|| pictures::load(&path));
            let picture = picture.unwrap_or_else(|| Err(format!("cannot show `{}`: {DEFECT}", path.display())));
            if sender.send(Message::Loaded(path, picture)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("pictures".into()).spawn(work)?;
    Ok(wishes)
}
