//! Changing the resolution of pictures, `[batch, height, width, channels]`.

use super::check;
use crate::cpu::resample as cpu;
use crate::cuda::ops::resample as cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

const FORM: &str = "[batch, height, width, channels]";

/// Every pixel twice in both directions.
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "upsample_nearest2x";
    let [batch, height, width, channels] = check::dims(OP, "x", FORM, x)?;
    let shape = Shape::from([batch, 2 * height, 2 * width, channels]);
    match x.device() {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], &shape));
            let mut out = Buffer::result_f32(&shape)?;
            cpu::upsample_nearest2x(x.values(OP)?, width, channels, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        Device::Cuda(_) => cuda::upsample_nearest2x(x, [batch, height, width, channels], &shape),
    }
}

/// The mean of every 2 × 2 block; an odd last row or column is dropped, as torch's `avg_pool2d(2)` does.
pub fn average_pool2x(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "average_pool2x";
    let [batch, height, width, channels] = check::dims(OP, "x", FORM, x)?;
    let shape = Shape::from([batch, height / 2, width / 2, channels]);
    match x.device() {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], &shape));
            let mut out = Buffer::result_f32(&shape)?;
            cpu::average_pool2x(x.values(OP)?, height, width, channels, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        Device::Cuda(_) => cuda::average_pool2x(x, [batch, height, width, channels], &shape),
    }
}

/// `x: [batch, height, width, channels · factor²]` → `[batch, factor · height, factor · width, channels]`, float32: of each pixel,
/// the numbers of a channel become a square of pixels, row by row (Shi et al. 2016, as torch's `pixel_shuffle`). Added to
/// them is `base: [batch, height, width, channels]`, float32, with every pixel `factor` times in both directions.
pub fn pixel_shuffle(x: &Tensor, base: &Tensor, factor: usize) -> Result<Tensor> {
    const OP: &str = "pixel_shuffle";
    let [batch, height, width, channels] = check::dims(OP, "base", FORM, base)?;
    let sizes = [Some(channels), Some(height), Some(width)].map(|size| size?.checked_mul(factor));
    let ([Some(per_row), Some(out_height), Some(out_width)], true) = (sizes, factor > 0) else {
        return Err(KernelError::parameter(OP, format!("no picture can be made larger by a factor of {factor}")));
    };
    let wanted = Shape::from([batch, height, width, per_row.saturating_mul(factor)]);
    check::shape(OP, "x", x, &wanted)?;
    let shape = Shape::from([batch, out_height, out_width, channels]);
    match check::device(OP, [x, base])? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x, base], &shape));
            let mut out = Buffer::result_f32(&shape)?;
            cpu::pixel_shuffle(x.values(OP)?, base.values(OP)?, [width, channels, factor], &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        Device::Cuda(_) => cuda::pixel_shuffle(x, base, factor, &shape),
    }
}

