//! A network that makes pictures larger in one pass (Wang et al. 2021, Real-ESRGAN), as its `SRVGGNetCompact`.

use easel_kernels::ops;
use easel_kernels::{Placement, Result, Tensor};

use crate::config::SrvggConfig;
use crate::models::layers::Conv2d;
use crate::weights::WeightsReader;

/// Convolutions at the small picture's size; the last gives the pixels of the large one, as what is to be added to the small
/// one's repeated.
pub struct SrvggNetCompact {
    /// `body.0`, `body.2`, …
    body: Vec<Conv2d>,
    /// Slopes of the PReLU after each of them but the last: `body.1`, `body.3`, …
    slopes: Vec<Tensor>,
    upscale: usize,
    place: Placement,
}

impl SrvggNetCompact {
    /// Builds it from the root of its part.
    pub fn new(weights: &WeightsReader, config: &SrvggConfig) -> Self {
        let (colours, features) = (SrvggConfig::COLOURS, config.num_feat);
        let last = config.num_conv + 1;
        let convolution = |index: usize| {
            let from = if index == 0 { colours } else { features };
            let to = if index == last { config.last_channels() } else { features };
            Conv2d::new(&weights.at(format_args!("body.{}", 2 * index)), from, to, 3)
        };
        let slopes = |index: usize| weights.at(format_args!("body.{}", 2 * index + 1)).tensor("weight", &[features]);
        SrvggNetCompact {
            body: (0..=last).map(convolution).collect(),
            slopes: (0..last).map(slopes).collect(),
            upscale: config.upscale,
            place: weights.place(),
        }
    }

    /// Where it computes.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// `image: [batch, height, width, 3]`, float32, 0 to 1 → `[batch, upscale · height, upscale · width, 3]`, float32, about 0
    /// to 1.
    pub fn forward(&self, image: &Tensor) -> Result<Tensor> {
        // The picture itself is never rounded to fewer bits, only what is added to it.
        let base = self.place.float32(image)?;
        let mut x = self.place.activation(&base)?;
        for (index, convolution) in self.body.iter().enumerate() {
            x = convolution.forward(&x)?;
            if let Some(slope) = self.slopes.get(index) {
                x = ops::prelu(&x, slope)?;
            }
        }
        ops::pixel_shuffle(&x, &base, self.upscale)
    }
}
