//! A set of indices from which the lowest is taken again and again.

/// A bit for each index, and above every 64 words of those a word that says which of them are not empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Lowest {
    bits: Vec<u64>,
    words: Vec<u64>,
    /// No lower word of `words` has a bit.
    from: usize,
}

impl Lowest {
    /// Makes room for indices below `end`.
    pub(super) fn reserve(&mut self, end: usize) {
        let (bits, words) = (end.div_ceil(64), end.div_ceil(64 * 64));
        self.bits.resize(bits.max(self.bits.len()), 0);
        self.words.resize(words.max(self.words.len()), 0);
    }

    pub(super) fn insert(&mut self, index: usize) {
        if index / 64 >= self.bits.len() {
            self.reserve(index + 1);
        }
        let word = index / 64;
        self.bits[word] |= 1 << (index % 64);
        self.words[word / 64] |= 1 << (word % 64);
        self.from = self.from.min(word / 64);
    }

    pub(super) fn remove(&mut self, index: usize) {
        let word = index / 64;
        let Some(bits) = self.bits.get_mut(word) else { return };
        *bits &= !(1 << (index % 64));
        if *bits == 0 {
            self.words[word / 64] &= !(1 << (word % 64));
        }
    }

    pub(super) fn pop_first(&mut self) -> Option<usize> {
        let above = self.words.iter().skip(self.from).position(|words| *words != 0);
        self.from = above.map_or(self.words.len(), |above| self.from + above);
        let word = self.from * 64 + self.words.get(self.from)?.trailing_zeros() as usize;
        let index = word * 64 + self.bits[word].trailing_zeros() as usize;
        self.remove(index);
        Some(index)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().skip(self.from).all(|words| *words == 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a set that is sorted.
        #[test]
        fn it_gives_what_a_sorted_set_gives(moves in prop::collection::vec((0..4_usize, 0..20_000_usize), 0..200)) {
            let (mut lowest, mut sorted) = (Lowest::default(), BTreeSet::new());
            for (what, index) in moves {
                match what {
                    0 => {
                        lowest.remove(index);
                        sorted.remove(&index);
                    }
                    1 => prop_assert_eq!(lowest.pop_first(), sorted.pop_first()),
                    _ => {
                        lowest.insert(index);
                        sorted.insert(index);
                    }
                }
                prop_assert_eq!(lowest.is_empty(), sorted.is_empty());
            }
            while let Some(index) = sorted.pop_first() {
                prop_assert_eq!(lowest.pop_first(), Some(index));
            }
            prop_assert_eq!(lowest.pop_first(), None);
        }
    }
}
