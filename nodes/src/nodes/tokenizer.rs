//! `Tokenizer`: prompts to token ids.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec,
    Outputs, Surroundings, kinds,
};

use super::sockets;
use crate::kinds::{Tokens, kind};
use crate::model_card::{self, ModelCard};
use crate::parts;
use crate::uses::{self, Used};

/// Splits texts into the tokens of a model's vocabulary.
pub struct Tokenizer;

/// What it reads of the model.
const USED: &[Used<'_>] = &[Used::Tokenizer];

impl Node for Tokenizer {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "Tokenizer",
            "Splits texts into the tokens of a model's vocabulary, padded to its context. \
             What does not fit into the context is cut, with a warning that says what. \
             Of a model that knows few words, a warning names those that it does not know.",
        )
        .input(sockets::model())
        .input(InputSpec::new("text", kinds::TEXT, "one prompt, or a list of them; may be empty").or(kinds::TEXT_LIST))
        .output(OutputSpec::new("tokens", kind::TOKENS, "ids and padding mask, [texts, context length]"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_model(literals, |folder| {
            parts::tokenizer(folder)?;
            Ok(())
        })
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        uses::external(inputs, surroundings, USED)
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        uses::watched(literals, USED)
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let tokenizer = parts::tokenizer(&folder)?;
        let texts = texts(inputs)?;
        if texts.is_empty() {
            return Err(NodeError::new("the list of texts is empty").with_hint("give at least one, \"\" is enough"));
        }
        let length = tokenizer.context_length();
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        // A card that cannot be read is for `easel models show` to complain about: pictures come without it too.
        let card = ModelCard::of(&folder).ok().flatten();
        let vocabulary = card.and_then(|card| card.vocabulary);
        for text in &texts {
            let strange = vocabulary.as_ref().map(|vocabulary| vocabulary.strange(text));
            if let Some(warning) = strange.and_then(|strange| model_card::warning(&strange)) {
                context.warn(warning);
            }
            let encoded = tokenizer.encode(text)?;
            if let Some(cut) = &encoded.truncated {
                context.warn(cut_warning(length, cut));
            }
            ids.extend(encoded.ids);
            mask.extend(encoded.mask);
        }
        Ok(Outputs::one("tokens", Tokens { ids, mask, batch: texts.len(), length }))
    }
}

fn texts(inputs: &Inputs) -> Result<Vec<String>, NodeError> {
    Ok(inputs.texts("text")?.into_iter().map(String::from).collect())
}

/// Says what was cut, but not a whole novel.
fn cut_warning(length: usize, cut: &str) -> String {
    const SHOWN: usize = 120;
    let shown = match cut.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?} and {} more characters", &cut[..end], cut[end..].chars().count()),
        None => format!("{cut:?}"),
    };
    format!("the text is longer than the model's {length} tokens; this was cut: {shown}")
}
