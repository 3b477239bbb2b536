//! The wrapping of everything that is kept on disk: it tells what is whole from what is not.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic and version |
//! | 32 | BLAKE3 of all that follows |
//! | 1 | role: a value, an entry, a half-done state |
//! | 32 | name: the value's fingerprint, or the key |
//! | 8 + n | the value's kind |
//! | 8 + n | payload |
//!
//! The name is in it, so that bytes which got into another's place are noticed too.

use crate::value::{DecodeError, Decoder, Encoder, Fingerprint};

/// Changes whenever what follows it changes its meaning.
const MAGIC: &[u8; 8] = b"EASELrs1";

const CHECKED_FROM: usize = MAGIC.len() + blake3::OUT_LEN;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Value = 1,
    Entry = 2,
    State = 3,
}

/// Wraps what `payload` writes.
pub(super) fn wrap(role: Role, name: &Fingerprint, kind: &str, payload: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut head = Encoder::new(&mut bytes);
    head.raw(MAGIC);
    head.raw(&[0; blake3::OUT_LEN]);
    head.raw(&[role as u8]);
    head.raw(&name.0);
    head.text(kind);
    head.number(0);
    let begin = bytes.len();
    payload(&mut Encoder::new(&mut bytes));
    let length = (bytes.len() - begin) as u64;
    bytes[begin - 8..begin].copy_from_slice(&length.to_le_bytes());
    let hash = blake3::hash(&bytes[CHECKED_FROM..]);
    bytes[MAGIC.len()..CHECKED_FROM].copy_from_slice(hash.as_bytes());
    bytes
}

/// Kind and payload.
///
/// # Errors
/// The bytes are damaged, or are something else.
pub(super) fn unwrap<'a>(role: Role, name: &Fingerprint, bytes: &'a [u8]) -> Result<(&'a str, &'a [u8]), DecodeError> {
    let mut head = Decoder::new(bytes);
    if head.array()? != *MAGIC {
        return Err(DecodeError::new("it does not begin as it should"));
    }
    let hash = blake3::Hash::from_bytes(head.array()?);
    if blake3::hash(&bytes[CHECKED_FROM..]) != hash {
        return Err(DecodeError::new("its checksum does not agree with its content"));
    }
    if head.array()? != [role as u8] {
        return Err(DecodeError::new("it holds something else"));
    }
    if head.array()? != name.0 {
        return Err(DecodeError::new("it has another's name"));
    }
    let (kind, payload) = (head.text()?, head.bytes()?);
    head.finish()?;
    Ok((kind, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_is_noticed() {
        let name = Fingerprint([7; 32]);
        let whole = wrap(Role::Value, &name, "Text", |encoder| encoder.raw(b"payload"));
        assert_eq!(unwrap(Role::Value, &name, &whole), Ok(("Text", &b"payload"[..])));
        assert!(unwrap(Role::Entry, &name, &whole).is_err(), "another role");
        assert!(unwrap(Role::Value, &Fingerprint([8; 32]), &whole).is_err(), "another name");
        for length in 0..whole.len() {
            assert!(unwrap(Role::Value, &name, &whole[..length]).is_err(), "cut to {length}");
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(Role::Value, &name, &damaged).is_err(), "bit {bit}");
        }
        let mut longer = whole;
        longer.push(0);
        assert!(unwrap(Role::Value, &name, &longer).is_err());
    }
}
