//! When the nodes of a run ran, what that cost, and which of them the run waited for. Pure: a function of the run and of the
//! time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::graph_view::Status;
use super::super::scene::Scene;
use super::run::{NodeRun, RunView};

/// In which order the nodes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they began.
    Time,
    /// What took longest first.
    Cost,
    /// By where they computed, each lane a line.
    Lanes,
}

/// Looking at the times of a run.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// The node that the cursor is on; none: the first.
    pub(crate) at: Option<Arc<str>>,
    /// In which order.
    pub(crate) order: Order,
    /// The seconds since its beginning that are shown; none: all.
    pub(crate) window: Option<(f64, f64)>,
}

/// A node's line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its place among the nodes of the run.
    pub(crate) index: usize,
    /// When it began and ended, in seconds since the run began; a node whose result was known has but one moment.
    pub(crate) span: Option<(f64, f64)>,
    /// Its part of what all nodes took together, 0 to 1; none of a node that stands for those inside of it.
    pub(crate) share: Option<f64>,
    /// The run waited for it.
    pub(crate) is_critical: bool,
}

/// No shorter time is looked at.
const SHORTEST: f64 = 0.01;

impl Timeline {
    /// Of a run that is over, what took longest is what one looks for.
    pub(crate) fn new(run: &RunView) -> Self {
        let order = if run.phase.is_over() { Order::Cost } else { Order::Time };
        Timeline { at: None, order, window: None }
    }

    /// Seconds from and to that are shown.
    pub(crate) fn shown(&self, run: &RunView, now: Duration) -> (f64, f64) {
        self.window.unwrap_or((0.0, run.took(now).as_secs_f64().max(SHORTEST)))
    }

    /// Shows a shorter or a longer time around a moment.
    pub(crate) fn zoom(&mut self, factor: f64, around: Option<f64>, run: &RunView, now: Duration) {
        let (from, to) = self.shown(run, now);
        let whole = run.took(now).as_secs_f64().max(SHORTEST);
        let length = ((to - from) * factor).max(SHORTEST);
        if length >= whole {
            self.window = None;
            return;
        }
        let middle = around.unwrap_or((from + to) / 2.0);
        let from = (middle - length / 2.0).clamp(0.0, whole - length);
        self.window = Some((from, from + length));
    }

    /// Shows a time at which a node ran, if none of that is shown.
    pub(crate) fn reveal(&mut self, (start, end): (f64, f64), run: &RunView, now: Duration) {
        if let Some((from, to)) = self.window.filter(|(from, to)| end < *from || start > *to) {
            let whole = run.took(now).as_secs_f64().max(SHORTEST);
            let length = to - from;
            let from = ((start + end - length) / 2.0).clamp(0.0, (whole - length).max(0.0));
            self.window = Some((from, from + length));
        }
    }

    /// Shows an earlier or a later time, by so many parts of what is shown.
    pub(crate) fn pan(&mut self, parts: f64, run: &RunView, now: Duration) {
        if let Some((from, to)) = self.window {
            let whole = run.took(now).as_secs_f64().max(SHORTEST);
            let length = to - from;
            let from = (from + parts * length).clamp(0.0, (whole - length).max(0.0));
            self.window = Some((from, from + length));
        }
    }
}

