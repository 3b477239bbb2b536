//! Copies between host and device, and on the device.

use std::ops::Range;

use cudarc::driver::result;

use super::error::During;
use super::{Context, DeviceSlice};
use crate::Result;

impl Context {
    /// Copies `bytes` to new device memory. They may go when this returns.
    ///
    /// Not straight from where they are: of a copy from memory that is not pinned the driver's documentation ("API
    /// synchronization behavior") says that it *might* be synchronous with respect to the host, and where a device reads
    /// pageable memory by itself it need not be.
    pub(crate) fn upload(&'static self, bytes: &[u8]) -> Result<DeviceSlice> {
        self.upload_in_pieces(bytes.len(), |range, to| to.copy_from_slice(&bytes[range]))
    }
}

impl DeviceSlice {
    /// Waits for what computes the bytes and copies them to `to`, which is as long.
    pub(crate) fn download(&self, to: &mut [u8]) -> Result<()> {
        assert_eq!(to.len(), self.len());
        if to.is_empty() {
            return Ok(());
        }
        let context = self.context();
        context.refuse_in_capture("copying from the device")?;
        context.bind()?;
        // SAFETY: both are equally long, and `to` stays borrowed until the stream has been waited for.
        unsafe { result::memcpy_dtoh_async(to, self.address(), context.stream()) }
            .during(context.ordinal(), || format!("copying {} bytes from the device", self.len()))?;
        context.synchronize()
    }

    /// Copies the bytes `range` of `from` to `start`.
    ///
    /// Only for memory that was just allocated: tensors never change.
    pub(crate) fn write(&self, start: usize, from: &DeviceSlice, range: Range<usize>) -> Result<()> {
        let (to, from) = (self.slice(start, range.len()), from.slice(range.start, range.len()));
        assert!(std::ptr::eq(to.context(), from.context()), "copies stay on one device");
        if to.len() == 0 {
            return Ok(());
        }
        let context = self.context();
        context.bind()?;
        // SAFETY: `slice` has checked both ranges, and both are used in this stream only.
        unsafe { result::memcpy_dtod_async(to.address(), from.address(), to.len(), context.stream()) }
            .during(context.ordinal(), || format!("copying {} bytes on the device", to.len()))
    }
}
