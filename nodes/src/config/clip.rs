//! The two towers of CLIP.

use easel_kernels::ops::Activation;
use serde_json::{Value, json};

use super::fields::{CONTEXT, Fields, IMAGE, LAYERS, VOCABULARY, WIDTH};
use crate::error::Result;

/// What transformers writes into every configuration and CLIP never reads, or reads only to train or to generate text.
const INERT: &[&str] = &[
    "add_cross_attention",
    "architectures",
    "attention_dropout",
    "attn_implementation",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "cross_attention_hidden_size",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dropout",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "id2label",
    "initializer_factor",
    "initializer_range",
    "is_decoder",
    "is_encoder_decoder",
    "label2id",
    "length_penalty",
    "logit_scale_init_value",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "problem_type",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tie_word_embeddings",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "use_bfloat16",
    "use_cache",
];

const ACTIVATIONS: &[(&str, Activation)] = &[
    ("quick_gelu", Activation::QuickGelu),
    ("gelu", Activation::Gelu),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
];

/// The text tower of CLIP (CLIPTextModel, CLIPTextModelWithProjection, or the text half of a CLIPModel).
#[derive(Clone, Debug, PartialEq)]
pub struct ClipTextConfig {
    /// Entries of the vocabulary.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Heads of each attention; they divide the width.
    pub num_attention_heads: usize,
    /// Tokens of the longest text.
    pub max_position_embeddings: usize,
    /// Width of the projected embedding.
    pub projection_dim: usize,
    /// Between the two feed-forward layers.
    pub hidden_act: Activation,
    /// Epsilon of every layer norm.
    pub layer_norm_eps: f32,
    /// The token whose state is the text's embedding: the first one of this id, except that 2 means, as in
    /// transformers, the highest id of the text (old checkpoints say 2 whatever their vocabulary).
    pub eos_token_id: u32,
}

impl ClipTextConfig {
    /// Reads `config.json` of a text model, or the text half of a whole CLIP model's.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        parse_tower(json, file, &TEXT, Self::read)
    }

    fn read(fields: &mut Fields, projection_dim: Option<usize>) -> Self {
        let own_projection = fields.size("projection_dim", Some(512), WIDTH);
        let tower = Tower::read(fields, [512, 2048, 12, 8]);
        Self {
            vocab_size: fields.size("vocab_size", Some(49_408), VOCABULARY),
            hidden_size: tower.hidden_size,
            intermediate_size: tower.intermediate_size,
            num_hidden_layers: tower.num_hidden_layers,
            num_attention_heads: tower.num_attention_heads,
            max_position_embeddings: fields.size("max_position_embeddings", Some(77), CONTEXT),
            projection_dim: projection_dim.unwrap_or(own_projection),
            hidden_act: tower.hidden_act,
            layer_norm_eps: tower.layer_norm_eps,
            eos_token_id: fields.size("eos_token_id", Some(49_407), 0..=u32::MAX as usize) as u32,
        }
    }
}

/// The picture tower of CLIP (CLIPVisionModelWithProjection, or the vision half of a CLIPModel).
#[derive(Clone, Debug, PartialEq)]
pub struct ClipVisionConfig {
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Heads of each attention; they divide the width.
    pub num_attention_heads: usize,
    /// Side of the pictures it takes.
    pub image_size: usize,
    /// Side of a patch; pixels that fill no whole patch are left out, as in transformers.
    pub patch_size: usize,
    /// Colours of a pixel.
    pub num_channels: usize,
    /// Width of the projected embedding.
    pub projection_dim: usize,
    /// Between the two feed-forward layers.
    pub hidden_act: Activation,
    /// Epsilon of every layer norm.
    pub layer_norm_eps: f32,
}

