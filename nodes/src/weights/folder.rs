//! A model as a folder of parts, wherever it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use easel_engine::Fingerprint;
use serde_json::Value;

use super::builtin::{self, BuiltinFile, BuiltinModel};
use super::fingerprint::{self, State as FileState};
use super::hashes::FileHashes;
use super::header::FETCH_AGAIN;
use super::hub::{Download, Hub, Repository};
use super::layout::{self, WeightFiles};
use super::names::{closest, quoted, some_of};
use super::store::{StoredFile, Weights};
use crate::error::{Error, Result};

/// The files by which a folder shows that it is a part.
const PART_FILES: [&str; 5] =
    ["config.json", "scheduler_config.json", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json"];

/// A model: a `model_index.json` and one folder per part, or a folder that is itself the only part.
///
/// The only part of the latter is called `""`.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    source: String,
    place: Place,
    parts: Vec<String>,
}

#[derive(Clone)]
enum Place {
    Builtin(&'static BuiltinModel),
    Disk(PathBuf),
}

impl ModelFolder {
    /// Opens `builtin:NAME`, `hf:owner/name[@revision]`, or a folder (relative to `base_dir`; `~` is the home folder).
    ///
    /// A repository that is not in the local Hugging Face cache is downloaded; see [`ModelFolder::open_with`] for
    /// progress.
    pub fn open(source: &str, base_dir: &Path) -> Result<Self> {
        Self::open_with(source, base_dir, &Hub::from_env(), &mut |_| {})
    }

    /// Like [`ModelFolder::open`], with a hub of one's own and news of a download.
    pub fn open_with(
        source: &str,
        base_dir: &Path,
        hub: &Hub,
        on_progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<Self> {
        let place = if let Some(name) = source.strip_prefix("builtin:") {
            Place::Builtin(find_builtin(name.trim())?)
        } else if let Some(repository) = source.strip_prefix("hf:") {
            Place::Disk(hub.folder(&Repository::parse(repository.trim())?, on_progress)?)
        } else {
            Place::Disk(find_folder(source, base_dir)?)
        };
        Self::at(source, place)
    }

    /// Like [`ModelFolder::open`], without ever asking the network: none if the hub's model is not in the local cache,
    /// whole.
    pub fn find(source: &str, base_dir: &Path, hub: &Hub) -> Result<Option<Self>> {
        let Some(repository) = source.strip_prefix("hf:") else {
            return Self::open_with(source, base_dir, hub, &mut |_| {}).map(Some);
        };
        let cached = hub.cached(&Repository::parse(repository.trim())?);
        cached.map(|folder| Self::at(source, Place::Disk(folder))).transpose()
    }

    fn at(source: &str, place: Place) -> Result<Self> {
        let mut folder = ModelFolder { source: source.to_owned(), place, parts: Vec::new() };
        folder.parts = folder.find_parts()?;
        Ok(folder)
    }

    /// The names of the embedded models.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        builtin::MODELS.iter().map(|model| model.name)
    }

    /// What it was opened from, as given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it is and where, for people.
    pub fn describe(&self) -> String {
        match &self.place {
            Place::Builtin(model) => format!("{} (built in)", model.name),
            Place::Disk(path) if self.source.starts_with("hf:") => format!("{} in {}", self.source, path.display()),
            Place::Disk(path) => path.display().to_string(),
        }
    }

