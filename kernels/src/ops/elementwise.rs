//! Activations and addition.

use pulp::Simd;

use super::{Activation, check};
use crate::cpu::map::{Lanewise, map, map_rows};
use crate::cpu::math;
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

/// `a + b`; `b` has the shape of `a`, or of its last dimensions and is repeated over the others.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    const OP: &str = "add";
    if !a.dims().ends_with(b.dims()) {
        let problem = format!("b is {}, wants the shape of a, {}, or its last dimensions", b.shape(), a.shape());
        return Err(KernelError::shape(OP, problem));
    }
    match check::device(OP, [a, b])? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([a, b], a.shape()));
            let (x, y) = (a.values(OP)?, b.values(OP)?);
            let mut out = Buffer::result_f32(a.shape())?;
            if x.len() == y.len() {
                map(&Sum, [x, y], &mut out);
            } else {
                map_rows(&Sum, x, y, &mut out);
            }
            Ok(Tensor::from_buffer(out, DType::F32, a.shape().clone()))
        }
        Device::Cuda(_) => cuda::ops::elementwise::add(a, b),
    }
}

struct Sum;

impl Lanewise<2> for Sum {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [a, b]: [S::f32s; 2]) -> S::f32s {
        simd.add_f32s(a, b)
    }
}

/// x · Φ(x), exact (Hendrycks & Gimpel 2016).
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    activate("gelu", Activation::Gelu, x)
}

/// x · sigmoid(1.702 x), as in CLIP.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    activate("quick_gelu", Activation::QuickGelu, x)
}

/// x · sigmoid(x).
pub fn silu(x: &Tensor) -> Result<Tensor> {
    activate("silu", Activation::Silu, x)
}

fn activate(op: &'static str, activation: Activation, x: &Tensor) -> Result<Tensor> {
    match x.device() {
        Device::Cpu => on_host(op, &activation, x),
        Device::Cuda(_) => cuda::ops::elementwise::activate(x, activation),
    }
}

/// `x`, or where it is negative `x · slope` (He et al. 2015); `x: [.., channels]`, `slope: [channels]`, float32.
pub fn prelu(x: &Tensor, slope: &Tensor) -> Result<Tensor> {
    const OP: &str = "prelu";
    let (_, channels) = check::rows(OP, x)?;
    check::shape(OP, "slope", slope, &Shape::from([channels]))?;
    match check::device(OP, [x, slope])? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], x.shape()));
            let mut out = Buffer::result_f32(x.shape())?;
            map_rows(&Prelu, x.values(OP)?, slope.values(OP)?, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, x.shape().clone()))
        }
        Device::Cuda(_) => cuda::ops::elementwise::prelu(x, slope),
    }
}

struct Prelu;

impl Lanewise<2> for Prelu {
    /// What is no number is not greater either: it takes the product, which is none.
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x, slope]: [S::f32s; 2]) -> S::f32s {
        let is_positive = simd.greater_than_f32s(x, simd.splat_f32s(0.0));
        simd.select_f32s(is_positive, x, simd.mul_f32s(x, slope))
    }
}

/// `x · scale + shift`, rounded twice.
pub fn affine(x: &Tensor, scale: f32, shift: f32) -> Result<Tensor> {
    match x.device() {
        Device::Cpu => on_host("affine", &Affine { scale, shift }, x),
        Device::Cuda(_) => cuda::ops::elementwise::affine(x, scale, shift),
    }
}

struct Affine {
    scale: f32,
    shift: f32,
}

impl Lanewise<1> for Affine {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x]: [S::f32s; 1]) -> S::f32s {
        simd.add_f32s(simd.mul_f32s(x, simd.splat_f32s(self.scale)), simd.splat_f32s(self.shift))
    }
}

/// `x · scale + shift`, rounded twice; `x: [.., columns]`, `scale` and `shift: [columns]`, both float32.
pub fn affine_columns(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    const OP: &str = "affine_columns";
    let (_, columns) = check::rows(OP, x)?;
    let per_column = Shape::from([columns]);
    check::shape(OP, "scale", scale, &per_column)?;
    check::shape(OP, "shift", shift, &per_column)?;
    match check::device(OP, [x, scale, shift])? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], x.shape()));
            let mut out = Buffer::result_f32(x.shape())?;
            let mut scaled = Buffer::result_f32(x.shape())?;
            map_rows(&Product, x.values(OP)?, scale.values(OP)?, &mut scaled);
            map_rows(&Sum, &scaled, shift.values(OP)?, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, x.shape().clone()))
        }
        Device::Cuda(_) => cuda::ops::elementwise::affine_columns(x, scale, shift),
    }
}

struct Product;

impl Lanewise<2> for Product {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [a, b]: [S::f32s; 2]) -> S::f32s {
        simd.mul_f32s(a, b)
    }
}

