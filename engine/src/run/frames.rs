//! The blocks that a run carries out, each as often as it is, and what their steps have given so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frontier::Frontier;
use super::slot::{Given, Slot};
use crate::event::PlannedNode;
use crate::node::Notes;
use crate::plan::{Block, Origin, Plan, Step};

/// One carrying-out of a block.
pub(super) struct Frame {
    block: BlockRef,
    /// The instance of its first step; the others follow in order.
    base: usize,
    /// The values of its parameters.
    arguments: Vec<Slot>,
    /// What everything before it noted.
    notes: Arc<Notes>,
    /// How many frames it is inside of.
    pub(super) depth: usize,
    /// The instance that it belongs to; none for the workflow itself.
    pub(super) owner: Option<usize>,
}

/// A block of the plan, or one that came into being in the run.
#[derive(Clone)]
pub(super) enum BlockRef {
    Root(Plan),
    Inner(Arc<Block>),
}

impl BlockRef {
    pub(super) fn get(&self) -> &Block {
        match self {
            BlockRef::Root(plan) => &plan.0.root,
            BlockRef::Inner(block) => block,
        }
    }
}

/// One carrying-out of a step.
pub(super) struct Instance {
    pub(super) frame: usize,
    pub(super) step: usize,
    /// Its name with those of what it is inside of before it.
    pub(super) id: Arc<str>,
    outputs: Vec<Output>,
    /// What it and everything before it noted; shared where it adds nothing.
    notes: Arc<Notes>,
}

struct Output {
    slot: Slot,
    /// How many inputs and results still need it.
    uses: usize,
}

/// What a new frame is made of.
pub(super) struct NewFrame {
    pub(super) block: BlockRef,
    pub(super) arguments: Vec<Slot>,
    /// Stands before the names of its nodes.
    pub(super) prefix: Option<String>,
    pub(super) owner: Option<usize>,
    /// What everything before it noted.
    pub(super) notes: Arc<Notes>,
}

/// All frames and instances of a run; instances have the indices that the frontier knows them by.
pub(super) struct Frames {
    frames: Vec<Frame>,
    instances: Vec<Instance>,
    /// What most nodes note.
    no_notes: Arc<Notes>,
    /// Values that nobody needs for now need not be hashed to find them again: no cache would have them.
    forgets: bool,
}

impl Frames {
    /// None yet.
    pub(super) fn new(forgets: bool) -> Self {
        Frames { frames: Vec::new(), instances: Vec::new(), no_notes: Arc::default(), forgets }
    }

    /// Begins a block: all its steps are dormant. Returns the frame.
    pub(super) fn begin(&mut self, new: NewFrame, frontier: &mut Frontier) -> usize {
        let frame = self.frames.len();
        let base = frontier.len();
        for (index, step) in new.block.get().steps.iter().enumerate() {
            let instance = frontier.add(strict_needs(step, base));
            debug_assert_eq!(instance, base + index);
            let id = match &new.prefix {
                None => Arc::clone(&step.id),
                Some(prefix) => format!("{prefix}/{}", step.id).into(),
            };
            // The report of a run gives what its targets gave.
            let kept = usize::from(new.owner.is_none() && step.is_target);
            let output = |uses: usize| Output { slot: Slot::Gone { producer: instance }, uses: uses + kept };
            let outputs = step.outputs.iter().map(|spec| output(spec.uses)).collect();
            self.instances.push(Instance { frame, step: index, id, outputs, notes: Arc::clone(&self.no_notes) });
        }
        let depth = new.owner.map_or(0, |owner| self.frames[self.instances[owner].frame].depth + 1);
        let NewFrame { block, arguments, owner, notes, .. } = new;
        self.frames.push(Frame { block, base, arguments, notes, depth, owner });
        frame
    }

    pub(super) fn frame(&self, frame: usize) -> &Frame {
        &self.frames[frame]
    }

