//! `easel doctor`: what this machine has, what is missing, and how to get it.

use std::path::{Path, PathBuf};

use clap::Args;
use easel_kernels::{Ceilings, CudaDevice, CudaStatus, Device, automatic, cuda_status, host};
use easel_nodes::weights::{Hub, ModelFolder, cache_dir};
use serde_json::{Value, json};

use super::models;
use crate::error::{CommandError, Exit};
use crate::execution::{self, PrecisionChoice};
use crate::memory::{Memory, MemoryLimit};
use crate::profiling;
use crate::terminal::{self, Output, Paint, printable};
use crate::version::version;

const LONG_ABOUT: &str = "\
Says what this machine has for making pictures: processor, instruction set, memory, GPU, models, cache folders, and \
whether pictures can be written. What is missing is listed with the way to get it.";

const EXAMPLES: &str = "\
Exit status: 0 everything needed is there; 1 something needed is broken, such as a folder for pictures that cannot be \
written to. A missing GPU or an empty cache is told, but is no error.";

/// Say what this machine has, what is missing and how to get it
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder for pictures whose writability is looked at
    #[arg(long, value_name = "DIR", default_value = "output")]
    out: PathBuf,

    /// Measures for a second what the processor can do at most: multiply-adds and memory, on all threads
    #[arg(long)]
    bench: bool,

    /// Writes one JSON object
    #[arg(long)]
    json: bool,
}

/// All that was found out.
struct Examination {
    processor: Option<String>,
    memory: Option<Memory>,
    cuda: CudaStatus,
    builtin: Vec<String>,
    cached: Vec<String>,
    caches: Vec<Folder>,
    out: PathBuf,
    out_problem: Option<String>,
    /// If they were asked for.
    ceilings: Option<Ceilings>,
}

struct Folder {
    what: &'static str,
    path: PathBuf,
    /// Bytes of all files in it; nothing if it is not there.
    bytes: Option<u64>,
}

/// Something that is not there.
struct Lack {
    what: String,
    remedy: String,
    /// Nothing works without it.
    needed: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let mut examination = examine(&arguments.out);
    examination.ceilings = arguments.bench.then(Ceilings::measure);
    let lacks = examination.lacks();
    let mut out = Output::default();
    if arguments.json {
        out.line(examination.to_json(&lacks))?;
    } else {
        out.line(examination.describe(&lacks, Paint::for_stdout()))?;
    }
    Ok(if lacks.iter().any(|lack| lack.needed) { Exit::Failed } else { Exit::Done })
}

fn examine(out: &Path) -> Examination {
    let hub = Hub::from_env();
    let folder = |what, path: PathBuf| Folder { what, bytes: size(&path), path };
    let mut caches: Vec<_> = cache_dir().map(|path| folder("Easel cache", path)).into_iter().collect();
    caches.push(folder("Hugging Face cache", hub.cache().to_path_buf()));
    Examination {
        processor: std::fs::read_to_string("/proc/cpuinfo").ok().as_deref().and_then(processor),
        memory: Memory::of_this_machine(),
        cuda: cuda_status(),
        builtin: ModelFolder::builtin_names().map(|name| format!("builtin:{name}")).collect(),
        cached: models::cached(hub.cache()),
        caches,
        out: out.to_path_buf(),
        out_problem: execution::output_problem(out),
        ceilings: None,
    }
}

