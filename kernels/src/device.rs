//! Devices and what they can do.

use std::fmt;
use std::str::FromStr;

use cudarc::driver::{CudaContext, DriverError, sys};

use crate::KernelError;
use crate::cpu::Isa;

/// Where tensors live and ops run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The host's processor, all cores.
    #[default]
    Cpu,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
        }
    }
}

impl FromStr for Device {
    type Err = KernelError;

    /// `cpu`, `cuda:N` or `auto` (the best device that this version has kernels for).
    fn from_str(name: &str) -> Result<Self, KernelError> {
        match name {
            "cpu" | "auto" => Ok(Device::Cpu),
            _ => Err(KernelError::Device(match name.strip_prefix("cuda:").map(str::parse::<usize>) {
                Some(Ok(_)) => refuse_cuda(name, &cuda_status()),
                _ => format!("`{name}` is not a device: use `cpu`, `cuda:N` or `auto`"),
            })),
        }
    }
}

fn refuse_cuda(name: &str, status: &CudaStatus) -> String {
    match status {
        CudaStatus::NoDriver { reason } => {
            format!("`{name}` cannot be used because {reason}: use `--device cpu`")
        }
        CudaStatus::Available { .. } => {
            format!("`{name}` cannot be used because this version has no CUDA kernels yet: use `--device cpu`")
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

/// What a look for CUDA found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CudaStatus {
    /// No driver that answers.
    NoDriver {
        /// Why not, as a clause: "no CUDA driver was found".
        reason: String,
    },
    /// A driver that answers.
    Available {
        /// The newest CUDA version that the driver supports: major, minor.
        driver_version: (u32, u32),
        /// The devices that it drives, by ordinal; there may be none.
        devices: Vec<CudaDevice>,
    },
}

/// A device as the CUDA driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaDevice {
    /// Its N in `cuda:N`.
    pub ordinal: usize,
    /// Its product name.
    pub name: String,
    /// Major and minor compute capability.
    pub compute_capability: (u32, u32),
    /// All of its memory.
    pub total_bytes: usize,
    /// What no program uses at the moment.
    pub free_bytes: usize,
}

/// Looks for a CUDA driver and its devices. Never fails: what goes wrong is the answer.
pub fn cuda_status() -> CudaStatus {
    // SAFETY: this opens and closes the driver library, whose initialisers are written to be run by any program.
    if !unsafe { sys::is_culib_present() } {
        return CudaStatus::NoDriver { reason: "no CUDA driver was found".to_owned() };
    }
    query_driver()
        .unwrap_or_else(|error| CudaStatus::NoDriver { reason: format!("the CUDA driver reports an error ({error})") })
}

fn query_driver() -> Result<CudaStatus, DriverError> {
    let mut version = 0;
    // SAFETY: the driver library is there (the caller checked), and the pointer is valid for one `int`.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
    let version = u32::try_from(version).unwrap_or_default();
    let count = usize::try_from(CudaContext::device_count()?).unwrap_or_default();
    let devices = (0..count).map(query_device).collect::<Result<_, _>>()?;
    Ok(CudaStatus::Available { driver_version: (version / 1000, version % 1000 / 10), devices })
}

fn query_device(ordinal: usize) -> Result<CudaDevice, DriverError> {
    let context = CudaContext::new(ordinal)?;
    let (major, minor) = context.compute_capability()?;
    let (free_bytes, total_bytes) = context.mem_get_info()?;
    Ok(CudaDevice {
        ordinal,
        name: context.name()?,
        compute_capability: (major.unsigned_abs(), minor.unsigned_abs()),
        total_bytes,
        free_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!("auto".parse(), Ok(Device::Cpu));
        assert_eq!(Device::Cpu.to_string(), "cpu");
        for name in ["cuda:0", "cuda:x", "cuda", "tpu", ""] {
            let Err(KernelError::Device(message)) = name.parse::<Device>() else {
                panic!("{name:?} is no device that this version can use");
            };
            assert!(message.contains("cpu"), "{message}");
        }
    }

    #[test]
    fn refusals_say_why() {
        let none = CudaStatus::NoDriver { reason: "no CUDA driver was found".to_owned() };
        assert!(refuse_cuda("cuda:1", &none).contains("no CUDA driver was found"));
        let some = CudaStatus::Available { driver_version: (13, 0), devices: Vec::new() };
        assert!(refuse_cuda("cuda:1", &some).contains("no CUDA kernels yet"));
    }

    #[test]
    fn looking_for_cuda_never_panics() {
        match cuda_status() {
            CudaStatus::NoDriver { reason } => assert!(!reason.is_empty()),
            CudaStatus::Available { driver_version, .. } => assert!(driver_version.0 > 0),
        }
    }

    #[test]
    fn the_host_has_threads() {
        assert!(host().threads > 0);
        assert!(["avx512f", "avx2+fma", "neon", "portable"].contains(&host().simd));
    }
}
