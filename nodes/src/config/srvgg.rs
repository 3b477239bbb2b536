//! Networks that make pictures larger in one pass.

use serde_json::json;

use super::fields::{Fields, LAYERS, WIDTH};
use super::prior::class;
use crate::error::Result;

/// `SRVGGNetCompact` of Real-ESRGAN; the file's fields are its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct SrvggConfig {
    /// Channels between convolutions.
    pub num_feat: usize,
    /// Convolutions but the first and the last.
    pub num_conv: usize,
    /// How many times as wide and as high pictures become.
    pub upscale: usize,
}

impl SrvggConfig {
    /// Channels of pictures.
    pub const COLOURS: usize = 3;

    /// Reads `upscaler/config.json`.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        class(&mut fields, "SRVGGNetCompact");
        let config = Self {
            num_feat: fields.size("num_feat", Some(64), WIDTH),
            num_conv: fields.size("num_conv", Some(16), LAYERS),
            upscale: fields.size("upscale", Some(4), 1..=16),
        };
        for channels in ["num_in_ch", "num_out_ch"] {
            fields.only(channels, json!(Self::COLOURS), &[json!(Self::COLOURS)]);
        }
        fields.only("act_type", json!("prelu"), &[json!("prelu")]);
        fields.finish()?;
        Ok(config)
    }

    /// Channels of the last convolution: the pixels that become of one.
    pub fn last_channels(&self) -> usize {
        Self::COLOURS * self.upscale * self.upscale
    }

    /// How far around a pixel what becomes of it depends on the picture: a pixel for every 3 × 3 convolution.
    pub fn margin(&self) -> usize {
        self.num_conv + 2
    }
}
