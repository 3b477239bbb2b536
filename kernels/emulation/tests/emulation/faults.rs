//! Kernels with one fault each: every one is found, under every schedule, and told with its kernel and place.

use cudarc::driver::{DriverError, PushKernelArg, sys};

use crate::device::{Device, SEEDS, config};
use crate::kernels::{Shape, copy_vectors, group_norm, mma, relay, sgemm, softmax, wgmma};

const SMALL: Shape = Shape { rows: 33, columns: 20, depth: 40 };
const TILES: Shape = Shape { rows: 64, columns: 64, depth: 128 };
const LONG: Shape = Shape { rows: 64, columns: 64, depth: 384 };

/// With every seed the launch fails, and the report names the kernel and holds these words.
fn is_found<T>(kernel: &str, words: &[&str], run: impl Fn(&Device, &str) -> Result<T, DriverError>) {
    for seed in SEEDS {
        let device = Device::with_seed(seed);
        assert!(run(&device, kernel).is_err(), "seed {seed}: {kernel} went through");
        let report = device.report();
        assert!(report.starts_with(&format!("kernel {kernel}, block ")), "seed {seed}: {report}");
        for word in words {
            assert!(report.contains(word), "seed {seed}: no {word:?} in: {report}");
        }
    }
}

#[test]
fn a_missing_barrier_after_a_store_to_shared_memory() {
    let words = ["race: ", "sgemm.cu:", "shared memory, ", "nothing orders the two"];
    is_found("test_sgemm_no_barrier_after_load", &words, |device, kernel| sgemm(device, kernel, SMALL));
    is_found("test_sgemm_no_barrier_after_use", &words, |device, kernel| sgemm(device, kernel, SMALL));
    let words = ["race: ", "reductions.cu:", "dynamic shared memory (24 bytes)"];
    is_found("test_group_norm_no_barrier", &words, group_norm);
}

#[test]
fn a_missing_bounds_check() {
    let words = ["sgemm.cu:", "write of 4 bytes"];
    is_found("test_sgemm_no_bounds_check", &words, |device, kernel| {
        // Of the columns alone: the next row is written, by another thread.
        sgemm(device, kernel, Shape { columns: 20, ..TILES })
    });
    let words = ["out of bounds: write of 4 bytes at sgemm.cu:", "bytes past the end of an allocation of 2560 bytes"];
    is_found("test_sgemm_no_bounds_check", &words, |device, kernel| {
        sgemm(device, kernel, Shape { rows: 20, columns: 32, ..SMALL })
    });
}

#[test]
fn a_grid_that_is_too_large() {
    is_found("test_copy_vectors", &["out of bounds: ", "memory.cu:"], |device, _| {
        // The kernel is told of more than there is.
        let x = device.stream.alloc_zeros::<half::f16>(64)?;
        let mut y = device.stream.alloc_zeros::<half::f16>(64)?;
        let function = device.function("test_copy_vectors");
        let mut launch = device.stream.launch_builder(&function);
        launch.arg(&x).arg(&mut y).arg(&1024i32).arg(&0i32);
        // SAFETY: the emulation stops at the access that goes beyond the slices.
        unsafe { launch.launch(config((2, 1), (32, 1), 0)) }.map(|_| ())
    });
}

#[test]
fn a_vector_that_is_not_aligned() {
    is_found("test_copy_vectors", &["misaligned: a vector of 16 bytes at memory.cu:"], |device, _| {
        copy_vectors(device, 128, 1, 8)
    });
    is_found("test_mma_misaligned", &["misaligned: read of 16 bytes at mma.cu:"], |device, kernel| {
        mma(device, kernel, TILES)
    });
}

#[test]
fn an_access_past_the_end_of_an_object_in_shared_memory() {
    is_found(
        "test_shared_overrun",
        &["out of bounds: write", "shared memory, numbers (128 bytes) + 128"],
        |device, kernel| {
            let mut y = device.stream.alloc_zeros::<f32>(32)?;
            let function = device.function(kernel);
            let mut launch = device.stream.launch_builder(&function);
            launch.arg(&mut y).arg(&1i32);
            // SAFETY: the emulation stops at the access that goes beyond the object.
            unsafe { launch.launch(config((1, 1), (32, 1), 0)) }.map(|_| ())
        },
    );
}

#[test]
fn a_read_of_memory_that_nobody_has_written() {
    let words = ["uninitialised: read of 2 bytes at reductions.cu:"];
    is_found("test_softmax_accumulates", &words, |device, kernel| softmax(device, kernel, 3, 40));
}

