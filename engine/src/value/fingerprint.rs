//! Hashes that stand for content.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::codec::Sink;

/// A BLAKE3 hash of some content: equal content, equal fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a fingerprint is 64 hexadecimal digits";
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Fingerprint(bytes))
    }
}

/// Makes a fingerprint of parts. Each part is delimited, so that no two sequences of parts run together.
///
/// ```
/// use easel_engine::FingerprintHasher;
///
/// let of = |parts: &[&str]| {
///     let mut hasher = FingerprintHasher::new("example");
///     parts.iter().for_each(|part| hasher.text(part));
///     hasher.finish()
/// };
/// assert_eq!(of(&["a", "bc"]), of(&["a", "bc"]));
/// assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
/// ```
pub struct FingerprintHasher {
    /// The first bytes. Most fingerprints are of few, which are hashed much faster in one go.
    start: Vec<u8>,
    /// Everything, once it is more than that.
    all: Option<Box<blake3::Hasher>>,
}

/// With room for more: whoever copies one goes on with it.
impl Clone for FingerprintHasher {
    fn clone(&self) -> Self {
        let mut start = Vec::with_capacity(self.start.len() + 224);
        start.extend_from_slice(&self.start);
        FingerprintHasher { start, all: self.all.clone() }
    }
}

/// More bytes than this are hashed as they come.
const IN_ONE_GO: usize = 1024;

impl FingerprintHasher {
    /// For one purpose; what is hashed for another never gives the same fingerprint.
    pub fn new(purpose: &str) -> Self {
        let mut hasher = FingerprintHasher { start: Vec::with_capacity(256), all: None };
        hasher.text(purpose);
        hasher
    }

    /// Bytes of any number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.raw(&(bytes.len() as u64).to_le_bytes());
        self.raw(bytes);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A number.
    pub fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// Another fingerprint.
    pub fn fingerprint(&mut self, fingerprint: &Fingerprint) {
        self.raw(&fingerprint.0);
    }

    /// The fingerprint of everything so far.
    pub fn finish(&self) -> Fingerprint {
        let hash = self.all.as_ref().map_or_else(|| blake3::hash(&self.start), |all| all.finalize());
        Fingerprint(*hash.as_bytes())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if let Some(all) = &mut self.all {
            all.update(bytes);
        } else if self.start.len() + bytes.len() <= IN_ONE_GO {
            self.start.extend_from_slice(bytes);
        } else {
            let mut all = Box::new(blake3::Hasher::new());
            all.update(&self.start);
            all.update(bytes);
            self.all = Some(all);
        }
    }
}

impl Sink for FingerprintHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.raw(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_matter_in_which_pieces_bytes_come() {
        let bytes: Vec<u8> = (0..5_000_u32).map(|at| (at * 7) as u8).collect();
        for length in [0, 1, 900, IN_ONE_GO, IN_ONE_GO + 1, 5_000] {
            let of = |pieces: usize| {
                let mut hasher = FingerprintHasher::new("test");
                bytes[..length].chunks(pieces).for_each(|piece| hasher.raw(piece));
                hasher.finish()
            };
            assert_eq!(of(1), of(4_999), "{length}");
            assert_eq!(of(1), of(100), "{length}");
        }
    }
}
