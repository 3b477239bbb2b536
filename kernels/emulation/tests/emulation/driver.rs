//! The stand-in driver: memory, streams, events, graphs, functions, and what it refuses.

use cudarc::driver::{CudaContext, CudaSlice, DevicePtr, DevicePtrMut, DriverError, LaunchConfig, PushKernelArg, sys};
use easel_cuda_emulation::{Launch, Settings};

use crate::device::{Device, assert_close, config};
use crate::kernels::{Shape, sgemm};

const RELAXED: sys::CUstreamCaptureMode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
const GLOBAL: sys::CUstreamCaptureMode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_GLOBAL;

/// `y = 2 x` for 64 numbers.
fn double(device: &Device, x: &CudaSlice<f32>, y: &mut CudaSlice<f32>) -> Result<(), DriverError> {
    let function = device.function("test_relay");
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(x).arg(y).arg(&2i32);
    // SAFETY: the arguments are those of the kernel in tests/kernels/memory.cu.
    unsafe { launch.launch(config((1, 1), (64, 1), 0)) }.map(|_| ())
}

fn device_for_capture() -> Device {
    let device = Device::with_seed(1);
    // SAFETY: one stream only is used, or events are recorded where streams meet.
    unsafe { device.context.disable_event_tracking() };
    device
}

#[test]
fn a_device_is_what_it_is_set_up_to_be() {
    for (capability, shared) in [((8, 0), 163), ((8, 9), 99), ((9, 0), 227)] {
        let device =
            Device::new(Settings { compute_capability: capability, memory_bytes: 1 << 30, ..Settings::default() });
        assert_eq!(device.context.compute_capability().unwrap(), capability);
        let attribute = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
        assert_eq!(device.context.attribute(attribute).unwrap(), shared * 1024);
        assert_eq!(device.context.total_mem().unwrap(), 1 << 30);
        assert!(device.context.name().unwrap().contains(&format!("sm_{}{}", capability.0, capability.1)));
    }
    assert_eq!(CudaContext::device_count().unwrap(), 1);
    assert_eq!(CudaContext::new(1).unwrap_err().0, sys::CUresult::CUDA_ERROR_INVALID_DEVICE);
}

#[test]
fn memory_runs_out() {
    let device = Device::new(Settings { memory_bytes: 1 << 20, ..Settings::default() });
    let (free, total) = device.context.mem_get_info().unwrap();
    assert_eq!((free, total), (1 << 20, 1 << 20));
    let half = device.stream.alloc_zeros::<u8>(1 << 19).unwrap();
    assert_eq!(device.context.mem_get_info().unwrap().0, 1 << 19);
    let error = device.stream.alloc_zeros::<u8>((1 << 19) + 1).unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY);
    assert_eq!(device.report(), "out of memory: 524289 bytes asked for, 524288 of 1048576 in use");
    drop(half);
    assert!(device.stream.alloc_zeros::<u8>(1 << 20).is_ok(), "what was freed can be had again");
}

#[test]
fn launches_are_listed() {
    let device = Device::with_seed(1);
    sgemm(&device, "test_sgemm", Shape { rows: 20, columns: 40, depth: 8 }).unwrap();
    let expected = Launch { kernel: "test_sgemm".to_string(), grid: (3, 2, 1), block: (16, 16, 1), shared_bytes: 0 };
    assert_eq!(device.emulation.launches(), [expected]);
    device.emulation.forget_launches();
    assert_eq!(easel_cuda_emulation::launches(), []);
}

#[test]
fn a_captured_graph_is_replayed_on_what_memory_then_holds() {
    let device = device_for_capture();
    let mut x = device.stream.clone_htod(&[1.0f32; 64]).unwrap();
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    let mut z = device.stream.alloc_zeros::<f32>(64).unwrap();
    device.emulation.forget_launches();
    device.stream.begin_capture(RELAXED).unwrap();
    double(&device, &x, &mut y).unwrap();
    double(&device, &y, &mut z).unwrap();
    let graph = device.stream.end_capture(sys::CUgraphInstantiate_flags(0)).unwrap().unwrap();
    assert_eq!(device.emulation.launches().len(), 0, "capturing runs nothing");
    for value in [1.0f32, 3.0] {
        device.stream.memcpy_htod(&[value; 64], &mut x).unwrap();
        graph.launch().unwrap();
        assert_close(&device.stream.clone_dtoh(&z).unwrap(), &[4.0 * f64::from(value); 64], 0.0);
    }
    assert_eq!(device.emulation.launches().len(), 4);
}

