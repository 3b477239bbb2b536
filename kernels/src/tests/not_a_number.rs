//! What is no number is not lost on the way: a model that is broken must not draw a picture that looks as if it were not.

#![allow(clippy::unwrap_used)]

use crate::harness::{Place, for_each_device};
use crate::ops::{
    self, Activation, AttentionMask, GroupNorm, GuidedStep, Prediction, SchedulerStep, StepNoise, StepVariance,
};
use crate::reference::Random;
use crate::{DType, Tensor};

/// Random numbers with one in the middle that is none.
fn with_nan(dims: &[usize]) -> Tensor {
    let mut values = Random::new(7).tensor(dims).to_vec_f32().unwrap();
    let middle = values.len() / 2;
    values[middle] = f32::NAN;
    Tensor::from_f32(values, dims).unwrap()
}

/// Which elements are NaN.
fn places_of_nan(x: &Tensor) -> Vec<usize> {
    let values = x.to_vec_f32().unwrap();
    values.iter().enumerate().filter(|(_, x)| x.is_nan()).map(|(place, _)| place).collect()
}

/// `op` is one of numbers, each for itself.
#[track_caller]
fn assert_stays(place: &Place, len: usize, op: impl Fn(&Tensor) -> Tensor) {
    for &dtype in place.dtypes() {
        assert_eq!(places_of_nan(&op(&place.put(&with_nan(&[len]), dtype))), [len / 2], "{len} numbers in {dtype}");
    }
}

#[test]
fn clamps_and_activations_keep_nan() {
    for_each_device(|place| {
        for len in [1, 5, 64, 1003] {
            assert_stays(place, len, |x| ops::clamp(x, -0.5, 0.5).unwrap());
            assert_stays(place, len, |x| ops::silu(x).unwrap());
            assert_stays(place, len, |x| ops::gelu(x).unwrap());
            assert_stays(place, len, |x| ops::quick_gelu(x).unwrap());
            let slope = place.put(&Tensor::zeros([len]).unwrap(), DType::F32);
            assert_stays(place, len, |x| ops::prelu(x, &slope).unwrap());
        }
    });
}

#[test]
fn softmax_norms_and_attention_keep_nan() {
    for_each_device(|place| {
        for &dtype in place.dtypes() {
            let x = place.put(&with_nan(&[3, 64]), dtype);
            let row: Vec<usize> = (64..128).collect();
            assert_eq!(places_of_nan(&ops::softmax(&x).unwrap()), row);
            let ones = place.put(&Tensor::from_f32(vec![1.0; 64], [64]).unwrap(), DType::F32);
            assert_eq!(places_of_nan(&ops::layer_norm(&x, &ones, &ones, 1e-5).unwrap()), row);
            let norm = GroupNorm {
                groups: 2,
                weight: &ones,
                bias: &ones,
                eps: 1e-5,
                scale_shift: None,
                activation: Activation::Silu,
            };
            let of_group: Vec<usize> = (0..192).filter(|place| place % 64 >= 32).collect();
            let pixels = x.reshape([1, 3, 64]).unwrap();
            assert_eq!(places_of_nan(&ops::group_norm(&[&pixels], norm).unwrap()), of_group);
            // The second query is NaN, and later every key and value is NaN somewhere.
            let x = place.put(&with_nan(&[1, 3, 64]), dtype);
            let zeros = place.put(&Tensor::zeros([1, 3, 64]).unwrap(), dtype);
            let attended = |q: &Tensor, k: &Tensor| {
                places_of_nan(&ops::attention(q, k, &zeros, 1, None, AttentionMask::default()).unwrap())
            };
            assert_eq!(attended(&x, &place.put(&Random::new(1).tensor(&[1, 3, 64]), dtype)), row);
            assert_eq!(attended(&zeros, &x), (0..192).collect::<Vec<_>>());
        }
    });
}

/// Both kinds of prediction, with and without noise, clamped and not.
#[test]
fn sampling_steps_keep_nan() {
    let dims = [1, 5, 5, 3];
    let (x, noise) = (Random::new(1).tensor(&dims), Random::new(2).tensor(&dims));
    let (broken, variance) = (with_nan(&dims), Random::new(3).tensor(&dims));
    for_each_device(|place| {
        let [x, noise, broken, variance] = [&x, &noise, &broken, &variance].map(|tensor| place.put(tensor, DType::F32));
        let both = Tensor::concat(&[&broken, &variance], 3).unwrap();
        for prediction in [Prediction::Sample, Prediction::Epsilon { signal: 0.6, noise: 0.8 }] {
            for clip in [None, Some(1.0)] {
                let range = StepVariance::LearnedRange { predicted: &variance, min_log: -5.8, max_log: -0.7 };
                for variance in [None, Some(StepVariance::Fixed { std: 0.3 }), Some(range)] {
                    let noise = variance.map(|variance| (variance, &noise));
                    let step = SchedulerStep { prediction, clip, x0_to_previous: 0.25, sample_to_previous: 0.7, noise };
                    let next = ops::scheduler_step(&x, &broken, step).unwrap();
                    assert_eq!(places_of_nan(&next), [75 / 2], "{step:?}");
                }
                let noise = Some((StepNoise::LearnedRange { min_log: -5.8, max_log: -0.7 }, &noise));
                let (x0_to_previous, sample_to_previous) = (0.25, 0.7);
                let step =
                    GuidedStep { guidance_scale: None, prediction, clip, x0_to_previous, sample_to_previous, noise };
                assert_eq!(places_of_nan(&ops::guided_step(&x, &both, step).unwrap()), [75 / 2], "{step:?}");
            }
        }
    });
}