/// Into `low..=high`. NaN stays NaN; [`count_not_finite`] tells whether there is any.
pub fn clamp(x: &Tensor, low: f32, high: f32) -> Result<Tensor> {
    match x.device() {
        Device::Cpu => on_host("clamp", &Clamp { low, high }, x),
        Device::Cuda(_) => cuda::ops::elementwise::clamp(x, low, high),
    }
}

struct Clamp {
    low: f32,
    high: f32,
}

impl Lanewise<1> for Clamp {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x]: [S::f32s; 1]) -> S::f32s {
        math::clamp(simd, x, simd.splat_f32s(self.low), simd.splat_f32s(self.high))
    }
}

/// How many elements are NaN or infinite. Waits for the device.
pub fn count_not_finite(x: &Tensor) -> Result<usize> {
    match x.device() {
        Device::Cpu => Ok(x.to_vec_f32()?.iter().filter(|x| !x.is_finite()).count()),
        Device::Cuda(_) => Ok(cuda::ops::elementwise::count_not_finite(x)? as usize),
    }
}

fn on_host(op: &'static str, function: &impl Lanewise<1>, x: &Tensor) -> Result<Tensor> {
    let _timer = profile::on_host(op, || Work::of([x], x.shape()));
    let values = x.values(op)?;
    let mut out = Buffer::result_f32(x.shape())?;
    map(function, [values], &mut out);
    Ok(Tensor::from_buffer(out, DType::F32, x.shape().clone()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::{for_each_cuda_device, for_each_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    /// A few roundings per number.
    const TOLERANCE: f64 = 4.0 / (1 << 24) as f64;

    #[test]
    fn activations_match_float64() {
        let mut random = Random::new(1);
        type Op = fn(&Tensor) -> Result<Tensor>;
        let ops: [(Op, Activation); 3] =
            [(gelu, Activation::Gelu), (quick_gelu, Activation::QuickGelu), (silu, Activation::Silu)];
        for (op, activation) in ops {
            for len in [0, 1, 15, 16, 33, 20_001] {
                let x = random.tensor(&[len]);
                let expected: Vec<f64> =
                    x.as_f32().unwrap().iter().map(|&x| reference::activation(activation, x.into())).collect();
                assert_close(&op(&x).unwrap(), &expected, TOLERANCE);
            }
            assert!(op(&random.tensor(&[3]).to_dtype(DType::BF16).unwrap()).is_err());
        }
    }

    #[test]
    fn activations_match_float64_on_cuda() {
        type Op = fn(&Tensor) -> Result<Tensor>;
        let ops: [(Op, Activation); 3] =
            [(gelu, Activation::Gelu), (quick_gelu, Activation::QuickGelu), (silu, Activation::Silu)];
        for_each_cuda_device(|place| {
            let mut random = Random::new(1);
            for (op, activation) in ops {
                for len in [0, 1, 15, 64, 2051] {
                    for &dtype in place.dtypes() {
                        let x = random.tensor(&[len]).to_dtype(dtype).unwrap();
                        let expected: Vec<f64> = (x.to_vec_f32().unwrap().iter())
                            .map(|&x| reference::activation(activation, x.into()))
                            .collect();
                        let out = op(&x.to_device(place.device).unwrap()).unwrap();
                        assert_close(&out, &expected, TOLERANCE + result_rounding(dtype));
                    }
                }
            }
            // Where the exponential overflows, and where it vanishes.
            let far = Tensor::from_f32(vec![-200.0, -89.0, 89.0, 200.0, 0.0], [5]).unwrap();
            for (op, _) in ops {
                let out = op(&place.put(&far, DType::F32)).unwrap().to_vec_f32().unwrap();
                assert!(out[0].abs() < 1e-30 && out[1].abs() < 1e-30, "{out:?}");
                assert_eq!(out[2..], [89.0, 200.0, 0.0]);
            }
        });
    }

    #[test]
    fn affine_maps_are_rounded_twice_and_clamped_numbers_not_at_all() {
        let mut random = Random::new(4);
        let x = random.tensor(&[3, 5, 24]);
        let (scale, shift) = (random.tensor(&[24]), random.tensor(&[24]));
        let expect = |x: &Tensor, function: &dyn Fn(usize, f32) -> f32| {
            let values = x.to_vec_f32().unwrap().iter().enumerate().map(|(i, &x)| function(i, x)).collect();
            Tensor::from_f32(values, x.shape().clone()).unwrap().to_dtype(x.dtype()).unwrap()
        };
        let (scales, shifts) = (scale.as_f32().unwrap(), shift.as_f32().unwrap());
        for_each_device(|place| {
            let [scale, shift] = [&scale, &shift].map(|tensor| place.put(tensor, DType::F32));
            for &dtype in place.dtypes() {
                let rounded = x.to_dtype(dtype).unwrap();
                let x = rounded.to_device(place.device).unwrap();
                same_bits(&affine(&x, 2.0, -1.0).unwrap(), &expect(&rounded, &|_, x| 2.0 * x - 1.0));
                let out = affine_columns(&x, &scale, &shift).unwrap();
                same_bits(&out, &expect(&rounded, &|i, x| x * scales[i % 24] + shifts[i % 24]));
                same_bits(&clamp(&x, -0.5, 1.0).unwrap(), &expect(&rounded, &|_, x| x.clamp(-0.5, 1.0)));
            }
            assert!(affine_columns(&scale, &x, &shift).is_err());
        });
    }

    /// Products are rounded once, so that the bits are known.
    #[test]
    fn negative_numbers_get_the_slope_of_their_channel() {
        let mut random = Random::new(5);
        for dims in [vec![2, 3, 5, 64], vec![1, 3, 3, 13], vec![7, 1], vec![2, 0, 8], vec![513, 40], vec![3, 0]] {
            let (x, slope) = (random.tensor(&dims), random.tensor(&dims[dims.len() - 1..]));
            let slopes = slope.as_f32().unwrap();
            for_each_device(|place| {
                for &dtype in place.dtypes() {
                    let x = x.to_dtype(dtype).unwrap();
                    let out = prelu(&x.to_device(place.device).unwrap(), &place.put(&slope, DType::F32)).unwrap();
                    assert_eq!((out.device(), out.dtype()), (place.device, dtype));
                    let values = x.to_vec_f32().unwrap().into_iter().zip(slopes.iter().cycle());
                    let want = values.map(|(x, slope)| if x > 0.0 { x } else { x * slope }).collect();
                    same_bits(&out, &Tensor::from_f32(want, dims.clone()).unwrap().to_dtype(dtype).unwrap());
                }
            });
        }
        let error = prelu(&random.tensor(&[2, 4]), &random.tensor(&[3])).unwrap_err();
        assert_eq!(error.to_string(), "prelu: slope is [3], wants [4]");
    }

    #[test]
    fn what_is_no_number_is_counted() {
        for len in [0usize, 1, 7, 64, 3001] {
            let mut values = vec![1.0f32; len];
            let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN];
            for (value, strange) in values.iter_mut().step_by(5).zip(strange.into_iter().cycle()) {
                *value = strange;
            }
            let x = Tensor::from_f32(values, [len]).unwrap();
            for_each_device(|place| {
                for &dtype in place.dtypes() {
                    assert_eq!(count_not_finite(&place.put(&x, dtype)).unwrap(), len.div_ceil(5));
                }
            });
        }
    }

    #[test]
    fn sums_are_exact() {
        let mut random = Random::new(2);
        for (dims, last) in [(vec![3, 5, 7], 0), (vec![3, 5, 7], 1), (vec![2, 9000], 1), (vec![4, 3], 2)] {
            let (a, b) = (random.tensor(&dims), random.tensor(&dims[last..]));
            for_each_device(|place| {
                for &dtype in place.dtypes() {
                    let (a, b) = (place.put(&a, dtype), place.put(&b, dtype));
                    let out = add(&a, &b).unwrap();
                    assert_eq!((out.device(), out.dtype(), out.shape()), (place.device, dtype, a.shape()));
                    // The sum of two numbers in float32 is rounded once, to the result's dtype.
                    let [a, b] = [a, b].map(|tensor| tensor.to_vec_f32().unwrap());
                    let sums = a.iter().zip(b.iter().cycle()).map(|(a, b)| a + b).collect();
                    let want = Tensor::from_f32(sums, dims.clone()).unwrap().to_dtype(dtype).unwrap();
                    same_bits(&out, &want);
                }
            });
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let x = Random::new(3).tensor(&[3, 10_001]);
        let run = || silu(&x).unwrap();
        same_bits(&with_threads(1, run), &with_threads(2, run));
        for i in 0..3 {
            same_bits(&silu(&x.narrow(0, i, 1).unwrap()).unwrap(), &run().narrow(0, i, 1).unwrap());
        }
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        let error = add(&zeros(&[2, 3]), &zeros(&[2])).unwrap_err();
        assert_eq!(error.to_string(), "add: b is [2], wants the shape of a, [2, 3], or its last dimensions");
        assert!(add(&zeros(&[3]), &zeros(&[2, 3])).is_err());
        assert!(add(&zeros(&[3]), &zeros(&[3]).to_dtype(DType::F16).unwrap()).is_err());
        assert_eq!(add(&zeros(&[2, 0]), &zeros(&[0])).unwrap().dims(), [2, 0]);
        assert_eq!(add(&zeros(&[2]), &Tensor::zeros(Shape::default()).unwrap()).unwrap().dims(), [2]);
    }
}
