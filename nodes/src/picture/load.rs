//! Pictures from files.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use crate::Error;
use crate::error::Result;

/// No side of a picture may be longer.
pub const MAX_SIDE: u32 = 16_384;

/// A file may say of itself that it is huge; beyond this, it is not believed.
const MAX_BYTES: u64 = 1 << 30;

/// Reads a PNG, JPEG or WebP file as 8-bit RGB. What is transparent becomes white, 16 bits become 8, grey becomes RGB,
/// and a photo is turned the way its camera says.
///
/// # Errors
/// Files that cannot be read, are no picture of those kinds, are damaged, or too large.
pub fn load(path: &Path) -> Result<RgbImage> {
    let cannot_read = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
    // A pipe or a device would never end.
    if !std::fs::metadata(path).map_err(cannot_read)?.is_file() {
        return Err(Error::invalid(format!("{}: not a file", path.display())));
    }
    let mut file = File::open(path).map_err(cannot_read)?.take(MAX_BYTES + 1);
    let mut bytes = Vec::new();
    BufReader::new(&mut file).read_to_end(&mut bytes).map_err(cannot_read)?;
    decode(&bytes, &path.display().to_string())
}

/// Reads a picture from the contents of a file; `name` is for messages.
///
/// # Errors
/// As [`load`].
pub fn decode(bytes: &[u8], name: &str) -> Result<RgbImage> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::invalid(format!("{name}: larger than {} MiB", MAX_BYTES >> 20)));
    }
    let format = image::guess_format(bytes).ok();
    if !matches!(format, Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) {
        return Err(Error::invalid(format!("{name}: not a PNG, JPEG or WebP picture"))
            .with_hint("convert it to PNG, JPEG or WebP first"));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|source| Error::Io {
        action: "cannot read",
        path: name.into(),
        source,
    })?;
    reader.limits(limits);
    let damaged = |error: ImageError| refusal(name, error);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    if decoder.total_bytes() > MAX_BYTES {
        return Err(too_large(name));
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(flatten(picture))
}

fn refusal(name: &str, error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => too_large(name),
        ImageError::Unsupported(error) => Error::invalid(format!("{name}: {error}")),
        other => Error::invalid(format!("{name}: the picture is damaged or cut off: {other}")),
    }
}

fn too_large(name: &str) -> Error {
    Error::invalid(format!(
        "{name}: the picture is too large; at most {MAX_SIDE} × {MAX_SIDE} pixels and {} MiB decoded",
        MAX_BYTES >> 20
    ))
}

/// 8-bit RGB on white, with the rounding of Pillow's `alpha_composite`.
fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let mut flat = RgbImage::new(picture.width(), picture.height());
    for (to, from) in flat.pixels_mut().zip(picture.pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let sum = (u32::from(from[channel]) * alpha + 255 * (255 - alpha)) * 128 + (0x80 << 7);
            to[channel] = ((((sum >> 8) + sum) >> 8) >> 7) as u8;
        }
    }
    flat
}