/// Bicubic (a = −0.5) with antialiasing when it shrinks, `align_corners = false`: torch's
/// `interpolate(mode = "bicubic", antialias = True)`.
pub fn resize_bicubic(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    const OP: &str = "resize_bicubic";
    let [batch, from_height, from_width, channels] = check::dims(OP, "x", FORM, x)?;
    if (from_height == 0 && height > 0) || (from_width == 0 && width > 0) {
        return Err(KernelError::shape(OP, format!("{} has no pixels to make {height} × {width} of", x.shape())));
    }
    let shape = Shape::from([batch, height, width, channels]);
    match x.device() {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], &shape));
            // Taps are added up in it.
            let mut wide = Buffer::zeroed_f32(&Shape::from([batch, from_height, width, channels]))?;
            let mut out = Buffer::zeroed_f32(&shape)?;
            // torch goes along the rows first, too.
            cpu::resample(x.values(OP)?, from_width, channels, &cpu::bicubic_taps(from_width, width), &mut wide);
            cpu::resample(&wide, from_height, width * channels, &cpu::bicubic_taps(from_height, height), &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        Device::Cuda(_) => {
            let (columns, rows) = (cpu::bicubic_taps(from_width, width), cpu::bicubic_taps(from_height, height));
            cuda::resize(x, [batch, from_height, from_width, channels], &columns, &rows, &shape)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::{for_each_cuda_device, for_each_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    #[test]
    fn nearest_repeats_pixels() {
        let x = Random::new(1).tensor(&[2, 3, 5, 3]);
        let out = upsample_nearest2x(&x).unwrap();
        assert_eq!(out.dims(), [2, 6, 10, 3]);
        let at = |t: &Tensor, b: usize, y: usize, x: usize, c: usize| {
            t.as_f32().unwrap()[((b * t.dims()[1] + y) * t.dims()[2] + x) * 3 + c]
        };
        for (b, y, column, c) in [(0, 0, 0, 0), (1, 5, 9, 2), (0, 3, 4, 1), (1, 2, 7, 0)] {
            assert_eq!(at(&out, b, y, column, c), at(&x, b, y / 2, column / 2, c));
        }
        // Pooling undoes it exactly: the mean of four equal numbers is that number.
        same_bits(&average_pool2x(&out).unwrap(), &x);
    }

    #[test]
    fn pooling_drops_odd_edges() {
        let x = Tensor::from_f32((0..15).map(|i| i as f32).collect(), [1, 3, 5, 1]).unwrap();
        let out = average_pool2x(&x).unwrap();
        assert_eq!((out.dims(), out.as_f32().unwrap()), (&[1, 1, 2, 1][..], &[3.0, 5.0][..]));
        assert_eq!(average_pool2x(&Tensor::zeros([1, 1, 1, 2]).unwrap()).unwrap().dims(), [1, 0, 0, 2]);
    }

    /// Everything that the CPU computes in the same order has the same bits on every device, once rounded.
    #[test]
    fn cuda_gives_the_cpus_numbers() {
        type Op = fn(&Tensor) -> Result<Tensor>;
        let ops: [Op; 4] = [
            upsample_nearest2x,
            average_pool2x,
            |x| resize_bicubic(x, 7, 12),
            |x| resize_bicubic(x, x.dims()[1], 2 * x.dims()[2]),
        ];
        for_each_cuda_device(|place| {
            let mut random = Random::new(5);
            for dims in [[2, 3, 5, 3], [1, 5, 4, 16], [2, 2, 3, 8], [1, 1, 1, 1]] {
                for &dtype in place.dtypes() {
                    let x = random.tensor(&dims).to_dtype(dtype).unwrap();
                    let wide = x.to_dtype(DType::F32).unwrap();
                    for op in ops {
                        let out = op(&x.to_device(place.device).unwrap()).unwrap();
                        same_bits(&out, &op(&wide).unwrap().to_dtype(dtype).unwrap());
                    }
                }
            }
            let x = place.put(&random.tensor(&[0, 4, 4, 3]), DType::F32);
            assert_eq!(resize_bicubic(&x, 8, 8).unwrap().dims(), [0, 8, 8, 3]);
            assert_eq!(average_pool2x(&x).unwrap().dims(), [0, 2, 2, 3]);
        });
    }

    /// One sum of two numbers in float32, so that the bits are known.
    #[test]
    fn pixels_are_shuffled_and_those_of_the_base_repeated() {
        let mut random = Random::new(6);
        for ([batch, height, width, channels], factor) in [
            ([2, 3, 5, 3], 4),
            ([1, 1, 1, 1], 1),
            ([1, 4, 2, 5], 3),
            ([1, 2, 130, 3], 2),
            ([0, 2, 2, 3], 4),
            ([1, 2, 0, 3], 4),
        ] {
            let (x, base) = (
                random.tensor(&[batch, height, width, channels * factor * factor]),
                random.tensor(&[batch, height, width, channels]),
            );
            for_each_device(|place| {
                for &dtype in place.dtypes() {
                    let rounded = x.to_dtype(dtype).unwrap();
                    let there = rounded.to_device(place.device).unwrap();
                    let out = pixel_shuffle(&there, &place.put(&base, DType::F32), factor).unwrap();
                    let (x, base) = (rounded.to_vec_f32().unwrap(), base.as_f32().unwrap());
                    let mut want = Vec::new();
                    for (b, y, column) in positions([batch, factor * height, factor * width]) {
                        let pixel = (b * height + y / factor) * width + column / factor;
                        for c in 0..channels {
                            let tap = (c * factor + y % factor) * factor + column % factor;
                            want.push(x[pixel * channels * factor * factor + tap] + base[pixel * channels + c]);
                        }
                    }
                    let shape = [batch, factor * height, factor * width, channels];
                    same_bits(&out, &Tensor::from_f32(want, shape).unwrap());
                }
            });
        }
    }

    fn positions([batch, height, width]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..batch).flat_map(move |b| (0..height).flat_map(move |y| (0..width).map(move |x| (b, y, x))))
    }

    /// As in torch's documentation: the first channel's numbers become the first channel's pixels.
    #[test]
    fn shuffled_pixels_by_hand() {
        let x = Tensor::from_f32((0..8).map(|i| i as f32).collect(), [1, 1, 1, 8]).unwrap();
        let base = Tensor::from_f32(vec![10.0, 20.0], [1, 1, 1, 2]).unwrap();
        let out = pixel_shuffle(&x, &base, 2).unwrap();
        assert_eq!(out.as_f32().unwrap(), [10.0, 24.0, 11.0, 25.0, 12.0, 26.0, 13.0, 27.0]);
    }

    #[test]
    fn bicubic_matches_float64() {
        let mut random = Random::new(2);
        for (from, to) in
            [([1, 1], [4, 3]), ([8, 8], [32, 32]), ([13, 7], [5, 11]), ([24, 24], [7, 96]), ([5, 9], [1, 1])]
        {
            let x = random.tensor(&[2, from[0], from[1], 3]);
            for_each_device(|place| {
                for &dtype in place.dtypes() {
                    let x = x.to_dtype(dtype).unwrap();
                    let out = resize_bicubic(&x.to_device(place.device).unwrap(), to[0], to[1]).unwrap();
                    assert_eq!(out.dims(), [2, to[0], to[1], 3]);
                    // Two sums of at most 4 · 24/7 + 2 taps each.
                    let tolerance = 2.0 * reference::sum_tolerance(16) + result_rounding(dtype);
                    assert_close(&out, &reference::resize_bicubic(&x, to[0], to[1]), tolerance);
                }
            });
        }
    }

    #[test]
    fn bicubic_by_hand() {
        let x = Tensor::from_f32(vec![0.0, 1.0, 2.0, 3.0], [1, 1, 4, 1]).unwrap();
        // Halving stretches the kernel to twice its width; around the first output pixel the input pixels stand at
        // −¼, ¼, ¾ and 5/4 of it. What lies left of the picture is left out and the rest normalised.
        let weights = [0.867_187_5, 0.867_187_5, 0.226_562_5, -0.070_312_5];
        let total: f32 = weights.iter().sum();
        let first = (weights[1] + 2.0 * weights[2] + 3.0 * weights[3]) / total;
        let half = resize_bicubic(&x, 1, 2).unwrap();
        for (got, expected) in half.as_f32().unwrap().iter().zip([first, 3.0 - first]) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }

    #[test]
    fn bicubic_keeps_constants_and_sizes() {
        let mut random = Random::new(3);
        let x = random.tensor(&[2, 6, 5, 3]);
        same_bits(&resize_bicubic(&x, 6, 5).unwrap(), &x);
        let flat = Tensor::from_f32(vec![0.7; 48], [1, 4, 4, 3]).unwrap();
        for (height, width) in [(1, 1), (3, 9), (16, 2)] {
            let out = resize_bicubic(&flat, height, width).unwrap();
            assert!(out.as_f32().unwrap().iter().all(|v| (v - 0.7).abs() < 1e-6));
        }
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let x = Random::new(4).tensor(&[3, 9, 7, 3]);
        let run = |x: &Tensor| resize_bicubic(x, 20, 5).unwrap();
        for i in 0..3 {
            same_bits(&run(&x.narrow(0, i, 1).unwrap()), &run(&x).narrow(0, i, 1).unwrap());
        }
        same_bits(&with_threads(1, || run(&x)), &with_threads(2, || run(&x)));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let flat = Tensor::zeros([2, 2]).unwrap();
        assert!(upsample_nearest2x(&flat).is_err());
        assert!(average_pool2x(&flat).is_err());
        let base = Tensor::zeros([1, 2, 2, 3]).unwrap();
        let error = pixel_shuffle(&Tensor::zeros([1, 2, 2, 12]).unwrap(), &base, 4).unwrap_err();
        assert_eq!(error.to_string(), "pixel_shuffle: x is [1, 2, 2, 12], wants [1, 2, 2, 48]");
        assert!(pixel_shuffle(&base, &flat, 1).is_err());
        for factor in [0, usize::MAX] {
            let error = pixel_shuffle(&base, &base, factor).unwrap_err().to_string();
            assert!(error.contains(&format!("by a factor of {factor}")), "{error}");
        }
        assert!(resize_bicubic(&flat, 1, 1).is_err());
        assert!(resize_bicubic(&Tensor::zeros([1, 0, 2, 3]).unwrap(), 1, 1).is_err());
        assert_eq!(resize_bicubic(&Tensor::zeros([1, 2, 2, 3]).unwrap(), 0, 4).unwrap().dims(), [1, 0, 4, 3]);
    }
}
