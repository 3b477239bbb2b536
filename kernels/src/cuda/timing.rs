//! How long work takes on a device, by the device's own clock.

use std::time::Instant;

use cudarc::driver::result::{DriverError, event};
use cudarc::driver::sys::{CUevent, CUevent_flags};

use super::Context;
use super::error::During;
use crate::{Device, Result};

/// Milliseconds from the moment when `device` has done everything before, to the moment when it has done what `work` gives
/// it. Waits for that. On the CPU, which works at once, by the host's clock.
///
/// # Errors
/// Those of `work`, or of the device.
pub fn milliseconds(device: Device, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let Device::Cuda(ordinal) = device else {
        let start = Instant::now();
        work()?;
        return Ok(start.elapsed().as_secs_f64() * 1e3);
    };
    let context = Context::get(ordinal)?;
    context.bind()?;
    let timing = |error: std::result::Result<Event, DriverError>| error.during(ordinal, || "timing".to_owned());
    let start = timing(Event::record(context))?;
    work()?;
    let end = timing(Event::record(context))?;
    // SAFETY: both events live, and have been recorded.
    let milliseconds = unsafe { event::synchronize(end.0).and_then(|()| event::elapsed(start.0, end.0)) };
    milliseconds.map(f64::from).during(ordinal, || "timing".to_owned())
}

/// A moment of a device's stream.
struct Event(CUevent);

impl Event {
    /// The moment when everything is done that has been given to the device. The context must be current.
    fn record(context: &Context) -> std::result::Result<Self, DriverError> {
        let event = Event(event::create(CUevent_flags::CU_EVENT_DEFAULT)?);
        // SAFETY: the event was just created, and the stream lives as long as the process.
        unsafe { event::record(event.0, context.stream()) }?;
        Ok(event)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event was created and is used no more. There is nobody to tell of a failure.
        let _ = unsafe { event::destroy(self.0) };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::for_each_device;
    use crate::ops::add;
    use crate::{KernelError, Tensor};

    #[test]
    fn work_takes_time_everywhere_and_its_errors_come_through() {
        for_each_device(|place| {
            let x = Tensor::zeros([1000]).unwrap().to_device(place.device).unwrap();
            let taken = milliseconds(place.device, || add(&x, &x).map(drop)).unwrap();
            assert!(taken >= 0.0 && taken.is_finite(), "{taken}");
            let error = milliseconds(place.device, || Err(KernelError::Device("broken".into())));
            assert_eq!(error, Err(KernelError::Device("broken".into())));
        });
    }
}
