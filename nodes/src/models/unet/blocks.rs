//! Down, mid and up blocks.
//!
//! What a block computes from the timesteps and from the condition alone does not depend on the picture: it is prepared once
//! for a whole sampling loop, in a tree of the blocks' own form.

use easel_kernels::{DType, Result, Tensor};

use super::UNetCondition;
use super::attention::{AddedKvAttention, PreparedContext};
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

    fn prepare(&self, loop_inputs: &mut LoopInputs<'_>) -> Result<PreparedLayer> {
        let context = self.attention.as_ref().map(|attention| attention.prepare(loop_inputs.condition)).transpose()?;
        Ok(PreparedLayer { time: loop_inputs.prepare(&self.resnet)?, context: context.unwrap_or_default() })
    }

    fn forward(&self, sources: &[&Tensor], prepared: &PreparedLayer, time: &Tensor) -> Result<Tensor> {
        let x = self.resnet.forward(sources, &prepared.time.of(time)?)?;
        match &self.attention {
            Some(attention) => attention.forward(&x, &prepared.context),
            None => Ok(x),
        }
    }
}

/// What is known of a sampling loop before its first step, and what the resnets made of its timesteps.
pub(super) struct LoopInputs<'a> {
    /// `[steps · batch, time_embed_dim]`, activated.
    time: &'a Tensor,
    steps: usize,
    batch: usize,
    condition: UNetCondition<'a>,
    /// Of each resnet, `[steps, batch · channels]`.
    projections: Vec<Tensor>,
    /// Numbers of a step in all of them.
    width: usize,
}

impl<'a> LoopInputs<'a> {
    pub(super) fn new(time: &'a Tensor, steps: usize, batch: usize, condition: UNetCondition<'a>) -> Self {
        LoopInputs { time, steps, batch, condition, projections: Vec::new(), width: 0 }
    }

    fn prepare(&mut self, resnet: &ResnetBlock) -> Result<PreparedTime> {
        // They end up as biases and scales, which are float32 whatever the activations are.
        let projected = resnet.prepare(self.time)?.to_dtype(DType::F32)?;
        let prepared = PreparedTime { start: self.width, batch: self.batch, channels: projected.dims()[1] };
        let width = prepared.batch * prepared.channels;
        self.projections.push(projected.reshape([self.steps, width])?);
        self.width += width;
        Ok(prepared)
    }

    /// All projections, `[steps, width]`: a step's side by side, so that a step is one row.
    pub(super) fn finish(self) -> Result<Tensor> {
        Tensor::concat(&self.projections.iter().collect::<Vec<_>>(), 1)
    }
}

/// Where a resnet's time projection stands among a step's.
struct PreparedTime {
    start: usize,
    batch: usize,
    channels: usize,
}

impl PreparedTime {
    /// `time`: the projections of a step → `[batch, channels]`, shared.
    fn of(&self, time: &Tensor) -> Result<Tensor> {
        time.narrow(0, self.start, self.batch * self.channels)?.reshape([self.batch, self.channels])
    }
}

struct PreparedLayer {
    time: PreparedTime,
    context: PreparedContext,
}

/// Of a down, mid or up block: its layers, and the resnet that follows them, if there is one.
pub(super) struct PreparedBlock {
    layers: Vec<PreparedLayer>,
    last: Option<PreparedTime>,
}

impl PreparedBlock {
    fn new(layers: &[Layer], last: Option<&ResnetBlock>, loop_inputs: &mut LoopInputs<'_>) -> Result<Self> {
        Ok(PreparedBlock {
            layers: layers.iter().map(|layer| layer.prepare(loop_inputs)).collect::<Result<_>>()?,
            last: last.map(|resnet| loop_inputs.prepare(resnet)).transpose()?,
        })
    }

    /// Passes `x` through the resnet that follows the layers.
    fn pass_last(&self, last: Option<&ResnetBlock>, x: Tensor, time: &Tensor) -> Result<Tensor> {
        match (last, &self.last) {
            (Some(resnet), Some(prepared)) => resnet.forward(&[&x], &prepared.of(time)?),
            _ => Ok(x),
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

    pub(super) fn prepare(&self, loop_inputs: &mut LoopInputs<'_>) -> Result<PreparedBlock> {
        PreparedBlock::new(&self.layers, self.downsampler.as_ref(), loop_inputs)
    }

    /// Every layer's output is kept for the way up.
    pub(super) fn forward(
        &self,
        mut x: Tensor,
        prepared: &PreparedBlock,
        time: &Tensor,
        skips: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        for (layer, prepared) in self.layers.iter().zip(&prepared.layers) {
            x = layer.forward(&[&x], prepared, time)?;
            skips.push(x.clone());
        }
        if self.downsampler.is_some() {
            x = prepared.pass_last(self.downsampler.as_ref(), x, time)?;
            skips.push(x.clone());
        }
        Ok(x)
    }
}

/// `UNetMidBlock2D` without attention or `UNetMidBlock2DSimpleCrossAttn`.
pub(super) struct MidBlock {
    first: [Layer; 1],
    second: ResnetBlock,
}

impl MidBlock {
    pub(super) fn new(weights: &WeightsReader, config: &UNetConfig, channels: usize, time_embed_dim: usize) -> Self {
        let sizes = ResnetSizes {
            output_scale_factor: config.mid_block_scale_factor,
            ..plain_sizes(config, channels, channels, time_embed_dim)
        };
        MidBlock {
            first: [Layer::new(weights, 0, config, sizes, config.mid_attention)],
            second: ResnetBlock::new(&weights.at("resnets").at(1), config, sizes),
        }
    }

    pub(super) fn prepare(&self, loop_inputs: &mut LoopInputs<'_>) -> Result<PreparedBlock> {
        PreparedBlock::new(&self.first, Some(&self.second), loop_inputs)
    }

    pub(super) fn forward(&self, x: Tensor, prepared: &PreparedBlock, time: &Tensor) -> Result<Tensor> {
        let mut layers = self.first.iter().zip(&prepared.layers);
        let x = layers.try_fold(x, |x, (layer, prepared)| layer.forward(&[&x], prepared, time))?;
        prepared.pass_last(Some(&self.second), x, time)
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

    pub(super) fn prepare(&self, loop_inputs: &mut LoopInputs<'_>) -> Result<PreparedBlock> {
        PreparedBlock::new(&self.layers, self.upsampler.as_ref(), loop_inputs)
    }

    pub(super) fn forward(
        &self,
        mut x: Tensor,
        prepared: &PreparedBlock,
        time: &Tensor,
        skips: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        for (layer, prepared) in self.layers.iter().zip(&prepared.layers) {
            let skip = skips.pop().expect("the way down leaves one tensor for every layer of the way up");
            x = layer.forward(&[&x, &skip], prepared, time)?;
        }
        prepared.pass_last(self.upsampler.as_ref(), x, time)
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