/// The nodes of a run that have begun or ended, one line for each. `scene` is its workflow, which knows who waits for whom.
pub(crate) fn rows(run: &RunView, scene: Option<&Scene>, order: Order, now: Duration) -> Vec<Row> {
    let critical = scene.map(|scene| critical(run, scene, now)).unwrap_or_default();
    let containers = containers(run.nodes.iter().map(|node| &*node.node));
    let took = |(from, to): (f64, f64)| to - from;
    let is_leaf = |node: &NodeRun| !containers.contains(&*node.node);
    let spans: Vec<_> = run.nodes.iter().map(|node| span(run, node, now)).collect();
    let leaves = run.nodes.iter().zip(&spans).filter(|(node, _)| is_leaf(node));
    let all: f64 = leaves.filter_map(|(_, span)| span.map(took)).sum();
    let row = |(index, node): (usize, &NodeRun)| {
        let span = spans[index];
        let share = span.filter(|_| is_leaf(node) && all > 0.0).map(|span| took(span) / all);
        Row { index, span, share, is_critical: critical.contains(&index) }
    };
    let shown = run.nodes.iter().enumerate().filter(|(_, node)| node.status != Status::Idle);
    let mut rows: Vec<Row> = shown.map(row).collect();
    match order {
        // Those that wait stand last, as the plan has them.
        // Which line each is on is for `lanes`.
        Order::Time | Order::Lanes => rows.sort_by(|one, other| {
            let start = |row: &Row| row.span.map_or(f64::INFINITY, |(from, _)| from);
            start(one).total_cmp(&start(other))
        }),
        Order::Cost => rows.sort_by(|one, other| {
            let cost = |row: &Row| row.span.map_or(-1.0, took);
            cost(other).total_cmp(&cost(one))
        }),
    }
    rows
}

/// When a node ran, in seconds since the run began.
fn span(run: &RunView, node: &NodeRun, now: Duration) -> Option<(f64, f64)> {
    let since = |at: Duration| at.saturating_sub(run.began).as_secs_f64();
    let end = node.ended.or_else(|| matches!(node.status, Status::Running { .. }).then_some(now));
    let start = node.began.or(end)?;
    Some((since(start), since(end.unwrap_or(start)).max(since(start))))
}

/// The names of nodes that stand for others: "grid" of "grid[0]/decoder".
pub(crate) fn containers<'a>(nodes: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut containers = HashSet::new();
    for node in nodes {
        containers.extend(node.match_indices(['/', '[']).map(|(at, _)| &node[..at]));
    }
    containers
}

/// The nodes that the run waited for: the one that ended last, of those that it needs the one that ended last, and so on.
fn critical(run: &RunView, scene: &Scene, now: Duration) -> HashSet<usize> {
    let by_name: HashMap<&str, usize> =
        run.nodes.iter().enumerate().map(|(index, node)| (&*node.node, index)).collect();
    let mut needs: HashMap<usize, Vec<usize>> = HashMap::new();
    for wire in &scene.wires {
        let index = |node: usize| scene.nodes.get(node).and_then(|node| by_name.get(node.id.as_str())).copied();
        if let Some((from, to)) = index(wire.from.node).zip(index(wire.to.node)) {
            needs.entry(to).or_default().push(from);
        }
    }
    // What was known cost nothing.
    let end = |index: &usize| {
        let node = run.nodes.get(*index).filter(|node| node.began.is_some())?;
        span(run, node, now).map(|(_, end)| end)
    };
    let last = |among: &mut dyn Iterator<Item = usize>| {
        let ended = among.filter_map(|index| Some((index, end(&index)?)));
        ended.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(index, _)| index)
    };
    let mut path = HashSet::new();
    let mut next = last(&mut scene.nodes.iter().filter_map(|node| by_name.get(node.id.as_str())).copied());
    while let Some(index) = next.filter(|index| !path.contains(index)) {
        path.insert(index);
        next = needs.get(&index).and_then(|needs| last(&mut needs.iter().copied()));
    }
    path
}

/// A step between the marks of an axis: 1, 2 or 5 times a power of ten, or minutes, at most so many of them in `length`.
pub(crate) fn tick(length: f64, most: usize) -> f64 {
    let least = length / most.max(1) as f64;
    let steps = (-3..=1).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
    let minutes = [60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0];
    let found = steps.chain(minutes).find(|step| *step >= least);
    found.unwrap_or_else(|| (least / 86_400.0).ceil() * 86_400.0)
}

#[cfg(test)]
mod tests {
    use easel_engine::{Event, Outcome, OutputSummary, RunId};
    use proptest::prelude::*;

    use super::super::super::fixture::{node, wire};
    use super::*;

