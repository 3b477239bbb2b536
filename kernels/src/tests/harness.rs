//! Runs a test on every device that there is: the CPU, and CUDA devices emulated on it.
//!
//! With `EASEL_TEST_DEVICE=cuda:0` in the environment the CUDA device is that one and nothing is emulated.

#![allow(clippy::unwrap_used)]

use std::fmt;

use easel_cuda_emulation::{Emulation, Settings, install};

use crate::cuda::Context;
use crate::ops::{Activation, Epilogue};
use crate::reference::Random;
use crate::{DType, Device, Placement, Precision, Tensor};

/// Compute capabilities and the seeds of the order in which threads run.
const EMULATED: [((i32, i32), u64); 4] = [((8, 0), 1), ((8, 0), 2), ((9, 0), 3), ((9, 0), 4)];

/// A device that a test runs on.
pub(crate) struct Place {
    pub(crate) device: Device,
    what: String,
    emulation: Option<Emulation>,
}

impl Place {
    /// The host.
    pub(crate) fn cpu() -> Self {
        Place { device: Device::Cpu, what: "the CPU".to_owned(), emulation: None }
    }

    /// Its context.
    pub(crate) fn context(&self) -> &'static Context {
        let Device::Cuda(ordinal) = self.device else { panic!("the CPU has no context") };
        Context::get(ordinal).unwrap()
    }

    /// What activations may be there.
    pub(crate) fn dtypes(&self) -> &'static [DType] {
        match self.device {
            Device::Cpu => &[DType::F32],
            Device::Cuda(_) => &[DType::F32, DType::F16, DType::BF16],
        }
    }

    /// Whether operands of products can be rounded to it there.
    pub(crate) fn multiplies_in(&self, dtype: DType) -> bool {
        self.device != Device::Cpu || dtype != DType::F16
    }

    /// Whether kernels for `sm_90a` run there.
    pub(crate) fn is_hopper(&self) -> bool {
        match self.device {
            Device::Cpu => false,
            Device::Cuda(ordinal) => Context::get(ordinal).unwrap().properties().is_hopper(),
        }
    }

    /// For weights of activations of that dtype.
    pub(crate) fn placement(&self, dtype: DType) -> Placement {
        let precision = match dtype {
            DType::F32 => Precision::Float32,
            DType::F16 => Precision::Float16,
            DType::BF16 => Precision::BFloat16,
        };
        Placement::new(self.device, precision).unwrap()
    }

    /// A tensor as it is there in that dtype.
    pub(crate) fn put(&self, tensor: &Tensor, dtype: DType) -> Tensor {
        tensor.to_dtype(dtype).unwrap().to_device(self.device).unwrap()
    }
}

/// Everything that an [`Epilogue`] holds.
pub(crate) struct FullEpilogue {
    bias: Tensor,
    sample_bias: Tensor,
    residual: Tensor,
}

impl FullEpilogue {
    /// For a result of `dims`, of which the first are the batch.
    pub(crate) fn random(random: &mut Random, dims: &[usize]) -> Self {
        let columns = dims[dims.len() - 1];
        FullEpilogue {
            bias: random.tensor(&[columns]),
            sample_bias: random.tensor(&[dims[0], columns]),
            residual: random.tensor(dims),
        }
    }

    /// It as it is there, beside activations of that dtype.
    pub(crate) fn put(&self, place: &Place, dtype: DType) -> Self {
        FullEpilogue {
            bias: place.put(&self.bias, DType::F32),
            sample_bias: place.put(&self.sample_bias, DType::F32),
            residual: place.put(&self.residual, dtype),
        }
    }

    /// That of one item.
    pub(crate) fn item(&self, index: usize) -> Self {
        FullEpilogue {
            bias: self.bias.clone(),
            sample_bias: self.sample_bias.narrow(0, index, 1).unwrap(),
            residual: self.residual.narrow(0, index, 1).unwrap(),
        }
    }

    /// That of one that may be left out.
    pub(crate) fn of(all: &Option<Self>) -> Epilogue<'_> {
        all.as_ref().map(Self::get).unwrap_or_default()
    }

    pub(crate) fn get(&self) -> Epilogue<'_> {
        Epilogue {
            bias: Some(&self.bias),
            sample_bias: Some(&self.sample_bias),
            activation: Activation::Silu,
            residual: Some(&self.residual),
            scale: 0.5,
            moments: false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Says where a test failed, and what the emulation saw of it.
impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let report = self.emulation.as_ref().and_then(Emulation::last_report);
            eprintln!("on {self}{}", report.map(|report| format!(":\n{report}")).unwrap_or_default());
        }
    }
}

/// Runs `test` on the CPU and on every CUDA device.
pub(crate) fn for_each_device(mut test: impl FnMut(&Place)) {
    test(&Place::cpu());
    for_each_cuda_device(test);
}

/// Runs `test` on every CUDA device: one of each architecture with code of its own, in several orders of its threads.
pub(crate) fn for_each_cuda_device(mut test: impl FnMut(&Place)) {
    if std::env::var_os("EASEL_TEST_DEVICE").is_some() {
        return test(&cuda_device());
    }
    for (compute_capability, seed) in EMULATED {
        test(&emulated(Settings { compute_capability, seed, ..Settings::default() }));
    }
}

/// One CUDA device, for tests of what is the same on all.
pub(crate) fn cuda_device() -> Place {
    match std::env::var("EASEL_TEST_DEVICE") {
        Ok(name) => Place { device: name.parse().unwrap(), what: name, emulation: None },
        Err(_) => emulated(Settings::default()),
    }
}

/// An emulated device, whatever else there is. Only one test has one at a time; tests that ask for it stand in modules named
/// `emulated`, so that they can be left out where a real device is tested.
pub(crate) fn emulated(settings: Settings) -> Place {
    let what = format!("an emulated device ({settings:?})");
    let emulation = Some(install(settings).unwrap());
    Context::reopen(0).unwrap().allocate_exactly();
    Place { device: Device::Cuda(0), what, emulation }
}

/// The share of an error that is the rounding of results from float32, in which ops compute.
pub(crate) fn result_rounding(dtype: DType) -> f64 {
    if dtype == DType::F32 { 0.0 } else { rounding(dtype) }
}

/// The largest relative error of a number that is rounded to `dtype`.
pub(crate) fn rounding(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => 1.0 / f64::from(1 << 24),
        DType::F16 => 1.0 / f64::from(1 << 11),
        DType::BF16 => 1.0 / f64::from(1 << 8),
    }
}
