//! `easel cache`: what is kept is told, forgotten and checked.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{folder, output, stderr, stdout_lines};
use easel_engine::cache_probe::{keep, key, save_state};
use easel_engine::{Cache, DiskSettings, MemoryPolicy, Registry, Value};
use serde_json::Value as Json;

/// Keeps two results and half of a third.
fn fill(folder: &Path) -> PathBuf {
    let results = folder.join("cache/results");
    let settings = DiskSettings::new(&Registry::new());
    let (cache, problem) = Cache::in_memory(MemoryPolicy::Off).with_disk(&results, settings);
    assert_eq!(problem, None);
    let cache = std::sync::Arc::new(cache);
    keep(&cache, key(1), &[Value::new("a cat".to_string())], Duration::from_secs(3));
    keep(&cache, key(2), &[Value::new("a cat ".repeat(10_000))], Duration::from_secs(60));
    save_state(&cache, key(3), b"step 5");
    results
}

fn json(folder: &Path, arguments: &[&str], status: i32) -> Json {
    let done = output(folder, arguments);
    assert_eq!(done.status.code(), Some(status), "{}", stderr(&done));
    serde_json::from_slice(&done.stdout).expect("it is JSON")
}

#[test]
fn an_empty_cache_is_none_and_looking_makes_none() {
    let folder = folder();
    let done = output(folder.path(), &["cache", "stats"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(stdout_lines(&done)[1], "  nothing is kept");
    assert_eq!(json(folder.path(), &["cache", "clear", "--json"], 0)["entries"], 0);
    let done = output(folder.path(), &["cache", "verify"]);
    assert_eq!(
        stdout_lines(&done),
        ["read 0 results, 0 values and 0 half-done nodes: all whole; 0 abandoned files removed"]
    );
    assert!(!folder.path().join("cache/results").exists());
}

#[test]
fn what_is_kept_is_counted() {
    let folder = folder();
    fill(folder.path());
    let stats = json(folder.path(), &["cache", "stats", "--json"], 0);
    assert_eq!((&stats["entries"], &stats["values"], &stats["states"]), (&2.into(), &2.into(), &1.into()));
    assert!(stats["bytes"].as_u64() > Some(60_000) && stats["max_bytes"].as_u64() == Some(10 << 30), "{stats}");
    assert!(stats["folder"].as_str().is_some_and(|path| path.ends_with("results")), "{stats}");
    assert_eq!(stats["node_types"][0]["node_type"], "Probe");
    let told = stdout_lines(&output(folder.path(), &["cache", "stats"]));
    assert!(
        told[1].starts_with("  2 results with 2 values: ") && told[1].ends_with(" of at most 10.0 GiB"),
        "{told:?}"
    );
    assert!(told[2].starts_with("  1 node half done: "), "{told:?}");
    assert!(told[4].trim_start().starts_with("Probe") && told[4].ends_with("1 min 03 s"), "{told:?}");
}

#[test]
fn what_is_old_is_forgotten_or_all_of_it() {
    let folder = folder();
    fill(folder.path());
    let cleared = json(folder.path(), &["cache", "clear", "--older-than", "1d", "--json"], 0);
    assert_eq!((&cleared["entries"], &cleared["states"]), (&0.into(), &0.into()));
    let done = output(folder.path(), &["cache", "clear"]);
    assert!(stdout_lines(&done)[0].starts_with("forgot 2 results and 1 half-done node: "), "{done:?}");
    assert_eq!(json(folder.path(), &["cache", "stats", "--json"], 0)["bytes"], 0);
    let done = output(folder.path(), &["cache", "clear", "--older-than", "soon"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(stderr(&done).contains("30m"), "{}", stderr(&done));
}

#[test]
fn damage_is_told_removed_and_gone_the_next_time() {
    let folder = folder();
    let results = fill(folder.path());
    let state = results.join("partial").join(key(3).to_string());
    std::fs::write(&state, "nonsense").expect("it can be written");
    let report = json(folder.path(), &["cache", "verify", "--json"], 1);
    assert_eq!(report["damaged"][0]["part"]["state"], key(3).to_string(), "{report}");
    let done = output(folder.path(), &["cache", "verify"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");

    std::fs::write(results.join("index.db"), vec![b'x'; 9000]).expect("it can be written");
    let done = output(folder.path(), &["cache", "verify"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(stdout_lines(&done)[0].starts_with("damaged, and removed: the index: "), "{done:?}");
    assert_eq!(output(folder.path(), &["cache", "verify"]).status.code(), Some(0));
}

#[test]
fn a_folder_that_cannot_be_used_is_named_with_a_way_out() {
    let folder = folder();
    std::fs::create_dir_all(folder.path().join("cache")).expect("it can be made");
    std::fs::write(folder.path().join("cache/results"), "a file").expect("it can be written");
    for action in ["stats", "clear", "verify"] {
        let done = output(folder.path(), &["cache", action]);
        assert_eq!(done.status.code(), Some(1));
        let told = stderr(&done);
        assert!(told.contains("cache/results` cannot be used: ") && told.contains("EASEL_CACHE"), "{told}");
    }
}
