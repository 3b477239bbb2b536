//! Launches of attention.

use crate::cuda::launch::{In, Launch};
use crate::cuda::{NewTensor, table};
use crate::{DType, Result, Tensor};

/// What attention is of. Keys and values that are added stand before the others.
pub(crate) struct Attention<'a> {
    pub(crate) q: &'a Tensor,
    pub(crate) k: &'a Tensor,
    pub(crate) v: &'a Tensor,
    pub(crate) added: Option<(&'a Tensor, &'a Tensor)>,
    pub(crate) key_bias: Option<&'a Tensor>,
    pub(crate) heads: usize,
    pub(crate) causal: bool,
}

/// The kernels, see `cuda/attention.cu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Naive,
    Tiled,
    /// For a `head_dim` of 64, with blocks of 64 queries.
    Mma64,
    /// The same with blocks of 128 queries.
    Mma128,
    /// For other widths of heads, with blocks of 64 queries.
    MmaWide(HeadWidth),
}

/// Dimensions of a head, beside 64, for which there are kernels on tensor cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadWidth {
    Of32,
    Of40,
    Of80,
    Of96,
    Of128,
}

impl HeadWidth {
    fn of(head_dim: usize) -> Option<Self> {
        match head_dim {
            32 => Some(HeadWidth::Of32),
            40 => Some(HeadWidth::Of40),
            80 => Some(HeadWidth::Of80),
            96 => Some(HeadWidth::Of96),
            128 => Some(HeadWidth::Of128),
            _ => None,
        }
    }
}

