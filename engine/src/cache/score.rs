//! What goes first when there is no more room: the highest age × size ÷ cost to recompute.
//!
//! Scores change as time passes, each at its own pace, so no order among entries stays right. Therefore entries are
//! shelved by class, the power of two of size ÷ cost, and each class is kept in order of use. Within a class the oldest
//! has the highest score but for a factor of two; so the best of the classes' oldest has at least half of the highest
//! score there is, and is found by looking at no more than [`CLASSES`] entries.

use std::time::Duration;

/// How many classes there are.
pub(super) const CLASSES: usize = 128;

/// No recomputation counts for less: that is what asking a cache costs.
const LEAST_COST: Duration = Duration::from_micros(1);

/// Bytes per nanosecond of cost: how fast the score rises with age.
fn weight(size: u64, cost: Duration) -> f64 {
    size.max(1) as f64 / cost.max(LEAST_COST).as_nanos() as f64
}

/// The class of an entry of `size` bytes.
pub(super) fn class(size: u64, cost: Duration) -> usize {
    let class = weight(size, cost).log2().floor() + (CLASSES / 2) as f64;
    // The conversion saturates; nothing real comes near the ends.
    (class as usize).min(CLASSES - 1)
}

/// How dispensable an entry is that was last used `age` uses (of anything) ago.
pub(super) fn score(age: u64, size: u64, cost: Duration) -> f64 {
    (age as f64 + 1.0) * weight(size, cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_large_and_cheap_goes_first() {
        let second = Duration::from_secs(1);
        assert!(score(9, 100, second) > score(8, 100, second));
        assert!(score(9, 101, second) > score(9, 100, second));
        assert!(score(9, 100, second) > score(9, 100, 2 * second));
    }

    #[test]
    fn entries_of_a_class_differ_by_less_than_two() {
        let ratio = |size, millis| weight(size, Duration::from_millis(millis));
        for (size, millis) in [(1, 1), (1000, 3), (1 << 40, 1), (1, 1 << 40), (0, 0)] {
            let (class, cost) = (class(size, Duration::from_millis(millis)), Duration::from_millis(millis));
            let lower = 2.0_f64.powi(class as i32 - (CLASSES / 2) as i32);
            assert!((lower..2.0 * lower).contains(&ratio(size, millis)), "{size} {cost:?} {class}");
        }
        assert!(class(u64::MAX, Duration::ZERO) < CLASSES);
        assert_eq!(class(0, Duration::MAX), 0, "what takes for ever is the last to go");
    }
}
