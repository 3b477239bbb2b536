//! Nodes that run parts of a model. What they check, watch, depend on and take of memory follows from one description of
//! these parts.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, Inputs, Literals, MemoryNeed, Node, NodeError, NodeResult, NodeSpec, Surroundings,
};
use easel_kernels::{Device, Placement};

use super::sockets;
use crate::memory::{self, Held};
use crate::parts;
use crate::uses::{self, Used};
use crate::weights::ModelFolder;

/// A node that runs parts of the model in its `model` input. [`FromModel`] makes a [`Node`] of it.
pub(super) trait ModelNode: Send + Sync {
    /// What it reads of the model. The weights of every part in it must be there before the run.
    const USED: &'static [Used<'static>];

    /// The configurations of its parts.
    type Configs;

    /// As [`Node::spec`].
    fn spec(&self) -> NodeSpec;

    /// Reads them, and finds what does not fit together.
    fn configs(folder: &ModelFolder) -> Result<Self::Configs, NodeError>;

    /// What is in memory at once: one for all parts, or one for each of those that follow each other. How many texts or
    /// pictures come by wire is not known before the run; then it is for one.
    fn loads(configs: &Self::Configs, literals: &Literals<'_>) -> Vec<Load>;

    /// As [`Node::run`].
    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult;
}

/// Parts of a model that are in memory at once.
pub(super) struct Load {
    pub(super) parts: &'static [&'static str],
    /// Bytes that a forward pass in float32 takes beside their weights.
    pub(super) activations: u64,
    /// Numbers that their packed weights have more than those in the files.
    pub(super) folded: u64,
    /// Bytes that are in the host's memory beside, wherever it computes.
    pub(super) on_host: u64,
}

/// A node of such a description.
pub(super) struct FromModel<N>(pub(super) N);

impl<N: ModelNode> Node for FromModel<N> {
    fn spec(&self) -> NodeSpec {
        self.0.spec()
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_model(literals, |folder| {
            N::configs(folder)?;
            for used in N::USED {
                if let Used::Part(part) = used {
                    folder.weights(part)?;
                }
            }
            Ok(())
        })
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        uses::external(inputs, surroundings, N::USED)
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        uses::watched(literals, N::USED)
    }

    fn memory(&self, literals: &Literals<'_>) -> Option<MemoryNeed> {
        let folder = uses::model_of(literals)?;
        let configs = N::configs(&folder).ok()?;
        let held = |load: &Load| {
            let weights: Option<Vec<_>> = load.parts.iter().map(|part| folder.weights(part).ok()).collect();
            Some(Held::new(load.activations, &weights?).and_packed(load.folded).and_on_host(load.on_host))
        };
        let held: Option<Vec<_>> = N::loads(&configs, literals).iter().map(held).collect();
        let run = literals.service::<Placement>().copied();
        let place = match (literals.device(), run.unwrap_or_default()) {
            // One that cannot be used is told of elsewhere.
            (Some(name), run) => parts::placed(run, name).ok()?,
            (None, run) => run,
        };
        // Where there is no run, nothing is asked of a device.
        let memory_of = |device: Device| run.and_then(|_| device.memory().ok().flatten());
        Some(memory::need(place, held?, memory_of))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let result = self.0.run(inputs, context);
        easel_kernels::release_spare_memory();
        result
    }
}