impl ClipVisionConfig {
    /// Reads `config.json` of a vision model, or the vision half of a whole CLIP model's.
    ///
    /// # Errors
    /// Fields that are missing, out of bounds, unknown or not supported: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        parse_tower(json, file, &VISION, Self::read)
    }

    fn read(fields: &mut Fields, projection_dim: Option<usize>) -> Self {
        let own_projection = fields.size("projection_dim", Some(512), WIDTH);
        let tower = Tower::read(fields, [768, 3072, 12, 12]);
        let image_size = fields.size("image_size", Some(224), IMAGE);
        let patch_size = fields.size("patch_size", Some(32), IMAGE);
        if fields.is_sound() && patch_size > image_size {
            fields.problem(format!("a patch of {patch_size} pixels does not fit a picture of {image_size}"));
        }
        Self {
            hidden_size: tower.hidden_size,
            intermediate_size: tower.intermediate_size,
            num_hidden_layers: tower.num_hidden_layers,
            num_attention_heads: tower.num_attention_heads,
            image_size,
            patch_size,
            num_channels: fields.size("num_channels", Some(3), 3..=3),
            projection_dim: projection_dim.unwrap_or(own_projection),
            hidden_act: tower.hidden_act,
            layer_norm_eps: tower.layer_norm_eps,
        }
    }

    /// Patches of one picture, without the class token.
    pub fn num_patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }
}

/// What both towers have.
struct Tower {
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_act: Activation,
    layer_norm_eps: f32,
}

impl Tower {
    /// The defaults are those of the width, the inner width, the layers and the heads.
    fn read(fields: &mut Fields, [hidden, intermediate, layers, heads]: [usize; 4]) -> Self {
        let tower = Self {
            hidden_size: fields.size("hidden_size", Some(hidden), WIDTH),
            intermediate_size: fields.size("intermediate_size", Some(intermediate), 1..=4 * WIDTH.end()),
            num_hidden_layers: fields.size("num_hidden_layers", Some(layers), LAYERS),
            num_attention_heads: fields.size("num_attention_heads", Some(heads), LAYERS),
            hidden_act: fields
                .choice("hidden_act", Some(Activation::QuickGelu), ACTIVATIONS)
                .unwrap_or(Activation::QuickGelu),
            layer_norm_eps: fields.number("layer_norm_eps", 1e-5, 1e-12..=0.1) as f32,
        };
        fields.only("pruned_heads", json!({}), &[json!({}), Value::Null]);
        if fields.is_sound() && !tower.hidden_size.is_multiple_of(tower.num_attention_heads) {
            fields.problem(format!(
                "`hidden_size` {} cannot be shared among `num_attention_heads` {}",
                tower.hidden_size, tower.num_attention_heads
            ));
        }
        tower
    }
}

/// Where a tower stands in a whole CLIP model's configuration.
struct TowerNames {
    nested: &'static str,
    other: &'static [&'static str],
    /// An older key that, where it is an object, overrules the whole nested one.
    overruling: &'static str,
    model_type: &'static str,
}

const TEXT: TowerNames = TowerNames {
    nested: "text_config",
    other: &["vision_config", "vision_config_dict"],
    overruling: "text_config_dict",
    model_type: "clip_text_model",
};

const VISION: TowerNames = TowerNames {
    nested: "vision_config",
    other: &["text_config", "text_config_dict"],
    overruling: "vision_config_dict",
    model_type: "clip_vision_model",
};

fn parse_tower<T>(json: &[u8], file: &str, names: &TowerNames, read: fn(&mut Fields, Option<usize>) -> T) -> Result<T> {
    let mut fields = Fields::parse(json, file)?;
    let is_whole = fields.has("text_config") || fields.has("vision_config");
    let config = if is_whole {
        // The projections belong to the whole model, so its own dimension counts, not that of the nested object.
        let projection_dim = fields.size("projection_dim", Some(512), WIDTH);
        let nested = fields.object(names.nested);
        let overruling = fields.object(names.overruling);
        fields.inert(names.other);
        fields.only("model_type", json!("clip"), &[json!("clip")]);
        let mut inner = match overruling.or(nested) {
            Some(inner) => inner,
            None => Fields::parse(b"{}", file)?,
        };
        let config = read_one(&mut inner, names, Some(projection_dim), read);
        fields.absorb(names.nested, inner);
        config
    } else {
        read_one(&mut fields, names, None, read)
    };
    fields.inert(INERT);
    fields.finish()?;
    Ok(config)
}

fn read_one<T>(
    fields: &mut Fields,
    names: &TowerNames,
    projection_dim: Option<usize>,
    read: fn(&mut Fields, Option<usize>) -> T,
) -> T {
    let model_type = Value::from(names.model_type);
    fields.only("model_type", model_type.clone(), &[model_type]);
    let config = read(fields, projection_dim);
    fields.inert(INERT);
    config
}
