//! A few steps of every loop of the embedded model, as `golden/scripts/make_embedded.py` recorded them, and how far PyTorch
//! is from float64 in each precision. Other recordings of that form are read the same way.

use std::fmt;

use easel_kernels::{Precision, Tensor};
use serde_json::Value;

use crate::{Golden, golden_dir};

/// How much of PyTorch's own error ours may be in half precision. There the error is that of a sum of many roundings, which
/// two programs share, and not the largest of a few.
const HALF_PRECISION_FACTOR: f64 = 1.5;
/// The same in float32, as for all golden values.
const SINGLE_PRECISION_FACTOR: f64 = 20.0;

/// The recording.
pub struct ShortRun {
    /// Inputs and outputs, in float64 before they were stored.
    pub golden: Golden,
    figures: Value,
}

impl ShortRun {
    /// Reads it.
    ///
    /// # Panics
    /// If it is not there.
    pub fn open() -> Self {
        Self::open_at("emoji/short")
    }

    /// What the upscaling network makes of small pictures, as the recipe of its model recorded it.
    ///
    /// # Panics
    /// If it is not there.
    pub fn of_upscaler() -> Self {
        Self::open_at("upscale/upscale")
    }

    fn open_at(name: &str) -> Self {
        let file = |extension: &str| golden_dir().join(format!("{name}.{extension}"));
        let figures = std::fs::read(file("json")).expect("the figures are there");
        let figures = serde_json::from_slice(&figures).expect("the figures are JSON");
        ShortRun { golden: Golden::open_file(&file("safetensors")), figures }
    }

    /// How far `output` may be from float64 in `precision`: of the norms, of an element, of the mean.
    ///
    /// # Panics
    /// If no figures are recorded of that.
    pub fn allowed(&self, output: &str, precision: Precision) -> Allowed {
        let (name, factor) = match precision {
            Precision::Float32 => ("float32", SINGLE_PRECISION_FACTOR),
            Precision::Float16 => ("float16", HALF_PRECISION_FACTOR),
            Precision::BFloat16 => ("bfloat16", HALF_PRECISION_FACTOR),
        };
        let of_output = &self.figures["errors_against_float64"][output];
        let figure = |key: &str| {
            let number = of_output[name][key].as_f64();
            factor * number.unwrap_or_else(|| panic!("{output}: no {key} of {name} was recorded"))
        };
        // What the values were rounded to when they were stored.
        let scale = of_output["scale"].as_f64().unwrap_or_else(|| panic!("{output}: no scale was recorded"));
        Allowed {
            relative: figure("relative").max(1e-6),
            mean_abs: figure("mean_abs").max(1e-6 * scale),
            max_abs: figure("max_abs").max(1e-6 * scale),
        }
    }
}

/// Limits of an error.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Of its norm, relative to that of the values.
    pub relative: f64,
    /// Of its mean.
    pub mean_abs: f64,
    /// Of its largest element.
    pub max_abs: f64,
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2e}, {:.2e}, {:.2e}", self.relative, self.mean_abs, self.max_abs)
    }
}

impl Allowed {
    /// For the difference of two results that are each within these limits.
    pub fn of_two(self) -> Self {
        Allowed { relative: 2.0 * self.relative, mean_abs: 2.0 * self.mean_abs, max_abs: 2.0 * self.max_abs }
    }

    /// Fails unless `got` has the shape of `want` and is that close. In half precision single elements are not looked at:
    /// the largest of thousands of roundings is another one in every program.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert(self, what: &str, got: &Tensor, want: &Tensor, precision: Precision) {
        assert_eq!(got.shape(), want.shape(), "{what}: shape");
        let values = |tensor: &Tensor| tensor.to_vec_f32().expect("it can be copied");
        let pairs: Vec<(f64, f64)> =
            values(got).into_iter().zip(values(want)).map(|(got, want)| (got.into(), want.into())).collect();
        let errors: Vec<f64> = pairs.iter().map(|(got, want)| (got - want).abs()).collect();
        let norm = |sum: f64| sum.sqrt();
        let relative = norm(errors.iter().map(|error| error * error).sum())
            / norm(pairs.iter().map(|(_, want)| want * want).sum::<f64>().max(f64::MIN_POSITIVE));
        let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
        let largest = errors.iter().copied().fold(0.0, f64::max);
        println!("{what}: relative {relative:.2e}, mean {mean:.2e}, largest {largest:.2e}; allowed {self}");
        // Written so that a NaN fails.
        let close = relative <= self.relative && mean <= self.mean_abs;
        assert!(close, "{what}: relative {relative:.3e}, mean {mean:.3e}; allowed {self}");
        assert!(precision != Precision::Float32 || largest <= self.max_abs, "{what}: {largest:.3e}; allowed {self}");
    }
}
