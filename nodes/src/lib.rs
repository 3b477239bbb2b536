//! Models of the DALL·E 2 family and the nodes that wrap them.
//!
//! Model structs mirror the keys of the checkpoints (`models/`), read from the folder layout of diffusers and
//! transformers (`weights/`, `config/`). Each node is one file in `nodes/` and one line in [`nodes::register`].

pub mod checkpoint;
pub mod config;
mod encoding;
pub mod error;
mod kept;
pub mod kinds;
mod memory;
pub mod model_card;
pub mod models;
pub mod nodes;
pub mod parts;
pub mod picture;
pub mod safety;
pub mod sampling;
mod sealed;
pub mod tokenizer;
mod uses;
pub mod weights;
mod whole_file;

use easel_engine::{NodeError, Registry, RegistryError, Services};
use easel_kernels::{Device, Placement};

pub use error::{Error, Result};

/// Every node type and conversion of this crate.
///
/// # Errors
/// Two node types of one name or an unsound spec: a mistake in this crate, which its tests find.
pub fn registry() -> Result<Registry, RegistryError> {
    let mut registry = Registry::new();
    nodes::register(&mut registry)?;
    registry.check_devices(check_device);
    registry.register_conversion(kinds::kind::TENSOR, kinds::kind::IMAGE, kinds::tensor_to_image)?;
    registry.register_conversion(
        kinds::kind::TENSOR,
        kinds::kind::IMAGE_EMBEDDING,
        kinds::tensor_to_image_embedding,
    )?;
    registry.register_kind::<kinds::Tokens>();
    registry.register_kind::<kinds::TextEncoding>();
    registry.register_kind::<kinds::ImageEmbedding>();
    registry.register_kind::<kinds::Image>();
    registry.register_kind::<sampling::Schedule>();
    registry.register_kind::<kinds::TensorValue>();
    Ok(registry)
}

/// Whether a node may be given that device in a workflow.
fn check_device(name: &str) -> Result<(), NodeError> {
    let Err(error) = name.parse::<Device>() else { return Ok(()) };
    let message = error.to_string();
    // What it advises after that is for the command line.
    let reason = message.split_once(": use ").map_or(message.as_str(), |(reason, _)| reason);
    Err(NodeError::new(reason).with_hint(
        "write `device: \"cpu\"`, or leave it out: then `--device` decides, and `easel doctor` says what there is",
    ))
}

/// What the nodes need from whoever starts a run: where to compute and the models opened so far. Weights are dropped after
/// use.
pub fn services(place: impl Into<Placement>) -> Services {
    services_keeping(place, 0)
}

/// The same for a process that runs again and again: weights stay loaded as [`parts::Models::keeping`] says. All its runs
/// must be given clones of the one result; for one at another place, `.with(place)` says so.
pub fn services_keeping(place: impl Into<Placement>, bytes: u64) -> Services {
    let models = parts::Models::keeping(bytes);
    let hashes = models.hashes().clone();
    Services::default().with(place.into()).with(models).with(hashes)
}
