//! A tensor that a kernel is about to write.

use super::launch::Out;
use super::{Context, DeviceSlice};
use crate::storage::{Storage, checked_bytes};
use crate::{DType, Result, Shape, Tensor};

/// Device memory of the size of a tensor; what is in it is left over from before.
pub(crate) struct NewTensor {
    slice: DeviceSlice,
    dtype: DType,
    shape: Shape,
}

impl NewTensor {
    pub(crate) fn new(context: &'static Context, dtype: DType, shape: &Shape) -> Result<Self> {
        let slice = context.allocate(checked_bytes(shape, dtype.size())?)?;
        Ok(NewTensor { slice, dtype, shape: shape.clone() })
    }

    /// On the device and of the dtype of `x`.
    ///
    /// # Panics
    /// If `x` is on the host.
    pub(crate) fn like(x: &Tensor, shape: &Shape) -> Result<Self> {
        Self::new(x.context(), x.dtype(), shape)
    }

    /// On the device of `x`, float32.
    ///
    /// # Panics
    /// If `x` is on the host.
    pub(crate) fn f32(x: &Tensor, shape: &Shape) -> Result<Self> {
        Self::new(x.context(), DType::F32, shape)
    }

    /// Where a kernel is launched to write it.
    pub(crate) fn context(&self) -> &'static Context {
        self.slice.context()
    }

    /// The pointer for a kernel that writes it.
    pub(crate) fn pointer<E>(&self) -> Out<'_, E> {
        Out::of(&self.slice, self.dtype)
    }

    pub(crate) fn slice(&self) -> &DeviceSlice {
        &self.slice
    }

    /// The tensor, once everything that writes it was launched.
    pub(crate) fn finish(self) -> Tensor {
        Tensor::from_storage(Storage::Cuda(self.slice), self.dtype, self.shape)
    }
}
