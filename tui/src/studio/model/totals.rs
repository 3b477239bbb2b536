//! What a run comes to as a whole: how fast it is, and how long it will take still.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::graph_view::Status;
use super::run::RunView;

/// What earlier runs of the same workflow took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Past {
    /// Seconds that each node took when it ran last.
    pub(crate) seconds: HashMap<Arc<str>, f64>,
    /// How long a run took for each second of its nodes: less than 1 where they ran side by side.
    pub(crate) side_by_side: f64,
}

/// Figures of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// Steps a second of all nodes that are at work.
    pub(crate) steps: Option<f64>,
    /// Pictures that were written, and how many a second.
    pub(crate) pictures: (usize, f64),
    /// Nodes whose results were known.
    pub(crate) cached: usize,
    /// How long it will take still, roughly.
    pub(crate) left: Option<Duration>,
}

impl Totals {
    /// Those of a run.
    pub(crate) fn of(run: &RunView, now: Duration) -> Self {
        let rates: Vec<f64> = run.nodes.iter().filter_map(|node| node.rate(now)).collect();
        let pictures = run.files.iter().filter(|(_, path)| crate::execution::is_picture(path)).count();
        let took = run.took(now).as_secs_f64();
        Totals {
            steps: (!rates.is_empty()).then(|| rates.iter().sum()),
            pictures: (pictures, if took > 0.0 { pictures as f64 / took } else { 0.0 }),
            cached: run.nodes.iter().filter(|node| node.status == Status::Cached).count(),
            left: left(run, now),
        }
    }
}

/// What the nodes that have not ended took in earlier runs, less what they have had; of those that tell their steps, what
/// these say. None if nothing is known of any of them.
fn left(run: &RunView, now: Duration) -> Option<Duration> {
    if run.phase.is_over() {
        return None;
    }
    let past = run.past.as_ref();
    let mut is_known = false;
    let mut seconds = 0.0;
    for node in &run.nodes {
        let before = past.and_then(|past| past.seconds.get(&node.node)).copied();
        let left = match node.status {
            Status::Running { left: Some(left), .. } => Some(left.as_secs_f64()),
            Status::Running { .. } => {
                let had = now.saturating_sub(node.began.unwrap_or(now)).as_secs_f64();
                before.map(|before| (before - had).max(0.0))
            }
            Status::Waiting => before,
            _ => continue,
        };
        is_known |= left.is_some();
        seconds += left.unwrap_or(0.0);
    }
    // Without earlier runs, the steps of one node say nothing of those after it.
    let past = past.filter(|_| is_known)?;
    Duration::try_from_secs_f64(seconds * past.side_by_side).ok()
}

#[cfg(test)]
mod tests {
    use easel_engine::{Event, Outcome, RunId};

    use super::*;

    fn run() -> RunView {
        let mut run = RunView::beginning(true, Duration::ZERO);
        run.begins(Some(RunId(1)), ["a", "b", "c"].map(Arc::from).to_vec(), Duration::ZERO);
        run.happened(&Event::NodeStarted { run: RunId(1), node: "a".into(), seat: None }, Duration::ZERO);
        run
    }

    #[test]
    fn what_is_left_follows_from_earlier_runs() {
        let mut run = run();
        let now = Duration::from_secs(4);
        assert_eq!(Totals::of(&run, now).left, None, "nothing is known");
        let seconds = [("a", 10.0), ("b", 6.0)].map(|(node, seconds)| (Arc::from(node), seconds)).into();
        run.past = Some(Past { seconds, side_by_side: 0.5 });
        assert_eq!(Totals::of(&run, now).left, Some(Duration::from_secs(6)));
        assert_eq!(Totals::of(&run, Duration::from_secs(99)).left, Some(Duration::from_secs(3)), "it is late");
        run.over(Some(Outcome::Completed), now);
        assert_eq!(Totals::of(&run, now).left, None);
    }

    #[test]
    fn steps_say_more_than_the_past() {
        let mut run = run();
        run.past = Some(Past { seconds: HashMap::from([("a".into(), 1000.0)]), side_by_side: 1.0 });
        for step in 1..=3 {
            let event = Event::NodeProgress { run: RunId(1), node: "a".into(), step, steps: 5 };
            run.happened(&event, Duration::from_secs(step as u64));
        }
        let totals = Totals::of(&run, Duration::from_secs(3));
        assert_eq!((totals.steps, totals.left), (Some(1.0), Some(Duration::from_secs(2))));
    }

    #[test]
    fn pictures_and_results_that_were_known_are_counted() {
        let mut run = run();
        let event = |path: &str| Event::ArtifactWritten { run: RunId(1), node: "c".into(), path: path.into() };
        run.happened(&event("a.png"), Duration::ZERO);
        run.happened(&event("a.txt"), Duration::ZERO);
        let cached = Event::NodeCached { run: RunId(1), node: "b".into(), outputs: Arc::new([]) };
        run.happened(&cached, Duration::ZERO);
        let totals = Totals::of(&run, Duration::from_secs(2));
        assert_eq!((totals.pictures, totals.cached), ((1, 0.5), 1));
        assert_eq!(Totals::of(&run, Duration::ZERO).pictures, (1, 0.0));
    }
}
