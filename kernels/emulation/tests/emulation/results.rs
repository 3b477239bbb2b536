//! Kernels without faults: right, under every schedule, checked and unchecked, and without a report.

use easel_cuda_emulation::Settings;

use crate::device::{Device, SEEDS, assert_close, config};
use crate::kernels::{Shape, copy_vectors, group_norm, mma, relay, sgemm, softmax, wgmma};
use cudarc::driver::PushKernelArg;

/// Runs it with every seed, checked and unchecked.
fn under_every_schedule(tolerance: f64, run: impl Fn(&Device) -> (Vec<f32>, Vec<f64>)) {
    for seed in SEEDS {
        for check in [true, false] {
            let device = Device::new(Settings { seed, check, compute_capability: (9, 0), ..Settings::default() });
            let (actual, expected) = run(&device);
            assert_close(&actual, &expected, tolerance);
            assert_eq!(device.emulation.last_report(), None);
        }
    }
}

#[test]
fn a_product_by_tiles_in_shared_memory_is_right() {
    let shape = Shape { rows: 37, columns: 29, depth: 45 };
    under_every_schedule(1e-5, |device| sgemm(device, "test_sgemm", shape).unwrap());
}

#[test]
fn a_softmax_by_shuffles_is_right() {
    // A half has eleven bits.
    under_every_schedule(5e-4, |device| softmax(device, "test_softmax", 5, 70).unwrap());
}

#[test]
fn a_group_norm_through_dynamic_shared_memory_is_right() {
    under_every_schedule(1e-5, |device| group_norm(device, "test_group_norm").unwrap());
}

#[test]
fn a_product_on_tensor_cores_fed_by_asynchronous_copies_is_right() {
    let shape = Shape { rows: 70, columns: 72, depth: 104 };
    under_every_schedule(2e-5, |device| mma(device, "test_mma_f16", shape).unwrap());
    under_every_schedule(2e-5, |device| mma(device, "test_mma_bf16", shape).unwrap());
}

#[test]
fn a_product_of_warpgroups_fed_by_tensor_loads_is_right() {
    let shape = Shape { rows: 70, columns: 90, depth: 328 };
    under_every_schedule(5e-5, |device| wgmma(device, "test_wgmma_64_f16", 64, shape).unwrap());
}

#[test]
fn products_of_warpgroups_come_in_all_widths() {
    let shape = Shape { rows: 64, columns: 100, depth: 264 };
    for (kernel, columns) in [("test_wgmma_8_f16", 8), ("test_wgmma_160_bf16", 160), ("test_wgmma_256_f16", 256)] {
        let device = Device::with_seed(5);
        let (actual, expected) = wgmma(&device, kernel, columns, shape).unwrap();
        assert_close(&actual, &expected, 5e-5);
    }
}

#[test]
fn named_barriers_hand_a_buffer_to_and_fro() {
    under_every_schedule(0.0, |device| relay(device, "test_relay").unwrap());
}

#[test]
fn vectors_of_sixteen_bytes_are_copied() {
    under_every_schedule(0.0, |device| copy_vectors(device, 128, 0, 32).unwrap());
}

#[test]
fn votes_count_the_lanes_of_their_mask_and_shuffles_stay_in_their_width() {
    let device = Device::with_seed(3);
    let mut y = device.stream.alloc_zeros::<u32>(32).unwrap();
    let function = device.function("test_votes");
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&mut y);
    // SAFETY: the kernel writes one number for each of 32 threads.
    unsafe { launch.launch(config((1, 1), (32, 1), 0)) }.unwrap();
    let expected: Vec<u32> = (0..32)
        .map(|lane: u32| {
            let even = if lane.is_multiple_of(2) { 0x1111_1111 } else { 0u32 };
            let up = if lane.is_multiple_of(8) { lane } else { lane - 1 };
            let down = if lane % 8 == 7 { lane } else { lane + 1 };
            even.wrapping_add(1 << 31).wrapping_add(up * 2 + down * 64)
        })
        .collect();
    assert_eq!(device.stream.clone_dtoh(&y).unwrap(), expected);
}

#[test]
fn one_seed_gives_one_result() {
    let shape = Shape { rows: 64, columns: 64, depth: 192 };
    let run = || {
        let device = Device::with_seed(9);
        wgmma(&device, "test_wgmma_64_f16", 64, shape).unwrap().0
    };
    assert_eq!(run(), run());
}
