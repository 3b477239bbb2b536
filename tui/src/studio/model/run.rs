//! A run as it is shown: what its nodes do, and did when.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use easel_engine::{Event, NodeState, Outcome, OutputSummary, RunId, RunState, RunStory, Seat};

use super::super::graph_view::Status;
use super::failure::Failure;
use super::full::Seen;
use super::inside::without_pass;
use super::shots::Shots;
use super::still::Source;
use super::totals::Past;
use crate::execution::is_picture;

/// More warnings of one node are counted, and stand in the log.
const MOST_WARNINGS: usize = 20;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It was asked for.
    Beginning,
    /// It runs.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It is over; none: it could not begin, or its process is gone.
    Over(Option<Outcome>),
}

impl Phase {
    /// Whether nothing more will happen.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Phase::Over(_))
    }
}

/// A node of a run.
#[derive(Clone, Debug)]
pub(crate) struct NodeRun {
    /// Its name.
    pub(crate) node: Arc<str>,
    /// Where it is.
    pub(crate) status: Status,
    /// When it began, in the studio's time.
    pub(crate) began: Option<Duration>,
    /// When it ended.
    pub(crate) ended: Option<Duration>,
    /// Where it computes, if that was told.
    pub(crate) seat: Option<Seat>,
    /// Which attempt this is: 1 for the first.
    pub(crate) attempt: u32,
    /// When its first step was done, and which that was: rates count from there, for loading is no step.
    first_step: Option<(u64, Duration)>,
    /// What came out.
    pub(crate) outputs: Arc<[OutputSummary]>,
    /// Why it failed or did not run: the whole story.
    pub(crate) story: Option<String>,
    /// Why it failed.
    pub(crate) failure: Option<Failure>,
    /// The node that failed or kept something back, so that this one did not run.
    pub(crate) because: Option<Arc<str>>,
    /// What it warned of, and how often it warned.
    pub(crate) warnings: (Vec<String>, usize),
}

impl NodeRun {
    fn new(node: Arc<str>) -> Self {
        NodeRun {
            node,
            status: Status::Waiting,
            began: None,
            ended: None,
            seat: None,
            attempt: 1,
            first_step: None,
            outputs: Arc::new([]),
            story: None,
            failure: None,
            because: None,
            warnings: (Vec::new(), 0),
        }
    }

    /// Steps a second, once two were done.
    pub(crate) fn rate(&self, now: Duration) -> Option<f64> {
        let (first, at) = self.first_step?;
        let Status::Running { step, .. } = self.status else { return None };
        let steps = step.checked_sub(first).filter(|steps| *steps > 0)?;
        let seconds = now.checked_sub(at)?.as_secs_f64();
        (seconds > 0.0).then(|| steps as f64 / seconds)
    }

    /// A further attempt begins: what is shown from now on is its own.
    fn restart(&mut self, attempt: u32, seat: &Seat, now: Duration) {
        self.status = Status::Running { step: 0, steps: 0, left: None };
        (self.began, self.ended, self.first_step) = (Some(now), None, None);
        (self.attempt, self.seat) = (attempt, Some(seat.clone()));
    }

    fn advance(&mut self, step: u64, steps: u64, now: Duration) {
        if self.first_step.is_none_or(|(first, _)| step < first) {
            self.first_step = Some((step, now));
        }
        self.status = Status::Running { step, steps, left: None };
        let left = self.rate(now).map(|rate| steps.saturating_sub(step) as f64 / rate);
        let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.status = Status::Running { step, steps, left };
    }
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct RunView {
    /// Its id in the journal, if it is written down.
    pub(crate) run: Option<RunId>,
    /// It was begun here; otherwise it is followed from the journal.
    pub(crate) is_ours: bool,
    /// Where it is.
    pub(crate) phase: Phase,
    /// How many warnings are kept of all nodes.
    pub(crate) warned: usize,
    /// When it began, in the studio's time.
    pub(crate) began: Duration,
    /// When it ended.
    pub(crate) ended: Option<Duration>,
    /// Its nodes, in the order of the plan.
    pub(crate) nodes: Vec<NodeRun>,
    by_name: HashMap<Arc<str>, usize>,
    /// The files that it wrote.
    pub(crate) files: Vec<(Arc<str>, PathBuf)>,
    /// The newest picture of each node.
    pub(crate) shots: Shots,
    /// Which line of the monitor the cursor is on.
    pub(crate) at: usize,
    /// Somebody moved that cursor: it does not follow what runs any more.
    pub(crate) is_moved: bool,
    /// What earlier runs took.
    pub(crate) past: Option<Past>,
    /// The file of its workflow; none if that is not known.
    pub(crate) workflow: Option<PathBuf>,
    /// Its clock is so far ahead of the studio's, which may have begun later than the run.
    ahead: Duration,
    /// When it was begun, in milliseconds since 1970, if it is followed.
    started: Option<i64>,
}

impl RunView {
    /// A run that was asked for.
    pub(crate) fn beginning(is_ours: bool, now: Duration) -> Self {
        RunView {
            run: None,
            is_ours,
            phase: Phase::Beginning,
            warned: 0,
            began: now,
            ended: None,
            nodes: Vec::new(),
            by_name: HashMap::new(),
            files: Vec::new(),
            shots: Shots::default(),
            at: 0,
            is_moved: false,
            past: None,
            workflow: None,
            ahead: Duration::ZERO,
            started: None,
        }
    }

