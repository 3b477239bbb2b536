//! Functions of whole rows: layer normalisation and softmax.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{Isa, TASK_ELEMENTS, load, math, store};

/// A function of one row.
pub(crate) trait RowFunction: Sync {
    /// `out` and `x` are equally long and not empty.
    fn apply<S: Simd>(&self, simd: S, x: &[f32], out: &mut [f32]);
}

/// Applies `f` to every row, on all cores.
pub(crate) fn for_each_row(f: &impl RowFunction, x: &[f32], row: usize, out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    let isa = Isa::detect();
    let task = (TASK_ELEMENTS / row).max(1) * row;
    out.par_chunks_mut(task).zip(x.par_chunks(task)).for_each(|(out, x)| isa.dispatch(Rows { f, x, row, out }));
}

struct Rows<'a, F> {
    f: &'a F,
    x: &'a [f32],
    row: usize,
    out: &'a mut [f32],
}

impl<F: RowFunction> WithSimd for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (x, out) in self.x.chunks_exact(self.row).zip(self.out.chunks_exact_mut(self.row)) {
            self.f.apply(simd, x, out);
        }
    }
}

/// `(x − mean) / √(variance + eps) · weight + bias`.
pub(crate) struct LayerNorm<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) eps: f32,
}

impl RowFunction for LayerNorm<'_> {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, x: &[f32], out: &mut [f32]) {
        let len = x.len() as f32;
        let mean = sum(simd, x) / len;
        // Two passes: `E[x²] − mean²` would cancel.
        let variance = sum_of_squares(simd, x, mean) / len;
        let rstd = simd.splat_f32s(1.0 / (variance + self.eps).sqrt());
        let mean = simd.splat_f32s(mean);
        let lanes = S::F32_LANES;
        let parameters = self.weight.chunks(lanes).zip(self.bias.chunks(lanes));
        for ((x, out), (weight, bias)) in x.chunks(lanes).zip(out.chunks_mut(lanes)).zip(parameters) {
            let normal = simd.mul_f32s(simd.sub_f32s(load(simd, x), mean), rstd);
            let value = simd.mul_add_e_f32s(normal, load(simd, weight), load(simd, bias));
            store(simd, out, value);
        }
    }
}

/// `e^xᵢ / Σ e^xⱼ`.
pub(crate) struct Softmax;

impl RowFunction for Softmax {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, x: &[f32], out: &mut [f32]) {
        let lanes = S::F32_LANES;
        // Without the maximum the exponentials overflow.
        let max = simd.splat_f32s(x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        for (x, out) in x.chunks(lanes).zip(out.chunks_mut(lanes)) {
            store(simd, out, math::exp(simd, simd.sub_f32s(load(simd, x), max)));
        }
        let total = simd.splat_f32s(sum(simd, out));
        for out in out.chunks_mut(lanes) {
            let value = simd.div_f32s(load(simd, out), total);
            store(simd, out, value);
        }
    }
}

#[inline(always)]
fn sum<S: Simd>(simd: S, x: &[f32]) -> f32 {
    let mut total = simd.splat_f32s(0.0);
    for x in x.chunks(S::F32_LANES) {
        total = simd.add_f32s(total, load(simd, x));
    }
    simd.reduce_sum_f32s(total)
}

#[inline(always)]
fn sum_of_squares<S: Simd>(simd: S, x: &[f32], mean: f32) -> f32 {
    let mean_vector = simd.splat_f32s(mean);
    let mut total = simd.splat_f32s(0.0);
    let (whole, tail) = S::as_simd_f32s(x);
    for &x in whole {
        let deviation = simd.sub_f32s(x, mean_vector);
        total = simd.mul_add_e_f32s(deviation, deviation, total);
    }
    // One by one, because a padded vector would add the square of the mean.
    tail.iter().fold(simd.reduce_sum_f32s(total), |total, x| total + (x - mean) * (x - mean))
}
