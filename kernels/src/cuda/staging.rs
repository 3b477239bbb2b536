//! Copies to the device, through memory that the device reads by itself.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use cudarc::driver::{result, sys};

use super::error::During;
use super::{Context, DeviceSlice};
use crate::Result;

/// One half is filled while the other is on its way: large enough to hide a copy's start, small next to any model.
const HALF: usize = 16 << 20;

/// A half is no smaller: what most copies but those of weights need.
const LEAST: usize = 64 << 10;

/// Bytes of the host's memory that copies to a device take at the most.
pub const STAGING_BYTES: usize = 2 * HALF;

/// Memory of the host that stays where it is, for copies to a device: as much as the largest copy so far could use.
#[derive(Debug, Default)]
pub(super) struct Staging {
    halves: Mutex<Option<[Half; 2]>>,
}

#[derive(Debug)]
struct Half {
    start: *mut u8,
    /// Bytes from there on.
    size: usize,
    /// Recorded after the last copy out of it.
    copied: sys::CUevent,
}

// SAFETY: the memory belongs to this half, and handles of events may be used from every thread.
unsafe impl Send for Half {}

impl Half {
    /// No memory yet.
    fn new() -> Result<Self, result::DriverError> {
        let copied = result::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?;
        Ok(Half { start: std::ptr::null_mut(), size: 0, copied })
    }

    /// `len` bytes that no copy reads any more, of whatever values.
    fn bytes(&mut self, len: usize) -> Result<&mut [u8], result::DriverError> {
        // SAFETY: the event is never destroyed. One that was never recorded does not wait.
        unsafe { result::event::synchronize(self.copied) }?;
        if self.size < len {
            self.grow(len.next_power_of_two().max(LEAST))?;
        }
        if len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: the memory is at least `len` bytes long, initialised, and borrowed as long as `self` is.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.start, len) })
    }

    /// Takes other memory. What was there must have been copied.
    fn grow(&mut self, size: usize) -> Result<(), result::DriverError> {
        // SAFETY: a context is current (the caller's duty). The bytes are written before they are read.
        let start = unsafe { result::malloc_host(size, 0) }?.cast::<u8>();
        // New memory holds no values, and a slice of it must.
        // SAFETY: `start` leads to `size` bytes that nobody else knows.
        unsafe { start.write_bytes(0, size) };
        let before = std::mem::replace(&mut self.start, start);
        if std::mem::replace(&mut self.size, size) > 0 {
            // SAFETY: it came from the driver, nothing refers to it any more, and no copy out of it is under way.
            unsafe { result::free_host(before.cast()) }?;
        }
        Ok(())
    }
}

impl Context {
    /// New device memory of `len` bytes: `fill` writes a range of them at a time, in order; a range starts at a multiple of
    /// 4 bytes.
    pub(crate) fn upload_in_pieces(
        &'static self,
        len: usize,
        mut fill: impl FnMut(Range<usize>, &mut [u8]),
    ) -> Result<DeviceSlice> {
        self.refuse_in_capture("copying to the device")?;
        let to = self.allocate(len)?;
        if len == 0 {
            return Ok(to);
        }
        self.bind()?;
        let mut halves = self.staging().halves.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Ok([Half::new()?, Half::new()?]);
        let halves = match &mut *halves {
            Some(halves) => halves,
            none => none.insert(new().during(self.ordinal(), || "taking memory to copy from".to_owned())?),
        };
        for (i, start) in (0..len).step_by(HALF).enumerate() {
            let half = &mut halves[i % 2];
            let range = start..len.min(start + HALF);
            let mut copy = |half: &mut Half| {
                let copied = half.copied;
                let bytes = half.bytes(range.len())?;
                fill(range.clone(), bytes);
                // SAFETY: `to` is `len` bytes long; the bytes stay as they are until the event says that they were copied.
                unsafe { result::memcpy_htod_async(to.address() + start as u64, bytes, self.stream()) }?;
                // SAFETY: neither is ever destroyed.
                unsafe { result::event::record(copied, self.stream()) }
            };
            copy(half).during(self.ordinal(), || format!("copying {} bytes to the device", range.len()))?;
        }
        Ok(to)
    }
}
