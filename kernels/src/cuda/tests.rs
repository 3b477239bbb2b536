#![allow(clippy::unwrap_used)]

use super::DeviceRows;
use super::launch::{Launch, Out};
use super::table::{self, KERNELS, Kernel};
use crate::harness::{cuda_device, for_each_cuda_device};
use crate::ops::add;
use crate::reference::{Random, same_bits};
use crate::tensor::Elements;
use crate::{DType, KernelError, Tensor};

fn counting(dims: &[usize]) -> Tensor {
    let len: usize = dims.iter().product();
    Tensor::from_f32((0..len).map(|i| i as f32).collect(), dims).unwrap()
}

/// Hopper's kernels are there on Hopper only.
#[test]
fn every_kernel_of_the_table_is_there_and_takes_what_the_table_says() {
    for_each_cuda_device(|place| {
        let context = place.context();
        for &Kernel { module, symbols, sizes, hopper } in KERNELS {
            for symbol in symbols {
                let function = context.function(module, symbol.name);
                if hopper && !context.properties().is_hopper() {
                    assert!(function.is_err(), "{} is Hopper's", symbol.name);
                    continue;
                }
                assert_eq!(context.parameter_sizes(&function.unwrap()).unwrap(), sizes, "{}", symbol.name);
            }
        }
    });
}

#[test]
fn tensors_go_to_a_device_and_come_back() {
    for_each_cuda_device(|place| {
        for &dtype in place.dtypes() {
            for dims in [&[3, 5][..], &[0, 5], &[1]] {
                let x = Random::new(1).tensor(dims).to_dtype(dtype).unwrap();
                let there = x.to_device(place.device).unwrap();
                assert_eq!((there.device(), there.dtype(), there.shape()), (place.device, dtype, x.shape()));
                assert_eq!(there.byte_len(), x.byte_len());
                same_bits(&there, &x);
                assert_eq!(there.to_vec_f32().unwrap(), x.to_vec_f32().unwrap());
            }
        }
    });
}

#[test]
fn numbers_of_a_device_are_not_the_hosts() {
    let place = cuda_device();
    let there = counting(&[4]).to_device(place.device).unwrap();
    for error in [there.as_f32().unwrap_err(), there.bytes().unwrap_err()] {
        assert!(error.to_string().contains("on cuda:0, not on the host: copy it with `to_device`"), "{error}");
    }
    assert_eq!(format!("{there:?}"), "Tensor([4] float32 on cuda:0)");
}

#[test]
fn mixed_devices_are_an_error_that_names_the_op() {
    let place = cuda_device();
    let here = counting(&[4]);
    let there = here.to_device(place.device).unwrap();
    let error = add(&here, &there).unwrap_err();
    assert_eq!(error.to_string(), "add: one tensor is on cpu, another on cuda:0: copy one of them with `to_device`");
    assert!(matches!(Tensor::concat(&[&there, &here], 0), Err(KernelError::MixedDevices { op: "concat", .. })));
}

#[test]
fn mixed_dtypes_are_an_error() {
    let place = cuda_device();
    let [single, half] = [DType::F32, DType::F16].map(|dtype| place.put(&counting(&[4]), dtype));
    assert!(matches!(add(&single, &half), Err(KernelError::DType { op: "add", .. })));
}

#[test]
fn tensors_are_cut_and_joined_on_the_device() {
    for_each_cuda_device(|place| {
        let (x, y) = (counting(&[2, 3, 4]), Random::new(2).tensor(&[2, 1, 4]));
        let [a, b] = [&x, &y].map(|tensor| tensor.to_device(place.device).unwrap());
        for (axis, start, len) in [(0, 1, 1), (1, 1, 2), (2, 0, 3), (1, 3, 0)] {
            same_bits(&a.narrow(axis, start, len).unwrap(), &x.narrow(axis, start, len).unwrap());
        }
        same_bits(&Tensor::concat(&[&a, &b], 1).unwrap(), &Tensor::concat(&[&x, &y], 1).unwrap());
        same_bits(&a.repeat_interleave(3).unwrap(), &x.repeat_interleave(3).unwrap());
        same_bits(&Tensor::stack(&[&a, &a]).unwrap(), &Tensor::stack(&[&x, &x]).unwrap());
        same_bits(&a.reshape([4, 6]).unwrap(), &x.reshape([4, 6]).unwrap());
    });
}

