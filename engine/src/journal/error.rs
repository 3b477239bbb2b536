//! What can go wrong with a journal.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::types::RunState;
use crate::event::RunId;

/// Why a journal cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A folder or a lock file.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried: "make the folder".
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What it came from.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("`{}` is no journal of Easel: {reason}", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// How one sees that.
        reason: String,
    },
    /// A newer program wrote it.
    #[error("the journal `{}` was written by a newer Easel: it has version {found}, this one knows {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Reading or writing failed.
    #[error("the journal `{}` cannot be {action}: {reason}", path.display())]
    Storage {
        /// "read", "written".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do about it.
        hint: Option<&'static str>,
    },
    /// Something in it makes no sense.
    #[error("the journal is damaged: run {run}: {what}")]
    Damaged {
        /// The run it is about.
        run: u64,
        /// What is wrong.
        what: String,
    },
    /// There is no such run.
    #[error("there is no run {}", run.0)]
    UnknownRun {
        /// The one that was asked for.
        run: RunId,
        /// The oldest and the newest that there are.
        known: Option<(RunId, RunId)>,
    },
    /// The run is not where it would have to be for that.
    #[error("run {} {}", run.0, refusal)]
    WrongState {
        /// The run.
        run: RunId,
        /// Where it is.
        state: RunState,
        /// A clause: "is complete: there is nothing left to do".
        refusal: &'static str,
    },
}

impl JournalError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            JournalError::File { .. } => Some("EASEL_STATE names another folder for it".into()),
            JournalError::NotAJournal { .. } => Some("move that file away, and a new journal is begun".into()),
            JournalError::Newer { .. } => Some("use that newer Easel, or another folder: EASEL_STATE names it".into()),
            JournalError::Storage { hint, .. } => hint.map(ToString::to_string),
            JournalError::Damaged { .. } => None,
            JournalError::UnknownRun { known: None, .. } => Some("there are none yet".into()),
            JournalError::UnknownRun { known: Some((first, last)), .. } if first == last => {
                Some(format!("there is only run {}", first.0))
            }
            JournalError::UnknownRun { known: Some((first, last)), .. } => {
                Some(format!("there are runs from {} to {}; `easel runs` lists them", first.0, last.0))
            }
            JournalError::WrongState { state, run, .. } => match state {
                RunState::Queued => Some("`easel queue run` carries it out".into()),
                RunState::Running => Some(format!("`easel cancel {}` stops it", run.0)),
                _ => Some(format!("`easel show {}` tells its story", run.0)),
            },
        }
    }

    /// From an error of SQLite while reading (`"read"`) or writing (`"written"`).
    pub(super) fn storage(action: &'static str, path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let code = error.sqlite_error_code();
        if code == Some(ErrorCode::NotADatabase) {
            return JournalError::NotAJournal { path, reason: "it is not even a database".into() };
        }
        let (reason, hint) = match code {
            Some(ErrorCode::DiskFull) => ("the disk is full", Some("make room; what was recorded before is kept")),
            Some(ErrorCode::ReadOnly) => {
                ("it is read-only", Some("make it writable, or name another folder with EASEL_STATE"))
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                ("another process holds it for too long", Some("try again when that process is done"))
            }
            Some(ErrorCode::DatabaseCorrupt) => {
                ("it is damaged", Some("move it away, and a new journal is begun; the pictures are where they were"))
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                ("it cannot be opened", Some("EASEL_STATE names another folder for it"))
            }
            _ => return JournalError::Storage { action, path, reason: error.to_string(), hint: None },
        };
        JournalError::Storage { action, path, reason: reason.into(), hint }
    }
}
