//! `model_card.json` in a model's folder: what the model knows, under which licences its data are, how it was judged.
//!
//! Only models of a small vocabulary need one. The recipe of the built-in model writes its own
//! (`workflows/models/emoji-unclip/recipe/model_card.py`).

mod vocabulary;

use serde::Deserialize;

use crate::Result;
use crate::weights::ModelFolder;

pub use vocabulary::{Strange, Vocabulary, warning};

/// The file, in the folder of the model.
const FILE: &str = "model_card.json";

/// What is written on a model's card.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ModelCard {
    /// What it is, in a sentence.
    pub about: String,
    /// The words that it knows; none if it takes any.
    #[serde(default)]
    pub vocabulary: Option<Vocabulary>,
    /// Under which licences it and its data are.
    #[serde(default)]
    pub licences: Vec<Licence>,
    /// How it was judged.
    #[serde(default)]
    pub evaluation: Vec<Figure>,
}

/// The licence of something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Licence {
    /// Of what.
    pub what: String,
    /// Its SPDX expression.
    pub licence: String,
}

/// A measured figure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Figure {
    /// What was measured, and by whom.
    pub what: String,
    /// A part of 1.
    pub value: f64,
}

impl ModelCard {
    /// The card of a model; none if it has none.
    ///
    /// # Errors
    /// There is a file of that name that cannot be read or is no card.
    pub fn of(folder: &ModelFolder) -> Result<Option<Self>> {
        if !folder.exists(FILE) {
            return Ok(None);
        }
        folder.parsed(FILE).map(Some)
    }
}

#[cfg(all(test, feature = "builtin-models"))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_built_in_model_says_what_it_knows() {
        let folder = ModelFolder::open("builtin:emoji-unclip", Path::new(".")).expect("it is built in");
        let card = ModelCard::of(&folder).expect("it can be read").expect("it is there");
        let vocabulary = card.vocabulary.expect("it takes few words");
        assert!(vocabulary.concepts.contains_key("rocket") && vocabulary.concepts.contains_key("zebra"));
        assert!(!card.licences.is_empty() && card.evaluation.iter().all(|figure| (0.0..=1.0).contains(&figure.value)));
        for known in
            ["a flat rocket on a blue background", "a red circle inside a blue square", "Puppies, 3D style", ""]
        {
            assert_eq!(vocabulary.strange(known), [], "{known}");
        }
    }
}
