//! The right operand of a product.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::element::put_step;
use super::{Elements, VECTORS};
use crate::cpu::Isa;
use crate::storage::Buffer;
use crate::{Result, Shape};

/// A `[depth, columns]` matrix, cut into panels of [`VECTORS`] vectors of columns and each panel stored row by row, so
/// that the kernel reads it front to back. A vector's lanes are words of [`Elements`]. Columns that fill up the last vector
/// are zero, and so is what fills up the last word of a column; cloning shares the numbers.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    isa: Isa,
    elements: Elements,
    depth: usize,
    columns: usize,
    values: Arc<Buffer>,
}

impl Panels {
    /// Packs a matrix on all cores; `read(k, columns, out)` copies `columns` of its row k.
    pub(crate) fn pack(
        isa: Isa,
        elements: Elements,
        depth: usize,
        columns: usize,
        read: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
    ) -> Result<Self> {
        let (lanes, per_word) = (isa.lanes(), elements.per_word());
        let (padded, words) = (columns.next_multiple_of(lanes), depth.div_ceil(per_word));
        let mut values = Buffer::zeroed_f32(&Shape::from([words, padded]))?;
        let panel_width = lanes * VECTORS;
        values.par_chunks_mut((words * panel_width).max(1)).enumerate().for_each_init(
            || vec![0.0; panel_width],
            |step, (panel, out)| {
                let start = panel * panel_width;
                let used = start..columns.min(start + panel_width);
                let step = &mut step[..used.len()];
                for (word, row) in out.chunks_exact_mut(panel_width.min(padded - start)).enumerate() {
                    for part in 0..per_word.min(depth - word * per_word) {
                        read(word * per_word + part, used.clone(), step);
                        put_step(elements, step, row, part);
                    }
                }
            },
        );
        Ok(Panels { isa, elements, depth, columns, values: Arc::new(values) })
    }

    /// What the operands are rounded to.
    pub(crate) fn elements(&self) -> Elements {
        self.elements
    }

    /// The instruction set that the panels are laid out for.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// Rows of the matrix.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Columns of the matrix.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes of them.
    pub(crate) fn byte_len(&self) -> usize {
        size_of_val::<[f32]>(&self.values)
    }

    /// Number of panels.
    pub(crate) fn count(&self) -> usize {
        self.columns.div_ceil(self.width())
    }

    /// Columns of a full panel.
    pub(crate) fn width(&self) -> usize {
        self.isa.lanes() * VECTORS
    }

    /// The columns of a panel.
    #[inline(always)]
    pub(crate) fn panel_columns(&self, panel: usize) -> Range<usize> {
        let start = panel * self.width();
        start..self.columns.min(start + self.width())
    }

    /// The words of a panel that hold `depth`, which begins one, and how many stand in one row of it.
    #[inline(always)]
    pub(super) fn block(&self, panel: usize, depth: Range<usize>) -> (&[f32], usize) {
        let start = panel * self.width();
        let width = self.width().min(self.columns.next_multiple_of(self.isa.lanes()) - start);
        let per_word = self.elements.per_word();
        let first = start * self.depth.div_ceil(per_word);
        let words = depth.start / per_word..depth.end.div_ceil(per_word);
        (&self.values[first + words.start * width..first + words.end * width], width)
    }
}