    /// Nodes with when they began and ended, in seconds; one that has not ended runs.
    fn run(nodes: &[(&str, u64, Option<u64>)]) -> RunView {
        let mut view = RunView::beginning(true, Duration::ZERO);
        let id = RunId(1);
        view.begins(Some(id), nodes.iter().map(|(name, ..)| Arc::from(*name)).collect(), Duration::ZERO);
        for (name, began, ended) in nodes {
            let node = Arc::from(*name);
            view.happened(&Event::NodeStarted { run: id, node, seat: None }, Duration::from_secs(*began));
            if let Some(ended) = ended {
                let outputs: Arc<[OutputSummary]> = Arc::new([]);
                let node = Arc::from(*name);
                let event = Event::NodeFinished { run: id, node, seconds: 0.0, outputs };
                view.happened(&event, Duration::from_secs(*ended));
            }
        }
        view
    }

    fn scene(names: &[&str], wires: &[(usize, usize)]) -> Scene {
        Scene {
            nodes: names.iter().map(|name| node(name, 1, 1)).collect(),
            wires: wires.iter().map(|(from, to)| wire((*from, 0), (*to, 0))).collect(),
        }
    }

    #[test]
    fn the_critical_path_is_what_the_run_waited_for() {
        let names = ["text", "seed", "prior", "decoder", "other"];
        let run = run(&[
            ("text", 0, Some(1)),
            ("seed", 0, Some(2)),
            ("prior", 2, Some(6)),
            ("decoder", 6, Some(9)),
            ("other", 0, Some(8)),
        ]);
        let scene = scene(&names, &[(0, 2), (1, 2), (2, 3)]);
        let rows = rows(&run, Some(&scene), Order::Time, Duration::from_secs(10));
        let critical: Vec<_> = rows.iter().filter(|row| row.is_critical).map(|row| names[row.index]).collect();
        assert_eq!(critical, ["seed", "prior", "decoder"]);
    }

    #[test]
    fn shares_are_of_what_nodes_took_themselves() {
        let run = run(&[("map", 0, Some(4)), ("map[0]/a", 0, Some(1)), ("map[1]/a", 1, Some(4)), ("b", 4, None)]);
        let rows = rows(&run, None, Order::Cost, Duration::from_secs(8));
        let shares: Vec<_> = rows.iter().map(|row| (row.index, row.share)).collect();
        assert_eq!(shares, [(0, None), (3, Some(0.5)), (2, Some(0.375)), (1, Some(0.125))]);
    }

    #[test]
    fn a_ring_of_needs_ends() {
        let run = run(&[("a", 0, Some(1)), ("b", 0, Some(1))]);
        let scene = scene(&["a", "b"], &[(0, 1), (1, 0)]);
        assert_eq!(rows(&run, Some(&scene), Order::Time, Duration::ZERO).len(), 2);
    }

    #[test]
    fn of_a_run_that_is_over_the_dearest_comes_first() {
        let mut run = run(&[("a", 0, Some(1))]);
        assert_eq!(Timeline::new(&run).order, Order::Time);
        run.over(Some(Outcome::Completed), Duration::from_secs(2));
        assert_eq!(Timeline::new(&run).order, Order::Cost);
    }

    #[test]
    fn marks_are_round_and_few() {
        assert_eq!([tick(10.0, 10), tick(10.0, 9), tick(0.05, 5), tick(600.0, 10)], [1.0, 2.0, 0.01, 60.0]);
        assert_eq!(tick(1e9, 4), 86_400.0 * 2894.0);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_of_the_run(
            moves in prop::collection::vec((0..4_u8, 0.0_f64..20.0), 0..40),
            took in 0_u64..100_000,
        ) {
            let mut run = run(&[("a", 0, Some(1))]);
            let now = Duration::from_millis(took);
            run.over(Some(Outcome::Completed), now);
            let mut timeline = Timeline::new(&run);
            for (kind, amount) in moves {
                match kind {
                    0 => timeline.zoom(0.5, Some(amount), &run, now),
                    1 => timeline.zoom(2.0, None, &run, now),
                    2 => timeline.pan(amount, &run, now),
                    _ => timeline.pan(-amount, &run, now),
                }
                let (from, to) = timeline.shown(&run, now);
                let whole = run.took(now).as_secs_f64().max(SHORTEST);
                prop_assert!(from >= 0.0 && to > from && to <= whole + 1e-9, "{from} {to} {whole}");
            }
        }
    }
}