    pub(super) fn block(&self, frame: usize) -> &BlockRef {
        &self.frames[frame].block
    }

    pub(super) fn instance(&self, instance: usize) -> &Instance {
        &self.instances[instance]
    }

    pub(super) fn step(&self, instance: usize) -> &Step {
        let Instance { frame, step, .. } = &self.instances[instance];
        &self.frames[*frame].block.get().steps[*step]
    }

    pub(super) fn depth(&self, instance: usize) -> usize {
        self.frames[self.instances[instance].frame].depth
    }

    /// The nodes of a frame as events tell of them.
    pub(super) fn planned(&self, frame: usize) -> impl Iterator<Item = PlannedNode> {
        let Frame { block, base, .. } = &self.frames[frame];
        block.get().steps.iter().enumerate().map(move |(index, step)| PlannedNode {
            node: Arc::clone(&self.instances[base + index].id),
            node_type: step.action.type_name().to_string(),
        })
    }

    /// The instances that a frame must run for its own sake.
    pub(super) fn targets(&self, frame: usize) -> Vec<usize> {
        let Frame { block, base, .. } = &self.frames[frame];
        let steps = block.get().steps.iter().enumerate();
        steps.filter(|(_, step)| step.is_target).map(|(index, _)| base + index).collect()
    }

