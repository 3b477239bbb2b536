//! Launches of functions of rows: layer normalisation and softmax.

use super::elementwise::matrix;
use crate::cuda::launch::Launch;
use crate::cuda::{NewTensor, table};
use crate::{Result, Tensor};

/// Threads of a block, and how long a row may be that stays in their registers: `ROW_THREADS` and `ROW_LIMIT` of
/// `cuda/include/easel/row.cuh`.
const THREADS: usize = 128;
const LIMIT: usize = 4096;

/// Over the last dimension.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, length) = matrix(x);
    let launch = Launch::blocks(rows, THREADS);
    let (context, x, weight, bias) = (out.context(), x.into(), weight.into(), bias.into());
    if length <= LIMIT {
        table::layer_norm { x, weight, bias, out: out.pointer(), length, eps }.launch(context, launch)?;
    } else {
        table::layer_norm_naive { x, weight, bias, out: out.pointer(), length, eps }.launch(context, launch)?;
    }
    Ok(out.finish())
}

/// Over the last dimension.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, length) = matrix(x);
    let launch = Launch::blocks(rows, THREADS);
    if length <= LIMIT {
        table::softmax { x: x.into(), out: out.pointer(), length }.launch(out.context(), launch)?;
    } else {
        table::softmax_naive { x: x.into(), out: out.pointer(), length }.launch(out.context(), launch)?;
    }
    Ok(out.finish())
}
