//! Which parts of the segments taken from the driver are in use: addresses and sizes only, no driver.

use std::collections::{BTreeMap, BTreeSet};

/// Blocks start at multiples of this: what the driver itself aligns to, and more than any load or tensor map needs.
pub(super) const ALIGNMENT: usize = 256;

/// Segments cut into blocks. A request gets the smallest free block that holds it; neighbours that are free are one.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// Segments by their start, with their sizes.
    segments: BTreeMap<u64, usize>,
    /// Blocks by their start.
    blocks: BTreeMap<u64, Block>,
    /// The free blocks by size, then start.
    free: BTreeSet<(usize, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    size: usize,
    free: bool,
}

impl Arena {
    /// Adds a segment, all of it free.
    pub(super) fn add_segment(&mut self, start: u64, size: usize) {
        self.segments.insert(start, size);
        self.insert_free(start, size);
    }

    /// Takes `size` bytes, which must be a multiple of [`ALIGNMENT`] and not 0.
    pub(super) fn take(&mut self, size: usize) -> Option<u64> {
        let &(found, start) = self.free.range((size, 0)..).next()?;
        self.free.remove(&(found, start));
        self.blocks.insert(start, Block { size, free: false });
        if found > size {
            self.insert_free(start + size as u64, found - size);
        }
        Some(start)
    }

    /// Gives back what [`Arena::take`] gave, and says how large it was.
    pub(super) fn give(&mut self, start: u64) -> usize {
        let Some(block) = self.blocks.get(&start).copied().filter(|block| !block.free) else { return 0 };
        let (mut start, mut size) = (start, block.size);
        let before = self.blocks.range(..start).next_back().map(|(&at, &block)| (at, block));
        if let Some((at, neighbour)) = before
            && self.joins(at, neighbour, start)
        {
            self.free.remove(&(neighbour.size, at));
            self.blocks.remove(&start);
            (start, size) = (at, size + neighbour.size);
        }
        let end = start + size as u64;
        if let Some(&neighbour) = self.blocks.get(&end)
            && self.joins(start, Block { size, free: true }, end)
            && neighbour.free
        {
            self.free.remove(&(neighbour.size, end));
            self.blocks.remove(&end);
            size += neighbour.size;
        }
        self.insert_free(start, size);
        block.size
    }

    /// Forgets the segments that nothing is taken of, and names them.
    pub(super) fn remove_free_segments(&mut self) -> Vec<(u64, usize)> {
        let removed: Vec<_> = self.free_segments().collect();
        removed.iter().for_each(|&segment| self.forget(segment));
        removed
    }

    /// Forgets the smallest segment of at least `size` bytes that nothing is taken of, and names it.
    pub(super) fn remove_free_segment(&mut self, size: usize) -> Option<(u64, usize)> {
        let found = self.free_segments().filter(|segment| segment.1 >= size).min_by_key(|segment| segment.1)?;
        self.forget(found);
        Some(found)
    }

    fn free_segments(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        let all = self.segments.iter().map(|(&start, &size)| (start, size));
        all.filter(|&(start, size)| self.free.contains(&(size, start)))
    }

    fn forget(&mut self, (start, size): (u64, usize)) {
        self.segments.remove(&start);
        self.blocks.remove(&start);
        self.free.remove(&(size, start));
    }

    /// Takes over all segments and blocks of another arena.
    pub(super) fn absorb(&mut self, other: Arena) {
        self.segments.extend(other.segments);
        self.blocks.extend(other.blocks);
        self.free.extend(other.free);
    }

    /// Whether a free block ends where the other one starts, in one segment.
    fn joins(&self, at: u64, block: Block, start: u64) -> bool {
        // Segments that happen to be neighbours stay apart: each goes back to the driver as it came.
        block.free && at + block.size as u64 == start && !self.segments.contains_key(&start)
    }

