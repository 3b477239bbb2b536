//! Group normalisation: one pass for the statistics, one for the result.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::map::Lanewise;
use super::{Isa, TASK_ELEMENTS, load, store};
use crate::ops::{Activation, HostSources};

/// A checked [`crate::ops::group_norm`].
pub(crate) struct GroupNorm<'a> {
    pub(crate) sources: &'a HostSources<'a>,
    pub(crate) batch: usize,
    /// Pixels of a batch item.
    pub(crate) pixels: usize,
    pub(crate) groups: usize,
    pub(crate) eps: f32,
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) scale_shift: Option<&'a [f32]>,
    pub(crate) activation: Activation,
}

/// Pixels whose sums are formed in `f32`; `f64` adds these up. Short enough that the second look at them, for the
/// squares, finds them in the cache, and that `f32` rounding stays below the input's own.
const RUN: usize = 64;

/// At most this many partial results per batch item. A function of nothing else, so that sums have one order.
const PARTS: usize = 64;

/// Count, mean and sum of squared deviations, merged after Chan, Golub & LeVeque (1979).
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn merge(&mut self, other: Moments) {
        let count = self.count + other.count;
        if count > 0.0 {
            let delta = other.mean - self.mean;
            self.mean += delta * other.count / count;
            self.squares += other.squares + delta * delta * self.count * other.count / count;
            self.count = count;
        }
    }
}

/// What a channel of a batch item goes through: `(x − mean) · scale + shift`.
struct Affine {
    mean: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl GroupNorm<'_> {
    pub(crate) fn run(&self, out: &mut [f32]) {
        if out.is_empty() {
            return;
        }
        let channels = self.sources.channels();
        let parts = self.parts();
        let affine: Vec<Affine> =
            parts.chunks(parts.len() / self.batch).enumerate().map(|(item, parts)| self.affine(item, parts)).collect();
        let isa = Isa::detect();
        let pixels_per_task = (TASK_ELEMENTS / channels).max(1);
        out.par_chunks_mut(self.pixels * channels).enumerate().for_each(|(item, out)| {
            out.par_chunks_mut(pixels_per_task * channels).enumerate().for_each(|(task, out)| {
                let first_pixel = item * self.pixels + task * pixels_per_task;
                isa.dispatch(Normalise { norm: self, affine: &affine[item], first_pixel, out });
            });
        });
    }

    /// Moments of every group over consecutive parts of the pixels: an equal number of parts per batch item.
    fn parts(&self) -> Vec<Vec<Moments>> {
        let (isa, channels) = (Isa::detect(), self.sources.channels());
        let part = self.pixels.div_ceil(PARTS).next_multiple_of(RUN);
        let count = self.pixels.div_ceil(part);
        let moments = |index: usize| {
            let (item, start) = (index / count, index % count * part);
            let end = self.pixels.min(start + part);
            let base = item * self.pixels;
            isa.dispatch(PartMoments {
                channels_per_group: channels / self.groups,
                sources: self.sources,
                start: base + start,
                end: base + end,
            })
        };
        let parts = 0..self.batch * count;
        // Other threads would take longer to begin than this takes.
        if self.batch * self.pixels * channels <= TASK_ELEMENTS {
            return parts.map(moments).collect();
        }
        parts.into_par_iter().map(moments).collect()
    }

    fn affine(&self, item: usize, parts: &[Vec<Moments>]) -> Affine {
        let channels = self.sources.channels();
        let per_group = channels / self.groups;
        let mut affine = Affine {
            mean: Vec::with_capacity(channels),
            scale: Vec::with_capacity(channels),
            shift: Vec::with_capacity(channels),
        };
        for group in 0..self.groups {
            let mut moments = Moments::default();
            parts.iter().for_each(|part| moments.merge(part[group]));
            let rstd = 1.0 / (moments.squares / moments.count + f64::from(self.eps)).sqrt();
            for channel in group * per_group..(group + 1) * per_group {
                let (gain, offset) = self.scale_shift(item, channel);
                affine.mean.push(moments.mean as f32);
                affine.scale.push((rstd * f64::from(self.weight[channel]) * gain) as f32);
                affine.shift.push((f64::from(self.bias[channel]) * gain + offset) as f32);
            }
        }
        affine
    }

    fn scale_shift(&self, item: usize, channel: usize) -> (f64, f64) {
        let channels = self.sources.channels();
        match self.scale_shift {
            None => (1.0, 0.0),
            Some(values) => {
                let values = &values[item * 2 * channels..];
                (1.0 + f64::from(values[channel]), f64::from(values[channels + channel]))
            }
        }
    }
}

/// Moments of every group over the pixels `start..end`.
struct PartMoments<'a> {
    channels_per_group: usize,
    sources: &'a HostSources<'a>,
    start: usize,
    end: usize,
}

impl WithSimd for PartMoments<'_> {
    type Output = Vec<Moments>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Moments> {
        let channels = self.sources.channels();
        let mut groups = vec![Moments::default(); channels / self.channels_per_group];
        let mut first = 0;
        for &(values, channels) in self.sources.parts() {
            let pixels = &values[self.start * channels..self.end * channels];
            let (mut mean, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
            for run in pixels.chunks(RUN * channels) {
                run_moments(simd, run, &mut mean, &mut squares);
                self.merge(&mut groups, first, run.len() / channels, &mean, &squares);
            }
            first += channels;
        }
        groups
    }
}

