//! The elementwise part of a sampling step.

use pulp::Simd;

use super::check;
use crate::cpu::map::{self, Lanewise};
use crate::cpu::math;
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Tensor};

/// Classifier-free guidance (Ho & Salimans 2022, eq. 6): `unconditional + scale · (conditional − unconditional)`.
///
/// # Errors
/// Different shapes, a dtype other than [`DType::F32`], or no memory.
pub fn guidance(unconditional: &Tensor, conditional: &Tensor, scale: f32) -> Result<Tensor> {
    const OP: &str = "guidance";
    same_shape(OP, unconditional, conditional)?;
    match check::device(OP, [unconditional, conditional])? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work::of([unconditional, conditional], unconditional.shape()));
            let (u, c) = (unconditional.values(OP)?, conditional.values(OP)?);
            let mut out = Buffer::result_f32(unconditional.shape())?;
            map::map(&Guidance { scale }, [u, c], &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, unconditional.shape().clone()))
        }
        Device::Cuda(_) => cuda::ops::sampler::guidance(unconditional, conditional, scale),
    }
}

/// What a model predicts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prediction {
    /// x₀ itself.
    Sample,
    /// The noise ε in `x = signal · x₀ + noise · ε`.
    Epsilon {
        /// √ᾱ.
        signal: f32,
        /// √(1 − ᾱ).
        noise: f32,
    },
}

/// Where a step's standard deviation comes from.
#[derive(Clone, Copy, Debug)]
pub enum StepVariance<'a> {
    /// The same for every element.
    Fixed {
        /// Standard deviation.
        std: f32,
    },
    /// Predicted between two bounds (Nichol & Dhariwal 2021, eq. 15): `exp(½(f·max_log + (1 − f)·min_log))`,
    /// `f = (v + 1)/2`.
    LearnedRange {
        /// The model's `v`, of the sample's shape.
        predicted: &'a Tensor,
        /// ln β̃.
        min_log: f32,
        /// ln β.
        max_log: f32,
    },
}

/// Coefficients of one step: x₀ from the prediction, clamped; then
/// `x' = x0_to_previous · x₀ + sample_to_previous · x + std · noise`.
#[derive(Clone, Copy, Debug)]
pub struct SchedulerStep<'a> {
    /// What the model's output is.
    pub prediction: Prediction,
    /// x₀ is clamped to ± this, if given.
    pub clip: Option<f32>,
    /// Weight of x₀ in the mean.
    pub x0_to_previous: f32,
    /// Weight of x in the mean.
    pub sample_to_previous: f32,
    /// Standard deviation and noise; `None` at t = 0.
    pub noise: Option<(StepVariance<'a>, &'a Tensor)>,
}

/// One step of ancestral sampling (Ho et al. 2020, eq. 7): `sample`, `model_output`, noise and result have one shape.
/// Returns the previous sample. What is NaN stays NaN, clamped or not.
///
/// # Errors
/// Different shapes, a dtype other than [`DType::F32`], or no memory.
pub fn scheduler_step(sample: &Tensor, model_output: &Tensor, step: SchedulerStep<'_>) -> Result<Tensor> {
    const OP: &str = "scheduler_step";
    same_shape(OP, sample, model_output)?;
    if let Some((variance, noise)) = &step.noise {
        same_shape(OP, sample, noise)?;
        if let StepVariance::LearnedRange { predicted, .. } = variance {
            same_shape(OP, sample, predicted)?;
        }
    }
    match check::device(OP, [sample, model_output].into_iter().chain(step.tensors()))? {
        Device::Cpu => step_on_host(OP, sample, model_output, &step),
        Device::Cuda(_) => cuda::ops::sampler::scheduler_step(sample, model_output, &step),
    }
}

impl<'a> SchedulerStep<'a> {
    /// The tensors that it holds.
    fn tensors(&self) -> impl Iterator<Item = &'a Tensor> {
        let (noise, predicted) = match self.noise {
            Some((StepVariance::LearnedRange { predicted, .. }, noise)) => (Some(noise), Some(predicted)),
            Some((StepVariance::Fixed { .. }, noise)) => (Some(noise), None),
            None => (None, None),
        };
        noise.into_iter().chain(predicted)
    }
}

