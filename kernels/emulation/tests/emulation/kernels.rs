//! The launches of the test kernels: each gives what the kernel has computed, and what it should have.

use cudarc::driver::{CudaSlice, DevicePtr, DriverError, PushKernelArg, sys};
use half::{bf16, f16};

use crate::device::{Device, TensorMap, TensorShape, bfloats, config, halves, numbers, product, transposed};

type Computed = Result<(Vec<f32>, Vec<f64>), DriverError>;

/// `rows x columns`, over `depth`.
#[derive(Clone, Copy)]
pub struct Shape {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
}

fn sizes(shape: Shape) -> (i32, i32, i32) {
    (shape.rows as i32, shape.columns as i32, shape.depth as i32)
}

pub fn sgemm(device: &Device, kernel: &str, shape: Shape) -> Computed {
    let a = numbers(shape.rows * shape.depth, 1);
    let b = numbers(shape.depth * shape.columns, 2);
    let (a_device, b_device) = (device.stream.clone_htod(&a)?, device.stream.clone_htod(&b)?);
    // SAFETY: the kernel writes every element.
    let mut c = unsafe { device.stream.alloc::<f32>(shape.rows * shape.columns)? };
    let (rows, columns, depth) = sizes(shape);
    let function = device.function(kernel);
    let grid = (shape.columns.div_ceil(16) as u32, shape.rows.div_ceil(16) as u32);
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&a_device).arg(&b_device).arg(&mut c).arg(&rows).arg(&columns).arg(&depth);
    // SAFETY: the arguments are those of the kernel in tests/kernels/sgemm.cu.
    unsafe { launch.launch(config(grid, (16, 16), 0)) }?;
    Ok((device.stream.clone_dtoh(&c)?, product(&a, &b, shape.rows, shape.columns, shape.depth)))
}

pub fn softmax(device: &Device, kernel: &str, rows: usize, columns: usize) -> Computed {
    let x = numbers(rows * columns, 3);
    let x_device = device.stream.clone_htod(&halves(&x))?;
    // SAFETY: the kernel writes every element.
    let mut y = unsafe { device.stream.alloc::<f16>(rows * columns)? };
    let (rows_argument, columns_argument) = (rows as i32, columns as i32);
    let function = device.function(kernel);
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&x_device).arg(&mut y).arg(&rows_argument).arg(&columns_argument);
    // SAFETY: the arguments are those of the kernel in tests/kernels/reductions.cu.
    unsafe { launch.launch(config((rows.div_ceil(2) as u32, 1), (64, 1), 0)) }?;
    let expected = x.chunks(columns).flat_map(|row| {
        let exponentials: Vec<f64> = row.iter().map(|value| f64::from(*value).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        exponentials.into_iter().map(move |value| value / sum)
    });
    Ok((device.stream.clone_dtoh(&y)?.into_iter().map(f16::to_f32).collect(), expected.collect()))
}

pub fn group_norm(device: &Device, kernel: &str) -> Computed {
    let (batch, positions, channels, groups, epsilon) = (2, 10, 12, 3, 1e-5f32);
    let x = numbers(batch * positions * channels, 4);
    let (weight, bias) = (numbers(channels, 5), numbers(channels, 6));
    let stream = &device.stream;
    let (x_device, weight_device, bias_device) =
        (stream.clone_htod(&x)?, stream.clone_htod(&weight)?, stream.clone_htod(&bias)?);
    // SAFETY: the kernel writes every element.
    let mut y = unsafe { stream.alloc::<f32>(x.len())? };
    let [positions_argument, channels_argument, groups_argument] = [positions, channels, groups].map(|n| n as i32);
    let function = device.function(kernel);
    let mut launch = stream.launch_builder(&function);
    launch.arg(&x_device).arg(&weight_device).arg(&bias_device).arg(&mut y);
    launch.arg(&positions_argument).arg(&channels_argument).arg(&groups_argument).arg(&epsilon);
    // SAFETY: the arguments are those of the kernel in tests/kernels/reductions.cu.
    unsafe { launch.launch(config(((batch * groups) as u32, 1), (96, 1), 3 * 2 * 4)) }?;

    let width = channels / groups;
    let mut expected = vec![0.0; x.len()];
    for (item, group) in (0..batch).flat_map(|item| (0..groups).map(move |group| (item, group))) {
        let places: Vec<usize> = (0..positions * width)
            .map(|i| item * positions * channels + i / width * channels + group * width + i % width)
            .collect();
        let count = places.len() as f64;
        let mean = places.iter().map(|at| f64::from(x[*at])).sum::<f64>() / count;
        let variance = places.iter().map(|at| (f64::from(x[*at]) - mean).powi(2)).sum::<f64>() / count;
        for at in places {
            let normal = (f64::from(x[at]) - mean) / (variance + f64::from(epsilon)).sqrt();
            expected[at] = normal * f64::from(weight[at % channels]) + f64::from(bias[at % channels]);
        }
    }
    Ok((stream.clone_dtoh(&y)?, expected))
}

/// 16-bit numbers on the device, in either format.
enum Numbers {
    Half(CudaSlice<f16>),
    Bfloat(CudaSlice<bf16>),
}

impl Numbers {
    fn new(device: &Device, values: &[f32], is_bfloat: bool) -> Result<Self, DriverError> {
        Ok(if is_bfloat {
            Self::Bfloat(device.stream.clone_htod(&bfloats(values))?)
        } else {
            Self::Half(device.stream.clone_htod(&halves(values))?)
        })
    }

