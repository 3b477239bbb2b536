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
    /// With blocks of 64 queries.
    Mma64,
    /// With blocks of 128 queries.
    Mma128,
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
        match (self.q.dtype(), head_dim) {
            (DType::F16 | DType::BF16, 64) if aligned => {
                // Two of the large blocks fit on a multiprocessor; fewer leave it waiting.
                let enough = 2 * self.q.context().properties().multiprocessors as usize;
                if large_blocks >= enough { Version::Mma128 } else { Version::Mma64 }
            }
            (_, 0..=64) => Version::Tiled,
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
        /// Queries and two blocks of keys and values, 64 numbers of 16 bits each.
        const fn mma_bytes(queries: usize) -> usize {
            (queries + 4 * 64) * 64 * 2
        }
        match version {
            Version::Naive => launch!(attention_naive, 1, 32, head_dim * size_of::<f32>()),
            Version::Tiled => launch!(attention_tiled, 64, 256, 4 * 64 * 68 * size_of::<f32>()),
            Version::Mma64 => launch!(attention_64_mma, 64, 128, mma_bytes(64)),
            Version::Mma128 => launch!(attention_128_mma, 128, 128, mma_bytes(128)),
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
