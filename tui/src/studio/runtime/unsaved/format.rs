//! How changes that are not saved are written down: a few lines for people, then both texts as they are.

use std::path::Path;
use std::sync::Arc;

use easel_engine::{Fingerprint, FingerprintHasher};

use super::super::super::model::Unsaved;
use crate::terminal::printable;

/// What the first line says before the number of the format.
const TITLE: &str = "easel: changes that were never saved, format ";

/// The number of this format.
const FORMAT: u32 = 1;

const TEXT: &[u8] = b"--- with the changes:\n";
const BASE: &[u8] = b"\n--- the file before them:\n";

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
    let Unsaved { base, text } = unsaved;
    // One line, whatever the file is called.
    let name = printable(&workflow.display().to_string()).replace(['\n', '\t'], "?");
    let head = format!(
        "{TITLE}{FORMAT}\nof: {name}\nbytes: {} with the changes, {} before them\ncheck: {}\n",
        text.len(),
        base.len(),
        check(unsaved),
    );
    [head.as_bytes(), TEXT, text.as_bytes(), BASE, base.as_bytes(), b"\n"].concat()
}

/// The changes that a file holds.
pub(super) fn decoded(content: &[u8]) -> Result<Unsaved, Unreadable> {
    let (title, rest) = line(content).ok_or(Unreadable::Damaged)?;
    let format: u32 = title.strip_prefix(TITLE).and_then(|number| number.parse().ok()).ok_or(Unreadable::Damaged)?;
    if format > FORMAT {
        return Err(Unreadable::Newer);
    }
    texts(rest).ok_or(Unreadable::Damaged)
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
    let unsaved = Unsaved { base: word(base)?, text: word(text)? };
    (rest == b"\n" && check(&unsaved) == checked).then_some(unsaved)
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
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> (Unsaved, Vec<u8>) {
        let unsaved = Unsaved { base: "a\r\nb".into(), text: "--- the file before them:\nä\0".into() };
        let content = encoded(Path::new("/home/a\nb/flow.ron"), &unsaved);
        (unsaved, content)
    }

    #[test]
    fn a_person_can_read_what_was_kept() {
        let unsaved = Unsaved { base: "Workflow(version: 1)".into(), text: "Workflow(version: 1) // more".into() };
        let content = String::from_utf8(encoded(Path::new("/home/me/flow.ron"), &unsaved)).expect("it is text");
        let lines: Vec<_> = content.lines().filter(|line| !line.starts_with("check: ")).collect();
        let expected = [
            "easel: changes that were never saved, format 1",
            "of: /home/me/flow.ron",
            "bytes: 28 with the changes, 20 before them",
            "--- with the changes:",
            "Workflow(version: 1) // more",
            "--- the file before them:",
            "Workflow(version: 1)",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn half_of_a_file_and_changed_ones_are_damaged() {
        let (unsaved, content) = example();
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
        assert_eq!(decoded(b"Workflow(version: 1)"), Err(Unreadable::Damaged));
    }

    #[test]
    fn what_a_newer_easel_wrote_is_known_as_that() {
        let (_, content) = example();
        let newer = String::from_utf8_lossy(&content).replace("format 1", "format 2");
        assert_eq!(decoded(newer.as_bytes()), Err(Unreadable::Newer));
    }

    proptest! {
        #[test]
        fn any_texts_come_back(base in "(\\PC|\n|\r|-){0,40}", text in "(\\PC|\n|\r|-){0,40}") {
            let unsaved = Unsaved { base: base.as_str().into(), text: text.as_str().into() };
            prop_assert_eq!(decoded(&encoded(Path::new("x"), &unsaved)), Ok(unsaved));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decoded(&bytes), Err(Unreadable::Damaged));
        }
    }
}
