//! 2-D convolution on NHWC.

use super::linear::pack_weight;
use super::{Epilogue, Sources, check};
use crate::cpu::conv2d::Windows;
use crate::cpu::gemm::{self, DenseRows, Panels};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

/// A convolution's weights, laid out once for the device.
#[derive(Clone, Debug)]
pub struct PackedFilter {
    panels: Panels,
    in_channels: usize,
    kernel_height: usize,
    kernel_width: usize,
}

impl PackedFilter {
    /// Packs `weight: [out_channels, in_channels, kernel_height, kernel_width]` (the checkpoint's order) of any dtype.
    pub fn new(weight: &Tensor) -> Result<Self> {
        let form = "[out_channels, in_channels, kernel_height, kernel_width]";
        let [out_channels, in_channels, kernel_height, kernel_width] =
            check::dims("PackedFilter", "weight", form, weight)?;
        let taps = kernel_height * kernel_width;
        // Rows of a product's left operand hold a window pixel by pixel; the checkpoint holds it channel by channel.
        let panels = pack_weight(weight, taps * in_channels, out_channels, |k, n| {
            let (tap, channel) = (k / in_channels, k % in_channels);
            (n * in_channels + channel) * taps + tap
        })?;
        Ok(PackedFilter { panels, in_channels, kernel_height, kernel_width })
    }

    /// Channels of the result.
    pub fn out_channels(&self) -> usize {
        self.panels.columns()
    }

    /// Channels of the input, all sources together.
    pub fn in_channels(&self) -> usize {
        self.in_channels
    }
}

/// Geometry of a convolution, the same in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// Distance between two windows.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
}

const OP: &str = "conv2d";

impl Conv2d {
    /// Windows that fit in `size` pixels.
    fn out_size(&self, size: usize, kernel: usize) -> Result<usize> {
        let padded = self.padding.checked_mul(2).and_then(|both| both.checked_add(size));
        padded
            .and_then(|padded| padded.checked_sub(kernel))
            .and_then(|room| room.checked_div(self.stride))
            .filter(|_| kernel > 0 && isize::try_from(self.padding).is_ok())
            .map(|windows| windows + 1)
            .ok_or_else(|| {
                let problem = format!("{self:?} puts no window of {kernel} on {size} pixels");
                KernelError::parameter(OP, problem)
            })
    }
}

