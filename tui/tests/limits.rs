//! What a run may take: memory, devices; and how much of its history is kept.

mod common;

use common::{COPY, files, folder, output, stderr, stdout_lines};
use serde_json::Value;

/// Encodes a text with the embedded model, and writes the encoding's embedding.
const ENCODE: &str = r#"Workflow(version: 1, nodes: {
    "tokens": Tokenizer(model: "builtin:emoji-unclip", text: "a cat"),
    "encode": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
    "embedding": TextEmbedding(text: From("encode")),
    "save": SaveTensor(value: From("embedding"), path: "embedding.safetensors"),
})"#;

#[test]
fn a_node_that_cannot_fit_is_refused_before_anything_runs() {
    let folder = folder();
    std::fs::write(folder.path().join("encode.ron"), ENCODE).expect("it can be written");
    let done = output(folder.path(), &["run", "encode.ron", "--memory-limit", "1MiB"]);
    let told = stderr(&done);
    assert_eq!(done.status.code(), Some(2), "{told}");
    for part in ["`encode` (ClipTextEncoder) needs", "there are 1.0 MiB", "`--memory-limit`"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!told.contains("done"), "something ran: {told}");
    for limit in ["4GiB", "none"] {
        let done = output(folder.path(), &["run", "encode.ron", "--memory-limit", limit]);
        assert_eq!(done.status.code(), Some(0), "{limit}: {}", stderr(&done));
    }
}

#[test]
fn a_job_that_cannot_fit_fails_and_the_queue_goes_on() {
    let folder = folder();
    std::fs::write(folder.path().join("encode.ron"), ENCODE).expect("it can be written");
    for file in ["encode.ron", "copy.ron"] {
        let done = output(folder.path(), &["queue", "add", file]);
        assert_eq!(done.status.code(), Some(0), "how much memory there will be is not known: {}", stderr(&done));
    }
    let done = output(folder.path(), &["queue", "run", "--memory-limit", "1MiB"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stderr(&done).contains("1 job done, 1 failed"), "{}", stderr(&done));
    let told = stdout_lines(&output(folder.path(), &["show", "1"])).join("\n");
    assert!(told.contains("`encode` (ClipTextEncoder) needs"), "{told}");
    let done = output(folder.path(), &["resume", "1", "--memory-limit", "4GiB"]);
    assert_eq!(done.status.code(), Some(0), "with more memory it can be carried out: {}", stderr(&done));
}

#[test]
fn what_is_no_amount_of_memory_is_refused() {
    let folder = folder();
    for wrong in ["much", "0", "-1GiB", "120%"] {
        let done = output(folder.path(), &["run", "copy.ron", &format!("--memory-limit={wrong}")]);
        assert_eq!(done.status.code(), Some(2), "{wrong}");
        assert!(stderr(&done).contains("--memory-limit"), "{}", stderr(&done));
    }
    let doctor = output(folder.path(), &["doctor", "--json"]);
    let found: Value = serde_json::from_slice(&doctor.stdout).expect("it is JSON");
    let (limit, memory) = (found["memory_limit"].as_u64(), found["memory"]["available"].as_u64());
    assert!(limit <= memory, "{limit:?} {memory:?}");
    assert_eq!(limit.is_some(), memory.is_some());
}

#[test]
fn a_device_that_cannot_be_used_is_refused_before_anything_runs() {
    let folder = folder();
    let with = |device: &str| {
        let text =
            COPY.replace(r#"path: Input("path")"#, &format!(r#"path: Input("path"), options: (device: "{device}")"#));
        std::fs::write(folder.path().join("device.ron"), text).expect("it can be written");
        let done = output(folder.path(), &["run", "device.ron"]);
        (done.status.code(), stderr(&done))
    };
    assert_eq!(with("cpu").0, Some(0));
    for (device, why) in [("abacus", "is not a device"), ("cuda:4096", "cannot be used because")] {
        let (code, told) = with(device);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(why) && told.contains(r#"write `device: "cpu"`"#), "{told}");
        assert!(!told.contains("use `"), "that is advice for the command line: {told}");
    }
}

#[test]
fn a_run_that_left_nodes_out_is_written_down_as_failed() {
    let folder = folder();
    let text =
        COPY.replace("nodes: {", r#"nodes: { "bad": LoadImag(path: "in.png"), "lost": SaveImage(image: From("bad")),"#);
    std::fs::write(folder.path().join("partly.ron"), text).expect("it can be written");
    let done = output(folder.path(), &["run", "partly.ron", "--keep-going"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert_eq!(stdout_lines(&done).len(), 1, "what is sound has run");
    let story = output(folder.path(), &["show", "1", "--json"]);
    let story: Value = serde_json::from_slice(&story.stdout).expect("it is JSON");
    assert_eq!(story["summary"]["state"], "failed");
    assert!(story["summary"]["problem"].as_str().is_some_and(|problem| problem.contains("left out")), "{story}");
}

#[test]
fn the_history_can_be_shortened_and_files_stay() {
    let folder = folder();
    for name in ["one", "two", "three"] {
        let done = output(folder.path(), &["run", "copy.ron", "-q", "--set", &format!("name={name}")]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    }
    let done = output(folder.path(), &["runs", "--prune", "1"]);
    assert_eq!((done.status.code(), stderr(&done).trim()), (Some(0), "2 runs forgotten"));
    let page = output(folder.path(), &["runs", "--json"]);
    let page: Value = serde_json::from_slice(&page.stdout).expect("it is JSON");
    assert_eq!((&page["total"], &page["runs"][0]["run"]), (&1.into(), &3.into()));
    assert_eq!(files(&folder.path().join("output")).len(), 3);
    let gone = output(folder.path(), &["show", "1"]);
    assert_eq!(gone.status.code(), Some(2), "{}", stderr(&gone));
}
