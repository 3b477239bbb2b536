//! The fields of one JSON object: each is taken once, with its default and its bounds, and the rest is refused.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::Error;
use crate::error::Result;

/// No hidden size, channel count or embedding is wider.
pub(super) const WIDTH: RangeInclusive<usize> = 1..=65_536;
/// No model has more layers or heads.
pub(super) const LAYERS: RangeInclusive<usize> = 1..=1024;
/// No vocabulary is larger.
pub(super) const VOCABULARY: RangeInclusive<usize> = 1..=4_194_304;
/// No context is longer.
pub(super) const CONTEXT: RangeInclusive<usize> = 1..=65_536;
/// No picture is larger, per side.
pub(super) const IMAGE: RangeInclusive<usize> = 1..=8192;

/// An absurdly long value is not worth quoting whole.
const QUOTED: usize = 120;

/// One JSON object while it is read. Problems are gathered, so that all of a file are reported together.
pub(super) struct Fields {
    file: String,
    map: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    /// Parses a file that must hold one JSON object.
    pub(super) fn parse(json: &[u8], file: &str) -> Result<Self> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        match serde_json::from_slice(json) {
            Ok(Value::Object(map)) => Ok(Self { file: file.to_owned(), map, problems: Vec::new() }),
            Ok(other) => Err(Error::invalid(format!("{file}: should hold a JSON object, holds {}", quote(&other)))),
            Err(error) => Err(Error::invalid(format!("{file}: not valid JSON: {error}"))
                .with_hint("the file may be cut off, or a Git LFS pointer: download it again")),
        }
    }

    /// Whether a field is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Takes every field that is a list.
    pub(super) fn take_lists(&mut self) -> Vec<(String, Vec<Value>)> {
        let names: Vec<String> =
            self.map.iter().filter(|(_, value)| value.is_array()).map(|(name, _)| name.clone()).collect();
        let taken = names.into_iter().map(|name| {
            let list = self.map.remove(&name);
            (name, list)
        });
        taken
            .filter_map(|(name, list)| if let Some(Value::Array(list)) = list { Some((name, list)) } else { None })
            .collect()
    }

    /// Takes a nested object as fields of their own. Its problems must be handed back with [`Fields::absorb`].
    pub(super) fn object(&mut self, name: &str) -> Option<Fields> {
        match self.map.remove(name) {
            Some(Value::Object(map)) => Some(Fields { file: self.file.clone(), map, problems: Vec::new() }),
            None | Some(Value::Null) => None,
            Some(other) => {
                self.wrong(name, &other, "an object");
                None
            }
        }
    }

    /// Adds the problems of a nested object, and refuses what is left in it.
    pub(super) fn absorb(&mut self, name: &str, mut inner: Fields) {
        inner.refuse_rest();
        self.problems.extend(inner.problems.into_iter().map(|problem| format!("in `{name}`: {problem}")));
    }

    /// Takes a field as it stands; null is the same as missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field, null included: where a setting has a default, null is not the same as leaving it out.
    fn take_given(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// A whole number within bounds. `None` as default: the field is required.
    pub(super) fn size(&mut self, name: &str, default: Option<usize>, bounds: RangeInclusive<usize>) -> usize {
        let placeholder = *bounds.start();
        match (self.take_given(name), default) {
            (Some(value), _) => match whole(&value).filter(|size| bounds.contains(size)) {
                Some(size) => size,
                None => {
                    self.wrong(name, &value, &format!("a whole number from {} to {}", bounds.start(), bounds.end()));
                    placeholder
                }
            },
            (None, Some(default)) => default,
            (None, None) => {
                self.missing(name);
                placeholder
            }
        }
    }

    /// A whole number, or a list of whole numbers that are all the same (one per block).
    pub(super) fn uniform_size(
        &mut self,
        name: &str,
        default: Option<usize>,
        bounds: RangeInclusive<usize>,
        blocks: usize,
    ) -> usize {
        if let Some(Value::Array(list)) = self.map.get(name) {
            match list.first().cloned() {
                Some(first) if list.len() == blocks && list.iter().all(|value| *value == first) => {
                    self.map.insert(name.to_owned(), first);
                }
                _ => {
                    let value = Value::Array(list.clone());
                    self.wrong(name, &value, "one number, or the same number for every block");
                    self.map.remove(name);
                    return *bounds.start();
                }
            }
        }
        self.size(name, default, bounds)
    }

    /// A side of square pictures: a whole number, or a pair of equal ones. Required.
    pub(super) fn square(&mut self, name: &str, bounds: RangeInclusive<usize>) -> usize {
        self.uniform_size(name, None, bounds, 2)
    }

    /// A required list of sizes, not empty.
    pub(super) fn sizes(&mut self, name: &str, bounds: RangeInclusive<usize>, at_most: usize) -> Vec<usize> {
        let Some(value) = self.take(name) else {
            self.missing(name);
            return Vec::new();
        };
        let sizes: Option<Vec<usize>> = value
            .as_array()
            .filter(|list| (1..=at_most).contains(&list.len()))
            .and_then(|list| list.iter().map(|item| whole(item).filter(|size| bounds.contains(size))).collect());
        sizes.unwrap_or_else(|| {
            let wanted = format!("a list of 1 to {at_most} whole numbers from {} to {}", bounds.start(), bounds.end());
            self.wrong(name, &value, &wanted);
            Vec::new()
        })
    }

    /// A finite number within bounds.
    pub(super) fn number(&mut self, name: &str, default: f64, bounds: RangeInclusive<f64>) -> f64 {
        let Some(value) = self.take_given(name) else {
            return default;
        };
        match value.as_f64().filter(|number| bounds.contains(number)) {
            Some(number) => number,
            None => {
                self.wrong(name, &value, &format!("a number from {} to {}", bounds.start(), bounds.end()));
                default
            }
        }
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.take_given(name) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(other) => {
                self.wrong(name, &other, "true or false");
                default
            }
        }
    }

    /// One of some words, each with its meaning. `None` as default: the field is required.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, default: Option<T>, choices: &[(&str, T)]) -> Option<T> {
        let Some(value) = self.take_given(name) else {
            if default.is_none() {
                self.missing(name);
            }
            return default;
        };
        let chosen = choices.iter().find(|(word, _)| value.as_str() == Some(word)).map(|(_, meaning)| *meaning);
        if chosen.is_none() {
            self.unsupported(name, &value, &words(choices));
        }
        chosen
    }

    /// A required list of words, each with its meaning.
    pub(super) fn choices<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Vec<T> {
        let Some(value) = self.take(name) else {
            self.missing(name);
            return Vec::new();
        };
        let meaning = |item: &Value| choices.iter().find(|(word, _)| item.as_str() == Some(word)).map(|(_, m)| *m);
        match value.as_array().and_then(|list| list.iter().map(meaning).collect()) {
            Some(list) => list,
            None => {
                self.unsupported(name, &value, &format!("a list of {}", words(choices)));
                Vec::new()
            }
        }
    }

    /// A field that must hold one of these values. Missing, it is read as `default`; when that is not among the values
    /// either, the field is required.
    pub(super) fn only(&mut self, name: &str, default: Value, supported: &[Value]) {
        match self.take_given(name) {
            Some(value) if supported.iter().any(|one| same(one, &value)) => {}
            Some(value) => {
                let list: Vec<String> = supported.iter().map(quote).collect();
                self.unsupported(name, &value, &list.join(" or "));
            }
            None if supported.contains(&default) => {}
            None => {
                let list: Vec<String> = supported.iter().map(quote).collect();
                self.problems.push(format!(
                    "field `{name}` is missing, which means {}; supported: {}",
                    quote(&default),
                    list.join(" or ")
                ));
            }
        }
    }

    /// A field that must be null, false or missing.
    pub(super) fn off(&mut self, names: &[&str]) {
        for name in names {
            match self.take(name) {
                None | Some(Value::Bool(false)) => {}
                Some(value) => self.unsupported(name, &value, "null"),
            }
        }
    }

    /// A field that may only be null, or hold the value that null stands for.
    pub(super) fn only_default(&mut self, name: &str, default: usize) {
        self.only(name, Value::Null, &[Value::Null, Value::from(default)]);
    }

    /// Fields that change nothing in what is computed.
    pub(super) fn inert(&mut self, names: &[&str]) {
        for name in names {
            self.map.remove(*name);
        }
    }

    /// A field that does not hold what it should.
    pub(super) fn wrong(&mut self, name: &str, value: &Value, wanted: &str) {
        self.problems.push(format!("field `{name}` is {}; it should be {wanted}", quote(value)));
    }

    /// Something that is wrong between fields.
    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Whether no problem was found so far, so that relations between fields mean something.
    pub(super) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn unsupported(&mut self, name: &str, value: &Value, supported: &str) {
        self.problems.push(format!("field `{name}` is {}; supported: {supported}", quote(value)));
    }

    fn missing(&mut self, name: &str) {
        self.problems.push(format!("field `{name}` is missing"));
    }

    /// Null is no setting, and a leading underscore is the libraries' mark for notes to themselves.
    fn refuse_rest(&mut self) {
        for (name, value) in std::mem::take(&mut self.map) {
            if !value.is_null() && !name.starts_with('_') {
                self.problems.push(format!("field `{name}` = {} is not known to this version", quote(&value)));
            }
        }
    }

    /// Refuses what is left, and reports every problem.
    pub(super) fn finish(mut self) -> Result<()> {
        self.refuse_rest();
        match self.problems.as_slice() {
            [] => Ok(()),
            [one] => Err(Error::invalid(format!("{}: {one}", self.file))),
            many => Err(Error::invalid(format!("{}: {} problems:\n  {}", self.file, many.len(), many.join("\n  ")))),
        }
    }
}

/// A JSON number as a size, if it is one.
fn whole(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok())
}

/// Python does not tell 1 from 1.0, so neither do files that it wrote.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn quote(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn words<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    words.join(" or ")
}
