//! Opening models and loading their parts inside a node.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use easel_engine::{Context, NodeError};

use crate::error::Result;
use crate::tokenizer::{ClipTokenizer, TokenizerFiles};
use crate::weights::{Download, Hub, ModelFolder, WeightsReader};

/// The models that a run has opened; a service of the run. Folders stay open, weights do not stay loaded.
#[derive(Default)]
pub struct Models {
    open: Mutex<HashMap<(String, PathBuf), Arc<ModelFolder>>>,
}

impl Models {
    /// The model named `source`; a relative path counts from `base_dir`. `on_progress` hears of a download.
    pub fn open(
        &self,
        source: &str,
        base_dir: &Path,
        on_progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<Arc<ModelFolder>> {
        let key = (source.to_string(), base_dir.to_path_buf());
        // A panic while the map was locked left it as it was before or after one insertion: both are fine.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = open.get(&key) {
            return Ok(Arc::clone(folder));
        }
        let folder = Arc::new(ModelFolder::open_with(source, base_dir, &Hub::from_env(), on_progress)?);
        open.insert(key, Arc::clone(&folder));
        Ok(folder)
    }
}

/// Opens the model that a node's `model` input names.
pub fn open(context: &mut Context<'_>, source: &str) -> Result<Arc<ModelFolder>, NodeError> {
    let (models, base_dir) = (context.service::<Models>()?, context.base_dir());
    // A download cannot be broken off in the middle: a cancelled run notices after it, and the file is kept.
    let mut on_progress = |download: Download<'_>| {
        let mib = |bytes: u64| (bytes >> 20) as usize;
        let _ = context.progress(mib(download.done), mib(download.total).max(1));
    };
    let folder = models.open(source, base_dir, &mut on_progress)?;
    context.check_cancelled()?;
    Ok(folder)
}

/// Reads a part's configuration.
pub fn config<C>(folder: &ModelFolder, part: &str, parse: fn(&[u8], &str) -> Result<C>) -> Result<C> {
    json(folder, &format!("{part}/config.json"), parse)
}

/// Reads one of a model's JSON files.
pub fn json<C>(folder: &ModelFolder, file: &str, parse: fn(&[u8], &str) -> Result<C>) -> Result<C> {
    parse(&folder.read(file)?, &format!("{}/{file}", folder.describe()))
}

/// Loads a part's weights, warns of tensors that nothing uses and notes the files' hash for the picture's recipe.
pub fn load<M>(
    context: &mut Context<'_>,
    folder: &ModelFolder,
    part: &str,
    build: impl FnOnce(&WeightsReader) -> M,
) -> Result<M, NodeError> {
    let weights = folder.weights(part)?;
    let loaded = weights.load(build)?;
    if let [first, ..] = loaded.unused.as_slice() {
        let count = loaded.unused.len();
        context.warn(format!("{count} tensor(s) of `{part}` in {} are not used, `{first}` first", folder.describe()));
    }
    context.note(format!("weights.{part}"), weights.fingerprint()?);
    Ok(loaded.model)
}

/// Reads a model's tokenizer.
pub fn tokenizer(folder: &ModelFolder) -> Result<ClipTokenizer> {
    let read = |name: &str| {
        let path = format!("tokenizer/{name}");
        if folder.exists(&path) { folder.read(&path).map(|bytes| Some(Cow::from(bytes.to_vec()))) } else { Ok(None) }
    };
    ClipTokenizer::from_files(&TokenizerFiles {
        folder: format!("{}/tokenizer", folder.describe()),
        vocab_json: read("vocab.json")?,
        merges_txt: read("merges.txt")?,
        tokenizer_json: read("tokenizer.json")?,
        tokenizer_config_json: read("tokenizer_config.json")?,
        special_tokens_map_json: read("special_tokens_map.json")?,
    })
}
