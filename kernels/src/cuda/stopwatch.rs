//! Times of kernels, by marks that the device sets between them.

use std::sync::Arc;
use std::time::Instant;

use cudarc::driver::{result, sys};

use super::Context;
use super::error::During;
use crate::profile::Timing;
use crate::{Device, Precision, Result};

/// Marks that wait to be read; more are read in between.
const MOST_MARKS: usize = 4096;

/// Marks between kernels of one device.
pub(crate) struct Stopwatch {
    context: &'static Context,
    /// The mark at the beginning, and when that was.
    zero: (Mark, f64),
    waiting: Vec<(Arc<str>, &'static str, usize, Mark, Mark)>,
}

/// An event of the driver's.
struct Mark(sys::CUevent);

// SAFETY: handles of events may be used from every thread.
unsafe impl Send for Mark {}

impl Mark {
    fn set(context: &Context) -> Result<Self> {
        let mark = || {
            let event = result::event::create(sys::CUevent_flags::CU_EVENT_DEFAULT)?;
            // SAFETY: the event was just made; the stream is never destroyed while it is a lane's.
            unsafe { result::event::record(event, context.stream()) }.map(|()| Mark(event))
        };
        context.bind()?;
        mark().during(context.ordinal(), || "marking a time".to_owned())
    }

    /// Seconds from `earlier`, once both were reached.
    fn since(&self, earlier: &Mark) -> Result<f64, result::DriverError> {
        // SAFETY: both are of one context and are destroyed when they are dropped.
        unsafe { result::event::elapsed(earlier.0, self.0) }.map(|milliseconds| f64::from(milliseconds) * 1e-3)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // SAFETY: nobody else has the event; the driver waits with it for what is under way.
        let _ = unsafe { result::event::destroy(self.0) };
    }
}

impl Stopwatch {
    pub(crate) fn start(context: &'static Context, began: Instant) -> Result<Self> {
        // What was given to the device before is not this profile's.
        context.synchronize()?;
        let zero = (Mark::set(context)?, began.elapsed().as_secs_f64());
        Ok(Stopwatch { context, zero, waiting: Vec::new() })
    }

    /// Times `launch` if it is on this stopwatch's device; `about`: scope, name, bytes.
    pub(crate) fn time(
        &mut self,
        context: &'static Context,
        about: (Arc<str>, &'static str, usize),
        timings: &mut Vec<Timing>,
        launch: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        if !std::ptr::eq(context, self.context) {
            return launch();
        }
        let before = Mark::set(context)?;
        launch()?;
        self.waiting.push((about.0, about.1, about.2, before, Mark::set(context)?));
        if self.waiting.len() >= MOST_MARKS { self.read(timings) } else { Ok(()) }
    }

    /// Waits for the device and adds what was timed.
    pub(crate) fn read(&mut self, timings: &mut Vec<Timing>) -> Result<()> {
        self.context.synchronize()?;
        let (zero, device) = (&self.zero, Device::Cuda(self.context.ordinal()));
        for (scope, name, bytes, before, after) in self.waiting.drain(..) {
            let times = before.since(&zero.0).and_then(|start| Ok((start, after.since(&before)?)));
            let (start, seconds) = times.during(self.context.ordinal(), || format!("reading the time of `{name}`"))?;
            let (start, operations, precision) = (zero.1 + start, 0, Precision::default());
            timings.push(Timing { scope, name, device, start, seconds, bytes, operations, precision });
        }
        Ok(())
    }
}
