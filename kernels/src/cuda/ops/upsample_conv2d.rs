//! Launches of convolutions of upsampled pictures.

use super::conv2d::{PixelTile, channels, is_aligned, mma_steps};
use super::product::{Finish, MmaTile, fastest};
use crate::cuda::launch::{In, Launch};
use crate::cuda::{DeviceRows, Moments, NewTensor, table};
use crate::ops::Epilogue;
use crate::{DType, Result, Shape, Tensor};

/// The kernels, see `cuda/conv2d.cu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Naive,
    Tiled,
    Mma(MmaTile),
    Wgmma(PixelTile),
}

/// Even and odd rows, of each even and odd columns.
const PHASES: usize = 4;

/// The result, of the shape `[batch, 2 · height, 2 · width, out_channels]`; `weight` has rows for each phase in turn.
pub(crate) fn upsample_conv2d(
    x: &Tensor,
    weight: &DeviceRows,
    epilogue: &Epilogue<'_>,
    shape: &Shape,
) -> Result<Tensor> {
    let &[_, out_height, out_width, out_channels] = shape.dims() else { panic!("a picture has four dimensions") };
    let finish = Finish::new(epilogue, out_height * out_width);
    run(x, weight, &finish, shape, version(x, &finish, out_channels), epilogue.moments)
}

/// Which version runs. None splits K, so what the order of additions depends on is the kind of kernel, which one item decides.
fn version(x: &Tensor, finish: &Finish<'_>, out_channels: usize) -> Version {
    let &[_, height, width, _] = x.dims() else { panic!("a picture has four dimensions") };
    let (context, channels) = (x.context(), [channels(Some(x)), 0]);
    if !is_aligned([Some(x), None], finish) {
        return Version::Naive;
    }
    if x.dtype() == DType::F32 || !channels[0].is_multiple_of(8) || x.shape().is_empty() || out_channels == 0 {
        return Version::Tiled;
    }
    // Phases are as good as more pictures; K is not split, so it counts as one step.
    let steps = mma_steps(channels, 4);
    let mut cuts =
        MmaTile::ALL.map(|tile| tile.cut(Version::Mma(tile), [PHASES * height * width, out_channels], steps)).to_vec();
    if context.properties().is_hopper() && PixelTile::takes(channels) {
        let steps = PixelTile::steps(channels, 2);
        let item = [PHASES * height, width, out_channels];
        cuts.extend(PixelTile::of_height(height).iter().map(|&tile| tile.cut(Version::Wgmma(tile), item, steps, 2)));
    }
    let whole = cuts.iter().map(|cut| cut.in_one_part());
    fastest(&whole.collect::<Vec<_>>(), 0, context).map_or(Version::Tiled, |(version, _)| version)
}

fn run(
    x: &Tensor,
    weight: &DeviceRows,
    finish: &Finish<'_>,
    shape: &Shape,
    version: Version,
    moments: bool,
) -> Result<Tensor> {
    let out = NewTensor::like(x, shape)?;
    let (&[_, height, width, _], &[batch, out_height, out_width, channels]) = (x.dims(), shape.dims()) else {
        panic!("pictures have four dimensions")
    };
    // Chunks are of one phase.
    let chunk_pixels = match version {
        Version::Mma(tile) => Some(tile.chunk_rows()).filter(|&rows| (height * width).is_multiple_of(rows)),
        Version::Wgmma(tile) => tile.chunk_pixels([height, width]),
        Version::Naive | Version::Tiled => None,
    };
    let room = |pixels| Moments::room(out.context(), [batch, out_height * out_width, channels], pixels);
    let moments = chunk_pixels.filter(|_| moments).map(room).transpose()?;
    match version {
        Version::Wgmma(tile) => run_wgmma(x, weight, finish, &out, tile, moments.as_ref())?,
        _ => run_windows(x, weight, finish, &out, version, moments.as_ref())?,
    }
    Ok(out.finish().with_moments(moments))
}

/// As products of gathered windows and weights.
fn run_windows(
    x: &Tensor,
    weight: &DeviceRows,
    finish: &Finish<'_>,
    out: &NewTensor,
    version: Version,
    moments: Option<&Moments>,
) -> Result<()> {
    let &[batch, height, width, channels0] = x.dims() else { panic!("a picture has four dimensions") };
    let (out_channels, windows) = (weight.rows() / PHASES, batch * height * width);
    let &Finish { bias, sample_bias, residual, activation, scale, .. } = finish;
    // The field is named if the kernel has it.
    macro_rules! launch {
        ($kernel:ident, $launch:expr $(, $moments:ident)?) => {{
            $( let $moments = moments.map(Moments::output); )?
            table::$kernel {
                x0: In::from(x),
                x1: None,
                weight: weight.pointer(),
                bias,
                sample_bias,
                residual,
                out: out.pointer(),
                $($moments,)?
                batch,
                height,
                width,
                channels0,
                channels1: 0,
                out_channels,
                activation,
                scale,
            }
            .launch(out.context(), $launch)
        }};
    }
    let blocks = |blocks| Launch { grid: [blocks, PHASES, 1], ..Launch::blocks(blocks, 256) };
    match version {
        Version::Naive => launch!(upsample_conv3x3_naive, blocks((windows * out_channels).div_ceil(256))),
        Version::Mma(tile) => {
            let grid = tile.launch(tile.count(windows, out_channels), PHASES);
            match tile {
                MmaTile::Large => launch!(upsample_conv3x3_128x128_mma, grid, moments),
                MmaTile::Wide => launch!(upsample_conv3x3_128x160_mma, grid, moments),
                MmaTile::Small => launch!(upsample_conv3x3_64x64_mma, grid, moments),
            }
        }
        _ => launch!(upsample_conv3x3_tiled, blocks(windows.div_ceil(128) * out_channels.div_ceil(128))),
    }
}

