//! Large copies to the device, through memory that the device reads by itself.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use cudarc::driver::{result, sys};

use super::error::During;
use super::{Context, DeviceSlice};
use crate::Result;

/// One half is filled while the other is on its way: large enough to hide a copy's start, small next to any model.
const HALF: usize = 16 << 20;

/// Memory of the host that stays where it is, for copies to a device. Taken at the first copy and kept.
#[derive(Debug, Default)]
pub(super) struct Staging {
    halves: Mutex<Option<[Half; 2]>>,
}

#[derive(Debug)]
struct Half {
    start: *mut u8,
    /// Recorded after the last copy out of it.
    copied: sys::CUevent,
}

// SAFETY: the memory belongs to this half, and handles of events may be used from every thread.
unsafe impl Send for Half {}

impl Half {
    fn new() -> Result<Self, result::DriverError> {
        // SAFETY: a context is current (the caller's duty). The bytes are written before they are read.
        let start = unsafe { result::malloc_host(HALF, 0) }?.cast::<u8>();
        // New memory is not zero, and a slice of it must be.
        // SAFETY: `start` leads to HALF bytes that nobody else knows.
        unsafe { start.write_bytes(0, HALF) };
        let copied = result::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?;
        Ok(Half { start, copied })
    }

    fn bytes(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= HALF);
        // SAFETY: the memory is HALF bytes long, initialised, never given back, and borrowed as long as `self` is.
        unsafe { std::slice::from_raw_parts_mut(self.start, len) }
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
                // SAFETY: the event is never destroyed. One that was never recorded does not wait.
                unsafe { result::event::synchronize(half.copied) }?;
                let bytes = half.bytes(range.len());
                fill(range.clone(), bytes);
                // SAFETY: `to` is `len` bytes long; the bytes stay as they are until the event says that they were copied.
                unsafe { result::memcpy_htod_async(to.address() + start as u64, bytes, self.stream()) }?;
                // SAFETY: neither is ever destroyed.
                unsafe { result::event::record(half.copied, self.stream()) }
            };
            copy(half).during(self.ordinal(), || format!("copying {} bytes to the device", range.len()))?;
        }
        Ok(to)
    }
}
