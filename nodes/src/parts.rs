//! Opening models and loading their parts inside a node.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use easel_engine::{Context, Fingerprint, NodeError};
use easel_kernels::Placement;
use easel_kernels::shortage::{self, Holder};

use crate::error::Result;
use crate::kept::{KeptParts, PartKey};
use crate::memory;
use crate::tokenizer::{ClipTokenizer, TokenizerFiles};
use crate::weights::{Download, FileHashes, Hub, ModelFolder, WeightsReader};

/// The models that a process has opened; a service of its runs. Folders stay open; weights stay loaded only as far as
/// [`Models::keeping`] allows.
#[derive(Default)]
pub struct Models {
    /// None: what the environment says.
    hub: Option<Hub>,
    open: Mutex<HashMap<(String, PathBuf), Arc<ModelFolder>>>,
    /// Held while a model is fetched, so that two nodes of a run do not fetch it twice.
    fetching: Mutex<()>,
    hashes: FileHashes,
    kept: Arc<KeptParts>,
}

/// A part of a model, ready to compute.
pub struct LoadedPart<M> {
    /// The network.
    pub model: Arc<M>,
    /// Stored tensors that it does not use.
    pub unused: Arc<[String]>,
    /// What its weights are: see [`Weights::fingerprint`](crate::weights::Weights::fingerprint).
    pub fingerprint: String,
}

impl Models {
    /// Parts stay loaded after use as long as they take no more than `bytes` of the host's memory together, and of a GPU's
    /// no more than half of what this process can have there; those not used for the longest time leave first, and all on a
    /// GPU whose memory runs out. With 0, the default, each is dropped after use.
    pub fn keeping(bytes: u64) -> Self {
        let kept = Arc::new(KeptParts::new(bytes));
        if !kept.is_off() {
            let holder: Weak<dyn Holder> = Arc::<KeptParts>::downgrade(&kept);
            shortage::ask(holder);
        }
        Models { kept, ..Self::default() }
    }

    /// With a hub of one's own, in place of the one that the environment names.
    pub fn with_hub(self, hub: Hub) -> Self {
        Models { hub: Some(hub), ..self }
    }

