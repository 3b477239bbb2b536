//! `ListFiles`: the files of a folder.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use easel_engine::{
    Context, External, FingerprintHasher, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError,
    NodeResult, NodeSpec, OutputSpec, Outputs, Presence, Surroundings, Value, kinds,
};

use crate::error::{Error, Result};

/// Finds files.
pub struct ListFiles;

/// The pictures that LoadImage reads.
const PICTURES: [&str; 4] = ["*.png", "*.jpg", "*.jpeg", "*.webp"];

/// A folder with more entries was chosen by mistake.
const MOST_ENTRIES: usize = 100_000;

impl Node for ListFiles {
    fn spec(&self) -> NodeSpec {
        let mut pattern = InputSpec::new(
            "pattern",
            kinds::TEXT_LIST,
            "which names: `*` stands for any characters, `?` for one; case does not matter",
        );
        pattern.presence = Presence::Default(Value::texts(PICTURES));
        NodeSpec::new(
            "ListFiles",
            "Lists the files of a folder, without those of the folders in it. Sorted as people count: picture_2 before \
             picture_10. Names that are hidden (.name) are left out.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("folder", kinds::TEXT, "the folder, relative to the workflow's"))
        .input(pattern)
        .output(OutputSpec::new("paths", kinds::TEXT_LIST, "folder/name of each, for a LoadImage in a Map"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let Some(text) = literals.get::<String>("folder") else { return Vec::new() };
        let folder = literals.base_dir().join(text);
        if folder.is_dir() {
            return Vec::new();
        }
        let message = format!("there is no folder {}", folder.display());
        let hint = Some("relative paths count from the workflow's folder".to_string());
        vec![InputProblem { input: "folder", message, hint }]
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        let found = find(surroundings.base_dir(), inputs)?;
        let mut hasher = FingerprintHasher::new("names of files");
        // What is in the files is what whoever reads them depends on.
        found.names.iter().for_each(|name| hasher.text(name));
        Ok(External::Content(hasher.finish()))
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        literals.get::<String>("folder").map(|folder| literals.base_dir().join(folder)).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let found = find(context.base_dir(), inputs)?;
        if found.unreadable > 0 {
            context.warn(format!("{} file(s) left out: their names are not Unicode", found.unreadable));
        }
        let folder = inputs.get::<String>("folder")?;
        if found.names.is_empty() {
            context.warn(format!("no file in {folder:?} fits the pattern"));
        }
        let paths = found.names.iter().map(|name| match folder.as_str() {
            "" => name.clone(),
            folder if folder.ends_with('/') => format!("{folder}{name}"),
            folder => format!("{folder}/{name}"),
        });
        Ok(Outputs::none().with_value("paths", Value::texts(paths)))
    }
}

struct Found {
    /// Sorted.
    names: Vec<String>,
    unreadable: usize,
}

fn find(base_dir: &Path, inputs: &Inputs) -> Result<Found, NodeError> {
    let folder = base_dir.join(inputs.get::<String>("folder")?);
    let patterns: Vec<Vec<char>> = inputs.texts("pattern")?.into_iter().map(folded).collect();
    let cannot_read = |source| Error::Io { action: "cannot read", path: folder.clone(), source };
    let mut found = Found { names: Vec::new(), unreadable: 0 };
    for (index, entry) in std::fs::read_dir(&folder).map_err(cannot_read)?.enumerate() {
        if index >= MOST_ENTRIES {
            return Err(NodeError::new(format!("{} holds more than {MOST_ENTRIES} files", folder.display()))
                .with_hint("sort them into folders of their own"));
        }
        let entry = entry.map_err(cannot_read)?;
        let name = entry.file_name();
        let readable = name.to_str();
        let folded = folded(&name.to_string_lossy());
        let fits = !folded.starts_with(&['.']) && patterns.iter().any(|pattern| fits(&folded, pattern));
        // Through links; one that leads nowhere is no file.
        if !fits || !entry.path().is_file() {
            continue;
        }
        match readable {
            Some(name) => found.names.push(name.to_string()),
            None => found.unreadable += 1,
        }
    }
    found.names.sort_by(|a, b| natural(a, b));
    Ok(found)
}

fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a name fits a pattern with `*` and `?`. In time proportional to the product of their lengths: after a
/// mismatch only the last `*` can take more.
fn fits(name: &[char], pattern: &[char]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(in_pattern) {
            Some('*') => {
                last_star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(&c) if c == '?' || c == name[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                at = taken + 1;
                in_pattern = star + 1;
            }
        }
    }
    pattern[in_pattern..].iter().all(|&c| c == '*')
}

/// Runs of digits compare as numbers, everything else by its characters without case. Names that are the same so far
/// are told apart by their bytes, so that the order never depends on the file system.
fn natural(a: &str, b: &str) -> Ordering {
    let (left, right) = (folded(a), folded(b));
    let (mut left, mut right) = (left.as_slice(), right.as_slice());
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number, other) = (digits(left), digits(right));
            let (significant, of_other) = (without_zeros(number), without_zeros(other));
            match significant.len().cmp(&of_other.len()).then_with(|| significant.cmp(of_other)) {
                Ordering::Equal => (left, right) = (&left[number.len()..], &right[other.len()..]),
                order => return order,
            }
        } else if x == y {
            (left, right) = (&left[1..], &right[1..]);
        } else {
            return x.cmp(y);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

fn digits(text: &[char]) -> &[char] {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

fn without_zeros(number: &[char]) -> &[char] {
    let start = number.iter().position(|&c| c != '0').unwrap_or(number.len());
    &number[start..]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::nodes::trial::{elements, external_in, failure, run_in, text};

    fn folder(names: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        for name in names {
            fs::write(folder.path().join("in").join(name), "").unwrap();
        }
        folder
    }

    fn names(folder: &TempDir, more: &[(&'static str, Value)]) -> Vec<String> {
        let given = [("folder", text("in"))].into_iter().chain(more.iter().cloned());
        elements(&run_in(folder.path(), &ListFiles, given).unwrap(), "paths")
    }

    #[test]
    fn pictures_come_in_the_order_in_which_people_count() {
        let folder = folder(&["p10.png", "p2.PNG", "p1.jpeg", "a.txt", ".hidden.png", "b.webp"]);
        fs::create_dir(folder.path().join("in/folder.png")).unwrap();
        assert_eq!(names(&folder, &[]), ["in/b.webp", "in/p1.jpeg", "in/p2.PNG", "in/p10.png"]);
        assert_eq!(
            names(&folder, &[("pattern", Value::texts(["*.txt", "p?.*"]))]),
            ["in/a.txt", "in/p1.jpeg", "in/p2.PNG"]
        );
        assert!(names(&folder, &[("pattern", Value::texts(["*.gif"]))]).is_empty());
    }

    #[test]
    fn patterns_stand_for_names() {
        let cases = [
            ("a.png", "*", true),
            ("a.png", "a.png", true),
            ("a.png", "?.p*g", true),
            ("a.png", "", false),
            ("", "*", true),
            ("ab", "?", false),
            ("aXbXc", "a*X*c", true),
            ("aXbXcd", "a*X*c", false),
            ("über.png", "?ber*", true),
        ];
        for (name, pattern, wanted) in cases {
            assert_eq!(fits(&folded(name), &folded(pattern)), wanted, "{name} {pattern}");
        }
        let (name, pattern) = ("a".repeat(250), "*a".repeat(100) + "b");
        assert!(!fits(&folded(&name), &folded(&pattern)), "and soon");
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["x10", "x9", "x09", "X1", "x", "x1b", "x18446744073709551617", "x18446744073709551616"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["x", "X1", "x1b", "x09", "x9", "x10", "x18446744073709551616", "x18446744073709551617"]);
    }

    #[test]
    fn the_result_depends_on_the_names_alone() {
        let of = |names: &[&str]| external_in(folder(names).path(), &ListFiles, [("folder", text("in"))]).unwrap();
        assert_eq!(of(&["a.png", "b.txt"]), of(&["a.png"]));
        assert_ne!(of(&["a.png"]), of(&["b.png"]));
        assert_ne!(of(&["a.png"]), of(&["a.png", "b.png"]));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let message = failure(run_in(folder(&[]).path(), &ListFiles, [("folder", text("out"))]));
        assert!(message.contains("cannot read") && message.contains("out"), "{message}");
    }
}
