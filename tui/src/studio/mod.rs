//! The full-screen interface: a workflow's graph, seen and run in a terminal.
//!
//! `model` is all that it knows, `update` the one place that changes it: a pure function of a `message` that answers with
//! `effect`s. `view` draws the model. `runtime` is the world around: the terminal, threads, files, the journal.

pub mod bare;
mod config;
mod effect;
mod field;
#[cfg(test)]
mod fixture;
mod fuzzy;
pub mod graph_view;
mod graphics;
mod keymap;
pub mod layout;
mod message;
mod model;
mod recording;
mod runtime;
pub mod scene;
#[cfg(test)]
mod tests;
pub mod theme;
mod update;
mod view;

pub(crate) use config::{Config, read as read_config};
pub(crate) use graphics::Pictures;
pub(crate) use recording::{Head as RecordingHead, Recording};
pub(crate) use runtime::{Recorder, Start, Studio, has_unsaved};
