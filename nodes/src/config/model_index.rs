//! What a model folder consists of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::Fields;
use crate::error::Result;

/// The library and class of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartClass {
    /// "diffusers", "transformers", "unclip", …
    pub library: String,
    /// "UNet2DConditionModel", …
    pub class: String,
}

/// `model_index.json`: the pipeline's class, and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIndex {
    /// "UnCLIPPipeline", …
    pub class_name: String,
    /// Folder name → class. Parts that the pipeline goes without are left out.
    pub parts: BTreeMap<String, PartClass>,
}

impl ModelIndex {
    /// Reads `model_index.json`. Whether the pipeline's class is one that can be run is for the caller to say.
    ///
    /// # Errors
    /// Entries that are neither a part nor known: all of them in one message.
    pub fn parse(json: &[u8], file: &str) -> Result<Self> {
        let mut fields = Fields::parse(json, file)?;
        let class_name = match fields.take("_class_name") {
            Some(Value::String(name)) => name,
            Some(other) => {
                fields.wrong("_class_name", &other, "the name of a pipeline");
                String::new()
            }
            None => {
                fields.problem("field `_class_name` is missing".into());
                String::new()
            }
        };
        let mut parts = BTreeMap::new();
        for (name, value) in fields.take_lists() {
            match value.as_slice() {
                [Value::String(library), Value::String(class)] if is_folder_name(&name) => {
                    parts.insert(name, PartClass { library: library.clone(), class: class.clone() });
                }
                [Value::Null, Value::Null] => {}
                _ => fields.wrong(&name, &Value::Array(value), "a library and a class"),
            }
        }
        fields.inert(&["requires_safety_checker"]);
        fields.finish()?;
        Ok(Self { class_name, parts })
    }

    /// The class of a part, if the pipeline has that part.
    pub fn class_of(&self, part: &str) -> Option<&str> {
        self.parts.get(part).map(|part| part.class.as_str())
    }
}

/// A part's name is joined to the model's folder, so it must not lead out of it.
fn is_folder_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
