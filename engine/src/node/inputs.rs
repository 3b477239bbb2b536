//! What a node is given.

use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::{NodeError, Services};
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

/// The inputs of a node that are known: before the run those that no wire feeds, at the node's turn all of them. And where
/// it will run, as far as that is known.
#[derive(Debug)]
pub struct Literals<'a> {
    known: Known<'a>,
    base_dir: &'a Path,
    device: Option<&'a str>,
    services: Option<&'a Services>,
}

#[derive(Debug)]
enum Known<'a> {
    /// Each input once.
    Before(&'a [(&'static str, Value)]),
    All(&'a Inputs),
}

impl<'a> Literals<'a> {
    pub(crate) fn before_the_run(values: &'a [(&'static str, Value)], base_dir: &'a Path) -> Self {
        Literals { known: Known::Before(values), base_dir, device: None, services: None }
    }

    /// Everything that a node is given, for asking it outside a run.
    pub fn of(inputs: &'a Inputs, base_dir: &'a Path) -> Self {
        Literals { known: Known::All(inputs), base_dir, device: None, services: None }
    }

    /// The same for a node that will run with these services, on the device that the workflow chose for it if it did.
    pub fn at(self, services: &'a Services, device: Option<&'a str>) -> Self {
        Literals { device, services: Some(services), ..self }
    }

    /// The device that the workflow chose for the node, if it did.
    pub fn device(&self) -> Option<&str> {
        self.device
    }

    /// The service of that type, if the run will have it and that is known.
    pub fn service<T: Any + Send + Sync>(&self) -> Option<&'a T> {
        self.services?.get()
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
    /// In the order of the spec, each name once.
    values: Vec<(&'static str, OnceLock<Option<Value>>)>,
    /// Where values that are not here come from.
    source: Option<Arc<dyn Source>>,
}

/// Where a node's inputs come from that are not here yet.
pub(crate) trait Source: Send + Sync {
    /// The value of the input at that place; none if it is lost.
    fn load(&self, place: usize) -> Option<Value>;
}

impl Inputs {
    /// Inputs by name, for calling a node outside a run.
    pub fn new(values: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let mut inputs = Inputs::default();
        for (name, value) in values {
            let value = OnceLock::from(Some(value));
            match inputs.values.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => inputs.values.push((name, value)),
            }
        }
        inputs
    }

    /// Those of a run: (name, value if it is here). The others are loaded when somebody asks for them.
    pub(crate) fn in_a_run(
        values: impl Iterator<Item = (&'static str, Option<Value>)>,
        source: Arc<dyn Source>,
    ) -> Self {
        let cell = |value: Option<Value>| value.map_or_else(OnceLock::new, |value| OnceLock::from(Some(value)));
        Inputs { values: values.map(|(name, value)| (name, cell(value))).collect(), source: Some(source) }
    }

    /// Sees to it that every value is here. False if one is lost.
    pub(crate) fn load(&self) -> bool {
        (0..self.values.len()).filter(|&place| self.at(place).is_none()).count() == 0
    }

    /// Whether a value that was asked for is lost.
    pub(crate) fn is_any_lost(&self) -> bool {
        self.values.iter().any(|(_, value)| matches!(value.get(), Some(None)))
    }

    /// The value at a place; none if it is lost.
    fn at(&self, place: usize) -> Option<&Value> {
        let load = || self.source.as_ref().and_then(|source| source.load(place));
        self.values[place].1.get_or_init(load).as_ref()
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.values.iter().position(|(known, _)| *known == name)
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
        if self.has(name) { self.get(name).map(Some) } else { Ok(None) }
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
        self.at(self.place(name)?)
    }

    /// Whether anything feeds an input. Of a lazy one: whether it was asked for and has come, or is known.
    pub fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Every input with its summary.
    pub fn summaries(&self) -> Vec<(String, String)> {
        let summary = |place| self.at(place).map_or_else(|| "lost".into(), Value::summary);
        self.values.iter().enumerate().map(|(place, (name, _))| ((*name).to_string(), summary(place))).collect()
    }

    fn required(&self, name: &str) -> Result<&Value, NodeError> {
        let place = self.place(name).ok_or_else(|| NodeError::new(format!("input `{name}` is missing")))?;
        self.at(place).ok_or_else(|| NodeError::new(format!("the value of input `{name}` is lost")))
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.summaries()).finish()
    }
}
