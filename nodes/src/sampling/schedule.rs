//! The UnCLIP schedule: which timesteps a sampling loop visits and the coefficients of each step.
//!
//! Tables and coefficients are rounded to `f32` where diffusers' `UnCLIPScheduler` rounds them, so that a replayed run
//! meets the same numbers.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use easel_kernels::Tensor;
use easel_kernels::ops::{self, GuidedStep, StepNoise};

use crate::config::{PredictionType, SchedulerConfig, VarianceType};
use crate::error::{Error, Result};

/// The timesteps of a sampling loop and the noise level at each.
#[derive(Clone, Debug)]
pub struct Schedule {
    config: SchedulerConfig,
    timesteps: Vec<usize>,
    betas: Arc<[f32]>,
    alphas_cumprod: Arc<[f32]>,
}

/// Standard deviation of the noise that a step adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepStd {
    /// Known beforehand.
    Fixed(f32),
    /// Predicted by the model between two logarithms of variances: (ln β̃, ln β).
    LearnedRange(f32, f32),
}

/// Coefficients of one step: `x' = x0_to_previous · x₀ + sample_to_previous · x + std · noise`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepCoefficients {
    /// √ᾱ: how much of x₀ is in x.
    pub signal: f32,
    /// √(1 − ᾱ): how much noise is in x.
    pub noise: f32,
    /// √ᾱ' β / (1 − ᾱ) (Ho et al. 2020, eq. 7).
    pub x0_to_previous: f32,
    /// √α (1 − ᾱ') / (1 − ᾱ).
    pub sample_to_previous: f32,
    /// `None` at timestep 0, where no noise is added.
    pub std: Option<StepStd>,
}

/// β of the squared-cosine schedule (Nichol & Dhariwal 2021, eq. 17) is capped here.
const MAX_BETA: f64 = 0.999;
/// The smallest variance whose logarithm is taken.
const MIN_VARIANCE: f32 = 1e-20;

impl Schedule {
    /// `steps` timesteps from the noisiest to 0.
    ///
    /// # Errors
    /// `steps` below 2 (their distance is undefined) or above `num_train_timesteps`.
    pub fn new(config: SchedulerConfig, steps: usize) -> Result<Self> {
        let train = config.num_train_timesteps;
        if steps < 2 || steps > train {
            return Err(Error::invalid(format!("{steps} sampling steps: 2 to {train} are possible")));
        }
        let betas = squared_cosine_betas(train);
        let alphas_cumprod = cumulative_product_of_alphas(&betas);
        let distance = (train - 1) as f64 / (steps - 1) as f64;
        let timesteps = (0..steps).rev().map(|i| (i as f64 * distance).round_ties_even() as usize).collect();
        Ok(Schedule { config, timesteps, betas: betas.into(), alphas_cumprod: alphas_cumprod.into() })
    }

    /// The timesteps, noisiest first; the last is 0.
    pub fn timesteps(&self) -> &[usize] {
        &self.timesteps
    }

    /// β for every training timestep.
    pub fn betas(&self) -> &[f32] {
        &self.betas
    }

