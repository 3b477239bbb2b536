//! Splits a product into tasks and walks each task's blocks.

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{DEPTH_BLOCK, Element, Elements, Panels, ROW_MULTIPLE, Row, TileSink, multiply};
use crate::cpu::map::Lanewise;
use crate::cpu::output::SharedMatrix;
use crate::cpu::{load, store};
use crate::ops::Activation;

/// Where the rows of a left operand come from.
pub(crate) trait RowSource: Sync {
    /// Rounds `depth` of `rows` to the beginning of each row of `block`, which has one for each.
    fn fill<E: Element>(&self, element: E, rows: Range<usize>, depth: Range<usize>, block: &mut [Row]);
}

/// Rows that stand one after the other in memory.
pub(crate) struct DenseRows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) len: usize,
}

impl RowSource for DenseRows<'_> {
    fn fill<E: Element>(&self, element: E, rows: Range<usize>, depth: Range<usize>, block: &mut [Row]) {
        for (row, to) in rows.zip(block) {
            let start = row * self.len;
            element.put(&self.values[start + depth.start..start + depth.end], to, 0);
        }
    }
}

/// What is applied to a product before it is stored: see [`crate::ops::Epilogue`].
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<'a> {
    pub(crate) bias: Option<&'a [f32]>,
    /// One row of biases for every `rows_per_sample` rows of the product.
    pub(crate) sample_bias: Option<&'a [f32]>,
    pub(crate) rows_per_sample: usize,
    pub(crate) activation: Activation,
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) scale: f32,
}

/// Where the rows of a product go in the output.
pub(crate) trait RowPlacement: Copy + Sync {
    /// The output's row for a row of the product. No two rows go to one.
    fn place(&self, row: usize) -> usize;
}

/// One below the other.
#[derive(Clone, Copy)]
pub(crate) struct InOrder;

impl RowPlacement for InOrder {
    #[inline(always)]
    fn place(&self, row: usize) -> usize {
        row
    }
}

/// `out = epilogue(left · right)` for `rows` rows.
pub(crate) fn gemm(left: &impl RowSource, rows: usize, right: &Panels, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    gemm_placed(left, rows, right, epilogue, InOrder, out);
}

/// [`gemm`] that writes its rows where `placement` says, and touches no other row of `out`. The epilogue counts rows as the
/// output does.
pub(crate) fn gemm_placed(
    left: &impl RowSource,
    rows: usize,
    right: &Panels,
    epilogue: &Epilogue<'_>,
    placement: impl RowPlacement,
    out: &mut [f32],
) {
    if out.is_empty() {
        return;
    }
    let split = Split::new(rows, right);
    let out = SharedMatrix::new(out, right.columns());
    let task = |index: usize| {
        let (rows, panels) = split.block(index, rows, right.count());
        with_left_block(rows.len(), |block| {
            let task = Task { left, rows, right, panels, epilogue, placement, out };
            match right.elements() {
                Elements::Float32(element) => run_task(&task, element, block),
                Elements::Bfloat16(element) => run_task(&task, element, block),
            }
        });
    };
    match split.tasks() {
        1 => task(0),
        tasks => (0..tasks).into_par_iter().with_max_len(1).for_each(task),
    }
}

/// How the output is cut into blocks of rows and of panels.
struct Split {
    rows: usize,
    panels: usize,
    row_blocks: usize,
    panel_blocks: usize,
}

impl Split {
    /// Rows of a block of the left operand: with [`DEPTH_BLOCK`] columns it takes a quarter of a 1 MiB L2 cache.
    const MAX_ROWS: usize = 20 * ROW_MULTIPLE;
    /// Fewer rows would make the reading of the right operand, once for each block, the bottleneck.
    const MIN_ROWS: usize = 4 * ROW_MULTIPLE;
    /// Multiply-adds that take less time than another thread needs to begin: some 20 µs. Tests split theirs too.
    const SMALL: usize = if cfg!(test) { 1 << 12 } else { 1 << 21 };

