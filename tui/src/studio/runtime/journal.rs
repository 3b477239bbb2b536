//! Reads the journal on a thread of its own: lists of runs, everything about one, and how runs of other processes stand.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easel_engine::{Cancelled, Journal, JournalError, NodeRecord, RunId, RunQuery, RunState, SweepPart};

use super::super::effect::Change;
use super::super::message::{Message, Tone};
use super::super::model::timeline::containers;
use super::super::model::totals::Past;
use super::super::model::{Browse, QueueRow, RunsPage, RunsWish};
use super::super::update::Seen;
use super::DEFECT;
use super::attempt::attempt;
use super::gallery::Pictures;
use super::history::{Follower, Index};
use crate::error::CommandError;
use crate::execution::is_picture;
use crate::terminal::count;
use crate::workspace;

/// How often somebody looks for what is new.
const LOOK: Duration = Duration::from_millis(400);

/// Among so many of the newest runs, earlier ones of the same workflow are looked for.
const LOOKED_AT: u64 = 100;

/// So many of them are read: of a node that was known in one, another may know how long it takes.
const READ: usize = 6;

/// What is wanted of the journal.
pub(super) enum Wish {
    /// These parts of it, again and again.
    Browse(Browse),
    /// How a run stands, again and again until it is over.
    Follow(RunId),
    /// What earlier runs of the same workflow took.
    Recall(RunId),
    /// That something in it becomes something else.
    Change(Change),
}

/// The thread; it ends when nobody has wishes any more.
pub(super) fn start(sender: Sender<Message>) -> io::Result<Sender<Wish>> {
    let (wishes, wanted) = channel();
    let mut reader = Reader::new(sender);
    std::thread::Builder::new().name("journal reader".into()).spawn(move || reader.work(&wanted))?;
    Ok(wishes)
}

struct Reader {
    sender: Sender<Message>,
    browse: Browse,
    followed: Option<RunId>,
    journal: Option<Journal>,
    index: Index,
    details: Vec<Follower>,
    gallery: Pictures,
    told: Told,
}

/// What was told last: the same is not told again.
#[derive(Default)]
struct Told {
    runs: Option<Result<RunsPage, String>>,
    queue: Option<Result<Vec<QueueRow>, String>>,
    pictures: Option<Result<(), String>>,
    sweep: Vec<Seen>,
    grid: Vec<(RunId, Arc<SweepPart>)>,
    prompts: Vec<Arc<str>>,
}

impl Reader {
    fn new(sender: Sender<Message>) -> Self {
        Reader {
            sender,
            browse: Browse::default(),
            followed: None,
            journal: None,
            index: Index::default(),
            details: Vec::new(),
            gallery: Pictures::default(),
            told: Told::default(),
        }
    }

