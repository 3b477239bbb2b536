//! The noise schedule.

use std::ops::RangeInclusive;

use serde_json::json;

use super::fields::Fields;
use super::prior::class;
use crate::error::Result;

/// Steps that a whole schedule may have: its tables are that long.
pub(crate) const TRAIN_TIMESTEPS: RangeInclusive<usize> = 2..=100_000;

/// To how far predicted samples may be clamped.
pub(crate) const CLIP_SAMPLE_RANGE: RangeInclusive<f64> = 1e-6..=1e6;

/// Where the variance of a step comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarianceType {
    /// The posterior's own variance.
    FixedSmallLog,
    /// Half of the model's output says where it lies between the two bounds.
    LearnedRange,
}

/// What the model predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The noise-free sample itself.
    Sample,
}

/// diffusers' `UnCLIPScheduler`.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerConfig {
    /// Steps of the whole schedule.
    pub num_train_timesteps: usize,
    /// Where the variance of a step comes from.
    pub variance_type: VarianceType,
    /// What the model predicts.
    pub prediction_type: PredictionType,
    /// Whether the predicted sample is clamped.
    pub clip_sample: bool,
    /// To how far on either side of zero.
    pub clip_sample_range: f64,
}

impl SchedulerConfig {
    /// Reads `scheduler_config.json`.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        class(&mut fields, "UnCLIPScheduler");
        let variances =
            [("fixed_small_log", VarianceType::FixedSmallLog), ("learned_range", VarianceType::LearnedRange)];
        let predictions = [("epsilon", PredictionType::Epsilon), ("sample", PredictionType::Sample)];
        let clip_sample = fields.flag("clip_sample", true);
        if !clip_sample && !fields.has("clip_sample_range") {
            fields.inert(&["clip_sample_range"]);
        }
        let config = Self {
            num_train_timesteps: fields.size("num_train_timesteps", Some(1000), TRAIN_TIMESTEPS),
            variance_type: fields
                .choice("variance_type", Some(VarianceType::FixedSmallLog), &variances)
                .unwrap_or(VarianceType::FixedSmallLog),
            prediction_type: fields
                .choice("prediction_type", Some(PredictionType::Epsilon), &predictions)
                .unwrap_or(PredictionType::Epsilon),
            clip_sample,
            clip_sample_range: fields.number("clip_sample_range", 1.0, CLIP_SAMPLE_RANGE),
        };
        let cosine = json!("squaredcos_cap_v2");
        fields.only("beta_schedule", cosine.clone(), &[cosine]);
        fields.finish()?;
        Ok(config)
    }
}
