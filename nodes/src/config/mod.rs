//! Typed configurations, one per part of a model, read from the JSON files of diffusers and transformers.
//!
//! A field is honoured, or known to change nothing, or refused: a setting that is silently ignored gives pictures that
//! are subtly wrong, which nobody can see. All problems of a file are reported at once. Missing fields take the
//! defaults of diffusers and transformers. Sizes are bounded before anything is allocated by them.

mod clip;
mod fields;
mod model_index;
mod prior;
mod processor;
mod scheduler;
mod srvgg;
mod unet;

#[cfg(test)]
mod tests;

pub use clip::{ClipTextConfig, ClipVisionConfig};
pub use model_index::{ModelIndex, PartClass};
pub use prior::{PriorConfig, TextProjConfig};
pub use processor::{ImageProcessorConfig, Resize};
pub(crate) use scheduler::{CLIP_SAMPLE_RANGE, TRAIN_TIMESTEPS};
pub use scheduler::{PredictionType, SchedulerConfig, VarianceType};
pub use srvgg::SrvggConfig;
pub use unet::{BlockType, TimeShift, UNetConfig};
