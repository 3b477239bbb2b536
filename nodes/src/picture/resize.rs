//! Bicubic resizing with the bits of Pillow: 8-bit pixels, fixed-point weights, rows first, rounding in between.

use image::RgbImage;

/// Bits behind the point of a weight: eight are the pixel's, two are for overshoot.
const PRECISION: u32 = 32 - 8 - 2;

/// How far bicubic weights reach, in source pixels (in target pixels when shrinking).
const SUPPORT: f64 = 2.0;

/// The weights of one target pixel: where they start, and one per source pixel.
struct Weights {
    start: usize,
    values: Vec<i32>,
}

/// Resizes as Pillow's `Image.resize(…, BICUBIC)` does. Sides must not be zero.
pub fn resize(picture: &RgbImage, width: usize, height: usize) -> RgbImage {
    let mut picture = picture.clone();
    if width != picture.width() as usize {
        picture = resize_rows(&picture, width);
    }
    if height != picture.height() as usize {
        picture = resize_columns(&picture, height);
    }
    picture
}

fn resize_rows(picture: &RgbImage, width: usize) -> RgbImage {
    let weights = weights(picture.width() as usize, width);
    let mut resized = RgbImage::new(width as u32, picture.height());
    let row = picture.width() as usize * 3;
    for (to, from) in resized.chunks_exact_mut(width * 3).zip(picture.chunks_exact(row)) {
        for (pixel, weights) in to.chunks_exact_mut(3).zip(&weights) {
            let mut sums = [1 << (PRECISION - 1); 3];
            for (weight, source) in weights.values.iter().zip(from[weights.start * 3..].chunks_exact(3)) {
                for (sum, &value) in sums.iter_mut().zip(source) {
                    *sum += weight * i32::from(value);
                }
            }
            for (value, sum) in pixel.iter_mut().zip(sums) {
                *value = clip(sum);
            }
        }
    }
    resized
}

fn resize_columns(picture: &RgbImage, height: usize) -> RgbImage {
    let row = picture.width() as usize * 3;
    let mut resized = RgbImage::new(picture.width(), height as u32);
    let pixels: &[u8] = picture;
    let mut sums = vec![0; row];
    for (to, weights) in resized.chunks_exact_mut(row).zip(weights(picture.height() as usize, height)) {
        sums.fill(1 << (PRECISION - 1));
        for (weight, from) in weights.values.iter().zip(pixels[weights.start * row..].chunks_exact(row)) {
            for (sum, &value) in sums.iter_mut().zip(from) {
                *sum += weight * i32::from(value);
            }
        }
        for (value, &sum) in to.iter_mut().zip(&sums) {
            *value = clip(sum);
        }
    }
    resized
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn weights(from: usize, to: usize) -> Vec<Weights> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = SUPPORT * stretch;
    let shrink = 1.0 / stretch;
    let one = |target: usize| {
        let center = (target as f64 + 0.5) * scale;
        // Conversion to integers truncates, and negative numbers become 0, both as in Pillow.
        let start = (center - support + 0.5) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        let weight = |source: usize| bicubic((source as f64 - center + 0.5) * shrink);
        let values: Vec<f64> = (start..end).map(weight).collect();
        let sum: f64 = values.iter().sum();
        let fixed = |value: f64| {
            let scaled = if sum == 0.0 { value } else { value / sum } * f64::from(1 << PRECISION);
            (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32
        };
        Weights { start, values: values.into_iter().map(fixed).collect() }
    };
    (0..to).map(one).collect()
}

/// Keys' cubic with a = −0.5.
fn bicubic(x: f64) -> f64 {
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
