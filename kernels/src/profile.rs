//! How long kernels take.
//!
//! Off, it costs a look at one flag for a launch. While a profile is taken, step graphs are not replayed: every kernel is
//! launched, and timed, by itself.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::cpu::gemm::Panels;
use crate::cuda::Stopwatch;
use crate::{DType, Device, Precision, Result, Shape, Tensor};

/// One kernel, or on the CPU one op, carried out once.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// What it was done for: what [`scope`] said; empty if nothing did.
    pub scope: Arc<str>,
    /// The kernel's or the op's name.
    pub name: &'static str,
    /// Where it ran.
    pub device: Device,
    /// When it began, in seconds from the beginning of the profile.
    pub start: f64,
    /// How long it took.
    pub seconds: f64,
    /// Bytes of the tensors that it was given, inputs and outputs; 0 if that is not known.
    pub bytes: usize,
    /// Floating-point operations of products, two for each multiply-add; 0 if there are none, or on a GPU.
    pub operations: u64,
    /// What the numbers are rounded to that are multiplied.
    pub precision: Precision,
}

/// What an op on the CPU does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    /// As [`Timing::bytes`].
    pub(crate) bytes: usize,
    /// As [`Timing::operations`].
    pub(crate) operations: u64,
    /// As [`Timing::precision`].
    pub(crate) precision: Precision,
}

impl Work {
    /// Reads tensors and writes one of float32.
    pub(crate) fn of<'a>(inputs: impl IntoIterator<Item = &'a Tensor>, out: &Shape) -> Self {
        let read: usize = inputs.into_iter().map(Tensor::byte_len).sum();
        Work { bytes: read + out.len() * DType::F32.size(), ..Work::default() }
    }

    /// And multiplies `rows` rows with packed weights.
    pub(crate) fn times(self, rows: usize, weights: &Panels) -> Self {
        let [rows, depth, columns] = [rows, weights.depth(), weights.columns()].map(|size| size as u64);
        Work {
            bytes: self.bytes + weights.byte_len(),
            operations: self.operations + 2 * rows * depth * columns,
            precision: weights.elements().precision(),
        }
    }
}

static ON: AtomicBool = AtomicBool::new(false);

static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    began: Instant,
    timings: Vec<Timing>,
    /// Of one device: a profile is of one.
    stopwatch: Option<Stopwatch>,
}

thread_local! {
    static SCOPE: RefCell<Arc<str>> = RefCell::new(Arc::from(""));
}

/// A profile that is being taken, of all threads of the process; there is one at a time.
#[derive(Debug)]
pub struct Profile(());

impl Profile {
    /// Begins to take the time; `None` if somebody does already.
    pub fn start() -> Option<Self> {
        let mut running = running();
        if running.is_some() {
            return None;
        }
        *running = Some(Running { began: Instant::now(), timings: Vec::new(), stopwatch: None });
        ON.store(true, Ordering::Release);
        Some(Profile(()))
    }

    /// Waits for the device and gives what was timed, in the order in which it was begun.
    ///
    /// # Errors
    /// What went wrong on the device.
    pub fn finish(self) -> Result<Vec<Timing>> {
        ON.store(false, Ordering::Release);
        let Some(Running { mut timings, stopwatch, .. }) = running().take() else { return Ok(Vec::new()) };
        if let Some(mut stopwatch) = stopwatch {
            stopwatch.read(&mut timings)?;
        }
        timings.sort_by(|a, b| a.start.total_cmp(&b.start));
        Ok(timings)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        ON.store(false, Ordering::Release);
        running().take();
    }
}

/// Says what this thread works for, until the result is dropped.
pub fn scope(name: &str) -> Scope {
    Scope { before: SCOPE.replace(Arc::from(name)) }
}

/// What [`scope`] gives.
#[must_use = "the scope ends when this is dropped"]
#[derive(Debug)]
pub struct Scope {
    before: Arc<str>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        SCOPE.set(Arc::clone(&self.before));
    }
}

/// Whether a profile is being taken.
#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Acquire)
}

/// The time of an op on the host, until it is dropped; nothing without a profile.
#[inline]
pub(crate) fn on_host(name: &'static str, work: impl FnOnce() -> Work) -> Option<HostTimer> {
    is_on().then(|| HostTimer { name, work: work(), start: Instant::now() })
}

/// What [`on_host`] gives.
pub(crate) struct HostTimer {
    name: &'static str,
    work: Work,
    start: Instant,
}

impl Drop for HostTimer {
    fn drop(&mut self) {
        let seconds = self.start.elapsed().as_secs_f64();
        let scope = current_scope();
        if let Some(running) = running().as_mut() {
            let start = self.start.saturating_duration_since(running.began).as_secs_f64();
            let (name, device) = (self.name, Device::Cpu);
            let Work { bytes, operations, precision } = self.work;
            running.timings.push(Timing { scope, name, device, start, seconds, bytes, operations, precision });
        }
    }
}

/// Does `launch` between two marks of the stopwatch of its device.
pub(crate) fn timed(
    context: &'static crate::cuda::Context,
    name: &'static str,
    bytes: usize,
    launch: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let mut running = running();
    let Some(Running { began, timings, stopwatch }) = running.as_mut() else { return launch() };
    let stopwatch = match stopwatch {
        Some(stopwatch) => stopwatch,
        none => none.insert(Stopwatch::start(context, *began)?),
    };
    stopwatch.time(context, (current_scope(), name, bytes), timings, launch)
}

fn current_scope() -> Arc<str> {
    SCOPE.with_borrow(Arc::clone)
}

fn running() -> MutexGuard<'static, Option<Running>> {
    // A panic elsewhere can at worst have lost a timing.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::StepGraph;
    use crate::harness::for_each_device;
    use crate::ops::add;
    use crate::reference::Random;

    #[test]
    fn kernels_and_ops_are_timed_with_what_they_are_done_for() {
        for_each_device(|place| {
            let x = place.put(&Random::new(1).tensor(&[40]), DType::F32);
            let step = |inputs: &[crate::Tensor]| add(&inputs[0], &inputs[0]);
            let mut graph = StepGraph::new(place.device, step);
            let profile = Profile::start().unwrap();
            assert!(Profile::start().is_none(), "there is one at a time");
            for _ in 0..3 {
                let _scope = scope("loop");
                graph.run(&[&x]).unwrap();
            }
            add(&x, &x).unwrap();
            let timings = profile.finish().unwrap();
            let name = if place.device == Device::Cpu { "add" } else { "add_f32" };
            // Other tests may run on the CPU meanwhile.
            let mut own = timings.iter().filter(|timing| timing.device == place.device && timing.name == name);
            let looped: Vec<_> = own.by_ref().filter(|timing| &*timing.scope == "loop").collect();
            assert_eq!(looped.len(), 3, "a graph is not replayed while a profile is taken");
            assert!(looped.iter().all(|timing| timing.bytes == 480 && timing.seconds >= 0.0 && timing.start >= 0.0));
            assert!(!graph.is_recorded());
        });
    }
}
