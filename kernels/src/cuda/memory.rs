//! Device memory: taken from the driver in segments, handed out in blocks.
//!
//! A block that is let go may be taken again at once, without waiting for the work that uses it: all work of a pool is
//! in one stream, so whatever uses the block next runs after it. The driver's own calls for memory wait for the device
//! and may not be made while a graph is captured; here they are rare, and can be made before ([`Context::reserve`]).
//!
//! A captured graph has a pool of its own: what it writes when it is replayed, nobody else may have got meanwhile. It gets
//! whole segments only, so what is reserved for it is set aside: a segment of which anything was taken would be of no use.
//!
//! Where there is not enough, those are asked who hold memory that they can do without ([`crate::shortage`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::result;
use cudarc::driver::sys::CUresult;

use super::Context;
use super::arena::{ALIGNMENT, Arena};
use super::error::During;
use crate::{Device, KernelError, Result, shortage};

/// Small requests share segments of this size.
const SEGMENT: usize = 32 << 20;

/// Segments are multiples of what the driver maps at a time.
const SEGMENT_MULTIPLE: usize = 2 << 20;

/// How a program uses the memory of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeviceMemory {
    /// Bytes of live tensors and weights.
    pub in_use: usize,
    /// The most that `in_use` was since [`Device::reset_peak_memory`].
    pub peak: usize,
    /// Bytes taken from the driver, in use or kept for later.
    pub reserved: usize,
    /// What `reserved` may not go beyond, if anything.
    pub limit: Option<usize>,
    /// Bytes that no program has taken.
    pub free: usize,
    /// All bytes of the device.
    pub total: usize,
}

/// The memory of one context.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
}

/// Which arena memory comes from: the common one, or that of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct PoolId(u64);

#[derive(Debug, Default)]
struct State {
    common: Arena,
    /// Segments that were reserved for the next graph.
    set_aside: Vec<(u64, usize)>,
    graphs: BTreeMap<PoolId, Arena>,
    /// The next graph's.
    next_pool: u64,
    in_use: usize,
    peak: usize,
    reserved: usize,
    limit: Option<usize>,
    /// Every block is a segment of its own and exactly as long as asked for.
    exact: bool,
}

impl State {
    /// The arena of a pool; that of a graph that is gone has become part of the common one.
    fn arena(&mut self, pool: PoolId) -> &mut Arena {
        self.graphs.get_mut(&pool).unwrap_or(&mut self.common)
    }

    /// Takes away all that is set aside, and all segments that nothing is taken of.
    fn take_free_segments(&mut self) -> Vec<(u64, usize)> {
        let mut segments = std::mem::take(&mut self.set_aside);
        segments.extend(self.common.remove_free_segments());
        segments
    }

