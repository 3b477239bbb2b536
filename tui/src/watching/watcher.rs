//! What to do about files that change while a run is under way: a pure state machine.
//!
//! One plan runs and at most one waits for it to stop; a newer plan takes the place of the one that waits. What is wrong
//! with a workflow is told only if it stays wrong: editors leave files empty or half written for a moment.

use std::path::Path;
use std::time::{Duration, Instant};

use super::debounce::{Debounce, Sign};

/// What was told to be wrong is looked at again this often: what would mend it may be in a file that nobody knows of.
const RETRY: Duration = Duration::from_secs(1);

/// What came out of looking at the files. `P` is a plan, `B` what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding<P, B> {
    /// They are as they were the last time.
    Unchanged,
    /// They are again as they were when the plan in force was made.
    Restored,
    /// There is a new plan.
    Sound(P),
    /// There is none. It may be that somebody is still writing, so it is told only if it stays like this for so long.
    Broken(B, Duration),
}

/// What the caller has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order<P, B> {
    /// Look at the files, then call [`Watcher::found`].
    Look,
    /// Run this plan, then call [`Watcher::ended`].
    Start(P),
    /// Ask the run to stop.
    Cancel,
    /// Tell what is wrong.
    TellBroken(B),
    /// Tell that it is no longer wrong.
    TellRestored,
    /// Tell that nothing is left to do.
    TellWaiting,
    /// End.
    End,
}

/// What is under way.
#[derive(Debug)]
enum Running<P> {
    Nothing,
    Run,
    /// A run that was asked to stop, and what comes after it.
    Stopping(Option<P>),
}

/// Told everything that happens; answers what to do.
#[derive(Debug)]
pub(super) struct Watcher<P, B> {
    debounce: Debounce,
    looking: bool,
    running: Running<P>,
    /// What is wrong, and when that is told unless something changes.
    suspect: Option<(B, Instant)>,
    /// What is wrong was told; when somebody looks at it again.
    told_broken: Option<Instant>,
    ending: bool,
}

impl<P, B> Watcher<P, B> {
    /// Looks at once.
    pub(super) fn new(now: Instant) -> Self {
        let mut watcher = Watcher {
            debounce: Debounce::default(),
            looking: false,
            running: Running::Nothing,
            suspect: None,
            told_broken: None,
            ending: false,
        };
        watcher.noticed(Path::new(""), Sign::Complete, now);
        watcher
    }

    /// A file changed.
    pub(super) fn noticed(&mut self, file: &Path, sign: Sign, now: Instant) {
        self.debounce.noticed(file, sign, now);
    }

