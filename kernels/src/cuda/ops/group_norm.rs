//! Launches of group normalisation, in one of three ways: see `cuda/group_norm.cu`.

use std::borrow::Cow;

use super::{activation_code, vector_elements};
use crate::cuda::launch::{In, Launch, Out};
use crate::cuda::{DeviceSlice, Moments, NewTensor, table};
use crate::ops::GroupNorm;
use crate::{DType, Result, Shape, Tensor};

const THREADS: usize = 256;
const SMALL_THREADS: usize = 512;

/// A group of up to that many numbers is normalised by one block, in one launch: `SMALL_GROUP` of the `.cu`.
const SMALL_GROUP: usize = 1 << 14;

/// Vectors of channels that a block takes at most: a kilobyte of every pixel.
const TILE_COLUMNS: usize = 64;

/// `[batch, pixels, channels]`: what the sources are, all of them together.
#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    pixels: usize,
    channels: usize,
}

/// `sources`: one or two with channels, side by side along them; `shape`: the result's.
pub(crate) fn group_norm(sources: &[Option<Cow<'_, Tensor>>; 2], norm: GroupNorm<'_>, shape: &Shape) -> Result<Tensor> {
    let [Some(x0), x1] = sources.each_ref().map(Option::as_deref) else {
        return Ok(NewTensor::f32(norm.weight, shape)?.finish());
    };
    let (batch, channels) = (shape.dims()[0], norm.weight.shape().len());
    let size = Size { batch, pixels: shape.dims()[1..shape.rank() - 1].iter().product(), channels };
    let out = NewTensor::like(x0, shape)?;
    if shape.is_empty() {
        return Ok(out.finish());
    }
    if size.pixels * (channels / norm.groups) <= SMALL_GROUP {
        normalise_small(x0, x1, norm, size, &out)?;
    } else {
        let moments0 = moments(x0, size)?;
        let moments1 = x1.map(|x1| moments(x1, size)).transpose()?;
        let affine = finish(&moments0, moments1.as_deref(), norm, size, &out)?;
        apply(x0, x1, &affine, norm, size, &out)?;
    }
    Ok(out.finish())
}

/// A block for a group: its numbers stay in registers, or are read three times if they do not come in pairs.
fn normalise_small(x0: &Tensor, x1: Option<&Tensor>, norm: GroupNorm<'_>, size: Size, out: &NewTensor) -> Result<()> {
    let (channels0, groups) = (last(x0), norm.groups);
    macro_rules! launch {
        ($kernel:ident, $threads:ident) => {
            table::$kernel {
                x0: x0.into(),
                x1: x1.map(In::from),
                weight: norm.weight.into(),
                bias: norm.bias.into(),
                scale_shift: norm.scale_shift.map(In::from),
                out: out.pointer(),
                pixels: size.pixels,
                channels0,
                channels1: x1.map_or(0, last),
                groups,
                activation: activation_code(norm.activation),
                eps: norm.eps,
            }
            .launch(out.context(), Launch { grid: [groups, size.batch, 1], threads: $threads, shared_bytes: 0 })
        };
    }
    if channels0.is_multiple_of(2) && (size.channels / groups).is_multiple_of(2) {
        launch!(group_norm_small, SMALL_THREADS)
    } else {
        launch!(group_norm_naive, THREADS)
    }
}

/// Those that the producer of a source left behind, or what reading all of it gives.
fn moments(x: &Tensor, size: Size) -> Result<Cow<'_, Moments>> {
    if let Some(moments) = x.moments() {
        return Ok(Cow::Borrowed(moments));
    }
    let channels = last(x);
    // Functions of an item's pixels and of the channels alone, and so is the order of all sums.
    let chunk_pixels = (size.pixels / 128).clamp(16, 128);
    let chunks = size.pixels.div_ceil(chunk_pixels);
    let (tiles, tile_columns) = tiles(channels.div_ceil(vector_elements(x.dtype())));
    let moments = Moments::room(x.context(), [size.batch, size.pixels, channels], chunk_pixels)?;
    table::group_norm_moments {
        x: x.into(),
        moments: moments.output(),
        pixels: size.pixels,
        channels,
        chunk_pixels,
        tile_columns,
    }
    .launch(x.context(), Launch { grid: [chunks, tiles, size.batch], threads: THREADS, shared_bytes: 0 })?;
    Ok(Cow::Owned(moments))
}

/// What every channel goes through, `[batch, 3, channels]`.
fn finish(
    moments0: &Moments,
    moments1: Option<&Moments>,
    norm: GroupNorm<'_>,
    size: Size,
    out: &NewTensor,
) -> Result<DeviceSlice> {
    let affine = out.context().allocate(size.batch * 3 * size.channels * size_of::<f32>())?;
    table::group_norm_finish {
        moments0: moments0.input(),
        moments1: moments1.map(Moments::input),
        weight: norm.weight.into(),
        bias: norm.bias.into(),
        scale_shift: norm.scale_shift.map(In::from),
        affine: Out::of(&affine, DType::F32),
        pixels: size.pixels,
        channels0: moments0.channels(),
        channels1: moments1.map_or(0, Moments::channels),
        chunk_pixels0: moments0.chunk_pixels(),
        chunk_pixels1: moments1.map_or(1, Moments::chunk_pixels),
        groups: norm.groups,
        eps: norm.eps,
    }
    .launch(out.context(), Launch { grid: [norm.groups, size.batch, 1], threads: THREADS, shared_bytes: 0 })?;
    Ok(affine)
}

fn apply(
    x0: &Tensor,
    x1: Option<&Tensor>,
    affine: &DeviceSlice,
    norm: GroupNorm<'_>,
    size: Size,
    out: &NewTensor,
) -> Result<()> {
    let (channels0, channels1) = (last(x0), x1.map_or(0, last));
    let vector = vector_elements(x0.dtype());
    let (tiles, tile_columns) = tiles(channels0.div_ceil(vector) + channels1.div_ceil(vector));
    let chunk_pixels = (size.pixels / 256).clamp(16, 64);
    let chunks = size.pixels.div_ceil(chunk_pixels);
    table::group_norm_apply {
        x0: x0.into(),
        x1: x1.map(In::from),
        affine: In::of(affine, DType::F32),
        out: out.pointer(),
        pixels: size.pixels,
        channels0,
        channels1,
        chunk_pixels,
        tile_columns,
        activation: activation_code(norm.activation),
    }
    .launch(out.context(), Launch { grid: [chunks, tiles, size.batch], threads: THREADS, shared_bytes: 0 })
}

/// Tiles of equal size, and that size.
fn tiles(columns: usize) -> (usize, usize) {
    let tiles = columns.div_ceil(TILE_COLUMNS);
    (tiles, columns.div_ceil(tiles))
}

fn last(x: &Tensor) -> usize {
    x.dims().last().copied().unwrap_or(1)
}
