//! Bytes, as Easel writes them: little-endian, lengths before what they measure.

use crate::call::Failure;

/// Takes bytes.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// What `write` writes, with its length before it.
    pub fn measured(&mut self, write: impl FnOnce(&mut Writer)) {
        let start = self.0.len();
        self.number(0);
        write(self);
        let length = (self.0.len() - start - 8) as u64;
        self.0[start..start + 8].copy_from_slice(&length.to_le_bytes());
    }
}

/// Gives bytes back.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| Failure::new("a value is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    pub fn number(&mut self) -> Result<u64, Failure> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn size(&mut self) -> Result<usize, Failure> {
        usize::try_from(self.number()?).map_err(|_| Failure::new("a value is too large"))
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Failure> {
        let count = self.size()?;
        self.raw(count)
    }

    pub fn text(&mut self) -> Result<&'a str, Failure> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Failure::new("a text is not UTF-8"))
    }
}
