//! `easel reproduce`: the same picture again, or what is different.

mod common;

use std::path::Path;

use common::{files, folder, output, stderr, stdout_lines};
use easel_nodes::picture::{Overwrite, Recipe, read_recipe, save_png};

/// Draws a picture and says where it is, from the folder.
fn draw(folder: &Path, arguments: &[&str]) -> String {
    let done = output(folder, &[&["run", "copy.ron", "-q"], arguments].concat());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    stdout_lines(&done).remove(0)
}

/// Writes the picture again with another recipe or other pixels.
fn forge(folder: &Path, picture: &str, change: impl FnOnce(&mut Recipe, &mut Vec<u8>)) {
    let path = folder.join(picture);
    let mut recipe = read_recipe(&path).expect("it can be read").expect("it carries one");
    let pixels = image::open(&path).expect("it can be read").to_rgb8();
    let (width, height) = pixels.dimensions();
    let mut bytes = pixels.into_raw();
    change(&mut recipe, &mut bytes);
    save_png(&path, &bytes, width, height, &recipe, Overwrite::Yes).expect("it can be written");
}

#[test]
fn the_same_picture_is_equal() {
    let folder = folder();
    let picture = draw(folder.path(), &["--set", "name=a \"quoted\" name"]);
    let before = files(folder.path());
    let done = output(folder.path(), &["reproduce", &picture]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(stdout_lines(&done), ["equal: every pixel agrees"]);
    assert_eq!(files(folder.path()), before, "it worked in a temporary folder");

    let done = output(folder.path(), &["reproduce", &picture, "--out", "again", "-q"]);
    let lines = stdout_lines(&done);
    assert_eq!((lines.len(), done.status.code()), (2, Some(0)));
    assert!(folder.path().join(&lines[0]).is_file(), "kept: {lines:?}");
}

#[test]
fn differences_are_told() {
    let folder = folder();
    let picture = draw(folder.path(), &[]);
    forge(folder.path(), &picture, |recipe, pixels| {
        recipe.easel_version = "0.0.1".into();
        recipe.notes.insert("prior.weights.prior".into(), "abc".into());
        pixels[0] ^= 3;
        pixels[30] ^= 1;
    });
    let done = output(folder.path(), &["reproduce", &picture, "-q"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert_eq!(stdout_lines(&done), ["different: 2 of 320 pixels differ, by at most 3 of 255"]);
    let told = stderr(&done);
    assert!(told.contains("made by easel 0.0.1") && told.contains("prior.weights.prior"), "{told}");
}

#[test]
fn paths_in_the_recipe_count_from_base() {
    let folder = folder();
    let picture = draw(folder.path(), &[]);
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join(&picture);
    let path = path.to_str().expect("it is Unicode");
    let done = output(elsewhere.path(), &["reproduce", path]);
    assert_ne!(done.status.code(), Some(0), "there is no in.png here");
    let base = folder.path().to_str().expect("it is Unicode");
    let done = output(elsewhere.path(), &["reproduce", path, "--base", base]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
}

#[test]
fn what_a_workflow_includes_is_in_the_recipe() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("parts")).expect("it can be made");
    let part = r#"Workflow(version: 1, inputs: { "path": Text(), "name": Text() }, nodes: {
        "load": LoadImage(path: Input("path")), "save": SaveImage(image: From("load.image"), name: Input("name")),
    })"#;
    std::fs::write(folder.path().join("parts/copy.ron"), part).expect("it can be written");
    let whole = r#"Workflow(version: 1, nodes: {
        "one": Include(workflow: "parts/copy.ron", with: (path: "in.png", name: "one")),
        "all": Map(workflow: "parts/copy.ron", over: ["name"], with: (path: "in.png", name: ["a", "b"])),
    })"#;
    std::fs::write(folder.path().join("whole.ron"), whole).expect("it can be written");
    let done = output(folder.path(), &["run", "whole.ron", "-q"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let mut pictures = stdout_lines(&done);
    pictures.sort();
    assert_eq!(pictures.len(), 3, "{pictures:?}");
    std::fs::remove_dir_all(folder.path().join("parts")).expect("it can be removed");
    for picture in pictures {
        let done = output(folder.path(), &["reproduce", &picture]);
        assert_eq!(done.status.code(), Some(0), "{picture}: {}", stderr(&done));
    }
}

#[test]
fn a_recipe_that_was_changed_is_not_run() {
    let folder = folder();
    let picture = draw(folder.path(), &[]);
    forge(folder.path(), &picture, |recipe, _| recipe.node = "load".into());
    let done = output(folder.path(), &["reproduce", &picture]);
    assert_eq!(done.status.code(), Some(2));
    assert!(stderr(&done).contains("is no SaveImage"), "{}", stderr(&done));

    forge(folder.path(), &picture, |recipe, _| recipe.workflow = "Workflow(".into());
    let done = output(folder.path(), &["reproduce", &picture]);
    assert_eq!(done.status.code(), Some(2));
    assert!(stderr(&done).contains("recipe of"), "{}", stderr(&done));
}

#[test]
fn what_carries_no_recipe_is_refused() {
    let folder = folder();
    for (file, word) in [("in.png", "carries no recipe"), ("copy.ron", "not a PNG"), ("none.png", "none.png")] {
        let done = output(folder.path(), &["reproduce", file]);
        assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0));
        assert!(stderr(&done).contains(word), "{}", stderr(&done));
    }
}
