//! What products share: what becomes of their sums, and how they are cut into tiles and parts.

use super::activation_code;
use crate::cuda::launch::{In, Launch, Out, T};
use crate::cuda::{Context, DeviceSlice, NewTensor, TensorMap, Tiling, table};
use crate::ops::Epilogue;
use crate::storage::{Storage, checked_bytes};
use crate::{DType, Result, Shape, Tensor};

/// An [`Epilogue`] as kernels take it.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) bias: Option<In<'a, f32>>,
    pub(super) sample_bias: Option<In<'a, f32>>,
    pub(super) residual: Option<In<'a, T>>,
    pub(super) rows_per_sample: usize,
    pub(super) activation: i32,
    pub(super) scale: f32,
}

impl<'a> Finish<'a> {
    pub(super) fn new(epilogue: &Epilogue<'a>, rows_per_sample: usize) -> Self {
        Finish {
            bias: epilogue.bias.map(In::from),
            sample_bias: epilogue.sample_bias.map(In::from),
            residual: epilogue.residual.map(In::from),
            // Kernels divide by it.
            rows_per_sample: rows_per_sample.max(1),
            activation: activation_code(epilogue.activation),
            scale: epilogue.scale,
        }
    }

    /// Whether vectors of 16 bytes can be read of everything.
    pub(super) fn is_aligned(&self) -> bool {
        let floats = [self.bias, self.sample_bias].into_iter().flatten();
        floats
            .map(|vector| vector.is_aligned(16))
            .chain(self.residual.map(|residual| residual.is_aligned(16)))
            .all(|aligned| aligned)
    }
}

/// Describes a tensor on a device for loads by Hopper's copy engine: `sizes` and boxes innermost first, 16-bit numbers side by
/// side.
///
/// # Panics
/// If it is on the host.
pub(super) fn tensor_map(x: &Tensor, sizes: &[usize], tile: &[usize]) -> Result<TensorMap> {
    let Storage::Cuda(slice) = x.storage() else { panic!("the tensor is on the host") };
    TensorMap::tiled(slice, x.dtype(), Tiling { sizes, strides: &strides(sizes), tile, swizzled: true })
}

/// Distances in bytes between neighbours along all dimensions but the innermost.
pub(super) fn strides(sizes: &[usize]) -> Vec<usize> {
    let inner = &sizes[..sizes.len() - 1];
    inner
        .iter()
        .scan(DType::F16.size(), |stride, size| {
            *stride *= size;
            Some(*stride)
        })
        .collect()
}

/// The tiles of kernels in `mma`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MmaTile {
    /// 128 × 128.
    Large,
    /// 128 × 160.
    Wide,
    /// 64 × 64.
    Small,
}

impl MmaTile {
    pub(super) const ALL: [Self; 3] = [MmaTile::Large, MmaTile::Wide, MmaTile::Small];
    /// Numbers along K of a step.
    pub(super) const DEPTH: usize = 32;

    const fn sides(self) -> (usize, usize) {
        match self {
            MmaTile::Large => (128, 128),
            MmaTile::Wide => (128, 160),
            MmaTile::Small => (64, 64),
        }
    }

    /// How many cover a result.
    pub(super) fn count(self, rows: usize, columns: usize) -> usize {
        let (height, width) = self.sides();
        rows.div_ceil(height) * columns.div_ceil(width)
    }

    /// Rows whose moments a kernel gives together: those of a warp.
    pub(super) fn chunk_rows(self) -> usize {
        match self {
            MmaTile::Large | MmaTile::Wide => 64,
            MmaTile::Small => 32,
        }
    }

    /// `tiles` of them in each of `layers`.
    pub(super) fn launch(self, tiles: usize, layers: usize) -> Launch {
        let (threads, stages) = match self {
            MmaTile::Large => (128, 3),
            MmaTile::Wide => (256, 3),
            MmaTile::Small => (128, 4),
        };
        Launch { grid: [tiles, layers, 1], threads, shared_bytes: stages * self.stage_bytes() }
    }

    /// Bytes of the operands of a step.
    fn stage_bytes(self) -> usize {
        let (height, width) = self.sides();
        (height + width) * Self::DEPTH * DType::F16.size()
    }

    /// The way to cut a result of one item into these.
    pub(super) fn cut<V>(self, version: V, [rows, columns]: [usize; 2], steps: usize) -> Cut<V> {
        let (height, width) = self.sides();
        // 1024 multiplications a clock on the devices whose fastest kernels these are.
        let step = step_clocks(height * width * Self::DEPTH / 1024, self.stage_bytes());
        let around = 1000 + height * width / 12;
        Cut { version, tiles: self.count(rows, columns), steps, step, around }
    }
}

/// What blocks of `wgmma` kernels have in common (`cuda/include/easel/wgmma_tile.cuh`).
pub(super) struct WgmmaBlock;

impl WgmmaBlock {
    /// How long a step takes: 2048 multiplications a clock on Hopper.
    pub(super) fn clocks(multiplications: usize, bytes: usize) -> usize {
        step_clocks(multiplications / 2048, bytes)
    }

