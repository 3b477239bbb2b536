//! What all sampling loops share: one walk along the schedule, which can be broken off and gone on with.

use easel_engine::{Decoder, Fingerprint, FingerprintHasher, Value};
use easel_kernels::{DType, Device, Tensor};

use super::draws::Draws;
use super::preview;
use super::schedule::Schedule;
use crate::error::Result;
use crate::kinds::Image;
use crate::sealed;

/// Whoever runs a sampling loop: hears of its steps, may stop it, and keeps what it would go on from.
///
/// `()` runs a loop to its end and keeps nothing.
pub trait Steps {
    /// What the loop offered last when an earlier attempt at it was broken off. Bytes that are damaged or of another
    /// loop do no harm: the loop starts anew.
    fn saved_state(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// The loop goes on from `saved_state`: `step` of `steps` were done before.
    fn going_on(&mut self, step: usize, steps: usize) {
        let _ = (step, steps);
    }

    /// Whether a preview would be looked at now. Asked once a step.
    fn wants_preview(&mut self) -> bool {
        false
    }

    /// What the model expects the pictures to become, small. Follows a [`Steps::wants_preview`] that said yes, unless
    /// the loop draws no pictures.
    fn preview(&mut self, picture: Image) {
        let _ = picture;
    }

    /// `step` of `steps` are done; `state` gives what a later attempt can go on from.
    ///
    /// # Errors
    /// Ends the loop, with this error. Between two calls of this, a loop notices no cancellation.
    fn done(&mut self, step: usize, steps: usize, state: &dyn Fn() -> Vec<u8>) -> Result<()>;
}

impl Steps for () {
    fn done(&mut self, _: usize, _: usize, _: &dyn Fn() -> Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// What a sampling loop goes along.
pub(super) struct Loop<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) draws: &'a Draws,
    /// Where the sample is.
    pub(super) device: Device,
    /// How far guidance goes; `None` if the model's output has one branch only.
    pub(super) guidance_scale: Option<f32>,
}

/// Walks along the schedule, from noise or from where an earlier attempt was broken off, and gives the last sample, which is
/// float32 on the loop's device. `predict` gives the model's output for step i and its sample: of both branches, if the loop
/// is guided, the unconditional one first.
///
/// A step depends on the sample, on its own number and on nothing else, draws included: a walk that was broken off and
/// gone on with gives the same bits as one that was not.
pub(super) fn walk<S: Steps + ?Sized>(
    along: &Loop<'_>,
    steps: &mut S,
    mut predict: impl FnMut(usize, &Tensor, &mut S) -> Result<Tensor>,
) -> Result<Tensor> {
    let &Loop { schedule, draws, device, guidance_scale } = along;
    let count = schedule.timesteps().len();
    let states = States::of(schedule, draws);
    let (done, mut sample) = match steps.saved_state().and_then(|bytes| states.open(&bytes)) {
        Some((done, sample)) => {
            steps.going_on(done, count);
            (done, sample.to_device(device)?)
        }
        None => (0, draws.draw(0, device)?),
    };
    for i in done..count {
        let output = predict(i, &sample, steps)?;
        let coefficients = schedule.coefficients(i);
        if sample.shape().rank() == 4 && steps.wants_preview() {
            // Nothing that is only looked at may end the loop.
            if let Ok(picture) = preview::expected(schedule, &coefficients, &sample, &output, guidance_scale) {
                steps.preview(picture);
            }
        }
        let noise = coefficients.std.is_some().then(|| draws.draw(i + 1, device)).transpose()?;
        sample = schedule.guided_step(&coefficients, &sample, &output, guidance_scale, noise.as_ref())?;
        // Bytes that are no state make a later attempt start anew, and what keeps the device from giving its numbers will
        // end the next step.
        steps.done(i + 1, count, &|| states.seal(i + 1, &sample).unwrap_or_default())?;
    }
    Ok(sample)
}

/// The states of one loop as bytes: how many steps are done, then the sample's numbers.
struct States {
    /// Stage, seed or recorded noise, shape and schedule. The caller sees to it that models and texts are the same.
    loop_identity: Fingerprint,
    shape: Vec<usize>,
    steps: usize,
}

impl States {
    fn of(schedule: &Schedule, draws: &Draws) -> Self {
        let mut hasher = FingerprintHasher::new("easel sampling loop");
        draws.hash_into(&mut hasher);
        // A schedule with a NaN equals no other; its loop ends in an error anyway.
        if let Some(fingerprint) = Value::new(schedule.clone()).fingerprint() {
            hasher.fingerprint(&fingerprint);
        }
        States { loop_identity: hasher.finish(), shape: draws.shape(), steps: schedule.timesteps().len() }
    }

