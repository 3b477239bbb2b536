//! Times one step of the decoder and of the last super-resolution network, recorded as a graph; one JSON line each, as
//! `tests/gpu/unets.py` prints them.
//!
//! `cargo bench -p easel-tests --bench steps -- --device cuda:0`: the full-size Karlo networks with random weights, 3.2 GB of
//! which are written to a temporary folder. With `--device emulated --shrink 2` those of the tiny golden model, to try it
//! without a GPU; the figures mean nothing then.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use easel_kernels::{DType, Device, Placement, Precision, StepGraph, Tensor, random, timing};
use easel_nodes::config::UNetConfig;
use easel_nodes::models::unet::{UNet, UNetCondition};
use easel_nodes::parts;
use easel_nodes::weights::ModelFolder;
use easel_tests::{golden_dir, here};

/// A name and how many pictures a step has: the decoder takes both branches of a guided step.
const PARTS: [(&str, usize); 2] = [("decoder", 2), ("super_res_last", 1)];
const TOKENS: usize = 81;
const SAMPLES: usize = 15;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let (mut device, mut shrink, mut emulation) = (Device::Cpu, 1, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--device" => match value()?.as_str() {
                "emulated" => {
                    let settings = easel_cuda_emulation::Settings { check: false, ..Default::default() };
                    emulation = Some(easel_cuda_emulation::install(settings)?);
                    device = Device::Cuda(0);
                }
                name => device = name.parse()?,
            },
            "--shrink" => shrink = value()?.parse()?,
            // Cargo says so.
            "--bench" => {}
            other => return Err(format!("{other} is none of --device, --shrink").into()),
        }
    }
    let scratch = tempfile::tempdir()?;
    let model = if shrink > 1 { golden_dir().join("A/models/pipeline") } else { full_size(scratch.path())? };
    let precision = if device == Device::Cpu { Precision::Float32 } else { Precision::BFloat16 };
    for (part, batch) in PARTS {
        let milliseconds = measure(&model, part, batch, Placement::new(device, precision)?)?;
        let line = serde_json::json!({
            "case": format!("step {part}"), "dtype": "bf16", "peer": "easel", "milliseconds": milliseconds,
        });
        println!("{line}");
    }
    drop(emulation);
    Ok(())
}

/// Writes a checkpoint of the two networks with random weights.
fn full_size(scratch: &Path) -> Result<PathBuf> {
    let (config, out) = (scratch.join("config"), scratch.join("model"));
    for (part, _) in PARTS {
        fs::create_dir_all(config.join(part))?;
        fs::copy(here().join("karlo-config").join(part).join("config.json"), config.join(part).join("config.json"))?;
    }
    easel_nodes::checkpoint::write_random(&config, &out, DType::BF16, 0, &mut |_, _, _| ())?;
    Ok(out)
}

/// Milliseconds of a step, sampled. What depends on the timestep or on the text alone is prepared before, and the two runs
/// that come before a graph is replayed are not counted.
fn measure(model: &Path, part: &str, batch: usize, place: Placement) -> Result<Vec<f64>> {
    let folder = ModelFolder::open(&model.display().to_string(), Path::new("."))?;
    let config = parts::config(&folder, part, UNetConfig::parse)?;
    let unet = folder.weights(part)?.load_at(place, |weights| UNet::new(weights, &config))?.model;
    let there = |tensor: Tensor| place.activation(&tensor);
    let sample = place.float32(&random::normal(
        [batch, config.sample_size, config.sample_size, config.in_channels],
        1,
        0,
        0,
    )?)?;
    let labels = there(random::normal([batch, 4 * config.block_out_channels[0]], 1, 0, 1)?)?;
    let context = there(random::normal([batch, TOKENS, config.cross_attention_dim.unwrap_or(1)], 1, 0, 2)?)?;
    let key_bias = place.float32(&Tensor::zeros([batch, TOKENS])?)?;
    let condition = match part {
        "decoder" => UNetCondition {
            encoder_hidden_states: Some(&context),
            encoder_key_bias: Some(&key_bias),
            class_labels: Some(&labels),
        },
        _ => UNetCondition::default(),
    };
    let prepared = unet.prepare(batch, &[500.0], condition)?;
    let time = prepared.time(0)?;
    let mut step = StepGraph::new(place.device, |inputs| unet.forward(&inputs[0], &prepared, &inputs[1]));
    for _ in 0..2 {
        step.run(&[&sample, &time])?;
    }
    if place.device != Device::Cpu && !step.is_recorded() {
        eprintln!("{part}: the step could not be recorded: its kernels are launched one by one");
    }
    let mut sampled = || timing::milliseconds(place.device, || step.run(&[&sample, &time]).map(drop));
    Ok((0..SAMPLES).map(|_| sampled()).collect::<easel_kernels::Result<_>>()?)
}
