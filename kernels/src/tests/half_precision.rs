//! In float16 and bfloat16 operations lose no more than PyTorch's do, by a half.
//!
//! `tests/golden/half_precision.json` says what those lose against float64, for sizes that are tested here as well; inputs are
//! rounded beforehand on both sides. That figure is an average over many numbers, so it is compared with averages.

#![allow(clippy::unwrap_used)]

use serde_json::Value;

use crate::harness::{Place, for_each_device};
use crate::ops::{
    self, Activation, AttentionMask, Conv2d, Epilogue, GroupNorm, PackedFilter, PackedMatrix, PackedUpsamplingFilter,
};
use crate::reference::{self, Random};
use crate::{DType, Tensor};

/// How much of PyTorch's error is allowed.
const FACTOR: f64 = 1.5;
const EPS: f32 = 1e-5;
const DTYPES: [(DType, &str); 2] = [(DType::F16, "float16"), (DType::BF16, "bfloat16")];

/// What PyTorch was recorded with, and lost.
struct Recorded(Value);

impl Recorded {
    fn of(case: &str) -> Self {
        let all: Value = serde_json::from_str(include_str!("../../../tests/golden/half_precision.json")).unwrap();
        Recorded(all["cases"][case].clone())
    }

    fn size(&self, name: &str) -> usize {
        self.0["sizes"][name].as_u64().unwrap().try_into().unwrap()
    }

    fn sizes<const N: usize>(&self, names: [&str; N]) -> [usize; N] {
        names.map(|name| self.size(name))
    }
}

/// Where a case runs, and its numbers.
struct Run<'a> {
    place: &'a Place,
    dtype: DType,
    random: Random,
}

impl Run<'_> {
    /// Random numbers as the dtype has them, in float32.
    fn numbers(&mut self, dims: &[usize]) -> Tensor {
        self.random.tensor(dims).to_dtype(self.dtype).unwrap().to_host().unwrap()
    }

    /// As an activation.
    fn put(&self, tensor: &Tensor) -> Tensor {
        self.place.placement(self.dtype).activation(tensor).unwrap()
    }

    fn put_f32(&self, tensor: &Tensor) -> Tensor {
        self.place.put(tensor, DType::F32)
    }
}

