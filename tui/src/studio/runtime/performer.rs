//! Who carries out the runs that are asked for.

use easel_engine::{Plan, RunId};

use super::player::Player;
use super::runner::Runner;

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