    /// The folder on disk, if it is there.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Builtin(_) => None,
            Place::Disk(path) => Some(path),
        }
    }

    /// The parts that are there, by name; `[""]` if the folder itself is the only part.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether there is a file of that path (`"tokenizer/vocab.json"`) in the model.
    pub fn exists(&self, path: &str) -> bool {
        match &self.place {
            Place::Builtin(model) => model.find(path).is_some(),
            Place::Disk(folder) => inside(path).is_ok_and(|relative| folder.join(relative).is_file()),
        }
    }

    /// The content of a file.
    pub fn read(&self, path: &str) -> Result<Bytes> {
        match &self.place {
            Place::Builtin(model) => match model.find(path) {
                Some(file) => Ok(Bytes::from_static(file.bytes)),
                None => Err(self.no_file(path)),
            },
            Place::Disk(folder) => {
                let full = folder.join(inside(path)?);
                if !full.exists() {
                    return Err(self.no_file(path));
                }
                // Small files are copied: a tokenizer or config must survive an editor that rewrites it in place.
                fs::read(&full).map(Bytes::from).map_err(|source| Error::Io {
                    action: "cannot read",
                    path: full,
                    source,
                })
            }
        }
    }

    /// A JSON file; an error names file, line and column.
    pub fn json(&self, path: &str) -> Result<Value> {
        let bytes = self.read(path)?;
        serde_json::from_slice(&bytes).map_err(|error| self.bad_json(path, &error))
    }

    /// What is written in a JSON file; an error names file, line and column.
    pub(crate) fn parsed<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let bytes = self.read(path)?;
        serde_json::from_slice(&bytes).map_err(|error| self.bad_json(path, &error))
    }

    /// The `config.json` of a part.
    pub fn config(&self, part: &str) -> Result<Value> {
        self.check_part(part)?;
        self.json(&join(part, "config.json"))
    }

    /// The weights of a part.
    pub fn weights(&self, part: &str) -> Result<Weights> {
        self.check_part(part)?;
        let names = self.file_names(part)?;
        let place = self.label(part);
        match layout::choose(&names, &place)? {
            WeightFiles::Single(name) => {
                let file = self.stored(&join(part, &name))?;
                Weights::from_files(file.label.clone(), vec![file])
            }
            WeightFiles::Sharded(index) => self.sharded(part, &index),
        }
    }

    /// The files that hold a part's weights, as paths in the model: the only one, or an index and its shards.
    pub fn weight_files(&self, part: &str) -> Result<Vec<String>> {
        self.check_part(part)?;
        match layout::choose(&self.file_names(part)?, &self.label(part))? {
            WeightFiles::Single(name) => Ok(vec![join(part, &name)]),
            WeightFiles::Sharded(index) => {
                let index = join(part, &index);
                let shards: BTreeSet<String> = self.weight_map(&index)?.into_values().collect();
                Ok(std::iter::once(index).chain(shards.iter().map(|shard| join(part, shard))).collect())
            }
        }
    }

    /// The BLAKE3 of a file's content.
    pub fn hash(&self, path: &str, hashes: &FileHashes) -> Result<Fingerprint> {
        match &self.place {
            Place::Builtin(model) => model.find(path).map(BuiltinFile::hash).ok_or_else(|| self.no_file(path)),
            Place::Disk(folder) => {
                let full = folder.join(inside(path)?);
                if full.exists() { hashes.of(&full) } else { Err(self.no_file(path)) }
            }
        }
    }

    /// [`Weights::fingerprint`] of a part's weights, without opening or reading them if they are known.
    pub fn weights_fingerprint(&self, part: &str, hashes: &FileHashes) -> Result<String> {
        let files = self.weight_files(part)?;
        // An index says only which tensor is in which shard.
        let weights = if files.len() == 1 { &files[..] } else { &files[1..] };
        let of_each = weights.iter().map(|file| Ok(self.hash(file, hashes)?.to_string()));
        Ok(fingerprint::combined(of_each.collect::<Result<_>>()?))
    }

    /// What changes whenever one of these files does, or is replaced by another; none if that cannot be told.
    pub(crate) fn states(&self, files: &[String]) -> Option<Vec<FileState>> {
        let state = |file: &String| match &self.place {
            Place::Builtin(_) => Some(FileState::of_embedded(self.label(file))),
            Place::Disk(folder) => FileState::of(&folder.join(inside(file).ok()?)),
        };
        files.iter().map(state).collect()
    }

    /// The weights that an index spreads over several files.
    fn sharded(&self, part: &str, index: &str) -> Result<Weights> {
        let index = join(part, index);
        let label = self.label(&index);
        let map = self.weight_map(&index)?;
        let shards: BTreeSet<&String> = map.values().collect();
        let missing: Vec<_> = shards.iter().filter(|shard| !self.exists(&join(part, shard))).collect();
        if !missing.is_empty() {
            let names = some_of(&missing, 10);
            return Err(Error::invalid(format!("{label}: missing {names} of {} shards", shards.len()))
                .with_hint(format!("{FETCH_AGAIN}; all shards belong beside the index")));
        }
        let files = shards.iter().map(|shard| self.stored(&join(part, shard))).collect::<Result<Vec<_>>>()?;
        let weights = Weights::from_files(label.clone(), files)?;
        weights.check_index(&label, &map)?;
        Ok(weights)
    }

    /// Tensor name → shard.
    fn weight_map(&self, index: &str) -> Result<BTreeMap<String, String>> {
        #[derive(serde::Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let bytes = self.read(index)?;
        let index: Index = serde_json::from_slice(&bytes).map_err(|error| self.bad_json(index, &error))?;
        Ok(index.weight_map)
    }

    fn stored(&self, path: &str) -> Result<StoredFile> {
        match &self.place {
            Place::Builtin(_) => Ok(StoredFile::in_memory(self.label(path), self.read(path)?)),
            Place::Disk(folder) => {
                let full = folder.join(inside(path)?);
                StoredFile::map_as(self.label(path), &full)
            }
        }
    }

    /// The names of the files directly in a part's folder, sorted.
    fn file_names(&self, part: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = match &self.place {
            Place::Builtin(model) => model
                .files
                .iter()
                .filter_map(|file| file.path.strip_prefix(part)?.strip_prefix('/'))
                .map(str::to_owned)
                .collect(),
            Place::Disk(folder) => list(&folder.join(inside(part)?))?,
        };
        names.sort();
        Ok(names)
    }

    fn find_parts(&self) -> Result<Vec<String>> {
        let has_index = self.exists("model_index.json");
        let mut candidates = BTreeSet::new();
        if has_index {
            let index = self.json("model_index.json")?;
            let index = index.as_object().ok_or_else(|| {
                Error::invalid(format!("{}: wants an object of parts", self.label("model_index.json")))
                    .with_hint(WHAT_TO_PUT)
            })?;
            candidates.extend(index.keys().filter(|name| !name.starts_with('_')).cloned());
        }
        // Also those that the index does not list, such as a second pipeline's parts.
        match &self.place {
            Place::Builtin(model) => {
                candidates.extend(model.files.iter().filter_map(|file| Some(file.path.split_once('/')?.0.to_owned())));
            }
            Place::Disk(folder) => candidates.extend(list(folder)?),
        }
        let parts: Vec<String> = candidates.into_iter().filter(|name| self.is_part(name)).collect();
        let is_single = !has_index && self.is_part("");
        match (is_single, parts.is_empty()) {
            (true, _) => Ok(vec![String::new()]),
            (false, false) => Ok(parts),
            (false, true) => Err(Error::invalid(format!("{} holds no model", self.describe())).with_hint(WHAT_TO_PUT)),
        }
    }

    fn is_part(&self, name: &str) -> bool {
        PART_FILES.iter().any(|file| self.exists(&join(name, file)))
    }

    fn check_part(&self, part: &str) -> Result<()> {
        if self.parts.iter().any(|name| name == part) {
            return Ok(());
        }
        // The folder may have been opened long ago, and the part may have come since.
        if self.parts != [""] && !part.is_empty() && self.is_part(part) {
            return Ok(());
        }
        if self.parts == [""] {
            return Err(Error::invalid(format!("{} is a single part, not a model with {part:?}", self.describe()))
                .with_hint("give the folder that holds model_index.json and one folder per part"));
        }
        let near = closest(part, self.parts.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean {}?", quoted(near))).unwrap_or_default();
        Err(Error::invalid(format!("{} has no part {}", self.describe(), quoted(part)))
            .with_hint(format!("it has {}{near}", some_of(&self.parts, 20))))
    }

    /// How errors name a file of the model.
    fn label(&self, path: &str) -> String {
        match &self.place {
            Place::Builtin(model) => format!("builtin:{}/{path}", model.name),
            Place::Disk(folder) if path.is_empty() => folder.display().to_string(),
            Place::Disk(folder) => folder.join(path).display().to_string(),
        }
    }

    fn no_file(&self, path: &str) -> Error {
        Error::invalid(format!("{} is missing", self.label(path)))
            .with_hint(format!("put it there, or use a model that has {}", quoted(path)))
    }

    fn bad_json(&self, path: &str, error: &serde_json::Error) -> Error {
        Error::invalid(json_problem(&self.label(path), error)).with_hint("mend the file, or fetch it again")
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Builtin(model) => write!(f, "builtin:{}", model.name),
            Place::Disk(path) => write!(f, "{}", path.display()),
        }
    }
}

