//! Changes that are not saved.

use std::sync::Arc;

use super::typed::Typed;

/// What is not saved of a workflow, with what it takes to put it together with what others did to the file meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsaved {
    /// The text of the file when it was known last.
    pub(crate) base: Arc<str>,
    /// The text with the changes.
    pub(crate) text: Arc<str>,
    /// What was being typed.
    pub(crate) typed: Option<Typed>,
}

/// Changes of an earlier time that were never saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// What they are called between the studio and the world.
    pub(crate) number: u64,
    /// They.
    pub(crate) unsaved: Unsaved,
}
