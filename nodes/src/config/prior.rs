//! The diffusion prior, and the projection between prior and decoder.

use serde_json::{Value, json};

use super::fields::{CONTEXT, Fields, LAYERS, WIDTH};
use crate::error::Result;

/// Text embedding, time embedding, noisy image embedding, and the learned token whose state is read.
const ADDED_TOKENS: usize = 4;

/// diffusers' `PriorTransformer`.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorConfig {
    /// Heads of each attention.
    pub num_attention_heads: usize,
    /// Width of a head.
    pub attention_head_dim: usize,
    /// Number of layers.
    pub num_layers: usize,
    /// Width of the text states, the text embedding and the image embedding.
    pub embedding_dim: usize,
    /// Text tokens.
    pub num_embeddings: usize,
    /// Tokens beside the text (always 4: text embedding, time, noisy image embedding, and the learned one).
    pub additional_embeddings: usize,
}

impl PriorConfig {
    /// Reads `prior/config.json`.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        class(&mut fields, "PriorTransformer");
        let config = Self {
            num_attention_heads: fields.size("num_attention_heads", Some(32), LAYERS),
            attention_head_dim: fields.size("attention_head_dim", Some(64), 1..=4096),
            num_layers: fields.size("num_layers", Some(20), LAYERS),
            embedding_dim: fields.size("embedding_dim", Some(768), WIDTH),
            num_embeddings: fields.size("num_embeddings", Some(77), CONTEXT),
            additional_embeddings: ADDED_TOKENS,
        };
        if config.inner_dim() > *WIDTH.end() || !config.inner_dim().is_multiple_of(2) {
            fields.problem(format!(
                "`num_attention_heads` {} × `attention_head_dim` {} should be even and at most {}",
                config.num_attention_heads,
                config.attention_head_dim,
                WIDTH.end()
            ));
        }
        fields.only("additional_embeddings", json!(ADDED_TOKENS), &[json!(ADDED_TOKENS)]);
        fields.only_default("time_embed_dim", config.inner_dim());
        fields.only_default("embedding_proj_dim", config.embedding_dim);
        fields.only_default("clip_embed_dim", config.embedding_dim);
        fields.only("time_embed_act_fn", json!("silu"), &[json!("silu")]);
        fields.only("added_emb_type", json!("prd"), &[json!("prd")]);
        fields.only("encoder_hid_proj_type", json!("linear"), &[json!("linear")]);
        fields.off(&["norm_in_type", "embedding_proj_norm_type"]);
        fields.inert(&["dropout"]);
        fields.finish()?;
        Ok(config)
    }

    /// Width of the hidden states.
    pub fn inner_dim(&self) -> usize {
        self.num_attention_heads * self.attention_head_dim
    }
}

/// diffusers' `UnCLIPTextProjModel`.
#[derive(Clone, Debug, PartialEq)]
pub struct TextProjConfig {
    /// Width of the image embedding and of the text's.
    pub clip_embeddings_dim: usize,
    /// Tokens that are made of the image embedding and precede the text.
    pub clip_extra_context_tokens: usize,
    /// Width of the tokens that the decoder attends to.
    pub cross_attention_dim: usize,
    /// Width of the decoder's time embedding.
    pub time_embed_dim: usize,
}

impl TextProjConfig {
    /// Reads `text_proj/config.json`.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        class(&mut fields, "UnCLIPTextProjModel");
        let config = Self {
            clip_embeddings_dim: fields.size("clip_embeddings_dim", Some(768), WIDTH),
            clip_extra_context_tokens: fields.size("clip_extra_context_tokens", Some(4), 1..=1024),
            cross_attention_dim: fields.size("cross_attention_dim", None, WIDTH),
            time_embed_dim: fields.size("time_embed_dim", None, 1..=4 * WIDTH.end()),
        };
        fields.finish()?;
        Ok(config)
    }
}

/// The class that a file says it describes must be the one expected here.
pub(super) fn class(fields: &mut Fields, name: &str) {
    let name = Value::from(name);
    fields.only("_class_name", name.clone(), &[name]);
}
