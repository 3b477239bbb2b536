//! Tensors, devices and the operations that the DALL·E 2 family is made of.
//!
//! This crate knows shapes, dtypes, devices, tensors and ops. It knows no graph, no model and no file of weights.
//!
//! # Conventions
//! - Activations are `[batch, height, width, channels]` (NHWC) or `[batch, tokens, channels]`, always contiguous. On the CPU
//!   they are float32; on CUDA devices float32, float16 or bfloat16, like the weights that they meet ([`Placement`]).
//! - An op runs where its tensors are; nothing goes from one device to another unasked.
//! - A [`Tensor`] is immutable and cheap to clone; an op returns a new one.
//! - Every op gives the same bits for the same input, whatever the number of threads, and every batch item gets the
//!   bits it would get alone: sums run in an order that depends on neither.
//!
//! # Adding an op
//! One file in `ops/` that holds its rule (shape checks), its dispatch (`match device`) and its parity test against a
//! float64 reference; the CPU loop stands in `cpu/`, the CUDA kernel in `cuda/*.cu`, its launch in `src/cuda/ops/`.

#[cfg(target_endian = "big")]
compile_error!("checkpoints are little-endian, and tensors share their bytes");

mod ceilings;
mod cpu;
mod cuda;
mod device;
mod dtype;
mod error;
#[cfg(test)]
#[path = "tests/half_precision.rs"]
mod half_precision;
#[cfg(test)]
#[path = "tests/harness.rs"]
mod harness;
#[cfg(test)]
#[path = "tests/not_a_number.rs"]
mod not_a_number;
pub mod ops;
mod placement;
pub mod profile;
pub mod random;
#[cfg(test)]
mod reference;
mod shape;
pub mod shortage;
mod step_graph;
mod storage;
mod tensor;

pub use ceilings::Ceilings;
pub use cuda::status::{CudaDevice, CudaStatus, cuda_status};
pub use cuda::{DeviceMemory, STAGING_BYTES};
pub use cuda::{overrides, timing};
pub use device::{Automatic, Device, Host, automatic, host};
pub use dtype::DType;
pub use error::{KernelError, Result};
pub use placement::{Placement, Precision};
pub use shape::Shape;
pub use step_graph::StepGraph;
pub use storage::{SPARE_MEMORY, release_spare_memory};
pub use tensor::Tensor;
