//! Guidance and a scheduler's step in one.

use super::sampler::same_shape;
use super::{Prediction, SchedulerStep, StepVariance, check, guidance, scheduler_step};
use crate::cuda;
use crate::{Device, KernelError, Result, Tensor};

/// Where a guided step's standard deviation comes from: see [`StepVariance`].
#[derive(Clone, Copy, Debug)]
pub enum StepNoise {
    /// The same for every element.
    Fixed {
        /// Standard deviation.
        std: f32,
    },
    /// Predicted: it stands after the prediction in the model's output.
    LearnedRange {
        /// ln β̃.
        min_log: f32,
        /// ln β.
        max_log: f32,
    },
}

/// Coefficients of one step with guidance: see [`SchedulerStep`].
#[derive(Clone, Copy, Debug)]
pub struct GuidedStep<'a> {
    /// How far to go from the unconditional to the conditional branch; `None` if there is one branch only.
    pub guidance_scale: Option<f32>,
    /// What the model's output is.
    pub prediction: Prediction,
    /// x₀ is clamped to ± this, if given.
    pub clip: Option<f32>,
    /// Weight of x₀ in the mean.
    pub x0_to_previous: f32,
    /// Weight of x in the mean.
    pub sample_to_previous: f32,
    /// Standard deviation and noise; `None` at t = 0.
    pub noise: Option<(StepNoise, &'a Tensor)>,
}

/// [`guidance`] and [`scheduler_step`] on what a model gave, as it gave it: `sample`, noise and result are
/// `[batch, .., channels]` in float32; `model_output` is `[branches · batch, .., channels or more]`, the unconditional branch
/// first, the prediction first among its channels, then the variance, which is that of the conditional branch. The same
/// bits as those two ops give, NaN included.
///
/// # Errors
/// Shapes that do not fit, a dtype other than [`DType::F32`](crate::DType::F32) where one is wanted, or no memory.
pub fn guided_step(sample: &Tensor, model_output: &Tensor, step: GuidedStep<'_>) -> Result<Tensor> {
    const OP: &str = "guided_step";
    let [&[batch, .., channels], &[rows, .., all]] = [sample.dims(), model_output.dims()] else {
        let problem = format!("sample is {}, wants [batch, .., channels]", sample.shape());
        return Err(KernelError::shape(OP, problem));
    };
    let inner = |x: &Tensor| x.dims()[1..x.dims().len() - 1].to_vec();
    let branches = if step.guidance_scale.is_some() { 2 } else { 1 };
    let predicted = match step.noise {
        Some((StepNoise::LearnedRange { .. }, _)) => 2 * channels,
        _ => channels,
    };
    if rows != branches * batch || all < predicted || inner(sample) != inner(model_output) {
        let problem = format!(
            "the model gave {} for the sample {}, wants [{branches} · batch, .., at least {predicted}]",
            model_output.shape(),
            sample.shape()
        );
        return Err(KernelError::shape(OP, problem));
    }
    let noise = step.noise.map(|(_, noise)| noise);
    if let Some(noise) = noise {
        same_shape(OP, sample, noise)?;
    }
    match check::device(OP, [sample, model_output].into_iter().chain(noise))? {
        Device::Cpu => guided_step_by_parts(sample, model_output, step, channels),
        Device::Cuda(_) => cuda::ops::sampler::guided_step(sample, model_output, &step),
    }
}