#[test]
fn a_second_stream_joins_a_capture_through_an_event() {
    let device = device_for_capture();
    let x = device.stream.clone_htod(&[1.0f32; 64]).unwrap();
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    let other = device.context.new_stream().unwrap();
    device.stream.begin_capture(RELAXED).unwrap();
    other.join(&device.stream).unwrap();
    double(&device, &x, &mut y).unwrap();
    assert_eq!(other.capture_status().unwrap(), sys::CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_ACTIVE);
    device.stream.join(&other).unwrap();
    let graph = device.stream.end_capture(sys::CUgraphInstantiate_flags(0)).unwrap().unwrap();
    assert_eq!(other.capture_status().unwrap(), sys::CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE);
    graph.launch().unwrap();
    assert_close(&device.stream.clone_dtoh(&y).unwrap(), &[2.0; 64], 0.0);
}

#[test]
fn what_a_capture_cannot_hold_is_refused_and_voids_it() {
    let device = device_for_capture();
    device.stream.begin_capture(RELAXED).unwrap();
    let error = device.stream.alloc_zeros::<f32>(64).unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    assert_eq!(device.report(), "an allocation on a stream that is being captured");
    let Err(error) = device.stream.end_capture(sys::CUgraphInstantiate_flags(0)) else {
        panic!("a void capture gave a graph");
    };
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    device.stream.begin_capture(GLOBAL).unwrap();
    assert!(device.context.synchronize().is_err(), "waiting for all streams disturbs a capture");
    assert!(device.stream.synchronize().is_err());
    assert!(device.stream.end_capture(sys::CUgraphInstantiate_flags(0)).is_err());
}

