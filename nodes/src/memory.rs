//! How much memory a model takes while it runs, from configurations and the headers of weights.
//!
//! Three things make it up: weights, packed in the run's precision (while that is done, one tensor at a time is in memory as it
//! is stored), the activations that are alive at the worst moment of one forward pass, and what the CPU's ops keep for their next
//! results. Buffers inside the operations, a few MiB for each thread, are left out, and so is what the allocator rounds up to or
//! has not given back yet: of processes that compute with the full-size networks, an eighth of all at most (`kernels/PERF.md`).
//!
//! On a GPU, packed weights and activations are in its memory, in its precision; of the host's it takes that one tensor and
//! what copies go through.

use easel_engine::{DeviceNeed, MemoryNeed};
use easel_kernels::{DType, Device, DeviceMemory, Placement, Precision, SPARE_MEMORY, STAGING_BYTES};

use crate::config::{ClipTextConfig, ClipVisionConfig, PriorConfig, SrvggConfig, UNetConfig};
use crate::error::Result;
use crate::weights::Weights;

/// Bytes of a float32.
const FLOAT: u64 = 4;

/// Takes memory for a loop's activations, of which the CPU would need `activations` bytes, on the device where they will be:
/// that there is not enough is known before the first step.
pub(crate) fn reserve(place: Placement, activations: u64) -> Result<()> {
    match place.device {
        Device::Cpu => Ok(()),
        device => {
            let bytes = numbers(activations / FLOAT, place.activations());
            Ok(device.reserve_memory(usize::try_from(bytes).unwrap_or(usize::MAX))?)
        }
    }
}

/// What is in memory at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Bytes of the largest tensor in the files.
    largest: u64,
    /// How many numbers the weights are.
    parameters: u64,
    /// Bytes of activations, in float32.
    activations: u64,
    /// Bytes beside, which are the host's wherever it computes.
    on_host: u64,
}

impl Held {
    /// Activations of so many bytes in float32, and the weights of some parts.
    pub(crate) fn new<'a>(activations: u64, parts: impl IntoIterator<Item = &'a Weights>) -> Self {
        parts.into_iter().fold(Held { activations, ..Held::default() }, |held, weights| Held {
            largest: held.largest.max(weights.largest_tensor()),
            parameters: held.parameters.saturating_add(weights.parameter_count()),
            ..held
        })
    }

    /// And so many numbers that packed weights have more than those in the files, as the configuration says: never more than
    /// there are, or it does not fit the files, which is told elsewhere.
    pub(crate) fn and_packed(self, numbers: u64) -> Self {
        Held { parameters: self.parameters.saturating_add(numbers.min(self.parameters)), ..self }
    }

    /// And so many bytes of the host's memory, whatever computes.
    pub(crate) fn and_on_host(self, bytes: u64) -> Self {
        Held { on_host: bytes, ..self }
    }

    /// Bytes of the host's memory that it takes where it is computed with at `place`, and of the device's there.
    fn bytes_at(self, place: Placement) -> (u64, u64) {
        let activations = numbers(self.activations / FLOAT, place.activations());
        let weights = packed(self.parameters, place.precision);
        let (host, device) = match place.device {
            // There are no activations yet while weights are packed.
            Device::Cpu => {
                let spare = activations.saturating_mul(2).min(SPARE_MEMORY as u64);
                (weights.saturating_add(activations.saturating_add(spare).max(self.largest)), 0)
            }
            Device::Cuda(_) => (self.largest.saturating_add(STAGING_BYTES as u64), weights.saturating_add(activations)),
        };
        (host.saturating_add(self.on_host), device)
    }
}

/// What a node takes that computes at `place` and holds these one after the other. `memory_of` says what a device has; what
/// it does not know is left to the run.
pub(crate) fn need(
    place: Placement,
    held: impl IntoIterator<Item = Held>,
    memory_of: impl FnOnce(Device) -> Option<DeviceMemory>,
) -> MemoryNeed {
    let most = |(host, device): (u64, u64), held: Held| {
        let (more_host, more_device) = held.bytes_at(place);
        (host.max(more_host), device.max(more_device))
    };
    let (host, bytes) = held.into_iter().fold((0, 0), most);
    let on_device = |memory: DeviceMemory| DeviceNeed {
        device: place.device.to_string(),
        bytes,
        available: can_be_had(&memory),
        total: memory.total as u64,
    };
    MemoryNeed { host, device: (bytes > 0).then(|| memory_of(place.device)).flatten().map(on_device) }
}