/// `sources`: one or more `[batch, height, width, channels]` read as if they stood side by side along the channels (so
/// that a skip connection needs no concatenated copy) → `[batch, out_height, out_width, out_channels]`.
pub fn conv2d(sources: &[&Tensor], filter: &PackedFilter, geometry: Conv2d, epilogue: Epilogue<'_>) -> Result<Tensor> {
    let device = sources.first().map_or(Device::Cpu, |source| source.device());
    let sources = Sources::new(OP, sources)?;
    let &[batch, height, width] = sources.outer() else {
        let problem =
            format!("sources have {} dimensions, wants [batch, height, width, channels]", sources.outer().len() + 1);
        return Err(KernelError::shape(OP, problem));
    };
    if sources.channels() != filter.in_channels {
        let problem = format!("sources have {} channels, the filter wants {}", sources.channels(), filter.in_channels);
        return Err(KernelError::shape(OP, problem));
    }
    let out_height = geometry.out_size(height, filter.kernel_height)?;
    let out_width = geometry.out_size(width, filter.kernel_width)?;
    let shape = Shape::from([batch, out_height, out_width, filter.out_channels()]);
    let epilogue = epilogue.check(OP, batch, &shape)?;
    match device {
        Device::Cpu => {
            let mut out = Buffer::zeroed_f32(&shape)?;
            let rows = batch * out_height * out_width;
            let pointwise =
                (filter.kernel_height, filter.kernel_width, geometry.stride, geometry.padding) == (1, 1, 1, 0);
            if let (true, &[(values, len)]) = (pointwise, sources.parts()) {
                gemm::gemm(&DenseRows { values, len }, rows, &filter.panels, &epilogue, &mut out);
            } else {
                let windows = Windows {
                    sources: &sources,
                    height,
                    width,
                    out_height,
                    out_width,
                    kernel_width: filter.kernel_width,
                    stride: geometry.stride,
                    padding_top: geometry.padding,
                    padding_left: geometry.padding,
                };
                gemm::gemm(&windows, rows, &filter.panels, &epilogue, &mut out);
            }
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::ops::Activation;
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    const SAME: Conv2d = Conv2d { stride: 1, padding: 1 };

    fn check(sources: &[&Tensor], weight: &Tensor, geometry: Conv2d, epilogue: Epilogue<'_>) {
        let out = conv2d(sources, &PackedFilter::new(weight).unwrap(), geometry, epilogue).unwrap();
        let x = Tensor::concat(sources, 3).unwrap();
        let plain = reference::conv2d(&x, weight, geometry.stride, geometry.padding);
        let expected = reference::epilogue(plain, x.dims()[0], epilogue);
        let depth = weight.dims()[1..].iter().product();
        assert_close(&out, &expected, reference::sum_tolerance(depth));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn matches_float64(
            batch in 1usize..4, height in 1usize..9, width in 1usize..9, split in (1usize..20, 0usize..40),
            out_channels in 1usize..40, kernel in 1usize..4, stride in 1usize..3, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let geometry = Conv2d { stride, padding: kernel / 2 };
            prop_assume!(height + 2 * geometry.padding >= kernel && width + 2 * geometry.padding >= kernel);
            let first = random.tensor(&[batch, height, width, split.0]);
            let second = random.tensor(&[batch, height, width, split.1]);
            let weight = random.tensor(&[out_channels, split.0 + split.1, kernel, kernel]);
            check(&[&first, &second], &weight, geometry, Epilogue::default());
        }
    }

    #[test]
    fn pixels_and_odd_pictures() {
        let mut random = Random::new(1);
        for dims in [[1, 1, 1, 3], [3, 5, 7, 33], [2, 17, 1, 48], [1, 24, 24, 48]] {
            let x = random.tensor(&dims);
            check(&[&x], &random.tensor(&[29, dims[3], 3, 3]), SAME, Epilogue::default());
            let rectangle = random.tensor(&[5, dims[3], 1, 3]);
            check(&[&x], &rectangle, Conv2d { stride: 2, padding: 1 }, Epilogue::default());
            check(&[&x], &random.tensor(&[7, dims[3], 1, 1]), Conv2d { stride: 1, padding: 0 }, Epilogue::default());
        }
    }

    #[test]
    fn epilogue_and_dtypes() {
        let mut random = Random::new(2);
        let x = random.tensor(&[2, 4, 3, 5]);
        let weight = random.tensor(&[6, 5, 3, 3]).to_dtype(DType::F16).unwrap();
        let (bias, sample_bias) = (random.tensor(&[6]), random.tensor(&[2, 6]));
        let residual = random.tensor(&[2, 4, 3, 6]);
        let epilogue = Epilogue {
            bias: Some(&bias),
            sample_bias: Some(&sample_bias),
            activation: Activation::Silu,
            residual: Some(&residual),
            scale: 0.7,
        };
        check(&[&x], &weight, SAME, epilogue);
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let mut random = Random::new(3);
        let x = random.tensor(&[3, 9, 11, 40]);
        let filter = PackedFilter::new(&random.tensor(&[50, 40, 3, 3])).unwrap();
        let run = |x: &Tensor| conv2d(&[x], &filter, SAME, Epilogue::default()).unwrap();
        let all = run(&x);
        for i in 0..3 {
            same_bits(&run(&x.narrow(0, i, 1).unwrap()), &all.narrow(0, i, 1).unwrap());
        }
        same_bits(&with_threads(1, || run(&x)), &with_threads(2, || run(&x)));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        assert!(PackedFilter::new(&zeros(&[3, 3])).is_err());
        let filter = PackedFilter::new(&zeros(&[4, 3, 3, 3])).unwrap();
        assert_eq!((filter.out_channels(), filter.in_channels()), (4, 3));
        let run = |sources: &[&Tensor], geometry| conv2d(sources, &filter, geometry, Epilogue::default());
        let x = zeros(&[1, 4, 4, 3]);
        let error = run(&[&x, &x], SAME).unwrap_err();
        assert_eq!(error.to_string(), "conv2d: sources have 6 channels, the filter wants 3");
        assert!(run(&[], SAME).is_err());
        assert!(run(&[&zeros(&[4, 4, 3])], SAME).is_err());
        assert!(run(&[&zeros(&[1, 4, 4, 1]), &zeros(&[1, 4, 5, 2])], SAME).is_err());
        assert!(run(&[&x], Conv2d { stride: 0, padding: 1 }).is_err());
        assert!(run(&[&x], Conv2d { stride: 1, padding: usize::MAX }).is_err());
        assert!(run(&[&zeros(&[1, 2, 2, 3])], Conv2d { stride: 1, padding: 0 }).is_err());
        assert!(run(&[&x.to_dtype(DType::F16).unwrap()], SAME).is_err());
    }
}
