//! Which files of a repository Easel reads.

use std::collections::BTreeMap;

use super::super::layout::{self, WeightFiles};

/// Folders of other runtimes, which repeat the weights.
const OTHER_RUNTIMES: [&str; 6] = ["onnx", "openvino", "flax", "coreml", "tensorrt", "gguf"];

/// The files to download out of a repository's listing, small ones first.
pub(super) fn needed(listing: &[String]) -> Vec<String> {
    let mut folders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in listing.iter().filter(|path| is_plain(path)) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        folders.entry(folder).or_default().push(name.to_owned());
    }
    let is_pipeline = listing.iter().any(|path| path == "model_index.json");
    let mut needed = Vec::new();
    for (folder, names) in &folders {
        if !is_of_the_model(folder, names) {
            continue;
        }
        let join = |name: &String| if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        needed.extend(names.iter().filter(|name| is_text(name)).map(join));
        // A pipeline's root often holds the same model as one big file, for other programs.
        if folder.is_empty() && is_pipeline {
            continue;
        }
        match layout::choose(names, folder) {
            Ok(WeightFiles::Single(name)) => needed.push(join(&name)),
            Ok(WeightFiles::Sharded(index)) => {
                let (stem, variant) = shard_pattern(&index);
                needed.extend(names.iter().filter(|name| is_shard_of(name, stem, variant)).map(join));
            }
            // A tokenizer, a scheduler; or nothing that can be read, which is said when the part is used.
            Err(_) => {}
        }
    }
    needed.sort_by_key(|path| (path.ends_with(".safetensors"), path.clone()));
    needed.dedup();
    needed
}

/// A path that stays where it is put: the listing comes from the network.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|segment| !segment.is_empty() && !segment.starts_with('.') && !segment.contains('\\'))
}

/// The root, or a folder with a config of its own.
fn is_of_the_model(folder: &str, names: &[String]) -> bool {
    let is_foreign = OTHER_RUNTIMES.iter().any(|runtime| folder.contains(runtime));
    let has_config = names.iter().any(|name| {
        matches!(
            name.as_str(),
            "config.json" | "scheduler_config.json" | "preprocessor_config.json" | "tokenizer_config.json"
        )
    });
    folder.is_empty() || (!folder.contains('/') && !is_foreign && has_config)
}

/// Configs, indices and tokenizers.
fn is_text(name: &str) -> bool {
    name.ends_with(".json") || name == "merges.txt" || name == "vocab.txt" || name.ends_with(".model")
}

/// `model.safetensors.index.fp16.json` → (`model`, `Some("fp16")`).
fn shard_pattern(index: &str) -> (&str, Option<&str>) {
    let (stem, rest) = index.split_once(".safetensors.index.").unwrap_or((index, "json"));
    (stem, rest.strip_suffix(".json"))
}

/// `model.fp16-00001-of-00002.safetensors`.
fn is_shard_of(name: &str, stem: &str, variant: Option<&str>) -> bool {
    let Some(rest) = name.strip_prefix(stem) else { return false };
    let rest = match variant {
        Some(variant) => rest.strip_prefix('.').and_then(|rest| rest.strip_prefix(variant)),
        None => Some(rest),
    };
    layout::is_shard(name) && rest.is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    fn of(listing: &[&str]) -> Vec<String> {
        needed(&listing.iter().map(|path| path.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn a_pipeline_gives_its_parts_and_nothing_else() {
        let listing = [
            ".gitattributes",
            "README.md",
            "big-checkpoint.safetensors",
            "big-checkpoint.ckpt",
            "model_index.json",
            "prior/config.json",
            "prior/diffusion_pytorch_model.bin",
            "prior/diffusion_pytorch_model.safetensors",
            "prior/diffusion_pytorch_model.fp16.safetensors",
            "scheduler/scheduler_config.json",
            "tokenizer/merges.txt",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "onnx/config.json",
            "onnx/model.safetensors",
            "images/a.png",
            "../../evil.json",
        ];
        let wanted = [
            "model_index.json",
            "prior/config.json",
            "scheduler/scheduler_config.json",
            "tokenizer/merges.txt",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "prior/diffusion_pytorch_model.safetensors",
        ];
        assert_eq!(of(&listing), wanted);
    }

    #[test]
    fn a_single_model_and_its_shards() {
        let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        let listing = ["config.json", "model.safetensors.index.json", shards[0], shards[1], "flax_model.msgpack"];
        assert_eq!(of(&listing), ["config.json", "model.safetensors.index.json", shards[0], shards[1]]);
        assert!(is_shard_of("m.fp16-00001-of-00002.safetensors", "m", Some("fp16")));
        assert!(!is_shard_of("m.fp16-00001-of-00002.safetensors", "m", None));
    }
}
