//! The operations. Each takes tensors by reference and returns a new tensor.
//!
//! On the CPU, activations and results are [`DType::F32`](crate::DType::F32); on CUDA devices they are of one dtype, that of
//! the packed weights. Weights may come in any dtype and are converted once, when they are packed. Biases, parameters of
//! norms, masks, and what is sampled are float32 everywhere.

mod attention;
mod check;
mod conv2d;
mod elementwise;
mod embedding;
mod group_norm;
mod guided_step;
mod layer_norm;
mod linear;
mod packed;
mod resample;
mod sampler;
mod softmax;
mod sources;
mod timestep;
mod upsample_conv2d;

pub use attention::{AttentionMask, attention};
pub use conv2d::{Conv2d, PackedFilter, conv2d};
pub use elementwise::{add, affine, affine_columns, clamp, count_not_finite, gelu, prelu, quick_gelu, silu};
pub use embedding::embedding;
pub use group_norm::{GroupNorm, group_norm};
pub use guided_step::{GuidedStep, StepNoise, guided_step};
pub use layer_norm::layer_norm;
pub use linear::{Activation, Epilogue, PackedMatrix, linear};
pub use resample::{average_pool2x, pixel_shuffle, resize_bicubic, upsample_nearest2x};
pub use sampler::{Prediction, SchedulerStep, StepVariance, guidance, scheduler_step};
pub use softmax::softmax;
pub use timestep::timestep_embedding;
pub use upsample_conv2d::{PackedUpsamplingFilter, upsample_conv2d};

pub(crate) use sources::{HostSources, Sources};
