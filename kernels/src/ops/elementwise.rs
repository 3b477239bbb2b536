//! Activations and addition.

use pulp::Simd;

use super::Activation;
use crate::cpu::map::{Lanewise, map, map_rows};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Tensor};

/// `a + b`; `b` has the shape of `a`, or of its last dimensions and is repeated over the others.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    const OP: &str = "add";
    if !a.dims().ends_with(b.dims()) {
        let problem = format!("b is {}, wants the shape of a, {}, or its last dimensions", b.shape(), a.shape());
        return Err(KernelError::shape(OP, problem));
    }
    let (x, y) = (a.values(OP)?, b.values(OP)?);
    match a.device() {
        Device::Cpu => {
            let mut out = Buffer::zeroed_f32(a.shape())?;
            if x.len() == y.len() {
                map(&Sum, [x, y], &mut out);
            } else {
                map_rows(&Sum, x, y, &mut out);
            }
            Ok(Tensor::from_buffer(out, DType::F32, a.shape().clone()))
        }
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
    let values = x.values(op)?;
    match x.device() {
        Device::Cpu => {
            let mut out = Buffer::zeroed_f32(x.shape())?;
            map(&activation, [values], &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, x.shape().clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Shape;
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
    fn sums_are_exact() {
        let mut random = Random::new(2);
        for (dims, last) in [(vec![3, 5, 7], 0), (vec![3, 5, 7], 1), (vec![2, 9000], 1), (vec![4, 3], 2)] {
            let a = random.tensor(&dims);
            let b = random.tensor(&dims[last..]);
            let out = add(&a, &b).unwrap();
            let b = b.as_f32().unwrap().iter().cycle();
            for ((out, a), b) in out.as_f32().unwrap().iter().zip(a.as_f32().unwrap()).zip(b) {
                assert_eq!(*out, a + b);
            }
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
