//! How a command can end.

use std::process::ExitCode;

/// What the shell is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all is done.
    Done,
    /// 1: it was tried and failed, or was stopped.
    Failed,
    /// 2: the workflow or the arguments are wrong; nothing was tried.
    Wrong,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

impl Exit {
    /// The process's exit status.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
        }
    }
}

/// Why a command gave up. What is wrong with a workflow is told by diagnostics instead.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl CommandError {
    /// The arguments, or what they name, are wrong.
    pub fn wrong(message: impl Into<String>) -> Self {
        CommandError { message: message.into(), hint: None, exit: Exit::Wrong }
    }

    /// It was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        CommandError { message: message.into(), hint: None, exit: Exit::Failed }
    }

    /// Says what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What the shell is told.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<std::io::Error> for CommandError {
    /// Writing the command's own output failed (a full disk behind a redirection).
    fn from(error: std::io::Error) -> Self {
        CommandError::failed(format!("cannot write the output: {error}"))
    }
}
