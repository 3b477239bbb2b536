//! The devices that tests run on.

use easel_cuda_emulation::{Emulation, Settings, install};
use easel_kernels::{Device, Placement, Precision};

use crate::{Tolerance, tolerance};

/// A CUDA device: the one that `EASEL_TEST_DEVICE` names, or an emulated one. One test has it at a time.
pub struct CudaDevice {
    device: Device,
    emulation: Option<Emulation>,
}

impl CudaDevice {
    /// Waits for it.
    ///
    /// # Panics
    /// If there is none.
    pub fn get() -> Self {
        match std::env::var("EASEL_TEST_DEVICE") {
            Ok(name) => CudaDevice { device: name.parse().expect("a device that can be used"), emulation: None },
            Err(_) => {
                // Kernels' own tests check every access; here they would take too long with that.
                let emulation = install(Settings { check: false, ..Settings::default() });
                CudaDevice { device: Device::Cuda(0), emulation: Some(emulation.expect("it was built along")) }
            }
        }
    }

    /// A place on it.
    pub fn place(&self, precision: Precision) -> Placement {
        Placement { device: self.device, precision }
    }
}

/// Says what the emulation saw of a test that failed.
impl Drop for CudaDevice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let report = self.emulation.as_ref().and_then(Emulation::last_report);
            eprintln!("on {}: {}", self.device, report.unwrap_or_default());
        }
    }
}

/// Runs `test` on the CPU and on a CUDA device, in every precision that they have.
pub fn each_place(mut test: impl FnMut(Placement)) {
    test(Placement::CPU);
    test(Placement { precision: Precision::BFloat16, ..Placement::CPU });
    let device = CudaDevice::get();
    for precision in [Precision::Float32, Precision::Float16, Precision::BFloat16] {
        test(device.place(precision));
    }
}

/// The tolerance of `output` of set A for what was computed at `place`.
///
/// In a precision with fewer bits than float32, roundings are as many and that much larger. There, four times the
/// reference's error is allowed and not twenty: with more, some tolerances would exceed the numbers themselves.
pub fn allowed(place: Placement, output: &str) -> Tolerance {
    let of_float32 = tolerance(output);
    let factor = match place.precision {
        Precision::Float32 => return of_float32,
        Precision::Float16 => f64::from(1 << 13),
        Precision::BFloat16 => f64::from(1 << 16),
    };
    let factor = factor * 4.0 / 20.0;
    Tolerance { max_abs: of_float32.max_abs * factor, mean_abs: of_float32.mean_abs * factor }
}
