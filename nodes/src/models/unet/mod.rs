//! The UNets of the decoder and of super-resolution, as in diffusers' `UNet2DConditionModel` and `UNet2DModel` with
//! `Resnet…Block2D` and `SimpleCrossAttn…Block2D` blocks.

mod attention;
mod blocks;
mod resnet;

use easel_kernels::ops::{self, Activation, Epilogue};
use easel_kernels::{Placement, Result, Tensor};

use self::blocks::{DownBlock, LoopInputs, MidBlock, PreparedBlock, UpBlock};
use crate::config::UNetConfig;
use crate::models::layers::{Conv2d, GroupNorm, TimestepEmbedding};
use crate::weights::WeightsReader;

/// A UNet.
pub struct UNet {
    time_embedding: TimestepEmbedding,
    conv_in: Conv2d,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    config: UNetConfig,
    place: Placement,
}

/// What conditions a UNet beside the timestep; a super-resolution network takes none.
#[derive(Clone, Copy, Default)]
pub struct UNetCondition<'a> {
    /// `[batch, tokens, cross_attention_dim]`, for blocks with attention.
    pub encoder_hidden_states: Option<&'a Tensor>,
    /// `[batch, tokens]`: 0 for a token, −10000 for padding.
    pub encoder_key_bias: Option<&'a Tensor>,
    /// `[batch, time_embed_dim]`, added to the time embedding.
    pub class_labels: Option<&'a Tensor>,
}

impl UNet {
    /// Builds it from the root of a `decoder` or `super_res_*` part.
    pub fn new(weights: &WeightsReader, config: &UNetConfig) -> Self {
        let channels = &config.block_out_channels;
        let (first, last) = (channels[0], channels[channels.len() - 1]);
        let time_embed_dim = 4 * first;
        UNet {
            time_embedding: TimestepEmbedding::new(&weights.at("time_embedding"), first, time_embed_dim),
            conv_in: Conv2d::new(&weights.at("conv_in"), config.in_channels, first, 3),
            down_blocks: DownBlock::all(&weights.at("down_blocks"), config, time_embed_dim),
            mid_block: MidBlock::new(&weights.at("mid_block"), config, last, time_embed_dim),
            up_blocks: UpBlock::all(&weights.at("up_blocks"), config, time_embed_dim),
            conv_norm_out: GroupNorm::new(&weights.at("conv_norm_out"), config.norm_num_groups, first, config.norm_eps),
            conv_out: Conv2d::new(&weights.at("conv_out"), first, config.out_channels, 3),
            config: config.clone(),
            place: weights.place(),
        }
    }

    /// Where it computes: what it is given must be there.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// Its configuration.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// Computes what the steps of a sampling loop take from its timesteps and its condition alone: every projection of
    /// the time embedding, and the keys and values of the context.
    ///
    /// # Errors
    /// Tensors of other shapes than [`UNetCondition`] says, or no memory.
    pub fn prepare(&self, batch: usize, timesteps: &[f32], condition: UNetCondition<'_>) -> Result<PreparedLoop> {
        let time = self.activated_time_embedding(batch, timesteps, condition)?;
        let mut loop_inputs = LoopInputs::new(&time, timesteps.len(), batch, condition);
        let inputs = &mut loop_inputs;
        Ok(PreparedLoop {
            down_blocks: self.down_blocks.iter().map(|block| block.prepare(inputs)).collect::<Result<_>>()?,
            mid_block: self.mid_block.prepare(inputs)?,
            up_blocks: self.up_blocks.iter().map(|block| block.prepare(inputs)).collect::<Result<_>>()?,
            time: loop_inputs.finish()?,
        })
    }

    /// Step `step` of the loop that `prepared` was made for, with its batch: `sample: [batch, height, width, in_channels]` →
    /// `[batch, height, width, out_channels]`. Height and width divide by 2 as often as there are blocks less one.
    ///
    /// # Errors
    /// A step that the loop has not, shapes that do not fit, or no memory.
    pub fn step(&self, sample: &Tensor, prepared: &PreparedLoop, step: usize) -> Result<Tensor> {
        self.forward(sample, prepared, &prepared.time(step)?)
    }

    /// The same, with the step given as its [`PreparedLoop::time`].
    ///
    /// # Errors
    /// Shapes that do not fit, or no memory.
    pub fn forward(&self, sample: &Tensor, prepared: &PreparedLoop, time: &Tensor) -> Result<Tensor> {
        // From [0, 1] to [−1, 1].
        let sample = if self.config.center_input_sample { &ops::affine(sample, 2.0, -1.0)? } else { sample };
        let sample = sample.to_dtype(self.place.activations())?;
        let mut x = self.conv_in.fused(&[&sample], Epilogue { moments: true, ..Default::default() })?;
        let mut skips = vec![x.clone()];
        for (block, prepared) in self.down_blocks.iter().zip(&prepared.down_blocks) {
            x = block.forward(x, prepared, time, &mut skips)?;
        }
        x = self.mid_block.forward(x, &prepared.mid_block, time)?;
        for (block, prepared) in self.up_blocks.iter().zip(&prepared.up_blocks) {
            x = block.forward(x, prepared, time, &mut skips)?;
        }
        self.conv_out.forward(&self.conv_norm_out.fused(&[&x], None, Activation::Silu)?)
    }

    /// `[timesteps · batch, time_embed_dim]`. Every resnet applies SiLU to the time embedding before its projection: done
    /// once here.
    fn activated_time_embedding(
        &self,
        batch: usize,
        timesteps: &[f32],
        condition: UNetCondition<'_>,
    ) -> Result<Tensor> {
        let config = &self.config;
        let channels = config.block_out_channels[0];
        let embedding = ops::timestep_embedding(timesteps, channels, config.flip_sin_to_cos, config.freq_shift)?;
        let embedding = self.time_embedding.forward(&self.place.activation(&embedding)?)?.repeat_interleave(batch)?;
        let Some(labels) = condition.class_labels else { return ops::silu(&embedding) };
        let all = embedding.shape().clone();
        let steps = embedding.reshape([timesteps.len(), batch, 4 * channels])?;
        ops::silu(&ops::add(&steps, labels)?.reshape(all)?)
    }
}

/// What a UNet takes from the timesteps and the condition of a sampling loop: what [`UNet::prepare`] gives.
pub struct PreparedLoop {
    down_blocks: Vec<PreparedBlock>,
    mid_block: PreparedBlock,
    up_blocks: Vec<PreparedBlock>,
    /// All projections of the time embedding, a row for every step.
    time: Tensor,
}

impl PreparedLoop {
    /// What [`UNet::forward`] takes of step `step`: one row of numbers.
    ///
    /// # Errors
    /// A step that the loop has not.
    pub fn time(&self, step: usize) -> Result<Tensor> {
        self.time.narrow(0, step, 1)?.reshape([self.time.dims()[1]])
    }
}
