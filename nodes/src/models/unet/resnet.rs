//! `ResnetBlock2D`.

use easel_kernels::ops::{self, Activation, Epilogue};
use easel_kernels::{Result, Tensor};

use crate::config::{TimeShift, UNetConfig};
use crate::models::layers::{Conv2d, GroupNorm, Linear, UpsampleConv2d};
use crate::weights::WeightsReader;

/// Whether the block changes the resolution on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resample {
    Keep,
    Up,
    Down,
}

/// Sizes of a block.
#[derive(Clone, Copy)]
pub(super) struct ResnetSizes {
    pub in_channels: usize,
    pub out_channels: usize,
    pub time_embed_dim: usize,
    pub resample: Resample,
    pub output_scale_factor: f32,
}

/// The convolution that follows a change of the resolution.
enum FirstConvolution {
    Plain(Conv2d),
    /// After doubling.
    Doubling(UpsampleConv2d),
    /// After halving.
    Halving(Conv2d),
}

impl FirstConvolution {
    fn new(weights: &WeightsReader, in_channels: usize, out_channels: usize, resample: Resample) -> Self {
        let plain = || Conv2d::new(weights, in_channels, out_channels, 3);
        match resample {
            Resample::Keep => FirstConvolution::Plain(plain()),
            Resample::Up => FirstConvolution::Doubling(UpsampleConv2d::new(weights, in_channels, out_channels)),
            Resample::Down => FirstConvolution::Halving(plain()),
        }
    }

    fn fused(&self, x: &Tensor, epilogue: Epilogue<'_>) -> Result<Tensor> {
        match self {
            FirstConvolution::Plain(conv) => conv.fused(&[x], epilogue),
            FirstConvolution::Doubling(conv) => conv.fused(x, epilogue),
            FirstConvolution::Halving(conv) => conv.fused(&[&ops::average_pool2x(x)?], epilogue),
        }
    }
}

/// Two convolutions with a time embedding between them, around a residual connection.
pub(super) struct ResnetBlock {
    norm1: GroupNorm,
    conv1: FirstConvolution,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
    time_shift: TimeShift,
    resample: Resample,
    output_scale: f32,
}

impl ResnetBlock {
    pub(super) fn new(weights: &WeightsReader, config: &UNetConfig, sizes: ResnetSizes) -> Self {
        let ResnetSizes { in_channels, out_channels, time_embed_dim, resample, output_scale_factor } = sizes;
        let (groups, eps) = (config.norm_num_groups, config.norm_eps);
        let time_channels = match config.time_shift {
            TimeShift::Add => out_channels,
            TimeShift::ScaleShift => 2 * out_channels,
        };
        ResnetBlock {
            norm1: GroupNorm::new(&weights.at("norm1"), groups, in_channels, eps),
            conv1: FirstConvolution::new(&weights.at("conv1"), in_channels, out_channels, resample),
            time_emb_proj: Linear::new(&weights.at("time_emb_proj"), time_embed_dim, time_channels),
            norm2: GroupNorm::new(&weights.at("norm2"), groups, out_channels, eps),
            conv2: Conv2d::new(&weights.at("conv2"), out_channels, out_channels, 3),
            conv_shortcut: (in_channels != out_channels)
                .then(|| Conv2d::new(&weights.at("conv_shortcut"), in_channels, out_channels, 1)),
            time_shift: config.time_shift,
            resample,
            output_scale: 1.0 / output_scale_factor,
        }
    }

    /// `time: [steps · batch, time_embed_dim]`, activated → what [`ResnetBlock::forward`] wants of each step, below each
    /// other.
    pub(super) fn prepare(&self, time: &Tensor) -> Result<Tensor> {
        self.time_emb_proj.forward(time)
    }

    /// `sources`: the input, in up blocks followed by the skip connection; `time: [batch, channels]` of
    /// [`ResnetBlock::prepare`].
    pub(super) fn forward(&self, sources: &[&Tensor], time: &Tensor) -> Result<Tensor> {
        let (sample_bias, scale_shift) = match self.time_shift {
            TimeShift::Add => (Some(time), None),
            TimeShift::ScaleShift => (None, Some(time)),
        };
        // What only one step needs is gone before the next: these are the largest tensors that there are.
        let normed = self.norm1.fused(sources, None, Activation::Silu)?;
        let hidden = self.conv1.fused(&normed, Epilogue { sample_bias, moments: true, ..Default::default() })?;
        drop(normed);
        let normed = self.norm2.fused(&[&hidden], scale_shift, Activation::Silu)?;
        drop(hidden);
        let residual = self.shortcut(sources)?;
        // Whatever comes next normalises this first, alone or beside a skip connection.
        let epilogue =
            Epilogue { residual: Some(&residual), scale: self.output_scale, moments: true, ..Default::default() };
        self.conv2.fused(&[&normed], epilogue)
    }

    fn shortcut(&self, sources: &[&Tensor]) -> Result<Tensor> {
        match (&self.conv_shortcut, sources) {
            // No block both resamples and changes the channels; the order would not matter for a 1×1 convolution.
            (Some(conv), _) => self.resample(&conv.fused(sources, Epilogue::default())?),
            (None, [x]) => self.resample(x),
            (None, _) => self.resample(&Tensor::concat(sources, 3)?),
        }
    }

    fn resample(&self, x: &Tensor) -> Result<Tensor> {
        match self.resample {
            Resample::Keep => Ok(x.clone()),
            Resample::Up => ops::upsample_nearest2x(x),
            Resample::Down => ops::average_pool2x(x),
        }
    }
}
