//! Where a model computes, and in what.

use std::fmt;
use std::str::FromStr;

use crate::{CudaDevice, DType, Device, KernelError, Result, Tensor, cuda_status, host, overrides};

/// How a model computes: the dtype of its activations and of its large weights. Sums are float32 always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// float32.
    #[default]
    Float32,
    /// float16: CUDA only.
    Float16,
    /// bfloat16: CUDA only.
    BFloat16,
}

impl Precision {
    /// The dtype of activations.
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
    /// What its activations are there.
    pub precision: Precision,
}

impl Placement {
    /// On the host, in float32.
    pub const CPU: Self = Placement { device: Device::Cpu, precision: Precision::Float32 };

    /// # Errors
    /// A precision that the device has no kernels for.
    pub fn new(device: Device, precision: Precision) -> Result<Self> {
        if device == Device::Cpu && precision != Precision::Float32 {
            let problem = format!("the CPU computes in float32 only, not in {precision}: use a CUDA device or float32");
            return Err(KernelError::Device(problem));
        }
        Ok(Placement { device, precision })
    }

    /// What the bits of results depend on, beside their inputs and this program, if they are computed there: equal words are
    /// equal bits. What runs on a GPU leaves some of its work to the CPU.
    pub fn environment(self) -> String {
        let cpu = format!("cpu {}", host().simd);
        let Device::Cuda(ordinal) = self.device else { return cpu };
        let gpu = cuda_status().device(ordinal).map_or_else(|| self.device.to_string(), CudaDevice::identity);
        let kernels = overrides::installed().map(|overrides| format!(" kernels {}", overrides.fingerprint()));
        format!("{cpu}, {gpu} in {}{}", self.precision, kernels.unwrap_or_default())
    }

    /// A tensor as activations are there.
    pub fn activation(self, tensor: &Tensor) -> Result<Tensor> {
        tensor.to_device(self.device)?.to_dtype(self.precision.dtype())
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
    fn the_cpu_computes_in_float32_only() {
        assert!(Placement::new(Device::Cpu, Precision::Float32).is_ok());
        assert!(Placement::new(Device::Cuda(0), Precision::Float16).is_ok());
        let error = Placement::new(Device::Cpu, Precision::BFloat16).unwrap_err();
        assert!(error.to_string().contains("not in bfloat16"), "{error}");
    }
}
