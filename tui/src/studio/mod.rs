//! The full-screen interface: a workflow's graph, seen and edited in a terminal.

pub mod graph_view;
pub mod layout;
pub mod scene;

#[cfg(test)]
mod fixture;
