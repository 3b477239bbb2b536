//! The types of sockets.

use std::fmt;

use super::FingerprintHasher;

/// The type of a socket. Open: a crate that brings nodes may bring kinds. Every kind has a kind of lists of it.
///
/// ```
/// use easel_engine::{Kind, kinds};
///
/// assert_eq!(kinds::TEXT.list().to_string(), "TextList");
/// assert_eq!(kinds::TEXT.list().element(), Some(kinds::TEXT));
/// assert_eq!(kinds::TEXT.element(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    name: &'static str,
    /// 0: the thing itself; 1: a list of them; 2: a list of lists.
    depth: u8,
}

impl Kind {
    /// A kind of that name, in `UpperCamelCase`, not ending in `List`.
    pub const fn new(name: &'static str) -> Self {
        Kind { name, depth: 0 }
    }

    /// The kind of lists of this. 255 lists deep it stays itself.
    pub const fn list(self) -> Self {
        Kind { name: self.name, depth: self.depth.saturating_add(1) }
    }

    /// The kind of a list's elements; none if this is no list.
    pub const fn element(self) -> Option<Self> {
        match self.depth {
            0 => None,
            depth => Some(Kind { name: self.name, depth: depth - 1 }),
        }
    }

    /// The name of what is in the innermost list.
    pub const fn base(self) -> &'static str {
        self.name
    }

    /// How many lists deep.
    pub const fn depth(self) -> u8 {
        self.depth
    }

    pub(super) fn hash_into(self, hasher: &mut FingerprintHasher) {
        hasher.text(self.name);
        hasher.raw(&[self.depth]);
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.depth == 0 {
            return f.pad(self.name);
        }
        f.pad(&format!("{}{}", self.name, "List".repeat(usize::from(self.depth))))
    }
}

/// The kinds that can be written as literals in a document.
pub mod kinds {
    use super::Kind;

    /// A string.
    pub const TEXT: Kind = Kind::new("Text");
    /// A list of strings.
    pub const TEXT_LIST: Kind = TEXT.list();
    /// A 64-bit integer.
    pub const INTEGER: Kind = Kind::new("Integer");
    /// A list of integers.
    pub const INTEGER_LIST: Kind = INTEGER.list();
    /// A 64-bit float; an integer literal is taken too.
    pub const FLOAT: Kind = Kind::new("Float");
    /// A list of floats.
    pub const FLOAT_LIST: Kind = FLOAT.list();
    /// `true` or `false`.
    pub const BOOLEAN: Kind = Kind::new("Boolean");
    /// A list of booleans.
    pub const BOOLEAN_LIST: Kind = BOOLEAN.list();
    /// What an input takes that takes every kind. No value is of this kind.
    pub const ANY: Kind = Kind::new("Any");
}