impl Examination {
    fn lacks(&self) -> Vec<Lack> {
        let mut lacks = Vec::new();
        if let Some(problem) = &self.out_problem {
            let remedy = "free the place, change its permissions, or choose another folder with `--out DIR`".into();
            lacks.push(Lack { what: problem.clone(), remedy, needed: true });
        }
        if let Some(problem) = &automatic().problem {
            let remedy =
                "look with `nvidia-smi` who uses it, and whether it works at all; or use `--device cpu`".into();
            lacks.push(Lack { what: problem.clone(), remedy, needed: false });
        }
        if self.cuda.usable().is_empty() {
            let why = self.cuda.refusal(0).unwrap_or_default();
            let remedy = "nothing to do without a GPU: everything runs on the CPU".into();
            lacks.push(Lack { what: format!("no GPU can be used: {why}"), remedy, needed: false });
        }
        if self.builtin.is_empty() {
            let remedy = "build with the feature `builtin-models` (on by default), or use models from elsewhere".into();
            lacks.push(Lack { what: "no model is built in".into(), remedy, needed: false });
        }
        if self.cached.is_empty() {
            let remedy = "with a network: `easel models fetch hf:kakaobrain/karlo-v1-alpha`; or name the folder of a \
                          model in the workflow"
                .into();
            lacks.push(Lack { what: "no large model is in the cache".into(), remedy, needed: false });
        }
        lacks
    }

    fn describe(&self, lacks: &[Lack], paint: Paint) -> String {
        let host = host();
        let mut rows = vec![
            ("easel", version()),
            ("processor", self.processor.clone().unwrap_or_else(|| "unknown".into())),
            ("threads", host.threads.to_string()),
            ("instructions", host.simd.to_string()),
            ("memory", self.memory.map_or_else(|| "unknown".into(), describe_memory)),
            ("memory limit", memory_limit(self.memory)),
            ("GPU", gpu(&self.cuda)),
            ("device auto", auto_device()),
            ("built in", or_none(&self.builtin)),
            ("in the cache", or_none(&self.cached)),
        ];
        rows.extend(self.caches.iter().map(|folder| (folder.what, folder.describe())));
        rows.push((
            "pictures",
            match &self.out_problem {
                None => format!("can be written to `{}`", self.out.display()),
                Some(problem) => problem.clone(),
            },
        ));
        rows.extend(self.ceilings.iter().map(|ceilings| ("limits", profiling::limits(ceilings))));
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut lines: Vec<_> = rows
            .into_iter()
            .map(|(name, value)| format!("{}  {}", paint.bold(&format!("{name:width$}")), printable(&value)))
            .collect();
        if !lacks.is_empty() {
            lines.push(String::new());
        }
        for lack in lacks {
            let mark = if lack.needed { paint.red("broken:") } else { paint.yellow("missing:") };
            lines.push(format!("{mark} {}", printable(&lack.what)));
            lines.push(format!("    {}", lack.remedy));
        }
        lines.join("\n")
    }

    fn to_json(&self, lacks: &[Lack]) -> Value {
        let host = host();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "processor": self.processor,
            "threads": host.threads,
            "simd": host.simd,
            "memory": self.memory.map(|memory| json!({ "total": memory.total, "available": memory.available })),
            "memory_limit": MemoryLimit::default().bytes(self.memory),
            "gpu": gpu_json(&self.cuda),
            "device": auto_device(),
            "builtin_models": self.builtin,
            "cached_models": self.cached,
            "caches": self.caches.iter().map(|folder| {
                json!({ "what": folder.what, "path": folder.path.to_string_lossy(), "bytes": folder.bytes })
            }).collect::<Vec<_>>(),
            "output": { "path": self.out.to_string_lossy(), "problem": self.out_problem },
            "limits": self.ceilings.map(|ceilings| json!({
                "float32_operations_per_second": ceilings.float32,
                "bfloat16_operations_per_second": ceilings.bfloat16,
                "copied_bytes_per_second": ceilings.bandwidth,
            })),
            "lacks": lacks.iter().map(|lack| {
                json!({ "what": lack.what, "remedy": lack.remedy, "needed": lack.needed })
            }).collect::<Vec<_>>(),
        })
    }
}

fn describe_memory(memory: Memory) -> String {
    format!("{}, {} of them free", terminal::bytes(memory.total), terminal::bytes(memory.available))
}

