//! The nodes: one file each, and one line in [`register`].

mod batch;
mod best;
mod branch;
mod calculate;
mod check_prompt;
mod clip_image_encoder;
mod clip_score;
mod clip_text_encoder;
mod compare;
mod constants;
mod contact_sheet;
mod crop;
mod decoder;
mod expression;
mod file_name;
mod format;
mod from_model;
mod list_files;
mod lists;
mod load_image;
mod load_tensor;
mod mix_embeddings;
mod prior;
mod read_lines;
mod reported;
mod resize;
mod safety_filter;
mod save_image;
mod save_tensor;
mod scheduler;
mod sequences;
mod sockets;
mod tokenizer;
#[cfg(test)]
mod trial;
mod upsampler;
mod upscale;

use easel_engine::{Registry, RegistryError};

use from_model::FromModel;

/// Registers every node type, in the order in which `easel nodes` lists them.
///
/// # Errors
/// Two node types of one name or an unsound spec: a mistake in this crate, which its tests find.
pub fn register(registry: &mut Registry) -> Result<(), RegistryError> {
    registry.register(tokenizer::Tokenizer)?;
    registry.register(FromModel(clip_text_encoder::ClipTextEncoder))?;
    registry.register(FromModel(clip_image_encoder::ClipImageEncoder))?;
    registry.register(scheduler::Scheduler)?;
    registry.register(FromModel(prior::Prior))?;
    registry.register(FromModel(decoder::Decoder))?;
    registry.register(FromModel(upsampler::Upsampler))?;
    registry.register(FromModel(upscale::Upscale))?;
    registry.register(safety_filter::SafetyFilter)?;
    registry.register(load_image::LoadImage)?;
    registry.register(save_image::SaveImage)?;
    registry.register(load_tensor::LoadTensor)?;
    registry.register(save_tensor::SaveTensor)?;
    registry.register(clip_score::ClipScore)?;
    registry.register(mix_embeddings::MixEmbeddings)?;
    registry.register(mix_embeddings::AddEmbeddings)?;
    registry.register(mix_embeddings::TextEmbedding)?;
    registry.register(check_prompt::CheckPrompt)?;
    registry.register(contact_sheet::ContactSheet)?;
    registry.register(resize::Resize)?;
    registry.register(resize::ImageSize)?;
    registry.register(crop::Crop)?;
    registry.register(batch::Batch)?;
    registry.register(batch::Unbatch)?;
    registry.register(batch::Blend)?;
    registry.register(list_files::ListFiles)?;
    registry.register(read_lines::ReadLines)?;
    registry.register(file_name::FileName)?;
    registry.register(branch::If)?;
    registry.register(branch::Gate)?;
    registry.register(branch::Select)?;
    registry.register(best::Best)?;
    registry.register(lists::Element)?;
    registry.register(lists::Pick)?;
    registry.register(lists::Slice)?;
    registry.register(lists::Length)?;
    registry.register(lists::Concat)?;
    registry.register(sequences::Range)?;
    registry.register(sequences::Linspace)?;
    registry.register(sequences::Product)?;
    registry.register(compare::Compare)?;
    registry.register(compare::Logic)?;
    registry.register(calculate::Calculate)?;
    registry.register(format::Format)?;
    registry.register(format::JoinTexts)?;
    registry.register(format::SplitText)?;
    registry.register(constants::Text)?;
    registry.register(constants::Integer)?;
    registry.register(constants::Float)?;
    registry.register(constants::Boolean)
}
