//! `ClipTextEncoder`: tokens to embeddings.

use easel_engine::{Context, InputSpec, Inputs, Lanes, Literals, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs};
use easel_kernels::{Tensor, profile};

use super::from_model::{Load, ModelNode};
use super::sockets;
use crate::config::ClipTextConfig;
use crate::error::Error;
use crate::kinds::{MASKED, TextEncoding, Tokens, kind};
use crate::memory;
use crate::models::clip::ClipText;
use crate::parts;
use crate::uses::Used;
use crate::weights::ModelFolder;

/// Runs CLIP's text tower.
pub(super) struct ClipTextEncoder;

const PART: &str = "text_encoder";

impl ModelNode for ClipTextEncoder {
    const USED: &'static [Used<'static>] = &[Used::Part(PART)];

    type Configs = ClipTextConfig;

    fn spec(&self) -> NodeSpec {
        NodeSpec::new("ClipTextEncoder", "Encodes tokens with CLIP's text tower.")
            .lanes(Lanes::All)
            .input(sockets::model())
            .input(InputSpec::new("tokens", kind::TOKENS, "from a Tokenizer of the same model"))
            .output(OutputSpec::new(
                "encoding",
                kind::TEXT_ENCODING,
                "one pooled embedding per text, and the hidden state of every token",
            ))
    }

    fn configs(folder: &ModelFolder) -> Result<ClipTextConfig, NodeError> {
        Ok(parts::config(folder, PART, ClipTextConfig::parse)?)
    }

    fn loads(config: &ClipTextConfig, literals: &Literals<'_>) -> Vec<Load> {
        let texts = literals.get::<Tokens>("tokens").map_or(1, |tokens| tokens.batch as u64);
        vec![Load { parts: &[PART], activations: memory::of_text_tower(config, texts), folded: 0, on_host: 0 }]
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let _profiled = profile::scope(context.node());
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let tokens = inputs.get::<Tokens>("tokens")?;
        let config = parts::config(&folder, PART, ClipTextConfig::parse)?;
        check(tokens, &config)?;
        let model = parts::load(context, &folder, PART, |weights| ClipText::new(weights, &config))?;
        let output = model.forward(&tokens.ids, tokens.batch, tokens.length).map_err(Error::from)?;
        let key_bias = tokens.mask.iter().map(|&used| if used { 0.0 } else { MASKED }).collect();
        let key_bias = Tensor::from_f32(key_bias, [tokens.batch, tokens.length]).map_err(Error::from)?;
        let on_host = |tensor: &Tensor| tensor.to_host().map_err(Error::from);
        let (text_embeds, hidden_states) = (on_host(&output.text_embeds)?, on_host(&output.last_hidden_state)?);
        Ok(Outputs::one("encoding", TextEncoding { text_embeds, hidden_states, key_bias }))
    }
}

fn check(tokens: &Tokens, config: &ClipTextConfig) -> Result<(), NodeError> {
    let largest = tokens.ids.iter().copied().max().unwrap_or_default() as usize;
    if tokens.length > config.max_position_embeddings || largest >= config.vocab_size {
        return Err(NodeError::new(format!(
            "the tokens ({} per text, largest id {largest}) do not fit the text encoder ({} positions, {} ids)",
            tokens.length, config.max_position_embeddings, config.vocab_size
        ))
        .with_hint("take the Tokenizer and the ClipTextEncoder from the same model"));
    }
    Ok(())
}
