//! Where a model computes, and in what.

use std::fmt;
use std::str::FromStr;

use crate::cpu::gemm::Bfloat16;
use crate::{CudaDevice, DType, Device, KernelError, Result, Tensor, cuda_status, host, overrides};

/// How a model computes: what the operands of its products are rounded to. Sums are float32 always.
///
/// On a CUDA device activations are stored in that dtype as well; on the CPU they stay float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// float32.
    #[default]
    Float32,
    /// float16: CUDA only.
    Float16,
    /// bfloat16.
    BFloat16,
}

impl Precision {
    /// The dtype of large weights.
    pub const fn dtype(self) -> DType {
        match self {
            Precision::Float32 => DType::F32,
            Precision::Float16 => DType::F16,
            Precision::BFloat16 => DType::BF16,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dtype().name())
    }
}

impl FromStr for Precision {
    type Err = KernelError;

    /// `float32`, `float16` or `bfloat16`.
    fn from_str(name: &str) -> Result<Self> {
        [Precision::Float32, Precision::Float16, Precision::BFloat16]
            .into_iter()
            .find(|precision| precision.dtype().name() == name)
            .ok_or_else(|| {
                let problem = format!("`{name}` is not a precision: use `float32`, `float16` or `bfloat16`");
                KernelError::Device(problem)
            })
    }
}

/// Where a model computes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Placement {
    /// Where its weights are and its ops run.
    pub device: Device,
    /// What its products are computed in.
    pub precision: Precision,
}

impl Placement {
    /// On the host, in float32.
    pub const CPU: Self = Placement { device: Device::Cpu, precision: Precision::Float32 };

    /// # Errors
    /// A precision that the device has no kernels for.
    pub fn new(device: Device, precision: Precision) -> Result<Self> {
        let place = Placement { device, precision };
        if !place.has_kernels() {
            let problem = format!("the CPU computes in float32 or bfloat16, not in {precision}: use one of those");
            return Err(KernelError::Device(problem));
        }
        Ok(place)
    }

    /// The same precision on another device, or float32 where that has no kernels for it.
    pub fn on(self, device: Device) -> Self {
        let place = Placement { device, ..self };
        if place.has_kernels() { place } else { device.into() }
    }

    /// No CPU has instructions for sums of float16 in float32.
    fn has_kernels(self) -> bool {
        self.device != Device::Cpu || self.precision != Precision::Float16
    }

    /// The dtype of activations.
    pub const fn activations(self) -> DType {
        match self.device {
            Device::Cpu => DType::F32,
            Device::Cuda(_) => self.precision.dtype(),
        }
    }

    /// What the bits of results depend on, beside their inputs and this program, if they are computed there: equal words are
    /// equal bits. What runs on a GPU leaves some of its work to the CPU.
    pub fn environment(self) -> String {
        let cpu = format!("cpu {}", host().simd);
        let Device::Cuda(ordinal) = self.device else {
            // The instructions for it round sums of two at once, and take small numbers as zeros.
            let instruction = Bfloat16::detect().instruction().unwrap_or("widened");
            return match self.precision {
                Precision::Float32 => cpu,
                precision => format!("{cpu} in {precision}, {instruction}"),
            };
        };
        let gpu = cuda_status().device(ordinal).map_or_else(|| self.device.to_string(), CudaDevice::identity);
        let kernels = overrides::installed().map(|overrides| format!(" kernels {}", overrides.fingerprint()));
        format!("{cpu}, {gpu} in {}{}", self.precision, kernels.unwrap_or_default())
    }

    /// A tensor as activations are there.
    pub fn activation(self, tensor: &Tensor) -> Result<Tensor> {
        tensor.to_device(self.device)?.to_dtype(self.activations())
    }

    /// A tensor there in float32.
    pub fn float32(self, tensor: &Tensor) -> Result<Tensor> {
        tensor.to_device(self.device)?.to_dtype(DType::F32)
    }
}

/// In float32, which every device has.
impl From<Device> for Placement {
    fn from(device: Device) -> Self {
        Placement { device, precision: Precision::Float32 }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.device, self.precision)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::cuda_device;

    #[test]
    fn precisions_have_names() {
        for precision in [Precision::Float32, Precision::Float16, Precision::BFloat16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        let error = "fp8".parse::<Precision>().unwrap_err();
        assert_eq!(error.to_string(), "`fp8` is not a precision: use `float32`, `float16` or `bfloat16`");
    }

    #[test]
    fn places_that_give_other_bits_have_other_environments() {
        let place = cuda_device();
        let environments = [Precision::Float32, Precision::Float16, Precision::BFloat16]
            .map(|precision| Placement::new(place.device, precision).unwrap().environment());
        let cpu = Placement::CPU.environment();
        assert_eq!(cpu, format!("cpu {}", host().simd));
        let Device::Cuda(ordinal) = place.device else { panic!("it is no CUDA device") };
        let identity = cuda_status().device(ordinal).unwrap().identity();
        assert_eq!(environments[1], format!("{cpu}, {identity} in float16"));
        assert!(environments[0] != environments[1] && environments[1] != environments[2]);
    }

    #[test]
    fn the_cpu_has_two_precisions() {
        let new = |precision| Placement::new(Device::Cpu, precision);
        assert_eq!(new(Precision::Float32), Ok(Placement::CPU));
        let half = new(Precision::BFloat16).unwrap();
        assert_eq!(half.activations(), DType::F32);
        assert_ne!(half.environment(), Placement::CPU.environment());
        let error = new(Precision::Float16).unwrap_err();
        assert_eq!(error.to_string(), "the CPU computes in float32 or bfloat16, not in float16: use one of those");
        let gpu = Placement::new(Device::Cuda(0), Precision::Float16).unwrap();
        assert_eq!((gpu.on(Device::Cpu), gpu.activations()), (Placement::CPU, DType::F16));
        assert_eq!(half.on(Device::Cuda(1)).activations(), DType::BF16);
        assert_eq!(Placement { precision: Precision::BFloat16, ..gpu }.on(Device::Cpu), half);
    }
}
