#![allow(clippy::unwrap_used)]

use super::*;
use crate::harness::for_each_cuda_device;
use crate::reference::{Random, same_bits};

fn counting(shape: impl Into<Shape>) -> Tensor {
    let shape = shape.into();
    Tensor::from_f32((0..shape.len()).map(|i| i as f32).collect(), shape).unwrap()
}

#[test]
fn wrong_lengths_and_absurd_shapes_are_errors() {
    assert!(matches!(Tensor::from_f32(vec![0.0; 5], [2, 3]), Err(KernelError::Length { wanted: 24, got: 20, .. })));
    assert!(matches!(Tensor::zeros([usize::MAX, 2]), Err(KernelError::Shape { .. })));
    assert!(matches!(Tensor::zeros([1 << 50]), Err(KernelError::OutOfMemory { .. })));
    assert!(matches!(Tensor::zeros([usize::MAX / 4]), Err(KernelError::OutOfMemory { .. })));
}

#[test]
fn unaligned_bytes_are_copied_and_aligned_ones_shared() {
    let values = counting([5]);
    let mut shifted = vec![0u8];
    shifted.extend_from_slice(values.bytes().unwrap());
    let shifted = Bytes::from(shifted);
    // One of the four offsets of a copy is aligned, whatever the allocator did; an odd one never is.
    let base = shifted.as_ptr().addr();
    let tensor = Tensor::from_bytes(shifted.slice(1..), DType::F32, [5]).unwrap();
    assert_eq!(tensor.as_f32().unwrap(), values.as_f32().unwrap());
    assert_eq!(tensor.bytes().unwrap().as_ptr().addr() == base + 1, (base + 1).is_multiple_of(4));

    let shared = Tensor::from_bytes(values.bytes().unwrap().clone(), DType::F32, [5]).unwrap();
    assert_eq!(shared.bytes().unwrap().as_ptr(), values.bytes().unwrap().as_ptr());
}

#[test]
fn buffers_start_on_a_cache_line() {
    assert!(Tensor::zeros([3]).unwrap().bytes().unwrap().as_ptr().addr().is_multiple_of(64));
}

#[test]
fn empty_tensors_work() {
    let empty = counting([0, 3]);
    assert!(empty.as_f32().unwrap().is_empty());
    assert_eq!(empty.narrow(1, 0, 2).unwrap().dims(), [0, 2]);
    assert_eq!(counting([2, 3]).narrow(0, 2, 0).unwrap().as_f32().unwrap(), &[] as &[f32]);
    assert_eq!(Tensor::concat(&[&empty, &counting([1, 3])], 0).unwrap().dims(), [1, 3]);
    assert_eq!(counting([0, 2, 1, 1]).nchw_to_nhwc().unwrap().dims(), [0, 1, 1, 2]);
}

#[test]
fn dtypes_round_to_nearest_even() {
    let x = Tensor::from_f32(vec![1.0, 1.0 + 2f32.powi(-11), 1.0 + 3.0 * 2f32.powi(-11), -65536.0], [4]).unwrap();
    let half = x.to_dtype(DType::F16).unwrap();
    assert_eq!(half.to_vec_f32().unwrap(), [1.0, 1.0, 1.0 + 2f32.powi(-9), f32::NEG_INFINITY]);
    assert!(matches!(half.as_f32(), Err(KernelError::DType { .. })));
    let brain = x.to_dtype(DType::BF16).unwrap();
    assert_eq!(brain.to_vec_f32().unwrap(), [1.0, 1.0, 1.0, -65536.0]);
    assert_eq!(half.to_dtype(DType::BF16).unwrap().dtype(), DType::BF16);
    assert_eq!(brain.to_dtype(DType::F32).unwrap().as_f32().unwrap(), [1.0, 1.0, 1.0, -65536.0]);
}