impl Attention<'_> {
    /// `[batch, queries, heads, head_dim]`.
    fn sizes(&self) -> [usize; 4] {
        let dims = self.q.dims();
        [dims[0], dims[1], self.heads, dims[2] / self.heads]
    }

    /// Which version runs. The two that differ in the size of their blocks give the same bits, so that may depend on the batch.
    fn version(&self) -> Version {
        let [batch, queries, heads, head_dim] = self.sizes();
        let tensors = [self.q, self.k, self.v].into_iter().chain(self.added.into_iter().flat_map(|(k, v)| [k, v]));
        let aligned = tensors.map(In::<f32>::from).all(|x| x.is_aligned(16));
        let large_blocks = queries.div_ceil(128) * heads * batch;
        let on_tensor_cores = aligned && self.q.dtype() != DType::F32;
        match (head_dim, HeadWidth::of(head_dim)) {
            (64, _) if on_tensor_cores => {
                // Two of the large blocks fit on a multiprocessor; fewer leave it waiting.
                let enough = 2 * self.q.context().properties().multiprocessors as usize;
                if large_blocks >= enough { Version::Mma128 } else { Version::Mma64 }
            }
            (_, Some(width)) if on_tensor_cores => Version::MmaWide(width),
            (0..=64, _) => Version::Tiled,
            _ => Version::Naive,
        }
    }

    pub(crate) fn run(&self) -> Result<Tensor> {
        self.run_as(self.version())
    }

    fn run_as(&self, version: Version) -> Result<Tensor> {
        let [batch, queries, heads, head_dim] = self.sizes();
        let out = NewTensor::like(self.q, self.q.shape())?;
        // Added keys that are none have no address that could be read from.
        let added = self.added.filter(|(k, _)| k.dims()[1] > 0);
        let (keys, added_keys) = (self.k.dims()[1], added.map_or(0, |(k, _)| k.dims()[1]));
        let (added_k, added_v) = (added.map(|(k, _)| In::from(k)), added.map(|(_, v)| In::from(v)));
        let (q, k, v, key_bias) = (self.q.into(), self.k.into(), self.v.into(), self.key_bias.map(In::from));
        let (causal, scale) = (i32::from(self.causal), 1.0 / (head_dim as f32).sqrt());
        macro_rules! launch {
            ($kernel:ident, $rows:expr, $threads:expr, $shared_bytes:expr) => {{
                let launch = Launch {
                    grid: [queries.div_ceil($rows), heads, batch],
                    threads: $threads,
                    shared_bytes: $shared_bytes,
                };
                table::$kernel {
                    q,
                    k,
                    v,
                    added_k,
                    added_v,
                    key_bias,
                    out: out.pointer(),
                    queries,
                    keys,
                    added_keys,
                    heads,
                    head_dim,
                    causal,
                    scale,
                }
                .launch(out.context(), launch)?
            }};
        }
        /// Queries and two blocks of keys and values. Rows of eight pieces of 16 bytes are swizzled, others an odd number of
        /// pieces apart; they have an even number.
        const fn mma_bytes(queries: usize, head_dim: usize) -> usize {
            let pieces = head_dim.div_ceil(16) * 2;
            (queries + 4 * 64) * if pieces == 8 { pieces } else { pieces + 1 } * 16
        }
        let wide_bytes = mma_bytes(64, head_dim);
        match version {
            Version::Naive => launch!(attention_naive, 1, 32, head_dim * size_of::<f32>()),
            Version::Tiled => launch!(attention_tiled, 64, 256, 4 * 64 * 68 * size_of::<f32>()),
            Version::Mma64 => launch!(attention_64_mma, 64, 128, mma_bytes(64, 64)),
            Version::Mma128 => launch!(attention_128_mma, 128, 128, mma_bytes(128, 64)),
            Version::MmaWide(width) => match width {
                HeadWidth::Of32 => launch!(attention_32wide_mma, 64, 128, wide_bytes),
                HeadWidth::Of40 => launch!(attention_40wide_mma, 64, 128, wide_bytes),
                HeadWidth::Of80 => launch!(attention_80wide_mma, 64, 128, wide_bytes),
                HeadWidth::Of96 => launch!(attention_96wide_mma, 64, 128, wide_bytes),
                HeadWidth::Of128 => launch!(attention_128wide_mma, 64, 128, wide_bytes),
            },
        }
        Ok(out.finish())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::{for_each_cuda_device, rounding};
    use crate::reference::{self, Random, assert_close, same_bits};

    /// The versions on tensor cores, with added keys, and heads beside each other.
    #[test]
    fn heads_of_every_width_match_float64() {
        let mut random = Random::new(2);
        for head_dim in [32, 40, 80, 96, 128] {
            let [q, k, v] = [70, 66, 66].map(|tokens| random.tensor(&[2, tokens, 2 * head_dim]));
            let [added_k, added_v] = [3, 3].map(|tokens| random.tensor(&[2, tokens, 2 * head_dim]));
            for_each_cuda_device(|place| {
                for &dtype in &[DType::F16, DType::BF16] {
                    let [q, k, v, added_k, added_v] =
                        [&q, &k, &v, &added_k, &added_v].map(|tensor| tensor.to_dtype(dtype).unwrap());
                    let joined = [[&added_k, &k], [&added_v, &v]].map(|two| Tensor::concat(&two, 1).unwrap());
                    let mask = crate::ops::AttentionMask { causal: true, key_bias: None };
                    let expected = reference::attention(&q, &joined[0], &joined[1], 2, 3, mask);
                    let [q, k, v, added_k, added_v] =
                        [q, k, v, added_k, added_v].map(|tensor| place.put(&tensor, dtype));
                    let added = Some((&added_k, &added_v));
                    let attention = Attention { q: &q, k: &k, v: &v, added, key_bias: None, heads: 2, causal: true };
                    let width = HeadWidth::of(head_dim).unwrap();
                    assert_eq!(attention.version(), Version::MmaWide(width));
                    let tolerance =
                        2.0 * reference::sum_tolerance(head_dim) + reference::sum_tolerance(69) + 2.0 * rounding(dtype);
                    let out = attention.run().unwrap();
                    assert_close(&out, &expected, tolerance);
                    // An item alone gets the same bits.
                    let item = |tensor: &Tensor| tensor.narrow(0, 1, 1).unwrap();
                    let [q, k, v, added_k, added_v] = [&q, &k, &v, &added_k, &added_v].map(item);
                    let added = Some((&added_k, &added_v));
                    let alone = Attention { q: &q, k: &k, v: &v, added, key_bias: None, heads: 2, causal: true };
                    same_bits(&alone.run().unwrap(), &item(&out));
                }
            });
        }
    }

    /// More than one block of queries and of keys, with rests; the versions on tensor cores give the same bits.
    #[test]
    fn every_version_matches_float64() {
        let mut random = Random::new(1);
        let [q, k, v] = [150, 70, 70].map(|tokens| random.tensor(&[1, tokens, 64]));
        let bias = random.tensor(&[1, 70]);
        for_each_cuda_device(|place| {
            let bias_there = place.put(&bias, DType::F32);
            for &dtype in place.dtypes() {
                let mask = crate::ops::AttentionMask { causal: true, key_bias: Some(&bias) };
                let [q, k, v] = [&q, &k, &v].map(|tensor| tensor.to_dtype(dtype).unwrap());
                let expected = reference::attention(&q, &k, &v, 1, 0, mask);
                let [q, k, v] = [q, k, v].map(|tensor| place.put(&tensor, dtype));
                let key_bias = Some(&bias_there);
                let attention = Attention { q: &q, k: &k, v: &v, added: None, key_bias, heads: 1, causal: true };
                // Weights are rounded, on tensor cores, and the result.
                let of_dtype = if dtype == DType::F32 { 0.0 } else { 2.0 * rounding(dtype) };
                let tolerance = 2.0 * reference::sum_tolerance(64) + reference::sum_tolerance(70) + of_dtype;
                let run = |version| {
                    let out = attention.run_as(version).unwrap();
                    assert_close(&out, &expected, tolerance);
                    out
                };
                run(Version::Naive);
                run(Version::Tiled);
                if dtype != DType::F32 {
                    same_bits(&run(Version::Mma64), &run(Version::Mma128));
                }
            }
        });
    }
}