    fn work(&mut self, wanted: &Receiver<Wish>) {
        loop {
            let is_busy = self.browse != Browse::default() || self.followed.is_some();
            let Browse { runs, pictures, prompts, grid, .. } = &self.browse;
            let lists = runs.is_some() || pictures.is_some() || *prompts || grid.is_some();
            let is_behind = lists && self.journal.is_some() && self.index.unread() > 0;
            let wait = match (is_behind, is_busy) {
                (true, _) => Duration::ZERO,
                (false, true) => LOOK,
                (false, false) => Duration::MAX,
            };
            let first = match wanted.recv_timeout(wait) {
                Ok(wish) => Some(wish),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let work = || {
                // Keys come faster than answers: only what is wanted by now is looked for.
                first.into_iter().chain(wanted.try_iter()).for_each(|wish| self.take(wish));
                self.look();
            };
            if attempt(work).is_none() {
                // Whatever it was, it is not tried over and over.
                *self = Reader::new(self.sender.clone());
                let text =
                    format!("reading the journal broke off: {DEFECT}. Show the runs again to have it tried again");
                self.send(Message::Told(Tone::Error, text));
            }
        }
    }

    fn take(&mut self, wish: Wish) {
        match wish {
            Wish::Browse(browse) => {
                self.details.retain(|follower| browse.details.contains(&follower.run));
                for run in &browse.details {
                    if self.details.iter().all(|follower| follower.run != *run) {
                        self.details.push(Follower::of(*run));
                    }
                }
                if browse.runs != self.browse.runs {
                    self.told.runs = None;
                }
                if browse.queue != self.browse.queue {
                    self.told.queue = None;
                }
                if browse.sweep != self.browse.sweep {
                    self.told.sweep.clear();
                }
                if browse.grid != self.browse.grid {
                    self.told.grid.clear();
                }
                if browse.pictures != self.browse.pictures {
                    self.told.pictures = None;
                }
                self.browse = browse;
            }
            Wish::Follow(run) => self.followed = Some(run),
            Wish::Change(change) => self.change(change),
            Wish::Recall(run) => self.recall(run),
        }
    }

    fn look(&mut self) {
        if let Some(wish) = self.browse.runs.clone() {
            self.list(&wish);
        }
        self.tell_details();
        if self.browse.queue {
            self.tell_queue();
        }
        if self.browse.prompts {
            self.tell_prompts();
        }
        if let Some(run) = self.browse.grid {
            self.tell_grid(run);
        }
        if !self.browse.sweep.is_empty() {
            self.tell_sweep();
        }
        if let Some(folder) = self.browse.pictures.clone() {
            self.tell_pictures(&folder);
        }
        if let Some(run) = self.followed {
            self.follow(run);
        }
    }

    fn send(&self, message: Message) {
        // The studio may be ending.
        let _ = self.sender.send(message);
    }

    /// Does something with the journal, as soon as there is one. After a fault it is opened anew.
    fn with<T>(&mut self, f: impl FnOnce(&mut Self, &Journal) -> Result<T, JournalError>) -> Result<Option<T>, String> {
        if self.journal.is_none() {
            self.journal = workspace::journal_to_read().map_err(|error| words(&error))?;
        }
        let Some(journal) = self.journal.clone() else { return Ok(None) };
        f(self, &journal).map(Some).map_err(|error| {
            if !matches!(error, JournalError::UnknownRun { .. } | JournalError::WrongState { .. }) {
                self.journal = None;
                self.index = Index::default();
            }
            words(&error.into())
        })
    }

    fn list(&mut self, wish: &RunsWish) {
        let page = self.with(|reader, journal| {
            reader.index.refresh(journal)?;
            if reader.index.unread() > 0 {
                reader.index.read_on(journal)?;
            }
            reader.index.page(journal, wish)
        });
        let none =
            RunsPage { filter: wish.filter.clone(), first: 0, rows: Vec::new(), at: 0, found: 0, total: 0, unread: 0 };
        let page = page.map(|page| page.unwrap_or(none));
        if self.told.runs.as_ref() != Some(&page) {
            self.told.runs = Some(page.clone());
            self.send(Message::Runs(page));
        }
    }

    fn tell_queue(&mut self) {
        let queue = self.with(|reader, journal| reader.index.queue(journal)).map(Option::unwrap_or_default);
        if self.told.queue.as_ref() != Some(&queue) {
            self.told.queue = Some(queue.clone());
            self.send(Message::Queue(queue));
        }
    }

    fn tell_prompts(&mut self) {
        let prompts = self.with(|reader, journal| {
            reader.index.refresh(journal)?;
            reader.index.read_on(journal)?;
            Ok(reader.index.prompts())
        });
        match prompts {
            Ok(Some(prompts)) if prompts != self.told.prompts => {
                self.told.prompts.clone_from(&prompts);
                self.send(Message::Prompts(prompts.into()));
            }
            // Without a journal, one types.
            _ => {}
        }
    }

    fn tell_sweep(&mut self) {
        let runs = self.browse.sweep.clone();
        let seen = self.with(|_, journal| {
            let files = journal.artifacts_of(&runs)?;
            // Of one run, the last comes first.
            let picture = |run: RunId| {
                let mut of_run = files.iter().rev().filter(|(writer, file)| *writer == run && is_picture(&file.path));
                of_run.next().map(|(_, file)| file.path.clone())
            };
            let runs = journal.summaries(&runs)?;
            Ok(runs.iter().map(|run| (run.run, run.state, picture(run.run))).collect::<Vec<_>>())
        });
        match seen {
            Ok(Some(seen)) if seen != self.told.sweep => {
                self.told.sweep.clone_from(&seen);
                self.send(Message::Sweep(seen));
            }
            // What is wrong with the journal is told where it is shown.
            _ => {}
        }
    }

    /// The runs of the sweep that a run belongs to.
    fn tell_grid(&mut self, run: RunId) {
        let parts = self.with(|reader, journal| {
            reader.index.refresh(journal)?;
            if reader.index.unread() > 0 {
                reader.index.read_on(journal)?;
            }
            reader.index.sweep(journal, run)
        });
        match parts {
            Ok(Some(parts)) if parts != self.told.grid => {
                self.told.grid.clone_from(&parts);
                self.send(Message::Grid(run, parts));
            }
            // What is wrong with the journal is told where it is shown.
            _ => {}
        }
    }

    fn tell_pictures(&mut self, folder: &Path) {
        if self.told.pictures.is_none() {
            self.gallery = Pictures::default();
        }
        let shots = self.with(|reader, journal| {
            reader.index.refresh(journal)?;
            if reader.index.unread() > 0 {
                reader.index.read_on(journal)?;
            }
            reader.gallery.look(journal, &reader.index, folder)
        });
        let told = shots.as_ref().map(drop).map_err(Clone::clone);
        if let (Some(before), Err(_)) | (Some(before @ Err(_)), Ok(_)) = (&self.told.pictures, &told)
            && *before != told
        {
            // What was told was of a journal that could be read, or of none.
            self.gallery = Pictures::default();
        }
        // Without a journal there may still be pictures in the folder.
        let shots = match shots {
            Ok(Some(shots)) => shots,
            Ok(None) => self.gallery.without_journal(folder, None),
            Err(why) => self.gallery.without_journal(folder, Some(&why)),
        };
        if let Some(shots) = shots {
            self.send(Message::Pictures(shots));
        }
        self.told.pictures = Some(told);
    }

    fn tell_details(&mut self) {
        for mut follower in std::mem::take(&mut self.details) {
            let details = self.with(|_, journal| Ok(follower.look(journal)));
            let news = match details {
                Ok(Some(news)) => news.map_err(|error| words(&error.into())),
                Ok(None) => Ok(None),
                Err(why) => Err(why),
            };
            if let Some(details) = follower.news(news) {
                self.send(Message::Details(follower.run, details));
            }
            self.details.push(follower);
        }
    }

    fn follow(&mut self, run: RunId) {
        let story = self.with(|_, journal| journal.story(run));
        match story {
            Ok(Some(story)) => {
                if story.summary.state.is_over() {
                    self.followed = None;
                }
                self.send(Message::Story(Box::new(story), milliseconds()));
            }
            Ok(None) => {
                self.followed = None;
                self.send(Message::NoStory(format!("there is no run {}: nothing was run yet", run.0)));
            }
            Err(why) => {
                self.followed = None;
                self.send(Message::NoStory(why));
            }
        }
    }

    /// That is no reason to say anything if it cannot be known.
    fn recall(&mut self, run: RunId) {
        if let Ok(Some(Some(past))) = self.with(|_, journal| Ok(past(journal, run))) {
            self.send(Message::Past(run, past));
        }
    }

    fn change(&mut self, change: Change) {
        let done = workspace::needed_journal().and_then(|journal| Ok(carry_out(&journal, change)?));
        // What is shown is from before.
        (self.told.runs, self.told.queue) = (None, None);
        match done {
            Ok(None) => {}
            Ok(Some(text)) => self.send(Message::Told(Tone::Note, text)),
            Err(error) => self.send(Message::Told(Tone::Error, words(&error))),
        }
    }
}

/// Changes the journal; what there is to say about it.
fn carry_out(journal: &Journal, change: Change) -> Result<Option<String>, JournalError> {
    Ok(match change {
        Change::Cancel(run) => Some(match journal.cancel(run)? {
            Cancelled::AtOnce => format!("run {} is cancelled", run.0),
            Cancelled::Asked => format!("run {} is asked to stop", run.0),
            Cancelled::TooLate(state) => format!("run {} is over: it is {}", run.0, state.name()),
        }),
        Change::EnqueueAgain(run) => {
            let job = journal.story(run)?.job;
            let RunId(queued) = journal.enqueue(&job, 0)?;
            Some(format!("run {queued} waits: run {} once more", run.0))
        }
        Change::Enqueue(job) => {
            let RunId(queued) = journal.enqueue(&job, 0)?;
            Some(format!("run {queued} waits for its turn"))
        }
        Change::Priority(run, priority) => {
            journal.set_priority(run, priority)?;
            None
        }
        Change::Move(run, place) => {
            journal.move_to(run, place)?;
            None
        }
        Change::Remove(run) => {
            journal.remove(run)?;
            Some(format!("run {} is taken out of the queue", run.0))
        }
        Change::CancelAll => Some(format!("{} cancelled, or asked to stop", count(journal.cancel_all()?.len(), "run"))),
        Change::Forget(run) => {
            journal.forget(run)?;
            Some(format!("run {} is forgotten; the files that it wrote are where they were", run.0))
        }
    })
}

/// Since 1970.
fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What is wrong, and what to do about it.
fn words(error: &CommandError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\n{hint}"),
        None => error.to_string(),
    }
}

