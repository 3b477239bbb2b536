//! What ops check before they run.

use crate::{KernelError, Result, Shape, Tensor};

/// The sizes of a tensor that has `N` dimensions; `form` says which, for the message.
pub(super) fn dims<const N: usize>(op: &'static str, name: &str, form: &str, tensor: &Tensor) -> Result<[usize; N]> {
    tensor.dims().try_into().map_err(|_| KernelError::shape(op, format!("{name} is {}, wants {form}", tensor.shape())))
}

/// The numbers of a tensor of `shape`.
pub(super) fn values<'a>(op: &'static str, name: &str, tensor: &'a Tensor, shape: &Shape) -> Result<&'a [f32]> {
    if tensor.shape() != shape {
        return Err(KernelError::shape(op, format!("{name} is {}, wants {shape}", tensor.shape())));
    }
    tensor.values(op)
}

/// [`values`] of a tensor that may be left out.
pub(super) fn optional_values<'a>(
    op: &'static str,
    name: &str,
    tensor: Option<&'a Tensor>,
    shape: impl Into<Shape>,
) -> Result<Option<&'a [f32]>> {
    let shape = shape.into();
    tensor.map(|tensor| values(op, name, tensor, &shape)).transpose()
}

/// The last dimension and the number of rows of that length.
pub(super) fn rows(op: &'static str, tensor: &Tensor) -> Result<(usize, usize)> {
    let (&last, outer) = tensor
        .dims()
        .split_last()
        .ok_or_else(|| KernelError::shape(op, "wants at least one dimension, got a scalar"))?;
    Ok((outer.iter().product(), last))
}
