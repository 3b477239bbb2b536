//! Model folders, whole and broken.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs;
use std::path::Path;

use easel_kernels::DType;
use easel_nodes::Error;
use easel_nodes::weights::{ModelFolder, TensorSpec, write_random_part};
use tempfile::TempDir;

fn spec(name: &str) -> TensorSpec {
    TensorSpec { name: name.into(), shape: vec![2] }
}

fn weights_file(path: &Path, names: &[&str]) {
    let specs: Vec<_> = names.iter().map(|name| spec(name)).collect();
    write_random_part(path, &specs, DType::F32, 0, &mut |_, _| {}).unwrap();
}

/// A pipeline of one part with weights and one without.
fn pipeline() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let index = r#"{"_class_name": "X", "prior": ["diffusers", "P"], "tokenizer": ["transformers", "T"],
                    "absent": ["diffusers", "A"]}"#;
    fs::write(root.join("model_index.json"), index).unwrap();
    fs::create_dir(root.join("prior")).unwrap();
    fs::create_dir(root.join("tokenizer")).unwrap();
    fs::create_dir(root.join("pictures")).unwrap();
    fs::write(root.join("prior/config.json"), r#"{"layers": 2}"#).unwrap();
    fs::write(root.join("tokenizer/tokenizer_config.json"), "{}").unwrap();
    weights_file(&root.join("prior/diffusion_pytorch_model.safetensors"), &["a", "b"]);
    folder
}

fn open(source: &str, base: &Path) -> Result<ModelFolder, Error> {
    ModelFolder::open(source, base)
}

#[track_caller]
fn assert_says(error: &Error, words: &[&str]) {
    let all = format!("{error}\nhint: {}", error.hint().expect("every refusal says what to do"));
    for word in words {
        assert!(all.contains(word), "wanted {word:?} in: {all}");
    }
}

#[test]
fn a_folder_is_found_from_the_base_and_lists_its_parts() {
    let folder = pipeline();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let model = open(&format!("./{name}"), folder.path().parent().unwrap()).unwrap();
    assert_eq!(model.source(), format!("./{name}"));
    assert_eq!(model.parts(), ["prior", "tokenizer"]);
    assert_eq!(model.config("prior").unwrap()["layers"], 2);
    assert!(model.exists("prior/config.json") && !model.exists("prior") && !model.exists("../x"));
    assert_eq!(model.read("tokenizer/tokenizer_config.json").unwrap(), "{}");
    let weights = model.weights("prior").unwrap();
    assert_eq!(weights.tensors().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_says(&model.weights("piror").unwrap_err(), &["no part `piror`", "did you mean `prior`?"]);
    assert_says(&model.weights("tokenizer").unwrap_err(), &["there are no weights"]);
    assert_says(&model.read("tokenizer/vocab.json").unwrap_err(), &["tokenizer/vocab.json is missing"]);
    assert!(model.read("../secret").is_err() && model.read("/etc/hostname").is_err());
}

#[test]
fn a_folder_may_be_the_only_part() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    weights_file(&folder.path().join("model.safetensors"), &["a"]);
    let model = open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    assert_eq!(model.parts(), [""]);
    assert_eq!(model.weights("").unwrap().tensors().len(), 1);
    assert!(model.config("").unwrap().is_object());
    assert_says(&model.weights("prior").unwrap_err(), &["single part", "model_index.json"]);
}

#[test]
fn sources_that_lead_nowhere_say_what_was_meant() {
    let folder = pipeline();
    let base = folder.path();
    let refused = |source: &str| open(source, base).unwrap_err();
    let missing = refused("models/karlo");
    assert_says(&missing, &["models/karlo", base.to_str().unwrap(), "model_index.json", "`hf:models/karlo`"]);
    assert_says(&refused("pictures"), &["holds no model", "model_index.json"]);
    assert_says(&refused("prior/config.json"), &["is a file"]);
    assert_says(&refused(" "), &["empty", "builtin:NAME"]);
    assert_says(&refused("hf:a/b/c"), &["not a repository", "hf:owner/name"]);
    let home = refused("~/easel-no-such-model").to_string();
    assert!(!home.contains('~'), "{home}");
}

