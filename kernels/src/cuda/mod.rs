//! Ops on CUDA devices.
//!
//! The kernels are in `cuda/*.cu` of this crate; here is what loads, feeds and launches them. All of it goes through the
//! driver's own interface, opened at run time: a machine without one builds and runs everything else.
//!
//! # How to wire an op
//! 1. Name its kernel in [`table`], with its arguments in the order of the `.cu`.
//! 2. Write a function in `cuda/ops/`, in a file named like the op's. It takes what the op has checked, and
//!    - makes the result: `let out = NewTensor::like(x, &shape)?;` (the device and dtype of `x`; `NewTensor::f32` for one
//!      that is float32 whatever `x` is);
//!    - launches: `table::kernel { x: x.into(), bias: bias.map(In::from), out: out.pointer(), count }.launch(…)?;` — one
//!      field for each argument, `usize` for an `int`; a grid without blocks is skipped;
//!    - gives the tensor: `Ok(out.finish())`.
//! 3. In the op: `match check::device(OP, &[x, weight])? { Device::Cpu => …, Device::Cuda(_) => cuda::ops::file::op(…) }`.
//! 4. In its parity test replace `Device::Cpu` by what [`crate::harness::for_each_device`] gives.

mod arena;
mod context;
mod copy;
mod error;
mod fatbins;
mod graph;
pub(crate) mod launch;
mod memory;
mod modules;
mod moments;
pub(crate) mod ops;
mod output;
pub mod overrides;
mod rows;
mod staging;
pub(crate) mod status;
mod stopwatch;
pub(crate) mod table;
mod tensor_map;
#[cfg(test)]
mod tests;
pub mod timing;

pub(crate) use context::Context;
pub(crate) use graph::{Graph, GraphMemory};
pub use memory::DeviceMemory;
pub(crate) use memory::DeviceSlice;
pub(crate) use moments::Moments;
pub(crate) use output::NewTensor;
pub(crate) use rows::DeviceRows;
pub use staging::STAGING_BYTES;
pub(crate) use stopwatch::Stopwatch;
pub(crate) use tensor_map::{TensorMap, Tiling};
