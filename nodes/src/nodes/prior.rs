//! `Prior`: text to a CLIP image embedding.

use easel_engine::{
    Context, InputProblem, InputSpec, Inputs, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs,
    kinds,
};

use super::sockets::{self, PictureTexts};
use crate::config::PriorConfig;
use crate::kinds::{ImageEmbedding, kind};
use crate::models::prior::Prior as Model;
use crate::parts;
use crate::sampling::{Schedule, Stage, sample_prior};

/// Samples CLIP image embeddings from the diffusion prior.
pub struct Prior;

impl Node for Prior {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Prior", "Samples a CLIP image embedding for a text from the diffusion prior.")
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
            parts::config(folder, "prior", PriorConfig::parse)?;
            folder.weights("prior")?;
            Ok(())
        })
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let config = parts::config(&folder, "prior", PriorConfig::parse)?;
        let pictures = *inputs.get::<i64>("pictures")?;
        let pictures = usize::try_from(pictures).map_err(|_| NodeError::new(format!("{pictures} pictures")))?;
        let texts = PictureTexts::from_inputs(inputs, pictures)?;
        texts.expect("prior", config.embedding_dim, Some(config.num_embeddings))?;
        let schedule = inputs.get::<Schedule>("schedule")?;
        let draws = sockets::draws(inputs, Stage::Prior, schedule, texts.batch(), &[config.embedding_dim])?;
        let model = parts::load(context, &folder, "prior", |weights| Model::new(weights, &config))?;
        let embedding = sample_prior(&model, schedule, texts.guided(), draws, &mut sockets::report(context))?;
        Ok(Outputs::one("embedding", ImageEmbedding(embedding)))
    }
}