    /// The run of this workflow.
    pub(crate) fn of(self, workflow: Option<PathBuf>) -> Self {
        RunView { workflow, ..self }
    }

    /// Whether its workflow is that file. One of the two may be written from a folder that the other does not name.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        let known = self.workflow.as_deref().filter(|own| !own.as_os_str().is_empty());
        known.is_some_and(|own| own.ends_with(path) || path.ends_with(own))
    }

    /// The time by its own clock, which all its times are told by.
    pub(crate) fn clock(&self, now: Duration) -> Duration {
        now + self.ahead
    }

    /// It begins, with these nodes.
    pub(crate) fn begins(&mut self, run: Option<RunId>, nodes: Vec<Arc<str>>, now: Duration) {
        self.run = run;
        self.began = now;
        if self.phase == Phase::Beginning {
            self.phase = Phase::Running;
        }
        self.nodes.clear();
        self.by_name.clear();
        self.warned = 0;
        nodes.into_iter().for_each(|node| self.add(node));
    }

    fn add(&mut self, node: Arc<str>) {
        if !self.by_name.contains_key(&node) {
            self.by_name.insert(Arc::clone(&node), self.nodes.len());
            self.nodes.push(NodeRun::new(node));
        }
    }

    /// A node by its name.
    pub(crate) fn node(&self, name: &str) -> Option<&NodeRun> {
        self.by_name.get(name).and_then(|at| self.nodes.get(*at))
    }

    /// A node that is inside of these, whichever time it ran last.
    pub(crate) fn node_inside(&self, way: &[String], node: &str) -> Option<&NodeRun> {
        let wanted = || way.iter().map(String::as_str).chain([node]);
        let is_it = |run: &&NodeRun| run.node.split('/').map(without_pass).eq(wanted());
        if way.is_empty() { self.node(node) } else { self.nodes.iter().rev().find(is_it) }
    }

    fn node_mut(&mut self, name: &str) -> Option<&mut NodeRun> {
        self.by_name.get(name).and_then(|at| self.nodes.get_mut(*at))
    }