/// By the other two ops: what the CPU would save is little.
fn guided_step_by_parts(
    sample: &Tensor,
    model_output: &Tensor,
    step: GuidedStep<'_>,
    channels: usize,
) -> Result<Tensor> {
    let (batch, last) = (sample.dims()[0], sample.shape().rank() - 1);
    let conditional = model_output.narrow(0, model_output.dims()[0] - batch, batch)?;
    let prediction = conditional.narrow(last, 0, channels)?;
    let prediction = match step.guidance_scale {
        Some(scale) => guidance(&model_output.narrow(0, 0, batch)?.narrow(last, 0, channels)?, &prediction, scale)?,
        None => prediction,
    };
    let predicted;
    let noise = match step.noise {
        None => None,
        Some((StepNoise::Fixed { std }, noise)) => Some((StepVariance::Fixed { std }, noise)),
        Some((StepNoise::LearnedRange { min_log, max_log }, noise)) => {
            predicted = conditional.narrow(last, channels, channels)?;
            Some((StepVariance::LearnedRange { predicted: &predicted, min_log, max_log }, noise))
        }
    };
    let GuidedStep { prediction: kind, clip, x0_to_previous, sample_to_previous, .. } = step;
    let step = SchedulerStep { prediction: kind, clip, x0_to_previous, sample_to_previous, noise };
    scheduler_step(sample, &prediction, step)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::DType;
    use crate::harness::{for_each_cuda_device, for_each_device};
    use crate::reference::{Random, same_bits};

    fn random(dims: impl AsRef<[usize]>, seed: u64) -> Tensor {
        Random::new(seed).tensor(dims.as_ref())
    }

    #[test]
    fn guided_steps_are_guidance_and_step() {
        let (x, noise, output) = (random([2, 3, 5, 3], 1), random([2, 3, 5, 3], 2), random([4, 3, 5, 6], 3));
        let noises =
            [None, Some(StepNoise::Fixed { std: 0.3 }), Some(StepNoise::LearnedRange { min_log: -5.8, max_log: -0.7 })];
        let steps = noises.into_iter().flat_map(|variance| [(variance, Some(8.0)), (variance, None)]);
        for_each_device(|place| {
            let [x, noise, output] = [&x, &noise, &output].map(|tensor| place.put(tensor, DType::F32));
            for (variance, guidance_scale) in steps.clone() {
                let output = output.narrow(0, 0, if guidance_scale.is_some() { 4 } else { 2 }).unwrap();
                let step = GuidedStep {
                    guidance_scale,
                    prediction: Prediction::Epsilon { signal: 0.6, noise: 0.8 },
                    clip: Some(1.0),
                    x0_to_previous: 0.25,
                    sample_to_previous: 0.7,
                    noise: variance.map(|variance| (variance, &noise)),
                };
                let got = guided_step(&x, &output, step).unwrap();
                same_bits(&got, &guided_step_by_parts(&x, &output, step, 3).unwrap());
                assert_eq!(got.dims(), x.dims());
            }
        });
    }

    #[test]
    fn guided_steps_take_narrow_outputs() {
        let (x, output) = (random([1, 9], 1), random([2, 9], 2));
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let step = GuidedStep {
                    guidance_scale: Some(4.0),
                    prediction: Prediction::Sample,
                    clip: None,
                    x0_to_previous: 0.5,
                    sample_to_previous: 0.5,
                    noise: None,
                };
                let got = guided_step(&place.put(&x, DType::F32), &place.put(&output, dtype), step).unwrap();
                let rounded = output.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap();
                same_bits(&got, &guided_step(&x, &rounded, step).unwrap());
            }
        });
    }

    #[test]
    fn guided_steps_that_do_not_fit() {
        let (x, noise) = (random([2, 4, 3], 1), random([2, 4, 3], 2));
        let step = GuidedStep {
            guidance_scale: Some(2.0),
            prediction: Prediction::Sample,
            clip: None,
            x0_to_previous: 1.0,
            sample_to_previous: 1.0,
            noise: Some((StepNoise::LearnedRange { min_log: -1.0, max_log: 0.0 }, &noise)),
        };
        assert!(guided_step(&x, &random([4, 4, 6], 3), step).is_ok());
        for wrong in [[2, 4, 6], [4, 4, 5], [4, 5, 6]] {
            assert!(guided_step(&x, &random(wrong, 3), step).is_err());
        }
        assert!(guided_step(&random([2], 1), &random([4], 3), step).is_err());
        assert!(guided_step(&random([3, 4, 3], 1), &random([6, 4, 6], 3), step).is_err());
    }
}
