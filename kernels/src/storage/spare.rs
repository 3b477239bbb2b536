//! Memory of large results that are no longer needed, kept for the next ones.
//!
//! The system clears memory, page by page, when it is first written to: of a network whose activations take tens of MiB each
//! that is a tenth of the time of a step, and the allocator gives such memory back as soon as it is free.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::host::CacheLine;

/// Shorter ones are the allocator's business, in lines: 1 MiB.
const SHORTEST: usize = (1 << 20) / size_of::<CacheLine>();

/// Bytes of memory that are kept at most.
pub const SPARE_MEMORY: usize = 256 << 20;

/// Lines that are kept at most.
const MOST: usize = SPARE_MEMORY / size_of::<CacheLine>();

/// Of the program, for its threads hand results to each other.
static SPARE: Mutex<Spare> = Mutex::new(Spare { kept: Vec::new(), lines: 0 });

#[derive(Default)]
struct Spare {
    /// The oldest first.
    kept: Vec<Vec<CacheLine>>,
    /// Of all of them.
    lines: usize,
}

impl Spare {
    /// The shortest that has `lines`, unless more than a sixteenth of that would lie idle beside.
    fn take(&mut self, lines: usize) -> Option<Vec<CacheLine>> {
        let fits = |kept: &Vec<CacheLine>| (lines..=lines.saturating_add(lines / 16)).contains(&kept.len());
        let fitting = self.kept.iter().enumerate().filter(|(_, kept)| fits(kept));
        let (index, _) = fitting.min_by_key(|(_, kept)| kept.len())?;
        let found = self.kept.remove(index);
        self.lines -= found.len();
        Some(found)
    }

    /// Keeps it, and gives what has to go for that.
    fn keep(&mut self, lines: Vec<CacheLine>) -> Vec<Vec<CacheLine>> {
        self.lines += lines.len();
        self.kept.push(lines);
        let mut gone = 0;
        while self.lines > MOST {
            self.lines -= self.kept[gone].len();
            gone += 1;
        }
        self.kept.drain(..gone).collect()
    }
}

/// So many lines, or some more, of which every one holds whatever it was used for.
pub(super) fn take(lines: usize) -> Option<Vec<CacheLine>> {
    if lines < SHORTEST { None } else { spare().take(lines) }
}

/// Keeps memory that nobody needs now.
pub(super) fn keep(lines: Vec<CacheLine>) {
    if lines.len() >= SHORTEST {
        let gone = spare().keep(lines);
        // Giving memory back takes long enough that others should not wait for it.
        drop(gone);
    }
}

/// Gives the memory back that the CPU's ops keep for their next results, at most [`SPARE_MEMORY`]: after a network's last
/// step, for nothing like it may follow.
pub fn release_spare_memory() {
    let gone = std::mem::take(&mut *spare());
    drop(gone);
}

fn spare() -> MutexGuard<'static, Spare> {
    // A panic in between can at worst have lost some of it.
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytemuck::Zeroable;

    use super::*;

    fn lines(count: usize) -> Vec<CacheLine> {
        vec![CacheLine::zeroed(); count]
    }

    #[test]
    fn what_fits_best_is_taken_and_what_is_much_too_long_is_not() {
        let mut spare = Spare::default();
        for count in [130, 100, 107, 105] {
            assert!(spare.keep(lines(count)).is_empty());
        }
        assert_eq!(spare.take(101).unwrap().len(), 105);
        assert_eq!(spare.take(101).unwrap().len(), 107);
        assert!(spare.take(101).is_none(), "130 is more than a sixteenth longer");
        assert_eq!((spare.kept.len(), spare.lines), (2, 230));
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut spare = Spare::default();
        assert!(spare.keep(lines(MOST / 2)).is_empty());
        assert!(spare.keep(lines(MOST / 4)).is_empty());
        let gone = spare.keep(lines(MOST / 2));
        assert_eq!(gone.iter().map(Vec::len).collect::<Vec<_>>(), [MOST / 2]);
        let gone = spare.keep(lines(MOST + 1));
        assert_eq!(gone.len(), 3, "what is longer than all may be is not kept either");
        assert_eq!((spare.kept.len(), spare.lines), (0, 0));
    }
}
