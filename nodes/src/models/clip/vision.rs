//! `CLIPVisionModelWithProjection`.

use easel_kernels::ops::{self, Epilogue, PackedFilter};
use easel_kernels::{Placement, Result, Tensor};

use super::encoder::{Encoder, EncoderSizes};
use crate::config::ClipVisionConfig;
use crate::models::layers::{LayerNorm, Linear};
use crate::weights::WeightsReader;

/// The image tower: a vision transformer.
pub struct ClipVision {
    class_embedding: Tensor,
    patch_embedding: PackedFilter,
    position_embedding: Tensor,
    pre_layernorm: LayerNorm,
    encoder: Encoder,
    post_layernorm: LayerNorm,
    visual_projection: Linear,
    patch_size: usize,
    place: Placement,
}

/// What the image tower gives.
#[derive(Clone, Debug)]
pub struct ClipVisionOutput {
    /// `[batch, projection_dim]`, not normalised.
    pub image_embeds: Tensor,
    /// `[batch, 1 + patches, hidden_size]`, before the last layer norm.
    pub last_hidden_state: Tensor,
}

impl ClipVision {
    /// Builds it from `vision_model.*` and `visual_projection.weight`.
    pub fn new(weights: &WeightsReader, config: &ClipVisionConfig) -> Self {
        let model = weights.at("vision_model");
        let embeddings = model.at("embeddings");
        let (hidden, eps) = (config.hidden_size, config.layer_norm_eps);
        let side = config.image_size / config.patch_size;
        let sizes = EncoderSizes {
            hidden_size: hidden,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            hidden_act: config.hidden_act,
            layer_norm_eps: eps,
        };
        let patches = embeddings.at("patch_embedding");
        ClipVision {
            class_embedding: embeddings.activation("class_embedding", &[hidden]),
            patch_embedding: patches.filter("weight", hidden, config.num_channels, config.patch_size),
            position_embedding: embeddings.at("position_embedding").activation("weight", &[side * side + 1, hidden]),
            // The published key has this typo.
            pre_layernorm: LayerNorm::new(&model.at("pre_layrnorm"), hidden, eps),
            encoder: Encoder::new(&model.at("encoder"), sizes),
            post_layernorm: LayerNorm::new(&model.at("post_layernorm"), hidden, eps),
            visual_projection: Linear::without_bias(&weights.at("visual_projection"), hidden, config.projection_dim),
            patch_size: config.patch_size,
            place: weights.place(),
        }
    }

    /// Where it computes: what it is given must be there.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// `pixel_values: [batch, image_size, image_size, 3]`, normalised as the image processor does.
    pub fn forward(&self, pixel_values: &Tensor) -> Result<ClipVisionOutput> {
        let batch = pixel_values.dims()[0];
        let geometry = ops::Conv2d { stride: self.patch_size, padding: 0 };
        let patches = ops::conv2d(&[pixel_values], &self.patch_embedding, geometry, Epilogue::default())?;
        let &[_, rows, columns, hidden] = patches.dims() else { unreachable!("a convolution gives four dimensions") };
        let patches = patches.reshape([batch, rows * columns, hidden])?;
        let class = self.class_embedding.reshape([1, 1, hidden])?.expand_batch(batch)?;
        let x = ops::add(&Tensor::concat(&[&class, &patches], 1)?, &self.position_embedding)?;
        let last_hidden_state = self.encoder.forward(self.pre_layernorm.forward(&x)?, false)?;
        let pooled = last_hidden_state.narrow(1, 0, 1)?.reshape([batch, hidden])?;
        let image_embeds = self.visual_projection.forward(&self.post_layernorm.forward(&pooled)?)?;
        Ok(ClipVisionOutput { image_embeds, last_hidden_state })
    }
}
