//! Multi-head attention that never stores the whole score matrix.

use super::check;
use crate::cpu::attention::{Attention, KeyValues};
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

/// What a query may look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttentionMask<'a> {
    /// Query i sees keys 0..=i only: keys and queries count from the same token. It sees all added keys, which stand
    /// before that token.
    pub causal: bool,
    /// `[batch, added_keys + keys]`, added to the scores before the softmax (−10000 hides a key).
    pub key_bias: Option<&'a Tensor>,
}

const OP: &str = "attention";

/// Scaled dot-product attention, scale `1/√head_dim`.
///
/// `q: [batch, queries, heads · head_dim]`, `k` and `v: [batch, keys, heads · head_dim]`; `added`: keys and values
/// `[batch, added_keys, heads · head_dim]` that stand before `k` and `v` → `[batch, queries, heads · head_dim]`.
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    added: Option<(&Tensor, &Tensor)>,
    mask: AttentionMask<'_>,
) -> Result<Tensor> {
    let [batch, query_count, width] = check::dims(OP, "q", "[batch, queries, heads · head_dim]", q)?;
    if heads == 0 || !width.is_multiple_of(heads) {
        return Err(KernelError::parameter(OP, format!("{heads} heads do not divide {width} channels")));
    }
    // In the order in which a query sees them.
    let sequences: Vec<(&Tensor, &Tensor)> = added.into_iter().chain([(k, v)]).collect();
    let mut keys = 0;
    for (k, v) in &sequences {
        let [_, len, _] = check::dims(OP, "k", "[batch, keys, heads · head_dim]", k)?;
        let shape = Shape::from([batch, len, width]);
        check::shape(OP, "k", k, &shape)?;
        check::shape(OP, "v", v, &shape)?;
        keys += len;
    }
    if keys == 0 {
        return Err(KernelError::shape(OP, "wants at least one key, got none"));
    }
    check::optional_shape(OP, "key_bias", mask.key_bias, [batch, keys])?;
    let others = || sequences.iter().flat_map(|&(k, v)| [k, v]).chain(mask.key_bias);
    match check::device(OP, [q].into_iter().chain(others()))? {
        Device::Cpu => {
            let _timer = profile::on_host(OP, || Work {
                // Scores and their products with the values, of every head.
                operations: 4 * (batch * q.dims()[1] * keys * width) as u64,
                ..Work::of([q].into_iter().chain(others()), q.shape())
            });
            let sequences: Vec<KeyValues<'_>> = sequences.iter().map(key_values).collect::<Result<_>>()?;
            let problem = Attention {
                queries: q.values(OP)?,
                query_count,
                sequences: &sequences,
                batch,
                heads,
                head_dim: width / heads,
                causal: mask.causal,
                added_keys: keys - k.dims()[1],
                key_bias: mask.key_bias.map(|bias| bias.values(OP)).transpose()?,
            };
            let mut out = Buffer::result_f32(q.shape())?;
            problem.run(&mut out)?;
            Ok(Tensor::from_buffer(out, DType::F32, q.shape().clone()))
        }
        Device::Cuda(_) => {
            let AttentionMask { causal, key_bias } = mask;
            cuda::ops::attention::Attention { q, k, v, added, key_bias, heads, causal }.run()
        }
    }
}

