//! Values as bytes: little-endian, lengths before what they measure.

/// Where encoded bytes go.
pub(crate) trait Sink {
    fn write(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Takes a value's content, to hash it or to keep it.
pub struct Encoder<'a> {
    sink: &'a mut dyn Sink,
    comparable: bool,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(sink: &'a mut dyn Sink) -> Self {
        Encoder { sink, comparable: true }
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.sink.write(bytes);
    }

    /// Bytes of any number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A number that is not negative.
    pub fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// A float. A NaN makes the whole value incomparable.
    pub fn f64(&mut self, float: f64) {
        self.comparable &= !float.is_nan();
        self.raw(&float.to_le_bytes());
    }

    pub(super) fn is_comparable(&self) -> bool {
        self.comparable
    }
}

/// Bytes that are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct DecodeError {
    what: String,
}

impl DecodeError {
    /// What is wrong with them.
    pub fn new(what: impl Into<String>) -> Self {
        DecodeError { what: what.into() }
    }
}

/// Gives a value's content back, piece by piece. Never takes more memory than there are bytes.
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Decoder { rest: bytes }
    }

    /// The next `count` bytes.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| DecodeError::new(format!("{count} bytes are wanted, {} are left", self.rest.len())))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    /// What [`Encoder::bytes`] wrote.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = self.size()?;
        self.raw(count)
    }

    /// What [`Encoder::text`] wrote.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|error| DecodeError::new(format!("a text is not UTF-8: {error}")))
    }

    /// What [`Encoder::number`] wrote.
    pub fn number(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number that counts something in memory.
    pub fn size(&mut self) -> Result<usize, DecodeError> {
        let number = self.number()?;
        usize::try_from(number).map_err(|_| DecodeError::new(format!("{number} is more than memory can hold")))
    }

    /// What [`Encoder::f64`] wrote.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        self.array().map(f64::from_le_bytes)
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::new(format!("{count} bytes are left over"))),
        }
    }
}
