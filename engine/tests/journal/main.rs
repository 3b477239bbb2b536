//! The journal from outside: real databases in real folders, runs of nodes that need no models.

mod browse;
mod damage;
mod queue;
mod recording;
mod support;
