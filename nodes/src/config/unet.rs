//! The U-nets: the decoder (UNet2DConditionModel) and the super-resolution networks (UNet2DModel).

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::fields::{Fields, WIDTH};
use crate::error::Result;

/// Levels of a U-net, at most: a picture can be halved only so often.
const LEVELS: usize = 12;

/// No network of this kind draws larger: no weight's shape tells a wrong size from a right one, and memory goes with
/// its square.
const SIDE: RangeInclusive<usize> = 1..=2048;

/// One level of a U-net.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockType {
    /// `ResnetDownsampleBlock2D`.
    ResnetDownsample,
    /// `SimpleCrossAttnDownBlock2D`.
    SimpleCrossAttnDown,
    /// `ResnetUpsampleBlock2D`.
    ResnetUpsample,
    /// `SimpleCrossAttnUpBlock2D`.
    SimpleCrossAttnUp,
}

impl BlockType {
    /// Whether each of its resnets is followed by an attention.
    pub fn has_attention(self) -> bool {
        matches!(self, BlockType::SimpleCrossAttnDown | BlockType::SimpleCrossAttnUp)
    }
}

const DOWN: &[(&str, BlockType)] = &[
    ("ResnetDownsampleBlock2D", BlockType::ResnetDownsample),
    ("SimpleCrossAttnDownBlock2D", BlockType::SimpleCrossAttnDown),
];

const UP: &[(&str, BlockType)] =
    &[("ResnetUpsampleBlock2D", BlockType::ResnetUpsample), ("SimpleCrossAttnUpBlock2D", BlockType::SimpleCrossAttnUp)];

/// How a resnet takes in the time embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeShift {
    /// Added before the second norm ("default").
    Add,
    /// Scale and shift after the second norm ("scale_shift").
    ScaleShift,
}

/// diffusers' `UNet2DConditionModel` and `UNet2DModel`, as far as models of this family use them.
#[derive(Clone, Debug, PartialEq)]
pub struct UNetConfig {
    /// Side of the pictures it was made for.
    pub sample_size: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Channels of each level.
    pub block_out_channels: Vec<usize>,
    /// Resnets of a level (one more on the way up).
    pub layers_per_block: usize,
    /// The levels on the way down.
    pub down_blocks: Vec<BlockType>,
    /// The levels on the way up.
    pub up_blocks: Vec<BlockType>,
    /// Whether the middle block attends.
    pub mid_attention: bool,
    /// Groups of every group norm; they divide every level's channels.
    pub norm_num_groups: usize,
    /// Epsilon of the group norms of resnets and output.
    pub norm_eps: f32,
    /// Width of the tokens that are attended to; `None` without attention.
    pub cross_attention_dim: Option<usize>,
    /// Width of a head.
    pub attention_head_dim: usize,
    /// How a resnet takes in the time embedding.
    pub time_shift: TimeShift,
    /// Whether cosines precede sines in the time embedding.
    pub flip_sin_to_cos: bool,
    /// Taken from the divisor of the time embedding's frequencies.
    pub freq_shift: f32,
    /// Whether the input is first brought from 0…1 to −1…1.
    pub center_input_sample: bool,
    /// Whether an embedding from outside is added to the time embedding.
    pub class_embed_identity: bool,
    /// What the middle block's resnets divide their result by.
    pub mid_block_scale_factor: f32,
    /// What the other resnets divide their result by.
    pub resnet_out_scale_factor: f32,
}