#[test]
#[cfg(feature = "builtin-models")]
fn misspelt_builtin_names_are_corrected() {
    let refused = |source: &str| open(source, Path::new("/")).unwrap_err();
    assert_says(&refused("builtin:emoji-unclop"), &["`builtin:emoji-unclip`", "built in: `emoji-unclip`"]);
    assert_says(&refused("builtin:emoji"), &["did you mean `builtin:emoji-unclip`"]);
    assert_says(&refused("builtin:"), &["built in: `emoji-unclip`"]);
    assert_says(&refused("emoji-unclip"), &["did you mean `builtin:emoji-unclip`"]);
}

#[test]
fn json_that_cannot_be_read_is_located() {
    let folder = pipeline();
    fs::write(folder.path().join("prior/config.json"), "{\n  \"layers\": 2,\n}").unwrap();
    let model = open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    assert_says(&model.config("prior").unwrap_err(), &["prior/config.json:3:1: trailing comma"]);
    fs::write(folder.path().join("model_index.json"), "[1]").unwrap();
    assert_says(&open_err(folder.path()), &["model_index.json", "object"]);
    fs::write(folder.path().join("model_index.json"), b"\xff\xfe").unwrap();
    assert_says(&open_err(folder.path()), &["model_index.json:1:"]);
}

fn open_err(path: &Path) -> Error {
    open(path.to_str().unwrap(), Path::new("/")).unwrap_err()
}

/// A part of two shards and its index.
fn sharded(weight_map: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("config.json"), "{}").unwrap();
    weights_file(&root.join("model-00001-of-00002.safetensors"), &["a"]);
    weights_file(&root.join("model-00002-of-00002.safetensors"), &["b", "c"]);
    fs::write(root.join("model.safetensors.index.json"), format!(r#"{{"weight_map": {weight_map}}}"#)).unwrap();
    folder
}

#[test]
fn shards_are_read_as_one() {
    let (first, second) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    let map = format!(r#"{{"a": "{first}", "b": "{second}", "c": "{second}"}}"#);
    let folder = sharded(&map);
    let open = || open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    let weights = open().weights("").unwrap();
    assert_eq!(weights.tensors().len(), 3);
    assert_eq!(weights.fingerprint().unwrap().len(), 64);
    let c = weights.load(|reader| reader.tensor("c", &[2]).to_vec_f32().unwrap()).unwrap();
    assert_eq!((c.model.len(), c.unused.len()), (2, 2));

    weights_file(&folder.path().join(first), &["a", "b"]);
    assert_says(&open().weights("").unwrap_err(), &["tensor `b`", first, second]);
    fs::remove_file(folder.path().join(second)).unwrap();
    assert_says(&open().weights("").unwrap_err(), &[second, "of 2 shards", "fetch it again"]);
}

#[test]
fn an_index_that_lies_is_refused() {
    let weights = |map: &str| {
        let folder = sharded(map);
        open(folder.path().to_str().unwrap(), Path::new("/")).unwrap().weights("").unwrap_err()
    };
    let first = "model-00001-of-00002.safetensors";
    assert_says(&weights(&format!(r#"{{"z": "{first}"}}"#)), &["in no shard: `z`"]);
    assert_says(&weights(r#"{"a": "../../etc/passwd"}"#), &["missing `../../etc/passwd`"]);
    assert_says(&weights(r#"{"a": 3}"#), &["index.json:1:"]);
}

#[test]
fn variants_serve_when_the_plain_file_is_missing_and_pickles_never() {
    let folder = pipeline();
    let prior = folder.path().join("prior");
    let plain = prior.join("diffusion_pytorch_model.safetensors");
    fs::rename(&plain, prior.join("diffusion_pytorch_model.fp16.safetensors")).unwrap();
    let model = open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    assert_eq!(model.weights("prior").unwrap().tensors().len(), 2);
    fs::rename(prior.join("diffusion_pytorch_model.fp16.safetensors"), prior.join("diffusion_pytorch_model.bin"))
        .unwrap();
    assert_says(&model.weights("prior").unwrap_err(), &["diffusion_pytorch_model.bin", "safetensors", "convert"]);
    fs::write(&plain, b"").unwrap();
    assert_says(
        &model.weights("prior").unwrap_err(),
        &["diffusion_pytorch_model.safetensors", "empty", "fetch it again"],
    );
}
