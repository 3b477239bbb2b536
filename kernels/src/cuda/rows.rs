//! Weights as kernels read them.

use std::ops::Range;

use bytemuck::Pod;
use half::{bf16, f16};
use rayon::prelude::*;

use super::launch::In;
use super::tensor_map::{TensorMap, Tiling};
use super::{Context, DeviceSlice};
use crate::storage::checked_bytes;
use crate::tensor::Elements;
use crate::{DType, Result, Shape};

/// Elements that a task converts.
const TASK: usize = 1 << 16;

/// A `[rows, taps, channels]` weight on a device: a row holds what makes one output, in the order in which kernels go along it.
#[derive(Clone, Debug)]
pub(crate) struct DeviceRows {
    slice: DeviceSlice,
    dtype: DType,
    rows: usize,
    depth: usize,
}

impl DeviceRows {
    /// Copies a `[rows, channels, taps]` weight of any dtype (the checkpoints' order) to the device as `dtype`.
    pub(crate) fn upload(
        context: &'static Context,
        dtype: DType,
        weight: &Elements<'_>,
        [rows, channels, taps]: [usize; 3],
    ) -> Result<Self> {
        let order = Order { channels, taps };
        let bytes = checked_bytes(&Shape::from([rows, channels, taps]), dtype.size())?;
        let fill = |range: Range<usize>, to: &mut [u8]| {
            let first = range.start / dtype.size();
            match dtype {
                DType::F32 => order.fill_from(weight, first, bytemuck::cast_slice_mut(to), |x: f32| x),
                DType::F16 => order.fill_from(weight, first, bytemuck::cast_slice_mut(to), f16::from_f32),
                DType::BF16 => order.fill_from(weight, first, bytemuck::cast_slice_mut(to), bf16::from_f32),
            }
        };
        let slice = context.upload_in_pieces(bytes, fill)?;
        Ok(DeviceRows { slice, dtype, rows, depth: channels * taps })
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The activations that it is made for.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The pointer for a kernel.
    pub(crate) fn pointer<E>(&self) -> In<'_, E> {
        In::of(&self.slice, self.dtype)
    }

    /// The description for a kernel that lets Hopper's copy engine read it.
    pub(crate) fn tensor_map(&self, tiling: Tiling<'_>) -> Result<TensorMap> {
        TensorMap::tiled(&self.slice, self.dtype, tiling)
    }

    /// It as a tensor `[rows, depth]`.
    #[cfg(test)]
    pub(crate) fn to_tensor(&self) -> crate::Tensor {
        let storage = crate::storage::Storage::Cuda(self.slice.clone());
        crate::Tensor::from_storage(storage, self.dtype, Shape::from([self.rows, self.depth]))
    }

    /// The context of the device that it is on.
    pub(crate) fn context(&self) -> &'static Context {
        self.slice.context()
    }
}

/// The way from `[rows, channels, taps]` to `[rows, taps, channels]`.
#[derive(Clone, Copy)]
struct Order {
    channels: usize,
    taps: usize,
}

impl Order {
    fn fill_from<To: Pod + Send>(
        self,
        weight: &Elements<'_>,
        first: usize,
        to: &mut [To],
        convert: impl Fn(f32) -> To + Sync,
    ) {
        match weight {
            Elements::F32(from) => self.fill(from, first, to, convert),
            Elements::F16(from) => self.fill(from, first, to, |x| convert(x.to_f32())),
            Elements::BF16(from) => self.fill(from, first, to, |x| convert(x.to_f32())),
        }
    }

    /// Writes the elements of the result from number `first` on, on all cores.
    fn fill<From: Pod + Sync, To: Pod + Send>(
        self,
        from: &[From],
        first: usize,
        to: &mut [To],
        convert: impl Fn(From) -> To + Sync,
    ) {
        to.par_chunks_mut(TASK).enumerate().for_each(|(task, mut to)| {
            let mut at = first + task * TASK;
            while !to.is_empty() {
                // What is left of one tap of one row.
                let (tap, channel) = (at / self.channels, at % self.channels);
                let len = to.len().min(self.channels - channel);
                let start = (tap / self.taps * self.channels + channel) * self.taps + tap % self.taps;
                let (run, rest) = to.split_at_mut(len);
                for (to, from) in run.iter_mut().zip(from[start..].iter().step_by(self.taps)) {
                    *to = convert(*from);
                }
                to = rest;
                at += len;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_go_before_channels() {
        let order = Order { channels: 3, taps: 2 };
        let from: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let want = [0.0, 2.0, 4.0, 1.0, 3.0, 5.0, 6.0, 8.0, 10.0, 7.0, 9.0, 11.0];
        for (first, len) in [(0, 12), (1, 11), (4, 3), (8, 4), (0, 0)] {
            let mut to = vec![f32::NAN; len];
            order.fill_from(&Elements::F32(&from), first, &mut to, |x| x);
            assert_eq!(to, want[first..first + len]);
        }
    }

    #[test]
    fn large_weights_are_converted_in_several_tasks() {
        let order = Order { channels: 100, taps: 9 };
        let from: Vec<f32> = (0..900 * 400).map(|i| (i % 1000) as f32).collect();
        let mut to = vec![f16::ZERO; from.len()];
        order.fill_from(&Elements::F32(&from), 0, &mut to, f16::from_f32);
        for (i, to) in to.iter().enumerate() {
            let (row, tap, channel) = (i / 900, i % 900 / 100, i % 100);
            assert_eq!(to.to_f32(), from[row * 900 + channel * 9 + tap]);
        }
    }
}
