//! Readers that go away, and disks that are full.

mod common;

use std::process::Stdio;

use common::{easel, folder};

/// Runs a command whose standard output nobody reads any more.
fn without_reader(arguments: &[&str]) -> (Option<i32>, String, Vec<String>) {
    let folder = folder();
    let mut command = easel(folder.path());
    let mut child =
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("easel can be started");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    (done.status.code(), told, common::files(&folder.path().join("output")))
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    for arguments in
        [&["nodes"][..], &["nodes", "--json"], &["doctor"], &["models"], &["--help"], &["check", "copy.ron"]]
    {
        let (code, told, _) = without_reader(arguments);
        assert_eq!((code, told.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_run_goes_on_without_a_reader() {
    for arguments in [&["run", "copy.ron", "--json"][..], &["run", "copy.ron", "--quiet"]] {
        let (code, told, pictures) = without_reader(arguments);
        assert_eq!((code, told.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(pictures.len(), 1, "the picture is what it was for");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let folder = folder();
    for arguments in [&["nodes"][..], &["run", "copy.ron", "--json"], &["run", "copy.ron"]] {
        let full = std::fs::File::create("/dev/full").expect("Linux has it");
        let done = easel(folder.path()).args(arguments).stdout(full).output().expect("easel can be started");
        let told = common::stderr(&done);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("cannot write the output"), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn closed_standard_error_is_no_panic() {
    let folder = folder();
    let script = format!("exec '{}' run copy.ron 2>&-", env!("CARGO_BIN_EXE_easel"));
    let done = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output();
    assert_eq!(done.expect("there is a shell").status.code(), Some(0));
}
