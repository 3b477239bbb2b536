//! The transformer that both towers share.

use easel_kernels::ops::{self, Activation, AttentionMask};
use easel_kernels::{Result, Tensor};

use crate::models::layers::{LayerNorm, Linear};
use crate::weights::WeightsReader;

/// Sizes of a tower.
#[derive(Clone, Copy)]
pub(super) struct EncoderSizes {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f32,
}

/// `encoder.layers`.
pub(super) struct Encoder {
    layers: Vec<EncoderLayer>,
}

struct EncoderLayer {
    self_attn: SelfAttention,
    layer_norm1: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    layer_norm2: LayerNorm,
    hidden_act: Activation,
}

struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: usize,
}

impl Encoder {
    pub(super) fn new(weights: &WeightsReader, sizes: EncoderSizes) -> Self {
        let layers = weights.at("layers");
        let layers = (0..sizes.num_hidden_layers).map(|i| EncoderLayer::new(&layers.at(i), sizes)).collect();
        Encoder { layers }
    }

    /// `[batch, tokens, hidden_size]` → the same.
    pub(super) fn forward(&self, x: Tensor, causal: bool) -> Result<Tensor> {
        self.layers.iter().try_fold(x, |x, layer| layer.forward(&x, causal))
    }
}

impl EncoderLayer {
    fn new(weights: &WeightsReader, sizes: EncoderSizes) -> Self {
        let (hidden, intermediate, eps) = (sizes.hidden_size, sizes.intermediate_size, sizes.layer_norm_eps);
        let attention = weights.at("self_attn");
        EncoderLayer {
            self_attn: SelfAttention {
                q_proj: Linear::new(&attention.at("q_proj"), hidden, hidden),
                k_proj: Linear::new(&attention.at("k_proj"), hidden, hidden),
                v_proj: Linear::new(&attention.at("v_proj"), hidden, hidden),
                out_proj: Linear::new(&attention.at("out_proj"), hidden, hidden),
                heads: sizes.num_attention_heads,
            },
            layer_norm1: LayerNorm::new(&weights.at("layer_norm1"), hidden, eps),
            fc1: Linear::new(&weights.at("mlp").at("fc1"), hidden, intermediate),
            fc2: Linear::new(&weights.at("mlp").at("fc2"), intermediate, hidden),
            layer_norm2: LayerNorm::new(&weights.at("layer_norm2"), hidden, eps),
            hidden_act: sizes.hidden_act,
        }
    }

    fn forward(&self, x: &Tensor, causal: bool) -> Result<Tensor> {
        let x = self.self_attn.forward(&self.layer_norm1.forward(x)?, causal, x)?;
        let hidden = self.fc1.fused(&self.layer_norm2.forward(&x)?, self.hidden_act, None)?;
        self.fc2.fused(&hidden, Activation::None, Some(&x))
    }
}

impl SelfAttention {
    fn forward(&self, x: &Tensor, causal: bool, residual: &Tensor) -> Result<Tensor> {
        let (q, k, v) = (self.q_proj.forward(x)?, self.k_proj.forward(x)?, self.v_proj.forward(x)?);
        let mask = AttentionMask { causal, key_bias: None };
        let attended = ops::attention(&q, &k, &v, self.heads, None, mask)?;
        self.out_proj.fused(&attended, Activation::None, Some(residual))
    }
}
