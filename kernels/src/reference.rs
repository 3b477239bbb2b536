//! What the ops should compute, in float64 and without a thought for speed; and what tests share.

#![allow(clippy::unwrap_used)]

use crate::ops::{Activation, AttentionMask, Epilogue, GroupNorm};
use crate::{DType, Device, Tensor};

/// Numbers for tests (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Approximately normal, variance 1.
    fn number(&mut self) -> f32 {
        let uniform = |word: u64| (word & 0xFFFF) as f32 / 65536.0;
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        let sum: f32 = (0..4).map(|i| uniform(word >> (16 * i))).sum();
        (sum - 2.0) * 3f32.sqrt()
    }

    pub(crate) fn tensor(&mut self, dims: &[usize]) -> Tensor {
        let len = dims.iter().product();
        Tensor::from_f32((0..len).map(|_| self.number()).collect(), dims).unwrap()
    }
}

/// Relative error of a sum of `terms` products of independent numbers: every addition rounds a partial sum, which grows
/// like √terms as the result does, by 2⁻²⁴ at most, so the roundings add up to about √terms · 2⁻²⁴. A handful more for
/// what stands around the sum.
pub(crate) fn sum_tolerance(terms: usize) -> f64 {
    ((terms as f64).sqrt() + 4.0) / f64::from(1 << 24)
}

/// Asserts `‖got − expected‖ ≤ tolerance · ‖expected‖`.
pub(crate) fn assert_close(got: &Tensor, expected: &[f64], tolerance: f64) {
    let got = got.to_vec_f32().unwrap();
    assert_eq!(got.len(), expected.len());
    let error: f64 = got.iter().zip(expected).map(|(&got, want)| (f64::from(got) - want).powi(2)).sum();
    let norm: f64 = expected.iter().map(|want| want * want).sum();
    // Written so that a NaN fails.
    let close = error.sqrt() <= tolerance * norm.sqrt();
    assert!(close, "relative error {:e}, tolerance {tolerance:e}", (error / norm).sqrt());
}

pub(crate) fn same_bits(a: &Tensor, b: &Tensor) {
    assert_eq!(a.dims(), b.dims());
    let [a, b] = [a, b].map(|tensor| tensor.to_device(Device::Cpu).unwrap());
    assert!(a.bytes().unwrap() == b.bytes().unwrap(), "bits differ");
}

pub(crate) fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

fn wide(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F32).unwrap().as_f32().unwrap().iter().map(|&x| x.into()).collect()
}

pub(crate) fn activation(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::None => x,
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Gelu => 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
        Activation::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
    }
}

pub(crate) fn linear(x: &Tensor, weight: &Tensor) -> Vec<f64> {
    let depth = weight.dims()[1];
    let (x, weight) = (wide(x), wide(weight));
    x.chunks(depth).flat_map(|x| weight.chunks(depth).map(move |w| x.iter().zip(w).map(|(x, w)| x * w).sum())).collect()
}

/// `x: [b, h, w, c]`, `weight: [o, c, kh, kw]`.
pub(crate) fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Vec<f64> {
    let (&[b, h, w, c], &[o, _, kh, kw]) = (x.dims(), weight.dims()) else { panic!("four dimensions") };
    let (x, weight) = (wide(x), wide(weight));
    let out = |size: usize, kernel: usize| (size + 2 * padding - kernel) / stride + 1;
    let inside =
        |at: usize, offset: usize, size: usize| (at * stride + offset).checked_sub(padding).filter(|&at| at < size);
    let mut result = Vec::new();
    for (item, y, column, o) in indices([b, out(h, kh), out(w, kw), o]) {
        let mut sum = 0.0;
        for (c_in, ky, kx, _) in indices([c, kh, kw, 1]) {
            if let (Some(y), Some(column)) = (inside(y, ky, h), inside(column, kx, w)) {
                sum += x[((item * h + y) * w + column) * c + c_in] * weight[((o * c + c_in) * kh + ky) * kw + kx];
            }
        }
        result.push(sum);
    }
    result
}

fn indices([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..a * b * c * d).map(move |i| (i / (b * c * d), i / (c * d) % b, i / d % c, i % d))
}

pub(crate) fn epilogue(mut product: Vec<f64>, batch: usize, epilogue: Epilogue<'_>) -> Vec<f64> {
    let per_item = product.len() / batch;
    let values = |tensor: Option<&Tensor>| tensor.map(wide);
    let (bias, residual) = (values(epilogue.bias), values(epilogue.residual));
    let sample_bias = values(epilogue.sample_bias);
    for (i, value) in product.iter_mut().enumerate() {
        let mut sum = *value;
        if let Some(bias) = &bias {
            sum += bias[i % bias.len()];
        }
        if let Some(bias) = &sample_bias {
            let columns = bias.len() / batch;
            sum += bias[i / per_item * columns + i % columns];
        }
        sum = activation(epilogue.activation, sum);
        *value = (sum + residual.as_ref().map_or(0.0, |residual| residual[i])) * f64::from(epilogue.scale);
    }
    product
}

