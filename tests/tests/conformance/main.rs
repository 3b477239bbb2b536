//! What a node engine must do for its users, case by case, each under three caches: one that keeps everything, one that
//! keeps the hundred results used last, and none, where every "cached" becomes "ran".
//!
//! The nodes are stubs: numbers, texts, sleepers, failures. Each tells the laboratory when it runs, so that "ran" and
//! "cached" are held against what happened and not only against what was told.

#![allow(clippy::unwrap_used)]

mod asynchronous;
mod cache;
mod errors;
mod events;
mod expansions;
mod history;
mod lab;
mod lists;
mod loops;
mod openings;
mod parallel;
mod partial;
mod properties;
mod restart;
mod resume;
mod stubs;
mod tight;
