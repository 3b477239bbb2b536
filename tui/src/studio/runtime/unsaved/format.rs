//! How changes that are not saved are written down: a few lines for people, then both texts as they are, and what was being
//! typed, if anything was.

use std::path::Path;
use std::sync::Arc;

use easel_engine::{Fingerprint, FingerprintHasher};

use super::super::super::model::Unsaved;
use super::super::super::model::typed::Typed;
use crate::terminal::printable;

/// What the first line says before the number of the format.
const TITLE: &str = "easel: changes that were never saved, format ";

/// The number of the newest format. The one before has nothing of what is being typed, and is written where nothing is: so an
/// older easel can offer the changes.
const FORMAT: u32 = 2;

const TEXT: &[u8] = b"--- with the changes:\n";
const BASE: &[u8] = b"\n--- the file before them:\n";
const TYPED: &[u8] = b"\n--- being typed:\n";

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A newer easel wrote it.
    Newer,
    /// It is half a file, or none of ours.
    Damaged,
}

/// The changes as the content of a file.
pub(super) fn encoded(workflow: &Path, unsaved: &Unsaved) -> Vec<u8> {
    let Unsaved { base, text, typed } = unsaved;
    // One line, whatever the file is called.
    let name = printable(&workflow.display().to_string()).replace(['\n', '\t'], "?");
    let format = if typed.is_some() { FORMAT } else { FORMAT - 1 };
    let head = format!(
        "{TITLE}{format}\nof: {name}\nbytes: {} with the changes, {} before them\ncheck: {}\n",
        text.len(),
        base.len(),
        check(unsaved),
    );
    let mut content = [head.as_bytes(), TEXT, text.as_bytes(), BASE, base.as_bytes()].concat();
    if let Some(Typed { place, text }) = typed {
        let place = serde_json::to_string(place).unwrap_or_default();
        [TYPED, place.as_bytes(), b"\n", text.as_bytes()].iter().for_each(|part| content.extend_from_slice(part));
    }
    content.push(b'\n');
    content
}

/// The changes that a file holds.
pub(super) fn decoded(content: &[u8]) -> Result<Unsaved, Unreadable> {
    let (title, rest) = line(content).ok_or(Unreadable::Damaged)?;
    let format: u32 = title.strip_prefix(TITLE).and_then(|number| number.parse().ok()).ok_or(Unreadable::Damaged)?;
    if format > FORMAT {
        return Err(Unreadable::Newer);
    }
    texts(rest).filter(|unsaved| unsaved.typed.is_some() == (format == FORMAT)).ok_or(Unreadable::Damaged)
}

/// What is below the first line; none if anything is not as it was written.
fn texts(content: &[u8]) -> Option<Unsaved> {
    let (_, rest) = line(content)?;
    let (bytes, rest) = line(rest)?;
    let (text, base) =
        bytes.strip_prefix("bytes: ")?.strip_suffix(" before them")?.split_once(" with the changes, ")?;
    let (text, base): (usize, usize) = (text.parse().ok()?, base.parse().ok()?);
    let (checked, rest) = line(rest)?;
    let checked: Fingerprint = checked.strip_prefix("check: ")?.parse().ok()?;
    let (text, rest) = rest.strip_prefix(TEXT)?.split_at_checked(text)?;
    let (base, rest) = rest.strip_prefix(BASE)?.split_at_checked(base)?;
    let word = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(Arc::from);
    let typed = match rest.strip_prefix(TYPED) {
        Some(typed) => Some(typed_of(typed.strip_suffix(b"\n")?)?),
        None if rest == b"\n" => None,
        None => return None,
    };
    let unsaved = Unsaved { base: word(base)?, text: word(text)?, typed };
    (check(&unsaved) == checked).then_some(unsaved)
}

/// What was being typed: a line that says for what, and the text.
fn typed_of(content: &[u8]) -> Option<Typed> {
    let (place, text) = line(content)?;
    Some(Typed { place: serde_json::from_str(place).ok()?, text: String::from_utf8(text.to_vec()).ok()? })
}

/// The first line, and what is below it.
fn line(content: &[u8]) -> Option<(&str, &[u8])> {
    let end = content.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = content.split_at(end);
    Some((std::str::from_utf8(line).ok()?, &rest[1..]))
}