    /// A launch with `stage_bytes` of operands in `stages` stages.
    pub(super) fn launch(blocks: usize, stage_bytes: usize, stages: usize) -> Launch {
        const THREADS: usize = 384;
        const CONSUMER_WARPS: usize = 8;
        const STAGED_BYTES: usize = 16 * 40 * size_of::<f32>();
        const BARRIERS: usize = 2;
        let shared_bytes = stage_bytes + CONSUMER_WARPS * STAGED_BYTES + stages * BARRIERS * size_of::<u64>();
        Launch::blocks(blocks, THREADS).with_shared_bytes(shared_bytes)
    }
}

/// Clocks of a step that multiplies for so long and loads so many bytes, which many multiprocessors do at once.
pub(super) fn step_clocks(multiplying: usize, bytes: usize) -> usize {
    /// What the second-level cache gives each of them. An estimate, not measured.
    const BYTES_A_CLOCK: usize = 36;
    multiplying.max(bytes / BYTES_A_CLOCK)
}

/// A way to cut a product into tiles that multiprocessors work on one by one, and how long that takes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<V> {
    pub(super) version: V,
    /// Tiles of one item.
    pub(super) tiles: usize,
    /// Steps along K.
    pub(super) steps: usize,
    /// Clocks of a step: see [`step_clocks`].
    pub(super) step: usize,
    /// Clocks before the first step and after the last. Estimates, not measured.
    pub(super) around: usize,
}

impl<V> Cut<V> {
    /// The same with all of K as one step, so that it is not split.
    pub(super) fn in_one_part(self) -> Self {
        Cut { step: self.step * self.steps, steps: 1, ..self }
    }
}

/// The fastest way to cut a product, and into how many parts along K, by the estimates of `cuts`.
///
/// All of it is about one item of a batch: what else is in the batch must not change the order in which numbers are added.
pub(super) fn fastest<V: Copy>(cuts: &[Cut<V>], outputs: usize, context: &Context) -> Option<(V, usize)> {
    /// Steps that a part has at least, and parts at most: beyond, little is gained.
    const LEAST_STEPS: usize = 4;
    const MOST_PARTS: usize = 16;
    let multiprocessors = context.properties().multiprocessors.max(1) as usize;
    let ways =
        cuts.iter().flat_map(|cut| (1..=(cut.steps / LEAST_STEPS).clamp(1, MOST_PARTS)).map(move |parts| (cut, parts)));
    let timed = ways.map(|(cut, parts)| {
        let steps = cut.steps.div_ceil(parts);
        let rounds = (cut.tiles * parts).div_ceil(multiprocessors);
        let clocks = rounds * (steps * cut.step + cut.around) + adding_up(outputs, parts, multiprocessors);
        // Parts of equal length may be fewer.
        (clocks, cut.version, cut.steps.div_ceil(steps.max(1)).max(1))
    });
    timed.min_by_key(|&(clocks, ..)| clocks).map(|(_, version, parts)| (version, parts))
}

/// Clocks that it takes to write and read the sums of parts, and to launch what adds them. Estimates, not measured.
fn adding_up(outputs: usize, parts: usize, multiprocessors: usize) -> usize {
    const BYTES_A_CLOCK: usize = 24;
    match parts {
        1 => 0,
        _ => 4000 + outputs * parts * 2 * size_of::<f32>() / (BYTES_A_CLOCK * multiprocessors),
    }
}

/// The sums of the parts of a product `[rows, columns]` that is split along K.
pub(super) struct Partial {
    slice: DeviceSlice,
    parts: usize,
    rows: usize,
    columns: usize,
}

impl Partial {
    /// Nothing if there is one part.
    pub(super) fn new(out: &NewTensor, parts: usize, [rows, columns]: [usize; 2]) -> Result<Option<Self>> {
        if parts == 1 {
            return Ok(None);
        }
        let bytes = checked_bytes(&Shape::from([parts, rows, columns]), size_of::<f32>())?;
        Ok(Some(Partial { slice: out.context().allocate(bytes)?, parts, rows, columns }))
    }

    pub(super) fn pointer(&self) -> Out<'_, f32> {
        Out::of(&self.slice, DType::F32)
    }

    /// Adds them, in order, into the result.
    pub(super) fn add_up(&self, finish: &Finish<'_>, out: &NewTensor) -> Result<()> {
        const THREADS: usize = 256;
        let &Self { parts, rows, columns, .. } = self;
        let &Finish { bias, sample_bias, residual, rows_per_sample, activation, scale } = finish;
        let partial = In::of(&self.slice, DType::F32);
        let threads = if columns.is_multiple_of(4) { rows * columns / 4 } else { rows * columns };
        table::linear_reduce {
            partial,
            bias,
            sample_bias,
            residual,
            out: out.pointer(),
            rows,
            columns,
            splits: parts,
            rows_per_sample,
            activation,
            scale,
        }
        .launch(out.context(), Launch::blocks(threads.div_ceil(THREADS), THREADS))
    }
}
