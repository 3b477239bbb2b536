//! Schedules, noise and the sampling loops: the mathematics between the networks.

mod draws;
mod guided;
mod preview;
mod schedule;
mod steps;

pub use draws::{Draws, Stage};
pub use guided::{GuidedText, SuperResNetwork, sample_decoder, sample_prior, sample_super_res};
pub use schedule::{Schedule, StepCoefficients, StepStd};
pub use steps::Steps;
