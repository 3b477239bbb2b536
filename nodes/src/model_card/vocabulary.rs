//! The words that a model was trained with.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The words of a model that knows few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Vocabulary {
    /// What it draws: the name, and other names of the same.
    #[serde(default)]
    pub concepts: BTreeMap<String, Vec<String>>,
    /// What it was told of, but not taught to draw: the name, and other names of the same.
    #[serde(default)]
    pub understood: BTreeMap<String, Vec<String>>,
    /// Manners of drawing.
    #[serde(default)]
    pub styles: Vec<String>,
    /// Colours of backgrounds and shapes.
    #[serde(default)]
    pub colours: Vec<String>,
    /// Shapes that are drawn in colours.
    #[serde(default)]
    pub shapes: Vec<String>,
    /// What else captions are worded with.
    #[serde(default)]
    pub words: Vec<String>,
}

/// A word of a prompt that a model was not trained to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strange {
    /// It knows no such word; perhaps one of these was meant, the nearest first.
    Unknown {
        /// As it stands in the prompt, in lower case.
        word: String,
        /// At most three.
        nearest: Vec<String>,
    },
    /// It was told of it, but not taught to draw it.
    NotDrawn(String),
}

/// More suggestions than these nobody reads.
const MOST_NEAREST: usize = 3;

/// Words that say nothing about what is drawn: nobody wants to hear that a model does not know them.
const SMALL_WORDS: [&str; 24] = [
    "a", "an", "and", "are", "as", "at", "by", "for", "from", "has", "in", "is", "it", "its", "of", "on", "or", "some",
    "that", "the", "this", "to", "very", "with",
];

/// Of a whole story, so many words are named.
const MOST_NAMED: usize = 5;

impl Vocabulary {
    /// The words of a prompt that the model was not trained to draw, each once, in their order.
    ///
    /// Names of several words ("ice cream cone") are found first, then single words; "cats" is known if "cat" is.
    pub fn strange(&self, prompt: &str) -> Vec<Strange> {
        let words = words(prompt);
        let drawn: BTreeSet<Vec<String>> = self.drawn().map(|name| self::words(name)).collect();
        let told: BTreeSet<Vec<String>> = names(&self.understood).map(|name| self::words(name)).collect();
        let longest = drawn.iter().chain(&told).map(Vec::len).max().unwrap_or(1);
        let mut strange = Vec::new();
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let lengths = (1..=longest.min(rest.len())).rev();
            let known = |phrases: &BTreeSet<Vec<String>>, length: usize| {
                phrases.contains(&rest[..length]) || phrases.contains(&singular(&rest[..length]))
            };
            let found = lengths.clone().find(|length| known(&drawn, *length) || known(&told, *length));
            let length = found.unwrap_or(1);
            let new = match found {
                Some(length) if known(&drawn, length) => None,
                Some(length) => Some(Strange::NotDrawn(rest[..length].join(" "))),
                None => Some(Strange::Unknown { word: rest[0].clone(), nearest: self.nearest(&rest[0]) }),
            };
            let new = new.filter(|_| found.is_some() || !SMALL_WORDS.contains(&rest[0].as_str()));
            rest = &rest[length..];
            strange.extend(new.filter(|new| !strange.contains(new)));
        }
        strange
    }

    /// Everything that it draws or that captions are worded with.
    fn drawn(&self) -> impl Iterator<Item = &String> {
        let others = [&self.styles, &self.colours, &self.shapes, &self.words].into_iter().flatten();
        names(&self.concepts).chain(others)
    }

    /// What is spelt most like a word, or has it as a part of its name; what is spelt like another name of a thing, by
    /// the thing's name.
    fn nearest(&self, word: &str) -> Vec<String> {
        let length = word.chars().count();
        let names = self.concepts.keys().chain(&self.styles).chain(&self.colours).chain(&self.shapes);
        let others = self.concepts.iter().flat_map(|(name, others)| others.iter().map(move |other| (other, name)));
        let distance = |name: &String| match words(name).iter().any(|part| part == word) {
            true if length > 2 => 1,
            _ => strsim::osa_distance(word, name),
        };
        let names = names.map(|name| (distance(name), name));
        let others = others.map(|(other, name)| (strsim::osa_distance(word, other), name));
        let near: BTreeSet<(usize, &String)> =
            names.chain(others).filter(|(distance, _)| *distance <= length.div_ceil(4) && *distance < length).collect();
        let best = near.first().map_or(0, |(distance, _)| *distance);
        let best = near.into_iter().take_while(|(distance, _)| *distance == best);
        best.take(MOST_NEAREST).map(|(_, name)| name.clone()).collect()
    }
}

