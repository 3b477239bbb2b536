//! What a node gives back.

use std::borrow::Cow;

use crate::graph::Fragment;
use crate::value::{Data, Value};

/// The outputs of a node by name.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    values: Vec<(Cow<'static, str>, Value)>,
    blocked: Vec<(Cow<'static, str>, String)>,
    pub(crate) expansion: Option<Box<Fragment>>,
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

    /// What a piece of graph gives that stands in for this node: it runs in the same run, and its outputs of the same
    /// names become this node's.
    pub fn expand(fragment: Fragment) -> Self {
        Outputs { expansion: Some(Box::new(fragment)), ..Self::default() }
    }

    /// One more.
    pub fn with<T: Data>(self, name: &'static str, data: T) -> Self {
        self.with_value(name, Value::new(data))
    }

    /// One more that is a value already.
    pub fn with_value(mut self, name: &'static str, value: Value) -> Self {
        put(&mut self.values, Cow::Borrowed(name), value);
        self
    }

    /// One that is kept back: what needs it does not run, which is no failure. In a list it is left out.
    pub fn block(mut self, name: &'static str, reason: impl Into<String>) -> Self {
        put(&mut self.blocked, Cow::Borrowed(name), reason.into());
        self
    }

    /// The output of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Why the output of that name is kept back, if it is.
    pub fn blocked(&self, name: &str) -> Option<&str> {
        self.blocked.iter().find(|(known, _)| known == name).map(|(_, reason)| reason.as_str())
    }

    /// Every output with its name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (&**name, value))
    }

    /// The names of everything that was given or kept back.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| &**name).chain(self.blocked.iter().map(|(name, _)| &**name))
    }

    /// One more, of a node whose outputs its document names.
    pub(crate) fn valued_as(mut self, name: Cow<'static, str>, value: Value) -> Self {
        put(&mut self.values, name, value);
        self
    }

    /// One more that is kept back, of a node whose outputs its document names.
    pub(crate) fn blocked_as(mut self, name: Cow<'static, str>, reason: &str) -> Self {
        put(&mut self.blocked, name, reason.to_string());
        self
    }
}

/// In place of what is there under that name. A node has few outputs: to look at each is quicker than to hash a name.
fn put<T>(all: &mut Vec<(Cow<'static, str>, T)>, name: Cow<'static, str>, one: T) {
    match all.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = one,
        None => all.push((name, one)),
    }
}
