//! Plugins: WebAssembly files with node types, as users and adversaries write them.

mod guests;
mod loading;
mod running;
