//! Sockets that several nodes have, with one meaning and one text.

use std::path::{Component, Path, PathBuf};

use easel_engine::{Context, InputProblem, InputSpec, Inputs, Literals, NodeError, kinds};

use crate::error::Error;
use crate::kinds::{TensorValue, TextEncoding, kind};
use crate::sampling::{Draws, GuidedText, Schedule, Stage};
use crate::weights::ModelFolder;

pub(super) fn model() -> InputSpec {
    InputSpec::new(
        "model",
        kinds::TEXT,
        "which checkpoint: builtin:NAME, hf:OWNER/NAME, or a folder (relative to the workflow)",
    )
}

pub(super) fn seed() -> InputSpec {
    InputSpec::new("seed", kinds::INTEGER, "picture i of a batch draws its noise from seed + i")
        .range(0.0..=9_007_199_254_740_992.0)
        .default(0_i64)
}

pub(super) fn guidance_scale(default: f64) -> InputSpec {
    InputSpec::new(
        "guidance_scale",
        kinds::FLOAT,
        "how strongly to lead away from `negative`: 1 does not, more follows the text more and varies less",
    )
    .range(1.0..=100.0)
    .default(default)
}

pub(super) fn negative() -> InputSpec {
    InputSpec::new(
        "negative",
        kind::TEXT_ENCODING,
        "what to lead away from, mostly the encoding of an empty text; needed when guidance_scale is above 1",
    )
    .optional()
}

pub(super) fn schedule() -> InputSpec {
    InputSpec::new("schedule", kind::SCHEDULE, "the timesteps to visit, from a Scheduler for the same part")
}

pub(super) fn noise() -> InputSpec {
    InputSpec::new(
        "noise",
        kind::TENSOR,
        "recorded draws in place of the seed's: [draws, batch, …], pictures channels first; \
         the start, then one for every step but the last",
    )
    .optional()
}

/// The draws of a loop: recorded ones if there are any, the seed's otherwise.
pub(super) fn draws(
    inputs: &Inputs,
    stage: Stage,
    schedule: &Schedule,
    batch: usize,
    item: &[usize],
) -> Result<Draws, NodeError> {
    match inputs.optional::<TensorValue>("noise")? {
        Some(TensorValue(recorded)) => {
            let count = schedule.timesteps().len();
            Ok(Draws::recorded(recorded.clone(), stage, count, batch, item)?)
        }
        None => Ok(Draws::from_seed(seed_of(inputs)?, stage, batch, item)),
    }
}

/// How many branches a guided loop runs side by side, as far as is known.
pub(super) fn branches(literals: &Literals<'_>) -> u64 {
    if literals.get::<f64>("guidance_scale") == Some(&1.0) { 1 } else { 2 }
}

/// The seed of the first picture.
pub(super) fn seed_of(inputs: &Inputs) -> Result<u64, NodeError> {
    let seed = *inputs.get::<i64>("seed")?;
    u64::try_from(seed).map_err(|_| NodeError::new(format!("seed {seed} is negative")))
}

/// `positive` and `negative`, each repeated to one encoding per picture.
pub(super) struct PictureTexts {
    positive: TextEncoding,
    negative: Option<TextEncoding>,
    guidance_scale: f32,
}

impl PictureTexts {
    /// `pictures` per text. Scale 1 is no guidance: the negative text is then not even looked at.
    pub(super) fn from_inputs(inputs: &Inputs, pictures: usize) -> Result<Self, NodeError> {
        let positive = inputs.get::<TextEncoding>("text")?;
        let guidance_scale = *inputs.get::<f64>("guidance_scale")? as f32;
        let negative = match inputs.optional::<TextEncoding>("negative")? {
            _ if guidance_scale == 1.0 => None,
            None => {
                return Err(NodeError::new(format!("guidance_scale is {guidance_scale} but `negative` is missing"))
                    .with_hint("wire the encoding of an empty text to `negative`, or set guidance_scale to 1"));
            }
            Some(negative) => Some(broadcast(negative, positive.batch())?),
        };
        let repeat = |text: &TextEncoding| repeat(text, pictures);
        Ok(PictureTexts {
            positive: repeat(positive)?,
            negative: negative.as_ref().map(repeat).transpose()?,
            guidance_scale,
        })
    }

    /// Number of pictures.
    pub(super) fn batch(&self) -> usize {
        self.positive.batch()
    }

    /// Number of pictures that a network draws at once: both branches of guidance are.
    pub(super) fn rows(&self) -> u64 {
        let branches = if self.negative.is_some() { 2 } else { 1 };
        branches * self.batch() as u64
    }