    fn insert_free(&mut self, start: u64, size: usize) {
        self.blocks.insert(start, Block { size, free: true });
        self.free.insert((size, start));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const UNIT: usize = ALIGNMENT;

    #[test]
    fn the_smallest_block_that_holds_it_is_taken_and_neighbours_join() {
        let mut arena = Arena::default();
        arena.add_segment(0, 10 * UNIT);
        let [a, b, c] = [2, 3, 1].map(|units| arena.take(units * UNIT).unwrap());
        assert_eq!([a, b, c], [0, 2 * UNIT as u64, 5 * UNIT as u64]);
        arena.give(b);
        assert_eq!(arena.take(3 * UNIT), Some(b), "the hole of 3 fits better than the rest of 4");
        for block in [a, c, b] {
            arena.give(block);
        }
        assert_eq!(arena.remove_free_segments(), [(0, 10 * UNIT)]);
        assert_eq!(arena.take(UNIT), None);
    }

    #[test]
    fn neighbouring_segments_stay_apart() {
        let mut arena = Arena::default();
        arena.add_segment(0, UNIT);
        arena.add_segment(UNIT as u64, UNIT);
        let (a, b) = (arena.take(UNIT).unwrap(), arena.take(UNIT).unwrap());
        arena.give(a);
        arena.give(b);
        assert_eq!(arena.take(2 * UNIT), None);
        assert_eq!(arena.remove_free_segments().len(), 2);
    }

    #[test]
    fn only_whole_segments_are_removed_the_smallest_that_will_do_first() {
        let mut arena = Arena::default();
        for (start, units) in [(0, 9), (1 << 20, 4), (1 << 21, 6)] {
            arena.add_segment(start, units * UNIT);
        }
        let taken = arena.take(UNIT).unwrap();
        assert_eq!(taken, 1 << 20);
        assert_eq!(
            arena.remove_free_segment(2 * UNIT),
            Some((1 << 21, 6 * UNIT)),
            "3 of the other are free, but not all"
        );
        assert_eq!(arena.remove_free_segment(10 * UNIT), None);
        assert_eq!(arena.remove_free_segment(6 * UNIT), Some((0, 9 * UNIT)));
        assert_eq!(arena.take(4 * UNIT), None, "what was removed is not there any more");
    }

    #[test]
    fn what_another_arena_gave_comes_back_to_the_one_that_absorbed_it() {
        let (mut one, mut other) = (Arena::default(), Arena::default());
        one.add_segment(0, UNIT);
        other.add_segment(1 << 20, 2 * UNIT);
        let taken = other.take(UNIT).unwrap();
        one.absorb(other);
        assert_eq!(one.give(taken), UNIT);
        assert_eq!(one.take(2 * UNIT), Some(1 << 20));
    }

    #[test]
    fn what_was_not_taken_cannot_be_given() {
        let mut arena = Arena::default();
        arena.add_segment(0, UNIT);
        assert_eq!(arena.give(0), 0);
        assert_eq!(arena.give(77), 0);
        assert_eq!(arena.take(UNIT), Some(0));
    }

    proptest! {
        /// Blocks never overlap, and when all have come back the segments are whole again.
        #[test]
        fn blocks_never_overlap(steps in prop::collection::vec((1usize..9, any::<prop::sample::Index>(), any::<bool>()), 1..200)) {
            let mut arena = Arena::default();
            arena.add_segment(1 << 20, 40 * UNIT);
            arena.add_segment(1 << 30, 25 * UNIT);
            let mut held: Vec<(u64, usize)> = Vec::new();
            for (units, which, give) in steps {
                if give && !held.is_empty() {
                    let (start, size) = held.swap_remove(which.index(held.len()));
                    prop_assert_eq!(arena.give(start), size);
                } else if let Some(start) = arena.take(units * UNIT) {
                    let end = start + (units * UNIT) as u64;
                    prop_assert!(held.iter().all(|&(other, size)| end <= other || other + size as u64 <= start));
                    held.push((start, units * UNIT));
                }
            }
            for (start, _) in held {
                arena.give(start);
            }
            prop_assert_eq!(arena.remove_free_segments().len(), 2);
        }
    }
}
