//! Unwanted words in prompts.

use std::collections::BTreeSet;

use rustrict::{Censor, Type};

/// Words and phrases that the list takes for something else. Names of groups of people are among them: a filter that
/// objects to them keeps them out of pictures.
const INNOCENT: &[&str] = &[
    "bastard sword",
    "bastard swords",
    "bisexual",
    "blue footed boobies",
    "blue footed booby",
    "blue tit",
    "blue tits",
    "booby trap",
    "boobytrap",
    "breast cancer",
    "breast feeding",
    "breastfeeding",
    "chicken breast",
    "chicken breasts",
    "chink in the armor",
    "chink in the armour",
    "clitoria",
    "coal tit",
    "coal tits",
    "cock a doodle doo",
    "cock crow",
    "cock crowing",
    "cock crows",
    "cocker",
    "cracker",
    "crackers",
    "crested tit",
    "crested tits",
    "cum laude",
    "dick tracy",
    "dick van dyke",
    "dickinson",
    "ding dong",
    "duck breast",
    "dyke",
    "dykes",
    "faggots and peas",
    "fukuoka",
    "fukushima",
    "gay",
    "great tit",
    "great tits",
    "hancock",
    "hoar",
    "hoe",
    "hoes",
    "homosexual",
    "horny toad",
    "horny toads",
    "jew",
    "jews",
    "lesbian",
    "lesbians",
    "long tailed tit",
    "long tailed tits",
    "marsh tit",
    "marsh tits",
    "middlesex",
    "moby dick",
    "naked chef",
    "naked eye",
    "naked mole rat",
    "naked mole rats",
    "niger",
    "niggardly",
    "philip k dick",
    "phuket",
    "pussy willow",
    "pussy willows",
    "queer",
    "rugby hooker",
    "sextant",
    "sextants",
    "sextet",
    "sextets",
    "thoth",
    "turkey breast",
    "wankel",
    "willow tit",
    "willow tits",
];

/// What an innocent phrase is replaced by; taking it out altogether could join its neighbours into a bad word.
const NEUTRAL: &str = "thing";

/// Words of the longest innocent phrase.
const LONGEST: usize = 4;

/// What a prompt is objected to for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Sexual acts, nudity.
    Sexual,
    /// Slurs.
    Offensive,
    /// Swear words of the coarsest kind.
    Profane,
    /// Threats and incitement.
    Mean,
}

impl Category {
    /// The name that people are shown.
    pub fn name(self) -> &'static str {
        match self {
            Category::Sexual => "sexual",
            Category::Offensive => "offensive",
            Category::Profane => "profane",
            Category::Mean => "mean",
        }
    }
}

/// What the filter thinks of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to object to.
    Clean,
    /// Something in these categories, at least one.
    Flagged(Vec<Category>),
}

impl Verdict {
    /// Whether there is nothing to object to.
    pub fn is_clean(&self) -> bool {
        *self == Verdict::Clean
    }

    /// The names of the categories; none for a clean prompt.
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Verdict::Clean => Vec::new(),
            Verdict::Flagged(categories) => categories.iter().map(|category| category.name()).collect(),
        }
    }
}

/// Finds unwanted words in prompts, also where their spelling is disguised.
#[derive(Clone, Debug)]
pub struct PromptFilter {
    innocent: BTreeSet<&'static str>,
}

impl Default for PromptFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl PromptFilter {
    /// The filter with its own list.
    pub fn new() -> Self {
        Self { innocent: INNOCENT.iter().copied().collect() }
    }

    /// Looks through a prompt.
    pub fn check(&self, prompt: &str) -> Verdict {
        let found = Censor::from_str(&self.without_innocent(prompt)).analyze();
        // Mild words (hell, damn) and mild scorn (ugly duckling) are part of ordinary prompts.
        let thresholds = [
            (Category::Sexual, Type::SEXUAL & Type::MODERATE_OR_HIGHER),
            (Category::Offensive, Type::OFFENSIVE & Type::MODERATE_OR_HIGHER),
            (Category::Profane, Type::PROFANE & Type::SEVERE),
            (Category::Mean, Type::MEAN & Type::SEVERE),
        ];
        let categories: Vec<Category> =
            thresholds.iter().filter(|(_, threshold)| found.is(*threshold)).map(|(category, _)| *category).collect();
        if categories.is_empty() { Verdict::Clean } else { Verdict::Flagged(categories) }
    }

    fn without_innocent(&self, prompt: &str) -> String {
        let words = words(prompt);
        let mut kept = String::with_capacity(prompt.len());
        let (mut index, mut copied) = (0, 0);
        while index < words.len() {
            let longest = (index + 1..=words.len().min(index + LONGEST)).rev();
            let phrase = longest.into_iter().find(|&end| {
                let phrase: Vec<&str> = words[index..end].iter().map(|word| word.lower.as_str()).collect();
                self.innocent.contains(phrase.join(" ").as_str())
            });
            if let Some(end) = phrase {
                kept.push_str(&prompt[copied..words[index].start]);
                kept.push_str(NEUTRAL);
                copied = words[end - 1].end;
            }
            index = phrase.unwrap_or(index + 1);
        }
        kept.push_str(&prompt[copied..]);
        kept
    }
}

struct Word {
    start: usize,
    end: usize,
    lower: String,
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (start, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let end = start + c.len_utf8();
        match words.last_mut() {
            Some(word) if word.end == start => {
                word.end = end;
                word.lower.extend(c.to_lowercase());
            }
            _ => words.push(Word { start, end, lower: c.to_lowercase().collect() }),
        }
    }
    words
}
