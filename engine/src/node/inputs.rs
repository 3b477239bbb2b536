//! What a node is given.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use indexmap::IndexMap;

use super::NodeError;
use crate::value::{Data, Value};

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

/// The inputs of a node that are known: before the run those that no wire feeds, at the node's turn all of them.
#[derive(Debug)]
pub struct Literals<'a> {
    known: Known<'a>,
    base_dir: &'a Path,
}

#[derive(Debug)]
enum Known<'a> {
    /// Each input once.
    Before(&'a [(&'static str, Value)]),
    All(&'a Inputs),
}

impl<'a> Literals<'a> {
    pub(crate) fn before_the_run(values: &'a [(&'static str, Value)], base_dir: &'a Path) -> Self {
        Literals { known: Known::Before(values), base_dir }
    }

    /// Everything that a node is given, for asking it outside a run.
    pub fn of(inputs: &'a Inputs, base_dir: &'a Path) -> Self {
        Literals { known: Known::All(inputs), base_dir }
    }

    /// The value of an input, if it is known and of that type.
    pub fn get<T: Data>(&self, name: &str) -> Option<&T> {
        let value = match self.known {
            Known::Before(values) => &values.iter().find(|(known, _)| *known == name)?.1,
            Known::All(inputs) => inputs.value(name)?,
        };
        value.get()
    }

    /// Relative paths in the document count from here.
    pub fn base_dir(&self) -> &Path {
        self.base_dir
    }
}

/// The inputs of a node, all converted to kinds that its sockets take, defaults filled in.
#[derive(Default)]
pub struct Inputs {
    pub(crate) values: IndexMap<&'static str, Input>,
}

/// Where a value may still have to come from.
type Load = Box<dyn Fn() -> Option<Value> + Send + Sync>;

/// An input whose value is there, or comes from a cache when it is first asked for.
pub(crate) struct Input {
    value: OnceLock<Option<Value>>,
    load: Option<Load>,
}

impl Input {
    pub(crate) fn here(value: Value) -> Self {
        Input { value: OnceLock::from(Some(value)), load: None }
    }

    pub(crate) fn later(load: impl Fn() -> Option<Value> + Send + Sync + 'static) -> Self {
        Input { value: OnceLock::new(), load: Some(Box::new(load)) }
    }

    pub(crate) fn get(&self) -> Option<&Value> {
        self.value.get_or_init(|| self.load.as_ref().and_then(|load| load())).as_ref()
    }

    /// Somebody asked for it, and it was not to be had.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.value.get(), Some(None))
    }
}

impl Inputs {
    /// Inputs by name, for calling a node outside a run.
    pub fn new(values: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Inputs { values: values.into_iter().map(|(name, value)| (name, Input::here(value))).collect() }
    }

    /// A required input, or one with a default.
    pub fn get<T: Data>(&self, name: &'static str) -> Result<&T, NodeError> {
        let value = self.required(name)?;
        value.get().ok_or_else(|| {
            NodeError::new(format!("input `{name}` is of kind {}, the node reads it as {}", value.kind(), T::KIND))
        })
    }

    /// An optional input.
    pub fn optional<T: Data>(&self, name: &'static str) -> Result<Option<&T>, NodeError> {
        if self.values.contains_key(name) { self.get(name).map(Some) } else { Ok(None) }
    }

    /// The elements of a list.
    pub fn list<T: Data>(&self, name: &'static str) -> Result<Vec<&T>, NodeError> {
        let value = self.required(name)?;
        let items = value.list().map(|list| list.items().iter().map(Value::get).collect::<Option<Vec<_>>>());
        items.flatten().ok_or_else(|| {
            let wanted = T::KIND.list();
            NodeError::new(format!("input `{name}` is of kind {}, the node reads it as {wanted}", value.kind()))
        })
    }

    /// One text, or the texts of a list.
    pub fn texts(&self, name: &'static str) -> Result<Vec<&str>, NodeError> {
        let value = self.required(name)?;
        value.as_texts().ok_or_else(|| NodeError::new(format!("input `{name}` is of kind {}, no text", value.kind())))
    }

    /// The value itself, whatever its kind.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)?.get()
    }

    /// Whether anything feeds an input. Of a lazy one: whether it was asked for and has come, or is known.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Every input with its summary.
    pub fn summaries(&self) -> Vec<(String, String)> {
        let summary = |input: &Input| input.get().map_or_else(|| "lost".into(), Value::summary);
        self.values.iter().map(|(name, input)| ((*name).to_string(), summary(input))).collect()
    }

    fn required(&self, name: &str) -> Result<&Value, NodeError> {
        let input = self.values.get(name).ok_or_else(|| NodeError::new(format!("input `{name}` is missing")))?;
        input.get().ok_or_else(|| NodeError::new(format!("the value of input `{name}` is lost")))
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.summaries()).finish()
    }
}
