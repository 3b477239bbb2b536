//! Whether a value is one that its socket takes: kinds, bounds, choices.

use std::ops::RangeInclusive;

use crate::document::{Literal, range_words};
use crate::node::NodeError;
use crate::registry::{Conversion, Registry};
use crate::suggest;
use crate::value::{Kind, Value, kinds};

/// What is wrong with a value.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    /// Goes on after the name of what was given the value.
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) hint: Option<String>,
}

/// Holds a value against bounds and choices.
pub(crate) fn check(value: &Value, range: Option<&RangeInclusive<f64>>, choices: &[&str]) -> Result<(), Problem> {
    if let Some(range) = range
        && !is_within(value, range)
    {
        let words = range_words(range);
        return Err(Problem {
            code: "out-of-range",
            message: format!("is {}, but should be {words}", value.summary()),
            label: format!("should be {words}"),
            hint: None,
        });
    }
    if choices.is_empty() {
        return Ok(());
    }
    let one = value.get::<String>().map(std::slice::from_ref);
    let texts = one.or_else(|| value.get::<Vec<String>>().map(Vec::as_slice)).unwrap_or(&[]);
    match texts.iter().find(|text| !choices.contains(&text.as_str())) {
        None => Ok(()),
        Some(text) => Err(Problem {
            code: "not-a-choice",
            message: format!("is {text:?}, which is none of its choices"),
            label: "not a choice".into(),
            hint: suggest::hint_and_list(text, "there are", choices.iter().copied()),
        }),
    }
}

/// Whether a number lies within bounds; what is no number has none.
fn is_within(value: &Value, range: &RangeInclusive<f64>) -> bool {
    if let Some(&integer) = value.get::<i64>() {
        // Not as floats: above 2⁵³ those are too coarse to tell a number from the one beside it.
        return (range.start().ceil() as i128..=range.end().floor() as i128).contains(&i128::from(integer));
    }
    value.get::<f64>().is_none_or(|number| number.is_finite() && range.contains(number))
}

/// How a value of one kind gets into a socket of another.
#[derive(Clone, Copy)]
pub(crate) enum Fit {
    Same,
    IntegerToFloat,
    TextToList,
    Converted(Conversion, Kind),
}

impl Fit {
    /// The first of these that does: the kind itself, widening, a registered conversion.
    pub(crate) fn find(registry: &Registry, from: Kind, to: &[Kind]) -> Option<Fit> {
        if to.contains(&from) {
            return Some(Fit::Same);
        }
        if from == kinds::INTEGER && to.contains(&kinds::FLOAT) {
            return Some(Fit::IntegerToFloat);
        }
        if from == kinds::TEXT && to.contains(&kinds::TEXT_LIST) {
            return Some(Fit::TextToList);
        }
        to.iter().find_map(|&kind| registry.conversion(from, kind).map(|convert| Fit::Converted(convert, kind)))
    }

    pub(crate) fn apply(self, value: &Value) -> Result<Value, NodeError> {
        let converted = match self {
            Fit::Same => Some(value.clone()),
            Fit::IntegerToFloat => value.get::<i64>().map(|&number| Value::new(number as f64)),
            Fit::TextToList => value.get::<String>().map(|text| Value::new(vec![text.clone()])),
            Fit::Converted(convert, kind) => {
                let converted = convert(value)?;
                if converted.kind() != kind {
                    let message = format!(
                        "the conversion from {} to {kind} gave {}: it is buggy",
                        value.kind(),
                        converted.kind()
                    );
                    return Err(NodeError::new(message));
                }
                Some(converted)
            }
        };
        converted
            .ok_or_else(|| NodeError::new(format!("a value that calls itself {} is of another type", value.kind())))
    }
}

/// How to write a literal so that it is of that kind.
pub(crate) fn literal_hint(literal: &Literal, wanted: Kind) -> Option<String> {
    match (literal, wanted) {
        (Literal::Text(text), kinds::INTEGER) => {
            text.trim().parse::<i64>().ok().map(|number| format!("write {number} without quotes"))
        }
        (Literal::Text(text), kinds::FLOAT) => {
            text.trim().parse::<f64>().ok().map(|_| format!("write {} without quotes", text.trim()))
        }
        (Literal::Text(text), kinds::BOOLEAN) => match text.as_str() {
            "true" | "false" => Some(format!("write {text} without quotes")),
            _ => Some("write true or false".into()),
        },
        (Literal::Float(_), kinds::INTEGER) => Some("an integer has no decimal point".into()),
        (Literal::Integer(0 | 1), kinds::BOOLEAN) => Some("write true or false".into()),
        (Literal::Integer(_) | Literal::Float(_) | Literal::Boolean(_), kinds::TEXT) => {
            Some(format!("write \"{literal}\""))
        }
        (Literal::TextList(texts), kinds::TEXT) if texts.len() == 1 => Some(format!("write {:?}", texts[0])),
        _ => None,
    }
}
