//! `CLIPTextModelWithProjection`.

use easel_kernels::ops;
use easel_kernels::{Placement, Result, Tensor};

use super::encoder::{Encoder, EncoderSizes};
use crate::config::ClipTextConfig;
use crate::models::layers::{LayerNorm, Linear};
use crate::weights::WeightsReader;

/// The text tower. Token ids in, a pooled and projected embedding and all hidden states out.
pub struct ClipText {
    token_embedding: Tensor,
    position_embedding: Tensor,
    encoder: Encoder,
    final_layer_norm: LayerNorm,
    text_projection: Linear,
    eos_token_id: u32,
    place: Placement,
}

/// What the text tower gives.
#[derive(Clone, Debug)]
pub struct ClipTextOutput {
    /// `[batch, projection_dim]`, not normalised.
    pub text_embeds: Tensor,
    /// `[batch, tokens, hidden_size]`, after the final layer norm.
    pub last_hidden_state: Tensor,
}

/// Configurations written before transformers 4.30 say 2 whatever the vocabulary is; the end token is then the largest
/// id of a prompt.
const LEGACY_EOS_TOKEN_ID: u32 = 2;

impl ClipText {
    /// Builds it from `text_model.*` and `text_projection.weight`.
    pub fn new(weights: &WeightsReader, config: &ClipTextConfig) -> Self {
        let model = weights.at("text_model");
        let embeddings = model.at("embeddings");
        let hidden = config.hidden_size;
        let sizes = EncoderSizes {
            hidden_size: hidden,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            hidden_act: config.hidden_act,
            layer_norm_eps: config.layer_norm_eps,
        };
        let positions = [config.max_position_embeddings, hidden];
        ClipText {
            token_embedding: embeddings.at("token_embedding").activation("weight", &[config.vocab_size, hidden]),
            position_embedding: embeddings.at("position_embedding").activation("weight", &positions),
            encoder: Encoder::new(&model.at("encoder"), sizes),
            final_layer_norm: LayerNorm::new(&model.at("final_layer_norm"), hidden, config.layer_norm_eps),
            text_projection: Linear::without_bias(&weights.at("text_projection"), hidden, config.projection_dim),
            eos_token_id: config.eos_token_id,
            place: weights.place(),
        }
    }

    /// Where it computes.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// `ids`: `batch` rows of `tokens` ids. No padding mask: UnCLIP pipelines give none to this tower.
    pub fn forward(&self, ids: &[u32], batch: usize, tokens: usize) -> Result<ClipTextOutput> {
        let positions = self.position_embedding.narrow(0, 0, tokens)?;
        let x = ops::add(&ops::embedding(&self.token_embedding, ids, [batch, tokens])?, &positions)?;
        let last_hidden_state = self.final_layer_norm.forward(&self.encoder.forward(x, true)?)?;
        let pooled: Vec<Tensor> = (0..batch)
            .map(|b| {
                let end = self.end_position(&ids[b * tokens..(b + 1) * tokens]);
                last_hidden_state.narrow(0, b, 1)?.narrow(1, end, 1)
            })
            .collect::<Result<_>>()?;
        let pooled = Tensor::concat(&pooled.iter().collect::<Vec<_>>(), 0)?;
        let pooled = pooled.reshape([batch, last_hidden_state.dims()[2]])?;
        Ok(ClipTextOutput { text_embeds: self.text_projection.forward(&pooled)?, last_hidden_state })
    }

    /// The position whose hidden state stands for the whole text: the first end token.
    fn end_position(&self, ids: &[u32]) -> usize {
        let eos = match self.eos_token_id {
            LEGACY_EOS_TOKEN_ID => ids.iter().copied().max().unwrap_or_default(),
            id => id,
        };
        ids.iter().position(|&id| id == eos).unwrap_or(0)
    }
}