/// What `--memory-limit` gives where nobody says otherwise.
fn memory_limit(memory: Option<Memory>) -> String {
    let limit = MemoryLimit::default();
    match limit.bytes(memory) {
        Some(bytes) => {
            format!("{} for nodes ({limit} of what is free; `--memory-limit` sets another)", terminal::bytes(bytes))
        }
        None => "none, since the system does not say what there is; `--memory-limit` sets one".into(),
    }
}

impl Folder {
    fn describe(&self) -> String {
        let size = self.bytes.map_or_else(|| "not there yet".into(), terminal::bytes);
        format!("{} ({size})", self.path.display())
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// What `--device auto --precision auto` takes.
fn auto_device() -> String {
    let place = "auto".parse::<Device>().map(|device| execution::placement(device, PrecisionChoice::Auto));
    match place {
        Ok(Ok(place)) => place.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}

fn gpu(status: &CudaStatus) -> String {
    match status {
        CudaStatus::NoDriver { reason } => format!("none: {reason}"),
        CudaStatus::Available { driver_version: (major, minor), devices } if devices.is_empty() => {
            format!("none, though there is a driver for CUDA {major}.{minor}")
        }
        CudaStatus::Available { driver_version: (major, minor), devices } => {
            let names = devices.iter().map(|device| {
                let total = terminal::bytes(device.total_bytes as u64);
                let (major, minor) = device.compute_capability;
                let memory = free_bytes(device)
                    .map_or_else(|| total.clone(), |free| format!("{} of {total} free", terminal::bytes(free as u64)));
                let problem = status.refusal(device.ordinal);
                let problem = problem.map(|why| format!(", cannot be used because {why}")).unwrap_or_default();
                format!("cuda:{} {} (sm_{major}{minor}, {memory}{problem})", device.ordinal, device.name)
            });
            format!("{}; driver for CUDA {major}.{minor}", names.collect::<Vec<_>>().join(", "))
        }
    }
}

fn gpu_json(status: &CudaStatus) -> Value {
    match status {
        CudaStatus::NoDriver { reason } => json!({ "reason": reason, "devices": [] }),
        CudaStatus::Available { driver_version: (major, minor), devices } => json!({
            "driver_version": format!("{major}.{minor}"),
            "devices": devices.iter().map(|device| json!({
                "name": device.name,
                "device": format!("cuda:{}", device.ordinal),
                "compute_capability": format!("{}.{}", device.compute_capability.0, device.compute_capability.1),
                "total_bytes": device.total_bytes,
                "free_bytes": free_bytes(device),
                "refusal": status.refusal(device.ordinal),
            })).collect::<Vec<_>>(),
        }),
    }
}

/// What no program has taken of its memory, if it can be used at all.
fn free_bytes(device: &CudaDevice) -> Option<usize> {
    Some(Device::Cuda(device.ordinal).memory().ok()??.free)
}

/// The processor's name in Linux's /proc/cpuinfo.
fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// Bytes of the files in a folder, however deep. Links are not followed: caches link each file twice.
fn size(folder: &Path) -> Option<u64> {
    let mut waiting = vec![std::fs::read_dir(folder).ok()?];
    let mut total = 0;
    while let Some(entries) = waiting.pop() {
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                waiting.extend(std::fs::read_dir(entry.path()));
            } else if metadata.is_file() {
                total += metadata.len();
            }
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_the_processor() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("Fast CPU @ 3 GHz"));
        assert_eq!(processor("Features : fp asimd"), None);
    }

    #[test]
    fn folders_are_measured() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::create_dir(folder.path().join("deep")).expect("it can be made");
        std::fs::write(folder.path().join("a"), "123").expect("it can be written");
        std::fs::write(folder.path().join("deep/b"), "4567").expect("it can be written");
        assert_eq!(size(folder.path()), Some(7));
        assert_eq!(size(&folder.path().join("none")), None);
    }

    #[test]
    fn a_broken_output_folder_is_needed() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("it can be written");
        assert!(examine(&file).lacks().iter().any(|lack| lack.needed));
        assert!(!examine(folder.path()).lacks().iter().any(|lack| lack.needed));
    }
}
