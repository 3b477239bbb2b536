//! Which CUDA devices there are, and why one cannot be used.

use std::cmp::Reverse;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUdevice_attribute as Attribute};

use super::error::in_words;

/// Fatbins are made with CUDA 13.0, whose code needs a driver of that version (580) or newer.
const NEEDED_DRIVER: (u32, u32) = (13, 0);

/// The oldest architecture that kernels are compiled for (asynchronous copies, bfloat16).
const NEEDED_CAPABILITY: (u32, u32) = (8, 0);

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
    /// How many multiprocessors it has, or the part of it that this process may use.
    pub multiprocessors: u32,
    /// All of its memory.
    pub total_bytes: usize,
}

impl CudaDevice {
    /// What the bits of its results depend on. Into how many parts the sums of a product are cut, and so the order in which
    /// they are added, depends on how many multiprocessors there are to share them.
    pub fn identity(&self) -> String {
        let CudaDevice { name, compute_capability: (major, minor), multiprocessors, .. } = self;
        format!("{name} sm_{major}{minor} with {multiprocessors} multiprocessors")
    }
}

impl CudaStatus {
    /// Why the device with this ordinal cannot be used, as a clause; `None` if it can.
    pub fn refusal(&self, ordinal: usize) -> Option<String> {
        match self {
            CudaStatus::NoDriver { reason } => Some(reason.clone()),
            CudaStatus::Available { driver_version, .. } if *driver_version < NEEDED_DRIVER => {
                let ((major, minor), (needed_major, needed_minor)) = (driver_version, NEEDED_DRIVER);
                Some(format!(
                    "its driver is of CUDA {major}.{minor}, and {needed_major}.{needed_minor} (driver 580) is the oldest that will do"
                ))
            }
            CudaStatus::Available { devices, .. } => match devices.iter().find(|device| device.ordinal == ordinal) {
                None => Some(match devices.len() {
                    0 => "the CUDA driver finds no device".to_owned(),
                    1 => "the only CUDA device is `cuda:0`".to_owned(),
                    count => format!("the CUDA devices are `cuda:0` to `cuda:{}`", count - 1),
                }),
                Some(device) if device.compute_capability < NEEDED_CAPABILITY => {
                    let ((major, minor), (needed_major, needed_minor)) = (device.compute_capability, NEEDED_CAPABILITY);
                    let name = &device.name;
                    Some(format!("{name} has compute capability {major}.{minor}, below {needed_major}.{needed_minor}"))
                }
                Some(_) => None,
            },
        }
    }

    /// The ordinals of the devices that can be used, the best first: the newest architecture, then the most memory.
    pub fn usable(&self) -> Vec<usize> {
        let CudaStatus::Available { devices, .. } = self else { return Vec::new() };
        let mut usable: Vec<_> = devices.iter().filter(|device| self.refusal(device.ordinal).is_none()).collect();
        usable.sort_by_key(|device| (Reverse(device.compute_capability), Reverse(device.total_bytes), device.ordinal));
        usable.into_iter().map(|device| device.ordinal).collect()
    }

    /// What the driver says of a device.
    pub fn device(&self, ordinal: usize) -> Option<&CudaDevice> {
        match self {
            CudaStatus::NoDriver { .. } => None,
            CudaStatus::Available { devices, .. } => devices.iter().find(|device| device.ordinal == ordinal),
        }
    }
}

/// Looks for a CUDA driver and its devices. Never fails: what goes wrong is the answer.
pub fn cuda_status() -> CudaStatus {
    // SAFETY: this opens and closes the driver library, whose initialisers are written to be run by any program.
    if !unsafe { sys::is_culib_present() } {
        return CudaStatus::NoDriver { reason: "no CUDA driver was found".to_owned() };
    }
    query_driver().unwrap_or_else(|error| CudaStatus::NoDriver {
        reason: format!("the CUDA driver reports an error ({})", in_words(error)),
    })
}