#[test]
fn an_executable_graph_takes_new_arguments_but_no_new_nodes() {
    let device = device_for_capture();
    let (x, w) = (device.stream.clone_htod(&[1.0f32; 64]).unwrap(), device.stream.clone_htod(&[5.0f32; 64]).unwrap());
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    let mut capture = |inputs: &[&CudaSlice<f32>]| {
        device.stream.begin_capture(RELAXED).unwrap();
        for input in inputs {
            double(&device, input, &mut y).unwrap();
        }
        device.stream.end_capture(sys::CUgraphInstantiate_flags(0)).unwrap().unwrap()
    };
    let (graph, same, longer) = (capture(&[&x]), capture(&[&w]), capture(&[&x, &w]));
    let update = |to: &cudarc::driver::CudaGraph| {
        let mut result = std::mem::MaybeUninit::uninit();
        // SAFETY: both graphs live through the call.
        unsafe { sys::cuGraphExecUpdate_v2(graph.cu_graph_exec(), to.cu_graph(), result.as_mut_ptr()) }
    };
    assert_eq!(update(&same), sys::CUresult::CUDA_SUCCESS);
    assert_eq!(update(&longer), sys::CUresult::CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
    graph.launch().unwrap();
    drop((graph, same, longer));
    assert_close(&device.stream.clone_dtoh(&y).unwrap(), &[10.0; 64], 0.0);
}

#[test]
fn events_tell_the_time_between_them() {
    let device = Device::with_seed(1);
    let flags = Some(sys::CUevent_flags::CU_EVENT_DEFAULT);
    let start = device.stream.record_event(flags).unwrap();
    sgemm(&device, "test_sgemm", Shape { rows: 20, columns: 20, depth: 20 }).unwrap();
    let end = device.stream.record_event(flags).unwrap();
    assert!(start.elapsed_ms(&end).unwrap() > 0.0);
    let timeless = device.stream.record_event(None).unwrap();
    assert!(start.elapsed_ms(&timeless).is_err());
}

#[test]
fn functions_tell_their_parameters() {
    let device = Device::with_seed(1);
    let module = raw_module();
    let function = raw_function(module, c"test_wgmma_64_f16").unwrap();
    let parameter = |index: usize| {
        let (mut offset, mut size) = (0, 0);
        // SAFETY: the function is one that the driver gave.
        let code = unsafe { sys::cuFuncGetParamInfo(function, index, &raw mut offset, &raw mut size) };
        (code == sys::CUresult::CUDA_SUCCESS).then_some((offset, size))
    };
    let parameters: Vec<_> = (0..).map_while(parameter).collect();
    assert_eq!(parameters, [(0, 128), (128, 128), (256, 8), (264, 4), (268, 4), (272, 4)]);
    assert_eq!(device.report(), "kernel test_wgmma_64_f16 has 6 parameters, number 6 was asked for");
}

fn raw_module() -> sys::CUmodule {
    let mut module = std::ptr::null_mut();
    // SAFETY: the image is text that ends in a zero.
    unsafe { sys::cuModuleLoadData(&raw mut module, c"// kernels".as_ptr().cast()) }.result().unwrap();
    module
}

fn raw_function(module: sys::CUmodule, name: &std::ffi::CStr) -> Result<sys::CUfunction, DriverError> {
    let mut function = std::ptr::null_mut();
    // SAFETY: the module is one that the driver gave.
    unsafe { sys::cuModuleGetFunction(&raw mut function, module, name.as_ptr()) }.result()?;
    Ok(function)
}

#[test]
fn kernels_for_hopper_are_missing_on_other_devices() {
    for (compute_capability, is_there) in [((8, 0), false), ((8, 9), false), ((9, 0), true)] {
        let device = Device::new(Settings { compute_capability, ..Settings::default() });
        assert_eq!(device.module.load_function("test_wgmma_64_f16").is_ok(), is_there);
        assert!(device.module.load_function("test_mma_f16").is_ok());
        assert!(device.module.load_function("test_no_such_kernel").is_err());
        assert_eq!(device.report(), "there is no kernel test_no_such_kernel");
    }
}

#[test]
fn an_image_that_is_no_image_is_refused() {
    let device = Device::with_seed(1);
    let mut module = std::ptr::null_mut();
    // SAFETY: the image is text that ends in a zero.
    let code = unsafe { sys::cuModuleLoadData(&raw mut module, c"neither this nor that".as_ptr().cast()) };
    assert_eq!(code, sys::CUresult::CUDA_ERROR_INVALID_IMAGE);
    assert_eq!(device.report(), "the image is no fatbin, cubin or PTX");
}

#[test]
fn launches_that_no_device_could_do_are_refused() {
    let device = Device::with_seed(1);
    let launch = |grid: (u32, u32, u32), block: (u32, u32, u32), shared_mem_bytes: u32| {
        let y = device.stream.alloc_zeros::<u32>(2048).unwrap();
        let function = device.function("test_votes");
        let mut launch = device.stream.launch_builder(&function);
        launch.arg(&y);
        // SAFETY: none of these launches starts.
        let outcome = unsafe { launch.launch(LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes }) };
        (outcome.map(|_| ()).unwrap_err().0, device.report())
    };
    let invalid = sys::CUresult::CUDA_ERROR_INVALID_VALUE;
    for (grid, block, shared, words) in [
        ((0, 1, 1), (32, 1, 1), 0, "a grid of 0,1,1 blocks"),
        ((1, 65536, 1), (32, 1, 1), 0, "a grid of 1,65536,1 blocks"),
        ((1, 1, 1), (1025, 1, 1), 0, "blocks of 1025,1,1 threads"),
        ((1, 1, 1), (1, 1, 65), 0, "blocks of 1,1,65 threads"),
        ((1, 1, 1), (32, 1, 1), 49 * 1024, "50176 bytes of dynamic shared memory, 49152 are allowed"),
    ] {
        let (code, report) = launch(grid, block, shared);
        assert_eq!(code, invalid);
        assert!(report.starts_with("kernel test_votes: ") && report.contains(words), "{report}");
    }
}

