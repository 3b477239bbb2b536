//! Which node may run next: a pure state machine. Who runs the nodes, and where, is not its business.
//!
//! Nodes run on demand: those that the run is for are demanded, they demand what they need, and a running node may
//! demand more (an input that it only now knows it wants, the nodes that it turned into).

use super::lowest::Lowest;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing needs it so far.
    Dormant,
    /// Something that it waits for has not ended.
    Waiting,
    /// Everything that it waits for has ended.
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

impl State {
    fn has_ended(self) -> bool {
        matches!(self, State::Finished | State::Failed | State::Skipped { .. })
    }
}

/// How one node waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It needs the other's result: without one it is skipped.
    Result,
    /// It goes on when the other has ended, however it did.
    End,
}

/// The states of a run's nodes. The same calls in the same order always give the same answers.
///
/// Everything stands in a few long rows, since a run may have a hundred thousand nodes and takes a microsecond for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    nodes: Vec<Node>,
    /// What the nodes need before they run at all, one after another.
    needs: Vec<usize>,
    /// Who waits for whom: a chain for each node that is waited for.
    waiters: Vec<Waiter>,
    /// The first of the places among `waiters` that are free, chained likewise.
    free: Option<Place>,
    ready: Lowest,
    /// How many are waiting, ready or running.
    open: usize,
}

#[derive(Clone, Debug)]
struct Node {
    state: State,
    /// How many ends it waits for.
    missing: usize,
    /// Where what it needs begins; it ends where the next one's begins.
    needs: usize,
    /// The last who came to wait for it.
    waiters: Option<Place>,
}

/// A place among the waiters. Not zero, so that none takes no room.
type Place = std::num::NonZeroUsize;

#[derive(Clone, Copy, Debug)]
struct Waiter {
    node: usize,
    wait: Wait,
    next: Option<Place>,
}

impl Frontier {
    /// One more node, which needs these, each named once. Returns its index.
    pub(crate) fn add(&mut self, needs: &[usize]) -> usize {
        self.nodes.push(Node { state: State::Dormant, missing: 0, needs: self.needs.len(), waiters: None });
        self.needs.extend_from_slice(needs);
        self.nodes.len() - 1
    }