/// How long the nodes of a run took in earlier runs of the same workflow; none if there were none.
fn past(journal: &Journal, run: RunId) -> Option<Past> {
    let workflow = journal.story(run).ok()?.summary.workflow;
    let query = RunQuery { state: Some(RunState::Completed), limit: LOOKED_AT, offset: 0 };
    let earlier = journal.runs(&query).ok()?.runs;
    let earlier = earlier.into_iter().filter(|summary| summary.workflow == workflow && summary.run != run);
    let mut past = Past { seconds: HashMap::new(), side_by_side: 1.0 };
    let mut is_first = true;
    for summary in earlier.take(READ) {
        let Ok(story) = journal.story(summary.run) else { continue };
        // A node that runs others takes as long as they do.
        let containers = containers(story.nodes.iter().map(|node| node.node.as_str()));
        let is_leaf = |node: &NodeRecord| !containers.contains(node.node.as_str());
        let took: Vec<_> = story.nodes.iter().filter_map(|node| Some((node, node.seconds?))).collect();
        let all: f64 = took.iter().filter(|(node, _)| is_leaf(node)).map(|(_, seconds)| seconds).sum();
        if let Some(whole) = summary.seconds.filter(|_| is_first && all > 0.0) {
            past.side_by_side = (whole / all).min(1.0);
            is_first = false;
        }
        for (node, seconds) in took.into_iter().filter(|(node, _)| is_leaf(node)) {
            past.seconds.entry(Arc::from(node.node.as_str())).or_insert(seconds);
        }
    }
    (!past.seconds.is_empty()).then_some(past)
}
