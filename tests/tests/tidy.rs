//! The invariants of ARCHITECTURE.md that can be read off the sources.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file below a folder with one of these extensions, build output left out.
fn files(folder: &str, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "target" && name != ".git" && name != "output" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no such file");
    found
}

/// The dependencies that a crate's manifest names, development ones left out.
fn dependencies(krate: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap();
    let names = section.lines().filter_map(|line| line.split(['=', '.']).next()).map(str::trim);
    names.filter(|name| !name.is_empty()).map(ToString::to_string).collect()
}

#[test]
fn crates_depend_one_way() {
    let forbidden: [(&str, &[&str]); 3] = [
        ("engine", &["easel-kernels", "easel-nodes", "easel-tui", "cudarc", "half", "ratatui", "clap", "miette"]),
        ("kernels", &["easel-engine", "easel-nodes", "easel-tui", "safetensors", "ron", "petgraph", "clap"]),
        ("nodes", &["easel-tui", "ratatui", "clap", "miette", "indicatif", "petgraph"]),
    ];
    for (krate, names) in forbidden {
        let dependencies = dependencies(krate);
        assert!(dependencies.iter().any(|dependency| dependency == "thiserror"), "{krate}: its manifest was read");
        for name in names {
            assert!(!dependencies.iter().any(|dependency| dependency == name), "{krate} must not depend on {name}");
        }
    }
}

#[test]
fn the_emulation_is_for_tests_only() {
    for krate in ["engine", "kernels", "nodes", "tui"] {
        let named = dependencies(krate).iter().any(|dependency| dependency == "easel-cuda-emulation");
        assert!(!named, "{krate} may have the emulation among its dev-dependencies only");
    }
}

#[test]
fn only_the_front_end_prints() {
    for krate in ["engine/src", "kernels/src", "nodes/src"] {
        for (place, line) in code_lines(krate) {
            for word in ["println!", "eprintln!", "print!(", "dbg!"] {
                assert!(!line.contains(word), "{place}: {word}");
            }
        }
    }
}

/// The lines of a crate's sources that are no tests and no comments, each with its place.
fn code_lines(folder: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (path, text) in files(folder, &["rs"]) {
        if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap().to_string();
            lines.push((format!("{}:{}", path.display(), number + 1), line));
        }
    }
    lines
}

#[test]
fn kernels_touch_no_files_but_those_of_kernels() {
    for (place, line) in code_lines("kernels/src") {
        let may_read = place.contains("/cuda/overrides/");
        // Of tests alone.
        let may_ask = place.contains("/harness.rs:");
        assert!(may_read || !line.contains("std::fs"), "{place}: {line}");
        assert!(may_ask || !line.contains("std::env"), "{place}: {line}");
    }
}

#[test]
fn what_may_run_next_is_decided_without_clock_thread_or_file() {
    let lines = code_lines("engine/src/run");
    let is_part = |place: &str| place.contains("/frontier.rs:") || place.contains("/lowest.rs:");
    let decides: Vec<_> = lines.iter().filter(|(place, _)| is_part(place)).collect();
    assert!(decides.len() > 100, "the file was found");
    for (place, line) in decides {
        let banned = ["time::", "thread", "sync::", "fs::", "io::", "env::", "net::", "Instant", "Mutex", "Event"];
        for word in banned {
            assert!(!line.contains(word), "{place}: {word}");
        }
        let is_import = line.trim_start().starts_with("use ");
        assert!(!is_import || line.trim() == "use super::lowest::Lowest;", "{place}: {line}");
    }
}

#[test]
fn the_interface_changes_and_is_drawn_without_clock_thread_or_file() {
    for folder in ["update", "model", "view"] {
        let lines = code_lines(&format!("tui/src/studio/{folder}"));
        assert!(lines.len() > 100, "{folder} was found");
        for (place, line) in lines {
            let banned = ["fs::", "thread", "io::", "env::", "net::", "Instant", "SystemTime", "Mutex", "mpsc"];
            for word in banned {
                assert!(!line.contains(word), "{place}: {word}");
            }
        }
    }
}

#[test]
fn plugins_are_given_no_file_clock_or_randomness() {
    let parts = ["/host.rs:", "/sandbox.rs:", "/node.rs:", "/wire.rs:", "/describe.rs:"];
    let lines = code_lines("engine/src/plugin");
    let seen: Vec<_> = lines.iter().filter(|(place, _)| parts.iter().any(|part| place.contains(part))).collect();
    assert!(seen.len() > 300, "the files were found");
    for (place, line) in seen {
        for word in ["fs::", "io::", "env::", "net::", "process::", "time::", "thread", "rand::", "Instant", "File"] {
            assert!(!line.contains(word), "{place}: {word}");
        }
    }
}

#[test]
fn the_front_end_computes_nothing() {
    for (place, line) in code_lines("tui/src") {
        assert!(!line.contains("easel_kernels::ops") && !line.contains("easel_nodes::models"), "{place}: {line}");
    }
}

#[test]
fn files_appear_whole_or_not_at_all() {
    for folder in ["nodes/src", "tui/src"] {
        for (place, line) in code_lines(folder) {
            let creates = ["File::create(", "fs::write(", "fs::copy("].iter().any(|call| line.contains(call));
            assert!(!creates, "{place}: write beside the place and rename: {line}");
        }
    }
}

#[test]
fn documents_name_nothing_outside() {
    for (path, text) in files("", &["md", "ron", "toml", "py", "sh"]) {
        for word in ["../shared", "/root/", "/home/"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn files_stay_readable() {
    for folder in ["engine", "kernels", "nodes", "tui", "tests"] {
        for (path, text) in files(folder, &["rs", "cpp", "h", "cu"]) {
            let lines = text.lines().count();
            assert!(lines <= 620, "{}: {lines} lines; split it by concern", path.display());
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo!(", "unimplemented!(", "#[ignore"];
    for folder in ["engine", "kernels", "nodes", "tui", "tests"] {
        for (path, text) in files(folder, &["rs"]) {
            if path.ends_with("tests/tests/tidy.rs") {
                continue;
            }
            for word in words {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

#[test]
fn every_unsafe_block_says_why() {
    for folder in ["engine/src", "kernels/src", "kernels/emulation/src", "nodes/src", "tui/src"] {
        for (path, text) in files(folder, &["rs"]) {
            let lines: Vec<&str> = text.lines().collect();
            for (number, line) in lines.iter().enumerate() {
                let code = line.split("//").next().unwrap();
                if code.contains("unsafe {") || code.contains("unsafe impl") {
                    let before = &lines[number.saturating_sub(8)..number];
                    assert!(
                        before.iter().any(|line| line.contains("SAFETY:")),
                        "{}:{}: unsafe without a reason",
                        path.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn every_node_is_a_file_and_a_line() {
    let folder = "nodes/src/nodes";
    let list = fs::read_to_string(root().join(folder).join("mod.rs")).unwrap();
    for (path, text) in files(folder, &["rs"]) {
        let module = path.file_stem().unwrap().to_str().unwrap().to_string();
        let nodes = text.matches("impl Node for ").count();
        let lines = list.matches(&format!("registry.register({module}::")).count();
        assert_eq!(nodes, lines, "{module}: nodes in the file and lines in the list");
    }
}

#[test]
fn the_readme_shows_the_command_that_ci_runs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("cargo test --workspace"), "README.md names the test command");
    assert!(readme.contains("cargo run --release -- run workflows/text_to_image.ron"), "and the first picture");
}
