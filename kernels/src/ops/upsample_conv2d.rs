//! A convolution of a picture that is doubled first.

use super::packed::PackedRows;
use super::{Epilogue, Sources, check};
use crate::cpu::conv2d::{EveryOther, Windows};
use crate::cpu::gemm;
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Placement, Result, Shape, Tensor};

const OP: &str = "upsample_conv2d";

/// The weights of a 3 × 3 convolution for pictures whose pixels are doubled in both directions before.
///
/// Of nine taps on doubled pixels, several meet the same pixel: a result in an even row sees the pixel above with its first tap
/// and its own with the two others, in an odd row its own with two and the pixel below with the last; likewise along a row.
/// So each of the four phases of the result is a 2 × 2 convolution of the picture before it was doubled, with sums of taps
/// as weights: 4/9 of the multiplications, and the doubled picture is never stored.
#[derive(Clone, Debug)]
pub struct PackedUpsamplingFilter {
    /// Even rows first; of each, even columns first. On a CUDA device all of them are one, `[phase, out_channels]` rows.
    phases: Vec<PackedRows>,
    out_channels: usize,
    in_channels: usize,
}

impl PackedUpsamplingFilter {
    /// Packs `weight: [out_channels, in_channels, 3, 3]` (the checkpoint's order), which is on the host and of any dtype, for
    /// activations there. Sums of taps are made in float64 and rounded once.
    pub fn new(weight: &Tensor, place: Placement) -> Result<Self> {
        const OP: &str = "PackedUpsamplingFilter";
        let form = "[out_channels, in_channels, 3, 3]";
        let [out_channels, in_channels, height, width] = check::dims(OP, "weight", form, weight)?;
        if (height, width) != (3, 3) {
            return Err(KernelError::shape(OP, format!("weight is {}, wants {form}", weight.shape())));
        }
        let taps = weight.to_dtype(DType::F32)?;
        let taps = taps.values(OP)?;
        const PHASES: [(usize, usize); 4] = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let folded = |(y, x)| Tensor::from_f32(fold(taps, y, x), [out_channels, in_channels, 4]);
        let phases = match place.device {
            Device::Cpu => {
                // One after the other: as it is packed, each is as large as half of the weight.
                let pack = |phase| PackedRows::new(&folded(phase)?, [out_channels, in_channels, 4], place);
                PHASES.into_iter().map(pack).collect::<Result<_>>()?
            }
            // Kernels take all four at once.
            Device::Cuda(_) => {
                let phases = PHASES.into_iter().map(folded).collect::<Result<Vec<_>>>()?;
                let all = Tensor::concat(&phases.iter().collect::<Vec<_>>(), 0)?;
                vec![PackedRows::new(&all, [4 * out_channels, in_channels, 4], place)?]
            }
        };
        Ok(PackedUpsamplingFilter { phases, out_channels, in_channels })
    }

    /// Channels of the result.
    pub fn out_channels(&self) -> usize {
        self.out_channels
    }

    /// Channels of the input.
    pub fn in_channels(&self) -> usize {
        self.in_channels
    }
}

/// Which of three taps meet the first and the second of the two pixels that a phase sees.
const MEETS: [[&[usize]; 2]; 2] = [[&[0], &[1, 2]], [&[0, 1], &[2]]];

/// `[.., 3, 3]` → `[.., 2, 2]` for the phase of rows `y` and columns `x`.
fn fold(taps: &[f32], y: usize, x: usize) -> Vec<f32> {
    let mut folded = Vec::with_capacity(taps.len() / 9 * 4);
    for taps in taps.chunks_exact(9) {
        for rows in MEETS[y] {
            for columns in MEETS[x] {
                let row = |row: &usize| columns.iter().map(|column| f64::from(taps[3 * row + column])).sum::<f64>();
                folded.push(rows.iter().map(row).sum::<f64>() as f32);
            }
        }
    }
    folded
}

