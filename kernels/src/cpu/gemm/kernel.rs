//! The register-blocked kernel.

use std::ops::Range;

use pulp::Simd;

use super::{Element, Panels, Row, VECTORS};

/// Takes finished tiles out of the registers.
pub(crate) trait TileSink {
    /// Says which tile comes next, while it is still summed: what it goes to may be fetched.
    #[inline(always)]
    fn expect(&self, _rows: Range<usize>, _columns: &Range<usize>) {}

    /// `tile` holds `rows` (their count may be below `HEIGHT`) and `columns` (which may end inside the last vector).
    fn put<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        tile: &[[S::f32s; WIDTH]; HEIGHT],
        rows: Range<usize>,
        columns: Range<usize>,
    );
}

/// Multiplies the first `rows` of `left` with `panels` of `right`, over `depth` of its rows: at most
/// [`DEPTH_BLOCK`](super::DEPTH_BLOCK) words of `element`, from the beginning of one.
///
/// `left` is as long as the next multiple of [`ROW_MULTIPLE`](super::ROW_MULTIPLE).
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "two operands and what is wanted of them")]
pub(crate) fn multiply<S: Simd, E: Element, T: TileSink>(
    simd: S,
    element: E,
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
        if width > S::F32_LANES {
            sweep::<S, E, T, VECTORS>(simd, element, left, rows, block, columns, sink);
        } else {
            sweep::<S, E, T, 1>(simd, element, left, rows, block, columns, sink);
        }
    }
}

/// Goes down the rows of `left` with one panel. The tile's accumulators fill the registers of the instruction set; what
/// is left over of the rows takes the smallest tile that holds it.
#[inline(always)]
fn sweep<S: Simd, E: Element, T: TileSink, const WIDTH: usize>(
    simd: S,
    element: E,
    left: &[Row],
    rows: usize,
    right: &[f32],
    columns: Range<usize>,
    sink: &mut T,
) {
    let tall = S::REGISTER_COUNT >= 32;
    let mut row = 0;
    while row < rows {
        let tile = Tile { simd, element, left: &left[row..], rows: row..rows, right, columns: columns.clone() };
        row += match rows - row {
            9.. if tall => tile.put::<T, 12, WIDTH>(sink),
            5.. if tall => tile.put::<T, 8, WIDTH>(sink),
            5.. => tile.put::<T, 6, WIDTH>(sink),
            3.. => tile.put::<T, 4, WIDTH>(sink),
            2 => tile.put::<T, 2, WIDTH>(sink),
            _ => tile.put::<T, 1, WIDTH>(sink),
        };
    }
}

/// What a tile is the product of, and where it is in the whole one.
struct Tile<'a, S, E> {
    simd: S,
    element: E,
    left: &'a [Row],
    rows: Range<usize>,
    right: &'a [f32],
    columns: Range<usize>,
}

impl<S: Simd, E: Element> Tile<'_, S, E> {
    /// Computes a tile and says how high it is.
    #[inline(always)]
    fn put<T: TileSink, const HEIGHT: usize, const WIDTH: usize>(self, sink: &mut T) -> usize {
        let left = self.left.first_chunk::<HEIGHT>().expect("blocks are padded to whole tiles");
        let rows = self.rows.start..self.rows.end.min(self.rows.start + HEIGHT);
        sink.expect(rows.clone(), &self.columns);
        let sums = self.element.dot::<S, HEIGHT, WIDTH>(self.simd, left, self.right);
        sink.put(self.simd, &sums, rows, self.columns);
        HEIGHT
    }
}
