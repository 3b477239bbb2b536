//! What the tests of the `easel` process have in common.

// Each test program uses a part of this.
#![allow(dead_code)]

#[cfg(unix)]
pub mod pty;
#[cfg(unix)]
pub mod screen;
#[cfg(unix)]
pub mod watch;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// A workflow that copies a picture: quick, without a model, and it writes.
pub const COPY: &str = r#"Workflow(
    version: 1,
    inputs: { "path": Text(default: "in.png"), "name": Text(default: "copy") },
    nodes: {
        "load": LoadImage(path: Input("path")),
        "save": SaveImage(image: From("load"), name: Input("name")),
    },
)"#;

/// The workflow that ships, with so few steps that a test can wait for it.
pub const FEW_STEPS: [&str; 6] = ["--set", "prior_steps=2", "--set", "decoder_steps=2", "--set", "super_res_steps=2"];

/// A folder with a picture and a workflow that copies it.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("copy.ron"), COPY).expect("it can be written");
    let picture = RgbImage::from_fn(20, 16, |x, y| Rgb([x as u8 * 12, y as u8 * 15, 99]));
    picture.save(folder.path().join("in.png")).expect("it can be written");
    folder
}

/// A workflow that ships with Easel.
pub fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows").join(name)
}

/// `easel` in a folder, in an environment that says nothing about terminals and caches of its own.
pub fn easel(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_easel"));
    command.current_dir(folder);
    for variable in ["NO_COLOR", "COLORTERM", "TERM", "TERM_PROGRAM", "TMUX", "HF_HOME", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.env("EASEL_CACHE", folder.join("cache")).env("EASEL_STATE", folder.join("state"));
    command.env("EASEL_PLUGINS", folder.join("users-plugins"));
    command.env("TZ", "UTC").env("HF_HUB_CACHE", folder.join("hub"));
    command
}

/// Runs it to its end.
pub fn output(folder: &Path, arguments: &[&str]) -> Output {
    easel(folder).args(arguments).output().expect("easel can be started")
}

/// The lines of standard output.
pub fn stdout_lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files in a folder, hidden ones too.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.sort();
    names
}
