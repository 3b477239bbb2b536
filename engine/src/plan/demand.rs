//! Which nodes are needed, and the block of those.

use std::collections::HashMap;
use std::path::PathBuf;

use super::compose::{Composer, Problem};
use super::{Block, BlockResult, Origin, StepInput};

/// Which nodes of a block are needed, and which of all cannot run.
pub(super) struct Demand {
    pub(super) wanted: Vec<bool>,
    pub(super) broken: Vec<bool>,
}

impl Demand {
    /// What these nodes need, themselves included.
    pub(super) fn new(composer: &Composer<'_>, targets: &[u32]) -> Self {
        let broken = broken(composer);
        Demand { wanted: wanted(composer, targets), broken }
    }

    pub(super) fn is_broken(&self, targets: &[u32]) -> bool {
        targets.iter().any(|&target| self.broken[target as usize])
    }

    /// The nodes that are needed, by workflow and place in it, those inside of bodies too.
    pub(super) fn inside(&self, composer: &Composer<'_>) -> Vec<(u32, u32)> {
        let mut inside = Vec::new();
        for (draft, _) in composer.drafts.iter().zip(&self.wanted).filter(|(_, wanted)| **wanted) {
            inside.push((composer.scopes[draft.scope as usize].module as u32, draft.node));
        }
        let wanted = composer.rarities.iter().filter(|(draft, _)| self.wanted[**draft as usize]);
        inside.extend(wanted.flat_map(|(_, rarity)| rarity.inside.iter().copied()));
        inside.sort_unstable();
        inside.dedup();
        inside
    }

    /// The files that the needed nodes will read.
    pub(super) fn files(&self, composer: &Composer<'_>) -> Vec<PathBuf> {
        let mut wanted: Vec<_> = composer.rarities.iter().filter(|(draft, _)| self.wanted[**draft as usize]).collect();
        wanted.sort_unstable_by_key(|(draft, _)| **draft);
        wanted.into_iter().flat_map(|(_, rarity)| rarity.files.iter().cloned()).collect()
    }

    /// Whether a problem of a body is one of whoever runs the body. What the body does not need is told with less weight.
    pub(super) fn keeps(&self, problem: &mut Problem) -> bool {
        let is_wanted = self.wanted[problem.draft as usize];
        problem.is_aside |= !is_wanted;
        is_wanted || !problem.only_if_wanted
    }

    /// The needed steps. Those of `targets` run whether or not something takes from them.
    pub(super) fn block(&self, composer: Composer<'_>, targets: &[u32], mut results: Vec<BlockResult>) -> Block {
        let mut all = composer.steps;
        for &target in targets {
            all[target as usize].iter_mut().for_each(|step| step.is_target = true);
        }
        let is_whole = self.wanted.iter().all(|wanted| *wanted);
        if !is_whole {
            let mut count = 0;
            let mut position = vec![u32::MAX; all.len()];
            for (at, step) in all.iter_mut().enumerate() {
                match step.as_mut().filter(|_| self.wanted[at]) {
                    Some(step) => {
                        position[at] = count;
                        count += 1;
                        step.inputs.iter_mut().for_each(|StepInput { origin, .. }| relocate(origin, &position));
                    }
                    None => *step = None,
                }
            }
            results.iter_mut().for_each(|result| relocate(&mut result.origin, &position));
        }
        // In place, as the same size: a block may take a hundred megabytes.
        let steps = all.into_iter().flatten().collect();
        let mut block = Block { params: composer.params, steps, results };
        block.count_uses();
        block
    }
}

fn relocate(origin: &mut Origin, position: &[u32]) {
    match origin {
        Origin::Wire { step, .. } => *step = position[*step] as usize,
        Origin::List { items, .. } => items.iter_mut().for_each(|item| relocate(item, position)),
        Origin::Known(_) | Origin::Param { .. } => {}
    }
}

/// The nodes that cannot run: something is wrong with them or with what they need.
fn broken(composer: &Composer<'_>) -> Vec<bool> {
    let mut broken: Vec<bool> = Vec::with_capacity(composer.drafts.len());
    for (draft, step) in composer.drafts.iter().zip(&composer.steps) {
        let mut is_broken = draft.is_broken;
        if !is_broken {
            let inputs = step.iter().flat_map(|step| &step.inputs);
            inputs.for_each(|input| input.origin.each_wire(&mut |giver, _| is_broken |= broken[giver]));
        }
        broken.push(is_broken);
    }
    broken
}

fn wanted(composer: &Composer<'_>, targets: &[u32]) -> Vec<bool> {
    let mut wanted = vec![false; composer.drafts.len()];
    targets.iter().for_each(|&target| wanted[target as usize] = true);
    let mut lost: HashMap<u32, Vec<u32>> = HashMap::new();
    for &(taker, giver) in &composer.lost_wires {
        lost.entry(taker).or_default().push(giver);
    }
    // Whatever a node needs stands before it.
    for (at, step) in composer.steps.iter().enumerate().rev() {
        if !wanted[at] {
            continue;
        }
        let inputs = step.iter().flat_map(|step| &step.inputs);
        inputs.for_each(|input| input.origin.each_wire(&mut |giver, _| wanted[giver] = true));
        if !lost.is_empty() {
            lost.get(&(at as u32)).into_iter().flatten().for_each(|&giver| wanted[giver as usize] = true);
        }
    }
    wanted
}
