//! What is known of the nodes of a workflow that a run carries out inside of others, perhaps several times.

use std::collections::HashMap;
use std::time::Duration;

use super::super::graph_view::Status;
use super::super::scene::{Scene, SceneNode};
use super::RunView;

/// What all passes of one node come to.
#[derive(Clone, Copy, Debug, Default)]
struct Passes {
    count: usize,
    waiting: usize,
    cached: usize,
    done: usize,
    seconds: f64,
    /// The worst, or else the liveliest, of the others.
    other: Option<Status>,
}

impl Passes {
    fn add(&mut self, status: Status) {
        self.count += 1;
        match status {
            Status::Idle | Status::Waiting => self.waiting += 1,
            Status::Cached => self.cached += 1,
            Status::Done { seconds } => {
                self.done += 1;
                self.seconds += seconds;
            }
            other if self.other.is_none_or(|known| weight(&other) > weight(&known)) => self.other = Some(other),
            _ => {}
        }
    }

    fn status(&self) -> Status {
        match self.other {
            Some(other) => other,
            None if self.waiting == self.count => Status::Waiting,
            None if self.waiting > 0 => Status::Running { step: 0, steps: 0, left: None::<Duration> },
            None if self.cached == self.count => Status::Cached,
            None => Status::Done { seconds: self.seconds },
        }
    }
}

/// How much a state matters beside others.
fn weight(status: &Status) -> u8 {
    match status {
        Status::Failed => 5,
        Status::Running { .. } => 4,
        Status::Cancelled => 3,
        Status::Blocked => 2,
        Status::Skipped => 1,
        _ => 0,
    }
}

impl RunView {
    /// What is known of each node of a scene that is entered through these nodes, outermost first. Nodes that run several
    /// times, and those that are nothing but what is inside of them, have the state of all that.
    pub(crate) fn statuses(&self, scene: &Scene, way: &[String]) -> Vec<Status> {
        let mut own: HashMap<&str, Passes> = HashMap::new();
        let mut inner: HashMap<&str, Passes> = HashMap::new();
        for run in &self.nodes {
            let mut parts = run.node.split('/').map(without_pass);
            if !way.iter().all(|wanted| parts.next() == Some(wanted.as_str())) {
                continue;
            }
            let Some(child) = parts.next() else { continue };
            let passes = if parts.next().is_none() { &mut own } else { &mut inner };
            passes.entry(child).or_default().add(run.status);
        }
        let of = |id: &str| own.get(id).or_else(|| inner.get(id)).map_or(Status::Idle, Passes::status);
        let of_all = |members: &[String]| {
            let mut all = Passes::default();
            members.iter().map(|member| of(member)).filter(|status| *status != Status::Idle).for_each(|it| all.add(it));
            if all.count > 0 { all.status() } else { Status::Idle }
        };
        let status = |node: &SceneNode| if node.members.is_empty() { of(&node.id) } else { of_all(&node.members) };
        scene.nodes.iter().map(status).collect()
    }
}

/// `each` of `each[3]`.
pub(crate) fn without_pass(part: &str) -> &str {
    part.split_once('[').map_or(part, |(node, _)| node)
}

#[cfg(test)]
mod tests {
    use easel_engine::{Event, RunId};

    use super::super::super::fixture::node;
    use super::*;

    #[test]
    fn what_runs_several_times_has_the_state_of_all_passes() {
        let mut run = RunView::beginning(true, Duration::ZERO);
        let names = ["a", "each", "each[0]/x", "each[1]/x", "in/b/c", "each[0]/deep/y"];
        run.begins(Some(RunId(1)), names.map(Into::into).to_vec(), Duration::ZERO);
        let done = |node: &str| Event::NodeFinished {
            run: RunId(1),
            node: node.into(),
            seconds: 1.5,
            outputs: std::sync::Arc::new([]),
        };
        let scene = |ids: &[&str]| Scene { nodes: ids.iter().map(|id| node(id, 0, 0)).collect(), wires: Vec::new() };
        run.happened(&done("each[0]/x"), Duration::ZERO);
        let each = ["each".to_string()];
        let running = Status::Running { step: 0, steps: 0, left: None };
        assert_eq!(run.statuses(&scene(&["x", "deep", "none"]), &each), [running, Status::Waiting, Status::Idle]);
        run.happened(&done("each[1]/x"), Duration::ZERO);
        assert_eq!(run.statuses(&scene(&["x"]), &each), [Status::Done { seconds: 3.0 }]);
        run.happened(&done("in/b/c"), Duration::ZERO);
        assert_eq!(run.statuses(&scene(&["a", "in"]), &[]), [Status::Waiting, Status::Done { seconds: 1.5 }]);
    }
}
