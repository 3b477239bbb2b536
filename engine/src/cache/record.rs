//! Entries as bytes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Entry, Kept, KeptOutput};
use super::seal::Seal;
use crate::node::Told;
use crate::registry::Registry;
use crate::value::{DecodeError, Decoder, Encoder, Fingerprint, Kind};

/// Writes an entry. False if that cannot be: a path is no Unicode.
pub(super) fn encode(kept: &Kept, encoder: &mut Encoder<'_>) -> bool {
    let entry = &kept.entry;
    encoder.text(&entry.node_type);
    encoder.number(u64::try_from(entry.cost.as_nanos()).unwrap_or(u64::MAX));
    encoder.number(entry.outputs.len() as u64);
    let mut sizes = kept.sizes.iter();
    for output in &entry.outputs {
        match output {
            KeptOutput::Value { kind, fingerprint, summary } => {
                encoder.raw(&[1, kind.depth()]);
                encoder.text(kind.base());
                encoder.raw(&fingerprint.0);
                encoder.text(summary);
                encoder.number(sizes.next().copied().unwrap_or(0));
            }
            KeptOutput::Blocked(reason) => {
                encoder.raw(&[0]);
                encoder.text(reason);
            }
            KeptOutput::Sketch(sketch) => {
                encoder.raw(&[2]);
                encoder.text(sketch);
            }
        }
    }
    let Told { notes, warnings, artifacts } = &entry.told;
    encoder.number(notes.len() as u64);
    for (key, text) in notes {
        encoder.text(key);
        encoder.text(text);
    }
    encoder.number(warnings.len() as u64);
    warnings.iter().for_each(|warning| encoder.text(warning));
    encoder.number(artifacts.len() as u64);
    artifacts.iter().zip(&kept.seals).all(|(told, seal)| encode_artifact(told, seal, encoder))
}

fn encode_artifact(told: &Path, seal: &Seal, encoder: &mut Encoder<'_>) -> bool {
    let (Some(told), Some(path)) = (told.to_str(), seal.path.to_str()) else { return false };
    encoder.text(told);
    encoder.text(path);
    encoder.number(seal.size);
    encoder.raw(&seal.modified.to_le_bytes());
    encoder.raw(&seal.content);
    encoder.raw(&[u8::from(seal.is_settled())]);
    true
}

/// Reads an entry back. None if it is of kinds that the registry does not know: another program's.
///
/// # Errors
/// The bytes are no entry.
pub(super) fn decode(bytes: &[u8], registry: &Registry) -> Result<Option<Kept>, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let node_type = decoder.text()?.to_owned();
    let cost = Duration::from_nanos(decoder.number()?);
    let mut sizes = Vec::new();
    let mut is_known = true;
    let outputs = several(&mut decoder, |decoder| match decoder.array()? {
        [0] => Ok(Some(KeptOutput::Blocked(decoder.text()?.to_owned()))),
        [2] => Ok(Some(KeptOutput::Sketch(decoder.text()?.to_owned()))),
        [1] => {
            let [depth] = decoder.array()?;
            let kind = registry.kind(decoder.text()?).map(|base| (0..depth).fold(base, |kind, _| Kind::list(kind)));
            let (fingerprint, summary) = (Fingerprint(decoder.array()?), decoder.text()?.to_owned());
            sizes.push(decoder.number()?);
            is_known &= kind.is_some();
            Ok(kind.map(|kind| KeptOutput::Value { kind, fingerprint, summary }))
        }
        _ => Err(DecodeError::new("an output is a value, blocked or a sketch")),
    })?;
    let notes = several(&mut decoder, |decoder| Ok((decoder.text()?.to_owned(), decoder.text()?.to_owned())))?;
    let warnings = several(&mut decoder, |decoder| decoder.text().map(str::to_owned))?;
    let (artifacts, seals) = several(&mut decoder, decode_artifact)?.into_iter().unzip();
    decoder.finish()?;
    if !is_known {
        return Ok(None);
    }
    let told = Told { notes, warnings, artifacts };
    let entry = Entry { node_type, outputs: outputs.into_iter().flatten().collect(), told, cost };
    Ok(Some(Kept { entry, sizes, seals }))
}

/// The path is told as it was, unless it would now, from another folder, be another file's.
fn decode_artifact(decoder: &mut Decoder<'_>) -> Result<(PathBuf, Seal), DecodeError> {
    let (told, path) = (PathBuf::from(decoder.text()?), PathBuf::from(decoder.text()?));
    let (size, modified, content) = (decoder.number()?, i64::from_le_bytes(decoder.array()?), decoder.array()?);
    let settled = decoder.array()? == [1];
    let is_same = std::path::absolute(&told).is_ok_and(|told| told == path);
    Ok((if is_same { told } else { path.clone() }, Seal::new(path, size, modified, content, settled)))
}

/// Room is not taken beforehand: the count may be a lie.
fn several<'a, T>(
    decoder: &mut Decoder<'a>,
    mut one: impl FnMut(&mut Decoder<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = decoder.number()?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(one(decoder)?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{entry, text};
    use super::*;
    use crate::value::Value;

    fn bytes(kept: &Kept) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(encode(kept, &mut Encoder::new(&mut bytes)));
        bytes
    }

    #[test]
    fn an_entry_survives_being_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("picture.png");
        std::fs::write(&path, "picture").expect("it can be written");
        let values = [text("one"), Value::texts(["a", "b"])];
        let mut entry = entry(&values, Duration::from_millis(7));
        entry.outputs.insert(1, KeptOutput::Blocked("no face was found".into()));
        entry.told.notes.push(("seed".into(), "7".into()));
        entry.told.warnings.push("it is dark".into());
        entry.told.artifacts.push(path.clone());
        let kept = Kept::new(entry.clone(), &values).expect("all is there");
        let back = decode(&bytes(&kept), &Registry::new()).expect("it is whole").expect("its kinds are known");
        assert_eq!((&back.entry, &back.sizes), (&entry, &kept.sizes));
        assert!(back.files_are_there());
        std::fs::write(&path, "pi3ture").expect("it can be written");
        assert!(!back.files_are_there());
    }

    #[test]
    fn kinds_of_other_programs_are_no_damage() {
        let mut entry = entry(&[], Duration::ZERO);
        let (kind, fingerprint) = (Kind::new("Hologram").list(), Fingerprint([1; 32]));
        entry.outputs = vec![KeptOutput::Value { kind, fingerprint, summary: "a ship".into() }];
        let kept = Kept { entry: entry.clone(), sizes: vec![1], seals: vec![] };
        assert!(matches!(decode(&bytes(&kept), &Registry::new()), Ok(None)));
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_and_nothing_worse(garbage in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&garbage, &Registry::new());
        }

        /// As if a checksum agreed with damage.
        #[test]
        fn a_changed_byte_is_an_error_or_another_entry(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let values = [text("one"), Value::texts(["a", "b"])];
            let kept = Kept::new(entry(&values, Duration::from_millis(7)), &values).expect("all is there");
            let mut bytes = bytes(&kept);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(&bytes, &Registry::new());
        }
    }
}