impl PartMoments<'_> {
    /// Adds what was found of the channels from `first` on, over `count` pixels, to the groups that they belong to.
    #[inline(always)]
    fn merge(&self, groups: &mut [Moments], first: usize, count: usize, mean: &[f32], squares: &[f32]) {
        let (mut at, last) = (0, mean.len());
        while at < last {
            // A group may begin in the source before.
            let group = (first + at) / self.channels_per_group;
            let end = last.min((group + 1) * self.channels_per_group - first);
            groups[group].merge(of_channels(count, &mean[at..end], &squares[at..end]));
            at = end;
        }
    }
}

/// Of channels that were looked at over equally many pixels: that needs no division for each of them.
#[inline(always)]
fn of_channels(count: usize, means: &[f32], squares: &[f32]) -> Moments {
    let (count, channels) = (count as f64, means.len() as f64);
    let mean = means.iter().map(|&mean| f64::from(mean)).sum::<f64>() / channels;
    let between: f64 = means.iter().map(|&of_channel| (f64::from(of_channel) - mean).powi(2)).sum();
    let within: f64 = squares.iter().map(|&squares| f64::from(squares)).sum();
    Moments { count: count * channels, mean, squares: within + count * between }
}

/// Vectors of channels that are summed side by side: enough that no sum waits for the one before.
const BLOCK: usize = 8;

/// Mean and sum of squared deviations of every channel of a few pixels.
#[inline(always)]
fn run_moments<S: Simd>(simd: S, run: &[f32], mean: &mut [f32], squares: &mut [f32]) {
    let (channels, lanes) = (mean.len(), S::F32_LANES);
    let mut first = 0;
    while first < channels {
        first += match channels - first {
            rest if rest >= BLOCK * lanes => block_moments::<S, BLOCK>(simd, run, first, mean, squares),
            rest if rest >= 3 * lanes => block_moments::<S, 3>(simd, run, first, mean, squares),
            _ => block_moments::<S, 1>(simd, run, first, mean, squares),
        };
    }
}

/// The same of `WIDTH` vectors of channels from `first` on, the last of which may be cut off; says how many channels that were.
#[inline(always)]
fn block_moments<S: Simd, const WIDTH: usize>(
    simd: S,
    run: &[f32],
    first: usize,
    mean: &mut [f32],
    squares: &mut [f32],
) -> usize {
    let (channels, lanes) = (mean.len(), S::F32_LANES);
    let block = first..channels.min(first + WIDTH * lanes);
    let mut sums = [simd.splat_f32s(0.0); WIDTH];
    for pixel in run.chunks_exact(channels) {
        for (sum, x) in sums.iter_mut().zip(pixel[block.clone()].chunks(lanes)) {
            *sum = simd.add_f32s(*sum, load(simd, x));
        }
    }
    let share = simd.splat_f32s(1.0 / (run.len() / channels) as f32);
    let means = sums.map(
        #[inline(always)]
        |sum| simd.mul_f32s(sum, share),
    );
    let mut sums = [simd.splat_f32s(0.0); WIDTH];
    for pixel in run.chunks_exact(channels) {
        for (vector, x) in pixel[block.clone()].chunks(lanes).enumerate() {
            let deviation = simd.sub_f32s(load(simd, x), means[vector]);
            sums[vector] = simd.mul_add_e_f32s(deviation, deviation, sums[vector]);
        }
    }
    let out = mean[block.clone()].chunks_mut(lanes).zip(squares[block.clone()].chunks_mut(lanes));
    for (vector, (mean, squares)) in out.enumerate() {
        store(simd, mean, means[vector]);
        store(simd, squares, sums[vector]);
    }
    block.len()
}

/// The second pass over the pixels from `first_pixel` that `out` holds.
struct Normalise<'a> {
    norm: &'a GroupNorm<'a>,
    affine: &'a Affine,
    first_pixel: usize,
    out: &'a mut [f32],
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, activation) = (S::F32_LANES, self.norm.activation);
        let all = self.norm.sources.channels();
        let mut first = 0;
        for &(values, channels) in self.norm.sources.parts() {
            let range = first..first + channels;
            let mean = &self.affine.mean[range.clone()];
            let scale = &self.affine.scale[range.clone()];
            let shift = &self.affine.shift[range.clone()];
            let pixels = values[self.first_pixel * channels..].chunks_exact(channels);
            for (pixel, out) in pixels.zip(self.out.chunks_exact_mut(all)) {
                let out = &mut out[range.clone()];
                for (vector, out) in out.chunks_mut(lanes).enumerate() {
                    let at = vector * lanes..vector * lanes + out.len();
                    let x = load(simd, &pixel[at.clone()]);
                    let x = simd.sub_f32s(x, load(simd, &mean[at.clone()]));
                    let y = simd.mul_add_e_f32s(x, load(simd, &scale[at.clone()]), load(simd, &shift[at]));
                    store(simd, out, activation.apply(simd, [y]));
                }
            }
            first += channels;
        }
    }
}
