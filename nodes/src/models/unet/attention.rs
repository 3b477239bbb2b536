//! `Attention` with added keys and values (`AttnAddedKVProcessor`): the picture looks at itself and at the context.

use std::sync::OnceLock;

use easel_kernels::ops::{self, Activation, AttentionMask};
use easel_kernels::{DType, Result, Tensor};

use super::UNetCondition;
use crate::config::UNetConfig;
use crate::models::layers::{GroupNorm, Linear};
use crate::weights::WeightsReader;

/// Fixed in diffusers: `Attention` ignores the UNet's `norm_eps`.
const GROUP_NORM_EPS: f32 = 1e-5;

pub(super) struct AddedKvAttention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    add_k_proj: Linear,
    add_v_proj: Linear,
    to_out: Linear,
    heads: usize,
}

/// What a picture looks at beside itself.
#[derive(Default)]
pub(super) struct PreparedContext {
    /// Keys and values, `[batch, tokens, channels]`.
    added: Option<(Tensor, Tensor)>,
    /// `[batch, tokens]`.
    key_bias: Option<Tensor>,
    /// The same with the picture's own keys, once it is known how many there are.
    whole_key_bias: OnceLock<Tensor>,
}

impl PreparedContext {
    /// `[batch, tokens + pixels]`: the picture's own keys are never masked.
    fn key_bias(&self, batch: usize, pixels: usize) -> Result<Option<&Tensor>> {
        let Some(bias) = &self.key_bias else { return Ok(None) };
        if self.whole_key_bias.get().is_none() {
            let own = Tensor::zeros_on(bias.device(), DType::F32, [batch, pixels])?;
            // Another thread may have been first, with the same numbers.
            let _ = self.whole_key_bias.set(Tensor::concat(&[bias, &own], 1)?);
        }
        Ok(self.whole_key_bias.get())
    }
}

impl AddedKvAttention {
    pub(super) fn new(weights: &WeightsReader, config: &UNetConfig, channels: usize) -> Self {
        let context = config.cross_attention_dim.unwrap_or(channels);
        AddedKvAttention {
            group_norm: GroupNorm::new(&weights.at("group_norm"), config.norm_num_groups, channels, GROUP_NORM_EPS),
            to_q: Linear::new(&weights.at("to_q"), channels, channels),
            to_k: Linear::new(&weights.at("to_k"), channels, channels),
            to_v: Linear::new(&weights.at("to_v"), channels, channels),
            add_k_proj: Linear::new(&weights.at("add_k_proj"), context, channels),
            add_v_proj: Linear::new(&weights.at("add_v_proj"), context, channels),
            to_out: Linear::new(&weights.at("to_out").at(0), channels, channels),
            heads: channels / config.attention_head_dim,
        }
    }

    /// The context's keys and values, which no step of a sampling loop changes; none without a context.
    pub(super) fn prepare(&self, condition: UNetCondition<'_>) -> Result<PreparedContext> {
        let Some(context) = condition.encoder_hidden_states else { return Ok(PreparedContext::default()) };
        let added = Some((self.add_k_proj.forward(context)?, self.add_v_proj.forward(context)?));
        Ok(PreparedContext { added, key_bias: condition.encoder_key_bias.cloned(), whole_key_bias: OnceLock::new() })
    }

    /// `[batch, height, width, channels]` → the same.
    pub(super) fn forward(&self, x: &Tensor, context: &PreparedContext) -> Result<Tensor> {
        let &[batch, height, width, channels] = x.dims() else { unreachable!("UNet activations have four dimensions") };
        let pixels = height * width;
        let normed = self.group_norm.fused(&[x], None, Activation::None)?.reshape([batch, pixels, channels])?;
        let (q, k, v) = (self.to_q.forward(&normed)?, self.to_k.forward(&normed)?, self.to_v.forward(&normed)?);
        let mask = AttentionMask { causal: false, key_bias: context.key_bias(batch, pixels)? };
        let added = context.added.as_ref().map(|(k, v)| (k, v));
        let attended = ops::attention(&q, &k, &v, self.heads, added, mask)?;
        let residual = x.reshape([batch, pixels, channels])?;
        let out = self.to_out.fused(&attended, Activation::None, Some(&residual))?;
        out.reshape([batch, height, width, channels])
    }
}
