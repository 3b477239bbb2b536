//! `Decoder`: a CLIP image embedding and a text to a small picture.

use easel_engine::{Context, InputSpec, Inputs, Lanes, Literals, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs};
use easel_kernels::profile;

use super::from_model::{Load, ModelNode};
use super::reported::Reported;
use super::sockets::{self, PictureTexts};
use crate::config::{TextProjConfig, UNetConfig};
use crate::kinds::{Image, ImageEmbedding, TextEncoding, kind};
use crate::memory;
use crate::models::text_proj::TextProj;
use crate::models::unet::UNet;
use crate::parts;
use crate::sampling::{Schedule, Stage, sample_decoder};
use crate::uses::Used;
use crate::weights::ModelFolder;

/// Draws pictures from CLIP image embeddings.
pub(super) struct Decoder;

const TEXT_PROJ: &str = "text_proj";
const DECODER: &str = "decoder";

impl ModelNode for Decoder {
    const USED: &'static [Used<'static>] = &[Used::Part(TEXT_PROJ), Used::Part(DECODER)];

    type Configs = (UNetConfig, TextProjConfig);

    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Decoder", "Draws a small picture from a CLIP image embedding and a text.")
            .lanes(Lanes::All)
            .input(sockets::model())
            .input(InputSpec::new("embedding", kind::IMAGE_EMBEDDING, "one per picture, from a Prior or an encoder"))
            .input(InputSpec::new("text", kind::TEXT_ENCODING, "the text, or an empty one for variations"))
            .input(sockets::negative())
            .input(sockets::schedule())
            .input(sockets::guidance_scale(8.0))
            .input(sockets::seed())
            .input(sockets::noise())
            .output(OutputSpec::new("image", kind::IMAGE, "[pictures, sample_size, sample_size, 3] in −1 … 1"))
    }

    fn configs(folder: &ModelFolder) -> Result<(UNetConfig, TextProjConfig), NodeError> {
        let decoder = parts::config(folder, DECODER, UNetConfig::parse)?;
        let projection = parts::config(folder, TEXT_PROJ, TextProjConfig::parse)?;
        check(&decoder, &projection)?;
        Ok((decoder, projection))
    }

    fn loads((config, projection): &Self::Configs, literals: &Literals<'_>) -> Vec<Load> {
        let pictures = literals.get::<ImageEmbedding>("embedding").map_or(1, |embedding| embedding.0.dims()[0] as u64);
        let batch = pictures.saturating_mul(sockets::branches(literals));
        let activations = memory::of_unet(config, batch, context_tokens(projection));
        let folded = memory::folded_by_unet(config);
        vec![Load { parts: &[TEXT_PROJ, DECODER], activations, folded, on_host: 0 }]
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let _profiled = profile::scope(context.node());
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let (config, projection) = Self::configs(&folder)?;
        let ImageEmbedding(embedding) = inputs.get("embedding")?;
        let texts = PictureTexts::from_inputs(inputs, pictures_per_text(inputs, embedding.dims()[0])?)?;
        texts.expect("decoder", projection.clip_embeddings_dim, None)?;
        if embedding.dims()[1] != projection.clip_embeddings_dim {
            return Err(NodeError::new(format!(
                "the decoder wants picture embeddings {} wide, it was given {}",
                projection.clip_embeddings_dim,
                embedding.shape()
            ))
            .with_hint("take the Prior and the Decoder from the same model"));
        }
        let schedule = inputs.get::<Schedule>("schedule")?;
        let item = [config.sample_size, config.sample_size, config.in_channels];
        let draws = sockets::draws(inputs, Stage::Decoder, schedule, texts.batch(), &item)?;
        let text_proj = parts::load(context, &folder, TEXT_PROJ, |weights| TextProj::new(weights, &projection))?;
        let decoder = parts::load(context, &folder, DECODER, |weights| UNet::new(weights, &config))?;
        memory::reserve(decoder.place(), memory::of_unet(&config, texts.rows(), context_tokens(&projection)))?;
        let steps = &mut Reported::new(context);
        let image = sample_decoder(&decoder, &text_proj, schedule, texts.guided(), embedding, &draws, steps)?;
        Ok(Outputs::one("image", Image::new(image)?))
    }
}

/// Tokens that the decoder looks at, of a text as long as CLIP takes.
fn context_tokens(projection: &TextProjConfig) -> u64 {
    const TEXT_TOKENS: usize = 77;
    (projection.clip_extra_context_tokens + TEXT_TOKENS) as u64
}

/// How many embeddings there are for each text.
fn pictures_per_text(inputs: &Inputs, embeddings: usize) -> Result<usize, NodeError> {
    let texts = inputs.get::<TextEncoding>("text")?.batch();
    if texts == 0 || embeddings == 0 || !embeddings.is_multiple_of(texts) {
        return Err(NodeError::new(format!("{embeddings} picture embedding(s) cannot be shared by {texts} text(s)"))
            .with_hint("give one text for all pictures, or as many embeddings for each text"));
    }
    Ok(embeddings / texts)
}

/// The decoder draws colours and listens to what the projection says; the variance may take channels of its own.
fn check(decoder: &UNetConfig, projection: &TextProjConfig) -> Result<(), NodeError> {
    let mut problems = Vec::new();
    if decoder.in_channels != 3 || !matches!(decoder.out_channels, 3 | 6) {
        let (takes, gives) = (decoder.in_channels, decoder.out_channels);
        problems.push(format!("it takes {takes} channels and gives {gives}, not 3 and 6 (or 3 without variance)"));
    }
    if !decoder.class_embed_identity {
        problems.push("its class_embed_type is not \"identity\", so it would not see the picture embedding".into());
    }
    if decoder.time_embed_dim() != projection.time_embed_dim {
        let (takes, given) = (decoder.time_embed_dim(), projection.time_embed_dim);
        problems.push(format!("its time embedding is {takes} wide, that of `text_proj` {given}"));
    }
    if let Some(takes) = decoder.cross_attention_dim.filter(|&dim| dim != projection.cross_attention_dim) {
        problems.push(format!(
            "it attends to tokens {takes} wide, those of `text_proj` are {}",
            projection.cross_attention_dim
        ));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(NodeError::new(format!("`decoder` cannot be used as a decoder: {}", problems.join("; ")))
        .with_hint("decoder and text_proj must come from one model, and their config.json must be the original ones"))
}
