//! Faces in pictures.

use image::imageops::{self, FilterType};
use image::{GrayImage, RgbImage};
use rustface::{ImageData, Model, create_detector_with_model, read_model};

use crate::Error;
use crate::error::Result;

/// SeetaFace's frontal detector (BSD 2-clause; see the licence beside it).
const MODEL: &[u8] = include_bytes!("../../assets/seetaface/seeta_fd_frontal_v1.0.bin");

/// Smallest face, in pixels of the picture that is looked at; the detector's own window is 40.
const SMALLEST_FACE: u32 = 40;

/// The longer side of the picture that is looked at: smaller ones are enlarged, for generated pictures may be tiny;
/// larger ones shrunk, for time.
const LONGER_SIDE: (u32, u32) = (480, 1024);

/// Scores run from 0 to some 60; the detector's authors suggest 2 to 4.5. Missed faces cost more than blurred
/// non-faces, yet noise must not pass for a face.
const LEAST_SCORE: f64 = 2.8;

/// Where a face is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceBox {
    /// Left edge, in pixels of the picture.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Columns, at least one.
    pub width: u32,
    /// Rows, at least one.
    pub height: u32,
    /// How sure the detector is; 2.8 is the least, clear faces get more than 10.
    pub score: f64,
}

/// Finds faces that look at the camera.
pub struct FaceDetector {
    model: Model,
}

impl FaceDetector {
    /// Unpacks the model that is part of the program.
    ///
    /// # Errors
    /// Only if the program itself is damaged.
    pub fn new() -> Result<Self> {
        let model = read_model(MODEL)
            .map_err(|error| Error::invalid(format!("the face detector's model cannot be read: {error}")))?;
        Ok(Self { model })
    }

    /// The faces in a picture, the surest first.
    pub fn detect(&self, picture: &RgbImage) -> Vec<FaceBox> {
        let Some((view, scale)) = view(picture) else {
            return Vec::new();
        };
        let mut detector = create_detector_with_model(self.model.clone());
        detector.set_min_face_size(SMALLEST_FACE);
        detector.set_score_thresh(LEAST_SCORE);
        detector.set_pyramid_scale_factor(0.8);
        detector.set_slide_window_step(4, 4);
        let found = detector.detect(&ImageData::new(view.as_raw(), view.width(), view.height()));
        let mut faces: Vec<FaceBox> = found
            .iter()
            .filter_map(|face| {
                let (left, top) = (f64::from(face.bbox().x()), f64::from(face.bbox().y()));
                let (width, height) = (f64::from(face.bbox().width()), f64::from(face.bbox().height()));
                let (x, width) = within(left / scale, width / scale, picture.width())?;
                let (y, height) = within(top / scale, height / scale, picture.height())?;
                Some(FaceBox { x, y, width, height, score: face.score() })
            })
            .collect();
        faces.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.y, a.x).cmp(&(b.y, b.x))));
        faces
    }
}

/// The picture as the detector looks at it, and how many of its pixels are one of the picture's. `None` if no face
/// could be in it.
fn view(picture: &RgbImage) -> Option<(GrayImage, f64)> {
    let (width, height) = picture.dimensions();
    if width == 0 || height == 0 {
        return None;
    }
    let longer = width.max(height);
    let scale = f64::from(longer.clamp(LONGER_SIDE.0, LONGER_SIDE.1)) / f64::from(longer);
    let side = |length: u32| (f64::from(length) * scale).round() as u32;
    let (new_width, new_height) = (side(width), side(height));
    if new_width.min(new_height) < SMALLEST_FACE {
        return None;
    }
    let grey = imageops::grayscale(picture);
    let view = match scale == 1.0 {
        true => grey,
        false => imageops::resize(&grey, new_width, new_height, FilterType::CatmullRom),
    };
    Some((view, scale))
}

/// The part of a stretch that lies within the picture; detectors like to look beyond its edge.
fn within(start: f64, length: f64, size: u32) -> Option<(u32, u32)> {
    let end = (start + length).round().clamp(0.0, f64::from(size)) as u32;
    let start = start.round().clamp(0.0, f64::from(size)) as u32;
    (end > start).then(|| (start, end - start))
}