#[test]
fn weights_are_uploaded_in_pieces_taps_before_channels() {
    let place = cuda_device();
    let context = place.context();
    // More than both halves of the staging memory.
    let [rows, channels, taps] = [1100, 1000, 9];
    let weight: Vec<f32> = (0..rows * channels * taps).map(|i| (i % 2001) as f32).collect();
    for dtype in [DType::F16, DType::F32] {
        let sizes = [rows, channels, taps];
        let uploaded = DeviceRows::upload(context, dtype, &Elements::F32(&weight), sizes).unwrap();
        assert_eq!((uploaded.rows(), uploaded.depth()), (rows, channels * taps));
        let got = uploaded.to_tensor().to_vec_f32().unwrap();
        let index = |i: usize| (i / taps / channels * channels + i % channels) * taps + i / channels % taps;
        assert!(got.iter().enumerate().all(|(i, &got)| got == weight[index(i)]), "on {place}");
    }
}

#[test]
fn launches_beyond_the_device_are_errors() {
    let place = cuda_device();
    let context = place.context();
    let x = counting(&[4]).to_device(place.device).unwrap();
    let slice = context.allocate(16).unwrap();
    let add = |rows| table::add {
        a: (&x).into(),
        b: (&x).into(),
        out: Out::of(&slice, DType::F32),
        rows,
        columns: 4,
        b_rows: 1,
    };
    for launch in [
        Launch { grid: [1, 1 << 16, 1], threads: 32, shared_bytes: 0 },
        Launch { grid: [1, 1, 1], threads: 2048, shared_bytes: 0 },
        Launch { grid: [1, 1, 1], threads: 0, shared_bytes: 0 },
        Launch::blocks(1, 32).with_shared_bytes(1 << 20),
    ] {
        let error = add(1).launch(context, launch).unwrap_err().to_string();
        assert!(error.starts_with("add_f32: Launch"), "{error}");
    }
    let error = add(1 << 31).launch(context, Launch::blocks(1, 32)).unwrap_err();
    assert_eq!(error.to_string(), "add_f32: rows is 2147483648, and the CUDA kernel counts to 2147483647");
    add(0).launch(context, Launch::blocks(0, 32)).unwrap();
}

