//! Multi-head attention that never stores the whole score matrix.

use super::check;
use crate::cpu::attention::{Attention, KeyValues};
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
    let sequences: Vec<KeyValues<'_>> =
        added.into_iter().chain([(k, v)]).map(|(k, v)| key_values(k, v, batch, width)).collect::<Result<_>>()?;
    let keys: usize = sequences.iter().map(|sequence| sequence.len).sum();
    if keys == 0 {
        return Err(KernelError::shape(OP, "wants at least one key, got none"));
    }
    let problem = Attention {
        queries: q.values(OP)?,
        query_count,
        sequences: &sequences,
        batch,
        heads,
        head_dim: width / heads,
        causal: mask.causal,
        added_keys: keys - sequences[sequences.len() - 1].len,
        key_bias: check::optional_values(OP, "key_bias", mask.key_bias, [batch, keys])?,
    };
    match q.device() {
        Device::Cpu => {
            let mut out = Buffer::zeroed_f32(q.shape())?;
            problem.run(&mut out)?;
            Ok(Tensor::from_buffer(out, DType::F32, q.shape().clone()))
        }
    }
}

fn key_values<'a>(k: &'a Tensor, v: &'a Tensor, batch: usize, width: usize) -> Result<KeyValues<'a>> {
    let [_, len, _] = check::dims(OP, "k", "[batch, keys, heads · head_dim]", k)?;
    let shape = Shape::from([batch, len, width]);
    let keys = check::values(OP, "k", k, &shape)?;
    let values = check::values(OP, "v", v, &shape)?;
    Ok(KeyValues { keys, values, len })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::cpu::Isa;
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
