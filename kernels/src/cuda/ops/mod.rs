//! What ops launch, one file for each file of `ops/`. What they take has been checked by the op that calls them.

pub(crate) mod attention;
pub(crate) mod cast;
pub(crate) mod conv2d;
pub(crate) mod elementwise;
pub(crate) mod embedding;
pub(crate) mod group_norm;
pub(crate) mod layout;
pub(crate) mod linear;
mod product;
pub(crate) mod random;
pub(crate) mod resample;
pub(crate) mod rows;
pub(crate) mod sampler;
pub(crate) mod skinny_linear;
pub(crate) mod upsample_conv2d;

use super::launch::Launch;
use crate::DType;
use crate::ops::Activation;

/// Elements of a vector of 16 bytes: `VECTOR<T>` of `cuda/include/easel/floats.cuh`.
fn vector_elements(dtype: DType) -> usize {
    16 / dtype.size()
}

/// Blocks along y for kernels in which they share that many rows.
fn shared_rows(rows: usize) -> usize {
    rows.min(Launch::MOST_BLOCKS[1])
}

/// The activation's number in `cuda/include/easel/activation.cuh`.
pub(crate) fn activation_code(activation: Activation) -> i32 {
    match activation {
        Activation::None => 0,
        Activation::Silu => 1,
        Activation::Gelu => 2,
        Activation::QuickGelu => 3,
    }
}
