//! Values that travel along wires, and their kinds.

mod codec;
mod fingerprint;
mod kind;
mod list;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

pub(crate) use codec::Sink;
pub use codec::{DecodeError, Decoder, Encoder};
pub use fingerprint::{Fingerprint, FingerprintHasher};
pub use kind::{Kind, kinds};
pub use list::List;

/// A Rust type that can travel along a wire.
///
/// ```
/// use easel_engine::{Data, DecodeError, Decoder, Encoder, Kind, Value};
///
/// struct Celsius(f64);
///
/// impl Data for Celsius {
///     const KIND: Kind = Kind::new("Celsius");
///
///     fn summary(&self) -> String {
///         format!("{} °C", self.0)
///     }
///
///     fn encode(&self, encoder: &mut Encoder<'_>) {
///         encoder.f64(self.0);
///     }
///
///     fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
///         Ok(Celsius(decoder.f64()?))
///     }
/// }
///
/// let (warm, as_warm, hot) = (Value::new(Celsius(21.0)), Value::new(Celsius(21.0)), Value::new(Celsius(40.0)));
/// assert_eq!(warm.fingerprint(), as_warm.fingerprint());
/// assert_ne!(warm.fingerprint(), hot.fingerprint());
/// assert_eq!(Value::new(Celsius(f64::NAN)).fingerprint(), None);
/// ```
pub trait Data: Any + Send + Sync + Sized {
    /// The kind of the sockets it fits.
    const KIND: Kind;

    /// One line for people: what is in it, not all of it.
    fn summary(&self) -> String;

    /// Writes the content: everything that tells this value from another of its kind, and nothing else.
    fn encode(&self, encoder: &mut Encoder<'_>);

    /// Reads back what [`Data::encode`] wrote. The bytes may come from a damaged file.
    ///
    /// # Errors
    /// They are not what `encode` writes.
    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;

    /// Bytes of memory that it takes, about.
    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// What is known of a value whose type was forgotten.
trait Erased: Any + Send + Sync {
    fn summary(&self) -> String;
    fn encode(&self, encoder: &mut Encoder<'_>);
    fn size(&self) -> usize;
    fn as_any(&self) -> &dyn Any;
}

impl<T: Data> Erased for T {
    fn summary(&self) -> String {
        Data::summary(self)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        Data::encode(self, encoder);
    }

    fn size(&self) -> usize {
        Data::size(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An immutable value of some kind, shared by everyone who holds it.
#[derive(Clone)]
pub struct Value {
    kind: Kind,
    shared: Arc<Shared<dyn Erased>>,
}

struct Shared<T: ?Sized> {
    /// Computed when first asked for; a value never changes.
    fingerprint: OnceLock<Option<Fingerprint>>,
    data: T,
}

impl Value {
    /// Wraps `data`.
    pub fn new<T: Data>(data: T) -> Self {
        Value { kind: T::KIND, shared: Arc::new(Shared { fingerprint: OnceLock::new(), data }) }
    }

    /// A list of texts.
    pub fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let items = texts.into_iter().map(|text| Value::new::<String>(text.into()));
        List::of_kind(kinds::TEXT, items.collect()).into()
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        self.shared.data.summary()
    }

    /// Bytes of memory that it takes, about.
    pub fn size(&self) -> usize {
        self.shared.data.size()
    }

    /// What it wraps, if that is a `T`.
    pub fn get<T: Data>(&self) -> Option<&T> {
        self.shared.data.as_any().downcast_ref()
    }

    /// The list that it is, if it is one.
    pub fn list(&self) -> Option<&List> {
        self.shared.data.as_any().downcast_ref()
    }

    /// The texts of a list of texts, or the one text that it is.
    pub fn as_texts(&self) -> Option<Vec<&str>> {
        match self.get::<String>() {
            Some(text) => Some(vec![text]),
            None => self.list()?.items().iter().map(|item| item.get::<String>().map(String::as_str)).collect(),
        }
    }

    /// A hash of kind and content: the same for the same content, in every process and on every machine. None if the
    /// content equals nothing, not even itself: a NaN.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        *self.shared.fingerprint.get_or_init(|| {
            if let Some(list) = self.list() {
                return List::fingerprint_of(list.element_kind(), list.items().iter().map(Value::fingerprint));
            }
            let mut hasher = FingerprintHasher::new("easel value");
            self.kind.hash_into(&mut hasher);
            let mut encoder = Encoder::new(&mut hasher);
            self.shared.data.encode(&mut encoder);
            let comparable = encoder.is_comparable();
            comparable.then(|| hasher.finish())
        })
    }

    /// Its content as bytes; [`Registry::decode`](crate::Registry::decode) makes a value of them again.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut Encoder::new(&mut bytes));
        bytes
    }

    pub(crate) fn encode_into(&self, encoder: &mut Encoder<'_>) {
        self.shared.data.encode(encoder);
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Value {
            kind: list.element_kind().list(),
            shared: Arc::new(Shared { fingerprint: OnceLock::new(), data: list }),
        }
    }
}

/// The same kind and the same content; what holds a NaN equals nothing.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.fingerprint().is_some_and(|mine| Some(mine) == other.fingerprint())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.kind, self.summary())
    }
}

impl Data for String {
    const KIND: Kind = kinds::TEXT;

    fn summary(&self) -> String {
        const SHOWN: usize = 60;
        match self.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{:?}…", &self[..end]),
            None => format!("{self:?}"),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.text(self);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.text().map(str::to_owned)
    }

    fn size(&self) -> usize {
        size_of::<String>() + self.len()
    }
}

impl Data for i64 {
    const KIND: Kind = kinds::INTEGER;

    fn summary(&self) -> String {
        self.to_string()
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.raw(&self.to_le_bytes());
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.array().map(i64::from_le_bytes)
    }
}

impl Data for f64 {
    const KIND: Kind = kinds::FLOAT;

    fn summary(&self) -> String {
        format!("{self:?}")
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.f64(*self);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.f64()
    }
}

impl Data for bool {
    const KIND: Kind = kinds::BOOLEAN;

    fn summary(&self) -> String {
        self.to_string()
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.raw(&[u8::from(*self)]);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match decoder.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(DecodeError::new("a boolean is 0 or 1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_what_is_equal() {
        let seven = Value::new(7_i64);
        assert_eq!(seven, Value::new(7_i64));
        assert_ne!(seven, Value::new("7".to_string()), "7 is no \"7\"");
        assert_ne!(seven, Value::new(7.0), "an integer is no float");
        assert_eq!(Value::new(f64::INFINITY), Value::new(f64::INFINITY));
        assert_ne!(Value::new(0.0), Value::new(-0.0), "they divide to different infinities");
        let nan = Value::new(f64::NAN);
        assert_ne!(nan, nan.clone());
        assert_ne!(Value::texts(["a", "b"]), Value::texts(["ab"]));
        assert_ne!(Value::texts(Vec::<String>::new()), List::of_kind(kinds::INTEGER, vec![]).into());
    }

    #[test]
    fn a_list_with_a_nan_equals_nothing() {
        let list = || Value::from(List::of_kind(kinds::FLOAT, vec![Value::new(1.0), Value::new(f64::NAN)]));
        assert_eq!(list().fingerprint(), None);
        assert_ne!(list(), list());
    }
}
