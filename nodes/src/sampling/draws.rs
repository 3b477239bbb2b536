//! The noise of a sampling loop: drawn from the pictures' seeds, or replayed from a recording.

use easel_kernels::{Tensor, random};

use crate::error::{Error, Result};

/// Which loop draws. Each has a stream of its own, so that one seed gives them different noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The prior's loop.
    Prior = 0,
    /// The decoder's.
    Decoder = 1,
    /// Super-resolution's.
    SuperRes = 2,
}

/// Draws in order: the first is the loop's start, then one for every step that adds noise.
pub struct Draws {
    source: Source,
    /// Of one picture: `[channels]` or `[height, width, channels]`.
    item: Vec<usize>,
    batch: usize,
    drawn: usize,
}

enum Source {
    Seeds { first: u64, stage: Stage },
    Recorded(Tensor),
}

impl Draws {
    /// Picture i of `batch` draws from seed `seed` + i, as it would alone.
    pub fn from_seed(seed: u64, stage: Stage, batch: usize, item: &[usize]) -> Self {
        Draws { source: Source::Seeds { first: seed, stage }, item: item.to_vec(), batch, drawn: 0 }
    }

    /// Replays `recorded: [draws, batch, channels]` or `[draws, batch, channels, height, width]` (channels first, as
    /// PyTorch records them).
    ///
    /// # Errors
    /// Another shape, or not exactly `count` draws.
    pub fn recorded(recorded: Tensor, count: usize, batch: usize, item: &[usize]) -> Result<Self> {
        let mut wanted = vec![count, batch];
        match *item {
            [height, width, channels] => wanted.extend([channels, height, width]),
            _ => wanted.extend(item),
        }
        if recorded.dims() != wanted {
            return Err(Error::invalid(format!(
                "the recorded noise has shape {}, this loop needs {wanted:?}",
                recorded.shape()
            ))
            .with_hint("the first dimension counts the draws: the start, then one per step but the last"));
        }
        Ok(Draws { source: Source::Recorded(recorded), item: item.to_vec(), batch, drawn: 0 })
    }

    /// The next draw: `[batch, channels]` or `[batch, height, width, channels]`.
    pub fn draw(&mut self) -> Result<Tensor> {
        let index = self.drawn;
        self.drawn += 1;
        match &self.source {
            Source::Seeds { first, stage } => {
                let pictures = (0..self.batch as u64)
                    .map(|i| random::normal(self.item.clone(), first.wrapping_add(i), *stage as u32, index as u32))
                    .collect::<easel_kernels::Result<Vec<_>>>()?;
                Ok(Tensor::stack(&pictures.iter().collect::<Vec<_>>())?)
            }
            Source::Recorded(recorded) => {
                let draw = recorded.narrow(0, index, 1)?;
                let draw = draw.reshape(&draw.dims()[1..])?;
                Ok(if self.item.len() == 3 { draw.nchw_to_nhwc()? } else { draw })
            }
        }
    }
}
