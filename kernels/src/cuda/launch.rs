//! Kernel arguments and launches.

use std::ffi::c_void;
use std::marker::PhantomData;

use cudarc::driver::result;

use super::error::During;
use super::modules::Function;
use super::tensor_map::TensorMap;
use super::{Context, DeviceSlice};
use crate::storage::Storage;
use crate::{DType, KernelError, Result, Tensor, profile};

/// In the table of kernels: the type of the activations, which the kernel's suffix names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum T {}

/// What a pointer points to.
pub(crate) trait Element {
    const CONTENT: Content;
}

/// What may stand behind a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A tensor of the activations' dtype.
    Activations,
    /// A tensor that is float32 whatever the activations are.
    Floats,
    /// Numbers that are no tensor's: ids, counts.
    Words,
}

impl Element for T {
    const CONTENT: Content = Content::Activations;
}

impl Element for f32 {
    const CONTENT: Content = Content::Floats;
}

impl Element for u32 {
    const CONTENT: Content = Content::Words;
}

/// A pointer to what a kernel reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct In<'a, E>(Pointer<'a, E>);

/// A pointer to what a kernel writes: memory that was just allocated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out<'a, E>(Pointer<'a, E>);

#[derive(Clone, Copy, Debug)]
struct Pointer<'a, E> {
    address: u64,
    bytes: usize,
    /// `None` behind pointers to [`Content::Words`].
    dtype: Option<DType>,
    borrow: PhantomData<(&'a DeviceSlice, E)>,
}

impl<'a, E> Pointer<'a, E> {
    fn new(slice: &'a DeviceSlice, dtype: Option<DType>) -> Self {
        Pointer { address: slice.address(), bytes: slice.len(), dtype, borrow: PhantomData }
    }
}

impl<'a, E> From<&'a Tensor> for In<'a, E> {
    /// # Panics
    /// If the tensor is not on a device: ops look where their tensors are before they launch anything.
    fn from(tensor: &'a Tensor) -> Self {
        let Storage::Cuda(slice) = tensor.storage() else { panic!("the tensor is on the host") };
        In(Pointer::new(slice, Some(tensor.dtype())))
    }
}

impl<'a, E> In<'a, E> {
    /// What was packed or copied for kernels and is no [`Tensor`].
    pub(crate) fn of(slice: &'a DeviceSlice, dtype: DType) -> Self {
        In(Pointer::new(slice, Some(dtype)))
    }

    /// Whether vectors of `bytes` bytes can be read from its start.
    pub(crate) fn is_aligned(&self, bytes: u64) -> bool {
        self.0.address.is_multiple_of(bytes)
    }
}

impl<'a, E> Out<'a, E> {
    pub(crate) fn of(slice: &'a DeviceSlice, dtype: DType) -> Self {
        Out(Pointer::new(slice, Some(dtype)))
    }
}

impl<'a> In<'a, u32> {
    pub(crate) fn words(slice: &'a DeviceSlice) -> Self {
        In(Pointer::new(slice, None))
    }
}

impl<'a> Out<'a, u32> {
    pub(crate) fn words(slice: &'a DeviceSlice) -> Self {
        Out(Pointer::new(slice, None))
    }
}

/// A kernel's argument: what the host gives and what the device gets.
pub(crate) trait Argument {
    /// What the kernel's parameter is.
    type Raw;

    /// The value that is passed; `kernel` and `name` are for errors.
    fn raw(&self, kernel: &'static str, name: &'static str) -> Result<Self::Raw>;

    /// The activations' dtype, if this points to activations.
    fn activations(&self) -> Option<DType> {
        None
    }

    /// Bytes that it leads to.
    fn bytes(&self) -> usize {
        0
    }
}

/// The one dtype that all pointers to activations have.
pub(super) fn activations(kernel: &'static str, arguments: &[Option<DType>]) -> Result<Option<DType>> {
    let mut dtypes = arguments.iter().flatten();
    let first = dtypes.next().copied();
    match dtypes.find(|&&other| Some(other) != first) {
        Some(&got) => Err(KernelError::DType { op: kernel, wanted: first.unwrap_or(got), got }),
        None => Ok(first),
    }
}

impl<E: Element> Argument for Pointer<'_, E> {
    type Raw = u64;

    fn raw(&self, kernel: &'static str, _: &'static str) -> Result<u64> {
        match (E::CONTENT, self.dtype) {
            (Content::Floats, Some(got)) if got != DType::F32 => {
                Err(KernelError::DType { op: kernel, wanted: DType::F32, got })
            }
            _ => Ok(self.address),
        }
    }

    fn activations(&self) -> Option<DType> {
        self.dtype.filter(|_| E::CONTENT == Content::Activations)
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

macro_rules! passed_as_pointers {
    ($($pointer:ident)*) => {$(
        impl<E: Element> Argument for $pointer<'_, E> {
            type Raw = u64;

            fn raw(&self, kernel: &'static str, name: &'static str) -> Result<u64> {
                self.0.raw(kernel, name)
            }

            fn activations(&self) -> Option<DType> {
                self.0.activations()
            }

            fn bytes(&self) -> usize {
                self.0.bytes
            }
        }
    )*};
}

passed_as_pointers!(In Out);

/// A pointer that may be null.
impl<P: Argument<Raw = u64>> Argument for Option<P> {
    type Raw = u64;

    fn raw(&self, kernel: &'static str, name: &'static str) -> Result<u64> {
        self.as_ref().map_or(Ok(0), |pointer| pointer.raw(kernel, name))
    }

