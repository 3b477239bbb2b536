//! Launches of the look-up of rows in a table.

use super::{shared_rows, vector_elements};
use crate::cuda::launch::{In, Launch};
use crate::cuda::{NewTensor, table};
use crate::{Result, Shape, Tensor};

const THREADS: usize = 128;

/// `table: [entries, channels]`, `ids` all in `0..entries`; `shape`: the result's.
pub(crate) fn embedding(rows_of: &Tensor, ids: &[u32], shape: &Shape) -> Result<Tensor> {
    let out = NewTensor::like(rows_of, shape)?;
    let (rows, channels) = (ids.len(), rows_of.dims()[1]);
    let vectors = channels.div_ceil(vector_elements(rows_of.dtype()));
    let ids = out.context().upload(bytemuck::cast_slice(ids))?;
    table::embedding { table: rows_of.into(), ids: In::words(&ids), out: out.pointer(), rows, channels }.launch(
        out.context(),
        Launch { grid: [vectors.div_ceil(THREADS), shared_rows(rows), 1], threads: THREADS, shared_bytes: 0 },
    )?;
    Ok(out.finish())
}
