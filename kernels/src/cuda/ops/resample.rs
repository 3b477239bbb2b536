//! Launches of kernels that change resolutions.

use super::{shared_rows, vector_elements};
use crate::cpu::resample::Taps;
use crate::cuda::launch::{In, Launch};
use crate::cuda::{Context, DeviceSlice, NewTensor, table};
use crate::{DType, Result, Shape, Tensor};

const THREADS: usize = 256;

/// `x: [batch, height, width, channels]`; `shape`: the result's.
pub(crate) fn upsample_nearest2x(
    x: &Tensor,
    [batch, height, width, channels]: [usize; 4],
    shape: &Shape,
) -> Result<Tensor> {
    let out = NewTensor::like(x, shape)?;
    table::upsample_nearest2x { x: x.into(), out: out.pointer(), height, width, channels }
        .launch(out.context(), pixels(x.dtype(), [batch, height, width, channels]))?;
    Ok(out.finish())
}

/// `x: [batch, height, width, channels]`; `shape`: the result's.
pub(crate) fn average_pool2x(
    x: &Tensor,
    [batch, height, width, channels]: [usize; 4],
    shape: &Shape,
) -> Result<Tensor> {
    let out = NewTensor::like(x, shape)?;
    table::average_pool2x { x: x.into(), out: out.pointer(), height, width, channels }
        .launch(out.context(), pixels(x.dtype(), [batch, height / 2, width / 2, channels]))?;
    Ok(out.finish())
}

/// `x: [batch, height, width, channels · factor²]`, `base: [batch, height, width, channels]`; `shape`: the result's.
pub(crate) fn pixel_shuffle(x: &Tensor, base: &Tensor, factor: usize, shape: &Shape) -> Result<Tensor> {
    let (&[batch, height, width, channels], &[_, rows, columns, _]) = (base.dims(), shape.dims()) else {
        panic!("pictures have four dimensions")
    };
    let out = NewTensor::f32(x, shape)?;
    let grid = [(columns * channels).div_ceil(THREADS), shared_rows(rows), batch];
    table::pixel_shuffle { x: x.into(), base: base.into(), out: out.pointer(), height, width, channels, factor }
        .launch(out.context(), Launch { grid, threads: THREADS, shared_bytes: 0 })?;
    Ok(out.finish())
}

/// Blocks of vectors of a row of pixels, blocks that share the rows, and the items.
fn pixels(dtype: DType, [batch, height, width, channels]: [usize; 4]) -> Launch {
    let vectors = width * channels.div_ceil(vector_elements(dtype));
    Launch { grid: [vectors.div_ceil(THREADS), shared_rows(height), batch], threads: THREADS, shared_bytes: 0 }
}

/// `x: [batch, height, width, channels]`, resized along the columns first; `shape`: the result's.
pub(crate) fn resize(
    x: &Tensor,
    [batch, height, width, channels]: [usize; 4],
    columns: &[Taps],
    rows: &[Taps],
    shape: &Shape,
) -> Result<Tensor> {
    let context = x.context();
    let wide = NewTensor::f32(x, &Shape::from([batch, height, columns.len(), channels]))?;
    let out = NewTensor::like(x, shape)?;
    let (columns, rows) = (TapTable::new(context, columns)?, TapTable::new(context, rows)?);
    table::resample_to_f32 {
        x: x.into(),
        starts: In::words(&columns.starts),
        counts: In::words(&columns.counts),
        weights: columns.weights(),
        out: wide.pointer(),
        outer: batch * height,
        from: width,
        to: columns.len,
        inner: channels,
        taps: columns.taps,
    }
    .launch(context, elements(batch * height * columns.len * channels))?;
    let wide = wide.finish();
    table::resample_from_f32 {
        x: (&wide).into(),
        starts: In::words(&rows.starts),
        counts: In::words(&rows.counts),
        weights: rows.weights(),
        out: out.pointer(),
        outer: batch,
        from: height,
        to: rows.len,
        inner: columns.len * channels,
        taps: rows.taps,
    }
    .launch(context, elements(shape.len()))?;
    Ok(out.finish())
}

/// Blocks for kernels in which blocks share the elements.
fn elements(len: usize) -> Launch {
    Launch::blocks(len.div_ceil(THREADS).min(1 << 16), THREADS)
}

/// Taps in device memory: rows of weights are padded to one length.
struct TapTable {
    starts: DeviceSlice,
    counts: DeviceSlice,
    weights: DeviceSlice,
    len: usize,
    taps: usize,
}

impl TapTable {
    fn new(context: &'static Context, positions: &[Taps]) -> Result<Self> {
        let taps = positions.iter().map(|taps| taps.weights.len()).max().unwrap_or(0);
        let words = |number: fn(&Taps) -> usize| -> Result<DeviceSlice> {
            // Positions of a picture's side: far below `u32::MAX`.
            let words: Vec<u32> = positions.iter().map(|taps| number(taps) as u32).collect();
            context.upload(bytemuck::cast_slice(&words))
        };
        let mut weights = vec![0.0f32; positions.len() * taps];
        for (row, taps) in weights.chunks_exact_mut(taps.max(1)).zip(positions) {
            row[..taps.weights.len()].copy_from_slice(&taps.weights);
        }
        Ok(TapTable {
            starts: words(|taps| taps.start)?,
            counts: words(|taps| taps.weights.len())?,
            weights: context.upload(bytemuck::cast_slice(&weights))?,
            len: positions.len(),
            taps,
        })
    }

    fn weights(&self) -> In<'_, f32> {
        In::of(&self.weights, DType::F32)
    }
}