fn check(unsaved: &Unsaved) -> Fingerprint {
    let mut hasher = FingerprintHasher::new("easel changes that were never saved");
    hasher.text(&unsaved.base);
    hasher.text(&unsaved.text);
    if let Some(Typed { place, text }) = &unsaved.typed {
        hasher.text(&serde_json::to_string(place).unwrap_or_default());
        hasher.text(text);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::super::model::typed::{Question, TypedPlace};

    use super::*;

    fn typed(text: &str) -> Typed {
        let question = Question::Value { node: "a \"b\"\n".into(), input: "path".into(), is_text: true };
        Typed { place: TypedPlace { inside: vec!["each".into()], question }, text: text.into() }
    }

    /// Without anything that is being typed, and with it.
    fn examples() -> [(Unsaved, Vec<u8>); 2] {
        [None, Some(typed("a red\n--- the file before them:\ncat"))].map(|typed| {
            let (base, text) = ("a\r\nb".into(), "--- the file before them:\nä\0".into());
            let unsaved = Unsaved { base, text, typed };
            let content = encoded(Path::new("/home/a\nb/flow.ron"), &unsaved);
            (unsaved, content)
        })
    }

    #[test]
    fn a_person_can_read_what_was_kept() {
        let (base, text) = ("Workflow(version: 1)".into(), "Workflow(version: 1) // more".into());
        let mut unsaved = Unsaved { base, text, typed: None };
        let lines = |unsaved: &Unsaved| -> Vec<String> {
            let content = String::from_utf8(encoded(Path::new("/home/me/flow.ron"), unsaved)).expect("it is text");
            content.lines().filter(|line| !line.starts_with("check: ")).map(String::from).collect()
        };
        let expected = [
            "easel: changes that were never saved, format 1",
            "of: /home/me/flow.ron",
            "bytes: 28 with the changes, 20 before them",
            "--- with the changes:",
            "Workflow(version: 1) // more",
            "--- the file before them:",
            "Workflow(version: 1)",
        ];
        assert_eq!(lines(&unsaved), expected);
        unsaved.typed = Some(Typed {
            place: TypedPlace { inside: Vec::new(), question: Question::Rename { node: "load".into() } },
            text: "a red cat".into(),
        });
        let lines = lines(&unsaved);
        assert_eq!(lines[0], "easel: changes that were never saved, format 2");
        let typed = ["--- being typed:", r#"{"inside":[],"question":{"rename":{"node":"load"}}}"#, "a red cat"];
        assert_eq!((&lines[1..7], &lines[7..]), (&expected.map(String::from)[1..], &typed.map(String::from)[..]));
    }

    #[test]
    fn half_of_a_file_and_changed_ones_are_damaged() {
        for (unsaved, content) in examples() {
            assert_eq!(decoded(&content), Ok(unsaved));
            for length in 0..content.len() {
                assert_eq!(decoded(&content[..length]), Err(Unreadable::Damaged), "{length} bytes of it");
            }
            for at in content.windows(3).position(|three| three == b"of:").map_or(0, |at| at + 30)..content.len() {
                let mut other = content.clone();
                other[at] ^= 1;
                assert!(decoded(&other).is_err(), "with byte {at} changed");
            }
            let lying = String::from_utf8_lossy(&content).replace("bytes: ", "bytes: 99999999999999999999");
            assert_eq!(decoded(lying.as_bytes()), Err(Unreadable::Damaged));
            let other = String::from_utf8_lossy(&content).replace("format 1", "format 9");
            let other = other.replace("format 2", "format 1").replace("format 9", "format 2");
            assert_eq!(decoded(other.as_bytes()), Err(Unreadable::Damaged), "one format for the other");
        }
        assert_eq!(decoded(b"Workflow(version: 1)"), Err(Unreadable::Damaged));
    }

    #[test]
    fn what_a_newer_easel_wrote_is_known_as_that() {
        let [(_, content), _] = examples();
        let newer = String::from_utf8_lossy(&content).replace("format 1", "format 3");
        assert_eq!(decoded(newer.as_bytes()), Err(Unreadable::Newer));
    }

    proptest! {
        #[test]
        fn any_texts_come_back(
            base in "(\\PC|\n|\r|-){0,40}",
            text in "(\\PC|\n|\r|-){0,40}",
            being in prop::option::of("(\\PC|\n|\r|-){0,40}"),
        ) {
            let typed = being.map(|text| typed(&text));
            let unsaved = Unsaved { base: base.as_str().into(), text: text.as_str().into(), typed };
            prop_assert_eq!(decoded(&encoded(Path::new("x"), &unsaved)), Ok(unsaved));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decoded(&bytes), Err(Unreadable::Damaged));
        }
    }
}
