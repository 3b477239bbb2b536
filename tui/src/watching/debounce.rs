//! When to look at files that somebody is writing: a pure state machine. What it does depends on what it is told alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After a file was closed or renamed into its place, others may follow (an editor's backup, a second file).
const SHORT: Duration = Duration::from_millis(2);

/// The longest that one waits for others to follow; reached when saves come one upon the other.
const LONG: Duration = Duration::from_millis(40);

/// Saves further apart than this have nothing to do with each other.
const CALM: Duration = Duration::from_millis(200);

/// A file that is being written counts as whole if nothing was written for so long and nobody closed it: some systems do
/// not tell of closing.
const STILL: Duration = Duration::from_millis(20);

/// Saves that never stop are looked at once in a while.
const MOST: Duration = Duration::from_millis(150);

/// Likewise writing that never stops: a large file may take its time.
const MOST_WRITING: Duration = Duration::from_secs(2);

/// What is known of a file that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Something was written, more may follow.
    Writing,
    /// It was closed, renamed into its place, or removed.
    Complete,
}

/// Says when it is worth looking at files that change.
#[derive(Debug, Default)]
pub(super) struct Debounce {
    /// When the first change happened that was not looked at yet, and the last one.
    since: Option<(Instant, Instant)>,
    /// The files that are being written, and when something was written last.
    open: HashMap<PathBuf, Instant>,
    last_look: Option<Instant>,
    /// How long it has to be quiet.
    quiet: Duration,
}

impl Debounce {
    /// A file changed.
    pub(super) fn noticed(&mut self, file: &Path, sign: Sign, now: Instant) {
        let first = self.since.map_or(now, |(first, _)| first);
        self.since = Some((first, now));
        match sign {
            Sign::Writing => {
                self.open.insert(file.to_path_buf(), now);
            }
            Sign::Complete => {
                self.open.remove(file);
            }
        }
    }

    /// When to look, as far as is known now; never if nothing changed.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.since?;
        let quiet = last + self.quiet.max(SHORT);
        Some(match self.open.values().max() {
            None => quiet.min(first + MOST),
            Some(&written) => quiet.max(written + STILL).min(first + MOST_WRITING),
        })
    }

    /// Somebody looks now. The more often that happens, the longer it has to be quiet beforehand.
    pub(super) fn looked(&mut self, now: Instant) {
        let soon = self.last_look.is_some_and(|last| now.saturating_duration_since(last) < CALM);
        self.quiet = if soon { (self.quiet.max(SHORT) * 2).min(LONG) } else { SHORT };
        self.last_look = Some(now);
        self.since = None;
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds after the test began.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, milliseconds: u64) -> Instant {
            self.0 + Duration::from_millis(milliseconds)
        }
    }

    fn start() -> (Debounce, Clock) {
        (Debounce::default(), Clock(Instant::now()))
    }

    const FILE: &str = "flow.ron";

    #[test]
    fn nothing_is_due_before_anything_happens() {
        let (mut debounce, clock) = start();
        assert_eq!(debounce.due(), None);
        debounce.noticed(Path::new(FILE), Sign::Complete, clock.at(5));
        debounce.looked(clock.at(7));
        assert_eq!(debounce.due(), None, "it was looked at");
    }

    #[test]
    fn a_file_that_was_closed_is_looked_at_at_once() {
        let (mut debounce, clock) = start();
        debounce.noticed(Path::new(FILE), Sign::Writing, clock.at(0));
        assert_eq!(debounce.due(), Some(clock.at(20)), "more may follow");
        debounce.noticed(Path::new(FILE), Sign::Writing, clock.at(10));
        assert_eq!(debounce.due(), Some(clock.at(30)), "it does");
        debounce.noticed(Path::new(FILE), Sign::Complete, clock.at(11));
        assert_eq!(debounce.due(), Some(clock.at(13)));
    }

    #[test]
    fn a_file_that_is_still_written_holds_the_others_up() {
        let (mut debounce, clock) = start();
        debounce.noticed(Path::new("in.png"), Sign::Writing, clock.at(0));
        debounce.noticed(Path::new(FILE), Sign::Complete, clock.at(3));
        assert_eq!(debounce.due(), Some(clock.at(20)));
    }

    #[test]
    fn writing_that_never_stops_is_looked_at_in_the_end() {
        let (mut debounce, clock) = start();
        for time in (0..5000).step_by(10) {
            debounce.noticed(Path::new(FILE), Sign::Writing, clock.at(time));
            assert!(debounce.due() <= Some(clock.at(2000)));
        }
    }

    #[test]
    fn a_hundred_saves_a_second_are_looked_at_a_few_times_and_the_last_one_counts() {
        let (mut debounce, clock) = start();
        let mut looks = Vec::new();
        for time in 0..1500 {
            if time < 1000 && time % 10 == 0 {
                debounce.noticed(Path::new(FILE), Sign::Complete, clock.at(time));
            }
            if debounce.due().is_some_and(|due| due <= clock.at(time)) {
                looks.push(time);
                debounce.looked(clock.at(time));
            }
        }
        assert!((3..=15).contains(&looks.len()), "{looks:?}");
        assert!(looks[0] <= 5, "the first one at once: {looks:?}");
        assert!(looks.last() >= Some(&990), "the last one too: {looks:?}");
        assert_eq!(debounce.due(), None);
        debounce.noticed(Path::new(FILE), Sign::Complete, clock.at(5000));
        debounce.looked(clock.at(5040));
        debounce.noticed(Path::new(FILE), Sign::Complete, clock.at(6000));
        assert_eq!(debounce.due(), Some(clock.at(6002)), "after a while it is quick again");
    }
}
