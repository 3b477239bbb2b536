//! Launches of the noise generator.

use super::shared_rows;
use crate::cuda::launch::Launch;
use crate::cuda::{Context, NewTensor, table};
use crate::{DType, Result, Shape, Tensor};

/// [`crate::random::normal_batch`]: `shape` is `[batch, item ..]`.
pub(crate) fn normal(context: &'static Context, shape: &Shape, seed: u64, stream: u32, draw: u32) -> Result<Tensor> {
    const THREADS: usize = 256;
    const NUMBERS: usize = 4;
    let out = NewTensor::new(context, DType::F32, shape)?;
    let items = shape.dims().first().copied().unwrap_or(1);
    let length = shape.len().checked_div(items).unwrap_or(0);
    table::normal {
        out: out.pointer(),
        items,
        length,
        seed_low: seed as u32,
        seed_high: (seed >> 32) as u32,
        stream,
        draw,
    }
    .launch(
        context,
        Launch { grid: [length.div_ceil(THREADS * NUMBERS), shared_rows(items), 1], threads: THREADS, shared_bytes: 0 },
    )?;
    Ok(out.finish())
}
