//! Nodes that others bring: WebAssembly modules in folders, run in a sandbox.
//!
//! A plugin is a file. What is in it is checked, asked what node types it has, and run, by [`sandbox`]; it can compute and
//! say something, and that is all. Its node types are nodes like others: their sockets are checked, their results kept, a
//! call that fails is a node that failed. [`abi`] and [`wire`] are what both sides agree on, [`describe`] is what a plugin
//! says of itself. The engine knows nothing of what kinds are: values go in and out as the bytes that they encode to.
//!
//! A plugin is whole or it is not loaded: what is wrong with one leaves all others as they are.

mod abi;
mod describe;
mod error;
mod host;
mod node;
#[doc(hidden)]
pub mod probe;
mod sandbox;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use error::PluginError;
use node::Plugin;

use crate::diagnostic::Diagnostic;
use crate::registry::{Registry, RegistryError};
use crate::value::Fingerprint;

/// The ending of the name of a plugin's file.
const EXTENSION: &str = "wasm";

/// Loads plugins, and keeps what it has loaded: a file that did not change is not read as WebAssembly twice.
///
/// ```
/// use easel_engine::{Plugins, Registry};
///
/// let plugins = Plugins::new(Registry::new());
/// let set = plugins.load(&["no/such/folder".into()]);
/// assert_eq!((set.files.len(), set.registry.specs().len()), (0, 0));
/// ```
pub struct Plugins {
    base: Arc<Registry>,
    /// By path and content, those that are no good too. Only what the last loading came across.
    known: Mutex<HashMap<(PathBuf, Fingerprint), Loaded>>,
}

type Loaded = Result<Arc<Plugin>, PluginError>;

/// The plugins of some folders, and the node types that there are with them.
pub struct PluginSet {
    /// Everything that there is without plugins, and what the sound ones bring.
    pub registry: Registry,
    /// Every plugin, in the order of the folders, in each by name.
    pub files: Vec<PluginFile>,
}

/// A file in a folder of plugins.
#[derive(Clone, Debug)]
pub struct PluginFile {
    /// Where it is. If a folder cannot be read, the folder.
    pub path: PathBuf,
    /// The BLAKE3 of its content, if it can be read.
    pub fingerprint: Option<Fingerprint>,
    /// What it says about itself.
    pub about: String,
    /// The node types that it brings.
    pub node_types: Vec<&'static str>,
    /// It is the same as this one, which was there before.
    pub same_as: Option<PathBuf>,
    /// Why it brings none.
    pub problem: Option<PluginError>,
}

impl PluginSet {
    /// What is wrong with the plugins: warnings, each without a place.
    pub fn diagnostics(&self) -> impl Iterator<Item = Diagnostic> {
        self.files.iter().filter_map(|file| Some(file.problem.as_ref()?.diagnostic(&file.path)))
    }
}

impl Plugins {
    /// Plugins that are added to `base`.
    pub fn new(base: Registry) -> Self {
        Plugins { base: Arc::new(base), known: Mutex::default() }
    }

    /// What there is without plugins.
    pub fn base(&self) -> &Registry {
        &self.base
    }

    /// Loads the plugins in these folders: files whose names end in `.wasm` and do not begin with a dot. A folder that is
    /// not there is empty. Where two plugins have a node type of one name, the first keeps it and the second is not
    /// loaded; no plugin takes the name of a node type that is built in.
    pub fn load(&self, folders: &[PathBuf]) -> PluginSet {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *known);
        let mut loading = Loading { base: &self.base, before, now: HashMap::new(), owners: HashMap::new() };
        let mut set = PluginSet { registry: Registry::clone(&self.base), files: Vec::new() };
        for folder in folders {
            match list(folder) {
                Ok(paths) => {
                    let are_too_many = paths.len() > abi::MAX_FILES;
                    paths.into_iter().take(abi::MAX_FILES).for_each(|path| loading.add(path, &mut set));
                    if are_too_many {
                        set.files.push(PluginFile::bad(folder.clone(), PluginError::TooMany));
                    }
                }
                Err(problem) => set.files.push(PluginFile::bad(folder.clone(), problem)),
            }
        }
        *known = loading.now;
        set
    }
}

/// A loading under way.
struct Loading<'a> {
    base: &'a Arc<Registry>,
    before: HashMap<(PathBuf, Fingerprint), Loaded>,
    now: HashMap<(PathBuf, Fingerprint), Loaded>,
    /// The plugins whose node types are in force.
    owners: HashMap<Fingerprint, PathBuf>,
}

impl Loading<'_> {
    /// Whatever is in the file, it is among the files of the set then.
    fn add(&mut self, path: PathBuf, set: &mut PluginSet) {
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(problem) => return set.files.push(PluginFile::bad(path, problem)),
        };
        let fingerprint = Fingerprint(*blake3::hash(&bytes).as_bytes());
        let mut file = PluginFile { fingerprint: Some(fingerprint), ..PluginFile::of(path.clone()) };
        if let Some(other) = self.owners.get(&fingerprint) {
            file.same_as = Some(other.clone());
            return set.files.push(file);
        }
        let key = (path.clone(), fingerprint);
        let loaded = self.before.remove(&key);
        let loaded = loaded.unwrap_or_else(|| Plugin::load(path, &bytes, fingerprint, self.base).map(Arc::new));
        let registered = loaded.clone().and_then(|plugin| {
            file.about.clone_from(&plugin.about);
            register(&plugin, set)?;
            Ok(plugin)
        });
        match registered {
            Ok(plugin) => {
                file.node_types = plugin.specs.iter().map(|spec| spec.name).collect();
                self.owners.insert(fingerprint, plugin.path.clone());
            }
            Err(problem) => file.problem = Some(problem),
        }
        self.now.insert(key, loaded);
        set.files.push(file);
    }
}

/// Adds all node types of a plugin, or none.
fn register(plugin: &Arc<Plugin>, set: &mut PluginSet) -> Result<(), PluginError> {
    let mut registry = set.registry.clone();
    for node in plugin.nodes() {
        registry.register(node).map_err(|error| match error {
            RegistryError::DuplicateNode { name } => {
                let is_own = plugin.specs.iter().filter(|spec| spec.name == name).count() > 1;
                let other = set.files.iter().find(|file| file.node_types.contains(&name));
                match (is_own, other) {
                    (true, None) => PluginError::Description(format!("there are two node types `{name}`")),
                    (_, other) => PluginError::claimed(name, other.map(|file| file.path.as_path())),
                }
            }
            other => PluginError::Description(other.to_string()),
        })?;
    }
    set.registry = registry;
    Ok(())
}

impl PluginFile {
    fn of(path: PathBuf) -> Self {
        let about = String::new();
        PluginFile { path, fingerprint: None, about, node_types: Vec::new(), same_as: None, problem: None }
    }

    fn bad(path: PathBuf, problem: PluginError) -> Self {
        PluginFile { problem: Some(problem), ..Self::of(path) }
    }
}

/// The plugins in a folder, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, PluginError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(PluginError::Unreadable(error.to_string())),
    };
    let is_plugin = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        path.extension().is_some_and(|extension| extension == EXTENSION) && !is_hidden
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_plugin).collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    let unreadable = |error: std::io::Error| PluginError::Unreadable(error.to_string());
    // Only regular files are opened: a pipe would be waited for without end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(PluginError::Unreadable("it is no file".into()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(abi::MAX_FILE + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > abi::MAX_FILE { Err(PluginError::TooLarge) } else { Ok(bytes) }
}
