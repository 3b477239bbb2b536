//! The engine from outside, with nodes that need no models.

mod documents;
mod edits;
mod fuzz;
mod graphs;
mod losses;
mod plans;
mod runs;
mod stubs;
mod workflows;