    /// As the sampling loops take it.
    pub(super) fn guided(&self) -> GuidedText<'_> {
        GuidedText { positive: &self.positive, negative: self.negative.as_ref(), guidance_scale: self.guidance_scale }
    }

    /// An error if a text is not as wide and long as a part wants it.
    pub(super) fn expect(&self, part: &str, width: usize, tokens: Option<usize>) -> Result<(), NodeError> {
        for text in [Some(&self.positive), self.negative.as_ref()].into_iter().flatten() {
            let (found_width, found_tokens) = (text.text_embeds.dims()[1], text.hidden_states.dims()[1]);
            let wide = text.hidden_states.dims()[2];
            if found_width != width || wide != width || tokens.is_some_and(|tokens| tokens != found_tokens) {
                let length = tokens.map(|tokens| format!(" of {tokens} tokens")).unwrap_or_default();
                return Err(NodeError::new(format!(
                    "the {part} wants a text encoding {width} wide{length}; \
                     it was given one of {found_tokens} tokens, {found_width} wide (hidden states {wide})"
                ))
                .with_hint("the text encoder must be the one that this model was trained with"));
            }
        }
        Ok(())
    }
}

/// One negative text serves a whole batch.
fn broadcast(text: &TextEncoding, batch: usize) -> Result<TextEncoding, NodeError> {
    match text.batch() {
        1 => repeat(text, batch),
        found if found == batch => Ok(text.clone()),
        found => Err(NodeError::new(format!("`text` holds {batch} texts and `negative` {found}"))
            .with_hint("give one negative text for all, or as many as there are texts")),
    }
}

fn repeat(text: &TextEncoding, times: usize) -> Result<TextEncoding, NodeError> {
    if times == 1 {
        return Ok(text.clone());
    }
    let repeat = |tensor: &easel_kernels::Tensor| tensor.repeat_interleave(times).map_err(Error::from);
    Ok(TextEncoding {
        text_embeds: repeat(&text.text_embeds)?,
        hidden_states: repeat(&text.hidden_states)?,
        key_bias: repeat(&text.key_bias)?,
    })
}

/// Finds a missing file before the run.
pub(super) fn check_file_exists(literals: &Literals<'_>, input: &'static str) -> Vec<InputProblem> {
    let Some(text) = literals.get::<String>(input) else { return Vec::new() };
    let path = literals.base_dir().join(text);
    if path.is_file() {
        return Vec::new();
    }
    let message = format!("there is no file {}", path.display());
    let hint = Some("relative paths count from the workflow's folder".to_string());
    vec![InputProblem { input, message, hint }]
}

/// Finds a model that cannot be used before the run: `look` is where a node reads the parts that it will need, but not
/// their numbers. A model from a hub is left to the run: it may have to be fetched.
pub(super) fn check_model(
    literals: &Literals<'_>,
    look: impl FnOnce(&ModelFolder) -> Result<(), NodeError>,
) -> Vec<InputProblem> {
    let Some(source) = literals.get::<String>("model").filter(|source| !source.starts_with("hf:")) else {
        return Vec::new();
    };
    let folder = ModelFolder::open(source, literals.base_dir()).map_err(NodeError::from);
    match folder.and_then(|folder| look(&folder)) {
        Err(NodeError::Failed { message, hint, .. }) => vec![InputProblem { input: "model", message, hint }],
        Ok(()) | Err(NodeError::Cancelled) => Vec::new(),
    }
}

/// A name for a file inside the output folder.
///
/// # Errors
/// Names that lead out of it: a workflow from a stranger must not choose where it writes.
pub(super) fn path_in_out_dir(context: &Context<'_>, name: &str) -> Result<PathBuf, NodeError> {
    if is_inside(name) { Ok(context.out_dir().join(name)) } else { Err(outside(name).into()) }
}

/// Finds a name that [`path_in_out_dir`] would refuse before the run, which may be long.
pub(super) fn check_path_in_out_dir(literals: &Literals<'_>, input: &'static str) -> Vec<InputProblem> {
    let name = literals.get::<String>(input).filter(|name| !is_inside(name));
    let problem = name.map(|name| outside(name)).map(|error| problem(input, &error));
    problem.into_iter().collect()
}

fn is_inside(name: &str) -> bool {
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let names_a_file = Path::new(name).file_name().is_some() && !name.ends_with('/');
    inside && names_a_file && !name.chars().any(char::is_control)
}

fn outside(name: &str) -> Error {
    Error::invalid(format!("{name:?} is no name for a file inside the output folder"))
        .with_hint("use a plain name or folder/name; --out chooses the output folder")
}

fn problem(input: &'static str, error: &Error) -> InputProblem {
    InputProblem { input, message: error.to_string(), hint: error.hint() }
}
