//! `y = activation(x · Wᵀ + bias) + residual`.

use super::check;
use super::packed::PackedRows;
use crate::cpu::gemm::{self, DenseRows};
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Placement, Result, Shape, Tensor};

/// A `[out_features, in_features]` weight, laid out once for the device's matrix product.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    rows: PackedRows,
}

impl PackedMatrix {
    /// Packs `weight: [out_features, in_features]`, which is on the host and of any dtype, for activations there.
    pub fn new(weight: &Tensor, place: Placement) -> Result<Self> {
        let [out_features, in_features] = check::dims("PackedMatrix", "weight", "[out_features, in_features]", weight)?;
        Ok(PackedMatrix { rows: PackedRows::new(weight, [out_features, in_features, 1], place)? })
    }

    /// Length of an output row.
    pub fn out_features(&self) -> usize {
        self.rows.rows()
    }

    /// Length of an input row.
    pub fn in_features(&self) -> usize {
        self.rows.depth()
    }
}

/// What is applied to a product before it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// x · sigmoid(x).
    Silu,
    /// x · Φ(x), exact.
    Gelu,
    /// x · sigmoid(1.702 x).
    QuickGelu,
}

/// What happens to a product while it is still in registers: `(activation(product + bias + sample_bias) + residual) · scale`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// `[out_features]`.
    pub bias: Option<&'a Tensor>,
    /// `[batch, out_features]`: one bias per batch item (a time embedding).
    pub sample_bias: Option<&'a Tensor>,
    /// Applied before the residual is added.
    pub activation: Activation,
    /// Of the result's shape.
    pub residual: Option<&'a Tensor>,
    /// Multiplies the result, 1 for none.
    pub scale: f32,
    /// The result will be normalised by groups: what [`group_norm`](super::group_norm) wants to know of it is gathered while
    /// it is written, where that is cheap, and travels with it. No number of the result depends on this.
    pub moments: bool,
}

impl Default for Epilogue<'_> {
    fn default() -> Self {
        Epilogue {
            bias: None,
            sample_bias: None,
            activation: Activation::None,
            residual: None,
            scale: 1.0,
            moments: false,
        }
    }
}

impl<'a> Epilogue<'a> {
    /// Checks the tensors' shapes against a result `[batch, .., columns]`.
    pub(super) fn check(&self, op: &'static str, batch: usize, out: &Shape) -> Result<()> {
        let columns = out.dims().last().copied().unwrap_or(1);
        check::optional_shape(op, "bias", self.bias, [columns])?;
        check::optional_shape(op, "sample_bias", self.sample_bias, [batch, columns])?;
        check::optional_shape(op, "residual", self.residual, out.clone())
    }

    /// The tensors that it holds.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &'a Tensor> + use<'a> {
        [self.bias, self.sample_bias, self.residual].into_iter().flatten()
    }

    /// The numbers of the tensors, which have been checked, if they are on the host.
    pub(super) fn on_host(&self, op: &'static str, batch: usize, out: &Shape) -> Result<gemm::Epilogue<'a>> {
        let columns = out.dims().last().copied().unwrap_or(1);
        let rows = out.checked_len().and_then(|len| len.checked_div(columns)).unwrap_or(0);
        let values = |tensor: Option<&'a Tensor>| tensor.map(|tensor| tensor.values(op)).transpose();
        Ok(gemm::Epilogue {
            bias: values(self.bias)?,
            sample_bias: values(self.sample_bias)?,
            rows_per_sample: rows.checked_div(batch).unwrap_or(0),
            activation: self.activation,
            residual: values(self.residual)?,
            scale: self.scale,
        })
    }
}

