//! Two runs, or two pictures, side by side.

use std::path::PathBuf;

use easel_engine::RunId;

use super::Picture;

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The run; none: no run of the journal wrote the picture.
    pub(crate) run: Option<RunId>,
    /// The picture; none: the first that the run wrote.
    pub(crate) path: Option<PathBuf>,
}

/// How two pictures are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Side by side.
    #[default]
    Beside,
    /// The left one, in the place where the right one comes next.
    Left,
    /// The right one, in the same place.
    Right,
    /// Where they differ.
    Difference,
}

/// Two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compare {
    /// The one.
    pub(crate) left: Candidate,
    /// The other.
    pub(crate) right: Candidate,
    /// How their pictures are shown.
    pub(crate) manner: Manner,
    /// Differences are made so many times larger.
    pub(crate) gain: u16,
    /// So many lines of the list of inputs are above.
    pub(crate) scroll: usize,
}

impl Compare {
    /// These two, side by side.
    pub(crate) fn new(left: Candidate, right: Candidate) -> Self {
        Compare { left, right, manner: Manner::default(), gain: 4, scroll: 0 }
    }
}

/// Where two pictures differ, in absolute values made `gain` times larger, and by how much at the most (of 255). Pictures
/// of other sizes are laid over each other.
pub(crate) fn difference(left: &Picture, right: &Picture, gain: u16) -> (Picture, u8) {
    let (width, height) = (left.width.max(right.width), left.height().max(right.height()));
    let mut most = 0;
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let place = ((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64);
            let (one, other) = (left.at(place.0, place.1), right.at(place.0, place.1));
            pixels.push(std::array::from_fn(|channel| {
                let differs = one[channel].abs_diff(other[channel]);
                most = most.max(differs);
                u8::try_from(u16::from(differs).saturating_mul(gain)).unwrap_or(u8::MAX)
            }));
        }
    }
    (Picture { width, pixels: pixels.into() }, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_absolute_amplified_and_bounded() {
        let left = Picture { width: 2, pixels: [[10, 20, 30], [0, 0, 0]].into() };
        let right = Picture { width: 2, pixels: [[12, 15, 30], [0, 90, 0]].into() };
        let (picture, most) = difference(&left, &right, 4);
        assert_eq!((&picture.pixels[..], most), (&[[8, 20, 0], [0, 255, 0]][..], 90));
        assert_eq!(difference(&left, &left, 255).1, 0);
        let large = Picture { width: 4, pixels: [[10, 20, 30]; 16].into() };
        let (picture, _) = difference(&left, &large, 1);
        assert_eq!((picture.width, picture.height()), (4, 4));
        let none = Picture { width: 0, pixels: [].into() };
        assert_eq!(difference(&none, &none, 1).1, 0);
    }
}
