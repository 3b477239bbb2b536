//! Half-done work as bytes that a later attempt can trust.
//!
//! What is read back may be damaged, of another version, or of other work altogether: all of that is no state.

use easel_engine::Fingerprint;

/// The last byte is the version of everything that is sealed.
const MAGIC: [u8; 8] = *b"easel-s\x01";
const HASH: usize = 32;

/// What `write` appends, marked as a state of the work that `identity` stands for, with a checksum.
pub(crate) fn seal(identity: &Fingerprint, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(identity.0);
    write(&mut bytes);
    let checksum = blake3::hash(&bytes);
    bytes.extend(checksum.as_bytes());
    bytes
}

/// What was sealed; none if it is damaged or belongs to other work.
pub(crate) fn open<'a>(bytes: &'a [u8], identity: &Fingerprint) -> Option<&'a [u8]> {
    let (sealed, checksum) = bytes.split_last_chunk::<HASH>()?;
    let rest = sealed.strip_prefix(&MAGIC)?.strip_prefix(&identity.0)?;
    (blake3::hash(sealed).as_bytes() == checksum).then_some(rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    const IDENTITY: Fingerprint = Fingerprint([7; 32]);

    #[test]
    fn what_was_sealed_comes_back_for_the_same_work_only() {
        let sealed = seal(&IDENTITY, |bytes| bytes.extend(b"half"));
        assert_eq!(open(&sealed, &IDENTITY), Some(b"half".as_slice()));
        assert_eq!(open(&sealed, &Fingerprint([8; 32])), None);
        assert_eq!(open(&seal(&IDENTITY, |_| ()), &IDENTITY), Some([].as_slice()), "nothing is a state too");
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let sealed = seal(&IDENTITY, |bytes| bytes.extend(b"half"));
        for length in 0..sealed.len() {
            assert_eq!(open(&sealed[..length], &IDENTITY), None, "cut to {length}");
        }
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&damaged, &IDENTITY), None, "bit {bit}");
        }
    }
}