/// `x: [.., in_features]` → `[.., out_features]`. The first dimension of `x` is the batch.
pub fn linear(x: &Tensor, weight: &PackedMatrix, epilogue: Epilogue<'_>) -> Result<Tensor> {
    const OP: &str = "linear";
    let (rows, in_features) = check::rows(OP, x)?;
    if in_features != weight.in_features() {
        let (out_features, wanted) = (weight.out_features(), weight.in_features());
        let problem = format!("x is {}, the weight [{out_features}, {wanted}] wants [.., {wanted}]", x.shape());
        return Err(KernelError::shape(OP, problem));
    }
    let mut dims = x.dims().to_vec();
    let batch = if dims.len() > 1 { dims[0] } else { 1 };
    dims.pop();
    dims.push(weight.out_features());
    let shape = Shape::from(dims);
    epilogue.check(OP, batch, &shape)?;
    match check::device(OP, [x].into_iter().chain(epilogue.tensors()))? {
        Device::Cpu => {
            let weights = weight.rows.on_host(OP)?;
            let _timer = profile::on_host(OP, || Work::of([x], &shape).times(rows, weights));
            let epilogue = epilogue.on_host(OP, batch, &shape)?;
            let mut out = Buffer::result_f32(&shape)?;
            let left = DenseRows { values: x.values(OP)?, len: in_features };
            gemm::gemm(&left, rows, weights, &epilogue, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        device @ Device::Cuda(_) => {
            let weight = match x.dtype() {
                // There are kernels for float32 beside weights of any dtype: what is computed of a timestep.
                DType::F32 => weight.rows.of_any_dtype(OP, device)?,
                dtype => weight.rows.on_device(OP, device, dtype)?,
            };
            cuda::ops::linear::linear(x, weight, &epilogue, batch, &shape)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::harness::{FullEpilogue, Place, for_each_cuda_device, for_each_device, result_rounding};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    fn check(x: &Tensor, weight: &Tensor, epilogue: Epilogue<'_>) {
        let out = linear(x, &PackedMatrix::new(weight, Placement::CPU).unwrap(), epilogue).unwrap();
        let depth = weight.dims()[1];
        let expected = reference::epilogue(reference::linear(x, weight), x.dims()[0], epilogue);
        assert_close(&out, &expected, reference::sum_tolerance(depth));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn matches_float64(
            batch in 1usize..4, rows in 1usize..30, depth in 1usize..600, columns in 1usize..80, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let x = random.tensor(&[batch, rows, depth]);
            let weight = random.tensor(&[columns, depth]);
            let (bias, sample_bias) = (random.tensor(&[columns]), random.tensor(&[batch, columns]));
            let residual = random.tensor(&[batch, rows, columns]);
            check(&x, &weight, Epilogue::default());
            check(&x, &weight, Epilogue {
                bias: Some(&bias),
                sample_bias: Some(&sample_bias),
                activation: Activation::Gelu,
                residual: Some(&residual),
                scale: 0.5,
                moments: false,
            });
        }
    }

    /// The reference gets what is left of the numbers in `dtype`, so only sums and the result are rounded.
    fn check_on_cuda(x: &Tensor, weight: &Tensor, epilogue: Option<&FullEpilogue>) {
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let [x, weight] = [x, weight].map(|tensor| tensor.to_dtype(dtype).unwrap());
                let [on_host, there] = [&Place::cpu(), place].map(|place| epilogue.map(|all| all.put(place, dtype)));
                let packed = PackedMatrix::new(&weight, place.placement(dtype)).unwrap();
                let out = linear(&place.put(&x, dtype), &packed, FullEpilogue::of(&there)).unwrap();
                let expected =
                    reference::epilogue(reference::linear(&x, &weight), x.dims()[0], FullEpilogue::of(&on_host));
                let tolerance = reference::sum_tolerance(weight.dims()[1]) + result_rounding(dtype);
                assert_eq!((out.device(), out.dtype()), (place.device, dtype));
                assert_close(&out, &expected, tolerance);
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn matches_float64_on_cuda(
            batch in 1usize..4, rows in 1usize..30, depth in 1usize..150, columns in 1usize..80, even: bool, seed: u64,
        ) {
            let mut random = Random::new(seed);
            // Every other case takes the tensor cores.
            let depth = if even { depth.next_multiple_of(8) } else { depth };
            let x = random.tensor(&[batch, rows, depth]);
            let weight = random.tensor(&[columns, depth]);
            let epilogue = FullEpilogue::random(&mut random, &[batch, rows, columns]);
            check_on_cuda(&x, &weight, None);
            check_on_cuda(&x, &weight, Some(&epilogue));
        }
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone_on_cuda() {
        let mut random = Random::new(4);
        let (x, weight) = (random.tensor(&[3, 37, 320]), random.tensor(&[72, 320]));
        let epilogue = FullEpilogue::random(&mut random, &[3, 37, 72]);
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let weight = PackedMatrix::new(&weight, place.placement(dtype)).unwrap();
                let (x, epilogue) = (place.put(&x, dtype), epilogue.put(place, dtype));
                let all = linear(&x, &weight, epilogue.get()).unwrap();
                let item = |x: &Tensor, i: usize| x.narrow(0, i, 1).unwrap();
                for i in 0..3 {
                    same_bits(&linear(&item(&x, i), &weight, epilogue.item(i).get()).unwrap(), &item(&all, i));
                }
            }
        });
    }

    #[test]
    fn weights_are_in_the_dtype_of_the_activations_on_cuda() {
        for_each_cuda_device(|place| {
            let weight = PackedMatrix::new(&Tensor::zeros([4, 8]).unwrap(), place.placement(DType::F16)).unwrap();
            let x = Tensor::zeros([2, 8]).unwrap();
            let there = linear(&place.put(&x, DType::BF16), &weight, Epilogue::default());
            assert!(matches!(there, Err(KernelError::DType { wanted: DType::F16, got: DType::BF16, .. })));
            assert!(matches!(linear(&x, &weight, Epilogue::default()), Err(KernelError::MixedDevices { .. })));
        });
    }

    #[test]
    fn float32_goes_with_weights_of_any_dtype_on_cuda() {
        let mut random = Random::new(5);
        let (x, weight) = (random.tensor(&[2, 20, 40]), random.tensor(&[9, 40]));
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let weight = weight.to_dtype(dtype).unwrap();
                let packed = PackedMatrix::new(&weight, place.placement(dtype)).unwrap();
                let out = linear(&place.put(&x, DType::F32), &packed, Epilogue::default()).unwrap();
                assert_eq!(out.dtype(), DType::F32);
                assert_close(&out, &reference::linear(&x, &weight), reference::sum_tolerance(40));
            }
        });
    }

    #[test]
    fn large_products_match_float64() {
        let mut random = Random::new(1);
        for (rows, depth, columns) in [(300, 513, 97), (1, 1000, 301), (241, 256, 16), (7, 1, 65)] {
            let x = random.tensor(&[rows, depth]);
            check(&x, &random.tensor(&[columns, depth]), Epilogue::default());
        }
    }

    #[test]
    fn weights_of_any_dtype() {
        let mut random = Random::new(2);
        let (x, weight) = (random.tensor(&[3, 40]), random.tensor(&[9, 40]));
        for dtype in [DType::F16, DType::BF16] {
            check(&x, &weight.to_dtype(dtype).unwrap(), Epilogue::default());
        }
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let mut random = Random::new(3);
        let x = random.tensor(&[3, 101, 300]);
        let weight = PackedMatrix::new(&random.tensor(&[70, 300]), Placement::CPU).unwrap();
        let bias = random.tensor(&[3, 70]);
        let run = |x: &Tensor, bias: &Tensor| {
            let epilogue = Epilogue { sample_bias: Some(bias), activation: Activation::Silu, ..Default::default() };
            linear(x, &weight, epilogue).unwrap()
        };
        let all = run(&x, &bias);
        for i in 0..3 {
            let one = run(&x.narrow(0, i, 1).unwrap(), &bias.narrow(0, i, 1).unwrap());
            same_bits(&one, &all.narrow(0, i, 1).unwrap());
        }
        same_bits(&with_threads(1, || run(&x, &bias)), &with_threads(2, || run(&x, &bias)));
    }

    #[test]
    fn empty_sizes() {
        for_each_device(|place| {
            let pack = |dims: [usize; 2]| {
                PackedMatrix::new(&Tensor::zeros(dims).unwrap(), place.placement(DType::F32)).unwrap()
            };
            let x = |dims: [usize; 2]| place.put(&Tensor::zeros(dims).unwrap(), DType::F32);
            let weight = pack([4, 0]);
            let bias = place.put(&Tensor::from_f32(vec![1.0, 2.0, 3.0, 4.0], [4]).unwrap(), DType::F32);
            let epilogue = Epilogue { bias: Some(&bias), ..Default::default() };
            let out = linear(&x([2, 0]), &weight, epilogue).unwrap();
            assert_eq!(out.to_vec_f32().unwrap(), [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
            assert_eq!(linear(&x([0, 0]), &weight, epilogue).unwrap().dims(), [0, 4]);
            assert_eq!(linear(&x([2, 3]), &pack([0, 3]), Epilogue::default()).unwrap().dims(), [2, 0]);
        });
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        assert!(PackedMatrix::new(&zeros(&[3]), Placement::CPU).is_err());
        let weight = PackedMatrix::new(&zeros(&[4, 3]), Placement::CPU).unwrap();
        let error = linear(&zeros(&[2, 5]), &weight, Epilogue::default()).unwrap_err();
        assert_eq!(error.to_string(), "linear: x is [2, 5], the weight [4, 3] wants [.., 3]");
        assert!(linear(&Tensor::zeros(Shape::default()).unwrap(), &weight, Epilogue::default()).is_err());
        let x = zeros(&[2, 3]);
        let wrong = zeros(&[3]);
        for epilogue in [
            Epilogue { bias: Some(&wrong), ..Default::default() },
            Epilogue { sample_bias: Some(&wrong), ..Default::default() },
            Epilogue { residual: Some(&wrong), ..Default::default() },
        ] {
            assert!(matches!(linear(&x, &weight, epilogue), Err(KernelError::Shape { .. })));
        }
        let half = x.to_dtype(DType::F16).unwrap();
        assert!(matches!(linear(&half, &weight, Epilogue::default()), Err(KernelError::DType { .. })));
    }
}
