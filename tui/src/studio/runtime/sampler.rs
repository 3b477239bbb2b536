//! Looks at how busy the machine is, on a thread of its own, twice a second and only while somebody looks at it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use easel_engine::{InUse, Resources};
use easel_kernels::Device;
use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::error::NvmlError;

use super::super::message::{Message, Tone};
use super::super::model::gauges::{DeviceSample, DeviceUse, Foreseen, Sample};

/// How often.
const PAUSE: Duration = Duration::from_millis(500);

/// The thread's other end.
pub(super) struct Sampler {
    wishes: Sender<bool>,
    is_on: bool,
}

impl Sampler {
    /// The thread; it ends when nobody has wishes any more.
    pub(super) fn start(resources: Arc<Resources>, sender: Sender<Message>) -> io::Result<Self> {
        let (wishes, wanted) = channel();
        let work = move || work(&wanted, &resources, &sender);
        std::thread::Builder::new().name("sampler".into()).spawn(work)?;
        Ok(Sampler { wishes, is_on: false })
    }

    /// Whether somebody looks.
    pub(super) fn want(&mut self, is_on: bool) {
        if self.is_on != is_on {
            self.is_on = is_on;
            // A thread that is gone has said why.
            let _ = self.wishes.send(is_on);
        }
    }
}

fn work(wanted: &Receiver<bool>, resources: &Resources, sender: &Sender<Message>) {
    let mut is_on = false;
    let mut devices = None;
    let mut processors = Processors::default();
    let mut used = Used::default();
    loop {
        match wanted.recv_timeout(if is_on { PAUSE } else { Duration::MAX }) {
            Ok(wish) => is_on = wish,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if !is_on {
            continue;
        }
        // Only once somebody looks: a driver may take its time to answer.
        let devices = devices.get_or_insert_with(|| open(sender));
        let in_use = resources.in_use();
        let sample = Sample {
            lanes: (in_use.lanes, resources.lanes()),
            processors: processors.busy(),
            memory: memory(),
            foreseen: Foreseen { bytes: in_use.foreseen, untold: in_use.untold },
            limit: resources.memory(),
            devices: devices.as_ref().map(look).unwrap_or_default(),
            used: used.look(&in_use),
        };
        if sender.send(Message::Sampled(sample)).is_err() {
            return;
        }
    }
}

/// The library of NVIDIA's driver; none where there is none.
fn open(sender: &Sender<Message>) -> Option<Nvml> {
    match Nvml::init() {
        Ok(library) => Some(library),
        Err(error) => {
            let (tone, why) = match error {
                NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
                    (Tone::Detail, "there is no NVIDIA driver".to_string())
                }
                other => (Tone::Note, other.to_string()),
            };
            // The studio may be ending.
            let _ = sender.send(Message::Noted(tone, format!("no GPU is watched: {why}")));
            None
        }
    }
}

/// All GPUs as they are now; what one does not tell is left out.
fn look(library: &Nvml) -> Vec<DeviceSample> {
    let count = library.device_count().unwrap_or(0);
    let devices = (0..count).filter_map(|index| library.device_by_index(index).ok());
    let looked = devices.filter_map(|device| {
        let memory = device.memory_info().ok()?;
        Some(DeviceSample {
            name: device.name().unwrap_or_default(),
            memory: (memory.used, memory.total),
            busy: device.utilization_rates().ok().map(|rates| rates.gpu),
            degrees: device.temperature(TemperatureSensor::Gpu).ok(),
        })
    });
    looked.collect()
}

/// Bytes of memory that this process has, where the system says so in Linux's way.
fn memory() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The devices on which nodes computed since somebody looks.
#[derive(Default)]
struct Used(BTreeSet<Arc<str>>);

impl Used {
    /// What they tell of their memory. Only devices that a node has opened are asked: to open one takes its time, and some of
    /// its memory.
    fn look(&mut self, in_use: &InUse) -> Vec<DeviceUse> {
        self.0.extend(in_use.devices.iter().map(|(device, _)| Arc::clone(device)));
        let of = |name: &Arc<str>| DeviceUse {
            device: name.to_string(),
            memory: memory_of(name),
            foreseen: in_use.devices.iter().find(|(device, _)| device == name).map(|(_, bytes)| *bytes),
        };
        self.0.iter().map(of).collect()
    }
}

/// Bytes of a device's memory that are taken, and all, if it has memory of its own and tells.
fn memory_of(device: &str) -> Option<(u64, u64)> {
    let memory = device.parse::<Device>().ok()?.memory().ok()??;
    Some((memory.total.saturating_sub(memory.free) as u64, memory.total as u64))
}

/// How many processors this process keeps busy.
#[derive(Default)]
struct Processors {
    /// When it was looked at last, and how long the process had computed by then.
    last: Option<(Instant, Duration)>,
}

impl Processors {
    /// On average since the last look.
    fn busy(&mut self) -> Option<f64> {
        let (now, computed) = (Instant::now(), computed()?);
        let (before, had) = self.last.replace((now, computed))?;
        let passed = now.duration_since(before).as_secs_f64();
        (passed > 0.0).then(|| computed.saturating_sub(had).as_secs_f64() / passed)
    }
}

/// How long this process has computed on all processors together.
#[cfg(target_os = "linux")]
fn computed() -> Option<Duration> {
    let time = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).ok()?;
    let of = |value: nix::sys::time::TimeVal| {
        let seconds = u64::try_from(value.tv_sec()).ok()?;
        Some(Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(value.tv_usec()).ok()?))
    };
    Some(of(time.user_time())? + of(time.system_time())?)
}

#[cfg(not(target_os = "linux"))]
fn computed() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_read_as_linux_writes() {
        assert_eq!(resident("Name:\teasel\nVmRSS:\t   2048 kB\nThreads:\t3\n"), Some(2 << 20));
        assert_eq!(resident("VmRSS:\tmuch\n"), None);
        assert_eq!(resident(""), None);
    }

    #[test]
    fn a_device_on_which_a_node_computed_stays_in_sight() {
        let mut used = Used::default();
        let busy = InUse { devices: vec![("abacus:0".into(), 7)], ..InUse::default() };
        let seen = |foreseen| [DeviceUse { device: "abacus:0".into(), memory: None, foreseen }];
        assert_eq!(used.look(&InUse::default()), []);
        assert_eq!(used.look(&busy), seen(Some(7)), "what nobody knows does not tell of its memory");
        assert_eq!(used.look(&InUse::default()), seen(None));
    }

    #[test]
    fn it_looks_only_while_somebody_does() {
        let (sender, messages) = channel();
        let resources = Arc::new(Resources::new(3, Some(1000)));
        let mut sampler = Sampler::start(resources, sender).expect("there is a thread");
        sampler.want(false);
        sampler.want(true);
        let sample = messages.iter().find_map(|message| match message {
            Message::Sampled(sample) => Some(sample),
            _ => None,
        });
        let sample = sample.expect("somebody looks");
        assert_eq!((sample.lanes, sample.foreseen, sample.limit), ((0, 3), Foreseen::default(), Some(1000)));
        sampler.want(false);
        drop(sampler);
        // Whatever was under way is told, and then it ends.
        messages.iter().for_each(drop);
    }
}
