//! The noise of a sampling loop: drawn from the pictures' seeds, or replayed from a recording.

use easel_engine::FingerprintHasher;
use easel_kernels::{Device, Tensor, random};

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

/// Draws by number: 0 is the loop's start, then comes one for every step that adds noise. A draw depends on its number
/// alone, not on what was drawn before: a loop may begin anywhere.
pub struct Draws {
    source: Source,
    stage: Stage,
    /// Of one picture: `[channels]` or `[height, width, channels]`.
    item: Vec<usize>,
    batch: usize,
}

enum Source {
    /// Of the first picture.
    Seed(u64),
    Recorded(Tensor),
}

impl Draws {
    /// Picture i of `batch` draws from seed `seed` + i, as it would alone.
    pub fn from_seed(seed: u64, stage: Stage, batch: usize, item: &[usize]) -> Self {
        Draws { source: Source::Seed(seed), stage, item: item.to_vec(), batch }
    }

    /// Replays `recorded: [draws, batch, channels]` or `[draws, batch, channels, height, width]` (channels first, as
    /// PyTorch records them).
    ///
    /// # Errors
    /// Another shape, or not exactly `count` draws.
    pub fn recorded(recorded: Tensor, stage: Stage, count: usize, batch: usize, item: &[usize]) -> Result<Self> {
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
        Ok(Draws { source: Source::Recorded(recorded), stage, item: item.to_vec(), batch })
    }

    /// Draw `index` on a device: `[batch, channels]` or `[batch, height, width, channels]`, the same bits on all of them.
    pub fn draw(&self, index: usize, device: Device) -> Result<Tensor> {
        match &self.source {
            Source::Seed(first) => {
                let (stream, draw) = (self.stage as u32, index as u32);
                Ok(random::normal_batch(device, self.batch, self.item.clone(), *first, stream, draw)?)
            }
            Source::Recorded(recorded) => {
                let draw = recorded.narrow(0, index, 1)?;
                let draw = draw.reshape(&draw.dims()[1..])?;
                let draw = if self.item.len() == 3 { draw.nchw_to_nhwc()? } else { draw };
                Ok(draw.to_device(device)?)
            }
        }
    }

    /// The shape of a draw, which is that of the sample.
    pub(super) fn shape(&self) -> Vec<usize> {
        let mut shape = vec![self.batch];
        shape.extend(&self.item);
        shape
    }

    /// Everything that tells these draws from others.
    pub(super) fn hash_into(&self, hasher: &mut FingerprintHasher) {
        hasher.number(self.stage as u64);
        let shape = self.shape();
        hasher.number(shape.len() as u64);
        shape.iter().for_each(|&size| hasher.number(size as u64));
        match &self.source {
            Source::Seed(first) => {
                hasher.text("seed");
                hasher.number(*first);
            }
            Source::Recorded(recorded) => {
                hasher.text("recorded");
                hasher.bytes(recorded.bytes().expect("what travels along a wire is on the host"));
            }
        }
    }
}
