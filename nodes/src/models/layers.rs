//! The layers that every model is made of, under the names that checkpoints give them.

use easel_kernels::ops::{self, Activation, Epilogue, PackedFilter, PackedMatrix, PackedUpsamplingFilter};
use easel_kernels::{Result, Tensor};

use crate::weights::WeightsReader;

/// A fully connected layer: `weight: [out_features, in_features]` and, mostly, `bias: [out_features]`.
pub struct Linear {
    weight: PackedMatrix,
    bias: Option<Tensor>,
}

impl Linear {
    /// With a bias.
    pub fn new(weights: &WeightsReader, in_features: usize, out_features: usize) -> Self {
        Linear {
            weight: weights.matrix("weight", out_features, in_features),
            bias: Some(weights.tensor("bias", &[out_features])),
        }
    }

    /// Without one.
    pub fn without_bias(weights: &WeightsReader, in_features: usize, out_features: usize) -> Self {
        Linear { weight: weights.matrix("weight", out_features, in_features), bias: None }
    }

    /// `[.., in_features]` → `[.., out_features]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.fused(x, Activation::None, None)
    }

    /// [`Linear::forward`], then `activation`, then plus `residual`, in one pass.
    pub fn fused(&self, x: &Tensor, activation: Activation, residual: Option<&Tensor>) -> Result<Tensor> {
        let epilogue = Epilogue { bias: self.bias.as_ref(), activation, residual, ..Default::default() };
        ops::linear(x, &self.weight, epilogue)
    }
}

/// Layer normalisation over the last dimension.
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    /// Over `channels`.
    pub fn new(weights: &WeightsReader, channels: usize, eps: f32) -> Self {
        LayerNorm { weight: weights.tensor("weight", &[channels]), bias: weights.tensor("bias", &[channels]), eps }
    }

    /// `[.., channels]` → the same.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}

/// Group normalisation over NHWC.
pub struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
    eps: f32,
}

impl GroupNorm {
    /// Over `channels` in `groups`.
    pub fn new(weights: &WeightsReader, groups: usize, channels: usize, eps: f32) -> Self {
        let (weight, bias) = (weights.tensor("weight", &[channels]), weights.tensor("bias", &[channels]));
        GroupNorm { weight, bias, groups, eps }
    }

    /// Normalises `sources` as if they stood side by side along the channels, applies `scale_shift`
    /// (`[batch, 2 · channels]`), then `activation`.
    pub fn fused(&self, sources: &[&Tensor], scale_shift: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
        let (weight, bias) = (&self.weight, &self.bias);
        let norm = ops::GroupNorm { groups: self.groups, eps: self.eps, weight, bias, scale_shift, activation };
        ops::group_norm(sources, norm)
    }
}

/// A square convolution that keeps the picture's size.
pub struct Conv2d {
    weight: PackedFilter,
    bias: Tensor,
    geometry: ops::Conv2d,
}

impl Conv2d {
    /// `kernel` × `kernel` (odd), padded to keep the size.
    pub fn new(weights: &WeightsReader, in_channels: usize, out_channels: usize, kernel: usize) -> Self {
        Conv2d {
            weight: weights.filter("weight", out_channels, in_channels, kernel),
            bias: weights.tensor("bias", &[out_channels]),
            geometry: ops::Conv2d { stride: 1, padding: kernel / 2 },
        }
    }

    /// `[batch, height, width, in_channels]` → `[batch, height, width, out_channels]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.fused(&[x], Epilogue::default())
    }

    /// Convolves `sources` as if they stood side by side along the channels; `epilogue.bias` is this layer's own.
    pub fn fused(&self, sources: &[&Tensor], epilogue: Epilogue<'_>) -> Result<Tensor> {
        ops::conv2d(sources, &self.weight, self.geometry, Epilogue { bias: Some(&self.bias), ..epilogue })
    }
}

/// A 3 × 3 convolution of a picture whose pixels are doubled in both directions first.
pub struct UpsampleConv2d {
    weight: PackedUpsamplingFilter,
    bias: Tensor,
}

impl UpsampleConv2d {
    /// From the weights of the convolution.
    pub fn new(weights: &WeightsReader, in_channels: usize, out_channels: usize) -> Self {
        UpsampleConv2d {
            weight: weights.upsampling_filter("weight", out_channels, in_channels),
            bias: weights.tensor("bias", &[out_channels]),
        }
    }

    /// `[batch, height, width, in_channels]` → `[batch, 2 · height, 2 · width, out_channels]`; `epilogue.bias` is this layer's
    /// own.
    pub fn fused(&self, x: &Tensor, epilogue: Epilogue<'_>) -> Result<Tensor> {
        ops::upsample_conv2d(x, &self.weight, Epilogue { bias: Some(&self.bias), ..epilogue })
    }
}

/// `linear_1`, SiLU, `linear_2`: what a sinusoidal timestep embedding goes through.
pub struct TimestepEmbedding {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    /// From `in_channels` to `time_embed_dim`.
    pub fn new(weights: &WeightsReader, in_channels: usize, time_embed_dim: usize) -> Self {
        TimestepEmbedding {
            linear_1: Linear::new(&weights.at("linear_1"), in_channels, time_embed_dim),
            linear_2: Linear::new(&weights.at("linear_2"), time_embed_dim, time_embed_dim),
        }
    }

    /// `[batch, in_channels]` → `[batch, time_embed_dim]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.linear_2.forward(&self.linear_1.fused(x, Activation::Silu, None)?)
    }
}
