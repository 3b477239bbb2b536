//! What carries a CLIP image embedding and a text into the decoder (Ramesh et al. 2022, §2.1), as in diffusers'
//! `UnCLIPTextProjModel`.

use easel_kernels::ops;
use easel_kernels::{Placement, Result, Tensor};

use crate::config::TextProjConfig;
use crate::models::layers::{LayerNorm, Linear};
use crate::weights::WeightsReader;

/// Projects embeddings into the decoder's time embedding and context.
pub struct TextProj {
    learned_classifier_free_guidance_embeddings: Tensor,
    embedding_proj: Linear,
    clip_image_embeddings_project_to_time_embeddings: Linear,
    clip_extra_context_tokens_proj: Linear,
    encoder_hidden_states_proj: Linear,
    text_encoder_hidden_states_norm: LayerNorm,
    extra_context_tokens: usize,
    cross_attention_dim: usize,
    place: Placement,
}

/// What conditions the decoder.
#[derive(Clone, Debug)]
pub struct DecoderCondition {
    /// `[batch, extra_context_tokens + tokens, cross_attention_dim]`.
    pub encoder_hidden_states: Tensor,
    /// `[batch, time_embed_dim]`, added to the time embedding.
    pub additive_clip_time_embeddings: Tensor,
}

impl TextProj {
    /// Builds it from the root of a `text_proj` part.
    pub fn new(weights: &WeightsReader, config: &TextProjConfig) -> Self {
        let (clip, time, cross) = (config.clip_embeddings_dim, config.time_embed_dim, config.cross_attention_dim);
        let linear = |name: &str, out| Linear::new(&weights.at(name), clip, out);
        TextProj {
            learned_classifier_free_guidance_embeddings: weights
                .activation("learned_classifier_free_guidance_embeddings", &[clip]),
            embedding_proj: linear("embedding_proj", time),
            clip_image_embeddings_project_to_time_embeddings: linear(
                "clip_image_embeddings_project_to_time_embeddings",
                time,
            ),
            clip_extra_context_tokens_proj: linear(
                "clip_extra_context_tokens_proj",
                config.clip_extra_context_tokens * cross,
            ),
            encoder_hidden_states_proj: linear("encoder_hidden_states_proj", cross),
            text_encoder_hidden_states_norm: LayerNorm::new(
                &weights.at("text_encoder_hidden_states_norm"),
                cross,
                1e-5,
            ),
            extra_context_tokens: config.clip_extra_context_tokens,
            cross_attention_dim: cross,
            place: weights.place(),
        }
    }

    /// Where it computes: what it is given must be there.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// How many context tokens stand before the text's.
    pub fn extra_context_tokens(&self) -> usize {
        self.extra_context_tokens
    }

    /// The image embedding that stands for "no image", `batch` times: `[batch, clip_embeddings_dim]`.
    pub fn unconditional_image_embeddings(&self, batch: usize) -> Result<Tensor> {
        let learned = &self.learned_classifier_free_guidance_embeddings;
        learned.reshape([1, learned.dims()[0]])?.expand_batch(batch)
    }

    /// `image_embeddings` and `text_embeds`: `[batch, clip_embeddings_dim]`;
    /// `text_hidden_states: [batch, tokens, clip_embeddings_dim]`.
    pub fn forward(
        &self,
        image_embeddings: &Tensor,
        text_embeds: &Tensor,
        text_hidden_states: &Tensor,
    ) -> Result<DecoderCondition> {
        let time_from_image = self.clip_image_embeddings_project_to_time_embeddings.forward(image_embeddings)?;
        let time_from_text = self.embedding_proj.forward(text_embeds)?;
        let text = self.encoder_hidden_states_proj.forward(text_hidden_states)?;
        let text = self.text_encoder_hidden_states_norm.forward(&text)?;
        let extra = self.extra_context(image_embeddings)?;
        Ok(DecoderCondition {
            encoder_hidden_states: Tensor::concat(&[&extra, &text], 1)?,
            additive_clip_time_embeddings: ops::add(&time_from_image, &time_from_text)?,
        })
    }

    /// `[batch, extra_context_tokens, cross_attention_dim]`. The projection's output is laid out
    /// `[cross_attention_dim, extra_context_tokens]`, token last, and has to be turned.
    fn extra_context(&self, image_embeddings: &Tensor) -> Result<Tensor> {
        let projected = self.clip_extra_context_tokens_proj.forward(image_embeddings)?;
        let (batch, tokens, cross) = (projected.dims()[0], self.extra_context_tokens, self.cross_attention_dim);
        // A picture of 1 × tokens "pixels" with `cross` channels, stored channels first.
        let turned = projected.reshape([batch, cross, 1, tokens])?.nchw_to_nhwc()?;
        turned.reshape([batch, tokens, cross])
    }
}