    fn address(&self, device: &Device) -> sys::CUdeviceptr {
        match self {
            Self::Half(slice) => slice.device_ptr(&device.stream).0,
            Self::Bfloat(slice) => slice.device_ptr(&device.stream).0,
        }
    }
}

pub fn mma(device: &Device, kernel: &str, shape: Shape) -> Computed {
    let a = numbers(shape.rows * shape.depth, 7);
    let b = numbers(shape.depth * shape.columns, 8);
    let is_bfloat = kernel.ends_with("bf16");
    let (a_device, b_device) = (Numbers::new(device, &a, is_bfloat)?, Numbers::new(device, &b, is_bfloat)?);
    let (a_address, b_address) = (a_device.address(device), b_device.address(device));
    // SAFETY: the kernel writes every element.
    let mut c = unsafe { device.stream.alloc::<f32>(shape.rows * shape.columns)? };
    let (rows, columns, depth) = sizes(shape);
    let function = device.function(kernel);
    let grid = (shape.columns.div_ceil(64) as u32, shape.rows.div_ceil(64) as u32);
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&a_address).arg(&b_address).arg(&mut c).arg(&rows).arg(&columns).arg(&depth);
    // SAFETY: the arguments are those of the kernel in tests/kernels/mma.cu.
    unsafe { launch.launch(config(grid, (128, 1), 0)) }?;
    Ok((device.stream.clone_dtoh(&c)?, product(&a, &b, shape.rows, shape.columns, shape.depth)))
}

/// A map of a matrix whose rows lie along K, in boxes of 64 along K by `box_rows`.
fn matrix_map(address: sys::CUdeviceptr, is_bfloat: bool, rows: usize, depth: usize, box_rows: u32) -> TensorMap {
    let data_type = if is_bfloat {
        sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
    } else {
        sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT16
    };
    let shape = TensorShape {
        data_type,
        address,
        sizes: &[depth as u64, rows as u64],
        byte_strides: &[depth as u64 * 2],
        boxes: &[64, box_rows],
        swizzle: sys::CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
    };
    shape.encode().unwrap()
}

pub fn wgmma(device: &Device, kernel: &str, tile_columns: usize, shape: Shape) -> Computed {
    let a = numbers(shape.rows * shape.depth, 9);
    let b = numbers(shape.columns * shape.depth, 10);
    let is_bfloat = kernel.ends_with("bf16");
    let (a_device, b_device) = (Numbers::new(device, &a, is_bfloat)?, Numbers::new(device, &b, is_bfloat)?);
    let a_map = matrix_map(a_device.address(device), is_bfloat, shape.rows, shape.depth, 64);
    let b_map = matrix_map(b_device.address(device), is_bfloat, shape.columns, shape.depth, tile_columns as u32);
    // SAFETY: the kernel writes every element.
    let mut c = unsafe { device.stream.alloc::<f32>(shape.rows * shape.columns)? };
    let (rows, columns, depth) = sizes(shape);
    let shared = 3 * (64 + tile_columns) * 128;
    let function = device.function(kernel);
    function.set_attribute(
        sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
        shared as i32,
    )?;
    let grid = (shape.columns.div_ceil(tile_columns) as u32, shape.rows.div_ceil(64) as u32);
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&a_map).arg(&b_map).arg(&mut c).arg(&rows).arg(&columns).arg(&depth);
    // SAFETY: the arguments are those of the kernel in tests/kernels/wgmma.cu.
    unsafe { launch.launch(config(grid, (160, 1), shared as u32)) }?;
    let b = transposed(&b, shape.columns, shape.depth);
    Ok((device.stream.clone_dtoh(&c)?, product(&a, &b, shape.rows, shape.columns, shape.depth)))
}

pub fn relay(device: &Device, kernel: &str) -> Computed {
    let blocks = 5;
    let x = numbers(blocks * 32, 11);
    let x_device = device.stream.clone_htod(&x)?;
    // SAFETY: the kernel writes every element.
    let mut y = unsafe { device.stream.alloc::<f32>(x.len())? };
    let blocks_argument = blocks as i32;
    let function = device.function(kernel);
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&x_device).arg(&mut y).arg(&blocks_argument);
    // SAFETY: the arguments are those of the kernel in tests/kernels/memory.cu.
    unsafe { launch.launch(config((1, 1), (64, 1), 0)) }?;
    Ok((device.stream.clone_dtoh(&y)?, x.iter().map(|value| 2.0 * f64::from(*value)).collect()))
}

pub fn copy_vectors(device: &Device, count: usize, shift: i32, threads: u32) -> Computed {
    let x = numbers(count, 12);
    let x_device = device.stream.clone_htod(&halves(&x))?;
    // SAFETY: the kernel writes every element.
    let mut y = unsafe { device.stream.alloc::<f16>(count)? };
    let count_argument = count as i32;
    let function = device.function("test_copy_vectors");
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&x_device).arg(&mut y).arg(&count_argument).arg(&shift);
    // SAFETY: the arguments are those of the kernel in tests/kernels/memory.cu.
    unsafe { launch.launch(config((1, 1), (threads, 1), 0)) }?;
    Ok((
        device.stream.clone_dtoh(&y)?.into_iter().map(f16::to_f32).collect(),
        x.iter().map(|value| f64::from(*value)).collect(),
    ))
}