#[test]
fn lanes_that_a_shuffle_misses() {
    let words = ["shuffle at reductions.cu:", "which does not take part"];
    is_found("test_softmax_missing_lanes", &words, |device, kernel| softmax(device, kernel, 3, 40));
}

#[test]
fn a_race_between_blocks() {
    is_found("test_blocks_race", &["race: ", "block ", "blocks are not ordered"], |device, kernel| {
        let mut y = device.stream.alloc_zeros::<f32>(1)?;
        let function = device.function(kernel);
        let mut launch = device.stream.launch_builder(&function);
        launch.arg(&mut y);
        // SAFETY: the kernel touches one number.
        unsafe { launch.launch(config((2, 1), (32, 1), 0)) }.map(|_| ())
    });
}

#[test]
fn a_divergent_barrier() {
    let words = ["divergent barrier: __syncthreads at reductions.cu:", "while thread "];
    is_found("test_group_norm_divergent_barrier", &words, group_norm);
    is_found("test_relay_other_count", &["barrier"], relay);
}

#[test]
fn a_deadlock() {
    let words = ["deadlock: 32 threads at barrier_sync, reductions.cu:"];
    is_found("test_group_norm_deadlock", &words, group_norm);
    is_found("test_relay_no_arrive", &["deadlock: ", "barrier_sync, memory.cu:"], relay);
}

#[test]
fn a_missing_named_barrier() {
    is_found("test_relay_no_sync", &["race: ", "shared memory, buffer"], relay);
}

#[test]
fn a_missing_wait_for_asynchronous_copies() {
    let words = ["race: read of 16 bytes at mma.cu:", "an asynchronous copy that has not been waited for"];
    is_found("test_mma_no_copy_wait", &words, |device, kernel| mma(device, kernel, TILES));
}

#[test]
fn a_missing_barrier_around_asynchronous_copies() {
    for kernel in ["test_mma_no_barrier_after_wait", "test_mma_no_barrier_after_use"] {
        is_found(kernel, &["race: ", "mma.cu:", "shared memory, "], |device, kernel| {
            mma(device, kernel, Shape { depth: 160, ..TILES })
        });
    }
}

#[test]
fn a_missing_wait_for_a_transaction_barrier() {
    // Whichever of the two comes first: the product reads what has not come, or the load overwrites what it reads.
    let words = ["race: ", "wgmma.cu:"];
    is_found("test_wgmma_no_full_wait", &words, |device, kernel| wgmma(device, kernel, 64, LONG));
    // Or the producer announces a load before the one ahead of it has come.
    let words = [" at wgmma.cu:"];
    is_found("test_wgmma_no_empty_wait", &words, |device, kernel| wgmma(device, kernel, 64, LONG));
}

#[test]
fn a_missing_wait_for_a_product() {
    let words = ["wgmma.cu:", "touches the accumulators of a wgmma that has not been waited for"];
    is_found("test_wgmma_no_product_wait", &words, |device, kernel| wgmma(device, kernel, 64, LONG));
    is_found("test_wgmma_leaves_early", &["race: ", "wgmma.cu:"], |device, kernel| wgmma(device, kernel, 64, LONG));
}

#[test]
fn a_missing_fence_after_the_initialisation_of_a_barrier() {
    let words = ["tensor_load_2d at wgmma.cu:", "no fence_barrier_init"];
    is_found("test_wgmma_no_fence", &words, |device, kernel| wgmma(device, kernel, 64, LONG));
}

#[test]
fn a_barrier_that_expects_other_bytes_than_arrive() {
    is_found("test_wgmma_too_few_bytes", &["wgmma.cu:"], |device, kernel| wgmma(device, kernel, 64, LONG));
}

#[test]
fn a_stack_that_overflows() {
    is_found("test_stack_overflow", &["stack"], |device, kernel| {
        let mut y = device.stream.alloc_zeros::<f32>(1)?;
        let function = device.function(kernel);
        let mut launch = device.stream.launch_builder(&function);
        launch.arg(&mut y).arg(&1000i32);
        // SAFETY: the emulation stops at the end of the stack.
        unsafe { launch.launch(config((1, 1), (1, 1), 0)) }.map(|_| ())
    });
}

#[test]
fn nothing_runs_after_a_kernel_has_failed_until_the_emulation_is_set_up_anew() {
    let device = Device::with_seed(1);
    sgemm(&device, "test_sgemm_no_barrier_after_load", SMALL).unwrap_err();
    let error = sgemm(&device, "test_sgemm", SMALL).unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_LAUNCH_FAILED);
    device.emulation.configure(&easel_cuda_emulation::Settings::default());
    sgemm(&device, "test_sgemm", SMALL).unwrap();
    assert_eq!(device.emulation.last_report(), None);
}