    /// Prefers whole columns of blocks, so that the right operand is read once, then cuts rows as far as is needed to
    /// give every thread a few tasks.
    fn new(rows: usize, right: &Panels) -> Self {
        let work = rows.saturating_mul(right.columns()).saturating_mul(right.depth());
        let wanted = if work < Self::SMALL { 1 } else { 4 * rayon::current_num_threads() };
        let row_blocks = rows.div_ceil(Self::MAX_ROWS);
        let panel_blocks = wanted.div_ceil(row_blocks).min(right.count().div_ceil(2));
        let panels = right.count().div_ceil(panel_blocks);
        let panel_blocks = right.count().div_ceil(panels);
        let row_blocks = row_blocks.max(wanted.div_ceil(panel_blocks));
        let block_rows = rows.div_ceil(row_blocks).next_multiple_of(ROW_MULTIPLE).max(Self::MIN_ROWS);
        Split { rows: block_rows, panels, row_blocks: rows.div_ceil(block_rows), panel_blocks }
    }

    fn tasks(&self) -> usize {
        self.row_blocks * self.panel_blocks
    }

    fn block(&self, index: usize, rows: usize, panels: usize) -> (Range<usize>, Range<usize>) {
        let row = index / self.panel_blocks * self.rows;
        let panel = index % self.panel_blocks * self.panels;
        (row..rows.min(row + self.rows), panel..panels.min(panel + self.panels))
    }
}

/// Lends the thread's block of at least `rows` rows, in whole tiles. What is in it is left over from the last use.
fn with_left_block(rows: usize, run: impl FnOnce(&mut [Row])) {
    thread_local! {
        static BLOCK: RefCell<Vec<Row>> = const { RefCell::new(Vec::new()) };
    }
    let rows = rows.next_multiple_of(ROW_MULTIPLE);
    BLOCK.with_borrow_mut(|block| {
        if block.len() < rows {
            block.resize(rows, [0.0; DEPTH_BLOCK]);
        }
        run(&mut block[..rows]);
    });
}

/// One task: a block of rows and panels of the output, over the whole depth.
struct Task<'a, L, P> {
    left: &'a L,
    rows: Range<usize>,
    right: &'a Panels,
    panels: Range<usize>,
    epilogue: &'a Epilogue<'a>,
    placement: P,
    out: SharedMatrix<'a>,
}

fn run_task<L: RowSource, E: Element, P: RowPlacement>(task: &Task<'_, L, P>, element: E, block: &mut [Row]) {
    let depth = task.right.depth();
    let (rows, step) = (task.rows.len(), DEPTH_BLOCK * E::PER_WORD);
    // At least one block, so that an empty sum is stored too.
    for index in 0..depth.div_ceil(step).max(1) {
        let range = index * step..depth.min((index + 1) * step);
        task.left.fill(element, task.rows.clone(), range.clone(), &mut block[..rows]);
        // The panels' last word is filled up with zeros. What is left over there from before could be an infinity.
        let rest = range.len().next_multiple_of(E::PER_WORD) - range.len();
        if rest > 0 {
            block[..rows].iter_mut().for_each(|row| element.clear(row, range.len(), rest));
        }
        let sink = OutputSink {
            out: task.out,
            first_row: task.rows.start,
            placement: task.placement,
            accumulate: index > 0,
            epilogue: (range.end == depth).then_some(task.epilogue),
        };
        let (right, panels) = (task.right, task.panels.clone());
        right.isa().dispatch(BlockProduct { element, block, rows, right, panels, depth: range, sink });
    }
}

struct BlockProduct<'a, E, P> {
    element: E,
    block: &'a [Row],
    rows: usize,
    right: &'a Panels,
    panels: Range<usize>,
    depth: Range<usize>,
    sink: OutputSink<'a, P>,
}

