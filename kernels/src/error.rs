//! What can go wrong inside an op.

use crate::{DType, Shape};

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
