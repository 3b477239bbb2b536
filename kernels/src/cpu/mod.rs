//! The loops that run on the host's processor.
//!
//! They are written once, over [`pulp::Simd`], and run on the best instruction set of the machine ([`Isa`]). What they
//! take has been checked by the op that calls them.

pub(crate) mod attention;
pub(crate) mod conv2d;
pub(crate) mod gemm;
pub(crate) mod group_norm;
mod isa;
pub(crate) mod map;
pub(crate) mod math;
pub(crate) mod output;
pub(crate) mod resample;
pub(crate) mod rows;

pub(crate) use isa::{Isa, load, store};

/// Elements that a task of an elementwise op takes: some 20 µs of work. Other threads begin as long after they were asked, so
/// that smaller tensors are done with before. Tests split theirs too: no bit of a result depends on it.
pub(crate) const TASK_ELEMENTS: usize = if cfg!(test) { 1 << 9 } else { 1 << 16 };
