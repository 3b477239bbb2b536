//! Attention by blocks of queries and keys, with a running softmax (Milakov & Gimelshein 2018; Dao et al. 2022).

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::gemm::{DEPTH_BLOCK, Elements, Float32, Panels, ROW_MULTIPLE, Row, TileSink, multiply};
use super::output::SharedMatrix;
use super::{Isa, load, math, store};
use crate::Result;

/// Queries of a task.
const QUERIES: usize = 4 * ROW_MULTIPLE;

/// Keys whose scores are held at a time: the scores are the left operand of the product with the values.
const KEYS: usize = DEPTH_BLOCK;

/// Keys and values of a token sequence, `[batch, len, heads · head_dim]`.
#[derive(Clone, Copy)]
pub(crate) struct KeyValues<'a> {
    pub(crate) keys: &'a [f32],
    pub(crate) values: &'a [f32],
    pub(crate) len: usize,
}

/// A checked [`crate::ops::attention`].
pub(crate) struct Attention<'a> {
    pub(crate) queries: &'a [f32],
    pub(crate) query_count: usize,
    /// Sequences that stand one after the other.
    pub(crate) sequences: &'a [KeyValues<'a>],
    pub(crate) batch: usize,
    pub(crate) heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) causal: bool,
    /// Keys that every query sees, however causal: those before the last sequence.
    pub(crate) added_keys: usize,
    pub(crate) key_bias: Option<&'a [f32]>,
}

/// One head of one batch item, laid out for the two products.
struct Head {
    /// `[head_dim, keys]`.
    keys: Panels,
    /// `[keys, head_dim]`.
    values: Panels,
}

impl<'a> Attention<'a> {
    pub(crate) fn run(&self, out: &mut [f32]) -> Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let isa = Isa::detect();
        let heads: Vec<Head> = (0..self.batch * self.heads)
            .into_par_iter()
            .map(|index| self.pack(isa, index / self.heads, index % self.heads))
            .collect::<Result<_>>()?;
        let out = SharedMatrix::new(out, self.heads * self.head_dim);
        let blocks = self.query_count.div_ceil(QUERIES);
        (0..heads.len() * blocks).into_par_iter().for_each_init(
            || Scratch::new(self.head_dim),
            |scratch, task| {
                let (index, start) = (task / blocks, task % blocks * QUERIES);
                let queries = start..self.query_count.min(start + QUERIES);
                let (item, head) = (index / self.heads, index % self.heads);
                let packed = &heads[index];
                isa.dispatch(Block { of: self, packed, item, head, queries, scratch, out });
            },
        );
        Ok(())
    }

    fn key_count(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.len).sum()
    }

    fn pack(&self, isa: Isa, item: usize, head: usize) -> Result<Head> {
        let (width, dim) = (self.heads * self.head_dim, self.head_dim);
        let rows = |of: fn(&KeyValues<'a>) -> &'a [f32]| -> Vec<&'a [f32]> {
            let of_sequence = |sequence: &KeyValues<'a>| {
                let (values, len) = (of(sequence), sequence.len);
                (item * len..(item + 1) * len).map(move |row| &values[row * width + head * dim..][..dim])
            };
            self.sequences.iter().flat_map(of_sequence).collect()
        };
        let (keys, values) = (rows(|sequence| sequence.keys), rows(|sequence| sequence.values));
        let read_keys = |d: usize, columns: Range<usize>, out: &mut [f32]| {
            for (out, key) in out.iter_mut().zip(&keys[columns]) {
                *out = key[d];
            }
        };
        let read_values = |key: usize, columns: Range<usize>, out: &mut [f32]| {
            out.copy_from_slice(&values[key][columns]);
        };
        let elements = Elements::Float32(Float32);
        Ok(Head {
            keys: Panels::pack(isa, elements, dim, keys.len(), read_keys)?,
            values: Panels::pack(isa, elements, values.len(), dim, read_values)?,
        })
    }
}