    /// Something happened.
    pub(crate) fn happened(&mut self, event: &Event, now: Duration) {
        let end = |node: &mut NodeRun, status: Status| {
            node.status = status;
            node.ended = Some(now);
        };
        match event {
            Event::NodeExpanded { nodes, .. } => {
                for planned in nodes {
                    self.add(Arc::clone(&planned.node));
                }
            }
            Event::NodeStarted { node, seat, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.status = Status::Running { step: 0, steps: 0, left: None };
                    (node.began, node.ended) = (Some(now), None);
                    node.attempt = 1;
                    node.seat.clone_from(seat);
                }
                self.look_at_newest();
            }
            Event::NodeRestarted { node, attempt, seat, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.restart(*attempt, seat, now);
                }
                self.look_at_newest();
            }
            Event::NodeProgress { node, step, steps, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.advance(*step as u64, *steps as u64, now);
                }
            }
            Event::NodeCached { node, outputs, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.outputs = Arc::clone(outputs);
                    end(node, Status::Cached);
                }
            }
            Event::NodeFinished { node, seconds, outputs, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.outputs = Arc::clone(outputs);
                    end(node, Status::Done { seconds: *seconds });
                }
            }
            Event::NodeFailed { node, node_type, message, causes, hint, inputs, .. } => {
                let failure = Failure {
                    node_type: node_type.clone(),
                    message: message.clone(),
                    causes: causes.clone(),
                    hint: hint.clone(),
                    inputs: inputs.clone(),
                };
                if let Some(node) = self.node_mut(node) {
                    node.story = Some(failure.story());
                    node.failure = Some(failure);
                    end(node, Status::Failed);
                }
            }
            Event::NodeSkipped { node, because, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.story = Some(format!("not run, since {because} failed"));
                    node.because = Some(Arc::clone(because));
                    end(node, Status::Skipped);
                }
            }
            Event::NodeBlocked { node, because, reason, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.story = Some(format!("not run: kept back by {because}: {reason}"));
                    node.because = Some(Arc::clone(because));
                    end(node, Status::Blocked);
                }
            }
            Event::ArtifactWritten { node, path, .. } => self.files.push((Arc::clone(node), path.clone())),
            Event::RunFinished { outcome, .. } => self.over(Some(*outcome), now),
            Event::NodeWarning { node, message, .. } => {
                if let Some(node) = self.node_mut(node) {
                    node.warnings.1 += 1;
                    if node.warnings.0.len() < MOST_WARNINGS {
                        node.warnings.0.push(message.clone());
                        self.warned += 1;
                    }
                }
            }
            Event::RunStarted { .. }
            | Event::NodeNote { .. }
            | Event::NodePreview { .. }
            | Event::NodeRetried { .. } => {}
        }
    }

    /// It is over.
    pub(crate) fn over(&mut self, outcome: Option<Outcome>, now: Duration) {
        self.phase = Phase::Over(outcome);
        self.ended.get_or_insert(now);
        for node in &mut self.nodes {
            if matches!(node.status, Status::Running { .. }) {
                node.status = Status::Cancelled;
                node.ended = Some(now);
            }
        }
    }

    /// The cursor goes to the node that began last of those that run, unless somebody moved it.
    fn look_at_newest(&mut self) {
        let running = self.nodes.iter().enumerate().filter(|(_, node)| matches!(node.status, Status::Running { .. }));
        let newest = running.max_by_key(|(_, node)| node.began).map(|(at, _)| at);
        self.at = newest.filter(|_| !self.is_moved).unwrap_or(self.at);
    }

    /// How it stands according to the journal, which was read at a moment in milliseconds since 1970.
    pub(crate) fn follow(&mut self, story: &RunStory, read: i64, now: Duration) {
        let first = story.nodes.iter().filter_map(|node| node.started).min();
        let started = story.summary.started.into_iter().chain(first).min().unwrap_or_default();
        if started > 0 && self.started != Some(started) {
            self.started = Some(started);
            // A clock that was put back.
            let age = Duration::from_millis(u64::try_from(read.saturating_sub(started)).unwrap_or(0));
            (self.began, self.ahead) = (now.saturating_sub(age), age.saturating_sub(now));
        }
        let now = self.clock(now);
        self.workflow = Some(workflow_of(&story.job.source));
        let (began, since) = (self.began, |at: i64| Duration::from_millis(u64::try_from(at - started).unwrap_or(0)));
        self.run = Some(story.summary.run);
        if self.nodes.is_empty() {
            let nodes = story.nodes.iter().map(|node| Arc::from(node.node.as_str()));
            self.begins(self.run, nodes.collect(), began);
        }
        for record in &story.nodes {
            self.add(Arc::from(record.node.as_str()));
            let Some(node) = self.node_mut(&record.node) else { continue };
            node.began = record.started.map(|at| began + since(at));
            node.seat.clone_from(&record.seat);
            let took = record.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            node.ended = node.began.zip(took).map(|(began, took)| began + took);
            let failure = record.message.as_ref().map(|message| Failure {
                node_type: record.node_type.clone(),
                message: message.clone(),
                causes: record.causes.clone(),
                hint: record.hint.clone(),
                inputs: record.inputs.clone(),
            });
            node.story = failure.as_ref().map(Failure::story);
            node.failure = failure.filter(|_| record.state == NodeState::Failed);
            match record.state {
                NodeState::Running => {
                    let (step, steps) = record.progress.unwrap_or_default();
                    node.advance(step, steps, now);
                }
                other => node.status = status(other, record.seconds),
            }
        }
        self.files = story.artifacts.iter().map(|file| (Arc::from(file.node.as_str()), file.path.clone())).collect();
        self.phase = match story.summary.state {
            RunState::Queued => Phase::Beginning,
            RunState::Running if story.summary.cancel_requested => Phase::Stopping,
            RunState::Running => Phase::Running,
            RunState::Completed => Phase::Over(Some(Outcome::Completed)),
            RunState::Failed => Phase::Over(Some(Outcome::Failed)),
            RunState::Cancelled => Phase::Over(Some(Outcome::Cancelled)),
            RunState::Interrupted => Phase::Over(None),
        };
        if self.phase.is_over() {
            let took = story.summary.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            self.ended = Some(took.map_or(now, |took| began + took));
        }
        self.look_at_newest();
    }

    /// Everything of it that can be looked at: the files that it wrote, then what is in no file yet.
    pub(crate) fn pictures(&self) -> Vec<Seen> {
        let files = self.files.iter().filter(|(_, path)| is_picture(path));
        let files = files.map(|(node, path)| Seen {
            node: Arc::clone(node),
            source: Source::File(path.clone()),
            small: self.shots.of_file(path).cloned(),
        });
        files.chain(self.shots.unsaved()).collect()
    }

    /// How long it has been running, or ran.
    pub(crate) fn took(&self, now: Duration) -> Duration {
        self.ended.unwrap_or(now).saturating_sub(self.began)
    }

    /// How many nodes have ended, and how many there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let open = |node: &&NodeRun| matches!(node.status, Status::Idle | Status::Waiting | Status::Running { .. });
        (self.nodes.len() - self.nodes.iter().filter(open).count(), self.nodes.len())
    }
}

