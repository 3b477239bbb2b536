//! Everything that the studio can ask of the world: one closed enum.

use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::{Job, Place, Plan, RunId};

use super::model::Browse;

use super::model::Unsaved;

/// Something to do outside of the model. What comes of it comes back as a message.
pub(crate) enum Effect {
    /// List the workflows in a folder.
    List(PathBuf),
    /// Read a workflow, and again whenever it or what it depends on changes.
    Open(PathBuf),
    /// Check a text as the content of a file; an older wish that is not begun yet is dropped.
    Check {
        /// The file.
        path: PathBuf,
        /// The text.
        text: Arc<str>,
        /// Comes back with the result.
        revision: u64,
        /// The files from which it was entered, with their texts as they are here, outermost first.
        around: Vec<(PathBuf, Arc<str>)>,
    },
    /// Write a text into the file of a workflow, unless somebody else changed it meanwhile.
    Save {
        /// The file.
        path: PathBuf,
        /// The text.
        text: Arc<str>,
        /// What is in the file, as far as is known.
        known: Arc<str>,
    },
    /// Write a text into a file that is not there yet.
    Create {
        /// The file.
        path: PathBuf,
        /// The text.
        text: Arc<str>,
    },
    /// Look for files whose names go on with what was typed; relative ones count from a folder.
    Complete {
        /// The folder.
        base: PathBuf,
        /// What was typed.
        typed: String,
    },
    /// What was set for an input when easel began counts no longer.
    Unset(String),
    /// Have a text edited in the user's editor, which has the terminal meanwhile.
    EditText(String),
    /// Keep changes that are not saved yet beside the journal, where they survive the end of the process; none: there are
    /// none any more.
    Keep {
        /// The file that they would be saved to.
        path: PathBuf,
        /// They.
        unsaved: Option<Unsaved>,
    },
    /// Offer what is kept of a workflow when it is opened again: it is left with changes that are not saved.
    Release(PathBuf),
    /// Remove what was offered of an earlier time: it was kept anew before, or is in the file.
    Forget(u64),
    /// Put what was offered of an earlier time where it is not offered again.
    SetAside(u64),
    /// Watch these files too: the open workflow depends on them.
    Watch(Vec<PathBuf>),
    /// Carry a plan out.
    Run(Plan),
    /// Stop the run that was begun here.
    StopRun,
    /// Do a run of the journal again.
    RunAgain(RunId),
    /// Go on with a run of the journal.
    Resume(RunId),
    /// Tell of a run again and again until it is over.
    Follow(RunId),
    /// Read a picture.
    Load(PathBuf),
    /// Find out how long earlier runs of the same workflow took.
    Recall(RunId),
    /// Look at these parts of the journal, and again and again at what may change there; at no others any more.
    Browse(Browse),
    /// Change something in the journal.
    Change(Change),
    /// Read these pictures small. Those that were asked for before and are not among them need not be read.
    Thumbnails(Vec<PathBuf>),
    /// Put a text into the clipboard of whoever sits in front of the terminal.
    Copy(String),
    /// Put a plan into the queue.
    Enqueue {
        /// It.
        plan: Plan,
        /// Higher ones come first.
        priority: i64,
    },
    /// Put these into the queue, with the settings of the session.
    EnqueueAll(Vec<Job>),
    /// Write a grid of pictures as one, into the folder for what is written.
    WriteSheet(Sheet),
    /// Carry a job out, like one that was run before.
    RunJob(Box<Job>),
    /// Carry out the next that waits in the queue.
    Claim,
    /// Have the desktop show a folder.
    ShowFolder(PathBuf),
    /// Find out what is known of a picture's file.
    Examine(PathBuf),
}

impl Effect {
    /// Whether it touches nothing outside of the process: all that a demonstration may do. Its runs are recorded ones.
    pub(crate) fn stays_inside(&self) -> bool {
        matches!(self, Effect::Check { .. } | Effect::Unset(_) | Effect::Run(_) | Effect::StopRun | Effect::Copy(_))
    }

    /// Whether somebody asked for it, and notices that it is not done.
    pub(crate) fn is_asked_for(&self) -> bool {
        !matches!(
            self,
            Effect::Watch(_)
                | Effect::Keep { .. }
                | Effect::Release(_)
                | Effect::Load(_)
                | Effect::Recall(_)
                | Effect::Browse(_)
                | Effect::Thumbnails(_)
                | Effect::Examine(_)
                | Effect::Complete { .. }
        )
    }
}

/// A grid of pictures with what rows and columns are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// Of each column.
    pub(crate) columns: Vec<String>,
    /// Of each row.
    pub(crate) rows: Vec<String>,
    /// Row by row; none: an empty place.
    pub(crate) pictures: Vec<Option<PathBuf>>,
}

/// Something in the journal becomes something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A run ends, whoever carries it out.
    Cancel(RunId),
    /// A run that is over is forgotten.
    Forget(RunId),
    /// A run is put into the queue as it was run before.
    EnqueueAgain(RunId),
    /// A job is put into the queue.
    Enqueue(Box<Job>),
    /// A waiting run gets another priority.
    Priority(RunId, i64),
    /// A waiting run gets another place.
    Move(RunId, Place),
    /// A waiting run is taken out of the queue, as if it had never been there.
    Remove(RunId),
    /// Everything that waits or is carried out is cancelled.
    CancelAll,
}
