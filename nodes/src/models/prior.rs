//! The diffusion prior (Ramesh et al. 2022, §2.2), as in diffusers' `PriorTransformer`.

use easel_kernels::ops::{self, Activation, AttentionMask};
use easel_kernels::{DType, Placement, Result, Tensor};

use crate::config::PriorConfig;
use crate::models::layers::{LayerNorm, Linear, TimestepEmbedding};
use crate::weights::WeightsReader;

/// Predicts a CLIP image embedding from a noisy one, a timestep and a text.
pub struct Prior {
    time_embedding: TimestepEmbedding,
    proj_in: Linear,
    embedding_proj: Linear,
    encoder_hidden_states_proj: Linear,
    positional_embedding: Tensor,
    prd_embedding: Tensor,
    transformer_blocks: Vec<TransformerBlock>,
    norm_out: LayerNorm,
    proj_to_clip_embeddings: Linear,
    clip_mean: Tensor,
    clip_std: Tensor,
    inner_dim: usize,
    additional_embeddings: usize,
    place: Placement,
}

/// The text that a prior is conditioned on.
#[derive(Clone, Copy)]
pub struct PriorText<'a> {
    /// `[batch, embedding_dim]`, the text tower's pooled embedding.
    pub text_embeds: &'a Tensor,
    /// `[batch, num_embeddings, embedding_dim]`.
    pub hidden_states: &'a Tensor,
    /// `[batch, num_embeddings]`: 0 for a token, −10000 for padding. Without it nothing is masked, not even causally.
    pub key_bias: Option<&'a Tensor>,
}

/// What the steps of a sampling loop take from its text and its timesteps alone: what [`Prior::prepare`] gives.
pub struct PreparedText {
    text: Prepared,
    /// The token of every step's timestep, `[steps, inner_dim]`.
    time: Tensor,
}

impl PreparedText {
    /// What [`Prior::forward`] takes of step `step`: `[inner_dim]`.
    ///
    /// # Errors
    /// A step that the loop has not.
    pub fn time(&self, step: usize) -> Result<Tensor> {
        self.time.narrow(0, step, 1)?.reshape([self.time.dims()[1]])
    }
}

enum Prepared {
    /// Causally masked. `of_blocks`: keys and values of the text's tokens, `[batch, text tokens, inner_dim]`;
    /// `key_bias: [batch, tokens]`, of all keys.
    KeysAndValues { of_blocks: Vec<(Tensor, Tensor)>, key_bias: Tensor },
    /// Not masked: all tokens see each other, so every step computes all of them. `[batch, text tokens, inner_dim]`.
    Tokens(Tensor),
}

/// Fixed in diffusers' `BasicTransformerBlock`.
const LAYER_NORM_EPS: f32 = 1e-5;

impl Prior {
    /// Builds it from the root of a `prior` part.
    pub fn new(weights: &WeightsReader, config: &PriorConfig) -> Self {
        let (inner, embedding) = (config.inner_dim(), config.embedding_dim);
        let tokens = config.num_embeddings + config.additional_embeddings;
        let blocks = weights.at("transformer_blocks");
        let heads = config.num_attention_heads;
        Prior {
            time_embedding: TimestepEmbedding::new(&weights.at("time_embedding"), inner, inner),
            proj_in: Linear::new(&weights.at("proj_in"), embedding, inner),
            embedding_proj: Linear::new(&weights.at("embedding_proj"), embedding, inner),
            encoder_hidden_states_proj: Linear::new(&weights.at("encoder_hidden_states_proj"), embedding, inner),
            positional_embedding: weights.activation("positional_embedding", &[1, tokens, inner]),
            prd_embedding: weights.activation("prd_embedding", &[1, 1, inner]),
            transformer_blocks: (0..config.num_layers)
                .map(|i| TransformerBlock::new(&blocks.at(i), inner, heads))
                .collect(),
            norm_out: LayerNorm::new(&weights.at("norm_out"), inner, LAYER_NORM_EPS),
            proj_to_clip_embeddings: Linear::new(&weights.at("proj_to_clip_embeddings"), inner, embedding),
            clip_mean: weights.tensor("clip_mean", &[1, embedding]),
            clip_std: weights.tensor("clip_std", &[1, embedding]),
            inner_dim: inner,
            additional_embeddings: config.additional_embeddings,
            place: weights.place(),
        }
    }

