//! The matrix product under `linear`, `conv2d` and `attention`: packed and blocked after Goto & van de Geijn (2008),
//! *Anatomy of High-Performance Matrix Multiplication*.
//!
//! `out[m][n] = Σₖ left[m][k] · right[k][n]`. The right operand is packed once ([`Panels`]); the left one is copied block
//! by block from wherever its rows are ([`RowSource`]) into rows of [`DEPTH_BLOCK`], which the kernel broadcasts from.
//!
//! Operands are rounded to an [`Element`] on the way into those: float32, or bfloat16, of which a 32-bit word of a row or a
//! panel holds two steps in k.
//!
//! Every output is summed over k in one order: ascending inside blocks of [`DEPTH_BLOCK`] words, then the blocks ascending.
//! Neither the number of rows nor the split into tasks changes that, so results are the same bits for any batch size
//! and any number of threads.

mod driver;
mod element;
mod kernel;
#[cfg(target_arch = "x86_64")]
mod native;
mod panels;

pub(crate) use driver::{DenseRows, Epilogue, RowPlacement, RowSource, gemm, gemm_placed};
pub(crate) use element::{Bfloat16, Element, Elements, Float32};
pub(crate) use kernel::{TileSink, multiply};
#[cfg(target_arch = "x86_64")]
pub(crate) use native::Native;
pub(crate) use panels::Panels;

/// Words of the sums that stay in registers. A panel of the right operand this deep and [`VECTORS`] vectors wide
/// fills two thirds of a 48 KiB L1 cache with AVX-512.
pub(crate) const DEPTH_BLOCK: usize = 256;

/// Vectors across a panel.
pub(crate) const VECTORS: usize = 2;

/// The number of rows of a block of the left operand is a multiple of this, which is one of every tile's height.
pub(crate) const ROW_MULTIPLE: usize = 12;

/// A piece of a row of the left operand, in words: only an [`Element`] knows what they hold. The constant length makes every row of a tile an address offset that needs no
/// register.
pub(crate) type Row = [f32; DEPTH_BLOCK];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cpu::Isa;
    use crate::ops::Activation;
    use crate::reference::{self, Random, assert_close};
    use crate::{DType, Tensor};

    const PLAIN: Epilogue<'_> = Epilogue {
        bias: None,
        sample_bias: None,
        rows_per_sample: 1,
        activation: Activation::None,
        residual: None,
        scale: 1.0,
    };

    /// What operands can be, on every instruction set.
    fn all() -> Vec<(Isa, Elements)> {
        let elements = |isa| {
            let mut all = vec![Elements::Float32(Float32), Elements::Bfloat16(Bfloat16::widening())];
            // What the processor has for bfloat16 goes with its longest vectors.
            all.extend(Bfloat16::detect().instruction().map(|_| Elements::Bfloat16(Bfloat16::detect())));
            all.into_iter().map(move |elements| (isa, elements))
        };
        Isa::available().into_iter().flat_map(elements).collect()
    }

    /// The numbers that are multiplied.
    fn rounded(tensor: &Tensor, elements: Elements) -> Tensor {
        let dtype = if elements.per_word() == 1 { DType::F32 } else { DType::BF16 };
        tensor.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap()
    }

    fn product((isa, elements): (Isa, Elements), x: &Tensor, weight: &Tensor) -> Tensor {
        let (&[rows, depth], &[columns, _]) = (x.dims(), weight.dims()) else { panic!("matrices") };
        let values = weight.as_f32().unwrap();
        let read = |k: usize, columns: std::ops::Range<usize>, out: &mut [f32]| {
            for (out, column) in out.iter_mut().zip(columns) {
                *out = values[column * depth + k];
            }
        };
        let panels = Panels::pack(isa, elements, depth, columns, read).unwrap();
        let left = DenseRows { values: x.as_f32().unwrap(), len: depth };
        let mut out = vec![f32::NAN; rows * columns];
        gemm(&left, rows, &panels, &PLAIN, &mut out);
        Tensor::from_f32(out, [rows, columns]).unwrap()
    }

    /// Every height of a tile's rest meets every width of a panel's rest.
    #[test]
    fn every_instruction_set_matches_float64() {
        let mut random = Random::new(1);
        for way in all() {
            for rows in (1..=14).chain([100]) {
                for columns in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 50] {
                    let depth = 1 + 37 * rows;
                    let (x, weight) = (random.tensor(&[rows, depth]), random.tensor(&[columns, depth]));
                    let expected = reference::linear(&rounded(&x, way.1), &rounded(&weight, way.1));
                    assert_close(&product(way, &x, &weight), &expected, reference::sum_tolerance(depth));
                }
            }
        }
    }

    #[test]
    fn a_row_gets_the_bits_it_gets_alone() {
        let mut random = Random::new(2);
        for way in all() {
            let (x, weight) = (random.tensor(&[61, 1301]), random.tensor(&[45, 1301]));
            let all = product(way, &x, &weight);
            for row in 0..61 {
                let alone = product(way, &x.narrow(0, row, 1).unwrap(), &weight);
                reference::same_bits(&alone, &all.narrow(0, row, 1).unwrap());
            }
        }
    }

    /// Blocks keep what was in them: an odd number of bfloat16 leaves half a word.
    #[test]
    fn what_was_multiplied_before_does_not_matter() {
        for way in all() {
            let infinite = Tensor::from_f32(vec![f32::INFINITY; 40], [5, 8]).unwrap();
            product(way, &infinite, &Tensor::zeros([3, 8]).unwrap());
            let ones = |rows| Tensor::from_f32(vec![1.0; rows * 7], [rows, 7]).unwrap();
            assert_eq!(product(way, &ones(5), &ones(3)).to_vec_f32().unwrap(), [7.0; 15], "{way:?}");
        }
    }
}
