//! All interleavings of a few threads at the cache in memory, at the queue of what is to be written, and of those that
//! carry a run out.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p easel-engine --release --test loom`

#![cfg(loom)]

use std::time::Duration;

use easel_engine::cache_probe::{Queue, keep, key, read};
use easel_engine::{Cache, MemoryPolicy, MemoryStats, Registry, Value};
use loom::sync::Arc;
use loom::thread;

const COST: Duration = Duration::from_millis(1);

fn text(text: &str) -> Value {
    Value::new(text.to_string())
}

fn join(threads: [thread::JoinHandle<()>; 2]) {
    for thread in threads {
        thread.join().expect("it does not panic");
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn a_reader_gets_one_result_or_the_other_or_none() {
    model(|| {
        let cache = Arc::new(Cache::in_memory(MemoryPolicy::Everything));
        let writers = ["one", "two"].map(|content| {
            let cache = cache.clone();
            thread::spawn(move || keep(&cache, key(1), &[text(content), text("shared")], COST))
        });
        let seen = read(&cache, key(1), &Registry::new());
        let is_one_of_them =
            |values: &[Value]| [text("one"), text("two")].contains(&values[0]) && values[1] == text("shared");
        assert!(seen.as_deref().is_none_or(is_one_of_them), "{seen:?}");
        join(writers);
        let last = read(&cache, key(1), &Registry::new());
        // A reader whose entry was replaced before it got the values takes them for lost, and forgets what is there.
        assert!(seen.is_none() || last.is_some());
        assert!(last.as_deref().is_none_or(is_one_of_them), "{last:?}");
        let stats = cache.stats().memory;
        assert_eq!((stats.entries, stats.values), if last.is_some() { (1, 2) } else { (0, 0) });
        cache.forget_all();
    });
}

#[test]
fn what_makes_room_for_another_is_gone_as_a_whole() {
    model(|| {
        let cache = Arc::new(Cache::in_memory(MemoryPolicy::Entries(1)));
        let writers = [1, 2].map(|number| {
            let cache = cache.clone();
            thread::spawn(move || {
                keep(&cache, key(number), &[text(&number.to_string()), text("shared")], COST);
                if let Some(values) = read(&cache, key(number), &Registry::new()) {
                    assert_eq!(values[0], text(&number.to_string()));
                }
            })
        });
        join(writers);
        let stats = cache.stats().memory;
        assert!(stats.entries <= 1 && stats.values == 2 * stats.entries, "{stats:?}");
    });
}

#[test]
fn forgetting_while_others_read_and_keep_loses_no_count() {
    model(|| {
        let cache = Arc::new(Cache::in_memory(MemoryPolicy::Bytes(100_000)));
        keep(&cache, key(1), &[text("shared")], COST);
        let (forgetful, other) = (cache.clone(), cache.clone());
        let threads = [
            thread::spawn(move || forgetful.clear(None).map(|_| ()).expect("there is no disk")),
            thread::spawn(move || keep(&other, key(2), &[text("shared")], COST)),
        ];
        if let Some(values) = read(&cache, key(1), &Registry::new()) {
            assert_eq!(values, [text("shared")]);
        }
        join(threads);
        cache.forget_all();
    });
}

trait ForgetAll {
    fn forget_all(&self);
}

impl ForgetAll for Cache {
    fn forget_all(&self) {
        self.clear(None).expect("there is no disk");
        assert_eq!(self.stats().memory, MemoryStats::default());
    }
}

#[test]
fn everything_that_was_given_is_taken_once_and_in_order() {
    model(|| {
        let queue = Arc::new(Queue::new(2));
        let givers = [10, 20].map(|first| {
            let queue = queue.clone();
            thread::spawn(move || {
                assert!(queue.give(first, 1, Duration::MAX));
                assert!(queue.give(first + 1, 2, Duration::MAX));
            })
        });
        let mut taken = Vec::new();
        while taken.len() < 4 {
            let batch = queue.take(Duration::ZERO).expect("it is open");
            queue.finish(batch.items.len(), batch.bytes());
            taken.extend(batch.items);
        }
        join(givers);
        for first in [10, 20] {
            let of_one: Vec<_> = taken.iter().filter(|item| (first..first + 2).contains(*item)).collect();
            assert_eq!(of_one, [&first, &(first + 1)]);
        }
    });
}

#[test]
fn a_flush_ends_when_all_that_was_given_before_it_is_finished() {
    model(|| {
        let queue = Arc::new(Queue::new(1));
        let finished = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let taker = {
            let (queue, finished) = (queue.clone(), finished.clone());
            thread::spawn(move || {
                while let Some(batch) = queue.take(Duration::ZERO) {
                    finished.fetch_add(batch.items.len(), loom::sync::atomic::Ordering::SeqCst);
                    queue.finish(batch.items.len(), batch.bytes());
                }
                queue.abandon();
            })
        };
        queue.give((), 1, Duration::MAX);
        queue.give((), 1, Duration::MAX);
        queue.flush();
        assert_eq!(finished.load(loom::sync::atomic::Ordering::SeqCst), 2);
        queue.close();
        taker.join().expect("it does not panic");
        assert!(!queue.give((), 1, Duration::MAX), "it is closed");
        queue.flush();
    });
}

#[test]
fn whoever_waits_goes_on_when_there_is_no_taker_any_more() {
    model(|| {
        let queue = Arc::new(Queue::new(1));
        queue.give((), 1, Duration::MAX);
        let waiting = [true, false].map(|gives| {
            let queue = queue.clone();
            thread::spawn(move || {
                if gives {
                    assert!(!queue.give((), 1, Duration::MAX));
                } else {
                    queue.flush();
                }
            })
        });
        queue.abandon();
        join(waiting);
    });
}

/// Jobs that are numbers, each of which makes others ready.
mod crew {
    use easel_engine::crew_probe::{Crew, Roster, Workshop, dismiss, wake_another, work};
    use loom::sync::Mutex;

    use super::{Duration, thread};

    /// So many threads may compute at once.
    const LANES: usize = 2;

    struct Numbers {
        crew: Crew<Ready>,
        /// What each job makes ready.
        leads_to: &'static [&'static [usize]],
        threads: Mutex<Vec<thread::JoinHandle<()>>>,
        /// How many threads the machine gives.
        machine: Mutex<usize>,
        /// What is shared with others: nothing is done unless it is free.
        is_free: Mutex<bool>,
    }

    impl Numbers {
        fn new(leads_to: &'static [&'static [usize]], machine: usize, is_free: bool) -> std::sync::Arc<Self> {
            std::sync::Arc::new(Numbers {
                crew: Crew::new(Ready { ready: vec![0], ..Ready::default() }),
                leads_to,
                threads: Mutex::default(),
                machine: Mutex::new(machine),
                is_free: Mutex::new(is_free),
            })
        }

        /// Ends as a run does.
        fn end(&self, mut state: loom::sync::MutexGuard<'_, Ready>) {
            dismiss(self, &mut state);
            drop(state);
            let threads = std::mem::take(&mut *self.threads.lock().expect("nobody panics"));
            threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
            assert_eq!(self.crew.lock().roster.workers, 0, "all have gone home");
        }
    }

    #[derive(Default)]
    struct Ready {
        roster: Roster,
        ready: Vec<usize>,
        running: usize,
        done: Vec<usize>,
    }

    impl Workshop for Numbers {
        type State = Ready;
        type Job = usize;
        type Outcome = usize;
        type Leftover = usize;

        fn crew(&self) -> &Crew<Ready> {
            &self.crew
        }

        fn roster(state: &mut Ready) -> &mut Roster {
            &mut state.roster
        }

        fn next_job(&self, state: &mut Ready) -> Option<usize> {
            if !*self.is_free.lock().expect("nobody panics") {
                return None;
            }
            let job = state.ready.pop()?;
            state.running += 1;
            Some(job)
        }

        fn wants_another(&self, state: &Ready) -> bool {
            !state.ready.is_empty() && state.roster.workers - state.roster.idle < LANES
        }

        fn may_grow(&self, state: &Ready) -> bool {
            state.roster.workers < LANES
        }

        fn is_over(&self, state: &Ready) -> bool {
            state.roster.is_at_rest() && state.ready.is_empty() && state.running == 0
        }

        fn carry_out(self: &std::sync::Arc<Self>, job: usize) -> Option<usize> {
            Some(job)
        }

        fn settle(&self, state: &mut Ready, job: usize) -> Option<usize> {
            state.running -= 1;
            state.done.push(job);
            state.ready.extend(self.leads_to[job]);
            Some(job)
        }

        fn hire(self: &std::sync::Arc<Self>) -> bool {
            let mut machine = self.machine.lock().expect("nobody panics");
            if *machine == 0 {
                return false;
            }
            *machine -= 1;
            let theirs = std::sync::Arc::clone(self);
            let thread = thread::spawn(move || work(&theirs));
            self.threads.lock().expect("nobody panics").push(thread);
            true
        }
    }

    /// All interleavings, however often one thread keeps another from going on.
    fn model(check: impl Fn() + Sync + Send + 'static) {
        loom::model::Builder::new().check(check);
    }

    /// Does everything that follows from job 0, as the supervisor of a run does. Time does not pass here, so that whoever
    /// misses a bell sleeps for ever, which the model finds.
    fn carry_out(leads_to: &'static [&'static [usize]], machine: usize) -> Vec<usize> {
        let shop = Numbers::new(leads_to, machine, true);
        let mut state = shop.crew.lock();
        while !shop.is_over(&state) {
            wake_another(&shop, &mut state);
            state = shop.crew.wait_for_news(state, Duration::MAX);
        }
        let mut done = std::mem::take(&mut state.done);
        shop.end(state);
        done.sort_unstable();
        done
    }

    #[test]
    fn every_job_is_done_once_and_everybody_goes_home() {
        model(|| assert_eq!(carry_out(&[&[1, 2], &[3], &[], &[]], 2), [0, 1, 2, 3]));
    }

    #[test]
    fn a_chain_of_jobs_ends() {
        model(|| assert_eq!(carry_out(&[&[1], &[2], &[]], 2), [0, 1, 2]));
    }

    #[test]
    fn one_thread_does_everything_if_there_are_no_more() {
        model(|| assert_eq!(carry_out(&[&[1, 2], &[3], &[], &[]], 1), [0, 1, 2, 3]));
    }

    #[test]
    fn who_sleeps_hears_that_something_is_free_again() {
        model(|| {
            let shop = Numbers::new(&[&[]], 1, false);
            {
                let mut state = shop.crew.lock();
                wake_another(&shop, &mut state);
            }
            // As when another run gives lanes back, which is not behind this lock: the thread may just have looked.
            *shop.is_free.lock().expect("nobody panics") = true;
            shop.crew.try_again();
            let mut state = shop.crew.lock();
            while !shop.is_over(&state) {
                state = shop.crew.wait_for_news(state, Duration::MAX);
            }
            assert_eq!(state.done, [0]);
            shop.end(state);
        });
    }
}
