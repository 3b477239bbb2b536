//! The threads of a run: which of them sleep, who is woken, when one more is hired, how all of them end. What they do is
//! none of its business, so that every interleaving of it can be checked: see `tests/loom.rs`.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait, wait_timeout};

/// What threads share: behind one lock what changes, and two bells.
pub struct Crew<S> {
    state: Mutex<S>,
    /// Rung when there may be something to do.
    work: Condvar,
    /// Rung when the supervisor should look: all may be over, or there is something new to watch.
    news: Condvar,
}

/// Where the threads of a crew are.
#[derive(Debug, Default)]
pub struct Roster {
    /// How many there are; those that were given up are not counted.
    pub workers: usize,
    /// How many of them sleep.
    pub idle: usize,
    /// One was woken or hired and is not there yet.
    waking: bool,
    stopping: bool,
    /// How often in a row no thread could be started.
    refusals: u32,
}

/// What a crew works at.
pub trait Workshop: Sized + Send + Sync {
    /// What is behind the lock.
    type State;
    /// Something for a thread to do, without the lock.
    type Job;
    /// What came of it.
    type Outcome;
    /// What is left of that when its consequences are drawn. It may take long to end, so it does without the lock.
    type Leftover;

    /// The crew that works here.
    fn crew(&self) -> &Crew<Self::State>;

    /// The roster, which is behind the lock too.
    fn roster(state: &mut Self::State) -> &mut Roster;

    /// Takes the next thing to do.
    fn next_job(&self, state: &mut Self::State) -> Option<Self::Job>;

    /// Whether there is something to do for one more thread.
    fn wants_another(&self, state: &Self::State) -> bool;

    /// Whether there may be one more thread.
    fn may_grow(&self, state: &Self::State) -> bool;

    /// Whether nothing more will happen.
    fn is_over(&self, state: &Self::State) -> bool;

    /// Does something. None: it was given up meanwhile, and this thread with it.
    fn carry_out(self: &Arc<Self>, job: Self::Job) -> Option<Self::Outcome>;

    /// Draws the consequences.
    fn settle(&self, state: &mut Self::State, outcome: Self::Outcome) -> Option<Self::Leftover>;

    /// Starts a thread that calls [`work`]. False: the machine has none to give.
    fn hire(self: &Arc<Self>) -> bool;
}

impl<S> Crew<S> {
    /// A crew without threads.
    pub fn new(state: S) -> Self {
        Crew { state: Mutex::new(state), work: Condvar::new(), news: Condvar::new() }
    }

    /// Locks what threads share.
    pub fn lock(&self) -> MutexGuard<'_, S> {
        lock(&self.state)
    }

    /// Something may have become possible for threads that sleep. Not to be called while locked.
    pub fn try_again(&self) {
        // Locked, so that whoever just found nothing to do is asleep by now and hears it.
        let _state = self.lock();
        self.work.notify_all();
    }

    /// Has the supervisor look.
    pub fn tell_supervisor(&self) {
        self.news.notify_one();
    }

    /// Waits, as the supervisor, until it is told to look, or so long.
    pub fn wait_for_news<'a>(&'a self, state: MutexGuard<'a, S>, pause: Duration) -> MutexGuard<'a, S> {
        wait_timeout(&self.news, state, pause).0
    }
}

impl Roster {
    /// A thread was given up: it does not come back.
    pub fn give_up_one(&mut self) {
        self.workers -= 1;
    }

    /// Whether all threads sleep.
    pub fn is_at_rest(&self) -> bool {
        self.idle == self.workers
    }

    /// Whether there is no thread, and starting one was refused so often in a row.
    pub fn is_stranded(&self, refusals: u32) -> bool {
        self.workers == 0 && self.refusals >= refusals
    }
}

/// What a thread of a crew does: one job after another, until it is dismissed.
pub fn work<W: Workshop>(shop: &Arc<W>) {
    let mut state = shop.crew().lock();
    W::roster(&mut state).waking = false;
    let mut left = None;
    while !W::roster(&mut state).stopping {
        let job = shop.next_job(&mut state);
        if job.is_none() && left.is_none() {
            state = rest(shop, state);
            continue;
        }
        wake_another(shop, &mut state);
        drop(state);
        drop(left.take());
        let Some(job) = job else {
            state = shop.crew().lock();
            continue;
        };
        let Some(outcome) = shop.carry_out(job) else { return };
        state = shop.crew().lock();
        left = shop.settle(&mut state, outcome);
    }
    W::roster(&mut state).workers -= 1;
    drop(state);
    drop(left);
}

/// Sleeps until there may be something to do.
fn rest<'a, W: Workshop>(shop: &'a Arc<W>, mut state: MutexGuard<'a, W::State>) -> MutexGuard<'a, W::State> {
    W::roster(&mut state).idle += 1;
    // Otherwise the supervisor, finding work for which no lane is free, and this thread would keep each other awake.
    if shop.is_over(&state) {
        shop.crew().news.notify_one();
    }
    let mut state = wait(&shop.crew().work, state);
    let roster = W::roster(&mut state);
    roster.idle -= 1;
    roster.waking = false;
    state
}

/// Who takes work and leaves some behind sees to it that somebody else comes for it; a chain of nodes, which leaves
/// none, stays on one thread. One at a time is woken, and it wakes the next: waking is dearer than most small nodes.
pub fn wake_another<W: Workshop>(shop: &Arc<W>, state: &mut W::State) {
    if W::roster(state).waking || !shop.wants_another(state) {
        return;
    }
    if W::roster(state).idle > 0 {
        W::roster(state).waking = true;
        shop.crew().work.notify_one();
    } else if shop.may_grow(state) {
        let is_hired = shop.hire();
        let roster = W::roster(state);
        roster.workers += usize::from(is_hired);
        roster.waking = is_hired;
        roster.refusals = if is_hired { 0 } else { roster.refusals.saturating_add(1) };
    }
}

/// Ends all threads, each after what it does at the moment.
pub fn dismiss<W: Workshop>(shop: &W, state: &mut W::State) {
    W::roster(state).stopping = true;
    shop.crew().work.notify_all();
}