    fn activations(&self) -> Option<DType> {
        self.as_ref().and_then(Argument::activations)
    }

    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, Argument::bytes)
    }
}

/// A size: an `int` of the kernel's.
impl Argument for usize {
    type Raw = i32;

    fn raw(&self, kernel: &'static str, name: &'static str) -> Result<i32> {
        i32::try_from(*self).map_err(|_| {
            KernelError::parameter(kernel, format!("{name} is {self}, and the CUDA kernel counts to {}", i32::MAX))
        })
    }
}

macro_rules! passed_as_they_are {
    ($($scalar:ty)*) => {$(
        impl Argument for $scalar {
            type Raw = $scalar;

            fn raw(&self, _: &'static str, _: &'static str) -> Result<$scalar> {
                Ok(*self)
            }
        }
    )*};
}

passed_as_they_are!(i32 u32 u64 f32 TensorMap);

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch {
    /// Blocks along x, y and z.
    pub(crate) grid: [usize; 3],
    /// Threads of a block.
    pub(crate) threads: usize,
    /// Dynamic shared memory of a block.
    pub(crate) shared_bytes: usize,
}

impl Launch {
    /// Blocks along y and z, and threads of a block, have the same bounds on every device.
    pub(super) const MOST_BLOCKS: [usize; 3] = [i32::MAX as usize, 65_535, 65_535];
    const MOST_THREADS: usize = 1024;
    /// More than this must be asked for, function by function.
    const DEFAULT_SHARED_BYTES: usize = 48 << 10;

    /// One block for each of `blocks`.
    pub(crate) fn blocks(blocks: usize, threads: usize) -> Self {
        Launch { grid: [blocks, 1, 1], threads, shared_bytes: 0 }
    }

    /// One thread for each column, in blocks of 256 along x, and blocks along y that share the rows.
    pub(crate) fn matrix(rows: usize, columns: usize) -> Self {
        const THREADS: usize = 256;
        let grid = [columns.div_ceil(THREADS), rows.min(Self::MOST_BLOCKS[1]), 1];
        Launch { grid, threads: THREADS, shared_bytes: 0 }
    }

    /// One thread for `elements` elements of a row, in blocks of 256 along x, and blocks along y that share the rows.
    pub(crate) fn vectors(rows: usize, columns: usize, elements: usize) -> Self {
        Self::matrix(rows, columns.div_ceil(elements))
    }

    /// With dynamic shared memory.
    pub(crate) fn with_shared_bytes(self, shared_bytes: usize) -> Self {
        Launch { shared_bytes, ..self }
    }

    /// The numbers as the driver takes them; `None` if there is nothing to do.
    fn checked(&self, kernel: &'static str, context: &Context) -> Result<Option<([u32; 3], u32, u32)>> {
        if self.grid.contains(&0) {
            return Ok(None);
        }
        let most = context.properties().shared_bytes_per_block;
        let fits = self.grid.iter().zip(Self::MOST_BLOCKS).all(|(&blocks, most)| blocks <= most)
            && (1..=Self::MOST_THREADS).contains(&self.threads)
            && self.shared_bytes <= most;
        if !fits {
            let problem = format!("{self:?} is beyond what the device runs ({most} bytes of shared memory in a block)");
            return Err(KernelError::parameter(kernel, problem));
        }
        // Checked above: all are far below `u32::MAX`.
        Ok(Some((self.grid.map(|blocks| blocks as u32), self.threads as u32, self.shared_bytes as u32)))
    }
}

impl Context {
    /// Launches a kernel of the table. `parameters` point to values of the types and in the order of its entry, the pointers
    /// among them to `bytes` bytes in all.
    ///
    /// # Safety
    /// The values are what the kernel expects: its pointers lead to live memory of this context's, as large as the sizes
    /// among them say, and what it writes nobody else uses.
    pub(super) unsafe fn launch(
        &'static self,
        module: &'static str,
        symbol: &'static str,
        launch: Launch,
        bytes: usize,
        parameters: &mut [*mut c_void],
    ) -> Result<()> {
        let Some((grid, threads, shared_bytes)) = launch.checked(symbol, self)? else { return Ok(()) };
        self.bind()?;
        let function = self.function(module, symbol)?;
        if launch.shared_bytes > Launch::DEFAULT_SHARED_BYTES {
            self.allow_shared_bytes(&function, symbol, shared_bytes)?;
        }
        let (grid, block) = ((grid[0], grid[1], grid[2]), (threads, 1, 1));
        let stream = self.stream();
        let mut work = || {
            // SAFETY: the caller vouches for the parameters; function and stream live as long as the process.
            unsafe { result::launch_kernel(function.handle, grid, block, shared_bytes, stream, parameters) }
                .during(self.ordinal(), || format!("launching `{symbol}` with {launch:?}"))
        };
        if profile::is_on() && !self.lane().capturing { profile::timed(self, symbol, bytes, work) } else { work() }
    }

    fn allow_shared_bytes(&self, function: &Function, symbol: &'static str, bytes: u32) -> Result<()> {
        use cudarc::driver::sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        function.raise_shared_bytes(bytes, || {
            let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
            // SAFETY: the function lives as long as the process.
            unsafe {
                result::function::set_function_attribute(
                    function.handle,
                    CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                    bytes,
                )
            }
            .during(self.ordinal(), || format!("allowing `{symbol}` {bytes} bytes of shared memory"))
        })
    }
}
