//! What ops check before they run.

use crate::{Device, KernelError, Result, Shape, Tensor};

/// The device that all of an op's tensors are on, where it runs.
pub(super) fn device<'a>(op: &'static str, tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<Device> {
    let mut devices = tensors.into_iter().map(Tensor::device);
    let Some(first) = devices.next() else { return Ok(Device::Cpu) };
    match devices.find(|&device| device != first) {
        Some(second) => Err(KernelError::MixedDevices { op, first, second }),
        None => Ok(first),
    }
}

/// That a tensor has this shape.
pub(super) fn shape(op: &'static str, name: &str, tensor: &Tensor, shape: &Shape) -> Result<()> {
    if tensor.shape() == shape {
        return Ok(());
    }
    Err(KernelError::shape(op, format!("{name} is {}, wants {shape}", tensor.shape())))
}

/// The sizes of a tensor that has `N` dimensions; `form` says which, for the message.
pub(super) fn dims<const N: usize>(op: &'static str, name: &str, form: &str, tensor: &Tensor) -> Result<[usize; N]> {
    tensor.dims().try_into().map_err(|_| KernelError::shape(op, format!("{name} is {}, wants {form}", tensor.shape())))
}

/// [`shape`] of a tensor that may be left out.
pub(super) fn optional_shape(
    op: &'static str,
    name: &str,
    tensor: Option<&Tensor>,
    wanted: impl Into<Shape>,
) -> Result<()> {
    tensor.map_or(Ok(()), |tensor| shape(op, name, tensor, &wanted.into()))
}

/// The last dimension and the number of rows of that length.
pub(super) fn rows(op: &'static str, tensor: &Tensor) -> Result<(usize, usize)> {
    let (&last, outer) = tensor
        .dims()
        .split_last()
        .ok_or_else(|| KernelError::shape(op, "wants at least one dimension, got a scalar"))?;
    Ok((outer.iter().product(), last))
}
