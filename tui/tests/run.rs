//! `easel run` as other programs see it: exit status, standard output, JSON lines, files.

mod common;

use common::{COPY, easel, files, folder, output, stderr, stdout_lines};
use serde_json::Value;

fn json_lines(output: &std::process::Output) -> Vec<Value> {
    stdout_lines(output).iter().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

#[test]
fn standard_output_holds_the_paths_and_nothing_else() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "--out", "pictures", "--set", "name=a b"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let lines = stdout_lines(&done);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(folder.path().join(&lines[0]).is_file(), "{lines:?}");
    assert!(lines[0].starts_with("pictures") && lines[0].contains("a b"), "{lines:?}");
    let told = stderr(&done);
    assert!(told.contains("save: done in") && told.contains("done in"), "{told}");
    assert!(!told.contains('\x1b'), "no cursor is moved where there is no terminal: {told:?}");
    assert_eq!(files(&folder.path().join("pictures")).len(), 1, "nothing half-written is left");
}

#[test]
fn quiet_says_nothing_but_paths() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "-q"]);
    assert_eq!((done.status.code(), stderr(&done).as_str()), (Some(0), ""));
    assert!(stdout_lines(&done)[0].starts_with("output"), "the default folder");
}

#[test]
fn events_are_json_lines() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "--json"]);
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(stderr(&done), "");
    let events = json_lines(&done);
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(names.first(), Some(&"run_started"));
    assert_eq!(names.last(), Some(&"run_finished"));
    assert_eq!(names.iter().filter(|name| **name == "node_finished").count(), 2);
    let written = events.iter().find(|event| event["event"] == "artifact_written").expect("a picture was written");
    assert!(folder.path().join(written["path"].as_str().expect("it is a text")).is_file());
    assert_eq!(events[events.len() - 1]["outcome"], "completed");
}

#[test]
fn diagnostics_are_json_lines_too() {
    let folder = folder();
    let text = COPY.replace("LoadImage", "LoadImag").replace("name: Input", "nam: Input");
    std::fs::write(folder.path().join("bad.ron"), text).expect("it can be written");
    let done = output(folder.path(), &["run", "bad.ron", "--json", "--set", "x=1"]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(stderr(&done), "");
    let found = json_lines(&done);
    assert!(found.iter().all(|line| line["event"] == "diagnostic" && line["file"] == "bad.ron"), "{found:?}");
    let codes: Vec<_> = found.iter().filter_map(|line| line["code"].as_str()).collect();
    for code in ["unknown-node-type", "unknown-node-input", "unknown-setting"] {
        assert!(codes.contains(&code), "all at once: {codes:?}");
    }
    let node = found.iter().find(|line| line["code"] == "unknown-node-type").expect("it was found");
    assert_eq!((node["line"].as_u64(), node["column"].as_u64()), (Some(5), Some(17)));
    assert_eq!(node["hint"], "did you mean `LoadImage`?");

    let missing = json_lines(&output(folder.path(), &["run", "none.ron", "--json"]));
    assert_eq!((missing.len(), &missing[0]["code"]), (1, &Value::from("unreadable-file")));
    assert!(missing[0]["line"].is_null());
}

#[test]
fn a_run_that_fails_in_part_fails_and_keeps_what_it_has() {
    let folder = folder();
    std::fs::write(folder.path().join("broken.png"), b"\x89PNG\r\n\x1a\nbroken").expect("it can be written");
    let text = r#"Workflow(version: 1, nodes: {
        "bad": LoadImage(path: "broken.png"),
        "save_bad": SaveImage(image: From("bad"), name: "bad"),
        "good": LoadImage(path: "in.png"),
        "save_good": SaveImage(image: From("good"), name: "good"),
    })"#;
    std::fs::write(folder.path().join("part.ron"), text).expect("it can be written");
    let done = output(folder.path(), &["run", "part.ron"]);
    let told = stderr(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("bad (LoadImage) failed") && told.contains("save_bad: not run, since bad failed"), "{told}");
    assert!(told.contains("failed after"), "{told}");
    let pictures = files(&folder.path().join("output"));
    assert!(pictures.len() == 1 && pictures[0].starts_with("good"), "{pictures:?}");
    assert_eq!(stdout_lines(&done).len(), 1, "what was written is named all the same");
}

#[test]
fn a_target_leaves_the_rest_out() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "--target", "load"]);
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stdout.is_empty(), "nothing was saved");
    assert!(!folder.path().join("output").exists());
}

#[test]
fn an_output_folder_that_is_a_file_is_told_before_anything_runs() {
    let folder = folder();
    for out in ["in.png", "in.png/below"] {
        let done = output(folder.path(), &["run", "copy.ron", "--out", out]);
        let told = stderr(&done);
        assert_eq!(done.status.code(), Some(2), "{told}");
        assert!(told.contains("`in.png` is a file") && told.contains("--out"), "{told}");
        assert!(!told.contains("load: done"), "{told}");
    }
}

#[test]
fn paths_count_from_the_workflow_or_from_base() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("deep")).expect("it can be made");
    std::fs::copy(folder.path().join("copy.ron"), folder.path().join("deep/copy.ron")).expect("it can be copied");
    let done = output(folder.path(), &["run", "deep/copy.ron"]);
    assert_ne!(done.status.code(), Some(0), "there is no in.png beside the workflow");
    let done = output(folder.path(), &["run", "deep/copy.ron", "--base", "."]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
}

#[test]
fn prompts_do_not_steer_the_terminal() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "--set", "name=\u{1b}]0;x\u{7}"]);
    assert!(!stderr(&done).contains('\x1b'), "{:?}", stderr(&done));
}

#[cfg(unix)]
#[test]
fn arguments_need_not_be_unicode() {
    use std::os::unix::ffi::OsStrExt;

    let folder = folder();
    let name = std::ffi::OsStr::from_bytes(b"out\xff");
    let done = easel(folder.path()).args(["run", "copy.ron", "--out"]).arg(name).output().expect("it can be started");
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(done.stdout.starts_with(b"out\xff/"), "the very bytes: {:?}", done.stdout);
    let done = easel(folder.path()).args(["run", "copy.ron", "--json", "--out"]).arg(name).output();
    let events = json_lines(&done.expect("it can be started"));
    assert!(events.iter().any(|event| event["event"] == "artifact_written"));
}