    /// Makes room for so many more nodes.
    pub(crate) fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve(nodes);
        self.needs.reserve(nodes);
        self.waiters.reserve(nodes);
        self.ready.reserve(self.nodes.len() + nodes);
    }

    /// A node is wanted, and so is everything that it needs. Returns those that are skipped since what they need has
    /// failed already.
    pub(crate) fn demand(&mut self, node: usize) -> Vec<usize> {
        let mut demanded = vec![node];
        let mut lost = Vec::new();
        while let Some(node) = demanded.pop() {
            if self.nodes[node].state != State::Dormant {
                continue;
            }
            self.nodes[node].state = State::Waiting;
            self.open += 1;
            let end = self.nodes.get(node + 1).map_or(self.needs.len(), |next| next.needs);
            for at in self.nodes[node].needs..end {
                let need = self.needs[at];
                if let Some(because) = self.wait(node, need, Wait::Result) {
                    lost.push((node, because));
                }
                demanded.push(need);
            }
            self.ready_if_nothing_is_missing(node);
        }
        let mut skipped = Vec::new();
        for (node, because) in lost {
            if !self.nodes[node].state.has_ended() {
                self.end(node, State::Skipped { because });
                skipped.push(node);
                self.skip_waiters(node, because, &mut skipped);
            }
        }
        skipped.sort_unstable();
        skipped
    }

    /// Takes the first node that is ready, which is running from then on.
    pub(crate) fn start_next(&mut self) -> Option<usize> {
        let node = self.ready.pop_first()?;
        self.nodes[node].state = State::Running;
        Some(node)
    }

    /// A running node wants others first: it is ready again when they have ended. Returns those that are skipped, this
    /// node perhaps among them.
    pub(crate) fn wait_for(&mut self, node: usize, others: &[usize], wait: Wait) -> Vec<usize> {
        debug_assert_eq!(self.nodes[node].state, State::Running);
        self.nodes[node].state = State::Waiting;
        let mut skipped = Vec::new();
        for &other in others {
            skipped.extend(self.demand(other));
        }
        for &other in others {
            if let Some(because) = self.wait(node, other, wait)
                && !self.nodes[node].state.has_ended()
            {
                self.end(node, State::Skipped { because });
                skipped.push(node);
                self.skip_waiters(node, because, &mut skipped);
            }
        }
        self.ready_if_nothing_is_missing(node);
        skipped
    }

    /// A running node has a result: what waited for it alone becomes ready.
    pub(crate) fn finish(&mut self, node: usize) {
        debug_assert_eq!(self.nodes[node].state, State::Running);
        self.end(node, State::Finished);
        while let Some(waiter) = self.next_waiter(node) {
            self.one_less(waiter.node);
        }
    }

    /// A running node has no result: everything that needs it is skipped. Returns what was, in order.
    pub(crate) fn fail(&mut self, node: usize) -> Vec<usize> {
        debug_assert_eq!(self.nodes[node].state, State::Running);
        self.end(node, State::Failed);
        let mut skipped = Vec::new();
        self.skip_waiters(node, node, &mut skipped);
        skipped.sort_unstable();
        skipped
    }

    /// The result of a finished node is lost: it runs once more. What it needs has ended.
    pub(crate) fn run_again(&mut self, node: usize) {
        if self.nodes[node].state == State::Finished {
            self.open += 1;
            self.nodes[node].state = State::Ready;
            self.ready.insert(node);
        }
    }

    /// Where a node stands.
    pub(crate) fn state(&self, node: usize) -> State {
        self.nodes[node].state
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a node could start.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether everything that was demanded has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.open == 0
    }

    /// Notes that `node` waits for `other`. If it never gets a result, the node to blame.
    fn wait(&mut self, node: usize, other: usize, wait: Wait) -> Option<usize> {
        match (self.nodes[other].state, wait) {
            (State::Failed, Wait::Result) => Some(other),
            (State::Skipped { because }, Wait::Result) => Some(because),
            (state, _) if state.has_ended() => None,
            _ => {
                self.add_waiter(other, node, wait);
                self.nodes[node].missing += 1;
                None
            }
        }
    }

    fn add_waiter(&mut self, other: usize, node: usize, wait: Wait) {
        let waiter = Waiter { node, wait, next: self.nodes[other].waiters };
        let place = match self.free {
            Some(place) => {
                self.free = self.waiters[place.get() - 1].next;
                self.waiters[place.get() - 1] = waiter;
                Some(place)
            }
            None => {
                self.waiters.push(waiter);
                Place::new(self.waiters.len())
            }
        };
        self.nodes[other].waiters = place;
    }

    /// Takes one who waits for a node.
    fn next_waiter(&mut self, node: usize) -> Option<Waiter> {
        let place = self.nodes[node].waiters?;
        let waiter = self.waiters[place.get() - 1];
        self.nodes[node].waiters = waiter.next;
        self.waiters[place.get() - 1].next = self.free;
        self.free = Some(place);
        Some(waiter)
    }

    fn end(&mut self, node: usize, state: State) {
        if self.nodes[node].state == State::Ready {
            self.ready.remove(node);
        }
        self.nodes[node].state = state;
        self.open -= 1;
    }

    fn skip_waiters(&mut self, node: usize, because: usize, skipped: &mut Vec<usize>) {
        let mut lost = vec![node];
        while let Some(lost_node) = lost.pop() {
            while let Some(Waiter { node: waiter, wait, .. }) = self.next_waiter(lost_node) {
                if self.nodes[waiter].state != State::Waiting {
                    continue;
                }
                match wait {
                    Wait::End => self.one_less(waiter),
                    Wait::Result => {
                        self.end(waiter, State::Skipped { because });
                        skipped.push(waiter);
                        lost.push(waiter);
                    }
                }
            }
        }
    }

    fn one_less(&mut self, node: usize) {
        if self.nodes[node].state == State::Waiting {
            self.nodes[node].missing -= 1;
            self.ready_if_nothing_is_missing(node);
        }
    }

    fn ready_if_nothing_is_missing(&mut self, node: usize) {
        if self.nodes[node].missing == 0 && self.nodes[node].state == State::Waiting {
            self.nodes[node].state = State::Ready;
            self.ready.insert(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Nodes that are all demanded.
    fn frontier(needs: &[Vec<usize>]) -> Frontier {
        let mut frontier = dormant(needs);
        (0..needs.len()).for_each(|node| assert!(frontier.demand(node).is_empty()));
        frontier
    }

    fn dormant(needs: &[Vec<usize>]) -> Frontier {
        let mut frontier = Frontier::default();
        needs.iter().for_each(|needs| {
            frontier.add(needs);
        });
        frontier
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
        assert!(!diamond.is_over());
        diamond.finish(3);
        assert!(diamond.is_over());
    }

    #[test]
    fn what_nobody_wants_stays_dormant() {
        let mut nodes = dormant(&[vec![], vec![], vec![0], vec![1]]);
        assert!(nodes.demand(2).is_empty());
        assert_eq!(nodes.start_next(), Some(0));
        nodes.finish(0);
        assert_eq!(nodes.start_next(), Some(2));
        // While it runs it wants node 3, and with that node 1.
        assert!(nodes.wait_for(2, &[3], Wait::Result).is_empty());
        assert_eq!(nodes.start_next(), Some(1));
        nodes.finish(1);
        assert_eq!(nodes.start_next(), Some(3));
        nodes.finish(3);
        assert_eq!(nodes.start_next(), Some(2));
        nodes.finish(2);
        assert!(nodes.is_over());
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
        assert_eq!(nodes.state(5), State::Skipped { because: 0 });
        assert!(nodes.is_over());
    }

    #[test]
    fn the_first_failure_is_the_reason() {
        let mut nodes = frontier(&[vec![], vec![], vec![0, 1]]);
        assert_eq!((nodes.start_next(), nodes.start_next()), (Some(0), Some(1)));
        assert_eq!(nodes.fail(1), [2]);
        assert_eq!(nodes.fail(0), Vec::<usize>::new());
        assert_eq!(nodes.state(2), State::Skipped { because: 1 });
    }

    #[test]
    fn who_wants_something_that_failed_is_skipped() {
        let mut nodes = dormant(&[vec![], vec![0], vec![], vec![2]]);
        nodes.demand(0);
        nodes.demand(3);
        assert_eq!((nodes.start_next(), nodes.start_next()), (Some(0), Some(2)));
        nodes.fail(0);
        assert_eq!(nodes.wait_for(2, &[1], Wait::Result), [1, 2, 3]);
        assert_eq!(nodes.state(3), State::Skipped { because: 0 });
        assert!(nodes.is_over());
    }

    #[test]
    fn who_waits_for_an_end_goes_on_after_a_failure() {
        let mut nodes = dormant(&[vec![], vec![], vec![1]]);
        nodes.demand(0);
        assert_eq!(nodes.start_next(), Some(0));
        assert!(nodes.wait_for(0, &[1, 2], Wait::End).is_empty());
        assert_eq!(nodes.start_next(), Some(1));
        assert_eq!(nodes.fail(1), [2]);
        assert_eq!(nodes.start_next(), Some(0), "both have ended");
        assert_eq!(nodes.fail(0), Vec::<usize>::new());
        assert!(nodes.is_over());
    }

    #[test]
    fn a_lost_result_is_made_again() {
        let mut nodes = frontier(&[vec![], vec![0]]);
        nodes.start_next();
        nodes.finish(0);
        assert_eq!(nodes.start_next(), Some(1));
        nodes.run_again(0);
        nodes.run_again(0);
        assert!(nodes.wait_for(1, &[0], Wait::Result).is_empty());
        assert_eq!((nodes.start_next(), nodes.start_next()), (Some(0), None));
        nodes.finish(0);
        assert_eq!(nodes.start_next(), Some(1));
        nodes.finish(1);
        assert!(nodes.is_over());
    }

    /// What each node needs, what it asks for while it runs, and for each end of a node's run: how many run at once,
    /// which ends, whether it fails.
    type Script = (Vec<(Vec<usize>, Vec<usize>)>, Vec<(usize, usize, bool)>);

    /// Any graph without cycles: node `i` needs, and asks for, some of the nodes before it.
    fn runs() -> impl Strategy<Value = Script> {
        let some = || proptest::collection::vec(0..1_000_usize, 0..4);
        let nodes = proptest::collection::vec((some(), some()), 1..40);
        let ends = proptest::collection::vec((1..4_usize, 0..4_usize, prop::bool::weighted(0.1)), 40);
        let before = |node: usize, any: &[usize]| {
            let before: BTreeSet<_> = any.iter().filter_map(|any| any.checked_rem(node)).collect();
            before.into_iter().collect()
        };
        let nodes = nodes.prop_map(move |nodes| {
            let node = |(node, (needs, asks)): (usize, (Vec<_>, Vec<_>))| (before(node, &needs), before(node, &asks));
            nodes.into_iter().enumerate().map(node).collect()
        });
        (nodes, ends)
    }

    proptest! {
        #[test]
        fn each_node_runs_once_after_what_it_needs((script, ends) in runs()) {
            let needs: Vec<_> = script.iter().map(|(needs, _)| needs.clone()).collect();
            let mut nodes = dormant(&needs);
            let mut running = Vec::new();
            let (mut started, mut ended, mut asked) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            nodes.demand(script.len() - 1);
            for step in 0.. {
                let (at_once, which, fails) = ends[step % ends.len()];
                while running.len() < at_once {
                    let Some(node) = nodes.start_next() else { break };
                    for &need in &needs[node] {
                        prop_assert_eq!(nodes.state(need), State::Finished);
                    }
                    if asked.insert(node) {
                        nodes.wait_for(node, &script[node].1, Wait::Result);
                        continue;
                    }
                    for &wanted in &script[node].1 {
                        prop_assert_eq!(nodes.state(wanted), State::Finished);
                    }
                    prop_assert!(started.insert(node));
                    running.push(node);
                }
                if running.is_empty() { break }
                let node = running.swap_remove(which % running.len());
                prop_assert!(ended.insert(node));
                if fails { nodes.fail(node); } else { nodes.finish(node); }
            }
            prop_assert!(nodes.is_over());
            for node in 0..nodes.len() {
                match nodes.state(node) {
                    State::Finished | State::Failed => prop_assert!(started.contains(&node)),
                    State::Dormant => prop_assert!(!started.contains(&node)),
                    State::Skipped { because } => {
                        prop_assert_eq!(nodes.state(because), State::Failed);
                        prop_assert!(!started.contains(&node));
                    }
                    state => prop_assert!(false, "{node} is left {state:?}"),
                }
            }
        }
    }
}
