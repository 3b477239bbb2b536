//! The blocks that a run carries out, each as often as it is, and what their steps have given so far.

use std::sync::Arc;

use super::frontier::Frontier;
use super::slot::{Given, Slot};
use crate::event::PlannedNode;
use crate::node::Trail;
use crate::plan::{Block, Origin, Plan, Step};

/// One carrying-out of a block.
pub(super) struct Frame {
    block: BlockRef,
    /// The instance of its first step; the others follow in order.
    base: usize,
    /// The values of its parameters.
    arguments: Vec<Slot>,
    /// What everything before it noted.
    trail: Option<Arc<Trail>>,
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
    /// Where its outputs begin among all.
    outputs: usize,
    /// What it and everything before it noted; shared where it adds nothing.
    trail: Option<Arc<Trail>>,
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
    pub(super) trail: Option<Arc<Trail>>,
}

/// All frames and instances of a run; instances have the indices that the frontier knows them by.
pub(super) struct Frames {
    frames: Vec<Frame>,
    instances: Vec<Instance>,
    /// Those of all instances, one after another.
    outputs: Vec<Output>,
    /// Whether any node noted anything: most look for what was noted before them in vain.
    has_notes: bool,
    /// Values that nobody needs for now need not be hashed to find them again: no cache would have them.
    forgets: bool,
}

impl Frames {
    /// None yet.
    pub(super) fn new(forgets: bool) -> Self {
        Frames { frames: Vec::new(), instances: Vec::new(), outputs: Vec::new(), has_notes: false, forgets }
    }

