//! The tensor: a shape, a dtype and bytes that never change.

use std::fmt;

use bytemuck::Pod;
use bytes::Bytes;
use half::{bf16, f16};

use crate::storage::{Buffer, checked_bytes};
use crate::{DType, Device, KernelError, Result, Shape};

/// An immutable, contiguous array. Cloning shares the bytes.
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    dtype: DType,
    device: Device,
    /// Always aligned for `dtype`, unless empty.
    bytes: Bytes,
}

/// A tensor's numbers in the type they are stored in.
pub(crate) enum Elements<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    BF16(&'a [bf16]),
}

/// Owns the vector that a tensor's [`Bytes`] point to.
struct Floats(Vec<f32>);

impl AsRef<[u8]> for Floats {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl Tensor {
    /// From numbers in row-major order.
    pub fn from_f32(values: Vec<f32>, shape: impl Into<Shape>) -> Result<Self> {
        Self::checked(Bytes::from_owner(Floats(values)), DType::F32, shape.into())
    }

    /// From little-endian bytes as a checkpoint holds them (memory-mapped or embedded); nothing is copied unless the
    /// bytes are not aligned for the dtype.
    pub fn from_bytes(bytes: Bytes, dtype: DType, shape: impl Into<Shape>) -> Result<Self> {
        let mut tensor = Self::checked(bytes, dtype, shape.into())?;
        if !tensor.bytes.as_ptr().addr().is_multiple_of(dtype.size()) {
            let mut aligned = Buffer::zeroed(&tensor.shape, dtype.size())?;
            aligned.bytes_mut().copy_from_slice(&tensor.bytes);
            tensor.bytes = Bytes::from_owner(aligned);
        }
        Ok(tensor)
    }

    /// All zeros, [`DType::F32`].
    pub fn zeros(shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        let buffer = Buffer::zeroed_f32(&shape)?;
        Ok(Self::from_buffer(buffer, DType::F32, shape))
    }

    /// Its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its shape's sizes.
    pub fn dims(&self) -> &[usize] {
        self.shape.dims()
    }

    /// Its element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The raw little-endian bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The numbers, if it is [`DType::F32`]; an error otherwise.
    pub fn as_f32(&self) -> Result<&[f32]> {
        self.values("as_f32")
    }

    /// The numbers, converted if it is not [`DType::F32`].
    pub fn to_vec_f32(&self) -> Vec<f32> {
        match self.elements() {
            Elements::F32(values) => values.to_vec(),
            Elements::F16(values) => values.iter().map(|v| v.to_f32()).collect(),
            Elements::BF16(values) => values.iter().map(|v| v.to_f32()).collect(),
        }
    }

    /// The same numbers in another dtype (round to nearest even); itself if it has that dtype already.
    pub fn to_dtype(&self, dtype: DType) -> Result<Tensor> {
        if dtype == self.dtype {
            return Ok(self.clone());
        }
        let mut buffer = Buffer::zeroed(&self.shape, dtype.size())?;
        match self.elements() {
            Elements::F32(values) => convert(values.iter().copied(), dtype, &mut buffer),
            Elements::F16(values) => convert(values.iter().map(|v| v.to_f32()), dtype, &mut buffer),
            Elements::BF16(values) => {
                convert(values.iter().map(|v| v.to_f32()), dtype, &mut buffer);
            }
        }
        Ok(Self::from_buffer(buffer, dtype, self.shape.clone()))
    }

