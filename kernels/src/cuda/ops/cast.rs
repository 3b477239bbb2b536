//! Launches of conversions between dtypes.

use super::elementwise::flat;
use crate::cuda::launch::Launch;
use crate::cuda::{NewTensor, table};
use crate::{DType, Result, Tensor};

/// Elements of a thread: `RUN` of `cuda/cast.cu`.
const RUN: usize = 8;

/// The same numbers in another dtype, which is not that of `x`.
pub(crate) fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    // Between the two narrow ones by way of float32, which holds the numbers of both exactly.
    if x.dtype() != DType::F32 && dtype != DType::F32 {
        return cast(&cast(x, DType::F32)?, dtype);
    }
    let out = NewTensor::new(x.context(), dtype, x.shape())?;
    let (rows, columns) = flat(x.shape());
    let launch = Launch::vectors(rows, columns, RUN);
    if dtype == DType::F32 {
        table::cast_to_f32 { x: x.into(), out: out.pointer(), rows, columns }.launch(out.context(), launch)?;
    } else {
        table::cast_from_f32 { x: x.into(), out: out.pointer(), rows, columns }.launch(out.context(), launch)?;
    }
    Ok(out.finish())
}
