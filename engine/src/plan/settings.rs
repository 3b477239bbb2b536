//! What the caller of a run decides: inputs and targets.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::check;
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Literal, WorkflowInput, parse_literal};
use crate::suggest;
use crate::value::{Kind, kinds};

/// What the caller decides about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Values for inputs of the workflow: (name, text). The declared kind says how the text is read.
    pub set: Vec<(String, String)>,
    /// The nodes that are wanted; what they do not need does not run. Not given: all that have an effect, and all that
    /// the outputs of the workflow come from; if there are none, all from which nothing takes.
    pub targets: Option<Vec<String>>,
    /// Relative paths of files that are read count from here. None: from the workflow's folder.
    pub base_dir: Option<PathBuf>,
    /// Relative paths of files that are written count from here.
    pub out_dir: PathBuf,
    /// What is wrong spoils only what needs it: the rest is planned.
    pub keep_going: bool,
    /// Bytes of memory that there are: a node that wants more by itself is refused. A run is told by its
    /// [`Resources`](crate::Resources).
    pub memory_limit: Option<u64>,
}

/// The value that an input of the workflow has in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveInput {
    /// The value.
    pub value: Literal,
    /// Whether the caller set it; otherwise it is the declared default.
    pub is_set: bool,
}

/// The value of every input that has one.
pub(super) fn effective(
    document: &Document,
    set: &[(String, String)],
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, EffectiveInput> {
    let mut given: IndexMap<&str, Option<Literal>> = IndexMap::new();
    for (name, text) in set {
        if given.contains_key(name.as_str()) {
            let message = format!("`{name}` is set twice");
            diagnostics.push(Diagnostic::error("duplicate-setting", message).with_hint("set it once"));
            continue;
        }
        let literal = match document.root.inputs.get(name) {
            Some(input) => read(input, text).map_err(|diagnostic| diagnostics.push(diagnostic)).ok().flatten(),
            None => {
                if !document.cut_off {
                    diagnostics.push(unknown(document, name));
                }
                None
            }
        };
        given.insert(name, literal);
    }
    let mut values = IndexMap::new();
    for (name, input) in &document.root.inputs {
        let value = match given.swap_remove(name.as_str()) {
            Some(set) => set.map(|value| EffectiveInput { value, is_set: true }),
            None => input.default.as_ref().map(|d| EffectiveInput { value: d.value.clone(), is_set: false }),
        };
        values.extend(value.map(|value| (name.clone(), value)));
    }
    values
}

/// Whether the caller gave a value for that input, sound or not.
pub(super) fn is_set(set: &[(String, String)], name: &str) -> bool {
    set.iter().any(|(set, _)| set == name)
}

fn unknown(document: &Document, name: &str) -> Diagnostic {
    let names = document.root.inputs.keys().map(String::as_str);
    let hint = suggest::hint_and_list(name, "it has", names);
    Diagnostic::error("unknown-setting", format!("`{name}` is set, but the workflow has no such input"))
        .with_hint_if(hint.or_else(|| Some("it has no inputs".into())))
}

/// The value that a text stands for; nothing if the declaration itself is wrong.
fn read(input: &WorkflowInput, text: &str) -> Result<Option<Literal>, Diagnostic> {
    let name = &input.name.value;
    let Some(kind) = input.kind else {
        // Whether there is such a kind is said where it is declared.
        let Some(kind) = &input.kind_name else { return Ok(None) };
        let message = format!("`{name}` is set, but a value of kind {} cannot be written down", kind.value);
        return Err(Diagnostic::error("invalid-setting", message)
            .with_label(input.span.clone(), "declared here")
            .with_hint("only a workflow that includes this one can give it"));
    };
    let Some(literal) = parse(kind, text) else {
        let message = format!("`{name}` is set to {text:?}, which is no {kind}");
        return Err(Diagnostic::error("invalid-setting", message)
            .with_label(input.span.clone(), "declared here")
            .with_hint(example(kind)));
    };
    let choices: Vec<_> = input.choices.iter().map(|choice| choice.value.as_str()).collect();
    check::check(&literal.value(), input.range.as_ref(), &choices).map_err(|problem| {
        Diagnostic::error(problem.code, format!("`{name}`, as it is set, {}", problem.message))
            .with_label(input.span.clone(), "declared here")
            .with_hint_if(problem.hint)
    })?;
    Ok(Some(literal))
}

fn parse(kind: Kind, text: &str) -> Option<Literal> {
    let trimmed = text.trim();
    // What looks like a list was meant as one: not to take a wrong one for a text.
    let is_list = trimmed.starts_with('[') && trimmed.ends_with(']');
    match kind {
        kinds::TEXT => Some(Literal::Text(text.to_string())),
        kinds::TEXT_LIST if !is_list => Some(Literal::texts([text])),
        _ => parse_literal(trimmed)?.of_kind(kind),
    }
}

fn example(kind: Kind) -> &'static str {
    match kind {
        kinds::INTEGER => "an integer is written like 42",
        kinds::FLOAT => "a float is written like 2.5",
        kinds::BOOLEAN => "write true or false",
        kinds::INTEGER_LIST => "a list of integers is written like [1, 2]",
        kinds::FLOAT_LIST => "a list of floats is written like [0.5, 2.0]",
        kinds::BOOLEAN_LIST => "a list of booleans is written like [true, false]",
        kinds::TEXT_LIST => "a list of texts is written like [\"a\", \"b\"]",
        _ => "a list of lists is written like [[…], […]]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_by_kind() {
        let cases = [
            (kinds::TEXT, " 7 \"", Some(Literal::Text(" 7 \"".into()))),
            (kinds::INTEGER, " -7 ", Some(Literal::Integer(-7))),
            (kinds::INTEGER, "1_000", Some(Literal::Integer(1000))),
            (kinds::INTEGER, "2.5", None),
            (kinds::INTEGER, "", None),
            (kinds::INTEGER, "9223372036854775808", None),
            (kinds::FLOAT, "7", Some(Literal::Float(7.0))),
            (kinds::FLOAT, "1e-3", Some(Literal::Float(1e-3))),
            (kinds::FLOAT, "much", None),
            (kinds::BOOLEAN, "true", Some(Literal::Boolean(true))),
            (kinds::BOOLEAN, "yes", None),
            (kinds::TEXT_LIST, "a cat", Some(Literal::texts(["a cat"]))),
            (kinds::TEXT_LIST, "[\"a\", \"b\"]", Some(Literal::texts(["a", "b"]))),
            (kinds::TEXT_LIST, "[a]", None),
            (kinds::TEXT_LIST, "[]", Some(Literal::texts(Vec::<String>::new()))),
            (kinds::FLOAT_LIST, "[1, 2.5]", Literal::list(vec![Literal::Float(1.0), Literal::Float(2.5)])),
            (kinds::INTEGER_LIST, "[1, 2.5]", None),
            (kinds::INTEGER_LIST, "1", None),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(parse(kind, text), expected, "{kind} {text:?}");
        }
    }
}