    /// The same numbers under another shape of the same length.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        if shape.checked_len() != Some(self.shape.len()) {
            let problem = format!("{} has {} elements, {shape} has not", self.shape, self.shape.len());
            return Err(KernelError::shape("reshape", problem));
        }
        Ok(Tensor { shape, ..self.clone() })
    }

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
            return Ok(Tensor { shape, bytes: self.bytes.slice(skip..skip + take), ..self.clone() });
        }
        let mut buffer = Buffer::zeroed(&shape, self.dtype.size())?;
        if take > 0 {
            let outer = self.bytes.chunks_exact(layout.size * layout.inner);
            for (to, from) in buffer.bytes_mut().chunks_exact_mut(take).zip(outer) {
                to.copy_from_slice(&from[skip..skip + take]);
            }
        }
        Ok(Self::from_buffer(buffer, self.dtype, shape))
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
        }
        let shape = replaced(&first.shape, axis, total);
        let mut buffer = Buffer::zeroed(&shape, first.dtype.size())?;
        let outer = first.layout("concat", axis)?.outer;
        let mut rest = buffer.bytes_mut();
        for i in 0..outer {
            for tensor in tensors {
                let run = tensor.bytes.len() / outer;
                let (to, after) = rest.split_at_mut(run);
                to.copy_from_slice(&tensor.bytes[i * run..(i + 1) * run]);
                rest = after;
            }
        }
        Ok(Self::from_buffer(buffer, first.dtype, shape))
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
        let mut buffer = Buffer::zeroed(&shape, self.dtype.size())?;
        if layout.inner > 0 && times > 0 {
            let repeated = self.bytes.chunks_exact(layout.inner).flat_map(|item| std::iter::repeat_n(item, times));
            for (to, from) in buffer.bytes_mut().chunks_exact_mut(layout.inner).zip(repeated) {
                to.copy_from_slice(from);
            }
        }
        Ok(Self::from_buffer(buffer, self.dtype, shape))
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

    /// Wraps what an op computed.
    pub(crate) fn from_buffer(buffer: Buffer, dtype: DType, shape: Shape) -> Self {
        debug_assert_eq!(buffer.as_ref().len(), shape.len() * dtype.size());
        Tensor { shape, dtype, device: Device::Cpu, bytes: Bytes::from_owner(buffer) }
    }

    /// The numbers, if they are `f32`; an error in the name of `op` otherwise.
    pub(crate) fn values(&self, op: &'static str) -> Result<&[f32]> {
        self.expect_dtype(op, DType::F32)?;
        Ok(cast(&self.bytes))
    }

    /// The numbers as they are stored.
    pub(crate) fn elements(&self) -> Elements<'_> {
        match self.dtype {
            DType::F32 => Elements::F32(cast(&self.bytes)),
            DType::F16 => Elements::F16(cast(&self.bytes)),
            DType::BF16 => Elements::BF16(cast(&self.bytes)),
        }
    }

    fn checked(bytes: Bytes, dtype: DType, shape: Shape) -> Result<Self> {
        let wanted = checked_bytes(&shape, dtype.size())?;
        if bytes.len() != wanted {
            return Err(KernelError::Length { shape, dtype, wanted, got: bytes.len() });
        }
        Ok(Tensor { shape, dtype, device: Device::Cpu, bytes })
    }

    fn expect_dtype(&self, op: &'static str, wanted: DType) -> Result<()> {
        if self.dtype == wanted { Ok(()) } else { Err(KernelError::DType { op, wanted, got: self.dtype }) }
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
        let mut buffer = Buffer::zeroed(&shape, self.dtype.size())?;
        match self.dtype.size() {
            2 => transpose::<u16>(&self.bytes, buffer.bytes_mut(), rows, columns),
            _ => transpose::<u32>(&self.bytes, buffer.bytes_mut(), rows, columns),
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

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {})", self.shape, self.dtype)
    }
}

fn first_of<'a>(op: &'static str, tensors: &[&'a Tensor]) -> Result<&'a Tensor> {
    tensors.first().copied().ok_or_else(|| KernelError::parameter(op, "no tensors"))
}

fn replaced(shape: &Shape, axis: usize, size: usize) -> Shape {
    let mut dims = shape.dims().to_vec();
    dims[axis] = size;
    Shape::from(dims)
}

/// `bytes` as elements. An empty slice may point anywhere, so its alignment says nothing.
fn cast<T: Pod>(bytes: &[u8]) -> &[T] {
    if bytes.is_empty() { &[] } else { bytemuck::cast_slice(bytes) }
}

fn convert(values: impl Iterator<Item = f32>, dtype: DType, to: &mut Buffer) {
    let bytes = to.bytes_mut();
    match dtype {
        DType::F32 => fill(bytemuck::cast_slice_mut(bytes), values),
        DType::F16 => fill(bytemuck::cast_slice_mut(bytes), values.map(f16::from_f32)),
        DType::BF16 => fill(bytemuck::cast_slice_mut(bytes), values.map(bf16::from_f32)),
    }
}

fn fill<T>(to: &mut [T], values: impl Iterator<Item = T>) {
    for (to, value) in to.iter_mut().zip(values) {
        *to = value;
    }
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

#[cfg(test)]
mod tests;
