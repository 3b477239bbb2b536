//! Values that can be written down.

use std::fmt;
use std::ops::RangeInclusive;

use crate::value::{Kind, Value, kinds};

/// A value as documents write it. Its `Display` is RON.
///
/// ```
/// use easel_engine::Literal;
///
/// assert_eq!(Literal::Text("a \"b\"".into()).to_string(), r#""a \"b\"""#);
/// assert_eq!(Literal::Float(2.0).to_string(), "2.0");
/// assert_eq!(Literal::TextList(vec!["a".into()]).to_string(), r#"["a"]"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A string.
    Text(String),
    /// A list of strings.
    TextList(Vec<String>),
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
}

impl Literal {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Literal::Text(_) => kinds::TEXT,
            Literal::TextList(_) => kinds::TEXT_LIST,
            Literal::Integer(_) => kinds::INTEGER,
            Literal::Float(_) => kinds::FLOAT,
            Literal::Boolean(_) => kinds::BOOLEAN,
        }
    }

    /// The value that nodes get.
    pub fn value(&self) -> Value {
        match self {
            Literal::Text(text) => Value::new(text.clone()),
            Literal::TextList(texts) => Value::new(texts.clone()),
            Literal::Integer(number) => Value::new(*number),
            Literal::Float(number) => Value::new(*number),
            Literal::Boolean(flag) => Value::new(*flag),
        }
    }

    /// The literal of a value, if its kind can be written down.
    pub fn from_value(value: &Value) -> Option<Literal> {
        if let Some(text) = value.get::<String>() {
            return Some(Literal::Text(text.clone()));
        }
        if let Some(texts) = value.get::<Vec<String>>() {
            return Some(Literal::TextList(texts.clone()));
        }
        if let Some(number) = value.get::<i64>() {
            return Some(Literal::Integer(*number));
        }
        if let Some(number) = value.get::<f64>() {
            return Some(Literal::Float(*number));
        }
        value.get::<bool>().map(|flag| Literal::Boolean(*flag))
    }

    /// The same as a float, if it is an integer and a float is wanted.
    pub(crate) fn widened(self, kind: Kind) -> Literal {
        match self {
            Literal::Integer(number) if kind == kinds::FLOAT => Literal::Float(number as f64),
            other => other,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => f.write_str(&quoted(text)),
            Literal::TextList(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Literal::Integer(number) => write!(f, "{number}"),
            Literal::Float(number) => write!(f, "{number:?}"),
            Literal::Boolean(flag) => write!(f, "{flag}"),
        }
    }
}

/// Rust's escapes are RON's.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// "0 to 10", "at least 0", "at most 10".
pub(crate) fn range_words(range: &RangeInclusive<f64>) -> String {
    match (range.start().is_finite(), range.end().is_finite()) {
        (true, true) => format!("{} to {}", range.start(), range.end()),
        (true, false) => format!("at least {}", range.start()),
        (false, true) => format!("at most {}", range.end()),
        (false, false) => "a finite number".into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), float in any::<f64>(), integer in any::<i64>()) {
            prop_assert_eq!(ron::from_str::<String>(&Literal::Text(text.clone()).to_string()), Ok(text.clone()));
            let back = ron::from_str::<f64>(&Literal::Float(float).to_string()).map(f64::to_bits);
            prop_assert!(float.is_nan() || back == Ok(float.to_bits()));
            prop_assert_eq!(ron::from_str::<i64>(&Literal::Integer(integer).to_string()), Ok(integer));
            let literal = Literal::TextList(vec![text.clone(), text]);
            prop_assert_eq!(Literal::from_value(&literal.value()), Some(literal));
        }
    }
}
