//! The models that are embedded in the program.

/// Name → path in the model's folder → content.
pub(super) struct BuiltinModel {
    /// What stands after `builtin:`.
    pub(super) name: &'static str,
    /// The files of the model, without those that only its makers need.
    pub(super) files: &'static [(&'static str, &'static [u8])],
}

/// Embeds the listed files of `workflows/models/NAME/`. Listed one by one, so that recipes and training data that lie
/// in the same folder stay out of the program.
#[cfg(feature = "builtin-models")]
macro_rules! embed {
    ($name:literal: $($path:literal),+ $(,)?) => {
        BuiltinModel {
            name: $name,
            files: &[$((
                $path,
                include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows/models/", $name, "/", $path)),
            )),+],
        }
    };
}

/// All of them.
#[cfg(feature = "builtin-models")]
pub(super) static MODELS: &[BuiltinModel] = &[embed!("emoji-unclip":
    "model_index.json",
    "model_index.image_variation.json",
    "decoder/config.json",
    "decoder/diffusion_pytorch_model.safetensors",
    "decoder_scheduler/scheduler_config.json",
    "feature_extractor/preprocessor_config.json",
    "image_encoder/config.json",
    "image_encoder/model.safetensors",
    "prior/config.json",
    "prior/diffusion_pytorch_model.safetensors",
    "prior_scheduler/scheduler_config.json",
    "super_res_first/config.json",
    "super_res_first/diffusion_pytorch_model.safetensors",
    "super_res_last/config.json",
    "super_res_last/diffusion_pytorch_model.safetensors",
    "super_res_scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "text_proj/config.json",
    "text_proj/diffusion_pytorch_model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
)];

/// None: the program was built without them.
#[cfg(not(feature = "builtin-models"))]
pub(super) static MODELS: &[BuiltinModel] = &[];