/// What this process can have of a device's memory if it lets go of everything that it has there.
pub(crate) fn can_be_had(memory: &DeviceMemory) -> u64 {
    memory.free.saturating_add(memory.reserved).min(memory.limit.unwrap_or(usize::MAX)) as u64
}

/// Bytes of so many weights, packed.
pub(crate) fn packed(weights: u64, precision: Precision) -> u64 {
    numbers(weights, precision.dtype())
}

fn numbers(count: u64, dtype: DType) -> u64 {
    count.saturating_mul(dtype.size() as u64)
}

/// Activations of the prior for `batch` embeddings, both branches of guidance counted; the text's keys and values, which are
/// there as long as its loop, are among them.
pub(crate) fn of_prior(config: &PriorConfig, batch: u64) -> u64 {
    let tokens = batch.saturating_mul((config.num_embeddings + config.additional_embeddings) as u64);
    let inner = config.inner_dim() as u64;
    let keys_and_values = tokens.saturating_mul(2 * inner).saturating_mul(config.num_layers as u64);
    of_transformer(tokens, inner, inner.saturating_mul(4)).saturating_add(keys_and_values.saturating_mul(FLOAT))
}

/// Activations of CLIP's text tower for `batch` texts.
pub(crate) fn of_text_tower(config: &ClipTextConfig, batch: u64) -> u64 {
    let tokens = batch.saturating_mul(config.max_position_embeddings as u64);
    of_transformer(tokens, config.hidden_size as u64, config.intermediate_size as u64)
}

/// Activations of CLIP's picture tower for `batch` pictures.
pub(crate) fn of_vision_tower(config: &ClipVisionConfig, batch: u64) -> u64 {
    let tokens = batch.saturating_mul(config.num_patches() as u64 + 1);
    of_transformer(tokens, config.hidden_size as u64, config.intermediate_size as u64)
}

/// A transformer's layer keeps its input, the norm of it, and either queries, keys, values and what was attended to, or
/// the feed-forward layer's inside and its result.
fn of_transformer(tokens: u64, width: u64, inside: u64) -> u64 {
    let widths = width.saturating_mul(2).saturating_add((width.saturating_mul(5)).max(inside.saturating_add(width)));
    tokens.saturating_mul(widths).saturating_mul(FLOAT)
}

/// Activations of a U-net for `batch` pictures, both branches of guidance counted. Each looks at so many tokens: their keys and
/// values are there as long as its loop.
pub(crate) fn of_unet(config: &UNetConfig, batch: u64, context_tokens: u64) -> u64 {
    let mut walk = Walk { skips: Vec::new(), attended: 0, peak: 0 };
    walk.down(config);
    walk.up(config);
    let context = walk.attended.saturating_mul(2).saturating_mul(context_tokens);
    walk.peak.saturating_add(context).saturating_mul(batch).saturating_mul(FLOAT)
}

/// Numbers that a U-net's packed weights have more than those in its file: convolutions that double the picture have four
/// kernels of 2 × 2 instead of one of 3 × 3.
pub(crate) fn folded_by_unet(config: &UNetConfig) -> u64 {
    let growing = config.block_out_channels.iter().skip(1).map(|&channels| channels as u64);
    growing.map(|channels| channels.saturating_mul(channels).saturating_mul(4 * 4 - 9)).fold(0, u64::saturating_add)
}

/// Activations of an upscaling network for so many pixels of the small picture: in and out of a convolution, and the picture
/// itself, as it was and with as many numbers as the network takes.
pub(crate) fn of_srvgg(config: &SrvggConfig, pixels: u64) -> u64 {
    let (inside, last) = (config.num_feat as u64, config.last_channels() as u64);
    let widths = (2 * inside).max(inside + last).max(2 * last) + 2 * SrvggConfig::COLOURS as u64;
    pixels.saturating_mul(widths).saturating_mul(FLOAT)
}

/// What becomes of pictures that such a network makes larger: `[pictures, height, width]`.
pub(crate) fn of_enlarged(config: &SrvggConfig, sizes: [usize; 3]) -> u64 {
    let pixels = sizes.iter().fold(1_u64, |pixels, &size| pixels.saturating_mul(size as u64));
    pixels.saturating_mul(config.last_channels() as u64).saturating_mul(FLOAT)
}

