//! The tensor: a shape, a dtype and bytes that never change.

use std::fmt;

use bytemuck::Pod;
use bytes::Bytes;
use half::{bf16, f16};

use crate::cuda::{self, Context, Moments};
use crate::storage::{Buffer, Storage, checked_bytes};
use crate::{DType, Device, KernelError, Result, Shape};

mod layout;

/// An immutable, contiguous array on one device. Cloning shares the numbers.
///
/// An op runs where its tensors are. Numbers go from one device to another in [`Tensor::to_device`] and
/// [`Tensor::to_vec_f32`] only.
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    dtype: DType,
    /// On the host always aligned for `dtype`, unless empty.
    storage: Storage,
    /// What its producer left behind for a normalisation of just this tensor.
    moments: Option<Moments>,
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
        let shape = shape.into();
        if bytes.as_ptr().addr().is_multiple_of(dtype.size()) {
            return Self::checked(bytes, dtype, shape);
        }
        let tensor = Self::checked(bytes.clone(), dtype, shape)?;
        let mut aligned = Buffer::zeroed(&tensor.shape, dtype.size())?;
        aligned.bytes_mut().copy_from_slice(&bytes);
        Ok(Self::from_buffer(aligned, dtype, tensor.shape))
    }

    /// All zeros, [`DType::F32`].
    pub fn zeros(shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        let buffer = Buffer::zeroed_f32(&shape)?;
        Ok(Self::from_buffer(buffer, DType::F32, shape))
    }

    /// All zeros, on a device.
    pub fn zeros_on(device: Device, dtype: DType, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        match device {
            Device::Cpu => Ok(Self::from_buffer(Buffer::zeroed(&shape, dtype.size())?, dtype, shape)),
            Device::Cuda(ordinal) => cuda::ops::elementwise::filled(Context::get(ordinal)?, dtype, &shape, 0.0),
        }
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
        self.storage.device()
    }

    /// The same numbers on another device; itself if it is there already.
    pub fn to_device(&self, device: Device) -> Result<Tensor> {
        if device == self.device() {
            return Ok(self.clone());
        }
        let storage = match (device, &self.storage) {
            (Device::Cuda(ordinal), Storage::Host(bytes)) => Storage::Cuda(Context::get(ordinal)?.upload(bytes)?),
            (Device::Cpu, Storage::Cuda(slice)) => {
                let mut buffer = Buffer::zeroed(&self.shape, self.dtype.size())?;
                slice.download(buffer.bytes_mut())?;
                Storage::Host(Bytes::from_owner(buffer))
            }
            _ => return self.to_device(Device::Cpu)?.to_device(device),
        };
        Ok(Self::from_storage(storage, self.dtype, self.shape.clone()))
    }

    /// The same numbers on the host, in float32: itself if it is so already.
    pub fn to_host(&self) -> Result<Tensor> {
        self.to_dtype(DType::F32)?.to_device(Device::Cpu)
    }

    /// Bytes that its numbers take.
    pub fn byte_len(&self) -> usize {
        self.storage.len()
    }

    /// The raw little-endian bytes of a tensor on the host; an error otherwise.
    pub fn bytes(&self) -> Result<&Bytes> {
        self.host_bytes("bytes")
    }

    /// The numbers of a [`DType::F32`] tensor on the host; an error otherwise.
    pub fn as_f32(&self) -> Result<&[f32]> {
        self.values("as_f32")
    }

    /// The numbers, copied to the host if they are not there and converted if they are not [`DType::F32`].
    pub fn to_vec_f32(&self) -> Result<Vec<f32>> {
        Ok(match self.to_device(Device::Cpu)?.elements("to_vec_f32")? {
            Elements::F32(values) => values.to_vec(),
            Elements::F16(values) => values.iter().map(|v| v.to_f32()).collect(),
            Elements::BF16(values) => values.iter().map(|v| v.to_f32()).collect(),
        })
    }

    /// The same numbers in another dtype (round to nearest even); itself if it has that dtype already.
    pub fn to_dtype(&self, dtype: DType) -> Result<Tensor> {
        if dtype == self.dtype {
            return Ok(self.clone());
        }
        if let Device::Cuda(_) = self.device() {
            return cuda::ops::cast::cast(self, dtype);
        }
        let mut buffer = Buffer::zeroed(&self.shape, dtype.size())?;
        match self.elements("to_dtype")? {
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
        Ok(Self::from_storage(self.storage.clone(), self.dtype, shape))
    }

    /// Wraps what an op computed on the host.
    pub(crate) fn from_buffer(buffer: Buffer, dtype: DType, shape: Shape) -> Self {
        Self::from_storage(Storage::Host(Bytes::from_owner(buffer)), dtype, shape)
    }

    /// Wraps what an op computed.
    pub(crate) fn from_storage(storage: Storage, dtype: DType, shape: Shape) -> Self {
        debug_assert_eq!(storage.len(), shape.len() * dtype.size());
        Tensor { shape, dtype, storage, moments: None }
    }

    /// The same, with what its producer left behind.
    pub(crate) fn with_moments(self, moments: Option<Moments>) -> Self {
        Tensor { moments, ..self }
    }

    /// What its producer left behind, if it did.
    pub(crate) fn moments(&self) -> Option<&Moments> {
        self.moments.as_ref()
    }

    /// Where the numbers are.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The context of the device that the tensor is on.
    ///
    /// # Panics
    /// If it is on the host: ops look where their tensors are first.
    pub(crate) fn context(&self) -> &'static Context {
        match &self.storage {
            Storage::Cuda(slice) => slice.context(),
            Storage::Host(_) => panic!("the tensor is on the host"),
        }
    }

    /// The numbers, if they are `f32` and on the host; an error in the name of `op` otherwise.
    pub(crate) fn values(&self, op: &'static str) -> Result<&[f32]> {
        self.expect_dtype(op, DType::F32)?;
        Ok(cast(self.host_bytes(op)?))
    }

    /// The numbers as they are stored, if they are on the host; an error in the name of `op` otherwise.
    pub(crate) fn elements(&self, op: &'static str) -> Result<Elements<'_>> {
        let bytes = self.host_bytes(op)?;
        Ok(match self.dtype {
            DType::F32 => Elements::F32(cast(bytes)),
            DType::F16 => Elements::F16(cast(bytes)),
            DType::BF16 => Elements::BF16(cast(bytes)),
        })
    }

    fn host_bytes(&self, op: &'static str) -> Result<&Bytes> {
        match &self.storage {
            Storage::Host(bytes) => Ok(bytes),
            Storage::Cuda(_) => Err(KernelError::NotOnHost { op, device: self.device() }),
        }
    }

    fn checked(bytes: Bytes, dtype: DType, shape: Shape) -> Result<Self> {
        let wanted = checked_bytes(&shape, dtype.size())?;
        if bytes.len() != wanted {
            return Err(KernelError::Length { shape, dtype, wanted, got: bytes.len() });
        }
        Ok(Self::from_storage(Storage::Host(bytes), dtype, shape))
    }

    fn expect_dtype(&self, op: &'static str, wanted: DType) -> Result<()> {
        if self.dtype == wanted { Ok(()) } else { Err(KernelError::DType { op, wanted, got: self.dtype }) }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.device() {
            Device::Cpu => write!(f, "Tensor({} {})", self.shape, self.dtype),
            device => write!(f, "Tensor({} {} on {device})", self.shape, self.dtype),
        }
    }
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

#[cfg(test)]
mod tests;