impl UNetConfig {
    /// Reads `config.json` of a decoder or of a super-resolution network; `_class_name` says which of the two it is.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        let classes = [("UNet2DConditionModel", true), ("UNet2DModel", false)];
        let conditional = fields.choice("_class_name", None, &classes).unwrap_or(true);
        let config = Self::read(&mut fields, conditional);
        if conditional {
            refuse_conditional(&mut fields)
        } else {
            refuse_plain(&mut fields)
        }
        if fields.is_sound() {
            config.check(&mut fields);
        }
        fields.finish()?;
        Ok(config)
    }

    /// Channels of the time embedding.
    pub fn time_embed_dim(&self) -> usize {
        4 * self.block_out_channels.first().copied().unwrap_or(0)
    }

    fn read(fields: &mut Fields, conditional: bool) -> Self {
        let block_out_channels = fields.sizes("block_out_channels", WIDTH, LEVELS);
        let levels = block_out_channels.len();
        let down_blocks = fields.choices("down_block_types", DOWN);
        let up_blocks = fields.choices("up_block_types", UP);
        let mid = [("UNetMidBlock2DSimpleCrossAttn", true), ("UNetMidBlock2D", false)];
        // The decoder's class defaults to a middle block of another model, so there the file must name it.
        let mid_attention = fields
            .choice("mid_block_type", (!conditional).then_some(false), if conditional { &mid } else { &mid[1..] })
            .unwrap_or(false);
        let attends = mid_attention || down_blocks.iter().chain(&up_blocks).any(|block| block.has_attention());
        let shifts = [("default", TimeShift::Add), ("scale_shift", TimeShift::ScaleShift)];
        Self {
            sample_size: fields.square("sample_size", SIDE),
            in_channels: fields.size("in_channels", Some(if conditional { 4 } else { 3 }), 1..=1024),
            out_channels: fields.size("out_channels", Some(if conditional { 4 } else { 3 }), 1..=1024),
            layers_per_block: fields.uniform_size("layers_per_block", Some(2), 1..=64, levels),
            mid_attention,
            norm_num_groups: fields.size("norm_num_groups", Some(32), 1..=1024),
            norm_eps: fields.number("norm_eps", 1e-5, 1e-12..=0.1) as f32,
            cross_attention_dim: conditional
                .then(|| fields.uniform_size("cross_attention_dim", Some(1280), WIDTH, levels))
                .filter(|_| attends),
            attention_head_dim: fields.uniform_size("attention_head_dim", Some(8), 1..=4096, levels),
            time_shift: fields
                .choice("resnet_time_scale_shift", Some(TimeShift::Add), &shifts)
                .unwrap_or(TimeShift::Add),
            flip_sin_to_cos: fields.flag("flip_sin_to_cos", true),
            freq_shift: fields.number("freq_shift", 0.0, 0.0..=1.0) as f32,
            center_input_sample: fields.flag("center_input_sample", false),
            class_embed_identity: fields.has("class_embed_type")
                && fields.choice("class_embed_type", None, &[("identity", true)]).unwrap_or(false),
            mid_block_scale_factor: fields.number("mid_block_scale_factor", 1.0, 1e-3..=1e3) as f32,
            resnet_out_scale_factor: if conditional {
                fields.number("resnet_out_scale_factor", 1.0, 1e-3..=1e3) as f32
            } else {
                1.0
            },
            block_out_channels,
            down_blocks,
            up_blocks,
        }
    }

    /// How the fields must fit together.
    fn check(&self, fields: &mut Fields) {
        let levels = self.block_out_channels.len();
        if self.down_blocks.len() != levels || self.up_blocks.len() != levels {
            fields.problem(format!(
                "`block_out_channels` has {levels} levels, `down_block_types` {}, `up_block_types` {}: they should be \
                 equal",
                self.down_blocks.len(),
                self.up_blocks.len()
            ));
            return;
        }
        for &channels in &self.block_out_channels {
            if !channels.is_multiple_of(self.norm_num_groups) {
                fields.problem(format!(
                    "`block_out_channels` {channels} is not a multiple of `norm_num_groups` {}",
                    self.norm_num_groups
                ));
            }
        }
        if self.block_out_channels.first().is_some_and(|channels| !channels.is_multiple_of(2)) {
            fields.problem("the first of `block_out_channels` should be even (half sines, half cosines)".into());
        }
        self.check_heads(fields);
        let halvings = levels - 1;
        if !self.sample_size.is_multiple_of(1 << halvings) {
            fields.problem(format!("`sample_size` {} cannot be halved {halvings} times", self.sample_size));
        }
    }

    /// Where a level attends, its channels must fall into whole heads.
    fn check_heads(&self, fields: &mut Fields) {
        let up = self.up_blocks.iter().rev().map(|block| block.has_attention());
        let attends: Vec<bool> = self.down_blocks.iter().zip(up).map(|(down, up)| down.has_attention() || up).collect();
        for (level, &channels) in self.block_out_channels.iter().enumerate() {
            let attends = attends[level] || (self.mid_attention && level + 1 == self.block_out_channels.len());
            if attends && !channels.is_multiple_of(self.attention_head_dim) {
                fields.problem(format!(
                    "`block_out_channels` {channels} attends, yet is not a multiple of `attention_head_dim` {}",
                    self.attention_head_dim
                ));
            }
        }
    }
}

/// Settings of both classes that would change the parameters or the computation.
fn refuse_common(fields: &mut Fields) {
    fields.only("act_fn", json!("silu"), &[json!("silu"), json!("swish")]);
    fields.only("time_embedding_type", json!("positional"), &[json!("positional")]);
    fields.off(&["time_embedding_dim", "num_class_embeds"]);
    // Resnet and SimpleCrossAttn blocks halve and double with a resnet, whatever these say.
    fields.inert(&["dropout", "downsample_padding"]);
}

/// Settings of UNet2DModel alone.
fn refuse_plain(fields: &mut Fields) {
    refuse_common(fields);
    fields.only("add_attention", json!(true), &[json!(false)]);
    // The first two are for other kinds of blocks, the third for attention, the last for learned time embeddings.
    fields.inert(&["downsample_type", "upsample_type", "attn_norm_num_groups", "num_train_timesteps"]);
}

/// Settings of UNet2DConditionModel alone.
fn refuse_conditional(fields: &mut Fields) {
    refuse_common(fields);
    fields.only("conv_in_kernel", json!(3), &[json!(3)]);
    fields.only("conv_out_kernel", json!(3), &[json!(3)]);
    fields.only("attention_type", json!("default"), &[json!("default")]);
    fields.off(&[
        "addition_embed_type",
        "class_embeddings_concat",
        "cross_attention_norm",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "mid_block_only_cross_attention",
        "num_attention_heads",
        "resnet_skip_time_act",
        "time_cond_proj_dim",
        "time_embedding_act_fn",
        "timestep_post_act",
    ]);
    if let Some(value) = fields.take("only_cross_attention") {
        let off = |value: &Value| *value == Value::Bool(false);
        if !off(&value) && !value.as_array().is_some_and(|list| list.iter().all(off)) {
            fields.wrong("only_cross_attention", &value, "false (nothing else is supported)");
        }
    }
    // For additional embeddings and projected classes (both refused above), and for transformer blocks, which are
    // not among the blocks supported. SimpleCrossAttn blocks always compute their softmax in float32.
    fields.inert(&[
        "addition_embed_type_num_heads",
        "addition_time_embed_dim",
        "dual_cross_attention",
        "projection_class_embeddings_input_dim",
        "reverse_transformer_layers_per_block",
        "transformer_layers_per_block",
        "upcast_attention",
        "use_linear_projection",
    ]);
}