/// One picture's way through a U-net: numbers alive, not bytes.
struct Walk {
    /// What the way down leaves for the way up.
    skips: Vec<u64>,
    /// Channels of all layers that look at the context.
    attended: u64,
    peak: u64,
}

impl Walk {
    fn down(&mut self, config: &UNetConfig) {
        let channels: Vec<u64> = config.block_out_channels.iter().map(|&channels| channels as u64).collect();
        let last = channels.len().saturating_sub(1);
        self.skips.push(channels.first().map_or(0, |channels| channels * pixels(config, 0)));
        for (level, &out) in channels.iter().enumerate() {
            let pixels_here = pixels(config, level);
            for layer in 0..config.layers_per_block {
                let into = if layer == 0 { channels[level.saturating_sub(1)] } else { out };
                // The input is among the skips already.
                self.resnet(0, into * pixels_here, out * pixels_here);
                self.attention(config.down_blocks[level].has_attention(), out, pixels_here);
                self.skips.push(out * pixels_here);
            }
            if level < last {
                let below = out * pixels(config, level + 1);
                self.resnet(0, out * pixels_here, below);
                self.skips.push(below);
            }
        }
        let (widest, pixels_here) = (channels.last().copied().unwrap_or(0), pixels(config, last));
        let middle = widest * pixels_here;
        self.resnet(middle, middle, middle);
        self.attention(config.mid_attention, widest, pixels_here);
    }

    fn up(&mut self, config: &UNetConfig) {
        let channels: Vec<u64> = config.block_out_channels.iter().map(|&channels| channels as u64).collect();
        let last = channels.len().saturating_sub(1);
        for level in (0..channels.len()).rev() {
            let (out, pixels_here) = (channels[level], pixels(config, level));
            let mut x = channels[(level + 1).min(last)] * pixels_here;
            for _ in 0..=config.layers_per_block {
                let skip = self.skips.pop().unwrap_or(0);
                self.resnet(x + skip, x + skip, out * pixels_here);
                x = out * pixels_here;
                self.attention(config.up_blocks[last - level].has_attention(), out, pixels_here);
            }
            if level > 0 {
                self.resnet(x, x, 4 * x);
            }
        }
    }

    /// A resnet's input (unless that is counted elsewhere), and either of the first convolution what it takes and gives, or of
    /// the second one what it takes, the residual and the result.
    fn resnet(&mut self, input: u64, normed: u64, out: u64) {
        self.alive(input + (normed + out).max(3 * out));
    }

    /// Input, norm, queries, keys, values, what was attended to, and the result.
    fn attention(&mut self, attends: bool, channels: u64, pixels: u64) {
        if attends {
            self.attended += channels;
            self.alive(7 * channels * pixels);
        }
    }

    fn alive(&mut self, beside_skips: u64) {
        self.peak = self.peak.max(self.skips.iter().sum::<u64>() + beside_skips);
    }
}

