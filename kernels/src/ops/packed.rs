//! Weights, laid out once for the device that multiplies with them.

use crate::cpu::Isa;
use crate::cpu::gemm::{Elements, Panels};
use crate::cuda::{Context, DeviceRows};
use crate::{DType, Device, KernelError, Placement, Precision, Result, Tensor, tensor};

/// The rows of a weight: each holds what makes one output.
#[derive(Clone, Debug)]
pub(crate) enum PackedRows {
    Host(Panels),
    Cuda(DeviceRows),
}

impl PackedRows {
    /// Packs a `[rows, channels, taps]` weight (the checkpoints' order) on the host, in any dtype. Along a row, taps come
    /// before channels.
    pub(super) fn new(weight: &Tensor, sizes: [usize; 3], place: Placement) -> Result<Self> {
        let weight = weight.elements("pack")?;
        Ok(match place.device {
            Device::Cpu => PackedRows::Host(pack_on_host(&weight, sizes, place.precision)?),
            Device::Cuda(ordinal) => {
                let context = Context::get(ordinal)?;
                PackedRows::Cuda(DeviceRows::upload(context, place.precision.dtype(), &weight, sizes)?)
            }
        })
    }

    /// Outputs.
    pub(super) fn rows(&self) -> usize {
        match self {
            PackedRows::Host(panels) => panels.columns(),
            PackedRows::Cuda(rows) => rows.rows(),
        }
    }

    /// Length of a row.
    pub(super) fn depth(&self) -> usize {
        match self {
            PackedRows::Host(panels) => panels.depth(),
            PackedRows::Cuda(rows) => rows.depth(),
        }
    }

    /// Where it is.
    pub(super) fn device(&self) -> Device {
        match self {
            PackedRows::Host(_) => Device::Cpu,
            PackedRows::Cuda(rows) => Device::Cuda(rows.context().ordinal()),
        }
    }

    /// The panels of a weight that is on the host.
    pub(super) fn on_host(&self, op: &'static str) -> Result<&Panels> {
        match self {
            PackedRows::Host(panels) => Ok(panels),
            PackedRows::Cuda(_) => Err(KernelError::MixedDevices { op, first: Device::Cpu, second: self.device() }),
        }
    }

    /// The rows of a weight that is on `device`, for activations of `dtype`.
    pub(super) fn on_device(&self, op: &'static str, device: Device, dtype: DType) -> Result<&DeviceRows> {
        let rows = self.of_any_dtype(op, device)?;
        if rows.dtype() == dtype { Ok(rows) } else { Err(KernelError::DType { op, wanted: rows.dtype(), got: dtype }) }
    }

    /// The rows of a weight that is on `device`.
    pub(super) fn of_any_dtype(&self, op: &'static str, device: Device) -> Result<&DeviceRows> {
        match self {
            PackedRows::Cuda(rows) if self.device() == device => Ok(rows),
            _ => Err(KernelError::MixedDevices { op, first: device, second: self.device() }),
        }
    }
}

fn pack_on_host(
    weight: &tensor::Elements<'_>,
    [rows, channels, taps]: [usize; 3],
    precision: Precision,
) -> Result<Panels> {
    // Rows of a product's left operand hold a window pixel by pixel; the checkpoint holds it channel by channel.
    let index = |k: usize, n: usize| (n * channels + k % channels) * taps + k / channels;
    let depth = channels * taps;
    let elements = Elements::of(precision.dtype())
        .ok_or_else(|| KernelError::Device(format!("the CPU has no products in {precision}")))?;
    match weight {
        tensor::Elements::F32(values) => pack(values, elements, depth, rows, index, |x| x),
        tensor::Elements::F16(values) => pack(values, elements, depth, rows, index, |x| x.to_f32()),
        tensor::Elements::BF16(values) => pack(values, elements, depth, rows, index, |x| x.to_f32()),
    }
}

/// Packs the matrix whose `[k, n]` is the weight's element number `index(k, n)`.
fn pack<T: Copy + Sync>(
    values: &[T],
    elements: Elements,
    depth: usize,
    columns: usize,
    index: impl Fn(usize, usize) -> usize + Sync,
    to_f32: impl Fn(T) -> f32 + Sync,
) -> Result<Panels> {
    Panels::pack(Isa::detect(), elements, depth, columns, |k, columns, out| {
        for (out, column) in out.iter_mut().zip(columns) {
            *out = to_f32(values[index(k, column)]);
        }
    })
}
