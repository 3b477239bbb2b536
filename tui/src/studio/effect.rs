//! Everything that the studio can ask of the world: one closed enum.

use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::{Plan, RunId};

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
    /// Cancel a run, whoever carries it out.
    CancelRecorded(RunId),
    /// Read the newest runs of the journal, and again every now and then while `true`.
    ListRuns(bool),
    /// Tell of a run again and again until it is over.
    Follow(RunId),
    /// Read a picture.
    Load(PathBuf),
    /// Find out what is known of a picture's file.
    Examine(PathBuf),
}
