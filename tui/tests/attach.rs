//! A run of another process, watched while it is under way.
#![cfg(unix)]

mod common;

use std::process::Stdio;

use common::pty::{Pty, until};
use common::{easel, folder, output, shipped, stdout_lines};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn states_steps_and_pictures_of_another_process_arrive_and_leaving_ends_nothing() {
    let folder = folder();
    // A picture is there at once, and the rest takes longer than anybody waits.
    let text = std::fs::read_to_string(shipped("text_to_image.ron")).expect("it ships");
    let copies =
        "\"load\": LoadImage(path: \"in.png\"),\n\"copy\": SaveImage(image: From(\"load\"), name: \"copied\"),\n";
    let both = text.replacen("    nodes: {\n", &format!("    nodes: {{\n{copies}"), 1);
    assert_ne!(text, both);
    std::fs::write(folder.path().join("both.ron"), both).expect("it can be written");
    let mut running = easel(folder.path());
    running.args(["run", "both.ron", "--set", "prior_steps=1000", "--set", "decoder_steps=1000", "--out", "out"]);
    let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("easel can be started");
    until("a run that is under way", || {
        let listed = output(folder.path(), &["runs", "--json"]);
        stdout_lines(&listed).iter().any(|line| line.contains("\"running\""))
    });
    let mut watching = Pty::open(folder.path(), &["--attach"]);
    watching.wait("prior");
    watching.keys("3");
    // Which step it is at.
    watching.wait("/1000");
    // The picture itself.
    watching.wait("▀");
    watching.keys("q");
    assert_eq!(watching.end(true).code(), Some(0));
    assert!(running.try_wait().expect("it is our child").is_none(), "it goes on");
    kill(Pid::from_raw(i32::try_from(running.id()).expect("ids are small")), Signal::SIGTERM).expect("it is there");
    assert_eq!(running.wait().expect("it ends").code(), Some(1));
}
