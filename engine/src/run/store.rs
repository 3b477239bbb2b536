//! What nodes gave, for as long as somebody needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::node::Outputs;
use crate::plan::{Origin, Step};
use crate::value::Value;

/// (node, key) → text.
type Notes = BTreeMap<(String, String), String>;

/// The values and notes of a run so far.
pub(super) struct Store {
    /// For each node and output the value, while somebody needs it.
    values: Vec<Vec<Option<Value>>>,
    /// For each node and output how many nodes still need it.
    uses: Vec<Vec<usize>>,
    /// For each finished node what it and everything before it noted. Shared where a node adds nothing.
    notes: Vec<Arc<Notes>>,
}

impl Store {
    pub(super) fn new(steps: &[Step]) -> Self {
        let none = Arc::new(Notes::new());
        Store {
            values: steps.iter().map(|step| vec![None; step.consumers.len()]).collect(),
            uses: steps.iter().map(|step| step.consumers.iter().map(Vec::len).collect()).collect(),
            notes: vec![none; steps.len()],
        }
    }

    pub(super) fn get(&self, node: usize, output: usize) -> Option<&Value> {
        self.values[node][output].as_ref()
    }

    /// What everything before a node noted.
    pub(super) fn notes_before(&self, step: &Step) -> Arc<Notes> {
        let mut distinct: Vec<&Arc<Notes>> = Vec::new();
        for &dependency in &step.dependencies {
            let notes = &self.notes[dependency];
            if !notes.is_empty() && !distinct.iter().any(|known| Arc::ptr_eq(known, notes)) {
                distinct.push(notes);
            }
        }
        match distinct.as_slice() {
            [] => Arc::default(),
            [one] => Arc::clone(one),
            several => {
                let entries = several.iter().flat_map(|notes| notes.iter());
                Arc::new(entries.map(|(key, text)| (key.clone(), text.clone())).collect())
            }
        }
    }

    /// Keeps what a node gave, as far as somebody needs it.
    pub(super) fn put(
        &mut self,
        node: usize,
        step: &Step,
        outputs: &Outputs,
        before: Arc<Notes>,
        own: &[(String, String)],
    ) {
        for (index, spec) in step.registered.spec.outputs.iter().enumerate() {
            if self.uses[node][index] > 0 {
                self.values[node][index] = outputs.get(spec.name).cloned();
            }
        }
        let mut notes = before;
        if !own.is_empty() {
            let all = Arc::make_mut(&mut notes);
            all.extend(own.iter().map(|(key, text)| ((step.id.clone(), key.clone()), text.clone())));
        }
        self.notes[node] = notes;
    }

    /// A node takes nothing any more: what nobody else needs is dropped.
    pub(super) fn release(&mut self, step: &Step) {
        let mut taken: Vec<_> = step
            .inputs
            .iter()
            .filter_map(|input| match input.origin {
                Origin::Wire { node, output, .. } => Some((node, output)),
                Origin::Known(_) => None,
            })
            .collect();
        taken.sort_unstable();
        taken.dedup();
        for (node, output) in taken {
            let uses = &mut self.uses[node][output];
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.values[node][output] = None;
            }
        }
    }
}
