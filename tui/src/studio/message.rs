//! Everything that can happen to the studio: one closed enum.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use easel_engine::{Event, Outcome, RunId, RunStory, SweepPart};
use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use super::model::gauges::Sample;
use super::model::still::{Details, Still};
use super::model::totals::Past;
use super::model::{Checked, Entry, Offer, Picture, QueueRow, RunsPage, Shots};
use super::runtime::Merged;
use super::update::{Claimed, Seen};

/// Something that happened.
pub(crate) enum Message {
    /// So much time has passed since the beginning. Comes before everything that happened by then.
    Time(Duration),
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// A text was pasted.
    Pasted(String),
    /// The terminal has so many columns and lines.
    Resized(u16, u16),
    /// The screen shows something else: everything has to be drawn again.
    Uncovered,
    /// The workflows in a folder, or why they cannot be listed.
    Listed(PathBuf, Result<Vec<Entry>, String>),
    /// The text of the open workflow as it is on disk now, or why it cannot be read.
    Read(PathBuf, Result<Arc<str>, String>),
    /// The open workflow was written, or why not.
    Saved(PathBuf, Result<Arc<str>, String>),
    /// A file that was not there was written, or why not.
    Created(PathBuf, Result<(), String>),
    /// The names of files that go on with what was typed.
    Completed(String, Vec<String>),
    /// A text as it is after the user's editor, or why there is none.
    Edited(Result<String, String>),
    /// Changes of an earlier time to the open workflow that were never saved.
    Recovered(PathBuf, Offer),
    /// Another file that the open workflow depends on changed.
    Touched,
    /// What came of checking a text.
    Checked(Box<Checked>),
    /// A run begins. The id is that of the journal; none if it is not written down.
    RunBegins {
        /// Its id.
        run: Option<RunId>,
        /// Its nodes.
        nodes: Vec<Arc<str>>,
    },
    /// Something happened in the run.
    Event(Box<Event>),
    /// The run is over; how, or why it could not begin.
    RunEnded(Result<Outcome, Problem>),
    /// A picture of a node of the run, small.
    Preview(Arc<str>, Picture),
    /// A picture that was asked for.
    Loaded(PathBuf, Result<Picture, String>),
    /// A part of the list of runs.
    Runs(Result<RunsPage, String>),
    /// What waits to be run, after what is being run.
    Queue(Result<Vec<QueueRow>, String>),
    /// The runs of a sweep were put into the queue, in order, or why not.
    Swept(Vec<Result<RunId, String>>),
    /// How the runs of a sweep stand.
    Sweep(Vec<Seen>),
    /// The runs of the sweep that a run belongs to, oldest first, as far as they were read.
    Grid(RunId, Vec<(RunId, Arc<SweepPart>)>),
    /// The prompts of earlier runs, newest first, each once.
    Prompts(Arc<[Arc<str>]>),
    /// All pictures that are known of.
    Pictures(Shots),
    /// A job was put into the queue, or why not.
    Enqueued(Result<RunId, String>),
    /// What came of asking for the next of the queue.
    Claimed(Claimed),
    /// Everything about a run, or why that is not known.
    Details(RunId, Result<Box<super::model::Details>, String>),
    /// A small picture that was asked for, or why there is none.
    Thumbnail(PathBuf, Result<Picture, String>),
    /// The desktop was asked to show a folder; why it did not.
    FolderShown(PathBuf, Result<(), String>),
    /// How a run stands that another process carries out, and when that was read, in milliseconds since 1970.
    Story(Box<RunStory>, i64),
    /// The run that was to be followed cannot be.
    NoStory(String),
    /// Something to tell, whoever says it.
    Told(Tone, String),
    /// Somebody asks the process to end.
    Terminate,
    /// What is not saved survives the process from now on, or why it does not.
    Kept(Result<(), String>),
    /// Checking a text broke off.
    Unchecked(u64),
    /// The terminal took the last picture.
    Shown,
    /// The terminal is gone.
    Gone,
    /// A picture was made ready for the place of the screen that wants it.
    Drawn(Box<Still>),
    /// What is known of a picture's file, or why nothing is.
    Examined(PathBuf, Result<Details, String>),
    /// How busy the machine is.
    Sampled(Sample),
    /// How far nodes are and what they show, as far as nobody has looked at it: the runtime makes messages of it.
    Merged(Merged),
    /// What earlier runs of the same workflow took as this one.
    Past(RunId, Past),
    /// Something for the log alone.
    Noted(Tone, String),
    /// The cells of the terminal have so many columns and rows of pixels.
    CellSize(u16, u16),
}

/// Why something did not work, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

/// How bad something is that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// Every little thing.
    Detail,
    /// Good to know.
    Note,
    /// It may not be as meant.
    Warning,
    /// It went wrong.
    Error,
}
