//! The register-blocked kernel.

use std::ops::Range;

use pulp::Simd;

use super::{DEPTH_BLOCK, Panels, Row, VECTORS};

/// Takes finished tiles out of the registers.
pub(crate) trait TileSink {
    /// `tile` holds `rows` (their count may be below `HEIGHT`) and `columns` (which may end inside the last vector).
    fn put<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        tile: &[[S::f32s; WIDTH]; HEIGHT],
        rows: Range<usize>,
        columns: Range<usize>,
    );
}

/// Multiplies the first `rows` of `left` with `panels` of `right`, over `depth` (at most [`DEPTH_BLOCK`]) of its rows.
///
/// `left` is as long as the next multiple of [`ROW_MULTIPLE`](super::ROW_MULTIPLE).
#[inline(always)]
pub(crate) fn multiply<S: Simd, T: TileSink>(
    simd: S,
    left: &[Row],
    rows: usize,
    right: &Panels,
    panels: Range<usize>,
    depth: Range<usize>,
    sink: &mut T,
) {
    for panel in panels {
        let columns = right.panel_columns(panel);
        let (block, width) = right.block(panel, depth.clone());
        let vectors = S::as_simd_f32s(block).0;
        if width > S::F32_LANES {
            sweep::<S, T, VECTORS>(simd, left, rows, vectors.as_chunks().0, columns, sink);
        } else {
            sweep::<S, T, 1>(simd, left, rows, vectors.as_chunks().0, columns, sink);
        }
    }
}

/// Goes down the rows of `left` with one panel. The tile's accumulators fill the registers of the instruction set; what
/// is left over of the rows takes the smallest tile that holds it.
#[inline(always)]
fn sweep<S: Simd, T: TileSink, const WIDTH: usize>(
    simd: S,
    left: &[Row],
    rows: usize,
    right: &[[S::f32s; WIDTH]],
    columns: Range<usize>,
    sink: &mut T,
) {
    let tall = S::REGISTER_COUNT >= 32;
    let mut row = 0;
    while row < rows {
        let (left, at) = (&left[row..], row..rows);
        let columns = columns.clone();
        row += match rows - row {
            9.. if tall => tile::<S, T, 12, WIDTH>(simd, left, at, right, columns, sink),
            5.. if tall => tile::<S, T, 8, WIDTH>(simd, left, at, right, columns, sink),
            5.. => tile::<S, T, 6, WIDTH>(simd, left, at, right, columns, sink),
            3.. => tile::<S, T, 4, WIDTH>(simd, left, at, right, columns, sink),
            2 => tile::<S, T, 2, WIDTH>(simd, left, at, right, columns, sink),
            _ => tile::<S, T, 1, WIDTH>(simd, left, at, right, columns, sink),
        };
    }
}

#[inline(always)]
fn tile<S: Simd, T: TileSink, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    left: &[Row],
    rows: Range<usize>,
    right: &[[S::f32s; WIDTH]],
    columns: Range<usize>,
    sink: &mut T,
) -> usize {
    let left = left.first_chunk::<HEIGHT>().expect("blocks are padded to whole tiles");
    let sums = dot::<S, HEIGHT, WIDTH>(simd, left, right);
    let rows = rows.start..rows.end.min(rows.start + HEIGHT);
    sink.put(simd, &sums, rows, columns);
    HEIGHT
}

/// The innermost loop: one step in k is `WIDTH` loads, `HEIGHT` broadcasts and `HEIGHT · WIDTH` multiply-adds.
#[inline(always)]
fn dot<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    left: &[Row; HEIGHT],
    right: &[[S::f32s; WIDTH]],
) -> [[S::f32s; WIDTH]; HEIGHT] {
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
    let right = &right[..right.len().min(DEPTH_BLOCK)];
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
