//! 2-D convolution on NHWC.

use super::packed::PackedRows;
use super::{Epilogue, Sources, check};
use crate::cpu::conv2d::Windows;
use crate::cpu::gemm::{self, DenseRows};
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Placement, Result, Shape, Tensor};

/// A convolution's weights, laid out once for the device.
#[derive(Clone, Debug)]
pub struct PackedFilter {
    rows: PackedRows,
    in_channels: usize,
    kernel_height: usize,
    kernel_width: usize,
}

impl PackedFilter {
    /// Packs `weight: [out_channels, in_channels, kernel_height, kernel_width]` (the checkpoint's order), which is on the
    /// host and of any dtype, for activations there.
    pub fn new(weight: &Tensor, place: Placement) -> Result<Self> {
        let form = "[out_channels, in_channels, kernel_height, kernel_width]";
        let [out_channels, in_channels, kernel_height, kernel_width] =
            check::dims("PackedFilter", "weight", form, weight)?;
        let rows = PackedRows::new(weight, [out_channels, in_channels, kernel_height * kernel_width], place)?;
        Ok(PackedFilter { rows, in_channels, kernel_height, kernel_width })
    }

    /// Channels of the result.
    pub fn out_channels(&self) -> usize {
        self.rows.rows()
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
    epilogue.check(OP, batch, &shape)?;
    match check::device(OP, sources.tensors().chain(epilogue.tensors()))? {
        Device::Cpu => {
            let (rows, panels) = (batch * out_height * out_width, filter.rows.on_host(OP)?);
            let _timer = profile::on_host(OP, || Work::of(sources.tensors(), &shape).times(rows, panels));
            let (sources, epilogue) = (sources.on_host(OP)?, epilogue.on_host(OP, batch, &shape)?);
            let mut out = Buffer::result_f32(&shape)?;
            let pointwise =
                (filter.kernel_height, filter.kernel_width, geometry.stride, geometry.padding) == (1, 1, 1, 0);
            if let (true, &[(values, len)]) = (pointwise, sources.parts()) {
                gemm::gemm(&DenseRows { values, len }, rows, panels, &epilogue, &mut out);
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
                gemm::gemm(&windows, rows, panels, &epilogue, &mut out);
            }
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        device @ Device::Cuda(_) => {
            let [x0, x1] = sources.at_most_two()?;
            let empty = sources.tensors().next();
            let x0 = x0.as_deref().or(empty).ok_or_else(|| KernelError::parameter(OP, "wants a source"))?;
            let x1 = x1.as_deref();
            let weight = filter.rows.on_device(OP, device, x0.dtype())?;
            let kernel = [filter.kernel_height, filter.kernel_width];
            let Conv2d { stride, padding } = geometry;
            cuda::ops::conv2d::Convolution { x0, x1, weight, kernel, stride, padding }.run(&epilogue, &shape)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::harness::{FullEpilogue, Place, for_each_cuda_device, for_each_device, result_rounding};
    use crate::ops::Activation;
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    const SAME: Conv2d = Conv2d { stride: 1, padding: 1 };

    fn check(sources: &[&Tensor], weight: &Tensor, geometry: Conv2d, epilogue: Epilogue<'_>) {
        let out = conv2d(sources, &PackedFilter::new(weight, Placement::CPU).unwrap(), geometry, epilogue).unwrap();
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

    /// The reference gets what is left of the numbers in the dtype, so only sums and the result are rounded.
    fn check_on_cuda(sources: &[&Tensor], weight: &Tensor, geometry: Conv2d, epilogue: Option<&FullEpilogue>) {
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let rounded: Vec<Tensor> = sources.iter().map(|source| source.to_dtype(dtype).unwrap()).collect();
                let weight = weight.to_dtype(dtype).unwrap();
                let [on_host, there] = [&Place::cpu(), place].map(|place| epilogue.map(|all| all.put(place, dtype)));
                let put: Vec<Tensor> = rounded.iter().map(|source| place.put(source, dtype)).collect();
                let filter = PackedFilter::new(&weight, place.placement(dtype)).unwrap();
                let sources: Vec<&Tensor> = put.iter().collect();
                let out = conv2d(&sources, &filter, geometry, FullEpilogue::of(&there)).unwrap();
                let x = Tensor::concat(&rounded.iter().collect::<Vec<_>>(), 3).unwrap();
                let plain = reference::conv2d(&x, &weight, geometry.stride, geometry.padding);
                let expected = reference::epilogue(plain, x.dims()[0], FullEpilogue::of(&on_host));
                let depth = weight.dims()[1..].iter().product();
                assert_eq!((out.device(), out.dtype()), (place.device, dtype));
                assert_close(&out, &expected, reference::sum_tolerance(depth) + result_rounding(dtype));
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn matches_float64_on_cuda(
            batch in 1usize..4, height in 1usize..9, width in 1usize..9, split in (1usize..10, 0usize..10),
            out_channels in 1usize..30, kernel in 1usize..4, stride in 1usize..3, even: bool, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let geometry = Conv2d { stride, padding: kernel / 2 };
            prop_assume!(height + 2 * geometry.padding >= kernel && width + 2 * geometry.padding >= kernel);
            // Every other case takes the tensor cores.
            let split = if even { (8 * split.0, 8 * split.1) } else { split };
            let first = random.tensor(&[batch, height, width, split.0]);
            let second = random.tensor(&[batch, height, width, split.1]);
            let weight = random.tensor(&[out_channels, split.0 + split.1, kernel, kernel]);
            let out = |size| geometry.out_size(size, kernel).unwrap();
            let epilogue = FullEpilogue::random(&mut random, &[batch, out(height), out(width), out_channels]);
            check_on_cuda(&[&first, &second], &weight, geometry, None);
            check_on_cuda(&[&first, &second], &weight, geometry, Some(&epilogue));
        }
    }

    #[test]
    fn pixels_rectangles_and_several_sources_on_cuda() {
        let mut random = Random::new(5);
        let [a, b, c] = [64, 8, 16].map(|channels| random.tensor(&[2, 3, 5, channels]));
        let pixel = Conv2d { stride: 1, padding: 0 };
        check_on_cuda(&[&a, &b], &random.tensor(&[24, 72, 1, 1]), pixel, None);
        check_on_cuda(&[&b], &random.tensor(&[24, 8, 1, 1]), pixel, None);
        check_on_cuda(&[&a, &b, &c], &random.tensor(&[16, 88, 3, 3]), SAME, None);
        check_on_cuda(&[&b], &random.tensor(&[5, 8, 1, 3]), Conv2d { stride: 2, padding: 1 }, None);
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone_on_cuda() {
        let mut random = Random::new(4);
        let (x, weight) = (random.tensor(&[3, 5, 6, 64]), random.tensor(&[40, 64, 3, 3]));
        let epilogue = FullEpilogue::random(&mut random, &[3, 5, 6, 40]);
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let filter = PackedFilter::new(&weight, place.placement(dtype)).unwrap();
                let (x, epilogue) = (place.put(&x, dtype), epilogue.put(place, dtype));
                let all = conv2d(&[&x], &filter, SAME, epilogue.get()).unwrap();
                for i in 0..3 {
                    let [x, one] = [&x, &all].map(|tensor| tensor.narrow(0, i, 1).unwrap());
                    same_bits(&conv2d(&[&x], &filter, SAME, epilogue.item(i).get()).unwrap(), &one);
                }
            }
        });
    }

    #[test]
    fn pictures_without_pixels_or_channels() {
        for_each_device(|place| {
            let filter = |dims: [usize; 4]| {
                PackedFilter::new(&Tensor::zeros(dims).unwrap(), place.placement(DType::F32)).unwrap()
            };
            let x = |dims: [usize; 4]| place.put(&Tensor::zeros(dims).unwrap(), DType::F32);
            let run = |x: &Tensor, filter: &PackedFilter| conv2d(&[x], filter, SAME, Epilogue::default()).unwrap();
            assert_eq!(run(&x([0, 4, 4, 3]), &filter([2, 3, 3, 3])).dims(), [0, 4, 4, 2]);
            assert_eq!(run(&x([1, 4, 4, 3]), &filter([0, 3, 3, 3])).dims(), [1, 4, 4, 0]);
            let out = run(&x([1, 2, 2, 0]), &filter([2, 0, 3, 3]));
            assert_eq!(out.to_vec_f32().unwrap(), [0.0; 8]);
        });
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
            moments: false,
        };
        check(&[&x], &weight, SAME, epilogue);
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let mut random = Random::new(3);
        let x = random.tensor(&[3, 9, 11, 40]);
        let filter = PackedFilter::new(&random.tensor(&[50, 40, 3, 3]), Placement::CPU).unwrap();
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
        assert!(PackedFilter::new(&zeros(&[3, 3]), Placement::CPU).is_err());
        let filter = PackedFilter::new(&zeros(&[4, 3, 3, 3]), Placement::CPU).unwrap();
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
