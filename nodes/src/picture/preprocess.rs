//! Pictures as CLIP takes them: transformers' `CLIPImageProcessor`.

use image::RgbImage;
use image::imageops::crop_imm;

use super::resize::resize;
use crate::Error;
use crate::config::{ImageProcessorConfig, Resize};
use crate::error::Result;

/// A very long and thin picture would, resized by its shorter side, be too much for any memory.
const MAX_PIXELS: u64 = 1 << 27;

/// A picture ready for CLIP.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Red, green, blue of each pixel, row by row: `[height, width, 3]`.
    pub values: Vec<f32>,
}

/// Resizes, crops, rescales and normalises a picture as its configuration says.
///
/// # Errors
/// Pictures without pixels, or so thin that resizing them would take too much memory.
pub fn preprocess(picture: &RgbImage, config: &ImageProcessorConfig) -> Result<Prepared> {
    let (width, height) = target_size(picture, config.resize)?;
    let mut picture = resize(picture, width, height);
    if let Some((height, width)) = config.center_crop {
        picture = center_crop(&picture, height, width);
    }
    let mut values = Vec::with_capacity(picture.len());
    for pixel in picture.pixels() {
        for channel in 0..3 {
            // In this order and precision: the factor in float64, the rest in float32.
            let value = f64::from(pixel[channel]) * config.rescale_factor.unwrap_or(1.0);
            values.push((value as f32 - config.mean[channel]) / config.std[channel]);
        }
    }
    Ok(Prepared { height: picture.height() as usize, width: picture.width() as usize, values })
}

fn target_size(picture: &RgbImage, resize: Option<Resize>) -> Result<(usize, usize)> {
    let (width, height) = (u64::from(picture.width()), u64::from(picture.height()));
    let (short, long) = (width.min(height), width.max(height));
    if short == 0 {
        return Err(Error::invalid(format!("a picture of {width} × {height} has no pixels")));
    }
    let (new_width, new_height) = match resize {
        None => (width, height),
        Some(Resize::Exact { height, width }) => (width as u64, height as u64),
        Some(Resize::ShortestEdge(edge)) => {
            // The division is that of floating-point numbers, rounded down, as in the reference.
            let other = ((edge as u64 * long) as f64 / short as f64) as u64;
            if width <= height { (edge as u64, other) } else { (other, edge as u64) }
        }
    };
    if new_width.saturating_mul(new_height) > MAX_PIXELS.max(width * height) {
        return Err(Error::invalid(format!(
            "a picture of {width} × {height} is too long and thin: resized it would be {new_width} × {new_height}"
        ))
        .with_hint("crop it first"));
    }
    Ok((new_width as usize, new_height as usize))
}

/// Cuts out the middle; where the picture is smaller, it is set in black.
fn center_crop(picture: &RgbImage, height: usize, width: usize) -> RgbImage {
    let (from_x, to_x, columns) = overlap(picture.width() as usize, width);
    let (from_y, to_y, rows) = overlap(picture.height() as usize, height);
    let part = crop_imm(picture, from_x as u32, from_y as u32, columns as u32, rows as u32).to_image();
    if columns == width && rows == height {
        return part;
    }
    let mut framed = RgbImage::new(width as u32, height as u32);
    let pixels: &mut [u8] = &mut framed;
    for (row, from) in part.chunks_exact(columns * 3).enumerate() {
        let start = ((to_y + row) * width + to_x) * 3;
        pixels[start..start + from.len()].copy_from_slice(from);
    }
    framed
}

/// Start in the picture, start in the crop, and how much of the picture the crop holds. Where a half is left over, the
/// cut starts before it and the frame after it, as in the reference.
fn overlap(size: usize, crop: usize) -> (usize, usize, usize) {
    if size >= crop { ((size - crop) / 2, 0, crop) } else { (0, (crop - size).div_ceil(2), size) }
}
