//! What can go wrong between a checkpoint and a picture.

use std::io::ErrorKind;
use std::path::PathBuf;

use easel_engine::NodeError;
use easel_kernels::KernelError;

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate: what is wrong, where, and (through [`Error::hint`]) what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that cannot be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried: "cannot read", "cannot write", "cannot create".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A model or file that is not what it should be.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and where.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// An op refused its input.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// What the run told a node in the middle of its work: that it was cancelled.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl Error {
    /// Something is not what it should be.
    pub fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid { message: message.into(), hint: None }
    }

    /// Adds what to do about it, to an [`Error::Invalid`].
    pub fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Error::Invalid { message, .. } => Error::Invalid { message, hint: Some(text.into()) },
            other => other,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Invalid { hint, .. } => hint.clone(),
            Error::Io { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    Some("free some space or choose another folder with --out".into())
                }
                ErrorKind::FileTooLarge => Some("a limit on the size of files is set (see `ulimit -f`)".into()),
                ErrorKind::PermissionDenied => Some("check the permissions, or choose another folder".into()),
                _ => None,
            },
            Error::Kernel(_) | Error::Node(_) => None,
        }
    }
}

impl From<Error> for NodeError {
    fn from(error: Error) -> Self {
        if let Error::Node(error) = error {
            return error;
        }
        let hint = error.hint();
        let node_error = match error {
            // Its message tells the cause already.
            Error::Io { .. } => NodeError::new(error.to_string()),
            other => NodeError::from_error(other),
        };
        match hint {
            Some(hint) => node_error.with_hint(hint),
            None => node_error,
        }
    }
}