    /// Begins a block: all its steps are dormant. Returns the frame.
    pub(super) fn begin(&mut self, new: NewFrame, frontier: &mut Frontier) -> usize {
        let frame = self.frames.len();
        let base = frontier.len();
        let steps = &new.block.get().steps;
        frontier.reserve(steps.len());
        self.instances.reserve(steps.len());
        self.outputs.reserve(steps.len());
        let mut needs = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            strict_needs(step, base, &mut needs);
            let instance = frontier.add(&needs);
            debug_assert_eq!(instance, base + index);
            let id = match &new.prefix {
                None => Arc::clone(&step.id),
                Some(prefix) => format!("{prefix}/{}", step.id).into(),
            };
            // The report of a run gives what its targets gave.
            let kept = usize::from(new.owner.is_none() && step.is_target);
            let output = |uses: usize| Output { slot: Slot::Gone { producer: instance }, uses: uses + kept };
            let outputs = self.outputs.len();
            self.outputs.extend(step.outputs.iter().map(|spec| output(spec.uses)));
            self.instances.push(Instance { frame, step: index, id, outputs, trail: None });
        }
        let depth = new.owner.map_or(0, |owner| self.frames[self.instances[owner].frame].depth + 1);
        let NewFrame { block, arguments, owner, trail, .. } = new;
        self.frames.push(Frame { block, base, arguments, trail, depth, owner });
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
            Origin::Wire { step, output, fit } => Given::One {
                slot: self.outputs[self.instances[base + step].outputs + output].slot.clone(),
                fit: fit.clone(),
            },
            Origin::Param { param, fit } => Given::One { slot: arguments[*param].clone(), fit: fit.clone() },
            Origin::List { element, items } => {
                let items = items.iter().map(|item| self.given(frame, item)).collect();
                Given::List { element: *element, items }
            }
        }
    }

    /// Whether anything needs an output.
    pub(super) fn is_used(&self, instance: usize, output: usize) -> bool {
        self.output(instance, output).uses > 0
    }

    /// What an output holds.
    pub(super) fn slot(&self, instance: usize, output: usize) -> &Slot {
        &self.output(instance, output).slot
    }

    fn output(&self, instance: usize, output: usize) -> &Output {
        &self.outputs[self.instances[instance].outputs + output]
    }

    /// What everything before an instance noted.
    pub(super) fn trail_before(&self, instance: usize) -> Option<Arc<Trail>> {
        if !self.has_notes {
            return None;
        }
        let Frame { base, trail, .. } = &self.frames[self.instances[instance].frame];
        let mut before: Vec<_> = trail.iter().cloned().collect();
        for input in &self.step(instance).inputs {
            input.origin.each_wire(&mut |source, _| before.extend(self.instances[base + source].trail.clone()));
        }
        Trail::of(before)
    }

    /// Keeps what an instance gave, as far as somebody needs it, and what was noted up to it.
    pub(super) fn put(&mut self, instance: usize, slots: impl Iterator<Item = Slot>, trail: Option<Arc<Trail>>) {
        let forgets = self.forgets;
        let first = self.instances[instance].outputs;
        let end = self.instances.get(instance + 1).map_or(self.outputs.len(), |next| next.outputs);
        for (output, slot) in self.outputs[first..end].iter_mut().zip(slots) {
            output.slot = if output.uses > 0 { slot } else { dropped(&slot, instance, forgets) };
        }
        self.has_notes |= trail.is_some();
        self.instances[instance].trail = trail;
    }

    /// What these and everything before them noted, besides `before`.
    pub(super) fn trail_of(
        &self,
        instances: impl IntoIterator<Item = usize>,
        before: Option<Arc<Trail>>,
    ) -> Option<Arc<Trail>> {
        let trails = instances.into_iter().filter_map(|instance| self.instances[instance].trail.clone());
        Trail::of(trails.chain(before).collect())
    }

    /// An instance takes nothing any more: what nobody else needs is dropped.
    pub(super) fn release_inputs(&mut self, instance: usize) {
        let Frames { frames, instances, outputs, forgets, .. } = self;
        let Instance { frame, step, .. } = instances[instance];
        let Frame { block, base, .. } = &frames[frame];
        for input in &block.get().steps[step].inputs {
            input.origin.each_wire(&mut |source, output| {
                let output = &mut outputs[instances[base + source].outputs + output];
                output.uses = output.uses.saturating_sub(1);
                if output.uses == 0 {
                    output.slot = dropped(&output.slot, base + source, *forgets);
                }
            });
        }
    }

    /// An instance runs once more, and takes what it took.
    pub(super) fn take_inputs_again(&mut self, instance: usize) {
        let Frames { frames, instances, outputs, .. } = self;
        let Instance { frame, step, .. } = instances[instance];
        let Frame { block, base, .. } = &frames[frame];
        for input in &block.get().steps[step].inputs {
            let mut take = |source: usize, output: usize| outputs[instances[base + source].outputs + output].uses += 1;
            input.origin.each_wire(&mut take);
        }
    }

    /// A frame's results were taken, and everything in it has ended or never will be wanted.
    pub(super) fn release_results(&mut self, frame: usize) {
        let Frame { block, base, arguments, owner, .. } = &mut self.frames[frame];
        for (index, step) in block.get().steps.iter().enumerate() {
            let (instance, first) = (*base + index, self.instances[*base + index].outputs);
            for output in &mut self.outputs[first..first + step.outputs.len()] {
                output.uses = 0;
                output.slot = dropped(&output.slot, instance, self.forgets);
            }
        }
        // Should a node in it have to run again, those who gave them give them again.
        let owner = owner.unwrap_or_default();
        for argument in arguments {
            *argument = if self.forgets { Slot::Gone { producer: owner } } else { argument.at_rest() };
        }
    }
}

/// An output that nobody needs for now. What cannot be found again by its content its node has to give again.
fn dropped(slot: &Slot, producer: usize, forgets: bool) -> Slot {
    match slot {
        Slot::Here { .. } | Slot::List { .. } if forgets || !slot.is_comparable() => Slot::Gone { producer },
        slot => slot.at_rest(),
    }
}

/// The instances that a step needs before it runs: all but those of lazy inputs. Ascending, each once.
fn strict_needs(step: &Step, base: usize, needs: &mut Vec<usize>) {
    needs.clear();
    for input in step.inputs.iter().filter(|input| !input.lazy) {
        input.origin.each_wire(&mut |source, _| needs.push(base + source));
    }
    needs.sort_unstable();
    needs.dedup();
}
