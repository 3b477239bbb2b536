//! `Upsampler`: a small picture to a large one.

use easel_engine::{Context, InputSpec, Inputs, Lanes, Literals, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs};
use easel_kernels::profile;

use super::from_model::{Load, ModelNode};
use super::reported::Reported;
use super::sockets;
use crate::config::UNetConfig;
use crate::kinds::{Image, kind};
use crate::memory;
use crate::models::unet::UNet;
use crate::parts;
use crate::sampling::{Schedule, Stage, SuperResNetwork, sample_super_res};
use crate::uses::Used;
use crate::weights::ModelFolder;

/// Draws a large picture from a small one.
pub(super) struct Upsampler;

const FIRST: &str = "super_res_first";
const LAST: &str = "super_res_last";

impl ModelNode for Upsampler {
    const USED: &'static [Used<'static>] = &[Used::Part(FIRST), Used::Part(LAST)];

    type Configs = (UNetConfig, UNetConfig);

    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "Upsampler",
            "Draws a large picture from a small one with the model's two super-resolution networks: \
             `super_res_first` for every step but the last, which is `super_res_last`'s.",
        )
        .lanes(Lanes::All)
        .input(sockets::model())
        .input(InputSpec::new("image", kind::IMAGE, "pictures, from a Decoder"))
        .input(sockets::schedule())
        .input(sockets::seed())
        .input(sockets::noise())
        .output(OutputSpec::new("image", kind::IMAGE, "[pictures, sample_size, sample_size, 3] in −1 … 1"))
    }

    fn configs(folder: &ModelFolder) -> Result<(UNetConfig, UNetConfig), NodeError> {
        let first = parts::config(folder, FIRST, UNetConfig::parse)?;
        let last = parts::config(folder, LAST, UNetConfig::parse)?;
        check(&first, &last)?;
        Ok((first, last))
    }

    /// One network at a time.
    fn loads((first, last): &Self::Configs, literals: &Literals<'_>) -> Vec<Load> {
        let pictures = literals.get::<Image>("image").map_or(1, |image| image.0.dims()[0] as u64);
        vec![
            Load {
                parts: &[FIRST],
                activations: memory::of_unet(first, pictures, 0),
                folded: memory::folded_by_unet(first),
                on_host: 0,
            },
            Load {
                parts: &[LAST],
                activations: memory::of_unet(last, pictures, 0),
                folded: memory::folded_by_unet(last),
                on_host: 0,
            },
        ]
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let _profiled = profile::scope(context.node());
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let (first, last) = Self::configs(&folder)?;
        let Image(image) = inputs.get("image")?;
        let schedule = inputs.get::<Schedule>("schedule")?;
        let side = first.sample_size;
        let draws = sockets::draws(inputs, Stage::SuperRes, schedule, image.dims()[0], &[side, side, 3])?;
        let mut loaded = Vec::new();
        let mut load = |network, steps: &mut Reported<'_, '_>| {
            let (part, config) = match network {
                SuperResNetwork::First => (FIRST, &first),
                SuperResNetwork::Last => (LAST, &last),
            };
            loaded.push(part);
            let network = parts::load(steps.context(), &folder, part, |weights| UNet::new(weights, config))?;
            memory::reserve(network.place(), memory::of_unet(config, image.dims()[0] as u64, 0))?;
            Ok(network)
        };
        let place = parts::place(context)?;
        let image = sample_super_res(&mut load, place, side, schedule, image, &draws, &mut Reported::new(context))?;
        // A loop that goes on near its end needs one network, but the picture comes from both, and its recipe says so.
        for part in [FIRST, LAST].into_iter().filter(|part| !loaded.contains(part)) {
            parts::note_weights(context, &folder, part)?;
        }
        Ok(Outputs::one("image", Image::new(image)?))
    }
}

/// Both networks take the sample and the upscaled picture side by side, and one carries on where the other stopped.
fn check(first: &UNetConfig, last: &UNetConfig) -> Result<(), NodeError> {
    for (part, config) in [(FIRST, first), (LAST, last)] {
        if config.in_channels != 6 || config.out_channels != 3 {
            return Err(NodeError::new(format!(
                "`{part}` takes {} channels and gives {}: a super-resolution network takes 6 and gives 3",
                config.in_channels, config.out_channels
            )));
        }
        if config.cross_attention_dim.is_some() || config.class_embed_identity {
            return Err(NodeError::new(format!(
                "`{part}` wants a text or an embedding: a super-resolution network takes none"
            ))
            .with_hint("a super-resolution network is a UNet2DModel without attention"));
        }
    }
    if first.sample_size != last.sample_size {
        return Err(NodeError::new(format!(
            "`{FIRST}` draws {0}×{0} pictures and `{LAST}` {1}×{1}",
            first.sample_size, last.sample_size
        )));
    }
    Ok(())
}
