//! Launches of copies that change where elements stand.

use crate::cuda::launch::{In, Launch, Out};
use crate::cuda::{DeviceSlice, NewTensor, table};
use crate::storage::Storage;
use crate::{KernelError, Result, Shape, Tensor};

/// The bytes `skip..skip + take` of each of the `outer` runs of `x`.
pub(crate) fn cut(x: &Tensor, outer: usize, skip: usize, take: usize, shape: &Shape) -> Result<Tensor> {
    let (from, out) = (slice(x), NewTensor::like(x, shape)?);
    if take > 0 && outer > 0 {
        let rows = Rows { count: outer, length: take, times: 1 };
        rows.copy(&from.slice(skip, from.len() - skip), from.len() / outer, out.slice(), take)?;
    }
    Ok(out.finish())
}

/// The runs of all tensors in turn, `outer` of each. They are on one device.
pub(crate) fn join(tensors: &[&Tensor], outer: usize, shape: &Shape) -> Result<Tensor> {
    let first = tensors.first().ok_or_else(|| KernelError::parameter("concat", "no tensors"))?;
    let out = NewTensor::like(first, shape)?;
    let all = out.slice().len();
    let mut start = 0;
    for from in tensors.iter().map(|tensor| slice(tensor)).filter(|from| from.len() > 0) {
        let length = from.len() / outer;
        let rows = Rows { count: outer, length, times: 1 };
        rows.copy(from, length, &out.slice().slice(start, all - start), all / outer)?;
        start += length;
    }
    Ok(out.finish())
}

/// Each run of `inner` bytes `times` in a row.
pub(crate) fn repeat(x: &Tensor, inner: usize, times: usize, shape: &Shape) -> Result<Tensor> {
    let out = NewTensor::like(x, shape)?;
    if let Some(count) = out.slice().len().checked_div(inner) {
        Rows { count, length: inner, times }.copy(slice(x), inner, out.slice(), inner)?;
    }
    Ok(out.finish())
}

/// `[batch, rows, columns]` → `[batch, columns, rows]`.
pub(crate) fn transpose(x: &Tensor, rows: usize, columns: usize, shape: &Shape) -> Result<Tensor> {
    const THREADS: usize = 256;
    const TILE: usize = 32;
    let out = NewTensor::like(x, shape)?;
    let batch = x.shape().len().checked_div(rows * columns).unwrap_or(0);
    let tiles = rows.div_ceil(TILE) * columns.div_ceil(TILE);
    let launch = Launch { grid: [tiles, batch, 1], threads: THREADS, shared_bytes: 0 };
    let (from, to) = (In::words(slice(x)), Out::words(out.slice()));
    match x.dtype().size() {
        2 => table::transpose_2 { from, to, rows, columns }.launch(out.context(), launch)?,
        _ => table::transpose_4 { from, to, rows, columns }.launch(out.context(), launch)?,
    }
    Ok(out.finish())
}

/// Rows to be copied, lengths in bytes.
struct Rows {
    count: usize,
    length: usize,
    /// How often each row of the source is written.
    times: usize,
}

impl Rows {
    /// From rows that start `from_stride` bytes apart to rows `to_stride` apart, in the widest units that fit them.
    fn copy(&self, from: &DeviceSlice, from_stride: usize, to: &DeviceSlice, to_stride: usize) -> Result<()> {
        let numbers = [self.length, from_stride, to_stride].map(|number| number as u64);
        let fits = |unit: u64| {
            numbers.into_iter().chain([from.address(), to.address()]).all(|number| number.is_multiple_of(unit))
        };
        let unit = [16, 8, 4].into_iter().find(|&unit| fits(unit)).unwrap_or(2) as usize;
        let Rows { count: rows, length, times } = *self;
        let (length, from_stride, to_stride) = (length / unit, from_stride / unit, to_stride / unit);
        let (context, launch) = (to.context(), Launch::matrix(rows, length));
        let (from, to) = (In::words(from), Out::words(to));
        match unit {
            16 => table::copy_rows_16 { from, to, rows, length, from_stride, to_stride, times }.launch(context, launch),
            8 => table::copy_rows_8 { from, to, rows, length, from_stride, to_stride, times }.launch(context, launch),
            4 => table::copy_rows_4 { from, to, rows, length, from_stride, to_stride, times }.launch(context, launch),
            _ => table::copy_rows_2 { from, to, rows, length, from_stride, to_stride, times }.launch(context, launch),
        }
    }
}

/// # Panics
/// If the tensor is on the host: ops look where their tensors are first.
fn slice(x: &Tensor) -> &DeviceSlice {
    let Storage::Cuda(slice) = x.storage() else { panic!("the tensor is on the host") };
    slice
}
