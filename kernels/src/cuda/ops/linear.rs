//! Launches of linear layers.

use super::product::{Cut, Finish, MmaTile, Partial, WgmmaBlock, fastest, strides, tensor_map};
use super::skinny_linear;
use crate::cuda::launch::{In, Launch};
use crate::cuda::{DeviceRows, NewTensor, Tiling, table};
use crate::ops::Epilogue;
use crate::{DType, Result, Shape, Tensor};

/// A linear layer, or a 1 × 1 convolution.
pub(crate) struct Linear<'a> {
    x0: &'a Tensor,
    /// Columns that stand beside those of `x0`.
    x1: Option<&'a Tensor>,
    weight: &'a DeviceRows,
    /// Of the result.
    rows: usize,
    columns: usize,
    finish: Finish<'a>,
}

/// The kernels, see `cuda/gemm.cu`. Numbers are parts along K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Naive,
    Tiled,
    Mma(MmaTile, usize),
    Wgmma(WgmmaTile, usize),
}

/// The tiles of `wgmma` kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WgmmaTile {
    /// 256 × 160.
    Large,
    /// 128 × 160.
    Wide,
    /// 128 × 128.
    Square,
}

impl WgmmaTile {
    const ALL: [Self; 3] = [WgmmaTile::Large, WgmmaTile::Wide, WgmmaTile::Square];
    /// Numbers along K of a step.
    const DEPTH: usize = 64;

    /// Rows and columns.
    const fn sides(self) -> [usize; 2] {
        match self {
            WgmmaTile::Large => [256, 160],
            WgmmaTile::Wide => [128, 160],
            WgmmaTile::Square => [128, 128],
        }
    }

    fn count(self, rows: usize, columns: usize) -> usize {
        let [height, width] = self.sides();
        rows.div_ceil(height) * columns.div_ceil(width)
    }

    /// Bytes of the operands of a step.
    fn stage_bytes(self) -> usize {
        self.sides().iter().sum::<usize>() * Self::DEPTH * DType::F16.size()
    }

    fn launch(self, tiles: usize, multiprocessors: usize) -> Launch {
        let stages = match self {
            WgmmaTile::Large => 3,
            WgmmaTile::Wide => 5,
            WgmmaTile::Square => 6,
        };
        WgmmaBlock::launch(tiles.min(multiprocessors), stages * self.stage_bytes(), stages)
    }

    fn cut(self, [rows, columns]: [usize; 2], steps: usize) -> Cut<Version> {
        let [height, width] = self.sides();
        let step = WgmmaBlock::clocks(height * width * Self::DEPTH, self.stage_bytes());
        let around = 1500 + height * width / 12;
        Cut { version: Version::Wgmma(self, 1), tiles: self.count(rows, columns), steps, step, around }
    }
}

/// `x · weightᵀ`, finished, of the shape `shape`, whose first dimension is `batch` items.
pub(crate) fn linear(
    x: &Tensor,
    weight: &DeviceRows,
    epilogue: &Epilogue<'_>,
    batch: usize,
    shape: &Shape,
) -> Result<Tensor> {
    let rows = shape.len().checked_div(weight.rows()).unwrap_or(0);
    let finish = Finish::new(epilogue, rows.checked_div(batch).unwrap_or(0));
    let linear = Linear { x0: x, x1: None, weight, rows, columns: weight.rows(), finish };
    let few = finish.rows_per_sample <= skinny_linear::MOST_ROWS || x.dtype() != weight.dtype();
    if few && linear.is_aligned() {
        return skinny_linear::skinny_linear(x, weight, epilogue, batch, shape);
    }
    linear.run(linear.version(), shape)
}

/// A 1 × 1 convolution, whose channels may stand in two tensors, if there is a kernel that does it as a product.
pub(super) fn of_pixels(
    x0: &Tensor,
    x1: Option<&Tensor>,
    weight: &DeviceRows,
    finish: Finish<'_>,
    shape: &Shape,
) -> Option<Result<Tensor>> {
    let rows = shape.len().checked_div(weight.rows()).unwrap_or(0);
    let linear = Linear { x0, x1, weight, rows, columns: weight.rows(), finish };
    let version = linear.version();
    (x1.is_none() || matches!(version, Version::Wgmma(..))).then(|| linear.run(version, shape))
}

