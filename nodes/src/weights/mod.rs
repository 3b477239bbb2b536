//! Checkpoints: folders of parts, each with a `config.json` and safetensors.
//!
//! A [`ModelFolder`] is opened from what a workflow says (`builtin:NAME`, `hf:owner/name`, a path). It gives the parts'
//! files and their [`Weights`], and [`Weights::load`] builds a model struct through a [`WeightsReader`], refusing it
//! with every missing, mis-shaped and unreadable tensor at once. Nothing is allocated from the sizes that a config
//! claims before the file is seen to hold such tensors.

mod builtin;
mod fingerprint;
mod folder;
mod hashes;
mod header;
pub mod hub;
mod layout;
mod names;
pub mod random;
mod reader;
mod store;

pub(crate) use fingerprint::State as FileState;
pub use fingerprint::cache_dir;
pub use folder::ModelFolder;
pub use hashes::FileHashes;
pub use header::TensorInfo;
pub use hub::{Download, Hub};
pub use random::write_random_part;
pub use reader::{TensorSpec, WeightsReader, record};
pub use store::{Loaded, Weights};