const WHAT_TO_PUT: &str = "a model's folder holds model_index.json and one folder per part (config.json and \
     model.safetensors or diffusion_pytorch_model.safetensors in each), or is such a part itself";

/// "file:line:column: what".
fn json_problem(file: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(place.as_str()).unwrap_or(&text);
    format!("{file}:{}:{}: {what}", error.line(), error.column())
}

fn join(part: &str, file: &str) -> String {
    if part.is_empty() { file.to_owned() } else { format!("{part}/{file}") }
}

/// A path that stays inside the model: file names come from downloaded JSON too.
fn inside(path: &str) -> Result<&Path> {
    let relative = Path::new(path);
    if relative.components().all(|component| matches!(component, Component::Normal(_))) {
        return Ok(relative);
    }
    Err(Error::invalid(format!("{} points outside the model's folder", quoted(path))))
}

/// The names in a folder on disk.
fn list(folder: &Path) -> Result<Vec<String>> {
    let io = |source| Error::Io { action: "cannot list", path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        // A name that is not Unicode cannot be one of ours.
        names.extend(entry.map_err(io)?.file_name().into_string());
    }
    Ok(names)
}

fn find_builtin(name: &str) -> Result<&'static BuiltinModel> {
    if let Some(model) = builtin::MODELS.iter().find(|model| model.name == name) {
        return Ok(model);
    }
    let names: Vec<&str> = ModelFolder::builtin_names().collect();
    if names.is_empty() {
        return Err(Error::invalid("this build has no built-in models")
            .with_hint("build with the feature `builtin-models`, or give a folder"));
    }
    // With few names a far guess still helps: "emoji" means "emoji-unclip".
    let near = names.iter().find(|known| !name.is_empty() && known.starts_with(name)).copied();
    let near = near.or_else(|| closest(name, names.iter().copied()));
    let near = near.map(|near| format!("did you mean `builtin:{near}`? ")).unwrap_or_default();
    Err(Error::invalid(format!("there is no built-in model {}", quoted(name)))
        .with_hint(format!("{near}built in: {}", some_of(&names, 20))))
}

