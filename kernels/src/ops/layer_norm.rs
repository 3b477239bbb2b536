//! Layer normalisation over the last dimension.

use super::check;
use crate::cpu::rows::{LayerNorm, for_each_row};
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, Result, Shape, Tensor};

/// `x: [.., channels]`, `weight` and `bias`: `[channels]`.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    const OP: &str = "layer_norm";
    let (_, channels) = check::rows(OP, x)?;
    let per_channel = Shape::from([channels]);
    check::shape(OP, "weight", weight, &per_channel)?;
    check::shape(OP, "bias", bias, &per_channel)?;
    match check::device(OP, [x, weight, bias])? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([x], x.shape()));
            let norm = LayerNorm { weight: weight.values(OP)?, bias: bias.values(OP)?, eps };
            let mut out = Buffer::result_f32(x.shape())?;
            for_each_row(&norm, x.values(OP)?, channels, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, x.shape().clone()))
        }
        Device::Cuda(_) => cuda::ops::rows::layer_norm(x, weight, bias, eps),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cpu::Isa;
    use crate::harness::{for_each_cuda_device, for_each_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    #[test]
    fn matches_float64() {
        let mut random = Random::new(1);
        for (rows, channels) in [(1, 1), (3, 7), (5, 16), (2, 100), (70, 2049)] {
            let x = random.tensor(&[rows, channels]);
            let (weight, bias) = (random.tensor(&[channels]), random.tensor(&[channels]));
            let expected = reference::layer_norm(&x, &weight, &bias, 1e-5);
            for isa in Isa::available() {
                let out = isa.force(|| layer_norm(&x, &weight, &bias, 1e-5)).unwrap();
                // Mean and variance are sums over the channels.
                assert_close(&out, &expected, reference::sum_tolerance(channels));
            }
        }
    }

    /// Rows of less than a vector, of whole vectors and not, of a register's worth and more, and too long for registers.
    #[test]
    fn matches_float64_on_cuda() {
        for_each_cuda_device(|place| {
            let mut random = Random::new(1);
            for (rows, channels) in [(1, 1), (3, 7), (2, 64), (2, 2048), (1, 4095), (1, 5000)] {
                for &dtype in place.dtypes() {
                    let x = random.tensor(&[rows, channels]).to_dtype(dtype).unwrap();
                    let (weight, bias) = (random.tensor(&[channels]), random.tensor(&[channels]));
                    let expected = reference::layer_norm(&x, &weight, &bias, 1e-5);
                    let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.to_device(place.device).unwrap());
                    let out = layer_norm(&x, &weight, &bias, 1e-5).unwrap();
                    assert_eq!(out.dtype(), dtype);
                    assert_close(&out, &expected, reference::sum_tolerance(channels) + result_rounding(dtype));
                }
            }
        });
    }

    #[test]
    fn rows_get_the_bits_they_get_alone() {
        let mut random = Random::new(2);
        let x = random.tensor(&[3, 50, 333]);
        let (weight, bias) = (random.tensor(&[333]), random.tensor(&[333]));
        for_each_device(|place| {
            // Of an odd length: rows start where vectors do and where they do not.
            let x = x.narrow(1, 0, 2).unwrap();
            let [x, weight, bias] = [&x, &weight, &bias].map(|tensor| tensor.to_device(place.device).unwrap());
            let all = layer_norm(&x, &weight, &bias, 1e-5).unwrap();
            for i in 0..3 {
                let one = layer_norm(&x.narrow(0, i, 1).unwrap(), &weight, &bias, 1e-5).unwrap();
                same_bits(&one, &all.narrow(0, i, 1).unwrap());
            }
        });
        let run = |x: &Tensor| layer_norm(x, &weight, &bias, 1e-5).unwrap();
        let all = run(&x);
        for i in 0..3 {
            same_bits(&run(&x.narrow(0, i, 1).unwrap()), &all.narrow(0, i, 1).unwrap());
        }
        same_bits(&with_threads(1, || run(&x)), &with_threads(2, || run(&x)));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        let (x, four, three) = (zeros(&[2, 4]), zeros(&[4]), zeros(&[3]));
        let error = layer_norm(&x, &three, &four, 1e-5).unwrap_err();
        assert_eq!(error.to_string(), "layer_norm: weight is [3], wants [4]");
        assert!(layer_norm(&x, &four, &three, 1e-5).is_err());
        assert!(layer_norm(&Tensor::zeros(Shape::default()).unwrap(), &four, &four, 1e-5).is_err());
        assert_eq!(layer_norm(&zeros(&[2, 0]), &zeros(&[0]), &zeros(&[0]), 1e-5).unwrap().dims(), [2, 0]);
    }
}
