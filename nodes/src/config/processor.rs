//! How pictures are prepared for CLIP.

use serde_json::{Value, json};

use super::fields::{Fields, IMAGE};
use crate::error::Result;

/// Pillow's number for bicubic resampling.
const BICUBIC: u64 = 3;

/// To what size a picture is brought before it is cropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// The shorter side gets this length, the other one keeps the shape.
    ShortestEdge(usize),
    /// Exactly this size, whatever the shape was.
    Exact {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

/// transformers' `CLIPImageProcessor`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageProcessorConfig {
    /// Bicubic resize, if any.
    pub resize: Option<Resize>,
    /// Height and width of the part that is cut out of the middle, if any.
    pub center_crop: Option<(usize, usize)>,
    /// What the values 0 to 255 are multiplied by, if anything.
    pub rescale_factor: Option<f64>,
    /// Subtracted from each colour; zeros if the picture is not normalised.
    pub mean: [f32; 3],
    /// Then each colour is divided by this; ones if the picture is not normalised.
    pub std: [f32; 3],
}

impl Default for ImageProcessorConfig {
    /// What transformers does when the file says nothing: 224 × 224, and the colours of CLIP's training pictures.
    fn default() -> Self {
        Self {
            resize: Some(Resize::ShortestEdge(224)),
            center_crop: Some((224, 224)),
            rescale_factor: Some(1.0 / 255.0),
            mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            std: [0.268_629_54, 0.261_302_6, 0.275_777_1],
        }
    }
}

impl ImageProcessorConfig {
    /// Reads `preprocessor_config.json`.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        let known = Self::default();
        let resize = read_size(&mut fields).or(known.resize);
        let crop = read_crop(&mut fields).or(known.center_crop);
        let rescale_factor = fields.number("rescale_factor", 1.0 / 255.0, 1e-9..=1e9);
        let mean = read_colours(&mut fields, "image_mean", known.mean, -1e6);
        let std = read_colours(&mut fields, "image_std", known.std, 1e-9);
        let normalised = fields.flag("do_normalize", true);
        let config = Self {
            resize: resize.filter(|_| fields.flag("do_resize", true)),
            center_crop: crop.filter(|_| fields.flag("do_center_crop", true)),
            rescale_factor: fields.flag("do_rescale", true).then_some(rescale_factor),
            mean: if normalised { mean } else { [0.0; 3] },
            std: if normalised { std } else { [1.0; 3] },
        };
        fields.only("resample", json!(BICUBIC), &[json!(BICUBIC), json!("bicubic")]);
        let clip = ["CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor"];
        for name in ["image_processor_type", "feature_extractor_type"] {
            fields.only(name, json!(clip[0]), &clip.map(Value::from));
        }
        fields.off(&["do_pad"]);
        // Pictures are RGB by the time they get here, and the layout of the result is the caller's affair.
        fields.inert(&[
            "do_convert_rgb",
            "processor_class",
            "default_to_square",
            "data_format",
            "input_data_format",
            "return_tensors",
            "device",
            "disable_grouping",
            "pad_size",
            "transformers_version",
        ]);
        fields.finish()?;
        Ok(config)
    }
}

/// `size`: a number or `{"shortest_edge"}` for the shorter side, `{"height", "width"}` for an exact size.
fn read_size(fields: &mut Fields) -> Option<Resize> {
    let value = fields.take("size")?;
    let side = |name: &str| value.get(name).and_then(in_bounds);
    let keys = value.as_object().map_or(0, |map| map.values().filter(|one| !one.is_null()).count());
    let resize = match (in_bounds(&value), side("shortest_edge"), side("height"), side("width")) {
        (Some(edge), ..) => Some(Resize::ShortestEdge(edge)),
        (_, Some(edge), ..) if keys == 1 => Some(Resize::ShortestEdge(edge)),
        (_, None, Some(height), Some(width)) if keys == 2 => Some(Resize::Exact { height, width }),
        _ => None,
    };
    if resize.is_none() {
        let wanted = "a number, {\"shortest_edge\"} or {\"height\", \"width\"}, from 1 to 8192";
        fields.wrong("size", &value, wanted);
    }
    resize
}

/// `crop_size`: a number for a square, or `{"height", "width"}`.
fn read_crop(fields: &mut Fields) -> Option<(usize, usize)> {
    let value = fields.take("crop_size")?;
    let side = |name: &str| value.get(name).and_then(in_bounds);
    let keys = value.as_object().map_or(0, |map| map.values().filter(|one| !one.is_null()).count());
    let crop = match (in_bounds(&value), side("height"), side("width")) {
        (Some(side), ..) => Some((side, side)),
        (_, Some(height), Some(width)) if keys == 2 => Some((height, width)),
        _ => None,
    };
    if crop.is_none() {
        fields.wrong("crop_size", &value, "a number or {\"height\", \"width\"}, from 1 to 8192");
    }
    crop
}

fn in_bounds(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|side| usize::try_from(side).ok()).filter(|side| IMAGE.contains(side))
}

fn read_colours(fields: &mut Fields, name: &str, default: [f32; 3], at_least: f64) -> [f32; 3] {
    let Some(value) = fields.take(name) else {
        return default;
    };
    let colours: Option<Vec<f32>> = value.as_array().and_then(|list| {
        let number = |item: &Value| item.as_f64().filter(|x| (at_least..=1e6).contains(x)).map(|x| x as f32);
        list.iter().map(number).collect()
    });
    match colours.and_then(|list| <[f32; 3]>::try_from(list).ok()) {
        Some(colours) => colours,
        None => {
            fields.wrong(name, &value, &format!("three numbers from {at_least:e} to 1e6"));
            default
        }
    }
}
