//! Devices and what they can do.

use std::fmt;
use std::str::FromStr;

use crate::cpu::Isa;
use crate::cuda::status::cuda_status;
use crate::cuda::{Context, DeviceMemory};
use crate::{KernelError, Result};

/// Where tensors live and ops run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The host's processor, all cores.
    #[default]
    Cpu,
    /// A CUDA device, by the ordinal that the driver gives it.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for Device {
    type Err = KernelError;

    /// `cpu`, `cuda:N` (refused if it cannot be used) or `auto` (the best device that can be).
    fn from_str(name: &str) -> Result<Self, KernelError> {
        match name {
            "cpu" => Ok(Device::Cpu),
            "auto" => Ok(cuda_status().best().map_or(Device::Cpu, Device::Cuda)),
            _ => match name.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(ordinal)) => cuda_status().refusal(ordinal).map_or(Ok(Device::Cuda(ordinal)), |why| {
                    Err(KernelError::Device(format!("`{name}` cannot be used because {why}: use `--device cpu`")))
                }),
                _ => Err(KernelError::Device(format!("`{name}` is not a device: use `cpu`, `cuda:N` or `auto`"))),
            },
        }
    }
}

impl Device {
    /// How its memory is used by this program; `None` for the host's. Opens the device.
    pub fn memory(self) -> Result<Option<DeviceMemory>> {
        self.context()?.map(Context::memory_use).transpose()
    }

    /// Takes memory from the driver now, so that `bytes` of tensors need no driver call for it later.
    pub fn reserve_memory(self, bytes: usize) -> Result<()> {
        self.context()?.map_or(Ok(()), |context| context.reserve(bytes))
    }

    /// Sets how much memory this program may take of it, if that is limited.
    pub fn limit_memory(self, bytes: Option<usize>) -> Result<()> {
        self.context()?.map_or(Ok(()), |context| context.limit_memory(bytes))
    }

    /// Gives memory that no tensor is in back to the driver.
    pub fn trim_memory(self) -> Result<()> {
        self.context()?.map_or(Ok(()), Context::trim_memory)
    }

    /// Starts [`DeviceMemory::peak`] again from what is in use now.
    pub fn reset_peak_memory(self) -> Result<()> {
        if let Some(context) = self.context()? {
            context.reset_peak();
        }
        Ok(())
    }

    /// Waits until everything that was given to it is done. What went wrong in a kernel is known here at the latest.
    pub fn synchronize(self) -> Result<()> {
        self.context()?.map_or(Ok(()), Context::synchronize)
    }

    fn context(self) -> Result<Option<&'static Context>> {
        match self {
            Device::Cpu => Ok(None),
            Device::Cuda(ordinal) => Context::get(ordinal).map(Some),
        }
    }
}

/// The processor that [`Device::Cpu`] runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Threads that ops run on.
    pub threads: usize,
    /// The instruction set that the kernels were dispatched to: `avx512f`, `avx2+fma`, `neon` or `portable`.
    pub simd: &'static str,
}

/// What the CPU kernels run on here.
pub fn host() -> Host {
    Host { threads: rayon::current_num_threads(), simd: Isa::detect().name() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!(Device::Cpu.to_string(), "cpu");
        assert_eq!(Device::Cuda(3).to_string(), "cuda:3");
        assert!("auto".parse::<Device>().is_ok());
        assert_eq!(Device::Cpu.memory(), Ok(None));
    }

    #[test]
    fn what_is_no_device_is_refused_with_what_is_one() {
        for name in ["cuda:x", "cuda", "cuda:-1", "cuda:1000000", "tpu", ""] {
            let Err(KernelError::Device(message)) = name.parse::<Device>() else {
                panic!("{name:?} is no device");
            };
            assert!(message.contains("cpu"), "{message}");
        }
    }

    #[test]
    fn the_host_has_threads() {
        assert!(host().threads > 0);
        assert!(["avx512f", "avx2+fma", "neon", "portable"].contains(&host().simd));
    }
}
