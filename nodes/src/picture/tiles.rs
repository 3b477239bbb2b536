//! Cutting a picture into tiles, for networks that see a few pixels beyond what they give.

use std::ops::Range;

/// One direction of a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// What it gives. Those of a picture lie side by side.
    pub(crate) given: Range<usize>,
    /// What it sees: that, and the margin around it as far as the picture goes.
    pub(crate) seen: Range<usize>,
}

/// A part of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) rows: Span,
    pub(crate) columns: Span,
}

impl Tile {
    /// Pixels that it sees.
    pub(crate) fn pixels(&self) -> usize {
        self.rows.seen.len() * self.columns.seen.len()
    }
}

/// Tiles of about the same size that give a picture of `height` × `width` together, none more than `side` pixels in a
/// direction, row by row.
pub(crate) fn tiles([height, width]: [usize; 2], side: usize, margin: usize) -> Vec<Tile> {
    let columns = spans(width, side, margin);
    let rows = spans(height, side, margin).into_iter();
    rows.flat_map(|rows| columns.iter().map(move |columns| Tile { rows: rows.clone(), columns: columns.clone() }))
        .collect()
}

fn spans(size: usize, side: usize, margin: usize) -> Vec<Span> {
    let count = size.div_ceil(side.max(1));
    let span = |index: usize| {
        let given = index * size / count..(index + 1) * size / count;
        let seen = given.start.saturating_sub(margin)..given.end.saturating_add(margin).min(size);
        Span { given, seen }
    };
    (0..count).map(span).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_picture_is_one_tile() {
        let whole = |size: usize| Span { given: 0..size, seen: 0..size };
        assert_eq!(tiles([7, 5], 8, 3), [Tile { rows: whole(7), columns: whole(5) }]);
        assert_eq!(tiles([0, 5], 8, 3), []);
    }

    #[test]
    fn tiles_are_about_the_same_size_and_see_their_surroundings() {
        let spans = spans(20, 8, 3);
        let given: Vec<_> = spans.iter().map(|span| span.given.clone()).collect();
        let seen: Vec<_> = spans.iter().map(|span| span.seen.clone()).collect();
        assert_eq!(given, [0..6, 6..13, 13..20]);
        assert_eq!(seen, [0..9, 3..16, 10..20]);
    }

    proptest! {
        #[test]
        fn every_pixel_is_given_once_and_seen_with_its_margin(
            height in 1usize..40, width in 1usize..40, side in 1usize..20, margin in 0usize..9,
        ) {
            let mut times = vec![0; height * width];
            for Tile { rows, columns } in tiles([height, width], side, margin) {
                for (span, size) in [(&rows, height), (&columns, width)] {
                    prop_assert!(!span.given.is_empty() && span.given.len() <= side);
                    prop_assert_eq!(span.seen.start, span.given.start.saturating_sub(margin));
                    prop_assert_eq!(span.seen.end, (span.given.end + margin).min(size));
                }
                for y in rows.given {
                    for x in columns.given.clone() {
                        times[y * width + x] += 1;
                    }
                }
            }
            prop_assert!(times.iter().all(|&times| times == 1));
        }
    }
}
