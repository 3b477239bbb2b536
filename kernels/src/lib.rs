//! Tensors, devices and the operations that the DALL·E 2 family is made of.
//!
//! This crate knows shapes, dtypes, devices, tensors and ops. It knows no graph, no model and no file of weights.
//!
//! # Conventions
//! - Activations are `[batch, height, width, channels]` (NHWC) or `[batch, tokens, channels]`, always contiguous.
//! - A [`Tensor`] is immutable and cheap to clone; an op returns a new one.
//! - Every op gives the same bits for the same input, whatever the number of threads, and every batch item gets the
//!   bits it would get alone: sums run in an order that depends on neither.
//!
//! # Adding an op
//! One file in `ops/` that holds its rule (shape checks), its dispatch (`match device`) and its parity test against a
//! float64 reference; the CPU loop stands in `cpu/`.

#[cfg(target_endian = "big")]
compile_error!("checkpoints are little-endian, and tensors share their bytes");

mod cpu;
mod device;
mod dtype;
mod error;
pub mod ops;
pub mod random;
#[cfg(test)]
mod reference;
mod shape;
mod storage;
mod tensor;

pub use device::{CudaDevice, CudaStatus, Device, Host, cuda_status, host};
pub use dtype::DType;
pub use error::{KernelError, Result};
pub use shape::Shape;
pub use tensor::Tensor;
