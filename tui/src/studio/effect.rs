//! Everything that the studio can ask of the world: one closed enum.

use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::{Plan, RunId};

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
    /// Keep a text that is not saved yet beside the journal, where it survives the end of the process; none: forget it.
    Keep {
        /// The file that it would be saved to.
        path: PathBuf,
        /// It.
        text: Option<Arc<str>>,
    },
    /// Put what was kept of a workflow at an earlier time where it is not written over.
    SetAside(PathBuf),
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
    /// Find out how long earlier runs of the same workflow took.
    Recall(RunId),
    /// Find out what is known of a picture's file.
    Examine(PathBuf),
}
