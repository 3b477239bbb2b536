//! CLIP (Radford et al. 2021), as in transformers' `modeling_clip.py`.

mod encoder;
mod text;
mod vision;

pub use text::{ClipText, ClipTextOutput};
pub use vision::{ClipVision, ClipVisionOutput};
