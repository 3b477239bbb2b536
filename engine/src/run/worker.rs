//! The threads of a run: each takes whatever can be done next.

use std::sync::Arc;
use std::thread;

use super::attempt::Done;
pub(super) use super::crew::wake_another;
use super::crew::{self, Crew, Roster, Workshop};
use super::settle::End;
use super::state::{Job, Shared, State};
use super::{attempt, look, settle};
use crate::node::{Inputs, NodeError};
use crate::sync::MutexGuard;

/// How often starting a thread is tried before a run that has none gives up: a few seconds.
const MOST_REFUSALS: u32 = 10;

impl Workshop for Shared {
    type State = State;
    type Job = Job;
    type Outcome = End;
    type Leftover = Done;

    fn crew(&self) -> &Crew<State> {
        &self.crew
    }

    fn roster(state: &mut State) -> &mut Roster {
        &mut state.roster
    }

    fn next_job(&self, state: &mut State) -> Option<Job> {
        state.next_job(self)
    }

    fn wants_another(&self, state: &State) -> bool {
        state.wants_another_thread(self)
    }

    fn may_grow(&self, state: &State) -> bool {
        state.may_grow(self)
    }

    fn is_over(&self, state: &State) -> bool {
        state.is_over(self)
    }

    fn carry_out(self: &Arc<Self>, job: Job) -> Option<End> {
        self.resources.hand_on();
        match job {
            Job::Look(turn) => Some(look::look(self, turn)),
            Job::Collect(instance) => Some(look::collect(self, instance)),
            Job::Run(task) => attempt::run(self, task),
        }
    }

    fn settle(&self, state: &mut State, end: End) -> Option<Done> {
        end.settle(self, state)
    }

    fn hire(self: &Arc<Self>) -> bool {
        let theirs = Arc::clone(self);
        thread::Builder::new().name("easel node".into()).spawn(move || crew::work(&theirs)).is_ok()
    }
}

/// Where there is no thread and none can be started, whatever is left fails: nobody else would ever come for it.
pub(super) fn fail_if_stranded<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    while state.roster.is_stranded(MOST_REFUSALS) {
        let Some(job) = state.next_job(shared) else { break };
        let (instance, running) = match job {
            Job::Look(turn) => (turn.instance, None),
            Job::Collect(instance) => (instance, None),
            Job::Run(task) => (task.instance, state.leave(task.instance, task.attempt)),
        };
        drop(state);
        let error = NodeError::new("no thread could be started to run it, though it was tried again and again")
            .with_hint(
                "the machine, or a limit on this user, has no more threads or memory to give: end other programs",
            );
        let nothing = Inputs::default();
        let inputs = running.as_ref().map_or(&nothing, |running| &*running.prepared.inputs);
        settle::failed(shared, instance, &error, inputs);
        // What it had taken is given back, and others are told, while this run is not locked: they lock themselves, and
        // may be telling this one.
        drop(running);
        shared.resources.hand_on();
        state = shared.lock();
    }
    state
}