    /// Where it computes: what it is given must be there.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// Computes what a text and the timesteps contribute to the steps of a sampling loop.
    ///
    /// Under a causal mask the tokens of the text, which come first, see neither the timestep nor the noisy embedding: each
    /// block needs only their keys and values, which are computed here, once.
    ///
    /// # Errors
    /// Tensors of other shapes than [`PriorText`] says, or no memory.
    pub fn prepare(&self, text: PriorText<'_>, timesteps: &[f32]) -> Result<PreparedText> {
        let time = ops::timestep_embedding(timesteps, self.inner_dim, true, 0.0)?;
        let time = self.time_embedding.forward(&self.place.activation(&time)?)?;
        Ok(PreparedText { text: self.prepare_text(text)?, time })
    }

    fn prepare_text(&self, text: PriorText<'_>) -> Result<Prepared> {
        let (batch, inner) = (text.text_embeds.dims()[0], self.inner_dim);
        let tokens = [
            self.encoder_hidden_states_proj.forward(text.hidden_states)?,
            self.embedding_proj.forward(text.text_embeds)?.reshape([batch, 1, inner])?,
        ];
        let tokens = self.with_positions(&Tensor::concat(&[&tokens[0], &tokens[1]], 1)?, 0)?;
        let Some(key_bias) = text.key_bias else { return Ok(Prepared::Tokens(tokens)) };
        let key_bias = self.with_additional_tokens(key_bias)?;
        let text_bias = key_bias.narrow(1, 0, tokens.dims()[1])?;
        let mask = AttentionMask { causal: true, key_bias: Some(&text_bias) };
        let mut of_blocks = Vec::with_capacity(self.transformer_blocks.len());
        let mut x = tokens;
        for (i, block) in self.transformer_blocks.iter().enumerate() {
            let projected = block.project(&x)?;
            if i + 1 < self.transformer_blocks.len() {
                x = block.forward(&x, &projected, None, mask)?;
            }
            of_blocks.push((projected.k, projected.v));
        }
        Ok(Prepared::KeysAndValues { of_blocks, key_bias })
    }

    /// Step `step` of the loop that `text` was prepared for: `hidden_states: [batch, embedding_dim]`, the noisy image
    /// embedding → the predicted one, of the same shape.
    ///
    /// # Errors
    /// A step that the loop has not, shapes that do not fit the text's batch, or no memory.
    pub fn step(&self, hidden_states: &Tensor, text: &PreparedText, step: usize) -> Result<Tensor> {
        self.forward(hidden_states, text, &text.time(step)?)
    }

    /// The same, with the step given as its [`PreparedText::time`].
    ///
    /// # Errors
    /// Shapes that do not fit the text's batch, or no memory.
    pub fn forward(&self, hidden_states: &Tensor, text: &PreparedText, time: &Tensor) -> Result<Tensor> {
        let (batch, inner) = (hidden_states.dims()[0], self.inner_dim);
        let own = self.own_tokens(&hidden_states.to_dtype(self.place.activations())?, time)?;
        let x = match &text.text {
            Prepared::KeysAndValues { of_blocks, key_bias } => {
                let mask = AttentionMask { causal: true, key_bias: Some(key_bias) };
                let own = self.with_positions(&own, self.tokens() - own.dims()[1])?;
                let mut blocks = self.transformer_blocks.iter().zip(of_blocks);
                blocks.try_fold(own, |x, (block, (k, v))| block.forward(&x, &block.project(&x)?, Some((k, v)), mask))?
            }
            Prepared::Tokens(tokens) => {
                let own = self.with_positions(&own, tokens.dims()[1])?;
                let all = Tensor::concat(&[tokens, &own], 1)?;
                let unmasked = AttentionMask::default();
                let blocks = &self.transformer_blocks;
                blocks.iter().try_fold(all, |x, block| block.forward(&x, &block.project(&x)?, None, unmasked))?
            }
        };
        let last = self.norm_out.forward(&x.narrow(1, x.dims()[1] - 1, 1)?)?;
        self.proj_to_clip_embeddings.forward(&last.reshape([batch, inner])?)
    }

