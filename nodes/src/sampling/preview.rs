//! What a half-done picture is expected to become.

use easel_kernels::Tensor;

use super::schedule::{Schedule, StepCoefficients};
use crate::error::Result;
use crate::kinds::Image;

/// No side of a preview is longer: enough to see what it will be, and next to nothing to compute, send and draw.
const MAX_SIDE: usize = 128;

/// The model's estimate of x₀ at this step, in −1 … 1, shrunk to a preview. `[batch, height, width, 3]`.
pub(super) fn expected(
    schedule: &Schedule,
    coefficients: &StepCoefficients,
    sample: &Tensor,
    output: &Tensor,
    guidance_scale: Option<f32>,
) -> Result<Image> {
    // The step that goes straight to x₀.
    let straight = StepCoefficients { x0_to_previous: 1.0, sample_to_previous: 0.0, std: None, ..*coefficients };
    let clean = schedule.guided_step(&straight, sample, output, guidance_scale, None)?;
    Ok(Image::new(shrunk(&clean.to_host()?)?)?)
}

/// Every square of pixels becomes its mean; pixels at the right and lower edge that fill no square are left out.
fn shrunk(pictures: &Tensor) -> Result<Tensor> {
    let &[batch, height, width, channels] = pictures.dims() else {
        unreachable!("pictures have four dimensions");
    };
    let square = height.max(width).div_ceil(MAX_SIDE).max(1).min(height.min(width).max(1));
    let (rows, columns) = (height / square, width / square);
    let values = pictures.as_f32()?;
    let weight = 1.0 / (square * square) as f32;
    let mut out = vec![0.0; batch * rows * columns * channels];
    for (i, out) in out.chunks_exact_mut(columns * channels).enumerate() {
        let (picture, row) = (i / rows, i % rows);
        for y in row * square..(row + 1) * square {
            let line = &values[(picture * height + y) * width * channels..][..columns * square * channels];
            for (pixel, value) in line.chunks_exact(channels).enumerate() {
                for (sum, value) in out[pixel / square * channels..].iter_mut().zip(value) {
                    *sum += value.clamp(-1.0, 1.0) * weight;
                }
            }
        }
    }
    Ok(Tensor::from_f32(out, [batch, rows, columns, channels])?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    #[test]
    fn a_small_picture_is_only_clamped() {
        let picture = Tensor::from_f32(vec![-2.0, -0.5, 0.0, 0.5, 1.0, 9.0], [1, 1, 2, 3]).unwrap();
        assert_eq!(shrunk(&picture).unwrap().as_f32().unwrap(), [-1.0, -0.5, 0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn a_large_picture_is_averaged_square_by_square() {
        // Two pictures, each bright in its left half and dark in its right one; the second is dimmer.
        let side = 2 * MAX_SIDE + 2;
        let values = (0..2 * side * side).flat_map(|pixel| {
            let (picture, column) = (pixel / (side * side), pixel % side);
            let bright = if column < side / 2 { 1.0 } else { -1.0 };
            [bright / (1.0 + picture as f32); 3]
        });
        let shrunk = shrunk(&Tensor::from_f32(values.collect(), [2, side, side, 3]).unwrap()).unwrap();
        assert_eq!(shrunk.dims(), [2, 86, 86, 3]);
        let values = shrunk.as_f32().unwrap();
        let near = |value: f32, wanted: f32| (value - wanted).abs() < 1e-5;
        assert!(near(values[0], 1.0) && near(values[85 * 3], -1.0));
        assert!(near(values[86 * 86 * 3], 0.5) && near(*values.last().unwrap(), -0.5));
    }

    #[test]
    fn a_strip_keeps_at_least_one_row() {
        let strip = Tensor::zeros([1, 2, 1000, 3]).unwrap();
        assert_eq!(shrunk(&strip).unwrap().dims(), [1, 1, 500, 3]);
    }
}