pub(crate) fn softmax(x: &Tensor) -> Vec<f64> {
    let len = *x.dims().last().unwrap();
    wide(x).chunks(len).flat_map(softmax_row).collect()
}

fn softmax_row(x: &[f64]) -> Vec<f64> {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = x.iter().map(|x| (x - max).exp()).sum();
    x.iter().map(|x| (x - max).exp() / total).collect()
}

/// The first `added_keys` of `k` and `v` are those that stand before the token that queries count from.
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    added_keys: usize,
    mask: AttentionMask<'_>,
) -> Vec<f64> {
    let (&[batch, queries, width], keys) = (q.dims(), k.dims()[1]) else { panic!("three dimensions") };
    let dim = width / heads;
    let (q, k, v) = (wide(q), wide(k), wide(v));
    let bias = mask.key_bias.map(wide);
    let mut out = vec![0.0; q.len()];
    for (item, head, query, _) in indices([batch, heads, queries, 1]) {
        let at = |row: usize, rows: usize| (item * rows + row) * width + head * dim;
        let q = &q[at(query, queries)..][..dim];
        let seen = if mask.causal { (added_keys + query + 1).min(keys) } else { keys };
        let scores: Vec<f64> = (0..seen)
            .map(|key| {
                let dot: f64 = q.iter().zip(&k[at(key, keys)..]).map(|(q, k)| q * k).sum();
                dot / (dim as f64).sqrt() + bias.as_ref().map_or(0.0, |bias| bias[item * keys + key])
            })
            .collect();
        for (key, weight) in softmax_row(&scores).into_iter().enumerate() {
            for d in 0..dim {
                out[at(query, queries) + d] += weight * v[at(key, keys) + d];
            }
        }
    }
    out
}

/// Mean and 1/√(variance + eps).
fn statistics(x: &[f64], eps: f32) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
    (mean, 1.0 / (variance + f64::from(eps)).sqrt())
}

pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Vec<f64> {
    let (x, weight, bias) = (wide(x), wide(weight), wide(bias));
    x.chunks(weight.len())
        .flat_map(|x| {
            let (mean, rstd) = statistics(x, eps);
            x.iter().zip(&weight).zip(&bias).map(move |((x, w), b)| (x - mean) * rstd * w + b)
        })
        .collect()
}

pub(crate) fn group_norm(x: &Tensor, norm: GroupNorm<'_>) -> Vec<f64> {
    let (batch, channels) = (x.dims()[0], *x.dims().last().unwrap());
    let (mut x, weight, bias) = (wide(x), wide(norm.weight), wide(norm.bias));
    let scale_shift = norm.scale_shift.map_or_else(|| vec![0.0; batch * 2 * channels], wide);
    let (per_item, per_group) = (x.len() / batch, channels / norm.groups);
    for (item, x) in x.chunks_mut(per_item).enumerate() {
        let statistics: Vec<(f64, f64)> = (0..norm.groups)
            .map(|group| {
                let members = |i: &usize| i % channels / per_group == group;
                let values: Vec<f64> = (0..x.len()).filter(members).map(|i| x[i]).collect();
                statistics(&values, norm.eps)
            })
            .collect();
        let scale_shift = &scale_shift[item * 2 * channels..];
        for (i, x) in x.iter_mut().enumerate() {
            let c = i % channels;
            let (mean, rstd) = statistics[c / per_group];
            let normal = (*x - mean) * rstd * weight[c] + bias[c];
            *x = activation(norm.activation, normal * (1.0 + scale_shift[c]) + scale_shift[channels + c]);
        }
    }
    x
}

/// The definition: every output pixel is the mean of all input pixels, weighted with the stretched cubic.
pub(crate) fn resize_bicubic(x: &Tensor, height: usize, width: usize) -> Vec<f64> {
    let &[b, h, w, c] = x.dims() else { panic!("four dimensions") };
    let x = wide(x);
    let rows = cubic_weights(h, height);
    let columns = cubic_weights(w, width);
    indices([b, height, width, c])
        .map(|(item, y, column, channel)| {
            let pixel = |(y, wy): (usize, &f64)| {
                let along: f64 = (0..w).map(|i| columns[column][i] * x[((item * h + y) * w + i) * c + channel]).sum();
                wy * along
            };
            rows[y].iter().enumerate().map(pixel).sum()
        })
        .collect()
}

fn cubic_weights(from: usize, to: usize) -> Vec<Vec<f64>> {
    let cubic = |x: f64| match x.abs() {
        x if x < 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
        x if x < 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
        _ => 0.0,
    };
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|i| {
            let center = (i as f64 + 0.5) * scale;
            let weights: Vec<f64> = (0..from).map(|j| cubic((j as f64 + 0.5 - center) / scale.max(1.0))).collect();
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / total).collect()
        })
        .collect()
}
