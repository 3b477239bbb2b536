//! The files of a tokenizer: vocabulary, merges, and which tokens are special.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use crate::Error;
use crate::error::Result;

/// What transformers takes for "no limit" is a number beyond every context; CLIP's own length is meant.
const LONGEST_CONTEXT: f64 = 65_536.0;
const CLIP_CONTEXT: usize = 77;
const LARGEST_VOCABULARY: usize = 4_194_304;

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// The contents of a tokenizer's files, each where it exists.
#[derive(Clone, Debug, Default)]
pub struct TokenizerFiles<'a> {
    /// Where the files are, for messages.
    pub folder: String,
    /// `vocab.json`: token → id.
    pub vocab_json: Option<Cow<'a, [u8]>>,
    /// `merges.txt`: pairs in the order of their rank.
    pub merges_txt: Option<Cow<'a, [u8]>>,
    /// `tokenizer.json`: read for its vocabulary and merges where the two files above are missing.
    pub tokenizer_json: Option<Cow<'a, [u8]>>,
    /// `tokenizer_config.json`.
    pub tokenizer_config_json: Option<Cow<'a, [u8]>>,
    /// `special_tokens_map.json`.
    pub special_tokens_map_json: Option<Cow<'a, [u8]>>,
}

/// Tokens and merges that fit together.
pub(super) struct Vocabulary {
    pub(super) ids: HashMap<String, u32>,
    pub(super) merges: Vec<(String, String)>,
}

/// A special token and how it is found in text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Special {
    pub(super) content: String,
    single_word: bool,
    left_strip: bool,
    right_strip: bool,
    normalized: bool,
}

impl Special {
    fn plain(content: &str) -> Self {
        Self { content: content.into(), single_word: false, left_strip: false, right_strip: false, normalized: false }
    }

    /// A special token is written as a string, or as an object that says how it is matched.
    fn parse(value: &Value) -> Option<Self> {
        if let Some(content) = value.as_str() {
            return Some(Self::plain(content)).filter(|special| !special.content.is_empty());
        }
        let content = value.get("content")?.as_str().filter(|content| !content.is_empty())?;
        let flag = |name: &str| value.get(name).and_then(Value::as_bool);
        Some(Self {
            content: content.into(),
            single_word: flag("single_word").unwrap_or(false),
            left_strip: flag("lstrip").unwrap_or(false),
            right_strip: flag("rstrip").unwrap_or(false),
            normalized: flag("normalized").unwrap_or(true),
        })
    }

    pub(super) fn added_token(&self) -> AddedToken {
        AddedToken::from(self.content.as_str(), true)
            .single_word(self.single_word)
            .lstrip(self.left_strip)
            .rstrip(self.right_strip)
            .normalized(self.normalized)
    }
}

/// What `tokenizer_config.json` and `special_tokens_map.json` say.
pub(super) struct Settings {
    pub(super) bos: Special,
    pub(super) eos: Special,
    pub(super) unk: Special,
    pub(super) pad: Special,
    pub(super) context_length: usize,
    /// Id → token, where the configuration lists them.
    declared: BTreeMap<u32, Special>,
}

impl Settings {
    /// The tokens that are found in text as a whole. They must be in the vocabulary: one with an id of its own would
    /// be beyond the model's embedding.
    pub(super) fn added_tokens(&self, vocabulary: &Vocabulary, folder: &str) -> Result<Vec<Special>> {
        for (id, special) in &self.declared {
            if vocabulary.ids.get(&special.content) != Some(id) {
                return Err(Error::invalid(format!(
                    "{folder}/tokenizer_config.json: `added_tokens_decoder` gives {:?} the id {id}, the vocabulary \
                     does not",
                    special.content
                ))
                .with_hint("tokens that were added to a vocabulary (textual inversion) are not supported"));
            }
        }
        let mut list: Vec<Special> = self.declared.values().cloned().collect();
        for special in [&self.bos, &self.eos, &self.unk, &self.pad] {
            if list.iter().all(|one| one.content != special.content) {
                list.push(special.clone());
            }
        }
        Ok(list)
    }
}

