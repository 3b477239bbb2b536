//! A sampling loop as part of a run.

use std::time::{Duration, Instant};

use easel_engine::{Context, Value};

use crate::error::Result;
use crate::kinds::Image;
use crate::sampling::Steps;

/// Passes a loop's steps, states and previews on to the run.
///
/// A cancelled run is noticed after every step, here, and where a part of the model is loaded; a step of a full-size
/// network takes seconds, and nothing inside it looks.
pub(super) struct Reported<'r, 'c> {
    context: &'r mut Context<'c>,
    previews: Pace,
}

impl<'r, 'c> Reported<'r, 'c> {
    pub(super) fn new(context: &'r mut Context<'c>) -> Self {
        Reported { context, previews: Pace::new(Instant::now()) }
    }

    /// The run, for loading another part between two steps.
    pub(super) fn context(&mut self) -> &mut Context<'c> {
        self.context
    }
}

impl Steps for Reported<'_, '_> {
    fn saved_state(&mut self) -> Option<Vec<u8>> {
        self.context.saved_state()
    }

    fn going_on(&mut self, step: usize, steps: usize) {
        // That the run was cancelled is noticed after the next step.
        let _ = self.context.progress(step, steps);
    }

    fn wants_preview(&mut self) -> bool {
        self.previews.begin(Instant::now())
    }

    fn preview(&mut self, picture: Image) {
        self.context.preview(Value::new(picture));
        self.previews.end(Instant::now());
    }

    fn done(&mut self, step: usize, steps: usize, state: &dyn Fn() -> Vec<u8>) -> Result<()> {
        Ok(self.context.step(step, steps, state)?)
    }
}

/// When the next preview is due: a few times per second at most, and never more than a hundredth of the time.
struct Pace {
    last: Instant,
    cost: Duration,
}

impl Pace {
    const PAUSE: Duration = Duration::from_millis(250);
    const SHARE: u32 = 100;

    /// The first preview comes after a pause too: what is done before that needs none.
    fn new(now: Instant) -> Self {
        Pace { last: now, cost: Duration::ZERO }
    }

    /// Whether a preview is due; it is taken to begin then.
    fn begin(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.last) >= Self::PAUSE.max(self.cost.saturating_mul(Self::SHARE));
        if due {
            self.last = now;
        }
        due
    }

    fn end(&mut self, now: Instant) {
        self.cost = now.duration_since(self.last);
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_keep_their_pace_and_cost_a_hundredth_at_most() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(start);
        assert!(!pace.begin(at(249)));
        assert!(pace.begin(at(250)));
        pace.end(at(251));
        assert!(!pace.begin(at(500)));
        assert!(pace.begin(at(501)));
        // This one took 10 ms, so the next one waits for a second.
        pace.end(at(511));
        assert!(!pace.begin(at(1510)));
        assert!(pace.begin(at(1511)));
    }
}
