//! The right operand of a product.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::VECTORS;
use crate::cpu::Isa;
use crate::storage::Buffer;
use crate::{Result, Shape};

/// A `[depth, columns]` matrix, cut into panels of [`VECTORS`] vectors of columns and each panel stored row by row, so
/// that the kernel reads it front to back. Columns that fill up the last vector are zero; cloning shares the numbers.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    isa: Isa,
    depth: usize,
    columns: usize,
    values: Arc<Buffer>,
}

impl Panels {
    /// Packs a matrix on all cores; `read(k, columns, out)` copies `columns` of its row k.
    pub(crate) fn pack(
        isa: Isa,
        depth: usize,
        columns: usize,
        read: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
    ) -> Result<Self> {
        let lanes = isa.lanes();
        let padded = columns.next_multiple_of(lanes);
        let mut values = Buffer::zeroed_f32(&Shape::from([depth, padded]))?;
        let panel_width = lanes * VECTORS;
        values.par_chunks_mut((depth * panel_width).max(1)).enumerate().for_each(|(panel, out)| {
            let start = panel * panel_width;
            let used = start..columns.min(start + panel_width);
            for (k, row) in out.chunks_exact_mut(panel_width.min(padded - start)).enumerate() {
                read(k, used.clone(), &mut row[..used.len()]);
            }
        });
        Ok(Panels { isa, depth, columns, values: Arc::new(values) })
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

    /// The numbers of a panel at `depth`, and how many stand in one row of it.
    #[inline(always)]
    pub(super) fn block(&self, panel: usize, depth: Range<usize>) -> (&[f32], usize) {
        let start = panel * self.width();
        let width = self.width().min(self.columns.next_multiple_of(self.isa.lanes()) - start);
        let first = start * self.depth;
        (&self.values[first + depth.start * width..first + depth.end * width], width)
    }
}
