//! Launches of convolutions.

use super::linear;
use super::product::{Cut, Finish, MmaTile, Partial, WgmmaBlock, fastest, strides, tensor_map};
use crate::cuda::launch::{In, Launch};
use crate::cuda::{Context, DeviceRows, Moments, NewTensor, TensorMap, Tiling, table};
use crate::ops::Epilogue;
use crate::{DType, Result, Shape, Tensor};

/// A convolution of one input, or of two that are read as if side by side along the channels.
pub(crate) struct Convolution<'a> {
    pub(crate) x0: &'a Tensor,
    pub(crate) x1: Option<&'a Tensor>,
    pub(crate) weight: &'a DeviceRows,
    /// Height, width.
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// The kernels, see `cuda/conv2d.cu`. Numbers are parts along K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Naive,
    Tiled,
    Mma(MmaTile, usize),
    Wgmma(PixelTile, usize),
}

impl Version {
    /// Pixels of a picture of that size whose moments it can give together.
    fn chunk_pixels(self, [height, width]: [usize; 2]) -> Option<usize> {
        match self {
            Version::Mma(tile, 1) => {
                let rows = tile.chunk_rows();
                (height * width).is_multiple_of(rows).then_some(rows)
            }
            Version::Wgmma(tile, 1) => tile.chunk_pixels([height, width]),
            _ => None,
        }
    }
}

/// The tiles of `conv3x3` kernels in `wgmma`: so many pixels and [`PixelTile::CHANNELS`] channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PixelTile {
    /// 8 wide, 32 high.
    High,
    /// 8 wide, 16 high.
    Low,
    /// 8 × 8 of two items.
    TwoItems,
}

impl PixelTile {
    /// Those that suit pictures of so many rows. All give the same bits.
    pub(super) fn of_height(height: usize) -> &'static [Self] {
        if height <= 8 { &[PixelTile::TwoItems] } else { &[PixelTile::High, PixelTile::Low] }
    }

    const WIDTH: usize = 8;
    const CHANNELS: usize = 160;
    /// Channels of the input that a step takes.
    const DEPTH: usize = 64;
    /// Bytes of the weights of a tap in a step.
    const WEIGHT_BYTES: usize = Self::CHANNELS * Self::DEPTH * DType::F16.size();

    /// Items and rows.
    const fn sides(self) -> [usize; 2] {
        match self {
            PixelTile::High => [1, 32],
            PixelTile::Low => [1, 16],
            PixelTile::TwoItems => [2, 8],
        }
    }

    /// How many cover a result.
    pub(super) fn count(self, [batch, height, width, channels]: [usize; 4]) -> usize {
        let [items, rows] = self.sides();
        batch.div_ceil(items) * height.div_ceil(rows) * width.div_ceil(Self::WIDTH) * channels.div_ceil(Self::CHANNELS)
    }

    /// A launch for `tiles` of them, with `taps` (3, or 2 for upsampled pictures) in both directions.
    pub(super) fn launch(self, tiles: usize, taps: usize, context: &Context) -> Launch {
        const WEIGHT_STAGES: usize = 6;
        /// Of the warps of two warpgroups, for each channel two numbers.
        const MOMENTS_BYTES: usize = 2 * 4 * PixelTile::CHANNELS * 2 * size_of::<f32>();
        let boxes = if self == PixelTile::High { 2 } else { 3 };
        let bytes = boxes * self.box_bytes(taps) + WEIGHT_STAGES * Self::WEIGHT_BYTES + MOMENTS_BYTES;
        let blocks = tiles.min(context.properties().multiprocessors as usize);
        WgmmaBlock::launch(blocks, bytes, boxes + WEIGHT_STAGES)
    }

    /// The way to cut a result of one item into these; `steps` are of [`PixelTile::DEPTH`] channels in a column of taps.
    pub(super) fn cut<V>(self, version: V, [height, width, channels]: [usize; 3], steps: usize, taps: usize) -> Cut<V> {
        let [items, rows] = self.sides();
        let pixels = items * rows * Self::WIDTH;
        let bytes = self.box_bytes(taps) + taps * Self::WEIGHT_BYTES;
        let step = WgmmaBlock::clocks(taps * pixels * Self::CHANNELS * Self::DEPTH, bytes);
        let around = 1500 + pixels * Self::CHANNELS / 12;
        Cut { version, tiles: self.count([1, height, width, channels]), steps, step, around }
    }

    /// Pixels whose moments a kernel gives together, half a tile, if pictures (or phases) of that size consist of whole
    /// tiles of one item.
    pub(super) fn chunk_pixels(self, [height, width]: [usize; 2]) -> Option<usize> {
        let [items, rows] = self.sides();
        let whole = items == 1 && height.is_multiple_of(rows) && width.is_multiple_of(Self::WIDTH);
        whole.then_some(rows * Self::WIDTH / 2)
    }

    /// Bytes of the pixels of a step, which has as many rows more than the tile as taps reach out of it.
    fn box_bytes(self, taps: usize) -> usize {
        let [items, rows] = self.sides();
        items * (rows + taps - 1) * Self::WIDTH * Self::DEPTH * DType::F16.size()
    }

    /// Steps along K of such inputs.
    pub(super) fn steps(channels: [usize; 2], taps: usize) -> usize {
        taps * channels.map(|channels| channels.div_ceil(Self::DEPTH)).iter().sum::<usize>()
    }

    /// Whether kernels take such inputs.
    pub(super) fn takes([channels0, channels1]: [usize; 2]) -> bool {
        channels0.is_multiple_of(8)
            && channels1.is_multiple_of(8)
            && channels0 > 0
            && (channels1 == 0 || channels0.is_multiple_of(Self::DEPTH))
    }

    /// Descriptions of both inputs (of one twice, if there is one) and of the weight, `[rows, taps², in_channels]`.
    pub(super) fn maps(
        self,
        x0: &Tensor,
        x1: Option<&Tensor>,
        weight: &DeviceRows,
        taps: usize,
    ) -> Result<[TensorMap; 3]> {
        let [items, rows] = self.sides();
        let pixels = |x: &Tensor| {
            let sizes: Vec<usize> = x.dims().iter().rev().copied().collect();
            tensor_map(x, &sizes, &[Self::DEPTH, Self::WIDTH, rows + taps - 1, items])
        };
        let x0 = pixels(x0)?;
        let sizes = [weight.depth() / (taps * taps), taps * taps, weight.rows()];
        let tile = &[Self::DEPTH, 1, Self::CHANNELS];
        let weight = weight.tensor_map(Tiling { sizes: &sizes, strides: &strides(&sizes), tile, swizzled: true })?;
        Ok([x0, x1.map_or(Ok(x0), pixels)?, weight])
    }
}

