//! Softmax over the last dimension.

use super::check;
use crate::cpu::rows::{Softmax, for_each_row};
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, Result, Tensor};

/// `x: [.., n]` → the same shape, rows sum to 1.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "softmax";
    let (_, len) = check::rows(OP, x)?;
    match x.device() {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], x.shape()));
            let mut out = Buffer::result_f32(x.shape())?;
            for_each_row(&Softmax, x.values(OP)?, len, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, x.shape().clone()))
        }
        Device::Cuda(_) => cuda::ops::rows::softmax(x),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Shape;
    use crate::harness::{for_each_cuda_device, for_each_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    #[test]
    fn matches_float64() {
        let mut random = Random::new(1);
        for (rows, len) in [(1, 1), (3, 7), (5, 16), (60, 1001)] {
            let x = random.tensor(&[rows, len]);
            let out = softmax(&x).unwrap();
            assert_close(&out, &reference::softmax(&x), reference::sum_tolerance(len));
        }
    }

    #[test]
    fn matches_float64_on_cuda() {
        for_each_cuda_device(|place| {
            let mut random = Random::new(1);
            for (rows, len) in [(1, 1), (3, 7), (5, 16), (2, 1001), (1, 4096), (1, 4099)] {
                for &dtype in place.dtypes() {
                    let x = random.tensor(&[rows, len]).to_dtype(dtype).unwrap();
                    let out = softmax(&x.to_device(place.device).unwrap()).unwrap();
                    assert_eq!(out.dtype(), dtype);
                    let tolerance = reference::sum_tolerance(len) + result_rounding(dtype);
                    assert_close(&out, &reference::softmax(&x), tolerance);
                }
            }
        });
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let x = Tensor::from_f32(vec![1e4, 1e4, -1e4, f32::NEG_INFINITY], [4]).unwrap();
        for_each_device(|place| {
            for &dtype in place.dtypes() {
                assert_eq!(softmax(&place.put(&x, dtype)).unwrap().to_vec_f32().unwrap(), [0.5, 0.5, 0.0, 0.0]);
            }
        });
    }

    #[test]
    fn rows_get_the_bits_they_get_alone() {
        let x = Random::new(2).tensor(&[3, 50, 333]);
        let all = softmax(&x).unwrap();
        for i in 0..3 {
            let one = softmax(&x.narrow(0, i, 1).unwrap()).unwrap();
            same_bits(&one, &all.narrow(0, i, 1).unwrap());
        }
        let run = || softmax(&x).unwrap();
        same_bits(&with_threads(1, run), &with_threads(2, run));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        assert!(softmax(&Tensor::zeros(Shape::default()).unwrap()).is_err());
        assert!(softmax(&Tensor::zeros([2]).unwrap().to_dtype(DType::F16).unwrap()).is_err());
        assert_eq!(softmax(&Tensor::zeros([2, 0]).unwrap()).unwrap().dims(), [2, 0]);
    }
}
