//! `Prior`: text to a CLIP image embedding.

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Literals, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, kinds,
};
use easel_kernels::profile;

use super::from_model::{Load, ModelNode};
use super::reported::Reported;
use super::sockets::{self, PictureTexts};
use crate::config::PriorConfig;
use crate::kinds::{ImageEmbedding, TextEncoding, kind};
use crate::memory;
use crate::models::prior::Prior as Model;
use crate::parts;
use crate::sampling::{Schedule, Stage, sample_prior};
use crate::uses::Used;
use crate::weights::ModelFolder;

/// Samples CLIP image embeddings from the diffusion prior.
pub(super) struct Prior;

const PART: &str = "prior";

impl ModelNode for Prior {
    const USED: &'static [Used<'static>] = &[Used::Part(PART)];

    type Configs = PriorConfig;

    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Prior", "Samples a CLIP image embedding for a text from the diffusion prior.")
            .lanes(Lanes::All)
            .input(sockets::model())
            .input(InputSpec::new("text", kind::TEXT_ENCODING, "what the pictures should show"))
            .input(sockets::negative())
            .input(sockets::schedule())
            .input(sockets::guidance_scale(4.0))
            .input(
                InputSpec::new("pictures", kinds::INTEGER, "how many embeddings per text")
                    .range(1.0..=1024.0)
                    .default(1_i64),
            )
            .input(sockets::seed())
            .input(sockets::noise())
            .output(OutputSpec::new(
                "embedding",
                kind::IMAGE_EMBEDDING,
                "[texts · pictures, embedding_dim], the pictures of one text after the other",
            ))
    }

    fn configs(folder: &ModelFolder) -> Result<PriorConfig, NodeError> {
        Ok(parts::config(folder, PART, PriorConfig::parse)?)
    }

    fn loads(config: &PriorConfig, literals: &Literals<'_>) -> Vec<Load> {
        let texts = literals.get::<TextEncoding>("text").map_or(1, |text| text.batch() as u64);
        let pictures = literals.get::<i64>("pictures").map_or(1, |&pictures| pictures.unsigned_abs());
        let batch = texts.saturating_mul(pictures).saturating_mul(sockets::branches(literals));
        vec![Load { parts: &[PART], activations: memory::of_prior(config, batch), folded: 0, on_host: 0 }]
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let _profiled = profile::scope(context.node());
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let config = parts::config(&folder, PART, PriorConfig::parse)?;
        let pictures = *inputs.get::<i64>("pictures")?;
        let pictures = usize::try_from(pictures).map_err(|_| NodeError::new(format!("{pictures} pictures")))?;
        let texts = PictureTexts::from_inputs(inputs, pictures)?;
        texts.expect("prior", config.embedding_dim, Some(config.num_embeddings))?;
        let schedule = inputs.get::<Schedule>("schedule")?;
        let draws = sockets::draws(inputs, Stage::Prior, schedule, texts.batch(), &[config.embedding_dim])?;
        let model = parts::load(context, &folder, PART, |weights| Model::new(weights, &config))?;
        memory::reserve(model.place(), memory::of_prior(&config, texts.rows()))?;
        let embedding = sample_prior(&model, schedule, texts.guided(), &draws, &mut Reported::new(context))?;
        Ok(Outputs::one("embedding", ImageEmbedding(embedding)))
    }
}
