//! Launches of the elementwise part of a sampling step.

use super::elementwise::flat;
use crate::cuda::launch::{In, Launch};
use crate::cuda::{NewTensor, table};
use crate::ops::{GuidedStep, Prediction, SchedulerStep, StepNoise, StepVariance};
use crate::{Result, Tensor};

/// `unconditional + scale · (conditional − unconditional)`, in float32.
pub(crate) fn guidance(unconditional: &Tensor, conditional: &Tensor, scale: f32) -> Result<Tensor> {
    let out = NewTensor::f32(unconditional, unconditional.shape())?;
    let (rows, columns) = flat(unconditional.shape());
    table::guidance {
        unconditional: unconditional.into(),
        conditional: conditional.into(),
        out: out.pointer(),
        rows,
        columns,
        scale,
    }
    .launch(out.context(), elements(unconditional))?;
    Ok(out.finish())
}

/// What both steps have in common, as the kernels take it.
struct Coefficients {
    predicts_noise: i32,
    signal: f32,
    noise_scale: f32,
    clip: f32,
}

impl Coefficients {
    fn new(prediction: Prediction, clip: Option<f32>) -> Self {
        let (predicts_noise, signal, noise_scale) = match prediction {
            Prediction::Sample => (0, 1.0, 0.0),
            Prediction::Epsilon { signal, noise } => (1, signal, noise),
        };
        Coefficients { predicts_noise, signal, noise_scale, clip: clip.unwrap_or(f32::INFINITY) }
    }
}

/// One step from a given prediction.
pub(crate) fn scheduler_step(sample: &Tensor, model_output: &Tensor, step: &SchedulerStep<'_>) -> Result<Tensor> {
    let out = NewTensor::f32(sample, sample.shape())?;
    let (rows, columns) = flat(sample.shape());
    let Coefficients { predicts_noise, signal, noise_scale, clip } = Coefficients::new(step.prediction, step.clip);
    let (noise, predicted, deviation, min_log, max_log) = match step.noise {
        None => (None, None, 0.0, 0.0, 0.0),
        Some((StepVariance::Fixed { std }, noise)) => (Some(noise), None, std, 0.0, 0.0),
        Some((StepVariance::LearnedRange { predicted, min_log, max_log }, noise)) => {
            (Some(noise), Some(predicted), 0.0, min_log, max_log)
        }
    };
    table::scheduler_step {
        sample: sample.into(),
        output: model_output.into(),
        noise: noise.map(In::from),
        predicted: predicted.map(In::from),
        out: out.pointer(),
        rows,
        columns,
        predicts_noise,
        signal,
        noise_scale,
        clip,
        x0_to_previous: step.x0_to_previous,
        sample_to_previous: step.sample_to_previous,
        deviation,
        min_log,
        max_log,
    }
    .launch(out.context(), elements(sample))?;
    Ok(out.finish())
}

/// Guidance and step in one pass: see [`crate::ops::guided_step`], which has checked the shapes.
pub(crate) fn guided_step(sample: &Tensor, model_output: &Tensor, step: &GuidedStep<'_>) -> Result<Tensor> {
    let out = NewTensor::f32(sample, sample.shape())?;
    let last = |x: &Tensor| x.dims().last().copied().unwrap_or(1);
    let (batch, channels) = (sample.dims()[0], last(sample));
    let Coefficients { predicts_noise, signal, noise_scale, clip } = Coefficients::new(step.prediction, step.clip);
    let (noise, predicts_variance, deviation, min_log, max_log) = match step.noise {
        None => (None, 0, 0.0, 0.0, 0.0),
        Some((StepNoise::Fixed { std }, noise)) => (Some(noise), 0, std, 0.0, 0.0),
        Some((StepNoise::LearnedRange { min_log, max_log }, noise)) => (Some(noise), 1, 0.0, min_log, max_log),
    };
    table::guided_step {
        sample: sample.into(),
        output: model_output.into(),
        noise: noise.map(In::from),
        out: out.pointer(),
        batch,
        pixels: sample.shape().len().checked_div(batch * channels).unwrap_or(0),
        channels,
        output_channels: last(model_output),
        is_guided: i32::from(step.guidance_scale.is_some()),
        predicts_variance,
        predicts_noise,
        guidance_scale: step.guidance_scale.unwrap_or(1.0),
        signal,
        noise_scale,
        clip,
        x0_to_previous: step.x0_to_previous,
        sample_to_previous: step.sample_to_previous,
        deviation,
        min_log,
        max_log,
    }
    .launch(out.context(), elements(sample))?;
    Ok(out.finish())
}

/// Blocks for kernels in which blocks share the elements.
fn elements(x: &Tensor) -> Launch {
    const THREADS: usize = 256;
    Launch::blocks(x.shape().len().div_ceil(THREADS).min(1 << 16), THREADS)
}
