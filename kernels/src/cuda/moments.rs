//! What a kernel leaves behind of a tensor for whoever normalises it by groups.

use super::launch::{In, Out};
use super::{Context, DeviceSlice};
use crate::{DType, Result};

/// Means and sums of squared deviations of a tensor `[batch, .., channels]`: those of every channel over every chunk of so
/// many pixels of an item, as `cuda/group_norm.cu` lays them out.
#[derive(Clone)]
pub(crate) struct Moments {
    slice: DeviceSlice,
    channels: usize,
    chunk_pixels: usize,
}

impl Moments {
    /// Room for those of a tensor of `[batch, pixels, channels]`.
    pub(crate) fn room(
        context: &'static Context,
        [batch, pixels, channels]: [usize; 3],
        chunk_pixels: usize,
    ) -> Result<Self> {
        let slice = context.allocate(batch * pixels.div_ceil(chunk_pixels) * 2 * channels * size_of::<f32>())?;
        Ok(Moments { slice, channels, chunk_pixels })
    }

    /// Channels of the tensor.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Pixels of a chunk; the last one of an item may have fewer.
    pub(crate) fn chunk_pixels(&self) -> usize {
        self.chunk_pixels
    }

    /// For a kernel that reads them.
    pub(crate) fn input(&self) -> In<'_, f32> {
        In::of(&self.slice, DType::F32)
    }

    /// For the kernel that writes them.
    pub(crate) fn output(&self) -> Out<'_, f32> {
        Out::of(&self.slice, DType::F32)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl Moments {
    /// `[batch · chunks, 2, channels]`.
    pub(crate) fn values(&self) -> Vec<f32> {
        let mut bytes = vec![0; self.slice.len()];
        self.slice.download(&mut bytes).unwrap();
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }

    /// Fails unless they are those of `x: [batch, .., channels]`.
    pub(crate) fn assert_of(&self, x: &crate::Tensor) {
        let (values, moments) = (x.to_vec_f32().unwrap(), self.values());
        let channels = self.channels;
        let pixels = values.len() / channels / x.dims()[0];
        let (chunks, of_chunk) = (pixels / self.chunk_pixels, self.chunk_pixels as f64);
        assert_eq!(moments.len(), x.dims()[0] * chunks * 2 * channels, "chunks are whole");
        // Every one of a chunk's additions rounds; deviations are from a number that may be some deviations off the mean.
        let rounding = of_chunk * 16.0 / f64::from(1 << 24);
        for (item, of_item) in values.chunks_exact(pixels * channels).enumerate() {
            let of_chunks = &moments[item * chunks * 2 * channels..][..chunks * 2 * channels];
            for channel in 0..channels {
                let column = || of_item.iter().skip(channel).step_by(channels).map(|&x| f64::from(x));
                let mean = column().sum::<f64>() / pixels as f64;
                let squares: f64 = column().map(|x| (x - mean).powi(2)).sum();
                let parts =
                    || of_chunks.chunks_exact(2 * channels).map(|chunk| (chunk[channel], chunk[channels + channel]));
                let found_mean = parts().map(|(mean, _)| f64::from(mean)).sum::<f64>() / chunks as f64;
                let around = |part: f32| of_chunk * (f64::from(part) - mean).powi(2);
                let found: f64 = parts().map(|(part, squares)| f64::from(squares) + around(part)).sum();
                let deviation = (squares / pixels as f64).sqrt();
                // Written so that a NaN fails.
                let close =
                    (found_mean - mean).abs() <= rounding * deviation && (found - squares).abs() <= rounding * squares;
                assert!(close, "item {item}, channel {channel}: {found_mean} {found}, wants {mean} {squares}");
            }
        }
    }
}
