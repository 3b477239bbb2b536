//! `Upsampler`: a small picture to a large one.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec,
    OutputSpec, Outputs, Surroundings,
};

use super::reported::Reported;
use super::sockets;
use crate::config::UNetConfig;
use crate::kinds::{Image, kind};
use crate::memory;
use crate::models::unet::UNet;
use crate::parts;
use crate::sampling::{Schedule, Stage, SuperResNetwork, sample_super_res};
use crate::uses::{self, Used};
use crate::weights::ModelFolder;

/// Draws a large picture from a small one.
pub struct Upsampler;

/// What it reads of the model.
const USED: &[Used<'_>] = &[Used::Part(FIRST), Used::Part(LAST)];

const FIRST: &str = "super_res_first";
const LAST: &str = "super_res_last";

impl Node for Upsampler {
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

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_model(literals, |folder| {
            configs(folder)?;
            folder.weights(FIRST)?;
            folder.weights(LAST)?;
            Ok(())
        })
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        uses::external(inputs, surroundings, USED)
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        uses::watched(literals, USED)
    }

    fn memory(&self, literals: &Literals<'_>) -> Option<u64> {
        let folder = uses::model_of(literals)?;
        let (first, last) = configs(&folder).ok()?;
        let of = |part: &str, config| {
            let weights = folder.weights(part).ok()?;
            // How many pictures there are is known when they come.
            Some(memory::of_weights(&weights) + memory::of_unet(config, 1))
        };
        // One network at a time.
        Some(of(FIRST, &first)?.max(of(LAST, &last)?))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let (first, last) = configs(&folder)?;
        let Image(image) = inputs.get("image")?;
        let schedule = inputs.get::<Schedule>("schedule")?;
        let side = first.sample_size;
        let draws = sockets::draws(inputs, Stage::SuperRes, schedule, image.dims()[0], &[side, side, 3])?;
        let mut load = |network, steps: &mut Reported<'_, '_>| {
            let (part, config) = match network {
                SuperResNetwork::First => (FIRST, &first),
                SuperResNetwork::Last => (LAST, &last),
            };
            Ok(parts::load(steps.context(), &folder, part, |weights| UNet::new(weights, config))?)
        };
        let image = sample_super_res(&mut load, side, schedule, image, &draws, &mut Reported::new(context))?;
        Ok(Outputs::one("image", Image::new(image)?))
    }
}

fn configs(folder: &ModelFolder) -> Result<(UNetConfig, UNetConfig), NodeError> {
    let first = parts::config(folder, FIRST, UNetConfig::parse)?;
    let last = parts::config(folder, LAST, UNetConfig::parse)?;
    check(&first, &last)?;
    Ok((first, last))
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
