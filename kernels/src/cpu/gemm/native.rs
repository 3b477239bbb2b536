//! Products of bfloat16 with the instructions that AVX-512 has for them.

use std::arch::x86_64::{
    __m256bh, __m512, __m512bh, _mm512_cvtneps_pbh, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps,
    _mm512_reduce_add_ps, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
};
use std::hint::black_box;
use std::mem::transmute;

use half::bf16;

use super::{DEPTH_BLOCK, Row};
use crate::ceilings::CHAINS;

/// Proof that the processor has AVX512_BF16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Native(());

impl Native {
    /// `f32`s of a vector.
    pub(crate) const LANES: usize = 16;

    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16");
        has.then_some(Native(()))
    }

    /// Rounds to nearest, ties to even. Subnormal numbers become zero.
    #[inline(always)]
    pub(crate) fn round(self, values: &[f32], to: &mut [bf16]) {
        // SAFETY: `self` exists only where the processor has the features.
        unsafe { round(values, to) }
    }

    /// Writes the sums of a tile, row by row: `VDPBF16PS` adds two products to each.
    ///
    /// # Panics
    /// If `sums` is shorter than the tile.
    #[inline(always)]
    pub(crate) fn dot<const HEIGHT: usize, const WIDTH: usize>(
        self,
        left: &[Row; HEIGHT],
        right: &[f32],
        sums: &mut [[f32; Self::LANES]],
    ) {
        // SAFETY: `self` exists only where the processor has the features.
        unsafe { dot::<HEIGHT, WIDTH>(left, right, sums) }
    }
}

impl Native {
    /// So many steps of [`CHAINS`] instructions that multiply and add numbers in registers, and the sum of all of them.
    pub(crate) fn multiply_adds(self, steps: u64) -> f32 {
        // SAFETY: `self` exists only where the processor has the features.
        unsafe { multiply_adds(steps) }
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn multiply_adds(steps: u64) -> f32 {
    // Two of bfloat16's ones; nothing overflows, and the compiler does not know them.
    let ones = _mm512_set1_epi32(black_box(0x3F80_3F80));
    // SAFETY: 512 bits, of which every pattern is thirty-two bfloat16.
    let ones: __m512bh = unsafe { transmute(ones) };
    let mut chains = [_mm512_setzero_ps(); CHAINS];
    for _ in 0..steps {
        for chain in &mut chains {
            *chain = _mm512_dpbf16_ps(*chain, ones, ones);
        }
    }
    chains.into_iter().map(|chain| _mm512_reduce_add_ps(chain)).sum()
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn round(values: &[f32], to: &mut [bf16]) {
    let (vectors, rest) = values.as_chunks::<{ Native::LANES }>();
    let (to, to_rest) = to.as_chunks_mut::<{ Native::LANES }>();
    for (from, to) in vectors.iter().zip(to) {
        // SAFETY: `from` is sixteen `f32`s.
        let rounded = unsafe { _mm512_cvtneps_pbh(_mm512_loadu_ps(from.as_ptr())) };
        // SAFETY: a `__m256bh` is sixteen bfloat16, of which every bit pattern is one.
        *to = unsafe { transmute::<__m256bh, [bf16; Native::LANES]>(rounded) };
    }
    if !rest.is_empty() {
        let mask = (1u16 << rest.len()) - 1;
        // SAFETY: the mask lets no more than what `rest` has be read.
        let rounded = unsafe { _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, rest.as_ptr())) };
        // SAFETY: as above.
        let rounded = unsafe { transmute::<__m256bh, [bf16; Native::LANES]>(rounded) };
        to_rest.copy_from_slice(&rounded[..rest.len()]);
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn dot<const HEIGHT: usize, const WIDTH: usize>(left: &[Row; HEIGHT], right: &[f32], out: &mut [[f32; Native::LANES]]) {
    let mut sums = [[_mm512_setzero_ps(); WIDTH]; HEIGHT];
    let words = right.as_chunks::<{ Native::LANES }>().0.as_chunks::<WIDTH>().0;
    let words = &words[..words.len().min(DEPTH_BLOCK)];
    for k in 0..words.len() {
        for (sums, row) in sums.iter_mut().zip(left) {
            let pair = _mm512_set1_epi32(row[k].to_bits().cast_signed());
            // SAFETY: both are 512 bits, of which every pattern is thirty-two bfloat16.
            let pair: __m512bh = unsafe { transmute(pair) };
            for (sum, right) in sums.iter_mut().zip(&words[k]) {
                // SAFETY: sixteen words are read from sixteen; each is two bfloat16.
                let right = unsafe { transmute::<__m512, __m512bh>(_mm512_loadu_ps(right.as_ptr())) };
                *sum = _mm512_dpbf16_ps(*sum, pair, right);
            }
        }
    }
    for (out, sum) in out[..HEIGHT * WIDTH].iter_mut().zip(sums.as_flattened()) {
        // SAFETY: sixteen `f32`s are written to sixteen.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), *sum) };
    }
}
