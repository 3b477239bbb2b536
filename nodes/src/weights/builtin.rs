//! The models that are embedded in the program.

use std::sync::OnceLock;

use easel_engine::Fingerprint;

/// A model inside the program.
pub(super) struct BuiltinModel {
    /// What stands after `builtin:`.
    pub(super) name: &'static str,
    /// The files of the model, without those that only its makers need.
    pub(super) files: &'static [&'static BuiltinFile],
}

/// A file inside the program.
pub(super) struct BuiltinFile {
    /// Its path in the model's folder.
    pub(super) path: &'static str,
    /// Its content.
    pub(super) bytes: &'static [u8],
    hash: OnceLock<Fingerprint>,
}

impl BuiltinModel {
    /// The file of that path.
    pub(super) fn find(&self, path: &str) -> Option<&'static BuiltinFile> {
        self.files.iter().copied().find(|file| file.path == path)
    }
}

impl BuiltinFile {
    #[cfg(feature = "builtin-models")]
    const fn new(path: &'static str, bytes: &'static [u8]) -> Self {
        BuiltinFile { path, bytes, hash: OnceLock::new() }
    }

    /// The content's BLAKE3: computed once per process, as the content is known to be the same all along.
    pub(super) fn hash(&self) -> Fingerprint {
        let hash = || *blake3::Hasher::new().update_rayon(self.bytes).finalize().as_bytes();
        *self.hash.get_or_init(|| Fingerprint(hash()))
    }
}

/// Embeds the listed files of `workflows/models/NAME/`. Listed one by one, so that recipes and training data that lie
/// in the same folder stay out of the program.
#[cfg(feature = "builtin-models")]
macro_rules! embed {
    ($name:literal: $($path:literal),+ $(,)?) => {
        BuiltinModel {
            name: $name,
            files: &[$({
                const BYTES: &[u8] =
                    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows/models/", $name, "/", $path));
                static FILE: BuiltinFile = BuiltinFile::new($path, BYTES);
                &FILE
            }),+],
        }
    };
}

#[cfg(feature = "builtin-models")]
const EMOJI_UNCLIP: BuiltinModel = embed!("emoji-unclip":
    "LICENSES.md",
    "model_card.json",
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
);

#[cfg(feature = "builtin-models")]
const REALESR_ANIMEVIDEOV3: BuiltinModel = embed!("realesr-animevideov3-x4":
    "LICENSES.md",
    "model_card.json",
    "model_index.json",
    "upscaler/config.json",
    "upscaler/diffusion_pytorch_model.safetensors",
);

/// All of them.
#[cfg(feature = "builtin-models")]
pub(super) static MODELS: &[BuiltinModel] = &[EMOJI_UNCLIP, REALESR_ANIMEVIDEOV3];

/// None: the program was built without them.
#[cfg(not(feature = "builtin-models"))]
pub(super) static MODELS: &[BuiltinModel] = &[];
