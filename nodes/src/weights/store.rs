//! The tensors of one part: memory-mapped or embedded safetensors, one file or several shards.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use easel_kernels::Placement;
use memmap2::Mmap;

use super::header::{self, FETCH_AGAIN, TensorInfo};
use super::names::{quoted, some_of};
use super::reader::WeightsReader;
use super::{fingerprint, names};
use crate::error::{Error, Result};

/// The tensors of one part of a model. Cloning shares everything.
///
/// Opening reads and checks the headers only; a tensor's bytes are read from disk when they are first used.
#[derive(Clone, Debug)]
pub struct Weights {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    label: String,
    files: Vec<StoredFile>,
    /// By name: which file, and what stands there.
    tensors: BTreeMap<String, (usize, TensorInfo)>,
    fingerprint: OnceLock<String>,
}

/// One safetensors file, mapped or embedded.
#[derive(Clone, Debug)]
pub(super) struct StoredFile {
    /// How errors name it.
    pub(super) label: String,
    /// Where it is on disk; `None` if it is embedded in the program.
    pub(super) path: Option<PathBuf>,
    /// All of it.
    pub(super) bytes: Bytes,
    /// What `bytes` shares, if it is mapped.
    map: Option<Arc<Mmap>>,
}

/// A model and what its checkpoint holds beyond it.
#[derive(Clone, Debug)]
pub struct Loaded<M> {
    /// The model.
    pub model: M,
    /// Stored tensors that the model did not ask for, worth a warning. Known harmless buffers are left out.
    pub unused: Vec<String>,
}

impl StoredFile {
    /// Maps a file on disk.
    pub(super) fn map(path: &Path) -> Result<Self> {
        Self::map_as(path.display().to_string(), path)
    }

    /// The same, named otherwise in errors.
    pub(super) fn map_as(label: String, path: &Path) -> Result<Self> {
        let map = map_file(path)?.map(Arc::new);
        let bytes = map.clone().map_or_else(Bytes::new, |map| Bytes::from_owner(Mapped(map)));
        Ok(StoredFile { label, path: Some(path.to_owned()), bytes, map })
    }

    /// A file that is in memory already.
    pub(super) fn in_memory(label: String, bytes: Bytes) -> Self {
        StoredFile { label, path: None, bytes, map: None }
    }

    /// Gives memory back that holds these bytes, if they are mapped. They are read again when they are used again.
    pub(super) fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            // SAFETY: the mapping is of a file and read-only, so that what is let go of is read from the file again: the same
            // bytes, as far as mapping a file promises that at all (see `map_file`).
            // An error (there is none for a range inside of the mapping) leaves the memory in use.
            let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len()) };
        }
        // Other systems take memory of mapped files back by themselves when it gets scarce.
        #[cfg(not(unix))]
        let _ = range;
    }
}

/// Lends a mapping's bytes.
struct Mapped(Arc<Mmap>);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a file, read as they are used; none if it is empty.
fn map_file(path: &Path) -> Result<Option<Mmap>> {
    let io = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
    // Looked at before it is opened: opening a pipe would wait for somebody to write to it.
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(Error::invalid(format!("{} is not a file", path.display())));
    }
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    // An empty file cannot be mapped.
    if metadata.len() == 0 {
        return Ok(None);
    }
    // SAFETY: the mapping is read-only and private. If another program truncates or rewrites the file meanwhile, reads
    // see other bytes or end the process (SIGBUS): checkpoints are written once, and everything that writes them
    // (ours included) writes a new file and renames it, which leaves this mapping alone. The header is checked on the
    // same mapping, and numbers of a tensor may take any bit pattern, so changed bytes break no invariant of Rust.
    unsafe { Mmap::map(&file) }.map(Some).map_err(io)
}

