//! Results that several tasks write at once.

use std::marker::PhantomData;
use std::ops::Range;

/// Numbers in a line of the cache.
#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 16;

/// A row-major matrix of which every task writes its own block of rows and columns.
///
/// Rayon splits slices along rows only; blocks of columns need this.
#[derive(Clone, Copy)]
pub(crate) struct SharedMatrix<'a> {
    start: *mut f32,
    rows: usize,
    columns: usize,
    borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer comes from an exclusive borrow that lasts for 'a, and `row` makes its callers promise that no two
// threads touch the same element.
unsafe impl Send for SharedMatrix<'_> {}
// SAFETY: as above.
unsafe impl Sync for SharedMatrix<'_> {}

impl<'a> SharedMatrix<'a> {
    pub(crate) fn new(values: &'a mut [f32], columns: usize) -> Self {
        let rows = values.len().checked_div(columns).unwrap_or(0);
        SharedMatrix { start: values.as_mut_ptr(), rows, columns, borrow: PhantomData }
    }

    /// Length of a row.
    #[inline(always)]
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The numbers at `columns` of `row`.
    ///
    /// # Safety
    /// While the result is alive, nobody else may hold any of these elements.
    #[inline(always)]
    pub(crate) unsafe fn row(&self, row: usize, columns: Range<usize>) -> &'a mut [f32] {
        assert!(row < self.rows && columns.start <= columns.end && columns.end <= self.columns);
        let offset = row * self.columns + columns.start;
        // SAFETY: the assertion keeps the range inside the borrowed slice; the caller keeps it unshared.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), columns.len()) }
    }

    /// Has the processor fetch the numbers at `columns` of `row`, if there are any and it can be told.
    #[inline(always)]
    pub(crate) fn prefetch(&self, row: usize, columns: &Range<usize>) {
        #[cfg(target_arch = "x86_64")]
        for column in columns.clone().step_by(CACHE_LINE) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let at = self.start.wrapping_add(row * self.columns + column);
            // SAFETY: the instruction is there on every x86-64 and reads nothing that a program could see, wherever it points.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
        }
        // There is no stable way to say it elsewhere.
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (row, columns);
    }
}