fn run_wgmma(
    x: &Tensor,
    weight: &DeviceRows,
    finish: &Finish<'_>,
    out: &NewTensor,
    tile: PixelTile,
    moments: Option<&Moments>,
) -> Result<()> {
    const TAPS: usize = 2;
    let &[batch, height, width, channels0] = x.dims() else { panic!("a picture has four dimensions") };
    let out_channels = weight.rows() / PHASES;
    let &Finish { bias, sample_bias, residual, activation, scale, .. } = finish;
    let [x0, x1, weight] = tile.maps(x, None, weight, TAPS)?;
    let launch = tile.launch(PHASES * tile.count([batch, height, width, out_channels]), TAPS, out.context());
    macro_rules! launch {
        ($kernel:ident) => {
            table::$kernel {
                x0,
                x1,
                weight,
                bias,
                sample_bias,
                residual,
                out: out.pointer(),
                moments: moments.map(Moments::output),
                batch,
                height,
                width,
                channels0,
                channels1: 0,
                out_channels,
                activation,
                scale,
            }
            .launch(out.context(), launch)
        };
    }
    match tile {
        PixelTile::High => launch!(upsample_conv3x3_8x32_wgmma),
        PixelTile::Low => launch!(upsample_conv3x3_8x16_wgmma),
        PixelTile::TwoItems => launch!(upsample_conv3x3_2x8x8_wgmma),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::{for_each_cuda_device, result_rounding};
    use crate::reference::{Random, assert_close, same_bits};
    use crate::tensor::Elements;
    use crate::{Device, cuda::Context};

    #[test]
    fn moments_are_those_of_what_is_written() {
        let mut random = Random::new(2);
        let (dims, out_channels) = ([2, 32, 8, 8], 21);
        let (x, weight) = (random.tensor(&dims), random.tensor(&[PHASES * out_channels, dims[3], 4]));
        let shape = Shape::from([dims[0], 2 * dims[1], 2 * dims[2], out_channels]);
        let finish = Finish::new(&Epilogue::default(), 4 * dims[1] * dims[2]);
        for_each_cuda_device(|place| {
            for &dtype in &[DType::F16, DType::BF16] {
                let values = weight.to_vec_f32().unwrap();
                let sizes = [PHASES * out_channels, dims[3], 4];
                let rows = DeviceRows::upload(place.context(), dtype, &Elements::F32(&values), sizes).unwrap();
                let x = place.put(&x, dtype);
                let mut versions = MmaTile::ALL.map(Version::Mma).to_vec();
                if place.is_hopper() {
                    versions.extend([PixelTile::High, PixelTile::Low].map(Version::Wgmma));
                }
                for version in versions {
                    let out = super::run(&x, &rows, &finish, &shape, version, true).unwrap();
                    out.moments().unwrap().assert_of(&out);
                    same_bits(&out, &super::run(&x, &rows, &finish, &shape, version, false).unwrap());
                }
            }
        });
    }

    /// The naive version is compared with float64 where the op is; the others with it.
    #[test]
    fn all_versions_agree() {
        let mut random = Random::new(1);
        let (dims, out_channels) = ([3, 9, 5, 72], 24);
        let (x, weight) = (random.tensor(&dims), random.tensor(&[PHASES * out_channels, dims[3], 4]));
        let bias = random.tensor(&[out_channels]);
        let shape = Shape::from([dims[0], 2 * dims[1], 2 * dims[2], out_channels]);
        for_each_cuda_device(|place| {
            let Device::Cuda(ordinal) = place.device else { panic!("a CUDA device") };
            let bias = place.put(&bias, DType::F32);
            let finish = Finish::new(&Epilogue { bias: Some(&bias), ..Epilogue::default() }, 4 * dims[1] * dims[2]);
            for &dtype in place.dtypes() {
                let sizes = [PHASES * out_channels, dims[3], 4];
                let values = weight.to_vec_f32().unwrap();
                let context = Context::get(ordinal).unwrap();
                let rows = DeviceRows::upload(context, dtype, &Elements::F32(&values), sizes).unwrap();
                let x = place.put(&x, dtype);
                let run = |version| super::run(&x, &rows, &finish, &shape, version, false).unwrap();
                let naive: Vec<f64> = run(Version::Naive).to_vec_f32().unwrap().into_iter().map(f64::from).collect();
                let mut versions = vec![Version::Tiled];
                if dtype != DType::F32 {
                    versions.extend(MmaTile::ALL.map(Version::Mma));
                    if place.is_hopper() {
                        let tiles = [PixelTile::High, PixelTile::Low, PixelTile::TwoItems];
                        versions.extend(tiles.map(Version::Wgmma));
                    }
                }
                for version in versions {
                    // Both are rounded.
                    let tolerance = 2.0 * (crate::reference::sum_tolerance(4 * dims[3]) + result_rounding(dtype));
                    assert_close(&run(version), &naive, tolerance);
                }
            }
        });
    }
}
