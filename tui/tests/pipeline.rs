//! The workflows that ship, run with the built-in model and few steps.

mod common;

use std::path::Path;
use std::process::Output;

use common::{FEW_STEPS, easel, folder, output, shipped, stderr, stdout_lines};

fn text_to_image(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = easel(folder);
    command.arg("run").arg(shipped("text_to_image.ron")).args(FEW_STEPS).args(arguments);
    command.output().expect("easel can be started")
}

#[test]
fn a_prompt_becomes_pictures_that_can_be_reproduced() {
    let folder = folder();
    let done = text_to_image(folder.path(), &["--set", "prompt=a cat", "--set", "pictures=2", "--set", "seed=5"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("note: safety: verdict:"), "{}", stderr(&done));
    assert!(!stderr(&done).contains("weights"), "hashes are no news: {}", stderr(&done));
    let pictures = stdout_lines(&done);
    assert_eq!(pictures.len(), 2);
    // The second of two: seed and place in the batch come from the recipe.
    let again = output(folder.path(), &["reproduce", &pictures[1], "-q"]);
    assert_eq!((stderr(&again).as_str(), stdout_lines(&again)), ("", vec!["equal: every pixel agrees".to_string()]));
}

#[test]
fn a_picture_becomes_a_variation() {
    let folder = folder();
    let mut command = easel(folder.path());
    command.arg("run").arg(shipped("image_variation.ron")).args(["--base", ".", "--set", "path=in.png"]);
    let done = command.args(&FEW_STEPS[2..]).output().expect("easel can be started");
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(stdout_lines(&done).len(), 1);
}

#[test]
fn odd_prompts_are_taken() {
    let folder = folder();
    for prompt in ["", "𝄞 猫 🚀", "a\u{1b}[2Jcat\u{7}", "\u{202e}tac a"] {
        let done = text_to_image(folder.path(), &["-q", "--set", &format!("prompt={prompt}")]);
        assert_eq!(done.status.code(), Some(0), "{prompt:?}: {}", stderr(&done));
        let again = output(folder.path(), &["reproduce", &stdout_lines(&done)[0], "-q"]);
        assert_eq!(again.status.code(), Some(0), "{prompt:?}: {}", stderr(&again));
    }
    let long = format!("prompt=a cat {}", "and a dog ".repeat(200));
    let done = text_to_image(folder.path(), &["--set", &long]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("warning: tokens:"), "what was cut is told: {}", stderr(&done));
}

#[test]
fn a_model_that_is_not_there_fails_with_a_way_out() {
    let folder = folder();
    for model in ["builtin:emoji", "nowhere", "hf:owner/name"] {
        let mut command = easel(folder.path());
        command.env("HF_HUB_OFFLINE", "1").arg("run").arg(shipped("text_to_image.ron"));
        let done = command.args(["--set", &format!("model={model}")]).output().expect("easel can be started");
        let told = stderr(&done);
        assert!(matches!(done.status.code(), Some(1 | 2)), "{told}");
        assert!(told.contains("hint:") || told.contains("help:"), "{model}: {told}");
        assert!(!told.contains("panicked"), "{told}");
        assert!(!folder.path().join("output").exists());
    }
}

#[test]
fn a_random_checkpoint_has_the_shape_of_the_real_one() {
    let folder = folder();
    let config = shipped("models/emoji-unclip");
    let mut command = easel(folder.path());
    command.args(["dev", "random-checkpoint"]).arg(&config).args(["random", "--dtype", "bf16", "--seed", "3"]);
    let done = command.output().expect("easel can be started");
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("decoder ("), "where no bar can be seen, parts are named: {}", stderr(&done));
    let shown = output(folder.path(), &["models", "show", "random"]);
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let total = |output: &Output| {
        let lines = stdout_lines(output);
        let line = lines.last().cloned().unwrap_or_default();
        line.split_whitespace().take(3).map(str::to_string).collect::<Vec<_>>()
    };
    let real = output(folder.path(), &["models", "show", "builtin:emoji-unclip"]);
    assert_eq!(total(&shown), total(&real), "as many parameters");
    assert!(stdout_lines(&shown).iter().any(|line| line.contains("bf16")));
}

#[test]
fn a_profile_tells_what_every_node_computed_with() {
    let folder = folder();
    let workflow = shipped("text_to_image.ron").display().to_string();
    let options = ["--profile", "--profile-trace", "trace.json", "--no-cache", "--no-preview"];
    let all: Vec<_> = ["run", &workflow].into_iter().chain(FEW_STEPS).chain(options).collect();
    let done = output(folder.path(), &all);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(stdout_lines(&done).len(), 1, "the table is no result");
    let told = stderr(&done);
    assert!(told.contains("in all ") && told.contains("decoder") && told.contains("conv2d"), "{told}");
    let trace = std::fs::read(folder.path().join("trace.json")).expect("it was written");
    let trace: serde_json::Value = serde_json::from_slice(&trace).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    for node in ["text", "prior", "decoder", "upsampler"] {
        assert!(events.iter().any(|event| event["cat"] == node && event["name"] == "linear"), "{node}");
    }
}
