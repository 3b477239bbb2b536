//! How fast the emulation is: products with the crate's test kernels, checked and unchecked, the best of some runs.
//! Time is that on the processor, as Linux counts it for the thread: other programs do not matter much.

use std::error::Error;
use std::fs;

use cudarc::driver::{CudaContext, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;
use easel_cuda_emulation::{Settings, install};
use half::f16;

const SIZE: usize = 256;
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    for check in [false, true] {
        let emulation = install(Settings { check, ..Settings::default() })?;
        emulation.load_test_kernels()?;
        let word = if check { "checked" } else { "unchecked" };
        for (kernel, tile, threads) in [("test_sgemm", 16, (16, 16, 1)), ("test_mma_f16", 64, (128, 1, 1))] {
            println!("{kernel}, {SIZE} x {SIZE} x {SIZE}, {word}: {:.3} GFMA/s", product(kernel, tile, threads)?);
        }
    }
    Ok(())
}

/// Thousand millions of multiplications and additions a second.
fn product(kernel: &str, tile: usize, block_dim: (u32, u32, u32)) -> Result<f64, Box<dyn Error>> {
    let context = CudaContext::new(0)?;
    let stream = context.new_stream()?;
    let function = context.load_module(Ptx::from_src("// test kernels"))?.load_function(kernel)?;
    // Ones in either format.
    let words = vec![
        if kernel.contains("mma") { u32::from(f16::ONE.to_bits()) * 0x10001 } else { 1.0f32.to_bits() };
        SIZE * SIZE
    ];
    let (a, b) = (stream.clone_htod(&words)?, stream.clone_htod(&words)?);
    let mut c = stream.alloc_zeros::<f32>(SIZE * SIZE)?;
    let (size, blocks) = (SIZE as i32, SIZE.div_ceil(tile) as u32);
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let mut launch = stream.launch_builder(&function);
        launch.arg(&a).arg(&b).arg(&mut c).arg(&size).arg(&size).arg(&size);
        let began = processor_seconds()?;
        // SAFETY: both kernels take two inputs, an output and three sizes, and the slices hold that many numbers.
        unsafe { launch.launch(LaunchConfig { grid_dim: (blocks, blocks, 1), block_dim, shared_mem_bytes: 0 }) }?;
        best = best.min(processor_seconds()? - began);
    }
    Ok((SIZE * SIZE * SIZE) as f64 / best / 1e9)
}

fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().ok_or("an empty schedstat")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
