//! What a node is given and what it gives back.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::cancel::CancelToken;
use crate::event::{Event, EventSink, RunId};
use crate::spec::NodeSpec;
use crate::value::{Data, Value};

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

    /// Computes the outputs. Long loops call [`Context::progress`], which also notices a cancelled run.
    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult;
}

/// What a node's `run` returns.
pub type NodeResult = Result<Outputs, NodeError>;

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

    /// What it came from, outermost first.
    pub fn causes(&self) -> Vec<String> {
        std::iter::successors(std::error::Error::source(self), |error| error.source())
            .map(ToString::to_string)
            .collect()
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

/// A problem with one input, found before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    /// The input.
    pub input: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The inputs of a node that are known before the run.
#[derive(Debug)]
pub struct Literals<'a> {
    pub(crate) values: &'a IndexMap<&'static str, Value>,
    pub(crate) base_dir: &'a Path,
}

impl Literals<'_> {
    /// The literal of an input, if it is one and of that type.
    pub fn get<T: Data>(&self, name: &str) -> Option<&T> {
        self.values.get(name)?.get()
    }

    /// Relative paths in the document count from here.
    pub fn base_dir(&self) -> &Path {
        self.base_dir
    }
}

/// The inputs of a node, all converted to kinds that its sockets take, defaults filled in.
#[derive(Debug, Default)]
pub struct Inputs {
    pub(crate) values: IndexMap<&'static str, Value>,
}

impl Inputs {
    /// Inputs by name, for calling a node outside a run.
    pub fn new(values: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Inputs { values: values.into_iter().collect() }
    }

    /// A required input, or one with a default.
    pub fn get<T: Data>(&self, name: &'static str) -> Result<&T, NodeError> {
        let value = self.values.get(name).ok_or_else(|| NodeError::new(format!("input `{name}` is missing")))?;
        value.get().ok_or_else(|| {
            NodeError::new(format!("input `{name}` is of kind {}, the node reads it as {}", value.kind(), T::KIND))
        })
    }

    /// An optional input.
    pub fn optional<T: Data>(&self, name: &'static str) -> Result<Option<&T>, NodeError> {
        if self.values.contains_key(name) { self.get(name).map(Some) } else { Ok(None) }
    }

    /// The value itself, whatever its kind.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Every input with its summary.
    pub fn summaries(&self) -> Vec<(String, String)> {
        self.values.iter().map(|(name, value)| ((*name).to_string(), value.summary())).collect()
    }
}

/// The outputs of a node by name.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    pub(crate) values: IndexMap<&'static str, Value>,
}

impl Outputs {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// One.
    pub fn one<T: Data>(name: &'static str, data: T) -> Self {
        Self::default().with(name, data)
    }

    /// One more.
    pub fn with<T: Data>(self, name: &'static str, data: T) -> Self {
        self.with_value(name, Value::new(data))
    }

    /// One more that is a value already.
    pub fn with_value(mut self, name: &'static str, value: Value) -> Self {
        self.values.insert(name, value);
        self
    }

    /// The output of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Every output with its name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }
}

/// Things that nodes share and that the engine does not know: a model store, a device. One per type.
#[derive(Clone, Default)]
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

/// What a picture must say about itself to be made again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The document, byte for byte.
    pub workflow: Arc<str>,
    /// The workflow's inputs as this run had them, name → RON literal.
    pub inputs: BTreeMap<String, String>,
    /// What the node and everything before it noted: (node, key) → text.
    pub notes: BTreeMap<(String, String), String>,
}

/// A node's window to the run it is part of.
pub struct Context<'a> {
    pub(crate) run: RunId,
    pub(crate) node: &'a str,
    pub(crate) base_dir: &'a Path,
    pub(crate) out_dir: &'a Path,
    pub(crate) services: &'a Services,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) events: &'a EventSink,
    pub(crate) provenance: Provenance,
    pub(crate) own_notes: Vec<(String, String)>,
}

impl<'a> Context<'a> {
    /// A window to no run (its id is 0), for calling a node by itself.
    ///
    /// ```
    /// use easel_engine::{CancelToken, Context, EventSink, Services};
    /// use std::path::Path;
    ///
    /// let (services, cancel, events) = (Services::default(), CancelToken::new(), EventSink::new());
    /// let mut context = Context::outside_a_run("node", Path::new("."), Path::new("out"), &services, &cancel, &events);
    /// context.note("seed", "7");
    /// assert_eq!(context.provenance().notes.len(), 1);
    /// ```
    pub fn outside_a_run(
        node: &'a str,
        base_dir: &'a Path,
        out_dir: &'a Path,
        services: &'a Services,
        cancel: &'a CancelToken,
        events: &'a EventSink,
    ) -> Self {
        let (provenance, own_notes) = (Provenance::default(), Vec::new());
        Context { run: RunId(0), node, base_dir, out_dir, services, cancel, events, provenance, own_notes }
    }

    /// The node's name in the document.
    pub fn node(&self) -> &str {
        self.node
    }

    /// Says how far the node is: `step` of `steps` are done. An error if the run was cancelled.
    pub fn progress(&mut self, step: usize, steps: usize) -> Result<(), NodeError> {
        self.events.send(Event::NodeProgress { run: self.run, node: self.node.to_string(), step, steps });
        self.check_cancelled()
    }

    /// An error if the run was cancelled.
    pub fn check_cancelled(&self) -> Result<(), NodeError> {
        if self.cancel.is_cancelled() { Err(NodeError::Cancelled) } else { Ok(()) }
    }

    /// Something the user should know that is no failure.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.events.send(Event::NodeWarning { run: self.run, node: self.node.to_string(), message: message.into() });
    }

    /// Notes something about this node that everything made from its outputs should carry (a weight hash, a verdict).
    pub fn note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        self.events.send(Event::NodeNote {
            run: self.run,
            node: self.node.to_string(),
            key: key.clone(),
            value: value.clone(),
        });
        self.provenance.notes.insert((self.node.to_string(), key.clone()), value.clone());
        self.own_notes.push((key, value));
    }

    /// Says that a file was written for the user.
    pub fn artifact(&mut self, path: PathBuf) {
        self.events.send(Event::ArtifactWritten { run: self.run, node: self.node.to_string(), path });
    }

    /// The service of that type; an error that names it if the caller of the run gave none.
    pub fn service<T: Any + Send + Sync>(&self) -> Result<&'a T, NodeError> {
        self.services.get().ok_or_else(|| {
            NodeError::new(format!("this run was started without the service {}", std::any::type_name::<T>()))
        })
    }

    /// Relative paths of files that are read count from here: the workflow's folder.
    pub fn base_dir(&self) -> &'a Path {
        self.base_dir
    }

    /// Relative paths of files that are written count from here.
    pub fn out_dir(&self) -> &Path {
        self.out_dir
    }

    /// The recipe so far: what this node and everything before it noted.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}
