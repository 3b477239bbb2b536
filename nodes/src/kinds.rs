//! The kinds of values that these nodes exchange.

use easel_engine::{Data, DecodeError, Decoder, Encoder, Kind, NodeError, Value};
use easel_kernels::Tensor;
use image::RgbImage;

use crate::encoding;
use crate::error::Error;
use crate::sampling::Schedule;

/// The kinds, for specs.
pub mod kind {
    use easel_engine::Kind;

    /// [`super::Tokens`].
    pub const TOKENS: Kind = Kind::new("Tokens");
    /// [`super::TextEncoding`].
    pub const TEXT_ENCODING: Kind = Kind::new("TextEncoding");
    /// [`super::ImageEmbedding`].
    pub const IMAGE_EMBEDDING: Kind = Kind::new("ImageEmbedding");
    /// [`super::Image`].
    pub const IMAGE: Kind = Kind::new("Image");
    /// [`super::Schedule`].
    pub const SCHEDULE: Kind = Kind::new("Schedule");
    /// [`super::TensorValue`].
    pub const TENSOR: Kind = Kind::new("Tensor");
}

/// Token ids of one or more texts, padded to the model's context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `batch · length` ids, text after text.
    pub ids: Vec<u32>,
    /// `batch · length`: true for a token, false for padding.
    pub mask: Vec<bool>,
    /// Number of texts.
    pub batch: usize,
    /// Tokens per text, padding included.
    pub length: usize,
}

impl Data for Tokens {
    const KIND: Kind = kind::TOKENS;

    fn summary(&self) -> String {
        let used = self.mask.iter().filter(|&&used| used).count();
        format!("{} × {} ids, {used} of them no padding", self.batch, self.length)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoding::put_tokens(encoder, self);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        encoding::take_tokens(decoder)
    }

    fn size(&self) -> usize {
        self.ids.len() * 5
    }
}

/// What a text tower makes of tokens.
#[derive(Clone, Debug)]
pub struct TextEncoding {
    /// `[batch, projection_dim]`, not normalised.
    pub text_embeds: Tensor,
    /// `[batch, tokens, hidden_size]`.
    pub hidden_states: Tensor,
    /// `[batch, tokens]`: 0 for a token, [`MASKED`] for padding.
    pub key_bias: Tensor,
}

/// Added to an attention score to hide a key. −10000 and not −∞, as in diffusers: the softmax gives 0 for both.
pub const MASKED: f32 = -10000.0;

impl TextEncoding {
    /// Number of texts.
    pub fn batch(&self) -> usize {
        self.text_embeds.dims()[0]
    }
}

impl Data for TextEncoding {
    const KIND: Kind = kind::TEXT_ENCODING;

    fn summary(&self) -> String {
        format!("embeddings {}, hidden states {}", self.text_embeds.shape(), self.hidden_states.shape())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoding::put_text_encoding(encoder, self);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        encoding::take_text_encoding(decoder)
    }

    fn size(&self) -> usize {
        [&self.text_embeds, &self.hidden_states, &self.key_bias].iter().map(|tensor| tensor.byte_len()).sum()
    }
}

/// CLIP image embeddings: `[batch, embedding_dim]`, not normalised.
#[derive(Clone, Debug)]
pub struct ImageEmbedding(pub Tensor);

impl Data for ImageEmbedding {
    const KIND: Kind = kind::IMAGE_EMBEDDING;

    fn summary(&self) -> String {
        format!("{} picture embedding(s) of {} numbers", self.0.dims()[0], self.0.dims()[1])
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoding::put_tensor(encoder, &self.0);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        encoding::take_image_embedding(decoder)
    }

    fn size(&self) -> usize {
        self.0.byte_len()
    }
}

/// Pictures: `[batch, height, width, 3]`, RGB, −1 (dark) to 1 (bright).
#[derive(Clone, Debug)]
pub struct Image(pub Tensor);

impl Image {
    /// From a tensor, if it has the shape of pictures.
    pub fn new(tensor: Tensor) -> Result<Self, NodeError> {
        match tensor.dims() {
            [0, _, _, 3] | [_, 0, _, 3] | [_, _, 0, 3] => {
                Err(NodeError::new(format!("there is no picture in a tensor of shape {}", tensor.shape())))
            }
            [_, _, _, 3] => Ok(Image(tensor)),
            _ => Err(NodeError::new(format!(
                "pictures have shape [batch, height, width, 3], this is {}",
                tensor.shape()
            ))),
        }
    }

    /// From 8-bit pictures of one size.
    pub fn from_rgb(pictures: &[RgbImage]) -> Result<Self, NodeError> {
        let Some(first) = pictures.first() else { return Err(NodeError::new("there is no picture")) };
        let (width, height) = first.dimensions();
        if let Some(other) = pictures.iter().find(|other| other.dimensions() != (width, height)) {
            let (other_width, other_height) = other.dimensions();
            return Err(NodeError::new(format!(
                "a batch holds pictures of one size, not {width}×{height} and {other_width}×{other_height}"
            )));
        }
        let values =
            pictures.iter().flat_map(|picture| picture.as_raw()).map(|&v| f32::from(v) / 127.5 - 1.0).collect();
        let shape = [pictures.len(), height as usize, width as usize, 3];
        Ok(Image(Tensor::from_f32(values, shape).map_err(Error::from)?))
    }