    fn seal(&self, done: usize, sample: &Tensor) -> Result<Vec<u8>> {
        let sample = sample.to_host()?;
        let numbers = sample.bytes()?;
        Ok(sealed::seal(&self.loop_identity, |bytes| {
            bytes.extend((done as u64).to_le_bytes());
            bytes.extend_from_slice(numbers);
        }))
    }

    /// The steps done and the sample; none if the bytes are no state of this loop.
    fn open(&self, bytes: &[u8]) -> Option<(usize, Tensor)> {
        let mut decoder = Decoder::new(sealed::open(bytes, &self.loop_identity)?);
        let done = decoder.size().ok().filter(|done| (1..self.steps).contains(done))?;
        let numbers = decoder.raw(decoder.remaining()).ok()?;
        // The shape is this loop's own, so that what is allocated here was going to be allocated anyway.
        let sample = Tensor::from_bytes(numbers.to_vec().into(), DType::F32, self.shape.clone()).ok()?;
        Some((done, sample))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::NodeError;

    use super::*;
    use crate::config::{PredictionType, SchedulerConfig, VarianceType};
    use crate::error::Error;
    use crate::sampling::Stage;

    const STEPS: usize = 6;

    fn schedule(steps: usize) -> Schedule {
        let config = SchedulerConfig {
            num_train_timesteps: 1000,
            variance_type: VarianceType::FixedSmallLog,
            prediction_type: PredictionType::Epsilon,
            clip_sample: true,
            clip_sample_range: 1.0,
        };
        Schedule::new(config, steps).unwrap()
    }

    fn draws(seed: u64) -> Draws {
        Draws::from_seed(seed, Stage::Decoder, 2, &[4, 4, 3])
    }

    /// Keeps every state, stops where it is told to, and looks at every preview.
    #[derive(Default)]
    struct Attempt {
        state: Option<Vec<u8>>,
        stop_after: Option<usize>,
        went_on_from: Option<usize>,
        predicted: Vec<usize>,
        previews: Vec<Image>,
        no_previews: bool,
    }

    impl Steps for Attempt {
        fn saved_state(&mut self) -> Option<Vec<u8>> {
            self.state.take()
        }

        fn going_on(&mut self, step: usize, steps: usize) {
            assert_eq!(steps, STEPS);
            self.went_on_from = Some(step);
        }

        fn wants_preview(&mut self) -> bool {
            !self.no_previews
        }

        fn preview(&mut self, picture: Image) {
            self.previews.push(picture);
        }

        fn done(&mut self, step: usize, _: usize, state: &dyn Fn() -> Vec<u8>) -> Result<()> {
            self.state = Some(state());
            if self.stop_after == Some(step) { Err(NodeError::Cancelled.into()) } else { Ok(()) }
        }
    }

    impl Attempt {
        fn from(state: Vec<u8>) -> Self {
            Attempt { state: Some(state), ..Self::default() }
        }

        fn run(&mut self, draws: &Draws) -> Result<Tensor> {
            let schedule = schedule(STEPS);
            let along = Loop { schedule: &schedule, draws, device: Device::Cpu, guidance_scale: None };
            walk(&along, self, |i, sample, attempt| {
                attempt.predicted.push(i);
                let values = sample.as_f32()?.iter().map(|x| (x * 0.7 + i as f32 * 0.01).sin());
                Ok(Tensor::from_f32(values.collect(), sample.shape().clone())?)
            })
        }
    }

    fn state_after(step: usize, draws: &Draws) -> Vec<u8> {
        let mut attempt = Attempt { stop_after: Some(step), ..Attempt::default() };
        assert!(matches!(attempt.run(draws), Err(Error::Node(NodeError::Cancelled))));
        attempt.state.unwrap()
    }

    #[test]
    fn a_walk_that_went_on_gives_the_same_bits() {
        let whole = Attempt::default().run(&draws(7)).unwrap();
        for step in 1..STEPS {
            let mut second = Attempt::from(state_after(step, &draws(7)));
            assert_eq!(
                second.run(&draws(7)).unwrap().bytes().unwrap(),
                whole.bytes().unwrap(),
                "broken off after step {step}"
            );
            assert_eq!(second.went_on_from, Some(step));
            assert_eq!(second.predicted, Vec::from_iter(step..STEPS), "nothing is computed twice");
        }
    }

    #[test]
    fn a_walk_that_is_broken_off_again_and_again_gives_the_same_bits() {
        let whole = Attempt::default().run(&draws(7)).unwrap();
        let mut state = None;
        for step in 1..STEPS {
            let mut attempt = Attempt { state, stop_after: Some(step), ..Attempt::default() };
            assert!(attempt.run(&draws(7)).is_err());
            state = attempt.state;
        }
        assert_eq!(Attempt::from(state.unwrap()).run(&draws(7)).unwrap().bytes().unwrap(), whole.bytes().unwrap());
    }

    #[test]
    fn a_state_that_does_not_fit_is_ignored() {
        let whole = Attempt::default().run(&draws(7)).unwrap();
        let good = state_after(3, &draws(7));
        let mut flipped = good.clone();
        flipped[60] ^= 1;
        let states = States::of(&schedule(STEPS), &draws(7));
        let sample = Tensor::zeros([2, 4, 4, 3]).unwrap();
        let other_stage = Draws::from_seed(7, Stage::SuperRes, 2, &[4, 4, 3]);
        let other_shape = Draws::from_seed(7, Stage::Decoder, 1, &[4, 8, 3]);
        let bad = [
            ("none of its bytes", Vec::new()),
            ("garbage", vec![0xA5; 4096]),
            ("cut", good[..good.len() - 1].to_vec()),
            ("longer", [good.as_slice(), &[0]].concat()),
            ("a flipped bit", flipped),
            ("another seed", state_after(3, &draws(8))),
            ("another stage", state_after(3, &other_stage)),
            ("another shape", state_after(3, &other_shape)),
            ("another schedule", States::of(&schedule(STEPS + 1), &draws(7)).seal(3, &sample).unwrap()),
            ("no step", states.seal(0, &sample).unwrap()),
            ("the last step", states.seal(STEPS, &sample).unwrap()),
            ("more steps than there are", states.seal(usize::MAX, &sample).unwrap()),
            ("too few numbers", states.seal(3, &Tensor::zeros([2, 4, 4, 2]).unwrap()).unwrap()),
        ];
        for (what, state) in bad {
            let mut attempt = Attempt::from(state);
            assert_eq!(attempt.run(&draws(7)).unwrap().bytes().unwrap(), whole.bytes().unwrap(), "{what}");
            assert_eq!(attempt.went_on_from, None, "{what}");
        }
    }

    #[test]
    fn recorded_noise_is_told_from_other_noise() {
        let recorded = |value: f32| {
            let noise = Tensor::from_f32(vec![value; STEPS * 2 * 48], [STEPS, 2, 3, 4, 4]).unwrap();
            Draws::recorded(noise, Stage::Decoder, STEPS, 2, &[4, 4, 3]).unwrap()
        };
        let whole = Attempt::default().run(&recorded(0.5)).unwrap();
        let mut same = Attempt::from(state_after(4, &recorded(0.5)));
        assert_eq!(same.run(&recorded(0.5)).unwrap().bytes().unwrap(), whole.bytes().unwrap());
        assert_eq!(same.went_on_from, Some(4));
        let mut other = Attempt::from(state_after(4, &recorded(0.25)));
        assert_eq!(other.run(&recorded(0.5)).unwrap().bytes().unwrap(), whole.bytes().unwrap());
        assert_eq!(other.went_on_from, None);
    }

    #[test]
    fn previews_change_nothing_and_end_in_the_picture() {
        let mut watched = Attempt::default();
        let picture = watched.run(&draws(7)).unwrap();
        let mut alone = Attempt { no_previews: true, ..Attempt::default() };
        assert_eq!(alone.run(&draws(7)).unwrap().bytes().unwrap(), picture.bytes().unwrap());
        assert!(alone.previews.is_empty());
        assert_eq!(watched.previews.len(), STEPS);
        // At timestep 0 what the model expects is the result, times β/(1 − ᾱ): 1, but for the rounding of 1 − ᾱ, where
        // ᾱ is so near to 1 that float32 (as the reference computes it) leaves three digits of the difference.
        let last = watched.previews.last().unwrap().0.to_vec_f32().unwrap();
        for (shown, drawn) in last.iter().zip(picture.as_f32().unwrap()) {
            assert!((shown - drawn.clamp(-1.0, 1.0)).abs() < 2e-3, "{shown} is not {drawn}");
        }
    }
}