/// Fails if what `run` gives, and should give, differs by more than is allowed, on any device.
fn check(case: &str, run: impl Fn(&Recorded, &mut Run<'_>) -> (Tensor, Vec<f64>)) {
    const SEEDS: u64 = 3;
    let recorded = Recorded::of(case);
    for_each_device(|place| {
        for (dtype, name) in DTYPES.into_iter().filter(|&(dtype, _)| place.multiplies_in(dtype)) {
            let error: f64 = (0..SEEDS)
                .map(|seed| {
                    let (got, want) = run(&recorded, &mut Run { place, dtype, random: Random::new(seed) });
                    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
                    let got = got.to_vec_f32().unwrap();
                    assert_eq!(got.len(), want.len());
                    let difference = norm(&mut got.iter().zip(&want).map(|(&got, want)| f64::from(got) - want));
                    difference / norm(&mut want.iter().copied())
                })
                .sum();
            let (error, theirs) = (error / SEEDS as f64, recorded.0["relative_error"][name].as_f64().unwrap());
            println!("{case} in {name} on {place}: {:.2} of PyTorch's error", error / theirs);
            // Written so that a NaN fails.
            let close = error <= FACTOR * theirs;
            assert!(close, "{case} in {name} on {place}: {error:.3e}, PyTorch {theirs:.3e}");
        }
    });
}

#[test]
fn linear_loses_no_more_than_pytorch() {
    check("linear", |recorded, run| {
        let [rows, depth, columns] = recorded.sizes(["rows", "depth", "columns"]);
        let (x, weight, bias) = (run.numbers(&[rows, depth]), run.numbers(&[columns, depth]), run.numbers(&[columns]));
        let matrix = PackedMatrix::new(&weight, run.place.placement(run.dtype)).unwrap();
        let there = run.put_f32(&bias);
        let out = ops::linear(&run.put(&x), &matrix, Epilogue { bias: Some(&there), ..Default::default() }).unwrap();
        let epilogue = Epilogue { bias: Some(&bias), ..Default::default() };
        (out, reference::epilogue(reference::linear(&x, &weight), rows, epilogue))
    });
}

#[test]
fn conv2d_loses_no_more_than_pytorch() {
    check("conv2d", |recorded, run| {
        let [batch, side, inner, outer] = recorded.sizes(["batch", "side", "in_channels", "out_channels"]);
        let (x, weight) = (run.numbers(&[batch, side, side, inner]), run.numbers(&[outer, inner, 3, 3]));
        let bias = run.numbers(&[outer]);
        let filter = PackedFilter::new(&weight, run.place.placement(run.dtype)).unwrap();
        let (there, geometry) = (run.put_f32(&bias), Conv2d { stride: 1, padding: 1 });
        let epilogue = Epilogue { bias: Some(&there), ..Default::default() };
        let out = ops::conv2d(&[&run.put(&x)], &filter, geometry, epilogue).unwrap();
        let epilogue = Epilogue { bias: Some(&bias), ..Default::default() };
        (out, reference::epilogue(reference::conv2d(&x, &weight, 1, 1), batch, epilogue))
    });
}

/// PyTorch enlarges the picture; ours adds weights up beforehand and rounds those sums.
#[test]
fn upsample_conv2d_loses_no_more_than_pytorch() {
    check("upsample_conv2d", |recorded, run| {
        let [batch, side, inner, outer] = recorded.sizes(["batch", "side", "in_channels", "out_channels"]);
        let (x, weight) = (run.numbers(&[batch, side, side, inner]), run.numbers(&[outer, inner, 3, 3]));
        let filter = PackedUpsamplingFilter::new(&weight, run.place.placement(run.dtype)).unwrap();
        let out = ops::upsample_conv2d(&run.put(&x), &filter, Epilogue::default()).unwrap();
        (out, reference::conv2d(&ops::upsample_nearest2x(&x).unwrap(), &weight, 1, 1))
    });
}

#[test]
fn group_norm_loses_no_more_than_pytorch() {
    check("group_norm_silu", |recorded, run| {
        let [batch, side, channels, groups] = recorded.sizes(["batch", "side", "channels", "groups"]);
        let x = run.numbers(&[batch, side, side, channels]);
        let (weight, bias) = (run.numbers(&[channels]), run.numbers(&[channels]));
        let activation = Activation::Silu;
        let norm = GroupNorm { groups, eps: EPS, weight: &weight, bias: &bias, scale_shift: None, activation };
        let there = (run.put_f32(&weight), run.put_f32(&bias));
        let out = ops::group_norm(&[&run.put(&x)], GroupNorm { weight: &there.0, bias: &there.1, ..norm }).unwrap();
        (out, reference::group_norm(&x, norm))
    });
}

#[test]
fn layer_norm_loses_no_more_than_pytorch() {
    check("layer_norm", |recorded, run| {
        let [rows, channels] = recorded.sizes(["rows", "channels"]);
        let (x, weight, bias) = (run.numbers(&[rows, channels]), run.numbers(&[channels]), run.numbers(&[channels]));
        let out = ops::layer_norm(&run.put(&x), &run.put_f32(&weight), &run.put_f32(&bias), EPS).unwrap();
        (out, reference::layer_norm(&x, &weight, &bias, EPS))
    });
}

#[test]
fn softmax_loses_no_more_than_pytorch() {
    check("softmax", |recorded, run| {
        let x = run.numbers(&recorded.sizes(["rows", "columns"]));
        (ops::softmax(&run.put(&x)).unwrap(), reference::softmax(&x))
    });
}

#[test]
fn attention_loses_no_more_than_pytorch() {
    for case in ["attention_32", "attention_64"] {
        check(case, |recorded, run| {
            let [queries, keys, heads, dim] = recorded.sizes(["queries", "keys", "heads", "head_dim"]);
            let [q, k, v] = [queries, keys, keys].map(|tokens| run.numbers(&[1, tokens, heads * dim]));
            let mask = AttentionMask::default();
            let there = [&q, &k, &v].map(|tensor| run.put(tensor));
            let out = ops::attention(&there[0], &there[1], &there[2], heads, None, mask).unwrap();
            (out, reference::attention(&q, &k, &v, heads, 0, mask))
        });
    }
}

#[test]
fn prelu_loses_no_more_than_pytorch() {
    check("prelu", |recorded, run| {
        let [rows, channels] = recorded.sizes(["rows", "channels"]);
        let (x, slope) = (run.numbers(&[rows, channels]), run.numbers(&[channels]));
        let values = x.as_f32().unwrap().iter().zip(slope.as_f32().unwrap().iter().cycle());
        let want = values.map(|(&x, &slope)| f64::from(x) * if x > 0.0 { 1.0 } else { f64::from(slope) });
        (ops::prelu(&run.put(&x), &run.put_f32(&slope)).unwrap(), want.collect())
    });
}

#[test]
fn activations_lose_no_more_than_pytorch() {
    type Op = fn(&Tensor) -> crate::Result<Tensor>;
    let cases: [(&str, Op, Activation); 3] = [
        ("silu", ops::silu, Activation::Silu),
        ("gelu", ops::gelu, Activation::Gelu),
        ("quick_gelu", ops::quick_gelu, Activation::QuickGelu),
    ];
    for (case, op, activation) in cases {
        check(case, |recorded, run| {
            let x = run.numbers(&[recorded.size("count")]);
            let want = x.as_f32().unwrap().iter().map(|&x| reference::activation(activation, f64::from(x)));
            (op(&run.put(&x)).unwrap(), want.collect())
        });
    }
}