/// [`super::upsample_nearest2x`], then [`super::conv2d`] with one pixel of padding, up to rounding:
/// `x: [batch, height, width, channels]` → `[batch, 2 · height, 2 · width, out_channels]`.
///
/// # Errors
/// Shapes that do not fit, or no memory.
pub fn upsample_conv2d(x: &Tensor, filter: &PackedUpsamplingFilter, epilogue: Epilogue<'_>) -> Result<Tensor> {
    let [batch, height, width, channels] = check::dims(OP, "x", "[batch, height, width, channels]", x)?;
    if channels != filter.in_channels {
        let problem = format!("x has {channels} channels, the filter wants {}", filter.in_channels);
        return Err(KernelError::shape(OP, problem));
    }
    let shape = Shape::from([batch, 2 * height, 2 * width, filter.out_channels()]);
    epilogue.check(OP, batch, &shape)?;
    match check::device(OP, [x].into_iter().chain(epilogue.tensors()))? {
        Device::Cpu => {
            let phases = filter.phases.iter().map(|phase| phase.on_host(OP)).collect::<Result<Vec<_>>>()?;
            let work =
                || phases.iter().fold(Work::of([x], &shape), |work, phase| work.times(batch * height * width, phase));
            let _timer = profile::on_host(OP, work);
            let sources = Sources::new(OP, &[x])?.on_host(OP)?;
            let epilogue = epilogue.on_host(OP, batch, &shape)?;
            let mut out = Buffer::result_f32(&shape)?;
            for (phase, panels) in phases.into_iter().enumerate() {
                let (y, x) = (phase / 2, phase % 2);
                let windows = Windows {
                    sources: &sources,
                    height,
                    width,
                    out_height: height,
                    out_width: width,
                    kernel_width: 2,
                    stride: 1,
                    padding_top: 1 - y,
                    padding_left: 1 - x,
                };
                let placement = EveryOther { width, y, x };
                gemm::gemm_placed(&windows, batch * height * width, panels, &epilogue, placement, &mut out);
            }
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        device @ Device::Cuda(_) => {
            let weight = filter.phases[0].on_device(OP, device, x.dtype())?;
            cuda::ops::upsample_conv2d::upsample_conv2d(x, weight, &epilogue, &shape)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::cpu::Isa;
    use crate::harness::{FullEpilogue, Place, for_each_cuda_device, result_rounding, rounding};
    use crate::ops::{Activation, upsample_nearest2x};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn matches_float64(
            batch in 1usize..4, height in 1usize..8, width in 1usize..8, in_channels in 1usize..40,
            out_channels in 1usize..40, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let x = random.tensor(&[batch, height, width, in_channels]);
            let weight = random.tensor(&[out_channels, in_channels, 3, 3]);
            let (bias, residual) =
                (random.tensor(&[out_channels]), random.tensor(&[batch, 2 * height, 2 * width, out_channels]));
            let sample_bias = random.tensor(&[batch, out_channels]);
            let epilogue = Epilogue {
                bias: Some(&bias),
                sample_bias: Some(&sample_bias),
                activation: Activation::Silu,
                residual: Some(&residual),
                scale: 0.5,
                moments: false,
            };
            let product = reference::conv2d(&upsample_nearest2x(&x).unwrap(), &weight, 1, 1);
            let expected = reference::epilogue(product, batch, epilogue);
            for isa in Isa::available() {
                let run = || upsample_conv2d(&x, &PackedUpsamplingFilter::new(&weight, Placement::CPU).unwrap(), epilogue).unwrap();
                // A sum of taps is rounded once more before it is multiplied.
                let tolerance = reference::sum_tolerance(9 * in_channels) + 1.0 / f64::from(1 << 24);
                assert_close(&isa.force(run), &expected, tolerance);
            }
        }
    }

    /// Channels that are vectors and that are not. Sums of taps are rounded to the dtype, as the result is.
    #[test]
    fn matches_float64_on_cuda() {
        let mut random = Random::new(4);
        for [batch, height, width, in_channels, out_channels] in
            [[2, 3, 5, 5, 7], [3, 4, 9, 40, 24], [1, 9, 3, 72, 168]]
        {
            let x = random.tensor(&[batch, height, width, in_channels]);
            let weight = random.tensor(&[out_channels, in_channels, 3, 3]);
            let epilogue = FullEpilogue::random(&mut random, &[batch, 2 * height, 2 * width, out_channels]);
            for_each_cuda_device(|place| {
                for &dtype in place.dtypes() {
                    let filter = PackedUpsamplingFilter::new(&weight, place.placement(dtype)).unwrap();
                    let [on_host, there] = [&Place::cpu(), place].map(|place| epilogue.put(place, dtype));
                    let out = upsample_conv2d(&place.put(&x, dtype), &filter, there.get()).unwrap();
                    let x = x.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap();
                    let product = reference::conv2d(&upsample_nearest2x(&x).unwrap(), &weight, 1, 1);
                    let expected = reference::epilogue(product, batch, on_host.get());
                    let tolerance =
                        reference::sum_tolerance(9 * in_channels) + rounding(dtype) + result_rounding(dtype);
                    assert_close(&out, &expected, tolerance);
                }
            });
        }
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone_on_cuda() {
        let mut random = Random::new(5);
        let (x, weight) = (random.tensor(&[3, 5, 4, 64]), random.tensor(&[40, 64, 3, 3]));
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let filter = PackedUpsamplingFilter::new(&weight, place.placement(dtype)).unwrap();
                let x = place.put(&x, dtype);
                let run = |x: &Tensor| upsample_conv2d(x, &filter, Epilogue::default()).unwrap();
                let all = run(&x);
                for i in 0..3 {
                    same_bits(&run(&x.narrow(0, i, 1).unwrap()), &all.narrow(0, i, 1).unwrap());
                }
            }
        });
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let mut random = Random::new(3);
        let x = random.tensor(&[3, 9, 11, 40]);
        let filter = PackedUpsamplingFilter::new(&random.tensor(&[50, 40, 3, 3]), Placement::CPU).unwrap();
        let run = |x: &Tensor| upsample_conv2d(x, &filter, Epilogue::default()).unwrap();
        let all = run(&x);
        for i in 0..3 {
            same_bits(&run(&x.narrow(0, i, 1).unwrap()), &all.narrow(0, i, 1).unwrap());
        }
        same_bits(&with_threads(1, || run(&x)), &with_threads(2, || run(&x)));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        assert!(PackedUpsamplingFilter::new(&zeros(&[4, 4, 3]), Placement::CPU).is_err());
        let error = PackedUpsamplingFilter::new(&zeros(&[4, 4, 1, 3]), Placement::CPU).unwrap_err();
        assert!(error.to_string().contains("[4, 4, 1, 3]"), "{error}");
        let filter = PackedUpsamplingFilter::new(&zeros(&[5, 4, 3, 3]), Placement::CPU).unwrap();
        let run = |x: &Tensor| upsample_conv2d(x, &filter, Epilogue::default());
        assert!(run(&zeros(&[1, 2, 4])).is_err());
        let error = run(&zeros(&[1, 2, 2, 3])).unwrap_err();
        assert_eq!(error.to_string(), "upsample_conv2d: x has 3 channels, the filter wants 4");
        assert_eq!(run(&zeros(&[0, 2, 2, 4])).unwrap().dims(), [0, 4, 4, 5]);
        assert_eq!(run(&zeros(&[1, 0, 2, 4])).unwrap().dims(), [1, 0, 4, 5]);
    }
}
