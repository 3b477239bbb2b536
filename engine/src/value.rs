//! Values that travel along wires, and their kinds.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The type of a socket. Open: a crate that brings nodes may bring kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(&'static str);

impl Kind {
    /// A kind of that name, in `UpperCamelCase`.
    pub const fn new(name: &'static str) -> Self {
        Kind(name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The kinds that can be written as literals in a document.
pub mod kinds {
    use super::Kind;

    /// A string.
    pub const TEXT: Kind = Kind::new("Text");
    /// A list of strings.
    pub const TEXT_LIST: Kind = Kind::new("TextList");
    /// A 64-bit integer.
    pub const INTEGER: Kind = Kind::new("Integer");
    /// A 64-bit float; an integer literal is taken too.
    pub const FLOAT: Kind = Kind::new("Float");
    /// `true` or `false`.
    pub const BOOLEAN: Kind = Kind::new("Boolean");
}

/// A Rust type that can travel along a wire.
pub trait Data: Any + Send + Sync {
    /// The kind of the sockets it fits.
    const KIND: Kind;

    /// One line for people: what is in it, not all of it.
    fn summary(&self) -> String;
}

trait Erased: Any + Send + Sync {
    fn summary(&self) -> String;
    fn as_any(&self) -> &dyn Any;
}

impl<T: Data> Erased for T {
    fn summary(&self) -> String {
        Data::summary(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An immutable value of some kind, shared by everyone who holds it.
#[derive(Clone)]
pub struct Value {
    kind: Kind,
    data: Arc<dyn Erased>,
}

impl Value {
    /// Wraps `data`.
    pub fn new<T: Data>(data: T) -> Self {
        Value { kind: T::KIND, data: Arc::new(data) }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        self.data.summary()
    }

    /// What it wraps, if that is a `T`.
    pub fn get<T: Data>(&self) -> Option<&T> {
        self.data.as_any().downcast_ref()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.kind, self.summary())
    }
}

impl Data for String {
    const KIND: Kind = kinds::TEXT;

    fn summary(&self) -> String {
        const SHOWN: usize = 60;
        match self.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{:?}…", &self[..end]),
            None => format!("{self:?}"),
        }
    }
}

impl Data for Vec<String> {
    const KIND: Kind = kinds::TEXT_LIST;

    fn summary(&self) -> String {
        let shown: Vec<_> = self.iter().take(3).map(Data::summary).collect();
        let more = if self.len() > shown.len() { ", …" } else { "" };
        format!("[{}{more}]", shown.join(", "))
    }
}

impl Data for i64 {
    const KIND: Kind = kinds::INTEGER;

    fn summary(&self) -> String {
        self.to_string()
    }
}

impl Data for f64 {
    const KIND: Kind = kinds::FLOAT;

    fn summary(&self) -> String {
        format!("{self:?}")
    }
}

impl Data for bool {
    const KIND: Kind = kinds::BOOLEAN;

    fn summary(&self) -> String {
        self.to_string()
    }
}