fn step_on_host(op: &'static str, sample: &Tensor, model_output: &Tensor, step: &SchedulerStep<'_>) -> Result<Tensor> {
    let _timer =
        profile::on_host(op, || Work::of([sample, model_output].into_iter().chain(step.tensors()), sample.shape()));
    let (x, output) = (sample.values(op)?, model_output.values(op)?);
    let mut out = Buffer::result_f32(sample.shape())?;
    let mean = Mean {
        prediction: step.prediction,
        clip: step.clip.unwrap_or(f32::INFINITY),
        x0_to_previous: step.x0_to_previous,
        sample_to_previous: step.sample_to_previous,
    };
    match step.noise {
        None => map::map(&mean, [x, output], &mut out),
        Some((StepVariance::Fixed { std }, noise)) => {
            map::map(&FixedStep { mean, std }, [x, output, noise.values(op)?], &mut out);
        }
        Some((StepVariance::LearnedRange { predicted, min_log, max_log }, noise)) => {
            let inputs = [x, output, noise.values(op)?, predicted.values(op)?];
            map::map(&LearnedStep { mean, min_log, max_log }, inputs, &mut out);
        }
    }
    Ok(Tensor::from_buffer(out, DType::F32, sample.shape().clone()))
}

pub(super) fn same_shape(op: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.shape() == b.shape() {
        return Ok(());
    }
    Err(KernelError::shape(op, format!("{} and {} must be alike", a.shape(), b.shape())))
}

struct Guidance {
    scale: f32,
}

impl Lanewise<2> for Guidance {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [u, c]: [S::f32s; 2]) -> S::f32s {
        let away = simd.mul_f32s(simd.splat_f32s(self.scale), simd.sub_f32s(c, u));
        simd.add_f32s(u, away)
    }
}

/// The mean of a step. Operations are kept apart as the reference has them: at high noise `x − noise · ε` is a small
/// difference of large numbers, divided by a smaller one, and a shortcut would be seen.
struct Mean {
    prediction: Prediction,
    clip: f32,
    x0_to_previous: f32,
    sample_to_previous: f32,
}

impl Lanewise<2> for Mean {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x, output]: [S::f32s; 2]) -> S::f32s {
        let x0 = match self.prediction {
            Prediction::Sample => output,
            Prediction::Epsilon { signal, noise } => {
                let clean = simd.sub_f32s(x, simd.mul_f32s(simd.splat_f32s(noise), output));
                simd.div_f32s(clean, simd.splat_f32s(signal))
            }
        };
        let x0 = math::clamp(simd, x0, simd.splat_f32s(-self.clip), simd.splat_f32s(self.clip));
        let from_x0 = simd.mul_f32s(simd.splat_f32s(self.x0_to_previous), x0);
        simd.add_f32s(from_x0, simd.mul_f32s(simd.splat_f32s(self.sample_to_previous), x))
    }
}

struct FixedStep {
    mean: Mean,
    std: f32,
}

impl Lanewise<3> for FixedStep {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x, output, noise]: [S::f32s; 3]) -> S::f32s {
        let mean = self.mean.apply(simd, [x, output]);
        simd.add_f32s(mean, simd.mul_f32s(simd.splat_f32s(self.std), noise))
    }
}

struct LearnedStep {
    mean: Mean,
    min_log: f32,
    max_log: f32,
}

impl Lanewise<4> for LearnedStep {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x, output, noise, predicted]: [S::f32s; 4]) -> S::f32s {
        let (one, half) = (simd.splat_f32s(1.0), simd.splat_f32s(0.5));
        let fraction = simd.mul_f32s(simd.add_f32s(predicted, one), half);
        let most = simd.mul_f32s(fraction, simd.splat_f32s(self.max_log));
        let least = simd.mul_f32s(simd.sub_f32s(one, fraction), simd.splat_f32s(self.min_log));
        let std = math::exp(simd, simd.mul_f32s(half, simd.add_f32s(most, least)));
        let mean = self.mean.apply(simd, [x, output]);
        simd.add_f32s(mean, simd.mul_f32s(std, noise))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::{for_each_cuda_device, for_each_device};
    use crate::reference::{Random, assert_close, same_bits};

    fn random(dims: impl AsRef<[usize]>, seed: u64) -> Tensor {
        Random::new(seed).tensor(dims.as_ref())
    }

    fn exact(tensor: &Tensor) -> Vec<f64> {
        tensor.as_f32().unwrap().iter().map(|&x| x.into()).collect()
    }

    #[test]
    fn guidance_agrees_with_float64() {
        let (u, c) = (random([2, 37], 1), random([2, 37], 2));
        let want: Vec<f64> = exact(&u).iter().zip(exact(&c)).map(|(u, c)| u + 8.0 * (c - u)).collect();
        assert_close(&guidance(&u, &c, 8.0).unwrap(), &want, 1e-6);
        assert!(guidance(&u, &random([37, 2], 2), 8.0).is_err());
    }

