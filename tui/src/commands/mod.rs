//! One file per command.

pub(crate) mod check;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod models;
pub(crate) mod nodes;
pub(crate) mod reproduce;
pub(crate) mod run;
