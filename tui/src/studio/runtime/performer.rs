//! Who carries out the runs that are asked for.

use std::sync::mpsc::Sender;

use easel_engine::{Job, Plan, RunId};

use super::super::effect::Sheet;
use super::super::message::{Message, Tone};
use super::super::update::Claimed;
use super::player::Player;
use super::runner::Runner;

/// Why nothing is queued while a recording is shown.
const RECORDING: &str = "this is a recording: nothing is computed, and nothing waits for that";

/// Computes, or shows what was computed at another time.
pub(super) enum Performer {
    /// Runs are carried out.
    Real(Runner),
    /// Whatever is run, the recording is shown.
    Recorded(Player),
}

impl Performer {
    pub(super) fn run(&mut self, plan: Plan) {
        match self {
            Performer::Real(runner) => runner.run(plan),
            Performer::Recorded(player) => player.play(),
        }
    }

    pub(super) fn again(&mut self, run: RunId) {
        match self {
            Performer::Real(runner) => runner.again(run),
            Performer::Recorded(player) => player.play(),
        }
    }

    pub(super) fn resume(&mut self, run: RunId) {
        match self {
            Performer::Real(runner) => runner.resume(run),
            Performer::Recorded(player) => player.play(),
        }
    }

    pub(super) fn job(&mut self, job: Job) {
        match self {
            Performer::Real(runner) => runner.job(job),
            Performer::Recorded(player) => player.play(),
        }
    }

    /// Puts a plan into the queue; what came of it is told.
    pub(super) fn enqueue(&self, plan: Plan, priority: i64, sender: &Sender<Message>) {
        match self {
            Performer::Real(runner) => runner.enqueue(plan, priority),
            // The studio may be ending.
            Performer::Recorded(_) => drop(sender.send(Message::Enqueued(Err(RECORDING.into())))),
        }
    }

    /// Puts jobs into the queue; what came of each is told.
    pub(super) fn enqueue_all(&self, jobs: Vec<Job>, sender: &Sender<Message>) {
        match self {
            Performer::Real(runner) => runner.enqueue_all(jobs),
            Performer::Recorded(_) => {
                let told = jobs.iter().map(|_| Err(RECORDING.to_string())).collect();
                drop(sender.send(Message::Swept(told)));
            }
        }
    }

    /// Writes a grid of pictures; how that went is told.
    pub(super) fn write(&self, sheet: Sheet, sender: &Sender<Message>) {
        match self {
            Performer::Real(runner) => runner.write(sheet),
            Performer::Recorded(_) => drop(sender.send(Message::Told(Tone::Note, RECORDING.into()))),
        }
    }

    /// Carries out the next of the queue; what came of it is told.
    pub(super) fn claim(&mut self, sender: &Sender<Message>) {
        match self {
            Performer::Real(runner) => runner.claim(),
            Performer::Recorded(_) => drop(sender.send(Message::Claimed(Claimed::Refused(RECORDING.into())))),
        }
    }

    pub(super) fn stop(&mut self) {
        match self {
            Performer::Real(runner) => runner.stop(),
            Performer::Recorded(player) => player.stop(),
        }
    }

    /// Whether something is under way that it would be a pity to break off.
    pub(super) fn is_running(&self) -> bool {
        match self {
            Performer::Real(runner) => runner.is_running(),
            Performer::Recorded(_) => false,
        }
    }

    /// Waits until the run is over.
    pub(super) fn finish(&mut self) {
        match self {
            Performer::Real(runner) => runner.finish(),
            Performer::Recorded(player) => player.stop(),
        }
    }
}
