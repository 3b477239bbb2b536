//! Kernels from a folder instead of the built-in ones: for whoever works on them, without building the program anew.
//!
//! The folder has `.cu` files named like those in `cuda/` of this crate, each of which replaces the one of its name, and,
//! if need be, headers in `include/easel/`. What it held when it was read is an [`Overrides`], which never changes; what
//! is used from then on is decided by [`install`]. Code is compiled when it is first needed, and kept on disk.

mod cubins;
mod messages;
mod nvrtc;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Context, fatbins};
use crate::{Device, KernelError};
use cubins::Cubins;
pub use messages::{CompilerMessage, Severity};
use nvrtc::{Compiler, Nvrtc, Program};

/// Files larger than this are no kernels.
const MOST_BYTES: u64 = 4 << 20;

/// What keeps a folder of kernels from being used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// Something in the folder cannot be read.
    #[error("kernels cannot be read from `{}`: {problem}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// A file that replaces nothing: most likely a misspelt name.
    #[error("`{}` replaces no kernels: name it like one of {}", path.display(), known.join(", "))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it could replace.
        known: Vec<String>,
    },
    /// There is nothing to compile with.
    #[error(
        "kernels cannot be compiled here because NVRTC was not found: install it (it comes with the CUDA toolkit and with \
         PyTorch; alone: `pip install nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cuda-cccl nvidia-cuda-crt`) and name the \
         folder of libnvrtc.so in LD_LIBRARY_PATH"
    )]
    NoCompiler,
    /// The compiler is there and does not work.
    #[error("kernels cannot be compiled here because NVRTC fails: {0}")]
    CompilerFails(String),
    /// What the compiler says against a source.
    #[error("the kernels in `{}` do not compile for {architecture}{}", path.display(), listed(messages))]
    Refused {
        /// The source.
        path: PathBuf,
        /// What it was compiled for, such as `sm_90a`.
        architecture: String,
        /// Errors and warnings, in the compiler's order.
        messages: Vec<CompilerMessage>,
    },
}

fn listed(messages: &[CompilerMessage]) -> String {
    messages.iter().map(|message| format!("\n{message}")).collect()
}

/// What code is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Major and minor.
    pub(crate) compute_capability: (u32, u32),
    /// As `cuDriverGetVersion` gives it. Another driver may want other code.
    pub(crate) driver_version: u32,
}

impl Target {
    /// Its name to compilers. Hopper's own instructions exist only in `sm_90a`.
    fn architecture(self) -> String {
        match self.compute_capability {
            (9, 0) => "sm_90a".to_owned(),
            (major, minor) => format!("sm_{major}{minor}"),
        }
    }
}

/// What a folder of kernels held when it was read.
#[derive(Debug)]
pub struct Overrides {
    folder: PathBuf,
    /// Sources by module.
    sources: BTreeMap<String, String>,
    /// All headers, the built-in ones included, by the name that they are included by.
    headers: BTreeMap<String, String>,
    /// What was read, and what could be read if it were there.
    files: Vec<PathBuf>,
    cubins: Cubins,
}

impl Overrides {
    /// Reads a folder. Compiled code is kept in `cache`, if there is one.
    ///
    /// # Errors
    /// If the folder or something in it cannot be read, or replaces nothing.
    pub fn read(folder: &Path, cache: Option<&Path>) -> Result<Self, OverrideError> {
        let known: Vec<String> = fatbins::modules().map(str::to_owned).collect();
        Self::read_replacing(folder, cache, &known)
    }

    fn read_replacing(folder: &Path, cache: Option<&Path>, known: &[String]) -> Result<Self, OverrideError> {
        let mut sources = BTreeMap::new();
        let mut files = vec![folder.to_path_buf()];
        for path in sorted_files(folder)? {
            if path.extension().is_none_or(|extension| extension != "cu") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if !known.contains(&name) {
                return Err(OverrideError::Unknown { path, known: known.to_vec() });
            }
            sources.insert(name, read_text(&path)?);
            files.push(path);
        }
        let built_in = fatbins::HEADERS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut headers: BTreeMap<String, String> = built_in.collect();
        let include = folder.join("include");
        let mut folders = vec![include.join("easel")];
        while let Some(inner) = folders.pop() {
            files.push(inner.clone());
            if !inner.exists() {
                continue;
            }
            for path in sorted_files(&inner)? {
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(name) = path.strip_prefix(&include) {
                    headers.insert(name.to_string_lossy().replace('\\', "/"), read_text(&path)?);
                    files.push(path);
                }
            }
        }
        let cubins = Cubins::new(cache.map(|cache| cache.join("kernels")));
        Ok(Overrides { folder: folder.to_path_buf(), sources, headers, files, cubins })
    }

