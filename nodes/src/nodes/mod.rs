//! The nodes: one file each, and one line in [`register`].

mod clip_image_encoder;
mod clip_text_encoder;
mod constants;
mod decoder;
mod load_image;
mod load_tensor;
mod prior;
mod safety_filter;
mod save_image;
mod save_tensor;
mod scheduler;
mod sockets;
mod tokenizer;
mod upsampler;

use easel_engine::{Registry, RegistryError};

/// Registers every node type, in the order in which `easel nodes` lists them.
///
/// # Errors
/// Two node types of one name or an unsound spec: a mistake in this crate, which its tests find.
pub fn register(registry: &mut Registry) -> Result<(), RegistryError> {
    registry.register(tokenizer::Tokenizer)?;
    registry.register(clip_text_encoder::ClipTextEncoder)?;
    registry.register(clip_image_encoder::ClipImageEncoder)?;
    registry.register(scheduler::Scheduler)?;
    registry.register(prior::Prior)?;
    registry.register(decoder::Decoder)?;
    registry.register(upsampler::Upsampler)?;
    registry.register(safety_filter::SafetyFilter)?;
    registry.register(load_image::LoadImage)?;
    registry.register(save_image::SaveImage)?;
    registry.register(load_tensor::LoadTensor)?;
    registry.register(save_tensor::SaveTensor)?;
    registry.register(constants::Text)?;
    registry.register(constants::Integer)?;
    registry.register(constants::Float)?;
    registry.register(constants::Boolean)
}
