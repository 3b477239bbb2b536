//! Tensors cut, joined and turned round.

use std::ops::Range;

use bytemuck::Pod;

use super::{Tensor, cast, fill};
use crate::cuda;
use crate::storage::Buffer;
use crate::{Device, KernelError, Result, Shape};

impl Tensor {
    /// `len` entries of dimension `axis` from `start`. Shares the bytes when `axis` is the first, copies otherwise.
    pub fn narrow(&self, axis: usize, start: usize, len: usize) -> Result<Tensor> {
        let layout = self.layout("narrow", axis)?;
        if start.checked_add(len).is_none_or(|end| end > layout.size) {
            let problem = format!("entries {start}..{start} + {len} of dimension {axis} of {}", self.shape);
            return Err(KernelError::parameter("narrow", problem));
        }
        let shape = replaced(&self.shape, axis, len);
        let (skip, take) = (start * layout.inner, len * layout.inner);
        if axis == 0 {
            return Ok(Tensor::from_storage(self.storage.slice(skip, take), self.dtype, shape));
        }
        if let Device::Cuda(_) = self.device() {
            return cuda::ops::layout::cut(self, layout.outer, skip, take, &shape);
        }
        let run = layout.size * layout.inner;
        let runs = (0..layout.outer).map(|i| (self, i * run + skip..i * run + skip + take));
        self.gather("narrow", shape, runs)
    }

    /// Tensors one after the other along `axis`; all other dimensions agree.
    pub fn concat(tensors: &[&Tensor], axis: usize) -> Result<Tensor> {
        let first = first_of("concat", tensors)?;
        let mut total = 0;
        for tensor in tensors {
            total += tensor.layout("concat", axis)?.size;
            if replaced(&tensor.shape, axis, 0) != replaced(&first.shape, axis, 0) {
                let problem = format!("{} and {} differ outside dimension {axis}", first.shape, tensor.shape);
                return Err(KernelError::shape("concat", problem));
            }
            tensor.expect_dtype("concat", first.dtype)?;
            if tensor.device() != first.device() {
                let (first, second) = (first.device(), tensor.device());
                return Err(KernelError::MixedDevices { op: "concat", first, second });
            }
        }
        let shape = replaced(&first.shape, axis, total);
        let outer = first.layout("concat", axis)?.outer;
        if let Device::Cuda(_) = first.device() {
            return cuda::ops::layout::join(tensors, outer, &shape);
        }
        let runs = (0..outer).flat_map(|i| {
            tensors.iter().map(move |&tensor| {
                let run = tensor.storage.len() / outer;
                (tensor, i * run..(i + 1) * run)
            })
        });
        first.gather("concat", shape, runs)
    }

    /// Tensors of one shape along a new first dimension.
    pub fn stack(tensors: &[&Tensor]) -> Result<Tensor> {
        let first = first_of("stack", tensors)?;
        let mut dims = vec![1];
        dims.extend_from_slice(first.dims());
        let items: Vec<Tensor> = tensors
            .iter()
            .map(|tensor| {
                if tensor.shape != first.shape {
                    let problem = format!("{} and {} are not one shape", first.shape, tensor.shape);
                    return Err(KernelError::shape("stack", problem));
                }
                tensor.reshape(dims.clone())
            })
            .collect::<Result<_>>()?;
        Self::concat(&items.iter().collect::<Vec<_>>(), 0)
    }

    /// Every item of the first dimension `times` in a row (torch's `repeat_interleave(times, 0)`).
    pub fn repeat_interleave(&self, times: usize) -> Result<Tensor> {
        let layout = self.layout("repeat_interleave", 0)?;
        let total = layout
            .size
            .checked_mul(times)
            .ok_or_else(|| KernelError::parameter("repeat_interleave", format!("{times} times {}", self.shape)))?;
        let shape = replaced(&self.shape, 0, total);
        if let Device::Cuda(_) = self.device() {
            return cuda::ops::layout::repeat(self, layout.inner, times, &shape);
        }
        let items = (0..layout.size).map(|i| i * layout.inner..(i + 1) * layout.inner);
        let runs = items.flat_map(|item| std::iter::repeat_n((self, item), times));
        self.gather("repeat_interleave", shape, runs)
    }

