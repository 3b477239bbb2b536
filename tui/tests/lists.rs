//! `easel nodes`, `models`, `doctor` and `check` on what ships: everything is there, and JSON is JSON.

mod common;

use common::{files, folder, output, shipped, stderr, stdout_lines};
use serde_json::Value;

fn json(folder: &std::path::Path, arguments: &[&str]) -> Value {
    let done = output(folder, arguments);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    serde_json::from_slice(&done.stdout).expect("it is JSON")
}

#[test]
fn every_node_is_listed_and_explained() {
    let folder = folder();
    let listed = stdout_lines(&output(folder.path(), &["nodes"]));
    let all = json(folder.path(), &["nodes", "--json"]);
    let all = all.as_array().expect("it is an array");
    assert_eq!(listed.len(), all.len());
    assert!(all.len() > 10);
    for (line, node) in listed.iter().zip(all) {
        let name = node["name"].as_str().expect("it has a name");
        assert!(line.starts_with(name) && line.ends_with('.'), "{line}");
        assert_eq!(&json(folder.path(), &["nodes", name, "--json"]), node);
        let explained = stdout_lines(&output(folder.path(), &["nodes", name])).join("\n");
        for socket in node["inputs"].as_array().into_iter().chain(node["outputs"].as_array()).flatten() {
            let socket = socket["name"].as_str().expect("it has a name");
            assert!(explained.contains(&format!("\n  {socket}: ")), "{name}.{socket} in\n{explained}");
        }
    }
}

