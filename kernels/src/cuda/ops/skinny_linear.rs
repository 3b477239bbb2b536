//! Launches of linear layers of few rows.

use super::activation_code;
use crate::cuda::launch::{In, Launch};
use crate::cuda::{DeviceRows, NewTensor, table};
use crate::ops::Epilogue;
use crate::{DType, Result, Shape, Tensor};

/// Threads of a block, and columns of the result that it makes: those of `cuda/skinny_linear.cu`.
const THREADS: usize = 128;
const COLUMNS: usize = 8;

/// Rows of an item up to which these kernels are the fastest: beyond them tensor cores are.
pub(crate) const MOST_ROWS: usize = 16;

/// `x · weightᵀ`, finished; `shape` is the result's, whose first dimension is `batch` items. `x` has the weight's dtype or is
/// float32. For any number of rows, but weights are read once for each 16 of them.
///
/// A row's bits do not depend on the others, so that this may be chosen by the rows of one item.
pub(crate) fn skinny_linear(
    x: &Tensor,
    weight: &DeviceRows,
    epilogue: &Epilogue<'_>,
    batch: usize,
    shape: &Shape,
) -> Result<Tensor> {
    let out = NewTensor::like(x, shape)?;
    let (columns, depth) = (weight.rows(), weight.depth());
    let rows = shape.len().checked_div(columns).unwrap_or(0);
    let bias = epilogue.bias.map(In::from);
    let sample_bias = epilogue.sample_bias.map(In::from);
    let activation = activation_code(epilogue.activation);
    // Kernels divide by it.
    let rows_per_sample = rows.checked_div(batch).unwrap_or(0).max(1);
    let group = [1, 2, 4, 8].into_iter().find(|&group| rows <= group).unwrap_or(16);
    let grid = [columns.div_ceil(COLUMNS), rows.div_ceil(group), 1];
    let (context, launch) = (out.context(), Launch { grid, threads: THREADS, shared_bytes: 0 });
    macro_rules! launch {
        ($kernel:ident) => {
            table::$kernel {
                x: x.into(),
                weight: weight.pointer(),
                bias,
                sample_bias,
                residual: epilogue.residual.map(In::from),
                out: out.pointer(),
                rows,
                columns,
                depth,
                rows_per_sample,
                activation,
                scale: epilogue.scale,
            }
            .launch(context, launch)?
        };
    }
    match (group, x.dtype() == DType::F32 && weight.dtype() != DType::F32) {
        (1, false) => launch!(skinny_linear_1),
        (2, false) => launch!(skinny_linear_2),
        (4, false) => launch!(skinny_linear_4),
        (8, false) => launch!(skinny_linear_8),
        (_, false) => launch!(skinny_linear_16),
        (1, true) => launch!(skinny_linear_1_wide),
        (2, true) => launch!(skinny_linear_2_wide),
        (4, true) => launch!(skinny_linear_4_wide),
        (8, true) => launch!(skinny_linear_8_wide),
        (_, true) => launch!(skinny_linear_16_wide),
    }
    Ok(out.finish())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cuda::Context;
    use crate::harness::{Place, for_each_cuda_device, result_rounding};
    use crate::ops::Activation;
    use crate::reference::{self, Random, assert_close, same_bits};

    fn upload(place: &Place, weight: &Tensor, dtype: DType) -> DeviceRows {
        let crate::Device::Cuda(ordinal) = place.device else { panic!("a CUDA device") };
        let &[rows, channels] = weight.dims() else { panic!("two dimensions") };
        let elements = weight.elements("test").unwrap();
        DeviceRows::upload(Context::get(ordinal).unwrap(), dtype, &elements, [rows, channels, 1]).unwrap()
    }

    /// Every group of rows and one that is not full, depths of whole vectors and not, of less than a warp's and more.
    #[test]
    fn matches_float64() {
        for_each_cuda_device(|place| {
            let mut random = Random::new(1);
            for (batch, rows, depth, columns) in
                [(1, 1, 40, 9), (2, 1, 33, 5), (1, 3, 1600, 3), (2, 4, 512, 17), (3, 5, 300, 6), (1, 17, 64, 8)]
            {
                for (x_dtype, dtype) in [
                    (DType::F32, DType::F32),
                    (DType::F16, DType::F16),
                    (DType::BF16, DType::BF16),
                    (DType::F32, DType::F16),
                    (DType::F32, DType::BF16),
                ] {
                    let x = random.tensor(&[batch, rows, depth]).to_dtype(x_dtype).unwrap();
                    let weight = random.tensor(&[columns, depth]).to_dtype(dtype).unwrap();
                    let (bias, sample_bias) = (random.tensor(&[columns]), random.tensor(&[batch, columns]));
                    let residual = random.tensor(&[batch, rows, columns]).to_dtype(x_dtype).unwrap();
                    let epilogue = Epilogue {
                        bias: Some(&bias),
                        sample_bias: Some(&sample_bias),
                        activation: Activation::QuickGelu,
                        residual: Some(&residual),
                        scale: 0.5,
                        moments: false,
                    };
                    let want = reference::epilogue(reference::linear(&x, &weight), batch, epilogue);
                    let [bias, sample_bias, residual, x] =
                        [&bias, &sample_bias, &residual, &x].map(|tensor| tensor.to_device(place.device).unwrap());
                    let epilogue = Epilogue {
                        bias: Some(&bias),
                        sample_bias: Some(&sample_bias),
                        residual: Some(&residual),
                        ..epilogue
                    };
                    let (weight, shape) = (upload(place, &weight, dtype), residual.shape());
                    let got = skinny_linear(&x, &weight, &epilogue, batch, shape).unwrap();
                    assert_eq!(got.dtype(), x_dtype);
                    assert_close(&got, &want, reference::sum_tolerance(depth) + result_rounding(x_dtype));
                }
            }
        });
    }

    #[test]
    fn a_row_gets_the_bits_it_gets_alone() {
        for_each_cuda_device(|place| {
            let mut random = Random::new(2);
            for depth in [75, 1088] {
                let x = random.tensor(&[19, depth]);
                let weight = random.tensor(&[10, depth]);
                for &dtype in place.dtypes() {
                    let (x, weight) = (place.put(&x, dtype), upload(place, &weight, dtype));
                    let run = |x: &Tensor| {
                        let rows = x.dims()[0];
                        skinny_linear(x, &weight, &Epilogue::default(), rows, &Shape::from([rows, 10])).unwrap()
                    };
                    let all = run(&x);
                    for (first, count) in [(0, 1), (3, 2), (5, 3), (8, 8), (2, 16), (18, 1)] {
                        let some = x.narrow(0, first, count).unwrap();
                        same_bits(&run(&some), &all.narrow(0, first, count).unwrap());
                    }
                }
            }
        });
    }

    #[test]
    fn empty_sizes() {
        for_each_cuda_device(|place| {
            let bias = place.put(&Tensor::from_f32(vec![1.0, 2.0], [2]).unwrap(), DType::F32);
            let epilogue = Epilogue { bias: Some(&bias), ..Default::default() };
            let weight = upload(place, &Tensor::zeros([2, 0]).unwrap(), DType::F32);
            let x = place.put(&Tensor::zeros([3, 0]).unwrap(), DType::F32);
            let out = skinny_linear(&x, &weight, &epilogue, 3, &Shape::from([3, 2])).unwrap();
            assert_eq!(out.to_vec_f32().unwrap(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
            let none = upload(place, &Tensor::zeros([0, 4]).unwrap(), DType::F32);
            let x = place.put(&Tensor::zeros([3, 4]).unwrap(), DType::F32);
            let nothing = Epilogue::default();
            assert_eq!(skinny_linear(&x, &none, &nothing, 3, &Shape::from([3, 0])).unwrap().dims(), [3, 0]);
        });
    }
}