#[test]
fn narrow_shares_along_the_first_axis_and_copies_along_others() {
    let x = counting([3, 4]);
    let rows = x.narrow(0, 1, 2).unwrap();
    assert_eq!(rows.as_f32().unwrap(), [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(rows.bytes().unwrap().as_ptr().addr(), x.bytes().unwrap().as_ptr().addr() + 16);
    assert_eq!(x.narrow(1, 1, 2).unwrap().as_f32().unwrap(), [1.0, 2.0, 5.0, 6.0, 9.0, 10.0]);
    assert!(x.narrow(1, 3, 2).is_err());
    assert!(x.narrow(2, 0, 1).is_err());
    assert!(x.narrow(0, usize::MAX, 2).is_err());
}

#[test]
fn concat_and_stack() {
    let (a, b) = (counting([2, 1]), counting([2, 2]));
    assert_eq!(Tensor::concat(&[&a, &b], 1).unwrap().as_f32().unwrap(), [0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
    assert!(Tensor::concat(&[&a, &b], 0).is_err());
    assert!(Tensor::concat(&[], 0).is_err());
    assert!(Tensor::concat(&[&a, &a.to_dtype(DType::F16).unwrap()], 0).is_err());
    let stacked = Tensor::stack(&[&a, &a]).unwrap();
    assert_eq!((stacked.dims(), stacked.as_f32().unwrap()), (&[2, 2, 1][..], &[0.0, 1.0, 0.0, 1.0][..]));
    assert!(Tensor::stack(&[&a, &b]).is_err());
}

#[test]
fn repeats() {
    let x = counting([2, 2]);
    assert_eq!(x.repeat_interleave(2).unwrap().as_f32().unwrap(), [0.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 3.0]);
    assert_eq!(x.repeat_interleave(0).unwrap().dims(), [0, 2]);
    let one = counting([1, 2]);
    assert_eq!(one.expand_batch(3).unwrap().as_f32().unwrap(), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    assert!(x.expand_batch(2).is_err());
}

#[test]
fn layouts_of_pictures() {
    let x = counting([2, 3, 2, 2]);
    let nhwc = x.nchw_to_nhwc().unwrap();
    assert_eq!(nhwc.dims(), [2, 2, 2, 3]);
    assert_eq!(&nhwc.as_f32().unwrap()[..6], [0.0, 4.0, 8.0, 1.0, 5.0, 9.0]);
    let back = nhwc.nhwc_to_nchw().unwrap();
    assert_eq!((back.dims(), back.as_f32().unwrap()), (x.dims(), x.as_f32().unwrap()));
    let half = x.to_dtype(DType::F16).unwrap().nchw_to_nhwc().unwrap();
    assert_eq!(half.to_vec_f32().unwrap(), nhwc.to_vec_f32().unwrap());
    assert!(counting([2, 2]).nchw_to_nhwc().is_err());
}

/// Everything that only moves numbers, or rounds them, gives on every device what it gives on the host.
#[test]
fn devices_move_numbers_as_the_host_does() {
    type Move = fn(&Tensor) -> Result<Tensor>;
    let moves: [Move; 9] = [
        |x| x.narrow(0, 1, 2),
        |x| x.narrow(1, 1, 3),
        |x| x.narrow(3, 1, x.dims()[3] - 2),
        |x| Tensor::concat(&[x, &x.narrow(2, 1, 1)?, x], 2),
        |x| Tensor::concat(&[&x.narrow(0, 0, 0)?, x], 0),
        |x| Tensor::stack(&[x, x]),
        |x| x.repeat_interleave(3),
        Tensor::nchw_to_nhwc,
        Tensor::nhwc_to_nchw,
    ];
    for_each_cuda_device(|place| {
        let mut random = Random::new(1);
        for (dims, &dtype) in [[3, 5, 2, 8], [3, 4, 3, 3], [3, 4, 2, 37]]
            .into_iter()
            .flat_map(|d| place.dtypes().iter().map(move |t| (d, t)))
        {
            let here = random.tensor(&dims).to_dtype(dtype).unwrap();
            let there = here.to_device(place.device).unwrap();
            for (i, step) in moves.iter().enumerate() {
                let (got, want) = (step(&there).unwrap(), step(&here).unwrap());
                assert_eq!((got.device(), got.dtype()), (place.device, dtype), "move {i}");
                same_bits(&got, &want);
            }
            // From an address that is no multiple of a vector's.
            let (odd_there, odd_here) = (&there.narrow(0, 1, 1).unwrap(), &here.narrow(0, 1, 1).unwrap());
            same_bits(&odd_there.nchw_to_nhwc().unwrap(), &odd_here.nchw_to_nhwc().unwrap());
            same_bits(&odd_there.repeat_interleave(2).unwrap(), &odd_here.repeat_interleave(2).unwrap());
            for to in [DType::F32, DType::F16, DType::BF16] {
                same_bits(&there.to_dtype(to).unwrap(), &here.to_dtype(to).unwrap());
                same_bits(&odd_there.to_dtype(to).unwrap(), &odd_here.to_dtype(to).unwrap());
            }
        }
    });
}

#[test]
fn devices_take_empty_tensors() {
    for_each_cuda_device(|place| {
        let empty = counting([0, 3]).to_device(place.device).unwrap();
        assert_eq!(empty.narrow(1, 0, 2).unwrap().dims(), [0, 2]);
        assert_eq!(empty.repeat_interleave(2).unwrap().dims(), [0, 3]);
        assert_eq!(empty.to_dtype(DType::BF16).unwrap().dims(), [0, 3]);
        let one = counting([1, 3]).to_device(place.device).unwrap();
        assert_eq!(Tensor::concat(&[&empty, &one], 0).unwrap().to_vec_f32().unwrap(), [0.0, 1.0, 2.0]);
        assert_eq!(one.narrow(1, 1, 0).unwrap().dims(), [1, 0]);
        assert_eq!(one.repeat_interleave(0).unwrap().dims(), [0, 3]);
        let pictures = counting([0, 2, 1, 1]).to_device(place.device).unwrap();
        assert_eq!(pictures.nchw_to_nhwc().unwrap().dims(), [0, 1, 1, 2]);
        for dtype in [DType::F32, DType::F16] {
            let zeros = Tensor::zeros_on(place.device, dtype, [3, 7]).unwrap();
            assert_eq!((zeros.dtype(), zeros.to_vec_f32().unwrap()), (dtype, vec![0.0; 21]));
        }
        assert!(Tensor::zeros_on(place.device, DType::F32, [usize::MAX, 2]).is_err());
    });
}

#[test]
fn debug_prints_no_data() {
    assert_eq!(format!("{:?}", counting([2, 3])), "Tensor([2, 3] float32)");
}
