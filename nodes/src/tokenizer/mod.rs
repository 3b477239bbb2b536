//! CLIP's tokenizer, with the ids of transformers' (fast) `CLIPTokenizer`.
//!
//! Every tokenizer is built from its vocabulary and merges by the same rules, also where a `tokenizer.json` holds
//! them: two ways to the same ids would be two ways to go wrong.

mod files;

#[cfg(test)]
mod tests;

use std::path::Path;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{Lowercase, NFC, Replace, Sequence};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

pub use files::TokenizerFiles;
use files::{Special, Vocabulary};

use crate::Error;
use crate::error::Result;

/// How text falls into words before byte-pair encoding.
const WORDS: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// A text as the model takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Start token, text, end token, and padding up to [`ClipTokenizer::context_length`].
    pub ids: Vec<u32>,
    /// Whether an id belongs to the text (start and end included) rather than to the padding. A padding token that
    /// was typed in the text belongs to the text.
    pub mask: Vec<bool>,
    /// The end of the text that did not fit, if any.
    pub truncated: Option<String>,
    /// How many tokens the whole text would have taken, start and end included.
    pub token_count: usize,
}

/// Turns text into the ids of one model's vocabulary.
#[derive(Debug)]
pub struct ClipTokenizer {
    tokenizer: Tokenizer,
    bos: u32,
    eos: u32,
    pad: u32,
    context_length: usize,
}

impl ClipTokenizer {
    /// Reads a `tokenizer` folder: `vocab.json` with `merges.txt`, or `tokenizer.json`; `tokenizer_config.json` and
    /// `special_tokens_map.json` where they exist.
    ///
    /// # Errors
    /// Files that are missing, cannot be read, or do not fit together; the message names the file.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let read = |name: &str| -> Result<Option<Vec<u8>>> {
            let path = folder.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(Error::Io { action: "cannot read", path, source }),
            }
        };
        Self::from_files(&TokenizerFiles {
            folder: folder.display().to_string(),
            vocab_json: read("vocab.json")?.map(Into::into),
            merges_txt: read("merges.txt")?.map(Into::into),
            tokenizer_json: read("tokenizer.json")?.map(Into::into),
            tokenizer_config_json: read("tokenizer_config.json")?.map(Into::into),
            special_tokens_map_json: read("special_tokens_map.json")?.map(Into::into),
        })
    }

    /// Builds a tokenizer from the contents of its files, for models that are not in a folder.
    ///
    /// # Errors
    /// Files that are missing, malformed, or do not fit together; the message names the file.
    pub fn from_files(files: &TokenizerFiles<'_>) -> Result<Self> {
        let vocabulary = files.vocabulary()?;
        let settings = files.settings()?;
        let id = |special: &Special| {
            vocabulary.ids.get(&special.content).copied().ok_or_else(|| {
                Error::invalid(format!("{}: the token {:?} is not in the vocabulary", files.folder, special.content))
            })
        };
        let (bos, eos, pad) = (id(&settings.bos)?, id(&settings.eos)?, id(&settings.pad)?);
        let specials: Vec<Special> = settings.added_tokens(&vocabulary, &files.folder)?;
        let unknown = settings.unk.content.clone();
        let tokenizer = build(vocabulary, unknown, &specials)
            .map_err(|error| Error::invalid(format!("{}: the tokenizer cannot be built: {error}", files.folder)))?;
        Ok(Self { tokenizer, bos, eos, pad, context_length: settings.context_length })
    }

    /// Turns a text into ids, cut or padded to the length that the model takes.
    ///
    /// # Errors
    /// Only if the tokenizer itself fails, which no text is known to bring about.
    pub fn encode(&self, text: &str) -> Result<Encoded> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|error| Error::invalid(format!("the text cannot be turned into tokens: {error}")))?;
        let room = self.context_length - 2;
        let tokens = encoding.get_ids();
        let kept = &tokens[..tokens.len().min(room)];
        let mut ids = Vec::with_capacity(self.context_length);
        ids.push(self.bos);
        ids.extend_from_slice(kept);
        ids.push(self.eos);
        let mut mask = vec![true; ids.len()];
        ids.resize(self.context_length, self.pad);
        mask.resize(self.context_length, false);
        let cut = encoding.get_offsets().get(room).map(|&(start, _)| start);
        Ok(Encoded { ids, mask, truncated: cut.map(|start| rest_from(text, start)), token_count: tokens.len() + 2 })
    }

    /// How many ids every text becomes.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Entries of the vocabulary; no id is as high.
    pub fn vocab_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }
}

/// The text from a byte on; a token may begin within a character, which is then lost to the model as a whole.
fn rest_from(text: &str, mut start: usize) -> String {
    start = start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    text[start..].to_owned()
}

fn build(vocabulary: Vocabulary, unknown: String, specials: &[Special]) -> tokenizers::Result<Tokenizer> {
    let model = BPE::builder()
        .vocab_and_merges(vocabulary.ids.into_iter().collect::<Vocab>(), vocabulary.merges)
        .unk_token(unknown)
        .end_of_word_suffix("</w>".into())
        .continuing_subword_prefix(String::new())
        .build()?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(Sequence::new(vec![
        NFC.into(),
        Replace::new(ReplacePattern::Regex(r"\s+".into()), " ")?.into(),
        Lowercase.into(),
    ])))?;
    let words = Split::new(SplitPattern::Regex(WORDS.into()), SplitDelimiterBehavior::Removed, true)?;
    let bytes = ByteLevel::new(false, true, true);
    tokenizer.with_pre_tokenizer(Some(PreTokenizers::new(vec![words.into(), bytes.into()])));
    tokenizer.add_special_tokens(specials.iter().map(Special::added_token))?;
    Ok(tokenizer)
}
