//! What a product's operands are rounded to before they are multiplied.

use bytemuck::cast_slice_mut;
use half::bf16;
use pulp::Simd;

use super::Row;
use crate::{DType, Precision};

#[cfg(target_arch = "x86_64")]
use super::native::Native;

/// How operands stand in rows and panels, and how a tile of their products is summed. Sums are float32 in all of them.
pub(crate) trait Element: Copy + Send + Sync {
    /// Steps in k that one 32-bit word of a row or a panel holds.
    const PER_WORD: usize;

    /// Rounds `values` into a row, from position `at` on.
    fn put(self, values: &[f32], row: &mut Row, at: usize);

    /// Writes `len` zeros into a row, from position `at` on.
    fn clear(self, row: &mut Row, at: usize, len: usize);

    /// `sums[row][column] = Σₖ left[row][k] · right[k][column]`, for as many words as `right` is long.
    fn dot<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        self,
        simd: S,
        left: &[Row; HEIGHT],
        right: &[f32],
    ) -> [[S::f32s; WIDTH]; HEIGHT];
}

/// Operands as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Float32;

impl Element for Float32 {
    const PER_WORD: usize = 1;

    #[inline(always)]
    fn put(self, values: &[f32], row: &mut Row, at: usize) {
        row[at..at + values.len()].copy_from_slice(values);
    }

    #[inline(always)]
    fn clear(self, row: &mut Row, at: usize, len: usize) {
        row[at..at + len].fill(0.0);
    }

    /// One step in k is `WIDTH` loads, `HEIGHT` broadcasts and `HEIGHT · WIDTH` multiply-adds.
    #[inline(always)]
    fn dot<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        self,
        simd: S,
        left: &[Row; HEIGHT],
        right: &[f32],
    ) -> [[S::f32s; WIDTH]; HEIGHT] {
        let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
        let right = words::<S, WIDTH>(right);
        for k in 0..right.len() {
            for (sums, row) in sums.iter_mut().zip(left) {
                let x = simd.splat_f32s(row[k]);
                for (sum, y) in sums.iter_mut().zip(&right[k]) {
                    *sum = simd.mul_add_e_f32s(x, *y, *sum);
                }
            }
        }
        sums
    }
}

/// Operands rounded to bfloat16 (to nearest, ties to even), two steps in k to a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bfloat16 {
    #[cfg(target_arch = "x86_64")]
    native: Option<Native>,
}

impl Bfloat16 {
    /// With the instructions that the processor has for it.
    pub(crate) fn detect() -> Self {
        Bfloat16 {
            #[cfg(target_arch = "x86_64")]
            native: Native::detect(),
        }
    }

    /// Without them.
    #[cfg(test)]
    pub(crate) fn widening() -> Self {
        Bfloat16 {
            #[cfg(target_arch = "x86_64")]
            native: None,
        }
    }

    /// The instruction that multiplies, if there is one.
    pub(crate) fn instruction(self) -> Option<&'static str> {
        #[cfg(target_arch = "x86_64")]
        return self.native.map(|_| "vdpbf16ps");
        #[cfg(not(target_arch = "x86_64"))]
        None
    }
}

impl Element for Bfloat16 {
    const PER_WORD: usize = 2;

    #[inline(always)]
    fn put(self, values: &[f32], row: &mut Row, at: usize) {
        let to = &mut cast_slice_mut::<f32, bf16>(row)[at..at + values.len()];
        #[cfg(target_arch = "x86_64")]
        if let Some(native) = self.native {
            return native.round(values, to);
        }
        for (to, value) in to.iter_mut().zip(values) {
            *to = bf16::from_f32(*value);
        }
    }

    #[inline(always)]
    fn clear(self, row: &mut Row, at: usize, len: usize) {
        cast_slice_mut::<f32, bf16>(row)[at..at + len].fill(bf16::ZERO);
    }

    #[inline(always)]
    fn dot<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        self,
        simd: S,
        left: &[Row; HEIGHT],
        right: &[f32],
    ) -> [[S::f32s; WIDTH]; HEIGHT] {
        #[cfg(target_arch = "x86_64")]
        if let Some(native) = self.native
            && S::F32_LANES == Native::LANES
        {
            let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
            native.dot::<HEIGHT, WIDTH>(left, right, cast_slice_mut(sums.as_flattened_mut()));
            return sums;
        }
        widen::<S, HEIGHT, WIDTH>(simd, left, right)
    }
}

