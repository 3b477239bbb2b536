//! Seconds and peak memory of a picture by the embedded model, cold and warm, and of one step of every network of the
//! full-size Karlo model with random weights, in every precision of the CPU.
//!
//! `cargo bench -p easel-tests --bench pictures [-- embedded | karlo]`. Every measurement runs in a process of its own,
//! so that its peak memory is its own. The first run of `karlo` writes 14 GB of random weights to `target/bench-karlo`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use easel_kernels::{DType, Device, Placement, Precision, Tensor, random};
use easel_nodes::config::{PriorConfig, UNetConfig};
use easel_nodes::models::prior::{Prior, PriorText};
use easel_nodes::models::unet::{UNet, UNetCondition};
use easel_nodes::parts;
use easel_nodes::weights::{ModelFolder, WeightsReader};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a child process is to measure.
const SCENARIO: &str = "EASEL_BENCH_SCENARIO";
const RUNS: usize = 7;

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let outcome = match std::env::var(SCENARIO) {
        Ok(scenario) => measure(&scenario),
        Err(_) => report(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Runs the scenarios and prints the table.
fn report() -> Result<(), Error> {
    let wanted = |group: &str| {
        let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
        chosen.is_empty() || chosen.iter().any(|argument| argument == group)
    };
    println!("{:<44} {:>9} {:>9} {:>9} {:>10}", "", "min s", "median s", "max s", "peak MiB");
    if wanted("embedded") {
        line("embedded model, cold (process)", &cold(RUNS)?);
        line("embedded model, warm (picture)", &child("warm")?);
    }
    if wanted("karlo") {
        write_karlo()?;
        for precision in [Precision::Float32, Precision::BFloat16] {
            for (part, name) in [
                ("prior", "Karlo prior, one step, guided"),
                ("decoder", "Karlo decoder, one step, guided"),
                ("super_res_first", "Karlo super-resolution, one step"),
            ] {
                line(&format!("{name}, {precision}"), &child(&format!("{part} {precision}"))?);
            }
        }
    }
    Ok(())
}

/// Seconds of every repetition, and the process's peak resident memory.
struct Figures {
    seconds: Vec<f64>,
    peak_mib: f64,
}

fn line(name: &str, figures: &Figures) {
    let mut seconds = figures.seconds.clone();
    seconds.sort_by(f64::total_cmp);
    let (min, max, median) = (seconds[0], seconds[seconds.len() - 1], seconds[seconds.len() / 2]);
    println!("{name:<44} {min:>9.3} {median:>9.3} {max:>9.3} {:>10.0}", figures.peak_mib);
}

/// From starting a process to its end, one picture each.
fn cold(runs: usize) -> Result<Figures, Error> {
    let mut figures = Figures { seconds: Vec::new(), peak_mib: 0.0 };
    for _ in 0..runs {
        let start = Instant::now();
        let one = child("cold")?;
        figures.seconds.push(start.elapsed().as_secs_f64());
        figures.peak_mib = figures.peak_mib.max(one.peak_mib);
    }
    Ok(figures)
}

/// Starts this program again for one scenario and reads its figures.
fn child(scenario: &str) -> Result<Figures, Error> {
    // A journal of its own, so that what other runs left there plays no part.
    let state = tempfile::tempdir()?;
    let output =
        Command::new(std::env::current_exe()?).env(SCENARIO, scenario).env("EASEL_STATE", state.path()).output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("{scenario} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let line = text.lines().rev().find(|line| line.starts_with("figures ")).ok_or("no figures")?;
    let mut numbers = line.split(' ').skip(1).map(str::parse::<f64>).collect::<Result<Vec<_>, _>>()?;
    let peak_mib = numbers.pop().ok_or("no figures")?;
    Ok(Figures { seconds: numbers, peak_mib })
}

/// In a child: measures and prints `figures SECONDS… PEAK`.
fn measure(scenario: &str) -> Result<(), Error> {
    let seconds = match scenario {
        "cold" => vec![picture()?],
        "warm" => {
            picture()?;
            (0..RUNS).map(|_| picture()).collect::<Result<_, _>>()?
        }
        network => {
            let (part, precision) = network.split_once(' ').ok_or("a part and a precision")?;
            let place = Placement::new(Device::Cpu, precision.parse()?)?;
            if part == "prior" { prior_steps(place)? } else { unet_steps(part, place)? }
        }
    };
    let seconds: Vec<String> = seconds.iter().map(ToString::to_string).collect();
    println!("figures {} {}", seconds.join(" "), peak_mib()?);
    Ok(())
}

/// The kernel's high-water mark of this process's resident memory.
fn peak_mib() -> Result<f64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no VmHWM in /proc/self/status")?.parse()?;
    Ok(kib / 1024.0)
}

/// One picture through the command line's own entry point; computed, whatever the user's cache knows.
fn picture() -> Result<f64, Error> {
    let out = tempfile::tempdir()?;
    let workflow = root().join("workflows/text_to_image.ron");
    let start = Instant::now();
    let arguments = ["easel", "run", "--quiet", "--no-cache", "--set", "prompt=a rocket on a blue background", "--out"];
    let mut arguments: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
    arguments.extend([out.path().into(), workflow.into()]);
    let code = easel_tui::main_with(arguments);
    let seconds = start.elapsed().as_secs_f64();
    if code == ExitCode::SUCCESS { Ok(seconds) } else { Err("the run failed".into()) }
}

fn karlo_folder() -> PathBuf {
    root().join("target/bench-karlo")
}

/// Writes the random checkpoint unless an earlier run did.
fn write_karlo() -> Result<(), Error> {
    let folder = karlo_folder();
    if folder.join("complete").exists() {
        return Ok(());
    }
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("karlo-config");
    easel_nodes::checkpoint::write_random(&config, &folder, DType::F32, 0, &mut |_, _, _| ())?;
    std::fs::write(folder.join("complete"), "")?;
    Ok(())
}

fn load<C, M>(
    part: &str,
    place: Placement,
    parse: fn(&[u8], &str) -> easel_nodes::Result<C>,
    build: impl FnOnce(&WeightsReader, &C) -> M,
) -> Result<(C, M), Error> {
    let folder = ModelFolder::open(&karlo_folder().display().to_string(), Path::new("."))?;
    let config = parts::config(&folder, part, parse)?;
    let start = Instant::now();
    let loaded = folder.weights(part)?.load_at(place, |weights| build(weights, &config))?;
    eprintln!("{part}: loaded in {:.1} s", start.elapsed().as_secs_f64());
    Ok((config, loaded.model))
}

/// Times three calls after one that warms the caches.
fn repeat(mut call: impl FnMut() -> easel_kernels::Result<Tensor>) -> Result<Vec<f64>, Error> {
    call()?;
    let timed = (0..3).map(|_| {
        let start = Instant::now();
        call()?;
        Ok(start.elapsed().as_secs_f64())
    });
    timed.collect()
}

/// Both branches of a guided step: a batch of two, 77 text tokens. What the text contributes to every step is prepared before.
fn prior_steps(place: Placement) -> Result<Vec<f64>, Error> {
    let (config, prior) = load("prior", place, PriorConfig::parse, Prior::new)?;
    let width = config.embedding_dim;
    let sample = random::normal([2, width], 1, 0, 0)?;
    let text_embeds = random::normal([2, width], 1, 0, 1)?;
    let hidden_states = random::normal([2, config.num_embeddings, width], 1, 0, 2)?;
    let key_bias = Tensor::zeros([2, config.num_embeddings])?;
    let text = PriorText { text_embeds: &text_embeds, hidden_states: &hidden_states, key_bias: Some(&key_bias) };
    let text = prior.prepare(text, &[500.0])?;
    repeat(|| prior.step(&sample, &text, 0))
}

/// The decoder takes both branches of a guided step and 81 context tokens, super-resolution one picture. What the timestep and
/// the context contribute is prepared before.
fn unet_steps(part: &str, place: Placement) -> Result<Vec<f64>, Error> {
    let (config, unet) = load(part, place, UNetConfig::parse, UNet::new)?;
    let batch = if part == "decoder" { 2 } else { 1 };
    let side = config.sample_size;
    let sample = random::normal([batch, side, side, config.in_channels], 1, 0, 0)?;
    let time_embed_dim = 4 * config.block_out_channels[0];
    let labels = random::normal([batch, time_embed_dim], 1, 0, 1)?;
    let context = random::normal([batch, 81, config.cross_attention_dim.unwrap_or(1)], 1, 0, 2)?;
    let key_bias = Tensor::zeros([batch, 81])?;
    let condition = if part == "decoder" {
        UNetCondition {
            encoder_hidden_states: Some(&context),
            encoder_key_bias: Some(&key_bias),
            class_labels: Some(&labels),
        }
    } else {
        UNetCondition::default()
    };
    let prepared = unet.prepare(batch, &[500.0], condition)?;
    repeat(|| unet.step(&sample, &prepared, 0))
}
