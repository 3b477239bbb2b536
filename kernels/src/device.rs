//! Devices and what they can do.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::cpu::Isa;
use crate::cuda::status::{CudaStatus, cuda_status};
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

    /// `cpu`, `cuda:N` (refused if it cannot be used) or `auto` (see [`automatic`]).
    fn from_str(name: &str) -> Result<Self, KernelError> {
        match name {
            "cpu" => Ok(Device::Cpu),
            "auto" => Ok(automatic().device),
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

/// What `auto` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automatic {
    /// The best CUDA device that could be opened; without one, the CPU.
    pub device: Device,
    /// In one sentence, why it is not a better one: what kept devices that should work from being opened.
    pub problem: Option<String>,
}

/// What `auto` stands for on this machine. It is found out once, by opening the device: results are kept under what it was
/// then, so it is nothing else later in the process.
pub fn automatic() -> &'static Automatic {
    static AUTOMATIC: OnceLock<Automatic> = OnceLock::new();
    AUTOMATIC.get_or_init(|| Automatic::choose(&cuda_status(), |ordinal| Context::get(ordinal).map(drop)))
}

impl Automatic {
    fn choose(status: &CudaStatus, open: impl Fn(usize) -> Result<()>) -> Self {
        let mut problems = Vec::new();
        for ordinal in status.usable() {
            match open(ordinal) {
                Ok(()) => return Self::instead(Device::Cuda(ordinal), &problems),
                Err(error) => problems.push(format!("{} cannot be opened ({error})", Device::Cuda(ordinal))),
            }
        }
        Self::instead(Device::Cpu, &problems)
    }

    fn instead(device: Device, problems: &[String]) -> Self {
        let problem =
            (!problems.is_empty()).then(|| format!("{}: `auto` takes {device} instead", problems.join(", and ")));
        Automatic { device, problem }
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
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::CudaDevice;

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

    fn gpu(ordinal: usize, total_bytes: usize) -> CudaDevice {
        let name = "a GPU".to_owned();
        CudaDevice { ordinal, name, compute_capability: (9, 0), multiprocessors: 132, total_bytes }
    }

    #[test]
    fn auto_takes_what_can_be_opened_and_says_what_could_not() {
        let status = CudaStatus::Available { driver_version: (13, 0), devices: vec![gpu(0, 1), gpu(1, 2)] };
        let but = |broken: &'static [usize]| {
            Automatic::choose(&status, |ordinal| match broken.contains(&ordinal) {
                true => Err(KernelError::Device("it is taken".to_owned())),
                false => Ok(()),
            })
        };
        assert_eq!(but(&[]), Automatic { device: Device::Cuda(1), problem: None });
        assert_eq!(but(&[0]).problem, None, "the better one is there");
        let second = but(&[1]);
        assert_eq!(second.device, Device::Cuda(0));
        assert_eq!(second.problem.unwrap(), "cuda:1 cannot be opened (it is taken): `auto` takes cuda:0 instead");
        let neither = but(&[0, 1]);
        assert_eq!(neither.device, Device::Cpu);
        let problem = "cuda:1 cannot be opened (it is taken), and cuda:0 cannot be opened (it is taken): `auto` takes cpu instead";
        assert_eq!(neither.problem.unwrap(), problem);
        let none = CudaStatus::NoDriver { reason: "no CUDA driver was found".to_owned() };
        let on_cpu = Automatic { device: Device::Cpu, problem: None };
        assert_eq!(Automatic::choose(&none, |_| panic!("there is nothing to open")), on_cpu);
    }

    #[test]
    fn the_host_has_threads() {
        assert!(host().threads > 0);
        assert!(["avx512f", "avx2+fma", "neon", "portable"].contains(&host().simd));
    }
}