/// The file that a workflow was read from, or else what it is called.
pub(crate) fn workflow_of(source: &easel_engine::Source) -> PathBuf {
    source.path.clone().unwrap_or_else(|| PathBuf::from(&source.name))
}

fn status(state: NodeState, seconds: Option<f64>) -> Status {
    match state {
        NodeState::Waiting => Status::Waiting,
        NodeState::Running => Status::Running { step: 0, steps: 0, left: None },
        NodeState::Finished => Status::Done { seconds: seconds.unwrap_or_default() },
        NodeState::Cached => Status::Cached,
        NodeState::Failed => Status::Failed,
        NodeState::Skipped => Status::Skipped,
        NodeState::Blocked => Status::Blocked,
        NodeState::Stopped => Status::Cancelled,
        NodeState::Unneeded => Status::Idle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunView {
        let mut run = RunView::beginning(true, Duration::ZERO);
        run.begins(Some(RunId(7)), vec!["a".into(), "b".into()], Duration::ZERO);
        run
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rates_count_from_the_first_step() {
        let mut run = run();
        let id = RunId(7);
        run.happened(&Event::NodeStarted { run: id, node: "a".into(), seat: None }, seconds(1));
        // Loading took ten seconds.
        for step in 1..=5 {
            let event = Event::NodeProgress { run: id, node: "a".into(), step, steps: 25 };
            run.happened(&event, seconds(10 + step as u64 * 2));
        }
        let node = run.node("a").expect("it is there");
        assert_eq!(node.rate(seconds(20)), Some(0.5));
        assert_eq!(node.status, Status::Running { step: 5, steps: 25, left: Some(seconds(40)) });
    }

    #[test]
    fn a_further_attempt_has_a_seat_a_beginning_and_rates_of_its_own() {
        let seat = |lane: usize| Seat { device: Seat::HOST.into(), lane, lanes: 1, memory: None, device_memory: None };
        let (mut run, id) = (run(), RunId(7));
        let progress = |step: usize| Event::NodeProgress { run: id, node: "a".into(), step, steps: 9 };
        run.happened(&Event::NodeStarted { run: id, node: "a".into(), seat: Some(seat(0)) }, seconds(1));
        run.happened(&progress(1), seconds(2));
        run.happened(&progress(5), seconds(3));
        run.happened(&Event::NodeRestarted { run: id, node: "a".into(), attempt: 2, seat: seat(3) }, seconds(10));
        let node = run.node("a").expect("it is there");
        assert_eq!((node.attempt, node.seat.as_ref(), node.began), (2, Some(&seat(3)), Some(seconds(10))));
        assert_eq!((node.status, node.rate(seconds(11))), (Status::Running { step: 0, steps: 0, left: None }, None));
        run.happened(&progress(1), seconds(12));
        run.happened(&progress(3), seconds(16));
        assert_eq!(run.node("a").and_then(|node| node.rate(seconds(16))), Some(0.5));
    }

    #[test]
    fn what_runs_at_the_end_was_stopped() {
        let mut run = run();
        run.happened(&Event::NodeStarted { run: RunId(7), node: "a".into(), seat: None }, seconds(1));
        run.over(Some(Outcome::Cancelled), seconds(3));
        assert_eq!(run.node("a").map(|node| &node.status), Some(&Status::Cancelled));
        assert_eq!(run.node("b").map(|node| &node.status), Some(&Status::Waiting));
        assert_eq!((run.took(seconds(9)), run.counts()), (seconds(3), (1, 2)));
    }

    #[test]
    fn a_failure_has_a_whole_story() {
        let mut run = run();
        let event = Event::NodeFailed {
            run: RunId(7),
            node: "a".into(),
            node_type: "Prior".into(),
            message: "no such folder".into(),
            causes: vec!["it was removed".into()],
            hint: Some("put it back".into()),
            inputs: vec![("seed".into(), "7".into())],
        };
        run.happened(&event, seconds(1));
        let story = run.node("a").and_then(|node| node.story.clone());
        let expected = "no such folder\ncaused by: it was removed\ngiven: seed = 7\nhint: put it back";
        assert_eq!(story.as_deref(), Some(expected));
    }
}
