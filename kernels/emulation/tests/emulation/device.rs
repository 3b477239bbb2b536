//! A device for a test, and what tests compare with.

use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaFunction, CudaModule, CudaStream, DeviceRepr, LaunchConfig, sys};
use cudarc::nvrtc::Ptx;
use easel_cuda_emulation::{Emulation, Settings, install};
use half::{bf16, f16};

/// Schedules that tests try.
pub const SEEDS: [u64; 4] = [1, 2, 3, 4];

/// The emulated device with the test kernels. The emulation is given back last.
pub struct Device {
    pub context: Arc<CudaContext>,
    pub stream: Arc<CudaStream>,
    pub module: Arc<CudaModule>,
    pub emulation: Emulation,
}

impl Device {
    pub fn new(settings: Settings) -> Self {
        let emulation = install(settings).unwrap();
        emulation.load_test_kernels().unwrap();
        let context = CudaContext::new(0).unwrap();
        let stream = context.new_stream().unwrap();
        // What a module is made of does not matter here: its kernels are asked for by name.
        let module = context.load_module(Ptx::from_src("// test kernels")).unwrap();
        Self { context, stream, module, emulation }
    }

    pub fn with_seed(seed: u64) -> Self {
        Self::new(Settings { seed, compute_capability: (9, 0), ..Settings::default() })
    }

    pub fn function(&self, name: &str) -> CudaFunction {
        self.module.load_function(name).unwrap()
    }

    /// The story of the last failure.
    pub fn report(&self) -> String {
        self.emulation.last_report().unwrap_or_default()
    }
}

pub fn config(grid: (u32, u32), block: (u32, u32), shared_mem_bytes: u32) -> LaunchConfig {
    LaunchConfig { grid_dim: (grid.0, grid.1, 1), block_dim: (block.0, block.1, 1), shared_mem_bytes }
}

/// Numbers of -1..1 that eight bits hold, so that half and bfloat16 hold them exactly.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) % 129
    };
    (0..count).map(|_| next() as f32 / 64.0 - 1.0).collect()
}

pub fn halves(values: &[f32]) -> Vec<f16> {
    values.iter().map(|value| f16::from_f32(*value)).collect()
}

pub fn bfloats(values: &[f32]) -> Vec<bf16> {
    values.iter().map(|value| bf16::from_f32(*value)).collect()
}

/// `a[rows, depth] b[depth, columns]` in float64.
pub fn product(a: &[f32], b: &[f32], rows: usize, columns: usize, depth: usize) -> Vec<f64> {
    let mut c = vec![0.0; rows * columns];
    for row in 0..rows {
        for k in 0..depth {
            for column in 0..columns {
                c[row * columns + column] += f64::from(a[row * depth + k]) * f64::from(b[k * columns + column]);
            }
        }
    }
    c
}

/// `b[rows, columns]`, its rows as columns.
pub fn transposed(b: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| b[row * columns + column])).collect()
}

/// Sums of a few hundred products in float32 are off by some millionths; a NaN is off by more than anything.
pub fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(*actual) - expected).abs();
        assert!(error <= tolerance, "number {index} is {actual}, not {expected}");
    }
}

/// A tensor map as a kernel's argument.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct TensorMap(pub sys::CUtensorMap);

// SAFETY: the driver copies the 128 bytes, which is what a kernel's `__grid_constant__ TensorMap` is.
unsafe impl DeviceRepr for TensorMap {}

/// What a tensor map is made of; sizes, strides and box from the innermost dimension.
#[derive(Clone, Copy)]
pub struct TensorShape<'a> {
    pub data_type: sys::CUtensorMapDataType,
    pub address: sys::CUdeviceptr,
    pub sizes: &'a [u64],
    pub byte_strides: &'a [u64],
    pub boxes: &'a [u32],
    pub swizzle: sys::CUtensorMapSwizzle,
}

impl TensorShape<'_> {
    pub fn encode(&self) -> Result<TensorMap, sys::CUresult> {
        let mut map = std::mem::MaybeUninit::<TensorMap>::uninit();
        let ones = [1u32; 5];
        // SAFETY: the arrays have as many numbers as the driver reads, and the map is filled in if the call succeeds.
        unsafe {
            let code = sys::cuTensorMapEncodeTiled(
                map.as_mut_ptr().cast(),
                self.data_type,
                self.sizes.len() as u32,
                self.address as *mut _,
                self.sizes.as_ptr(),
                self.byte_strides.as_ptr(),
                self.boxes.as_ptr(),
                ones.as_ptr(),
                sys::CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
                self.swizzle,
                sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_NONE,
                sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
            );
            if code == sys::CUresult::CUDA_SUCCESS { Ok(map.assume_init()) } else { Err(code) }
        }
    }
}
