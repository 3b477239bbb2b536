//! Memory that holds a tensor's numbers.

mod host;
mod spare;

use bytes::Bytes;

pub(crate) use host::Buffer;
pub use spare::{SPARE_MEMORY, release_spare_memory};

use crate::cuda::DeviceSlice;
use crate::{Device, KernelError, Result, Shape};

/// Where a tensor's numbers are. Cloning shares them.
#[derive(Clone)]
pub(crate) enum Storage {
    /// In the host's memory.
    Host(Bytes),
    /// In the memory of a CUDA device.
    Cuda(DeviceSlice),
}

impl Storage {
    pub(crate) fn device(&self) -> Device {
        match self {
            Storage::Host(_) => Device::Cpu,
            Storage::Cuda(slice) => Device::Cuda(slice.context().ordinal()),
        }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Storage::Host(bytes) => bytes.len(),
            Storage::Cuda(slice) => slice.len(),
        }
    }

    /// `len` bytes from `start`, shared.
    pub(crate) fn slice(&self, start: usize, len: usize) -> Self {
        match self {
            Storage::Host(bytes) => Storage::Host(bytes.slice(start..start + len)),
            Storage::Cuda(slice) => Storage::Cuda(slice.slice(start, len)),
        }
    }
}

/// The size of `shape` in bytes, unless it does not fit the address space.
pub(crate) fn checked_bytes(shape: &Shape, element_size: usize) -> Result<usize> {
    shape
        .checked_len()
        .and_then(|len| len.checked_mul(element_size))
        .ok_or_else(|| KernelError::shape("tensor", format!("{shape} has more elements than memory has addresses")))
}
