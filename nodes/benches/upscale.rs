//! Seconds that the embedded upscaling network takes for a picture of 128 × 128, on the CPU; with PyTorch beside it.
//!
//! `cargo bench -p easel-nodes --bench upscale`. `EASEL_TORCH` names a Python with PyTorch (see the model's
//! `recipe/requirements.txt`): then both take turns, picture by picture, and their ratio is told.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use easel_kernels::{Placement, Tensor, random};
use easel_nodes::config::SrvggConfig;
use easel_nodes::models::srvgg::SrvggNetCompact;
use easel_nodes::parts;
use easel_nodes::weights::ModelFolder;

const SIDE: usize = 128;
const RUNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = ModelFolder::open("builtin:realesr-animevideov3-x4", Path::new("."))?;
    let config = parts::config(&folder, "upscaler", SrvggConfig::parse)?;
    let weights = folder.weights("upscaler")?;
    let model = weights.load_at(Placement::CPU, |weights| SrvggNetCompact::new(weights, &config))?.model;
    let image: Tensor = random::normal([1, SIDE, SIDE, 3], 0, 0, 0)?;
    let mut peer = std::env::var_os("EASEL_TORCH").map(|python| Peer::start(Path::new(&python))).transpose()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first turn of each warms it up.
    for turn in 0..=RUNS {
        let start = Instant::now();
        model.forward(&image)?;
        let seconds = start.elapsed().as_secs_f64();
        let of_peer = peer.as_mut().map(Peer::turn).transpose()?;
        if turn > 0 {
            ours.push(seconds);
            theirs.extend(of_peer);
        }
    }
    println!("a picture of {SIDE} × {SIDE}: seconds of {RUNS} turns, fastest, median, slowest");
    let median = line("Easel", &mut ours);
    if peer.is_some() {
        println!("Easel takes {:.2} times as long as PyTorch (medians)", median / line("PyTorch", &mut theirs));
    }
    Ok(())
}

/// Prints a line and gives the median.
fn line(name: &str, seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    println!("{name:<8} {:>8.3} {median:>8.3} {:>8.3}", seconds[0], seconds[seconds.len() - 1]);
    median
}

/// The same network in PyTorch, in a process of its own that does nothing between its turns.
struct Peer {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path) -> Result<Self, Box<dyn Error>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../workflows/models/realesr-animevideov3-x4/recipe/time_network.py");
        let mut command = Command::new(python);
        command.arg(script).arg("--side").arg(SIDE.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ask = child.stdin.take().ok_or("no way to ask")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no answers")?);
        Ok(Peer { child, ask, answers })
    }

    fn turn(&mut self) -> Result<f64, Box<dyn Error>> {
        writeln!(self.ask)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim().parse().map_err(|_| format!("PyTorch said {answer:?}"))?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
