//! A node's window to the run it is part of.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{NodeError, Services, Trail};
use crate::cancel::CancelToken;
use crate::event::{Event, EventSink, RunId};
use crate::value::Value;

/// (node, key) → text.
pub(crate) type Notes = BTreeMap<(String, String), String>;

/// What a picture must say about itself to be made again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The document, byte for byte.
    pub workflow: Arc<str>,
    /// The texts of the workflows that it includes, by their paths from its folder.
    pub files: Arc<BTreeMap<String, Arc<str>>>,
    /// The workflow's inputs as this run had them, name → RON literal.
    pub inputs: Arc<BTreeMap<String, String>>,
    /// What the node and everything before it noted: (node, key) → text.
    pub notes: Arc<BTreeMap<(String, String), String>>,
}

/// What a node's provenance is put together from when it asks for it: few do.
#[derive(Default)]
pub(crate) struct Recipe<'a> {
    /// Before any node noted anything.
    origin: Option<&'a Provenance>,
    before: Option<&'a Trail>,
    whole: OnceLock<Provenance>,
}

impl<'a> Recipe<'a> {
    pub(crate) fn new(origin: &'a Provenance, before: Option<&'a Trail>) -> Self {
        Recipe { origin: Some(origin), before, whole: OnceLock::new() }
    }

    /// With what the node itself noted.
    fn whole(&self, node: &str, own: &[(String, String)]) -> &Provenance {
        self.whole.get_or_init(|| {
            let mut notes = self.before.map(Trail::notes).unwrap_or_default();
            notes.extend(own.iter().map(|(key, text)| ((node.to_string(), key.clone()), text.clone())));
            Provenance { notes: Arc::new(notes), ..self.origin.cloned().unwrap_or_default() }
        })
    }
}

/// What a node said while it ran: it is said again when its result comes from a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Key → text.
    pub(crate) notes: Vec<(String, String)>,
    pub(crate) warnings: Vec<String>,
    pub(crate) artifacts: Vec<PathBuf>,
}

/// Where a node's half-done work is kept from one attempt to the next.
pub(crate) trait SavedStates: Send + Sync {
    /// What was kept, if anything was and it is whole.
    fn load(&self) -> Option<Vec<u8>>;

    /// Keeps `state` in place of what was kept. That it cannot be kept is no failure of the node.
    fn save(&self, state: &[u8]);

    /// After how many steps a loop should save.
    fn every(&self) -> usize;
}

/// A node's window to the run it is part of.
pub struct Context<'a> {
    pub(crate) run: RunId,
    pub(crate) node: &'a Arc<str>,
    pub(crate) base_dir: &'a Path,
    pub(crate) out_dir: &'a Path,
    pub(crate) services: &'a Services,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) events: &'a EventSink,
    /// The device that the workflow chose for this node.
    pub(crate) device: Option<&'a str>,
    pub(crate) recipe: Recipe<'a>,
    pub(crate) states: Option<&'a dyn SavedStates>,
    pub(crate) told: Told,
}

impl<'a> Context<'a> {
    /// A window to no run (its id is 0), for calling a node by itself.
    ///
    /// ```
    /// use easel_engine::{CancelToken, Context, EventSink, Services};
    /// use std::path::Path;
    ///
    /// let (node, services) = ("node".into(), Services::default());
    /// let (cancel, events) = (CancelToken::new(), EventSink::new());
    /// let mut context = Context::outside_a_run(&node, Path::new("."), Path::new("out"), &services, &cancel, &events);
    /// context.note("seed", "7");
    /// assert_eq!(context.provenance().notes.len(), 1);
    /// ```
    pub fn outside_a_run(
        node: &'a Arc<str>,
        base_dir: &'a Path,
        out_dir: &'a Path,
        services: &'a Services,
        cancel: &'a CancelToken,
        events: &'a EventSink,
    ) -> Self {
        Context {
            run: RunId(0),
            node,
            base_dir,
            out_dir,
            services,
            cancel,
            events,
            device: None,
            recipe: Recipe::default(),
            states: None,
            told: Told::default(),
        }
    }

    /// The node's name in the document; inside other workflows with theirs before it: `outer/inner`, `map[2]/inner`.
    pub fn node(&self) -> &str {
        self.node
    }

    /// The device that the workflow chose for this node, if it did.
    pub fn device(&self) -> Option<&str> {
        self.device
    }

    /// Says how far the node is: `step` of `steps` are done. An error if the run was cancelled.
    pub fn progress(&mut self, step: usize, steps: usize) -> Result<(), NodeError> {
        self.events.send(Event::NodeProgress { run: self.run, node: self.node.clone(), step, steps });
        self.check_cancelled()
    }

    /// Says how far a loop is, like [`Context::progress`], and keeps its state every few steps, and when the run is
    /// cancelled: a later attempt at the same work finds it in [`Context::saved_state`].
    pub fn step(&mut self, step: usize, steps: usize, state: impl FnOnce() -> Vec<u8>) -> Result<(), NodeError> {
        let going_on = self.progress(step, steps);
        if let Some(states) = self.states
            && step < steps
            && (going_on.is_err() || step.is_multiple_of(states.every().max(1)))
        {
            states.save(&state());
        }
        going_on
    }

    /// What an earlier attempt at the same work, with the same inputs, kept last. It may have ended in another process.
    pub fn saved_state(&self) -> Option<Vec<u8>> {
        self.states?.load()
    }

    /// Keeps `state` now, in place of what was kept before.
    pub fn save_state(&mut self, state: &[u8]) {
        if let Some(states) = self.states {
            states.save(state);
        }
    }

    /// An error if the run was cancelled.
    pub fn check_cancelled(&self) -> Result<(), NodeError> {
        if self.cancel.is_cancelled() { Err(NodeError::Cancelled) } else { Ok(()) }
    }

    /// Shows what there is so far.
    pub fn preview(&mut self, value: Value) {
        self.events.send(Event::NodePreview { run: self.run, node: self.node.clone(), value });
    }

    /// Something the user should know that is no failure.
    pub fn warn(&mut self, message: impl Into<String>) {
        let message = message.into();
        self.events.send(Event::NodeWarning { run: self.run, node: self.node.clone(), message: message.clone() });
        self.told.warnings.push(message);
    }

    /// Notes something about this node that everything made from its outputs should carry (a weight hash, a verdict).
    pub fn note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        self.events.send(Event::NodeNote {
            run: self.run,
            node: self.node.clone(),
            key: key.clone(),
            value: value.clone(),
        });
        if let Some(whole) = self.recipe.whole.get_mut() {
            let notes = Arc::make_mut(&mut whole.notes);
            notes.insert((self.node.to_string(), key.clone()), value.clone());
        }
        self.told.notes.push((key, value));
    }

    /// Says that a file was written for the user.
    pub fn artifact(&mut self, path: PathBuf) {
        self.events.send(Event::ArtifactWritten { run: self.run, node: self.node.clone(), path: path.clone() });
        self.told.artifacts.push(path);
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
    pub fn out_dir(&self) -> &'a Path {
        self.out_dir
    }

    /// The recipe so far: what this node and everything before it noted.
    pub fn provenance(&self) -> &Provenance {
        self.recipe.whole(self.node, &self.told.notes)
    }
}
