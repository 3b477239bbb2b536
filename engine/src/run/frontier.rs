//! Which node may run next: a pure state machine. Who runs the nodes, and where, is not its business.

use std::collections::BTreeSet;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Something that it needs has not finished.
    Waiting,
    /// Everything that it needs has finished.
    Ready,
    /// Somebody runs it.
    Running,
    /// It has a result.
    Finished,
    /// It has none.
    Failed,
    /// It never runs, since the node of that index failed.
    Skipped { because: usize },
}

/// The states of a plan's nodes. The same calls in the same order always give the same answers.
#[derive(Clone, Debug)]
pub(crate) struct Frontier {
    states: Vec<State>,
    /// How many of its dependencies each node waits for.
    missing: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
}

impl Frontier {
    /// For each node the nodes that it needs, each once.
    pub(crate) fn new<'a>(dependencies: impl ExactSizeIterator<Item = &'a [usize]>) -> Self {
        let count = dependencies.len();
        let mut frontier = Frontier {
            states: vec![State::Waiting; count],
            missing: vec![0; count],
            dependents: vec![Vec::new(); count],
            ready: BTreeSet::new(),
        };
        for (node, needed) in dependencies.enumerate() {
            frontier.missing[node] = needed.len();
            for &dependency in needed {
                frontier.dependents[dependency].push(node);
            }
            if needed.is_empty() {
                frontier.states[node] = State::Ready;
                frontier.ready.insert(node);
            }
        }
        frontier
    }

    /// Takes the first node that is ready, which is running from then on.
    pub(crate) fn start_next(&mut self) -> Option<usize> {
        let node = self.ready.pop_first()?;
        self.states[node] = State::Running;
        Some(node)
    }

    /// A running node has a result: what waited for it alone becomes ready.
    pub(crate) fn finish(&mut self, node: usize) {
        debug_assert_eq!(self.states[node], State::Running);
        self.states[node] = State::Finished;
        for at in 0..self.dependents[node].len() {
            let dependent = self.dependents[node][at];
            self.missing[dependent] -= 1;
            if self.missing[dependent] == 0 && self.states[dependent] == State::Waiting {
                self.states[dependent] = State::Ready;
                self.ready.insert(dependent);
            }
        }
    }

    /// A running node has no result: everything that needs it is skipped. Returns what was, in order.
    pub(crate) fn fail(&mut self, node: usize) -> Vec<usize> {
        debug_assert_eq!(self.states[node], State::Running);
        self.states[node] = State::Failed;
        let mut skipped = Vec::new();
        let mut lost = vec![node];
        while let Some(lost_node) = lost.pop() {
            for &dependent in &self.dependents[lost_node] {
                if self.states[dependent] == State::Waiting {
                    self.states[dependent] = State::Skipped { because: node };
                    skipped.push(dependent);
                    lost.push(dependent);
                }
            }
        }
        skipped.sort_unstable();
        skipped
    }

    /// Where each node stands.
    pub(crate) fn states(&self) -> &[State] {
        &self.states
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frontier(dependencies: &[Vec<usize>]) -> Frontier {
        Frontier::new(dependencies.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_diamond_goes_through() {
        let mut diamond = frontier(&[vec![], vec![0], vec![0], vec![1, 2]]);
        assert_eq!(diamond.start_next(), Some(0));
        assert_eq!(diamond.start_next(), None);
        diamond.finish(0);
        assert_eq!((diamond.start_next(), diamond.start_next(), diamond.start_next()), (Some(1), Some(2), None));
        diamond.finish(2);
        assert_eq!(diamond.start_next(), None);
        diamond.finish(1);
        assert_eq!(diamond.start_next(), Some(3));
    }

    #[test]
    fn a_failure_skips_its_cone_only() {
        let mut nodes = frontier(&[vec![], vec![], vec![0], vec![2], vec![1], vec![3, 4]]);
        assert_eq!((nodes.start_next(), nodes.start_next()), (Some(0), Some(1)));
        assert_eq!(nodes.fail(0), [2, 3, 5]);
        nodes.finish(1);
        assert_eq!(nodes.start_next(), Some(4));
        nodes.finish(4);
        assert_eq!(nodes.start_next(), None);
        assert_eq!(nodes.states()[5], State::Skipped { because: 0 });
    }

    #[test]
    fn the_first_failure_is_the_reason() {
        let mut nodes = frontier(&[vec![], vec![], vec![0, 1]]);
        assert_eq!((nodes.start_next(), nodes.start_next()), (Some(0), Some(1)));
        assert_eq!(nodes.fail(1), [2]);
        assert_eq!(nodes.fail(0), Vec::<usize>::new());
        assert_eq!(nodes.states()[2], State::Skipped { because: 1 });
    }

    /// What each node needs, and for each end of a node's run: how many run at once, which ends, whether it fails.
    type Script = (Vec<Vec<usize>>, Vec<(usize, usize, bool)>);

    /// Any graph without cycles: node `i` needs some of the nodes before it.
    fn runs() -> impl Strategy<Value = Script> {
        let needed = proptest::collection::vec(proptest::collection::vec(0..1_000_usize, 0..4), 1..40);
        let ends = proptest::collection::vec((1..4_usize, 0..4_usize, prop::bool::weighted(0.1)), 40);
        let before = |(node, needed): (usize, Vec<usize>)| {
            let needed: BTreeSet<_> = needed.iter().filter_map(|any| any.checked_rem(node)).collect();
            needed.into_iter().collect()
        };
        (needed.prop_map(move |nodes| nodes.into_iter().enumerate().map(before).collect()), ends)
    }

    proptest! {
        #[test]
        fn each_node_runs_once_after_what_it_needs((needed, ends) in runs()) {
            let mut nodes = frontier(&needed);
            let (mut running, mut started) = (Vec::new(), Vec::new());
            for step in 0.. {
                let (at_once, which, fails) = ends[step % ends.len()];
                while running.len() < at_once {
                    let Some(node) = nodes.start_next() else { break };
                    for &dependency in &needed[node] {
                        prop_assert_eq!(nodes.states()[dependency], State::Finished);
                    }
                    prop_assert!(!started.contains(&node));
                    started.push(node);
                    running.push(node);
                }
                if running.is_empty() { break }
                let node = running.swap_remove(which % running.len());
                if fails { nodes.fail(node); } else { nodes.finish(node); }
            }
            for (node, state) in nodes.states().iter().enumerate() {
                match state {
                    State::Finished | State::Failed => prop_assert!(started.contains(&node)),
                    State::Skipped { because } => {
                        prop_assert_eq!(nodes.states()[*because], State::Failed);
                        prop_assert!(!started.contains(&node));
                    }
                    state => prop_assert!(false, "{node} is left {state:?}"),
                }
            }
        }
    }
}
