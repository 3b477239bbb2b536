//! What can be wrong with a plugin.

use std::path::Path;

use super::abi;
use super::sandbox::Fault;
use crate::diagnostic::Diagnostic;

/// Why a plugin is not loaded. Only its own node types are missing then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// The file, or the folder, cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is larger than plugins are.
    #[error("it is larger than {} MiB", abi::MAX_FILE >> 20)]
    TooLarge,
    /// There are more plugins in a folder than anybody means to have.
    #[error("there are more than {} plugins in this folder; further ones are not loaded", abi::MAX_FILES)]
    TooMany,
    /// It is no WebAssembly module, or one that is not allowed.
    #[error("it is no sound WebAssembly module: {0}")]
    NotWasm(String),
    /// It wants something from the host that plugins do not get.
    #[error("it imports {0}, which plugins do not get")]
    Import(String),
    /// Something that every plugin has is not there.
    #[error("it does not export {0}")]
    Export(String),
    /// It was made for another version.
    #[error("it is made for version {found} of the plugin interface, this is version {}", abi::VERSION)]
    Version {
        /// The version that it says.
        found: i32,
    },
    /// It failed while it was asked what it is.
    #[error("asked what it is, it {0}")]
    Fault(String),
    /// Its description is wrong.
    #[error("its description is wrong: {0}")]
    Description(String),
    /// One of its node types is there already.
    #[error("its node type `{name}` {owner}")]
    Claimed {
        /// The node type.
        name: &'static str,
        /// Whose it is: goes on after the name.
        owner: String,
    },
}

impl PluginError {
    pub(super) fn fault(fault: &Fault) -> Self {
        PluginError::Fault(fault.to_string())
    }

    pub(super) fn claimed(name: &'static str, other: Option<&Path>) -> Self {
        let owner = match other {
            Some(other) => format!("is that of {}", other.display()),
            None => "is built in".into(),
        };
        PluginError::Claimed { name, owner }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            PluginError::Unreadable(_) => "make it readable, or take it out of the folder",
            PluginError::TooLarge => "take it out of the folder, or build it optimised and stripped",
            PluginError::TooMany => "take some out of the folder",
            PluginError::NotWasm(_) => {
                "build it again; is it a module for wasm32-unknown-unknown, and written to its end?"
            }
            PluginError::Import(_) => {
                "build it for wasm32-unknown-unknown, and use no files, clocks or random numbers: plugins can only compute"
            }
            PluginError::Export(_) => "export what workflows/plugins/README.md lists; easel_plugin::plugin! does so",
            PluginError::Version { .. } => "build it with the easel-plugin crate of this version of easel",
            PluginError::Fault(_) | PluginError::Description(_) => "this is for the author of the plugin to mend",
            PluginError::Claimed { .. } => "give the node type another name, or take one of the two out of its folder",
        }
    }

    /// The finding that this plugin is not loaded: a warning, since only what uses it is the worse for it.
    pub fn diagnostic(&self, path: &Path) -> Diagnostic {
        let message = format!("the plugin {} is not loaded: {self}", path.display());
        Diagnostic::warning("plugin", message).with_hint(self.hint())
    }
}