/// What a task works in.
struct Scratch {
    /// The scaled queries: for every block of the head's dimensions, [`QUERIES`] rows.
    queries: Vec<Row>,
    scores: Vec<Row>,
    /// `[QUERIES, head_dim]`: sums of values, not yet divided by `totals`.
    sums: Vec<f32>,
    /// Largest score so far and sum of exponentials of the scores' distances from it.
    maxima: [f32; QUERIES],
    totals: [f32; QUERIES],
}

impl Scratch {
    fn new(head_dim: usize) -> Self {
        Scratch {
            queries: vec![[0.0; DEPTH_BLOCK]; QUERIES * head_dim.div_ceil(DEPTH_BLOCK)],
            scores: vec![[0.0; KEYS]; QUERIES],
            sums: vec![0.0; QUERIES * head_dim],
            maxima: [0.0; QUERIES],
            totals: [0.0; QUERIES],
        }
    }
}

/// A block of queries of one head.
struct Block<'a> {
    of: &'a Attention<'a>,
    packed: &'a Head,
    item: usize,
    head: usize,
    queries: Range<usize>,
    scratch: &'a mut Scratch,
    out: SharedMatrix<'a>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.load_queries();
        let all = self.of.key_count();
        // The last query of the block sees the most keys.
        let end = if self.of.causal { all.min(self.of.added_keys + self.queries.end) } else { all };
        for start in (0..end).step_by(KEYS) {
            let keys = start..end.min(start + KEYS);
            self.score(simd, keys.clone());
            for row in 0..self.queries.len() {
                self.weigh(simd, row, keys.clone());
            }
            let dims = 0..self.packed.values.count();
            let mut sink = AddTo { out: &mut self.scratch.sums, width: self.of.head_dim };
            let rows = self.queries.len();
            multiply(simd, Float32, &self.scratch.scores, rows, &self.packed.values, dims, keys, &mut sink);
        }
        self.finish(simd);
    }
}