#[test]
fn the_built_in_model_is_listed_with_its_parts() {
    let folder = folder();
    let listed = stdout_lines(&output(folder.path(), &["models"])).join("\n");
    assert!(listed.contains("builtin:emoji-unclip: ") && listed.contains(" parameters, "), "{listed}");
    assert!(listed.contains("models fetch"), "an empty cache says how to fill it: {listed}");
    let done = output(folder.path(), &["models", "show", "builtin:emoji-unclip"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let parts = stdout_lines(&done).join("\n");
    for piece in ["prior ", "PriorTransformer", "decoder ", "UNet2DConditionModel", "tokenizer ", "total ", "f16"] {
        assert!(parts.contains(piece), "{piece} in\n{parts}");
    }
    for piece in ["rocket, ", "flat, 3d, cartoon", "zebra", "Fluent Emoji", "Apache-2.0", "classifier"] {
        assert!(parts.contains(piece), "{piece} in\n{parts}");
    }
}

#[test]
fn the_upscaling_model_is_built_in_with_its_licences() {
    let folder = folder();
    let listed = stdout_lines(&output(folder.path(), &["models"])).join("\n");
    assert!(listed.contains("builtin:realesr-animevideov3-x4: 621.4 k parameters"), "{listed}");
    let shown = stdout_lines(&output(folder.path(), &["models", "show", "builtin:realesr-animevideov3-x4"])).join("\n");
    for piece in ["upscaler ", "SRVGGNetCompact", "f16+f32", "four times as wide", "BSD-3-Clause", "Real-ESRGAN"] {
        assert!(shown.contains(piece), "{piece} in\n{shown}");
    }
    for (model, holder) in [("realesr-animevideov3-x4", "Xintao Wang"), ("emoji-unclip", "Microsoft Corporation")] {
        let done = output(folder.path(), &["models", "show", &format!("builtin:{model}"), "--licences"]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let texts = stdout_lines(&done).join("\n");
        assert!(texts.contains(holder) && texts.contains("WARRANTIES"), "{texts}");
    }
    std::fs::create_dir_all(folder.path().join("model/prior")).expect("it can be made");
    std::fs::write(folder.path().join("model/prior/config.json"), "{}").expect("it can be written");
    let done = output(folder.path(), &["models", "show", "model", "--licences"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stderr(&done).contains("LICENSES.md is missing"), "{}", stderr(&done));
}

#[test]
fn a_card_that_is_none_is_told_and_the_rest_is_shown() {
    let folder = folder();
    let part = folder.path().join("model/prior");
    std::fs::create_dir_all(&part).expect("it can be made");
    std::fs::write(part.join("config.json"), r#"{"_class_name": "PriorTransformer"}"#).expect("it can be written");
    std::fs::write(folder.path().join("model/model_card.json"), r#"{"about": 7}"#).expect("it can be written");
    let done = output(folder.path(), &["models", "show", "model"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stderr(&done).contains("model_card.json"), "{}", stderr(&done));
}

#[test]
fn words_that_the_model_does_not_know_are_told_with_the_nearest_that_it_does() {
    let folder = folder();
    let workflow = r#"Workflow(version: 1, nodes: {
        "tokens": Tokenizer(model: "builtin:emoji-unclip", text: ["a rockett", "a rocket"]),
        "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
        "save": SaveTensor(value: From("text.encoding"), path: "text.safetensors"),
    })"#;
    std::fs::write(folder.path().join("a.ron"), workflow).expect("it can be written");
    let done = output(folder.path(), &["run", "a.ron", "--no-journal"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let told = stderr(&done);
    assert!(told.contains("does not know `rockett`; did you mean `rocket`?"), "{told}");
    assert_eq!(told.matches("does not know").count(), 1, "{told}");
}

#[test]
fn a_damaged_model_says_which_part() {
    let folder = folder();
    let part = folder.path().join("model/prior");
    std::fs::create_dir_all(&part).expect("it can be made");
    std::fs::write(part.join("config.json"), r#"{"_class_name": "PriorTransformer"}"#).expect("it can be written");
    std::fs::write(part.join("model.safetensors"), b"\xff\xff\xff\xff\xff\xff\xff\x7f{}").expect("it can be written");
    let done = output(folder.path(), &["models", "show", "model"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stdout_lines(&done).join("\n").contains("damaged"));
    assert!(stderr(&done).contains("model.safetensors"), "{}", stderr(&done));
}

#[test]
fn a_model_that_is_not_cached_is_not_downloaded_by_looking_at_it() {
    let folder = folder();
    let done = output(folder.path(), &["models", "show", "hf:owner/name"]);
    assert_eq!(done.status.code(), Some(2), "{}", stderr(&done));
    assert!(stderr(&done).contains("owner/name"), "{}", stderr(&done));
    assert!(files(&folder.path().join("hub")).is_empty());
}

#[test]
fn the_doctor_tells_what_there_is() {
    let folder = folder();
    let found = json(folder.path(), &["doctor", "--json"]);
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    assert!(found["threads"].as_u64() > Some(0));
    assert!(!found["simd"].as_str().unwrap_or_default().is_empty());
    assert_eq!(found["builtin_models"][0], "builtin:emoji-unclip");
    assert!(found["output"]["problem"].is_null());
    let told = stdout_lines(&output(folder.path(), &["doctor"])).join("\n");
    for piece in ["processor", "threads", "memory", "GPU", "Easel cache", "Hugging Face cache", "can be written"] {
        assert!(told.contains(piece), "{piece} in\n{told}");
    }
}

#[test]
fn the_doctor_fails_if_nothing_could_be_written() {
    let folder = folder();
    let done = output(folder.path(), &["doctor", "--out", "in.png"]);
    assert_eq!(done.status.code(), Some(1));
    let told = stdout_lines(&done).join("\n");
    assert!(told.contains("broken: `in.png` is a file") && told.contains("--out"), "{told}");
}

#[test]
fn the_workflows_that_ship_are_sound() {
    let folder = folder();
    for name in ["text_to_image.ron", "image_variation.ron"] {
        let path = shipped(name);
        let done = output(folder.path(), &["check", path.to_str().expect("it is Unicode")]);
        assert_eq!((done.status.code(), stderr(&done).as_str()), (Some(0), ""), "{name}");
        assert!(stdout_lines(&done)[0].contains(": ok ("), "{name}");
    }
}
