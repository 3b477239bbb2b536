//! Changing resolutions. The pictures are small next to the rest of a sampling step, so these loops are plain.

use rayon::prelude::*;

/// Every pixel twice in both directions, for rows of `width` pixels of `channels` channels.
pub(crate) fn upsample_nearest2x(x: &[f32], width: usize, channels: usize, out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    let row = width * channels;
    out.par_chunks_mut(4 * row).zip(x.par_chunks(row)).for_each(|(out, x)| {
        let (upper, lower) = out.split_at_mut(2 * row);
        for (pair, pixel) in upper.chunks_exact_mut(2 * channels).zip(x.chunks_exact(channels)) {
            let (left, right) = pair.split_at_mut(channels);
            left.copy_from_slice(pixel);
            right.copy_from_slice(pixel);
        }
        lower.copy_from_slice(upper);
    });
}

/// Means of 2 × 2 blocks of pictures of `height` rows of `width` pixels.
pub(crate) fn average_pool2x(x: &[f32], height: usize, width: usize, channels: usize, out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    let (row, out_rows) = (width * channels, height / 2);
    out.par_chunks_mut(width / 2 * channels).enumerate().for_each(|(index, out)| {
        let first = (index / out_rows * height + index % out_rows * 2) * row;
        let (upper, lower) = (&x[first..first + row], &x[first + row..first + 2 * row]);
        for (i, out) in out.iter_mut().enumerate() {
            let left = i / channels * 2 * channels + i % channels;
            let right = left + channels;
            *out = 0.25 * ((upper[left] + upper[right]) + (lower[left] + lower[right]));
        }
    });
}

/// `factor`² numbers for each of `channels` channels of a pixel become as many pixels; `base` is added, each of its pixels
/// as often. For rows of `width` pixels.
pub(crate) fn pixel_shuffle(x: &[f32], base: &[f32], [width, channels, factor]: [usize; 3], out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    let row = width * factor * channels;
    out.par_chunks_mut(row).enumerate().for_each(|(y, out)| {
        let (from, tap_y) = (y / factor * width, y % factor);
        for (column, out) in out.chunks_exact_mut(channels).enumerate() {
            let (pixel, tap_x) = (from + column / factor, column % factor);
            let base = &base[pixel * channels..][..channels];
            let taps = &x[pixel * channels * factor * factor..][..channels * factor * factor];
            for (c, (out, base)) in out.iter_mut().zip(base).enumerate() {
                *out = taps[(c * factor + tap_y) * factor + tap_x] + base;
            }
        }
    });
}

/// The input positions that an output position is made of.
pub(crate) struct Taps {
    pub(crate) start: usize,
    pub(crate) weights: Vec<f32>,
}

/// The taps of an antialiased bicubic resize from `from` to `to` positions, as torch computes them: the kernel (Keys
/// 1981, a = −½) is stretched by the scale when shrinking, cut off at the border and normalised.
pub(crate) fn bicubic_taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = 2.0 * stretch;
    (0..to)
        .map(|i| {
            let center = scale * (i as f64 + 0.5);
            let start = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            let weight = |j: usize| keys_cubic((j as f64 - center + 0.5) / stretch);
            let total: f64 = (start..end).map(weight).sum();
            Taps { start, weights: (start..end).map(|j| (weight(j) / total) as f32).collect() }
        })
        .collect()
}

fn keys_cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Resizes the second dimension of `[outer, from, inner]` to the number of `taps`.
pub(crate) fn resample(x: &[f32], from: usize, inner: usize, taps: &[Taps], out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    out.par_chunks_mut(inner).enumerate().for_each(|(index, out)| {
        let (outer, taps) = (index / taps.len(), &taps[index % taps.len()]);
        let first = (outer * from + taps.start) * inner;
        for (weight, x) in taps.weights.iter().zip(x[first..].chunks_exact(inner)) {
            for (out, x) in out.iter_mut().zip(x) {
                *out += weight * x;
            }
        }
    });
}