/// Products of bfloat16 in float32, where they are exact: a word's halves become the upper halves of two words.
#[inline(always)]
fn widen<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    left: &[Row; HEIGHT],
    right: &[f32],
) -> [[S::f32s; WIDTH]; HEIGHT] {
    const UPPER: u32 = 0xFFFF_0000;
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
    let (upper, half) = (simd.splat_u32s(UPPER), simd.splat_u32s(16));
    let right = words::<S, WIDTH>(right);
    for k in 0..right.len() {
        let mut parts = [[simd.splat_f32s(0.0); 2]; WIDTH];
        for (parts, word) in parts.iter_mut().zip(&right[k]) {
            let word = simd.transmute_u32s_f32s(*word);
            parts[0] = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(word, half));
            parts[1] = simd.transmute_f32s_u32s(simd.and_u32s(word, upper));
        }
        for (sums, row) in sums.iter_mut().zip(left) {
            let word = row[k].to_bits();
            let first = simd.splat_f32s(f32::from_bits(word << 16));
            let second = simd.splat_f32s(f32::from_bits(word & UPPER));
            for (sum, parts) in sums.iter_mut().zip(&parts) {
                *sum = simd.mul_add_e_f32s(first, parts[0], *sum);
                *sum = simd.mul_add_e_f32s(second, parts[1], *sum);
            }
        }
    }
    sums
}

/// A panel's words, by rows of it.
#[inline(always)]
fn words<S: Simd, const WIDTH: usize>(right: &[f32]) -> &[[S::f32s; WIDTH]] {
    let rows = S::as_simd_f32s(right).0.as_chunks().0;
    // Rows of the left operand are no longer: the compiler sees that none is read beyond its end.
    &rows[..rows.len().min(super::DEPTH_BLOCK)]
}

/// Which [`Element`] an operand is packed as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Elements {
    Float32(Float32),
    Bfloat16(Bfloat16),
}

impl Elements {
    /// Those for products in `dtype`; float16, for which there are no instructions here, is not among them.
    pub(crate) fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F32 => Some(Elements::Float32(Float32)),
            DType::BF16 => Some(Elements::Bfloat16(Bfloat16::detect())),
            DType::F16 => None,
        }
    }

    /// The precision that they are those of.
    pub(crate) fn precision(self) -> Precision {
        match self {
            Elements::Float32(_) => Precision::Float32,
            Elements::Bfloat16(_) => Precision::BFloat16,
        }
    }

    /// Steps in k that a word holds.
    pub(crate) fn per_word(self) -> usize {
        match self {
            Elements::Float32(_) => Float32::PER_WORD,
            Elements::Bfloat16(_) => Bfloat16::PER_WORD,
        }
    }
}

/// Writes one step in k of a row of a packed panel, whose words hold `PER_WORD` steps of one column each.
pub(super) fn put_step(elements: Elements, values: &[f32], words: &mut [f32], step: usize) {
    match elements {
        Elements::Float32(_) => words[..values.len()].copy_from_slice(values),
        Elements::Bfloat16(_) => {
            let halves: &mut [[bf16; 2]] = cast_slice_mut(words);
            for (to, value) in halves.iter_mut().zip(values) {
                to[step] = bf16::from_f32(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::cast_slice;

    use super::*;
    use crate::cpu::gemm::DEPTH_BLOCK;

    /// Numbers whose lower halves are anything, of every exponent.
    fn numbers() -> impl Iterator<Item = f32> {
        let bits = (0..4000u32).map(|i| i.wrapping_mul(0x9E37_79B9) ^ (i << 13));
        let random = bits.map(f32::from_bits).filter(|x| !x.is_nan());
        random.chain([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, 1.0 + f32::EPSILON])
    }

    #[test]
    fn rounding_is_that_of_half() {
        let values: Vec<f32> = numbers().collect();
        for element in [Bfloat16::detect(), Bfloat16::widening()] {
            for values in values.chunks(37) {
                let mut row = [0.0; DEPTH_BLOCK];
                element.put(values, &mut row, 3);
                let got: &[bf16] = &cast_slice(&row)[3..];
                for (value, got) in values.iter().zip(got) {
                    let want = bf16::from_f32(*value);
                    let flushed = bf16::from_f32(0f32.copysign(*value));
                    assert!(*got == want || value.is_subnormal() && *got == flushed, "{value:e}: {got:e}");
                }
            }
            let mut row = [0.0; DEPTH_BLOCK];
            element.put(&[f32::NAN], &mut row, 0);
            assert!(cast_slice::<f32, bf16>(&row)[0].is_nan());
        }
    }
}
