//! What a plugin says that it is: a text in RON, made into the specs of its node types.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use ron::Value as Ron;
use ron::extensions::Extensions;
use serde::Deserialize;

use super::abi;
use crate::check;
use crate::document::Literal;
use crate::registry::Registry;
use crate::spec::{InputSpec, Lanes, NodeSpec, OutputSpec, Presence};
use crate::suggest;
use crate::value::Kind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Plugin")]
struct Described {
    #[serde(default)]
    about: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    name: String,
    about: String,
    #[serde(default = "first")]
    version: u32,
    #[serde(default)]
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    about: String,
    kinds: Vec<String>,
    #[serde(default)]
    optional: bool,
    default: Option<Ron>,
    range: Option<(f64, f64)>,
    #[serde(default)]
    choices: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    name: String,
    about: String,
    kind: String,
}

fn first() -> u32 {
    1
}

/// What a plugin is.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) about: String,
    pub(super) nodes: Vec<NodeSpec>,
}

/// Reads a description. Kinds are those that `kinds` knows.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read(bytes: &[u8], kinds: &Registry) -> Result<Description, String> {
    if bytes.len() > abi::MAX_DESCRIPTION {
        return Err(format!("it is {} bytes long; {} are allowed", bytes.len(), abi::MAX_DESCRIPTION));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
    if let Some(character) = text.chars().find(|&c| steers(c)) {
        return Err(format!("it contains the control character {character:?}"));
    }
    let ron = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
    let described: Described = ron.from_str(text).map_err(|error| error.to_string())?;
    if described.nodes.is_empty() {
        return Err("there are no node types in it".into());
    }
    let nodes = described.nodes.into_iter().map(|node| {
        let name = node.name.clone();
        spec(node, kinds).map_err(|reason| format!("node type `{name}`: {reason}"))
    });
    Ok(Description { about: described.about, nodes: nodes.collect::<Result<_, _>>()? })
}

/// Descriptions are shown to people as they are: nothing in them may drive a terminal, or make a line read in another
/// order than it is. Escapes in texts are read later, but control characters cannot be had by them in names.
fn steers(c: char) -> bool {
    (c.is_control() && !c.is_whitespace()) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn spec(node: Node, kinds: &Registry) -> Result<NodeSpec, String> {
    let mut spec = NodeSpec::new(kept(&node.name)?, kept(&node.about)?).version(node.version).lanes(Lanes::One);
    if node.outputs.is_empty() {
        return Err("it has no outputs, and a plugin can do nothing but give some".into());
    }
    for input in node.inputs {
        let name = input.name.clone();
        spec = spec.input(input_spec(input, kinds).map_err(|reason| format!("input `{name}`: {reason}"))?);
    }
    for output in node.outputs {
        let kind = kind(&output.kind, kinds).map_err(|reason| format!("output `{}`: {reason}", output.name))?;
        spec = spec.output(OutputSpec::new(kept(&output.name)?, kind, kept(&output.about)?));
    }
    Ok(spec)
}

fn input_spec(input: Input, kinds: &Registry) -> Result<InputSpec, String> {
    let taken = input.kinds.iter().map(|name| kind(name, kinds)).collect::<Result<Vec<_>, _>>()?;
    let first = *taken.first().ok_or("it takes no kind")?;
    let mut spec = InputSpec::new(kept(&input.name)?, first, kept(&input.about)?);
    spec.kinds = taken;
    spec.choices = input.choices.iter().map(|choice| kept(choice)).collect::<Result<_, _>>()?;
    spec.range = input.range.map(|(least, most)| least..=most);
    spec.presence = match (input.optional, input.default) {
        (false, None) => Presence::Required,
        (true, None) => Presence::Optional,
        (false, Some(default)) => Presence::Default(value(default, &spec.kinds, kinds)?),
        (true, Some(_)) => return Err("it is optional and has a default; it can be one of the two".into()),
    };
    Ok(spec)
}

fn kind(name: &str, kinds: &Registry) -> Result<Kind, String> {
    kinds.kind(name).ok_or_else(|| {
        let known: Vec<_> = kinds.kinds().map(Kind::base).collect();
        let hint = suggest::hint(name, "there are", known.iter().copied()).unwrap_or_default();
        format!("there is no kind {name:?}; {hint}")
    })
}

/// A default as documents would write it.
fn value(default: Ron, taken: &[Kind], kinds: &Registry) -> Result<crate::value::Value, String> {
    let literal = literal(default).ok_or("its default is no text, number, boolean or list of these")?;
    match check::fit_literal(kinds, &literal, taken) {
        Some(value) => value.map_err(|error| format!("its default: {error}")),
        None => Err(format!("its default is {}, a kind that it does not take", literal.kind())),
    }
}

/// The parser bounds how deep lists are.
fn literal(value: Ron) -> Option<Literal> {
    match value {
        Ron::String(text) => Some(Literal::Text(text)),
        Ron::Bool(flag) => Some(Literal::Boolean(flag)),
        Ron::Seq(items) => Literal::list(items.into_iter().map(literal).collect::<Option<_>>()?),
        Ron::Number(number @ (ron::Number::F32(_) | ron::Number::F64(_))) => Some(Literal::Float(number.into_f64())),
        Ron::Number(number) => integer(number).map(Literal::Integer),
        _ => None,
    }
}

fn integer(number: ron::Number) -> Option<i64> {
    match number {
        ron::Number::I8(number) => Some(number.into()),
        ron::Number::I16(number) => Some(number.into()),
        ron::Number::I32(number) => Some(number.into()),
        ron::Number::I64(number) => Some(number),
        ron::Number::U8(number) => Some(number.into()),
        ron::Number::U16(number) => Some(number.into()),
        ron::Number::U32(number) => Some(number.into()),
        ron::Number::U64(number) => number.try_into().ok(),
        _ => None,
    }
}

/// The same text for as long as the process lives, as specs want it. Each text is kept once: a plugin that is loaded
/// again and again takes no more memory, and how much one can take follows from how long descriptions may be.
fn kept(text: &str) -> Result<&'static str, String> {
    static KEPT: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    // Here since escapes have been read: they can stand for what the text itself must not contain.
    if let Some(character) = text.chars().find(|c| c.is_control() || steers(*c)) {
        return Err(format!("{text:?} contains the control character {character:?}"));
    }
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&known) = all.get(text) {
        return Ok(known);
    }
    let text: &'static str = Box::leak(text.into());
    all.insert(text);
    Ok(text)
}