fn query_driver() -> Result<CudaStatus, DriverError> {
    result::init()?;
    let mut version = 0;
    // SAFETY: the driver library is there (the caller checked), and the pointer is valid for one `int`.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
    let version = u32::try_from(version).unwrap_or_default();
    let devices = (0..result::device::get_count()?).map(query_device).collect::<Result<_, _>>()?;
    Ok(CudaStatus::Available { driver_version: (version / 1000, version % 1000 / 10), devices })
}

/// Asks about a device without making a context on it, which would take memory there.
fn query_device(ordinal: i32) -> Result<CudaDevice, DriverError> {
    let device = result::device::get(ordinal)?;
    // SAFETY: the handle was just given by the driver.
    let number = |attribute| unsafe { result::device::get_attribute(device, attribute) };
    let major = number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(CudaDevice {
        ordinal: usize::try_from(ordinal).unwrap_or_default(),
        name: result::device::get_name(device)?,
        compute_capability: (major.unsigned_abs(), minor.unsigned_abs()),
        multiprocessors: number(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?.unsigned_abs(),
        // SAFETY: as above.
        total_bytes: unsafe { result::device::total_mem(device) }?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(ordinal: usize, compute_capability: (u32, u32), total_bytes: usize) -> CudaDevice {
        let name = format!("device {ordinal}");
        CudaDevice { ordinal, name, compute_capability, multiprocessors: 108, total_bytes }
    }

    fn available(driver_version: (u32, u32), devices: Vec<CudaDevice>) -> CudaStatus {
        CudaStatus::Available { driver_version, devices }
    }

    #[test]
    fn refusals_say_why() {
        let two = vec![device(0, (7, 5), 1), device(1, (9, 0), 1)];
        let none = CudaStatus::NoDriver { reason: "no CUDA driver was found".to_owned() };
        for (status, ordinal, why) in [
            (none, 1, "no CUDA driver was found"),
            (available((12, 8), two.clone()), 1, "CUDA 12.8"),
            (available((13, 0), vec![]), 0, "finds no device"),
            (available((13, 0), vec![device(0, (9, 0), 1)]), 1, "the only CUDA device is `cuda:0`"),
            (available((13, 0), two.clone()), 2, "`cuda:0` to `cuda:1`"),
            (available((13, 0), two.clone()), 0, "device 0 has compute capability 7.5, below 8.0"),
        ] {
            let refusal = status.refusal(ordinal).unwrap_or_default();
            assert!(refusal.contains(why), "{refusal}");
        }
        assert_eq!(available((13, 1), two).refusal(1), None);
    }

    #[test]
    fn the_best_device_is_the_newest_then_the_largest_then_the_first() {
        let devices = vec![
            device(0, (7, 5), 99),
            device(1, (8, 0), 9),
            device(2, (9, 0), 2),
            device(3, (9, 0), 3),
            device(4, (9, 0), 3),
        ];
        assert_eq!(available((13, 0), devices.clone()).usable(), [3, 4, 2, 1]);
        assert!(available((12, 9), devices).usable().is_empty());
        assert!(available((13, 0), vec![device(0, (7, 5), 9)]).usable().is_empty());
    }

    #[test]
    fn devices_are_told_apart_by_all_that_their_bits_depend_on() {
        let one = device(0, (9, 0), 1);
        assert_eq!(one.identity(), "device 0 sm_90 with 108 multiprocessors");
        let others = [
            CudaDevice { name: "another".into(), ..one.clone() },
            CudaDevice { compute_capability: (8, 0), ..one.clone() },
            CudaDevice { multiprocessors: 132, ..one.clone() },
        ];
        assert!(others.iter().all(|other| other.identity() != one.identity()));
        let elsewhere = CudaDevice { ordinal: 5, total_bytes: 9, ..one.clone() };
        assert_eq!(elsewhere.identity(), one.identity(), "equal devices give equal bits");
    }

    #[test]
    fn looking_for_cuda_never_panics() {
        match cuda_status() {
            CudaStatus::NoDriver { reason } => assert!(!reason.is_empty()),
            CudaStatus::Available { driver_version, .. } => assert!(driver_version.0 > 0),
        }
    }
}