impl TokenizerFiles<'_> {
    /// The vocabulary and merges, checked against each other.
    pub(super) fn vocabulary(&self) -> Result<Vocabulary> {
        let (vocabulary, source) = match (&self.vocab_json, &self.merges_txt, &self.tokenizer_json) {
            (Some(vocab), Some(merges), _) => {
                let ids = self.object("vocab.json", vocab)?;
                let ids = self.ids("vocab.json", ids)?;
                (Vocabulary { ids, merges: self.merge_lines(merges)? }, "merges.txt")
            }
            (_, _, Some(whole)) => (self.whole_file(whole)?, "tokenizer.json"),
            _ => {
                return Err(Error::invalid(format!(
                    "{}: there is neither vocab.json with merges.txt nor tokenizer.json",
                    self.folder
                ))
                .with_hint("download the model's tokenizer folder again"));
            }
        };
        self.check_merges(&vocabulary, source)?;
        Ok(vocabulary)
    }

    /// What the two files of settings say; the second one overrules the first unless that one lists its tokens.
    pub(super) fn settings(&self) -> Result<Settings> {
        const CONFIG: &str = "tokenizer_config.json";
        let parse = |name: &str, file: &Option<Cow<'_, [u8]>>| match file {
            Some(bytes) => self.object(name, bytes),
            None => Ok(Map::new()),
        };
        let config = parse(CONFIG, &self.tokenizer_config_json)?;
        let map = parse("special_tokens_map.json", &self.special_tokens_map_json)?;
        self.refuse_unsupported(&config)?;
        let declared = self.declared_tokens(&config)?;
        let token = |key: &str, default: &str| -> Result<Special> {
            let overruling = map.get(key).filter(|_| declared.is_empty());
            let Some(value) = overruling.or_else(|| config.get(key)).filter(|value| !value.is_null()) else {
                return Ok(Special::plain(default));
            };
            Special::parse(value).ok_or_else(|| {
                self.wrong(if overruling.is_some() { "special_tokens_map.json" } else { CONFIG }, key, value)
            })
        };
        Ok(Settings {
            bos: token("bos_token", START)?,
            eos: token("eos_token", END)?,
            unk: token("unk_token", END)?,
            pad: token("pad_token", END)?,
            context_length: self.context_length(&config)?,
            declared,
        })
    }

    fn context_length(&self, config: &Map<String, Value>) -> Result<usize> {
        let Some(value) = config.get("model_max_length").filter(|value| !value.is_null()) else {
            return Ok(CLIP_CONTEXT);
        };
        match value.as_f64() {
            Some(length) if length > LONGEST_CONTEXT => Ok(CLIP_CONTEXT),
            Some(length) if length >= 3.0 && length.fract() == 0.0 => Ok(length as usize),
            _ => Err(self.wrong("tokenizer_config.json", "model_max_length", value)),
        }
    }

    /// Settings that would change the ids, and that CLIP's tokenizers do not use.
    fn refuse_unsupported(&self, config: &Map<String, Value>) -> Result<()> {
        let supported: [(&str, &[&str]); 3] = [
            ("tokenizer_class", &["CLIPTokenizer", "CLIPTokenizerFast"]),
            ("padding_side", &["right"]),
            ("truncation_side", &["right"]),
        ];
        for (key, words) in supported {
            if let Some(value) = config.get(key).filter(|value| !value.is_null())
                && !value.as_str().is_some_and(|word| words.contains(&word))
            {
                return Err(Error::invalid(format!(
                    "{}/tokenizer_config.json: field `{key}` is {value}; supported: \"{}\"",
                    self.folder,
                    words.join("\" or \"")
                )));
            }
        }
        let supported = [("add_bos_token", true), ("add_eos_token", true), ("split_special_tokens", false)];
        for (key, wanted) in supported {
            if config.get(key).and_then(Value::as_bool) == Some(!wanted) {
                return Err(Error::invalid(format!(
                    "{}/tokenizer_config.json: field `{key}` is {}; supported: {wanted}",
                    self.folder, !wanted
                )));
            }
        }
        Ok(())
    }

    fn declared_tokens(&self, config: &Map<String, Value>) -> Result<BTreeMap<u32, Special>> {
        let Some(value) = config.get("added_tokens_decoder").filter(|value| !value.is_null()) else {
            return Ok(BTreeMap::new());
        };
        let parse = |(id, value): (&String, &Value)| Some((id.parse().ok()?, Special::parse(value)?));
        value
            .as_object()
            .and_then(|list| list.iter().map(parse).collect())
            .ok_or_else(|| self.wrong("tokenizer_config.json", "added_tokens_decoder", value))
    }

    /// `tokenizer.json` holds the same two things, among rules that are CLIP's if its model is.
    fn whole_file(&self, bytes: &[u8]) -> Result<Vocabulary> {
        const NAME: &str = "tokenizer.json";
        let mut file = self.object(NAME, bytes)?;
        let not_clip =
            || Error::invalid(format!("{}/{NAME}: not a byte-pair encoding with word ends, as CLIP's is", self.folder));
        let Some(Value::Object(mut model)) = file.remove("model") else {
            return Err(not_clip());
        };
        let is = |key: &str, wanted: &str| model.get(key).and_then(Value::as_str) == Some(wanted);
        if !is("type", "BPE") || !is("end_of_word_suffix", "</w>") {
            return Err(not_clip());
        }
        let Some(Value::Object(vocab)) = model.remove("vocab") else {
            return Err(not_clip());
        };
        let Some(Value::Array(merges)) = model.remove("merges") else {
            return Err(not_clip());
        };
        let merges = merges.iter().map(|merge| match merge {
            Value::String(line) => pair(line),
            other => {
                let [Value::String(left), Value::String(right)] = other.as_array()?.as_slice() else {
                    return None;
                };
                Some((left.clone(), right.clone()))
            }
        });
        let merges: Option<Vec<_>> = merges.collect();
        Ok(Vocabulary { ids: self.ids(NAME, vocab)?, merges: merges.ok_or_else(not_clip)? })
    }

    fn ids(&self, name: &str, map: Map<String, Value>) -> Result<HashMap<String, u32>> {
        if map.is_empty() || map.len() > LARGEST_VOCABULARY {
            return Err(Error::invalid(format!(
                "{}/{name}: the vocabulary has {} tokens; it should have from 1 to {LARGEST_VOCABULARY}",
                self.folder,
                map.len()
            )));
        }
        let id = |(token, value): (String, Value)| {
            let id = value.as_u64().filter(|&id| id < LARGEST_VOCABULARY as u64);
            let id = id.ok_or_else(|| {
                Error::invalid(format!("{}/{name}: the token {token:?} has the id {value}", self.folder))
            })?;
            Ok((token, id as u32))
        };
        map.into_iter().map(id).collect()
    }

    fn merge_lines(&self, bytes: &[u8]) -> Result<Vec<(String, String)>> {
        let wrong = |problem: String| Error::invalid(format!("{}/merges.txt: {problem}", self.folder));
        let text = std::str::from_utf8(bytes).map_err(|error| wrong(format!("not UTF-8: {error}")))?;
        let mut merges = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let is_header = line.starts_with("#version") || (number == 0 && line.contains("#version:"));
            if line.is_empty() || is_header {
                continue;
            }
            let merge = pair(line);
            merges.push(merge.ok_or_else(|| {
                let start: String = line.chars().take(60).collect();
                wrong(format!("line {} is {start:?}; it should be two tokens", number + 1))
            })?);
        }
        Ok(merges)
    }

    /// The library takes it for granted that merges are within the vocabulary.
    fn check_merges(&self, vocabulary: &Vocabulary, name: &str) -> Result<()> {
        for (number, (left, right)) in vocabulary.merges.iter().enumerate() {
            let merged = format!("{left}{right}");
            for token in [left, right, &merged] {
                if !vocabulary.ids.contains_key(token) {
                    return Err(Error::invalid(format!(
                        "{}/{name}: merge {} needs the token {token:?}, which is not in the vocabulary",
                        self.folder,
                        number + 1
                    ))
                    .with_hint("vocabulary and merges may be of two different models"));
                }
            }
        }
        Ok(())
    }

    fn object(&self, name: &str, bytes: &[u8]) -> Result<Map<String, Value>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        serde_json::from_slice(bytes).map_err(|error| {
            Error::invalid(format!("{}/{name}: not a JSON object: {error}", self.folder))
                .with_hint("the file may be cut off, or a Git LFS pointer: download it again")
        })
    }

    fn wrong(&self, file: &str, key: &str, value: &Value) -> Error {
        let mut value = value.to_string();
        if value.len() > 200 {
            value = value.chars().take(200).chain(['…']).collect();
        }
        Error::invalid(format!("{}/{file}: field `{key}` cannot be {value}", self.folder))
    }
}

fn pair(line: &str) -> Option<(String, String)> {
    let (left, right) = line.trim_end_matches('\r').split_once(' ')?;
    let is_token = |part: &str| !part.is_empty() && !part.contains(' ');
    (is_token(left) && is_token(right)).then(|| (left.to_owned(), right.to_owned()))
}
