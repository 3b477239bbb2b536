//! Convolution as a matrix product whose left operand exists one block at a time.

use std::ops::Range;

use super::gemm::{Element, Row, RowPlacement, RowSource};
use crate::ops::HostSources;

/// The windows of an NHWC picture as rows of a matrix: one row per output pixel, `[kernel_y, kernel_x, channel]` along it.
pub(crate) struct Windows<'a> {
    pub(crate) sources: &'a HostSources<'a>,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) kernel_width: usize,
    pub(crate) stride: usize,
    /// Zeros above the picture; as many below as the windows reach.
    pub(crate) padding_top: usize,
    /// Zeros on its left.
    pub(crate) padding_left: usize,
}

/// The top left corner of a window, which may lie in the padding.
struct Corner {
    /// Index of the batch item's first pixel.
    item: usize,
    y: isize,
    x: isize,
}

/// The part of a window row that is one run of one source's channels.
struct Run<'a> {
    values: &'a [f32],
    /// Channels of the source.
    pixel: usize,
    channels: Range<usize>,
    kernel_y: usize,
    kernel_x: usize,
    /// Where it stands in the block's rows.
    to: Range<usize>,
}

impl Windows<'_> {
    fn corners(&self, rows: Range<usize>) -> impl Iterator<Item = Corner> {
        let per_item = self.out_height * self.out_width;
        rows.map(move |row| {
            let (item, pixel) = (row / per_item, row % per_item);
            let corner = |at: usize, padding: usize| (at * self.stride) as isize - padding as isize;
            Corner {
                item: item * self.height * self.width,
                y: corner(pixel / self.out_width, self.padding_top),
                x: corner(pixel % self.out_width, self.padding_left),
            }
        })
    }

    /// Cuts `depth` of a window row into runs.
    fn runs(&self, depth: Range<usize>) -> Vec<Run<'_>> {
        let mut runs = Vec::new();
        let mut at = depth.start;
        while at < depth.end {
            let (tap, channel) = (at / self.sources.channels(), at % self.sources.channels());
            let (values, pixel, first) = self.sources.find(channel);
            let len = (pixel - first).min(depth.end - at);
            runs.push(Run {
                values,
                pixel,
                channels: first..first + len,
                kernel_y: tap / self.kernel_width,
                kernel_x: tap % self.kernel_width,
                to: at - depth.start..at - depth.start + len,
            });
            at += len;
        }
        runs
    }

    /// Index of the pixel that a window sees at a kernel position, unless that is padding.
    #[inline]
    fn pixel(&self, corner: &Corner, run: &Run<'_>) -> Option<usize> {
        let y = corner.y.checked_add_unsigned(run.kernel_y)?.cast_unsigned();
        let x = corner.x.checked_add_unsigned(run.kernel_x)?.cast_unsigned();
        // Negative coordinates have become huge ones.
        (y < self.height && x < self.width).then(|| corner.item + y * self.width + x)
    }
}

impl RowSource for Windows<'_> {
    fn fill<E: Element>(&self, element: E, rows: Range<usize>, depth: Range<usize>, block: &mut [Row]) {
        let corners: Vec<Corner> = self.corners(rows).collect();
        for run in self.runs(depth) {
            for (corner, row) in corners.iter().zip(&mut *block) {
                match self.pixel(corner, &run) {
                    Some(pixel) => {
                        let start = pixel * run.pixel;
                        let from = start + run.channels.start..start + run.channels.end;
                        element.put(&run.values[from], row, run.to.start);
                    }
                    None => element.clear(row, run.to.start, run.to.len()),
                }
            }
        }
    }
}

/// Every other pixel of every other row: where a product with one row for each pixel of a picture goes in the picture of
/// twice its size.
#[derive(Clone, Copy)]
pub(crate) struct EveryOther {
    /// Width of the smaller picture.
    pub(crate) width: usize,
    /// The first row, 0 or 1.
    pub(crate) y: usize,
    /// The first pixel in a row, 0 or 1.
    pub(crate) x: usize,
}

impl RowPlacement for EveryOther {
    #[inline(always)]
    fn place(&self, row: usize) -> usize {
        // Rows of all batch items count through: each item has twice as many in the larger picture.
        let (y, x) = (row / self.width, row % self.width);
        (2 * y + self.y) * 2 * self.width + 2 * x + self.x
    }
}