    /// A tensor of first dimension 1 repeated `times` along it (torch's `expand`).
    pub fn expand_batch(&self, times: usize) -> Result<Tensor> {
        match self.dims().first() {
            Some(1) if times == 1 => Ok(self.clone()),
            Some(1) => self.repeat_interleave(times),
            _ => {
                let problem = format!("wants a first dimension of 1, got {}", self.shape);
                Err(KernelError::shape("expand_batch", problem))
            }
        }
    }

    /// `[b, c, h, w]` → `[b, h, w, c]`.
    pub fn nchw_to_nhwc(&self) -> Result<Tensor> {
        let &[b, c, h, w] = self.dims() else {
            let problem = format!("wants [b, c, h, w], got {}", self.shape);
            return Err(KernelError::shape("nchw_to_nhwc", problem));
        };
        self.transpose_matrices(c, h * w, Shape::from([b, h, w, c]))
    }

    /// `[b, h, w, c]` → `[b, c, h, w]`.
    pub fn nhwc_to_nchw(&self) -> Result<Tensor> {
        let &[b, h, w, c] = self.dims() else {
            let problem = format!("wants [b, h, w, c], got {}", self.shape);
            return Err(KernelError::shape("nhwc_to_nchw", problem));
        };
        self.transpose_matrices(h * w, c, Shape::from([b, c, h, w]))
    }

    /// A tensor of `shape` and of this one's dtype whose bytes are runs of others', one after the other; all on the host.
    fn gather<'a>(
        &self,
        op: &'static str,
        shape: Shape,
        runs: impl Iterator<Item = (&'a Tensor, Range<usize>)>,
    ) -> Result<Tensor> {
        let mut buffer = Buffer::zeroed(&shape, self.dtype.size())?;
        let mut rest = buffer.bytes_mut();
        for (from, run) in runs {
            let (to, after) = rest.split_at_mut(run.len());
            to.copy_from_slice(&from.host_bytes(op)?[run]);
            rest = after;
        }
        Ok(Self::from_buffer(buffer, self.dtype, shape))
    }

    fn layout(&self, op: &'static str, axis: usize) -> Result<Layout> {
        let dims = self.dims();
        let &size =
            dims.get(axis).ok_or_else(|| KernelError::parameter(op, format!("dimension {axis} of {}", self.shape)))?;
        let outer = dims[..axis].iter().product();
        let inner = dims[axis + 1..].iter().product::<usize>() * self.dtype.size();
        Ok(Layout { outer, size, inner })
    }

    /// `[.., rows, columns]` → `[.., columns, rows]`, under the name `shape`.
    fn transpose_matrices(&self, rows: usize, columns: usize, shape: Shape) -> Result<Tensor> {
        if let Device::Cuda(_) = self.device() {
            return cuda::ops::layout::transpose(self, rows, columns, &shape);
        }
        let bytes = self.host_bytes("transpose")?;
        let mut buffer = Buffer::zeroed(&shape, self.dtype.size())?;
        match self.dtype.size() {
            2 => transpose::<u16>(bytes, buffer.bytes_mut(), rows, columns),
            _ => transpose::<u32>(bytes, buffer.bytes_mut(), rows, columns),
        }
        Ok(Self::from_buffer(buffer, self.dtype, shape))
    }
}

/// A shape seen from one of its dimensions.
struct Layout {
    /// Runs of the dimension.
    outer: usize,
    /// Entries of a run.
    size: usize,
    /// Bytes of an entry.
    inner: usize,
}

fn first_of<'a>(op: &'static str, tensors: &[&'a Tensor]) -> Result<&'a Tensor> {
    tensors.first().copied().ok_or_else(|| KernelError::parameter(op, "no tensors"))
}

fn replaced(shape: &Shape, axis: usize, size: usize) -> Shape {
    let mut dims = shape.dims().to_vec();
    dims[axis] = size;
    Shape::from(dims)
}

fn transpose<T: Pod>(from: &[u8], to: &mut [u8], rows: usize, columns: usize) {
    if from.is_empty() {
        return;
    }
    let matrices = cast::<T>(from).chunks_exact(rows * columns);
    let transposed = bytemuck::cast_slice_mut::<u8, T>(to).chunks_exact_mut(rows * columns);
    for (from, to) in matrices.zip(transposed) {
        for (column, to) in to.chunks_exact_mut(rows).enumerate() {
            fill(to, from[column..].iter().step_by(columns).copied());
        }
    }
}
