//! What is kept of a node that ran.

use std::time::Duration;

use super::seal::Seal;
use crate::node::Told;
use crate::value::{Fingerprint, Kind, Value};

/// What a node gave when it ran with a certain key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The node type, for statistics.
    pub(crate) node_type: String,
    /// In the order of the spec.
    pub(crate) outputs: Vec<KeptOutput>,
    pub(crate) told: Told,
    /// How long it took.
    pub(crate) cost: Duration,
}

/// One output of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeptOutput {
    Value {
        kind: Kind,
        fingerprint: Fingerprint,
        summary: String,
    },
    /// It was kept back, for this reason.
    Blocked(String),
    /// First of all "outputs" of a node that turned into a fragment: the fragment without its values, which follow.
    Sketch(String),
}

impl Entry {
    /// What the node turned into, if it did, without the values of that.
    pub(crate) fn sketch(&self) -> Option<&str> {
        match self.outputs.first()? {
            KeptOutput::Sketch(sketch) => Some(sketch),
            KeptOutput::Value { .. } | KeptOutput::Blocked(_) => None,
        }
    }

    /// Kind and fingerprint of the outputs that are not blocked.
    pub(crate) fn values(&self) -> impl Iterator<Item = (Kind, Fingerprint)> {
        self.outputs.iter().filter_map(|output| match output {
            KeptOutput::Value { kind, fingerprint, .. } => Some((*kind, *fingerprint)),
            KeptOutput::Blocked(_) | KeptOutput::Sketch(_) => None,
        })
    }

    /// Bytes of memory that it takes, about, without its values.
    fn own_size(&self) -> usize {
        let outputs: usize = self
            .outputs
            .iter()
            .map(|output| match output {
                KeptOutput::Value { summary, .. } => summary.len(),
                KeptOutput::Blocked(text) | KeptOutput::Sketch(text) => text.len(),
            })
            .sum();
        let Told { notes, warnings, artifacts } = &self.told;
        let told = notes.iter().map(|(key, text)| key.len() + text.len()).sum::<usize>()
            + warnings.iter().map(String::len).sum::<usize>()
            + artifacts.iter().map(|path| path.as_os_str().len()).sum::<usize>();
        let pieces = self.outputs.len() * size_of::<KeptOutput>()
            + (notes.len() * 2 + warnings.len() + artifacts.len()) * size_of::<String>();
        size_of::<Self>() + self.node_type.len() + outputs + told + pieces
    }
}

/// An entry with what the cache itself has to know about it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) entry: Entry,
    /// Bytes of memory of the values, in the order of the outputs that are not blocked.
    pub(super) sizes: Vec<u64>,
    /// Of the files that the node wrote.
    pub(super) seals: Vec<Seal>,
}

impl Kept {
    /// None if the entry cannot be kept: `values` are not those that it names, one of them equals nothing, or one of
    /// the files that it names cannot be read.
    pub(super) fn new(entry: Entry, values: &[Value]) -> Option<Self> {
        let mut named = entry.values();
        let fits = |(kind, fingerprint): (Kind, Fingerprint), value: &Value| {
            kind == value.kind() && Some(fingerprint) == value.fingerprint()
        };
        let all_fit = values.iter().all(|value| named.next().is_some_and(|name| fits(name, value)));
        if !all_fit || named.next().is_some() {
            return None;
        }
        drop(named);
        let seals = entry.told.artifacts.iter().map(|path| Seal::of(path)).collect::<Option<_>>()?;
        let sizes = values.iter().map(|value| value.size() as u64).collect();
        Some(Kept { entry, sizes, seals })
    }

    /// Bytes of memory without the values.
    pub(super) fn own_size(&self) -> u64 {
        const BOOKKEEPING: usize = 160;
        (self.entry.own_size() + self.seals.iter().map(Seal::size_in_memory).sum::<usize>() + BOOKKEEPING) as u64
    }

    /// Bytes of memory with the values, whoever else names them.
    pub(super) fn full_size(&self) -> u64 {
        self.sizes.iter().fold(self.own_size(), |sum, size| sum.saturating_add(*size))
    }

    /// Whether every file that the node wrote is still there, as it wrote it.
    pub(super) fn files_are_there(&self) -> bool {
        self.seals.iter().all(Seal::holds)
    }
}
