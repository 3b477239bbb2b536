//! What stands at an output while a run goes on: a value, where to get it, or why there is none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::Cache;
use crate::check::Fit;
use crate::node::NodeError;
use crate::plan::Plan;
use crate::value::{Fingerprint, Kind, List, Value};

/// What an output, or a parameter of a block, holds.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// The value is here. That node gives it again; none: the plan or the run itself has it for good, or it was made to
    /// fit and is no node's.
    Here { value: Value, producer: Option<usize> },
    /// The value is known, and the cache has it; if not, that node gives it again.
    Kept { kind: Kind, fingerprint: Fingerprint, producer: usize },
    /// A list, whose elements may be here or not.
    List { element: Kind, items: Arc<[Slot]> },
    /// It was kept back.
    Blocked(Arc<Blocked>),
    /// There is none yet, or nobody was going to need it any more; that node gives it again.
    Gone { producer: usize },
}

/// Why there is no value, without anything having failed.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) because: Arc<str>,
    pub(super) reason: String,
}

/// Where values that are not here come from.
pub(super) struct Loader {
    pub(super) cache: Arc<Cache>,
    pub(super) plan: Plan,
    /// Values that were lost and made once more.
    pub(super) recovered: Mutex<HashMap<Fingerprint, Value>>,
}

/// Why an input has no value yet.
pub(super) enum Obstacle {
    /// These nodes must run once more.
    Lost(Vec<usize>),
    Blocked(Arc<Blocked>),
    Failed(NodeError),
}

impl Slot {
    /// A value that is never lost.
    pub(super) fn known(value: Value) -> Self {
        Slot::Here { value, producer: None }
    }

    /// Whether there is a value, here or elsewhere.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Slot::Blocked(_) | Slot::Gone { .. })
    }

    /// Without having to be here.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Slot::Here { value, .. } => value.fingerprint(),
            Slot::Kept { fingerprint, .. } => Some(*fingerprint),
            Slot::List { element, items } => List::fingerprint_of(*element, items.iter().map(Slot::fingerprint)),
            Slot::Blocked(_) | Slot::Gone { .. } => None,
        }
    }

    /// Whether it has a fingerprint. Hashes the values that were not, all of them.
    pub(super) fn is_comparable(&self) -> bool {
        match self {
            Slot::Here { value, .. } => value.fingerprint().is_some(),
            Slot::Kept { .. } => true,
            Slot::List { items, .. } => items.iter().filter(|item| !item.is_comparable()).count() == 0,
            Slot::Blocked(_) | Slot::Gone { .. } => false,
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            Slot::Here { value, .. } => Some(value.kind()),
            Slot::Kept { kind, .. } => Some(*kind),
            Slot::List { element, .. } => Some(element.list()),
            Slot::Blocked(_) | Slot::Gone { .. } => None,
        }
    }

    /// The value, wherever it is; otherwise the nodes that would have to give it again.
    pub(super) fn load(&self, loader: &Loader) -> Result<Value, Vec<usize>> {
        match self {
            Slot::Here { value, .. } => Ok(value.clone()),
            Slot::Kept { kind, fingerprint, producer } => {
                loader.load(fingerprint, *kind).ok_or_else(|| vec![*producer])
            }
            Slot::List { element, items } => {
                let (mut values, mut lost) = (Vec::with_capacity(items.len()), Vec::new());
                for item in items.iter() {
                    match item.load(loader) {
                        Ok(value) => values.push(value),
                        Err(producers) => lost.extend(producers),
                    }
                }
                if lost.is_empty() { Ok(List::of_kind(*element, values).into()) } else { Err(lost) }
            }
            Slot::Blocked(_) => Err(Vec::new()),
            Slot::Gone { producer } => Err(vec![*producer]),
        }
    }

    /// The elements of a list.
    pub(super) fn items(&self, loader: &Loader) -> Result<Vec<Slot>, Obstacle> {
        if let Slot::List { items, .. } = self {
            return Ok(items.to_vec());
        }
        let value = self.load(loader).map_err(Obstacle::Lost)?;
        let list = value.list().ok_or_else(|| {
            Obstacle::Failed(NodeError::new(format!("a list is wanted here, this is {}", value.kind())))
        })?;
        let producer = match self {
            Slot::Kept { producer, .. } => Some(*producer),
            Slot::Here { producer, .. } => *producer,
            _ => None,
        };
        Ok(list.items().iter().map(|item| Slot::Here { value: item.clone(), producer }).collect())
    }

    /// The same after nobody needs the value for now: it stays known, but takes no memory. Stays as it is where nothing
    /// could find or make the value again.
    pub(super) fn at_rest(&self) -> Slot {
        match self {
            Slot::Here { value, producer: Some(producer) } => match value.fingerprint() {
                Some(fingerprint) => Slot::Kept { kind: value.kind(), fingerprint, producer: *producer },
                None => self.clone(),
            },
            Slot::List { element, items } => {
                Slot::List { element: *element, items: items.iter().map(Slot::at_rest).collect() }
            }
            slot => slot.clone(),
        }
    }
}

impl Loader {
    /// Those of the values that the cache has in memory, all in one go: for each slot, or none.
    pub(super) fn at_hand(&self, slots: &[Slot]) -> Vec<Option<Value>> {
        let wanted = slots.iter().map(|slot| match slot {
            Slot::Kept { kind, fingerprint, .. } => Some((*fingerprint, *kind)),
            _ => None,
        });
        self.cache.at_hand(&wanted.collect::<Vec<_>>())
    }

    fn load(&self, fingerprint: &Fingerprint, kind: Kind) -> Option<Value> {
        let recovered = self.recovered.lock().unwrap_or_else(PoisonError::into_inner).get(fingerprint).cloned();
        recovered.or_else(|| self.cache.load(fingerprint, kind, &self.plan.0.registry))
    }
}

/// What feeds an input, before it is made to fit.
pub(super) enum Given {
    One { slot: Slot, fit: Fit },
    List { element: Kind, items: Vec<Given> },
}

impl Given {
    /// What the socket gets. In a list, what is blocked is left out.
    pub(super) fn fitted(self, loader: &Loader) -> Result<Slot, Obstacle> {
        match self {
            Given::One { slot: Slot::Blocked(blocked), .. } => Err(Obstacle::Blocked(blocked)),
            Given::One { slot: Slot::Gone { producer }, .. } => Err(Obstacle::Lost(vec![producer])),
            Given::One { slot, fit: Fit::Same } => Ok(slot),
            Given::One { slot, fit: Fit::OneToList } => match slot.kind() {
                Some(element) => Ok(Slot::List { element, items: [slot].into() }),
                None => Err(Obstacle::Lost(slot.load(loader).err().unwrap_or_default())),
            },
            Given::One { slot, fit } => {
                let value = slot.load(loader).map_err(Obstacle::Lost)?;
                fit.apply(&value).map(Slot::known).map_err(Obstacle::Failed)
            }
            Given::List { element, items } => {
                let (mut slots, mut lost) = (Vec::with_capacity(items.len()), Vec::new());
                for item in items {
                    match item.fitted(loader) {
                        Ok(slot) => slots.push(slot),
                        Err(Obstacle::Blocked(_)) => {}
                        Err(Obstacle::Lost(producers)) => lost.extend(producers),
                        Err(failed @ Obstacle::Failed(_)) => return Err(failed),
                    }
                }
                if lost.is_empty() {
                    Ok(Slot::List { element, items: slots.into() })
                } else {
                    Err(Obstacle::Lost(lost))
                }
            }
        }
    }
}
