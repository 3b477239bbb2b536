//! From what somebody types for an input to what stands in the file: texts are put in quotes for those who leave them out.

use easel_engine::edit::literal_text;
use easel_engine::{Document, Feed, Literal, Source, kinds};

use super::super::model::InputSchema;

/// What the file is to hold for what was typed: a text as it stands, or else a value as the file writes it.
pub(super) fn written(schema: &InputSchema, typed: &str, is_text: bool, document: &str) -> String {
    let quoted = || literal_text(&Literal::Text(typed.to_string()), document);
    if is_text {
        // Whoever writes the quotes means the same.
        return if is_quoted(typed) { typed.trim().to_string() } else { quoted() };
    }
    let takes = |kind| schema.kinds.contains(&kind);
    let is_reference = ["From(", "Input(", "["].iter().any(|start| typed.trim_start().starts_with(start));
    if !takes(kinds::TEXT) || is_reference || typed.trim().is_empty() {
        return typed.to_string();
    }
    match feed(typed) {
        Some(Feed::Literal(Literal::Text(_))) => typed.to_string(),
        Some(Feed::Literal(Literal::Integer(_))) if takes(kinds::INTEGER) || takes(kinds::FLOAT) => typed.to_string(),
        Some(Feed::Literal(Literal::Float(_))) if takes(kinds::FLOAT) => typed.to_string(),
        Some(Feed::Literal(Literal::Boolean(_))) if takes(kinds::BOOLEAN) => typed.to_string(),
        _ => quoted(),
    }
}

/// Whether it is a text with its quotes, as a file writes it.
pub(super) fn is_quoted(typed: &str) -> bool {
    typed.trim_start().starts_with(['"', 'r']) && matches!(feed(typed), Some(Feed::Literal(Literal::Text(_))))
}

/// What a file says with that; none if it is not one value.
fn feed(typed: &str) -> Option<Feed> {
    let source = Source::new("", format!("Workflow(version: 1, nodes: {{ \"n\": N(i: {typed}\n) }})"));
    let (document, found) = Document::parse(&source);
    let entry = document.node("n").filter(|_| document.nodes().len() == 1 && found.is_empty())?;
    let value = entry.inputs.first().filter(|_| entry.inputs.len() == 1).map(|input| &input.value)?;
    (source.slice(&value.span) == typed.trim()).then(|| value.value.clone())
}

#[cfg(test)]
mod tests {
    use easel_engine::Kind;
    use proptest::prelude::*;

    use super::super::super::model::Given;
    use super::*;

    fn schema(kinds: &[Kind]) -> InputSchema {
        InputSchema {
            name: "n".into(),
            kinds: kinds.to_vec(),
            given: Given::Required,
            range: None,
            choices: Vec::new(),
            about: String::new(),
        }
    }

    #[test]
    fn a_text_is_the_same_with_quotes_and_without() {
        let text = schema(&[kinds::TEXT]);
        for is_text in [true, false] {
            let of = |typed: &str| written(&text, typed, is_text, "").trim().to_string();
            for typed in ["a red cat", "\"a red cat\"", " \"a red cat\" ", "r\"a red cat\"", "r#\"a red cat\"#"] {
                assert_eq!(
                    of(typed).trim_start_matches(['r', '#']).trim_end_matches('#'),
                    "\"a red cat\"",
                    "{typed:?}"
                );
            }
            assert_eq!(of("a \"red\" cat"), r#""a \"red\" cat""#);
            assert_eq!(of("\"red\" and \"blue\""), r#""\"red\" and \"blue\"""#);
            assert_eq!(of("red"), "\"red\"");
            assert_eq!(of("42"), "\"42\"");
            assert_eq!(of("true"), "\"true\"");
            assert_eq!(of("a // b"), "\"a // b\"");
            assert_eq!(of("a), \"m\": N(i: 1"), r#""a), \"m\": N(i: 1""#);
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_no_text_where_values_are_typed_as_the_file_writes_them() {
        let text = schema(&[kinds::TEXT]);
        for typed in ["From(\"load\")", "Input(\"path\")", "From(\"load\"", "[\"a\", From(\"b\")]"] {
            assert_eq!(written(&text, typed, false, ""), typed);
        }
        assert_eq!(written(&text, "From(\"load\")", true, ""), r#""From(\"load\")""#);
    }

    #[test]
    fn what_an_input_takes_beside_texts_needs_no_quotes() {
        let both = schema(&[kinds::TEXT, kinds::INTEGER]);
        assert_eq!(written(&both, "42", false, ""), "42");
        assert_eq!(written(&both, "forty two", false, ""), "\"forty two\"");
        assert_eq!(written(&schema(&[kinds::INTEGER]), "forty two", false, ""), "forty two");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_for_a_text_is_one_value(typed in "(\\PC|\"|\\\\|\n|#|r){1,24}", is_text in any::<bool>()) {
            let value = written(&schema(&[kinds::TEXT]), &typed, is_text, "");
            let is_reference = ["From(", "Input(", "["].iter().any(|start| typed.trim_start().starts_with(start));
            if is_text || !(is_reference || typed.trim().is_empty()) {
                prop_assert!(matches!(feed(&value), Some(Feed::Literal(Literal::Text(_)))), "{typed:?} became {value:?}");
            }
        }
    }
}
