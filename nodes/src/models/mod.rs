//! Model structs. Their fields mirror the keys of the checkpoints; each names the source that it follows.

pub mod clip;
pub mod layers;
pub mod prior;
pub mod srvgg;
pub mod text_proj;
pub mod unet;