    /// The files and folders whose change can change what [`read`](Self::read) gives, whether they are there or not.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Differs for folders that differ in anything that can change a result.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, text) in self.sources.iter().chain(&self.headers) {
            hash_text(&mut hasher, name);
            hash_text(&mut hasher, text);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Compiles everything in the folder for a device, so that errors show before anything runs. The CPU takes none of it.
    ///
    /// # Errors
    /// Of the first source that does not compile, if there is no compiler, or if the device cannot be used.
    pub fn compile_for(&self, device: Device) -> Result<(), KernelError> {
        let Device::Cuda(ordinal) = device else { return Ok(()) };
        let target = Context::get(ordinal)?.target();
        Ok(self.sources.keys().try_for_each(|module| self.image(module, target).map(drop))?)
    }

    /// The code of a module for a device, if the folder replaces it.
    pub(crate) fn image(&self, module: &str, target: Target) -> Result<Option<Vec<u8>>, OverrideError> {
        self.image_by(module, target, &Nvrtc)
    }

    fn image_by(
        &self,
        module: &str,
        target: Target,
        compiler: &dyn Compiler,
    ) -> Result<Option<Vec<u8>>, OverrideError> {
        let Some(source) = self.sources.get(module) else { return Ok(None) };
        let program = Program {
            name: format!("{module}.cu"),
            source,
            headers: &self.headers,
            architecture: target.architecture(),
        };
        let key = cubins::key(&program, &compiler.identity()?, target.driver_version);
        if let Some(cubin) = self.cubins.find(&key) {
            return Ok(Some(cubin));
        }
        let cubin = compiler.compile(&program).map_err(|failure| match failure {
            nvrtc::Failure::Fails(problem) => OverrideError::CompilerFails(problem),
            nvrtc::Failure::Refuses(log) => OverrideError::Refused {
                path: self.folder.join(&program.name),
                architecture: program.architecture.clone(),
                messages: messages::parse(&log),
            },
        })?;
        self.cubins.keep(&key, &cubin);
        Ok(Some(cubin))
    }
}

/// The overrides that are in force, and how often that has changed.
static IN_FORCE: RwLock<Option<Arc<Overrides>>> = RwLock::new(None);
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// From now on kernels come from here, or from the program alone. What was loaded before is loaded anew when it is next
/// needed; what is running is not disturbed.
pub fn install(overrides: Option<Arc<Overrides>>) {
    *IN_FORCE.write().unwrap_or_else(PoisonError::into_inner) = overrides;
    CHANGES.fetch_add(1, Ordering::Release);
}

/// What is in force.
pub fn installed() -> Option<Arc<Overrides>> {
    IN_FORCE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Counts the calls of [`install`]: whoever loaded code when it was lower must load it again.
pub(crate) fn changes() -> u64 {
    CHANGES.load(Ordering::Acquire)
}

fn sorted_files(folder: &Path) -> Result<Vec<PathBuf>, OverrideError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = entries.map_err(|error| unreadable(folder, &error))?;
    paths.sort_unstable();
    Ok(paths)
}

fn read_text(path: &Path) -> Result<String, OverrideError> {
    let read = || {
        let bytes = fs::metadata(path)?.len();
        if bytes > MOST_BYTES {
            return Err(io::Error::other(format!(
                "{bytes} bytes are more than the {MOST_BYTES} that a source may have"
            )));
        }
        fs::read_to_string(path)
    };
    read().map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> OverrideError {
    OverrideError::Unreadable { path: path.to_path_buf(), problem: error.to_string() }
}

/// Adds a text so that no two sequences of texts give the same hash.
fn hash_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests;
