//! What a picture was made from, kept inside the picture's own file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use png::text_metadata::ITXtChunk;

use crate::Error;
use crate::error::Result;

const VERSION: &str = "easel:version";
const WORKFLOW: &str = "easel:workflow";
const FILES: &str = "easel:files";
const INPUTS: &str = "easel:inputs";
const NOTES: &str = "easel:notes";
const NODE: &str = "easel:node";
const INDEX: &str = "easel:index";

/// A recipe may unpack to so much, no more.
const MAX_TEXT: usize = 64 << 20;

/// Everything needed to make a picture again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The version that made the picture.
    pub easel_version: String,
    /// The workflow's document, as it was run.
    pub workflow: String,
    /// The workflows that it includes, by their paths from its folder.
    pub files: BTreeMap<String, String>,
    /// Inputs that were given on top of the document, as they were written.
    pub inputs: BTreeMap<String, String>,
    /// What nodes reported of themselves, under "node.key" (seeds that were drawn, hashes of models, …).
    pub notes: BTreeMap<String, String>,
    /// The node that saved the picture.
    pub node: String,
    /// Which of the pictures of that node this is, from 0.
    pub picture_index: usize,
}

impl Recipe {
    /// Writes the recipe as text chunks; they are UTF-8 and compressed, so prompts in any script survive.
    pub(super) fn write<W: Write>(&self, writer: &mut png::Writer<W>) -> Result<(), png::EncodingError> {
        let json = |map| serde_json::to_string(map).map_err(|error| png::EncodingError::IoError(error.into()));
        let chunks = [
            (VERSION, self.easel_version.clone()),
            (WORKFLOW, self.workflow.clone()),
            (INPUTS, json(&self.inputs)?),
            (NOTES, json(&self.notes)?),
            (NODE, self.node.clone()),
            (INDEX, self.picture_index.to_string()),
        ];
        let files = (FILES, json(&self.files)?);
        let files = (!self.files.is_empty()).then_some(files);
        for (keyword, text) in chunks.into_iter().chain(files) {
            let mut chunk = ITXtChunk::new(keyword, text);
            chunk.compressed = true;
            writer.write_text_chunk(&chunk)?;
        }
        Ok(())
    }
}

/// Reads the recipe that a PNG file carries; `None` for a PNG that was not made here.
///
/// # Errors
/// Files that cannot be read, are no PNG, or carry a recipe that is damaged.
pub fn read_recipe(path: &Path) -> Result<Option<Recipe>> {
    let name = path.display();
    let file = File::open(path).map_err(|source| Error::Io { action: "cannot read", path: path.to_owned(), source })?;
    let not_png = |error: png::DecodingError| match error {
        png::DecodingError::IoError(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::Io { action: "cannot read", path: path.to_owned(), source }
        }
        error => Error::invalid(format!("{name}: not a PNG picture, or damaged: {error}"))
            .with_hint("only PNG files carry a recipe"),
    };
    let mut decoder = png::Decoder::new_with_limits(BufReader::new(file), png::Limits { bytes: MAX_TEXT });
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(not_png)?;
    // The recipe stands before the pixels, unless another program has rewritten the file.
    if !reader.info().utf8_text.iter().any(|chunk| chunk.keyword == WORKFLOW) && reader.finish().is_err() {
        return Ok(None);
    }
    let mut texts = BTreeMap::new();
    for chunk in &reader.info().utf8_text {
        if chunk.keyword.starts_with("easel:") {
            let mut chunk = chunk.clone();
            let text = chunk.decompress_text_with_limit(MAX_TEXT).and_then(|()| chunk.get_text());
            let text = text.map_err(|error| damaged(path, &format!("{}: {error}", chunk.keyword)))?;
            texts.insert(chunk.keyword, text);
        }
    }
    parse(texts, path)
}

fn parse(mut texts: BTreeMap<String, String>, path: &Path) -> Result<Option<Recipe>> {
    let Some(workflow) = texts.remove(WORKFLOW) else {
        return Ok(None);
    };
    let files = texts.remove(FILES);
    let broken = |keyword: &str, error: &dyn std::fmt::Display| damaged(path, &format!("{keyword}: {error}"));
    // All are written together: with one gone, the rest would make another picture.
    let mut take = |keyword| texts.remove(keyword).ok_or_else(|| broken(keyword, &"it is missing"));
    let map = |keyword, text: String| serde_json::from_str(&text).map_err(|error| broken(keyword, &error));
    Ok(Some(Recipe {
        workflow,
        files: files.map_or_else(|| Ok(BTreeMap::new()), |files| map(FILES, files))?,
        inputs: map(INPUTS, take(INPUTS)?)?,
        notes: map(NOTES, take(NOTES)?)?,
        easel_version: take(VERSION)?,
        node: take(NODE)?,
        picture_index: take(INDEX)?.parse().map_err(|error| broken(INDEX, &error))?,
    }))
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::invalid(format!("{}: the recipe in the picture is damaged: {problem}", path.display()))
}
