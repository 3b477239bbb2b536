//! Whether a cached repository is whole, and whether a downloaded file is what the hub promised.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::layout::{self, WeightFiles};
use crate::error::{Error, Result};

/// The files that a snapshot lacks, as far as it can tell by itself.
///
/// A download that was broken off leaves a snapshot with some of its files.
pub(super) fn lacking(snapshot: &Path) -> Vec<String> {
    let Some(index) = read_json(&snapshot.join("model_index.json")) else {
        // A single part; or nothing to go by.
        if !snapshot.join("config.json").exists() {
            return vec!["model_index.json".into()];
        }
        return lacking_weights(snapshot, "");
    };
    let mut lacking = Vec::new();
    for (part, entry) in index.as_object().into_iter().flatten() {
        // `[library, class]`; an optional part that a pipeline goes without is `[null, null]`.
        let Some(class) = entry.get(1).and_then(Value::as_str) else { continue };
        if part.starts_with('_') {
            continue;
        }
        if has_weights(class) {
            if !snapshot.join(part).join("config.json").exists() {
                lacking.push(format!("{part}/config.json"));
            } else {
                lacking.extend(lacking_weights(snapshot, part));
            }
        } else if !snapshot.join(part).is_dir() {
            lacking.push(format!("{part}/"));
        }
    }
    lacking
}

/// By the class that `model_index.json` states.
fn has_weights(class: &str) -> bool {
    !["Scheduler", "Tokenizer", "TokenizerFast", "Processor", "ProcessorFast", "FeatureExtractor"]
        .iter()
        .any(|end| class.ends_with(end))
}

fn lacking_weights(snapshot: &Path, part: &str) -> Vec<String> {
    let folder = snapshot.join(part);
    let join = |name: &str| if part.is_empty() { name.to_owned() } else { format!("{part}/{name}") };
    let names: Vec<String> = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect(),
        Err(_) => Vec::new(),
    };
    match layout::choose(&names, part) {
        // A link into the cache whose target is gone has a name but does not exist.
        Ok(WeightFiles::Single(name)) if folder.join(&name).exists() => Vec::new(),
        Ok(WeightFiles::Single(name)) => vec![join(&name)],
        Ok(WeightFiles::Sharded(index)) => {
            let index = read_json(&folder.join(&index)).unwrap_or_default();
            let shards = index.get("weight_map").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
            let mut lacking: Vec<String> =
                shards.filter_map(Value::as_str).filter(|shard| !folder.join(shard).exists()).map(join).collect();
            lacking.sort();
            lacking.dedup();
            lacking
        }
        // Weights in a format that Easel refuses: downloading again would not change that, and the refusal says more.
        Err(_) if names.iter().any(|name| name.ends_with(".bin") || name.ends_with(".safetensors")) => Vec::new(),
        Err(_) => vec![join("model.safetensors")],
    }
}

fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Compares a downloaded file with the SHA-256 that the hub states for large files (the cache names them by it).
/// A file that differs is removed, so that the next download does not keep it.
pub(super) fn verify(path: &Path) -> Result<()> {
    let io = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
    let blob = path.canonicalize().map_err(io)?;
    let promised = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Small files are named by their Git hash, of 40 digits.
    if promised.len() != 64 || !promised.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(&blob).map_err(io)?, &mut hasher).map_err(io)?;
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found.eq_ignore_ascii_case(promised) {
        return Ok(());
    }
    // Best effort: what cannot be removed is found wrong again.
    let _ = fs::remove_file(&blob);
    let _ = fs::remove_file(path);
    Err(Error::invalid(format!("{}: the download is damaged (its SHA-256 is not the hub's)", path.display()))
        .with_hint("it was removed; run again to fetch it again"))
}
