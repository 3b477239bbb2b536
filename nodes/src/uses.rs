//! What of a model a node uses: its result depends on the content of exactly these files, and they are watched.

use std::path::PathBuf;

use easel_engine::{External, Fingerprint, FingerprintHasher, Inputs, Literals, NodeError, Surroundings};

use crate::error::Result;
use crate::parts::{self, Models, TOKENIZER_FILES};
use crate::weights::{FileHashes, Hub, ModelFolder};

/// Something of a model that a node reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Used<'a> {
    /// One file.
    File(&'a str),
    /// A part's configuration and weights.
    Part(&'a str),
    /// The tokenizer, in whatever files it is.
    Tokenizer,
}

/// What a node depends on that uses this of the model in its `model` input: the content of the files, wherever the
/// model is and whatever it is called.
///
/// A model that has to be fetched first is [`External::Unknowable`]: what the hub will send is known when it is here,
/// and fetching is for [`Node::run`](easel_engine::Node::run), which tells how far it is and can be cancelled. Whatever
/// asks after the first node of a run has fetched it gets its content.
pub(crate) fn external(
    inputs: &Inputs,
    surroundings: &Surroundings<'_>,
    used: &[Used<'_>],
) -> Result<External, NodeError> {
    let source = inputs.get::<String>("model")?;
    let ours = Models::default();
    // Without the service nothing is remembered, which costs time and nothing else.
    let models = surroundings.service::<Models>().unwrap_or(&ours);
    match models.find(source, surroundings.base_dir())? {
        Some(folder) => Ok(External::Content(fingerprint(&folder, used, models.hashes())?)),
        None => Ok(External::Unknowable),
    }
}

fn fingerprint(folder: &ModelFolder, used: &[Used<'_>], hashes: &FileHashes) -> Result<Fingerprint> {
    let mut hasher = FingerprintHasher::new("easel model files");
    for file in files_of(folder, used)? {
        hasher.text(&file);
        hasher.fingerprint(&folder.hash(&file, hashes)?);
    }
    Ok(hasher.finish())
}

/// The paths in the model of all that is used.
fn files_of(folder: &ModelFolder, used: &[Used<'_>]) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for used in used {
        match used {
            Used::File(file) => files.push((*file).to_owned()),
            Used::Part(part) => {
                files.push(parts::config_file(part));
                files.extend(folder.weight_files(part)?);
            }
            Used::Tokenizer => {
                let there = TOKENIZER_FILES.into_iter().filter(|file| folder.exists(file));
                files.extend(there.map(str::to_owned));
            }
        }
    }
    Ok(files)
}

/// The files on disk that a node will read which uses this of the model that its `model` input names. What a hub sent
/// never changes, and what is built in is no file.
pub(crate) fn watched(literals: &Literals<'_>, used: &[Used<'_>]) -> Vec<PathBuf> {
    model_of(literals).map(|folder| watched_in(&folder, used)).unwrap_or_default()
}

fn watched_in(folder: &ModelFolder, used: &[Used<'_>]) -> Vec<PathBuf> {
    let Some(root) = folder.path().filter(|_| !folder.source().starts_with("hf:")) else { return Vec::new() };
    // Of a model that lacks something, what can be told: mending one of these may mend the rest.
    let files = used.iter().flat_map(|used| match (used, files_of(folder, &[*used])) {
        (_, Ok(files)) => files,
        (Used::Part(part), Err(_)) => vec![parts::config_file(part)],
        (_, Err(_)) => Vec::new(),
    });
    std::iter::once("model_index.json".to_owned()).chain(files).map(|file| root.join(file)).collect()
}

/// The model that a node's `model` input names, if that is known before the run and the model is on this machine.
pub(crate) fn model_of(literals: &Literals<'_>) -> Option<ModelFolder> {
    let source = literals.get::<String>("model")?;
    ModelFolder::find(source, literals.base_dir(), &Hub::from_env()).ok().flatten()
}

/// What a node depends on that reads the file its `path` input names.
pub(crate) fn external_file(inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
    let path = surroundings.base_dir().join(inputs.get::<String>("path")?);
    let ours = FileHashes::default();
    let hashes = surroundings.service::<FileHashes>().unwrap_or(&ours);
    Ok(External::Content(hashes.of(&path)?))
}

/// The file that a node's `path` input names.
pub(crate) fn watched_file(literals: &Literals<'_>) -> Vec<PathBuf> {
    literals.get::<String>("path").map(|path| literals.base_dir().join(path)).into_iter().collect()
}

/// What a node depends on that writes into the output folder: where that is.
pub(crate) fn external_out_dir(surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
    let folder = std::path::absolute(surroundings.out_dir())
        .map_err(|source| crate::whole_file::io_error("cannot find", surroundings.out_dir(), source))?;
    let mut hasher = FingerprintHasher::new("easel output folder");
    hasher.bytes(folder.as_os_str().as_encoded_bytes());
    Ok(External::Content(hasher.finish()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::path::Path;

    use super::*;

    fn open(source: &str) -> ModelFolder {
        ModelFolder::open(source, Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/A/models"))).unwrap()
    }

    fn watched(source: &str, used: &[Used<'_>]) -> Vec<String> {
        let folder = open(source);
        let root = folder.path().map(Path::to_path_buf).unwrap_or_default();
        let name = |path: PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        watched_in(&folder, used).into_iter().map(name).collect()
    }

    #[test]
    fn the_files_that_are_used_are_watched_and_no_others() {
        let files = ["model_index.json", "prior/config.json", "prior/diffusion_pytorch_model.safetensors"];
        assert_eq!(watched("pipeline", &[Used::Part("prior")]), files);
        let files = watched("pipeline", &[Used::Tokenizer]);
        assert!(files.contains(&"tokenizer/merges.txt".to_owned()), "{files:?}");
        let file = "prior_scheduler/scheduler_config.json";
        assert_eq!(watched("pipeline", &[Used::File(file)]), ["model_index.json", file]);
    }

    #[test]
    fn of_a_part_that_is_missing_its_configuration_is_awaited() {
        assert_eq!(watched("pipeline", &[Used::Part("nothing")]), ["model_index.json", "nothing/config.json"]);
    }

    #[cfg(feature = "builtin-models")]
    #[test]
    fn what_is_in_the_program_needs_no_watching() {
        assert!(watched("builtin:emoji-unclip", &[Used::Part("prior")]).is_empty());
    }
}