#[cfg(all(test, feature = "builtin-models"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::path::Path;

    use easel_engine::{Lanes, Services, Value};
    use easel_kernels::Tensor;

    use super::*;
    use crate::kinds::{Image, ImageEmbedding, TextEncoding, Tokens};
    use crate::nodes::{clip_image_encoder, clip_text_encoder, decoder, prior, upsampler, upscale};

    fn memory(node: &dyn Node, given: impl IntoIterator<Item = (&'static str, Value)>) -> u64 {
        let model = ("model", Value::new("builtin:emoji-unclip".to_string()));
        let inputs = Inputs::new(std::iter::once(model).chain(given));
        let need = node.memory(&Literals::of(&inputs, Path::new("."))).unwrap();
        assert_eq!(need.device, None, "the CPU has no memory of its own");
        need.host
    }

    #[test]
    fn a_node_on_a_gpu_takes_less_of_the_hosts_memory_wherever_the_run_computes() {
        let inputs =
            Inputs::new([("model", Value::new("builtin:emoji-unclip".to_string())), ("pictures", Value::new(64_i64))]);
        let host = |run: Placement, device| {
            let services = Services::default().with(run);
            let literals = Literals::of(&inputs, Path::new(".")).at(&services, device);
            FromModel(prior::Prior).memory(&literals).map(|need| need.host)
        };
        let on_cpu = host(Placement::CPU, None).unwrap();
        assert_eq!(on_cpu, memory(&FromModel(prior::Prior), [("pictures", Value::new(64_i64))]));
        // As if there were a GPU.
        let gpu = Device::Cuda(1_000_000).into();
        let on_gpu = host(gpu, None).unwrap();
        assert_eq!(host(gpu, Some("cpu")), Some(on_cpu), "the workflow's word counts");
        let folder = ModelFolder::open("builtin:emoji-unclip", Path::new(".")).unwrap();
        let largest = folder.weights("prior").unwrap().largest_tensor();
        assert_eq!(on_gpu, largest + easel_kernels::STAGING_BYTES as u64);
        assert_eq!(host(gpu, Some("cuda:999999")), None, "that is said where devices are looked at");
    }

    fn zeros<const RANK: usize>(dims: [usize; RANK]) -> Tensor {
        Tensor::zeros(dims).unwrap()
    }

    /// How activations grow is tested beside what counts them; what ops keep of them has a limit.
    #[track_caller]
    fn assert_grows(node: &dyn Node, input: &'static str, batch: impl Fn(usize) -> Value) {
        let of = |count: usize| memory(node, [(input, batch(count))]);
        assert_eq!(memory(node, []), of(1), "what is not known counts as one");
        // Those of a few texts are less than a tensor of the file, whose memory is free by then.
        let grown = [1, 50, 100].map(of);
        assert!(grown.is_sorted_by(|less, more| less < more), "{grown:?}");
    }

    #[test]
    fn what_comes_by_wire_is_counted_once_it_is_known() {
        let encoding = |batch| {
            let (text_embeds, hidden_states) = (zeros([batch, 4]), zeros([batch, 3, 4]));
            Value::new(TextEncoding { text_embeds, hidden_states, key_bias: zeros([batch, 3]) })
        };
        let pictures = |batch| Value::new(Image::new(zeros([batch, 2, 2, 3])).unwrap());
        let tokens = |batch| Value::new(Tokens { ids: vec![0; batch], mask: vec![true; batch], batch, length: 1 });
        assert_grows(&FromModel(prior::Prior), "text", encoding);
        assert_grows(&FromModel(decoder::Decoder), "embedding", |batch| Value::new(ImageEmbedding(zeros([batch, 4]))));
        assert_grows(&FromModel(upsampler::Upsampler), "image", pictures);
        assert_grows(&FromModel(clip_image_encoder::ClipImageEncoder), "image", pictures);
        assert_grows(&FromModel(clip_text_encoder::ClipTextEncoder), "tokens", tokens);
    }

    /// A large picture is worked on in tiles: only the result grows with it, and that is the host's wherever they are.
    #[test]
    fn of_a_large_picture_only_the_result_is_in_memory() {
        let of = |side: usize, services: &Services| {
            let model = ("model", Value::new("builtin:realesr-animevideov3-x4".to_string()));
            let image = ("image", Value::new(Image::new(zeros([1, side, side, 3])).unwrap()));
            let inputs = Inputs::new([model, image]);
            FromModel(upscale::Upscale).memory(&Literals::of(&inputs, Path::new(".")).at(services, None)).unwrap().host
        };
        let result = |side: usize| (16 * side * side * 3 * size_of::<f32>()) as u64;
        let cpu = Services::default().with(Placement::CPU);
        // One picture is four tiles, the other sixteen; those in its middle have margins on all sides.
        let (small, large) = (of(512, &cpu) - result(512), of(1024, &cpu) - result(1024));
        assert!(small < large && large < small * 6 / 5, "{small} {large}");
        let gpu = Services::default().with(Placement::from(Device::Cuda(1_000_000)));
        assert_eq!(of(1024, &gpu) - of(512, &gpu), result(1024) - result(512));
    }

    /// Nodes do not wait for a device's memory, so no two that take some may run at once.
    #[test]
    fn those_that_run_models_take_all_lanes() {
        let nodes: [&dyn Node; 6] = [
            &FromModel(prior::Prior),
            &FromModel(decoder::Decoder),
            &FromModel(upsampler::Upsampler),
            &FromModel(upscale::Upscale),
            &FromModel(clip_image_encoder::ClipImageEncoder),
            &FromModel(clip_text_encoder::ClipTextEncoder),
        ];
        assert!(nodes.iter().all(|node| node.spec().lanes == Lanes::All));
    }

    #[test]
    fn guidance_and_pictures_multiply() {
        let with = |pictures: i64, scale: f64| {
            let given = [("pictures", Value::new(pictures)), ("guidance_scale", Value::new(scale))];
            memory(&FromModel(prior::Prior), given)
        };
        assert_eq!(with(4, 1.0), with(2, 4.0));
        assert!(with(1, 1.0) < with(1, 4.0));
    }
}
