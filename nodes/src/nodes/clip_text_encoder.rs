//! `ClipTextEncoder`: tokens to embeddings.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec,
    OutputSpec, Outputs, Surroundings,
};
use easel_kernels::Tensor;

use super::sockets;
use crate::config::ClipTextConfig;
use crate::error::Error;
use crate::kinds::{MASKED, TextEncoding, Tokens, kind};
use crate::memory;
use crate::models::clip::ClipText;
use crate::parts;
use crate::uses::{self, Used};

/// Runs CLIP's text tower.
pub struct ClipTextEncoder;

const PART: &str = "text_encoder";

/// What it reads of the model.
const USED: &[Used<'_>] = &[Used::Part(PART)];

impl Node for ClipTextEncoder {
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

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_model(literals, |folder| {
            parts::config(folder, PART, ClipTextConfig::parse)?;
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
        let config = parts::config(&folder, PART, ClipTextConfig::parse).ok()?;
        Some(memory::of_weights(&folder.weights(PART).ok()?) + memory::of_text_tower(&config, 1))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let tokens = inputs.get::<Tokens>("tokens")?;
        let config = parts::config(&folder, PART, ClipTextConfig::parse)?;
        check(tokens, &config)?;
        let model = parts::load(context, &folder, PART, |weights| ClipText::new(weights, &config))?;
        let output = model.forward(&tokens.ids, tokens.batch, tokens.length).map_err(Error::from)?;
        let key_bias = tokens.mask.iter().map(|&used| if used { 0.0 } else { MASKED }).collect();
        let key_bias = Tensor::from_f32(key_bias, [tokens.batch, tokens.length]).map_err(Error::from)?;
        let (text_embeds, hidden_states) = (output.text_embeds, output.last_hidden_state);
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