/// Steps along K of `mma` kernels: they end with a tap and a source.
pub(super) fn mma_steps(channels: [usize; 2], taps: usize) -> usize {
    taps * channels.map(|channels| channels.div_ceil(MmaTile::DEPTH)).iter().sum::<usize>()
}

/// Channels of a picture; none if there is none.
pub(super) fn channels(x: Option<&Tensor>) -> usize {
    x.and_then(|x| x.dims().last().copied()).unwrap_or(0)
}

/// Whether 16 bytes can be read at a time of everything.
pub(super) fn is_aligned(sources: [Option<&Tensor>; 2], finish: &Finish<'_>) -> bool {
    finish.is_aligned() && sources.into_iter().flatten().all(|x| In::<f32>::from(x).is_aligned(16))
}

impl Convolution<'_> {
    /// The result, of the shape `[batch, out_height, out_width, out_channels]`.
    pub(crate) fn run(&self, epilogue: &Epilogue<'_>, shape: &Shape) -> Result<Tensor> {
        let &[_, out_height, out_width, _] = shape.dims() else { panic!("a picture has four dimensions") };
        let finish = Finish::new(epilogue, out_height * out_width);
        if (self.kernel, self.stride, self.padding) == ([1, 1], 1, 0)
            && let Some(result) = linear::of_pixels(self.x0, self.x1, self.weight, finish, shape)
        {
            return result;
        }
        self.run_as(self.version(&finish, shape), &finish, shape, epilogue.moments)
    }

    fn channels(&self) -> [usize; 2] {
        [channels(Some(self.x0)), channels(self.x1)]
    }

    /// Which version runs. What the order of additions depends on is decided by one item's shape.
    fn version(&self, finish: &Finish<'_>, shape: &Shape) -> Version {
        let context = self.x0.context();
        let &[_, out_height, out_width, out_channels] = shape.dims() else { panic!("a picture has four dimensions") };
        let channels = self.channels();
        if !is_aligned([Some(self.x0), self.x1], finish) {
            return Version::Naive;
        }
        let vectors = channels.iter().all(|channels| channels.is_multiple_of(8)) && channels[0] > 0;
        if self.x0.dtype() == DType::F32 || !vectors || shape.is_empty() {
            return Version::Tiled;
        }
        let pixels = out_height * out_width;
        let steps = mma_steps(channels, self.kernel[0] * self.kernel[1]);
        let mut cuts = MmaTile::ALL.map(|tile| tile.cut(Version::Mma(tile, 1), [pixels, out_channels], steps)).to_vec();
        let three = (self.kernel, self.stride, self.padding) == ([3, 3], 1, 1);
        if context.properties().is_hopper() && three && PixelTile::takes(channels) {
            let (height, item) = (out_height, [out_height, out_width, out_channels]);
            let steps = PixelTile::steps(channels, 3);
            cuts.extend(
                PixelTile::of_height(height).iter().map(|&tile| tile.cut(Version::Wgmma(tile, 1), item, steps, 3)),
            );
        }
        match fastest(&cuts, pixels * out_channels, context) {
            Some((Version::Mma(tile, _), parts)) => Version::Mma(tile, parts),
            Some((Version::Wgmma(tile, _), parts)) => Version::Wgmma(tile, parts),
            _ => Version::Tiled,
        }
    }

    fn run_as(&self, version: Version, finish: &Finish<'_>, shape: &Shape, moments: bool) -> Result<Tensor> {
        let out = NewTensor::like(self.x0, shape)?;
        let &[batch, height, width, channels] = shape.dims() else { panic!("a picture has four dimensions") };
        let chunk_pixels = version.chunk_pixels([height, width]).filter(|_| moments);
        let room = |pixels| Moments::room(out.context(), [batch, height * width, channels], pixels);
        let moments = chunk_pixels.map(room).transpose()?;
        match version {
            Version::Wgmma(tile, parts) => self.run_wgmma(tile, parts, finish, shape, &out, moments.as_ref())?,
            _ => self.run_windows(version, finish, shape, &out, moments.as_ref())?,
        }
        Ok(out.finish().with_moments(moments))
    }

    /// As a product of gathered windows and weights.
    fn run_windows(
        &self,
        version: Version,
        finish: &Finish<'_>,
        shape: &Shape,
        out: &NewTensor,
        moments: Option<&Moments>,
    ) -> Result<()> {
        let (&[batch, height, width, _], &[_, out_height, out_width, out_channels]) = (self.x0.dims(), shape.dims())
        else {
            panic!("pictures have four dimensions")
        };
        let ([channels0, channels1], [kernel_height, kernel_width]) = (self.channels(), self.kernel);
        let &Finish { bias, sample_bias, residual, activation, scale, .. } = finish;
        let (x0, x1, weight) = (In::from(self.x0), self.x1.map(In::from), self.weight.pointer());
        let &Convolution { stride, padding, .. } = self;
        let rows = batch * out_height * out_width;
        let parts = if let Version::Mma(_, parts) = version { parts } else { 1 };
        let sums = Partial::new(out, parts, [rows, out_channels])?;
        // The fields are named if the kernel has them.
        macro_rules! launch {
            ($kernel:ident, $launch:expr $(, $partial:ident, $moments:ident)?) => {{
                $(
                    let $partial = sums.as_ref().map(Partial::pointer);
                    let $moments = moments.map(Moments::output);
                )?
                table::$kernel {
                    x0, x1, weight, bias, sample_bias, residual, out: out.pointer(), $($partial, $moments,)? batch, height, width, channels0,
                    channels1, out_height, out_width, out_channels, kernel_height, kernel_width, stride, padding, activation, scale,
                }
                .launch(out.context(), $launch)?
            }};
        }
        match version {
            Version::Naive => launch!(conv2d_naive, Launch::blocks((rows * out_channels).div_ceil(256), 256)),
            Version::Mma(tile, parts) => {
                let grid = tile.launch(tile.count(rows, out_channels), parts);
                match tile {
                    MmaTile::Large => launch!(conv2d_128x128_mma, grid, partial, moments),
                    MmaTile::Wide => launch!(conv2d_128x160_mma, grid, partial, moments),
                    MmaTile::Small => launch!(conv2d_64x64_mma, grid, partial, moments),
                }
            }
            _ => launch!(conv2d_tiled, Launch::blocks(rows.div_ceil(128) * out_channels.div_ceil(128), 256)),
        }
        sums.map_or(Ok(()), |sums| sums.add_up(finish, out))
    }

    fn run_wgmma(
        &self,
        tile: PixelTile,
        parts: usize,
        finish: &Finish<'_>,
        shape: &Shape,
        out: &NewTensor,
        moments: Option<&Moments>,
    ) -> Result<()> {
        const TAPS: usize = 3;
        let &[batch, height, width, out_channels] = shape.dims() else { panic!("a picture has four dimensions") };
        let [channels0, channels1] = self.channels();
        let &Finish { bias, sample_bias, residual, activation, scale, .. } = finish;
        let [x0, x1, weight] = tile.maps(self.x0, self.x1, self.weight, TAPS)?;
        let sums = Partial::new(out, parts, [batch * height * width, out_channels])?;
        let launch = tile.launch(tile.count([batch, height, width, out_channels]) * parts, TAPS, out.context());
        macro_rules! launch {
            ($kernel:ident) => {{
                let partial = sums.as_ref().map(Partial::pointer);
                let moments = moments.map(Moments::output);
                table::$kernel {
                    x0,
                    x1,
                    weight,
                    bias,
                    sample_bias,
                    residual,
                    out: out.pointer(),
                    partial,
                    moments,
                    batch,
                    height,
                    width,
                    channels0,
                    channels1,
                    out_channels,
                    parts,
                    activation,
                    scale,
                }
                .launch(out.context(), launch)?
            }};
        }
        match tile {
            PixelTile::High => launch!(conv3x3_8x32_wgmma),
            PixelTile::Low => launch!(conv3x3_8x16_wgmma),
            PixelTile::TwoItems => launch!(conv3x3_2x8x8_wgmma),
        }
        sums.map_or(Ok(()), |sums| sums.add_up(finish, out))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Device;
    use crate::harness::{FullEpilogue, Place, for_each_cuda_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits};
    use crate::tensor::Elements;

    const PIXEL_TILES: [PixelTile; 3] = [PixelTile::High, PixelTile::Low, PixelTile::TwoItems];

    fn versions(dtype: DType, hopper: bool) -> Vec<Version> {
        let mut versions = vec![Version::Naive, Version::Tiled];
        if dtype != DType::F32 {
            versions.extend([1, 3].into_iter().flat_map(|parts| MmaTile::ALL.map(|tile| Version::Mma(tile, parts))));
            if hopper {
                versions
                    .extend([1, 2].into_iter().flat_map(|parts| PIXEL_TILES.map(|tile| Version::Wgmma(tile, parts))));
            }
        }
        versions
    }

    /// In tiles that have all their channels, and fewer, and a number of them that keeps rows from being aligned.
    #[test]
    fn moments_are_those_of_what_is_written_and_of_one_item_alone() {
        let mut random = Random::new(2);
        for ([batch, height, width], out_channels) in [([2, 32, 8], 168), ([3, 16, 8], 21)] {
            let (x, weight) = (random.tensor(&[batch, height, width, 8]), random.tensor(&[out_channels, 8, 3, 3]));
            let epilogue = FullEpilogue::random(&mut random, &[batch, height, width, out_channels]);
            for_each_cuda_device(|place| {
                for &dtype in &[DType::F16, DType::BF16] {
                    let values = weight.to_vec_f32().unwrap();
                    let sizes = [out_channels, 8, 9];
                    let rows = DeviceRows::upload(place.context(), dtype, &Elements::F32(&values), sizes).unwrap();
                    let (x, epilogue) = (place.put(&x, dtype), epilogue.put(place, dtype));
                    let run = |x: &Tensor, epilogue: &FullEpilogue, version, moments| {
                        let convolution =
                            Convolution { x0: x, x1: None, weight: &rows, kernel: [3, 3], stride: 1, padding: 1 };
                        let shape = Shape::from([x.dims()[0], height, width, out_channels]);
                        convolution
                            .run_as(version, &Finish::new(&epilogue.get(), height * width), &shape, moments)
                            .unwrap()
                    };
                    for version in versions(dtype, place.is_hopper()) {
                        if version.chunk_pixels([height, width]).is_none() {
                            continue;
                        }
                        let out = run(&x, &epilogue, version, true);
                        let moments = out.moments().unwrap();
                        moments.assert_of(&out);
                        same_bits(&out, &run(&x, &epilogue, version, false));
                        let last = run(&x.narrow(0, batch - 1, 1).unwrap(), &epilogue.item(batch - 1), version, true);
                        let alone = last.moments().unwrap().values();
                        assert!(moments.values().ends_with(&alone), "{version:?}");
                    }
                }
            });
        }
    }

    #[test]
    fn versions_that_do_not_split_k_give_moments_of_pictures_that_consist_of_whole_tiles() {
        let giving = |size| {
            let versions = versions(DType::F16, true);
            versions.into_iter().filter(|version| version.chunk_pixels(size).is_some()).collect::<Vec<_>>()
        };
        let mma = MmaTile::ALL.map(|tile| Version::Mma(tile, 1));
        let [high, low] = [PixelTile::High, PixelTile::Low].map(|tile| Version::Wgmma(tile, 1));
        assert_eq!(giving([32, 8]), [&mma[..], &[high, low]].concat());
        assert_eq!(giving([16, 8]), [&mma[..], &[low]].concat());
        assert_eq!(giving([8, 12]), [Version::Mma(MmaTile::Small, 1)]);
        assert_eq!(giving([9, 11]), []);
    }

    /// Those that add in the same order.
    fn order(version: Version) -> (u8, usize) {
        match version {
            Version::Naive | Version::Tiled => (0, 1),
            Version::Mma(_, parts) => (1, parts),
            Version::Wgmma(_, parts) => (2, parts),
        }
    }

    /// Sizes beyond one tile of each kind, with rests in every direction, and two sources.
    #[test]
    fn every_version_matches_float64_and_those_of_one_order_give_the_same_bits() {
        let mut random = Random::new(1);
        let (sources, out_channels) = ([64, 24].map(|channels| random.tensor(&[3, 9, 11, channels])), 24);
        let weight = random.tensor(&[out_channels, 88, 3, 3]);
        let epilogue = FullEpilogue::random(&mut random, &[3, 9, 11, out_channels]);
        for_each_cuda_device(|place| {
            let Device::Cuda(ordinal) = place.device else { panic!("a CUDA device") };
            for &dtype in place.dtypes() {
                let [x0, x1] = [&sources[0], &sources[1]].map(|source| source.to_dtype(dtype).unwrap());
                let rounded = weight.to_dtype(dtype).unwrap();
                let [on_host, there] = [&Place::cpu(), place].map(|place| epilogue.put(place, dtype));
                let plain = reference::conv2d(&Tensor::concat(&[&x0, &x1], 3).unwrap(), &rounded, 1, 1);
                let expected = reference::epilogue(plain, 3, on_host.get());
                let values = weight.to_vec_f32().unwrap();
                let context = Context::get(ordinal).unwrap();
                let rows = DeviceRows::upload(context, dtype, &Elements::F32(&values), [out_channels, 88, 9]).unwrap();
                let [x0, x1] = [x0, x1].map(|x| place.put(&x, dtype));
                let convolution =
                    Convolution { x0: &x0, x1: Some(&x1), weight: &rows, kernel: [3, 3], stride: 1, padding: 1 };
                let (finish, shape) = (Finish::new(&there.get(), 99), Shape::from([3, 9, 11, out_channels]));
                let mut first: Vec<((u8, usize), Tensor)> = Vec::new();
                for version in versions(dtype, place.is_hopper()) {
                    let out = convolution.run_as(version, &finish, &shape, false).unwrap();
                    assert_close(&out, &expected, reference::sum_tolerance(9 * 88) + result_rounding(dtype));
                    match first.iter().find(|(of, _)| *of == order(version)) {
                        Some((_, same)) => same_bits(&out, same),
                        None => first.push((order(version), out)),
                    }
                }
            }
        });
    }
}
