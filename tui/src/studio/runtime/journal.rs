//! Reads the journal on a thread of its own: lists of runs, and how runs of other processes stand.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use easel_engine::{Cancelled, Journal, JournalError, RunId, RunPage, RunQuery};

use super::super::message::{Message, Tone};
use super::DEFECT;
use super::attempt::attempt;
use crate::workspace;

/// How often somebody looks for what is new.
const LOOK: Duration = Duration::from_millis(400);

/// So many of the newest runs are listed.
const MOST: u64 = 500;

/// What is wanted of the journal.
pub(super) enum Wish {
    /// The newest runs, again and again while `true`.
    List(bool),
    /// How a run stands, again and again until it is over.
    Follow(RunId),
    /// That a run ends, whoever carries it out.
    Cancel(RunId),
}

/// The thread; it ends when nobody has wishes any more.
pub(super) fn start(sender: Sender<Message>) -> io::Result<Sender<Wish>> {
    let (wishes, wanted) = channel();
    let mut reader = Reader { sender, lists: false, followed: None, told: None, journal: None };
    std::thread::Builder::new().name("journal reader".into()).spawn(move || reader.work(&wanted))?;
    Ok(wishes)
}

struct Reader {
    sender: Sender<Message>,
    lists: bool,
    followed: Option<RunId>,
    /// The list that was told last.
    told: Option<Result<RunPage, String>>,
    journal: Option<Journal>,
}

impl Reader {
    fn work(&mut self, wanted: &Receiver<Wish>) {
        loop {
            let is_busy = self.lists || self.followed.is_some();
            let wish = match wanted.recv_timeout(if is_busy { LOOK } else { Duration::MAX }) {
                Ok(wish) => Some(wish),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if attempt(|| self.perform(wish)).is_none() {
                // Whatever it was, it is not tried over and over.
                self.lists = false;
                self.followed = None;
                self.journal = None;
                let text =
                    format!("reading the journal broke off: {DEFECT}. Show the runs again to have it tried again");
                self.send(Message::Told(Tone::Error, text));
            }
        }
    }

    fn perform(&mut self, wish: Option<Wish>) {
        match wish {
            Some(Wish::List(lists)) => {
                self.lists = lists;
                self.told = None;
            }
            Some(Wish::Follow(run)) => self.followed = Some(run),
            Some(Wish::Cancel(run)) => self.cancel(run),
            None => {}
        }
        if self.lists {
            self.list();
        }
        if let Some(run) = self.followed {
            self.follow(run);
        }
    }

    fn send(&self, message: Message) {
        // The studio may be ending.
        let _ = self.sender.send(message);
    }

    /// The journal, as soon as there is one.
    fn journal(&mut self) -> Result<Option<&Journal>, String> {
        if self.journal.is_none() {
            self.journal = workspace::journal_to_read().map_err(|error| error.to_string())?;
        }
        Ok(self.journal.as_ref())
    }

    fn list(&mut self) {
        let query = RunQuery { state: None, limit: MOST, offset: 0 };
        let page = match self.journal() {
            Ok(Some(journal)) => journal.runs(&query).map_err(|error| error.to_string()),
            Ok(None) => Ok(RunPage { runs: Vec::new(), total: 0 }),
            Err(why) => Err(why),
        };
        if self.told.as_ref() != Some(&page) {
            self.told = Some(page.clone());
            self.send(Message::Runs(page));
        }
    }

    fn follow(&mut self, run: RunId) {
        let story = match self.journal() {
            Ok(Some(journal)) => journal.story(run).map_err(|error| error.to_string()),
            Ok(None) => Err(format!("there is no run {}: nothing was run yet", run.0)),
            Err(why) => Err(why),
        };
        match story {
            Ok(story) => {
                if story.summary.state.is_over() {
                    self.followed = None;
                }
                self.send(Message::Story(Box::new(story)));
            }
            Err(why) => {
                self.followed = None;
                self.send(Message::NoStory(why));
            }
        }
    }

    fn cancel(&mut self, run: RunId) {
        let RunId(number) = run;
        let cancelled = workspace::needed_journal().map_err(|error| error.to_string());
        let cancelled =
            cancelled.and_then(|journal| journal.cancel(run).map_err(|error: JournalError| error.to_string()));
        self.send(match cancelled {
            Ok(Cancelled::AtOnce) => Message::Told(Tone::Note, format!("run {number} is cancelled")),
            Ok(Cancelled::Asked) => Message::Told(Tone::Note, format!("run {number} is asked to stop")),
            Ok(Cancelled::TooLate(state)) => {
                Message::Told(Tone::Note, format!("run {number} is over: it is {}", state.name()))
            }
            Err(why) => Message::Told(Tone::Error, why),
        });
    }
}