impl Weights {
    /// Opens one safetensors file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = StoredFile::map(path)?;
        Self::from_files(file.label.clone(), vec![file])
    }

    /// Weights that are in memory already. `label` names them in errors.
    pub fn from_bytes(label: impl Into<String>, bytes: impl Into<Bytes>) -> Result<Self> {
        let label = label.into();
        let file = StoredFile::in_memory(label.clone(), bytes.into());
        Self::from_files(label, vec![file])
    }

    /// One file or several shards of one part.
    pub(super) fn from_files(label: String, files: Vec<StoredFile>) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            for info in header::parse(&file.bytes, &file.label)? {
                let name = info.name.clone();
                if let Some((other, _)) = tensors.insert(name.clone(), (index, info)) {
                    let problem = format!("tensor {} stands in {} too", quoted(&name), files[other].label);
                    return Err(Error::invalid(format!("{}: {problem}", file.label)).with_hint(FETCH_AGAIN));
                }
            }
        }
        Ok(Weights { inner: Arc::new(Inner { label, files, tensors, fingerprint: OnceLock::new() }) })
    }

    /// Refuses shards that lack what their index promises.
    pub(super) fn check_index(&self, index: &str, promised: &BTreeMap<String, String>) -> Result<()> {
        let missing: Vec<&String> = promised.keys().filter(|name| !self.inner.tensors.contains_key(*name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names = some_of(&missing, 5);
        Err(Error::invalid(format!("{index}: tensors that are in no shard: {names}")).with_hint(FETCH_AGAIN))
    }

    /// The file (or index) that the tensors come from, for messages.
    pub fn label(&self) -> &str {
        &self.inner.label
    }

    /// All tensors, by name.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.inner.tensors.values().map(|(_, info)| info)
    }

    /// What is stored under a name.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.inner.tensors.get(name).map(|(_, info)| info)
    }

    /// A stored tensor whose name is near to this one.
    pub fn closest(&self, name: &str) -> Option<&str> {
        names::closest(name, self.inner.tensors.keys().map(String::as_str))
    }

    /// The little-endian bytes of a tensor. Shares the file's.
    pub fn bytes_of(&self, name: &str) -> Option<Bytes> {
        let (file, info) = self.inner.tensors.get(name)?;
        Some(self.inner.files[*file].bytes.slice(info.range.clone()))
    }

    /// Gives memory back that holds a tensor's bytes, and what the system read of its file around them. They are read from disk
    /// again when they are used again.
    pub(super) fn release(&self, name: &str) {
        if let Some((file, _)) = self.inner.tensors.get(name) {
            let file = &self.inner.files[*file];
            file.release(0..file.bytes.len());
        }
    }

    /// Bytes of all tensors together.
    pub fn byte_len(&self) -> u64 {
        self.tensors().map(|info| info.byte_len() as u64).sum()
    }

    /// Bytes of the largest tensor: while a model is made, one tensor at a time is in memory as it is stored.
    pub fn largest_tensor(&self) -> u64 {
        self.tensors().map(|info| info.byte_len() as u64).max().unwrap_or(0)
    }

    /// Numbers of all tensors together.
    pub fn parameter_count(&self) -> u64 {
        self.tensors().map(|info| info.element_count() as u64).sum()
    }

    /// The weights' BLAKE3, in hexadecimal: of the file, or over the shards' hashes in the order of their names.
    ///
    /// Reads all bytes once; the result is remembered here and, for files, in [`super::cache_dir`].
    pub fn fingerprint(&self) -> Result<String> {
        if let Some(known) = self.inner.fingerprint.get() {
            return Ok(known.clone());
        }
        let computed = fingerprint::of_files(&self.inner.files, super::cache_dir().as_deref());
        Ok(self.inner.fingerprint.get_or_init(|| computed).clone())
    }

    /// Builds a model from these weights that computes on the CPU: see [`Weights::load_at`].
    pub fn load<M>(&self, build: impl FnOnce(&WeightsReader) -> M) -> Result<Loaded<M>> {
        self.load_at(Placement::CPU, build)
    }

    /// Builds a model from these weights that computes at `place`.
    ///
    /// Every tensor that is missing, mis-shaped or of an element type that weights cannot have stands in the one error.
    pub fn load_at<M>(&self, place: Placement, build: impl FnOnce(&WeightsReader) -> M) -> Result<Loaded<M>> {
        let reader = WeightsReader::new(Some(self.clone()), place);
        let model = build(&reader);
        let unused = reader.finish(self)?;
        Ok(Loaded { model, unused })
    }
}
