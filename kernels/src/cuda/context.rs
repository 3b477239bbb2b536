//! One context per device, for the whole process.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use cudarc::driver::result::{self, stream::StreamKind};
use cudarc::driver::sys::{self, CUdevice_attribute as Attribute};

use super::error::During;
use super::memory::{Memory, PoolId};
use super::modules::Modules;
use super::staging::Staging;
use super::status::cuda_status;
use crate::{Device, KernelError, Result};

/// Everything that is needed to run kernels on one device.
pub(crate) struct Context {
    ordinal: usize,
    handle: sys::CUcontext,
    /// All work goes here, in the order in which it is given (see [`super::memory`]), except while a graph is captured.
    stream: sys::CUstream,
    properties: Properties,
    memory: Memory,
    modules: Modules,
    staging: Staging,
}

// SAFETY: the driver's handles may be used from every thread that has made the context current, which `bind` does.
unsafe impl Send for Context {}
// SAFETY: as above; the driver synchronises calls that share a context or a stream.
unsafe impl Sync for Context {}

/// What decides which kernels run and how they are launched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Properties {
    /// Major and minor.
    pub(crate) compute_capability: (u32, u32),
    /// How many blocks run side by side is a multiple of this. How sums are cut into parts depends on it, so it is in
    /// [`CudaDevice::identity`](crate::CudaDevice::identity).
    pub(crate) multiprocessors: u32,
    /// Dynamic and static shared memory that a block may ask for.
    pub(crate) shared_bytes_per_block: usize,
}

impl Properties {
    /// Whether kernels for `sm_90a` (tensor maps, warpgroup products) run here: that code runs on 9.0 only.
    pub(crate) fn is_hopper(&self) -> bool {
        self.compute_capability == (9, 0)
    }
}

/// Those that are open, by ordinal.
static CONTEXTS: Mutex<BTreeMap<usize, &'static Context>> = Mutex::new(BTreeMap::new());

/// Where work goes: a stream, and the memory that is used in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) stream: sys::CUstream,
    pub(super) pool: PoolId,
    /// Whether what is given to the stream is recorded, not carried out.
    pub(super) capturing: bool,
}

thread_local! {
    /// The lane of a device that this thread's work goes to, if not to its own.
    static LANE: Cell<Option<(usize, Lane)>> = const { Cell::new(None) };

    /// The context that is current on this thread, as far as this crate knows.
    static CURRENT: Cell<Option<usize>> = const { Cell::new(None) };
}

impl Context {
    /// The context of a device, opened at the first call. It stays open as long as the process: tensors and graphs refer
    /// to it.
    pub(crate) fn get(ordinal: usize) -> Result<&'static Context> {
        let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = contexts.get(&ordinal) {
            return Ok(context);
        }
        let context: &'static Context = Box::leak(Box::new(Self::open(ordinal)?));
        contexts.insert(ordinal, context);
        Ok(context)
    }

    /// Opens a device anew, which has become another one. What is on the old one stays usable.
    #[cfg(test)]
    pub(crate) fn reopen(ordinal: usize) -> Result<&'static Context> {
        CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&ordinal);
        Self::get(ordinal)
    }

    fn open(ordinal: usize) -> Result<Self> {
        // Without a driver the first call of it would panic.
        if let Some(why) = cuda_status().refusal(ordinal) {
            return Err(KernelError::Device(format!("{} cannot be used because {why}", Device::Cuda(ordinal))));
        }
        let opened = || {
            let device = result::device::get(i32::try_from(ordinal).unwrap_or(i32::MAX))?;
            // SAFETY: the handle was just given by the driver. The primary context is never released.
            let handle = unsafe { result::primary_ctx::retain(device) }?;
            // SAFETY: the context was just retained.
            unsafe { result::ctx::set_current(handle) }?;
            CURRENT.set(Some(ordinal));
            let stream = result::stream::create(StreamKind::NonBlocking)?;
            Ok((handle, stream, Properties::of(device)?))
        };
        let (handle, stream, properties) = opened().during(ordinal, || "opening the device".to_owned())?;
        Ok(Context {
            ordinal,
            handle,
            stream,
            properties,
            memory: Memory::default(),
            modules: Modules::default(),
            staging: Staging::default(),
        })
    }

    /// Its N in `cuda:N`.
    pub(crate) fn ordinal(&self) -> usize {
        self.ordinal
    }

    pub(crate) fn properties(&self) -> &Properties {
        &self.properties
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn modules(&self) -> &Modules {
        &self.modules
    }

    pub(super) fn staging(&self) -> &Staging {
        &self.staging
    }

    /// Where this thread's work goes.
    pub(super) fn lane(&self) -> Lane {
        LANE.get()
            .filter(|(ordinal, _)| *ordinal == self.ordinal)
            .map_or_else(|| Lane { stream: self.stream, pool: PoolId::default(), capturing: false }, |(_, lane)| lane)
    }

    pub(super) fn stream(&self) -> sys::CUstream {
        self.lane().stream
    }

    /// Does `work` with this thread's work going to `lane`.
    pub(super) fn in_lane<R>(&self, lane: Lane, work: impl FnOnce() -> R) -> R {
        /// Puts back what was there before, also when `work` panics.
        struct Back(Option<(usize, Lane)>);
        impl Drop for Back {
            fn drop(&mut self) {
                LANE.set(self.0);
            }
        }
        let _back = Back(LANE.replace(Some((self.ordinal, lane))));
        work()
    }

    /// Refuses what cannot be part of a graph, because it would be done once, now, and not at every replay.
    pub(super) fn refuse_in_capture(&self, action: &'static str) -> Result<()> {
        if self.lane().capturing {
            let problem = "a graph is being captured, which holds work of the device only".to_owned();
            return Err(KernelError::Driver { device: Device::Cuda(self.ordinal), action: action.to_owned(), problem });
        }
        Ok(())
    }

    /// Makes the context current on this thread, which every call of the driver needs.
    pub(super) fn bind(&self) -> Result<()> {
        if CURRENT.get() == Some(self.ordinal) {
            return Ok(());
        }
        // SAFETY: the handle is valid as long as the process.
        unsafe { result::ctx::set_current(self.handle) }
            .during(self.ordinal, || "making the context current".to_owned())?;
        CURRENT.set(Some(self.ordinal));
        Ok(())
    }

    /// Waits for everything that was given to the device. Errors of kernels appear here.
    pub(crate) fn synchronize(&self) -> Result<()> {
        self.refuse_in_capture("waiting for the device")?;
        self.bind()?;
        // SAFETY: the stream is never destroyed.
        unsafe { result::stream::synchronize(self.stream) }.during(self.ordinal, || "waiting for the device".to_owned())
    }
}

impl Properties {
    fn of(device: sys::CUdevice) -> Result<Self, result::DriverError> {
        // SAFETY: the caller has the handle from the driver.
        let number = |attribute| unsafe { result::device::get_attribute(device, attribute) }.map(i32::unsigned_abs);
        Ok(Properties {
            compute_capability: (
                number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            multiprocessors: number(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            shared_bytes_per_block: number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)? as usize,
        })
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", Device::Cuda(self.ordinal))
    }
}
