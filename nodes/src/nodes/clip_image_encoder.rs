//! `ClipImageEncoder`: pictures to embeddings.

use easel_engine::{Context, InputSpec, Inputs, Lanes, Literals, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs};
use easel_kernels::{Tensor, profile};

use super::from_model::{Load, ModelNode};
use super::sockets;
use crate::config::{ClipVisionConfig, ImageProcessorConfig};
use crate::error::Error;
use crate::kinds::{Image, ImageEmbedding, kind};
use crate::memory;
use crate::models::clip::ClipVision;
use crate::parts;
use crate::picture;
use crate::uses::Used;
use crate::weights::ModelFolder;

/// Runs CLIP's image tower.
pub(super) struct ClipImageEncoder;

const PART: &str = "image_encoder";
const PROCESSOR: &str = "feature_extractor/preprocessor_config.json";

impl ModelNode for ClipImageEncoder {
    const USED: &'static [Used<'static>] = &[Used::Part(PART), Used::File(PROCESSOR)];

    type Configs = (ClipVisionConfig, ImageProcessorConfig);

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

    fn configs(folder: &ModelFolder) -> Result<(ClipVisionConfig, ImageProcessorConfig), NodeError> {
        let config = parts::config(folder, PART, ClipVisionConfig::parse)?;
        Ok((config, parts::json(folder, PROCESSOR, ImageProcessorConfig::parse)?))
    }

    fn loads((config, _): &Self::Configs, literals: &Literals<'_>) -> Vec<Load> {
        let pictures = literals.get::<Image>("image").map_or(1, |image| image.0.dims()[0] as u64);
        vec![Load { parts: &[PART], activations: memory::of_vision_tower(config, pictures), folded: 0, on_host: 0 }]
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let _profiled = profile::scope(context.node());
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let (config, processor) = Self::configs(&folder)?;
        let pixel_values = preprocess(inputs.get::<Image>("image")?, &processor, config.image_size)?;
        let model = parts::load(context, &folder, PART, |weights| ClipVision::new(weights, &config))?;
        let pixel_values = model.place().activation(&pixel_values).map_err(Error::from)?;
        let output = model.forward(&pixel_values).map_err(Error::from)?;
        Ok(Outputs::one("embedding", ImageEmbedding(output.image_embeds.to_host().map_err(Error::from)?)))
    }
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