    /// The tokens that follow the text: timestep, noisy embedding, and the one whose last state is the prediction;
    /// `[batch, 3, inner_dim]`.
    fn own_tokens(&self, hidden_states: &Tensor, time: &Tensor) -> Result<Tensor> {
        let (batch, inner) = (hidden_states.dims()[0], self.inner_dim);
        let time = time.reshape([1, 1, inner])?.expand_batch(batch)?;
        let noisy = self.proj_in.forward(hidden_states)?.reshape([batch, 1, inner])?;
        Tensor::concat(&[&time, &noisy, &self.prd_embedding.expand_batch(batch)?], 1)
    }

    fn tokens(&self) -> usize {
        self.positional_embedding.dims()[1]
    }

    /// Adds the positions from `first` on to `x: [batch, tokens, inner_dim]`.
    fn with_positions(&self, x: &Tensor, first: usize) -> Result<Tensor> {
        let tokens = x.dims()[1];
        let positions = self.positional_embedding.reshape([self.tokens(), self.inner_dim])?;
        ops::add(x, &positions.narrow(0, first, tokens)?)
    }

    /// Turns a sampled latent into a CLIP image embedding: `z · clip_std + clip_mean`.
    pub fn post_process_latents(&self, latents: &Tensor) -> Result<Tensor> {
        let columns = |row: &Tensor| row.reshape([row.dims()[1]]);
        ops::affine_columns(latents, &columns(&self.clip_std)?, &columns(&self.clip_mean)?)
    }

    /// The tokens after the text are never masked.
    fn with_additional_tokens(&self, key_bias: &Tensor) -> Result<Tensor> {
        let visible =
            Tensor::zeros_on(self.place.device, DType::F32, [key_bias.dims()[0], self.additional_embeddings])?;
        Tensor::concat(&[key_bias, &visible], 1)
    }
}

struct TransformerBlock {
    norm1: LayerNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    norm3: LayerNorm,
    ff_in: Linear,
    ff_out: Linear,
    heads: usize,
}

impl TransformerBlock {
    fn new(weights: &WeightsReader, inner: usize, heads: usize) -> Self {
        let (attention, feed_forward) = (weights.at("attn1"), weights.at("ff").at("net"));
        TransformerBlock {
            norm1: LayerNorm::new(&weights.at("norm1"), inner, LAYER_NORM_EPS),
            to_q: Linear::new(&attention.at("to_q"), inner, inner),
            to_k: Linear::new(&attention.at("to_k"), inner, inner),
            to_v: Linear::new(&attention.at("to_v"), inner, inner),
            to_out: Linear::new(&attention.at("to_out").at(0), inner, inner),
            norm3: LayerNorm::new(&weights.at("norm3"), inner, LAYER_NORM_EPS),
            ff_in: Linear::new(&feed_forward.at(0).at("proj"), inner, 4 * inner),
            ff_out: Linear::new(&feed_forward.at(2), 4 * inner, inner),
            heads,
        }
    }

    fn project(&self, x: &Tensor) -> Result<Projected> {
        let normed = self.norm1.forward(x)?;
        let (q, k, v) = (self.to_q.forward(&normed)?, self.to_k.forward(&normed)?, self.to_v.forward(&normed)?);
        Ok(Projected { q, k, v })
    }

    /// `x: [batch, tokens, inner_dim]` and its projections; `before`: keys and values of tokens that stand before these.
    fn forward(
        &self,
        x: &Tensor,
        projected: &Projected,
        before: Option<(&Tensor, &Tensor)>,
        mask: AttentionMask<'_>,
    ) -> Result<Tensor> {
        let Projected { q, k, v } = projected;
        let attended = ops::attention(q, k, v, self.heads, before, mask)?;
        let x = self.to_out.fused(&attended, Activation::None, Some(x))?;
        let hidden = self.ff_in.fused(&self.norm3.forward(&x)?, Activation::Gelu, None)?;
        self.ff_out.fused(&hidden, Activation::None, Some(&x))
    }
}

/// Queries, keys and values of a block's tokens, `[batch, tokens, inner_dim]` each.
struct Projected {
    q: Tensor,
    k: Tensor,
    v: Tensor,
}
