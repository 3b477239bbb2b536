//! One file per command.

pub(crate) mod cache;
pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod dev;
pub(crate) mod doctor;
mod drain;
mod model_card;
pub(crate) mod models;
pub(crate) mod nodes;
pub(crate) mod plugins;
pub(crate) mod queue;
pub(crate) mod reproduce;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod show;
pub(crate) mod tui;
pub(crate) mod watch;
pub(crate) mod workflow;