impl<E: Element, P: RowPlacement> WithSimd for BlockProduct<'_, E, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Self { element, block, rows, right, panels, depth, sink } = &mut self;
        multiply(simd, *element, block, *rows, right, panels.clone(), depth.clone(), sink);
    }
}

/// Stores tiles in the output: adds to the sums of earlier blocks, and finishes the sums of the last one.
struct OutputSink<'a, P> {
    out: SharedMatrix<'a>,
    first_row: usize,
    placement: P,
    accumulate: bool,
    epilogue: Option<&'a Epilogue<'a>>,
}

impl<P: RowPlacement> OutputSink<'_, P> {
    /// Takes a row of a tile: `sums` of `columns`, the last vector of which may be cut off.
    #[inline(always)]
    fn put_row<S: Simd, const WIDTH: usize>(
        &self,
        simd: S,
        sums: &[S::f32s; WIDTH],
        row: usize,
        columns: Range<usize>,
    ) {
        let row = self.placement.place(self.first_row + row);
        // SAFETY: tasks are disjoint blocks of rows and panels, no two rows are placed at one, and the row is let go before
        // the next is taken.
        let out = unsafe { self.out.row(row, columns.clone()) };
        // Most tiles are such: neither at the edge nor the last of their sum.
        if self.epilogue.is_none() && out.len() == WIDTH * S::F32_LANES {
            for (out, &sum) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
                *out = if self.accumulate { simd.add_f32s(*out, sum) } else { sum };
            }
            return;
        }
        let sample = self.epilogue.map_or(0, |epilogue| epilogue.sample_of(row));
        for (vector, (out, &sum)) in out.chunks_mut(S::F32_LANES).zip(sums).enumerate() {
            let mut value = sum;
            if self.accumulate {
                value = simd.add_f32s(load(simd, out), value);
            }
            if let Some(epilogue) = self.epilogue {
                let column = columns.start + vector * S::F32_LANES;
                let position = Position { row, sample, column, len: out.len(), width: self.out.columns() };
                value = epilogue.apply(simd, value, &position);
            }
            store(simd, out, value);
        }
    }
}

impl<P: RowPlacement> TileSink for OutputSink<'_, P> {
    #[inline(always)]
    fn expect(&self, rows: Range<usize>, columns: &Range<usize>) {
        if self.accumulate {
            for row in rows {
                self.out.prefetch(self.placement.place(self.first_row + row), columns);
            }
        }
    }

    #[inline(always)]
    fn put<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        tile: &[[S::f32s; WIDTH]; HEIGHT],
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        for (row, sums) in rows.zip(tile) {
            self.put_row(simd, sums, row, columns.clone());
        }
    }
}

/// A vector's place in the output.
struct Position {
    row: usize,
    /// The row of the samples' biases.
    sample: usize,
    column: usize,
    len: usize,
    /// Columns of the output.
    width: usize,
}

impl Position {
    /// The vector at this column of some row of a matrix as wide as the output.
    #[inline(always)]
    fn vector<S: Simd>(&self, simd: S, matrix: &[f32], row: usize) -> S::f32s {
        let start = row * self.width + self.column;
        load(simd, &matrix[start..start + self.len])
    }
}

impl Epilogue<'_> {
    /// The row of the samples' biases for a row of the output.
    #[inline(always)]
    fn sample_of(&self, row: usize) -> usize {
        // There is nothing to divide for if there are none.
        if self.sample_bias.is_some() { row / self.rows_per_sample } else { 0 }
    }

    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, mut value: S::f32s, at: &Position) -> S::f32s {
        if let Some(bias) = self.bias {
            value = simd.add_f32s(value, at.vector(simd, bias, 0));
        }
        if let Some(bias) = self.sample_bias {
            value = simd.add_f32s(value, at.vector(simd, bias, at.sample));
        }
        value = self.activation.apply(simd, [value]);
        if let Some(residual) = self.residual {
            value = simd.add_f32s(value, at.vector(simd, residual, at.row));
        }
        simd.mul_f32s(value, simd.splat_f32s(self.scale))
    }
}
