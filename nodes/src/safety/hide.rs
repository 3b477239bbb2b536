//! Making things in pictures unrecognisable.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::FaceBox;

/// What is left of a face, whatever its size, on its longer side: too little to tell people apart.
const LEFT_OVER: u32 = 5;

/// A detector's box ends within hair and chin; so much more on every side is hidden.
const MARGIN: f64 = 0.2;

/// Blurs what is in the boxes, beyond recovery: it is shrunk to a few pixels and enlarged again.
pub fn blur_boxes(picture: &mut RgbImage, boxes: &[FaceBox]) {
    for face in boxes {
        let (x, width) = widened(face.x, face.width, picture.width());
        let (y, height) = widened(face.y, face.height, picture.height());
        if width == 0 || height == 0 {
            continue;
        }
        let part = imageops::crop_imm(picture, x, y, width, height).to_image();
        let longer = f64::from(width.max(height));
        let few = |side: u32| (f64::from(side * LEFT_OVER) / longer).round().max(1.0) as u32;
        let small = imageops::resize(&part, few(width), few(height), FilterType::Triangle);
        let blurred = imageops::resize(&small, width, height, FilterType::Triangle);
        imageops::replace(picture, &blurred, i64::from(x), i64::from(y));
    }
}

/// Paints the whole picture grey.
pub fn blank(picture: &mut RgbImage) {
    for pixel in picture.pixels_mut() {
        *pixel = Rgb([128; 3]);
    }
}

/// A stretch with its margins, as far as it lies within the picture.
fn widened(start: u32, length: u32, size: u32) -> (u32, u32) {
    let margin = (f64::from(length) * MARGIN).ceil() as u32;
    let end = start.saturating_add(length).saturating_add(margin).min(size);
    let start = start.saturating_sub(margin).min(end);
    (start, end - start)
}