impl Linear<'_> {
    fn depths(&self) -> [usize; 2] {
        let depth = |x: &Tensor| x.dims().last().copied().unwrap_or(1);
        [depth(self.x0), self.x1.map_or(0, depth)]
    }

    /// Whether 16 bytes can be read at a time of everything.
    fn is_aligned(&self) -> bool {
        let rows = [Some(self.x0), self.x1].into_iter().flatten();
        self.finish.is_aligned() && rows.map(In::<f32>::from).all(|x| x.is_aligned(16))
    }

    /// Which version runs. What the order of additions depends on is decided by one item's shape.
    fn version(&self) -> Version {
        let [depth0, depth1] = self.depths();
        let context = self.x0.context();
        if !self.is_aligned() {
            return Version::Naive;
        }
        let whole = depth0.is_multiple_of(8) && depth1.is_multiple_of(8) && depth0 > 0;
        if self.x0.dtype() == DType::F32 || !whole || self.rows == 0 || self.columns == 0 {
            return Version::Tiled;
        }
        let item = [self.finish.rows_per_sample, self.columns];
        let mma_steps = (depth0 + depth1).div_ceil(MmaTile::DEPTH);
        let mut cuts = Vec::new();
        if self.x1.is_none() {
            cuts.extend(MmaTile::ALL.map(|tile| tile.cut(Version::Mma(tile, 1), item, mma_steps)));
        }
        if context.properties().is_hopper() && (self.x1.is_none() || depth0.is_multiple_of(WgmmaTile::DEPTH)) {
            let steps = depth0.div_ceil(WgmmaTile::DEPTH) + depth1.div_ceil(WgmmaTile::DEPTH);
            cuts.extend(WgmmaTile::ALL.map(|tile| tile.cut(item, steps)));
        }
        match fastest(&cuts, item[0] * item[1], context) {
            Some((Version::Mma(tile, _), parts)) => Version::Mma(tile, parts),
            Some((Version::Wgmma(tile, _), parts)) => Version::Wgmma(tile, parts),
            _ => Version::Tiled,
        }
    }

    fn run(&self, version: Version, shape: &Shape) -> Result<Tensor> {
        let out = NewTensor::like(self.x0, shape)?;
        match version {
            Version::Naive | Version::Tiled => self.run_simple(version, &out)?,
            Version::Mma(tile, parts) => self.run_mma(tile, parts, &out)?,
            Version::Wgmma(tile, parts) => self.run_wgmma(tile, parts, &out)?,
        }
        Ok(out.finish())
    }

    fn run_simple(&self, version: Version, out: &NewTensor) -> Result<()> {
        let &Linear { rows, columns, finish, .. } = self;
        let Finish { bias, sample_bias, residual, rows_per_sample, activation, scale } = finish;
        let (x, weight, [depth, _]) = (self.x0.into(), self.weight.pointer(), self.depths());
        macro_rules! launch {
            ($kernel:ident, $launch:expr) => {{
                table::$kernel {
                    x,
                    weight,
                    bias,
                    sample_bias,
                    residual,
                    out: out.pointer(),
                    rows,
                    columns,
                    depth,
                    rows_per_sample,
                    activation,
                    scale,
                }
                .launch(out.context(), $launch)
            }};
        }
        match version {
            Version::Naive => launch!(linear_naive, Launch::blocks((rows * columns).div_ceil(256), 256)),
            _ => launch!(linear_tiled, Launch::blocks(rows.div_ceil(128) * columns.div_ceil(128), 256)),
        }
    }

    fn run_mma(&self, tile: MmaTile, parts: usize, out: &NewTensor) -> Result<()> {
        let &Linear { rows, columns, finish, .. } = self;
        let Finish { bias, sample_bias, residual, rows_per_sample, activation, scale } = finish;
        let (x, weight, [depth, _]) = (self.x0.into(), self.weight.pointer(), self.depths());
        let sums = Partial::new(out, parts, [rows, columns])?;
        let launch = tile.launch(tile.count(rows, columns), parts);
        macro_rules! launch {
            ($kernel:ident) => {{
                let partial = sums.as_ref().map(Partial::pointer);
                table::$kernel {
                    x,
                    weight,
                    bias,
                    sample_bias,
                    residual,
                    out: out.pointer(),
                    partial,
                    rows,
                    columns,
                    depth,
                    rows_per_sample,
                    activation,
                    scale,
                }
                .launch(out.context(), launch)?
            }};
        }
        match tile {
            MmaTile::Large => launch!(linear_128x128_mma),
            MmaTile::Wide => launch!(linear_128x160_mma),
            MmaTile::Small => launch!(linear_64x64_mma),
        }
        sums.map_or(Ok(()), |sums| sums.add_up(&finish, out))
    }

    fn run_wgmma(&self, tile: WgmmaTile, parts: usize, out: &NewTensor) -> Result<()> {
        let &Linear { rows, columns, finish, .. } = self;
        let Finish { bias, sample_bias, residual, rows_per_sample, activation, scale } = finish;
        let [depth0, depth1] = self.depths();
        let [height, width] = tile.sides();
        let map = |x: &Tensor, depth| tensor_map(x, &[depth, rows], &[WgmmaTile::DEPTH, height]);
        let x0 = map(self.x0, depth0)?;
        let x1 = self.x1.map_or(Ok(x0), |x1| map(x1, depth1))?;
        let sizes = [depth0 + depth1, columns];
        let of_weight = [WgmmaTile::DEPTH, width];
        let tiling = Tiling { sizes: &sizes, strides: &strides(&sizes), tile: &of_weight, swizzled: true };
        let weight = self.weight.tensor_map(tiling)?;
        let sums = Partial::new(out, parts, [rows, columns])?;
        let multiprocessors = out.context().properties().multiprocessors as usize;
        let launch = tile.launch(tile.count(rows, columns) * parts, multiprocessors);
        macro_rules! launch {
            ($kernel:ident) => {{
                let partial = sums.as_ref().map(Partial::pointer);
                table::$kernel {
                    x0,
                    x1,
                    weight,
                    bias,
                    sample_bias,
                    residual,
                    out: out.pointer(),
                    partial,
                    rows,
                    columns,
                    depth0,
                    depth1,
                    parts,
                    rows_per_sample,
                    activation,
                    scale,
                }
                .launch(out.context(), launch)?
            }};
        }
        match tile {
            WgmmaTile::Large => launch!(linear_256x160_wgmma),
            WgmmaTile::Wide => launch!(linear_128x160_wgmma),
            WgmmaTile::Square => launch!(linear_128x128_wgmma),
        }
        sums.map_or(Ok(()), |sums| sums.add_up(&finish, out))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Device;
    use crate::cuda::Context;
    use crate::harness::{FullEpilogue, Place, for_each_cuda_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits};
    use crate::tensor::Elements;

    fn versions(dtype: DType, hopper: bool) -> Vec<Version> {
        let mut versions = vec![Version::Naive, Version::Tiled];
        if dtype != DType::F32 {
            versions.extend([1, 3].into_iter().flat_map(|parts| MmaTile::ALL.map(|tile| Version::Mma(tile, parts))));
            if hopper {
                versions.extend(
                    [1, 2].into_iter().flat_map(|parts| WgmmaTile::ALL.map(|tile| Version::Wgmma(tile, parts))),
                );
            }
        }
        versions
    }

    /// Those that add in the same order.
    fn order(version: Version) -> (u8, usize) {
        match version {
            Version::Naive | Version::Tiled => (0, 1),
            Version::Mma(_, parts) => (1, parts),
            Version::Wgmma(_, parts) => (2, parts),
        }
    }

    fn upload(place: &Place, weight: &Tensor) -> DeviceRows {
        let Device::Cuda(ordinal) = place.device else { panic!("a CUDA device") };
        let (rows, depth) = (weight.dims()[0], weight.dims()[1]);
        let values: Vec<f32> = weight.to_vec_f32().unwrap();
        DeviceRows::upload(Context::get(ordinal).unwrap(), weight.dtype(), &Elements::F32(&values), [rows, depth, 1])
            .unwrap()
    }

    /// Sizes beyond one tile, with rests in every direction, and within one; widths that are vectors and that are not.
    #[test]
    fn every_version_matches_float64_and_those_of_one_order_give_the_same_bits() {
        let mut random = Random::new(1);
        for [rows, columns, depth] in [[131, 165, 200], [5, 24, 136]] {
            let (x, weight) = (random.tensor(&[1, rows, depth]), random.tensor(&[columns, depth]));
            let epilogue = FullEpilogue::random(&mut random, &[1, rows, columns]);
            for_each_cuda_device(|place| {
                let hopper = place.is_hopper();
                for &dtype in place.dtypes() {
                    let [x, weight] = [&x, &weight].map(|tensor| tensor.to_dtype(dtype).unwrap());
                    let [on_host, there] = [&Place::cpu(), place].map(|place| epilogue.put(place, dtype));
                    let expected = reference::epilogue(reference::linear(&x, &weight), 1, on_host.get());
                    let (rows_of_weight, x) = (upload(place, &weight), place.put(&x, dtype));
                    let finish = Finish::new(&there.get(), rows);
                    let linear = Linear { x0: &x, x1: None, weight: &rows_of_weight, rows, columns, finish };
                    let shape = Shape::from([1, rows, columns]);
                    let mut first: Vec<((u8, usize), Tensor)> = Vec::new();
                    for version in versions(dtype, hopper) {
                        let out = linear.run(version, &shape).unwrap();
                        assert_close(&out, &expected, reference::sum_tolerance(depth) + result_rounding(dtype));
                        match first.iter().find(|(of, _)| *of == order(version)) {
                            Some((_, same)) => same_bits(&out, same),
                            None => first.push((order(version), out)),
                        }
                    }
                }
            });
        }
    }

    #[test]
    fn two_matrices_are_read_as_if_side_by_side() {
        let mut random = Random::new(2);
        let (x0, x1) = (random.tensor(&[1, 20, 64]), random.tensor(&[1, 20, 40]));
        let weight = random.tensor(&[48, 104]);
        for_each_cuda_device(|place| {
            if !place.is_hopper() {
                return;
            }
            for dtype in [DType::F16, DType::BF16] {
                let [x0, x1, weight] = [&x0, &x1, &weight].map(|tensor| tensor.to_dtype(dtype).unwrap());
                let joined = Tensor::concat(&[&x0, &x1], 2).unwrap();
                let rows_of_weight = upload(place, &weight);
                let [x0, x1] = [x0, x1].map(|x| place.put(&x, dtype));
                let (finish, shape) = (Finish::new(&Epilogue::default(), 20), Shape::from([1, 20, 48]));
                let out = of_pixels(&x0, Some(&x1), &rows_of_weight, finish, &shape).unwrap().unwrap();
                let tolerance = reference::sum_tolerance(104) + result_rounding(dtype);
                assert_close(&out, &reference::linear(&joined, &weight), tolerance);
            }
        });
    }

    /// What the choice is about: see `fastest`.
    #[test]
    fn products_with_few_tiles_and_a_long_k_are_split() {
        for_each_cuda_device(|place| {
            let x = place.put(&Tensor::zeros([1, 64, 4096]).unwrap(), DType::F16);
            let weight = upload(place, &Tensor::zeros([64, 4096]).unwrap().to_dtype(DType::F16).unwrap());
            let finish = Finish::new(&Epilogue::default(), 64);
            let linear = Linear { x0: &x, x1: None, weight: &weight, rows: 64, columns: 64, finish };
            assert!(
                matches!(linear.version(), Version::Mma(_, 2..) | Version::Wgmma(_, 2..)),
                "{:?}",
                linear.version()
            );
        });
    }
}
