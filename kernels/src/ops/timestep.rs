//! Sinusoidal timestep embeddings (Vaswani et al. 2017, as in diffusers' `get_timestep_embedding`).

use crate::storage::Buffer;
use crate::{DType, KernelError, Result, Shape, Tensor};

/// `timesteps` → `[timesteps.len(), dim]`: frequencies `10000^(−i / (dim/2 − downscale_freq_shift))`, sines first unless
/// `flip_sin_to_cos`; an odd `dim` is padded with a zero.
pub fn timestep_embedding(
    timesteps: &[f32],
    dim: usize,
    flip_sin_to_cos: bool,
    downscale_freq_shift: f32,
) -> Result<Tensor> {
    const OP: &str = "timestep_embedding";
    let half = dim / 2;
    let steps = half as f64 - f64::from(downscale_freq_shift);
    // A shift of 1 on a single frequency divides 0 by 0 in the formula; its exponent is 0 whatever the divisor.
    if half > 1 && (steps <= 0.0 || !steps.is_finite()) {
        let problem = format!("downscale_freq_shift {downscale_freq_shift} is not below dim / 2 = {half}");
        return Err(KernelError::parameter(OP, problem));
    }
    let frequency = |i: usize| match i {
        0 => 1.0,
        // torch holds the frequencies in float32.
        _ => libm::exp(-libm::log(10_000.0) * i as f64 / steps) as f32,
    };
    let frequencies: Vec<f32> = (0..half).map(frequency).collect();
    let shape = Shape::from([timesteps.len(), dim]);
    let mut out = Buffer::zeroed_f32(&shape)?;
    for (row, t) in out.chunks_exact_mut(dim.max(1)).zip(timesteps) {
        let (first, second) = row[..2 * half].split_at_mut(half);
        let (sines, cosines) = if flip_sin_to_cos { (second, first) } else { (first, second) };
        for ((sine, cosine), frequency) in sines.iter_mut().zip(cosines).zip(&frequencies) {
            let angle = t * frequency;
            (*sine, *cosine) = libm::sincosf(angle);
        }
    }
    Ok(Tensor::from_buffer(out, DType::F32, shape))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn matches_the_formula() {
        for (dim, flip, shift) in [(320, true, 0.0), (9, false, 1.0), (64, false, 0.0), (2, true, 1.0), (1, true, 0.0)]
        {
            let timesteps = [0.0, 1.0, 17.5, 999.0];
            let out = timestep_embedding(&timesteps, dim, flip, shift).unwrap();
            assert_eq!(out.dims(), [4, dim]);
            let half = dim / 2;
            for (row, t) in out.as_f32().unwrap().chunks(dim).zip(timesteps) {
                for i in 0..half {
                    let exponent =
                        if i == 0 { 0.0 } else { -(1e4f64).ln() * i as f64 / (half as f64 - f64::from(shift)) };
                    let angle = f64::from(t) * exponent.exp();
                    let (sine, cosine) = if flip { (row[half + i], row[i]) } else { (row[i], row[half + i]) };
                    // The angle, up to 999, is rounded to f32, and so is its frequency.
                    let tolerance = 2.0 * (angle + 1.0) / f64::from(1 << 24);
                    assert!((f64::from(sine) - angle.sin()).abs() <= tolerance);
                    assert!((f64::from(cosine) - angle.cos()).abs() <= tolerance);
                }
                assert!(row[2 * half..].iter().all(|&pad| pad == 0.0));
            }
        }
    }

    #[test]
    fn shifts_that_leave_no_steps() {
        for shift in [4.0, 5.0, f32::NAN, f32::NEG_INFINITY] {
            assert!(timestep_embedding(&[1.0], 8, true, shift).is_err());
        }
        assert_eq!(timestep_embedding(&[], 8, true, 0.0).unwrap().dims(), [0, 8]);
        assert_eq!(timestep_embedding(&[1.0], 0, true, 0.0).unwrap().dims(), [1, 0]);
    }
}