    /// A block of what was taken from the driver. Small ones never spoil what is set aside; a large one is what it was
    /// reserved for, whether or not it is a graph that asks.
    fn take(&mut self, pool: PoolId, size: usize) -> Option<u64> {
        if let Some(address) = self.arena(pool).take(size) {
            return Some(address);
        }
        let holds_it = |&(_, len): &(u64, usize)| size > SEGMENT && len >= size;
        let found = self.set_aside.iter().position(holds_it)?;
        let (start, len) = self.set_aside.swap_remove(found);
        self.arena(pool).add_segment(start, len);
        self.arena(pool).take(size)
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    /// Takes `bytes` of device memory. What is in them is left over from before.
    pub(crate) fn allocate(&'static self, bytes: usize) -> Result<DeviceSlice> {
        self.with_relief(|| self.try_allocate(bytes))
    }

    /// Takes memory from the driver now, so that a graph can have blocks of `bytes` in all without it later.
    pub(crate) fn reserve(&'static self, bytes: usize) -> Result<()> {
        self.with_relief(|| self.try_reserve(bytes))
    }

    /// Takes memory once more after others have let go of theirs, if there was too little of it.
    fn with_relief<R>(&'static self, take: impl Fn() -> Result<R>) -> Result<R> {
        // Nobody may hold the lock of the memory here: what is let go comes back under it.
        match take() {
            Err(KernelError::DeviceMemory { .. })
                if !self.lane().capturing && shortage::relieve(Device::Cuda(self.ordinal())) =>
            {
                take()
            }
            taken => taken,
        }
    }

    fn try_allocate(&'static self, bytes: usize) -> Result<DeviceSlice> {
        if bytes == 0 {
            return Ok(DeviceSlice { context: self, block: None, start: 0, len: 0 });
        }
        let pool = self.lane().pool;
        let mut state = self.memory().lock();
        // A graph's memory must stay where it is, so it is never the driver's again before the graph is gone.
        let exact = state.exact && pool == PoolId::default();
        let size = if exact { bytes } else { bytes.next_multiple_of(ALIGNMENT) };
        let address = if exact {
            self.take_segment(&mut state, size)?
        } else {
            match state.take(pool, size) {
                Some(address) => address,
                None => {
                    let segment = segment_size(size);
                    let start = self.take_segment(&mut state, segment)?;
                    state.arena(pool).add_segment(start, segment);
                    state.arena(pool).take(size).ok_or_else(|| self.out_of_memory(&state, size))?
                }
            }
        };
        state.in_use += size;
        state.peak = state.peak.max(state.in_use);
        let block = Arc::new(Block { context: self, pool, address, size, exact });
        Ok(DeviceSlice { context: self, block: Some(block), start: 0, len: bytes })
    }

    fn try_reserve(&self, bytes: usize) -> Result<()> {
        let mut state = self.memory().lock();
        if state.exact || bytes == 0 || state.set_aside.iter().any(|&(_, size)| size >= bytes) {
            return Ok(());
        }
        let segment = match state.common.remove_free_segment(bytes) {
            Some(segment) => segment,
            None => {
                let size = segment_size(bytes);
                (self.take_segment(&mut state, size)?, size)
            }
        };
        state.set_aside.push(segment);
        Ok(())
    }

    /// A pool for a graph.
    pub(super) fn new_pool(&self) -> PoolId {
        let mut state = self.memory().lock();
        state.next_pool += 1;
        let pool = PoolId(state.next_pool);
        let mut arena = Arena::default();
        // What was reserved for a loop is for its graph.
        for (start, size) in state.take_free_segments() {
            arena.add_segment(start, size);
        }
        state.graphs.insert(pool, arena);
        pool
    }

    /// Ends a graph's pool: its memory is everybody's.
    pub(super) fn end_pool(&self, pool: PoolId) {
        let mut state = self.memory().lock();
        if let Some(arena) = state.graphs.remove(&pool) {
            state.common.absorb(arena);
        }
    }

    /// Sets what all segments together may not go beyond; those in use stay.
    pub(crate) fn limit_memory(&self, limit: Option<usize>) -> Result<()> {
        let mut state = self.memory().lock();
        state.limit = limit;
        if limit.is_some_and(|limit| state.reserved > limit) { self.release_free_segments(&mut state) } else { Ok(()) }
    }

    /// Makes every block an allocation of the driver's, exactly as long as asked for: whoever checks accesses against
    /// the driver's allocations then sees every byte that is out of bounds.
    #[cfg(test)]
    pub(crate) fn allocate_exactly(&self) {
        self.memory().lock().exact = true;
    }

    /// Returns to the driver what nothing is stored in.
    pub(crate) fn trim_memory(&self) -> Result<()> {
        let mut state = self.memory().lock();
        self.release_free_segments(&mut state)
    }

    /// Starts [`DeviceMemory::peak`] again from what is in use now.
    pub(crate) fn reset_peak(&self) {
        let mut state = self.memory().lock();
        state.peak = state.in_use;
    }

    /// What is in use and what is left.
    pub(crate) fn memory_use(&self) -> Result<DeviceMemory> {
        self.bind()?;
        let (free, total) = result::mem_get_info().during(self.ordinal(), || "asking for free memory".to_owned())?;
        let state = self.memory().lock();
        let State { in_use, peak, reserved, limit, .. } = *state;
        Ok(DeviceMemory { in_use, peak, reserved, limit, free, total })
    }

    /// Takes a segment from the driver; if there is none, after giving back what is not in use.
    fn take_segment(&self, state: &mut State, size: usize) -> Result<u64> {
        self.bind()?;
        let allowed = |state: &State| state.limit.is_none_or(|limit| state.reserved.saturating_add(size) <= limit);
        // SAFETY: a context is current. The memory is not read before it was written: it holds no values that could be
        // invalid, and kernels write their outputs.
        let take = || unsafe { result::malloc_sync(size) };
        let mut taken =
            if allowed(state) { take() } else { Err(result::DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) };
        if matches!(taken, Err(result::DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY))) {
            self.release_free_segments(state)?;
            if allowed(state) {
                taken = take();
            }
        }
        match taken {
            Ok(start) => {
                state.reserved += size;
                Ok(start)
            }
            Err(result::DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => Err(self.out_of_memory(state, size)),
            Err(error) => Err(error).during(self.ordinal(), || format!("taking {size} bytes of memory")),
        }
    }

    fn release_free_segments(&self, state: &mut State) -> Result<()> {
        self.bind()?;
        for (start, size) in state.take_free_segments() {
            state.reserved -= size;
            // SAFETY: the segment came from the driver, nothing is taken of it, and the arena has forgotten it. The
            // call waits for work that still uses it.
            unsafe { result::free_sync(start) }
                .during(self.ordinal(), || format!("giving back {size} bytes of memory"))?;
        }
        Ok(())
    }

    fn out_of_memory(&self, state: &State, asked: usize) -> KernelError {
        let free = result::mem_get_info().map_or(0, |(free, _)| free);
        KernelError::DeviceMemory {
            device: Device::Cuda(self.ordinal()),
            asked,
            in_use: state.in_use,
            limit: state.limit,
            free,
        }
    }
}

/// A request that is large gets a segment of its own.
fn segment_size(size: usize) -> usize {
    if size <= SEGMENT { SEGMENT } else { size.next_multiple_of(SEGMENT_MULTIPLE) }
}

/// A block that is in use. It goes back when the last slice of it is dropped.
#[derive(Debug)]
struct Block {
    context: &'static Context,
    pool: PoolId,
    address: u64,
    size: usize,
    exact: bool,
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut state = self.context.memory().lock();
        state.in_use -= self.size;
        if self.exact {
            state.reserved -= self.size;
            // What cannot be given back is lost, and there is nobody to tell.
            let _ = self.context.bind();
            // SAFETY: the block is a whole allocation of the driver's, and this was its last owner.
            let _ = unsafe { result::free_sync(self.address) };
        } else {
            state.arena(self.pool).give(self.address);
        }
    }
}

/// Some bytes of a device's memory. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct DeviceSlice {
    context: &'static Context,
    /// `None` if there are no bytes.
    block: Option<Arc<Block>>,
    start: usize,
    len: usize,
}

impl DeviceSlice {
    /// The context of the device that the bytes are on.
    pub(crate) fn context(&self) -> &'static Context {
        self.context
    }

    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where they begin; 0 if there are none.
    pub(crate) fn address(&self) -> u64 {
        self.block.as_ref().map_or(0, |block| block.address + self.start as u64)
    }

    /// `len` bytes from `start`, shared.
    pub(crate) fn slice(&self, start: usize, len: usize) -> Self {
        assert!(start <= self.len && len <= self.len - start, "{start}..+{len} of {} bytes", self.len);
        let block = self.block.clone().filter(|_| len > 0);
        DeviceSlice { context: self.context, block, start: self.start + start, len }
    }
}