/// A path as a workflow gives it.
fn find_folder(source: &str, base_dir: &Path) -> Result<PathBuf> {
    if source.trim().is_empty() {
        return Err(
            Error::invalid("the model's source is empty").with_hint("give a folder, `builtin:NAME` or `hf:owner/name`")
        );
    }
    let path = base_dir.join(expand_home(source));
    if path.is_dir() {
        return Ok(path);
    }
    let shown = path.display();
    if path.exists() {
        let hint = "give the folder that holds it: one with model_index.json, or with config.json and the weights";
        return Err(Error::invalid(format!("{shown} is a file, not a model's folder")).with_hint(hint));
    }
    Err(Error::invalid(format!("there is no model folder {shown}")).with_hint(missing_hint(source)))
}

/// What a source that is no folder may have meant.
fn missing_hint(source: &str) -> String {
    let names = || ModelFolder::builtin_names();
    if let Some(name) = names().find(|name| *name == source).or_else(|| closest(source, names())) {
        return format!("did you mean `builtin:{name}`?");
    }
    let looks_like_a_repository = !source.starts_with(['.', '/', '~']) && source.matches('/').count() == 1;
    let repository = if looks_like_a_repository {
        format!("; a Hugging Face repository is written `hf:{source}`")
    } else {
        String::new()
    };
    format!("{WHAT_TO_PUT}{repository}")
}

fn expand_home(source: &str) -> PathBuf {
    let rest = match source.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.trim_start_matches('/'),
        _ => return PathBuf::from(source),
    };
    match std::env::home_dir() {
        Some(home) => home.join(rest),
        None => PathBuf::from(source),
    }
}
