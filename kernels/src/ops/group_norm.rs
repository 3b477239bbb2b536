//! Group normalisation with what follows it in a UNet.

use super::{Activation, Sources, check};
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};
use crate::{cpu, cuda};

/// Parameters of a group normalisation.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm<'a> {
    /// Channels are split in that many groups.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f32,
    /// `[channels]`.
    pub weight: &'a Tensor,
    /// `[channels]`.
    pub bias: &'a Tensor,
    /// `[batch, 2 · channels]`, first the scales, then the shifts: the result becomes `norm · (1 + scale) + shift`.
    pub scale_shift: Option<&'a Tensor>,
    /// Applied last.
    pub activation: Activation,
}

/// `sources`: one or more `[batch, .., channels]` read side by side along the channels → one tensor of all channels.
pub fn group_norm(sources: &[&Tensor], norm: GroupNorm<'_>) -> Result<Tensor> {
    const OP: &str = "group_norm";
    let sources = Sources::new(OP, sources)?;
    let Some((&batch, inner)) = sources.outer().split_first() else {
        return Err(KernelError::shape(OP, "sources have one dimension, wants [batch, .., channels]"));
    };
    let channels = sources.channels();
    if norm.groups == 0 || !channels.is_multiple_of(norm.groups) {
        let problem = format!("{} groups do not divide {channels} channels", norm.groups);
        return Err(KernelError::parameter(OP, problem));
    }
    let mut dims = sources.outer().to_vec();
    dims.push(channels);
    let shape = Shape::from(dims);
    let per_channel = Shape::from([channels]);
    check::shape(OP, "weight", norm.weight, &per_channel)?;
    check::shape(OP, "bias", norm.bias, &per_channel)?;
    check::optional_shape(OP, "scale_shift", norm.scale_shift, [batch, 2 * channels])?;
    let parameters = [norm.weight, norm.bias].into_iter().chain(norm.scale_shift);
    match check::device(OP, sources.tensors().chain(parameters))? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of(sources.tensors(), &shape));
            let mut out = Buffer::result_f32(&shape)?;
            cpu::group_norm::GroupNorm {
                sources: &sources.on_host(OP)?,
                batch,
                pixels: inner.iter().product(),
                groups: norm.groups,
                eps: norm.eps,
                weight: norm.weight.values(OP)?,
                bias: norm.bias.values(OP)?,
                scale_shift: norm.scale_shift.map(|tensor| tensor.values(OP)).transpose()?,
                activation: norm.activation,
            }
            .run(&mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        Device::Cuda(_) => cuda::ops::group_norm::group_norm(&sources.at_most_two()?, norm, &shape),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::cpu::Isa;
    use crate::harness::{for_each_cuda_device, for_each_device, result_rounding};
    use crate::ops::{self, Conv2d, Epilogue, PackedFilter, conv2d};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    /// Statistics are as good as exact; what is left are the roundings of mean, scale, shift and three operations.
    const TOLERANCE: f64 = 8.0 / (1 << 24) as f64;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn matches_float64(
            batch in 1usize..4, pixels in 1usize..120, groups in 1usize..6, per_group in 2usize..20,
            cut in 0.0f64..1.0, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let channels = groups * per_group;
            let first = (channels as f64 * cut) as usize;
            let x = random.tensor(&[batch, pixels, 1, first]);
            let y = random.tensor(&[batch, pixels, 1, channels - first]);
            let (weight, bias) = (random.tensor(&[channels]), random.tensor(&[channels]));
            let scale_shift = random.tensor(&[batch, 2 * channels]);
            for (scale_shift, activation) in [(None, Activation::None), (Some(&scale_shift), Activation::Silu)] {
                let norm = GroupNorm { groups, eps: 1e-5, weight: &weight, bias: &bias, scale_shift, activation };
                let joined = Tensor::concat(&[&x, &y], 3).unwrap();
                let expected = reference::group_norm(&joined, norm);
                for isa in Isa::available() {
                    let out = isa.force(|| group_norm(&[&x, &y], norm)).unwrap();
                    assert_close(&out, &expected, TOLERANCE);
                }
            }
        }
    }

    /// All ways of doing it: a block for a group, with pairs and without, and partial statistics. Vectors that are whole and that are not, groups
    /// that have channels of both sources, channels of one source only.
    #[test]
    fn matches_float64_on_cuda() {
        let cases = [
            ([2, 5, 3], [7, 5], 4, Activation::Silu),
            ([2, 5, 3], [10, 6], 2, Activation::Silu),
            ([1, 3, 1], [1030, 10], 1, Activation::None),
            ([1, 29, 2], [300, 4], 1, Activation::None),
            ([2, 4, 4], [16, 8], 4, Activation::None),
            ([1, 40, 39], [16, 32], 4, Activation::Silu),
            ([2, 65, 33], [13, 3], 2, Activation::Gelu),
            ([1, 37, 50], [40, 0], 2, Activation::QuickGelu),
        ];
        for_each_cuda_device(|place| {
            let mut random = Random::new(3);
            for (([batch, height, width], channels, groups, activation), &dtype) in
                cases.into_iter().flat_map(|case| place.dtypes().iter().map(move |dtype| (case, dtype)))
            {
                let all = channels[0] + channels[1];
                let sources = channels.map(|c| random.tensor(&[batch, height, width, c]).to_dtype(dtype).unwrap());
                let (weight, bias) = (random.tensor(&[all]), random.tensor(&[all]));
                let scale_shift = random.tensor(&[batch, 2 * all]);
                let norm = GroupNorm {
                    groups,
                    eps: 1e-5,
                    weight: &weight,
                    bias: &bias,
                    scale_shift: Some(&scale_shift),
                    activation,
                };
                let joined = Tensor::concat(&[&sources[0], &sources[1]], 3).unwrap();
                let expected = reference::group_norm(&joined, norm);
                let [x, y] = sources.map(|source| source.to_device(place.device).unwrap());
                let [weight, bias, scale_shift] =
                    [&weight, &bias, &scale_shift].map(|tensor| tensor.to_device(place.device).unwrap());
                let norm = GroupNorm { weight: &weight, bias: &bias, scale_shift: Some(&scale_shift), ..norm };
                let out = group_norm(&[&x, &y], norm).unwrap();
                assert_eq!((out.device(), out.dtype()), (place.device, dtype));
                assert_close(&out, &expected, TOLERANCE + result_rounding(dtype));
            }
        });
    }

    /// In groups that are too large for one block, beside a source that nobody gathered anything of.
    #[test]
    fn what_a_convolution_gathers_of_its_result_is_what_reading_it_gives() {
        let mut random = Random::new(5);
        let (x, weight) = (random.tensor(&[2, 48, 48, 8]), random.tensor(&[16, 8, 3, 3]));
        let beside = random.tensor(&[2, 48, 48, 8]);
        let (scales, bias) = (random.tensor(&[24]), random.tensor(&[24]));
        for_each_cuda_device(|place| {
            let [scales, bias] = [&scales, &bias].map(|tensor| place.put(tensor, DType::F32));
            let norm = GroupNorm {
                groups: 3,
                eps: 1e-5,
                weight: &scales,
                bias: &bias,
                scale_shift: None,
                activation: Activation::Silu,
            };
            for &dtype in place.dtypes() {
                let filter = PackedFilter::new(&weight, place.placement(dtype)).unwrap();
                let [x, beside] = [&x, &beside].map(|tensor| place.put(tensor, dtype));
                let convolve = |x: &Tensor| {
                    let epilogue = Epilogue { moments: true, ..Default::default() };
                    conv2d(&[x], &filter, Conv2d { stride: 1, padding: 1 }, epilogue).unwrap()
                };
                let hidden = convolve(&x);
                assert_eq!(hidden.moments().is_some(), dtype != DType::F32, "{dtype}");
                let host = |tensor: &Tensor| tensor.to_host().unwrap();
                let joined = Tensor::concat(&[&host(&hidden), &host(&beside)], 3).unwrap();
                let expected =
                    reference::group_norm(&joined, GroupNorm { weight: &host(&scales), bias: &host(&bias), ..norm });
                let run = |hidden: &Tensor| group_norm(&[hidden, &beside], norm).unwrap();
                assert_close(&run(&hidden), &expected, TOLERANCE + result_rounding(dtype));
                // A part or another form of a tensor is another tensor.
                assert!(hidden.narrow(0, 0, 1).unwrap().moments().is_none());
                assert!(hidden.reshape([2 * 48, 48, 16]).unwrap().moments().is_none());
                if dtype == DType::F32 {
                    continue;
                }
                // They are used: those of another tensor mislead.
                let other = convolve(&ops::affine(&x, 2.0, 0.0).unwrap());
                let misled = run(&hidden.clone().with_moments(other.moments().cloned()));
                assert_ne!(misled.to_vec_f32().unwrap(), run(&hidden).to_vec_f32().unwrap());
            }
        });
    }

    #[test]
    fn three_sources_are_read_like_their_concatenation() {
        for_each_device(|place| {
            let mut random = Random::new(4);
            let sources = [2, 5, 1].map(|channels| place.put(&random.tensor(&[2, 3, channels]), DType::F32));
            let (weight, bias) = (random.tensor(&[8]), random.tensor(&[8]));
            let [weight, bias] = [weight, bias].map(|tensor| place.put(&tensor, DType::F32));
            let norm = GroupNorm {
                groups: 2,
                eps: 1e-5,
                weight: &weight,
                bias: &bias,
                scale_shift: None,
                activation: Activation::None,
            };
            let sources: Vec<&Tensor> = sources.iter().collect();
            let joined = Tensor::concat(&sources, 2).unwrap();
            same_bits(&group_norm(&sources, norm).unwrap(), &group_norm(&[&joined], norm).unwrap());
        });
    }

    #[test]
    fn a_large_mean_does_not_cancel() {
        let mut random = Random::new(1);
        let x: Vec<f32> = random.tensor(&[1, 5000, 8]).as_f32().unwrap().iter().map(|x| x + 1000.0).collect();
        let x = Tensor::from_f32(x, [1, 5000, 8]).unwrap();
        let (weight, bias) = (random.tensor(&[8]), random.tensor(&[8]));
        let norm = GroupNorm {
            groups: 2,
            eps: 1e-5,
            weight: &weight,
            bias: &bias,
            scale_shift: None,
            activation: Activation::None,
        };
        let expected = reference::group_norm(&x, norm);
        for_each_device(|place| {
            let [x, weight, bias] = [&x, &weight, &bias].map(|tensor| tensor.to_device(place.device).unwrap());
            let norm = GroupNorm { weight: &weight, bias: &bias, ..norm };
            // The mean is rounded to f32 once: 1000 · 2⁻²⁴ against a deviation of about 1.
            assert_close(&group_norm(&[&x], norm).unwrap(), &expected, 1000.0 / f64::from(1 << 24));
        });
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let mut random = Random::new(2);
        let x = random.tensor(&[3, 33, 65, 24]);
        let (weight, bias) = (random.tensor(&[24]), random.tensor(&[24]));
        let norm = GroupNorm {
            groups: 8,
            eps: 1e-5,
            weight: &weight,
            bias: &bias,
            scale_shift: None,
            activation: Activation::Silu,
        };
        for_each_device(|place| {
            let [x, weight, bias] = [&x, &weight, &bias].map(|tensor| tensor.to_device(place.device).unwrap());
            let norm = GroupNorm { weight: &weight, bias: &bias, ..norm };
            let run = |x: &Tensor| group_norm(&[x], norm).unwrap();
            // A small group for one block, and a larger one for partial statistics.
            for x in [x.narrow(0, 0, 3).unwrap(), x.reshape([1, 3 * 33, 65, 24]).unwrap()] {
                let all = run(&x);
                for i in 0..x.dims()[0] {
                    same_bits(&run(&x.narrow(0, i, 1).unwrap()), &all.narrow(0, i, 1).unwrap());
                }
            }
        });
        let run = |x: &Tensor| group_norm(&[x], norm).unwrap();
        same_bits(&with_threads(1, || run(&x)), &with_threads(2, || run(&x)));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        let (x, six, five) = (zeros(&[1, 2, 2, 6]), zeros(&[6]), zeros(&[5]));
        let norm = GroupNorm {
            groups: 3,
            eps: 1e-5,
            weight: &six,
            bias: &six,
            scale_shift: None,
            activation: Activation::None,
        };
        assert!(group_norm(&[&x], norm).is_ok());
        assert!(group_norm(&[], norm).is_err());
        assert!(group_norm(&[&six], norm).is_err());
        assert!(group_norm(&[&x, &zeros(&[1, 2, 3, 6])], norm).is_err());
        for groups in [0, 4] {
            assert!(group_norm(&[&x], GroupNorm { groups, ..norm }).is_err());
        }
        assert!(group_norm(&[&x], GroupNorm { weight: &five, ..norm }).is_err());
        assert!(group_norm(&[&x], GroupNorm { bias: &five, ..norm }).is_err());
        let error = group_norm(&[&x], GroupNorm { scale_shift: Some(&six), ..norm }).unwrap_err();
        assert_eq!(error.to_string(), "group_norm: scale_shift is [6], wants [1, 12]");
        assert_eq!(group_norm(&[&zeros(&[0, 2, 6])], norm).unwrap().dims(), [0, 2, 6]);
    }
}