/// Pixels of one picture at a level.
fn pixels(config: &UNetConfig, level: usize) -> u64 {
    let side = (config.sample_size >> level) as u64;
    side * side
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::path::Path;

    use super::*;
    use crate::models::prior::Prior;
    use crate::models::unet::UNet;
    use crate::weights::{WeightsReader, record};

    fn config<C>(part: &str, parse: fn(&[u8], &str) -> crate::Result<C>) -> C {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/karlo-config"));
        let file = folder.join(part).join("config.json");
        parse(&std::fs::read(&file).unwrap(), part).unwrap()
    }

    /// Of a model whose file is float32, computing in `precision`.
    fn on_cpu(build: impl FnOnce(&WeightsReader), activations: u64, folded: u64, precision: Precision) -> u64 {
        let sizes =
            record(build).iter().map(|tensor| tensor.shape.iter().product::<usize>() as u64).collect::<Vec<_>>();
        let largest = numbers(sizes.iter().copied().max().unwrap(), DType::F32);
        let held = Held { largest, parameters: sizes.iter().sum(), activations, on_host: 0 }.and_packed(folded);
        held.bytes_at(Placement::new(Device::Cpu, precision).unwrap()).0
    }

    /// Against the peaks of processes that run one step, in MiB, as kernels/PERF.md has them: an allocator's part is in those.
    #[track_caller]
    fn assert_near(bytes: impl Fn(Precision) -> u64, measured: [(Precision, f64); 2]) {
        for (precision, measured) in measured {
            let mib = bytes(precision) as f64 / f64::from(1 << 20);
            let ratio = mib / measured;
            println!("{mib:.0} MiB, measured {measured} MiB, {:+.1} %", 100.0 * (ratio - 1.0));
            assert!((0.875..1.03).contains(&ratio), "{precision}: {mib:.0} MiB, measured {measured} MiB");
        }
    }

    #[test]
    fn the_prior_takes_what_was_measured() {
        let config = config("prior", PriorConfig::parse);
        let bytes =
            |precision| on_cpu(|weights| drop(Prior::new(weights, &config)), of_prior(&config, 2), 0, precision);
        assert_near(bytes, [(Precision::Float32, 4032.0), (Precision::BFloat16, 2158.0)]);
    }

    #[track_caller]
    fn assert_unet_near(part: &str, [batch, tokens]: [u64; 2], measured: [(Precision, f64); 2]) {
        let config = config(part, UNetConfig::parse);
        let (activations, folded) = (of_unet(&config, batch, tokens), folded_by_unet(&config));
        let build = |weights: &WeightsReader| drop(UNet::new(weights, &config));
        assert_near(|precision| on_cpu(build, activations, folded, precision), measured);
    }

    #[test]
    fn the_decoder_takes_what_was_measured() {
        assert_unet_near("decoder", [2, 81], [(Precision::Float32, 3995.0), (Precision::BFloat16, 2213.0)]);
    }

    #[test]
    fn super_resolution_takes_what_was_measured() {
        assert_unet_near("super_res_first", [1, 0], [(Precision::Float32, 3964.0), (Precision::BFloat16, 2790.0)]);
    }

    const MIB: u64 = 1 << 20;

    /// The decoder's loads, as it were: two parts at once, then one.
    fn held() -> [Held; 2] {
        [
            Held { largest: 900 * MIB, parameters: 1000 * MIB, activations: 800 * MIB, on_host: 0 },
            Held { largest: 100 * MIB, parameters: 25 * MIB, activations: 3500 * MIB, on_host: 0 },
        ]
    }

    #[test]
    fn on_the_cpu_everything_is_in_the_hosts_memory() {
        let at = |place| need(place, held(), |_| panic!("the CPU has none of its own"));
        assert_eq!(at(Placement::CPU), MemoryNeed::host(5056 * MIB), "what ops keep is counted");
        let half = Placement::new(Device::Cpu, Precision::BFloat16).unwrap();
        assert_eq!(at(half), MemoryNeed::host(3806 * MIB), "activations are float32");
    }

    #[test]
    fn on_a_gpu_the_host_has_one_tensor_and_the_gpu_what_is_computed_with() {
        let free = DeviceMemory { free: 700, reserved: 300, total: 5000, in_use: 100, ..DeviceMemory::default() };
        let at = |precision| {
            let place = Placement::new(Device::Cuda(1), precision).unwrap();
            need(place, held(), |device| (device == place.device).then_some(free))
        };
        let half = at(Precision::Float16);
        assert_eq!(half.host, 900 * MIB + STAGING_BYTES as u64);
        let on_device = DeviceNeed { device: "cuda:1".into(), bytes: 2400 * MIB, available: 1000, total: 5000 };
        assert_eq!(half.device, Some(on_device));
        assert_eq!(at(Precision::Float32).device.unwrap().bytes, 4800 * MIB);
        let unknown = need(Device::Cuda(1).into(), held(), |_| None);
        assert_eq!(unknown, MemoryNeed::host(half.host), "what cannot be asked is left to the run");
    }

    #[test]
    fn what_can_be_had_is_what_is_free_and_what_we_have_as_far_as_we_may() {
        let memory = DeviceMemory { free: 700, reserved: 300, ..DeviceMemory::default() };
        assert_eq!(can_be_had(&memory), 1000);
        assert_eq!(can_be_had(&DeviceMemory { limit: Some(400), ..memory }), 400);
    }

    #[test]
    fn activations_grow_with_the_batch() {
        let config = config("decoder", UNetConfig::parse);
        assert_eq!(of_unet(&config, 6, 0), 3 * of_unet(&config, 2, 0));
    }
}
