//! Functions applied number by number.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{Isa, TASK_ELEMENTS};

/// A function of `N` numbers, lane by lane.
pub(crate) trait Lanewise<const N: usize>: Sync {
    fn apply<S: Simd>(&self, simd: S, x: [S::f32s; N]) -> S::f32s;
}

/// `out[i] = f(inputs[0][i], …)` on all cores. The slices are equally long.
pub(crate) fn map<const N: usize>(f: &impl Lanewise<N>, inputs: [&[f32]; N], out: &mut [f32]) {
    let isa = Isa::detect();
    out.par_chunks_mut(TASK_ELEMENTS).enumerate().for_each(|(i, out)| {
        let start = i * TASK_ELEMENTS;
        let inputs = inputs.map(|input| &input[start..start + out.len()]);
        isa.dispatch(Map { f, inputs, out });
    });
}

/// `out = f(a, b)`, where `b` is one row and applies to every row of `a`.
pub(crate) fn map_rows(f: &impl Lanewise<2>, a: &[f32], b: &[f32], out: &mut [f32]) {
    if b.is_empty() {
        return;
    }
    let isa = Isa::detect();
    let task = (TASK_ELEMENTS / b.len()).max(1) * b.len();
    out.par_chunks_mut(task).zip(a.par_chunks(task)).for_each(|(out, a)| {
        for (out, a) in out.chunks_mut(b.len()).zip(a.chunks(b.len())) {
            isa.dispatch(Map { f, inputs: [a, b], out });
        }
    });
}

struct Map<'a, F, const N: usize> {
    f: &'a F,
    inputs: [&'a [f32]; N],
    out: &'a mut [f32],
}

impl<const N: usize, F: Lanewise<N>> WithSimd for Map<'_, F, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Map { f, inputs, out } = self;
        let (out, out_tail) = S::as_mut_simd_f32s(out);
        let mut x = [simd.splat_f32s(0.0); N];
        for (i, out) in out.iter_mut().enumerate() {
            for (x, input) in x.iter_mut().zip(&inputs) {
                *x = S::as_simd_f32s(input).0[i];
            }
            *out = f.apply(simd, x);
        }
        if !out_tail.is_empty() {
            for (x, input) in x.iter_mut().zip(&inputs) {
                *x = simd.partial_load_f32s(S::as_simd_f32s(input).1);
            }
            simd.partial_store_f32s(out_tail, f.apply(simd, x));
        }
    }
}