/// What depends on the emulation's checks, or on how much memory there is.
mod emulated {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, Weak};

    use easel_cuda_emulation::Settings;

    use super::*;
    use crate::Device;
    use crate::cuda::{Context, DeviceSlice, GraphMemory};
    use crate::harness::emulated;
    use crate::shortage::{self, Holder};

    #[test]
    fn every_compiled_kernel_is_in_the_table() {
        let listed: BTreeSet<&str> =
            KERNELS.iter().flat_map(|kernel| kernel.symbols).map(|symbol| symbol.name).collect();
        let compiled = easel_cuda_emulation::kernel_names().unwrap();
        let forgotten: Vec<_> = compiled.iter().filter(|name| !listed.contains(name.as_str())).collect();
        assert!(forgotten.is_empty(), "not in the table: {forgotten:?}");
    }

    #[test]
    fn memory_is_counted_kept_and_limited() {
        let place = emulated(Settings { memory_bytes: 256 << 20, ..Settings::default() });
        let context = Context::reopen(0).unwrap();
        let device = place.device;
        let used = || device.memory().unwrap().unwrap();
        assert_eq!((used().in_use, used().reserved), (0, 0));
        let x = counting(&[1000]).to_device(device).unwrap();
        assert_eq!(used().in_use, 4096, "4000 bytes in whole units");
        let address = context.allocate(8000).unwrap().address();
        assert_eq!(context.allocate(8000).unwrap().address(), address, "what was let go is taken again");
        assert_eq!((used().in_use, used().peak), (4096, 4096 + 8192));
        let reserved = used().reserved;
        device.trim_memory().unwrap();
        assert_eq!(used().reserved, reserved, "a segment that holds a tensor stays");
        drop(x);
        device.trim_memory().unwrap();
        assert_eq!((used().in_use, used().reserved), (0, 0));

        device.reserve_memory(100 << 20).unwrap();
        assert_eq!(used().reserved, 100 << 20);
        let big = context.allocate(90 << 20).unwrap();
        assert_eq!(used().reserved, 100 << 20, "it was reserved");
        drop(big);

        device.limit_memory(Some(50 << 20)).unwrap();
        let error = context.allocate(60 << 20).unwrap_err();
        let KernelError::DeviceMemory { asked, in_use, limit, .. } = error else { panic!("{error}") };
        assert_eq!((asked, in_use, limit), (60 << 20, 0, Some(50 << 20)));
        assert_eq!(used().reserved, 0, "what was kept for later was given back first");
        device.limit_memory(None).unwrap();
        let error = context.allocate(300 << 20).unwrap_err().to_string();
        assert!(error.starts_with("out of memory on cuda:0: asked for 314572800 bytes while 0 are in use;"), "{error}");
        device.reset_peak_memory().unwrap();
        assert_eq!(used().peak, 0);
    }

    /// A graph's pool gets whole segments only.
    #[test]
    fn what_is_reserved_is_whole_and_a_graph_gets_it() {
        let place = emulated(Settings { memory_bytes: 256 << 20, ..Settings::default() });
        let context = Context::reopen(0).unwrap();
        let reserved = || place.device.memory().unwrap().unwrap().reserved;
        // Leaves more of its segment than is reserved then.
        let first = context.allocate(40 << 20).unwrap();
        drop(context.allocate(100 << 20).unwrap());
        let second = context.allocate(20 << 20).unwrap();
        assert_eq!(reserved(), 140 << 20);
        place.device.reserve_memory(60 << 20).unwrap();
        assert_eq!(reserved(), 200 << 20, "what is left of a segment in use is not for a graph");
        let small = context.allocate(30 << 20).unwrap();
        assert_eq!(reserved(), 200 << 20);
        let memory = GraphMemory::new(context);
        let of_graph = memory.rehearse(|| context.allocate(60 << 20)).unwrap();
        assert_eq!(reserved(), 200 << 20, "it was reserved, and nobody else got any of it");
        drop((of_graph, memory));
        // What the graph had is whole again, and serves the next one.
        place.device.reserve_memory(60 << 20).unwrap();
        assert_eq!(reserved(), 200 << 20);
        drop((first, second, small));
        place.device.trim_memory().unwrap();
        assert_eq!(reserved(), 0, "what was set aside goes back too");
    }

    /// Keeps a block until it is asked for it.
    struct Keeper(Mutex<Option<DeviceSlice>>, AtomicUsize);

    impl Holder for Keeper {
        fn let_go(&self, device: Device) -> bool {
            assert_eq!(device, Device::Cuda(0));
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.lock().unwrap().take().is_some()
        }
    }

    #[test]
    fn memory_that_somebody_can_do_without_is_had_before_there_is_too_little() {
        let place = emulated(Settings { memory_bytes: 256 << 20, ..Settings::default() });
        let context = Context::reopen(0).unwrap();
        let kept = context.allocate(200 << 20).unwrap();
        let keeper = Arc::new(Keeper(Mutex::new(Some(kept)), AtomicUsize::new(0)));
        let holder: Weak<dyn Holder> = Arc::<Keeper>::downgrade(&keeper);
        shortage::ask(holder);
        let asked = || keeper.1.load(Ordering::Relaxed);
        let small = context.allocate(10 << 20).unwrap();
        assert_eq!(asked(), 0, "there is enough for that");
        let large = context.allocate(150 << 20).unwrap();
        assert_eq!(asked(), 1);
        assert!(place.device.reserve_memory(150 << 20).is_err(), "there is nothing left to let go");
        assert_eq!(asked(), 2);
        drop((small, large, keeper));
        assert!(context.allocate(300 << 20).is_err());
    }

    #[test]
    fn bytes_may_go_when_their_upload_returns() {
        let place = emulated(Settings::default());
        let context = place.context();
        for len in [1, 1000, 70_000, 3] {
            let mut bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let there = context.upload(&bytes).unwrap();
            bytes.fill(0);
            let mut back = vec![0; len];
            there.download(&mut back).unwrap();
            assert!(back.iter().enumerate().all(|(i, &byte)| byte == i as u8), "{len} bytes");
        }
    }

    #[test]
    fn a_fault_in_a_kernel_is_an_error_that_names_it() {
        let place = emulated(Settings::default());
        let context = Context::get(0).unwrap();
        let x = counting(&[4]).to_device(place.device).unwrap();
        let slice = context.allocate(8).unwrap();
        let too_small = Out::of(&slice, DType::F32);
        let launched = table::add { a: (&x).into(), b: (&x).into(), out: too_small, rows: 1, columns: 4, b_rows: 1 }
            .launch(context, Launch::matrix(1, 4));
        let error = launched.and_then(|()| context.synchronize()).unwrap_err();
        assert!(matches!(error, KernelError::Driver { .. }), "{error}");
    }
}
