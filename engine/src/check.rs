//! Whether a value is one that its socket takes: kinds, bounds, choices.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::document::{Literal, range_words};
use crate::node::NodeError;
use crate::registry::{Conversion, Registry};
use crate::suggest;
use crate::value::{Kind, List, Value, kinds};

/// What is wrong with a value.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    /// Goes on after the name of what was given the value.
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) hint: Option<String>,
    /// What was meant, as RON, if that is plain.
    pub(crate) fix: Option<String>,
}

impl Problem {
    /// It cannot be converted to what the socket takes.
    pub(crate) fn conversion(message: &str) -> Self {
        Problem {
            code: "invalid-input",
            message: format!("cannot take this: {message}"),
            label: "here".into(),
            hint: None,
            fix: None,
        }
    }
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
            fix: None,
        });
    }
    if choices.is_empty() {
        return Ok(());
    }
    match value.as_texts().unwrap_or_default().into_iter().find(|text| !choices.contains(text)) {
        None => Ok(()),
        Some(text) => Err(Problem {
            code: "not-a-choice",
            message: format!("is {text:?}, which is none of its choices"),
            label: "not a choice".into(),
            hint: suggest::hint_and_list(text, "there are", choices.iter().copied()),
            // One of several texts has no place of its own.
            fix: suggest::closest(text, choices.iter().copied())
                .filter(|_| value.list().is_none())
                .map(|choice| Literal::Text(choice.into()).to_string()),
        }),
    }
}

/// Whether a number lies within bounds; what is no number has none.
fn is_within(value: &Value, range: &RangeInclusive<f64>) -> bool {
    if let Some(&integer) = value.get::<i64>() {
        // Not as floats: above 2⁵³ those are too coarse to tell a number from the one beside it.
        return (range.start().ceil() as i128..=range.end().floor() as i128).contains(&i128::from(integer));
    }
    if let Some(list) = value.list() {
        return list.items().iter().all(|item| is_within(item, range));
    }
    value.get::<f64>().is_none_or(|number| number.is_finite() && range.contains(number))
}

/// How a value of one kind gets into a socket of another.
#[derive(Clone)]
pub(crate) enum Fit {
    Same,
    /// An integer, or each integer of a list.
    IntegerToFloat,
    /// A list of the one thing.
    OneToList,
    Converted(Conversion, Kind),
    /// One after another: what passes an input of an included workflow is fitted twice.
    Chain(Arc<[Fit]>),
}

impl Fit {
    /// The first of these that does: the kind itself, widening, a registered conversion.
    pub(crate) fn find(registry: &Registry, from: Kind, to: &[Kind]) -> Option<Fit> {
        if to.contains(&from) || to.contains(&kinds::ANY) {
            return Some(Fit::Same);
        }
        if from.base() == kinds::INTEGER.base() && to.contains(&as_float(from)) {
            return Some(Fit::IntegerToFloat);
        }
        if to.contains(&from.list()) {
            return Some(Fit::OneToList);
        }
        to.iter().find_map(|&kind| registry.conversion(from, kind).map(|convert| Fit::Converted(convert, kind)))
    }

    /// The kind that comes of `from`.
    pub(crate) fn kind(&self, from: Kind) -> Kind {
        match self {
            Fit::Same => from,
            Fit::IntegerToFloat => as_float(from),
            Fit::OneToList => from.list(),
            Fit::Converted(_, kind) => *kind,
            Fit::Chain(fits) => fits.iter().fold(from, |kind, fit| fit.kind(kind)),
        }
    }

    /// This, and then that.
    pub(crate) fn then(&self, next: &Fit) -> Fit {
        match (self, next) {
            (Fit::Same, fit) | (fit, Fit::Same) => fit.clone(),
            (first, second) => Fit::Chain(first.parts().iter().chain(second.parts()).cloned().collect()),
        }
    }

    fn parts(&self) -> &[Fit] {
        match self {
            Fit::Chain(fits) => fits,
            one => std::slice::from_ref(one),
        }
    }

    pub(crate) fn apply(&self, value: &Value) -> Result<Value, NodeError> {
        let converted = match self {
            Fit::Same => Some(value.clone()),
            Fit::IntegerToFloat => to_float(value),
            Fit::OneToList => Some(List::of_kind(value.kind(), vec![value.clone()]).into()),
            Fit::Converted(convert, kind) => {
                let converted = convert(value)?;
                if converted.kind() != *kind {
                    let message = format!(
                        "the conversion from {} to {kind} gave {}: it is buggy",
                        value.kind(),
                        converted.kind()
                    );
                    return Err(NodeError::new(message));
                }
                Some(converted)
            }
            Fit::Chain(fits) => {
                return fits.iter().try_fold(value.clone(), |value, fit| fit.apply(&value));
            }
        };
        converted
            .ok_or_else(|| NodeError::new(format!("a value that calls itself {} is of another type", value.kind())))
    }
}

/// The kind of floats that is as many lists deep.
fn as_float(kind: Kind) -> Kind {
    (0..kind.depth()).fold(kinds::FLOAT, |kind, _| kind.list())
}

/// Kinds are at most 255 lists deep, which bounds the recursion.
fn to_float(value: &Value) -> Option<Value> {
    if let Some(list) = value.list() {
        let items: Option<Vec<_>> = list.items().iter().map(to_float).collect();
        return Some(List::of_kind(as_float(list.element_kind()), items?).into());
    }
    value.get::<i64>().map(|&number| Value::new(number as f64))
}

/// The value of a literal in a socket that takes these kinds; none if it does not fit.
pub(crate) fn fit_literal(registry: &Registry, literal: &Literal, to: &[Kind]) -> Option<Result<Value, NodeError>> {
    if !to.contains(&literal.kind())
        && let Some(&kind) = to.iter().find(|&&kind| literal.is_of_kind(kind))
    {
        return literal.clone().of_kind(kind).map(|literal| Ok(literal.value()));
    }
    Fit::find(registry, literal.kind(), to).map(|fit| fit.apply(&literal.value()))
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
        (Literal::List(list), wanted) => match list.items() {
            [one] if one.is_of_kind(wanted) => Some(format!("write {one}, without brackets")),
            _ => None,
        },
        _ => None,
    }
}
