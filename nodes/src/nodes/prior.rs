//! `Prior`: text to a CLIP image embedding.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec,
    OutputSpec, Outputs, Surroundings, kinds,
};

use super::reported::Reported;
use super::sockets::{self, PictureTexts};
use crate::config::PriorConfig;
use crate::kinds::{ImageEmbedding, kind};
use crate::memory;
use crate::models::prior::Prior as Model;
use crate::parts;
use crate::sampling::{Schedule, Stage, sample_prior};
use crate::uses::{self, Used};

/// Samples CLIP image embeddings from the diffusion prior.
pub struct Prior;

const PART: &str = "prior";

/// What it reads of the model.
const USED: &[Used<'_>] = &[Used::Part(PART)];

impl Node for Prior {
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

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_model(literals, |folder| {
            parts::config(folder, PART, PriorConfig::parse)?;
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
        let config = parts::config(&folder, PART, PriorConfig::parse).ok()?;
        // How many texts there are is known when they come.
        let pictures = literals.get::<i64>("pictures").map_or(1, |&pictures| pictures.unsigned_abs());
        let batch = pictures.saturating_mul(sockets::branches(literals));
        Some(memory::of_weights(&folder.weights(PART).ok()?) + memory::of_prior(&config, batch))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let config = parts::config(&folder, PART, PriorConfig::parse)?;
        let pictures = *inputs.get::<i64>("pictures")?;
        let pictures = usize::try_from(pictures).map_err(|_| NodeError::new(format!("{pictures} pictures")))?;
        let texts = PictureTexts::from_inputs(inputs, pictures)?;
        texts.expect("prior", config.embedding_dim, Some(config.num_embeddings))?;
        let schedule = inputs.get::<Schedule>("schedule")?;
        let draws = sockets::draws(inputs, Stage::Prior, schedule, texts.batch(), &[config.embedding_dim])?;
        let model = parts::load(context, &folder, PART, |weights| Model::new(weights, &config))?;
        let embedding = sample_prior(&model, schedule, texts.guided(), &draws, &mut Reported::new(context))?;
        Ok(Outputs::one("embedding", ImageEmbedding(embedding)))
    }
}
