//! What can go wrong inside an op.

use crate::overrides::OverrideError;
use crate::{DType, Device, Shape};

/// Shorthand for this crate's results.
pub type Result<T, E = KernelError> = std::result::Result<T, E>;

/// An op was asked for something it cannot do. The message names the op, what it got and what it wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// Shapes that do not fit together.
    #[error("{op}: {problem}")]
    Shape {
        /// The op's name.
        op: &'static str,
        /// What does not fit, with the shapes.
        problem: String,
    },
    /// An element type the op does not take.
    #[error("{op}: wants {wanted}, got {got}")]
    DType {
        /// The op's name.
        op: &'static str,
        /// What the op takes.
        wanted: DType,
        /// What it was given.
        got: DType,
    },
    /// A parameter outside its range.
    #[error("{op}: {problem}")]
    Parameter {
        /// The op's name.
        op: &'static str,
        /// Which parameter, its value and its range.
        problem: String,
    },
    /// A buffer whose length is not that of its shape.
    #[error("a tensor of shape {shape} and dtype {dtype} takes {wanted} bytes, got {got}")]
    Length {
        /// The shape asked for.
        shape: Shape,
        /// The dtype asked for.
        dtype: DType,
        /// Bytes that they take.
        wanted: usize,
        /// Bytes given.
        got: usize,
    },
    /// Memory that could not be had.
    #[error("out of memory: {bytes} bytes for a tensor of shape {shape}")]
    OutOfMemory {
        /// The shape asked for.
        shape: Shape,
        /// Bytes that it takes.
        bytes: usize,
    },
    /// The device cannot be used.
    #[error("{0}")]
    Device(String),
    /// Kernels from a folder that cannot be used.
    #[error(transparent)]
    Overrides(#[from] OverrideError),
    /// Tensors that are not all on one device: nothing is copied unasked.
    #[error("{op}: one tensor is on {first}, another on {second}: copy one of them with `to_device`")]
    MixedDevices {
        /// The op's name.
        op: &'static str,
        /// Where the first tensor is.
        first: Device,
        /// Where the first one is that is elsewhere.
        second: Device,
    },
    /// The numbers of a tensor were asked for that is not in the host's memory.
    #[error("{op}: the tensor is on {device}, not on the host: copy it with `to_device`")]
    NotOnHost {
        /// What asked.
        op: &'static str,
        /// Where the tensor is.
        device: Device,
    },
    /// An op that the device has no kernel for.
    #[error("{op}: there is no kernel for {device}: run it on cpu")]
    NoKernel {
        /// The op's name.
        op: &'static str,
        /// The device.
        device: Device,
    },
    /// Device memory that could not be had.
    #[error(
        "out of memory on {device}: asked for {asked} bytes while {in_use} are in use{}; {free} of the device are free",
        limit.map(|limit| format!(" of the {limit} allowed")).unwrap_or_default()
    )]
    DeviceMemory {
        /// The device.
        device: Device,
        /// Bytes asked for.
        asked: usize,
        /// Bytes that live tensors take.
        in_use: usize,
        /// Bytes that the program may take, if that is limited.
        limit: Option<usize>,
        /// Bytes that no program had taken.
        free: usize,
    },
    /// The driver refused something.
    #[error("{device}: {action} failed: {problem}")]
    Driver {
        /// The device.
        device: Device,
        /// What was tried: "launching `add_f32`".
        action: String,
        /// What the driver says.
        problem: String,
    },
}

impl KernelError {
    /// A [`KernelError::Shape`].
    pub(crate) fn shape(op: &'static str, problem: impl Into<String>) -> Self {
        KernelError::Shape { op, problem: problem.into() }
    }

    /// A [`KernelError::Parameter`].
    pub(crate) fn parameter(op: &'static str, problem: impl Into<String>) -> Self {
        KernelError::Parameter { op, problem: problem.into() }
    }
}
