//! Work for a background thread, bounded by the bytes that it holds.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait, wait_timeout};

/// A queue with one taker. Bytes count until the taker has finished with them, so they bound what is held in memory.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    /// Something for the taker to look at.
    for_taker: Condvar,
    /// Something was finished, or all is over.
    for_givers: Condvar,
    most_bytes: u64,
}

struct State<T> {
    items: Vec<T>,
    /// Of the items, and of those that the taker has.
    bytes: u64,
    /// Of the items alone.
    waiting_bytes: u64,
    /// How many were ever given, and how many of them were finished.
    given: u64,
    finished: u64,
    /// Somebody waits: the taker must not wait for more.
    is_urgent: bool,
    is_closed: bool,
}

/// What the taker took.
#[derive(Debug)]
pub struct Batch<T> {
    /// In the order in which they were given.
    pub items: Vec<T>,
    bytes: u64,
}

impl<T> Queue<T> {
    /// Holds up to `most_bytes`, and one item more.
    pub fn new(most_bytes: u64) -> Self {
        let state = State {
            items: Vec::new(),
            bytes: 0,
            waiting_bytes: 0,
            given: 0,
            finished: 0,
            is_urgent: false,
            is_closed: false,
        };
        Queue { state: Mutex::new(state), for_taker: Condvar::new(), for_givers: Condvar::new(), most_bytes }
    }

    /// Adds an item of so many bytes; where there is no room, waits for the taker, at most for `patience`. False if the
    /// item was not taken in.
    pub fn give(&self, item: T, bytes: u64, patience: Duration) -> bool {
        let began = Instant::now();
        let mut state = lock(&self.state);
        while !state.is_closed && state.bytes >= self.most_bytes {
            state.is_urgent = true;
            self.for_taker.notify_one();
            // What is left of it: others' wake-ups do not make it longer.
            let left = patience.saturating_sub(began.elapsed());
            let (guard, is_up) = wait_timeout(&self.for_givers, state, left);
            state = guard;
            if (is_up || left.is_zero()) && state.bytes >= self.most_bytes {
                return false;
            }
        }
        self.put(state, item, bytes)
    }

    /// Adds an item that holds no bytes to speak of, whether or not there is room. False if the queue is closed.
    pub fn insist(&self, item: T) -> bool {
        self.put(lock(&self.state), item, 0)
    }

    fn put(&self, mut state: MutexGuard<'_, State<T>>, item: T, bytes: u64) -> bool {
        if state.is_closed {
            return false;
        }
        state.items.push(item);
        state.given += 1;
        state.bytes += bytes;
        state.waiting_bytes += bytes;
        // A taker that waits for more is not woken by each of it.
        if state.items.len() == 1 || state.bytes >= self.hurry_from() {
            self.for_taker.notify_one();
        }
        true
    }

    /// From so many bytes on, the taker does not wait for more.
    fn hurry_from(&self) -> u64 {
        self.most_bytes / 4
    }

    /// All there is, as soon as there is something; waits up to `linger` for more of it, unless somebody is waiting.
    /// None once the queue is closed and empty.
    pub fn take(&self, linger: Duration) -> Option<Batch<T>> {
        let mut state = lock(&self.state);
        while state.items.is_empty() {
            if state.is_closed {
                return None;
            }
            state = wait(&self.for_taker, state);
        }
        let deadline = Instant::now() + linger;
        while !state.is_urgent && !state.is_closed && state.bytes < self.hurry_from() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait_timeout(&self.for_taker, state, left).0;
        }
        state.is_urgent = false;
        let bytes = std::mem::take(&mut state.waiting_bytes);
        Some(Batch { items: std::mem::take(&mut state.items), bytes })
    }

    /// The taker is done with `count` items that it took as a batch.
    pub fn finish(&self, count: usize, bytes: u64) {
        let mut state = lock(&self.state);
        state.finished += count as u64;
        state.bytes -= bytes;
        drop(state);
        self.for_givers.notify_all();
    }

    /// Waits until everything that was given before is finished.
    pub fn flush(&self) {
        let mut state = lock(&self.state);
        let all = state.given;
        while state.finished < all {
            state.is_urgent = true;
            self.for_taker.notify_one();
            state = wait(&self.for_givers, state);
        }
    }

    /// Nothing more is taken in; what is there is still finished.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.for_taker.notify_all();
        self.for_givers.notify_all();
    }

    /// There is no taker any more: whoever waits for one goes on.
    pub fn abandon(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.finished = state.given;
        state.bytes = 0;
        state.waiting_bytes = 0;
        let items = std::mem::take(&mut state.items);
        drop(state);
        drop(items);
        self.for_givers.notify_all();
    }
}

impl<T> Batch<T> {
    /// Bytes that its items hold.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_bytes_gets_in_however_full_the_queue_is() {
        let queue = Queue::new(1);
        assert!(queue.give("large", 10, Duration::ZERO));
        assert!(!queue.give("another", 1, Duration::ZERO), "there is no room");
        assert!(queue.insist("small"));
        let batch = queue.take(Duration::ZERO).expect("it is open");
        assert_eq!(batch.items, ["large", "small"]);
        assert!(!queue.give("another", 1, Duration::ZERO), "the taker still has it");
        queue.finish(batch.items.len(), batch.bytes());
        queue.close();
        assert!(!queue.insist("late"));
    }

    #[test]
    fn wake_ups_do_not_make_patience_longer() {
        let queue = Queue::new(1);
        assert!(queue.give((), 1, Duration::ZERO));
        std::thread::scope(|scope| {
            let giver = scope.spawn(|| queue.give((), 1, Duration::from_millis(100)));
            // Each wakes the giver, and there is no more room than before.
            let woken = (0..20_000).take_while(|_| {
                std::thread::sleep(Duration::from_millis(1));
                queue.finish(0, 0);
                !giver.is_finished()
            });
            assert!(woken.count() < 20_000, "it waits for as long as somebody wakes it");
            assert!(!giver.join().expect("it does not panic"), "there never was room");
        });
    }
}
