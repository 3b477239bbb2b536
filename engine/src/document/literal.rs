//! Values that can be written down.

use std::fmt;
use std::ops::RangeInclusive;

use crate::value::{Kind, List, Value, kinds};

/// A value as documents write it. Its `Display` is RON.
///
/// ```
/// use easel_engine::Literal;
///
/// assert_eq!(Literal::Text("a \"b\"".into()).to_string(), r#""a \"b\"""#);
/// assert_eq!(Literal::Float(2.0).to_string(), "2.0");
/// assert_eq!(Literal::texts(["a"]).to_string(), r#"["a"]"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A string.
    Text(String),
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Literals of one kind.
    List(LiteralList),
}

/// Literals of one kind. An empty list is of every kind of list.
#[derive(Clone, Debug, PartialEq)]
pub struct LiteralList {
    element: Kind,
    items: Vec<Literal>,
}

impl LiteralList {
    /// The kind of its elements; [`kinds::ANY`](crate::kinds::ANY) if there are none to tell.
    pub fn element_kind(&self) -> Kind {
        self.element
    }

    /// Its elements.
    pub fn items(&self) -> &[Literal] {
        &self.items
    }
}

impl Literal {
    /// A list; integers among floats become floats. None if the items are not of one kind.
    ///
    /// ```
    /// use easel_engine::{Literal, kinds};
    ///
    /// let list = Literal::list(vec![Literal::Integer(1), Literal::Float(0.5)]).expect("they are numbers");
    /// assert_eq!((list.kind(), list.to_string()), (kinds::FLOAT_LIST, "[1.0, 0.5]".into()));
    /// assert!(Literal::list(vec![Literal::Integer(1), Literal::Boolean(true)]).is_none());
    /// ```
    pub fn list(items: Vec<Literal>) -> Option<Literal> {
        let element = items.iter().map(Literal::kind).try_fold(kinds::ANY, common_kind)?;
        let items: Option<Vec<_>> = items.into_iter().map(|item| item.of_kind(element)).collect();
        Some(Literal::List(LiteralList { element, items: items? }))
    }

    /// A list of texts.
    pub fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Literal {
        let items = texts.into_iter().map(|text| Literal::Text(text.into())).collect();
        Literal::List(LiteralList { element: kinds::TEXT, items })
    }

    /// Its kind. That of an empty list is a list of [`kinds::ANY`](crate::kinds::ANY).
    pub fn kind(&self) -> Kind {
        match self {
            Literal::Text(_) => kinds::TEXT,
            Literal::Integer(_) => kinds::INTEGER,
            Literal::Float(_) => kinds::FLOAT,
            Literal::Boolean(_) => kinds::BOOLEAN,
            Literal::List(list) => list.element.list(),
        }
    }

    /// The value that nodes get.
    pub fn value(&self) -> Value {
        match self {
            Literal::Text(text) => Value::new(text.clone()),
            Literal::Integer(number) => Value::new(*number),
            Literal::Float(number) => Value::new(*number),
            Literal::Boolean(flag) => Value::new(*flag),
            Literal::List(list) => List::of_kind(list.element, list.items.iter().map(Literal::value).collect()).into(),
        }
    }

    /// The literal of a value, if its kind can be written down.
    pub fn from_value(value: &Value) -> Option<Literal> {
        if let Some(text) = value.get::<String>() {
            return Some(Literal::Text(text.clone()));
        }
        if let Some(list) = value.list() {
            let items: Option<Vec<_>> = list.items().iter().map(Literal::from_value).collect();
            return Some(Literal::List(LiteralList { element: list.element_kind(), items: items? }));
        }
        if let Some(number) = value.get::<i64>() {
            return Some(Literal::Integer(*number));
        }
        if let Some(number) = value.get::<f64>() {
            return Some(Literal::Float(*number));
        }
        value.get::<bool>().map(|flag| Literal::Boolean(*flag))
    }

    /// Whether it can be taken as that kind: integers are floats too, and an empty list is any list.
    pub(crate) fn is_of_kind(&self, kind: Kind) -> bool {
        common_kind(self.kind(), kind) == Some(kind)
    }

    /// The same as a literal of that kind, if it can be taken as one.
    pub(crate) fn of_kind(self, kind: Kind) -> Option<Literal> {
        if self.kind() == kind {
            return Some(self);
        }
        match (self, kind.element()) {
            (Literal::Integer(number), None) if kind == kinds::FLOAT => Some(Literal::Float(number as f64)),
            (Literal::List(list), Some(element)) => {
                let items: Option<Vec<_>> = list.items.into_iter().map(|item| item.of_kind(element)).collect();
                Some(Literal::List(LiteralList { element, items: items? }))
            }
            _ => None,
        }
    }
}

/// Whether values of that kind can be written down.
pub(crate) fn can_be_written(kind: Kind) -> bool {
    [kinds::TEXT, kinds::INTEGER, kinds::FLOAT, kinds::BOOLEAN].iter().any(|known| known.base() == kind.base())
}

/// The kind of a list's elements if there are some of both: integers become floats, and what is empty fits in.
pub(crate) fn common_kind(one: Kind, other: Kind) -> Option<Kind> {
    let is_open = |kind: Kind| kind.base() == kinds::ANY.base();
    if one == other {
        return Some(one);
    }
    if is_open(one) && other.depth() >= one.depth() {
        return Some(other);
    }
    if is_open(other) && one.depth() >= other.depth() {
        return Some(one);
    }
    let numbers = [kinds::INTEGER.base(), kinds::FLOAT.base()];
    let both = numbers.contains(&one.base()) && numbers.contains(&other.base()) && one.depth() == other.depth();
    both.then_some(if one.base() == kinds::FLOAT.base() { one } else { other })
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Rust's escapes are RON's.
            Literal::Text(text) => write!(f, "{text:?}"),
            Literal::Integer(number) => write!(f, "{number}"),
            Literal::Float(number) => write!(f, "{number:?}"),
            Literal::Boolean(flag) => write!(f, "{flag}"),
            Literal::List(list) => {
                f.write_str("[")?;
                for (at, item) in list.items.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
        }
    }
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
            let literal = Literal::texts([text.clone(), text]);
            prop_assert_eq!(Literal::from_value(&literal.value()), Some(literal));
        }
    }

    #[test]
    fn lists_are_of_one_kind() {
        let empty = || Literal::list(vec![]).expect("nothing differs");
        let one = || Literal::list(vec![Literal::Integer(1)]).expect("nothing differs");
        let nested = Literal::list(vec![empty(), one(), Literal::list(vec![Literal::Float(0.5)]).expect("one")]);
        let nested = nested.expect("lists of numbers");
        assert_eq!(nested.kind(), kinds::FLOAT_LIST.list());
        assert_eq!(nested.to_string(), "[[], [1.0], [0.5]]");
        assert_eq!(Literal::list(vec![Literal::Integer(1), one()]), None);
        assert!(empty().is_of_kind(kinds::TEXT_LIST) && empty().is_of_kind(kinds::TEXT_LIST.list()));
        assert!(!empty().is_of_kind(kinds::TEXT));
        assert!(!Literal::Float(1.0).is_of_kind(kinds::INTEGER));
        assert_eq!(empty().of_kind(kinds::TEXT_LIST), Some(Literal::texts(Vec::<String>::new())));
    }
}