    #[test]
    fn steps_agree_with_float64() {
        let tensor = |seed| random([2, 5, 7, 3], seed);
        let (x, output, noise, v) = (tensor(1), tensor(2), tensor(3), tensor(4));
        let variances = [
            None,
            Some(StepVariance::Fixed { std: 0.3 }),
            Some(StepVariance::LearnedRange { predicted: &v, min_log: -5.8, max_log: -0.7 }),
        ];
        for prediction in [Prediction::Sample, Prediction::Epsilon { signal: 0.6, noise: 0.8 }] {
            for (variance, clip) in variances.iter().flat_map(|v| [(v, None), (v, Some(0.5))]) {
                let step = SchedulerStep {
                    prediction,
                    clip,
                    x0_to_previous: 0.25,
                    sample_to_previous: 0.7,
                    noise: variance.map(|variance| (variance, &noise)),
                };
                let (xs, os, ns, vs) = (exact(&x), exact(&output), exact(&noise), exact(&v));
                let want: Vec<f64> = (0..xs.len())
                    .map(|i| {
                        let x0 = match prediction {
                            Prediction::Sample => os[i],
                            Prediction::Epsilon { .. } => (xs[i] - 0.8 * os[i]) / 0.6,
                        };
                        let bound = clip.map_or(f64::INFINITY, f64::from);
                        let std = match variance {
                            None => 0.0,
                            Some(StepVariance::Fixed { std }) => f64::from(*std),
                            Some(StepVariance::LearnedRange { .. }) => {
                                let f = (vs[i] + 1.0) / 2.0;
                                (0.5 * (f * -0.7 + (1.0 - f) * -5.8)).exp()
                            }
                        };
                        0.25 * x0.clamp(-bound, bound) + 0.7 * xs[i] + std * ns[i]
                    })
                    .collect();
                for_each_device(|place| {
                    let [x, output, noise, v] = [&x, &output, &noise, &v].map(|tensor| place.put(tensor, DType::F32));
                    let noise = step.noise.map(|(variance, _)| match variance {
                        StepVariance::LearnedRange { min_log, max_log, .. } => {
                            (StepVariance::LearnedRange { predicted: &v, min_log, max_log }, &noise)
                        }
                        fixed => (fixed, &noise),
                    });
                    let step = SchedulerStep { noise, ..step };
                    assert_close(&scheduler_step(&x, &output, step).unwrap(), &want, 1e-6);
                });
            }
        }
    }

    /// But for the exponential of a predicted variance, which is another one there.
    #[test]
    fn cuda_steps_have_the_cpus_bits() {
        let shape = [2, 5, 7, 3];
        let tensors = [1, 2, 3].map(|seed| random(shape, seed));
        let variances = [None, Some(StepVariance::Fixed { std: 0.3 })];
        for_each_cuda_device(|place| {
            let there = tensors.each_ref().map(|tensor| place.put(tensor, DType::F32));
            let run = |[x, output, noise]: &[Tensor; 3], prediction, clip, variance: Option<StepVariance<'_>>| {
                let noise = variance.map(|variance| (variance, noise));
                let step = SchedulerStep { prediction, clip, x0_to_previous: 0.25, sample_to_previous: 0.7, noise };
                scheduler_step(x, output, step).unwrap()
            };
            for prediction in [Prediction::Sample, Prediction::Epsilon { signal: 0.06, noise: 0.998 }] {
                for (variance, clip) in variances.iter().flat_map(|v| [(*v, None), (*v, Some(0.5))]) {
                    same_bits(&run(&there, prediction, clip, variance), &run(&tensors, prediction, clip, variance));
                }
            }
            let guided = guidance(&there[0], &there[1], 8.0).unwrap();
            same_bits(&guided, &guidance(&tensors[0], &tensors[1], 8.0).unwrap());
        });
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (x, other) = (random([2, 3], 1), random([3, 2], 1));
        let step = SchedulerStep {
            prediction: Prediction::Sample,
            clip: None,
            x0_to_previous: 1.0,
            sample_to_previous: 1.0,
            noise: None,
        };
        assert!(scheduler_step(&x, &other, step).is_err());
        let noisy = SchedulerStep { noise: Some((StepVariance::Fixed { std: 1.0 }, &other)), ..step };
        assert!(scheduler_step(&x, &x, noisy).is_err());
    }
}