    /// ᾱ for every training timestep.
    pub fn alphas_cumprod(&self) -> &[f32] {
        &self.alphas_cumprod
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &SchedulerConfig {
        &self.config
    }

    /// Coefficients of the step that leaves `timesteps()[index]`.
    pub fn coefficients(&self, index: usize) -> StepCoefficients {
        self.coefficients_between(self.timesteps[index], self.timesteps.get(index + 1).copied())
    }

    /// Coefficients of the step from `timestep` to `previous` (the timestep below, if none is given).
    pub fn coefficients_between(&self, timestep: usize, previous: Option<usize>) -> StepCoefficients {
        let alpha_cumprod = self.alphas_cumprod[timestep];
        let (previous_alpha_cumprod, adjacent) = match previous {
            Some(previous) => (self.alphas_cumprod[previous], previous + 1 == timestep),
            None if timestep > 0 => (self.alphas_cumprod[timestep - 1], true),
            None => (1.0, true),
        };
        let beta = if adjacent { self.betas[timestep] } else { 1.0 - alpha_cumprod / previous_alpha_cumprod };
        let alpha = 1.0 - beta;
        let (noise_variance, previous_noise_variance) = (1.0 - alpha_cumprod, 1.0 - previous_alpha_cumprod);
        let posterior_variance = previous_noise_variance / noise_variance * beta;
        let std = (timestep > 0).then(|| match self.config.variance_type {
            VarianceType::FixedSmallLog => StepStd::Fixed((0.5 * posterior_variance.max(MIN_VARIANCE).ln()).exp()),
            VarianceType::LearnedRange => StepStd::LearnedRange(posterior_variance.ln(), beta.ln()),
        });
        StepCoefficients {
            signal: alpha_cumprod.sqrt(),
            noise: noise_variance.sqrt(),
            x0_to_previous: previous_alpha_cumprod.sqrt() * beta / noise_variance,
            sample_to_previous: alpha.sqrt() * previous_noise_variance / noise_variance,
            std,
        }
    }

    /// Takes one step without guidance: see [`Schedule::guided_step`].
    ///
    /// # Errors
    /// Shapes that do not fit, or a missing `noise` where the step adds some.
    pub fn step(
        &self,
        coefficients: &StepCoefficients,
        sample: &Tensor,
        model_output: &Tensor,
        noise: Option<&Tensor>,
    ) -> Result<Tensor> {
        self.guided_step(coefficients, sample, model_output, None, noise)
    }

    /// Takes one step: `sample` and `noise` `[batch, .., channels]`; `model_output` has twice the channels when the
    /// variance is learned, prediction first, and twice the batch when it is guided by `guidance_scale`, unconditional first.
    ///
    /// # Errors
    /// Shapes that do not fit, or a missing `noise` where the step adds some.
    pub fn guided_step(
        &self,
        coefficients: &StepCoefficients,
        sample: &Tensor,
        model_output: &Tensor,
        guidance_scale: Option<f32>,
        noise: Option<&Tensor>,
    ) -> Result<Tensor> {
        self.check_channels(sample, model_output)?;
        let noise = match (coefficients.std, noise) {
            (None, _) => None,
            (Some(StepStd::Fixed(std)), Some(noise)) => Some((StepNoise::Fixed { std }, noise)),
            (Some(StepStd::LearnedRange(min_log, max_log)), Some(noise)) => {
                Some((StepNoise::LearnedRange { min_log, max_log }, noise))
            }
            (Some(_), None) => return Err(Error::invalid("a step that adds noise was given none")),
        };
        let step = GuidedStep {
            guidance_scale,
            prediction: match self.config.prediction_type {
                PredictionType::Sample => ops::Prediction::Sample,
                PredictionType::Epsilon => {
                    ops::Prediction::Epsilon { signal: coefficients.signal, noise: coefficients.noise }
                }
            },
            clip: self.config.clip_sample.then_some(self.config.clip_sample_range as f32),
            x0_to_previous: coefficients.x0_to_previous,
            sample_to_previous: coefficients.sample_to_previous,
            noise,
        };
        Ok(ops::guided_step(sample, model_output, step)?)
    }

    /// That the model predicts the variance if it is learned, and only then.
    fn check_channels(&self, sample: &Tensor, model_output: &Tensor) -> Result<()> {
        let channels = sample.dims().last().copied().unwrap_or_default();
        let (variance, wanted) = match self.config.variance_type {
            VarianceType::LearnedRange => ("learned", 2 * channels),
            VarianceType::FixedSmallLog => ("fixed", channels),
        };
        if model_output.dims().last() == Some(&wanted) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the schedule's variance is {variance}, so the model's output must have {wanted} channels; it is {}",
            model_output.shape()
        ))
        .with_hint("use the schedule of the same model and part"))
    }
}

/// β(i) = min(1 − ᾱ((i + 1)/T)/ᾱ(i/T), .999), ᾱ(u) = cos²((u + .008)/1.008 · π/2).
fn squared_cosine_betas(count: usize) -> Vec<f32> {
    let alpha_bar = |u: f64| ((u + 0.008) / 1.008 * FRAC_PI_2).cos().powi(2);
    let at = |i: usize| alpha_bar(i as f64 / count as f64);
    (0..count).map(|i| (1.0 - at(i + 1) / at(i)).min(MAX_BETA) as f32).collect()
}

/// ᾱ: torch keeps the running product in f64 and rounds every entry.
fn cumulative_product_of_alphas(betas: &[f32]) -> Vec<f32> {
    let products = betas.iter().scan(1.0f64, |product, beta| {
        *product *= f64::from(1.0 - beta);
        Some(*product as f32)
    });
    products.collect()
}