    /// As 8-bit pictures, rounded half to even as diffusers does.
    ///
    /// # Errors
    /// A value that is NaN or infinite: it would be drawn as black or white and looked at as if it were meant.
    pub fn to_rgb(&self) -> Result<Vec<RgbImage>, NodeError> {
        let [_, height, width] = self.sizes();
        let values = self.0.as_f32().map_err(Error::from)?;
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            let (pixel, value) = (place / 3, values[place]);
            let (picture, y, x) = (pixel / (width * height), pixel / width % height, pixel % width);
            return Err(NodeError::new(format!(
                "picture {picture} is {value} at column {x}, row {y}: that is no brightness, and cannot be drawn"
            ))
            .with_hint("what made the picture is broken: look at its weights, or at the file that it came from"));
        }
        let pictures = values.chunks_exact((height * width * 3).max(1)).map(|picture| {
            let bytes = picture.iter().map(|x| ((x * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8);
            RgbImage::from_raw(width as u32, height as u32, bytes.collect())
                .ok_or_else(|| NodeError::new(format!("a picture of {width}×{height} is too large")))
        });
        pictures.collect()
    }

    /// `[batch, height, width]`.
    pub fn sizes(&self) -> [usize; 3] {
        let dims = self.0.dims();
        [dims[0], dims[1], dims[2]]
    }
}

impl Data for Image {
    const KIND: Kind = kind::IMAGE;

    fn summary(&self) -> String {
        let [batch, height, width] = self.sizes();
        format!("{batch} picture(s), {width}×{height}")
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoding::put_tensor(encoder, &self.0);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        encoding::take_image(decoder)
    }

    fn size(&self) -> usize {
        self.0.byte_len()
    }
}

impl Data for Schedule {
    const KIND: Kind = kind::SCHEDULE;

    fn summary(&self) -> String {
        let timesteps = self.timesteps();
        format!("{} steps, {} … {}", timesteps.len(), timesteps[0], timesteps[timesteps.len() - 1])
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoding::put_schedule(encoder, self);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        encoding::take_schedule(decoder)
    }

    fn size(&self) -> usize {
        (self.betas().len() + self.alphas_cumprod().len()) * 4 + self.timesteps().len() * 8
    }
}

/// Any tensor, as files hold them.
#[derive(Clone, Debug)]
pub struct TensorValue(pub Tensor);

impl Data for TensorValue {
    const KIND: Kind = kind::TENSOR;

    fn summary(&self) -> String {
        format!("{} {}", self.0.dtype(), self.0.shape())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoding::put_tensor(encoder, &self.0);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        encoding::take_tensor(decoder).map(TensorValue)
    }

    fn size(&self) -> usize {
        self.0.byte_len()
    }
}

/// The tensors in a value under the names that files give them, if its kind holds any.
pub fn tensors_of(value: &Value) -> Option<Vec<(&'static str, Tensor)>> {
    if let Some(TensorValue(tensor)) = value.get() {
        Some(vec![("tensor", tensor.clone())])
    } else if let Some(Image(tensor)) = value.get() {
        Some(vec![("image", tensor.clone())])
    } else if let Some(ImageEmbedding(tensor)) = value.get() {
        Some(vec![("image_embeds", tensor.clone())])
    } else if let Some(encoding) = value.get::<TextEncoding>() {
        Some(vec![
            ("text_embeds", encoding.text_embeds.clone()),
            ("hidden_states", encoding.hidden_states.clone()),
            ("key_bias", encoding.key_bias.clone()),
        ])
    } else if let Some(tokens) = value.get::<Tokens>() {
        tokens_as_tensors(tokens)
    } else {
        None
    }
}

/// Ids are below 2²⁴ in every vocabulary there is, so that `f32` holds them exactly.
fn tokens_as_tensors(tokens: &Tokens) -> Option<Vec<(&'static str, Tensor)>> {
    let shape = [tokens.batch, tokens.length];
    let ids = tokens.ids.iter().map(|&id| id as f32).collect();
    let mask = tokens.mask.iter().map(|&used| f32::from(u8::from(used))).collect();
    let ids = Tensor::from_f32(ids, shape).ok()?;
    let mask = Tensor::from_f32(mask, shape).ok()?;
    Some(vec![("input_ids", ids), ("attention_mask", mask)])
}

/// Conversion of a tensor from a file into pictures.
pub fn tensor_to_image(value: &Value) -> Result<Value, NodeError> {
    Ok(Value::new(Image::new(tensor_in(value)?)?))
}

/// Conversion of a tensor from a file into picture embeddings.
pub fn tensor_to_image_embedding(value: &Value) -> Result<Value, NodeError> {
    let tensor = tensor_in(value)?;
    match tensor.dims() {
        [0, _] => Err(NodeError::new(format!("there is no embedding in a tensor of shape {}", tensor.shape()))),
        [_, _] => Ok(Value::new(ImageEmbedding(tensor))),
        _ => Err(NodeError::new(format!("embeddings have shape [batch, numbers], this is {}", tensor.shape()))),
    }
}

fn tensor_in(value: &Value) -> Result<Tensor, NodeError> {
    match value.get::<TensorValue>() {
        Some(TensorValue(tensor)) => Ok(tensor.clone()),
        None => Err(NodeError::new(format!("wants a Tensor, got {}", value.kind()))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    #[test]
    fn what_is_no_brightness_is_not_drawn() {
        for strange in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = vec![0.0; 2 * 2 * 4 * 3];
            values[4 * 3 * 3 + 2 * 3 + 1] = strange;
            let error = Image::new(Tensor::from_f32(values, [2, 2, 4, 3]).unwrap()).unwrap().to_rgb().unwrap_err();
            let place = format!("picture 1 is {strange} at column 2, row 1");
            assert!(error.to_string().starts_with(&place), "{error}");
        }
        let bright = Image::new(Tensor::from_f32(vec![-2.0, 0.0, 7.0], [1, 1, 1, 3]).unwrap()).unwrap();
        assert_eq!(bright.to_rgb().unwrap()[0].as_raw(), &[0, 128, 255]);
    }
}
