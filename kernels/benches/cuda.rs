//! Times the operations on the cases of `tests/gpu/cases.json`; one JSON line each, as `tests/gpu/peers.py` prints them.
//!
//! `cargo bench -p easel-kernels --bench cuda -- --device cuda:0`. With `--device emulated --shrink 32` it can be tried
//! without a GPU; the figures mean nothing then. Calls take turns on buffers that the second-level cache cannot hold.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use easel_kernels::ops::{
    Activation, AttentionMask, Conv2d, Epilogue, GroupNorm, PackedFilter, PackedMatrix, attention, conv2d, group_norm,
    layer_norm, linear,
};
use easel_kernels::{Device, Placement, Precision, Tensor, random, timing};
use serde_json::{Value, json};

const HEAD_DIM: usize = 64;
const GROUPS: usize = 32;
const EPS: f32 = 1e-5;
/// As in `tests/gpu/timing.py`.
const ROTATED_BYTES: usize = 256 << 20;
const MOST_BUFFERS: usize = 64;
const SAMPLES: usize = 15;
const SAMPLE_MILLISECONDS: f64 = 4.0;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;
type Call = Box<dyn Fn() -> easel_kernels::Result<Tensor>>;

fn main() -> ExitCode {
    match Bench::from_arguments().and_then(|bench| bench.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    device: Device,
    cases: PathBuf,
    /// All sizes are divided by this.
    shrink: usize,
    /// Only this one of the cases' dtypes.
    dtype: Option<String>,
    /// Held while it is in use.
    _emulation: Option<easel_cuda_emulation::Emulation>,
}

/// A call with its buffers, and how many bytes those have.
struct Prepared {
    call: Call,
    bytes: usize,
}

impl Bench {
    fn from_arguments() -> Result<Self> {
        let cases = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/gpu/cases.json"));
        let mut bench = Bench { device: Device::Cpu, cases, shrink: 1, dtype: None, _emulation: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--device" => match value()?.as_str() {
                    "emulated" => {
                        let settings = easel_cuda_emulation::Settings { check: false, ..Default::default() };
                        bench._emulation = Some(easel_cuda_emulation::install(settings)?);
                        bench.device = Device::Cuda(0);
                    }
                    name => bench.device = name.parse()?,
                },
                "--cases" => bench.cases = value()?.into(),
                "--shrink" => bench.shrink = value()?.parse::<usize>()?.max(1),
                "--dtype" => bench.dtype = Some(value()?),
                // Cargo says so.
                "--bench" => {}
                other => return Err(format!("{other} is none of --device, --cases, --shrink, --dtype").into()),
            }
        }
        Ok(bench)
    }

    fn run(&self) -> Result<()> {
        let cases: Value = serde_json::from_slice(&std::fs::read(&self.cases)?)?;
        let list = |kind: &str| cases[kind].as_array().ok_or(format!("the cases have no {kind}")).cloned();
        for kind in ["gemm", "conv3x3", "group_norm", "layer_norm", "attention"] {
            for case in list(kind)? {
                for dtype in list("dtypes")? {
                    let dtype = dtype.as_str().unwrap_or_default();
                    if self.dtype.as_deref().is_none_or(|only| only == dtype) {
                        self.measure(kind, &case, dtype)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Prints the line of a case; a case that fails is told and no end.
    fn measure(&self, kind: &str, case: &Value, dtype: &str) -> Result<()> {
        let precision = match dtype {
            _ if self.device == Device::Cpu => Precision::Float32,
            "bf16" => Precision::BFloat16,
            "f16" => Precision::Float16,
            other => return Err(format!("{other} is no dtype of the cases").into()),
        };
        let place = Placement::new(self.device, precision)?;
        let name = &case["name"];
        let measured = || -> Result<_> {
            let first = self.prepare(kind, case, place)?;
            let repeats_equal =
                (first.call)()?.to_device(Device::Cpu)?.bytes()? == (first.call)()?.to_device(Device::Cpu)?.bytes()?;
            let count = ROTATED_BYTES.div_ceil(first.bytes.max(1)).clamp(2, MOST_BUFFERS);
            let count = if self.shrink == 1 { count } else { 2 };
            let mut calls = vec![first.call];
            for _ in 1..count {
                calls.push(self.prepare(kind, case, place)?.call);
            }
            Ok((self.time(&calls)?, repeats_equal))
        };
        match measured() {
            Ok((milliseconds, repeats_equal)) => println!(
                "{}",
                json!({
                    "case": name, "dtype": dtype, "peer": "easel", "milliseconds": milliseconds,
                    "repeats_equal": repeats_equal,
                })
            ),
            Err(error) => eprintln!("{name} {dtype}: {error}"),
        }
        Ok(())
    }

    /// Milliseconds of one call, sampled.
    fn time(&self, calls: &[Call]) -> easel_kernels::Result<Vec<f64>> {
        let rounds = |rounds: usize| {
            let all = || (0..rounds).flat_map(|_| calls).try_for_each(|call| call().map(drop));
            Ok::<_, easel_kernels::KernelError>(timing::milliseconds(self.device, all)? / (rounds * calls.len()) as f64)
        };
        let once = rounds(1)?;
        let (samples, repeats) = match self.shrink {
            1 => (SAMPLES, (SAMPLE_MILLISECONDS / (once * calls.len() as f64).max(1e-3)).ceil() as usize),
            _ => (2, 1),
        };
        (0..samples).map(|_| rounds(repeats)).collect()
    }

    fn size(&self, case: &Value, key: &str) -> Result<usize> {
        let number = case[key].as_u64().ok_or(format!("{} has no {key}", case["name"]))? as usize;
        Ok(if self.shrink == 1 { number } else { (number / self.shrink / GROUPS * GROUPS).max(GROUPS) })
    }

    fn prepare(&self, kind: &str, case: &Value, place: Placement) -> Result<Prepared> {
        let batch = case["batch"].as_u64().unwrap_or(1) as usize;
        match kind {
            "gemm" => {
                let [rows, inner, out] = ["rows", "in", "out"].map(|key| self.size(case, key));
                prepare_gemm(rows?, inner?, out?, place)
            }
            "conv3x3" => {
                let [side, inner, out] = ["side", "in", "out"].map(|key| self.size(case, key));
                prepare_conv(batch, side?, inner?, out?, place)
            }
            "group_norm" => prepare_group_norm(batch, self.size(case, "side")?, self.size(case, "channels")?, place),
            "layer_norm" => prepare_layer_norm(self.size(case, "rows")?, self.size(case, "channels")?, place),
            _ => {
                let [queries, keys] = ["queries", "keys"].map(|key| self.size(case, key));
                let heads = case["heads"].as_u64().unwrap_or(1) as usize;
                prepare_attention(batch, [queries?, keys?, heads], case["causal"] == true, place)
            }
        }
    }
}

/// Random numbers in a tensor of activations. They repeat after a prime number, so that no two rows are alike.
fn noise(dims: &[usize], scale: f32, place: Placement) -> Result<Tensor> {
    const PERIOD: usize = 1_048_573;
    let some = random::normal([PERIOD], 1, 0, 0)?.to_vec_f32()?;
    let values = some.iter().cycle().take(dims.iter().product()).map(|x| x * scale).collect();
    Ok(Tensor::from_f32(values, dims)?.to_dtype(place.precision.dtype())?.to_device(place.device)?)
}

/// A vector of float32.
fn vector(len: usize, place: Placement) -> Result<Tensor> {
    noise(&[len], 1.0, Placement { precision: Precision::Float32, ..place })
}

/// A weight on the host.
fn weight(dims: &[usize]) -> Result<Tensor> {
    let fan_in: usize = dims[1..].iter().product();
    noise(dims, (fan_in as f32).sqrt().recip(), Placement::CPU)
}

fn prepare_gemm(rows: usize, inner: usize, out: usize, place: Placement) -> Result<Prepared> {
    let x = noise(&[rows, inner], 1.0, place)?;
    let weight = PackedMatrix::new(&weight(&[out, inner])?, place)?;
    let bias = vector(out, place)?;
    let call = move || linear(&x, &weight, Epilogue { bias: Some(&bias), ..Epilogue::default() });
    Ok(Prepared { call: Box::new(call), bytes: (rows * inner + out * inner + rows * out) * 2 })
}

fn prepare_conv(batch: usize, side: usize, inner: usize, out: usize, place: Placement) -> Result<Prepared> {
    let x = noise(&[batch, side, side, inner], 1.0, place)?;
    let filter = PackedFilter::new(&weight(&[out, inner, 3, 3])?, place)?;
    let bias = vector(out, place)?;
    let geometry = Conv2d { stride: 1, padding: 1 };
    let call = move || conv2d(&[&x], &filter, geometry, Epilogue { bias: Some(&bias), ..Epilogue::default() });
    Ok(Prepared { call: Box::new(call), bytes: (batch * side * side * (inner + out) + 9 * inner * out) * 2 })
}

fn prepare_group_norm(batch: usize, side: usize, channels: usize, place: Placement) -> Result<Prepared> {
    let x = noise(&[batch, side, side, channels], 1.0, place)?;
    let (weight, bias) = (vector(channels, place)?, vector(channels, place)?);
    let bytes = 2 * x.byte_len();
    let call = move || {
        let (activation, scale_shift) = (Activation::Silu, None);
        group_norm(&[&x], GroupNorm { groups: GROUPS, eps: EPS, weight: &weight, bias: &bias, scale_shift, activation })
    };
    Ok(Prepared { call: Box::new(call), bytes })
}

fn prepare_layer_norm(rows: usize, channels: usize, place: Placement) -> Result<Prepared> {
    let x = noise(&[rows, channels], 1.0, place)?;
    let (weight, bias) = (vector(channels, place)?, vector(channels, place)?);
    let bytes = 2 * x.byte_len();
    Ok(Prepared { call: Box::new(move || layer_norm(&x, &weight, &bias, EPS)), bytes })
}

fn prepare_attention(batch: usize, sizes: [usize; 3], causal: bool, place: Placement) -> Result<Prepared> {
    let [queries, keys, heads] = sizes;
    let q = noise(&[batch, queries, heads * HEAD_DIM], 1.0, place)?;
    let k = noise(&[batch, keys, heads * HEAD_DIM], 0.5, place)?;
    let v = noise(&[batch, keys, heads * HEAD_DIM], 2.0, place)?;
    let bytes = 2 * q.byte_len() + k.byte_len() + v.byte_len();
    let call = move || attention(&q, &k, &v, heads, None, AttentionMask { causal, key_bias: None });
    Ok(Prepared { call: Box::new(call), bytes })
}
