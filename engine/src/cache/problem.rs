//! Why results are not kept on disk.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why results are not kept on disk, or no longer. No run fails for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheProblem {
    /// The folder cannot be used.
    #[error("results are not kept on disk: `{}` cannot be used: {reason}", folder.display())]
    Unusable {
        /// Where results should be.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Writing failed; what is there is still read.
    #[error("results are no longer written to disk: `{}`: {reason}", folder.display())]
    Unwritable {
        /// Where results are.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Another process holds it for too long.
    #[error("results are not kept on disk: another process keeps `{}` locked", folder.display())]
    Locked {
        /// Where results are.
        folder: PathBuf,
    },
    /// The index was damaged: what was kept is lost.
    #[error("the index of the results in `{}` was damaged; it begins anew", folder.display())]
    Damaged {
        /// Where results are.
        folder: PathBuf,
    },
    /// The index was found damaged while it was in use.
    #[error("results are not kept on disk for now: the index in `{}` is damaged", folder.display())]
    DamagedInUse {
        /// Where results are.
        folder: PathBuf,
    },
    /// A newer Easel made it.
    #[error("results are not kept on disk: a newer version of Easel keeps its own in `{}`", folder.display())]
    Newer {
        /// Where results are.
        folder: PathBuf,
    },
}

impl CacheProblem {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            CacheProblem::Unusable { .. } => {
                "make it a folder that can be written to, or name another with the environment variable EASEL_CACHE"
            }
            CacheProblem::Unwritable { .. } => {
                "free some space (`easel cache clear` gives back what results take), or check the permissions"
            }
            CacheProblem::Locked { .. } => "wait for the other process, or end it",
            CacheProblem::Damaged { .. } => {
                "nothing to do; the damaged file is beside the new one, named `index.damaged`"
            }
            CacheProblem::DamagedInUse { .. } => "run `easel cache verify`, or just run again: it is then begun anew",
            CacheProblem::Newer { .. } => {
                "use that version, or name another folder with the environment variable EASEL_CACHE"
            }
        }
    }

    pub(super) fn unusable(folder: &Path, reason: impl ToString) -> Self {
        CacheProblem::Unusable { folder: folder.to_path_buf(), reason: reason.to_string() }
    }
}

/// What an error of the database means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another process was at it for too long.
    Busy,
    /// What is in it cannot be.
    Damaged,
    /// The system refuses: no space, no permission, no such file.
    System,
}

impl Trouble {
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Trouble::Busy
            }
            // Statements are right; so a table that they do not find was damaged. Columns of wrong types have no code.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) | None => Trouble::Damaged,
            Some(ErrorCode::TypeMismatch | ErrorCode::ConstraintViolation | ErrorCode::SchemaChanged) => {
                Trouble::Damaged
            }
            Some(_) => Trouble::System,
        }
    }
}
