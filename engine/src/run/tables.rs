//! Tables by instance. Instances are numbered by the run itself, so nobody can choose numbers that fall on one place,
//! and to spread them takes one multiplication.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

pub(super) type ByNumber<K, T> = HashMap<K, T, BuildHasherDefault<Spread>>;
pub(super) type Numbers<K> = HashSet<K, BuildHasherDefault<Spread>>;

#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        // A fingerprint, which is a hash already.
        let first = bytes.first_chunk().map_or(bytes.len() as u64, |bytes| u64::from_le_bytes(*bytes));
        self.write_u64(first);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    /// Tables take the lowest bits; a multiplication spreads towards the highest.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
