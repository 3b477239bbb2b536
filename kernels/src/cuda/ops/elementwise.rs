//! Launches of elementwise kernels.

use super::{activation_code, vector_elements};
use crate::cuda::launch::{In, Launch, Out};
use crate::cuda::{Context, NewTensor, table};
use crate::ops::Activation;
use crate::{DType, Result, Shape, Tensor};

/// `a + b`, with `b` repeated over the leading dimensions of `a`.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let out = NewTensor::like(a, a.shape())?;
    let (len, period) = (a.shape().len(), b.shape().len());
    let (rows, columns, b_rows) = match period {
        0 => (0, 0, 1),
        _ if period < len => (len / period, period, 1),
        _ => {
            let (rows, columns) = flat(a.shape());
            (rows, columns, rows)
        }
    };
    table::add { a: a.into(), b: b.into(), out: out.pointer(), rows, columns, b_rows }
        .launch(out.context(), vectors(a.dtype(), rows, columns))?;
    Ok(out.finish())
}

/// Applied to every element.
pub(crate) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, columns) = flat(x.shape());
    table::activate { x: x.into(), out: out.pointer(), rows, columns, activation: activation_code(activation) }
        .launch(out.context(), vectors(x.dtype(), rows, columns))?;
    Ok(out.finish())
}

/// `x`, or where it is negative `x · slope` of its channel.
pub(crate) fn prelu(x: &Tensor, slope: &Tensor) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, columns) = flat(x.shape());
    let channels = slope.shape().len();
    table::prelu { x: x.into(), slope: slope.into(), out: out.pointer(), rows, columns, channels }
        .launch(out.context(), vectors(x.dtype(), rows, columns))?;
    Ok(out.finish())
}

/// `x · scale + shift`.
pub(crate) fn affine(x: &Tensor, scale: f32, shift: f32) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, columns) = flat(x.shape());
    table::affine {
        x: x.into(),
        column_scale: None,
        column_shift: None,
        out: out.pointer(),
        rows,
        columns,
        scale,
        shift,
    }
    .launch(out.context(), vectors(x.dtype(), rows, columns))?;
    Ok(out.finish())
}

/// `x · scale + shift`, with a number of each for every column.
pub(crate) fn affine_columns(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, columns) = matrix(x);
    let (column_scale, column_shift) = (Some(In::from(scale)), Some(In::from(shift)));
    table::affine {
        x: x.into(),
        column_scale,
        column_shift,
        out: out.pointer(),
        rows,
        columns,
        scale: 1.0,
        shift: 0.0,
    }
    .launch(out.context(), vectors(x.dtype(), rows, columns))?;
    Ok(out.finish())
}

/// Into `low..=high`.
pub(crate) fn clamp(x: &Tensor, low: f32, high: f32) -> Result<Tensor> {
    let out = NewTensor::like(x, x.shape())?;
    let (rows, columns) = flat(x.shape());
    table::clamp { x: x.into(), out: out.pointer(), rows, columns, low, high }
        .launch(out.context(), vectors(x.dtype(), rows, columns))?;
    Ok(out.finish())
}

/// A tensor of one value.
pub(crate) fn filled(context: &'static Context, dtype: DType, shape: &Shape, value: f32) -> Result<Tensor> {
    let out = NewTensor::new(context, dtype, shape)?;
    let (rows, columns) = flat(shape);
    table::fill { out: out.pointer(), rows, columns, value }.launch(context, vectors(dtype, rows, columns))?;
    Ok(out.finish())
}

/// How many elements are NaN or infinite. Waits for the device.
pub(crate) fn count_not_finite(x: &Tensor) -> Result<u32> {
    const THREADS: usize = 1024;
    let context = x.context();
    let (rows, columns) = flat(x.shape());
    let count = context.allocate(size_of::<u32>())?;
    table::count_not_finite { x: x.into(), out: Out::words(&count), rows, columns }
        .launch(context, Launch::blocks(1, THREADS))?;
    let mut bytes = [0; size_of::<u32>()];
    count.download(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn vectors(dtype: DType, rows: usize, columns: usize) -> Launch {
    Launch::vectors(rows, columns, vector_elements(dtype))
}

/// A tensor as rows of its last dimension.
pub(super) fn matrix(x: &Tensor) -> (usize, usize) {
    let columns = x.dims().last().copied().unwrap_or(1);
    (x.shape().len().checked_div(columns).unwrap_or(0), columns)
}

/// A shape as rows that are as long as an `int` can say, for kernels to which rows mean nothing.
pub(super) fn flat(shape: &Shape) -> (usize, usize) {
    let (mut rows, mut columns) = (1, shape.len());
    for &dim in shape.dims() {
        if i32::try_from(columns).is_ok() {
            break;
        }
        rows *= dim;
        columns /= dim;
    }
    (rows, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_only_where_an_int_does_not_reach() {
        assert_eq!(flat(&Shape::from([2, 3, 4])), (1, 24));
        assert_eq!(flat(&Shape::from([0, 3])), (1, 0));
        assert_eq!(flat(&Shape::default()), (1, 1));
        assert_eq!(flat(&Shape::from([4, 1 << 15, 1 << 15])), (4, 1 << 30));
        assert_eq!(flat(&Shape::from([1, 2, 1 << 30])), (2, 1 << 30));
    }
}
