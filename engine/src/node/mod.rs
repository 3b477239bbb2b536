//! What a node is given and what it gives back.

mod context;
mod inputs;
mod memory;
mod outputs;
mod trail;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use context::{Context, Provenance};
pub(crate) use context::{Notes, Recipe, SavedStates, Told};
pub(crate) use inputs::Source;
pub use inputs::{InputProblem, Inputs, Literals};
pub use memory::{DeviceNeed, MemoryNeed};
pub use outputs::Outputs;
pub(crate) use trail::Trail;

use crate::spec::NodeSpec;
use crate::value::Fingerprint;

/// A node type. Stateless: one instance serves every node of its type in every run.
pub trait Node: Send + Sync {
    /// Sockets, ranges, docs.
    fn spec(&self) -> NodeSpec;

    /// Checks beyond kinds and ranges, before anything runs; sees only the inputs whose values are known then: those
    /// given as literals or by inputs of the workflow, and defaults.
    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let _ = literals;
        Vec::new()
    }

    /// The lazy inputs that the node wants, given those that are there: asked when everything that is not lazy has come,
    /// and again whenever what it asked for has come, until it wants nothing that is not there. Depends on `inputs`
    /// alone.
    fn needs(&self, inputs: &Inputs) -> Vec<&'static str> {
        let _ = inputs;
        Vec::new()
    }

    /// What the result depends on besides the inputs: files, weights, the time of day. Asked before every run, with
    /// the inputs of that run.
    ///
    /// # Errors
    /// It cannot be found out; the node fails with this error, without having run.
    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        let _ = (inputs, surroundings);
        Ok(External::Nothing)
    }

    /// The files that it will read, as far as `literals` tell: they are watched.
    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        let _ = literals;
        Vec::new()
    }

    /// The memory that it will take at the most while it runs, as far as `literals` tell, which also say where that will be.
    /// Asked before the run, when what comes by wire is not known yet, and again at the node's turn, when everything is.
    fn memory(&self, literals: &Literals<'_>) -> Option<MemoryNeed> {
        let _ = literals;
        None
    }

    /// Computes the outputs. Long loops call [`Context::progress`], which also notices a cancelled run.
    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult;
}

/// What a node's `run` returns.
pub type NodeResult = Result<Outputs, NodeError>;

/// What a node's result depends on besides its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum External {
    /// Nothing: the same inputs always give the same result.
    Nothing,
    /// Something with this content.
    Content(Fingerprint),
    /// Something that nobody can foresee: the result is never taken from a cache.
    Unknowable,
}

/// Where a node stands while it is asked what it depends on.
pub struct Surroundings<'a> {
    pub(crate) base_dir: &'a Path,
    pub(crate) out_dir: &'a Path,
    pub(crate) services: &'a Services,
}

impl<'a> Surroundings<'a> {
    /// For asking a node outside a run.
    pub fn new(base_dir: &'a Path, out_dir: &'a Path, services: &'a Services) -> Self {
        Surroundings { base_dir, out_dir, services }
    }

    /// Relative paths of files that are read count from here: the workflow's folder.
    pub fn base_dir(&self) -> &'a Path {
        self.base_dir
    }

    /// Relative paths of files that are written count from here.
    pub fn out_dir(&self) -> &'a Path {
        self.out_dir
    }

    /// The service of that type.
    pub fn service<T: Any + Send + Sync>(&self) -> Option<&'a T> {
        self.services.get()
    }
}

/// Why a node has no result.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// It failed.
    #[error("{message}")]
    Failed {
        /// What is wrong, and where.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// What it came from.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl NodeError {
    /// A failure.
    pub fn new(message: impl Into<String>) -> Self {
        NodeError::Failed { message: message.into(), hint: None, source: None }
    }

    /// A failure that comes from another error.
    pub fn from_error(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        let source = error.source().map(|source| Box::new(Cause::copy(source)) as _);
        NodeError::Failed { message: error.to_string(), hint: None, source }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            NodeError::Failed { hint, .. } => hint.as_deref(),
            NodeError::Cancelled => None,
        }
    }

    /// What it came from, outermost first.
    pub fn causes(&self) -> Vec<String> {
        std::iter::successors(std::error::Error::source(self), |error| error.source())
            .map(ToString::to_string)
            .collect()
    }

    /// The same with what it is about before it.
    pub(crate) fn within(self, what: &str) -> Self {
        match self {
            NodeError::Failed { message, hint, source } => {
                NodeError::Failed { message: format!("{what}: {message}"), hint, source }
            }
            NodeError::Cancelled => self,
        }
    }

    /// Adds what to do about it.
    pub fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            NodeError::Failed { message, source, .. } => NodeError::Failed { message, hint: Some(text.into()), source },
            NodeError::Cancelled => self,
        }
    }
}

/// The words of an error that only lends its causes.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Cause {
    message: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    fn copy(error: &dyn std::error::Error) -> Cause {
        Cause { message: error.to_string(), source: error.source().map(|source| Box::new(Cause::copy(source))) }
    }
}

/// Things that nodes share and that the engine does not know: a model store, a device. One per type.
#[derive(Clone, Debug, Default)]
pub struct Services {
    by_type: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Services {
    /// Adds a service, in place of one of the same type.
    pub fn with<T: Any + Send + Sync>(mut self, service: T) -> Self {
        self.by_type.insert(TypeId::of::<T>(), Arc::new(service));
        self
    }

    /// The service of that type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.by_type.get(&TypeId::of::<T>()).and_then(|service| service.downcast_ref())
    }
}
