//! What the emulated device is like.

/// The emulated device, and how it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Decides the order in which threads run and asynchronous copies arrive: the same seed, the same order.
    pub seed: u64,
    /// Which device it claims to be: `(8, 0)`, `(8, 9)` or `(9, 0)`. Kernels for Hopper exist on `(9, 0)` only.
    pub compute_capability: (i32, i32),
    /// Whether every access is checked: bounds, races, memory that was never written. Scalar kernels
    /// take about ten times as long.
    pub check: bool,
    /// Device memory, in bytes; allocations beyond it fail as on a device.
    pub memory_bytes: u64,
    /// The version of CUDA that the driver claims: 13000 is 13.0.
    pub driver_version: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, compute_capability: (8, 0), check: true, memory_bytes: 8 << 30, driver_version: 13000 }
    }
}

/// As `runtime/driver/driver.h` has it.
#[repr(C)]
pub(crate) struct RawSettings {
    seed: u64,
    memory_bytes: u64,
    major: i32,
    minor: i32,
    check: i32,
    driver_version: i32,
}

impl From<&Settings> for RawSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            seed: settings.seed,
            memory_bytes: settings.memory_bytes,
            major: settings.compute_capability.0,
            minor: settings.compute_capability.1,
            check: settings.check.into(),
            driver_version: settings.driver_version,
        }
    }
}
