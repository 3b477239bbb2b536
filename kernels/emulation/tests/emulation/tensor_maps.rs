//! Tensor loads: boxes of two to five dimensions, at the tensor's edges, with every swizzle; and maps that are refused.

use cudarc::driver::{DevicePtr, PushKernelArg, sys};

use crate::device::{Device, TensorShape, config};

use sys::CUtensorMapSwizzle as Swizzle;

const HALF: sys::CUtensorMapDataType = sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT16;

/// The box at `index` of a dense tensor of 16-bit numbers 1, 2, 3, …, as it lies in shared memory.
fn load(sizes: &[u64], boxes: &[u32], index: &[i32], swizzle: Swizzle) -> Vec<u16> {
    let device = Device::with_seed(1);
    let count: u64 = sizes.iter().product();
    let numbers: Vec<u16> = (1..=count as u16).collect();
    let tensor = device.stream.clone_htod(&numbers).unwrap();
    let byte_strides: Vec<u64> = (1..sizes.len()).map(|i| 2 * sizes[..i].iter().product::<u64>()).collect();
    let address = tensor.device_ptr(&device.stream).0;
    let map =
        TensorShape { data_type: HALF, address, sizes, byte_strides: &byte_strides, boxes, swizzle }.encode().unwrap();
    let elements = boxes.iter().product::<u32>() as usize;
    let bytes = 2 * elements as i32;
    let mut out = device.stream.alloc_zeros::<u16>(elements).unwrap();
    let mut at = [0; 5];
    at[..index.len()].copy_from_slice(index);
    let function = device.function(&format!("test_load_box_{}d", sizes.len()));
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&map).arg(&mut out).arg(&bytes);
    launch.arg(&at[0]).arg(&at[1]).arg(&at[2]).arg(&at[3]).arg(&at[4]);
    // SAFETY: the arguments are those of the kernel in tests/kernels/wgmma.cu, and the box fits the slice.
    unsafe { launch.launch(config((1, 1), (32, 1), bytes as u32)) }.unwrap();
    device.stream.clone_dtoh(&out).unwrap()
}

/// What the box holds without a swizzle: the number at each place, zero outside.
fn expected(sizes: &[u64], boxes: &[u32], index: &[i32]) -> Vec<u16> {
    let elements = boxes.iter().product::<u32>();
    let number = |element: u32| {
        let (mut rest, mut stride, mut at) = (element, 1, 0);
        for (dimension, size) in sizes.iter().enumerate() {
            let place = i64::from(index[dimension]) + i64::from(rest % boxes[dimension]);
            rest /= boxes[dimension];
            if place < 0 || place >= *size as i64 {
                return 0;
            }
            at += place as u64 * stride;
            stride *= size;
        }
        at as u16 + 1
    };
    (0..elements).map(number).collect()
}

#[test]
fn boxes_of_two_to_five_dimensions_arrive_with_zeros_outside() {
    let none = Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE;
    for (sizes, boxes, index) in [
        (&[16u64, 5][..], &[8u32, 3][..], &[8, 1][..]),
        (&[16, 5], &[16, 4], &[-3, -1]),
        (&[16, 5], &[16, 4], &[5, 3]),
        (&[8, 6, 4], &[8, 3, 2], &[0, -1, 3]),
        (&[16, 5, 5, 3], &[8, 4, 4, 2], &[8, -1, 3, 1]),
        (&[8, 3, 3, 3, 3], &[8, 2, 2, 2, 2], &[0, 2, -1, 1, 2]),
        (&[16, 5], &[16, 4], &[40, 90]),
    ] {
        assert_eq!(load(sizes, boxes, index, none), expected(sizes, boxes, index), "{sizes:?} {boxes:?} {index:?}");
    }
}

/// PTX ISA, "swizzling modes": the 16-byte piece's number within its span is combined with the number of the 128-byte line.
#[test]
fn swizzles_permute_pieces_of_sixteen_bytes() {
    for (swizzle, span) in [
        (Swizzle::CU_TENSOR_MAP_SWIZZLE_32B, 32),
        (Swizzle::CU_TENSOR_MAP_SWIZZLE_64B, 64),
        (Swizzle::CU_TENSOR_MAP_SWIZZLE_128B, 128),
    ] {
        let (sizes, boxes, index) = ([span as u64 / 2, 40], [span / 2, 32], [0, 3]);
        let plain = expected(&sizes, &boxes, &index);
        let loaded = load(&sizes, &boxes, &index, swizzle);
        for (element, number) in plain.iter().enumerate() {
            let (line, piece) = (element / 64, element / 8 % 8);
            let pieces = span as usize / 16;
            // The line's number counts modulo the pieces of a span, and changes the piece within its span only.
            let permuted = piece ^ (line % pieces);
            assert_eq!(loaded[line * 64 + permuted * 8 + element % 8], *number, "{swizzle:?}, element {element}");
        }
    }
}

#[test]
fn maps_that_the_hardware_cannot_use_are_refused() {
    let device = Device::with_seed(1);
    let tensor = device.stream.alloc_zeros::<u16>(1024).unwrap();
    let address = tensor.device_ptr(&device.stream).0;
    let swizzle = Swizzle::CU_TENSOR_MAP_SWIZZLE_64B;
    let fine = TensorShape { data_type: HALF, address, sizes: &[32, 8], byte_strides: &[64], boxes: &[32, 8], swizzle };
    assert!(fine.encode().is_ok());
    for (wrong, words) in [
        (TensorShape { address: address + 8, ..fine }, "the address is no multiple of 16"),
        (TensorShape { byte_strides: &[72], ..fine }, "the stride of dimension 1, 72 bytes, is no multiple of 16"),
        (TensorShape { boxes: &[32, 257], ..fine }, "257 elements along dimension 1"),
        (TensorShape { boxes: &[33, 8], ..fine }, "the box is 66 bytes wide: no multiple of 16"),
        (TensorShape { boxes: &[64, 8], ..fine }, "the box is 128 bytes wide, the swizzle spans 64"),
        (TensorShape { sizes: &[0, 8], ..fine }, "dimension 0 has size 0"),
    ] {
        assert_eq!(wrong.encode().err(), Some(sys::CUresult::CUDA_ERROR_INVALID_VALUE));
        assert!(device.report().contains(words), "{}", device.report());
    }
}