fn key_values<'a>(&(k, v): &(&'a Tensor, &'a Tensor)) -> Result<KeyValues<'a>> {
    Ok(KeyValues { keys: k.values(OP)?, values: v.values(OP)?, len: k.dims()[1] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::cpu::Isa;
    use crate::harness::{for_each_cuda_device, for_each_device, rounding};
    use crate::reference::{self, Random, assert_close, same_bits, with_threads};

    /// Scores of unit-variance queries and keys are a sum over the head's dimensions; the softmax passes their absolute
    /// error on as a relative one, and the values are averaged over the keys.
    fn tolerance(head_dim: usize, keys: usize) -> f64 {
        2.0 * reference::sum_tolerance(head_dim) + reference::sum_tolerance(keys)
    }

    fn check(
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        heads: usize,
        added: Option<(&Tensor, &Tensor)>,
        mask: AttentionMask<'_>,
    ) {
        let run = || attention(q, k, v, heads, added, mask).unwrap();
        let join = |a: Option<&Tensor>, b: &Tensor| a.map_or(b.clone(), |a| Tensor::concat(&[a, b], 1).unwrap());
        let k = join(added.map(|a| a.0), k);
        let v = join(added.map(|a| a.1), v);
        let added_keys = added.map_or(0, |(k, _)| k.dims()[1]);
        let expected = reference::attention(q, &k, &v, heads, added_keys, mask);
        for isa in Isa::available() {
            assert_close(&isa.force(run), &expected, tolerance(q.dims()[2] / heads, k.dims()[1]));
        }
    }

    /// The reference gets what is left of the numbers in the dtype. Besides sums, the weights of the values are rounded
    /// (which average as the values do), and the result.
    fn check_on_cuda(
        [q, k, v]: [&Tensor; 3],
        heads: usize,
        added: Option<[&Tensor; 2]>,
        causal: bool,
        key_bias: Option<&Tensor>,
    ) {
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let there = |tensor: &Tensor| place.put(tensor, dtype);
                let bias = key_bias.map(|bias| place.put(bias, DType::F32));
                let own = added.map(|added| added.map(there));
                let mask = AttentionMask { causal, key_bias: bias.as_ref() };
                let added_there = own.as_ref().map(|[k, v]| (k, v));
                let out = attention(&there(q), &there(k), &there(v), heads, added_there, mask).unwrap();
                assert_eq!((out.device(), out.dtype()), (place.device, dtype));
                let rounded = |tensor: &Tensor| tensor.to_dtype(dtype).unwrap();
                let join = |index: usize, tensor: &Tensor| match added {
                    Some(added) => rounded(&Tensor::concat(&[added[index], tensor], 1).unwrap()),
                    None => rounded(tensor),
                };
                let (k, v) = (join(0, k), join(1, v));
                let added_keys = added.map_or(0, |[k, _]| k.dims()[1]);
                let mask = AttentionMask { causal, key_bias };
                let expected = reference::attention(&rounded(q), &k, &v, heads, added_keys, mask);
                let of_dtype = if dtype == DType::F32 { 0.0 } else { 2.0 * rounding(dtype) };
                assert_close(&out, &expected, tolerance(q.dims()[2] / heads, k.dims()[1]) + of_dtype);
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn matches_float64_on_cuda(
            batch in 1usize..3, queries in 1usize..70, keys in 1usize..100, heads in 1usize..3,
            head_dim in 1usize..70, added_keys in 0usize..70, tensor_cores: bool, causal: bool, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let width = heads * if tensor_cores { 64 } else { head_dim };
            let q = random.tensor(&[batch, queries, width]);
            let [k, v] = [(); 2].map(|()| random.tensor(&[batch, keys, width]));
            let [added_k, added_v] = [(); 2].map(|()| random.tensor(&[batch, added_keys, width]));
            let bias = random.tensor(&[batch, added_keys + keys]);
            check_on_cuda([&q, &k, &v], heads, Some([&added_k, &added_v]), causal, Some(&bias));
            check_on_cuda([&q, &k, &v], heads, None, causal, None);
        }
    }

    #[test]
    fn blocks_of_hidden_keys_do_not_count_on_cuda() {
        let mut random = Random::new(6);
        let q = random.tensor(&[1, 3, 64]);
        let [k, v] = [(); 2].map(|()| random.tensor(&[1, 150, 64]));
        let hidden = |i: usize| if i < 130 { f32::NEG_INFINITY } else { 0.0 };
        let bias = Tensor::from_f32((0..150).map(hidden).collect(), [1, 150]).unwrap();
        check_on_cuda([&q, &k, &v], 1, None, false, Some(&bias));
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone_on_cuda() {
        let mut random = Random::new(7);
        let [q, k, v] = [(); 3].map(|()| random.tensor(&[3, 70, 128]));
        for_each_cuda_device(|place| {
            for &dtype in place.dtypes() {
                let [q, k, v] = [&q, &k, &v].map(|tensor| place.put(tensor, dtype));
                let run = |[q, k, v]: [&Tensor; 3]| attention(q, k, v, 2, None, AttentionMask::default()).unwrap();
                let all = run([&q, &k, &v]);
                for i in 0..3 {
                    let [q, k, v, one] = [&q, &k, &v, &all].map(|tensor| tensor.narrow(0, i, 1).unwrap());
                    same_bits(&run([&q, &k, &v]), &one);
                }
            }
        });
    }

    /// As when a softmax divides by a sum of nothing.
    #[test]
    fn a_query_that_sees_no_key_gets_nan() {
        for_each_device(|place| {
            for &dtype in place.dtypes() {
                let x = place.put(&Tensor::zeros([1, 3, 64]).unwrap(), dtype);
                let bias = Tensor::from_f32(vec![f32::NEG_INFINITY; 3], [1, 3]).unwrap();
                let bias = place.put(&bias, DType::F32);
                let mask = AttentionMask { causal: false, key_bias: Some(&bias) };
                let out = attention(&x, &x, &x, 1, None, mask).unwrap();
                assert!(out.to_vec_f32().unwrap().iter().all(|x| x.is_nan()));
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn matches_float64(
            batch in 1usize..4, queries in 1usize..70, keys in 1usize..300, heads in 1usize..4,
            head_dim in 1usize..70, added_keys in 0usize..20, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let width = heads * head_dim;
            let q = random.tensor(&[batch, queries, width]);
            let (k, v) = (random.tensor(&[batch, keys, width]), random.tensor(&[batch, keys, width]));
            let (ka, va) = (random.tensor(&[batch, added_keys, width]), random.tensor(&[batch, added_keys, width]));
            let bias = random.tensor(&[batch, added_keys + keys]);
            let mask = AttentionMask { causal: false, key_bias: Some(&bias) };
            check(&q, &k, &v, heads, Some((&ka, &va)), mask);
            check(&q, &k, &v, heads, None, AttentionMask::default());
        }
    }

    #[test]
    fn causal_over_several_key_blocks() {
        let mut random = Random::new(1);
        for tokens in [1, 77, 300, 513] {
            let [q, k, v] = [(); 3].map(|()| random.tensor(&[1, tokens, 20]));
            check(&q, &k, &v, 2, None, AttentionMask { causal: true, key_bias: None });
        }
    }

    #[test]
    fn causal_after_added_keys() {
        let mut random = Random::new(5);
        for (tokens, added_keys) in [(1, 1), (3, 78), (70, 600), (300, 0)] {
            let [q, k, v] = [(); 3].map(|()| random.tensor(&[2, tokens, 20]));
            let [ka, va] = [(); 2].map(|()| random.tensor(&[2, added_keys, 20]));
            let bias = random.tensor(&[2, added_keys + tokens]);
            let mask = AttentionMask { causal: true, key_bias: Some(&bias) };
            check(&q, &k, &v, 2, Some((&ka, &va)), mask);
        }
    }

    #[test]
    fn the_last_queries_alone_get_the_bits_they_get_among_all() {
        let mut random = Random::new(6);
        for (tokens, last) in [(81, 3), (600, 40)] {
            let [q, k, v] = [(); 3].map(|()| random.tensor(&[2, tokens, 20]));
            let mask = AttentionMask { causal: true, key_bias: None };
            let all = attention(&q, &k, &v, 2, None, mask).unwrap();
            let split =
                |x: &Tensor| (x.narrow(1, 0, tokens - last).unwrap(), x.narrow(1, tokens - last, last).unwrap());
            let ((_, q), (k_before, k), (v_before, v)) = (split(&q), split(&k), split(&v));
            let alone = attention(&q, &k, &v, 2, Some((&k_before, &v_before)), mask).unwrap();
            same_bits(&alone, &all.narrow(1, tokens - last, last).unwrap());
        }
    }

    #[test]
    fn wide_heads_and_large_scores() {
        let mut random = Random::new(2);
        let [q, k, v] = [(); 3].map(|()| random.tensor(&[2, 50, 600]));
        check(&q, &k, &v, 2, None, AttentionMask::default());
        let scaled = q.as_f32().unwrap().iter().map(|x| x * 1e4).collect();
        let q = Tensor::from_f32(scaled, [2, 50, 600]).unwrap();
        let out = attention(&q, &k, &v, 1, None, AttentionMask::default()).unwrap();
        assert!(out.as_f32().unwrap().iter().all(|x| x.is_finite()));
    }

    #[test]
    fn hidden_keys_do_not_count() {
        let mut random = Random::new(3);
        let q = random.tensor(&[1, 3, 8]);
        let (k, v) = (random.tensor(&[1, 300, 8]), random.tensor(&[1, 300, 8]));
        let seen = |i: usize| if i < 260 { f32::NEG_INFINITY } else { 0.0 };
        let bias = Tensor::from_f32((0..300).map(seen).collect(), [1, 300]).unwrap();
        let hidden = AttentionMask { causal: false, key_bias: Some(&bias) };
        let rest = (k.narrow(1, 260, 40).unwrap(), v.narrow(1, 260, 40).unwrap());
        let expected = reference::attention(&q, &rest.0, &rest.1, 1, 0, AttentionMask::default());
        assert_close(&attention(&q, &k, &v, 1, None, hidden).unwrap(), &expected, tolerance(8, 40));
    }

    #[test]
    fn batch_items_get_the_bits_they_get_alone() {
        let mut random = Random::new(4);
        let [q, k, v] = [(); 3].map(|()| random.tensor(&[3, 290, 48]));
        let run = |q: &Tensor, k: &Tensor, v: &Tensor| attention(q, k, v, 3, None, AttentionMask::default()).unwrap();
        let all = run(&q, &k, &v);
        for i in 0..3 {
            let [q, k, v] = [&q, &k, &v].map(|t| t.narrow(0, i, 1).unwrap());
            same_bits(&run(&q, &k, &v), &all.narrow(0, i, 1).unwrap());
        }
        same_bits(&with_threads(1, || run(&q, &k, &v)), &with_threads(2, || run(&q, &k, &v)));
    }

    #[test]
    fn shapes_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims).unwrap();
        let (q, k) = (zeros(&[1, 2, 6]), zeros(&[1, 3, 6]));
        let run = |q: &Tensor, k: &Tensor, v: &Tensor, heads, added, mask| attention(q, k, v, heads, added, mask);
        let open = AttentionMask::default();
        assert!(run(&zeros(&[2, 6]), &k, &k, 2, None, open).is_err());
        assert!(run(&q, &k, &k, 0, None, open).is_err());
        assert!(run(&q, &k, &k, 4, None, open).is_err());
        assert!(run(&q, &zeros(&[1, 3, 5]), &k, 2, None, open).is_err());
        assert!(run(&q, &k, &zeros(&[1, 4, 6]), 2, None, open).is_err());
        assert!(run(&q, &zeros(&[1, 0, 6]), &zeros(&[1, 0, 6]), 2, None, open).is_err());
        assert!(run(&q, &k, &k, 2, Some((&k, &q)), open).is_err());
        let error = run(&q, &k, &k, 2, None, AttentionMask { causal: false, key_bias: Some(&q) }).unwrap_err();
        assert_eq!(error.to_string(), "attention: key_bias is [1, 2, 6], wants [1, 3]");
        assert_eq!(run(&zeros(&[1, 0, 6]), &k, &k, 2, None, open).unwrap().dims(), [1, 0, 6]);
    }
}