    /// The model named `source`; a relative path counts from `base_dir`. `on_progress` hears of a download.
    pub fn open(
        &self,
        source: &str,
        base_dir: &Path,
        on_progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<Arc<ModelFolder>> {
        if let Some(folder) = self.opened(source, base_dir) {
            return Ok(folder);
        }
        let _fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = self.opened(source, base_dir) {
            return Ok(folder);
        }
        let folder = ModelFolder::open_with(source, base_dir, &self.hub(), on_progress)?;
        Ok(self.remember(source, base_dir, folder))
    }

    /// The model named `source` if it is on this machine; never fetches anything.
    pub fn find(&self, source: &str, base_dir: &Path) -> Result<Option<Arc<ModelFolder>>> {
        if let Some(folder) = self.opened(source, base_dir) {
            return Ok(Some(folder));
        }
        let found = ModelFolder::find(source, base_dir, &self.hub())?;
        Ok(found.map(|folder| self.remember(source, base_dir, folder)))
    }

    /// What is in files, as far as it is known.
    pub fn hashes(&self) -> &FileHashes {
        &self.hashes
    }

    /// How many parts were built from their weights so far; the others were still loaded.
    pub fn parts_loaded(&self) -> u64 {
        self.kept.loads()
    }

    /// A part of a model that computes at `place`, built from its weights unless it is still loaded. Weights that changed on
    /// disk are noticed.
    pub fn part<M: Any + Send + Sync>(
        &self,
        folder: &ModelFolder,
        part: &str,
        place: Placement,
        build: impl FnOnce(&WeightsReader) -> M,
    ) -> Result<LoadedPart<M>> {
        let fingerprint = folder.weights_fingerprint(part, &self.hashes)?;
        let key = self.key::<M>(folder, part, place, &fingerprint)?;
        if let Some((model, unused)) = key.as_ref().and_then(|key| self.kept.get(key)) {
            return Ok(LoadedPart { model, unused, fingerprint });
        }
        let weights = folder.weights(part)?;
        let bytes = memory::packed(weights.parameter_count(), place.precision);
        self.kept.make_room(place.device, bytes);
        let loaded = weights.load_at(place, build)?;
        let (model, unused) = (Arc::new(loaded.model), Arc::<[String]>::from(loaded.unused));
        self.kept.count_load();
        // Weights that were exchanged in the meantime are kept under neither state.
        if let Some(key) = key
            .filter(|key| self.key::<M>(folder, part, place, &fingerprint).is_ok_and(|now| now.as_ref() == Some(key)))
        {
            self.kept.keep(key, bytes, Arc::clone(&model) as _, Arc::clone(&unused));
        }
        Ok(LoadedPart { model, unused, fingerprint })
    }

    /// What tells a loaded part from others; none if it could not be noticed that its files change.
    fn key<M: Any>(
        &self,
        folder: &ModelFolder,
        part: &str,
        place: Placement,
        fingerprint: &str,
    ) -> Result<Option<PartKey>> {
        if self.kept.is_off() {
            return Ok(None);
        }
        let states = folder.states(&folder.weight_files(part)?);
        let config = config_file(part);
        let config = if folder.exists(&config) { folder.hash(&config, &self.hashes)? } else { Fingerprint([0; 32]) };
        Ok(states.map(|states| PartKey::new::<M>(states, fingerprint, config, place)))
    }

    fn hub(&self) -> Hub {
        self.hub.clone().unwrap_or_else(Hub::from_env)
    }

    fn opened(&self, source: &str, base_dir: &Path) -> Option<Arc<ModelFolder>> {
        let folder = Arc::clone(self.lock().get(&key(source, base_dir))?);
        // A folder that has gone is opened anew, which says so.
        folder.path().is_none_or(Path::is_dir).then_some(folder)
    }

    fn remember(&self, source: &str, base_dir: &Path, folder: ModelFolder) -> Arc<ModelFolder> {
        let folder = Arc::new(folder);
        self.lock().insert(key(source, base_dir), Arc::clone(&folder));
        folder
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, PathBuf), Arc<ModelFolder>>> {
        // A panic while the map was locked left it as it was before or after one insertion: both are fine.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(source: &str, base_dir: &Path) -> (String, PathBuf) {
    (source.to_string(), base_dir.to_path_buf())
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

/// Where a node computes: on the device that the workflow chose for it, or else the run's, and in the run's precision as far
/// as that device has it.
pub fn place(context: &Context<'_>) -> Result<Placement, NodeError> {
    let run = *context.service::<Placement>()?;
    Ok(match context.device() {
        Some(name) => placed(run, name).map_err(crate::Error::from)?,
        None => run,
    })
}

/// The place of a node for which the workflow chose the device of that name, in a run that computes at `run`.
///
/// # Errors
/// A device that cannot be used.
pub fn placed(run: Placement, name: &str) -> easel_kernels::Result<Placement> {
    Ok(run.on(name.parse()?))
}

/// The path of a part's configuration in its model.
pub(crate) fn config_file(part: &str) -> String {
    format!("{part}/config.json")
}

/// Reads a part's configuration.
pub fn config<C>(folder: &ModelFolder, part: &str, parse: fn(&[u8], &str) -> Result<C>) -> Result<C> {
    json(folder, &config_file(part), parse)
}

/// Reads one of a model's JSON files.
pub fn json<C>(folder: &ModelFolder, file: &str, parse: fn(&[u8], &str) -> Result<C>) -> Result<C> {
    parse(&folder.read(file)?, &format!("{}/{file}", folder.describe()))
}

/// Loads a part's weights, warns of tensors that nothing uses and notes the files' hash for the picture's recipe.
///
/// Packing gigabytes takes seconds, in which a cancelled run is not noticed: it is before and after.
pub fn load<M: Any + Send + Sync>(
    context: &mut Context<'_>,
    folder: &ModelFolder,
    part: &str,
    build: impl FnOnce(&WeightsReader) -> M,
) -> Result<Arc<M>, NodeError> {
    context.check_cancelled()?;
    let loaded = context.service::<Models>()?.part(folder, part, place(context)?, build)?;
    if let [first, ..] = &*loaded.unused {
        let count = loaded.unused.len();
        context.warn(format!("{count} tensor(s) of `{part}` in {} are not used, `{first}` first", folder.describe()));
    }
    context.note(format!("weights.{part}"), loaded.fingerprint);
    context.check_cancelled()?;
    Ok(loaded.model)
}

/// Notes the hash of a part's weights, as [`load`] does, without loading them.
pub(crate) fn note_weights(context: &mut Context<'_>, folder: &ModelFolder, part: &str) -> Result<(), NodeError> {
    let fingerprint = folder.weights_fingerprint(part, context.service::<Models>()?.hashes())?;
    context.note(format!("weights.{part}"), fingerprint);
    Ok(())
}

/// The files of a tokenizer, as paths in its model; there are two formats, and no model has all of them.
pub(crate) const TOKENIZER_FILES: [&str; 5] = [
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
];

/// Reads a model's tokenizer.
pub fn tokenizer(folder: &ModelFolder) -> Result<ClipTokenizer> {
    let read = |path: &str| {
        if folder.exists(path) { folder.read(path).map(|bytes| Some(Cow::from(bytes.to_vec()))) } else { Ok(None) }
    };
    let [vocab_json, merges_txt, tokenizer_json, tokenizer_config_json, special_tokens_map_json] =
        TOKENIZER_FILES.map(read);
    ClipTokenizer::from_files(&TokenizerFiles {
        folder: format!("{}/tokenizer", folder.describe()),
        vocab_json: vocab_json?,
        merges_txt: merges_txt?,
        tokenizer_json: tokenizer_json?,
        tokenizer_config_json: tokenizer_config_json?,
        special_tokens_map_json: special_tokens_map_json?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_kernels::{Device, Precision};

    use super::*;

    #[test]
    fn a_node_computes_where_the_workflow_says() {
        let run = Placement { device: Device::Cuda(0), precision: Precision::Float16 };
        assert_eq!(placed(run, "cpu"), Ok(Placement::CPU), "which has no float16");
        assert!(placed(Placement::CPU, "gpu").unwrap_err().to_string().contains("`gpu` is not a device"));
    }
}
