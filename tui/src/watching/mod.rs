//! Runs a workflow again whenever a file that it depends on changes.
//!
//! `watcher` decides what to do and `debounce` when to look: both without threads, files or clocks. `places` knows where
//! a change can matter, `folders` has the system tell of changes there, `contents` says whether there was one.
//! `inspect` puts these together and plans, `session` is the threads: one tells and decides, one looks and plans, one
//! runs. `follow` is for those who only want to know that files changed.

mod contents;
mod debounce;
mod folders;
mod follow;
mod inspect;
mod places;
mod session;
mod watcher;

pub(crate) use follow::Follower;
pub(crate) use inspect::Planned;
pub(crate) use session::{Broken, Session, Sound, Work};