    /// The instances that an origin in a frame names.
    pub(super) fn sources(&self, frame: usize, origin: &Origin) -> Vec<usize> {
        let mut sources = Vec::new();
        origin.each_wire(&mut |step, _| sources.push(self.frames[frame].base + step));
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    /// What an origin in a frame gives now.
    pub(super) fn given(&self, frame: usize, origin: &Origin) -> Given {
        let Frame { base, arguments, .. } = &self.frames[frame];
        match origin {
            Origin::Known(value) => Given::One { slot: Slot::known(value.clone()), fit: crate::check::Fit::Same },
            Origin::Wire { step, output, fit } => {
                Given::One { slot: self.instances[base + step].outputs[*output].slot.clone(), fit: fit.clone() }
            }
            Origin::Param { param, fit } => Given::One { slot: arguments[*param].clone(), fit: fit.clone() },
            Origin::List { element, items } => {
                let items = items.iter().map(|item| self.given(frame, item)).collect();
                Given::List { element: *element, items }
            }
        }
    }

    /// Whether anything needs an output.
    pub(super) fn is_used(&self, instance: usize, output: usize) -> bool {
        self.instances[instance].outputs[output].uses > 0
    }

    /// What an output holds.
    pub(super) fn slot(&self, instance: usize, output: usize) -> &Slot {
        &self.instances[instance].outputs[output].slot
    }

    /// What everything before an instance noted.
    pub(super) fn notes_before(&self, instance: usize) -> Arc<Notes> {
        let Instance { frame, .. } = self.instances[instance];
        let mut before = Merged::default();
        before.add(&self.frames[frame].notes);
        let step = self.step(instance);
        let base = self.frames[frame].base;
        step.inputs.iter().for_each(|input| {
            input.origin.each_wire(&mut |source, _| before.add(&self.instances[base + source].notes));
        });
        before.finish(&self.no_notes)
    }

    /// Keeps what an instance gave, as far as somebody needs it, and what it noted.
    pub(super) fn put(&mut self, instance: usize, slots: Vec<Slot>, before: Arc<Notes>, own: &[(String, String)]) {
        let forgets = self.forgets;
        let at = &mut self.instances[instance];
        for (output, slot) in at.outputs.iter_mut().zip(slots) {
            output.slot = if output.uses > 0 { slot } else { dropped(&slot, instance, forgets) };
        }
        at.notes = before;
        if !own.is_empty() {
            let notes = Arc::make_mut(&mut at.notes);
            notes.extend(own.iter().map(|(key, text)| ((at.id.to_string(), key.clone()), text.clone())));
        }
    }

    /// The notes of a frame's results become those of what it stands for.
    pub(super) fn notes_of(&self, instances: impl IntoIterator<Item = usize>, before: &Arc<Notes>) -> Arc<Notes> {
        let mut all = Merged::default();
        all.add(before);
        instances.into_iter().for_each(|instance| all.add(&self.instances[instance].notes));
        all.finish(&self.no_notes)
    }

    /// An instance takes nothing any more: what nobody else needs is dropped.
    pub(super) fn release_inputs(&mut self, instance: usize) {
        let Instance { frame, step, .. } = self.instances[instance];
        let block = self.frames[frame].block.clone();
        for input in &block.get().steps[step].inputs {
            self.release(frame, &input.origin);
        }
    }

    /// An instance runs once more, and takes what it took.
    pub(super) fn take_inputs_again(&mut self, instance: usize) {
        let Instance { frame, step, .. } = self.instances[instance];
        let (block, base) = (self.frames[frame].block.clone(), self.frames[frame].base);
        for input in &block.get().steps[step].inputs {
            input.origin.each_wire(&mut |source, output| self.instances[base + source].outputs[output].uses += 1);
        }
    }

    /// A frame's results were taken, and everything in it has ended or never will be wanted.
    pub(super) fn release_results(&mut self, frame: usize) {
        let (block, base) = (self.frames[frame].block.clone(), self.frames[frame].base);
        for instance in base..base + block.get().steps.len() {
            for output in &mut self.instances[instance].outputs {
                output.uses = 0;
                output.slot = dropped(&output.slot, instance, self.forgets);
            }
        }
        // Should a node in it have to run again, those who gave them give them again.
        let (owner, forgets) = (self.frames[frame].owner.unwrap_or_default(), self.forgets);
        for argument in &mut self.frames[frame].arguments {
            *argument = if forgets { Slot::Gone { producer: owner } } else { argument.at_rest() };
        }
    }

    fn release(&mut self, frame: usize, origin: &Origin) {
        let (base, forgets) = (self.frames[frame].base, self.forgets);
        origin.each_wire(&mut |step, output| {
            let output = &mut self.instances[base + step].outputs[output];
            output.uses = output.uses.saturating_sub(1);
            if output.uses == 0 {
                output.slot = dropped(&output.slot, base + step, forgets);
            }
        });
    }
}

/// An output that nobody needs for now. What cannot be found again by its content its node has to give again.
fn dropped(slot: &Slot, producer: usize, forgets: bool) -> Slot {
    match slot {
        Slot::Here { .. } | Slot::List { .. } if forgets || slot.fingerprint().is_none() => Slot::Gone { producer },
        slot => slot.at_rest(),
    }
}

/// The instances that a step needs before it runs: all but those of lazy inputs. Ascending, each once.
fn strict_needs(step: &Step, base: usize) -> Vec<usize> {
    let mut needs = Vec::new();
    for input in step.inputs.iter().filter(|input| !input.lazy) {
        input.origin.each_wire(&mut |source, _| needs.push(base + source));
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// Several nodes' notes together; shared where one holds them all.
#[derive(Default)]
struct Merged<'a> {
    distinct: Vec<&'a Arc<Notes>>,
}

impl<'a> Merged<'a> {
    fn add(&mut self, notes: &'a Arc<Notes>) {
        if !notes.is_empty() && !self.distinct.iter().any(|known| Arc::ptr_eq(known, notes)) {
            self.distinct.push(notes);
        }
    }

    fn finish(self, none: &Arc<Notes>) -> Arc<Notes> {
        match self.distinct.as_slice() {
            [] => Arc::clone(none),
            [one] => Arc::clone(one),
            several => {
                let entries = several.iter().flat_map(|notes| notes.iter());
                Arc::new(entries.map(|(key, text)| (key.clone(), text.clone())).collect::<BTreeMap<_, _>>())
            }
        }
    }
}
