//! Which of a part's files are its weights.
//!
//! Works on names alone, so that a folder on disk, the embedded model and a repository's listing follow one rule.

use super::names::some_of;
use crate::error::{Error, Result};

/// What to do about a checkpoint in Python's pickle format.
pub(super) const CONVERT: &str = "Easel reads safetensors only (the other formats can run code when opened): fetch the \
     model's safetensors, or convert it in Python with `model.save_pretrained(folder, safe_serialization=True)`";

/// The names that diffusers and transformers give to weights.
const STEMS: [&str; 2] = ["diffusion_pytorch_model", "model"];

/// Variants in the order of preference: what loses least first.
const VARIANTS: [&str; 3] = ["fp32", "bf16", "fp16"];

/// The weights of a part, found among its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WeightFiles {
    /// One file.
    Single(String),
    /// An index that names the shards.
    Sharded(String),
}

/// Chooses among the names of the files in one folder. `place` names the folder in errors.
pub(super) fn choose(names: &[String], place: &str) -> Result<WeightFiles> {
    let has = |name: &str| names.iter().any(|other| other == name);
    for stem in STEMS {
        let single = format!("{stem}.safetensors");
        let index = format!("{stem}.safetensors.index.json");
        if has(&single) {
            return Ok(WeightFiles::Single(single));
        }
        if has(&index) {
            return Ok(WeightFiles::Sharded(index));
        }
    }
    if let Some(variant) = choose_variant(names) {
        return Ok(variant);
    }
    let others: Vec<&String> = names.iter().filter(|name| name.ends_with(".safetensors") && !is_shard(name)).collect();
    match others.as_slice() {
        [only] => Ok(WeightFiles::Single((*only).clone())),
        [] => Err(nothing_usable(names, place)),
        several => Err(Error::invalid(format!("{place}: which of {} are the weights?", some_of(several, 5)))
            .with_hint("name the right one `model.safetensors` (or `diffusion_pytorch_model.safetensors`)")),
    }
}

/// `stem.VARIANT.safetensors`, or the index of a sharded one.
fn choose_variant(names: &[String]) -> Option<WeightFiles> {
    let mut found = Vec::new();
    for name in names {
        for stem in STEMS {
            let Some(rest) = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')) else { continue };
            if let Some(variant) = rest.strip_suffix(".safetensors") {
                found.push((rank(variant), name, WeightFiles::Single(name.clone())));
            } else if let Some(variant) =
                rest.strip_prefix("safetensors.index.").and_then(|rest| rest.strip_suffix(".json"))
            {
                found.push((rank(variant), name, WeightFiles::Sharded(name.clone())));
            }
        }
    }
    found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    found.into_iter().next().map(|(_, _, files)| files)
}

fn rank(variant: &str) -> usize {
    VARIANTS.iter().position(|known| *known == variant).unwrap_or(VARIANTS.len())
}

/// `model-00001-of-00003.safetensors`.
pub(super) fn is_shard(name: &str) -> bool {
    name.strip_suffix(".safetensors").and_then(|stem| stem.split_once("-of-")).is_some_and(|(before, after)| {
        after.starts_with(|c: char| c.is_ascii_digit()) && before.ends_with(|c: char| c.is_ascii_digit())
    })
}

/// Why a folder has no weights, and what to put there.
fn nothing_usable(names: &[String], place: &str) -> Error {
    const FOREIGN: [&str; 7] = [".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5", ".onnx"];
    let foreign: Vec<&String> = names.iter().filter(|name| FOREIGN.iter().any(|end| name.ends_with(end))).collect();
    let shards: Vec<&String> = names.iter().filter(|name| is_shard(name)).collect();
    if !shards.is_empty() {
        return Error::invalid(format!("{place}: there are shards ({}) but no index", some_of(&shards, 3)))
            .with_hint("put the `*.safetensors.index.json` of the model beside them");
    }
    if !foreign.is_empty() {
        return Error::invalid(format!("{place}: weights only as {}", some_of(&foreign, 3))).with_hint(CONVERT);
    }
    Error::invalid(format!("{place}: there are no weights"))
        .with_hint("put `model.safetensors` or `diffusion_pytorch_model.safetensors` there")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    fn chosen(names: &[&str]) -> Result<WeightFiles> {
        choose(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>(), "part")
    }

    fn single(name: &str) -> WeightFiles {
        WeightFiles::Single(name.into())
    }

    #[test]
    fn plain_files_come_before_variants() {
        let names = ["config.json", "model.fp16.safetensors", "model.safetensors", "pytorch_model.bin"];
        assert_eq!(chosen(&names).unwrap(), single("model.safetensors"));
        let variants = ["model.fp16.safetensors", "model.non_ema.safetensors"];
        assert_eq!(chosen(&variants).unwrap(), single("model.fp16.safetensors"));
        assert_eq!(chosen(&["weights.safetensors"]).unwrap(), single("weights.safetensors"));
    }

    #[test]
    fn an_index_stands_for_its_shards() {
        let index = "model.safetensors.index.json";
        let names = [index, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        assert_eq!(chosen(&names).unwrap(), WeightFiles::Sharded(index.into()));
        let variant = "diffusion_pytorch_model.safetensors.index.fp16.json";
        assert_eq!(chosen(&[variant]).unwrap(), WeightFiles::Sharded(variant.into()));
        let error = chosen(&names[1..]).unwrap_err();
        assert!(error.to_string().contains("no index"), "{error}");
    }

    #[test]
    fn other_formats_are_refused_with_a_way_out() {
        let error = chosen(&["config.json", "pytorch_model.bin"]).unwrap_err();
        assert!(error.to_string().contains("pytorch_model.bin"), "{error}");
        assert!(error.hint().unwrap().contains("convert"));
        assert!(chosen(&["config.json"]).unwrap_err().hint().unwrap().contains("model.safetensors"));
        assert!(chosen(&["a.safetensors", "b.safetensors"]).unwrap_err().to_string().contains("which of"));
    }
}
