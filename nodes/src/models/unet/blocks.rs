//! Down, mid and up blocks.

use easel_kernels::{Result, Tensor};

use super::UNetCondition;
use super::attention::AddedKvAttention;
use super::resnet::{Resample, ResnetBlock, ResnetSizes};
use crate::config::{BlockType, UNetConfig};
use crate::weights::WeightsReader;

/// A resnet, in blocks with attention followed by it.
struct Layer {
    resnet: ResnetBlock,
    attention: Option<AddedKvAttention>,
}

impl Layer {
    fn new(weights: &WeightsReader, index: usize, config: &UNetConfig, sizes: ResnetSizes, attention: bool) -> Self {
        Layer {
            resnet: ResnetBlock::new(&weights.at("resnets").at(index), config, sizes),
            attention: attention
                .then(|| AddedKvAttention::new(&weights.at("attentions").at(index), config, sizes.out_channels)),
        }
    }

    fn forward(&self, sources: &[&Tensor], time: &Tensor, condition: UNetCondition<'_>) -> Result<Tensor> {
        let x = self.resnet.forward(sources, time)?;
        match &self.attention {
            Some(attention) => attention.forward(&x, condition),
            None => Ok(x),
        }
    }
}

/// `ResnetDownsampleBlock2D` or `SimpleCrossAttnDownBlock2D`.
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    downsampler: Option<ResnetBlock>,
}

impl DownBlock {
    pub(super) fn all(weights: &WeightsReader, config: &UNetConfig, time_embed_dim: usize) -> Vec<Self> {
        let channels = &config.block_out_channels;
        let last = channels.len() - 1;
        (0..=last)
            .map(|i| {
                let in_channels = channels[i.saturating_sub(1)];
                let sizes = plain_sizes(config, in_channels, channels[i], time_embed_dim);
                let attention = config.down_blocks[i] == BlockType::SimpleCrossAttnDown;
                DownBlock::new(&weights.at(i), config, sizes, attention, i != last)
            })
            .collect()
    }

    fn new(weights: &WeightsReader, config: &UNetConfig, sizes: ResnetSizes, attention: bool, shrinks: bool) -> Self {
        let later = ResnetSizes { in_channels: sizes.out_channels, ..sizes };
        DownBlock {
            layers: (0..config.layers_per_block)
                .map(|j| Layer::new(weights, j, config, if j == 0 { sizes } else { later }, attention))
                .collect(),
            downsampler: shrinks.then(|| {
                let sizes = ResnetSizes { resample: Resample::Down, ..later };
                ResnetBlock::new(&weights.at("downsamplers").at(0), config, sizes)
            }),
        }
    }

    /// Every layer's output is kept for the way up.
    pub(super) fn forward(
        &self,
        mut x: Tensor,
        time: &Tensor,
        condition: UNetCondition<'_>,
        skips: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        for layer in &self.layers {
            x = layer.forward(&[&x], time, condition)?;
            skips.push(x.clone());
        }
        if let Some(downsampler) = &self.downsampler {
            x = downsampler.forward(&[&x], time)?;
            skips.push(x.clone());
        }
        Ok(x)
    }
}

/// `UNetMidBlock2D` without attention or `UNetMidBlock2DSimpleCrossAttn`.
pub(super) struct MidBlock {
    first: Layer,
    second: ResnetBlock,
}

impl MidBlock {
    pub(super) fn new(weights: &WeightsReader, config: &UNetConfig, channels: usize, time_embed_dim: usize) -> Self {
        let sizes = ResnetSizes {
            output_scale_factor: config.mid_block_scale_factor,
            ..plain_sizes(config, channels, channels, time_embed_dim)
        };
        MidBlock {
            first: Layer::new(weights, 0, config, sizes, config.mid_attention),
            second: ResnetBlock::new(&weights.at("resnets").at(1), config, sizes),
        }
    }

    pub(super) fn forward(&self, x: Tensor, time: &Tensor, condition: UNetCondition<'_>) -> Result<Tensor> {
        let x = self.first.forward(&[&x], time, condition)?;
        self.second.forward(&[&x], time)
    }
}

/// `ResnetUpsampleBlock2D` or `SimpleCrossAttnUpBlock2D`.
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    upsampler: Option<ResnetBlock>,
}

impl UpBlock {
    pub(super) fn all(weights: &WeightsReader, config: &UNetConfig, time_embed_dim: usize) -> Vec<Self> {
        let channels: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let last = channels.len() - 1;
        (0..=last)
            .map(|i| {
                // The layers take, beside what comes from below, what the way down left at this level; the last one
                // what the level above handed down.
                let (previous, skip_of_last) = (channels[i.saturating_sub(1)], channels[(i + 1).min(last)]);
                let sizes = plain_sizes(config, previous, channels[i], time_embed_dim);
                let attention = config.up_blocks[i] == BlockType::SimpleCrossAttnUp;
                UpBlock::new(&weights.at(i), config, sizes, skip_of_last, attention, i != last)
            })
            .collect()
    }

    fn new(
        weights: &WeightsReader,
        config: &UNetConfig,
        sizes: ResnetSizes,
        skip_of_last: usize,
        attention: bool,
        grows: bool,
    ) -> Self {
        let out_channels = sizes.out_channels;
        let layers = (0..=config.layers_per_block)
            .map(|j| {
                let from_below = if j == 0 { sizes.in_channels } else { out_channels };
                let skip = if j == config.layers_per_block { skip_of_last } else { out_channels };
                let sizes = ResnetSizes { in_channels: from_below + skip, ..sizes };
                Layer::new(weights, j, config, sizes, attention)
            })
            .collect();
        let upsampler = grows.then(|| {
            let sizes = ResnetSizes { in_channels: out_channels, resample: Resample::Up, ..sizes };
            ResnetBlock::new(&weights.at("upsamplers").at(0), config, sizes)
        });
        UpBlock { layers, upsampler }
    }

    pub(super) fn forward(
        &self,
        mut x: Tensor,
        time: &Tensor,
        condition: UNetCondition<'_>,
        skips: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        for layer in &self.layers {
            let skip = skips.pop().expect("the way down leaves one tensor for every layer of the way up");
            x = layer.forward(&[&x, &skip], time, condition)?;
        }
        match &self.upsampler {
            Some(upsampler) => upsampler.forward(&[&x], time),
            None => Ok(x),
        }
    }
}

/// Sizes of a resnet that keeps the resolution.
fn plain_sizes(config: &UNetConfig, in_channels: usize, out_channels: usize, time_embed_dim: usize) -> ResnetSizes {
    ResnetSizes {
        in_channels,
        out_channels,
        time_embed_dim,
        resample: Resample::Keep,
        output_scale_factor: config.resnet_out_scale_factor,
    }
}
