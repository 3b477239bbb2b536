//! `ClipImageEncoder`: pictures to embeddings.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec,
    OutputSpec, Outputs, Surroundings,
};
use easel_kernels::Tensor;

use super::sockets;
use crate::config::{ClipVisionConfig, ImageProcessorConfig};
use crate::error::Error;
use crate::kinds::{Image, ImageEmbedding, kind};
use crate::memory;
use crate::models::clip::ClipVision;
use crate::parts;
use crate::picture;
use crate::uses::{self, Used};
use crate::weights::ModelFolder;

/// Runs CLIP's image tower.
pub struct ClipImageEncoder;

const PART: &str = "image_encoder";
const PROCESSOR: &str = "feature_extractor/preprocessor_config.json";

/// What it reads of the model.
const USED: &[Used<'_>] = &[Used::Part(PART), Used::File(PROCESSOR)];

impl Node for ClipImageEncoder {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "ClipImageEncoder",
            "Encodes pictures with CLIP's image tower. A Decoder makes variations of them from the embedding.",
        )
        .lanes(Lanes::All)
        .input(sockets::model())
        .input(InputSpec::new("image", kind::IMAGE, "pictures of any size; each is resized and cropped to a square"))
        .output(OutputSpec::new("embedding", kind::IMAGE_EMBEDDING, "one per picture, not normalised"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_model(literals, |folder| {
            configs(folder)?;
            folder.weights(PART)?;
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
        let config = parts::config(&folder, PART, ClipVisionConfig::parse).ok()?;
        Some(memory::of_weights(&folder.weights(PART).ok()?) + memory::of_vision_tower(&config, 1))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let (config, processor) = configs(&folder)?;
        let pixel_values = preprocess(inputs.get::<Image>("image")?, &processor, config.image_size)?;
        let model = parts::load(context, &folder, PART, |weights| ClipVision::new(weights, &config))?;
        let output = model.forward(&pixel_values).map_err(Error::from)?;
        Ok(Outputs::one("embedding", ImageEmbedding(output.image_embeds)))
    }
}

fn configs(folder: &ModelFolder) -> Result<(ClipVisionConfig, ImageProcessorConfig), NodeError> {
    let config = parts::config(folder, PART, ClipVisionConfig::parse)?;
    Ok((config, parts::json(folder, PROCESSOR, ImageProcessorConfig::parse)?))
}

/// `[batch, side, side, 3]`, normalised as the model was trained.
fn preprocess(image: &Image, processor: &ImageProcessorConfig, side: usize) -> Result<Tensor, NodeError> {
    let pictures = image.to_rgb()?;
    let mut values = Vec::with_capacity(pictures.len() * side * side * 3);
    for rgb in &pictures {
        let prepared = picture::preprocess(rgb, processor)?;
        if (prepared.height, prepared.width) != (side, side) {
            return Err(NodeError::new(format!(
                "the image processor makes {}×{} pictures and the image encoder takes {side}×{side}",
                prepared.width, prepared.height
            ))
            .with_hint("crop_size in preprocessor_config.json must be image_size in the encoder's config.json"));
        }
        values.extend(prepared.values);
    }
    Ok(Tensor::from_f32(values, [pictures.len(), side, side, 3]).map_err(Error::from)?)
}