impl Block<'_> {
    fn width(&self) -> usize {
        self.of.heads * self.of.head_dim
    }

    /// Scales the queries rather than the scores, of which there are more.
    fn load_queries(&mut self) {
        let dim = self.of.head_dim;
        let scale = 1.0 / (dim as f32).sqrt();
        for (row, query) in self.queries.clone().enumerate() {
            let start = (self.item * self.of.query_count + query) * self.width() + self.head * dim;
            let values = self.of.queries[start..start + dim].chunks(DEPTH_BLOCK);
            for (block, values) in values.enumerate() {
                let to = &mut self.scratch.queries[block * QUERIES + row];
                for (to, value) in to.iter_mut().zip(values) {
                    *to = value * scale;
                }
            }
        }
        self.scratch.sums.fill(0.0);
        self.scratch.maxima.fill(f32::NEG_INFINITY);
        self.scratch.totals.fill(0.0);
    }

    #[inline(always)]
    fn score<S: Simd>(&mut self, simd: S, keys: Range<usize>) {
        let panel = self.packed.keys.width();
        let panels = keys.start / panel..keys.end.div_ceil(panel);
        let dim = self.of.head_dim;
        for (block, queries) in self.scratch.queries.chunks(QUERIES).enumerate() {
            let start = block * DEPTH_BLOCK;
            let dims = start..dim.min(start + DEPTH_BLOCK);
            let mut sink = Scores { out: &mut self.scratch.scores, first_key: keys.start, accumulate: block > 0 };
            let rows = self.queries.len();
            multiply(simd, Float32, queries, rows, &self.packed.keys, panels.clone(), dims, &mut sink);
        }
    }

    /// Turns a row of scores into weights `e^(score − maximum)` and corrects what was summed for a smaller maximum.
    #[inline(always)]
    fn weigh<S: Simd>(&mut self, simd: S, row: usize, keys: Range<usize>) {
        let lanes = S::F32_LANES;
        let visible = match self.of.causal {
            true => (self.of.added_keys + self.queries.start + row + 1).clamp(keys.start, keys.end) - keys.start,
            false => keys.len(),
        };
        let padded = keys.len().next_multiple_of(lanes);
        let scores = &mut self.scratch.scores[row][..padded];
        if let Some(bias) = self.of.key_bias {
            let first = self.item * self.of.key_count();
            let bias = &bias[first + keys.start..first + keys.end];
            for (score, bias) in scores.chunks_mut(lanes).zip(bias.chunks(lanes)) {
                let sum = simd.add_f32s(load(simd, score), load(simd, bias));
                store(simd, score, sum);
            }
        }
        scores[visible..].fill(f32::NEG_INFINITY);

        let before = self.scratch.maxima[row];
        let mut max = simd.splat_f32s(before);
        for score in scores.chunks(lanes) {
            max = simd.max_f32s(max, load(simd, score));
        }
        let max = simd.reduce_max_f32s(max);
        // While all keys are hidden their weights are 0, not e^(−∞ + ∞).
        let center = simd.splat_f32s(if max == f32::NEG_INFINITY { 0.0 } else { max });
        let mut total = simd.splat_f32s(0.0);
        for score in scores.chunks_mut(lanes) {
            let weight = math::exp(simd, simd.sub_f32s(load(simd, score), center));
            total = simd.add_f32s(total, weight);
            store(simd, score, weight);
        }
        let correction = math::exp(simd, simd.sub_f32s(simd.splat_f32s(before), center));
        let dim = self.of.head_dim;
        for sums in self.scratch.sums[row * dim..(row + 1) * dim].chunks_mut(lanes) {
            let sum = simd.mul_f32s(load(simd, sums), correction);
            store(simd, sums, sum);
        }
        let totals = &mut self.scratch.totals[row];
        *totals = *totals * simd.reduce_max_f32s(correction) + simd.reduce_sum_f32s(total);
        self.scratch.maxima[row] = max;
    }

    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S) {
        let dim = self.of.head_dim;
        let columns = self.head * dim..(self.head + 1) * dim;
        for (row, query) in self.queries.clone().enumerate() {
            let total = simd.splat_f32s(self.scratch.totals[row]);
            // SAFETY: tasks are disjoint blocks of batch items, queries and heads.
            let out = unsafe { self.out.row(self.item * self.of.query_count + query, columns.clone()) };
            let sums = self.scratch.sums[row * dim..].chunks(S::F32_LANES);
            for (out, sums) in out.chunks_mut(S::F32_LANES).zip(sums) {
                store(simd, out, simd.div_f32s(load(simd, sums), total));
            }
        }
    }
}

/// Stores scores in rows of their own.
struct Scores<'a> {
    out: &'a mut [Row],
    first_key: usize,
    accumulate: bool,
}

impl TileSink for Scores<'_> {
    #[inline(always)]
    fn put<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        tile: &[[S::f32s; WIDTH]; HEIGHT],
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        let first = columns.start - self.first_key;
        for (row, sums) in self.out[rows].iter_mut().zip(tile) {
            for (vector, out) in sums.iter().zip(row[first..].chunks_exact_mut(S::F32_LANES)) {
                let sum = match self.accumulate {
                    true => simd.add_f32s(load(simd, out), *vector),
                    false => *vector,
                };
                store(simd, out, sum);
            }
        }
    }
}

/// Adds to a matrix.
struct AddTo<'a> {
    out: &'a mut [f32],
    width: usize,
}

impl TileSink for AddTo<'_> {
    #[inline(always)]
    fn put<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        tile: &[[S::f32s; WIDTH]; HEIGHT],
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        for (row, sums) in rows.zip(tile) {
            let out = &mut self.out[row * self.width..][columns.clone()];
            for (vector, out) in sums.iter().zip(out.chunks_mut(S::F32_LANES)) {
                let sum = simd.add_f32s(load(simd, out), *vector);
                store(simd, out, sum);
            }
        }
    }
}