#[test]
fn an_argument_that_should_be_a_pointer_and_is_none_is_named() {
    let device = Device::with_seed(1);
    let x = device.stream.alloc_zeros::<f32>(64).unwrap();
    let function = device.function("test_relay");
    let mut launch = device.stream.launch_builder(&function);
    // The number of blocks where the output should be.
    launch.arg(&x).arg(&2u64).arg(&2i32);
    // SAFETY: the launch does not start.
    let outcome = unsafe { launch.launch(config((1, 1), (64, 1), 0)) };
    assert_eq!(outcome.map(|_| ()).unwrap_err().0, sys::CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(
        device.report(),
        "kernel test_relay: argument 1 should be a pointer to device memory, and is 0x2, which is no device memory"
    );
}

#[test]
fn arguments_of_another_size_than_the_kernel_takes_are_refused() {
    let device = Device::with_seed(1);
    let function = raw_function(raw_module(), c"test_relay").unwrap();
    let arguments = [0u8; 32];
    let mut size = arguments.len();
    // CU_LAUNCH_PARAM_BUFFER_POINTER, CU_LAUNCH_PARAM_BUFFER_SIZE and CU_LAUNCH_PARAM_END are numbers that stand among pointers.
    let [buffer_follows, size_follows, end] = [1, 2, 0].map(std::ptr::without_provenance_mut::<std::ffi::c_void>);
    let mut extra = [buffer_follows, arguments.as_ptr() as *mut _, size_follows, (&raw mut size).cast(), end];
    // SAFETY: the buffer has as many bytes as is said.
    let code = unsafe {
        let (stream, none) = (device.stream.cu_stream(), std::ptr::null_mut());
        sys::cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, stream, none, extra.as_mut_ptr())
    };
    assert_eq!(code, sys::CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(device.report(), "kernel test_relay: its arguments take 20 bytes, 32 were given");
}

#[test]
fn a_launch_with_attributes_runs_and_clusters_are_refused() {
    let device = Device::with_seed(1);
    let function = raw_function(raw_module(), c"test_votes").unwrap();
    let y = device.stream.alloc_zeros::<u32>(32).unwrap();
    let launch = |cluster: u32| {
        let mut attribute = sys::CUlaunchAttribute {
            id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION,
            pad: Default::default(),
            // SAFETY: all bits zero are a value of this union of plain numbers.
            value: unsafe { std::mem::zeroed() },
        };
        attribute.value.clusterDim = sys::CUlaunchAttributeValue_union__bindgen_ty_1 { x: cluster, y: 1, z: 1 };
        let config = sys::CUlaunchConfig {
            gridDimX: 1,
            gridDimY: 1,
            gridDimZ: 1,
            blockDimX: 32,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: 0,
            hStream: device.stream.cu_stream(),
            attrs: &raw mut attribute,
            numAttrs: 1,
        };
        let address = y.device_ptr(&device.stream).0;
        let mut arguments = [(&raw const address) as *mut std::ffi::c_void];
        // SAFETY: the kernel takes one pointer, to 32 numbers.
        unsafe { sys::cuLaunchKernelEx(&raw const config, function, arguments.as_mut_ptr(), std::ptr::null_mut()) }
    };
    assert_eq!(launch(1), sys::CUresult::CUDA_SUCCESS);
    assert_eq!(launch(2), sys::CUresult::CUDA_ERROR_NOT_SUPPORTED);
    assert_eq!(device.report(), "the emulation has no clusters of blocks");
}

#[test]
fn what_was_freed_is_recognised() {
    let device = Device::with_seed(1);
    let x = device.stream.clone_htod(&[1.0f32; 64]).unwrap();
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    let freed = x.device_ptr(&device.stream).0;
    drop(x);
    let function = device.function("test_relay");
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&freed).arg(&mut y).arg(&2i32);
    // SAFETY: the launch does not start.
    assert!(unsafe { launch.launch(config((1, 1), (64, 1), 0)) }.is_err());
    assert!(device.report().ends_with("byte 0 of an allocation of 256 bytes, which was freed"), "{}", device.report());
}

#[test]
fn pinned_memory_and_fills_work() {
    let device = Device::with_seed(1);
    // SAFETY: the numbers are written before they are read.
    let mut pinned = unsafe { device.context.alloc_pinned::<f32>(64) }.unwrap();
    pinned.as_mut_slice().unwrap().fill(1.5);
    let mut x = device.stream.alloc_zeros::<f32>(64).unwrap();
    device.stream.memcpy_htod(&pinned, &mut x).unwrap();
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    double(&device, &x, &mut y).unwrap();
    assert_close(&device.stream.clone_dtoh(&y).unwrap(), &[3.0; 64], 0.0);
    let address = y.device_ptr_mut(&device.stream).0;
    // SAFETY: the allocation has 64 words.
    unsafe { sys::cuMemsetD32Async(address, 0x3f80_0000, 64, device.stream.cu_stream()) }.result().unwrap();
    assert_close(&device.stream.clone_dtoh(&y).unwrap(), &[1.0; 64], 0.0);
}
