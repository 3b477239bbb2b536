//! What the caller of a run decides: inputs and targets.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::check;
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Literal, WorkflowInput};
use crate::suggest;
use crate::value::{Kind, kinds};

/// What the caller decides about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Values for inputs of the workflow: (name, text). The declared kind says how the text is read.
    pub set: Vec<(String, String)>,
    /// The nodes that are wanted; what they do not need does not run. None: all that have an effect.
    pub targets: Vec<String>,
    /// Relative paths of files that are read count from here. None: from the workflow's folder.
    pub base_dir: Option<PathBuf>,
    /// Relative paths of files that are written count from here.
    pub out_dir: PathBuf,
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
        let literal = match document.inputs.get(name) {
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
    for (name, input) in &document.inputs {
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
    let names = document.inputs.keys().map(String::as_str);
    let hint = suggest::hint_and_list(name, "it has", names);
    Diagnostic::error("unknown-setting", format!("`{name}` is set, but the workflow has no such input"))
        .with_hint_if(hint.or_else(|| Some("it has no inputs".into())))
}

/// The value that a text stands for; nothing if the declaration itself is wrong.
fn read(input: &WorkflowInput, text: &str) -> Result<Option<Literal>, Diagnostic> {
    let Some(kind) = input.kind else {
        return Ok(None);
    };
    let name = &input.name.value;
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
    match kind {
        kinds::TEXT => Some(Literal::Text(text.to_string())),
        kinds::INTEGER => ron::from_str(trimmed).ok().map(Literal::Integer),
        kinds::FLOAT => ron::from_str(trimmed).ok().map(Literal::Float),
        kinds::BOOLEAN => trimmed.parse().ok().map(Literal::Boolean),
        // What looks like a list was meant as one: not to take a wrong one for a text.
        kinds::TEXT_LIST if trimmed.starts_with('[') && trimmed.ends_with(']') => {
            ron::from_str(trimmed).ok().map(Literal::TextList)
        }
        kinds::TEXT_LIST => Some(Literal::TextList(vec![text.to_string()])),
        _ => None,
    }
}

fn example(kind: Kind) -> &'static str {
    match kind {
        kinds::INTEGER => "an integer is written like 42",
        kinds::FLOAT => "a float is written like 2.5",
        kinds::BOOLEAN => "write true or false",
        _ => "a list of texts is written like [\"a\", \"b\"]",
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
            (kinds::TEXT_LIST, "a cat", Some(Literal::TextList(vec!["a cat".into()]))),
            (kinds::TEXT_LIST, "[\"a\", \"b\"]", Some(Literal::TextList(vec!["a".into(), "b".into()]))),
            (kinds::TEXT_LIST, "[a]", None),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(parse(kind, text), expected, "{kind} {text:?}");
        }
    }
}
