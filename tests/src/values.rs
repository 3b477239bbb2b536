//! What the compiler refuses: a node cannot change what it is given, for others hold it too, the cache among them.
//!
//! ```compile_fail,E0596
//! fn shout(inputs: &easel_engine::Inputs) -> Result<(), easel_engine::NodeError> {
//!     inputs.get::<String>("text")?.push('!');
//!     Ok(())
//! }
//! ```
//!
//! It can make another of it:
//!
//! ```
//! fn shout(inputs: &easel_engine::Inputs) -> Result<String, easel_engine::NodeError> {
//!     Ok(inputs.get::<String>("text")?.clone() + "!")
//! }
//! ```
