//! `y = activation(x · Wᵀ + bias) + residual`.

use super::check;
use crate::cpu::Isa;
use crate::cpu::gemm::{self, DenseRows, Panels};
use crate::storage::Buffer;
use crate::tensor::Elements;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

/// A `[out_features, in_features]` weight, laid out once for the device's matrix product.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    panels: Panels,
}

impl PackedMatrix {
    /// Packs `weight: [out_features, in_features]` of any dtype.
    pub fn new(weight: &Tensor) -> Result<Self> {
        let [out_features, in_features] = check::dims("PackedMatrix", "weight", "[out_features, in_features]", weight)?;
        let panels = pack_weight(weight, in_features, out_features, |k, n| n * in_features + k)?;
        Ok(PackedMatrix { panels })
    }

    /// Length of an output row.
    pub fn out_features(&self) -> usize {
        self.panels.columns()
    }

    /// Length of an input row.
    pub fn in_features(&self) -> usize {
        self.panels.depth()
    }
}

/// Packs the matrix whose `[k, n]` is the weight's element number `index(k, n)`.
pub(super) fn pack_weight(
    weight: &Tensor,
    depth: usize,
    columns: usize,
    index: impl Fn(usize, usize) -> usize + Sync,
) -> Result<Panels> {
    match weight.elements() {
        Elements::F32(values) => pack(values, depth, columns, index, |x| x),
        Elements::F16(values) => pack(values, depth, columns, index, |x| x.to_f32()),
        Elements::BF16(values) => pack(values, depth, columns, index, |x| x.to_f32()),
    }
}

fn pack<T: Copy + Sync>(
    values: &[T],
    depth: usize,
    columns: usize,
    index: impl Fn(usize, usize) -> usize + Sync,
    to_f32: impl Fn(T) -> f32 + Sync,
) -> Result<Panels> {
    Panels::pack(Isa::detect(), depth, columns, |k, columns, out| {
        for (out, column) in out.iter_mut().zip(columns) {
            *out = to_f32(values[index(k, column)]);
        }
    })
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
}

impl Default for Epilogue<'_> {
    fn default() -> Self {
        Epilogue { bias: None, sample_bias: None, activation: Activation::None, residual: None, scale: 1.0 }
    }
}

impl<'a> Epilogue<'a> {
    /// Checks the tensors against a result `[batch, .., columns]`.
    pub(super) fn check(&self, op: &'static str, batch: usize, out: &Shape) -> Result<gemm::Epilogue<'a>> {
        let columns = out.dims().last().copied().unwrap_or(1);
        let rows = out.checked_len().and_then(|len| len.checked_div(columns)).unwrap_or(0);
        Ok(gemm::Epilogue {
            bias: check::optional_values(op, "bias", self.bias, [columns])?,
            sample_bias: check::optional_values(op, "sample_bias", self.sample_bias, [batch, columns])?,
            rows_per_sample: rows.checked_div(batch).unwrap_or(0),
            activation: self.activation,
            residual: check::optional_values(op, "residual", self.residual, out.clone())?,
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
    let epilogue = epilogue.check(OP, batch, &shape)?;
    match x.device() {
        Device::Cpu => {
            let mut out = Buffer::zeroed_f32(&shape)?;
            let left = DenseRows { values: x.values(OP)?, len: in_features };
            gemm::gemm(&left, rows, &weight.panels, &epilogue, &mut out);
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    fn check(x: &Tensor, weight: &Tensor, epilogue: Epilogue<'_>) {
        let out = linear(x, &PackedMatrix::new(weight).unwrap(), epilogue).unwrap();
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
            });
        }
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
        let weight = PackedMatrix::new(&random.tensor(&[70, 300])).unwrap();
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
        let weight = PackedMatrix::new(&Tensor::zeros([4, 0]).unwrap()).unwrap();
        let bias = Tensor::from_f32(vec![1.0, 2.0, 3.0, 4.0], [4]).unwrap();
        let epilogue = Epilogue { bias: Some(&bias), ..Default::default() };
        let out = linear(&Tensor::zeros([2, 0]).unwrap(), &weight, epilogue).unwrap();
        assert_eq!(out.as_f32().unwrap(), [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(linear(&Tensor::zeros([0, 0]).unwrap(), &weight, epilogue).unwrap().dims(), [0, 4]);
        let none = PackedMatrix::new(&Tensor::zeros([0, 3]).unwrap()).unwrap();
        assert_eq!(linear(&Tensor::zeros([2, 3]).unwrap(), &none, Epilogue::default()).unwrap().dims(), [2, 0]);
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        assert!(PackedMatrix::new(&zeros(&[3])).is_err());
        let weight = PackedMatrix::new(&zeros(&[4, 3])).unwrap();
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