fn names(known: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = &String> {
    known.iter().flat_map(|(name, other)| std::iter::once(name).chain(other))
}

/// The words of a text, in lower case: letters, digits and what joins them ("t-shirt").
fn words(text: &str) -> Vec<String> {
    let is_inside = |c: char| c.is_alphanumeric() || c == '-' || c == '\'' || c == '’';
    let words = text.split(|c| !is_inside(c)).map(|word| word.trim_matches(['-', '\'', '’']));
    let words = words.map(|word| word.strip_suffix("'s").or(word.strip_suffix("’s")).unwrap_or(word));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The same with the last word in the singular, as English mostly has it.
fn singular(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    if let Some(last) = words.last_mut() {
        let stem = ["ies", "es", "s"].into_iter().zip(["y", "", ""]).find_map(|(ending, instead)| {
            let stem = last.strip_suffix(ending).filter(|stem| stem.len() > 1)?;
            // "shoes" lose an s, "boxes" two letters.
            let hisses = ["s", "x", "z", "ch", "sh", "o"].iter().any(|end| stem.ends_with(end));
            (ending != "es" || hisses).then(|| format!("{stem}{instead}"))
        });
        *last = stem.unwrap_or_else(|| last.clone());
    }
    words
}

/// What to tell somebody whose prompt has such words; none if there are none.
pub fn warning(strange: &[Strange]) -> Option<String> {
    let quoted = |words: &[&String]| {
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        }
    };
    let mut sentences = Vec::new();
    let mut lost = Vec::new();
    for strange in strange.iter().take(MOST_NAMED) {
        match strange {
            Strange::Unknown { word, nearest } if !nearest.is_empty() => {
                let nearest: Vec<_> = nearest.iter().map(|near| format!("`{near}`")).collect();
                sentences.push(format!("the model does not know `{word}`; did you mean {}?", nearest.join(" or ")));
            }
            Strange::Unknown { word, .. } => lost.push(word),
            Strange::NotDrawn(word) => {
                sentences.push(format!("the model was told of `{word}`, but not taught to draw it"))
            }
        }
    }
    if !lost.is_empty() {
        sentences.push(format!("the model knows nothing like {}", quoted(&lost)));
    }
    if let Some(more @ 1..) = strange.len().checked_sub(MOST_NAMED) {
        sentences.push(format!("and {more} more such words"));
    }
    (!sentences.is_empty()).then(|| format!("{} (`easel models show` lists what it knows)", sentences.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let of = |names: &[(&str, &[&str])]| {
            let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            names.iter().map(|(name, other)| (name.to_string(), owned(other))).collect()
        };
        Vocabulary {
            concepts: of(&[
                ("cat", &["kitten"]),
                ("ice cream cone", &[]),
                ("t-shirt", &[]),
                ("butterfly", &[]),
                ("fox", &[]),
            ]),
            understood: of(&[("zebra", &[]), ("ice", &[])]),
            styles: vec!["3d".into()],
            colours: vec!["blue".into()],
            shapes: vec![],
            words: ["a", "on", "background"].map(String::from).into(),
        }
    }

    fn unknown(word: &str, nearest: &[&str]) -> Strange {
        Strange::Unknown { word: word.into(), nearest: nearest.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn known_words_are_not_strange_however_they_are_written() {
        let vocabulary = vocabulary();
        for known in [
            "a cat",
            "Cats on a blue background!",
            "3D T-shirt, blue",
            "",
            "ice cream cones",
            "butterflies",
            "foxes",
            "a cat's",
        ] {
            assert_eq!(vocabulary.strange(known), [], "{known}");
        }
    }

    #[test]
    fn a_strange_word_comes_with_the_nearest_that_is_known() {
        let vocabulary = vocabulary();
        assert_eq!(vocabulary.strange("a kiten"), [unknown("kiten", &["cat"])], "a synonym leads to its name");
        assert_eq!(
            vocabulary.strange("cream on bleu"),
            [unknown("cream", &["ice cream cone"]), unknown("bleu", &["blue"])]
        );
        assert_eq!(vocabulary.strange("in the foxx"), [unknown("foxx", &["fox"])], "small words count for nothing");
        assert_eq!(vocabulary.strange("wizard wizard"), [unknown("wizard", &[])], "each once");
        assert_eq!(
            vocabulary.strange("a zebra on ice"),
            [Strange::NotDrawn("zebra".into()), Strange::NotDrawn("ice".into())]
        );
        assert_eq!(vocabulary.strange("世界 q"), [unknown("世界", &[]), unknown("q", &[])]);
    }

    #[test]
    fn the_warning_says_all_of_it_in_a_line() {
        assert_eq!(warning(&[]), None);
        let vocabulary = vocabulary();
        let told =
            warning(&vocabulary.strange("a kiten, a zebra, a wizard, a dwarf")).expect("there is something to say");
        assert!(told.contains("does not know `kiten`; did you mean `cat`?"), "{told}");
        assert!(
            told.contains("told of `zebra`, but not taught") && told.contains("nothing like `wizard` and `dwarf`"),
            "{told}"
        );
        let told = warning(&vocabulary.strange("q w e r t y u")).expect("there is something to say");
        assert!(told.contains("`q`, `w`, `e`, `r` and `t`; and 2 more such words"), "{told}");
    }
}