    /// When [`Watcher::tick`] wants to be called, at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.looking || self.ending {
            return None;
        }
        self.debounce.due().or(self.suspect.as_ref().map(|(_, until)| *until)).or(self.told_broken)
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Order<P, B>> {
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.looking = true;
        if self.debounce.due().is_some() {
            self.debounce.looked(now);
        }
        vec![Order::Look]
    }

    /// Somebody looked.
    pub(super) fn found(&mut self, finding: Finding<P, B>, now: Instant) -> Vec<Order<P, B>> {
        self.looking = false;
        if self.ending {
            return Vec::new();
        }
        match finding {
            Finding::Sound(plan) => {
                self.sound_again();
                self.start(plan)
            }
            Finding::Restored => {
                if self.sound_again() {
                    vec![Order::TellRestored]
                } else {
                    Vec::new()
                }
            }
            Finding::Broken(broken, patience) => {
                self.suspect = Some((broken, now + patience));
                Vec::new()
            }
            Finding::Unchanged => match self.suspect.take() {
                Some((broken, until)) if until <= now => {
                    self.told_broken = Some(now + RETRY);
                    vec![Order::TellBroken(broken)]
                }
                suspect => {
                    self.suspect = suspect;
                    self.told_broken = self.told_broken.map(|_| now + RETRY);
                    Vec::new()
                }
            },
        }
    }

    /// The run is over, whatever it came to.
    pub(super) fn ended(&mut self) -> Vec<Order<P, B>> {
        match std::mem::replace(&mut self.running, Running::Nothing) {
            _ if self.ending => vec![Order::End],
            Running::Stopping(Some(plan)) => self.start(plan),
            _ => vec![Order::TellWaiting],
        }
    }

    /// Somebody wants it to end.
    pub(super) fn end(&mut self) -> Vec<Order<P, B>> {
        self.ending = true;
        match std::mem::replace(&mut self.running, Running::Nothing) {
            Running::Nothing => vec![Order::End],
            Running::Run | Running::Stopping(_) => {
                self.running = Running::Stopping(None);
                vec![Order::Cancel]
            }
        }
    }

    /// Whether a run is under way.
    pub(super) fn is_running(&self) -> bool {
        !matches!(self.running, Running::Nothing)
    }

    fn start(&mut self, plan: P) -> Vec<Order<P, B>> {
        match std::mem::replace(&mut self.running, Running::Run) {
            Running::Nothing => vec![Order::Start(plan)],
            Running::Run => {
                self.running = Running::Stopping(Some(plan));
                vec![Order::Cancel]
            }
            // It was asked already; the plan that waited is out of date.
            Running::Stopping(_) => {
                self.running = Running::Stopping(Some(plan));
                Vec::new()
            }
        }
    }

    /// Nothing is wrong any more. True if it was told that something is.
    fn sound_again(&mut self) -> bool {
        self.suspect = None;
        self.told_broken.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A watcher, and milliseconds instead of a clock. Plans are numbers.
    struct Bench {
        watcher: Watcher<u32, &'static str>,
        began: Instant,
    }

    const PATIENCE: Duration = Duration::from_millis(40);

    impl Bench {
        fn new() -> Self {
            let began = Instant::now();
            let mut bench = Bench { watcher: Watcher::new(began), began };
            assert_eq!(bench.tick(2), [Order::Look]);
            assert_eq!(bench.found(2, Finding::Sound(1)), [Order::Start(1)]);
            bench
        }

        fn at(&self, milliseconds: u64) -> Instant {
            self.began + Duration::from_millis(milliseconds)
        }

        fn tick(&mut self, at: u64) -> Vec<Order<u32, &'static str>> {
            self.watcher.tick(self.at(at))
        }

        fn found(&mut self, at: u64, finding: Finding<u32, &'static str>) -> Vec<Order<u32, &'static str>> {
            self.watcher.found(finding, self.at(at))
        }

        /// A save, looked at as soon as it is due.
        fn save(&mut self, at: u64, finding: Finding<u32, &'static str>) -> Vec<Order<u32, &'static str>> {
            self.watcher.noticed(Path::new("flow.ron"), Sign::Complete, self.at(at));
            assert_eq!(self.tick(at), []);
            let due = self.watcher.due().expect("somebody has to look");
            assert_eq!(self.watcher.tick(due), [Order::Look]);
            assert_eq!(self.watcher.tick(due), [], "it is under way");
            self.watcher.found(finding, due)
        }
    }

    #[test]
    fn a_good_save_takes_the_place_of_the_run() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Sound(2)), [Order::Cancel]);
        assert_eq!(bench.watcher.ended(), [Order::Start(2)]);
        assert_eq!(bench.watcher.ended(), [Order::TellWaiting]);
        assert_eq!(bench.save(2000, Finding::Sound(3)), [Order::Start(3)], "nothing ran");
    }

    #[test]
    fn plans_do_not_queue_up() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Sound(2)), [Order::Cancel]);
        assert_eq!(bench.save(2000, Finding::Sound(3)), []);
        assert_eq!(bench.save(3000, Finding::Sound(4)), []);
        assert_eq!(bench.watcher.ended(), [Order::Start(4)], "the last one counts");
        assert_eq!(bench.watcher.ended(), [Order::TellWaiting]);
    }

    #[test]
    fn a_save_without_a_change_does_nothing() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Unchanged), []);
        assert_eq!(bench.watcher.due(), None);
        assert!(bench.watcher.is_running());
    }

    #[test]
    fn what_is_wrong_for_a_moment_is_not_told() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Broken("empty", PATIENCE)), []);
        assert_eq!(bench.save(1020, Finding::Sound(2)), [Order::Cancel]);
        assert_eq!(bench.watcher.due(), None, "nothing is left to tell");
    }

    #[test]
    fn what_stays_wrong_is_told_once_and_the_run_goes_on() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Broken("empty", PATIENCE)), []);
        assert_eq!(bench.tick(1041), [], "it lasted 39 ms");
        assert_eq!(bench.tick(1042), [Order::Look]);
        assert_eq!(bench.found(1043, Finding::Unchanged), [Order::TellBroken("empty")]);
        assert_eq!(bench.watcher.due(), Some(bench.at(2043)), "it may be mended where nobody looks");
        assert!(bench.watcher.is_running());
        assert_eq!(bench.save(2000, Finding::Unchanged), [], "once");
        assert_eq!(bench.save(3000, Finding::Restored), [Order::TellRestored]);
        assert_eq!(bench.watcher.ended(), [Order::TellWaiting], "the run that went on");
    }

    #[test]
    fn what_is_wrong_in_another_way_begins_its_own_wait() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Broken("empty", PATIENCE)), []);
        assert_eq!(bench.save(1030, Finding::Broken("half", PATIENCE)), []);
        assert_eq!(bench.tick(1050), []);
        assert_eq!(bench.tick(1080), [Order::Look]);
        assert_eq!(bench.found(1081, Finding::Unchanged), [Order::TellBroken("half")]);
    }

    #[test]
    fn a_moment_that_was_never_told_needs_no_end() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Broken("empty", PATIENCE)), []);
        assert_eq!(bench.save(1020, Finding::Restored), []);
    }

    #[test]
    fn changes_while_looking_are_looked_at_afterwards() {
        let mut bench = Bench::new();
        bench.watcher.noticed(Path::new("flow.ron"), Sign::Complete, bench.at(1000));
        assert_eq!(bench.tick(1002), [Order::Look]);
        bench.watcher.noticed(Path::new("flow.ron"), Sign::Complete, bench.at(1003));
        assert_eq!(bench.watcher.due(), None, "one looks at a time");
        assert_eq!(bench.found(1050, Finding::Sound(2)), [Order::Cancel]);
        assert_eq!(bench.tick(1050), [Order::Look]);
        assert_eq!(bench.found(1051, Finding::Sound(3)), []);
        assert_eq!(bench.watcher.ended(), [Order::Start(3)]);
    }

    #[test]
    fn the_end_waits_for_the_run_to_stop() {
        let mut bench = Bench::new();
        assert_eq!(bench.save(1000, Finding::Sound(2)), [Order::Cancel]);
        assert_eq!(bench.watcher.end(), [Order::Cancel]);
        assert_eq!(bench.watcher.due(), None);
        assert_eq!(bench.found(1010, Finding::Sound(3)), []);
        assert_eq!(bench.watcher.ended(), [Order::End], "what waited does not run");

        let mut bench = Bench::new();
        assert_eq!(bench.watcher.ended(), [Order::TellWaiting]);
        assert_eq!(bench.watcher.end(), [Order::End]);
    }
}
