//! The threads of a run: each takes whatever can be done next.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;

use super::state::{Job, Shared, State};
use super::{attempt, look};

/// Starts a thread, unless the machine has none to give.
pub(super) fn hire(shared: &Arc<Shared>, state: &mut State) -> bool {
    let theirs = Arc::clone(shared);
    let thread = thread::Builder::new().name("easel node".into()).spawn(move || work(&theirs));
    state.workers += usize::from(thread.is_ok());
    state.waking = thread.is_ok();
    thread.is_ok()
}

fn work(shared: &Arc<Shared>) {
    let mut state = shared.lock();
    state.waking = false;
    while !state.stopping {
        let Some(job) = state.next_job(shared) else {
            state = rest(shared, state);
            continue;
        };
        wake_another(shared, &mut state);
        drop(state);
        match job {
            Job::Look(instance) => look::look(shared, instance),
            // It took too long and was given up, and this thread with it.
            Job::Run(instance, attempt) if !attempt::run(shared, instance, attempt) => return,
            Job::Run(..) => {}
        }
        state = shared.lock();
    }
    state.workers -= 1;
}

/// Sleeps until there may be something to do.
fn rest<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    state.idle += 1;
    // Otherwise the supervisor, finding work for which no lane is free, and this thread would keep each other awake.
    if state.is_over(shared) {
        shared.news.notify_one();
    }
    state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
    state.idle -= 1;
    state.waking = false;
    state
}

/// Who takes work and leaves some behind sees to it that somebody else comes for it; a chain of nodes, which leaves
/// none, stays on one thread. One at a time is woken, and it wakes the next: waking is dearer than most small nodes.
pub(super) fn wake_another(shared: &Arc<Shared>, state: &mut State) {
    if state.waking || !state.wants_another_thread(shared) {
        return;
    }
    if state.idle > 0 {
        state.waking = true;
        shared.work.notify_one();
    } else if state.may_grow(shared) {
        hire(shared, state);
    }
}
